//! Events to bytes.

use alloc::vec::Vec;
use core::{borrow::BorrowMut, time::Duration};

use bytes::Bytes;

use crate::{
    event::{Event, millis},
    rewrite::Rewrite,
    scan,
};

/// Encodes events, comments and reconnection times, one behind the other into one buffer.
///
/// Nothing here can fail: what would break a line cannot be an
/// [`EventType`](crate::EventType) or an [`EventId`](crate::EventId), and data and comments are
/// written line by line. Every call writes a whole block, so between two calls the stream is at a
/// boundary.
///
/// ```
/// use sse_wire::{Encoder, Event};
///
/// let mut encoder = Encoder::new();
/// encoder.event(Event::new("first\nsecond")).comment("still here").event(Event::new(""));
/// assert_eq!(
///     encoder.as_bytes(),
///     b"data: first\ndata: second\n\n: still here\n\ndata: \n\n",
/// );
/// let frame = encoder.take();
/// assert!(encoder.as_bytes().is_empty());
/// assert_eq!(frame.as_bytes().len(), 48);
/// ```
///
/// # Form
///
/// Lines end with LF. The fields of an event come in the order `event`, `id`, `retry`, `data`.
/// There always is a space behind the colon, because a value that starts with a space would lose
/// it otherwise, and because there are clients that look for `data: `. Data is split at LF, CR and
/// CRLF; empty data is one `data` line.
///
/// # Buffer
///
/// The encoder has a buffer of its own, or [appends](Self::over) to that of somebody else.
#[derive(Clone, Debug, Default)]
pub struct Encoder<B = Vec<u8>> {
    buffer: B,
}

impl Encoder {
    /// An encoder with an empty buffer, which is not allocated yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An encoder whose buffer has room for this many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { buffer: Vec::with_capacity(bytes) }
    }

    /// What was written since the last [`take`](Self::take) or [`clear`](Self::clear).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Takes what was written.
    ///
    /// Up to some KiB are copied to a frame of just that size, and the encoder keeps its buffer,
    /// which costs less than to allocate another one. More is handed over as it is.
    pub fn take(&mut self) -> Frame {
        if self.buffer.len() > COPIED {
            return Frame(Bytes::from(core::mem::take(&mut self.buffer)));
        }
        let frame = Frame(Bytes::copy_from_slice(&self.buffer));
        self.buffer.clear();
        frame
    }

    /// Forgets what was written, and keeps the buffer.
    pub fn clear(&mut self) {
        self.buffer.clear();
    }
}

impl<'b> Encoder<&'b mut Vec<u8>> {
    /// An encoder that appends to a buffer.
    ///
    /// ```
    /// use sse_wire::{Encoder, Event};
    ///
    /// let mut buffer = Vec::from(*b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n");
    /// let headers = buffer.len();
    /// Encoder::over(&mut buffer).event(Event::new("a")).event(Event::new("b"));
    /// assert_eq!(buffer[headers..], *b"data: a\n\ndata: b\n\n");
    /// ```
    pub fn over(buffer: &'b mut Vec<u8>) -> Self {
        Self { buffer }
    }
}

