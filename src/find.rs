//! Finds the next block in a chunk: the only loop over lines, and the limit.
//!
//! ```text
//! stream      = [ BOM ] *block
//! block       = *line blank-line       ; what the standard's grammar calls an event
//! line        = 1*any-but-line-end line-end
//! blank-line  = line-end
//! line-end    = CRLF / LF / CR
//! ```
//!
//! # Where a block's bytes are
//!
//! Chunks are cut anywhere. Lines are read in the chunk, and nothing is copied while a block lies
//! in one chunk. At the end of a chunk the decoder copies what the current block still needs: in
//! the event view its values, in the block view every byte. It also copies the current line, which
//! is *carried* into the next chunk: [`complete_line`](State::complete_line) completes it in the
//! buffer. All lines after it are read in the chunk again, by the loop in [`find`].
//!
//! So the bytes of a block are those that are held, followed by those in the chunk, from
//! [`Scan::from`](crate::chunk::Scan::from) on. A value is a pair of offsets in that sequence.
//!
//! # Line ends
//!
//! A CR ends its line at once, so that no event waits for the next byte. A LF right after it
//! belongs to the same line end. If it comes with the next chunk, that chunk starts after it: see
//! [`State::pass_lf`].
//!
//! # The limit
//!
//! The limit counts the bytes that a block makes the decoder hold: its lines, and one byte for each
//! line end. The LF of a CRLF is not counted, so it does not matter if it came in the same chunk as
//! its CR. In the event view, a line that sets no value stops counting when it ends, because it is
//! not held from then on. A block is refused at the first byte above the limit, wherever the chunks
//! are cut. A byte order mark belongs to no line and is not counted.

use core::{mem, ops::Range};

use crate::{
    chunk::{self, Chunk, Part, Scan, Search, Source, Task},
    error::DecodeErrorKind,
    fields::{Meaning, Span, Values},
    last_event_id::LastEventId,
    options::Options,
    state::{Found, Mode, Reading, State},
    wire::{
        BOM,
        field::{self, Field},
    },
};

/// Finds the next block, or comment. `RAW` holds every byte, for the block view.
///
/// The block or comment can be used until the next call. Its text was checked, and the last event ID was
/// set.
#[inline]
pub(crate) fn find<const RAW: bool>(state: &mut State, reading: &mut Reading<'_>) -> Found {
    chunk::run(Find::<RAW> { state, reading })
}

/// The first lines of [`find`]. Runs [`ReadLines`] unless the next line is a block by itself.
///
/// Callers inline neither of them, so their speed does not depend on the code around them. There
/// are two, because the compiler saves and restores more registers for the loop than most blocks
/// need.
struct Find<'a, 'd, const RAW: bool> {
    state: &'a mut State,
    reading: &'a mut Reading<'d>,
}

impl<const RAW: bool> Task for Find<'_, '_, RAW> {
    type Output = Found;

    #[expect(clippy::inline_always, reason = "compiled once for each way to search")]
    #[inline(always)]
    fn run<S: Search>(self, search: S) -> Found {
        let Self { state, reading } = self;
        let goes_on = state.forget_found(&mut reading.chunk);
        let is_new = mem::take(&mut reading.is_new);
        if goes_on || is_new && state.is_ready() {
            let mut scan = reading.chunk.scan_with(search);
            let Some(end) = scan.line_end() else {
                drop(scan);
                return state.leave::<RAW>(&mut reading.chunk);
            };
            if state.read_only_line::<RAW>(&mut scan, end) {
                drop(scan);
                let found = if RAW { Found::Block } else { Found::Event };
                return state.accept::<RAW>(found, &mut reading.chunk);
            }
        } else if let Some(found) = state.prepare::<RAW>(reading, is_new) {
            return found;
        }
        search.run(ReadLines::<RAW> { state, reading })
    }
}

/// The loop over lines, up to the end of a block.
///
/// It changes nothing outside of its own cursor, the values of the block and the counters, until it
/// ends. What ends it decides what is done next: the chunk, a refused block, a comment for the
/// caller, or a blank line. The block view counts every line towards the limit, because it holds
/// every line. The event view counts those that have set a value.
struct ReadLines<'a, 'd, const RAW: bool> {
    state: &'a mut State,
    reading: &'a mut Reading<'d>,
}

impl<const RAW: bool> Task for ReadLines<'_, '_, RAW> {
    type Output = Found;

