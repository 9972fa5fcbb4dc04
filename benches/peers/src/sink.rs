//! The destination of encoded events, and the check of what was written.

use std::hint::black_box;

use crate::{
    encode::{self, Events},
    measure::{Clock, Flaw, Limit, Outcome},
};

pub struct Sink {
    puts: usize,
    /// The bytes of the first pass, which are checked.
    kept: Option<Vec<u8>>,
    limit: Limit,
}

impl Sink {
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) -> Outcome {
        black_box(bytes);
        self.puts += 1;
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(bytes);
        }
        self.limit.check()
    }
}

/// Measures the time of `write`. In the first pass, checks that the bytes decode to the events.
/// Returns the number of puts.
pub fn run(
    clock: &mut Clock,
    events: &Events,
    write: impl FnOnce(&mut Sink) -> Outcome,
) -> Result<usize, Flaw> {
    // Large enough to avoid allocations.
    let kept = clock.is_first.then(|| Vec::with_capacity(2 * encode::encoded_len(events)));
    let Sink { puts, kept, .. } = clock.time(|limit| {
        let mut sink = Sink { puts: 0, kept, limit };
        write(&mut sink).map(|()| sink)
    })?;
    if let Some(kept) = kept {
        encode::check(&kept, events)?;
    }
    Ok(puts)
}
