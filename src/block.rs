//! The block view: every block with its bytes exactly as they came.

mod lines;

use alloc::{boxed::Box, vec::Vec};
use core::{fmt, iter::FusedIterator, ops::Range};

use bytes::Bytes;

pub(crate) use self::lines::prefix_len;
pub use self::lines::{Line, Lines};
use crate::{
    accessors::{accessors, common_traits},
    chunk::{Buffer, Chunk, Part, SharedStr, Source},
    error::{DecodeError, DecodeErrorKind},
    event::{Event, EventBuf},
    fields::{Fields, Span, Values},
    find::find,
    last_event_id::LastEventId,
    options::{AtEnd, InvalidUtf8, Options},
    state::{Found, Rare, Reading, State},
    texts::Each,
    wire::{self, ShortenedBytes, field::Field},
};

/// Splits an event stream into its blocks, and loses no byte.
///
/// For gateways, and for all who need more than the events: comments, unknown fields, blocks
/// without data, or the exact bytes. The [`raw`](Block::raw) bytes of all blocks, followed by the
/// [pending](BlockEnd::pending) rest, are the stream. Only a block that was refused with an error
/// is missing.
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
/// A LF that completes the CRLF of a blank line belongs to the block if it arrives together with
/// the CR. Otherwise the block is returned at the CR, and the next block's raw bytes start with the
/// LF.
#[derive(Clone)]
pub struct BlockDecoder {
    pub(crate) state: State,
}

impl BlockDecoder {
    /// Creates a decoder that follows the standard, with a block limit of 16 MiB.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(Options::STANDARD, LastEventId::NONE)
    }

    pub(crate) fn with_options(options: Options, last_event_id: LastEventId) -> Self {
        Self { state: State::new(options, last_event_id) }
    }

    /// Reads a chunk and lends its blocks one by one.
    ///
    /// If the result is dropped early, the remaining blocks come first at the next call, as with
    /// [`Decoder::feed`](crate::Decoder::feed). After [`finish`](Self::finish), a new stream
    /// starts.
    #[must_use = "blocks come only out of `next_block`"]
    pub fn feed<'d>(&'d mut self, chunk: &'d [u8]) -> Blocks<'d> {
        Blocks::new(&mut self.state, Source::Lent(chunk))
    }

    /// Reads a chunk and returns its blocks as owned values.
    ///
    /// A block that is complete in the chunk shares its memory.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use sse_wire::BlockDecoder;
    ///
    /// let mut decoder = BlockDecoder::new();
    /// let chunk = Bytes::from_static(b": hi\n\ndata: a\n\n");
    /// let blocks: Vec<_> = decoder.feed_bytes(chunk).collect::<Result<_, _>>()?;
    /// assert_eq!(blocks[0].raw(), ": hi\n\n");
    /// assert_eq!(blocks[1].offset(), 6);
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    #[must_use = "blocks come only out of the iterator"]
    pub fn feed_bytes(&mut self, chunk: Bytes) -> BlockBufs<'_> {
        BlockBufs(Blocks::new(&mut self.state, Source::Shared(chunk)))
    }

    /// Ends the stream, and returns what is pending, as it came.
    ///
    /// With [`AtEnd::Dispatch`], it can be read as a block. The next [`feed`](Self::feed) starts a
    /// new stream. Bytes that were left unread are pending, too. To read their blocks, call
    /// `feed(&[])` first.
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
        self.end(self.state.options.at_end)
    }

    /// Ends the stream like [`finish`](Self::finish), after the transport failed: what is pending
    /// is never a block.
    #[cfg(feature = "stream")]
    pub(crate) fn cut_off(&mut self) -> BlockEnd<'_> {
        self.end(AtEnd::Discard)
    }

    fn end(&mut self, at_end: AtEnd) -> BlockEnd<'_> {
        let Self { state } = self;
        if !state.end() {
            return BlockEnd { state, raw: Vec::new(), pending_bytes: 0, block: None, error: None };
        }
        let pending_bytes = state.pending_bytes();
        let start = state.block_start;
        let mut error = state.take_unread_error();
        let mut is_accepted = false;
        if at_end == AtEnd::Dispatch && state.is_cut_block_whole() {
            match state.finish::<true>() {
                Found::Failed => error = Some(state.take_error()),
                _ => is_accepted = true,
            }
        }
        let mut raw = state.held.take();
        raw.extend_from_slice(state.unread().rest());
        let block = is_accepted.then_some(start);
        BlockEnd { state, raw, pending_bytes, block, error }
    }

    accessors!();
}

common_traits!(BlockDecoder);

