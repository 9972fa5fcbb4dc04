//! The parts of the benchmarks that depend on criterion.

use std::time::Duration;

use criterion::{Criterion, Throughput};

use crate::corpora::Corpus;

/// Sets short times, here instead of in the groups, so that the command line can override them.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
}

/// Returns the number of events and bytes of a corpus.
pub fn throughput(corpus: &Corpus) -> Throughput {
    Throughput::ElementsAndBytes {
        elements: corpus.events.len() as u64,
        bytes: corpus.bytes.len() as u64,
    }
}
