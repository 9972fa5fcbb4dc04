//! `BlockStream`: the blocks of a stream of chunks.

use core::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::{
    error::StreamError,
    progress::Progress,
    pump::{Output, Pump},
    pump_stream::PumpStream,
};
use crate::{
    block::{BlockBuf, BlockDecoder},
    error::DecodeError,
    state::{Reading, State},
};

/// A [`BlockDecoder`], and how its transport ended.
pub(super) struct BlockProgress {
    decoder: BlockDecoder,
    transport: Transport,
}

enum Transport {
    Open,
    Ended { cut_off: Bytes },
    Failed { cut_off: Bytes },
}

impl Progress for BlockProgress {
    #[inline]
    fn state(&mut self) -> &mut State {
        &mut self.decoder.state
    }

    #[cold]
    fn fail(&mut self) {
        let cut_off = Bytes::copy_from_slice(self.decoder.cut_off().pending());
        self.transport = Transport::Failed { cut_off };
    }

    #[inline]
    fn is_over(&self) -> bool {
        !matches!(self.transport, Transport::Open) || self.decoder.has_failed()
    }
}

impl Output for BlockBuf {
    type Progress = BlockProgress;

    const HOLDS_ALL: bool = true;

    #[inline]
    fn next(
        reading: &mut Reading<'static>,
        state: &mut State,
    ) -> Option<Result<Self, DecodeError>> {
        reading.next_block_buf(state)
    }

    fn finish(progress: &mut BlockProgress) -> Option<Result<Self, DecodeError>> {
        let mut end = progress.decoder.finish();
        let last = end.block().map(|block| block.to_buf());
        let cut_off = Bytes::copy_from_slice(if last.is_some() { &[] } else { end.pending() });
        let last = end.error().map_or(last.map(Ok), |error| Some(Err(error)));
        progress.transport = Transport::Ended { cut_off };
        last
    }
}

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
    /// A block that is complete in a chunk shares its memory. The blocks' [raw](BlockBuf::raw)
    /// bytes, and at the end what was [cut off](Self::cut_off), are the stream.
    ///
    /// After an error of the transport or a fatal [`DecodeError`](crate::DecodeError) the stream is
    /// over. With [`AtEnd::Dispatch`](crate::AtEnd::Dispatch), the end of the chunks ends the last
    /// block; an error of the transport does not.
    #[must_use = "streams do nothing until they are polled"]
    pub struct BlockStream<S> {
        #[pin]
        items: PumpStream<S, BlockBuf>,
    }
}

impl<S> BlockStream<S> {
    /// Creates a stream with a block limit of 16 MiB.
    pub fn new(chunks: S) -> Self {
        Self::with_decoder(chunks, BlockDecoder::new())
    }

    /// Creates a stream with a decoder that has other options.
    ///
    /// It continues at the decoder's position, so after an earlier connection, first call
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
    pub fn with_decoder(chunks: S, decoder: BlockDecoder) -> Self {
        let pump = Pump::new(BlockProgress { decoder, transport: Transport::Open });
        Self { items: PumpStream::new(chunks, pump) }
    }

    fn progress(&self) -> &BlockProgress {
        self.items.pump.progress()
    }

    /// Returns the decoder, for its last event ID, its reconnection time and its statistics.
    pub fn decoder(&self) -> &BlockDecoder {
        &self.progress().decoder
    }

    /// Returns `true` after an error that ended the stream.
    pub fn has_failed(&self) -> bool {
        let BlockProgress { decoder, transport } = self.progress();
        matches!(transport, Transport::Failed { .. }) || decoder.has_failed()
    }

    /// Returns the bytes of the last block if the end or an error of the transport cut it off;
    /// otherwise nothing.
    pub fn cut_off(&self) -> &[u8] {
        match &self.progress().transport {
            Transport::Open => &[],
            Transport::Ended { cut_off } | Transport::Failed { cut_off } => cut_off,
        }
    }

    /// Returns the stream of chunks.
    pub fn get_ref(&self) -> &S {
        &self.items.chunks
    }

    /// Returns the stream of chunks. Blocks that were taken from it and not given yet are lost.
    pub fn into_inner(self) -> S {
        self.items.chunks
    }
}

impl<S, B, E> Stream for BlockStream<S>
where
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
{
    type Item = Result<BlockBuf, StreamError<E>>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.project().items.poll_next(cx)
    }
}

impl<S> FusedStream for BlockStream<S>
where
    Self: Stream,
{
    fn is_terminated(&self) -> bool {
        self.items.is_terminated()
    }
}

impl<S> fmt::Debug for BlockStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockStream")
            .field("decoder", self.decoder())
            .field("has_failed", &self.has_failed())
            .finish_non_exhaustive()
    }
}
