//! The block view: every block with its bytes exactly as they came.

mod lines;

use alloc::{boxed::Box, vec::Vec};
use core::{fmt, iter::FusedIterator, mem};

use bytes::Bytes;

pub(crate) use self::lines::prefix_len;
pub use self::lines::{Line, Lines};
use crate::{
    accessors::{accessors, common_traits},
    chunk::{Chunk, SharedStr, Source},
    error::{DecodeError, DecodeErrorKind},
    event::{Event, EventBuf},
    fields::{Data, Fields, ForBlocks, Span, Values},
    last_event_id::LastEventId,
    options::{AtEnd, InvalidUtf8, Options},
    splitter::{Cursor, Found, Place, Splitter},
    texts::{Repaired, Texts},
    unread::Unread,
    wire::{self, ShortenedBytes, field::Field, utf8},
};

/// Blocks of more bytes are not copied out of the buffer: the buffer itself is handed over.
const COPIED: usize = 16 << 10;

/// Cuts an event stream into its blocks, and loses no byte.
///
/// For gateways and everyone who must see more than the events: comments, unknown fields, blocks
/// without data, and the very bytes. The blocks' [`raw`](Block::raw) bytes and the
/// [pending](BlockEnd::pending) rest, one after the other, are the stream. (Only a block that was
/// refused with an error is left out.)
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
///     if let Some(event) = block.event()? {
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
    splitter: Splitter,
    fields: Fields,
    last_event_id: LastEventId,
    options: Options,
    unread: Unread,
    /// Hardly any decoder needs it.
    repaired: Option<Box<Repaired>>,
    /// A block was refused for good.
    failed: bool,
    /// The stream has ended, so the next chunk starts another one.
    ended: bool,
}

impl BlockDecoder {
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
            unread: Unread::Nothing,
            repaired: None,
            failed: false,
            ended: false,
        }
    }

    /// Reads a chunk and lends its blocks one by one.
    ///
    /// If the result is dropped early, the blocks that were not taken come first at the next call,
    /// as with [`Decoder::feed`](crate::Decoder::feed). After [`finish`](Self::finish), a new stream
    /// starts.
    #[must_use = "blocks come only out of `next_block`"]
    pub fn feed<'d>(&'d mut self, chunk: &'d [u8]) -> Blocks<'d> {
        self.read(Source::Lent(chunk))
    }

    /// Reads a chunk and gives its blocks as owned values.
    ///
    /// A block that lies whole in the chunk shares its memory.
    #[must_use = "blocks come only out of the iterator"]
    pub fn feed_bytes(&mut self, chunk: Bytes) -> BlockBufs<'_> {
        BlockBufs(self.read(Source::Shared(chunk)))
    }

    fn read<'d>(&'d mut self, chunk: Source<'d>) -> Blocks<'d> {
        if self.ended {
            self.reset_for_reconnect();
        }
        let chunk = Chunk::new(self.unread.join(chunk));
        if !self.splitter.holds_lines() {
            // Values are left only if the last reader was leaked.
            self.fields.values = Values::default();
        }
        let cursor = self.splitter.begin();
        Blocks { decoder: self, chunk, cursor }
    }

    /// Ends the stream, and returns what is pending, as it came.
    ///
    /// With [`AtEnd::Dispatch`], it can be read as a block. The next [`feed`](Self::feed) starts a
    /// new stream. Bytes that were left unread are pending, too; `feed(&[])` reads their blocks
    /// first.
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
        if mem::replace(&mut self.ended, true) {
            return BlockEnd { decoder: self, raw: Vec::new(), pending_bytes: 0, block: None };
        }
        let pending_bytes = self.pending_bytes();
        let is_readable = pending_bytes > 0
            && self.unread.is_nothing()
            && !self.failed
            && self.splitter.is_reading();
        let start = self.splitter.offset().saturating_sub(self.splitter.pending());
        let dispatches = is_readable && self.options.at_end == AtEnd::Dispatch;
        if dispatches {
            self.splitter.finish(&mut ForBlocks { fields: &mut self.fields });
        }
        let mut raw = self.splitter.take_buffer();
        let is_accepted = dispatches && self.accept(&raw, start).is_ok();
        if let Unread::Rest(rest) = &self.unread {
            raw.extend_from_slice(rest);
        }
        let block = is_accepted.then_some(start);
        BlockEnd { decoder: self, raw, pending_bytes, block }
    }

    /// Returns to the start of a stream, that of the next connection, and keeps the last event ID
    /// and the reconnection time. See
    /// [`Decoder::reset_for_reconnect`](crate::Decoder::reset_for_reconnect).
    pub fn reset_for_reconnect(&mut self) {
        self.splitter.reset();
        self.fields.reset();
        self.unread = Unread::Nothing;
        self.repaired = None;
        (self.failed, self.ended) = (false, false);
    }

    accessors!();

    fn unread(&self) -> &Unread {
        &self.unread
    }

    /// Takes from a block what outlives it, its ID. Refuses the block if the policy says so.
    #[inline]
    fn accept(&mut self, raw: &[u8], start: u64) -> Result<(), DecodeError> {
        let Self { fields, last_event_id, options, repaired, failed, .. } = self;
        accept(raw, start, fields, last_event_id, *options, repaired).inspect_err(|_| {
            *failed = options.fails_on_error();
        })
    }
}

