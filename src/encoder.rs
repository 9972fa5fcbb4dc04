//! The encoder: events to bytes.

use alloc::vec::Vec;
use core::{
    borrow::{Borrow, BorrowMut},
    fmt,
    time::Duration,
};

use bytes::Bytes;

use crate::{
    event::{Event, millis},
    value::EventId,
    wire::{self, MAX_DIGITS, ShortenedBytes, decimal},
};

/// Encodes events, comments and reconnection times into a buffer.
///
/// Encoding cannot fail. An [`EventType`](crate::EventType) and an [`EventId`](crate::EventId)
/// never contain a line end, and the encoder splits data and comments into lines. Each call appends
/// a complete block, so other blocks may be sent between two calls.
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
/// # Output format
///
/// Lines end with LF. The fields of an event are written in the order `event`, `id`, `retry`,
/// `data`. A space always follows the colon: a value that starts with a space would lose that space
/// otherwise, and some clients look for `data: `. Data is split at LF, CR and CRLF. Empty data is
/// written as one `data` line.
///
/// # Buffer
///
/// The encoder owns its buffer, or [appends](Self::over) to a buffer of the caller.
#[derive(Clone, Default)]
pub struct Encoder<B = Vec<u8>> {
    buffer: B,
}

impl Encoder {
    /// Creates an encoder with an empty buffer, without allocating.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an encoder whose buffer has room for at least this many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { buffer: Vec::with_capacity(bytes) }
    }

    /// Returns the bytes that were encoded since the buffer was last empty.
    ///
    /// [`take`](Self::take) and [`clear`](Self::clear) empty the buffer.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Returns the encoded bytes as a frame, and empties the buffer.
    ///
    /// Up to 16 KiB are copied, so that the encoder can reuse its buffer, which costs less than
    /// allocating another. With more than that, the frame takes over the buffer.
    pub fn take(&mut self) -> Frame {
        if self.buffer.len() > wire::COPIED {
            return Frame(Bytes::from(core::mem::take(&mut self.buffer)));
        }
        let frame = Frame(Bytes::copy_from_slice(&self.buffer));
        self.buffer.clear();
        frame
    }

    /// Returns the encoded bytes as a frame, without copying them.
    pub(crate) fn into_frame(self) -> Frame {
        // A boxed slice becomes `Bytes` without another allocation, a vector with spare room does not.
        Frame(Bytes::from(self.buffer.into_boxed_slice()))
    }

    /// Empties the buffer, but keeps its memory.
    pub fn clear(&mut self) {
        self.buffer.clear();
    }
}

impl<'b> Encoder<&'b mut Vec<u8>> {
    /// Creates an encoder that appends to a buffer of the caller.
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
    /// Appends an event.
    // Small enough to be inlined. An event that the caller has just built then stays in registers,
    // and the compiler drops the tests for fields that it lacks. That saves a third of the time for
    // an event of a few bytes.
    #[inline]
    pub fn event<'e>(&mut self, event: impl Into<Event<'e>>) -> &mut Self {
        let event = event.into();
        let buffer = self.buffer.borrow_mut();
        append_other_fields(buffer, &event);
        append_data(buffer, event.data);
        self
    }

    /// Returns the buffer. Append complete blocks only.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        self.buffer.borrow_mut()
    }

    /// Appends the blocks of a frame.
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

    /// Appends a comment, with a comment line for each line of the text.
    ///
    /// Receivers ignore comments. A comment can keep a connection open, or explain the stream to
    /// the reader of its bytes.
    pub fn comment(&mut self, text: &str) -> &mut Self {
        append_lines(self.buffer.borrow_mut(), b": ", b"\n: ", text.as_bytes());
        self
    }

    /// Appends an empty comment, the shortest block there is.
    ///
    /// Sent from time to time, it keeps proxies from closing an idle connection.
    pub fn keep_alive(&mut self) -> &mut Self {
        self.buffer.borrow_mut().extend_from_slice(KEEP_ALIVE);
        self
    }

    /// Appends a block that sets the receiver's last event ID and dispatches no event.
    ///
    /// It tells a receiver its place in a log, for instance when it has just connected, so that it can
    /// resume there even if it is cut off before its first event. A
    /// [`ReplayLog`](crate::ReplayLog) does this by itself.
    ///
    /// ```
    /// use sse_wire::{Encoder, EventId};
    ///
    /// let mut encoder = Encoder::new();
    /// encoder.id(EventId::new("7-0")?);
    /// assert_eq!(encoder.as_bytes(), b"id: 7-0\n\n");
    /// # Ok::<_, sse_wire::InvalidValue>(())
    /// ```
    pub fn id(&mut self, id: EventId<'_>) -> &mut Self {
        let buffer = self.buffer.borrow_mut();
        append_id(buffer, id.as_str());
        buffer.push(wire::LF);
        self
    }

    /// Appends a block that sets the receiver's reconnection time and dispatches no event.
    ///
    /// The time is truncated to milliseconds, and saturates at `u64::MAX` milliseconds.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sse_wire::Encoder;
    ///
    /// let mut encoder = Encoder::with_capacity(64);
    /// encoder.retry(Duration::from_secs(3)).keep_alive();
    /// assert_eq!(encoder.as_bytes(), b"retry: 3000\n\n:\n\n");
    /// encoder.clear();
    /// assert!(encoder.as_bytes().is_empty());
    /// ```
    pub fn retry(&mut self, time: Duration) -> &mut Self {
        let buffer = self.buffer.borrow_mut();
        append_retry(buffer, millis(time));
        buffer.push(wire::LF);
        self
    }
}

