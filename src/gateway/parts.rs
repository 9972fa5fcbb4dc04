//! Output in parts: large ones share the memory of the input, and all between them is copied.

use alloc::vec::Vec;
use core::{mem, ops::Range};

use bytes::Bytes;

/// Parts of at least this many bytes are shared, smaller ones copied: that costs less than to count
/// one more reference, up to about here.
const SHARED: usize = 512;

/// Collects what leaves of an input. All of it is in the output when this is dropped.
///
/// The order of the output is: what is there already, `copied` up to `accepted`, `kept`.
#[derive(Debug)]
pub(crate) struct Parts<'p> {
    input: &'p Bytes,
    output: &'p mut Vec<Bytes>,
    copied: Vec<u8>,
    /// How many of the copied bytes are to leave. The rest is written, but not decided on.
    accepted: usize,
    /// What was kept of the input, side by side.
    kept: Range<usize>,
}

impl<'p> Parts<'p> {
    pub(crate) fn new(input: &'p Bytes, output: &'p mut Vec<Bytes>) -> Self {
        Self { input, output, copied: Vec::new(), accepted: 0, kept: 0..0 }
    }

    /// Appends a part of the input.
    #[inline]
    pub(crate) fn keep(&mut self, part: Range<usize>) {
        if part.start == self.kept.end && !self.kept.is_empty() {
            self.kept.end = part.end;
        } else {
            self.flush_kept();
            self.kept = part;
        }
    }

    /// Appends other bytes.
    pub(crate) fn copy(&mut self, bytes: &[u8]) {
        self.flush_kept();
        self.copied.extend_from_slice(bytes);
        self.accepted = self.copied.len();
    }

    /// Returns a buffer to append to. What is appended leaves if it is [accepted](Self::accept).
    #[inline]
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.copied
    }

    /// Lets leave what was appended to the buffer. Returns `true` if that is anything.
    #[inline]
    pub(crate) fn accept(&mut self) -> bool {
        let start = self.accepted;
        self.accepted = self.copied.len();
        if self.accepted <= start {
            return false;
        }
        if !self.kept.is_empty() {
            self.put_kept_before(start);
        } else if start > 0 && self.copied.capacity() < self.input.len() {
            // The second one in a row: most likely, there will be more.
            self.copied.reserve(self.input.len() + self.input.len() / 8);
        }
        true
    }

    /// Discards what was appended to the buffer and was not accepted.
    pub(crate) fn discard(&mut self) {
        self.copied.truncate(self.accepted);
    }

    /// Moves what was kept before what was copied from `start` on.
    #[cold]
    fn put_kept_before(&mut self, start: usize) {
        let written = self.copied.split_off(start);
        self.flush_kept();
        self.copy(&written);
    }

    fn flush_kept(&mut self) {
        let kept = mem::replace(&mut self.kept, 0..0);
        if kept.len() < SHARED {
            self.copied.extend_from_slice(&self.input[kept]);
        } else {
            self.flush_copied();
            self.output.push(self.input.slice(kept));
        }
        self.accepted = self.copied.len();
    }

    fn flush_copied(&mut self) {
        if !self.copied.is_empty() {
            self.output.push(mem::take(&mut self.copied).into());
        }
    }
}

/// Appends the rest to the output, and does so too if a panic ends the work early.
impl Drop for Parts<'_> {
    fn drop(&mut self) {
        self.discard();
        self.flush_kept();
        self.flush_copied();
    }
}
