//! Methods for streams of chunks and for streams of events.

use alloc::vec::Vec;

use bytes::Bytes;
use futures_core::Stream;

#[cfg(feature = "json")]
use super::json::{self, JsonEvents};
use super::{
    blocks::BlockStream,
    decoding::Decoding,
    filtered::FilterBlocks,
    injected::{Inject, NoFrames},
    open::OpenEvents,
    sentinel::{MustEndWith, UntilData},
    stream::{EventStream, ItemStream},
    tap::Tap,
    timer::Timer,
};
use crate::{
    block::Block,
    encoder::{Encoder, Frame},
    error::DecodeError,
    event::{Event, EventBuf},
    gateway::{BlockFilter, Verdict},
};

/// Methods for streams of chunks: decode them, filter them, or put frames between their blocks.
pub trait ByteStreamExt<B, E>: Stream<Item = Result<B, E>> + Sized {
    /// Returns the events. See [`EventStream`].
    fn events(self) -> EventStream<Self> {
        EventStream::new(self)
    }

    /// Waits until it is known that the chunks are an event stream, and returns its events.
    ///
    /// Anything else, such as a JSON error with status 200, is the error
    /// [`StreamError::NotEventStream`](crate::StreamError::NotEventStream).
    ///
    /// ```
    /// use futures_util::stream;
    /// use sse_wire::{ByteStreamExt, StreamError};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let body = r#"{"error":{"message":"Invalid API key."}}"#;
    /// let chunks = stream::iter([Ok::<_, std::io::Error>(body)]);
    /// let Err(StreamError::NotEventStream(body)) = chunks.open_events().await else { panic!() };
    /// let error: serde_json::Value = body.json()?;
    /// assert_eq!(error["error"]["message"], "Invalid API key.");
    /// # Ok::<_, serde_json::Error>(()) }).unwrap().unwrap();
    /// ```
    ///
    /// A first line that is a field or a comment decides at once. Otherwise it waits for the first
    /// event, for as much as the decoder [keeps](crate::DecoderBuilder::first_bytes) of such a
    /// body, or for its end. A body that ends before it is known to be an event stream counts as
    /// none, and so does an empty one.
    fn open_events(self) -> OpenEvents<Self>
    where
        Self: Unpin,
    {
        OpenEvents::new(self)
    }

