//! Splits chunks into lines and blocks: the only state machine of the crate.
//!
//! ```text
//! stream      = [ BOM ] *block
//! block       = *line blank-line       ; what the standard's grammar calls an event
//! line        = 1*any-but-line-end line-end
//! blank-line  = line-end
//! line-end    = CRLF / LF / CR
//! ```
//!
//! # A block is bytes that lie side by side
//!
//! Chunks are cut anywhere. While a block lies in one chunk, its lines are read there and nothing
//! is copied. If the chunk ends first, the splitter moves what the block still needs to its one
//! buffer, and completes the following lines there. In both places the bytes of a block are
//! contiguous, so a value is a pair of offsets from the start of its block. A line is read once,
//! when it is complete. That is why no other part of the crate handles half a name, half a value or
//! half a character.
//!
//! The lines of a block are in the chunk, starting at [`Cursor::bytes`], unless the splitter
//! [holds](Splitter::holds_lines) some. Then all of them are in the buffer.
//!
//! # Line ends
//!
//! A CR ends its line at once, so that no event waits for the next byte. A LF right after it
//! belongs to the same line end. If that LF comes with a later chunk, `after_cr` makes the splitter
//! skip it.
//!
//! # The limit
//!
//! The limit counts the bytes that a block makes the decoder hold: its lines, and one byte for each
//! line end. The LF of a CRLF is not counted, so it does not matter if it came in the same chunk as
//! its CR. A line without meaning stops counting when it ends, because nothing of it is held from
//! then on. A block is refused at the first byte above the limit, wherever the chunks are cut. A
//! byte order mark belongs to no line and is not counted.

use alloc::vec::Vec;
use core::{mem, ops::Range};

use crate::{
    chunk::{Held, Part, Scan},
    wire::{self, BOM, CR, LF, field},
};

/// The treatment of a line that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The line must stay where it is.
    Held,
    /// The line counts towards the limit, although its value was copied.
    Copied,
    /// The line is not needed any more.
    Dropped,
    /// Like `Dropped`, but the caller sees the line first.
    Given,
}

/// Reads the lines of blocks.
pub(crate) trait Lines {
    /// Every byte of a block is held until the block ends.
    const HOLDS_ALL: bool;

    /// Returns the largest size of a block, less than 4 GiB.
    fn limit(&self) -> usize;

    /// Reads a line of the current block. `block` starts with the block's bytes.
    fn line(&mut self, block: &[u8], line: Range<usize>) -> Fate;

    /// Ends the block at its blank line. Returns `true` if the caller wants the block.
    fn end(&mut self) -> bool;

    /// Moves what is needed of these lines to the buffer, because their chunk ends, and notes the
    /// new positions.
    fn hold(&mut self, block: &[u8], buffer: &mut Held);
}

/// The location of a block or a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the chunk. The block's bytes start at this index and end at [`Cursor::pos`].
    Chunk(usize),
    /// In the splitter's [buffer](Splitter::buffer), until the next call of the splitter.
    Buffer,
}

/// The number of uncounted bytes in a block after which it moves to the buffer. It keeps the
/// block's offsets near the limit, however long the chunk is.
const FAR: usize = 1 << 20;

/// The result of [`Splitter::next`].
#[derive(Debug)]
pub(crate) enum Found {
    /// The end of the chunk.
    Starved,
    /// A block for the caller.
    Block(Place),
    /// A line that is [given](Fate::Given) to the caller.
    Line(Place),
    /// The current block exceeds the limit. Its fields are void.
    TooLarge,
    /// The end of a block that the caller does not want, or that was refused. The next byte starts
    /// a block.
    Passed,
}

