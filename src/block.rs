//! The block view: every block with its bytes exactly as they came.

mod filter;

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::{fmt, ops::Range, time::Duration};

use bytes::Bytes;

use crate::{
    Field,
    chunk::{Chunk, Source},
    config::{AtEnd, DecoderBuilder, InvalidUtf8},
    error::DecodeError,
    event::{Event, EventBuf},
    feed::{Feed, Unread},
    interpret::{Interpreter, Slots},
    line::{LineEnds, Lines},
    machine::{Machine, Part, Token},
    rewrite::Rewrite,
    scan,
    stats::{Counters, Stats},
    text::{self, Piece},
    value::{EventId, EventType},
};

pub use self::filter::{BlockFilter, Verdict};

/// The buffer keeps at most this many bytes when a block is done.
const KEPT: usize = 32 * 1024;

/// Cuts an event stream into its blocks, and loses no byte.
///
/// For gateways and everyone who must see more than the events: comments, unknown fields, blocks
/// without data, and the very bytes. What the blocks' [`raw`](Block::raw) parts and the
/// [pending](BlockEnd::pending) rest hold, one behind the other, is the stream. (Only a block that
/// was refused with an error is left out.)
///
/// ```
/// use sse_wire::BlockDecoder;
///
/// let stream = b": hello\r\nid: 1\r\ndata: a\r\n\r\nevent: ping\n\n";
/// let mut decoder = BlockDecoder::new();
/// let mut forwarded = Vec::new();
/// let mut blocks = decoder.feed(stream);
/// while let Some(mut block) = blocks.next_block()? {
///     forwarded.extend_from_slice(block.raw());
///     if let Some(event) = block.event() {
///         assert_eq!((event.data(), event.id()), ("a", Some("1")));
///     }
/// }
/// assert_eq!(forwarded, stream);
/// # Ok::<_, sse_wire::DecodeError>(())
/// ```
///
/// A LF that completes the CRLF of a blank line belongs to the block if it arrives with it.
/// Otherwise the block is given at the CR, and the LF stands first in the next block's raw bytes.
#[derive(Clone)]
pub struct BlockDecoder {
    machine: Machine,
    interpreter: Interpreter,
    /// The bytes of the block under way from chunks that are gone.
    raw: Vec<u8>,
    place: Place,
    line_ends: LineEnds,
    id: BlockId,
    rejects_invalid: bool,
    counters: Counters,
    unread: Unread,
    at_end: AtEnd,
    ended: bool,
}

impl Default for BlockDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl BlockDecoder {
    /// A decoder that follows the standard, with a block limit of 16 MiB.
    ///
    /// For other options, use [`Decoder::builder`](crate::Decoder::builder) and
    /// [`build_blocks`](DecoderBuilder::build_blocks).
    #[must_use]
    pub fn new() -> Self {
        DecoderBuilder::new().build_blocks()
    }

    pub(crate) fn with_options(DecoderBuilder { options, last_event_id }: DecoderBuilder) -> Self {
        let rejects_invalid = options.invalid_utf8 == InvalidUtf8::Reject;
        Self {
            machine: options.machine(),
            interpreter: Interpreter::new(rejects_invalid, last_event_id),
            raw: Vec::new(),
            place: Place::default(),
            line_ends: LineEnds::new(),
            id: BlockId::default(),
            rejects_invalid,
            counters: Counters::default(),
            unread: Unread::default(),
            at_end: options.at_end,
            ended: false,
        }
    }

    /// Reads a chunk, whose blocks are then lent one by one.
    ///
    /// Blocks that are not taken come first at the next call. After [`finish`](Self::finish), a
    /// new stream starts.
    #[must_use = "blocks come only out of `next_block`"]
    pub fn feed<'d>(&'d mut self, chunk: &'d [u8]) -> Blocks<'d> {
        self.start(Source::Borrowed(chunk))
    }

