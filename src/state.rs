//! The state of a decoder, and the chunk that it reads: what both views share.
//!
//! Each view turns the blocks that are found into its own result, events or blocks.

use alloc::boxed::Box;
use core::{fmt, mem, time::Duration};

pub use self::body_kind::BodyKind;
pub(crate) use self::body_kind::{FirstBytes, Shown};
use self::unread::Unread;
use crate::{
    chunk::{Chunk, Source},
    error::{DecodeError, DecodeErrorKind},
    fields::{FieldLines, Fields, Values},
    last_event_id::LastEventId,
    options::Options,
    splitter::{Cursor, Found, Splitter},
    stats::Stats,
    texts::Repaired,
};

mod body_kind;
mod unread;

/// The state of a stream between two chunks.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) splitter: Splitter,
    pub(crate) fields: Fields,
    pub(crate) last_event_id: LastEventId,
    pub(crate) options: Options,
    /// State that hardly any stream needs.
    pub(crate) rare: Option<Box<Rare>>,
    /// The first bytes have not shown yet if this is an event stream.
    wants_first_bytes: bool,
    /// The decoder has failed: a block was refused, and so is all that follows.
    pub(crate) failed: bool,
    /// The stream has ended. The next chunk starts another one.
    pub(crate) ended: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Rare {
    unread: Unread,
    first_bytes: FirstBytes,
    pub(crate) repaired: Repaired,
}

/// A chunk and the position in it.
///
/// Separate from [`State`] so that adapters can own both across polls.
#[derive(Debug)]
pub(crate) struct Reading<'d> {
    pub(crate) chunk: Chunk<'d>,
    pub(crate) cursor: Cursor,
}

/// The way to read a chunk.
pub(crate) enum Begin {
    /// Starting here.
    At(Cursor),
    /// Not at all: it was a part of a line and has been appended.
    UsedUp,
    /// With [special care](State::begin_special).
    Special,
}

impl State {
    pub(crate) fn new(options: Options, last_event_id: LastEventId) -> Self {
        Self {
            splitter: Splitter::new(),
            fields: Fields::default(),
            last_event_id,
            options,
            rare: None,
            wants_first_bytes: true,
            failed: false,
            ended: false,
        }
    }

    /// Begins a chunk.
    #[inline]
    pub(crate) fn begin(&mut self, chunk: &[u8]) -> Begin {
        if self.is_special() {
            Begin::Special
        } else if self.splitter.extend_line(chunk, self.options.limit()) {
            Begin::UsedUp
        } else {
            Begin::At(self.splitter.begin())
        }
    }