impl<B: BorrowMut<Vec<u8>>> Encoder<B> {
    /// Writes an event.
    pub fn event<'e>(&mut self, event: impl Into<Event<'e>>) -> &mut Self {
        let event = event.into();
        self.other_fields(&event);
        self.lines(b"data: ", event.data());
        self.end_block()
    }

    #[cfg(feature = "json")]
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        self.buffer.borrow_mut()
    }

    /// Writes all of an event but its data, and the start of that.
    #[cfg(feature = "json")]
    pub(crate) fn begin_data(&mut self, event: Event<'_>) -> &mut Vec<u8> {
        self.other_fields(&event);
        self.buffer.borrow_mut().extend_from_slice(b"data: ");
        self.buffer.borrow_mut()
    }

    #[cfg(feature = "json")]
    pub(crate) fn end_data(&mut self) -> &mut Self {
        self.buffer.borrow_mut().push(scan::LF);
        self.end_block()
    }

    #[inline]
    fn other_fields(&mut self, event: &Event<'_>) {
        if let Some(event_type) = event.event_field() {
            self.line(b"event: ", event_type);
        }
        if let Some(id) = event.id() {
            self.line(b"id: ", id);
        }
        if let Some(millis) = event.retry {
            self.retry_line(millis);
        }
    }

    /// Appends a block of somebody else's stream, changed. See [`Block`](crate::Block).
    pub fn rewritten(&mut self, block: &Rewrite<'_>) -> &mut Self {
        block.write_to(self.buffer.borrow_mut());
        self
    }

    /// Appends blocks that are already encoded.
    ///
    /// ```
    /// use sse_wire::{Encoder, Frame};
    ///
    /// let mut encoder = Encoder::new();
    /// encoder.frame(&Frame::KEEP_ALIVE).frame(&Frame::KEEP_ALIVE);
    /// assert_eq!(encoder.as_bytes(), b":\n\n:\n\n");
    /// ```
    pub fn frame(&mut self, frame: &Frame) -> &mut Self {
        self.buffer.borrow_mut().extend_from_slice(frame.as_bytes());
        self
    }

    /// Writes a comment, a line of its own for each of its lines.
    ///
    /// A receiver ignores it. It shows that the connection lives, or tells something to whoever
    /// reads the bytes.
    pub fn comment(&mut self, text: &str) -> &mut Self {
        self.lines(b": ", text).end_block()
    }

    /// Writes the shortest block, a comment without text: keeps proxies from closing an idle
    /// connection.
    pub fn keep_alive(&mut self) -> &mut Self {
        self.buffer.borrow_mut().extend_from_slice(KEEP_ALIVE);
        self
    }

    /// Sets the receiver's reconnection time, without an event. Whole milliseconds.
    pub fn retry(&mut self, time: Duration) -> &mut Self {
        self.retry_line(millis(time)).end_block()
    }

    #[inline]
    fn lines(&mut self, prefix: &[u8], text: &str) -> &mut Self {
        for line in scan::split_lines(text) {
            self.line(prefix, line);
        }
        self
    }

    #[inline]
    fn line(&mut self, prefix: &[u8], value: &str) {
        let buffer = self.buffer.borrow_mut();
        buffer.reserve(prefix.len() + value.len() + 2);
        buffer.extend_from_slice(prefix);
        buffer.extend_from_slice(value.as_bytes());
        buffer.push(scan::LF);
    }

    fn retry_line(&mut self, millis: u64) -> &mut Self {
        let mut digits = [0; MAX_DIGITS];
        self.line(b"retry: ", decimal(millis, &mut digits));
        self
    }

    fn end_block(&mut self) -> &mut Self {
        self.buffer.borrow_mut().push(scan::LF);
        self
    }
}

const KEEP_ALIVE: &[u8] = b":\n\n";

/// Frames up to this size are copied out of the buffer.
const COPIED: usize = 16 * 1024;

/// Digits of `u64::MAX`.
pub(crate) const MAX_DIGITS: usize = 20;

/// The decimal digits, without the machinery of `core::fmt`.
pub(crate) fn decimal(mut number: u64, digits: &mut [u8; MAX_DIGITS]) -> &str {
    let mut start = MAX_DIGITS;
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    core::str::from_utf8(&digits[start..]).unwrap_or_default()
}

/// Encoded blocks: whole ones, ready to be sent.
///
/// Clones share the bytes, so a frame is encoded once and sent to any number of receivers.
///
/// ```
/// use sse_wire::{Event, Frame};
///
/// let frame = Frame::from(Event::new("to all"));
/// let receivers = [frame.clone(), frame.clone()];
/// assert!(receivers.iter().all(|frame| frame.as_bytes() == b"data: to all\n\n"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Frame(Bytes);

impl Frame {
    /// A comment without text. See [`Encoder::keep_alive`].
    pub const KEEP_ALIVE: Self = Self(Bytes::from_static(KEEP_ALIVE));

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, without copying them.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl From<Event<'_>> for Frame {
    fn from(event: Event<'_>) -> Self {
        let mut encoder = Encoder::new();
        encoder.event(event);
        encoder.take()
    }
}

impl From<Frame> for Bytes {
    fn from(frame: Frame) -> Self {
        frame.0
    }
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn decimal_writes_what_display_writes() {
        for number in [0, 7, 10, 3000, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(decimal(number, &mut [0; MAX_DIGITS]), number.to_string());
        }
    }
}