    /// Reads a chunk and gives its blocks as owned values.
    ///
    /// A block that lies whole in the chunk shares its memory.
    #[must_use = "blocks come only out of the iterator"]
    pub fn feed_bytes(&mut self, chunk: Bytes) -> BlockBufs<'_> {
        BlockBufs(self.start(Source::Shared(chunk)))
    }

    fn start<'d>(&'d mut self, source: Source<'d>) -> Blocks<'d> {
        if self.ended {
            self.reset_for_reconnect();
        }
        let feed = Feed::new(source, &mut self.unread);
        Blocks { decoder: self, feed, start: 0, lent: false }
    }

    /// The stream has ended: gives what is pending, as it came.
    ///
    /// With [`AtEnd::Dispatch`], it can be read as a block. The next [`feed`](Self::feed) starts a
    /// new stream. Chunks that were not read to their end count as pending and are given up, too:
    /// `feed(&[])` gets at their blocks.
    ///
    /// ```
    /// use sse_wire::BlockDecoder;
    ///
    /// let mut decoder = BlockDecoder::new();
    /// assert!(decoder.feed(b"data: cut of").next_block()?.is_none());
    /// let end = decoder.finish();
    /// assert_eq!((end.pending_bytes(), end.pending()), (12, &b"data: cut of"[..]));
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    pub fn finish(&mut self) -> BlockEnd<'_> {
        if self.ended {
            self.reset_for_reconnect();
        }
        self.ended = true;
        let pending_bytes = self.machine.block_size(0) + self.unread.len();
        let readable = !self.machine.is_skipping() && !self.machine.has_failed();
        let is_block = self.at_end == AtEnd::Dispatch && pending_bytes > 0 && readable;
        BlockEnd { pending_bytes, is_block, decoder: self }
    }

    /// Stands at the start of the next connection's stream, and keeps the last event ID and the
    /// reconnection time. See [`Decoder::reset_for_reconnect`](crate::Decoder::reset_for_reconnect).
    pub fn reset_for_reconnect(&mut self) {
        self.machine.reset();
        self.interpreter.reset();
        self.raw.clear();
        self.place = Place::default();
        self.line_ends.clear();
        self.id = BlockId::default();
        self.counters = Counters::default();
        self.unread.clear();
        self.ended = false;
    }

    /// See [`Decoder::last_event_id`](crate::Decoder::last_event_id).
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        self.interpreter.last_event_id()
    }

    /// See [`Decoder::reconnection_time`](crate::Decoder::reconnection_time).
    #[must_use]
    pub fn reconnection_time(&self) -> Option<Duration> {
        self.interpreter.reconnection_time()
    }

    /// Whether no block is under way. See [`Decoder::at_boundary`](crate::Decoder::at_boundary).
    #[must_use]
    pub fn at_boundary(&self) -> bool {
        self.machine.block_size(0) == 0 && self.unread.is_empty()
    }

    /// What was seen of this stream so far. No events are counted: blocks are not interpreted
    /// before they are asked for one.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counters.stats(self.machine.offset(0))
    }
}

impl fmt::Debug for BlockDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockDecoder")
            .field("stats", &self.stats())
            .field("last_event_id", &self.last_event_id())
            .field("reconnection_time", &self.reconnection_time())
            .field("pending_bytes", &self.machine.block_size(0))
            .finish_non_exhaustive()
    }
}

/// Where a block was cut out of the stream.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Offset in the stream of the first raw byte.
    offset: u64,
}

/// The `id` field of the block under way, of which the bytes are kept anyway: where it is.
#[derive(Clone, Debug, Default)]
struct BlockId {
    /// Offset in the stream of the value under way.
    start: u64,
    /// That value holds a NUL, so it does not count.
    void: bool,
    /// Offsets in the stream of the last value that counts.
    value: Option<Range<u64>>,
}

impl BlockId {
    fn read(&mut self, offset: u64, part_of_value: &[u8], part: Part) {
        if part.begins() {
            self.start = offset;
            self.void = false;
        }
        self.void |= scan::nul(part_of_value).is_some();
        if part.ends() && !self.void {
            self.value = Some(self.start..offset + part_of_value.len() as u64);
        }
    }