    #[expect(clippy::inline_always, reason = "compiled once for each way to search")]
    #[inline(always)]
    fn run<S: Search>(self, search: S) -> Found {
        let Self { state, reading } = self;
        let Reading { chunk, comment, .. } = reading;
        let limit = state.options.limit();
        // A local, because the compiler cannot know that nothing else changes the state.
        let mut used = state.used;
        let mut scan = chunk.scan_with(search);
        let found = loop {
            let start = scan.pos;
            let Some(end) = scan.line_end() else { break Found::ChunkEnd };
            let len = end - start;
            // One byte more, for the line end.
            if used + len >= limit {
                break Found::Failed;
            }
            // From here on the line is passed, so that nothing reads it twice.
            if scan.pass(end) {
                state.after_cr = true;
            }
            if len > 0 {
                // The line follows what is held and what was read of the block in this chunk.
                let line = &scan.bytes()[start..end];
                let meaning = state.fields.line(line, state.held.len() + start - scan.from);
                if RAW || meaning.is_held() {
                    used += len + 1;
                }
                match meaning {
                    Meaning::MoreData(value) => state.join::<RAW>(value, &scan),
                    Meaning::Comment(text) if !RAW && state.options.comments => {
                        *comment = text;
                        break Found::Comment;
                    }
                    Meaning::Value | Meaning::Comment(_) | Meaning::Nothing => {}
                }
            } else if let Some(found) = state.end_block::<RAW>() {
                break found;
            } else {
                // Nobody needs this block. Heartbeats are like that, so the loop goes on.
                used = 0;
                scan.from = scan.pos;
                state.skip_block(scan.pos);
            }
        };
        drop(scan);
        state.used = used;
        match found {
            Found::ChunkEnd => state.leave::<RAW>(chunk),
            Found::Failed => state.refuse(false),
            Found::Comment => {
                state.found = found;
                found
            }
            found => state.accept::<RAW>(found, chunk),
        }
    }
}

impl State {
    /// Reads the line that ends at `end`, if it is the only line of its block, and the blank line
    /// follows in the chunk. In the event view it must be a data line. Returns `false`, and does
    /// nothing, if it is something else.
    ///
    /// Nearly every block of a token stream is such a line. [`ReadLines`] would read it just so, but
    /// in two rounds, and with more registers to save. Without this, a token in a chunk of its own
    /// takes 16 % more instructions, one in a chunk of 16 KiB 21 %, and a short event there 32 %.
    #[expect(clippy::inline_always, reason = "a call would cost what this saves")]
    #[inline(always)]
    fn read_only_line<const RAW: bool>(
        &mut self,
        scan: &mut Scan<'_, impl Search>,
        end: usize,
    ) -> bool {
        let (start, len) = (scan.pos, end - scan.pos);
        let line = &scan.bytes()[start..end];
        let (field, value) = field::split(line);
        let is_wanted = if RAW { len > 0 } else { field == Field::Data };
        // Two bytes more, for the line ends.
        let fits = self.used + len + 2 <= self.options.limit();
        let is_first = self.fields.values.data.is_none();
        if !is_wanted || !is_first || !fits || !scan.pass_blank_line(end) {
            return false;
        }
        let at = self.held.len() + start - scan.from;
        if RAW {
            self.fields.line(line, at);
        } else {
            self.fields.values.data = Some(Span::new(at + value, at + len));
        }
        true
    }

    /// Ends the block at its blank line. Returns `None` if the event view has no use for it.
    #[inline]
    fn end_block<const RAW: bool>(&mut self) -> Option<Found> {
        let values = &self.fields.values;
        if RAW {
            Some(Found::Block)
        } else if values.data.is_some() {
            // "If the data buffer is an empty string": there was no data field. One with an empty
            // value has appended its line feed.
            Some(Found::Event)
        } else if values.id.is_some() || values.has_retry && self.options.updates {
            Some(Found::Update)
        } else {
            None
        }
    }

    /// Ends a block that nobody needs, at an index in the chunk.
    #[inline]
    fn skip_block(&mut self, pos: usize) {
        self.fields.counters.blocks_without_event += 1;
        let Values { event_type, has_retry, .. } = self.fields.values;
        // Most are comments, of which there is nothing to forget.
        if event_type.is_some() | has_retry | !self.held.is_empty() {
            self.start_block(pos);
        }
        self.block_start = self.offset + pos as u64;
    }

