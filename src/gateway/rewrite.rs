//! Changes some fields of a block, and leaves all other bytes as they came.

mod render;

use alloc::vec::Vec;
use core::{borrow::BorrowMut, fmt, ops::Range, time::Duration};

use bytes::Bytes;
use thiserror::Error;

use self::render::Mark;
use super::parts::Parts;
use crate::{
    block::{Block, BlockBuf, Lines},
    encoder::Encoder,
    event::millis,
    value::{EventId, EventType},
    wire::{self, ShortenedBytes, field::Field},
};

impl<'a> Block<'a> {
    /// Returns the block with no change yet. See [`Rewrite`].
    #[inline]
    pub fn rewrite(&self) -> Rewrite<'a> {
        Rewrite::new(self.raw(), None, self.lines(), self.is_first())
    }
}

impl BlockBuf {
    /// Returns the block with no change yet. See [`Rewrite`].
    pub fn rewrite(&self) -> Rewrite<'_> {
        Rewrite::new(self.raw(), Some(self.raw()), self.lines(), self.is_first())
    }
}

impl<B: BorrowMut<Vec<u8>>> Encoder<B> {
    /// Appends a block of another stream, with its changes. See [`Rewrite::append_to`].
    pub fn rewritten(&mut self, block: &Rewrite<'_>) -> &mut Self {
        block.append_to(self.buffer());
        self
    }
}

/// Why [`Rewrite::with_part`] refused to replace a part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum PartError {
    /// The part does not lie within one line of the data, or not within the data at all.
    #[error("the part does not lie within one line of the data")]
    NotInLine,
    /// The part starts or ends within a character.
    #[error("the part starts or ends within a character")]
    CutsCharacter,
    /// The part overlaps one that was replaced before.
    #[error("the part overlaps one that was replaced before")]
    Overlaps,
    /// The line of the part, or one before it, is not UTF-8. So a position in the event's data, which
    /// has U+FFFD there, is another one in the block.
    #[error("the data is not UTF-8")]
    InvalidUtf8,
    /// The new text holds a line end.
    #[error("the new text holds a line end")]
    LineEnd,
    /// The line is `data` without a colon, so it cannot take a value.
    #[error("the line has no colon, so it cannot take a value")]
    NoColon,
    /// The value would start with a space, and there is none between the colon and the value. A
    /// receiver would take the space for that one, and remove it.
    #[error("the value would start with a space, and none separates it from the colon")]
    NoSpace,
    /// [`Rewrite::with_data`] has replaced the data as a whole.
    #[error("the data is replaced as a whole")]
    DataReplaced,
}

/// A block of which some fields are changed. Made by [`Block::rewrite`](crate::Block::rewrite).
///
/// Only the lines of the changed fields differ from what came. Comments, unknown fields, order,
/// spacing and line ends of everything else stay, and new lines end like the line whose place they
/// take.
///
/// ```
/// use sse_wire::{BlockDecoder, EventId, Field};
///
/// let mut decoder = BlockDecoder::new();
/// let mut blocks = decoder.feed(b": a\r\nid:1\r\ndata:{\"n\":\r\nx-y: z\r\ndata:1}\r\n\r\n");
/// let block = blocks.next_block()?.expect("a block");
/// let changed = block.rewrite().with_data("{\"n\":2}").with_id(EventId::from_static("7"));
/// assert_eq!(changed.to_bytes(), ": a\r\nid: 7\r\ndata: {\"n\":2}\r\nx-y: z\r\n\r\n");
/// let changed = block.rewrite().without(Field::Data);
/// assert_eq!(changed.to_bytes(), ": a\r\nid:1\r\nx-y: z\r\n\r\n");
/// # Ok::<_, sse_wire::DecodeError>(())
/// ```
///
/// # Fields that occur several times
///
/// The result means, by the standard, what was asked for. New data takes the place of the first
/// `data` line, and the other `data` lines are removed. Of the other fields the last one counts, so
/// that is the one that is replaced. A field that the block does not have is added before the data,
/// or last if there is no data.
///
/// # Whole blocks
///
/// The result is always a whole block. If the end of the stream cut the block off, the line end of
/// its last line and its blank line are added. See [`BlockEnd::block`](crate::BlockEnd::block).
#[derive(Clone)]
#[must_use = "the block itself does not change"]
pub struct Rewrite<'a> {
    raw: &'a [u8],
    /// The same, if it can be shared.
    shared: Option<&'a Bytes>,
    starts_stream: bool,
    lines: Lines<'a>,
    // What is set. `None` leaves a field as it is.
    data: Option<&'a str>,
    event_type: Option<EventType<'a>>,
    id: Option<EventId<'a>>,
    /// In milliseconds.
    retry: Option<u64>,
    comment: Option<&'a str>,
    without: Fields,
    /// In the order of their places, without overlaps. If `data` is set, they go with their lines.
    parts: Vec<Part<'a>>,
    /// More is changed than the event type and the ID.
    changes_lines: bool,
}