    /// The value among the block's raw bytes, which start at this offset.
    fn take<'a>(&mut self, raw: &'a [u8], raw_offset: u64) -> Option<&'a [u8]> {
        let value = core::mem::take(self).value?;
        let index = |offset: u64| usize::try_from(offset - raw_offset).ok();
        raw.get(index(value.start)?..index(value.end)?)
    }
}

/// The blocks of a chunk, lent one by one. See [`BlockDecoder::feed`].
#[derive(Debug)]
pub struct Blocks<'d> {
    decoder: &'d mut BlockDecoder,
    feed: Feed<'d>,
    /// Where the block under way starts in the chunk.
    start: usize,
    /// The buffer holds the block that was lent.
    lent: bool,
}

/// A block that has ended.
struct Found {
    /// Its bytes in the chunk, if it lies there and not in the buffer.
    span: Option<Range<usize>>,
    place: Place,
}

impl Blocks<'_> {
    /// The next block of the chunk; `None` when it is used up.
    ///
    /// # Errors
    ///
    /// If a block is refused: see [`DecodeError`]. After a fatal error there are no more blocks.
    #[inline]
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>, DecodeError> {
        let found = self.step()?;
        Ok(found.map(|found| self.decoder.block(&found, self.feed.chunk.bytes())))
    }

    fn step(&mut self) -> Result<Option<Found>, DecodeError> {
        self.decoder.end_loan(core::mem::take(&mut self.lent));
        self.decoder.line_ends.forget_old();
        loop {
            let Self { decoder, feed, start, .. } = self;
            let mut pos = feed.pos;
            let token = decoder.machine.next(&mut feed.chunk.scan(), &mut pos);
            if matches!(token, Token::EndOfBlock | Token::Resynced) {
                decoder.machine.take_lf(feed.chunk.bytes(), &mut pos);
            }
            feed.pos = pos;
            match token {
                Token::Value(field, span, part) => {
                    let end = span.end;
                    decoder.read(field, feed.chunk.bytes(), span, part);
                    if part.ends() {
                        decoder.note_line_end(field, end);
                    }
                }
                Token::EndOfBlock => return self.found().map(Some),
                Token::Starved => {
                    if !decoder.machine.is_skipping() && !decoder.machine.has_failed() {
                        decoder.keep(&feed.chunk.bytes()[*start..]);
                    }
                    *start = 0;
                    if !feed.advance(&mut decoder.machine, &mut decoder.unread) {
                        return Ok(None);
                    }
                }
                Token::TooLarge(field) => {
                    decoder.counters.refused += 1;
                    decoder.recycle();
                    return Err(decoder.machine.refuse_too_large(field, pos));
                }
                Token::Resynced => {
                    *start = pos;
                    decoder.next_place(pos);
                    decoder.line_ends.clear();
                    decoder.id = BlockId::default();
                }
            }
        }
    }

    /// A block has ended at the position.
    #[inline]
    fn found(&mut self) -> Result<Found, DecodeError> {
        let Self { decoder, feed, start, lent } = self;
        decoder.counters.blocks += 1;
        decoder.line_ends.end_block();
        let span = core::mem::replace(start, feed.pos)..feed.pos;
        let place = decoder.next_place(feed.pos);
        let span = if decoder.raw.is_empty() {
            Some(span)
        } else {
            decoder.keep(&feed.chunk.bytes()[span]);
            *lent = true;
            None
        };
        decoder.track(feed.chunk.bytes(), span.clone(), place)?;
        Ok(Found { span, place })
    }
}

impl Drop for Blocks<'_> {
    fn drop(&mut self) {
        self.decoder.end_loan(self.lent);
        self.feed.give_back(&mut self.decoder.machine, &mut self.decoder.unread);
    }
}

