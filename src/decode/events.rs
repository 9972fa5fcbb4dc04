//! The events of one chunk.

use alloc::string::String;
use core::{fmt, iter::FusedIterator, mem, ops::Range, time::Duration};

use bytes::Bytes;

use crate::{
    chunk::{SharedStr, Source},
    error::DecodeError,
    event::{Event, EventBuf},
    fields::{Data, FieldLines, Span, Values},
    splitter::{Cursor, Found, Lines, Place, Splitter, Usual},
    state::{Begin, Reading, State},
    texts::Texts,
    wire::{self, LF, Shortened, utf8},
};

/// The next thing in a chunk.
enum Step {
    /// A block of one data line, perhaps after a line that sets the event type. Only their
    /// positions in the chunk are recorded.
    Usual { event_type: Option<Range<usize>>, data: Range<usize> },
    /// A block that dispatches an event.
    Event(Place),
    /// A block without data that sets the last event ID or the reconnection time.
    Update(Place),
    /// A comment.
    Comment(Place),
    /// The end of the chunk.
    Starved,
}

/// Reads the lines for the event view.
type EventLines<'f> = FieldLines<'f, false>;

/// The event view of a chunk.
impl Reading<'_> {
    /// Returns the next event; `None` when the chunk is used up.
    #[inline]
    fn next_event<'a>(
        &'a mut self,
        state: &'a mut State,
    ) -> Result<Option<Event<'a>>, DecodeError> {
        if self.is_used_up() {
            return Ok(None);
        }
        if let Some(data) = self.usual(state) {
            return Ok(Some(self.usual_event(state, data)));
        }
        self.next_unusual(state)
    }

    #[inline(never)]
    fn next_unusual<'a>(
        &'a mut self,
        state: &'a mut State,
    ) -> Result<Option<Event<'a>>, DecodeError> {
        match self.step_to_event(state)? {
            Step::Usual { event_type, data } => Ok(Some(self.named_event(state, event_type, data))),
            Step::Event(place) => self.dispatch(state, place).map(Some),
            Step::Update(_) | Step::Comment(_) | Step::Starved => Ok(None),
        }
    }

    /// Returns the next event, owned; `None` when the chunk is used up.
    #[inline]
    pub(crate) fn next_buf(&mut self, state: &mut State) -> Option<Result<EventBuf, DecodeError>> {
        if self.is_used_up() {
            return None;
        }
        if let Some(data) = self.usual(state) {
            return Some(Ok(self.usual_buf(state, None, data)));
        }
        self.next_unusual_buf(state).transpose()
    }

    #[inline(never)]
    fn next_unusual_buf(&mut self, state: &mut State) -> Result<Option<EventBuf>, DecodeError> {
        match self.step_to_event(state)? {
            Step::Usual { event_type, data } => Ok(Some(self.usual_buf(state, event_type, data))),
            Step::Event(place) => self.dispatch_buf(state, place).map(Some),
            Step::Update(_) | Step::Comment(_) | Step::Starved => Ok(None),
        }
    }

    /// Returns the next item; `None` when the chunk is used up.
    pub(crate) fn next_item<'a>(
        &'a mut self,
        state: &'a mut State,
    ) -> Result<Option<Item<'a>>, DecodeError> {
        if self.is_used_up() {
            return Ok(None);
        }
        loop {
            return Ok(Some(match self.step(state)? {
                Step::Usual { event_type, data } => {
                    Item::Event(self.named_event(state, event_type, data))
                }
                Step::Event(place) => Item::Event(self.dispatch(state, place)?),
                Step::Update(place) if state.options.updates => {
                    let event = self.dispatch(state, place)?;
                    Item::Update { id: event.id(), reconnection_time: event.retry() }
                }
                Step::Update(place) => {
                    self.dispatch(state, place)?;
                    continue;
                }
                Step::Comment(place) => Item::Comment(self.comment(state, place)?),
                Step::Starved => return Ok(None),
            }));
        }
    }

    #[inline]
    fn usual_event<'a>(&'a self, state: &'a State, data: Range<usize>) -> Event<'a> {
        Event {
            data: self.chunk.text(data).unwrap_or_default(),
            event_type: None,
            last_event_id: state.last_event_id.as_str(),
            sets_id: false,
            retry: None,
        }
    }

    fn named_event<'a>(
        &'a self,
        state: &'a State,
        event_type: Option<Range<usize>>,
        data: Range<usize>,
    ) -> Event<'a> {
        let event_type = event_type.and_then(|event_type| self.chunk.text(event_type));
        Event { event_type, ..self.usual_event(state, data) }
    }

    #[inline]
    fn usual_buf(
        &mut self,
        state: &mut State,
        event_type: Option<Range<usize>>,
        data: Range<usize>,
    ) -> EventBuf {
        let len = self.chunk.len();
        if self.cursor.pos == len {
            if let Some(text) = self.chunk.take() {
                state.splitter.pass(len);
                self.cursor = Cursor::NOTHING;
                return EventBuf::new(text, data, event_type, None, None)
                    .with_last_event_id(&state.last_event_id);
            }
        }
        let start = event_type.as_ref().unwrap_or(&data).start;
        let part = |range: Range<usize>| range.start - start..range.end - start;
        if let Some(text) = self.chunk.share(start..data.end) {
            return EventBuf::new(text, part(data), event_type.map(part), None, None)
                .with_last_event_id(&state.last_event_id);
        }
        EventBuf::copy(self.named_event(state, event_type, data))
            .with_last_event_id(&state.last_event_id)
    }

    /// Takes a [usual](Cursor::usual) block. Returns the position of its data.
    #[expect(clippy::inline_always, reason = "most events cost no call")]
    #[inline(always)]
    fn usual(&mut self, state: &mut State) -> Option<Range<usize>> {
        let Self { chunk, cursor } = self;
        let Usual { data, next } = cursor.usual(&mut chunk.scan(), state.options.limit())?;
        chunk.check(data.clone())?;
        cursor.pos = next;
        state.fields.counters.events += 1;
        Some(data)
    }

    /// Like [`usual`](Self::usual), for a block that sets its type before its data, as token
    /// streams with event types do. Returns the positions of the type and the data.
    #[inline]
    fn named(&mut self, state: &mut State) -> Option<(Range<usize>, Range<usize>)> {
        if !self.cursor.is_plain {
            return None;
        }
        let start = self.cursor.pos;
        let mut scan = self.chunk.scan();
        let bytes = scan.bytes();
        let value = match bytes.get(start..)? {
            [b'e', b'v', b'e', b'n', b't', b':', b' ', ..] => start + 7,
            [b'e', b'v', b'e', b'n', b't', b':', ..] => start + 6,
            _ => return None,
        };
        let end = scan.line_end(value)?;
        if bytes[end] != LF {
            return None;
        }
        let limit = state.options.limit();
        if let Some(Usual { data, next }) = self.cursor.last_line(&mut scan, end + 1, limit) {
            if self.chunk.check(value..data.end).is_some() {
                self.cursor.pos = next;
                state.fields.counters.events += 1;
                return Some((value..end, data));
            }
        }
        // The search cannot go back to the first line end, so the splitter starts after it.
        let Self { chunk, cursor } = self;
        let mut lines = EventLines::new(&mut state.fields, state.options);
        cursor.read_first_line(chunk.bytes(), end, &mut lines);
        None
    }

    /// Skips comments that are [blocks of their own](Cursor::comment_block).
    #[inline]
    fn pass_comments(&mut self, state: &mut State) {
        let Self { chunk, cursor } = self;
        let mut scan = chunk.scan();
        while let Some(next) = cursor.comment_block(&mut scan, state.options.limit()) {
            cursor.pos = next;
            state.fields.counters.comments += 1;
            state.fields.counters.blocks_without_event += 1;
        }
    }

    /// Reads up to the next event, or to the end of the chunk.
    #[inline]
    fn step_to_event(&mut self, state: &mut State) -> Result<Step, DecodeError> {
        loop {
            match self.step(state)? {
                Step::Update(place) => {
                    self.dispatch(state, place)?;
                }
                Step::Comment(_) => {}
                step => return Ok(step),
            }
        }
    }

    /// Reads up to the next event, update or comment, or to the end of the chunk.
    #[inline]
    fn step(&mut self, state: &mut State) -> Result<Step, DecodeError> {
        if !state.resume()? {
            return Ok(Step::Starved);
        }
        state.fields.end_loan::<false>();
        if let Some(place) = self.complete_block(state) {
            return Ok(Step::Event(place));
        }
        loop {
            let Self { chunk, cursor } = self;
            if state.splitter.try_plain::<EventLines<'_>>(chunk.bytes(), cursor) {
                if let Some(step) = self.step_plain(state) {
                    return Ok(step);
                }
            }
            match self.find::<false>(state)? {
                Found::Passed => {}
                Found::Block(place) => {
                    if let Place::Chunk(start) = place {
                        // One check for the whole block, so that its values are known to be text.
                        self.chunk.check(start..self.cursor.pos);
                    }
                    let has_data = state.fields.values.data != Data::None;
                    return Ok(if has_data { Step::Event(place) } else { Step::Update(place) });
                }
                Found::Line(place) => return Ok(Step::Comment(place)),
                Found::Starved | Found::TooLarge => return Ok(Step::Starved),
            }
        }
    }

    /// Completes a block with one data line that began in an earlier chunk.
    #[inline]
    fn complete_block(&mut self, state: &mut State) -> Option<Place> {
        let Self { chunk, cursor } = self;
        if cursor.is_plain || !state.splitter.buffer().starts_with(b"data:") {
            return None;
        }
        let State { splitter, fields, options, .. } = state;
        let line = splitter.complete_block(&mut chunk.scan(), cursor, options.limit())?;
        let mut lines = EventLines::new(fields, *options);
        lines.line(splitter.buffer(), line);
        lines.end();
        Some(Place::Buffer)
    }

    /// Reads on from the start of a block, the state that most streams are in.
    #[inline]
    fn step_plain(&mut self, state: &mut State) -> Option<Step> {
        if !state.options.comments {
            self.pass_comments(state);
        }
        if let Some(data) = self.usual(state) {
            return Some(Step::Usual { event_type: None, data });
        }
        if let Some((event_type, data)) = self.named(state) {
            return Some(Step::Usual { event_type: Some(event_type), data });
        }
        let Self { chunk, cursor } = self;
        let (len, limit) = (chunk.len() - cursor.pos, state.options.limit());
        let is_part_of_line =
            cursor.is_plain && len <= limit && chunk.scan().line_end(cursor.pos).is_none();
        if is_part_of_line {
            state.splitter.hold_rest(&chunk.scan(), cursor, limit);
            return Some(Step::Starved);
        }
        None
    }

    /// Dispatches the block that was found: sets the last event ID, and returns the event. For a
    /// block without data, the event's data is empty.
    ///
    /// # Errors
    ///
    /// If the block's text is [refused](Texts::repaired).
    #[inline]
    pub(super) fn dispatch<'a>(
        &'a self,
        state: &'a mut State,
        place: Place,
    ) -> Result<Event<'a>, DecodeError> {
        let values = mem::take(&mut state.fields.values);
        let State { splitter, fields, last_event_id, options, rare, failed, .. } = state;
        let chunk = &self.chunk;
        let block = self.block(splitter, place);
        let text = |span: Span| match place {
            Place::Chunk(start) => {
                chunk.text(span.range_from(start)).or_else(|| utf8::check(span.of(block)))
            }
            Place::Buffer => splitter.buffer().text(span.range()),
        };
        let joined = &fields.joined;
        let texts = if let Some(texts) = Texts::new(&values, joined, text) {
            texts
        } else {
            let repaired = &mut rare.get_or_insert_default().repaired;
            match Texts::repaired(&values, block, joined, repaired, *options) {
                Ok(texts) => texts,
                Err(kind) => {
                    fields.counters.uncount_block(&values);
                    *failed = options.fails_on_error();
                    return Err(DecodeError::new(kind, splitter.block_start()));
                }
            }
        };
        if let Some(id) = texts.id {
            // "Set the last event ID string of the event source to the value of the last event ID
            // buffer", also if there is no data.
            last_event_id.set(id);
        }
        Ok(texts.event(values.retry, last_event_id))
    }

    /// Like [`dispatch`](Self::dispatch), for an owned event.
    fn dispatch_buf(&mut self, state: &mut State, place: Place) -> Result<EventBuf, DecodeError> {
        if let Some(event) = self.dispatch_shared(state, place) {
            return Ok(event);
        }
        let is_joined = state.fields.values.data == Data::Several;
        let event = self.dispatch(state, place)?;
        let event = if is_joined && event.data.len() > wire::COPIED {
            let others = EventBuf::copy(event.with_data(""));
            let joined = mem::take(&mut state.fields.joined);
            // Joined data that was not UTF-8 was repaired elsewhere.
            let repaired = || state.rare.as_ref().map_or("", |rare| rare.repaired.data());
            let data = String::from_utf8(joined).unwrap_or_else(|_| repaired().into());
            EventBuf::with_data(data, others.as_event())
        } else {
            EventBuf::copy(event)
        };
        Ok(event.with_last_event_id(&state.last_event_id))
    }

    /// Dispatches a block whose values are contiguous text that can be shared: in the chunk, or in
    /// a large buffer.
    #[inline]
    fn dispatch_shared(&self, state: &mut State, place: Place) -> Option<EventBuf> {
        let Values { data: Data::One(data), event_type, id, retry } = state.fields.values else {
            return None;
        };
        let spans = [Some(data), event_type, id];
        let ranges = || spans.into_iter().flatten().map(Span::range);
        let start = ranges().map(|range| range.start).min()?;
        let end = ranges().map(|range| range.end).max()?;
        let text = match place {
            Place::Chunk(block) => self.chunk.share(block + start..block + end)?,
            Place::Buffer if end - start > wire::COPIED => {
                share_buffer(&mut state.splitter, start..end)?
            }
            Place::Buffer => return None,
        };
        let part = |range: Range<usize>| range.start - start..range.end - start;
        let id = id.map(|id| part(id.range()));
        if let Some(id) = &id {
            state.last_event_id.set(text.get(id.clone()));
        }
        state.fields.values = Values::default();
        let event_type = event_type.map(|event_type| part(event_type.range()));
        let event = EventBuf::new(text, part(data.range()), event_type, id, retry);
        Some(event.with_last_event_id(&state.last_event_id))
    }

    /// Returns the text of the comment that was found.
    ///
    /// Invalid bytes are replaced even if the decoder rejects invalid UTF-8, because a comment has
    /// no meaning.
    fn comment<'a>(
        &'a mut self,
        state: &'a mut State,
        place: Place,
    ) -> Result<&'a str, DecodeError> {
        let span = state.fields.comment;
        let bytes = span.of(self.block(&state.splitter, place));
        if utf8::check(bytes).is_some() {
            let bytes = span.of(self.block(&state.splitter, place));
            return Ok(utf8::check(bytes).unwrap_or_default());
        }
        let repaired = &mut state.rare.get_or_insert_default().repaired;
        if !repaired.set_comment(bytes, state.options.limit()) {
            // The comment is refused with its block, whose next line starts here.
            state.splitter.refuse(&mut self.cursor, true);
            return Err(state.refuse_too_large());
        }
        Ok(state.rare.as_ref().map_or("", |rare| rare.repaired.data()))
    }

    /// Returns the bytes that start with the block or line that was found.
    #[inline]
    fn block<'a>(&'a self, splitter: &'a Splitter, place: Place) -> &'a [u8] {
        match place {
            Place::Chunk(start) => &self.chunk.bytes()[start..],
            Place::Buffer => splitter.buffer(),
        }
    }
}

