//! A block with some of its fields changed, and all other bytes as they came.

use alloc::vec::Vec;
use core::{ops::Range, time::Duration};

use bytes::Bytes;

use crate::{
    Field,
    encoder::{MAX_DIGITS, decimal},
    event::millis,
    field::BOM,
    line::Lines,
    parts::Parts,
    scan::{self, CR, LF},
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
    pub(crate) fn new(raw: &'a [u8], shared: Option<&'a Bytes>, starts_stream: bool) -> Self {
        Self {
            raw,
            shared,
            starts_stream,
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
        let lines = Lines::new(self.raw, self.starts_stream);
        let mut pos = self.raw.len() - lines.rest().len();
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
    pub fn with_event_type(self, event_type: EventType<'a>) -> Self {
        Self { event_type: Some(event_type), ..self }
    }

    /// Sets the last event ID; an empty one resets it.
    pub fn with_id(self, id: EventId<'a>) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Sets the reconnection time, in whole milliseconds.
    pub fn with_retry(self, time: Duration) -> Self {
        Self { retry: Some(millis(time)), ..self }
    }

    /// Appends a comment, a line of its own for each of its lines.
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
        let start = buffer.len();
        buffer.reserve(self.raw.len() + 64);
        self.pieces(start == 0, |piece| {
            let bytes = piece.bytes(self.raw);
            if makes_crlf(buffer[start..].last(), bytes) {
                buffer.push(LF);
            }
            buffer.extend_from_slice(bytes);
        });
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
        let mut last = None;
        self.pieces(true, |piece| {
            let bytes = piece.bytes(shared);
            if makes_crlf(last.as_ref(), bytes) {
                parts.copy(&[LF]);
            }
            last = bytes.last().copied().or(last);
            match piece {
                Piece::Kept(range) => parts.keep(range),
                Piece::New(bytes) => parts.copy(bytes),
            }
        });
        parts.finish();
        chunks
    }

    /// Gives the parts of the result, in order. Nothing else stands before them if they come
    /// `first`.
    fn pieces(&self, first: bool, mut give: impl FnMut(Piece<'_>)) {
        let lines = Lines::new(self.raw, self.starts_stream);
        let mut pos = self.raw.len() - lines.rest().len();
        if pos == self.raw.len() {
            // A LF alone is no late one, but the blank line itself.
            pos = 0;
        }
        // What was in the middle of the stream is no byte order mark. If nothing stands before it any
        // more, a real one keeps it from being taken for that.
        let mut is_start = self.starts_stream && first && pos == 0;
        let mut give = |piece: Piece<'_>| {
            if let (true, Piece::Kept(range)) = (is_start, &piece) {
                if self.raw[range.clone()].starts_with(&BOM) {
                    give(Piece::New(&BOM));
                }
            }
            is_start &= piece.bytes(self.raw).is_empty();
            give(piece);
        };
        if first || !self.starts_stream {
            give(Piece::Kept(0..pos));
        }

        let mut seen = Seen::default();
        let mut line_end: &[u8] = &[];
        for (number, line) in lines.clone().enumerate() {
            if number == 0 {
                line_end = line.line_end();
            }
            seen.note(number, line.field());
        }
        let line_end = if line_end.is_empty() { b"\n" } else { line_end };
        let mut new = NewLines { give: &mut give, line_end, is_open: false };
        for (number, line) in lines.enumerate() {
            let (raw, field) = (line.raw(), line.field());
            if seen.place(Field::Data) == Some(number) {
                self.write_missing(seen, &mut new);
            }
            let is_open = line.line_end().is_empty();
            let line_end = if is_open { new.line_end } else { line.line_end() };
            let mut here = NewLines { give: &mut *new.give, line_end, is_open: false };
            let is_place = seen.place(field) == Some(number);
            if is_place {
                self.write(field, &mut here);
            }
            // Data is replaced as a whole, and of the others the line that counts.
            let is_replaced = self.sets(field) && (is_place || field == Field::Data);
            if !is_replaced && !self.without.contains(field) {
                self.keep_line(pos..pos + raw.len(), new.give);
                // Only the last line, if the end of the stream cut it off.
                new.is_open = is_open;
            }
            pos += raw.len();
        }
        if seen.place(Field::Data).is_none() {
            self.write_missing(seen, &mut new);
            self.write(Field::Data, &mut new);
        }
        if let Some(comment) = self.comment {
            new.write_all(b": ", comment);
        }
        give(Piece::Kept(pos..self.raw.len()));
    }

    fn keep_line(&self, line: Range<usize>, give: &mut impl FnMut(Piece<'_>)) {
        match &self.splice {
            Some((part, text)) if line.start <= part.start && part.end <= line.end => {
                give(Piece::Kept(line.start..part.start));
                give(Piece::New(text.as_bytes()));
                give(Piece::Kept(part.end..line.end));
            }
            _ => give(Piece::Kept(line)),
        }
    }

    fn sets(&self, field: Field) -> bool {
        match field {
            Field::Data => self.data.is_some(),
            Field::Event => self.event_type.is_some(),
            Field::Id => self.id.is_some(),
            Field::Retry => self.retry.is_some(),
            Field::Comment | Field::Unknown => false,
        }
    }

    /// Writes what the field is set to, if it is.
    #[inline]
    fn write(&self, field: Field, new: &mut NewLines<'_, impl FnMut(Piece<'_>)>) {
        match (field, self.data, self.event_type, self.id, self.retry) {
            (Field::Data, Some(data), ..) => new.write_all(b"data: ", data),
            (Field::Event, _, Some(event_type), ..) => new.write(b"event: ", event_type.as_str()),
            (Field::Id, _, _, Some(id), _) => new.write(b"id: ", id.as_str()),
            (Field::Retry, _, _, _, Some(millis)) => {
                new.write(b"retry: ", decimal(millis, &mut [0; MAX_DIGITS]));
            }
            _ => {}
        }
    }

    /// Writes what is set and was not there.
    fn write_missing(&self, seen: Seen, new: &mut NewLines<'_, impl FnMut(Piece<'_>)>) {
        for field in [Field::Event, Field::Id, Field::Retry] {
            if seen.place(field).is_none() {
                self.write(field, new);
            }
        }
    }
}

/// A part of the result.
enum Piece<'p> {
    /// Of the block as it came.
    Kept(Range<usize>),
    New(&'p [u8]),
}

/// Which lines matter.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// The first one.
    data: Option<usize>,
    /// The last ones.
    event_type: Option<usize>,
    id: Option<usize>,
    retry: Option<usize>,
}

