//! Resumption: when a client reconnects.

mod reconnect;

pub use self::reconnect::{ConnectionEnd, GaveUp, Reconnect};
