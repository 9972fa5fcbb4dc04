//! Events out of one chunk.

use alloc::string::String;
use core::{fmt, iter::FusedIterator, mem, ops::Range};

use bytes::Bytes;

use super::Decoder;
use crate::{
    chunk::{Chunk, SharedStr, Source},
    error::DecodeError,
    event::{Event, EventBuf},
    fields::{Data, ForEvents, Span, Values},
    splitter::{Cursor, Found, Lines, Place, Usual},
    wire::{LF, Shortened, utf8},
};

/// Text of more bytes is not copied out of a buffer for an owned event: the buffer goes with it.
const COPIED: usize = 16 << 10;

/// A chunk that is being read.
///
/// Separate from `Decoder` so that adapters can own both across polls.
#[derive(Debug)]
pub(crate) struct Reading<'d> {
    chunk: Chunk<'d>,
    cursor: Cursor,
}

/// What a decoder came upon that is to be given.
enum Step {
    /// A block of one data line, which nothing was noted of: where its data lies in the chunk.
    Usual(Range<usize>),
    /// As `Usual`, after a line that names the event type.
    Named(Range<usize>, Range<usize>),
    /// A block that dispatches an event.
    Block(Place),
    /// A comment.
    Comment(Place),
    /// The chunk is used up.
    Starved,
}

impl<'d> Reading<'d> {
    #[inline]
    pub(super) fn new(chunk: Source<'d>, cursor: Cursor) -> Self {
        Self { chunk: Chunk::new(chunk), cursor }
    }

    /// A chunk that was used up already.
    #[cfg(any(feature = "std", feature = "stream", feature = "tokio-util"))]
    pub(crate) fn nothing() -> Self {
        Self::new(Source::Lent(&[]), Cursor::NOTHING)
    }

    /// Reads the next chunk. The one before must have been [stopped](Self::stop).
    #[cfg(any(feature = "std", feature = "stream", feature = "tokio-util"))]
    #[inline]
    pub(crate) fn start(&mut self, decoder: &mut Decoder, chunk: Source<'d>) {
        if decoder.is_special() {
            *self = decoder.read_special(chunk);
        } else if !decoder.splitter.extend_line(chunk.bytes()) {
            self.chunk.replace(chunk);
            self.cursor = decoder.splitter.begin();
        }
    }

    /// Returns `true` if there is nothing more, for the price of two comparisons.
    #[inline]
    pub(crate) fn is_used_up(&self) -> bool {
        self.cursor.is_plain && self.cursor.pos == self.chunk.len()
    }

