//! The event view: the standard's dispatch.

mod body_kind;
mod end;
mod events;

use alloc::boxed::Box;
use core::mem;

use bytes::Bytes;

use self::body_kind::FirstBytes;
pub(crate) use self::events::Reading;
pub use self::{
    body_kind::BodyKind,
    end::{End, StreamEnd},
    events::{EventBufs, Events, Item},
};
use crate::{
    accessors::{accessors, common_traits},
    chunk::{Chunk, Source},
    error::DecodeError,
    event::Event,
    fields::{Data, Fields, ForEvents, Span, Values},
    last_event_id::LastEventId,
    options::{AtEnd, Options},
    splitter::{Place, Splitter},
    stats::Stats,
    texts::{Repaired, Texts},
    unread::Unread,
    wire::{
        field::{self, Field},
        utf8,
    },
};

/// Decodes an event stream, chunk by chunk, to the events that a browser would dispatch.
///
/// It does no I/O and knows no clock. Bytes go in with [`feed`](Self::feed) or
/// [`feed_bytes`](Self::feed_bytes), cut anywhere, and each event comes out of the call that brings
/// its last byte. Events borrow the chunk. Only what straddles two chunks goes through a buffer, and
/// none is allocated before that happens.
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
/// The standard gives every byte string a meaning, so no input is a syntax error. The only errors
/// are blocks that exceed [the limit](crate::DecoderBuilder::max_block_size), and invalid UTF-8 where the
/// decoder was [told](crate::DecoderBuilder::invalid_utf8) not to replace it. Each comes once and in order,
/// after the events before it.
///
/// # Clones
///
/// A clone continues where the decoder stands. It knows nothing of the rest of a chunk that is
/// being read at the time.
#[derive(Clone)]
pub struct Decoder {
    splitter: Splitter,
    fields: Fields,
    last_event_id: LastEventId,
    options: Options,
    /// What hardly any decoder needs.
    rare: Option<Box<Rare>>,
    /// The first bytes of the stream have not told yet if it is an event stream.
    wants_first_bytes: bool,
    /// A block was refused for good.
    failed: bool,
    /// The stream has ended, so the next chunk starts another one.
    ended: bool,
}

#[derive(Clone, Debug, Default)]
struct Rare {
    unread: Unread,
    first_bytes: FirstBytes,
    repaired: Repaired,
}