    /// Starts the next block, at an index in the chunk.
    #[inline]
    fn start_block(&mut self, pos: usize) {
        let values = mem::take(&mut self.fields.values);
        if values.has_more_data | self.rare.is_some() {
            self.free_copies();
        }
        if !self.held.is_empty() {
            self.held.truncate(0);
        }
        self.used = 0;
        self.block_start = self.offset + pos as u64;
    }

    /// Frees large copies of a block's text.
    #[cold]
    #[inline(never)]
    fn free_copies(&mut self) {
        self.fields.joined.truncate(0);
        if let Some(rare) = &mut self.rare {
            rare.repaired.give_back();
        }
    }

    /// Forgets what the last call has found. Returns `true` if that was something in this chunk, so
    /// that the next line can be read at once.
    #[expect(clippy::inline_always, reason = "a call would cost half as much as this does")]
    #[inline(always)]
    pub(crate) fn forget_found(&mut self, chunk: &mut Chunk<'_>) -> bool {
        match mem::replace(&mut self.found, Found::ChunkEnd) {
            Found::Event | Found::Update | Found::Block => {
                chunk.start_block();
                self.start_block(chunk.pos());
                true
            }
            Found::Comment => {
                self.forget_comment();
                true
            }
            Found::ChunkEnd | Found::Failed => false,
        }
    }

    /// Forgets the values of the current block.
    #[cold]
    fn clear_values(&mut self) {
        self.fields.values = Values::default();
        self.fields.joined.truncate(0);
    }

    /// Removes a comment from the buffers.
    #[cold]
    fn forget_comment(&mut self) {
        let len = self.held.len() - mem::take(&mut self.carried);
        self.held.truncate(len);
        if let Some(rare) = &mut self.rare {
            rare.repaired.give_back();
        }
    }

    /// Forgets what refers to a chunk that is gone: its reader was leaked, or this is a clone of its
    /// decoder.
    #[cold]
    pub(crate) fn forget_chunk(&mut self) {
        let mut gone = Chunk::new(Source::Lent(&[]));
        self.forget_found(&mut gone);
        let is_held = |range: Range<usize>| range.end <= self.held.len();
        let values_are_held = self.fields.values.range().is_none_or(is_held);
        if self.block_start >= self.offset || !values_are_held {
            self.clear_values();
            self.used = 0;
        }
    }

    /// Joins another line of data with those before it. The block view does that later.
    #[expect(clippy::inline_always, reason = "a call would need the scan in memory")]
    #[inline(always)]
    fn join<const RAW: bool>(&mut self, value: Span, scan: &Scan<'_, impl Search>) {
        let Self { fields, held, options, .. } = self;
        if RAW {
            fields.values.has_more_data = true;
            return;
        }
        let part = |span: Span| match span.in_chunk(held.len()) {
            Some(range) => scan.part(scan.from + range.start..scan.from + range.end),
            None => held.part(span.range()),
        };
        fields.join(fields.values.only_data().map(part), part(value), options.limit());
    }

    /// Ends the chunk, perhaps within a block, and holds what that block needs.
    #[inline(never)]
    fn leave<const RAW: bool>(&mut self, chunk: &mut Chunk<'_>) -> Found {
        let limit = self.options.limit();
        let carried = self.carried + chunk.len() - chunk.pos();
        if self.used + carried > limit {
            return self.refuse(self.carried > 0);
        }
        // First what complete lines need, then the carried line: it must be the last.
        if chunk.from() < chunk.pos() {
            self.hold::<RAW>(chunk);
        }
        let mut scan = chunk.scan();
        self.held.append(scan.part(scan.pos..scan.bytes().len()), limit);
        self.carried = carried;
        scan.pass_all();
        Found::ChunkEnd
    }

    /// Holds what the current block needs of its complete lines in the chunk.
    #[inline(never)]
    pub(crate) fn hold<const RAW: bool>(&mut self, chunk: &mut Chunk<'_>) {
        let Self { fields, held, options, .. } = self;
        let limit = options.limit();
        let mut scan = chunk.scan();
        if RAW {
            held.append(scan.part(scan.from..scan.pos), limit);
        } else {
            // Values from earlier chunks are held already, and come before these.
            let before = held.len();
            for span in fields.values.spans() {
                if let Some(Range { start, end }) = span.in_chunk(before) {
                    let at = held.len();
                    held.append(scan.part(scan.from + start..scan.from + end), limit);
                    *span = Span::new(at, held.len());
                }
            }
        }
        scan.from = scan.pos;
    }

