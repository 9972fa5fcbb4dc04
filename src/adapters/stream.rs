//! `EventStream` and `ItemStream`: the events, or all items, of a stream of chunks.

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::{
    decoding::decoding,
    error::StreamError,
    progress::EventProgress,
    pump::{Output, Pump},
    pump_stream::PumpStream,
};
use crate::{
    decode::{Decoder, Item},
    error::DecodeError,
    event::EventBuf,
    state::{Reading, State},
};

/// An item of an [`ItemStream`]: an [`Item`] that is owned.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum ItemBuf {
    /// An event was dispatched.
    Event(EventBuf),
    /// A comment line: its text.
    Comment(String),
    /// A block without data that set the last event ID or the reconnection time.
    Update {
        /// The ID that the block set; `None` if it had none.
        id: Option<String>,
        /// The reconnection time that the block set; `None` if it had none.
        reconnection_time: Option<Duration>,
    },
}

impl fmt::Debug for ItemBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => Item::Event(event.as_event()),
            Self::Comment(text) => Item::Comment(text),
            Self::Update { id, reconnection_time } => {
                Item::Update { id: id.as_deref(), reconnection_time: *reconnection_time }
            }
        }
        .fmt(f)
    }
}

impl Output for ItemBuf {
    type Progress = EventProgress;

    fn next(
        reading: &mut Reading<'static>,
        state: &mut State,
    ) -> Option<Result<Self, DecodeError>> {
        let item = reading.next_item(state).transpose()?;
        Some(item.map(|item| match item {
            Item::Event(event) => Self::Event(event.to_buf()),
            Item::Comment(text) => Self::Comment(text.to_owned()),
            Item::Update { id, reconnection_time } => {
                Self::Update { id: id.map(ToOwned::to_owned), reconnection_time }
            }
        }))
    }

    fn finish(progress: &mut EventProgress) -> Option<Result<Self, DecodeError>> {
        Some(progress.finish()?.map(|event| Self::Event(event.to_buf())))
    }
}