/// See [`BlockDecoder::accept`]. The block may lie in another part of the decoder.
fn accept(
    raw: &[u8],
    start: u64,
    fields: &mut Fields,
    last_event_id: &mut LastEventId,
    options: Options,
    repaired: &mut Option<Box<Repaired>>,
) -> Result<(), DecodeError> {
    let mut values = fields.values;
    if options.invalid_utf8 != InvalidUtf8::Reject {
        // Only the ID matters before somebody asks for the event.
        values.data = Data::None;
    }
    if values.data == Data::None && values.id.is_none() {
        return Ok(());
    }
    let is_first = start == 0;
    match texts(raw, is_first, &values, &mut fields.joined, repaired, options) {
        Ok(texts) => {
            if let Some(id) = texts.id {
                last_event_id.set(id);
            }
            Ok(())
        }
        Err(kind) => {
            fields.counters.uncount_block(&fields.values);
            Err(DecodeError::new(kind, start))
        }
    }
}

/// Returns the texts of a block.
#[inline]
fn texts<'a>(
    raw: &'a [u8],
    is_first: bool,
    values: &Values,
    joined: &'a mut Vec<u8>,
    repaired: &'a mut Option<Box<Repaired>>,
    options: Options,
) -> Result<Texts<'a>, DecodeErrorKind> {
    if values.data == Data::Several {
        join(raw, values, is_first, joined, options.limit());
    }
    if let Some(texts) = Texts::new(values, joined, |span| utf8::check(span.of(raw))) {
        return Ok(texts);
    }
    Texts::repaired(values, raw, joined, repaired.get_or_insert_default(), options)
}

/// Joins the data lines of a block that has several.
fn join(raw: &[u8], values: &Values, is_first: bool, joined: &mut Vec<u8>, limit: usize) {
    joined.clear();
    for (number, line) in
        Lines::new(raw, values, is_first).filter(|line| line.field() == Field::Data).enumerate()
    {
        let value = line.value();
        let growth = wire::growth(joined.len(), joined.capacity(), 1 + value.len(), limit);
        joined.reserve_exact(growth);
        if number > 0 {
            joined.push(wire::LF);
        }
        joined.extend_from_slice(value);
    }
}

common_traits!(BlockDecoder);

/// The blocks of a chunk, lent one by one. See [`BlockDecoder::feed`].
#[derive(Debug)]
pub struct Blocks<'d> {
    decoder: &'d mut BlockDecoder,
    chunk: Chunk<'d>,
    cursor: Cursor,
}