    /// Returns the next event; `None` when the chunk is used up.
    #[inline]
    fn next_event<'a>(
        &'a mut self,
        decoder: &'a mut Decoder,
    ) -> Result<Option<Event<'a>>, DecodeError> {
        if self.is_used_up() {
            return Ok(None);
        }
        if let Some(data) = self.usual(decoder) {
            return Ok(Some(self.usual_event(decoder, data)));
        }
        self.next_unusual(decoder)
    }

    #[inline(never)]
    fn next_unusual<'a>(
        &'a mut self,
        decoder: &'a mut Decoder,
    ) -> Result<Option<Event<'a>>, DecodeError> {
        loop {
            match self.step(decoder)? {
                Step::Usual(data) => return Ok(Some(self.usual_event(decoder, data))),
                Step::Named(event_type, data) => {
                    let event_type = self.chunk.text(event_type);
                    return Ok(Some(Event { event_type, ..self.usual_event(decoder, data) }));
                }
                Step::Block(place) => return decoder.dispatch(&self.chunk, place),
                Step::Comment(_) => {}
                Step::Starved => return Ok(None),
            }
        }
    }

    /// Returns the next event, owned; `None` when the chunk is used up.
    #[inline]
    pub(crate) fn next_buf(
        &mut self,
        decoder: &mut Decoder,
    ) -> Option<Result<EventBuf, DecodeError>> {
        if self.is_used_up() {
            return None;
        }
        if let Some(data) = self.usual(decoder) {
            return Some(Ok(self.usual_buf(decoder, None, data)));
        }
        self.next_unusual_buf(decoder)
    }

    #[inline(never)]
    fn next_unusual_buf(&mut self, decoder: &mut Decoder) -> Option<Result<EventBuf, DecodeError>> {
        loop {
            match self.step(decoder) {
                Ok(Step::Usual(data)) => return Some(Ok(self.usual_buf(decoder, None, data))),
                Ok(Step::Named(event_type, data)) => {
                    return Some(Ok(self.usual_buf(decoder, Some(event_type), data)));
                }
                Ok(Step::Block(place)) => {
                    return decoder.dispatch_buf(&self.chunk, place).transpose();
                }
                Ok(Step::Comment(_)) => {}
                Ok(Step::Starved) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Returns the next event or comment; `None` when the chunk is used up.
    #[inline]
    pub(crate) fn next_item<'a>(
        &'a mut self,
        decoder: &'a mut Decoder,
    ) -> Result<Option<Item<'a>>, DecodeError> {
        Ok(match self.step(decoder)? {
            Step::Usual(data) => Some(Item::Event(self.usual_event(decoder, data))),
            Step::Named(event_type, data) => {
                let event_type = self.chunk.text(event_type);
                Some(Item::Event(Event { event_type, ..self.usual_event(decoder, data) }))
            }
            Step::Block(place) => decoder.dispatch(&self.chunk, place)?.map(Item::Event),
            Step::Comment(place) => {
                let Self { chunk, cursor } = self;
                Some(Item::Comment(decoder.comment(chunk, cursor, place)?))
            }
            Step::Starved => None,
        })
    }

    #[inline]
    fn usual_event<'a>(&'a self, decoder: &'a Decoder, data: Range<usize>) -> Event<'a> {
        Event {
            data: self.chunk.text(data).unwrap_or_default(),
            event_type: None,
            last_event_id: decoder.last_event_id.as_str(),
            sets_id: false,
            retry: None,
        }
    }

    #[inline]
    fn usual_buf(
        &mut self,
        decoder: &mut Decoder,
        event_type: Option<Range<usize>>,
        data: Range<usize>,
    ) -> EventBuf {
        let len = self.chunk.len();
        if self.cursor.pos == len {
            if let Some(text) = self.chunk.take() {
                decoder.splitter.pass(len);
                self.cursor = Cursor::NOTHING;
                return EventBuf::new(text, data, event_type, None, None)
                    .with_last_event_id(&decoder.last_event_id);
            }
        }
        let start = event_type.as_ref().unwrap_or(&data).start;
        let part = |range: Range<usize>| range.start - start..range.end - start;
        if let Some(text) = self.chunk.share(start..data.end) {
            return EventBuf::new(text, part(data), event_type.map(part), None, None)
                .with_last_event_id(&decoder.last_event_id);
        }
        let event_type = event_type.and_then(|event_type| self.chunk.text(event_type));
        Event { event_type, ..self.usual_event(decoder, data) }.to_buf()
    }

    /// Takes a [usual](Cursor::usual) block. Returns where its data lies.
    #[expect(clippy::inline_always, reason = "most events cost no call")]
    #[inline(always)]
    fn usual(&mut self, decoder: &mut Decoder) -> Option<Range<usize>> {
        let Self { chunk, cursor } = self;
        let Usual { data, next } = cursor.usual(&mut chunk.scan(), decoder.options.limit())?;
        chunk.check(data.clone())?;
        cursor.pos = next;
        decoder.fields.counters.events += 1;
        Some(data)
    }

    /// As [`usual`](Self::usual), for a block that names its type before its data, as most token
    /// streams do that have types: the type and the data.
    #[inline]
    fn named(&mut self, decoder: &mut Decoder) -> Option<(Range<usize>, Range<usize>)> {
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
        let limit = decoder.options.limit();
        if let Some(Usual { data, next }) = self.cursor.last_line(&mut scan, end + 1, limit) {
            if self.chunk.check(value..data.end).is_some() {
                self.cursor.pos = next;
                decoder.fields.counters.events += 1;
                return Some((value..end, data));
            }
        }
        // The line ends that were passed are not found again, so the splitter goes on from here.
        let Self { chunk, cursor } = self;
        let mut lines = ForEvents::new(&mut decoder.fields, decoder.options);
        cursor.read_first_line(chunk.bytes(), end, &mut lines);
        None
    }

    /// Takes comments that are [blocks of their own](Cursor::comment_block).
    #[inline]
    fn pass_comments(&mut self, decoder: &mut Decoder) {
        let Self { chunk, cursor } = self;
        let mut scan = chunk.scan();
        while let Some(next) = cursor.comment_block(&mut scan, decoder.options.limit()) {
            cursor.pos = next;
            decoder.fields.counters.comments += 1;
            decoder.fields.counters.blocks_without_event += 1;
        }
    }

    /// Reads on up to what is to be given.
    #[inline]
    fn step(&mut self, decoder: &mut Decoder) -> Result<Step, DecodeError> {
        if decoder.is_special() {
            if decoder.failed {
                return Ok(Step::Starved);
            }
            if let Some(rare) = &mut decoder.rare {
                rare.repaired.give_back();
            }
            if let Some(error) = decoder.take_unread_error() {
                return Err(error);
            }
        }
        decoder.fields.end_loan();
        if let Some(place) = self.complete_block(decoder) {
            return Ok(Step::Block(place));
        }
        loop {
            let Self { chunk, cursor } = self;
            if decoder.splitter.try_plain::<ForEvents<'_>>(chunk.bytes(), cursor) {
                if let Some(step) = self.step_plain(decoder) {
                    return Ok(step);
                }
            }
            let Self { chunk, cursor } = self;
            let Decoder { splitter, fields, options, .. } = decoder;
            let mut lines = ForEvents::new(fields, *options);
            match splitter.next(&mut chunk.scan(), cursor, &mut lines) {
                Found::Starved => return Ok(Step::Starved),
                Found::Line(place) => return Ok(Step::Comment(place)),
                Found::Block(place) => {
                    if let Place::Chunk(start) = place {
                        // All of the block at once, so that its values are known to be text.
                        chunk.check(start..cursor.pos);
                    }
                    if fields.values.data != Data::None {
                        return Ok(Step::Block(place));
                    }
                    // It only sets the ID.
                    decoder.dispatch(chunk, place)?;
                }
                Found::TooLarge => return Err(decoder.refuse_too_large()),
                Found::Skipped => {}
            }
        }
    }

    /// Completes a block of one data line that began in an earlier chunk.
    #[inline]
    fn complete_block(&mut self, decoder: &mut Decoder) -> Option<Place> {
        let Self { chunk, cursor } = self;
        if cursor.is_plain || !decoder.splitter.buffer().starts_with(b"data:") {
            return None;
        }
        let Decoder { splitter, fields, options, .. } = decoder;
        let line = splitter.complete_block(&mut chunk.scan(), cursor)?;
        let mut lines = ForEvents::new(fields, *options);
        lines.line(splitter.buffer(), line);
        lines.end();
        Some(Place::Buffer)
    }

    /// Reads on where the next byte starts a block: what most streams are made of.
    #[inline]
    fn step_plain(&mut self, decoder: &mut Decoder) -> Option<Step> {
        if !decoder.options.comments {
            self.pass_comments(decoder);
        }
        if let Some(data) = self.usual(decoder) {
            return Some(Step::Usual(data));
        }
        if let Some((event_type, data)) = self.named(decoder) {
            return Some(Step::Named(event_type, data));
        }
        let Self { chunk, cursor } = self;
        let len = chunk.len() - cursor.pos;
        let is_part_of_line = cursor.is_plain
            && len <= decoder.options.limit()
            && chunk.scan().line_end(cursor.pos).is_none();
        if is_part_of_line {
            decoder.splitter.hold_rest(&chunk.scan(), cursor);
            return Some(Step::Starved);
        }
        None
    }

    /// Reads no further: what is left of the chunk comes first when the next one is read.
    #[inline]
    pub(crate) fn stop(&mut self, decoder: &mut Decoder) {
        if self.is_used_up() {
            decoder.splitter.pass(self.chunk.len());
        } else {
            self.stop_early(decoder);
        }
    }

    /// Lets a chunk go that was [stopped](Self::stop).
    #[cfg(any(feature = "std", feature = "stream", feature = "tokio-util"))]
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.chunk.replace(Source::Lent(&[]));
        self.cursor = Cursor::NOTHING;
    }

    #[inline(never)]
    fn stop_early(&mut self, decoder: &mut Decoder) {
        let Self { chunk, cursor } = self;
        let Decoder { splitter, fields, options, rare, failed, .. } = decoder;
        if let Some(rare) = rare {
            rare.repaired.give_back();
        }
        if *failed {
            return splitter.ignore(chunk.bytes(), cursor);
        }
        splitter.stop(&chunk.scan(), cursor, &mut ForEvents::new(fields, *options));
        fields.end_loan();
        let (pos, len) = (cursor.pos, chunk.len());
        if pos < len {
            let unread = &mut rare.get_or_insert_default().unread;
            unread.keep(len - pos, options.limit(), || chunk.keep_rest(pos));
        }
    }
}

