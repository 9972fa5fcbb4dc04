//! Cuts chunks into lines and blocks: the only state machine of the crate.
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
//! Chunks are cut anywhere. While a block lies in one chunk, its lines are read there and nothing is
//! copied. When the chunk ends first, what the block still needs of it moves to the one buffer here,
//! and the lines that follow are completed there. In both places the bytes of a block lie side by
//! side, so whoever reads its lines may remember a value as a pair of offsets from the start of the
//! block. A line is read once, when it is complete and whole, and never in parts. That is why there
//! are no halves of names, values or characters anywhere else in the crate.
//!
//! The lines of a block are in the chunk, from [`Cursor::bytes`] on, unless the splitter
//! [holds](Splitter::holds_lines) some: then they are all in the buffer.
//!
//! # Line ends
//!
//! A CR ends its line at once, so that no event waits for the byte after it. If the next byte is LF,
//! it belongs to the same line end. If it comes with a later chunk, `after_cr` remembers to pass it.
//!
//! # The limit
//!
//! The limit counts what a block makes the decoder hold: its lines with one byte for each line end.
//! (The LF of a CRLF is not counted. So it does not matter whether it came with its CR.) A line that
//! means nothing stops counting when it ends, because nothing of it is held from then on. A block is
//! refused at the first byte too many, wherever the chunks are cut. A byte order mark belongs to no
//! line and counts nowhere.

use alloc::vec::Vec;
use core::{mem, ops::Range};

use crate::{
    chunk::{Held, Part, Scan},
    wire::{self, BOM, CR, LF, field},
};

/// What becomes of the bytes of a line that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The line is needed where it lies.
    Held,
    /// The line counts towards the limit, but its value was copied.
    Copied,
    /// The line means nothing (any more).
    Dropped,
    /// As `Dropped`, after it was given to the caller.
    Given,
}

/// Reads the lines of the blocks.
pub(crate) trait Lines {
    /// Every byte of a block is held until the block ends.
    const HOLDS_ALL: bool;

    /// Returns the largest size of a block, less than 4 GiB.
    fn limit(&self) -> usize;

    /// Reads a line of the block under way. `block` starts with the block's bytes.
    fn line(&mut self, block: &[u8], line: Range<usize>) -> Fate;

    /// A blank line has ended the block. Returns `true` if the block is to be given to the caller.
    fn end(&mut self) -> bool;

    /// The chunk that `block` lies in ends. Appends what is needed of these lines to the buffer,
    /// and remembers where.
    fn hold(&mut self, block: &[u8], buffer: &mut Held);
}

/// Where a block or a line lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the chunk. The block's bytes start at this index, and what was read ends at
    /// [`Cursor::pos`].
    Chunk(usize),
    /// In the splitter's [buffer](Splitter::buffer), until the splitter is called again.
    Buffer,
}

/// A block moves to the buffer when it lies among so many bytes that do not count. So all of its
/// offsets stay near the limit, however long the chunk is.
const FAR: usize = 1 << 20;

/// What the splitter came upon.
#[derive(Debug)]
pub(crate) enum Found {
    /// The chunk is used up.
    Starved,
    /// A block that somebody wants.
    Block(Place),
    /// A line that is [given](Fate::Given) to the caller.
    Line(Place),
    /// The block under way passed the limit. Its fields are void.
    TooLarge,
    /// A block has ended that nobody wants, or that was refused. The next byte starts a block.
    Passed,
}

/// How far a chunk was read.
#[derive(Debug)]
pub(crate) struct Cursor {
    /// The next byte to read.
    pub(crate) pos: usize,
    /// Where the block under way starts in this chunk, or goes on if it began in an earlier one. With
    /// [`Splitter::pending`], this tells where it starts in the stream. Stale while `is_plain`.
    block: usize,
    /// Where its bytes start in this chunk, and what offsets are counted from: at `block`, or at the
    /// late LF before it that the block view gives with it. Stale while `is_plain`.
    bytes: usize,
    /// The index that the block would start at if all of it counted: `block`, moved by each byte
    /// that does not count. Stale while `is_plain`.
    counted_from: usize,
    /// The next byte starts a block, and the splitter has nothing to remember. So a caller may take
    /// whole blocks out of the chunk by itself, and move `pos`.
    pub(crate) is_plain: bool,
}