impl Blocks<'_> {
    /// Returns the next block of the chunk; `None` when it is used up.
    ///
    /// # Errors
    ///
    /// If a block is refused: see [`DecodeError`]. After a fatal error there are no more blocks.
    #[inline]
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>, DecodeError> {
        let Some(place) = self.next_place()? else { return Ok(None) };
        Ok(Some(self.block(place)))
    }

    /// Finds the next block.
    #[inline]
    pub(crate) fn next_place(&mut self) -> Result<Option<Place>, DecodeError> {
        let Self { decoder, chunk, cursor } = self;
        let BlockDecoder {
            splitter, fields, last_event_id, options, unread, repaired, failed, ..
        } = &mut **decoder;
        if *failed {
            return Ok(None);
        }
        if let Some(kind) = unread.take_error(options.limit()) {
            *failed = true;
            fields.counters.refused += 1;
            return Err(DecodeError::new(kind, splitter.offset()));
        }
        fields.give_back();
        if let Some(repaired) = repaired {
            repaired.give_back();
        }
        let rejects_invalid = options.invalid_utf8 == InvalidUtf8::Reject;
        if !rejects_invalid && splitter.try_plain::<ForBlocks<'_>>(chunk.bytes(), cursor) {
            if let Some(usual) = cursor.usual(&mut chunk.scan(), options.limit()) {
                let start = splitter.take_usual(cursor, usual.next);
                fields.set_usual(usual.data.start - start..usual.data.end - start);
                return Ok(Some(Place::Chunk(start)));
            }
            if let Some(next) = cursor.comment_block(&mut chunk.scan(), options.limit()) {
                fields.values = Values::default();
                fields.counters.comments += 1;
                fields.counters.blocks_without_event += 1;
                return Ok(Some(Place::Chunk(splitter.take_usual(cursor, next))));
            }
        }
        if !splitter.holds_lines() || splitter.is_lent() {
            fields.values = Values::default();
        }
        let found = loop {
            match splitter.next(&mut chunk.scan(), cursor, &mut ForBlocks { fields }) {
                Found::Skipped | Found::Line(_) => {}
                found => break found,
            }
        };
        match found {
            Found::Block(place) => {
                if fields.values.id.is_some() || rejects_invalid {
                    let raw = raw(splitter, chunk, cursor, place);
                    let start = splitter.block_start();
                    accept(raw, start, fields, last_event_id, *options, repaired)
                        .inspect_err(|_| *failed = options.fails_on_error())?;
                }
                Ok(Some(place))
            }
            Found::TooLarge => {
                *failed = options.fails_on_error();
                Err(fields.refuse_too_large(options.limit(), splitter.block_start()))
            }
            Found::Starved | Found::Skipped | Found::Line(_) => Ok(None),
        }
    }

    /// Returns the block that was found last.
    #[inline]
    pub(crate) fn block(&mut self, place: Place) -> Block<'_> {
        let Self { decoder, chunk, cursor } = self;
        let BlockDecoder { splitter, fields, last_event_id, options, repaired, .. } =
            &mut **decoder;
        let raw = raw(splitter, chunk, cursor, place);
        let Fields { values, joined, .. } = fields;
        let start = splitter.block_start();
        Block { raw, start, values: *values, joined, repaired, last_event_id, options: *options }
    }

    /// Returns where in the chunk the block lies that was found last; `None` if it lies in the
    /// decoder's buffer.
    pub(crate) fn range(&self, place: Place) -> Option<core::ops::Range<usize>> {
        match place {
            Place::Chunk(start) => Some(start..self.cursor.pos),
            Place::Buffer => None,
        }
    }
}

/// Returns the bytes of the block that was found.
#[inline]
fn raw<'a>(
    splitter: &'a Splitter,
    chunk: &'a Chunk<'_>,
    cursor: &Cursor,
    place: Place,
) -> &'a [u8] {
    match place {
        Place::Chunk(start) => &chunk.bytes()[start..cursor.pos],
        Place::Buffer => splitter.buffer(),
    }
}

