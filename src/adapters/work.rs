//! How much one poll does before others have their turn.

use core::task::Context;

/// What a poll has done without an output.
///
/// A source that is always ready, and of which nothing comes out, would otherwise keep its thread for
/// ever. Counted by chunks, so that it costs nothing for each event.
#[derive(Default)]
pub(super) struct Work(usize);

impl Work {
    /// Some 0.1 ms.
    const MOST: usize = 128 << 10;

    /// What a chunk takes beside its bytes.
    const PER_CHUNK: usize = 256;

    /// Counts a chunk that was taken.
    #[inline]
    pub(super) fn add_chunk(&mut self, len: usize) {
        self.0 += Self::PER_CHUNK + len;
    }

    /// Returns `true` if it is the turn of others. The task is then polled again.
    #[inline]
    pub(super) fn gives_way(&self, cx: &Context<'_>) -> bool {
        let gives_way = self.0 > Self::MOST;
        if gives_way {
            cx.waker().wake_by_ref();
        }
        gives_way
    }
}
