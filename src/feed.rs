//! The chunk under way, and chunks that were not read to their end.

use alloc::{boxed::Box, collections::VecDeque};
use core::ops::Range;

use bytes::Bytes;

use crate::{interpret::Input, machine::Machine, text};

/// Where the bytes under way are.
#[derive(Debug)]
pub(crate) enum Source<'d> {
    Borrowed(&'d [u8]),
    Shared(Bytes),
}

impl Source<'_> {
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
    pub(crate) fn new(source: Source<'d>, unread: &mut Unread) -> Self {
        let mut feed = Self { source, pos: 0, text: "", text_start: 0, checked: false };
        if let Some(first) = unread.pop() {
            let last = feed.source.slice_from(0);
            unread.0.get_or_insert_default().push_back(last);
            feed.source = Source::Shared(first);
        }
        feed
    }

    #[inline]
    pub(crate) fn input(&self) -> Input<'_> {
        Input { bytes: self.source.bytes(), text: self.text, text_start: self.text_start }
    }

    pub(crate) fn source(&self) -> &Source<'d> {
        &self.source
    }

    /// Checks what is left of the chunk, from `start` on, at the first value that lies whole in
    /// it: at once, because the check costs more for many short values than for one long, and not
    /// before, because what only goes to the buffers is checked there.
    #[inline]
    pub(crate) fn check_text(&mut self, start: usize) {
        if !self.checked {
            self.checked = true;
            if let Source::Borrowed(bytes) = self.source {
                self.text = text::valid_prefix(&bytes[start..]);
                self.text_start = start;
            }
        }
    }

    /// The source is used up: goes on with the next that was left unread. Whether there is one.
    pub(crate) fn advance(&mut self, machine: &mut Machine, unread: &mut Unread) -> bool {
        machine.consume(self.pos);
        let next = unread.pop();
        let more = next.is_some();
        *self = Self {
            source: next.map_or(Source::Borrowed(&[]), Source::Shared),
            pos: 0,
            text: "",
            text_start: 0,
            checked: false,
        };
        more
    }

    /// The caller reads no further for now: keeps the rest for the next time.
    pub(crate) fn give_back(&mut self, machine: &mut Machine, unread: &mut Unread) {
        let len = self.source.bytes().len();
        if machine.has_failed() {
            self.pos = len;
        }
        machine.consume(self.pos);
        if self.pos < len {
            let rest = self.source.slice_from(self.pos);
            unread.0.get_or_insert_default().push_front(rest);
        }
    }
}