/// The read position in a chunk.
#[derive(Debug)]
pub(crate) struct Cursor {
    /// The next byte to read.
    pub(crate) pos: usize,
    /// The index where the current block starts in this chunk, or where this chunk continues it.
    /// [`Splitter::pending`] has the number of bytes before it. Stale while `is_plain`.
    block: usize,
    /// The index that offsets are counted from: `block`, or the late LF before it, which the block
    /// view puts in front of the block. Stale while `is_plain`.
    bytes: usize,
    /// The index where the block would start if all of its bytes counted: `block`, plus the number
    /// of bytes that do not count. Stale while `is_plain`.
    counted_from: usize,
    /// The next byte starts a block, and the splitter has nothing to remember. So a caller may take
    /// whole blocks out of the chunk by itself, and move `pos`.
    pub(crate) is_plain: bool,
}

impl Cursor {
    /// Starts or continues the current block here: no byte before this one is needed in the chunk.
    #[inline]
    fn start_block(&mut self) {
        (self.block, self.bytes, self.counted_from) = (self.pos, self.pos, self.pos);
    }

    /// Takes a block that has one data line and is complete in the chunk, and records nothing
    /// about it. Nearly every block of a token stream is like that.
    #[expect(clippy::inline_always, reason = "most events cost no call")]
    #[inline(always)]
    pub(crate) fn usual(&self, scan: &mut Scan<'_>, limit: usize) -> Option<Usual> {
        if !self.is_plain {
            return None;
        }
        self.last_line(scan, self.pos, limit)
    }

    /// Like [`usual`](Self::usual), for a block whose last line starts at `line`.
    #[expect(clippy::inline_always, reason = "as `usual`")]
    #[inline(always)]
    pub(crate) fn last_line(
        &self,
        scan: &mut Scan<'_>,
        line: usize,
        limit: usize,
    ) -> Option<Usual> {
        let bytes = scan.bytes();
        let start = line + field::data_start(bytes.get(line..)?)?;
        let end = scan.line_end(start)?;
        // The LF of a CRLF does not count.
        let (next, lfs) = match &bytes[end..] {
            [LF, LF, ..] => (end + 2, 0),
            [CR, LF, CR, LF, ..] => (end + 4, 2),
            _ => return None,
        };
        (next - self.pos - lfs <= limit).then_some(Usual { data: start..end, next })
    }

    /// Returns the start of the next block, after a block that is one comment and complete in the
    /// chunk. On a quiet connection, nearly all bytes are such blocks.
    #[inline]
    pub(crate) fn comment_block(&self, scan: &mut Scan<'_>, limit: usize) -> Option<usize> {
        let bytes = scan.bytes();
        if !self.is_plain || bytes.get(self.pos) != Some(&b':') {
            return None;
        }
        let end = scan.line_end(self.pos)?;
        let is_usual = bytes.get(end..end + 2) == Some(&[LF, LF]);
        (is_usual && end + 2 - self.pos <= limit).then_some(end + 2)
    }

    /// Reads the first line of a block. The caller has found its end in the chunk.
    #[inline]
    pub(crate) fn read_first_line<L: Lines>(&mut self, bytes: &[u8], end: usize, lines: &mut L) {
        self.is_plain = false;
        self.start_block();
        self.pos = end + 1;
        lines.line(&bytes[self.bytes..], 0..end - self.bytes);
    }

    /// The end of an empty chunk.
    pub(crate) const NOTHING: Self =
        Self { pos: 0, block: 0, bytes: 0, counted_from: 0, is_plain: true };
}

/// A block with one data line that is complete in the chunk.
pub(crate) struct Usual {
    /// The position of the line's value.
    pub(crate) data: Range<usize>,
    /// The start of the next block.
    pub(crate) next: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Nothing has come yet, except perhaps a part of a byte order mark.
    Start,
    Reading,
    /// Skips to the blank line that ends a refused block. `true` at the start of a line.
    Skipping(bool),
}

