//! The event view: the standard's dispatch.

mod reading;

use alloc::{boxed::Box, string::String};
use core::{fmt, ops::Range, time::Duration};

use bytes::Bytes;

use crate::{
    Field,
    chunk::{Chunk, NO_CHUNK, Source},
    config::{AtEnd, DecoderBuilder, InvalidUtf8, OnError, Options},
    error::DecodeError,
    event::{Event, EventBuf},
    feed::{Feed, Unread},
    head::{self, Head, Look},
    interpret::{Interpreter, Slots},
    machine::{Machine, Part},
    stats::{Counters, Stats},
    text::{self, Joiner, Piece, Trouble},
};

pub(crate) use self::reading::Reading;
use self::reading::Step;

/// Decodes an event stream, chunk by chunk, to the events that a browser would dispatch.
///
/// It does no I/O and knows no clock: bytes go in with [`feed`](Self::feed) or
/// [`feed_bytes`](Self::feed_bytes), cut anywhere, and each event comes out of the call that
/// brings its last byte. Events borrow the chunk; a buffer is only used for what straddles two of
/// them, and none is allocated before that happens.
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
/// are blocks that pass [the limit](DecoderBuilder::max_block_size), and invalid UTF-8 where the
/// decoder was [told](DecoderBuilder::invalid_utf8) not to replace it. They come once and in
/// order, after the events before them.
#[derive(Clone)]
pub struct Decoder {
    machine: Machine,
    interpreter: Interpreter,
    counters: Counters,
    unread: Unread,
    /// Behind a pointer, because hardly any decoder needs it.
    rare: Option<Box<Rare>>,
    gives_comments: bool,
    at_end: AtEnd,
    ended: bool,
}

#[derive(Clone, Debug, Default)]
struct Rare {
    comment: CommentText,
    head: Head,
}

/// A comment that straddles chunks.
#[derive(Clone, Debug)]
struct CommentText {
    text: String,
    joiner: Joiner,
}

impl Default for CommentText {
    fn default() -> Self {
        // A comment means nothing, so its bytes are never a fault.
        Self { text: String::new(), joiner: Joiner::new(false) }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder that follows the standard, with a block limit of 16 MiB.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A decoder with other options.
    pub const fn builder() -> DecoderBuilder {
        DecoderBuilder::new()
    }

    pub(crate) fn with_options(DecoderBuilder { options, last_event_id }: DecoderBuilder) -> Self {
        let rejects_invalid = options.invalid_utf8 == InvalidUtf8::Reject;
        Self {
            machine: options.machine(),
            interpreter: Interpreter::new(rejects_invalid, last_event_id),
            counters: Counters::default(),
            unread: Unread::default(),
            rare: None,
            gives_comments: options.comments,
            at_end: options.at_end,
            ended: false,
        }
    }

    /// Reads a chunk, whose events are then lent one by one.
    ///
    /// Events that are not taken, because the result is dropped before its end, are not lost: they
    /// come first at the next call. (They are copied for that.) After [`finish`](Self::finish), a
    /// new stream starts.
    #[must_use = "events come only out of `next_event`"]
    #[inline]
    pub fn feed<'d>(&'d mut self, chunk: &'d [u8]) -> Events<'d> {
        self.start(Source::Borrowed(chunk))
    }

    /// Reads a chunk and gives its events as owned values.
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
    pub fn feed_bytes(&mut self, chunk: Bytes) -> EventBufs<'_> {
        EventBufs(self.start(Source::Shared(chunk)))
    }

    #[inline]
    fn start<'d>(&'d mut self, source: Source<'d>) -> Events<'d> {
        let reading = self.read(source);
        Events { decoder: self, reading }
    }

