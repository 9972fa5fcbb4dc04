//! Blocks out of a stream of chunks.

use core::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::{error::StreamError, work::Work};
use crate::{
    block::{BlockBuf, BlockDecoder},
    chunk::Source,
    state::Reading,
};

pin_project! {
    /// The blocks of a stream of chunks: comments, unknown fields and blocks without data, too.
    ///
    /// ```
    /// use futures_util::{StreamExt, stream};
    /// use sse_wire::{ByteStreamExt, Field};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let chunks = stream::iter([Ok::<_, &str>(": ping\n\nid: 1\ncost: 3\n"), Ok("data: a\n\nda")]);
    /// let mut blocks = chunks.blocks();
    ///
    /// let ping = blocks.next().await.unwrap().unwrap();
    /// assert_eq!(ping.raw(), ": ping\n\n");
    ///
    /// let block = blocks.next().await.unwrap().unwrap();
    /// assert_eq!(block.event().unwrap().unwrap().data(), "a");
    /// let unknown = block.lines().find(|line| line.field() == Field::Unknown).unwrap();
    /// assert_eq!((unknown.name(), unknown.value()), (&b"cost"[..], &b"3"[..]));
    ///
    /// assert!(blocks.next().await.is_none());
    /// assert_eq!(blocks.cut_off(), b"da");
    /// # }).unwrap();
    /// ```
    ///
    /// A block that lies whole in a chunk shares its memory. The blocks' [raw](BlockBuf::raw) bytes,
    /// and at the end what was [cut off](Self::cut_off), are the stream.
    ///
    /// After an error of the transport or a fatal [`DecodeError`](crate::DecodeError) the stream is
    /// over. With [`AtEnd::Dispatch`](crate::AtEnd::Dispatch), the end of the chunks ends the last
    /// block; an error of the transport does not.
    #[must_use = "streams do nothing until they are polled"]
    pub struct BlockStream<S> {
        #[pin]
        chunks: S,
        decoder: BlockDecoder,
        reading: Reading<'static>,
        // What was cut off; `None` while the chunks go on.
        end: Option<Bytes>,
        has_failed: bool,
    }
}

impl<S> BlockStream<S> {
    /// Creates a stream of blocks of at most 16 MiB.
    pub fn new(chunks: S) -> Self {
        Self::with_decoder(chunks, BlockDecoder::new())
    }

    /// Creates a stream with a decoder that has other options. It goes on where the decoder stands, so
    /// after an earlier connection, first call
    /// [`reset_for_reconnect`](crate::BlockDecoder::reset_for_reconnect).
    ///
    /// ```
    /// use futures_util::stream::{self, Empty};
    /// use sse_wire::{BlockDecoder, BlockStream};
    ///
    /// let chunks: Empty<Result<&str, std::io::Error>> = stream::empty();
    /// let decoder = BlockDecoder::builder().max_block_size(64 * 1024).build();
    /// let blocks = BlockStream::with_decoder(chunks, decoder);
    /// assert_eq!((blocks.decoder().stats().blocks, blocks.has_failed()), (0, false));
    /// let _chunks: &Empty<_> = blocks.get_ref();
    /// let _chunks: Empty<_> = blocks.into_inner();
    /// # BlockStream::new(_chunks);
    /// ```
    pub fn with_decoder(chunks: S, mut decoder: BlockDecoder) -> Self {
        // Blocks that were left unread come first, whether or not a chunk follows.
        let mut reading = Reading::NOTHING;
        reading.start(&mut decoder.state, Source::Lent(&[]));
        let has_failed = decoder.has_failed();
        let end = has_failed.then(Bytes::new);
        Self { chunks, decoder, reading, end, has_failed }
    }

    /// Returns the decoder: its last event ID, its reconnection time, what it counted.
    pub fn decoder(&self) -> &BlockDecoder {
        &self.decoder
    }

    /// Returns `true` after an error that ended the stream.
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Returns the bytes of the last block if it was cut off, by the end or by an error; else nothing.
    pub fn cut_off(&self) -> &[u8] {
        self.end.as_deref().unwrap_or_default()
    }

    /// Returns the stream of chunks.
    pub fn get_ref(&self) -> &S {
        &self.chunks
    }

    /// Returns the stream of chunks. What was taken from it and not given yet is lost.
    pub fn into_inner(self) -> S {
        self.chunks
    }
}

impl<S, B, E> Stream for BlockStream<S>
where
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
{
    type Item = Result<BlockBuf, StreamError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let mut work = Work::default();
        loop {
            if this.end.is_some() {
                return Poll::Ready(None);
            }
            match this.reading.next_block_buf(&mut this.decoder.state) {
                Some(Ok(block)) => return Poll::Ready(Some(Ok(block))),
                Some(Err(error)) => {
                    if this.decoder.has_failed() {
                        *this.has_failed = true;
                        *this.end = Some(Bytes::new());
                    }
                    return Poll::Ready(Some(Err(StreamError::Decode(error))));
                }
                None => {
                    this.reading.stop::<true>(&mut this.decoder.state);
                    this.reading.clear();
                }
            }
            if work.gives_way(cx) {
                return Poll::Pending;
            }
            match ready!(this.chunks.as_mut().poll_next(cx)) {
                Some(Ok(chunk)) => {
                    let chunk = chunk.into();
                    work.add_chunk(chunk.len());
                    this.reading.start(&mut this.decoder.state, Source::Shared(chunk));
                }
                Some(Err(error)) => {
                    *this.has_failed = true;
                    *this.end = Some(Bytes::copy_from_slice(this.decoder.cut_off().pending()));
                    return Poll::Ready(Some(Err(StreamError::Transport(error))));
                }
                None => {
                    let mut end = this.decoder.finish();
                    let last = end.block().map(|block| block.to_buf());
                    let is_whole = last.is_some();
                    let cut_off = if is_whole { &[] } else { end.pending() };
                    *this.end = Some(Bytes::copy_from_slice(cut_off));
                    let last = end.error().map_or(last.map(Ok), |error| Some(Err(error)));
                    *this.has_failed = this.decoder.has_failed();
                    return Poll::Ready(last.map(|block| block.map_err(StreamError::Decode)));
                }
            }
        }
    }
}

impl<S, B, E> FusedStream for BlockStream<S>
where
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
{
    fn is_terminated(&self) -> bool {
        self.end.is_some()
    }
}

impl<S> fmt::Debug for BlockStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockStream")
            .field("decoder", &self.decoder)
            .field("has_failed", &self.has_failed)
            .finish_non_exhaustive()
    }
}
