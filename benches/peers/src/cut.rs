//! Splits the corpora as the benchmarks of the crate do, and into single bytes as well.

use crate::corpora::{Chunks, Corpus};

/// The number of bytes of a corpus that are fed one at a time.
const SINGLE_BYTES: usize = 128 << 10;

/// The size of a corpus when the best of many passes counts. A pass is then so short that it ends
/// before another program needs the processor.
const SHORT_BYTES: usize = 512 << 10;
const SHORT_EVENTS: usize = 10_000;

pub fn all() -> Vec<(&'static str, Chunks)> {
    Chunks::ALL.into_iter().chain([("1B", Chunks::Fixed(1))]).collect()
}

/// Returns `true` if each chunk is a single byte.
pub fn is_single(chunks: Chunks) -> bool {
    matches!(chunks, Chunks::Fixed(1))
}

/// Returns the part of a corpus that is used with such chunks.
pub fn portion(corpus: &Corpus, chunks: Chunks, is_short: bool) -> Corpus {
    let single = if is_single(chunks) { SINGLE_BYTES } else { usize::MAX };
    let short = if is_short { (SHORT_BYTES, SHORT_EVENTS) } else { (usize::MAX, usize::MAX) };
    prefix(corpus, short.0.min(single), short.1)
}

/// Returns the first events of a corpus: as many as fit, but at least one.
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
