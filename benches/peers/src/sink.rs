//! Where encoded events go, and the check of what arrived there.

use std::hint::black_box;

use crate::{
    encode::{self, Events},
    measure::{Clock, Flaw, Limit, Outcome},
};

pub struct Sink {
    puts: usize,
    /// Only in the first pass, to be checked.
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

/// Times what writes the events, and checks in the first pass that the bytes mean them. Returns the
/// number of puts.
pub fn run(
    clock: &mut Clock,
    events: &Events,
    write: impl FnOnce(&mut Sink) -> Outcome,
) -> Result<usize, Flaw> {
    // Large enough that keeping does not allocate.
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