/// The state of a stream between two chunks.
#[derive(Clone, Debug)]
pub(crate) struct Splitter {
    /// The needed bytes of the current block from earlier chunks, followed by the current line.
    buffer: Held,
    /// The start of the current line in the buffer.
    line: usize,
    /// The number of bytes that the complete lines of the block count. 0 for a block in the chunk.
    counted: usize,
    /// The offset in the stream of the chunk's first byte.
    base: u64,
    /// The number of bytes of the current block before [`Cursor::block`].
    pending: u64,
    /// The offset in the stream of the last block that was found or refused.
    block_start: u64,
    mode: Mode,
    /// The last byte was a CR. A LF that follows belongs to the same line end.
    after_cr: bool,
    /// The caller may read the buffer from `line` on, until the next call.
    is_lent: bool,
}

impl Splitter {
    /// Creates a splitter at the start of a stream.
    pub(crate) fn new() -> Self {
        Self {
            buffer: Held::NOTHING,
            line: 0,
            counted: 0,
            base: 0,
            pending: 0,
            block_start: 0,
            mode: Mode::Start,
            after_cr: false,
            is_lent: false,
        }
    }

    /// Disables BOM detection: output already precedes the first byte, so a mark there is text.
    pub(crate) fn expect_no_mark(&mut self) {
        self.mode = Mode::Reading;
    }

    /// Returns the number of bytes of the stream that were read.
    pub(crate) fn offset(&self) -> u64 {
        self.base
    }

    /// Returns the offset in the stream of the last block that was found or refused.
    pub(crate) fn block_start(&self) -> u64 {
        self.block_start
    }

    /// Returns the number of bytes of the current block that were read.
    pub(crate) fn pending(&self) -> u64 {
        self.pending
    }

    /// Returns `true` unless the current block was refused.
    pub(crate) fn is_reading(&self) -> bool {
        !matches!(self.mode, Mode::Skipping(_))
    }

    /// Returns `true` if lines of the current block are in the buffer. If not, the positions of
    /// values are void after the chunk.
    pub(crate) fn holds_lines(&self) -> bool {
        self.counted > 0 || !self.buffer.is_empty()
    }

    /// Returns `true` while the caller may read what the buffer holds.
    pub(crate) fn is_lent(&self) -> bool {
        self.is_lent
    }

    /// Returns the bytes of the incomplete line.
    pub(crate) fn line(&self) -> &[u8] {
        if self.is_lent { &[] } else { &self.buffer[self.line..] }
    }

    /// Returns the bytes of the current block, or of the one that was found, if they are not in the
    /// chunk.
    #[inline]
    pub(crate) fn buffer(&self) -> &Held {
        &self.buffer
    }

    /// Takes the buffer with the block that was found there.
    pub(crate) fn take_buffer(&mut self) -> Vec<u8> {
        self.line = 0;
        self.buffer.take()
    }

    /// Returns a buffer that was taken.
    pub(crate) fn put_buffer(&mut self, buffer: Vec<u8>) {
        self.buffer = buffer.into();
    }

    /// Returns `true` if the next byte starts a block and there is nothing to remember.
    #[inline]
    fn is_plain(&self) -> bool {
        self.pending == 0 && self.mode == Mode::Reading && !self.after_cr && self.buffer.is_empty()
    }

    #[inline]
    pub(crate) fn begin(&self) -> Cursor {
        Cursor { is_plain: self.is_plain(), ..Cursor::NOTHING }
    }

    /// Appends a chunk that is a part of the current line, and does nothing else. Returns `false`,
    /// and changes nothing, if the chunk is not that.
    ///
    /// Most chunks are, if lines are longer than chunks.
    #[inline]
    pub(crate) fn extend_line(&mut self, chunk: &[u8], limit: usize) -> bool {
        // A line that has just begun has nothing in the buffer.
        self.line < self.buffer.len() && self.try_extend_line(chunk, limit)
    }

