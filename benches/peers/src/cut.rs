//! How the corpora are cut: as in the benchmarks of the crate, and into single bytes as well.

use crate::corpora::{Chunks, Corpus};

/// How much of a corpus is cut into single bytes.
const SINGLE_BYTES: usize = 128 << 10;

/// How much of a corpus suffices if the best of many passes counts: so little that a pass is over
/// before somebody else wants the processor.
const SHORT_BYTES: usize = 512 << 10;
const SHORT_EVENTS: usize = 10_000;

pub fn all() -> Vec<(&'static str, Chunks)> {
    Chunks::ALL.into_iter().chain([("1B", Chunks::Fixed(1))]).collect()
}

/// One byte in each chunk.
pub fn is_single(chunks: Chunks) -> bool {
    matches!(chunks, Chunks::Fixed(1))
}

/// What of a corpus is used with such chunks.
pub fn portion(corpus: &Corpus, chunks: Chunks, is_short: bool) -> Corpus {
    let single = if is_single(chunks) { SINGLE_BYTES } else { usize::MAX };
    let short = if is_short { (SHORT_BYTES, SHORT_EVENTS) } else { (usize::MAX, usize::MAX) };
    prefix(corpus, short.0.min(single), short.1)
}

/// Its first events: as many as fit, but one at least.
fn prefix(corpus: &Corpus, bytes: usize, events: usize) -> Corpus {
    let fitting = corpus.ends.partition_point(|&end| end <= bytes);
    let count = fitting.min(events).max(1);
    let ends = corpus.ends[..count].to_vec();
    Corpus {
        name: corpus.name,
        bytes: corpus.bytes[..ends[count - 1]].to_vec(),
        events: corpus.events[..count].to_vec(),
        ends,
    }
}