/// A part of the raw bytes, and what takes its place.
#[derive(Clone)]
struct Part<'a> {
    range: Range<usize>,
    text: &'a str,
}

/// A set of fields.
#[derive(Clone, Copy, Default)]
struct Fields(u8);

impl Fields {
    #[inline]
    fn insert(&mut self, field: Field) {
        self.0 |= 1 << field as u8;
    }

    #[inline]
    fn contains(self, field: Field) -> bool {
        self.0 & (1 << field as u8) != 0
    }
}

impl<'a> Rewrite<'a> {
    #[inline]
    fn new(
        raw: &'a [u8],
        shared: Option<&'a Bytes>,
        lines: Lines<'a>,
        starts_stream: bool,
    ) -> Self {
        Self {
            raw,
            shared,
            starts_stream,
            lines,
            data: None,
            event_type: None,
            id: None,
            retry: None,
            comment: None,
            without: Fields::default(),
            parts: Vec::new(),
            changes_lines: false,
        }
    }

    /// Sets the data, with a `data` field for each of its lines.
    ///
    /// The data replaces all parts that were changed [before](Self::with_part).
    #[inline]
    pub fn with_data(self, data: &'a str) -> Self {
        Self { data: Some(data), changes_lines: true, ..self }
    }

    /// Replaces a part of the data, and touches no other byte of the block.
    ///
    /// The part is a range of the bytes of [`Event::data`](crate::Event::data), as the block came.
    /// Several parts may be replaced in any order. Text for the same empty part, between two bytes,
    /// is written in the order of the calls.
    ///
    /// ```
    /// use sse_wire::BlockDecoder;
    ///
    /// let mut decoder = BlockDecoder::new();
    /// let mut blocks = decoder.feed(b"data:{\"model\":\"gpt-x\",\"n\":1}\r\n\r\n");
    /// let mut block = blocks.next_block()?.expect("a block");
    /// let data = block.event()?.expect("an event").data();
    /// let model = data.find("gpt-x").expect("a model");
    /// let number = data.find('1').expect("a number");
    ///
    /// let rewrite = block.rewrite();
    /// let rewrite = rewrite.with_part(model..model + 5, "y")?.with_part(number..number + 1, "20")?;
    /// assert_eq!(rewrite.to_bytes(), "data:{\"model\":\"y\",\"n\":20}\r\n\r\n");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the part cannot be replaced without touching other bytes, or its place is not certain:
    /// [`PartError`] says why. [`with_data`](Self::with_data) can replace any data.
    pub fn with_part(mut self, part: Range<usize>, text: &'a str) -> Result<Self, PartError> {
        if self.data.is_some() {
            return Err(PartError::DataReplaced);
        }
        if wire::line_end(text.as_bytes()).is_some() {
            return Err(PartError::LineEnd);
        }
        let DataLine { start, value, range } = self.data_line(&part)?;
        // An end of the part is inside another one, not just at its end.
        let overlaps =
            |other: &Part<'_>| other.range.start < range.end && range.start < other.range.end;
        if self.parts.iter().any(overlaps) {
            return Err(PartError::Overlaps);
        }
        let place = (range.start, range.end);
        let index = self.parts.partition_point(|part| (part.range.start, part.range.end) <= place);
        self.parts.insert(index, Part { range, text });
        self.changes_lines = true;

        let name = Field::Data.name().len();
        if value.start == start + name {
            return Err(PartError::NoColon);
        }
        let has_space = value.start > start + name + ":".len();
        if !has_space && self.first_byte(value) == Some(b' ') {
            return Err(PartError::NoSpace);
        }
        Ok(self)
    }

    /// Finds the line of the data that a part lies in.
    fn data_line(&self, part: &Range<usize>) -> Result<DataLine, PartError> {
        let mut lines = self.lines.clone();
        // Where the line's value starts in the data.
        let mut data_start = 0;
        loop {
            let start = lines.pos();
            let line = lines.next().ok_or(PartError::NotInLine)?;
            if line.field() != Field::Data {
                continue;
            }
            let value = core::str::from_utf8(line.value()).map_err(|_| PartError::InvalidUtf8)?;
            let data_end = data_start + value.len();
            if part.end <= data_end {
                if part.start < data_start || part.start > part.end {
                    return Err(PartError::NotInLine);
                }
                let part = part.start - data_start..part.end - data_start;
                value.get(part.clone()).ok_or(PartError::CutsCharacter)?;
                let end = start + line.raw().len() - line.line_end().len();
                let value = end - value.len()..end;
                let range = value.start + part.start..value.start + part.end;
                return Ok(DataLine { start, value, range });
            }
            data_start = data_end + 1;
        }
    }

