//! The state of a decoder, and the chunk that it reads: what both views share.
//!
//! Each view turns the blocks that are found into its own result, events or blocks.

use alloc::boxed::Box;
use core::{fmt, mem, time::Duration};

pub use self::body_kind::BodyKind;
pub(crate) use self::body_kind::{FirstBytes, Shown};
use self::unread::Unread;
use crate::{
    chunk::{Buffer, Chunk, Source},
    error::{DecodeError, DecodeErrorKind},
    fields::{Fields, Span},
    last_event_id::LastEventId,
    options::Options,
    stats::Stats,
    texts::Repaired,
    wire::LF,
};

mod body_kind;
mod unread;

/// The part of the stream that is read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Perhaps a byte order mark, of which a part may be held.
    Start,
    /// Lines.
    Reading,
    /// The rest of a refused block, up to its blank line.
    Skipping { is_in_line: bool },
    /// Nothing: a block was refused, and the decoder ignores all that follows.
    Failed,
}

/// The result of [`find`](crate::find::find).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The end of the chunk.
    ChunkEnd,
    /// In the event view, a block that dispatches an event.
    Event,
    /// In the event view, a block without data that sets the last event ID, or that sets the
    /// reconnection time if the caller wants to know.
    Update,
    /// In the event view, a comment, if the caller wants comments.
    Comment,
    /// In the block view, any block.
    Block,
    /// An error, for [`State::take_error`].
    Failed,
}

/// The state of a stream between two chunks.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) mode: Mode,
    pub(crate) fields: Fields,
    /// The bytes that the current block needs of earlier chunks, and then the carried line.
    pub(crate) held: Buffer,
    /// The length of the carried line: the start of a line that the next chunk continues.
    pub(crate) carried: usize,
    /// The number of bytes of complete lines that count towards the limit.
    pub(crate) used: usize,
    /// The result of the last call, which the caller may still use.
    pub(crate) found: Found,
    /// The last byte was a CR. A LF that follows belongs to the same line end.
    pub(crate) after_cr: bool,
    /// The offset in the stream of the chunk's first byte.
    pub(crate) offset: u64,
    /// The offset in the stream where the current block starts, or the one that was found.
    pub(crate) block_start: u64,
    pub(crate) last_event_id: LastEventId,
    pub(crate) options: Options,
    /// State that hardly any stream needs.
    pub(crate) rare: Option<Box<Rare>>,
    /// The first bytes have not shown yet if this is an event stream.
    wants_first_bytes: bool,
    /// The stream has ended. The next chunk starts another one.
    pub(crate) ended: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Rare {
    pub(crate) unread: Unread,
    error: Option<DecodeError>,
    first_bytes: FirstBytes,
    pub(crate) repaired: Repaired,
}

/// A chunk that is being read.
///
/// Separate from [`State`] so that adapters can own both across polls.
#[derive(Debug)]
pub(crate) struct Reading<'d> {
    pub(crate) chunk: Chunk<'d>,
    /// The first call has yet to prepare the state for this chunk.
    pub(crate) is_new: bool,
    /// The text of the comment that was found.
    pub(crate) comment: Span,
}

impl State {
    pub(crate) fn new(options: Options, last_event_id: LastEventId) -> Self {
        Self {
            mode: Mode::Start,
            fields: Fields::new(),
            held: Buffer::EMPTY,
            carried: 0,
            used: 0,
            found: Found::ChunkEnd,
            after_cr: false,
            offset: 0,
            block_start: 0,
            last_event_id,
            options,
            rare: None,
            wants_first_bytes: true,
            ended: false,
        }
    }

    /// Returns `true` if the next chunk needs special care. Nearly no chunk does.
    #[inline]
    pub(crate) fn is_special(&self) -> bool {
        self.ended | self.wants_first_bytes | self.after_cr | self.rare.is_some()
    }

    /// Begins a new chunk that needs special care.
    #[cold]
    #[inline(never)]
    pub(crate) fn begin(&mut self, chunk: &mut Chunk<'_>) {
        if self.ended {
            self.reset();
        }
        if self.wants_first_bytes {
            self.keep_first_bytes(chunk.bytes());
        }
        if let Some(rare) = &mut self.rare {
            rare.unread.join(chunk);
        }
        self.pass_lf(chunk);
    }

