//! A stream of chunks that passes through a [`BlockFilter`], and what a gateway says at its end.

use alloc::vec::Vec;
use core::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{error::StreamError, outgoing::Outgoing, work::Work};
use crate::{
    block::{Block, BlockDecoder, BlockEnd},
    encoder::Encoder,
    error::DecodeError,
    gateway::{BlockFilter, Verdict},
};

pin_project! {
    /// Passes a stream of chunks on block by block, and asks a function about each block.
    ///
    /// The function and what becomes of the blocks are those of a [`BlockFilter`]. What leaves are
    /// whole blocks: a block that is not complete waits for the next chunk, and is never sent if none
    /// comes.
    ///
    /// ```
    /// use futures_util::{StreamExt, stream};
    /// use sse_wire::{ByteStreamExt, Verdict};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let chunks = stream::iter([Ok::<_, &str>("data: a\n\n: b\n\nda"), Ok("ta: c\n\ndata: cut")]);
    /// let passed: Vec<_> = chunks
    ///     .filter_blocks(|block, _| match block {
    ///         Ok(block) if block.raw().starts_with(b":") => Verdict::Drop,
    ///         _ => Verdict::Keep,
    ///     })
    ///     .map(Result::unwrap)
    ///     .collect()
    ///     .await;
    /// assert_eq!(passed.concat(), b"data: a\n\ndata: c\n\n");
    /// # }).unwrap();
    /// ```
    ///
    /// # The end
    ///
    /// An error of the chunks is passed on as [`StreamError::Transport`], and a fatal error of the
    /// decoder as [`StreamError::Decode`], after all that passed before it. Then the stream is over.
    /// To say something to the receiver at the end, or in place of an error, use
    /// [`with_last_words`](Self::with_last_words).
    ///
    /// # Bodies
    ///
    /// It is a stream of chunks and, with the feature `http-body`, a body. For the blocks of a body,
    /// filter its [`BodyChunks`](crate::BodyChunks). The length of the filtered body is another one,
    /// so a `content-length` header must not be passed on.
    #[must_use = "streams do nothing until they are polled"]
    pub struct FilterBlocks<S, F> {
        #[pin]
        chunks: S,
        filter: BlockFilter<F>,
        passed: Outgoing,
        is_over: bool,
    }
}