impl Cursor {
    /// The block under way starts here, or goes on here with nothing of it in the chunk before.
    #[inline]
    fn start_block(&mut self) {
        (self.block, self.bytes, self.counted_from) = (self.pos, self.pos, self.pos);
    }

    /// Takes a block that is one data line and lies whole in the chunk, without noting anything of
    /// it: nearly every block of a token stream is like that. Returns where its data lies.
    #[expect(clippy::inline_always, reason = "most events cost no call")]
    #[inline(always)]
    pub(crate) fn usual(&self, scan: &mut Scan<'_>, limit: usize) -> Option<Usual> {
        if !self.is_plain {
            return None;
        }
        self.last_line(scan, self.pos, limit)
    }

    /// As [`usual`](Self::usual), if the line that starts at `line` is the last one of the block.
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

    /// Returns where the next block starts after a comment that is a block of its own and lies whole
    /// in the chunk: on a quiet connection nearly all bytes are that.
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

    /// Reads the first line of a block, whose end the caller has found in the chunk.
    #[inline]
    pub(crate) fn read_first_line<L: Lines>(&mut self, bytes: &[u8], end: usize, lines: &mut L) {
        self.is_plain = false;
        self.start_block();
        self.pos = end + 1;
        lines.line(&bytes[self.bytes..], 0..end - self.bytes);
    }

    /// At the end of a chunk without bytes.
    pub(crate) const NOTHING: Self =
        Self { pos: 0, block: 0, bytes: 0, counted_from: 0, is_plain: true };
}

/// A block that lies whole in the chunk, with one data line.
pub(crate) struct Usual {
    /// The value of that line.
    pub(crate) data: Range<usize>,
    /// Where the next block starts.
    pub(crate) next: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Nothing has come yet but perhaps a part of a byte order mark.
    Start,
    Reading,
    /// Looks for the blank line that ends a refused block. `true` at the start of a line.
    Skipping(bool),
}

/// The state of a stream between two chunks.
#[derive(Clone, Debug)]
pub(crate) struct Splitter {
    /// The bytes of the block under way that came in earlier chunks, as far as they are needed; then
    /// those of the line under way.
    buffer: Held,
    /// Where in the buffer the line under way starts.
    line: usize,
    /// How much the ended lines of the block count towards the limit. 0 for a block in the chunk.
    counted: usize,
    /// The offset in the stream of the chunk's first byte.
    base: u64,
    /// How many bytes the block under way had before [`Cursor::block`].
    pending: u64,
    /// The offset in the stream of the block that was found or refused last.
    block_start: u64,
    mode: Mode,
    /// The last byte was a CR: if a LF is next, it belongs to the same line end.
    after_cr: bool,
    /// What the buffer holds from `line` on was given to the caller until the next call.
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

    /// Returns how many bytes of the stream were read.
    pub(crate) fn offset(&self) -> u64 {
        self.base
    }

    /// Returns the offset in the stream where the block starts that was found or refused last.
    pub(crate) fn block_start(&self) -> u64 {
        self.block_start
    }

    /// Returns how many bytes of the block under way were read.
    pub(crate) fn pending(&self) -> u64 {
        self.pending
    }

    /// Returns `true` unless the block under way was refused.
    pub(crate) fn is_reading(&self) -> bool {
        !matches!(self.mode, Mode::Skipping(_))
    }

    /// Returns `true` if lines of the block under way are held here. If not, nobody may remember
    /// where a value lies.
    pub(crate) fn holds_lines(&self) -> bool {
        self.counted > 0 || !self.buffer.is_empty()
    }

