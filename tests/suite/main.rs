//! The proof that the codec keeps its laws.
//!
//! - `conformance`: the cases of `tests/vectors.json`, through every face and every split;
//! - `properties`: the laws, on generated streams;
//! - `model`, `reference`: what is right, slow and obvious;
//! - `walks`: reconnections, clones and leaks;
//! - `policies`: limits and options;
//! - `encoding`: what is written, byte for byte;
//! - `blocks`, `events`: the block view, and events as values;
//! - `gateway`: rewriting, filtering, injecting;
//! - `replay_log`, `resume`: the log of a server, and reconnections to it;
//! - `faults`: what the first core got wrong;
//! - `model`, `walks`: a model of the limits, and readers that stop, leak, clone and reconnect;
//! - `memory`: the law `bounded`, on the heap, for every face;
//! - `reconnect`: the policy for reconnections;
//! - `resources`: allocations and types;
//! - `benchmarks`: that the benchmarks measure the right thing.

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
mod streams;
mod walks;