impl Decoder {
    /// Refuses the block that the splitter has given up.
    #[cold]
    fn refuse_too_large(&mut self) -> DecodeError {
        self.failed = self.options.fails_on_error();
        self.fields.refuse_too_large(self.options.limit(), self.splitter.block_start())
    }

    /// Returns the text of the comment that was found.
    ///
    /// A comment means nothing, so invalid bytes are replaced whatever the policy is.
    fn comment<'a>(
        &'a mut self,
        chunk: &'a Chunk<'_>,
        cursor: &mut Cursor,
        place: Place,
    ) -> Result<&'a str, DecodeError> {
        let span = self.fields.comment;
        let bytes = match place {
            Place::Chunk(start) => &chunk.bytes()[span.range_from(start)],
            Place::Buffer => span.of(self.splitter.buffer()),
        };
        if utf8::check(bytes).is_some() {
            let bytes = match place {
                Place::Chunk(start) => &chunk.bytes()[span.range_from(start)],
                Place::Buffer => span.of(self.splitter.buffer()),
            };
            return Ok(utf8::check(bytes).unwrap_or_default());
        }
        let repaired = &mut self.rare.get_or_insert_default().repaired;
        if !repaired.set_comment(bytes, self.options.limit()) {
            // The comment is given up with its block, whose next line starts here.
            self.splitter.refuse(cursor, true);
            return Err(self.refuse_too_large());
        }
        Ok(self.rare.as_ref().map_or("", |rare| rare.repaired.data()))
    }

    /// As [`dispatch`](Self::dispatch), for an owned event.
    fn dispatch_buf(
        &mut self,
        chunk: &Chunk<'_>,
        place: Place,
    ) -> Result<Option<EventBuf>, DecodeError> {
        if let Some(event) = self.dispatch_shared(chunk, place) {
            return Ok(Some(event));
        }
        let is_joined = self.fields.values.data == Data::Several;
        let Some(event) = self.dispatch(chunk, place)? else { return Ok(None) };
        let event = if is_joined && event.data.len() > COPIED {
            let others = EventBuf::copy(event.with_data(""));
            let joined = mem::take(&mut self.fields.joined);
            // Joined data that was repaired is not text, and lies elsewhere.
            let repaired = || self.rare.as_ref().map_or("", |rare| rare.repaired.data());
            let data = String::from_utf8(joined).unwrap_or_else(|_| repaired().into());
            EventBuf::with_data(data, others.as_event())
        } else {
            EventBuf::copy(event)
        };
        Ok(Some(event.with_last_event_id(&self.last_event_id)))
    }

    /// Dispatches a block whose values lie side by side in text that can be shared: in the chunk, or
    /// in a large buffer.
    #[inline]
    fn dispatch_shared(&mut self, chunk: &Chunk<'_>, place: Place) -> Option<EventBuf> {
        let Values { data: Data::One(data), event_type, id, retry } = self.fields.values else {
            return None;
        };
        let spans = [Some(data), event_type, id];
        let ranges = || spans.into_iter().flatten().map(Span::range);
        let start = ranges().map(|range| range.start).min()?;
        let end = ranges().map(|range| range.end).max()?;
        let text = match place {
            Place::Chunk(block) => chunk.share(block + start..block + end)?,
            Place::Buffer if end - start > COPIED => self.share_buffer(start..end)?,
            Place::Buffer => return None,
        };
        let part = |range: Range<usize>| range.start - start..range.end - start;
        let id = id.map(|id| part(id.range()));
        if let Some(id) = &id {
            self.last_event_id.set(text.get(id.clone()));
        }
        self.fields.values = Values::default();
        let event_type = event_type.map(|event_type| part(event_type.range()));
        let event = EventBuf::new(text, part(data.range()), event_type, id, retry);
        Some(event.with_last_event_id(&self.last_event_id))
    }

    /// Takes the buffer away as text.
    #[cold]
    fn share_buffer(&mut self, range: Range<usize>) -> Option<SharedStr> {
        let buffer = Bytes::from(self.splitter.take_buffer());
        let text = SharedStr::new(buffer.slice(range)).ok();
        if text.is_none() {
            self.splitter.put_buffer(buffer.into());
        }
        text
    }
}

