//! Bounds the work of one poll, so that other tasks have their turn.

use core::task::Context;

/// Counts what a poll has done without an output.
///
/// A source that is always ready and gives no output would otherwise keep its thread for ever. It
/// counts chunks, not events, so that an event costs nothing.
#[derive(Default)]
pub(super) struct Work(usize);

impl Work {
    /// Takes some 0.1 ms.
    const MOST: usize = 128 << 10;

    /// A chunk takes as long as this many bytes, beside its own.
    const PER_CHUNK: usize = 256;

    /// Counts a chunk that was taken.
    #[inline]
    pub(super) fn add_chunk(&mut self, len: usize) {
        self.0 += Self::PER_CHUNK + len;
    }

    /// Returns `true` if it is the turn of other tasks, and wakes this one to be polled again.
    #[inline]
    pub(super) fn gives_way(&self, cx: &Context<'_>) -> bool {
        let gives_way = self.0 > Self::MOST;
        if gives_way {
            cx.waker().wake_by_ref();
        }
        gives_way
    }
}
