//! The proof that the codec keeps its laws.
//!
//! - `conformance`: the cases of `tests/vectors.json`, through every face and every split;
//! - `properties`: the laws, on generated streams;
//! - `policies`: limits and options;
//! - `encoding`: what is written, byte for byte;
//! - `resources`: memory and types.

mod conformance;
mod encoding;
mod faces;
mod laws;
mod policies;
mod properties;
#[path = "../reference/mod.rs"]
mod reference;
mod resources;
mod streams;
