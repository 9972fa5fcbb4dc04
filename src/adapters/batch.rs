//! What a body sends together.

use alloc::vec::Vec;

use crate::{
    encode::Encode,
    encoder::{Encoder, Frame},
};

/// The size at which a batch is sent, and from which a frame is not copied into one.
///
/// Large enough that the cost of a frame is small beside the cost of its events, and small enough to
/// stay in the nearest caches.
const FULL: usize = 16 * 1024;

/// The memory for a batch of small events: the last one of them may go beyond `FULL`.
const ROOM: usize = FULL + FULL / 8;

/// The most memory that is allocated because the last batch had as much.
const FORESEEN: usize = 64 * 1024;

/// The most memory that an idle connection keeps for its next event.
const KEPT: usize = 8 * 1024;

/// Blocks that leave in as few frames as possible: those in the encoder, and then `last`.
#[derive(Default)]
pub(super) struct Batch {
    encoder: Encoder,
    /// A frame that was encoded elsewhere. It is sent as it is if it is alone or large. Otherwise
    /// it is copied to the encoder before the next blocks are.
    // Invariant: not empty.
    last: Option<Frame>,
}

impl Batch {
    /// Appends a value. After an error the batch is as before.
    #[inline]
    pub(super) fn push<T: Encode>(&mut self, value: T) -> Result<(), T::Error> {
        if value.is_encoded() {
            self.push_frame(value.into_frame()?);
            return Ok(());
        }
        self.copy_last();
        let len = self.encoder.as_bytes().len();
        if len > KEPT / 2 {
            self.make_room();
        }
        value.encode(&mut self.encoder).inspect_err(|_| self.encoder.buffer().truncate(len))
    }

    fn push_frame(&mut self, frame: Frame) {
        if frame.as_bytes().is_empty() {
            return;
        }
        self.copy_last();
        if self.encoder.as_bytes().is_empty() || frame.as_bytes().len() >= FULL {
            self.last = Some(frame);
        } else {
            self.encoder.frame(&frame);
        }
    }

    /// Allocates for a full batch, so that the buffer is not copied each time that it doubles.
    #[inline]
    fn make_room(&mut self) {
        let buffer = self.encoder.buffer();
        if buffer.capacity() < ROOM {
            buffer.reserve_exact(ROOM - buffer.len());
        }
    }

    #[inline]
    fn copy_last(&mut self) {
        if let Some(last) = self.last.take() {
            self.encoder.frame(&last);
        }
    }

    /// Returns `true` if nothing more should be appended before something is taken.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.encoder.as_bytes().len() >= FULL
            || self.last.as_ref().is_some_and(|last| last.as_bytes().len() >= FULL)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.encoder.as_bytes().is_empty() && self.last.is_none()
    }

    /// Returns the next frame. It is empty only if the batch is.
    pub(super) fn take(&mut self) -> Frame {
        let len = self.encoder.as_bytes().len();
        if len == 0 {
            return self.last.take().unwrap_or_default();
        }
        let frame = self.encoder.take();
        // The next batch will probably be as large.
        if len >= FULL {
            self.encoder.buffer().reserve_exact((len + len / 8).min(FORESEEN));
        }
        frame
    }

    /// Frees memory that an idle connection should not keep.
    #[inline]
    pub(super) fn rest(&mut self) {
        if self.encoder.buffer().capacity() > KEPT {
            *self.encoder.buffer() = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn an_idle_connection_keeps_little_memory() {
        for (count, len) in [(1, 10), (20, 200), (100, 200), (1, 30_000), (3, 1_000_000)] {
            let mut batch = Batch::default();
            let text = "x".repeat(len);
            for _ in 0..count {
                let Ok(()) = batch.push(&text[..]);
                while batch.is_full() {
                    batch.take();
                    assert!(batch.encoder.buffer().capacity() <= FORESEEN);
                }
            }
            while !batch.is_empty() {
                batch.take();
            }
            batch.rest();
            assert!(batch.encoder.buffer().capacity() <= KEPT, "{count} of {len} bytes");
        }
    }

    #[test]
    fn the_buffer_of_a_full_batch_does_not_grow_step_by_step() {
        let mut batch = Batch::default();
        let mut capacities = Vec::new();
        let text = "x".repeat(240);
        while capacities.len() < 200 {
            let Ok(()) = batch.push(String::from(&text));
            if batch.is_full() {
                batch.take();
            }
            capacities.push(batch.encoder.buffer().capacity());
        }
        capacities.dedup();
        assert!(capacities.len() <= 8, "{capacities:?}");
        assert!(capacities.last().is_some_and(|&capacity| capacity < 2 * FULL), "{capacities:?}");
    }
}