    /// Begins to read a chunk. Until it is used up or [stopped](Reading::stop), this decoder must
    /// not be used for another one.
    #[inline]
    pub(crate) fn read<'d>(&mut self, source: Source<'d>) -> Reading<'d> {
        if self.ended {
            self.reset_for_reconnect();
        }
        if self.machine.offset(0) < Head::LEN {
            self.keep_head(source.bytes());
        }
        let feed = Feed::new(source, &mut self.unread);
        Reading::new(feed, self.interpreter.slots())
    }

    /// The stream has ended: tells whether it did so at the end of a block.
    ///
    /// What was pending is given up, or dispatched if [`AtEnd::Dispatch`] was chosen. The last
    /// event ID, the reconnection time and the statistics stay readable; the next
    /// [`feed`](Self::feed) starts a new stream. Chunks that were not read to their end count as
    /// pending and are given up, too: `feed(&[])` gets at their events.
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
    /// With [`AtEnd::Dispatch`], as from [`Events::next_event`] for the last line.
    pub fn finish(&mut self) -> Result<End<'_>, DecodeError> {
        let mut stream = StreamEnd {
            pending_bytes: self.machine.block_size(0) + self.unread.len(),
            had_data: self.interpreter.holds_data(),
        };
        if self.ended {
            stream = StreamEnd { pending_bytes: 0, had_data: false };
            return Ok(End { event: None, stream });
        }
        self.ended = true;
        if self.at_end == AtEnd::Dispatch && self.is_reading() {
            let mut slots = self.interpreter.slots();
            if let Some((field, part)) = self.machine.end_of_stream() {
                self.part(&mut slots, field, &NO_CHUNK, 0..0, part, 0)?;
            }
            if self.interpreter.dispatch(&slots, &NO_CHUNK) {
                self.counters.events += 1;
                stream.had_data = true;
                let event = Some(self.interpreter.event(&slots, &NO_CHUNK));
                return Ok(End { event, stream });
            }
        }
        Ok(End { event: None, stream })
    }

    /// Whether the block under way is one that may be dispatched.
    fn is_reading(&self) -> bool {
        !self.machine.is_skipping() && !self.machine.has_failed() && self.unread.is_empty()
    }

    /// Stands at the start of the next connection's stream.
    ///
    /// Forgets the block under way, what was not read, the byte order mark, an error, and the
    /// statistics. Keeps what a reconnection needs: the last event ID and the reconnection time.
    pub fn reset_for_reconnect(&mut self) {
        self.machine.reset();
        self.interpreter.reset();
        self.counters = Counters::default();
        self.rare = None;
        self.unread.clear();
        self.ended = false;
    }

    /// The last event ID: what the header `Last-Event-ID` of a reconnection shall hold; empty if
    /// there is none.
    ///
    /// As the standard says, an `id` field counts from the end of its block on, also if the block
    /// has no data.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        self.interpreter.last_event_id()
    }

    /// The reconnection time, if the stream has set one. Counts from the end of its line on.
    #[must_use]
    pub fn reconnection_time(&self) -> Option<Duration> {
        self.interpreter.reconnection_time()
    }

    /// Whether no block is under way: all bytes of the stream so far belong to ended blocks.
    #[must_use]
    pub fn at_boundary(&self) -> bool {
        self.machine.block_size(0) == 0 && self.unread.is_empty()
    }

    /// What was seen of this stream so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counters.stats(self.machine.offset(0))
    }

    /// The first bytes of the stream, at most 64, if it does not start as an event stream does;
    /// else empty.
    ///
    /// For the message that says what came instead. They are remote bytes: bounded, not clean.
    #[must_use]
    pub fn first_bytes(&self) -> &[u8] {
        self.rare.as_deref().map_or(&[], |rare| rare.head.bytes())
    }

    #[cold]
    fn keep_head(&mut self, bytes: &[u8]) {
        if Head::wants(self.first_bytes().len(), self.machine.offset(0), bytes) {
            self.rare.get_or_insert_default().head.keep(bytes);
        }
    }

    /// Whether the stream was an event stream at all, so far or, after its end, altogether.
    ///
    /// Servers answer with status 200 and a JSON error, proxies with an HTML page. Both are event
    /// streams without events by the letter of the standard, so only asking tells.
    ///
    /// ```
    /// use sse_wire::{Decoder, Look};
    ///
    /// let mut decoder = Decoder::new();
    /// let body = br#"{"error":{"message":"Rate limit reached"}}"#;
    /// assert!(decoder.feed(body).next_event()?.is_none());
    /// assert_eq!(decoder.look(), Look::Json);
    /// assert_eq!(decoder.first_bytes(), body);
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    #[must_use]
    pub fn look(&self) -> Look {
        match self.stats() {
            Stats { bytes: 0, .. } => Look::Empty,
            Stats { events: 0, comments: 0, .. } => head::look(self.first_bytes()),
            _ => Look::EventStream,
        }
    }

    /// Processes a part of a line, or one whose value is not known to be text. Whether a comment
    /// ended that is to be given.
    fn part(
        &mut self,
        slots: &mut Slots,
        field: Field,
        chunk: &Chunk<'_>,
        value: Range<usize>,
        part: Part,
        pos: usize,
    ) -> Result<bool, DecodeError> {
        let piece = Piece {
            at: self.machine.offset(value.start),
            fence: self.machine.fence(),
            text: chunk.known(&value).map(|text| text.str),
            bytes: &chunk.bytes()[value],
        };
        let done = if field == Field::Comment && self.gives_comments {
            self.rare.get_or_insert_default().comment.append(piece, part)
        } else {
            self.interpreter.part(slots, field, piece, chunk, part)
        };
        match done {
            Ok(0) => Ok(self.ended(field, part)),
            Ok(inflation) if !self.machine.inflate(inflation, pos) => Ok(self.ended(field, part)),
            Ok(_) => Err(self.refuse(slots, Trouble::TooLarge, field, pos)),
            Err(trouble) => Err(self.refuse(slots, trouble, field, pos)),
        }
    }

    #[cold]
    fn refuse(
        &mut self,
        slots: &mut Slots,
        trouble: Trouble,
        field: Field,
        pos: usize,
    ) -> DecodeError {
        self.counters.refused += 1;
        self.interpreter.clear(slots);
        self.machine.refuse_value(trouble, field, pos)
    }

    /// Counts a line that ended. Whether it is a comment that is to be given.
    #[inline]
    fn ended(&mut self, field: Field, part: Part) -> bool {
        match field {
            Field::Comment if part.ends() => {
                self.counters.comments += 1;
                self.gives_comments
            }
            Field::Unknown if part.ends() => {
                self.counters.unknown_fields += 1;
                false
            }
            _ => false,
        }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("stats", &self.stats())
            .field("last_event_id", &self.last_event_id())
            .field("reconnection_time", &self.reconnection_time())
            .field("pending_bytes", &self.machine.block_size(0))
            .finish_non_exhaustive()
    }
}