    fn try_extend_line(&mut self, chunk: &[u8], limit: usize) -> bool {
        let len = self.buffer.len() + chunk.len();
        let is_easy = self.mode == Mode::Reading
            && !self.is_lent
            && len <= self.buffer.capacity()
            && self.counted + len - self.line <= limit
            && self.buffer.extend_line(chunk);
        if is_easy {
            self.pending += chunk.len() as u64;
            self.base += chunk.len() as u64;
        }
        is_easy
    }

    /// Takes back what the caller could read in the buffer.
    #[inline]
    pub(crate) fn end_loan(&mut self) {
        if self.is_lent {
            self.is_lent = false;
            self.drop_line();
        }
    }

    /// Drops the current line from the buffer, and frees a large buffer.
    #[inline]
    fn drop_line(&mut self) {
        if self.line == 0 && self.buffer.capacity() > wire::KEPT {
            self.buffer = Held::NOTHING;
        }
        self.buffer.truncate(self.line);
    }

    /// Returns `true` if the next byte starts a block, so that the caller may take whole blocks by
    /// itself.
    #[inline]
    pub(crate) fn try_plain<L: Lines>(&mut self, bytes: &[u8], at: &mut Cursor) -> bool {
        if !at.is_plain {
            self.end_loan();
            if self.after_cr && at.pos < bytes.len() {
                self.pass_lf::<L>(bytes, at);
            }
            at.is_plain = self.is_plain() && at.pos == at.block && at.pos == at.bytes;
        }
        at.is_plain
    }

    /// Reads up to the next block or line for the caller.
    #[inline]
    pub(crate) fn next<L: Lines>(
        &mut self,
        scan: &mut Scan<'_>,
        at: &mut Cursor,
        lines: &mut L,
    ) -> Found {
        if mem::take(&mut at.is_plain) {
            at.start_block();
        }
        self.end_loan();
        loop {
            if self.after_cr && at.pos < scan.bytes().len() {
                self.pass_lf::<L>(scan.bytes(), at);
            }
            let found = match self.mode {
                Mode::Reading if self.holds_lines() => self.read_buffer(scan, at, lines),
                Mode::Reading => self.read_chunk(scan, at, lines),
                Mode::Start => self.read_mark::<L>(scan.bytes(), at),
                Mode::Skipping(_) => self.skip(scan, at),
            };
            if let Some(found) = found {
                return found;
            }
        }
    }

    /// Completes a block in the buffer, if its only line ends in this chunk with LF, LF. Returns
    /// the position of that line. Nearly every block of a token stream that straddles two chunks is
    /// like that.
    #[inline]
    pub(crate) fn complete_block(
        &mut self,
        scan: &mut Scan<'_>,
        at: &mut Cursor,
        limit: usize,
    ) -> Option<Range<usize>> {
        let is_first_line = self.line == 0 && self.counted == 0 && !self.is_lent;
        if !is_first_line || self.buffer.is_empty() || self.mode != Mode::Reading {
            return None;
        }
        let bytes = scan.bytes();
        let start = at.pos;
        let end = scan.line_end(start)?;
        let part = &bytes[start..end];
        let len = self.buffer.len() + part.len();
        if bytes.get(end..end + 2) != Some(&[LF, LF]) || len + 2 > limit {
            return None;
        }
        self.buffer.reserve(part.len(), limit);
        self.buffer.append(scan.part(start..end));
        at.pos = end + 2;
        self.end_block(at);
        self.is_lent = true;
        Some(0..len)
    }

    /// Takes a [usual](Cursor::usual) block. Returns its start in the chunk.
    #[inline]
    pub(crate) fn take_usual(&mut self, at: &mut Cursor, next: usize) -> usize {
        let start = mem::replace(&mut at.pos, next);
        self.block_start = self.base + start as u64;
        start
    }

    /// Moves the rest of the chunk to the buffer. It starts a block and has no line end.
    #[inline]
    pub(crate) fn hold_rest(&mut self, scan: &Scan<'_>, at: &mut Cursor, limit: usize) {
        let end = scan.bytes().len();
        self.buffer.reserve(end - at.pos, limit);
        self.buffer.append(scan.part(at.pos..end));
        self.pending = (end - at.pos) as u64;
        at.pos = end;
    }

