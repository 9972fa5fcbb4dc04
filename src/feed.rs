//! The chunk under way, and chunks that were not read to their end.

use alloc::{boxed::Box, collections::VecDeque};

use bytes::Bytes;

use crate::{
    chunk::{Chunk, Source},
    machine::Machine,
};

/// What callers left unread, in order. Behind a pointer, because hardly any caller does.
#[derive(Clone, Debug, Default)]
#[expect(clippy::box_collection, reason = "a quarter of the size, in every decoder")]
pub(crate) struct Unread(Option<Box<VecDeque<Bytes>>>);

impl Unread {
    pub(crate) fn len(&self) -> u64 {
        self.0.iter().flat_map(|queue| queue.iter()).map(|bytes| bytes.len() as u64).sum()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }

    /// Lets a chunk wait behind what was left unread, of which the first comes back.
    #[cold]
    fn queue<'d>(&mut self, last: Source<'d>) -> Source<'d> {
        let Some(first) = self.pop() else { return last };
        self.0.get_or_insert_default().push_back(last.into_bytes());
        Source::Shared(first)
    }

    fn pop(&mut self) -> Option<Bytes> {
        let queue = self.0.as_deref_mut()?;
        let first = queue.pop_front();
        if queue.is_empty() {
            self.0 = None;
        }
        first
    }
}

/// A chunk that is being read.
#[derive(Debug)]
pub(crate) struct Feed<'d> {
    pub(crate) chunk: Chunk<'d>,
    /// How far it was read.
    pub(crate) pos: usize,
}

impl<'d> Feed<'d> {
    #[inline]
    pub(crate) fn new(source: Source<'d>, unread: &mut Unread) -> Self {
        let source = if unread.is_empty() { source } else { unread.queue(source) };
        Self { chunk: Chunk::new(source), pos: 0 }
    }

    /// The bytes that were not read, to be kept.
    fn rest(&self) -> Bytes {
        self.chunk.slice(self.pos..self.chunk.bytes().len())
    }

    /// The chunk is used up: goes on with the next that was left unread. Whether there is one.
    #[inline]
    pub(crate) fn advance(&mut self, machine: &mut Machine, unread: &mut Unread) -> bool {
        machine.consume(self.pos);
        self.pos = 0;
        self.chunk.clear();
        !unread.is_empty() && self.dequeue(unread)
    }

    #[cold]
    fn dequeue(&mut self, unread: &mut Unread) -> bool {
        let Some(next) = unread.pop() else { return false };
        self.chunk = Chunk::new(Source::Shared(next));
        true
    }

    /// The caller reads no further for now: keeps the rest for the next time.
    #[inline]
    pub(crate) fn give_back(&mut self, machine: &mut Machine, unread: &mut Unread) {
        // The LF of the last event's CRLF is nothing to be left unread.
        machine.take_lf(self.chunk.bytes(), &mut self.pos);
        if self.pos < self.chunk.bytes().len() {
            self.keep_rest(machine, unread);
        }
        machine.consume(self.pos);
    }

    #[cold]
    fn keep_rest(&mut self, machine: &Machine, unread: &mut Unread) {
        if machine.has_failed() {
            self.pos = self.chunk.bytes().len();
        } else {
            unread.0.get_or_insert_default().push_front(self.rest());
        }
    }
}