    /// Skips a LF that completes a CRLF.
    pub(crate) fn pass_lf(&mut self, chunk: &mut Chunk<'_>) {
        if self.after_cr && chunk.len() > 0 {
            self.after_cr = false;
            if chunk.bytes()[0] == LF {
                chunk.scan().pos = 1;
                // After a blank line it belongs to no block.
                self.block_start += u64::from(self.block_start == self.offset);
            }
        }
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

    /// Returns the error for too many unread bytes, unless a call has already returned it.
    pub(crate) fn take_unread_error(&mut self) -> Option<DecodeError> {
        let kind = self.rare.as_mut()?.unread.take_error(self.options.limit())?;
        self.mode = Mode::Failed;
        self.fields.counters.refused += 1;
        Some(DecodeError::new(kind, self.offset))
    }

    /// Notes an error in the current block, for [`take_error`](Self::take_error).
    #[cold]
    pub(crate) fn fail(&mut self, kind: DecodeErrorKind) -> Found {
        self.fields.counters.refused += 1;
        if self.options.fails_on_error() {
            self.mode = Mode::Failed;
        }
        let error = DecodeError::new(kind, self.block_start);
        self.rare.get_or_insert_default().error = Some(error);
        Found::Failed
    }

    /// Returns the error that was found.
    #[cold]
    pub(crate) fn take_error(&mut self) -> DecodeError {
        let error = self.rare.as_mut().and_then(|rare| rare.error.take());
        let limit = self.options.limit() as u64;
        error.unwrap_or_else(|| DecodeError::new(DecodeErrorKind::BlockTooLarge { limit }, 0))
    }

    /// Returns `true` if a block was refused, and the decoder ignores all that follows.
    #[inline]
    pub(crate) fn has_failed(&self) -> bool {
        self.mode == Mode::Failed
    }

    /// Ends the stream. Returns `false` if it had already ended.
    pub(crate) fn end(&mut self) -> bool {
        if self.ended {
            return false;
        }
        self.forget_chunk();
        self.ended = true;
        true
    }

    /// Returns `true` if the unterminated block at the end can be read as a whole block.
    pub(crate) fn is_cut_block_whole(&self) -> bool {
        let is_reading = matches!(self.mode, Mode::Start | Mode::Reading);
        self.pending() > 0 && !self.has_unread() && is_reading
    }

    /// Returns to the start of a stream. Keeps the last event ID and the reconnection time.
    pub(crate) fn reset(&mut self) {
        let last_event_id = mem::take(&mut self.last_event_id);
        let reconnection_time = self.fields.reconnection_time;
        *self = Self::new(self.options, last_event_id);
        self.fields.reconnection_time = reconnection_time;
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats::new(self.fields.counters, self.offset)
    }

    pub(crate) fn reconnection_time(&self) -> Option<Duration> {
        self.fields.reconnection_time.map(Duration::from_millis)
    }

    /// Returns the number of bytes of the current block that were read, but for those in the chunk.
    pub(crate) fn pending(&self) -> u64 {
        self.offset.saturating_sub(self.block_start)
    }

    /// Returns the length of the unfinished block, plus the unread bytes.
    pub(crate) fn pending_bytes(&self) -> u64 {
        self.pending() + self.unread().len()
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
    #[cfg(any(feature = "std", feature = "stream", feature = "tokio-util"))]
    pub(crate) const NOTHING: Self =
        Self { chunk: Chunk::new(Source::Lent(&[])), is_new: false, comment: Span::EMPTY };

    /// Creates a reader of a chunk. The first call [begins](State::begin) it.
    #[cfg(any(feature = "std", feature = "stream", feature = "tokio-util"))]
    pub(crate) const fn new(source: Source<'d>) -> Self {
        Self { chunk: Chunk::new(source), is_new: true, comment: Span::EMPTY }
    }

    /// Begins a chunk.
    ///
    /// A chunk that is only a part of a line is appended here, without a call to read it.
    #[inline]
    pub(crate) fn begin(state: &mut State, source: Source<'d>) -> Self {
        if state.found != Found::ChunkEnd {
            state.forget_chunk();
        }
        let len = source.bytes().len();
        let is_part = state.carried > 0 && state.extend_line(source.bytes());
        let chunk = Chunk::starting_at(if is_part { len } else { 0 }, source);
        Self { chunk, is_new: !is_part, comment: Span::EMPTY }
    }

    /// Returns `true` if the chunk is used up. Costs two comparisons.
    #[inline]
    pub(crate) fn is_used_up(&self) -> bool {
        self.chunk.is_used_up() && !self.is_new
    }

    /// Stops reading. The decoder keeps what is left, to read it before the next chunk.
    #[inline]
    pub(crate) fn stop<const RAW: bool>(&mut self, state: &mut State) {
        // The end of the chunk was returned, so the state holds all that it needs.
        if self.is_used_up() && state.found == Found::ChunkEnd && state.rare.is_none() {
            state.offset += self.chunk.len() as u64;
        } else {
            self.stop_early::<RAW>(state);
        }
    }

    /// Stops before a call has returned the end of the chunk.
    #[inline(never)]
    fn stop_early<const RAW: bool>(&mut self, state: &mut State) {
        let Self { chunk, is_new, .. } = self;
        state.forget_found(chunk);
        if mem::take(is_new) && state.is_special() {
            state.begin(chunk);
        }
        if chunk.from() < chunk.pos() && state.mode == Mode::Reading {
            state.hold::<RAW>(chunk);
        }
        if state.rare.is_some() || !chunk.is_used_up() {
            state.stop_special(chunk);
        }
        state.offset += chunk.pos() as u64;
    }
}

impl State {
    #[cold]
    #[inline(never)]
    fn stop_special(&mut self, chunk: &mut Chunk<'_>) {
        // The rest of a refused block is not left for the caller.
        self.skip(chunk);
        if self.mode == Mode::Failed {
            (self.held, self.carried) = (Buffer::EMPTY, 0);
            chunk.skip_all();
        } else {
            let unread = chunk.len() - chunk.pos();
            let rare = self.rare.get_or_insert_default();
            rare.unread.keep(unread, self.options.limit(), || chunk.keep_rest());
        }
    }
}
