//! A block with some of its fields changed, and all other bytes as they came.

mod render;

use alloc::vec::Vec;
use core::{ops::Range, time::Duration};

use bytes::Bytes;

use crate::{
    Field,
    event::millis,
    line::{LineEnds, Lines},
    parts::Parts,
    scan,
    value::{EventId, EventType},
};

/// A block of which some fields are changed. Made by [`Block::rewrite`](crate::Block::rewrite).
///
/// Only lines of the changed fields differ from what came; comments, unknown fields, order, spacing
/// and line ends of everything else stay, and new lines end like the one whose place they take.
///
/// ```
/// use sse_wire::{BlockDecoder, EventId, Field};
///
/// let mut decoder = BlockDecoder::new();
/// let mut blocks = decoder.feed(b": a\r\nid:1\r\ndata:{\"n\":\r\nx-y: z\r\ndata:1}\r\n\r\n");
/// let block = blocks.next_block()?.expect("a block");
/// let rewritten = block.with_data("{\"n\":2}").with_id(EventId::from_static("7"));
/// assert_eq!(rewritten.to_bytes(), ": a\r\nid: 7\r\ndata: {\"n\":2}\r\nx-y: z\r\n\r\n");
/// assert_eq!(block.without(Field::Data).to_bytes(), ": a\r\nid:1\r\nx-y: z\r\n\r\n");
/// # Ok::<_, sse_wire::DecodeError>(())
/// ```
///
/// # Fields that occur several times
///
/// The result means, by the standard, what was asked for. New data takes the place of the first
/// `data` line, and the others go. Of the other fields the last one counts, so that is the one that
/// is replaced. A field that was not there comes before the data, or last if there is none.
#[derive(Clone, Debug)]
#[must_use = "the block itself does not change"]
pub struct Rewrite<'a> {
    raw: &'a [u8],
    /// The same, if it can be shared.
    shared: Option<&'a Bytes>,
    starts_stream: bool,
    line_ends: &'a LineEnds,
    // What is set. `None` leaves a field as it is.
    data: Option<&'a str>,
    event_type: Option<EventType<'a>>,
    id: Option<EventId<'a>>,
    /// In milliseconds.
    retry: Option<u64>,
    comment: Option<&'a str>,
    without: Fields,
    /// A part of the raw bytes, and what takes its place.
    splice: Option<(Range<usize>, &'a str)>,
}

/// A set of fields.
#[derive(Clone, Copy, Debug, Default)]
struct Fields(u8);

impl Fields {
    fn insert(&mut self, field: Field) {
        self.0 |= 1 << field as u8;
    }

    fn contains(self, field: Field) -> bool {
        self.0 & (1 << field as u8) != 0
    }
}

impl<'a> Rewrite<'a> {
    #[inline]
    pub(crate) fn new(
        raw: &'a [u8],
        shared: Option<&'a Bytes>,
        starts_stream: bool,
        line_ends: &'a LineEnds,
    ) -> Self {
        Self {
            raw,
            shared,
            starts_stream,
            line_ends,
            data: None,
            event_type: None,
            id: None,
            retry: None,
            comment: None,
            without: Fields::default(),
            splice: None,
        }
    }

    /// Sets the data, a `data` field for each of its lines.
    #[inline]
    pub fn with_data(self, data: &'a str) -> Self {
        Self { data: Some(data), ..self }
    }

    /// Puts other text in the place of a part of the data, and touches no other byte of the block.
    ///
    /// The part is a range of the bytes of [`Event::data`](crate::Event::data). `None` if it does
    /// not lie within one line of it, or is not where characters start and end, or if a line before
    /// is not UTF-8, or if the text holds a line end; or if it cannot stand there alone, because the
    /// line has no colon, or nothing but the new text's own space behind it. [`with_data`](Self::with_data) always can.
    ///
    /// ```
    /// use sse_wire::BlockDecoder;
    ///
    /// let mut decoder = BlockDecoder::new();
    /// let mut blocks = decoder.feed(b"data:{\"model\":\"gpt-x\"}\r\n\r\n");
    /// let mut block = blocks.next_block()?.expect("a block");
    /// let start = block.event().expect("an event").data().find("gpt-x").expect("a model");
    /// let rewritten = block.rewrite().with_part(start..start + 5, "y").expect("one line");
    /// assert_eq!(rewritten.to_bytes(), "data:{\"model\":\"y\"}\r\n\r\n");
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    #[must_use]
    pub fn with_part(self, part: Range<usize>, text: &'a str) -> Option<Self> {
        if scan::line_end(text.as_bytes()).is_some() {
            return None;
        }
        let lines = Lines::new(self.raw, self.starts_stream, self.line_ends);
        let mut pos = lines.pos();
        let mut start = 0;
        for line in lines {
            if line.field() == Field::Data {
                let value = core::str::from_utf8(line.value()).ok()?;
                if part.end <= start + value.len() {
                    let part = part.start.checked_sub(start)?..part.end - start;
                    value.get(part.clone())?;
                    let end = line.raw().len() - line.line_end().len();
                    let behind_colon = line.name().len() + 1;
                    let new_start = text.chars().chain(value[part.end..].chars()).next();
                    let has_space = end - value.len() > behind_colon;
                    if behind_colon > end
                        || (part.start == 0 && new_start == Some(' ') && !has_space)
                    {
                        return None;
                    }
                    let value_start = pos + end - value.len();
                    let splice = value_start + part.start..value_start + part.end;
                    return Some(Self { splice: Some((splice, text)), ..self });
                }
                start += value.len() + 1;
            }
            pos += line.raw().len();
        }
        None
    }

    /// Sets the event type.
    #[inline]
    pub fn with_event_type(self, event_type: EventType<'a>) -> Self {
        Self { event_type: Some(event_type), ..self }
    }

    /// Sets the last event ID; an empty one resets it.
    #[inline]
    pub fn with_id(self, id: EventId<'a>) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Sets the reconnection time, in whole milliseconds.
    #[inline]
    pub fn with_retry(self, time: Duration) -> Self {
        Self { retry: Some(millis(time)), ..self }
    }

    /// Appends a comment, a line of its own for each of its lines.
    #[inline]
    pub fn with_comment(self, text: &'a str) -> Self {
        Self { comment: Some(text), ..self }
    }

    /// Leaves out all lines of this field, or all comments, or all unknown fields. What is set
    /// stays.
    ///
    /// Without `data` the block dispatches no event.
    pub fn without(mut self, field: Field) -> Self {
        self.without.insert(field);
        self
    }

    /// Appends the block to a buffer.
    ///
    /// Behind something else, a byte order mark would be none, so it is left out.
    pub fn write_to(&self, buffer: &mut Vec<u8>) {
        let is_first = buffer.is_empty();
        buffer.reserve(self.raw.len() + 64);
        self.render(is_first, buffer);
    }

    /// The block.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut buffer = Vec::with_capacity(self.raw.len() + 64);
        self.write_to(&mut buffer);
        buffer.into()
    }

    /// The block in parts, of which the large ones share the memory of the block, if that is a
    /// [`BlockBuf`](crate::BlockBuf).
    #[must_use]
    pub fn to_chunks(&self) -> Vec<Bytes> {
        let Some(shared) = self.shared else {
            return Vec::from([self.to_bytes()]);
        };
        let mut chunks = Vec::new();
        let mut parts = Parts::new(shared, &mut chunks);
        self.render(true, &mut parts);
        parts.finish();
        chunks
    }
}