    /// Ends a chunk that is used up, with nothing to remember.
    #[inline]
    pub(crate) fn pass(&mut self, len: usize) {
        self.base += len as u64;
    }

    /// Ends a chunk at the cursor. The caller keeps what was not read.
    #[inline]
    pub(crate) fn stop<L: Lines>(&mut self, scan: &Scan<'_>, at: &mut Cursor, lines: &mut L) {
        let bytes = scan.bytes();
        if !at.is_plain {
            self.end_loan();
            if self.after_cr && at.pos < bytes.len() {
                // The line end of the last event is a part of it, for a caller who stops there.
                self.pass_lf::<L>(bytes, at);
            }
            if at.bytes < at.pos && self.is_reading() {
                self.hold_block(scan, at.pos, at, lines);
            }
        }
        self.base += at.pos as u64;
    }

    /// Ends a chunk whose rest does not matter, because the decoder has failed.
    #[cold]
    pub(crate) fn ignore(&mut self, bytes: &[u8], at: &mut Cursor) {
        if self.after_cr && at.pos < bytes.len() {
            self.after_cr = false;
            let is_lf = bytes[at.pos] == LF;
            at.pos += usize::from(is_lf);
            at.block += usize::from(is_lf && self.pending == 0);
        }
        at.pos = bytes.len();
        self.leave(at);
        self.base += at.pos as u64;
        self.buffer = Held::NOTHING;
        (self.line, self.is_lent) = (0, false);
    }

    /// Ends the stream, and reads an incomplete line as if it were complete. Returns `true` if the
    /// caller wants the block.
    pub(crate) fn finish<L: Lines>(&mut self, lines: &mut L) -> bool {
        self.end_loan();
        self.block_start = self.base.saturating_sub(self.pending);
        if self.line < self.buffer.len() {
            lines.line(&self.buffer, self.line..self.buffer.len());
            self.line = self.buffer.len();
        }
        lines.end()
    }

    /// Skips a LF that completes a CRLF.
    #[inline]
    fn pass_lf<L: Lines>(&mut self, bytes: &[u8], at: &mut Cursor) {
        self.after_cr = false;
        if bytes[at.pos] != LF {
            return;
        }
        at.pos += 1;
        at.counted_from += 1;
        if self.holds_lines() {
            if L::HOLDS_ALL {
                self.buffer.push(LF);
                self.line += 1;
            }
            self.leave(at);
        } else if self.pending > 0 {
            self.leave(at);
        } else {
            // After a blank line it belongs to no block. The block view must not lose it, and puts
            // it in front of the next block.
            at.block = at.pos;
            if !L::HOLDS_ALL {
                at.bytes = at.pos;
            }
        }
    }

    /// Counts the bytes of the current block up to here, which are not needed in the chunk any
    /// more.
    #[inline]
    fn leave(&mut self, at: &mut Cursor) {
        self.pending += (at.pos - at.block) as u64;
        at.start_block();
    }

    /// Ends the current block here.
    #[inline]
    fn end_block(&mut self, at: &mut Cursor) {
        self.block_start = (self.base + at.block as u64).saturating_sub(self.pending);
        self.pending = 0;
        at.start_block();
    }