    /// Returns `true` while the buffer holds what was given to the caller.
    pub(crate) fn is_lent(&self) -> bool {
        self.is_lent
    }

    /// Returns the part of the line under way that has come.
    pub(crate) fn line(&self) -> &[u8] {
        if self.is_lent { &[] } else { &self.buffer[self.line..] }
    }

    /// Returns the bytes of the block under way, or of the one that was found, if they are not in
    /// the chunk.
    #[inline]
    pub(crate) fn buffer(&self) -> &Held {
        &self.buffer
    }

    /// Takes the buffer away from a block that was found there.
    pub(crate) fn take_buffer(&mut self) -> Vec<u8> {
        self.line = 0;
        self.buffer.take()
    }

    /// Gives the buffer back that was taken.
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

    /// Appends a chunk that lies within the line under way, and does nothing else that a chunk may
    /// ask for. Returns `false` if it is not such a chunk.
    ///
    /// Where lines are longer than chunks, most chunks are like that.
    #[inline]
    pub(crate) fn extend_line(&mut self, chunk: &[u8], limit: usize) -> bool {
        // Nothing of the line is in the buffer if it has just begun.
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

    /// Ends the loan of what was given out of the buffer.
    #[inline]
    pub(crate) fn end_loan(&mut self) {
        if self.is_lent {
            self.is_lent = false;
            self.drop_line();
        }
    }

    /// Drops the line under way from the buffer, and gives back the memory of a large one.
    #[inline]
    fn drop_line(&mut self) {
        if self.line == 0 && self.buffer.capacity() > wire::KEPT {
            self.buffer = Held::NOTHING;
        }
        self.buffer.truncate(self.line);
    }

    /// If the next byte starts a block now, lets the caller take whole blocks by itself.
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

    /// Reads on up to the next block or line that the caller wants.
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

    /// Completes the line under way in the buffer, if it is the only line of its block and ends here
    /// with LF, LF: the block has ended then, and this is its line. Nearly every block of a token
    /// stream that straddles two chunks is like that.
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

    /// Takes a [usual](Cursor::usual) block. Returns where it starts in the chunk.
    #[inline]
    pub(crate) fn take_usual(&mut self, at: &mut Cursor, next: usize) -> usize {
        let start = mem::replace(&mut at.pos, next);
        self.block_start = self.base + start as u64;
        start
    }

    /// Moves the rest of the chunk to the buffer, which starts a block and has no line end.
    #[inline]
    pub(crate) fn hold_rest(&mut self, scan: &Scan<'_>, at: &mut Cursor, limit: usize) {
        let end = scan.bytes().len();
        self.buffer.reserve(end - at.pos, limit);
        self.buffer.append(scan.part(at.pos..end));
        self.pending = (end - at.pos) as u64;
        at.pos = end;
    }

    /// Ends reading a chunk that was used up, with nothing to remember.
    #[inline]
    pub(crate) fn pass(&mut self, len: usize) {
        self.base += len as u64;
    }

    /// Ends reading a chunk, at the cursor. What was not read is no concern of the splitter's.
    #[inline]
    pub(crate) fn stop<L: Lines>(&mut self, scan: &Scan<'_>, at: &mut Cursor, lines: &mut L) {
        let bytes = scan.bytes();
        if !at.is_plain {
            self.end_loan();
            if self.after_cr && at.pos < bytes.len() {
                // A caller who stops at the last event has read all of its line end.
                self.pass_lf::<L>(bytes, at);
            }
            if at.bytes < at.pos && self.is_reading() {
                self.hold_block(scan, at.pos, at, lines);
            }
        }
        self.base += at.pos as u64;
    }

    /// Ends reading a chunk of which the rest means nothing, because the decoder has failed.
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

    /// The stream has ended. Reads the line under way as if it had ended, too. Returns `true` if
    /// the block is wanted.
    pub(crate) fn finish<L: Lines>(&mut self, lines: &mut L) -> bool {
        self.end_loan();
        self.block_start = self.base.saturating_sub(self.pending);
        if self.line < self.buffer.len() {
            lines.line(&self.buffer, self.line..self.buffer.len());
            self.line = self.buffer.len();
        }
        lines.end()
    }

    /// Passes a LF that completes a CRLF.
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
            // After a blank line it belongs to no block. The block view, which loses no byte, gives
            // it with the next one.
            at.block = at.pos;
            if !L::HOLDS_ALL {
                at.bytes = at.pos;
            }
        }
    }

    /// The bytes of the block under way up to here are not in the chunk any more, or not needed.
    #[inline]
    fn leave(&mut self, at: &mut Cursor) {
        self.pending += (at.pos - at.block) as u64;
        at.start_block();
    }

    /// The block has ended here.
    #[inline]
    fn end_block(&mut self, at: &mut Cursor) {
        self.block_start = (self.base + at.block as u64).saturating_sub(self.pending);
        self.pending = 0;
        at.start_block();
    }

    /// Passes a byte order mark, once enough bytes have come to tell that it is one.
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
        // If it is none, what came of it starts the first line.
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

    /// Reads lines where they lie in the chunk: no byte of the block is in the buffer.
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
                // Before all that counts: the block may as well start after it.
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
                // Perhaps the block lies in the buffer now.
                return None;
            }
        }
    }

    /// A CR has ended a line. Returns `true` if a LF follows, which is passed, too.
    #[inline]
    fn read_cr(&mut self, bytes: &[u8], at: &mut Cursor) -> bool {
        let next = bytes.get(at.pos);
        self.after_cr = next.is_none();
        let is_crlf = next == Some(&LF);
        at.pos += usize::from(is_crlf);
        is_crlf
    }

    /// The chunk ends within a block, if it does not end between two.
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

    /// Moves the block under way from the chunk to the buffer, up to the cursor: the lines before
    /// `line`, as far as they are needed, and the start of the one after them.
    #[inline(never)]
    fn hold_block<L: Lines>(
        &mut self,
        scan: &Scan<'_>,
        line: usize,
        at: &mut Cursor,
        lines: &mut L,
    ) {
        self.counted = line.saturating_sub(at.counted_from);
        // Of lines that mean nothing, nothing moves.
        let lines_len = if L::HOLDS_ALL { line - at.bytes } else { self.counted };
        self.buffer.reserve(lines_len + at.pos - line, lines.limit());
        if at.bytes < line {
            lines.hold(&scan.bytes()[at.bytes..line], &mut self.buffer);
        }
        self.line = self.buffer.len();
        self.buffer.append(scan.part(line..at.pos));
        self.leave(at);
    }

    /// Completes lines in the buffer: the block under way began in an earlier chunk.
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
                // All lines of the block so far mean nothing, so the next ones may lie in the chunk.
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

    /// Refuses the block under way. The rest of it is skipped from the start of its last line in
    /// this chunk, which may be all that there is of that line.
    #[cold]
    pub(crate) fn refuse(&mut self, at: &mut Cursor, is_line_start: bool) -> Found {
        self.buffer = Held::NOTHING;
        (self.line, self.counted) = (0, 0);
        self.mode = Mode::Skipping(is_line_start);
        self.block_start = (self.base + at.block as u64).saturating_sub(self.pending);
        self.leave(at);
        Found::TooLarge
    }

    /// Looks for the blank line that ends a refused block.
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

/// Returns the first line end from here on. Nearly every second line is blank, and ends right here.
#[inline]
fn line_end(scan: &mut Scan<'_>, from: usize) -> Option<usize> {
    if scan.bytes().get(from) == Some(&LF) { Some(from) } else { scan.line_end(from) }
}