impl BlockDecoder {
    /// Reads a value, or a part of it, as far as it matters before anybody asks for the event.
    #[inline]
    fn read(&mut self, field: Field, chunk: &[u8], span: Range<usize>, part: Part) {
        match field {
            Field::Data | Field::Event => {}
            Field::Retry => self.interpreter.retry(&chunk[span], part),
            Field::Id => self.id.read(self.machine.offset(span.start), &chunk[span], part),
            Field::Comment => self.counters.comments += u64::from(part.ends()),
            Field::Unknown => self.counters.unknown_fields += u64::from(part.ends()),
        }
    }

    /// The place of the block that ended here; the next one starts.
    fn next_place(&mut self, pos: usize) -> Place {
        let next = Place { offset: self.machine.offset(pos) };
        core::mem::replace(&mut self.place, next)
    }

    /// The block that was found, of which the chunk may hold the bytes.
    #[inline]
    fn block<'b>(&'b mut self, found: &Found, chunk: &'b [u8]) -> Block<'b> {
        let Self { raw, line_ends, interpreter, .. } = self;
        let raw = found.span.clone().map_or(&raw[..], |span| &chunk[span]);
        Block { raw, place: found.place, line_ends, interpreter, chunk: None }
    }

    /// A line of the block under way ends at this index of the input.
    #[inline]
    fn note_line_end(&mut self, field: Field, end: usize) {
        let end = self.machine.offset(end) - self.place.offset;
        // Blocks are kept whole, so they are as long as an index can tell.
        self.line_ends.push(field, usize::try_from(end).unwrap_or(usize::MAX));
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.machine.fence().saturating_sub(self.place.offset + self.raw.len() as u64);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let more = text::growth(self.raw.len(), self.raw.capacity(), bytes.len(), room);
        self.raw.reserve_exact(more);
        self.raw.extend_from_slice(bytes);
    }

    /// The block that was lent is done with, and so is what its event was joined in.
    #[inline]
    fn end_loan(&mut self, of_buffer: bool) {
        if of_buffer {
            self.recycle();
        }
        self.interpreter.clear(&mut Slots::default());
        self.interpreter.keep_at_most(KEPT);
    }

    fn recycle(&mut self) {
        if self.raw.capacity() > KEPT {
            self.raw = Vec::new();
        } else {
            self.raw.clear();
        }
    }

    /// Takes from a block that has ended what outlives it, and refuses it if the policy says so.
    #[inline]
    fn track(
        &mut self,
        chunk: &[u8],
        span: Option<Range<usize>>,
        place: Place,
    ) -> Result<(), DecodeError> {
        let raw = span.map_or(&self.raw[..], |span| &chunk[span]);
        if self.rejects_invalid {
            self.id = BlockId::default();
            let mut chunk = Chunk::new(Source::Borrowed(raw));
            return place.interpret(&mut chunk, &mut self.interpreter).map(|_| ()).map_err(
                |error| {
                    self.counters.refused += 1;
                    error.with_fatal(self.machine.refuse_ended_block())
                },
            );
        }
        if self.id.value.is_some() {
            if let Some(id) = self.id.take(raw, place.offset) {
                self.interpreter.set_last_event_id(id);
            }
        }
        Ok(())
    }
}

impl Place {
    /// Runs the standard's steps over the bytes of one block.
    fn interpret<'a>(
        self,
        chunk: &'a mut Chunk<'_>,
        interpreter: &'a mut Interpreter,
    ) -> Result<Option<Event<'a>>, DecodeError> {
        let mut slots = Slots::default();
        interpreter.clear(&mut slots);
        let mut machine = Machine::for_block(self.offset);
        let mut pos = 0;
        loop {
            let (field, span, part) = match machine.next(&mut chunk.scan(), &mut pos) {
                Token::Value(field, span, part) => (field, span, part),
                Token::EndOfBlock => break,
                // Only a block that the end of the stream cut off has no end here.
                Token::Starved | Token::TooLarge(_) | Token::Resynced => {
                    match machine.end_of_stream() {
                        Some((field, part)) => (field, pos..pos, part),
                        None => break,
                    }
                }
            };
            chunk.check(&span);
            match chunk.known(&span) {
                Some(value) if part == Part::Whole => {
                    interpreter.field(&mut slots, field, value, chunk, || chunk.bytes().len());
                }
                _ => {
                    machine.leave_lf(span.end, &mut pos);
                    let (at, fence) = (machine.offset(span.start), machine.fence());
                    let piece = Piece { bytes: &chunk.bytes()[span], text: None, at, fence };
                    interpreter
                        .part(&mut slots, field, piece, chunk, part)
                        .map_err(|trouble| machine.refuse_value(trouble, field, pos))?;
                }
            }
        }
        Ok(interpreter.dispatch(&slots, chunk).then(|| interpreter.event(&slots, chunk)))
    }
}

