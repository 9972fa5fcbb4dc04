//! What the benchmarks have in common, as far as it concerns criterion.

use std::time::Duration;

use criterion::{Criterion, Throughput};

use crate::corpora::Corpus;

/// Short times. Set here and not in the groups, so that the command line has the last word.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
}

/// Events and bytes of a corpus.
pub fn throughput(corpus: &Corpus) -> Throughput {
    Throughput::ElementsAndBytes {
        elements: corpus.events.len() as u64,
        bytes: corpus.bytes.len() as u64,
    }
}