macro_rules! event_stream {
    ($(#[$doc:meta])* $name:ident gives $item:ident by $decoder:expr) => {
        pin_project! {
            $(#[$doc])*
            #[must_use = "streams do nothing until they are polled"]
            pub struct $name<S> {
                #[pin]
                items: PumpStream<S, $item>,
            }
        }

        impl<S> $name<S> {
            /// Creates a stream that follows the standard, with a block limit of 16 MiB.
            pub fn new(chunks: S) -> Self {
                Self::with_decoder(chunks, $decoder)
            }

            /// Creates a stream with a decoder that has other options.
            ///
            /// It continues at the decoder's position, so after an earlier connection, first call
            /// [`reset_for_reconnect`](crate::Decoder::reset_for_reconnect).
            ///
            /// ```
            /// use futures_util::stream::{self, Empty};
            /// use sse_wire::{Decoder, EventStream};
            ///
            /// let chunks: Empty<Result<&str, std::io::Error>> = stream::empty();
            /// let decoder = Decoder::builder().max_block_size(64 * 1024).build();
            /// let events = EventStream::with_decoder(chunks, decoder);
            /// let _chunks: &Empty<_> = events.get_ref();
            /// let _chunks: Empty<_> = events.into_inner();
            /// # let items = sse_wire::ItemStream::new(stream::empty::<Result<&str, std::io::Error>>());
            /// ```
            pub fn with_decoder(chunks: S, decoder: Decoder) -> Self {
                Self { items: PumpStream::new(chunks, Pump::new(EventProgress::new(decoder))) }
            }

            /// Returns the stream of chunks.
            pub fn get_ref(&self) -> &S {
                &self.items.chunks
            }

            /// Returns the stream of chunks. Events that were taken from it and not given yet are
            /// lost.
            pub fn into_inner(self) -> S {
                self.items.chunks
            }
        }

        decoding!(impl[S] $name<S>, items.pump);

        impl<S, B, E> $name<S>
        where
            S: Stream<Item = Result<B, E>>,
            B: Into<Bytes>,
        {
            /// Appends all that is ready without waiting, at most `limit`, and waits only if
            /// nothing is. Returns the number that it appended, which is zero only at the end of
            /// the stream.
            ///
            /// An error ends a batch, and counts as one.
            ///
            /// ```
            /// use std::pin::pin;
            ///
            /// use futures_util::{future::poll_fn, stream};
            /// use sse_wire::ByteStreamExt;
            ///
            /// # futures_util::FutureExt::now_or_never(async {
            /// let chunks = stream::iter([Ok::<_, std::io::Error>("data: a\n\ndata: b\n\ndata: c\n\n")]);
            /// let mut events = pin!(chunks.events());
            /// let mut batch = Vec::new();
            /// assert_eq!(poll_fn(|cx| events.as_mut().poll_batch(cx, &mut batch, 2)).await, 2);
            /// assert_eq!(poll_fn(|cx| events.as_mut().poll_batch(cx, &mut batch, 2)).await, 1);
            /// assert_eq!(poll_fn(|cx| events.as_mut().poll_batch(cx, &mut batch, 2)).await, 0);
            /// assert_eq!(batch.len(), 3);
            /// # }).unwrap();
            /// ```
            pub fn poll_batch(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                batch: &mut Vec<Result<$item, StreamError<E>>>,
                limit: usize,
            ) -> Poll<usize> {
                let before = batch.len();
                while batch.len() - before < limit {
                    match self.as_mut().poll_next(cx) {
                        Poll::Ready(Some(item)) => {
                            let is_error = item.is_err();
                            batch.push(item);
                            if is_error {
                                break;
                            }
                        }
                        Poll::Pending if batch.len() == before => return Poll::Pending,
                        Poll::Ready(None) | Poll::Pending => break,
                    }
                }
                Poll::Ready(batch.len() - before)
            }
        }

        impl<S, B, E> Stream for $name<S>
        where
            S: Stream<Item = Result<B, E>>,
            B: Into<Bytes>,
        {
            type Item = Result<$item, StreamError<E>>;

            #[inline]
            fn poll_next(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<Option<Self::Item>> {
                self.project().items.poll_next(cx)
            }
        }

        impl<S> FusedStream for $name<S>
        where
            Self: Stream,
        {
            fn is_terminated(&self) -> bool {
                self.items.is_terminated()
            }
        }

        impl<S> fmt::Debug for $name<S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("decoder", self.decoder())
                    .field("end", &self.end())
                    .finish_non_exhaustive()
            }
        }
    };
}

event_stream! {
    /// The events of a stream of chunks, such as reqwest's `bytes_stream()`.
    ///
    /// ```
    /// use futures_util::{StreamExt, stream};
    /// use sse_wire::{ByteStreamExt, StreamError};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let chunks = [Ok(&b"id: 1\ndata: a\n"[..]), Ok(b"\ndata: b\n\n"), Err("reset")];
    /// let mut events = stream::iter(chunks).events();
    /// assert_eq!(events.next().await.unwrap()?.data(), "a");
    /// assert_eq!(events.next().await.unwrap()?.data(), "b");
    /// assert_eq!(events.next().await.unwrap(), Err(StreamError::Transport("reset")));
    /// assert_eq!(events.next().await, None);
    /// assert_eq!(events.last_event_id(), "1");
    /// # Ok::<_, StreamError<&str>>(()) }).unwrap().unwrap();
    /// ```
    ///
    /// It decodes an event when it is asked for one. After an error of the transport or a fatal
    /// [`DecodeError`] the stream is over: [`has_failed`](Self::has_failed) returns `true`,
    /// [`end`](Self::end) returns `None`, and the current block is not dispatched, whatever
    /// [`AtEnd`](crate::AtEnd) says. When the chunks end, `end` says if the stream was cut.
    ///
    /// It reads chunks that are always ready but give no events for some 0.1 ms at a time. Then a
    /// poll wakes its task and returns `Pending`, so that other tasks have their turn.
    ///
    /// It is `Send`, `Sync` and `Unpin` if the stream of chunks is; nothing is boxed.
    EventStream gives EventBuf by Decoder::new()
}

event_stream! {
    /// The events, comments and updates of a stream of chunks, in their order. See [`EventStream`].
    ///
    /// Use it to show or forward comments, to take them for a sign of life, or to see blocks
    /// without data, as clients of MCP must. [`with_decoder`](Self::with_decoder) needs a decoder
    /// that returns [comments](crate::DecoderBuilder::comments) or
    /// [updates](crate::DecoderBuilder::updates).
    ///
    /// ```
    /// use futures_util::{StreamExt, stream};
    /// use sse_wire::{ByteStreamExt, ItemBuf};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let chunks = stream::iter([Ok::<_, &str>("id: 7\nretry: 0\n\n: ping\n")]);
    /// let mut items = chunks.items();
    /// let Some(Ok(ItemBuf::Update { id, .. })) = items.next().await else { panic!() };
    /// assert_eq!(id.as_deref(), Some("7"));
    /// assert_eq!(items.next().await, Some(Ok(ItemBuf::Comment("ping".to_owned()))));
    /// # }).unwrap();
    /// ```
    ItemStream gives ItemBuf by Decoder::builder().comments(true).updates(true).build()
}

impl<S> EventStream<S> {
    /// Creates a stream with a pump that has taken some of the chunks.
    pub(super) fn with_pump(chunks: S, pump: Pump<EventBuf>) -> Self {
        Self { items: PumpStream::new(chunks, pump) }
    }

    /// Returns the decoder, for the stream of the next connection. This one returns nothing more.
    pub(super) fn take_decoder(self: Pin<&mut Self>) -> Decoder {
        self.project().items.pump_mut().take_decoder()
    }
}
