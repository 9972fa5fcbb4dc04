//! JSON out of the data of events, with `serde_json`.

use alloc::{borrow::ToOwned, format, string::String};
use core::{fmt, iter::FusedIterator};
#[cfg(feature = "stream")]
use core::{
    pin::Pin,
    task::{Context, Poll},
};

#[cfg(feature = "stream")]
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::{
    by_type::{ByType, ByTypeError},
    decoding::{Decoding, decoding},
};
use crate::{
    event::{Event, EventBuf},
    wire,
};

/// The error for an event whose data is not JSON, or not JSON of the expected type, or whose event
/// type is none of the expected ones.
///
/// The message names the event's type and ID. It does not show the data, because messages are often
/// logged. [`snippet`](Self::snippet) returns the start of the data. The message of the
/// [`source`](core::error::Error::source), which is `serde_json`'s, may quote a string of the data.
///
/// See [`Event::json`] for an example.
#[derive(Error)]
#[error("{}", self.message())]
pub struct JsonError {
    source: serde_json::Error,
    is_unknown_type: bool,
    event_type: String,
    id: Option<String>,
    snippet: String,
}

impl JsonError {
    #[cold]
    fn new(error: impl Into<ByTypeError>, event: &Event<'_>) -> Self {
        let ByTypeError { source, is_unknown_type } = error.into();
        Self {
            source,
            is_unknown_type,
            event_type: wire::start_of(event.event_type()).to_owned(),
            id: event.id().map(|id| wire::start_of(id).to_owned()),
            snippet: wire::start_of(event.data()).to_owned(),
        }
    }

    fn message(&self) -> String {
        let Self { event_type, is_unknown_type, .. } = self;
        let id = self.id().map_or_else(String::new, |id| format!(" with ID `{id}`"));
        if *is_unknown_type {
            format!("unknown event type `{event_type}`{id}")
        } else {
            format!(
                "the data of an event of type `{event_type}`{id} is not the JSON that was expected"
            )
        }
    }

    /// Returns `true` if the value has no variant for the type of the event. Only
    /// [`json_by_type`](Event::json_by_type) returns such an error.
    ///
    /// Servers add event types, so clients often skip those that they do not know.
    #[must_use]
    pub fn is_unknown_type(&self) -> bool {
        self.is_unknown_type
    }

    /// Returns the type of the event, at most 200 bytes of it.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// Returns the ID of the event, at most 200 bytes of it, or `None` if its block had no `id`
    /// field.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Returns the start of the data, at most 200 bytes.
    #[must_use]
    pub fn snippet(&self) -> &str {
        &self.snippet
    }

    /// Returns the error of `serde_json`.
    ///
    /// ```
    /// use sse_wire::{Event, EventId};
    ///
    /// let event = Event::new("[DONE]").with_id(EventId::from_static("7"));
    /// let error = event.json::<Vec<u32>>().unwrap_err();
    /// assert_eq!((error.event_type(), error.id(), error.snippet()), ("message", Some("7"), "[DONE]"));
    /// assert_eq!(error.json_error().column(), 2);
    /// ```
    #[must_use]
    pub fn json_error(&self) -> &serde_json::Error {
        &self.source
    }
}