/// The events of a chunk, lent one by one. See [`Decoder::feed`].
#[derive(Debug)]
pub struct Events<'d> {
    decoder: &'d mut Decoder,
    /// `None` if the chunk was used up at once.
    reading: Option<Reading<'d>>,
}

/// What [`Events::next_item`] gives.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Item<'a> {
    /// An event was dispatched.
    Event(Event<'a>),
    /// A comment line has ended: its text after the colon and one space.
    ///
    /// The standard ignores comments. One space is taken off as from field values, because that is
    /// how they are written.
    Comment(&'a str),
}

impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => f.debug_tuple("Event").field(event).finish(),
            Self::Comment(text) => f.debug_tuple("Comment").field(&Shortened(text)).finish(),
        }
    }
}

impl<'d> Events<'d> {
    #[inline]
    pub(super) fn new(decoder: &'d mut Decoder, reading: Reading<'d>) -> Self {
        Self { decoder, reading: Some(reading) }
    }

    #[inline]
    pub(super) fn nothing(decoder: &'d mut Decoder) -> Self {
        Self { decoder, reading: None }
    }

    /// Returns the next event of the chunk; `None` when it is used up.
    ///
    /// # Errors
    ///
    /// If a block is refused: see [`DecodeError`]. After a fatal error there are no more events.
    #[inline]
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, DecodeError> {
        match &mut self.reading {
            Some(reading) => reading.next_event(self.decoder),
            None => Ok(None),
        }
    }

    /// Returns the next event or comment of the chunk, in their order; `None` when it is used up.
    ///
    /// Comments come only if the decoder was [told](crate::DecoderBuilder::comments) to give them.
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
    /// As from [`next_event`](Self::next_event).
    pub fn next_item(&mut self) -> Result<Option<Item<'_>>, DecodeError> {
        match &mut self.reading {
            Some(reading) => reading.next_item(self.decoder),
            None => Ok(None),
        }
    }
}

impl Drop for Events<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(reading) = &mut self.reading {
            reading.stop(self.decoder);
        }
    }
}

/// The events of a chunk as owned values. See [`Decoder::feed_bytes`].
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
        let Events { decoder, reading } = &mut self.0;
        reading.as_mut()?.next_buf(decoder)
    }
}

/// A chunk that is used up stays so.
impl FusedIterator for EventBufs<'_> {}