impl Drop for Blocks<'_> {
    fn drop(&mut self) {
        let Self { decoder, chunk, cursor } = self;
        let BlockDecoder { splitter, fields, options, unread, repaired, failed, .. } =
            &mut **decoder;
        fields.give_back();
        if let Some(repaired) = repaired {
            repaired.give_back();
        }
        if *failed {
            return splitter.ignore(chunk.bytes(), cursor);
        }
        splitter.stop(&chunk.scan(), cursor, &mut ForBlocks { fields });
        let (pos, len) = (cursor.pos, chunk.len());
        unread.keep(len - pos, options.limit(), || chunk.keep_rest(pos));
    }
}

/// A block of an event stream: its lines and the blank line that ends it, as they came.
pub struct Block<'a> {
    raw: &'a [u8],
    /// Where the block starts in the stream.
    start: u64,
    values: Values,
    joined: &'a mut Vec<u8>,
    repaired: &'a mut Option<Box<Repaired>>,
    last_event_id: &'a LastEventId,
    options: Options,
}

impl<'a> Block<'a> {
    /// Returns the bytes exactly as they came, line ends and blank line included.
    #[inline]
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Returns where the raw bytes start in the stream.
    #[must_use]
    pub fn offset(&self) -> u64 {
        offset(self.raw, self.start)
    }

    /// Returns the lines in order: fields, comments and unknown fields, without the blank line.
    #[inline]
    #[must_use]
    pub fn lines(&self) -> Lines<'a> {
        Lines::new(self.raw, &self.values, self.start == 0)
    }

    /// Returns `true` if the block starts its stream, perhaps with a byte order mark.
    pub(crate) fn is_first(&self) -> bool {
        self.start == 0
    }

    /// Returns the event that this block dispatches; `None` if it has no data.
    ///
    /// The event borrows the block's bytes. Several data lines are joined in a buffer of the
    /// decoder.
    ///
    /// # Errors
    ///
    /// If the text of the event exceeds the block limit with U+FFFD in the place of invalid bytes.
    /// The block itself is as good as any other, so the decoder goes on.
    pub fn event(&mut self) -> Result<Option<Event<'_>>, DecodeError> {
        let Self { raw, start, values, joined, repaired, last_event_id, options } = self;
        texts(raw, *start == 0, values, joined, repaired, *options)
            .map(|texts| texts.event(values.retry, last_event_id))
            .map_err(|kind| DecodeError::new(kind, *start))
    }

    /// Returns an owned copy.
    #[must_use]
    pub fn to_buf(&self) -> BlockBuf {
        BlockBuf {
            raw: Bytes::copy_from_slice(self.raw),
            start: self.start,
            values: self.values,
            last_event_id: self.last_event_id.clone(),
            options: self.options,
        }
    }
}

/// Returns the offset of the raw bytes: that of the block, or of the late LF before it.
fn offset(raw: &[u8], start: u64) -> u64 {
    if start == 0 { 0 } else { start - prefix_len(raw, false) as u64 }
}

impl fmt::Debug for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ShortenedBytes(self.raw).fmt(f)
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
        let Self(blocks) = self;
        let place = match blocks.next_place().transpose()? {
            Ok(place) => place,
            Err(error) => return Some(Err(error)),
        };
        let range = blocks.range(place);
        let Blocks { decoder, chunk, .. } = blocks;
        let raw = match range {
            Some(range) => chunk.keep(range),
            None if decoder.splitter.buffer().len() > COPIED => {
                decoder.splitter.take_buffer().into()
            }
            None => Bytes::copy_from_slice(decoder.splitter.buffer()),
        };
        Some(Ok(BlockBuf {
            raw,
            start: decoder.splitter.block_start(),
            values: decoder.fields.values,
            last_event_id: decoder.last_event_id.clone(),
            options: decoder.options,
        }))
    }
}

/// A chunk that is used up stays so.
impl FusedIterator for BlockBufs<'_> {}

