//! The one state machine: cuts chunks of bytes into parts of lines and ends of blocks.
//!
//! ```text
//! stream  = [ BOM ] *block
//! block   = *line blank            ; what the standard's grammar calls an event
//! line    = 1*any-but-line-end end-of-line
//! blank   = end-of-line
//! end-of-line = CRLF / LF / CR
//! ```
//!
//! It keeps no bytes, only where it stands: both views give it their input, get spans of that
//! input back, and keep what they need. Each byte is searched once. A CR ends its line at once;
//! the LF that may follow is swallowed when it arrives, so no event ever waits for a byte.

use core::ops::Range;

use crate::{
    Field,
    chunk::Scan,
    error::DecodeError,
    field::{self, Line},
    scan::{self, CR, LF},
    text::Trouble,
};

/// What the machine found next.
#[derive(Debug)]
pub(crate) enum Token {
    /// All of the input is used up.
    Starved,
    /// The value of a line, or the part of it that lies in this input.
    Value(Field, Range<usize>, Part),
    /// A blank line.
    EndOfBlock,
    /// The block under way passed the limit, in this field as far as its name is known. What was
    /// read of the block is void.
    TooLarge(Option<Field>),
    /// The block that was skipped has ended.
    Resynced,
}

/// Which part of its line a value span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    First,
    Middle,
    Last,
}

impl Part {
    /// Whether the line begins with this part. (Of an unknown field nothing is given until the
    /// name is known to be unknown, so its first part may be missing.)
    pub(crate) fn begins(self) -> bool {
        matches!(self, Self::Whole | Self::First)
    }

    /// Whether the line ends with this part.
    pub(crate) fn ends(self) -> bool {
        matches!(self, Self::Whole | Self::Last)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Reading,
    /// Looking for the end of a block that was refused.
    Skipping,
    /// The refused block ended with the very byte that was too many.
    Skipped,
    /// Refused a block for good; all further input is ignored.
    Failed,
}

/// What was skipped.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Skipped {
    pub(crate) comments: u64,
    pub(crate) blocks: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// Bytes that a block may have.
    limit: u64,
    /// Offset in the stream of the first byte of the input.
    base: u64,
    /// Offset in the stream of the first byte of the block under way.
    block_start: u64,
    /// Offset in the stream that the block under way may not reach beyond.
    fence: u64,
    line: Line,
    phase: Phase,
    /// The last byte was a CR: a LF now belongs to the same line end.
    after_cr: bool,
    skip_refused: bool,
}

impl Machine {
    pub(crate) fn new(limit: u64, skip_refused: bool) -> Self {
        Self {
            limit,
            base: 0,
            block_start: 0,
            fence: limit,
            line: Line::Bom(0),
            phase: Phase::Reading,
            after_cr: false,
            skip_refused,
        }
    }

    /// A machine to read one block again, which was cut out of the stream at this offset.
    pub(crate) fn for_block(offset: u64) -> Self {
        let line = if offset == 0 { Line::Bom(0) } else { Line::Start };
        // A LF that the block starts with may be one that came late for the last CRLF. If not, it
        // is the blank line of a block without lines, which means as much as no block.
        let after_cr = offset != 0;
        let unlimited = Self::new(u64::MAX, false);
        Self { base: offset, block_start: offset, line, after_cr, ..unlimited }
    }

