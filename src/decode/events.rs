//! The events of one chunk.

use core::{fmt, iter::FusedIterator, ops::Range, time::Duration};

use crate::{
    chunk::{SharedStr, Source},
    error::DecodeError,
    event::{Event, EventBuf},
    fields::Span,
    find::find,
    state::{Found, Reading, State},
    wire::{self, Shortened},
};

/// The event view of a chunk.
impl Reading<'_> {
    /// Returns the next event; `None` when the chunk is used up.
    // Inlined, so that the event need not go through memory. The loop over lines is in `find`.
    #[expect(clippy::inline_always, reason = "see above")]
    #[inline(always)]
    fn next_event<'a>(
        &'a mut self,
        state: &'a mut State,
    ) -> Result<Option<Event<'a>>, DecodeError> {
        while !self.is_used_up() {
            match find::<false>(state, self) {
                Found::Event => return Ok(Some(state.event(&self.chunk))),
                Found::Update | Found::Comment => {}
                Found::ChunkEnd | Found::Block => break,
                Found::Failed => return Err(state.take_error()),
            }
        }
        Ok(None)
    }

    /// Returns the next event, owned; `None` when the chunk is used up.
    #[inline]
    pub(crate) fn next_buf(&mut self, state: &mut State) -> Option<Result<EventBuf, DecodeError>> {
        while !self.is_used_up() {
            match find::<false>(state, self) {
                Found::Event => return Some(Ok(self.event_buf(state))),
                Found::Update | Found::Comment => {}
                Found::ChunkEnd | Found::Block => break,
                Found::Failed => return Some(Err(state.take_error())),
            }
        }
        None
    }

    /// Returns the next item; `None` when the chunk is used up.
    pub(crate) fn next_item<'a>(
        &'a mut self,
        state: &'a mut State,
    ) -> Result<Option<Item<'a>>, DecodeError> {
        while !self.is_used_up() {
            match find::<false>(state, self) {
                Found::Event => return Ok(Some(Item::Event(state.event(&self.chunk)))),
                Found::Update if state.options.updates => {
                    let event = state.event(&self.chunk);
                    let (id, reconnection_time) = (event.id(), event.retry());
                    return Ok(Some(Item::Update { id, reconnection_time }));
                }
                Found::Update => {}
                Found::Comment => return Ok(Some(Item::Comment(self.comment(state)))),
                Found::ChunkEnd | Found::Block => break,
                Found::Failed => return Err(state.take_error()),
            }
        }
        Ok(None)
    }

    /// Returns the event that was found, owned. Its text is a slice of the chunk if all of it is
    /// there, or a large buffer that is taken over, and a copy otherwise.
    #[inline(never)]
    fn event_buf(&mut self, state: &mut State) -> EventBuf {
        let values = &state.fields.values;
        let held = state.held.len();
        let range = values.range().filter(|_| !values.has_more_data && !values.is_repaired);
        match range {
            Some(Range { start, end }) if start >= held => {
                let len = self.chunk.len();
                let last = if self.is_used_up() { self.chunk.take(start - held) } else { None };
                if last.is_some() {
                    state.offset += len as u64;
                }
                let shared = last.or_else(|| self.chunk.share(start - held..end - held));
                if let Some(text) = shared {
                    return event_of(state, text, start);
                }
            }
            Some(Range { end, .. }) if end <= held && held > wire::COPIED => {
                if let Some(text) = state.held.take_text() {
                    return event_of(state, text.into(), 0);
                }
            }
            _ => {}
        }
        self.copied_buf(state)
    }

    /// Returns a copy of the event that was found. Takes over large joined data.
    #[inline(never)]
    fn copied_buf(&mut self, state: &mut State) -> EventBuf {
        let is_joined = state.fields.values.has_more_data;
        let event = if is_joined && state.fields.joined.len() > wire::COPIED {
            self.joined_buf(state)
        } else {
            EventBuf::copy(state.event(&self.chunk))
        };
        event.with_last_event_id(&state.last_event_id)
    }

    /// Takes over the joined data.
    #[cold]
    fn joined_buf(&mut self, state: &mut State) -> EventBuf {
        let others = EventBuf::copy(state.event(&self.chunk).with_data(""));
        let data = match &mut state.rare {
            Some(rare) if state.fields.values.is_repaired => Some(rare.repaired.take_data()),
            _ => state.fields.joined.take_text(),
        };
        EventBuf::with_data(data.unwrap_or_default(), others.as_event())
    }

    /// Returns the text of the comment that was found.
    ///
    /// Invalid bytes are replaced even if the decoder rejects invalid UTF-8, because a comment has
    /// no meaning.
    fn comment<'a>(&'a mut self, state: &'a mut State) -> &'a str {
        let in_chunk = self.comment.in_chunk(state.held.len());
        if let Some(range) = in_chunk.clone().filter(|range| self.chunk.check(range.clone())) {
            return self.chunk.text(range).unwrap_or_default();
        }
        let bytes = match in_chunk {
            Some(range) => self.chunk.part(range),
            None => self.comment.of(&state.held),
        };
        let repaired = &mut state.rare.get_or_insert_default().repaired;
        repaired.set_comment(bytes, state.options.limit());
        repaired.data()
    }
}