/// A block that owns its bytes: `'static` and `Send`. Its clones share them.
#[derive(Clone)]
pub struct BlockBuf {
    raw: Bytes,
    start: u64,
    values: Values,
    last_event_id: LastEventId,
    options: Options,
}

impl BlockBuf {
    /// Returns the bytes exactly as they came. See [`Block::raw`].
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// Returns where the raw bytes start in the stream.
    #[must_use]
    pub fn offset(&self) -> u64 {
        offset(&self.raw, self.start)
    }

    /// Returns the lines in order. See [`Block::lines`].
    #[must_use]
    pub fn lines(&self) -> Lines<'_> {
        Lines::new(&self.raw, &self.values, self.start == 0)
    }

    /// Returns `true` if the block starts its stream, perhaps with a byte order mark.
    pub(crate) fn is_first(&self) -> bool {
        self.start == 0
    }

    /// Returns the event that this block dispatches; `None` if it has no data. The event shares the
    /// block's memory, where the block is text with one data line.
    ///
    /// # Errors
    ///
    /// As of [`Block::event`].
    pub fn event(&self) -> Result<Option<EventBuf>, DecodeError> {
        let Self { raw, start, values, last_event_id, options } = self;
        if let (Data::One(data), Ok(text)) = (values.data, SharedStr::new(raw.clone())) {
            let (event_type, id) = (values.event_type, values.id);
            let event_type = event_type.map(Span::range);
            let id = id.map(Span::range);
            let event = EventBuf::new(text, data.range(), event_type, id, values.retry);
            return Ok(Some(event.with_last_event_id(last_event_id)));
        }
        let (mut joined, mut repaired) = (Vec::new(), None);
        let texts = texts(raw, *start == 0, values, &mut joined, &mut repaired, *options)
            .map_err(|kind| DecodeError::new(kind, *start))?;
        let event = texts.event(values.retry, last_event_id);
        Ok(event.map(|event| EventBuf::copy(event).with_last_event_id(last_event_id)))
    }

    /// Copies the bytes out of the chunk that they came in, so that the block no longer keeps that
    /// alive.
    #[must_use]
    pub fn detach(self) -> Self {
        Self { raw: Bytes::copy_from_slice(&self.raw), ..self }
    }
}

impl fmt::Debug for BlockBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ShortenedBytes(&self.raw).fmt(f)
    }
}

/// How a stream of blocks ended. See [`BlockDecoder::finish`].
pub struct BlockEnd<'a> {
    decoder: &'a mut BlockDecoder,
    raw: Vec<u8>,
    pending_bytes: u64,
    /// Where the pending block starts in the stream, if it is to be read as one.
    block: Option<u64>,
}

impl BlockEnd<'_> {
    /// Returns `true` if the stream ended between two blocks: nothing was cut off.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.pending_bytes == 0
    }

    /// Returns the length of the unterminated block, in bytes, with what the caller left unread.
    #[must_use]
    pub fn pending_bytes(&self) -> u64 {
        self.pending_bytes
    }

    /// Returns these bytes, as they came; nothing if the block was refused.
    ///
    /// They may start with a LF that came late for the CRLF of the last blank line, and that is not
    /// counted in [`pending_bytes`](Self::pending_bytes).
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        &self.raw
    }

    /// Returns the pending bytes as a block, as if it had ended. Only with [`AtEnd::Dispatch`], and
    /// if no part of it was left unread.
    pub fn block(&mut self) -> Option<Block<'_>> {
        let start = self.block?;
        let BlockDecoder { fields, last_event_id, options, repaired, .. } = &mut *self.decoder;
        let Fields { values, joined, .. } = fields;
        let raw = &self.raw;
        Some(Block {
            raw,
            start,
            values: *values,
            joined,
            repaired,
            last_event_id,
            options: *options,
        })
    }
}

impl fmt::Debug for BlockEnd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockEnd")
            .field("pending_bytes", &self.pending_bytes)
            .field("pending", &ShortenedBytes(&self.raw))
            .finish_non_exhaustive()
    }
}
