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
    scan::{self, CR, LF},
    value::{EventId, EventType},
};

/// What happens to a field.
#[derive(Clone, Copy, Debug, Default)]
enum Change<T> {
    #[default]
    Keep,
    Set(T),
}

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
    data: Change<&'a str>,
    event_type: Change<EventType<'a>>,
    id: Change<EventId<'a>>,
    /// In milliseconds.
    retry: Change<u64>,
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

/// Kept parts of at least this many bytes are shared, smaller ones copied: that costs less than to
/// count one more reference, up to about here.
const SHARED: usize = 512;

impl<'a> Rewrite<'a> {
    pub(crate) fn new(raw: &'a [u8], shared: Option<&'a Bytes>, starts_stream: bool) -> Self {
        Self {
            raw,
            shared,
            starts_stream,
            data: Change::Keep,
            event_type: Change::Keep,
            id: Change::Keep,
            retry: Change::Keep,
            comment: None,
            without: Fields::default(),
            splice: None,
        }
    }

    /// Sets the data, a `data` field for each of its lines.
    pub fn with_data(self, data: &'a str) -> Self {
        Self { data: Change::Set(data), ..self }
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
        Self { event_type: Change::Set(event_type), ..self }
    }

    /// Sets the last event ID; an empty one resets it.
    pub fn with_id(self, id: EventId<'a>) -> Self {
        Self { id: Change::Set(id), ..self }
    }

    /// Sets the reconnection time, in whole milliseconds.
    pub fn with_retry(self, time: Duration) -> Self {
        Self { retry: Change::Set(millis(time)), ..self }
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
            let bytes = match &piece {
                Piece::Kept(range) => &self.raw[range.clone()],
                Piece::New(bytes) => bytes,
            };
            join(buffer, start, bytes);
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
        let mut chunks = Chunks { shared, chunks: Vec::new(), copied: Vec::new(), last: None };
        let mut kept = 0..0;
        self.pieces(true, |piece| match piece {
            Piece::Kept(range) if range.start == kept.end => kept.end = range.end,
            Piece::Kept(range) => chunks.keep(core::mem::replace(&mut kept, range)),
            Piece::New(bytes) => {
                let end = kept.end;
                chunks.keep(core::mem::replace(&mut kept, end..end));
                chunks.copy(bytes);
            }
        });
        chunks.keep(kept);
        chunks.finish()
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
            is_start &= piece.is_empty();
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
            if Some(number) == seen.data {
                self.missing(seen, &mut new);
            }
            let is_open = line.line_end().is_empty();
            let line_end = if is_open { new.line_end } else { line.line_end() };
            let mut here = NewLines { give: &mut *new.give, line_end, is_open: false };
            let is_replaced = match field {
                Field::Data => self.sets_data(),
                Field::Event => Some(number) == seen.event_type && self.sets_event_type(),
                Field::Id => Some(number) == seen.id && self.sets_id(),
                Field::Retry => Some(number) == seen.retry && self.sets_retry(),
                Field::Comment | Field::Unknown => false,
            };
            match field {
                Field::Data if Some(number) == seen.data => self.data_lines(&mut here),
                Field::Event if is_replaced => self.event_type_line(&mut here),
                Field::Id if is_replaced => self.id_line(&mut here),
                Field::Retry if is_replaced => self.retry_line(&mut here),
                _ => {}
            }
            if !is_replaced && !self.without.contains(field) {
                self.keep_line(pos..pos + raw.len(), new.give);
                // Only the last line, if the end of the stream cut it off.
                new.is_open = is_open;
            }
            pos += raw.len();
        }
        if seen.data.is_none() {
            self.missing(seen, &mut new);
            self.data_lines(&mut new);
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

    fn sets_data(&self) -> bool {
        matches!(self.data, Change::Set(_))
    }

    fn sets_event_type(&self) -> bool {
        matches!(self.event_type, Change::Set(_))
    }

    fn sets_id(&self) -> bool {
        matches!(self.id, Change::Set(_))
    }

    fn sets_retry(&self) -> bool {
        matches!(self.retry, Change::Set(_))
    }

    /// Writes what is set and was not there.
    fn missing(&self, seen: Seen, new: &mut NewLines<'_, impl FnMut(Piece<'_>)>) {
        if seen.event_type.is_none() {
            self.event_type_line(new);
        }
        if seen.id.is_none() {
            self.id_line(new);
        }
        if seen.retry.is_none() {
            self.retry_line(new);
        }
    }

    fn data_lines(&self, new: &mut NewLines<'_, impl FnMut(Piece<'_>)>) {
        if let Change::Set(data) = self.data {
            new.write_all(b"data: ", data);
        }
    }

    fn event_type_line(&self, new: &mut NewLines<'_, impl FnMut(Piece<'_>)>) {
        if let Change::Set(event_type) = self.event_type {
            new.write(b"event: ", event_type.as_str());
        }
    }

    fn id_line(&self, new: &mut NewLines<'_, impl FnMut(Piece<'_>)>) {
        if let Change::Set(id) = self.id {
            new.write(b"id: ", id.as_str());
        }
    }

    fn retry_line(&self, new: &mut NewLines<'_, impl FnMut(Piece<'_>)>) {
        if let Change::Set(millis) = self.retry {
            new.write(b"retry: ", decimal(millis, &mut [0; MAX_DIGITS]));
        }
    }
}

/// The result in chunks: large kept parts shared, all between them copied.
struct Chunks<'a> {
    shared: &'a Bytes,
    chunks: Vec<Bytes>,
    copied: Vec<u8>,
    last: Option<u8>,
}

impl Chunks<'_> {
    fn keep(&mut self, range: Range<usize>) {
        let bytes = &self.shared[range.clone()];
        if bytes.len() < SHARED {
            return self.copy(bytes);
        }
        // The same as in `join`.
        if bytes[0] == LF && self.last == Some(CR) {
            self.copied.push(LF);
        }
        self.last = bytes.last().copied();
        let kept = self.shared.slice(range);
        if !self.copied.is_empty() {
            self.chunks.push(core::mem::take(&mut self.copied).into());
        }
        self.chunks.push(kept);
    }

    fn copy(&mut self, bytes: &[u8]) {
        if let Some(&last) = bytes.last() {
            if bytes[0] == LF && self.last == Some(CR) {
                self.copied.push(LF);
            }
            self.copied.extend_from_slice(bytes);
            self.last = Some(last);
        }
    }

    fn finish(mut self) -> Vec<Bytes> {
        if !self.copied.is_empty() {
            self.chunks.push(self.copied.into());
        }
        self.chunks
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
}

impl Piece<'_> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Kept(range) => range.is_empty(),
            Self::New(bytes) => bytes.is_empty(),
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

/// Appends to what was written since `start`.
///
/// A line end that is a CR, and the blank line behind it that is a LF, were not neighbours before.
/// They would be one line end, and the block would not end.
#[inline]
fn join(buffer: &mut Vec<u8>, start: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    if bytes.first() == Some(&LF) && buffer[start..].last() == Some(&CR) {
        buffer.push(LF);
    }
    buffer.extend_from_slice(bytes);
}
