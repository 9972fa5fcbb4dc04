//! `futures_core::Stream`: events out of a stream of chunks.

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::{
    pump::{Output, Pump},
    sentinel::UntilData,
    tap::Tap,
};
use crate::{
    decode::{Decoder, Item, StreamEnd},
    error::DecodeError,
    event::{Event, EventBuf},
    state::Reading,
};

/// What an [`ItemStream`] gives. See [`Item`].
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
    fn next(
        reading: &mut Reading<'static>,
        decoder: &mut Decoder,
    ) -> Option<Result<Self, DecodeError>> {
        let item = reading.next_item(&mut decoder.state).transpose()?;
        Some(item.map(|item| match item {
            Item::Event(event) => Self::Event(event.to_buf()),
            Item::Comment(text) => Self::Comment(text.to_owned()),
            Item::Update { id, reconnection_time } => {
                Self::Update { id: id.map(ToOwned::to_owned), reconnection_time }
            }
        }))
    }

    fn from_event(event: EventBuf) -> Self {
        Self::Event(event)
    }
}

/// Why an [`EventStream`] gave no event. `E` is what the stream of chunks fails with, whatever
/// that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamError<E> {
    /// The stream of chunks failed.
    Transport(E),
    /// A block was refused.
    Decode(DecodeError),
}

impl<E> StreamError<E> {
    /// The same with another error of the transport.
    pub fn map_transport<F>(self, map: impl FnOnce(E) -> F) -> StreamError<F> {
        match self {
            Self::Transport(error) => StreamError::Transport(map(error)),
            Self::Decode(error) => StreamError::Decode(error),
        }
    }
}

impl<E> fmt::Display for StreamError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(_) => f.write_str("the transport of the event stream failed"),
            Self::Decode(error) => error.fmt(f),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for StreamError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Transport(error) => Some(error),
            Self::Decode(_) => None,
        }
    }
}

pin_project! {
    struct Source<S, T> {
        #[pin]
        chunks: S,
        pump: Pump<T>,
        is_over: bool,
    }
}

impl<S, T: Output> Source<S, T> {
    fn new(chunks: S, decoder: Decoder) -> Self {
        Self { chunks, pump: Pump::new(decoder), is_over: false }
    }

    #[inline]
    fn poll_next<B: Into<Bytes>, E>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<T, StreamError<E>>>>
    where
        S: Stream<Item = Result<B, E>>,
    {
        let mut this = self.project();
        loop {
            if let Some(item) = this.pump.next() {
                return Poll::Ready(Some(item.map_err(StreamError::Decode)));
            }
            if *this.is_over || this.pump.has_failed() {
                return Poll::Ready(None);
            }
            match ready!(this.chunks.as_mut().poll_next(cx)) {
                Some(Ok(chunk)) => this.pump.feed(chunk.into()),
                Some(Err(error)) => return Poll::Ready(Some(Err(StreamError::Transport(error)))),
                None => {
                    *this.is_over = true;
                    let last = this.pump.finish();
                    return Poll::Ready(last.map(|item| item.map_err(StreamError::Decode)));
                }
            }
        }
    }

    fn is_terminated(&self) -> bool {
        (self.is_over || self.pump.has_failed()) && !self.pump.is_reading()
    }
}