/// Returns the texts of a block, given its bytes.
///
/// # Errors
///
/// See [`Repaired::set`](crate::texts::Repaired::set).
#[inline]
fn texts<'a>(
    raw: &'a [u8],
    is_first: bool,
    values: &Values,
    joined: &'a mut Buffer,
    rare: &'a mut Option<Box<Rare>>,
    options: Options,
) -> Result<Each<&'a str>, DecodeErrorKind> {
    let of_raw = |value: Span| value.of(raw);
    let mut bytes = Each {
        data: values.data.map(of_raw),
        event_type: values.event_type.map(of_raw),
        id: values.id.map(of_raw),
    };
    if values.has_more_data && values.data.is_some() {
        join(raw, values, is_first, joined, options.limit());
        bytes.data = Some(joined);
    }
    match bytes.check() {
        Some(texts) => Ok(texts),
        None => rare.get_or_insert_default().repaired.set(bytes, options),
    }
}

/// Joins the data lines of a block with several.
fn join(raw: &[u8], values: &Values, is_first: bool, joined: &mut Buffer, limit: usize) {
    let lines = Lines::new(raw, values, is_first).filter(|line| line.field() == Field::Data);
    joined.truncate(0);
    for (number, line) in lines.enumerate() {
        if number == 0 {
            joined.append(Part::new(line.value()), limit);
        } else {
            joined.append_line(Part::new(line.value()), limit);
        }
    }
}

/// The blocks of one chunk, lent one by one. See [`BlockDecoder::feed`].
#[derive(Debug)]
pub struct Blocks<'d> {
    state: &'d mut State,
    reading: Reading<'d>,
}

impl<'d> Blocks<'d> {
    fn new(state: &'d mut State, chunk: Source<'d>) -> Self {
        Self { reading: Reading::begin(state, chunk), state }
    }

    /// Returns the next block of the chunk; `None` when the chunk is used up.
    ///
    /// For an example, see [`BlockDecoder`].
    ///
    /// # Errors
    ///
    /// If a block is refused: see [`DecodeError`]. After a fatal error there are no more blocks.
    #[inline]
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>, DecodeError> {
        Ok(if self.find()? { Some(self.block()) } else { None })
    }

    /// Finds the next block. Returns `false` when the chunk is used up.
    #[inline]
    pub(crate) fn find(&mut self) -> Result<bool, DecodeError> {
        self.reading.find_block(self.state)
    }

    /// Returns the block that was found.
    #[inline]
    pub(crate) fn block(&mut self) -> Block<'_> {
        let Self { state, reading } = self;
        let State { held, fields, block_start, rare, last_event_id, options, .. } = &mut **state;
        let raw = reading.chunk.block(held);
        let (retry, Fields { values, joined, .. }) = (fields.retry(), fields);
        let (values, start, options) = (*values, *block_start, *options);
        Block { raw, start, values, retry, joined, rare, last_event_id, options }
    }

    /// Returns the position in the chunk of the block that was found; `None` if the block is in the
    /// decoder's buffer.
    pub(crate) fn range(&self) -> Option<Range<usize>> {
        self.reading.chunk.block_range(&self.state.held)
    }
}

impl Drop for Blocks<'_> {
    fn drop(&mut self) {
        self.reading.stop::<true>(self.state);
    }
}

/// The block view of a chunk.
impl Reading<'_> {
    /// Finds the next block. Returns `false` when the chunk is used up.
    #[inline]
    fn find_block(&mut self, state: &mut State) -> Result<bool, DecodeError> {
        if self.is_used_up() {
            return Ok(false);
        }
        match find::<true>(state, self) {
            Found::Failed => Err(state.take_error()),
            found => Ok(found == Found::Block),
        }
    }

    /// Returns the next block, owned; `None` when the chunk is used up.
    pub(crate) fn next_block_buf(
        &mut self,
        state: &mut State,
    ) -> Option<Result<BlockBuf, DecodeError>> {
        match self.find_block(state) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(Err(error)),
        }
        let raw = match self.chunk.block_range(&state.held) {
            Some(range) => self.chunk.keep(range),
            None if state.held.len() > wire::COPIED => state.held.take().into(),
            None => Bytes::copy_from_slice(&state.held),
        };
        Some(Ok(BlockBuf {
            raw,
            start: state.block_start,
            values: state.fields.values,
            retry: state.fields.retry(),
            last_event_id: state.last_event_id.clone(),
            options: state.options,
        }))
    }
}

impl State {
    /// Checks the text of the block that was found as far as the options require it, and sets the
    /// last event ID.
    pub(crate) fn accept_block(&mut self, chunk: &Chunk<'_>) -> Result<(), DecodeErrorKind> {
        let Self { held, fields, last_event_id, options, rare, block_start, .. } = self;
        let raw = chunk.block(held);
        let mut values = fields.values;
        if options.invalid_utf8 != InvalidUtf8::Reject {
            // Until the caller asks for the event, only the ID matters.
            values.data = None;
        }
        let texts = texts(raw, *block_start == 0, &values, &mut fields.joined, rare, *options)?;
        if let Some(id) = texts.id {
            last_event_id.set(id);
        }
        Ok(())
    }
}