    /// Returns `true` if a chunk needs special care. Nearly no chunk does.
    #[inline]
    fn is_special(&self) -> bool {
        self.ended
            | self.failed
            | self.wants_first_bytes
            | self.options.comments
            | self.rare.is_some()
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn begin_special<'d>(&mut self, chunk: Source<'d>) -> Reading<'d> {
        if self.ended {
            self.reset();
        }
        if self.wants_first_bytes {
            self.keep_first_bytes(chunk.bytes());
        }
        let chunk = match &mut self.rare {
            Some(rare) => rare.unread.join(chunk),
            None => Chunk::new(chunk),
        };
        self.forget_chunk();
        let mut cursor = self.splitter.begin();
        cursor.is_plain &= !self.failed && !self.has_unread();
        Reading { chunk, cursor }
    }

    #[cold]
    fn keep_first_bytes(&mut self, bytes: &[u8]) {
        // On the stack, so that an ordinary stream allocates nothing.
        let mut first = self.rare.as_mut().map(|rare| mem::take(&mut rare.first_bytes));
        let first = first.get_or_insert_default();
        if self.fields.counters.events > 0 {
            // It is an event stream after all.
            *first = FirstBytes::default();
            self.wants_first_bytes = false;
        } else {
            let shown = first.keep(bytes, self.options.first_bytes());
            self.wants_first_bytes = shown == Shown::Nothing;
        }
        if self.wants_first_bytes || !first.as_bytes().is_empty() {
            self.rare.get_or_insert_default().first_bytes = mem::take(first);
        } else if !self.has_unread() {
            self.rare = None;
        }
    }

    /// Forgets the positions of values in a chunk that is gone. There are none unless the last
    /// reader was leaked in the middle of a block.
    fn forget_chunk(&mut self) {
        if !self.splitter.holds_lines() {
            self.fields.values = Values { retry: self.fields.values.retry, ..Values::default() };
        }
    }

    /// Forgets the values of a block that was returned, before the block view reads on.
    #[inline]
    pub(crate) fn forget_given_block(&mut self) {
        if !self.splitter.holds_lines() || self.splitter.is_lent() {
            self.fields.values = Values::default();
        }
    }

    /// Prepares to read on: frees large repaired text that was lent. Returns `false` if the decoder
    /// has failed.
    ///
    /// # Errors
    ///
    /// If too many bytes were left unread, and no call has returned that error yet.
    #[inline]
    pub(crate) fn resume(&mut self) -> Result<bool, DecodeError> {
        if self.is_special() { self.resume_special() } else { Ok(true) }
    }

    fn resume_special(&mut self) -> Result<bool, DecodeError> {
        if self.failed {
            return Ok(false);
        }
        if let Some(rare) = &mut self.rare {
            rare.repaired.give_back();
        }
        self.take_unread_error().map_or(Ok(true), Err)
    }

    /// Returns the error for too many unread bytes, unless a call has already returned it.
    pub(crate) fn take_unread_error(&mut self) -> Option<DecodeError> {
        let kind = self.rare.as_mut()?.unread.take_error(self.options.limit())?;
        self.failed = true;
        self.fields.counters.refused += 1;
        Some(DecodeError::new(kind, self.splitter.offset()))
    }

    /// Refuses the block that the splitter found to be too large.
    #[cold]
    pub(crate) fn refuse_too_large(&mut self) -> DecodeError {
        self.fields.values = Values::default();
        self.fields.counters.refused += 1;
        self.failed = self.options.fails_on_error();
        let limit = self.options.limit() as u64;
        DecodeError::new(DecodeErrorKind::BlockTooLarge { limit }, self.splitter.block_start())
    }

    /// Ends the stream. Returns `false` if it had already ended.
    pub(crate) fn end(&mut self) -> bool {
        let is_first_time = !mem::replace(&mut self.ended, true);
        self.forget_chunk();
        is_first_time
    }

    /// Returns `true` if the unterminated block at the end can be read as a whole block.
    pub(crate) fn is_cut_block_whole(&self) -> bool {
        self.splitter.pending() > 0
            && !self.has_unread()
            && !self.failed
            && self.splitter.is_reading()
    }

    /// Returns to the start of a stream. Keeps the last event ID and the reconnection time.
    pub(crate) fn reset(&mut self) {
        let last_event_id = mem::take(&mut self.last_event_id);
        let reconnection_time = self.fields.reconnection_time;
        *self = Self::new(self.options, last_event_id);
        self.fields.reconnection_time = reconnection_time;
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats::new(self.fields.counters, self.splitter.offset())
    }

    pub(crate) fn reconnection_time(&self) -> Option<Duration> {
        self.fields.reconnection_time.map(Duration::from_millis)
    }

    /// Returns the length of the unfinished block, plus the unread bytes.
    pub(crate) fn pending_bytes(&self) -> u64 {
        self.splitter.pending() + self.unread().len()
    }

    /// Returns `true` until the first bytes have shown if this is an event stream.
    #[cfg(feature = "stream")]
    pub(crate) fn wants_first_bytes(&self) -> bool {
        self.wants_first_bytes
    }

    /// Returns at most as many of the first bytes as wanted, and `true` if the body is longer.
    #[cfg(feature = "stream")]
    pub(crate) fn cut_first_bytes(&self) -> (&[u8], bool) {
        let wanted = self.options.first_bytes();
        self.rare.as_deref().map_or((&[], false), |rare| rare.first_bytes.cut(wanted))
    }

    pub(crate) fn first_bytes(&self) -> &[u8] {
        let first = self.rare.as_deref().map_or(&[][..], |rare| rare.first_bytes.as_bytes());
        let is_other = self.fields.counters.events == 0;
        if is_other { &first[..first.len().min(self.options.first_bytes())] } else { &[] }
    }

    pub(crate) fn body_kind(&self) -> BodyKind {
        match &self.rare {
            _ if self.fields.counters.events > 0 => BodyKind::EventStream,
            Some(rare) if self.wants_first_bytes || !rare.first_bytes.as_bytes().is_empty() => {
                rare.first_bytes.kind()
            }
            None if self.wants_first_bytes => BodyKind::Empty,
            _ => BodyKind::EventStream,
        }
    }

    /// Returns `true` if bytes of a chunk were left unread.
    pub(crate) fn has_unread(&self) -> bool {
        !self.unread().is_nothing()
    }

    pub(crate) fn unread(&self) -> &Unread {
        self.rare.as_deref().map_or(&Unread::Nothing, |rare| &rare.unread)
    }

    /// Formats the state as that of a decoder with this name.
    pub(crate) fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("stats", &self.stats())
            .field("last_event_id", &self.last_event_id)
            .field("reconnection_time", &self.reconnection_time())
            .field("pending_bytes", &self.pending_bytes())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as("State", f)
    }
}