macro_rules! event_stream {
    ($(#[$doc:meta])* $name:ident gives $item:ident by $decoder:expr) => {
        pin_project! {
            $(#[$doc])*
            #[must_use = "streams do nothing until they are polled"]
            pub struct $name<S> {
                #[pin]
                source: Source<S, $item>,
            }
        }

        impl<S> $name<S> {
            /// As the standard says, in blocks of at most 16 MiB.
            pub fn new(chunks: S) -> Self {
                Self::with_decoder(chunks, $decoder)
            }

            /// With a decoder that has other options, or the state of an earlier connection.
            pub fn with_decoder(chunks: S, decoder: Decoder) -> Self {
                Self { source: Source::new(chunks, decoder) }
            }

            /// The last event ID of the events that were taken: what a client that resumes here
            /// must send. See [`Decoder::last_event_id`].
            pub fn last_event_id(&self) -> &str {
                self.decoder().last_event_id()
            }

            /// The decoder: its reconnection time, what it counted, what it thinks of the stream.
            /// Its counters do not know the chunk that is being read.
            pub fn decoder(&self) -> &Decoder {
                self.source.pump.decoder()
            }

            /// How the stream ended; `None` if it has not, or has failed.
            pub fn end(&self) -> Option<StreamEnd> {
                self.source.pump.end()
            }

            /// The stream of chunks.
            pub fn get_ref(&self) -> &S {
                &self.source.chunks
            }

            /// The stream of chunks. What was taken from it and not given yet is lost.
            pub fn into_inner(self) -> S {
                self.source.chunks
            }
        }

        impl<S, B, E> $name<S>
        where
            S: Stream<Item = Result<B, E>>,
            B: Into<Bytes>,
        {
            /// Appends all that is ready without waiting, at most `limit`, in one wake-up; waits
            /// only if nothing is. How many they were; zero at the end of the stream.
            ///
            /// An error ends a batch, and counts as one.
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
                self.project().source.poll_next(cx)
            }
        }

        impl<S, B, E> FusedStream for $name<S>
        where
            S: Stream<Item = Result<B, E>>,
            B: Into<Bytes>,
        {
            fn is_terminated(&self) -> bool {
                self.source.is_terminated()
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
    /// An event is decoded when it is asked for. An error of the
    /// transport is passed on, and the next poll goes on polling it: whether anything follows is
    /// its own affair. After a fatal [`DecodeError`] the stream is over. When the chunks end,
    /// [`end`](Self::end) tells whether the stream was cut.
    ///
    /// It is `Send`, `Sync` and `Unpin` if the stream of chunks is; nothing is boxed.
    EventStream gives EventBuf by Decoder::new()
}

event_stream! {
    /// The events and the comments of a stream of chunks, in their order. See [`EventStream`].
    ///
    /// For those who show or forward comments, or take them for a sign of life.
    /// [`with_decoder`](Self::with_decoder) wants a decoder that was told to give
    /// [comments](crate::DecoderBuilder::comments).
    ItemStream gives ItemBuf by Decoder::builder().comments(true).updates(true).build()
}

impl<S> EventStream<S> {
    /// Returns the decoder, for the stream of the next connection; this one gives nothing more.
    pub(super) fn take_decoder(self: Pin<&mut Self>) -> Decoder {
        self.project().source.project().pump.take_decoder()
    }
}

/// Makes events out of streams of chunks.
pub trait ByteStreamExt<B, E>: Stream<Item = Result<B, E>> + Sized {
    /// The events. See [`EventStream`].
    fn events(self) -> EventStream<Self> {
        EventStream::new(self)
    }

    /// The chunks as they are, and an observer that sees their events. See [`Tap`].
    fn tap_events<F>(self, observe: F) -> Tap<Self, F>
    where
        F: FnMut(Result<Event<'_>, DecodeError>),
    {
        Tap::new(self, observe)
    }

    /// The events and comments. See [`ItemStream`].
    fn items(self) -> ItemStream<Self> {
        ItemStream::new(self)
    }
}

impl<B: Into<Bytes>, E, S: Stream<Item = Result<B, E>>> ByteStreamExt<B, E> for S {}

/// What can be done with a stream of events.
pub trait EventStreamExt<E>: Stream<Item = Result<EventBuf, E>> + Sized {
    /// Ends before the event with this data, such as [`DONE`](crate::DONE).
    ///
    /// The event itself is taken and not given; what follows is not read.
    fn until_data(self, data: &str) -> UntilData<'_, Self>
    where
        Self: Unpin,
    {
        UntilData { events: self, data, done: false }
    }

    /// The data of each event as a JSON value. See [`JsonEvents`](crate::JsonEvents).
    #[cfg(feature = "json")]
    fn json<T: serde::de::DeserializeOwned>(self) -> super::json::JsonEvents<Self, T> {
        super::json::JsonEvents::new(self)
    }
}

impl<E, S: Stream<Item = Result<EventBuf, E>>> EventStreamExt<E> for S {}