    /// Passes the chunks on as they are, and shows their events to an observer. See [`Tap`].
    fn tap_events<F>(self, observe: F) -> Tap<Self, F>
    where
        F: FnMut(Result<Event<'_>, DecodeError>),
    {
        Tap::new(self, observe)
    }

    /// Passes on the blocks that a function keeps, drops others, and adds what it writes. See
    /// [`FilterBlocks`].
    fn filter_blocks<F>(self, decide: F) -> FilterBlocks<Self, F>
    where
        F: FnMut(Result<&mut Block<'_>, DecodeError>, &mut Encoder<&mut Vec<u8>>) -> Verdict,
    {
        FilterBlocks::new(self, BlockFilter::new(decide))
    }

    /// Puts frames between the blocks of the chunks. See [`Inject`].
    fn inject<I: Stream<Item = Frame>>(self, frames: I) -> Inject<Self, I> {
        Inject::new(self, frames)
    }

    /// Puts a comment between two blocks when nothing was sent for 15 seconds. See [`Inject`].
    ///
    #[cfg_attr(feature = "tokio", doc = "```")]
    #[cfg_attr(not(feature = "tokio"), doc = "```ignore")]
    /// use futures_util::{StreamExt, stream};
    /// use sse_wire::{ByteStreamExt, TokioTimer};
    ///
    /// # tokio::runtime::Builder::new_current_thread()
    /// #     .enable_time()
    /// #     .start_paused(true)
    /// #     .build()
    /// #     .unwrap()
    /// #     .block_on(async {
    /// let silent = stream::iter([Ok::<_, &str>("data: a\n\n")]).chain(stream::pending());
    /// let mut chunks = std::pin::pin!(silent.keep_alive(TokioTimer::new()));
    /// assert_eq!(chunks.next().await.unwrap()?, "data: a\n\n");
    /// // After 15 seconds:
    /// assert_eq!(chunks.next().await.unwrap()?, ":\n\n");
    /// # Ok::<_, &str>(()) }).unwrap();
    /// ```
    fn keep_alive<K: Timer>(self, timer: K) -> Inject<Self, NoFrames, K> {
        Inject::new(self, NoFrames).with_timer(timer)
    }

    /// Returns the blocks, with all that is in them. See [`BlockStream`].
    fn blocks(self) -> BlockStream<Self> {
        BlockStream::new(self)
    }

    /// Returns the events, comments and updates. See [`ItemStream`].
    fn items(self) -> ItemStream<Self> {
        ItemStream::new(self)
    }
}

impl<B: Into<Bytes>, E, S: Stream<Item = Result<B, E>>> ByteStreamExt<B, E> for S {}

/// Methods for streams of events: end them at the right event, and parse their data as JSON.
pub trait EventStreamExt<E>: Stream<Item = Result<EventBuf, E>> + Sized {
    /// Ends before the event with this data, such as [`DONE`](crate::DONE), or where the stream ends.
    ///
    /// It takes the event itself, does not give it, and does not read what follows. If the event
    /// must come, use [`must_end_with`](Self::must_end_with).
    fn until_data(self, data: &str) -> UntilData<'_, Self>
    where
        Self: Unpin,
    {
        UntilData::new(self, data)
    }

    /// Ends before the event with this data, such as [`DONE`](crate::DONE), and returns
    /// [`StreamError::Incomplete`](crate::StreamError::Incomplete) if the stream ends without it.
    ///
    /// ```
    /// use futures_util::{StreamExt, stream};
    /// use sse_wire::{ByteStreamExt, DONE, EventStreamExt, StreamError};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let chunks = stream::iter([Ok::<_, &str>("data: a\n\ndata: b")]);
    /// let mut events = chunks.events().must_end_with(DONE);
    /// assert_eq!(events.next().await.unwrap()?.data(), "a");
    /// let Some(Err(StreamError::Incomplete(end))) = events.next().await else { panic!() };
    /// assert_eq!(end.pending_bytes(), 7);
    /// # Ok::<_, StreamError<&str>>(()) }).unwrap().unwrap();
    /// ```
    ///
    /// [`EventIteratorExt::must_end_with`](crate::EventIteratorExt::must_end_with) explains what
    /// counts.
    fn must_end_with(self, data: &str) -> MustEndWith<'_, Self>
    where
        Self: Unpin + Decoding,
    {
        MustEndWith::new(self, data)
    }

    /// Ends after the event of this type, such as `message_stop`, and returns
    /// [`StreamError::Incomplete`](crate::StreamError::Incomplete) if the stream ends without it.
    ///
    /// See [`EventIteratorExt::must_end_with_type`](crate::EventIteratorExt::must_end_with_type).
    fn must_end_with_type(self, event_type: &str) -> MustEndWith<'_, Self>
    where
        Self: Unpin + Decoding,
    {
        MustEndWith::with_type(self, event_type)
    }

    /// Parses the data of each event as JSON. See [`JsonEvents`].
    #[cfg(feature = "json")]
    fn json<T: serde::de::DeserializeOwned>(self) -> JsonEvents<Self, T> {
        JsonEvents::new(self, |event| event.json())
    }

    /// Parses the data of each event as JSON, and keeps the event beside the value, for its type and
    /// ID. See [`JsonEvents`].
    #[cfg(feature = "json")]
    fn json_with_event<T: serde::de::DeserializeOwned>(self) -> JsonEvents<Self, (T, EventBuf)> {
        JsonEvents::new(self, json::with_event)
    }

    /// Parses each event as JSON of the type that belongs to its event type. See
    /// [`Event::json_by_type`].
    #[cfg(feature = "json")]
    fn json_by_type<T: serde::de::DeserializeOwned>(self) -> JsonEvents<Self, T> {
        JsonEvents::new(self, |event| event.json_by_type())
    }
}

impl<E, S: Stream<Item = Result<EventBuf, E>>> EventStreamExt<E> for S {}