/// Shows the facts of the message, and at most 200 bytes of the message of `serde_json`, which may
/// quote the data.
impl fmt::Debug for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonError")
            .field("source", &wire::Shortened(&format!("{}", self.source)))
            .field("is_unknown_type", &self.is_unknown_type)
            .field("event_type", &self.event_type)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl<'a> Event<'a> {
    /// Parses the data as JSON. The value may borrow from the data.
    ///
    /// ```
    /// use serde::Deserialize;
    /// use sse_wire::Event;
    ///
    /// #[derive(Deserialize)]
    /// struct Chunk<'a> {
    ///     delta: &'a str,
    /// }
    ///
    /// let chunk: Chunk = Event::new(r#"{"delta":"Hi"}"#).json()?;
    /// assert_eq!(chunk.delta, "Hi");
    ///
    /// let error = Event::new("[DONE]").json::<Chunk>().err().unwrap();
    /// assert_eq!((error.event_type(), error.snippet()), ("message", "[DONE]"));
    /// # Ok::<_, sse_wire::JsonError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the data is not JSON, or not JSON of this type.
    pub fn json<T: serde::Deserialize<'a>>(&self) -> Result<T, JsonError> {
        serde_json::from_str(self.data()).map_err(|error| JsonError::new(error, self))
    }

    /// Parses the event as the value that belongs to its event type: an enum with a variant for
    /// each type.
    ///
    /// The enum may be as serde derives it without attributes, or adjacently tagged with
    /// `#[serde(tag = "event", content = "data")]`. Only the latter can have a variant for all
    /// other types, with `#[serde(other)]`. The data is parsed in place, as JSON of what the
    /// variant holds, and the value may borrow from it.
    ///
    /// ```
    /// use serde::Deserialize;
    /// use sse_wire::{Event, EventType};
    ///
    /// #[derive(Debug, Deserialize, PartialEq)]
    /// #[serde(tag = "event", content = "data", rename_all = "snake_case")]
    /// enum Message<'a> {
    ///     ContentBlockDelta { index: u32 },
    ///     #[serde(borrow)]
    ///     Error(ApiError<'a>),
    ///     MessageStop,
    /// }
    ///
    /// #[derive(Debug, Deserialize, PartialEq)]
    /// struct ApiError<'a> {
    ///     message: &'a str,
    /// }
    ///
    /// let event = Event::new(r#"{"message":"Overloaded"}"#);
    /// let event = event.with_event_type(EventType::from_static("error"));
    /// let error = ApiError { message: "Overloaded" };
    /// assert_eq!(event.json_by_type::<Message>()?, Message::Error(error));
    ///
    /// let stop = event.with_event_type(EventType::from_static("message_stop"));
    /// assert_eq!(stop.json_by_type::<Message>()?, Message::MessageStop);
    ///
    /// let ping = event.with_event_type(EventType::from_static("ping"));
    /// assert!(ping.json_by_type::<Message>().unwrap_err().is_unknown_type());
    /// # Ok::<_, sse_wire::JsonError>(())
    /// ```
    ///
    /// - A unit variant takes any data, also what is no JSON, and does not look at it.
    /// - A variant that holds a string takes data that does not start with `"` as it is, so that
    ///   `event: done`, `data: [DONE]` is `Done("[DONE]".to_owned())`.
    /// - A variant that holds an `Option` takes empty data as `None`.
    /// - A struct with fields `event` and `data` gets both.
    ///
    /// An event that names no type is of type `message`.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no variant for the type
    /// ([`is_unknown_type`](JsonError::is_unknown_type)), or if the data is not JSON of what it
    /// holds.
    pub fn json_by_type<T: serde::Deserialize<'a>>(&self) -> Result<T, JsonError> {
        T::deserialize(ByType::new(self)).map_err(|error| JsonError::new(error, self))
    }
}

impl EventBuf {
    /// Parses the data as JSON. See [`Event::json`].
    ///
    /// # Errors
    ///
    /// Returns an error if the data is not JSON, or not JSON of this type.
    pub fn json<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, JsonError> {
        self.as_event().json()
    }

    /// Parses the event as the value that belongs to its event type. See [`Event::json_by_type`].
    ///
    /// # Errors
    ///
    /// Returns an error if there is no variant for the type
    /// ([`is_unknown_type`](JsonError::is_unknown_type)), or if the data is not JSON of what it
    /// holds.
    pub fn json_by_type<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, JsonError> {
        self.as_event().json_by_type()
    }
}

/// Parses the data of an event, and keeps the event.
pub(super) fn with_event<T: DeserializeOwned>(event: EventBuf) -> Result<(T, EventBuf), JsonError> {
    Ok((event.json()?, event))
}