    /// Returns the bytes of the carried line.
    pub(crate) fn line(&self) -> &[u8] {
        &self.held[self.held.len() - self.carried..]
    }

    /// Ends the stream, and reads a carried line as if it were complete.
    pub(crate) fn finish<const RAW: bool>(&mut self) -> Found {
        let mut chunk = Chunk::new(Source::Lent(&[]));
        let at = self.held.len() - mem::take(&mut self.carried);
        if at < self.held.len() {
            if let Meaning::MoreData(value) = self.fields.line(&self.held[at..], at) {
                self.join::<RAW>(value, &chunk.scan());
            }
        }
        let Some(found) = self.end_block::<RAW>() else {
            self.fields.counters.blocks_without_event += 1;
            return Found::ChunkEnd;
        };
        let found = self.accept::<RAW>(found, &mut chunk);
        // The next chunk starts another stream, which forgets the values.
        self.found = Found::ChunkEnd;
        found
    }

    /// Refuses the current block. The rest of it is skipped, starting with the current line.
    #[cold]
    fn refuse(&mut self, is_in_line: bool) -> Found {
        let limit = self.options.limit() as u64;
        self.clear_values();
        self.held.truncate(0);
        (self.carried, self.used) = (0, 0);
        self.mode = Mode::Skipping { is_in_line };
        self.found = Found::Failed;
        self.fail(DecodeErrorKind::BlockTooLarge { limit })
    }

    /// Returns `true` if lines can be read in a new chunk without [preparation](Self::prepare).
    #[inline]
    fn is_ready(&self) -> bool {
        self.mode == Mode::Reading && self.carried == 0 && !self.is_special()
    }

    /// Does what is to be done before lines are read in the chunk. Returns what the call has to
    /// return instead.
    #[inline(never)]
    fn prepare<const RAW: bool>(
        &mut self,
        reading: &mut Reading<'_>,
        is_new: bool,
    ) -> Option<Found> {
        if is_new && self.is_special() {
            self.begin(&mut reading.chunk);
        }
        if self.mode != Mode::Reading || self.rare.is_some() {
            if let Some(found) = self.prepare_special::<RAW>(&mut reading.chunk) {
                return Some(found);
            }
        }
        if self.carried > 0 { self.complete_line::<RAW>(reading) } else { None }
    }

    #[cold]
    #[inline(never)]
    fn prepare_special<const RAW: bool>(&mut self, chunk: &mut Chunk<'_>) -> Option<Found> {
        if let Some(rare) = &mut self.rare {
            if let Some(kind) = rare.unread.take_error(self.options.limit()) {
                self.mode = Mode::Failed;
                return Some(self.fail(kind));
            }
        }
        let goes_on = match self.mode {
            Mode::Start => self.read_mark::<RAW>(chunk),
            Mode::Reading => true,
            Mode::Skipping { .. } => self.skip(chunk),
            Mode::Failed => false,
        };
        (!goes_on).then_some(Found::ChunkEnd)
    }

    /// Appends a chunk that is a part of the carried line. Returns `false`, and does nothing, if it
    /// is something else.
    ///
    /// [`complete_line`](Self::complete_line) would do the same, but needs a cursor in the chunk.
    /// Without this, a token in chunks of 64 bytes takes 15 % more instructions, and in chunks of a
    /// single byte 2.6 times as many.
    #[inline(never)]
    pub(crate) fn extend_line(&mut self, bytes: &[u8]) -> bool {
        let (carried, limit) = (self.carried + bytes.len(), self.options.limit());
        if self.mode != Mode::Reading || self.is_special() || self.used + carried > limit {
            return false;
        }
        let Some(part) = Part::within_line(bytes) else { return false };
        self.held.append(part, limit);
        self.carried = carried;
        true
    }