impl<S, F> FilterBlocks<S, F>
where
    F: FnMut(Result<&mut Block<'_>, DecodeError>, &mut Encoder<&mut Vec<u8>>) -> Verdict,
{
    /// Passes chunks through a filter, which may have a decoder with other options.
    ///
    /// [`ByteStreamExt::filter_blocks`](crate::ByteStreamExt::filter_blocks) takes just a function.
    pub fn new(chunks: S, filter: BlockFilter<F>) -> Self {
        Self { chunks, filter, passed: Outgoing::default(), is_over: false }
    }
}

impl<S, F> FilterBlocks<S, F> {
    /// Returns the decoder, for its last event ID, its reconnection time and its statistics.
    ///
    /// See [`BlockDecoder::stats`].
    pub fn decoder(&self) -> &BlockDecoder {
        self.filter.decoder()
    }
}

impl<S, B, E, F> FilterBlocks<S, F>
where
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
    F: FnMut(Result<&mut Block<'_>, DecodeError>, &mut Encoder<&mut Vec<u8>>) -> Verdict,
{
    /// Calls a function at the end, which may send something more.
    ///
    /// The function gets the end of the stream, with the block that was cut off, or the error that
    /// ended it. What it writes to the encoder comes after the last whole block. An error that it
    /// returns comes after that; with `Ok`, the stream ends without an error.
    ///
    /// ```
    /// use futures_util::{StreamExt, stream};
    /// use sse_wire::{ByteStreamExt, Event, EventType, Verdict};
    ///
    /// const ERROR: EventType<'_> = EventType::from_static("error");
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let chunks = stream::iter([Ok("data: a\n\ndata: c"), Err("reset")]);
    /// let passed: Vec<_> = chunks
    ///     .filter_blocks(|_, _| Verdict::Keep)
    ///     .with_last_words(|end, encoder| {
    ///         if !end.is_ok_and(|end| end.is_clean()) {
    ///             encoder.event(Event::new("the upstream was cut off").with_event_type(ERROR));
    ///         }
    ///         Ok(())
    ///     })
    ///     .map(Result::unwrap)
    ///     .collect()
    ///     .await;
    /// assert_eq!(passed.concat(), b"data: a\n\nevent: error\ndata: the upstream was cut off\n\n");
    /// # }).unwrap();
    /// ```
    ///
    /// Servers cut the connection if a body ends with an error, and may discard what was just sent. An
    /// event as the last words of a stream that ends without one does arrive.
    pub fn with_last_words<L>(self, last_words: L) -> WithLastWords<S, F, L, E>
    where
        L: FnOnce(Result<BlockEnd<'_>, StreamError<E>>, &mut Encoder) -> Result<(), StreamError<E>>,
    {
        WithLastWords { blocks: self, last_words: Some(last_words), error: None }
    }
}

impl<S, B, E, F> Stream for FilterBlocks<S, F>
where
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
    F: FnMut(Result<&mut Block<'_>, DecodeError>, &mut Encoder<&mut Vec<u8>>) -> Verdict,
{
    type Item = Result<Bytes, StreamError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let mut work = Work::default();
        loop {
            if let Some(part) = this.passed.next() {
                return Poll::Ready(Some(Ok(part)));
            }
            if *this.is_over {
                return Poll::Ready(None);
            }
            if this.filter.decoder().has_failed() {
                *this.is_over = true;
                let error = this.filter.failure().map(StreamError::Decode);
                return Poll::Ready(error.map(Err));
            }
            if work.gives_way(cx) {
                return Poll::Pending;
            }
            // The decoder came with unread blocks, or the function has panicked.
            if this.filter.decoder().state.has_unread() {
                this.filter.pass(&Bytes::new(), this.passed.parts());
                continue;
            }
            match ready!(this.chunks.as_mut().poll_next(cx)) {
                Some(Ok(chunk)) => {
                    let chunk = chunk.into();
                    work.add_chunk(chunk.len());
                    this.filter.pass(&chunk, this.passed.parts());
                }
                Some(Err(error)) => {
                    *this.is_over = true;
                    return Poll::Ready(Some(Err(StreamError::Transport(error))));
                }
                None => {
                    *this.is_over = true;
                    if this.filter.decoder().at_boundary() {
                        // At most a LF that came late for the CRLF of the last blank line.
                        let rest = Bytes::copy_from_slice(this.filter.finish().pending());
                        this.passed.parts().extend((!rest.is_empty()).then_some(rest));
                    }
                }
            }
        }
    }
}

impl<S, F> fmt::Debug for FilterBlocks<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterBlocks")
            .field("decoder", self.decoder())
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// Filtered blocks, and what is said after the last one. See [`FilterBlocks::with_last_words`].
    #[must_use = "streams do nothing until they are polled"]
    pub struct WithLastWords<S, F, L, E> {
        #[pin]
        blocks: FilterBlocks<S, F>,
        // `None` when they were said.
        last_words: Option<L>,
        // Comes after them.
        error: Option<StreamError<E>>,
    }
}

impl<S, F, L, E> WithLastWords<S, F, L, E> {
    /// Returns the decoder, for its last event ID, its reconnection time and its statistics.
    ///
    /// See [`BlockDecoder::stats`].
    pub fn decoder(&self) -> &BlockDecoder {
        self.blocks.decoder()
    }
}

impl<S, B, E, F, L> Stream for WithLastWords<S, F, L, E>
where
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
    F: FnMut(Result<&mut Block<'_>, DecodeError>, &mut Encoder<&mut Vec<u8>>) -> Verdict,
    L: FnOnce(Result<BlockEnd<'_>, StreamError<E>>, &mut Encoder) -> Result<(), StreamError<E>>,
{
    type Item = Result<Bytes, StreamError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if this.last_words.is_some() {
            let end = match ready!(this.blocks.as_mut().poll_next(cx)) {
                Some(Ok(part)) => return Poll::Ready(Some(Ok(part))),
                Some(Err(error)) => Err(error),
                None => Ok(this.blocks.project().filter.finish()),
            };
            let mut encoder = Encoder::new();
            if let Some(last_words) = this.last_words.take() {
                *this.error = last_words(end, &mut encoder).err();
            }
            if !encoder.as_bytes().is_empty() {
                return Poll::Ready(Some(Ok(encoder.take().into_bytes())));
            }
        }
        Poll::Ready(this.error.take().map(Err))
    }
}

impl<S, F, L, E> fmt::Debug for WithLastWords<S, F, L, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithLastWords")
            .field("decoder", self.decoder())
            .field("is_over", &self.last_words.is_none())
            .finish_non_exhaustive()
    }
}