impl CommentText {
    fn append(&mut self, piece: Piece<'_>, part: Part) -> Result<u64, Trouble> {
        if part.begins() {
            self.clear();
        }
        text::reserve(&mut self.text, piece.bytes.len(), piece.room());
        self.joiner.append(&mut self.text, piece, part.ends())
    }

    fn clear(&mut self) {
        // Comments are short. A long one shall not hold its memory.
        self.text = String::new();
        self.joiner.reset();
    }
}

/// The events of a chunk, lent one by one. See [`Decoder::feed`].
#[derive(Debug)]
pub struct Events<'d> {
    decoder: &'d mut Decoder,
    reading: Reading<'d>,
}

/// What [`Events::next_item`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item<'a> {
    /// An event was dispatched.
    Event(Event<'a>),
    /// A comment line has ended: its text behind the colon and one space.
    ///
    /// The standard ignores comments. One space is taken off as it is with field values, because
    /// that is how they are written.
    Comment(&'a str),
}

impl Events<'_> {
    /// The next event of the chunk; `None` when it is used up.
    ///
    /// # Errors
    ///
    /// If a block is refused: see [`DecodeError`]. After a fatal error there are no more events.
    #[inline]
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, DecodeError> {
        loop {
            match self.reading.step(self.decoder)? {
                Step::Event => return Ok(Some(self.reading.event(self.decoder))),
                Step::Comment(_) => {}
                Step::Starved => return Ok(None),
            }
        }
    }

    /// The next event or comment of the chunk, in their order; `None` when it is used up.
    ///
    /// Comments come only if the decoder was [told](DecoderBuilder::comments) to give them.
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
        self.reading.next_item(self.decoder)
    }
}

impl Drop for Events<'_> {
    #[inline]
    fn drop(&mut self) {
        self.reading.stop(self.decoder);
    }
}

/// The events of a chunk as owned values. See [`Decoder::feed_bytes`].
///
/// After an error that is not fatal, the iterator goes on with the next block.
#[derive(Debug)]
pub struct EventBufs<'d>(Events<'d>);

impl Iterator for EventBufs<'_> {
    type Item = Result<EventBuf, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Events { decoder, reading } = &mut self.0;
        reading.next_buf(decoder)
    }
}

/// How a stream ended. See [`Decoder::finish`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End<'a> {
    event: Option<Event<'a>>,
    stream: StreamEnd,
}

impl<'a> End<'a> {
    /// See [`StreamEnd::is_clean`].
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.stream.is_clean()
    }

    /// See [`StreamEnd::pending_bytes`].
    #[must_use]
    pub const fn pending_bytes(&self) -> u64 {
        self.stream.pending_bytes
    }

    /// See [`StreamEnd::had_data`].
    #[must_use]
    pub const fn had_data(&self) -> bool {
        self.stream.had_data
    }

    /// The event that was dispatched although no blank line ended it. Only with
    /// [`AtEnd::Dispatch`].
    #[must_use]
    pub const fn event(&self) -> Option<Event<'a>> {
        self.event
    }

    /// The rest, which borrows nothing.
    #[must_use]
    pub const fn without_event(&self) -> StreamEnd {
        self.stream
    }
}

/// How a stream ended. See [`End`], of which this is what can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamEnd {
    pending_bytes: u64,
    had_data: bool,
}

impl StreamEnd {
    /// Within the data of a block of which so many bytes had come.
    #[cfg(any(feature = "std", feature = "stream", feature = "tokio-util"))]
    pub(crate) const fn within_data(pending_bytes: u64) -> Self {
        Self { pending_bytes, had_data: true }
    }

    /// Whether the stream ended at the end of a block: nothing was cut off.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.pending_bytes == 0
    }

    /// How many bytes the last block had, whose blank line never came.
    #[must_use]
    pub const fn pending_bytes(&self) -> u64 {
        self.pending_bytes
    }

    /// Whether that block had data: whether an event was cut off, or just a comment or an ID.
    #[must_use]
    pub const fn had_data(&self) -> bool {
        self.had_data
    }
}

impl Options {
    pub(crate) fn machine(&self) -> Machine {
        Machine::new(self.max_block_size, self.on_error == OnError::SkipBlock)
    }
}
