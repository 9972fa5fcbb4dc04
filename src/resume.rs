//! Resumption: when a client reconnects, and what a server keeps for it.

mod reconnect;
mod replay_log;

pub use self::{
    reconnect::{ConnectionEnd, GaveUp, Reconnect},
    replay_log::{GapReason, ReplayCursor, ReplayGap, ReplayId, ReplayLog},
};