/// A block of an event stream: its lines and the blank line that ends it, as they came.
pub struct Block<'a> {
    raw: &'a [u8],
    place: Place,
    line_ends: &'a LineEnds,
    interpreter: &'a mut Interpreter,
    /// What the event that was asked for borrows.
    chunk: Option<Chunk<'a>>,
}

impl<'a> Block<'a> {
    /// The bytes exactly as they came, line ends and blank line included.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Where the block starts in the stream, in bytes.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.place.offset
    }

    /// The lines in order: fields, comments and unknown fields, without the blank line.
    #[must_use]
    pub fn lines(&self) -> Lines<'a> {
        Lines::new(self.raw, self.place.offset == 0, self.line_ends)
    }

    /// The event that this block dispatches; `None` if it has no data.
    ///
    /// Costs one more pass over the block. The event borrows the block's bytes; several data lines
    /// are joined in a buffer of the decoder.
    pub fn event(&mut self) -> Option<Event<'_>> {
        // A block with invalid UTF-8 that is to be rejected was refused before it came here.
        let chunk = self.chunk.insert(Chunk::new(Source::Borrowed(self.raw)));
        self.place.interpret(chunk, self.interpreter).ok().flatten()
    }

    /// The block with other fields. See [`Rewrite`].
    pub fn rewrite(&self) -> Rewrite<'a> {
        Rewrite::new(self.raw, None, self.place.offset == 0, self.line_ends)
    }

    /// With this data. See [`Rewrite::with_data`].
    pub fn with_data<'b>(&self, data: &'b str) -> Rewrite<'b>
    where
        'a: 'b,
    {
        self.rewrite().with_data(data)
    }

    /// With this event type. See [`Rewrite::with_event_type`].
    pub fn with_event_type<'b>(&self, event_type: EventType<'b>) -> Rewrite<'b>
    where
        'a: 'b,
    {
        self.rewrite().with_event_type(event_type)
    }

    /// With this ID. See [`Rewrite::with_id`].
    pub fn with_id<'b>(&self, id: EventId<'b>) -> Rewrite<'b>
    where
        'a: 'b,
    {
        self.rewrite().with_id(id)
    }

    /// With this reconnection time. See [`Rewrite::with_retry`].
    pub fn with_retry(&self, time: Duration) -> Rewrite<'a> {
        self.rewrite().with_retry(time)
    }

    /// With a comment behind its lines. See [`Rewrite::with_comment`].
    pub fn with_comment<'b>(&self, text: &'b str) -> Rewrite<'b>
    where
        'a: 'b,
    {
        self.rewrite().with_comment(text)
    }

    /// Without any line of this field. See [`Rewrite::without`].
    pub fn without(&self, field: Field) -> Rewrite<'a> {
        self.rewrite().without(field)
    }

    /// An owned copy.
    #[must_use]
    pub fn to_buf(&self) -> BlockBuf {
        BlockBuf {
            raw: Bytes::copy_from_slice(self.raw),
            place: self.place,
            last_event_id: self.interpreter.last_event_id().to_owned(),
        }
    }
}

impl fmt::Debug for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lines()).finish()
    }
}

/// The blocks of a chunk as owned values. See [`BlockDecoder::feed_bytes`].
///
/// After an error that is not fatal, the iterator goes on with the next block.
#[derive(Debug)]
pub struct BlockBufs<'d>(Blocks<'d>);

