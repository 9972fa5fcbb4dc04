//! The lines of a block.

use core::{fmt, iter::FusedIterator};

use crate::{
    fields::{Data, Span, Values},
    wire::{
        self, BOM, CR, LF, ShortenedBytes,
        field::{self, Field},
    },
};

/// The lines of a block, in order, without the blank one. See [`Block::lines`](crate::Block::lines).
///
/// An example: [`Block`](crate::Block).
#[derive(Clone)]
pub struct Lines<'a> {
    raw: &'a [u8],
    /// Where the next line starts.
    pos: usize,
    /// Where the values of some lines end, so that nobody has to look for those line ends again:
    /// of the only data line, and of the last lines that set the event type and the ID.
    known: [Option<Span>; 3],
}

impl<'a> Lines<'a> {
    /// Returns the lines of a block's raw bytes.
    #[inline]
    pub(crate) fn new(raw: &'a [u8], values: &Values, is_first: bool) -> Self {
        let data = if let Data::One(data) = values.data { Some(data) } else { None };
        let known = [data, values.event_type, values.id];
        Self { raw, pos: prefix_len(raw, is_first), known }
    }

    /// Returns where in the block the next line starts, or else the blank one.
    #[inline]
    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    /// Returns where the event type ends that counts, the last one.
    #[inline]
    pub(crate) fn event_type_end(&self) -> Option<usize> {
        self.known[1].map(|span| span.range().end)
    }

    /// Returns where the ID ends that counts, the last one without NUL.
    #[inline]
    pub(crate) fn id_end(&self) -> Option<usize> {
        self.known[2].map(|span| span.range().end)
    }

    /// Returns the line end of the first line, if that is the only data line of a block that is whole
    /// and sets neither an event type nor an ID. No line has to be read for that.
    #[inline]
    pub(crate) fn end_of_only_data(&self) -> Option<&'a [u8]> {
        let [Some(data), None, None] = self.known else { return None };
        let range = data.range();
        // A value that starts so near belongs to this line, because its name is `data`, too.
        let is_first = range.start <= self.pos + "data: ".len()
            && matches!(self.raw[self.pos..], [b'd', b'a', b't', b'a', ..]);
        let is_whole = match self.raw {
            [.., last, CR, LF] | [.., last, CR | LF] => wire::is_line_end(*last),
            _ => false,
        };
        let after = &self.raw[range.end..];
        (is_first && is_whole).then(|| &after[..wire::line_end_len(after)])
    }

    /// Returns the line that starts here.
    // Takes no `&mut self`, because to copy the iterator just after it was made costs a stall.
    #[inline]
    pub(crate) fn line_at(&self, pos: usize) -> Option<Line<'a>> {
        let rest = &self.raw[pos..];
        if rest.first().is_none_or(|&byte| wire::is_line_end(byte)) {
            return None;
        }
        // The end of the line does not matter for a field with a colon.
        let (field, value) = field::split(rest);
        let (field, len) = if let Some(end) = self.known_end(field, pos + value) {
            (field, end - pos)
        } else {
            let len = wire::line_end(rest).unwrap_or(rest.len());
            (field::split(&rest[..len]).0, len)
        };
        let raw = &rest[..len + wire::line_end_len(&rest[len..])];
        Some(Line { raw, len, field })
    }

    /// Returns where a value of this field ends that starts here, if it is one of those known.
    #[inline]
    fn known_end(&self, field: Field, start: usize) -> Option<usize> {
        let known = match field {
            Field::Data => self.known[0]?,
            Field::Event => self.known[1]?,
            Field::Id => self.known[2]?,
            Field::Retry | Field::Comment | Field::Unknown => return None,
        };
        let range = known.range();
        (range.start == start).then_some(range.end)
    }
}

/// Returns how many bytes stand before the first line of a block: a byte order mark, or the LF of a
/// line end before it.
///
/// Any other LF there is a blank line, and nothing follows it.
#[inline]
pub(crate) fn prefix_len(raw: &[u8], is_first: bool) -> usize {
    if is_first && raw.starts_with(&BOM) {
        BOM.len()
    } else {
        usize::from(raw.len() > 1 && raw[0] == LF)
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    #[inline]
    fn next(&mut self) -> Option<Line<'a>> {
        let line = self.line_at(self.pos)?;
        self.pos += line.raw.len();
        Some(line)
    }
}

impl FusedIterator for Lines<'_> {}

impl fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ShortenedBytes(&self.raw[self.pos..]).fmt(f)
    }
}

/// One line of a block.
///
/// ```
/// use sse_wire::{BlockDecoder, Field};
///
/// let mut decoder = BlockDecoder::new();
/// let mut blocks = decoder.feed(b"error: no: quota\r\n: ping\n\n");
/// let block = blocks.next_block()?.expect("one block");
/// let mut lines = block.lines();
///
/// let error = lines.next().expect("two lines");
/// assert_eq!((error.field(), error.name(), error.value()), (Field::Unknown, &b"error"[..], &b"no: quota"[..]));
/// assert_eq!(error.raw(), b"error: no: quota\r\n");
///
/// let comment = lines.next().expect("two lines");
/// assert_eq!((comment.field(), comment.value()), (Field::Comment, &b"ping"[..]));
/// # Ok::<_, sse_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Line<'a> {
    raw: &'a [u8],
    /// Bytes without the line end.
    len: usize,
    field: Field,
}

impl<'a> Line<'a> {
    /// Returns the bytes as they came, with the line end.
    #[inline]
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Returns the line end; empty if the end of the stream cut the line off.
    #[inline]
    pub(crate) fn line_end(&self) -> &'a [u8] {
        &self.raw[self.len..]
    }

    /// Returns what the line is.
    #[inline]
    #[must_use]
    pub fn field(&self) -> Field {
        self.field
    }

    /// Returns the field name; empty for a comment.
    #[must_use]
    pub fn name(&self) -> &'a [u8] {
        let len = match self.field {
            Field::Unknown => field::unknown(self.text()).0,
            known => known.name().len(),
        };
        &self.raw[..len]
    }

    /// Returns the value: what comes after the colon, without one leading space.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        let text = self.text();
        let start = match self.field {
            Field::Unknown => field::unknown(text).1,
            _ => field::split(text).1,
        };
        &text[start..]
    }

    #[inline]
    fn text(&self) -> &'a [u8] {
        &self.raw[..self.len]
    }
}

impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ShortenedBytes(self.raw).fmt(f)
    }
}