    /// Returns the first byte that a value has with its parts replaced.
    fn first_byte(&self, value: Range<usize>) -> Option<u8> {
        let mut pos = value.start;
        for Part { range, text } in &self.parts {
            if range.start == pos {
                if let Some(first) = text.bytes().next() {
                    return Some(first);
                }
                pos = range.end;
            }
        }
        self.raw[..value.end].get(pos).copied()
    }

    /// Sets the event type.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sse_wire::{BlockDecoder, EventType};
    ///
    /// let mut decoder = BlockDecoder::new();
    /// let mut blocks = decoder.feed(b"data: a\n\n");
    /// let block = blocks.next_block()?.expect("a block");
    /// let changed = block
    ///     .rewrite()
    ///     .with_event_type(EventType::from_static("token"))
    ///     .with_retry(Duration::from_secs(1))
    ///     .with_comment("changed");
    /// let text = String::from_utf8(changed.to_bytes().to_vec()).unwrap();
    /// for line in ["event: token\n", "retry: 1000\n", ": changed\n", "data: a\n"] {
    ///     assert!(text.contains(line), "{text}");
    /// }
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    #[inline]
    pub fn with_event_type(self, event_type: EventType<'a>) -> Self {
        Self { event_type: Some(event_type), ..self }
    }

    /// Sets the last event ID. An empty one resets it.
    #[inline]
    pub fn with_id(self, id: EventId<'a>) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Sets the reconnection time, truncated to milliseconds.
    #[inline]
    pub fn with_retry(self, time: Duration) -> Self {
        Self { retry: Some(millis(time)), changes_lines: true, ..self }
    }

    /// Appends a comment, with a comment line for each line of the text.
    #[inline]
    pub fn with_comment(self, text: &'a str) -> Self {
        Self { comment: Some(text), changes_lines: true, ..self }
    }

    /// Removes all lines of this field, or all comments, or all unknown fields.
    ///
    /// A field that is set by one of the other methods stays with its new value, but
    /// [parts](Self::with_part) go with the data. Without data, the block dispatches no event.
    #[inline]
    pub fn without(mut self, field: Field) -> Self {
        self.without.insert(field);
        self.changes_lines = true;
        self
    }

    /// Appends the block to a buffer.
    ///
    /// What this appends means the same anywhere in a stream. It has no byte order mark, even if the
    /// block had one. If the first line would start with U+FEFF, an empty comment comes before it, so
    /// that the line is not taken for one with a mark.
    ///
    /// ```
    /// use sse_wire::{BlockDecoder, Field};
    ///
    /// let mut decoder = BlockDecoder::new();
    /// let mut buffer = Vec::from(*b":\n\n");
    /// let stream = "\u{feff}data: a\n\n: b\n\u{feff}data: c\n\n";
    /// let mut blocks = decoder.feed(stream.as_bytes());
    /// while let Some(block) = blocks.next_block()? {
    ///     block.rewrite().without(Field::Comment).append_to(&mut buffer);
    /// }
    /// assert_eq!(buffer, ":\n\ndata: a\n\n:\n\u{feff}data: c\n\n".as_bytes());
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    pub fn append_to(&self, buffer: &mut Vec<u8>) {
        buffer.reserve(self.raw.len() + 64);
        self.render(Mark::Removed, buffer);
    }

    /// Returns the block, to stand where the original stood.
    ///
    /// If nothing was changed, these are the raw bytes. The first block of a stream keeps its byte
    /// order mark. If another line comes first now and starts with U+FEFF, an empty comment comes
    /// before it, so that the line is not taken for one with a mark.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        if let Some(raw) = self.shared.filter(|_| self.is_as_it_came()) {
            return raw.clone();
        }
        let mut buffer = Vec::with_capacity(self.raw.len() + 64);
        self.render(Mark::Kept, &mut buffer);
        buffer.into()
    }

    /// Returns the bytes of [`to_bytes`](Self::to_bytes) in parts.
    ///
    /// Large parts of a [`BlockBuf`] share its memory. Of a
    /// [`Block`] there is one part.
    #[must_use]
    pub fn to_chunks(&self) -> Vec<Bytes> {
        let Some(shared) = self.shared.filter(|_| !self.is_as_it_came()) else {
            return Vec::from([self.to_bytes()]);
        };
        let mut chunks = Vec::new();
        self.render(Mark::Kept, &mut Parts::new(shared, &mut chunks));
        chunks
    }

    /// Returns `true` if nothing is changed or missing.
    fn is_as_it_came(&self) -> bool {
        let mut lines = self.lines.clone();
        !self.changes_lines && self.event_type.is_none() && self.id.is_none() && {
            lines.by_ref().for_each(drop);
            // The blank line is there.
            lines.pos() < self.raw.len()
        }
    }
}

/// A line of the data, in the raw bytes of its block.
struct DataLine {
    /// Where the line starts.
    start: usize,
    value: Range<usize>,
    /// The part of the value that was looked for.
    range: Range<usize>,
}

impl fmt::Debug for Rewrite<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ShortenedBytes(&self.to_bytes()).fmt(f)
    }
}
