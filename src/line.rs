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

/// Where the first lines of a block end, which the decoder knows anyway: so that nobody has to look
/// for them again.
#[derive(Clone, Debug)]
pub(crate) struct LineEnds {
    /// How many there were.
    count: usize,
    /// The index of each line end in the raw bytes of the block. The last place is for all that
    /// find no other, which costs less than to ask whether there is one.
    known: [(Field, usize); Self::KNOWN + 1],
    /// The block has ended.
    is_over: bool,
}

impl LineEnds {
    /// Enough for one of each field that counts, twice.
    const KNOWN: usize = 8;

    pub(crate) const NONE: &'static Self = &Self::new();

    pub(crate) const fn new() -> Self {
        Self { count: 0, known: [(Field::Unknown, 0); Self::KNOWN + 1], is_over: false }
    }

    /// The next line ends there.
    #[inline]
    pub(crate) fn push(&mut self, field: Field, end: usize) {
        self.known[self.count.min(Self::KNOWN)] = (field, end);
        self.count += 1;
    }

    /// The block has ended. It is known until it is [forgotten](Self::forget_old).
    #[inline]
    pub(crate) fn end_block(&mut self) {
        self.is_over = true;
    }

    /// Nothing is known any more of a block that has ended.
    #[inline]
    pub(crate) fn forget_old(&mut self) {
        if self.is_over {
            self.clear();
        }
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        (self.count, self.is_over) = (0, false);
    }

    /// What the line of this number is, and where it ends.
    #[inline]
    pub(crate) fn get(&self, number: usize) -> Option<(Field, usize)> {
        (number < self.count.min(Self::KNOWN)).then(|| self.known[number])
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
