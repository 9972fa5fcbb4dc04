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
    raw: &'a [u8],
    /// Where the next one starts.
    pos: usize,
    known: &'a LineEnds,
    /// How many there were.
    number: usize,
}

impl<'a> Lines<'a> {
    /// The lines of a block's raw bytes.
    ///
    /// They may start with a byte order mark, or with the LF of a line end before them: any other
    /// LF there is a blank line, and the block has no lines anyway.
    #[inline]
    pub(crate) fn new(raw: &'a [u8], starts_stream: bool, known: &'a LineEnds) -> Self {
        let start: &[u8] = if starts_stream { &BOM } else { &[LF] };
        let pos = if raw.starts_with(start) { start.len() } else { 0 };
        Self { raw, pos, known, number: 0 }
    }

    /// Where in the block the next line starts, or else the blank one.
    #[inline]
    pub(crate) fn pos(&self) -> usize {
        self.pos
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    #[expect(clippy::inline_always, reason = "a rewritten block of one line is slower by a tenth")]
    #[inline(always)]
    fn next(&mut self) -> Option<Line<'a>> {
        let rest = &self.raw[self.pos..];
        if rest.first().is_none_or(|&byte| scan::is_line_end(byte)) {
            return None;
        }
        let (field, len) = match self.known.get(self.number) {
            Some((field, end)) => (field, end - self.pos),
            None => find(rest),
        };
        let line_end = match &rest[len..] {
            [CR, LF, ..] => 2,
            [_, ..] => 1,
            [] => 0,
        };
        self.pos += len + line_end;
        self.number += 1;
        Some(Line { raw: &rest[..len + line_end], len, field })
    }
}

/// What the first line is, and where it ends. Not inlined, so that lines which are known are.
#[inline(never)]
fn find(bytes: &[u8]) -> (Field, usize) {
    let len = scan::line_end(bytes).unwrap_or(bytes.len());
    let (field, _) = field::split(&bytes[..len]);
    (field, len)
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
    /// Bytes without the line end.
    len: usize,
    field: Field,
}

impl<'a> Line<'a> {
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
        let len = match self.field {
            Field::Unknown => scan::colon(self.text()).unwrap_or(self.len),
            known => known.name().len(),
        };
        &self.raw[..len]
    }

    /// The value: what comes behind the colon, without one leading space.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        let text = self.text();
        let start = match self.field {
            Field::Unknown => match scan::colon(text) {
                Some(colon) => field::value_start(text, colon + 1),
                None => self.len,
            },
            _ => field::split(text).1,
        };
        &text[start..]
    }

    fn text(&self) -> &'a [u8] {
        &self.raw[..self.len]
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