    /// Skips a byte order mark, once enough bytes have come to recognise it.
    #[cold]
    fn read_mark<L: Lines>(&mut self, bytes: &[u8], at: &mut Cursor) -> Option<Found> {
        let seen = self.buffer.len();
        let rest = &bytes[at.pos..];
        let same = rest.iter().zip(&BOM[seen..]).take_while(|(byte, mark)| byte == mark).count();
        let is_mark = seen + same == BOM.len();
        if !is_mark && same == rest.len() {
            self.buffer.append(Part::new(rest));
            at.pos = bytes.len();
            self.leave(at);
            return Some(Found::Starved);
        }
        // If it is not a mark, its bytes start the first line.
        self.mode = Mode::Reading;
        if is_mark {
            at.pos += same;
            at.counted_from = at.pos;
            if L::HOLDS_ALL && seen > 0 {
                self.buffer.append(Part::new(&rest[..same]));
                self.line = self.buffer.len();
            } else {
                self.buffer.truncate(0);
            }
            if !L::HOLDS_ALL || seen > 0 {
                self.leave(at);
            }
        }
        None
    }

    /// Reads lines in the chunk. No byte of the block is in the buffer.
    #[inline]
    fn read_chunk<L: Lines>(
        &mut self,
        scan: &mut Scan<'_>,
        at: &mut Cursor,
        lines: &mut L,
    ) -> Option<Found> {
        let bytes = scan.bytes();
        loop {
            let start = at.pos;
            let Some(end) = line_end(scan, start) else {
                return Some(self.leave_chunk(scan, at, lines));
            };
            if end + 1 - at.counted_from > lines.limit() {
                return Some(self.refuse(at, end == start));
            }
            let block = at.bytes;
            at.pos = end + 1;
            let is_crlf = bytes[end] == CR && self.read_cr(bytes, at);
            if end == start {
                self.end_block(at);
                let is_wanted = lines.end();
                return Some(if is_wanted {
                    Found::Block(Place::Chunk(block))
                } else {
                    Found::Passed
                });
            }
            let fate = lines.line(&bytes[block..], start - block..end - block);
            if let Fate::Held | Fate::Copied = fate {
                at.counted_from += usize::from(is_crlf);
                continue;
            }
            if at.counted_from == block && start == block {
                // Nothing before it counts, so the block can start after it.
                self.leave(at);
            } else {
                at.counted_from += at.pos - start;
                if at.counted_from - block > FAR {
                    self.hold_block(scan, at.pos, at, lines);
                }
            }
            if fate == Fate::Given {
                return Some(Found::Line(Place::Chunk(block)));
            }
            if at.bytes != block {
                // The block may be in the buffer now.
                return None;
            }
        }
    }

    /// Notes that a CR has ended a line. Returns `true` if a LF follows, and skips it.
    #[inline]
    fn read_cr(&mut self, bytes: &[u8], at: &mut Cursor) -> bool {
        let next = bytes.get(at.pos);
        self.after_cr = next.is_none();
        let is_crlf = next == Some(&LF);
        at.pos += usize::from(is_crlf);
        is_crlf
    }

    /// Ends the chunk, perhaps within a block.
    #[inline]
    fn leave_chunk<L: Lines>(&mut self, scan: &Scan<'_>, at: &mut Cursor, lines: &mut L) -> Found {
        let bytes = scan.bytes();
        if at.bytes < bytes.len() {
            let line = at.pos;
            if bytes.len() - at.counted_from > lines.limit() {
                return self.refuse(at, line == bytes.len());
            }
            at.pos = bytes.len();
            self.hold_block(scan, line, at, lines);
        }
        Found::Starved
    }

    /// Moves the current block up to the cursor from the chunk to the buffer: what is needed of the
    /// lines before `line`, and the line that starts there.
    #[inline(never)]
    fn hold_block<L: Lines>(
        &mut self,
        scan: &Scan<'_>,
        line: usize,
        at: &mut Cursor,
        lines: &mut L,
    ) {
        self.counted = line.saturating_sub(at.counted_from);
        // Lines without meaning are not moved.
        let lines_len = if L::HOLDS_ALL { line - at.bytes } else { self.counted };
        self.buffer.reserve(lines_len + at.pos - line, lines.limit());
        if at.bytes < line {
            lines.hold(&scan.bytes()[at.bytes..line], &mut self.buffer);
        }
        self.line = self.buffer.len();
        self.buffer.append(scan.part(line..at.pos));
        self.leave(at);
    }

