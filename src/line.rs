//! The lines of a block.

use core::fmt;

use crate::{
    Field,
    field::{self, BOM},
    scan::{self, CR, LF},
};

/// The lines of a block, in order, without the blank one. See [`Block::lines`](crate::Block::lines).
#[derive(Clone)]
pub struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    /// The lines of a block's raw bytes.
    ///
    /// They may start with a byte order mark, or with the LF of a line end before them: any other
    /// LF there is a blank line, and the block has no lines anyway.
    pub(crate) fn new(raw: &'a [u8], starts_stream: bool) -> Self {
        let start: &[u8] = if starts_stream { &BOM } else { &[LF] };
        Self { rest: raw.strip_prefix(start).unwrap_or(raw) }
    }

    /// What is left, the blank line included.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let end = scan::line_end(self.rest).unwrap_or(self.rest.len());
        if end == 0 {
            return None;
        }
        let line_end = match &self.rest[end..] {
            [CR, LF, ..] => 2,
            [_, ..] => 1,
            [] => 0,
        };
        let (raw, rest) = self.rest.split_at(end + line_end);
        self.rest = rest;
        Some(Line::new(raw, end))
    }
}

impl fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
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
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    raw: &'a [u8],
    field: Field,
    name: &'a [u8],
    value: &'a [u8],
    /// Bytes without the line end.
    len: usize,
}

impl<'a> Line<'a> {
    /// A line that ends at `end`, with its line end behind that.
    fn new(raw: &'a [u8], end: usize) -> Self {
        let line = &raw[..end];
        let (field, value) = field::split(line);
        let (name_len, value) = match field {
            Field::Unknown => match scan::colon(line) {
                Some(colon) => (colon, field::value_start(line, colon + 1)),
                None => (end, end),
            },
            known => (known.name().len(), value),
        };
        Self { raw, field, name: &line[..name_len], value: &line[value..], len: end }
    }

    /// The bytes as they came, with the line end.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The line end; empty if the end of the stream cut the line off.
    pub(crate) fn line_end(&self) -> &'a [u8] {
        &self.raw[self.len..]
    }

    /// What the line is.
    #[must_use]
    pub fn field(&self) -> Field {
        self.field
    }

    /// The field name; empty for a comment.
    #[must_use]
    pub fn name(&self) -> &'a [u8] {
        self.name
    }

    /// The value: what comes behind the colon, without one leading space.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        self.value
    }
}

impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.raw[..self.raw.len().min(80)];
        write!(f, "b\"{}\"", shown.escape_ascii())?;
        if shown.len() < self.raw.len() {
            write!(f, ".. ({} bytes)", self.raw.len())?;
        }
        Ok(())
    }
}