/// An error of [`JsonEvents`].
///
/// `E` is the error of the events, in most cases [`StreamError`](crate::StreamError). The message
/// and the `source()` are those of what it holds.
///
/// ```
/// use sse_wire::{EventIteratorExt, EventReader, JsonStreamError, StreamError};
///
/// let body = &b"data: 1\n\ndata: one\n\n"[..];
/// for value in EventReader::new(body).must_end_with("end").json::<u32>() {
///     match value {
///         Ok(value) => assert_eq!(value, 1),
///         // This event cannot be read, but the next one may.
///         Err(JsonStreamError::Json(error)) => assert_eq!(error.snippet(), "one"),
///         // Worth another attempt: the stream was cut.
///         Err(JsonStreamError::Events(StreamError::Incomplete(end))) => assert!(end.is_clean()),
///         Err(JsonStreamError::Events(error)) => return Err(error),
///     }
/// }
/// # Ok::<_, StreamError<std::io::Error>>(())
/// ```
#[derive(Debug, Error)]
pub enum JsonStreamError<E> {
    /// The stream of events failed.
    #[error(transparent)]
    Events(E),
    /// The data of an event is not the JSON that was expected. The stream goes on with the next
    /// event.
    #[error(transparent)]
    Json(#[from] JsonError),
}

impl<E> JsonStreamError<E> {
    /// Converts the error of the events.
    ///
    /// ```
    /// use sse_wire::{JsonStreamError, StreamError};
    ///
    /// let error: JsonStreamError<StreamError<&str>> =
    ///     JsonStreamError::Events(StreamError::Transport("reset"));
    /// let error: Box<dyn std::error::Error> = error.map_events(StreamError::boxed).into();
    /// assert_eq!(error.source().unwrap().to_string(), "reset");
    /// ```
    pub fn map_events<F>(self, map: impl FnOnce(E) -> F) -> JsonStreamError<F> {
        match self {
            Self::Events(error) => JsonStreamError::Events(map(error)),
            Self::Json(error) => JsonStreamError::Json(error),
        }
    }
}

pin_project! {
    /// The values of events whose data is JSON: a stream or an iterator, as its events are.
    ///
    /// The methods `json`, `json_with_event` and `json_by_type` of `EventStreamExt` and
    /// [`EventIteratorExt`](crate::EventIteratorExt) create it. Data that cannot be parsed is an
    /// error and does not end the stream.
    ///
    /// # Data of one type, until `[DONE]`
    ///
    /// `OpenAI` sends chat completions like this, and so do many others:
    ///
    /// ```
    /// # #[cfg(feature = "stream")]
    /// # futures_util::FutureExt::now_or_never(async {
    /// use futures_util::{TryStreamExt, stream};
    /// use serde::Deserialize;
    /// use sse_wire::{ByteStreamExt, DONE, EventStreamExt};
    ///
    /// #[derive(Deserialize)]
    /// struct Chunk {
    ///     choices: Vec<Choice>,
    /// }
    ///
    /// #[derive(Deserialize)]
    /// struct Choice {
    ///     delta: Delta,
    /// }
    ///
    /// #[derive(Deserialize)]
    /// struct Delta {
    ///     content: Option<String>,
    /// }
    ///
    /// // With reqwest: `response.bytes_stream()`.
    /// let chunks = stream::iter([
    ///     Ok::<_, std::io::Error>("data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n"),
    ///     Ok("data: {\"choices\":[{\"delta\":{\"content\":\"lo\"}}]}\n\nda"),
    ///     Ok("ta: [DONE]\n\n"),
    /// ]);
    /// let mut chunks = chunks.events().must_end_with(DONE).json::<Chunk>();
    /// let mut text = String::new();
    /// while let Some(chunk) = chunks.try_next().await? {
    ///     text.extend(chunk.choices.into_iter().filter_map(|choice| choice.delta.content));
    /// }
    /// // Only here the answer is complete: `[DONE]` came.
    /// assert_eq!(text, "Hello");
    /// # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap().unwrap();
    /// ```
    ///
    /// # Data by event type
    ///
    /// `Anthropic` sends messages like this:
    ///
    /// ```
    /// # #[cfg(feature = "stream")]
    /// # futures_util::FutureExt::now_or_never(async {
    /// use futures_util::{TryStreamExt, stream};
    /// use serde::Deserialize;
    /// use sse_wire::{ByteStreamExt, EventStreamExt};
    ///
    /// #[derive(Deserialize)]
    /// #[serde(tag = "event", content = "data", rename_all = "snake_case")]
    /// enum Message {
    ///     ContentBlockDelta { delta: Delta },
    ///     Error { error: serde_json::Value },
    ///     MessageStop,
    ///     /// `ping`, and all that is added later.
    ///     #[serde(other)]
    ///     Other,
    /// }
    ///
    /// #[derive(Deserialize)]
    /// struct Delta {
    ///     text: String,
    /// }
    ///
    /// // With reqwest: `response.bytes_stream()`.
    /// let chunks = stream::iter([
    ///     Ok::<_, std::io::Error>("event: ping\ndata: {\"type\":\"ping\"}\n\nevent: content_block_delta\n"),
    ///     Ok("data: {\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}}\n\n"),
    ///     Ok("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"),
    /// ]);
    /// let mut messages = chunks.events().json_by_type::<Message>();
    /// let mut text = String::new();
    /// loop {
    ///     match messages.try_next().await? {
    ///         Some(Message::ContentBlockDelta { delta }) => text += &delta.text,
    ///         Some(Message::Error { error }) => return Err(error.to_string().into()),
    ///         Some(Message::MessageStop) => break,
    ///         Some(Message::Other) => {}
    ///         None => return Err("the stream was cut".into()),
    ///     }
    /// }
    /// assert_eq!(text, "Hello");
    /// # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap().unwrap();
    /// ```
    ///
    /// # The event beside the value
    ///
    /// ```
    /// use sse_wire::{EventIteratorExt, EventReader};
    ///
    /// let body = &b"id: 7\nevent: usage\ndata: 42\n\n"[..];
    /// for value in EventReader::new(body).json_with_event::<u32>() {
    ///     let (value, event) = value?;
    ///     assert_eq!((value, event.event_type(), event.last_event_id()), (42, "usage", "7"));
    /// }
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Clone)]
    #[must_use = "iterators and streams do nothing until they are asked"]
    pub struct JsonEvents<S, T> {
        #[pin]
        events: S,
        parse: fn(EventBuf) -> Result<T, JsonError>,
    }
}

