//! For gateways, between a server and its clients: change blocks, drop them, add others.

mod filter;
mod injector;
mod parts;
mod rewrite;

pub use self::{
    filter::{BlockFilter, Verdict},
    injector::Injector,
    rewrite::{PartError, Rewrite},
};