    /// Stands at the start of the next connection's stream.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.limit, self.skip_refused);
    }

    /// Something else stands at the start of the stream, so a byte order mark would be none.
    pub(crate) fn expect_no_mark(&mut self) {
        self.line = Line::Start;
    }

    /// Offset in the stream of this index of the input.
    pub(crate) fn offset(&self, pos: usize) -> u64 {
        self.base + pos as u64
    }

    /// The offset that the block under way may not reach beyond.
    pub(crate) fn fence(&self) -> u64 {
        self.fence
    }

    /// How many bytes the block under way may still bring, from `pos` on.
    pub(crate) fn room(&self, pos: usize) -> usize {
        usize::try_from(self.fence.saturating_sub(self.offset(pos))).unwrap_or(usize::MAX)
    }

    /// Counts what replacements have added to the block under way. Whether it passed the limit, up
    /// to `pos`.
    pub(crate) fn inflate(&mut self, bytes: u64, pos: usize) -> bool {
        self.fence = self.fence.saturating_sub(bytes);
        self.is_over(pos)
    }

    /// How many bytes of the block under way lie before this index of the input.
    pub(crate) fn block_size(&self, pos: usize) -> u64 {
        // A LF that completes the line end of the last block is counted to no block.
        self.offset(pos).saturating_sub(self.block_start)
    }

    /// Whether a block is being skipped whose end has not come.
    pub(crate) fn is_skipping(&self) -> bool {
        self.phase == Phase::Skipping
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.phase == Phase::Failed
    }

    /// The next input starts where this one was read to.
    pub(crate) fn consume(&mut self, pos: usize) {
        self.base += pos as u64;
    }

    /// Refuses the block that [passed the limit](Token::TooLarge) before `pos`.
    #[cold]
    pub(crate) fn refuse_too_large(&mut self, field: Option<Field>, pos: usize) -> DecodeError {
        let error = DecodeError::too_large(self.limit, self.block_start, field);
        let fatal = self.refuse();
        if self.phase == Phase::Skipped {
            self.start_block(pos);
        }
        error.with_fatal(fatal)
    }

    /// Refuses a block after its end, so there is nothing to skip. Whether it is fatal.
    #[cold]
    pub(crate) fn refuse_ended_block(&mut self) -> bool {
        if !self.skip_refused {
            self.phase = Phase::Failed;
        }
        !self.skip_refused
    }

    /// Refuses the block because of the value that was read to `pos`.
    #[cold]
    pub(crate) fn refuse_value(
        &mut self,
        trouble: Trouble,
        field: Field,
        pos: usize,
    ) -> DecodeError {
        let error = match trouble {
            Trouble::TooLarge => DecodeError::too_large(self.limit, self.block_start, Some(field)),
            Trouble::Invalid(at) => DecodeError::invalid_utf8(at, self.block_size(pos), field),
        };
        error.with_fatal(self.refuse())
    }

    /// Gives up the block under way. Whether that is fatal.
    fn refuse(&mut self) -> bool {
        self.phase = match self.phase {
            _ if !self.skip_refused => Phase::Failed,
            Phase::Skipped => Phase::Skipped,
            _ => Phase::Skipping,
        };
        !self.skip_refused
    }

    /// The next token of this input from `pos` on, which is moved behind it.
    #[inline]
    pub(crate) fn next(&mut self, scan: &mut Scan<'_>, pos: &mut usize) -> Token {
        if self.line != Line::Start || self.phase != Phase::Reading || self.after_cr {
            return self.resume(scan, pos);
        }
        let (input, start) = (scan.bytes(), *pos);
        if start >= input.len() {
            return Token::Starved;
        }
        let Some(end) = scan.line_end(start) else {
            return self.part_of_line(input, pos, None);
        };
        if end == start {
            return self.end_block(input, pos);
        }
        let (field, value) = field::split(&input[start..end]);
        *pos = self.behind_line_end(input, end);
        if self.is_over(*pos) {
            return self.too_large(Line::Start, &input[..*pos], start);
        }
        Token::Value(field, start + value..end, Part::Whole)
    }

    /// Where the next line starts, if the line under way ends here.
    #[inline]
    fn behind_line_end(&mut self, input: &[u8], end: usize) -> usize {
        if input[end] == CR {
            // A LF that is too many is left to be found alone, as if it had come late.
            if input.get(end + 1) == Some(&LF) && !self.is_over(end + 2) {
                return end + 2;
            }
            self.after_cr = true;
        }
        end + 1
    }

    /// If the next byte is the LF of a CRLF whose CR ended a block, takes it now.
    ///
    /// For those who stop there: the line end shall be whole where it has arrived.
    pub(crate) fn take_lf(&mut self, input: &[u8], pos: &mut usize) {
        if self.after_cr && self.block_size(*pos) == 0 && input.get(*pos) == Some(&LF) {
            // It counts to no block, so it passes no limit.
            let _ = self.swallow_lf(input, pos);
        }
    }

    /// Skips comments that lie whole in the input, and blank lines behind them if those end blocks
    /// that are nothing else; `is_empty` tells whether the block under way is nothing so far.
    ///
    /// For views that do not care: on a quiet connection nearly all bytes are that.
    #[inline]
    pub(crate) fn skip_comments(
        &mut self,
        scan: &mut Scan<'_>,
        pos: &mut usize,
        is_empty: bool,
    ) -> Skipped {
        let input = scan.bytes();
        let mut skipped = Skipped::default();
        if self.line != Line::Start || self.phase != Phase::Reading || self.after_cr {
            return skipped;
        }
        while input.get(*pos) == Some(&b':') {
            let Some(end) = scan.line_end(*pos) else { break };
            let next = end + 1;
            // Whatever is special is left to where it is done right.
            if input[end] != LF || self.is_over(next + 1) {
                break;
            }
            skipped.comments += 1;
            *pos = next;
            if is_empty && input.get(next) == Some(&LF) {
                skipped.blocks += 1;
                *pos = next + 1;
                self.start_block(*pos);
            }
        }
        skipped
    }

    /// Leaves the LF of a CRLF that ended the value for the next time.
    ///
    /// For values that may get longer when they are read: whether they or the LF passed the limit
    /// must not depend on whether it is already there.
    pub(crate) fn leave_lf(&mut self, value_end: usize, pos: &mut usize) {
        if *pos == value_end + "\r\n".len() {
            *pos -= 1;
            self.after_cr = true;
        }
    }

    /// If the next byte ends a blank line, and so the block, takes it now.
    ///
    /// For views that have just processed a whole line: nearly every block ends like this, and
    /// finding out here spares them a round through [`next`](Self::next).
    #[inline]
    pub(crate) fn take_blank_line(&mut self, input: &[u8], pos: &mut usize) -> bool {
        let is_blank = input.get(*pos).is_some_and(|&byte| scan::is_line_end(byte));
        let ends = is_blank && !self.after_cr && !self.is_over(*pos + 1);
        ends && matches!(self.end_block(input, pos), Token::EndOfBlock)
    }

    /// Whether all of the input lies in the value of the data line under way.
    #[inline]
    pub(crate) fn is_middle_of_data(&self, scan: &mut Scan<'_>) -> bool {
        matches!(self.line, Line::Value(Field::Data))
            && self.phase == Phase::Reading
            && !self.is_over(scan.bytes().len())
            && scan.line_end(0).is_none()
    }

    /// The line under way ends here, because the stream does.
    pub(crate) fn end_of_stream(&mut self) -> Option<(Field, Part)> {
        let line = core::mem::replace(&mut self.line, Line::Start);
        let part = if matches!(line, Line::Value(_)) { Part::Last } else { Part::Whole };
        line.field_at_end().map(|field| (field, part))
    }

    #[inline]
    fn swallow_lf(&mut self, input: &[u8], pos: &mut usize) -> Option<Token> {
        self.after_cr = false;
        if input[*pos] != LF {
            return None;
        }
        *pos += 1;
        if self.block_size(*pos - 1) == 0 {
            self.start_block(*pos);
        } else if self.phase == Phase::Reading && self.is_over(*pos) {
            return Some(self.too_large(Line::Start, &[], 0));
        }
        None
    }

    #[inline]
    fn is_over(&self, pos: usize) -> bool {
        self.offset(pos) > self.fence
    }

    #[inline]
    fn start_block(&mut self, pos: usize) {
        self.block_start = self.offset(pos);
        self.fence = self.block_start.saturating_add(self.limit);
    }

    /// The line end here is that of a blank line.
    #[inline]
    fn end_block(&mut self, input: &[u8], pos: &mut usize) -> Token {
        let end = *pos;
        *pos += 1;
        let is_over = self.is_over(*pos);
        if input[end] == CR {
            // The LF counts to no block, so it passes no limit.
            let has_lf = !is_over && input.get(*pos) == Some(&LF);
            *pos += usize::from(has_lf);
            self.after_cr = !has_lf;
        }
        if is_over {
            self.phase = Phase::Skipped;
            return self.too_large(Line::Start, &[], 0);
        }
        self.start_block(*pos);
        Token::EndOfBlock
    }

    /// Refuses the block because of a byte that was read to the end of `read`, from `start` on,
    /// where the line was in this state.
    #[cold]
    fn too_large(&self, line: Line, read: &[u8], start: usize) -> Token {
        // Found from the first byte too many and those before it alone, so that the error is the
        // same however the bytes were cut into chunks.
        let allowed = usize::try_from(self.fence.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let read = &read[start..read.len().min(allowed.saturating_add(1)).max(start)];
        Token::TooLarge(line.field_at_last(read))
    }

    /// All that is not a whole line in one input.
    #[inline(never)]
    fn resume(&mut self, scan: &mut Scan<'_>, pos: &mut usize) -> Token {
        let input = scan.bytes();
        if self.after_cr && *pos < input.len() {
            if let Some(refused) = self.swallow_lf(input, pos) {
                return refused;
            }
            return self.next(scan, pos);
        }
        match self.phase {
            Phase::Reading => {}
            Phase::Skipping => return self.skip(scan, pos),
            Phase::Skipped => {
                self.phase = Phase::Reading;
                return Token::Resynced;
            }
            Phase::Failed => {
                *pos = input.len();
                return Token::Starved;
            }
        }
        if let Line::Bom(_) = self.line {
            let (before, start) = (self.line, *pos);
            self.read_bom(input, pos);
            if self.is_over(*pos) {
                return self.too_large(before, &input[..*pos], start);
            }
            if self.line == Line::Start {
                return self.next(scan, pos);
            }
        }
        if *pos == input.len() {
            return Token::Starved;
        }
        let end = scan.line_end(*pos);
        match self.line {
            Line::Value(field) => self.rest_of_value(input, pos, end, field),
            _ => self.part_of_line(input, pos, end),
        }
    }

    /// What goes on in a value that has begun in an earlier input: the most frequent part, where a
    /// line is longer than the chunks.
    #[inline]
    fn rest_of_value(
        &mut self,
        input: &[u8],
        pos: &mut usize,
        end: Option<usize>,
        field: Field,
    ) -> Token {
        let start = *pos;
        let (value, part) = match end {
            None => (start..input.len(), Part::Middle),
            Some(end) => {
                self.line = Line::Start;
                (start..end, Part::Last)
            }
        };
        *pos = end.map_or(value.end, |end| self.behind_line_end(input, end));
        if self.is_over(*pos) {
            return self.too_large(Line::Value(field), &input[..*pos], start);
        }
        Token::Value(field, value, part)
    }

    /// Reads a byte order mark, or finds that there is none.
    fn read_bom(&mut self, input: &[u8], pos: &mut usize) {
        while let (Line::Bom(seen), Some(&byte)) = (self.line, input.get(*pos)) {
            if seen == 0 && byte != field::BOM[0] {
                self.line = Line::Start;
            } else if scan::is_line_end(byte) {
                self.line = Line::Value(Field::Unknown);
            } else {
                self.line = self.line.step(byte);
                *pos += 1;
            }
        }
    }

    /// The part of a line that lies in this input: up to its end, or all.
    fn part_of_line(&mut self, input: &[u8], pos: &mut usize, end: Option<usize>) -> Token {
        let (before, start) = (self.line, *pos);
        let stop = end.unwrap_or(input.len());
        let mut begins = false;
        if self.line == Line::Start && stop - start >= field::LONGEST_START {
            // The name and what follows it are all there, as in a whole line.
            let (field, value) = field::split(&input[start..stop]);
            *pos += value;
            self.line = Line::Value(field);
            begins = true;
        }
        while let (Line::Start | Line::Name(..), true) = (self.line, *pos < stop) {
            self.line = self.line.step(input[*pos]);
            *pos += 1;
        }
        if let (Line::Colon(field), true) = (self.line, *pos < stop) {
            *pos = field::value_start(&input[..stop], *pos);
            self.line = Line::Value(field);
            begins = true;
        }
        let value = *pos..stop;
        let line = self.line;
        *pos = stop;
        if end.is_some() {
            *pos = self.behind_line_end(input, stop);
            self.line = Line::Start;
        }
        if self.is_over(*pos) {
            return self.too_large(before, &input[..*pos], start);
        }
        match (line, end) {
            (Line::Value(field), None) => {
                Token::Value(field, value, if begins { Part::First } else { Part::Middle })
            }
            (Line::Value(field), Some(_)) => {
                Token::Value(field, value, if begins { Part::Whole } else { Part::Last })
            }
            (_, None) => Token::Starved,
            // A name without a colon, or with nothing behind it.
            (_, Some(_)) => {
                let field = line.field_at_end().unwrap_or(Field::Unknown);
                Token::Value(field, value, Part::Whole)
            }
        }
    }

    /// Looks for the blank line that ends a refused block.
    fn skip(&mut self, scan: &mut Scan<'_>, pos: &mut usize) -> Token {
        let input = scan.bytes();
        self.read_bom(input, pos);
        loop {
            if self.after_cr && *pos < input.len() {
                let _ = self.swallow_lf(input, pos);
            }
            let Some(end) = scan.line_end(*pos) else {
                if *pos < input.len() {
                    self.line = Line::Value(Field::Unknown);
                    *pos = input.len();
                }
                return Token::Starved;
            };
            let blank = end == *pos && self.line == Line::Start;
            self.after_cr = input[end] == CR;
            self.line = Line::Start;
            *pos = end + 1;
            if blank {
                self.phase = Phase::Reading;
                self.start_block(*pos);
                return Token::Resynced;
            }
        }
    }
}