/// Takes the buffer as text, if it is UTF-8.
#[cold]
fn share_buffer(splitter: &mut Splitter, range: Range<usize>) -> Option<SharedStr> {
    let buffer = Bytes::from(splitter.take_buffer());
    let text = SharedStr::new(buffer.slice(range)).ok();
    if text.is_none() {
        splitter.put_buffer(buffer.into());
    }
    text
}

/// The events of a chunk, lent one by one. See [`Decoder::feed`](crate::Decoder::feed).
#[derive(Debug)]
pub struct Events<'d> {
    state: &'d mut State,
    /// `None` if the chunk only continued a line.
    reading: Option<Reading<'d>>,
}

/// The items of an event stream: see [`Events::next_item`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Item<'a> {
    /// An event that was dispatched.
    Event(Event<'a>),
    /// A comment line that has ended: the text after the colon and one space.
    ///
    /// The standard ignores comments. One leading space is removed as from field values, because
    /// comments are written that way.
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
    #[expect(
        clippy::inline_always,
        reason = "to move it takes a tenth of the time of a short chunk"
    )]
    #[inline(always)]
    pub(super) fn new(state: &'d mut State, chunk: Source<'d>) -> Self {
        match state.begin(chunk.bytes()) {
            Begin::At(cursor) => Self { state, reading: Some(Reading::new(chunk, cursor)) },
            Begin::UsedUp => Self { state, reading: None },
            Begin::Special => {
                let reading = state.begin_special(chunk);
                Self { state, reading: Some(reading) }
            }
        }
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
        match &mut self.reading {
            Some(reading) => reading.next_event(self.state),
            None => Ok(None),
        }
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
        match &mut self.reading {
            Some(reading) => reading.next_item(self.state),
            None => Ok(None),
        }
    }
}

impl Drop for Events<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(reading) = &mut self.reading {
            reading.stop::<false>(self.state);
        }
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
        reading.as_mut()?.next_buf(state)
    }
}

/// After the end of the chunk, the result is always `None`.
impl FusedIterator for EventBufs<'_> {}