impl Seen {
    fn note(&mut self, number: usize, field: Field) {
        match field {
            Field::Data => _ = self.data.get_or_insert(number),
            Field::Event => self.event_type = Some(number),
            Field::Id => self.id = Some(number),
            Field::Retry => self.retry = Some(number),
            Field::Comment | Field::Unknown => {}
        }
    }

    /// The line whose place what is set takes.
    fn place(self, field: Field) -> Option<usize> {
        match field {
            Field::Data => self.data,
            Field::Event => self.event_type,
            Field::Id => self.id,
            Field::Retry => self.retry,
            Field::Comment | Field::Unknown => None,
        }
    }
}

impl Piece<'_> {
    fn bytes<'b>(&'b self, raw: &'b [u8]) -> &'b [u8] {
        match self {
            Self::Kept(range) => &raw[range.clone()],
            Self::New(bytes) => bytes,
        }
    }
}

struct NewLines<'n, G> {
    give: &'n mut G,
    line_end: &'n [u8],
    /// The line before has no end yet.
    is_open: bool,
}

impl<G: FnMut(Piece<'_>)> NewLines<'_, G> {
    fn write(&mut self, start: &[u8], value: &str) {
        if core::mem::take(&mut self.is_open) {
            (self.give)(Piece::New(self.line_end));
        }
        for part in [start, value.as_bytes(), self.line_end] {
            (self.give)(Piece::New(part));
        }
    }

    fn write_all(&mut self, start: &[u8], text: &str) {
        for line in scan::split_lines(text) {
            self.write(start, line);
        }
    }
}

/// Whether two bytes would be one line end that were not neighbours before: a line's CR, and the LF
/// of the blank line. The block would not end.
fn makes_crlf(last: Option<&u8>, next: &[u8]) -> bool {
    last == Some(&CR) && next.first() == Some(&LF)
}