    /// Completes lines in the buffer. The block began in an earlier chunk.
    #[inline]
    fn read_buffer<L: Lines>(
        &mut self,
        scan: &mut Scan<'_>,
        at: &mut Cursor,
        lines: &mut L,
    ) -> Option<Found> {
        let bytes = scan.bytes();
        loop {
            if !self.holds_lines() {
                // None of the lines so far has a meaning, so the next ones can be read in the
                // chunk.
                return None;
            }
            let start = at.pos;
            let found = line_end(scan, start);
            let end = found.unwrap_or(bytes.len());
            let part = &bytes[start..end];
            let line_len = self.buffer.len() - self.line + part.len();
            if self.counted + line_len + usize::from(found.is_some()) > lines.limit() {
                return Some(self.refuse(at, line_len == 0));
            }
            self.buffer.reserve(part.len() + "\r\n".len(), lines.limit());
            if !part.is_empty() {
                self.buffer.append(scan.part(start..end));
            }
            let line = self.line..self.buffer.len();
            if found.is_none() {
                at.pos = end;
                self.leave(at);
                return Some(Found::Starved);
            }
            at.pos = end + 1;
            self.buffer.push(bytes[end]);
            let is_crlf = bytes[end] == CR && self.read_cr(bytes, at);
            if is_crlf && L::HOLDS_ALL {
                self.buffer.push(LF);
            }
            if line.is_empty() {
                self.end_block(at);
                (self.line, self.counted, self.is_lent) = (0, 0, true);
                let is_wanted = lines.end();
                return Some(if is_wanted { Found::Block(Place::Buffer) } else { Found::Passed });
            }
            self.leave(at);
            let fate = lines.line(&self.buffer, line.clone());
            match fate {
                Fate::Held => self.line = self.buffer.len(),
                Fate::Copied | Fate::Dropped => self.drop_line(),
                Fate::Given => {
                    self.is_lent = true;
                    return Some(Found::Line(Place::Buffer));
                }
            }
            if matches!(fate, Fate::Held | Fate::Copied) {
                self.counted += line.len() + 1;
            }
        }
    }

    /// Refuses the current block. The rest of it is skipped, starting with the current line in this
    /// chunk, which may have begun in an earlier one.
    #[cold]
    pub(crate) fn refuse(&mut self, at: &mut Cursor, is_line_start: bool) -> Found {
        self.buffer = Held::NOTHING;
        (self.line, self.counted) = (0, 0);
        self.mode = Mode::Skipping(is_line_start);
        self.block_start = (self.base + at.block as u64).saturating_sub(self.pending);
        self.leave(at);
        Found::TooLarge
    }

    /// Skips to the blank line that ends a refused block.
    #[cold]
    fn skip(&mut self, scan: &mut Scan<'_>, at: &mut Cursor) -> Option<Found> {
        let Mode::Skipping(is_line_start) = &mut self.mode else { return None };
        let bytes = scan.bytes();
        let Some(end) = scan.line_end(at.pos) else {
            *is_line_start &= at.pos == bytes.len();
            at.pos = bytes.len();
            self.leave(at);
            return Some(Found::Starved);
        };
        let is_blank = *is_line_start && end == at.pos;
        *is_line_start = true;
        at.pos = end + 1;
        if bytes[end] == CR {
            self.read_cr(bytes, at);
        }
        if is_blank {
            self.mode = Mode::Reading;
            self.end_block(at);
            return Some(Found::Passed);
        }
        self.leave(at);
        None
    }
}

/// Returns the next line end. Nearly every second line is blank and ends right here, so that is
/// tried first.
#[inline]
fn line_end(scan: &mut Scan<'_>, from: usize) -> Option<usize> {
    if scan.bytes().get(from) == Some(&LF) { Some(from) } else { scan.line_end(from) }
}