impl Iterator for BlockBufs<'_> {
    type Item = Result<BlockBuf, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let blocks = &mut self.0;
        let found = blocks.step().transpose()?;
        Some(found.map(|Found { span, place }| {
            let raw = match span {
                Some(span) => blocks.feed.chunk.slice(span),
                None => Bytes::from(core::mem::take(&mut blocks.decoder.raw)),
            };
            BlockBuf { raw, place, last_event_id: blocks.decoder.last_event_id().to_owned() }
        }))
    }
}

/// A block that owns its bytes: `'static` and `Send`; its clones share them.
#[derive(Clone)]
pub struct BlockBuf {
    raw: Bytes,
    place: Place,
    last_event_id: String,
}

impl BlockBuf {
    /// See [`Block::raw`].
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// See [`Block::offset`].
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.place.offset
    }

    /// See [`Block::lines`].
    #[must_use]
    pub fn lines(&self) -> Lines<'_> {
        Lines::new(&self.raw, self.place.offset == 0, LineEnds::NONE)
    }

    /// The block with other fields. See [`Rewrite`].
    pub fn rewrite(&self) -> Rewrite<'_> {
        Rewrite::new(&self.raw, Some(&self.raw), self.place.offset == 0, LineEnds::NONE)
    }

    /// With this data. See [`Rewrite::with_data`].
    pub fn with_data<'b>(&'b self, data: &'b str) -> Rewrite<'b> {
        self.rewrite().with_data(data)
    }

    /// With this event type. See [`Rewrite::with_event_type`].
    pub fn with_event_type<'b>(&'b self, event_type: EventType<'b>) -> Rewrite<'b> {
        self.rewrite().with_event_type(event_type)
    }

    /// With this ID. See [`Rewrite::with_id`].
    pub fn with_id<'b>(&'b self, id: EventId<'b>) -> Rewrite<'b> {
        self.rewrite().with_id(id)
    }

    /// With this reconnection time. See [`Rewrite::with_retry`].
    pub fn with_retry(&self, time: Duration) -> Rewrite<'_> {
        self.rewrite().with_retry(time)
    }

    /// With a comment behind its lines. See [`Rewrite::with_comment`].
    pub fn with_comment<'b>(&'b self, text: &'b str) -> Rewrite<'b> {
        self.rewrite().with_comment(text)
    }

    /// Without any line of this field. See [`Rewrite::without`].
    pub fn without(&self, field: Field) -> Rewrite<'_> {
        self.rewrite().without(field)
    }

    /// See [`Block::event`].
    #[must_use]
    pub fn event(&self) -> Option<EventBuf> {
        let mut interpreter = Interpreter::new(false, self.last_event_id.clone());
        let mut chunk = Chunk::new(Source::Borrowed(&self.raw));
        self.place.interpret(&mut chunk, &mut interpreter).ok().flatten().map(EventBuf::from)
    }
}

impl fmt::Debug for BlockBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lines()).finish()
    }
}

/// How a stream of blocks ended. See [`BlockDecoder::finish`].
#[derive(Debug)]
pub struct BlockEnd<'a> {
    decoder: &'a mut BlockDecoder,
    pending_bytes: u64,
    is_block: bool,
}

impl BlockEnd<'_> {
    /// Whether the stream ended at the end of a block: nothing was cut off.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.pending_bytes == 0
    }

    /// How many bytes the last block had, whose blank line never came.
    #[must_use]
    pub fn pending_bytes(&self) -> u64 {
        self.pending_bytes
    }

    /// These bytes, as they came; empty if the block was refused.
    ///
    /// Not part of [`pending_bytes`](Self::pending_bytes), but here is a LF that came late for the
    /// CRLF of the last blank line.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        &self.decoder.raw
    }

    /// The pending bytes as a block, as if it had ended. Only with [`AtEnd::Dispatch`].
    pub fn block(&mut self) -> Option<Block<'_>> {
        let BlockDecoder { raw, interpreter, place, line_ends, .. } = &mut *self.decoder;
        line_ends.forget_old();
        self.is_block.then_some(Block { raw, place: *place, line_ends, interpreter, chunk: None })
    }
}
