//! The event view: dispatches events as the standard does.

mod end;
mod events;

use bytes::Bytes;

pub use self::{
    end::{End, StreamEnd},
    events::{EventBufs, Events, Item},
};
use crate::{
    accessors::{accessors, common_traits},
    chunk::{Chunk, Source},
    error::DecodeError,
    last_event_id::LastEventId,
    options::{AtEnd, Options},
    state::{Found, State},
    wire::{
        self,
        field::{self, Field},
    },
};

/// Decodes an event stream, chunk by chunk, into the events that a browser would dispatch.
///
/// It does no I/O and has no clock. Pass bytes to [`feed`](Self::feed) or
/// [`feed_bytes`](Self::feed_bytes), cut anywhere. Each event is returned by the call that gets its
/// last byte. Events borrow the chunk. Only blocks that straddle two chunks and data with several
/// lines go through a buffer, which is allocated when the first one comes.
///
/// ```
/// use sse_wire::Decoder;
///
/// let mut decoder = Decoder::new();
/// let mut seen = Vec::new();
/// for chunk in [&b"id: 1\nevent: token\ndata: \xe4\xbd"[..], b"\xa0\n", b"\ndata: [DONE]\n\n"] {
///     let mut events = decoder.feed(chunk);
///     while let Some(event) = events.next_event()? {
///         seen.push(format!("{}: {}", event.event_type(), event.data()));
///     }
/// }
/// assert_eq!(seen, ["token: 你", "message: [DONE]"]);
/// assert_eq!(decoder.last_event_id(), "1");
/// assert!(decoder.finish()?.is_clean());
/// # Ok::<_, sse_wire::DecodeError>(())
/// ```
///
/// # Errors
///
/// The standard gives every byte string a meaning, so no input is a syntax error. There are only
/// two errors: a block that exceeds [the limit](crate::DecoderBuilder::max_block_size), and invalid
/// UTF-8 if it is to be [rejected](crate::DecoderBuilder::invalid_utf8). Each is returned once and
/// in order, after the events before it.
///
/// # Clones
///
/// A clone continues at the same position. It does not have the unread rest of a chunk that is
/// being read at the time.
#[derive(Clone)]
pub struct Decoder {
    pub(crate) state: State,
}

impl Decoder {
    /// Creates a decoder that follows the standard, with a block limit of 16 MiB.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(Options::STANDARD, LastEventId::NONE)
    }

    pub(crate) fn with_options(options: Options, last_event_id: LastEventId) -> Self {
        Self { state: State::new(options, last_event_id) }
    }

    /// Reads a chunk and lends its events one by one.
    ///
    /// If the result is dropped early, the remaining events come first at the next call. The
    /// decoder copies the rest of the chunk for that, up to a
    /// [limit](crate::DecodeErrorKind::UnreadTooLarge). After [`finish`](Self::finish), a new
    /// stream starts.
    #[must_use = "events come only out of `next_event`"]
    #[inline]
    pub fn feed<'d>(&'d mut self, chunk: &'d [u8]) -> Events<'d> {
        Events::new(&mut self.state, Source::Lent(chunk))
    }

    /// Reads a chunk and returns its events as owned values, which share its memory.
    ///
    /// Events that are not taken come first at the next call, as with [`feed`](Self::feed).
    ///
    /// ```
    /// use bytes::Bytes;
    /// use sse_wire::{Decoder, EventBuf};
    ///
    /// let mut decoder = Decoder::new();
    /// let chunk = Bytes::from_static(b"data: one\n\ndata: two\n\n");
    /// let events: Vec<EventBuf> = decoder.feed_bytes(chunk).collect::<Result<_, _>>()?;
    /// assert_eq!(events[1].data(), "two");
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    #[must_use = "events come only out of the iterator"]
    #[inline]
    pub fn feed_bytes(&mut self, chunk: Bytes) -> EventBufs<'_> {
        EventBufs::new(Events::new(&mut self.state, Source::Shared(chunk)))
    }

    /// Ends the stream, and returns how it ended: between two blocks, or within one.
    ///
    /// Pending bytes are discarded, or dispatched if [`AtEnd::Dispatch`] was chosen. The last event
    /// ID, the reconnection time and the statistics stay readable. The next [`feed`](Self::feed)
    /// starts a new stream. Bytes that were left unread are pending, too. To read their events,
    /// call `feed(&[])` first.
    ///
    /// ```
    /// use sse_wire::Decoder;
    ///
    /// let mut decoder = Decoder::new();
    /// let mut events = decoder.feed(b"data: one\n\ndata: tw");
    /// while events.next_event()?.is_some() {}
    /// drop(events);
    ///
    /// let end = decoder.finish()?;
    /// assert!(!end.is_clean());
    /// assert_eq!((end.pending_bytes(), end.had_data()), (8, true));
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// With [`AtEnd::Dispatch`], those of [`Events::next_event`]. Also if [too
    /// much](crate::DecodeErrorKind::UnreadTooLarge) was left unread.
    pub fn finish(&mut self) -> Result<End<'_>, DecodeError> {
        if !self.state.end() {
            return Ok(End { event: None, stream: StreamEnd::CLEAN });
        }
        let stream = StreamEnd { pending_bytes: self.pending_bytes(), had_data: self.holds_data() };
        if let Some(error) = self.state.take_unread_error() {
            return Err(error);
        }
        let state = &mut self.state;
        if state.options.at_end == AtEnd::Dispatch && state.is_cut_block_whole() {
            match state.finish::<false>() {
                Found::Event => return Ok(End { event: Some(state.event(&AT_END)), stream }),
                Found::Failed => return Err(state.take_error()),
                Found::Update | Found::ChunkEnd | Found::Comment | Found::Block => {}
            }
        }
        Ok(End { event: None, stream })
    }

    /// Returns `true` if the unfinished block, or what was left unread, has data.
    fn holds_data(&self) -> bool {
        if self.state.has_unread() {
            let mut rest = self.clone();
            rest.state.ended = false;
            // Only up to the first event, and in a clone, so that no ID is taken from an event that
            // nobody got.
            let is_over = matches!(rest.feed(&[]).next_event(), Ok(None));
            return !is_over || rest.holds_data();
        }
        let line = self.state.line();
        self.state.fields.values.data.is_some()
            || !line.is_empty() && field::split(line).0 == Field::Data
    }

    /// Returns `true` if the block that the end of the stream cuts off would be an event with this
    /// data.
    pub(crate) fn cut_off_data_is(&self, data: &str) -> bool {
        // If much more is held it is something else, and not worth a copy, which could be as large
        // as the limit. Comments are not held.
        let held = self.state.held.len() as u64 + self.state.unread().len();
        if held > (data.len() + wire::KEPT) as u64 {
            return false;
        }
        let mut rest = self.clone();
        rest.state.ended = false;
        rest.state.options.at_end = AtEnd::Dispatch;
        rest.finish().is_ok_and(|end| end.event().is_some_and(|event| event.data() == data))
    }

    accessors!();
}

/// The position at the end of a stream: nothing is left to read.
static AT_END: Chunk<'static> = Chunk::new(Source::Lent(&[]));

common_traits!(Decoder);