    /// Completes the carried line, or continues it if the chunk ends first.
    #[inline(never)]
    fn complete_line<const RAW: bool>(&mut self, reading: &mut Reading<'_>) -> Option<Found> {
        let Reading { chunk, comment, .. } = reading;
        let limit = self.options.limit();
        let mut scan = chunk.scan();
        let start = scan.pos;
        let Some(end) = scan.line_end() else {
            drop(scan);
            return Some(self.leave::<RAW>(chunk));
        };
        let carried = self.carried + end - start;
        let used = self.used + carried + 1;
        if used > limit {
            drop(scan);
            return Some(self.refuse(true));
        }
        // Only this line is completed in the buffer. The rest of the block is read in the chunk.
        self.held.append(scan.part(start..end), limit);
        let at = self.held.len() - carried;
        self.after_cr = scan.pass(end);
        let meaning = self.fields.line(&self.held[at..], at);
        if RAW {
            self.held.append(scan.part(end..scan.pos), limit);
        }
        scan.from = scan.pos;
        self.carried = 0;
        if RAW || meaning.is_held() {
            self.used = used;
        }
        match meaning {
            Meaning::MoreData(value) => self.join::<RAW>(value, &scan),
            Meaning::Comment(text) if !RAW && self.options.comments => {
                // Stays in the buffer until the next call, which drops what is carried.
                self.carried = carried;
                *comment = text;
                self.found = Found::Comment;
                return Some(Found::Comment);
            }
            Meaning::Comment(_) | Meaning::Nothing if !RAW => self.held.truncate(at),
            Meaning::Value | Meaning::Comment(_) | Meaning::Nothing => {}
        }
        None
    }

    /// Skips a byte order mark. Returns `false` if more bytes are needed to recognize it.
    fn read_mark<const RAW: bool>(&mut self, chunk: &mut Chunk<'_>) -> bool {
        let mut scan = chunk.scan();
        let (seen, rest) = (self.held.len(), &scan.bytes()[scan.pos..]);
        let same = rest.iter().zip(&BOM[seen..]).take_while(|(byte, mark)| byte == mark).count();
        if seen + same == BOM.len() {
            // It belongs to no line, but in the block view to the bytes of the first block.
            self.carried = 0;
            scan.pos += same;
            if !RAW {
                self.held.truncate(0);
                scan.from = scan.pos;
            }
        } else if same == rest.len() {
            self.held.append(Part::new(rest), BOM.len());
            self.carried += same;
            scan.pass_all();
            return false;
        }
        self.mode = Mode::Reading;
        true
    }

    /// Skips to the blank line that ends a refused block. Returns `false` if the chunk ends first.
    pub(crate) fn skip(&mut self, chunk: &mut Chunk<'_>) -> bool {
        let Mode::Skipping { is_in_line } = &mut self.mode else { return true };
        let mut scan = chunk.scan();
        while let Some(end) = scan.line_end() {
            let is_blank = !mem::take(is_in_line) && end == scan.pos;
            self.after_cr = scan.pass(end);
            if is_blank {
                self.mode = Mode::Reading;
                self.block_start = self.offset + scan.pos as u64;
                scan.from = scan.pos;
                return true;
            }
        }
        *is_in_line |= scan.pos < scan.bytes().len();
        scan.pass_all();
        false
    }
}

/// Finds where blocks end, and nothing else.
#[derive(Clone)]
pub(crate) struct Boundaries(State);

impl Boundaries {
    pub(crate) fn new() -> Self {
        Self(State::new(Options::STANDARD, LastEventId::NONE))
    }

    /// Disables BOM detection: output already precedes the first byte, so a mark there is text.
    pub(crate) fn expect_no_mark(&mut self) {
        self.0.mode = Mode::Reading;
    }

    /// Returns the number of bytes of the stream that were read.
    pub(crate) fn offset(&self) -> u64 {
        self.0.offset
    }

    /// Returns the number of bytes of the current block that were read.
    pub(crate) fn pending(&self) -> u64 {
        self.0.pending()
    }

    /// Reads a chunk. Returns the index of the first boundary between two blocks. A LF that
    /// completes the last block comes before it.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Option<usize> {
        let state = &mut self.0;
        let mut chunk = Chunk::new(Source::Lent(bytes));
        state.pass_lf(&mut chunk);
        let is_boundary = state.pending() == 0 && state.mode != Mode::Start;
        let mut boundary = is_boundary.then_some(chunk.pos());
        if state.mode != Mode::Start || state.read_mark::<false>(&mut chunk) {
            loop {
                if state.mode == Mode::Reading {
                    let is_in_line = mem::take(&mut state.carried) > 0;
                    state.mode = Mode::Skipping { is_in_line };
                }
                if !state.skip(&mut chunk) {
                    break;
                }
                boundary = boundary.or(Some(chunk.pos()));
            }
        }
        state.offset += bytes.len() as u64;
        boundary
    }
}