impl<'d> Reading<'d> {
    /// The end of an empty chunk.
    pub(crate) const NOTHING: Self =
        Self { chunk: Chunk::new(Source::Lent(&[])), cursor: Cursor::NOTHING };

    #[inline]
    pub(crate) const fn new(chunk: Source<'d>, cursor: Cursor) -> Self {
        Self { chunk: Chunk::new(chunk), cursor }
    }

    /// Begins the next chunk, after the last one was [stopped](Self::stop).
    #[inline]
    pub(crate) fn start(&mut self, state: &mut State, chunk: Source<'d>) {
        match state.begin(chunk.bytes()) {
            Begin::At(cursor) => {
                self.chunk.replace(chunk);
                self.cursor = cursor;
            }
            Begin::UsedUp => {}
            Begin::Special => *self = state.begin_special(chunk),
        }
    }

    /// Drops a chunk that was [stopped](Self::stop).
    #[cfg(any(feature = "std", feature = "stream", feature = "tokio-util"))]
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.chunk.replace(Source::Lent(&[]));
        self.cursor = Cursor::NOTHING;
    }

    /// Returns `true` if the chunk is used up. Costs two comparisons.
    #[inline]
    pub(crate) fn is_used_up(&self) -> bool {
        self.cursor.is_plain && self.cursor.pos == self.chunk.len()
    }

    /// Reads up to a block or a line for the caller, or to the end of the chunk.
    ///
    /// # Errors
    ///
    /// If a block exceeds the limit.
    #[inline]
    pub(crate) fn find<const HOLDS_ALL: bool>(
        &mut self,
        state: &mut State,
    ) -> Result<Found, DecodeError> {
        let Self { chunk, cursor } = self;
        let State { splitter, fields, options, .. } = state;
        let mut lines = FieldLines::<HOLDS_ALL>::new(fields, *options);
        match splitter.next(&mut chunk.scan(), cursor, &mut lines) {
            Found::TooLarge => Err(state.refuse_too_large()),
            found => Ok(found),
        }
    }

    /// Stops reading. The decoder keeps what is left, to read it before the next chunk.
    #[inline]
    pub(crate) fn stop<const HOLDS_ALL: bool>(&mut self, state: &mut State) {
        if self.is_used_up() && state.rare.is_none() {
            state.splitter.pass(self.chunk.len());
        } else {
            self.stop_early::<HOLDS_ALL>(state);
        }
    }

    #[inline(never)]
    fn stop_early<const HOLDS_ALL: bool>(&mut self, state: &mut State) {
        if HOLDS_ALL {
            state.forget_given_block();
        }
        let Self { chunk, cursor } = self;
        let State { splitter, fields, options, rare, failed, .. } = state;
        if let Some(rare) = rare {
            rare.repaired.give_back();
        }
        if *failed {
            return splitter.ignore(chunk.bytes(), cursor);
        }
        let mut lines = FieldLines::<HOLDS_ALL>::new(fields, *options);
        splitter.stop(&chunk.scan(), cursor, &mut lines);
        fields.end_loan::<HOLDS_ALL>();
        let (pos, len) = (cursor.pos, chunk.len());
        if pos < len {
            let unread = &mut rare.get_or_insert_default().unread;
            unread.keep(len - pos, options.limit(), || chunk.keep_rest(pos));
        }
    }
}