/// A block of an event stream as it came: its lines and the blank line that ends it.
///
/// ```
/// use sse_wire::{BlockDecoder, Field};
///
/// let mut decoder = BlockDecoder::new();
/// let mut blocks = decoder.feed(b": hi\n\nid: 1\ncost: 3\ndata: a\n\n");
/// assert!(blocks.next_block()?.is_some_and(|mut ping| matches!(ping.event(), Ok(None))));
///
/// let mut block = blocks.next_block()?.expect("a second block");
/// assert_eq!((block.offset(), block.raw()), (6, &b"id: 1\ncost: 3\ndata: a\n\n"[..]));
/// let fields: Vec<_> = block.lines().map(|line| line.field()).collect();
/// assert_eq!(fields, [Field::Id, Field::Unknown, Field::Data]);
/// assert_eq!(block.event()?.map(|event| event.data()), Some("a"));
/// let _kept = block.to_buf();
/// # Ok::<_, sse_wire::DecodeError>(())
/// ```
pub struct Block<'a> {
    raw: &'a [u8],
    /// The offset of the block in the stream.
    start: u64,
    values: Values,
    retry: Option<u64>,
    joined: &'a mut Buffer,
    rare: &'a mut Option<Box<Rare>>,
    last_event_id: &'a LastEventId,
    options: Options,
}

impl<'a> Block<'a> {
    /// Returns the exact bytes, with line ends and blank line.
    #[inline]
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Returns the offset of the raw bytes in the stream.
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

    /// Returns `true` if this is the first block of the stream, which can have a byte order mark.
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
    /// If the event's text, with U+FFFD in place of invalid bytes, exceeds the block limit. The
    /// block itself stays valid, and the decoder goes on.
    pub fn event(&mut self) -> Result<Option<Event<'_>>, DecodeError> {
        let Self { raw, start, values, retry, joined, rare, last_event_id, options } = self;
        texts(raw, *start == 0, values, joined, rare, *options)
            .map(|texts| texts.event(*retry, last_event_id))
            .map_err(|kind| DecodeError::new(kind, *start))
    }

    /// Returns an owned copy.
    #[must_use]
    pub fn to_buf(&self) -> BlockBuf {
        BlockBuf {
            raw: Bytes::copy_from_slice(self.raw),
            start: self.start,
            values: self.values,
            retry: self.retry,
            last_event_id: self.last_event_id.clone(),
            options: self.options,
        }
    }
}

/// Returns the offset of the raw bytes: that of the block, or of the late LF in front of it.
fn offset(raw: &[u8], start: u64) -> u64 {
    if start == 0 { 0 } else { start - prefix_len(raw, false) as u64 }
}

impl fmt::Debug for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ShortenedBytes(self.raw).fmt(f)
    }
}

/// The blocks of one chunk as owned values. See [`BlockDecoder::feed_bytes`].
///
/// After an error that is not fatal, the iterator goes on with the next block.
#[derive(Debug)]
pub struct BlockBufs<'d>(Blocks<'d>);

impl Iterator for BlockBufs<'_> {
    type Item = Result<BlockBuf, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self(Blocks { state, reading }) = self;
        reading.next_block_buf(state)
    }
}

/// After the end of the chunk, the result is always `None`.
impl FusedIterator for BlockBufs<'_> {}

/// A block that owns its bytes: `'static` and `Send`. Its clones share them.
///
/// ```
/// use bytes::Bytes;
/// use sse_wire::{BlockDecoder, Field};
///
/// let mut decoder = BlockDecoder::new();
/// let chunk = Bytes::from("id: 1\ndata: a\n\n".to_owned());
/// let block = decoder.feed_bytes(chunk).next().expect("a block")?;
/// assert_eq!((block.offset(), block.raw()), (0, &Bytes::from("id: 1\ndata: a\n\n")));
/// assert_eq!(block.lines().next().map(|line| line.field()), Some(Field::Id));
/// assert_eq!(block.event()?.map(|event| event.data().to_owned()).as_deref(), Some("a"));
/// // Copied, so that it does not keep a large chunk alive.
/// let _kept = block.detach();
/// # Ok::<_, sse_wire::DecodeError>(())
/// ```
#[derive(Clone)]
pub struct BlockBuf {
    raw: Bytes,
    start: u64,
    values: Values,
    retry: Option<u64>,
    last_event_id: LastEventId,
    options: Options,
}

