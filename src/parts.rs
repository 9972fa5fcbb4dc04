//! Output in parts: large ones share the memory of the input, and all between them is copied.

use alloc::vec::Vec;
use core::{mem, ops::Range};

use bytes::Bytes;

/// Parts of at least this many bytes are shared, smaller ones copied: that costs less than to count
/// one more reference, up to about here.
const SHARED: usize = 512;

/// What leaves of an input.
#[derive(Debug)]
pub(crate) struct Parts<'p> {
    input: &'p Bytes,
    /// What was kept of the input, side by side, and has not left yet.
    kept: Range<usize>,
    copied: Vec<u8>,
    output: &'p mut Vec<Bytes>,
}

impl<'p> Parts<'p> {
    pub(crate) fn new(input: &'p Bytes, output: &'p mut Vec<Bytes>) -> Self {
        Self { input, kept: 0..0, copied: Vec::new(), output }
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
    }

    /// Appends what is written to the end of a buffer, without a copy of it. Whether that is any.
    #[inline]
    pub(crate) fn write<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> T) -> (bool, T) {
        let start = self.copied.len();
        let result = write(&mut self.copied);
        let is_any = self.copied.len() > start;
        if is_any {
            if !self.kept.is_empty() {
                self.put_kept_before(start);
            } else if start > 0 && self.copied.capacity() < self.input.len() {
                // The second one in a row: most likely, there will be more.
                self.copied.reserve(self.input.len() + self.input.len() / 8);
            }
        }
        (is_any, result)
    }

    /// What was kept comes before what was copied from `start` on.
    #[cold]
    fn put_kept_before(&mut self, start: usize) {
        let written = self.copied.split_off(start);
        self.flush_kept();
        if self.copied.is_empty() {
            self.copied = written;
        } else {
            self.copied.extend_from_slice(&written);
        }
    }

    pub(crate) fn finish(mut self) {
        self.flush_kept();
        self.flush_copied();
    }

    fn flush_kept(&mut self) {
        let kept = mem::replace(&mut self.kept, 0..0);
        if kept.len() < SHARED {
            self.copied.extend_from_slice(&self.input[kept]);
        } else {
            self.flush_copied();
            self.output.push(self.input.slice(kept));
        }
    }

    fn flush_copied(&mut self) {
        if !self.copied.is_empty() {
            self.output.push(mem::take(&mut self.copied).into());
        }
    }
}
