//! Tests of the core.
//!
//! - `conformance`: the cases of `tests/vectors.json`, with every face and every split;
//! - `properties`: the laws, on generated streams;
//! - `reference`, `model`: slow, obvious decoders, for the standard and for limits and options;
//! - `walks`: several connections, clones, and readers that are dropped or leaked;
//! - `policies`: limits and options;
//! - `encoding`: the encoder's output, byte for byte;
//! - `blocks`, `events`: the block view, and events as values;
//! - `gateway`: rewriting, filtering, injecting;
//! - `replay_log`, `resume`: the log of a server, and reconnections to it;
//! - `faults`: bugs of earlier versions;
//! - `body_kind`: bodies that are not event streams;
//! - `memory`: the law *bounded*, measured on the heap for every face;
//! - `reconnect`: the reconnection policy;
//! - `resources`: allocations and types;
//! - `benchmarks`: checks that the benchmarks measure the right streams.

mod benchmarks;
mod blocks;
mod body_kind;
mod conformance;
#[path = "../../benches/corpora/mod.rs"]
mod corpora;
mod encoding;
mod events;
mod faces;
mod faults;
mod gateway;
mod heap;
mod laws;
mod memory;
mod model;
mod policies;
mod properties;
mod reconnect;
#[path = "../reference/mod.rs"]
mod reference;
mod replay_log;
mod resources;
mod resume;
mod sources;
mod streams;
mod walks;