impl<B: Borrow<Vec<u8>>> fmt::Debug for Encoder<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("buffer", &ShortenedBytes(self.buffer.borrow())).finish()
    }
}

/// Appends every field of an event except its data.
#[inline]
pub(crate) fn append_other_fields(buffer: &mut Vec<u8>, event: &Event<'_>) {
    if let Some(event_type) = event.event_type {
        append_event_type(buffer, event_type);
    }
    if let Some(id) = event.id() {
        append_id(buffer, id);
    }
    if let Some(millis) = event.retry {
        append_retry(buffer, millis);
    }
}

fn append_event_type(buffer: &mut Vec<u8>, event_type: &str) {
    append_line(buffer, b"event: ", event_type);
}

fn append_id(buffer: &mut Vec<u8>, id: &str) {
    append_line(buffer, b"id: ", id);
}

fn append_retry(buffer: &mut Vec<u8>, millis: u64) {
    append_line(buffer, b"retry: ", decimal(millis, &mut [0; MAX_DIGITS]));
}

// Here and below, field names are arrays: the compiler copies an array without a call.
#[inline]
fn append_line<const N: usize>(buffer: &mut Vec<u8>, start: &[u8; N], value: &str) {
    buffer.reserve(N + value.len() + 1);
    buffer.extend_from_slice(start);
    buffer.extend_from_slice(value.as_bytes());
    buffer.push(wire::LF);
}

/// Appends the `data` fields of an event and its blank line.
fn append_data(buffer: &mut Vec<u8>, data: &str) {
    let data = data.as_bytes();
    if !append_short_data(buffer, data) {
        append_any_data(buffer, data);
    }
}

/// Does the same for data of one line and at most 16 bytes, if the buffer has room for it.
///
/// Otherwise appends nothing and returns `false`. Also returns `false` for data with one of a few
/// control characters.
// Services that stream single tokens send such data. One call to search it and one to copy it would
// take longer than everything else. So this function searches and stores the data as words in
// registers. It stores whole words, and then truncates the buffer to the length of the block. That
// halves the time for an event.
#[inline]
fn append_short_data(buffer: &mut Vec<u8>, data: &[u8]) -> bool {
    const START: u64 = u64::from_le_bytes(*b"data: \0\0");
    const START_LEN: usize = 6;
    const END: u16 = u16::from_le_bytes(*b"\n\n");

    let len = data.len();
    // At most 24 bytes are stored below. With this check, the compiler drops most of the code that
    // grows the buffer.
    if len > 16 || buffer.capacity() - buffer.len() < 24 {
        return false;
    }
    let start = buffer.len();
    if let (Some(first), Some(last)) = (data.first_chunk(), data.last_chunk()) {
        // The two words cover 8 to 16 bytes, and overlap if there are fewer than 16.
        let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
        if may_hold_line_end(first) || may_hold_line_end(last) {
            return false;
        }
        let block = u128::from(START) | u128::from(first) << (8 * START_LEN);
        buffer.extend_from_slice(&block.to_le_bytes());
        buffer.truncate(start + START_LEN + len - 8);
        let mut end = [wire::LF; 10];
        end[..8].copy_from_slice(&last.to_le_bytes());
        buffer.extend_from_slice(&end);
    } else {
        let word = word(data);
        if may_hold_line_end(word) {
            return false;
        }
        let block = u128::from(START)
            | u128::from(word) << (8 * START_LEN)
            | u128::from(END) << (8 * (START_LEN + len));
        buffer.extend_from_slice(&block.to_le_bytes());
        buffer.truncate(start + START_LEN + len + 2);
    }
    true
}

