//! What a gateway passes on, part by part.

use alloc::vec::Vec;
use core::mem;

use bytes::Bytes;

/// Parts of a stream, which leave one by one in their order.
#[derive(Default)]
pub(super) struct Outgoing {
    parts: Vec<Bytes>,
    /// How many have left. They are empty, and removed when the last one has left, so that one
    /// allocation serves all chunks.
    left: usize,
}

impl Outgoing {
    /// Returns the parts, to append more.
    pub(super) fn parts(&mut self) -> &mut Vec<Bytes> {
        &mut self.parts
    }

    /// Returns the next part; `None` if all have left.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        let Some(part) = self.parts.get_mut(self.left) else {
            self.parts.clear();
            self.left = 0;
            return None;
        };
        self.left += 1;
        Some(mem::take(part))
    }
}