impl<S, T> JsonEvents<S, T> {
    pub(super) fn new(events: S, parse: fn(EventBuf) -> Result<T, JsonError>) -> Self {
        Self { events, parse }
    }

    /// Returns the stream or iterator of the events.
    pub fn get_ref(&self) -> &S {
        &self.events
    }

    /// Returns the stream or iterator of the events, to read on.
    ///
    /// ```
    /// use sse_wire::{EventIteratorExt, EventReader};
    ///
    /// let mut values = EventReader::new(&b"data: 1\n\ndata: two\n\n"[..]).json::<u32>();
    /// assert_eq!(values.next().unwrap()?, 1);
    /// assert_eq!(values.get_ref().decoder().stats().events, 1);
    /// let mut events = values.into_inner();
    /// assert_eq!(events.next().unwrap()?.data(), "two");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_inner(self) -> S {
        self.events
    }
}

fn parse<T, E>(
    event: Result<EventBuf, E>,
    parse: fn(EventBuf) -> Result<T, JsonError>,
) -> Result<T, JsonStreamError<E>> {
    Ok(parse(event.map_err(JsonStreamError::Events)?)?)
}

decoding!(impl[S: Decoding, T] JsonEvents<S, T>, events);

impl<S, T, E> Iterator for JsonEvents<S, T>
where
    S: Iterator<Item = Result<EventBuf, E>>,
{
    type Item = Result<T, JsonStreamError<E>>;

    fn next(&mut self) -> Option<Self::Item> {
        let event = self.events.next()?;
        Some(parse(event, self.parse))
    }
}

impl<S, T, E> FusedIterator for JsonEvents<S, T> where S: FusedIterator<Item = Result<EventBuf, E>> {}

#[cfg(feature = "stream")]
impl<S, T, E> Stream for JsonEvents<S, T>
where
    S: Stream<Item = Result<EventBuf, E>>,
{
    type Item = Result<T, JsonStreamError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        this.events.poll_next(cx).map(|event| Some(parse(event?, *this.parse)))
    }
}

#[cfg(feature = "stream")]
impl<S, T, E> FusedStream for JsonEvents<S, T>
where
    S: FusedStream<Item = Result<EventBuf, E>>,
{
    fn is_terminated(&self) -> bool {
        self.events.is_terminated()
    }
}

impl<S: fmt::Debug, T> fmt::Debug for JsonEvents<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JsonEvents").field(&self.events).finish()
    }
}