impl BlockBuf {
    /// Returns the exact bytes. See [`Block::raw`].
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// Returns the offset of the raw bytes in the stream.
    #[must_use]
    pub fn offset(&self) -> u64 {
        offset(&self.raw, self.start)
    }

    /// Returns the lines in order. See [`Block::lines`].
    #[must_use]
    pub fn lines(&self) -> Lines<'_> {
        Lines::new(&self.raw, &self.values, self.start == 0)
    }

    /// Returns `true` if this is the first block of the stream, which can have a byte order mark.
    pub(crate) fn is_first(&self) -> bool {
        self.start == 0
    }

    /// Returns the event that this block dispatches; `None` if it has no data.
    ///
    /// The event shares the block's memory if the block is UTF-8 and has a single data line.
    ///
    /// # Errors
    ///
    /// See [`Block::event`].
    pub fn event(&self) -> Result<Option<EventBuf>, DecodeError> {
        let Self { raw, start, values, retry, last_event_id, options } = self;
        if let (Some(data), Ok(text)) = (values.only_data(), SharedStr::new(raw.clone())) {
            let (event_type, id) = (values.event_type, values.id);
            let event_type = event_type.map(Span::range);
            let id = id.map(Span::range);
            let data = data.range();
            return Ok(Some(EventBuf::new(text, data, event_type, id, *retry, last_event_id)));
        }
        let (mut joined, mut rare) = (Buffer::EMPTY, None);
        let texts = texts(raw, *start == 0, values, &mut joined, &mut rare, *options)
            .map_err(|kind| DecodeError::new(kind, *start))?;
        let event = texts.event(*retry, last_event_id);
        Ok(event.map(|event| EventBuf::copy(event).with_last_event_id(last_event_id)))
    }

    /// Copies the bytes out of their chunk, so that the block does not keep the chunk alive.
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

/// The end of a stream of blocks. See [`BlockDecoder::finish`].
pub struct BlockEnd<'a> {
    state: &'a mut State,
    raw: Vec<u8>,
    pending_bytes: u64,
    /// The offset of the pending block in the stream, if it can be read as one.
    block: Option<u64>,
    error: Option<DecodeError>,
}

impl BlockEnd<'_> {
    /// Returns `true` if the stream ended between two blocks, so that nothing was cut off.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.pending_bytes == 0
    }

    /// Returns the length of the unterminated block, in bytes, plus the bytes that were left
    /// unread.
    #[must_use]
    pub fn pending_bytes(&self) -> u64 {
        self.pending_bytes
    }

    /// Returns the pending bytes, as they came; nothing if the block was refused.
    ///
    /// They may start with a LF that completes the CRLF of the last blank line.
    /// [`pending_bytes`](Self::pending_bytes) does not count it.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        &self.raw
    }

    /// Returns the error at the end of the stream, if there is one: the pending block is refused
    /// with [`AtEnd::Dispatch`], or [too much](crate::DecodeErrorKind::UnreadTooLarge) was left
    /// unread.
    ///
    /// ```
    /// use sse_wire::{AtEnd, BlockDecoder, DecodeErrorKind, InvalidUtf8};
    ///
    /// let builder = BlockDecoder::builder().at_end(AtEnd::Dispatch);
    /// let mut decoder = builder.invalid_utf8(InvalidUtf8::Reject).build();
    /// assert!(decoder.feed(b"data: \xff").next_block()?.is_none());
    /// let error = decoder.finish().error().expect("an error");
    /// assert!(matches!(error.kind(), DecodeErrorKind::InvalidUtf8 { .. }));
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    #[must_use]
    pub fn error(&self) -> Option<DecodeError> {
        self.error
    }

    /// Returns the pending bytes as a block, as if it were complete. Only with [`AtEnd::Dispatch`],
    /// and if all of its bytes were read.
    ///
    /// ```
    /// use sse_wire::{AtEnd, BlockDecoder};
    ///
    /// let mut decoder = BlockDecoder::builder().at_end(AtEnd::Dispatch).build();
    /// assert!(decoder.feed(b"data: cut").next_block()?.is_none());
    /// let mut end = decoder.finish();
    /// assert_eq!((end.is_clean(), end.pending_bytes()), (false, 9));
    /// let mut block = end.block().expect("a block");
    /// assert_eq!(block.event()?.map(|event| event.data()), Some("cut"));
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    pub fn block(&mut self) -> Option<Block<'_>> {
        let start = self.block?;
        let State { fields, rare, last_event_id, options, .. } = &mut *self.state;
        let (retry, Fields { values, joined, .. }) = (fields.retry(), fields);
        let (raw, values, options) = (&self.raw, *values, *options);
        Some(Block { raw, start, values, retry, joined, rare, last_event_id, options })
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