/// Returns a text of at most 7 bytes as a little-endian number.
#[inline]
fn word(text: &[u8]) -> u64 {
    let len = text.len();
    // The parts may overlap, where they have the same bits.
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        u64::from(first) | u64::from(last) << (8 * (len - 4))
    } else if len > 0 {
        let byte = |index: usize| u64::from(text[index]) << (8 * index);
        byte(0) | byte(len / 2) | byte(len - 1)
    } else {
        0
    }
}

/// Returns `true` if one of the bytes is between 0x08 and 0x0f, as LF and CR are.
// Searching for these eight values takes half as many instructions as searching for LF and CR.
#[inline]
fn may_hold_line_end(word: u64) -> bool {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let differs = (word & (0xf8 * ONES)) ^ (0x08 * ONES);
    // Tests for a zero byte: <https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord>.
    differs.wrapping_sub(ONES) & !differs & (0x80 * ONES) != 0
}

/// Does what [`append_data`] does, for any data.
// If this were inlined, short data would pay for the registers that it saves.
#[inline(never)]
fn append_any_data(buffer: &mut Vec<u8>, data: &[u8]) {
    append_lines(buffer, b"data: ", b"\ndata: ", data);
}

/// Appends a field for each line of a text, and then a blank line.
///
/// `first` is the start of the field, and `next` is the same after an LF, so that a single copy
/// ends one line and starts the next.
#[inline]
pub(crate) fn append_lines<const M: usize, const N: usize>(
    buffer: &mut Vec<u8>,
    first: &[u8; M],
    next: &[u8; N],
    text: &[u8],
) {
    const SHORT: usize = 32;

    let mut rest = text;
    // Enough for one line. With more lines, the buffer grows when it has to.
    buffer.reserve(M + rest.len() + 2);
    buffer.extend_from_slice(first);
    while let Some(len) = wire::line_end(rest) {
        let (line, tail) = rest.split_at(len);
        match rest.first_chunk::<SHORT>() {
            // The compiler copies an array without a call, so it is faster to copy more than the
            // line and truncate the buffer. That saves an eighth of the time for data with short
            // lines.
            Some(start) if len <= SHORT => {
                let end = buffer.len() + len;
                buffer.extend_from_slice(start);
                buffer.truncate(end);
            }
            _ => buffer.extend_from_slice(line),
        }
        buffer.extend_from_slice(next);
        rest = tail.strip_prefix(b"\r\n").unwrap_or(&tail[1..]);
    }
    buffer.extend_from_slice(rest);
    buffer.extend_from_slice(b"\n\n");
}

const KEEP_ALIVE: &[u8] = b":\n\n";

/// One or more complete blocks, encoded and ready to send.
///
/// Clones share the bytes, so a frame for many receivers is encoded only once.
///
/// ```
/// use sse_wire::{Event, Frame};
///
/// let frame = Frame::from(Event::new("to all"));
/// let receivers = [frame.clone(), frame.clone()];
/// assert!(receivers.iter().all(|frame| frame.as_bytes() == b"data: to all\n\n"));
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Frame(Bytes);

impl Frame {
    /// An empty comment, the shortest block there is. See [`Encoder::keep_alive`].
    pub const KEEP_ALIVE: Self = Self(Bytes::from_static(KEEP_ALIVE));

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes without copying them.
    ///
    /// ```
    /// use sse_wire::Frame;
    ///
    /// assert_eq!(Frame::KEEP_ALIVE.into_bytes(), ":\n\n");
    /// ```
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl From<Event<'_>> for Frame {
    fn from(event: Event<'_>) -> Self {
        let mut encoder = Encoder::new();
        encoder.event(event);
        encoder.into_frame()
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

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Frame").field(&ShortenedBytes(&self.0)).finish()
    }
}