impl Decoder {
    /// Creates a decoder that follows the standard, with a block limit of 16 MiB.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(Options::STANDARD, LastEventId::NONE)
    }

    pub(crate) fn with_options(options: Options, last_event_id: LastEventId) -> Self {
        Self {
            splitter: Splitter::new(options.limit()),
            fields: Fields::default(),
            last_event_id,
            options,
            rare: None,
            wants_first_bytes: true,
            failed: false,
            ended: false,
        }
    }

    /// Reads a chunk and lends its events one by one.
    ///
    /// If the result is dropped early, the events that were not taken come first at the next call.
    /// (The rest of the chunk is copied for that, and there is a
    /// [limit](crate::DecodeErrorKind::UnreadTooLarge).) After [`finish`](Self::finish), a new
    /// stream starts.
    #[must_use = "events come only out of `next_event`"]
    #[inline]
    pub fn feed<'d>(&'d mut self, chunk: &'d [u8]) -> Events<'d> {
        if self.is_special() {
            let reading = self.read_special(Source::Lent(chunk));
            return Events::new(self, reading);
        }
        if self.splitter.extend_line(chunk) {
            return Events::nothing(self);
        }
        let cursor = self.splitter.begin();
        Events::new(self, Reading::new(Source::Lent(chunk), cursor))
    }

    /// Reads a chunk and gives its events as owned values, which share its memory.
    ///
    /// As with [`feed`](Self::feed), what is not taken comes first at the next call.
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
        if self.is_special() {
            let reading = self.read_special(Source::Shared(chunk));
            return EventBufs::new(Events::new(self, reading));
        }
        if self.splitter.extend_line(&chunk) {
            return EventBufs::new(Events::nothing(self));
        }
        let cursor = self.splitter.begin();
        EventBufs::new(Events::new(self, Reading::new(Source::Shared(chunk), cursor)))
    }

    /// Returns `true` if a chunk must be read with care. Nearly all chunks need none.
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
    fn read_special<'d>(&mut self, mut chunk: Source<'d>) -> Reading<'d> {
        if self.ended {
            self.reset_for_reconnect();
        }
        if self.wants_first_bytes {
            self.keep_first_bytes(chunk.bytes());
        }
        if let Some(rare) = &mut self.rare {
            chunk = rare.unread.join(chunk);
        }
        self.forget_chunk();
        let mut cursor = self.splitter.begin();
        cursor.is_plain &= !self.failed && self.unread().is_nothing();
        Reading::new(chunk, cursor)
    }

    #[cold]
    fn keep_first_bytes(&mut self, bytes: &[u8]) {
        // On the stack, so that an ordinary stream allocates nothing here.
        let mut first = self.rare.as_mut().map(|rare| mem::take(&mut rare.first_bytes));
        let first = first.get_or_insert_default();
        self.wants_first_bytes = bytes.is_empty() || first.keep(bytes);
        if !first.as_bytes().is_empty() {
            self.rare.get_or_insert_default().first_bytes = mem::take(first);
        } else if self.unread().is_nothing() {
            self.rare = None;
        }
    }

    /// Ends the stream, and returns whether it ended between two blocks.
    ///
    /// What was pending is discarded, or dispatched if [`AtEnd::Dispatch`] was chosen. The last event
    /// ID, the reconnection time and the statistics stay readable. The next [`feed`](Self::feed)
    /// starts a new stream. Bytes that were left unread count as pending and are discarded, too;
    /// `feed(&[])` reads their events first.
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
    /// With [`AtEnd::Dispatch`], as from [`Events::next_event`]; and if
    /// [too much](crate::DecodeErrorKind::UnreadTooLarge) was left unread.
    pub fn finish(&mut self) -> Result<End<'_>, DecodeError> {
        if mem::replace(&mut self.ended, true) {
            return Ok(End { event: None, stream: StreamEnd::CLEAN });
        }
        self.forget_chunk();
        let stream = StreamEnd { pending_bytes: self.pending_bytes(), had_data: self.holds_data() };
        if let Some(error) = self.take_unread_error() {
            return Err(error);
        }
        let is_whole = self.unread().is_nothing();
        let mut event = None;
        let is_readable =
            is_whole && stream.pending_bytes > 0 && !self.failed && self.splitter.is_reading();
        if self.options.at_end == AtEnd::Dispatch && is_readable {
            let Self { splitter, fields, options, .. } = self;
            if splitter.finish(&mut ForEvents::new(fields, *options)) {
                event = self.dispatch(&NO_CHUNK, Place::Buffer)?;
            }
        }
        Ok(End { event, stream })
    }

    /// Returns `true` if the block under way, or what was left unread, has data.
    fn holds_data(&self) -> bool {
        if !self.unread().is_nothing() {
            let mut rest = self.clone();
            rest.ended = false;
            // Up to the first event, if there is one. IDs must not be taken from events that nobody
            // got, so this reads ahead in a clone.
            let is_over = matches!(rest.feed(&[]).next_event(), Ok(None));
            return !is_over || rest.holds_data();
        }
        let line = self.splitter.line();
        self.fields.values.data != Data::None
            || !line.is_empty() && field::split(line).0 == Field::Data
    }

    /// Returns to the start of a stream: that of the next connection.
    ///
    /// Forgets the block under way, what was left unread, the byte order mark, an error, and the
    /// statistics. Keeps what a reconnection needs: the last event ID and the reconnection time.
    ///
    /// By the letter of the standard a new stream starts with an empty last event ID buffer, so its
    /// first event without an `id` would reset what the reconnection was made with. Browsers keep
    /// it, and a client that resumes depends on that.
    pub fn reset_for_reconnect(&mut self) {
        self.splitter.reset();
        self.fields.reset();
        self.rare = None;
        self.wants_first_bytes = true;
        (self.failed, self.ended) = (false, false);
    }

    accessors!();

    /// Returns the first bytes of the stream, at most 64, if it does not start as an event stream
    /// does; else nothing.
    ///
    /// For the message that says what came instead. They are remote bytes: bounded, not clean.
    #[must_use]
    pub fn first_bytes(&self) -> &[u8] {
        self.rare.as_deref().map_or(&[], |rare| rare.first_bytes.as_bytes())
    }

    /// Guesses what the body is, so far or, after its end, altogether.
    ///
    /// Servers answer with status 200 and a JSON error, proxies with an HTML page. Both are event
    /// streams without events by the letter of the standard, so no error tells.
    ///
    /// ```
    /// use sse_wire::{BodyKind, Decoder};
    ///
    /// let mut decoder = Decoder::new();
    /// let body = br#"{"error":{"message":"Rate limit reached"}}"#;
    /// assert!(decoder.feed(body).next_event()?.is_none());
    /// assert_eq!(decoder.body_kind(), BodyKind::Json);
    /// assert_eq!(decoder.first_bytes(), body);
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    #[must_use]
    pub fn body_kind(&self) -> BodyKind {
        let Stats { bytes, events, comments, .. } = self.stats();
        match &self.rare {
            _ if events > 0 || comments > 0 => BodyKind::EventStream,
            Some(rare) => rare.first_bytes.kind(),
            None if bytes == 0 => BodyKind::Empty,
            None => BodyKind::EventStream,
        }
    }

    fn unread(&self) -> &Unread {
        self.rare.as_deref().map_or(&Unread::Nothing, |rare| &rare.unread)
    }

    #[cold]
    fn take_unread_error(&mut self) -> Option<DecodeError> {
        let kind = self.rare.as_mut()?.unread.take_error(self.options.limit())?;
        self.failed = true;
        self.fields.counters.refused += 1;
        Some(DecodeError::new(kind, self.splitter.offset()))
    }

    /// Forgets where values lie in a chunk that is gone. There are such values only if the last reader
    /// was leaked in the middle of a block.
    fn forget_chunk(&mut self) {
        if !self.splitter.holds_lines() {
            self.fields.values = Values { retry: self.fields.values.retry, ..Values::default() };
        }
    }

    /// Dispatches the block that was found: its ID and, if it has data, its event.
    ///
    /// # Errors
    ///
    /// If the block's text is [refused](Texts::repaired).
    #[inline]
    fn dispatch<'a>(
        &'a mut self,
        chunk: &'a Chunk<'_>,
        place: Place,
    ) -> Result<Option<Event<'a>>, DecodeError> {
        let values = mem::take(&mut self.fields.values);
        let Self { splitter, fields, last_event_id, options, rare, failed, .. } = self;
        let block = match place {
            Place::Chunk(start) => &chunk.bytes()[start..],
            Place::Buffer => splitter.buffer(),
        };
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
}

/// The chunk of a block that lies in the buffer.
static NO_CHUNK: Chunk<'static> = Chunk::new(Source::Lent(&[]));

common_traits!(Decoder);
