//! The chunk under way, and chunks that were not read to their end.

use alloc::{boxed::Box, collections::VecDeque};
use core::ops::Range;

use bytes::Bytes;

use crate::{machine::Machine, text};

/// Where the bytes under way are.
#[derive(Debug)]
pub(crate) enum Source<'d> {
    Borrowed(&'d [u8]),
    Shared(Bytes),
}

impl Source<'_> {
    #[inline]
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    /// Some of the bytes, to be kept.
    pub(crate) fn slice(&self, range: Range<usize>) -> Bytes {
        match self {
            Self::Borrowed(bytes) => Bytes::copy_from_slice(&bytes[range]),
            Self::Shared(bytes) => bytes.slice(range),
        }
    }

    /// The bytes from `pos` on, to be kept.
    fn slice_from(&self, pos: usize) -> Bytes {
        self.slice(pos..self.bytes().len())
    }
}

/// What callers left unread, in order. Behind a pointer, because hardly any caller does.
#[derive(Clone, Debug, Default)]
#[expect(clippy::box_collection, reason = "a quarter of the size, in every decoder")]
pub(crate) struct Unread(Option<Box<VecDeque<Bytes>>>);

impl Unread {
    pub(crate) fn len(&self) -> u64 {
        self.0.iter().flat_map(|queue| queue.iter()).map(|bytes| bytes.len() as u64).sum()
    }

    pub(crate) fn clear(&mut self) {
        self.0 = None;
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
    source: Source<'d>,
    /// How far it was read.
    pub(crate) pos: usize,
    /// The part of a borrowed source that was found to be UTF-8. A shared source is checked value
    /// by value: it cannot be kept together with a borrow of itself.
    text: &'d str,
    text_start: usize,
    checked: bool,
}

impl<'d> Feed<'d> {
    #[inline]
    pub(crate) fn new(source: Source<'d>, unread: &mut Unread) -> Self {
        let mut feed = Self { source, pos: 0, text: "", text_start: 0, checked: false };
        if unread.0.is_some() {
            feed.queue(unread);
        }
        feed
    }

    /// Lets the chunk wait behind what was left unread.
    #[cold]
    fn queue(&mut self, unread: &mut Unread) {
        if let Some(first) = unread.pop() {
            let last = self.source.slice_from(0);
            unread.0.get_or_insert_default().push_back(last);
            self.source = Source::Shared(first);
        }
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.source.bytes()
    }

    pub(crate) fn source(&self) -> &Source<'d> {
        &self.source
    }

    /// A whole value as text, if the chunk is known to be text there.
    ///
    /// What is left of the chunk is checked at the first value that lies whole in it: at once,
    /// because the check costs more for many short values than for one long, and not before,
    /// because what goes to the buffers is checked there.
    #[inline]
    pub(crate) fn text(&mut self, value: &Range<usize>) -> Option<&'d str> {
        if !self.checked {
            self.check(value.start);
        }
        let start = value.start - self.text_start;
        self.text.get(start..value.end - self.text_start)
    }

    fn check(&mut self, start: usize) {
        self.checked = true;
        self.text_start = start;
        if let Source::Borrowed(bytes) = self.source {
            self.text = text::valid_prefix(&bytes[start..]);
        }
    }

    /// The source is used up: goes on with the next that was left unread. Whether there is one.
    #[inline]
    pub(crate) fn advance(&mut self, machine: &mut Machine, unread: &mut Unread) -> bool {
        machine.consume(self.pos);
        self.source = Source::Borrowed(&[]);
        self.pos = 0;
        unread.0.is_some() && self.dequeue(unread)
    }

    #[cold]
    fn dequeue(&mut self, unread: &mut Unread) -> bool {
        let next = unread.pop();
        let more = next.is_some();
        if let Some(next) = next {
            let source = Source::Shared(next);
            *self = Self { source, pos: 0, text: "", text_start: 0, checked: false };
        }
        more
    }

    /// The caller reads no further for now: keeps the rest for the next time.
    #[inline]
    pub(crate) fn give_back(&mut self, machine: &mut Machine, unread: &mut Unread) {
        // The LF of the last event's CRLF is nothing to be left unread.
        machine.take_lf(self.source.bytes(), &mut self.pos);
        if self.pos < self.bytes().len() {
            self.keep_rest(machine, unread);
        }
        machine.consume(self.pos);
    }

    #[cold]
    fn keep_rest(&mut self, machine: &Machine, unread: &mut Unread) {
        if machine.has_failed() {
            self.pos = self.bytes().len();
        } else {
            let rest = self.source.slice_from(self.pos);
            unread.0.get_or_insert_default().push_front(rest);
        }
    }
}