/// Returns the event that was found, whose values lie in `text`. It starts at `start` in the block.
#[inline]
fn event_of(state: &State, text: SharedStr, start: usize) -> EventBuf {
    let values = &state.fields.values;
    let part = |value: Span| value.range().start - start..value.range().end - start;
    let (event_type, id) = (values.event_type.map(part), values.id.map(part));
    let data = values.data.map(part).unwrap_or_default();
    EventBuf::new(text, data, event_type, id, state.fields.retry(), &state.last_event_id)
}

/// The events of a chunk, lent one by one. See [`Decoder::feed`](crate::Decoder::feed).
#[derive(Debug)]
pub struct Events<'d> {
    state: &'d mut State,
    reading: Reading<'d>,
}

/// The items of an event stream: see [`Events::next_item`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Item<'a> {
    /// An event that was dispatched.
    Event(Event<'a>),
    /// A comment line that has ended: the text after the colon and one space.
    ///
    /// The standard ignores comments. One leading space is removed as from field values, because
    /// comments are written that way. A decoder never refuses a block because of a comment: it
    /// replaces invalid UTF-8 with U+FFFD, and truncates a text that exceeds the
    /// [limit](crate::DecoderBuilder::max_block_size) because of that.
    Comment(&'a str),
    /// A block without data that set the last event ID or the reconnection time.
    ///
    /// It dispatches no event. Some protocols use it all the same: an MCP client resumes after its
    /// ID.
    Update {
        /// The ID that the block set, if any.
        id: Option<&'a str>,
        /// The reconnection time that the block set, if any.
        reconnection_time: Option<Duration>,
    },
}

impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => f.debug_tuple("Event").field(event).finish(),
            Self::Comment(text) => f.debug_tuple("Comment").field(&Shortened(text)).finish(),
            Self::Update { id, reconnection_time } => f
                .debug_struct("Update")
                .field("id", &id.map(Shortened))
                .field("reconnection_time", reconnection_time)
                .finish(),
        }
    }
}

impl<'d> Events<'d> {
    #[inline]
    pub(super) fn new(state: &'d mut State, chunk: Source<'d>) -> Self {
        Self { reading: Reading::begin(state, chunk), state }
    }

    /// Returns the next event of the chunk; `None` when the chunk is used up.
    ///
    /// For an example, see [`Decoder::feed`](crate::Decoder::feed).
    ///
    /// # Errors
    ///
    /// If a block is refused: see [`DecodeError`]. After a fatal error there are no more events.
    #[inline]
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, DecodeError> {
        self.reading.next_event(self.state)
    }

    /// Returns the next item of the chunk; `None` when the chunk is used up.
    ///
    /// Comments and blocks without data are items only if the decoder was built with
    /// [`comments`](crate::DecoderBuilder::comments) and
    /// [`updates`](crate::DecoderBuilder::updates).
    ///
    /// ```
    /// use sse_wire::{Decoder, Item};
    ///
    /// let mut decoder = Decoder::builder().comments(true).build();
    /// let mut events = decoder.feed(b": ping\n");
    /// assert_eq!(events.next_item()?, Some(Item::Comment("ping")));
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// See [`next_event`](Self::next_event).
    pub fn next_item(&mut self) -> Result<Option<Item<'_>>, DecodeError> {
        self.reading.next_item(self.state)
    }
}

impl Drop for Events<'_> {
    #[inline]
    fn drop(&mut self) {
        self.reading.stop::<false>(self.state);
    }
}

/// The events of one chunk as owned values. See
/// [`Decoder::feed_bytes`](crate::Decoder::feed_bytes).
///
/// After an error that is not fatal, the iterator goes on with the next block.
#[derive(Debug)]
pub struct EventBufs<'d>(Events<'d>);

impl<'d> EventBufs<'d> {
    #[inline]
    pub(super) fn new(events: Events<'d>) -> Self {
        Self(events)
    }
}

impl Iterator for EventBufs<'_> {
    type Item = Result<EventBuf, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let Events { state, reading } = &mut self.0;
        reading.next_buf(state)
    }
}

/// After the end of the chunk, the result is always `None`.
impl FusedIterator for EventBufs<'_> {}
