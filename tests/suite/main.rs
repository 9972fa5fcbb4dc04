//! The proof that the codec keeps its laws.
//!
//! - `conformance`: the cases of `tests/vectors.json`, through every face and every split;
//! - `properties`: the laws, on generated streams;
//! - `policies`: limits and options;
//! - `encoding`: what is written, byte for byte;
//! - `blocks`, `events`: the block view, and events as values;
//! - `resources`: memory and types;
//! - `benchmarks`: that the benchmarks measure the right thing.

mod benchmarks;
mod blocks;
mod conformance;
#[path = "../../benches/corpora/mod.rs"]
mod corpora;
mod encoding;
mod events;
mod faces;
mod gateway;
mod laws;
mod policies;
mod properties;
#[path = "../reference/mod.rs"]
mod reference;
mod resources;
mod streams;
