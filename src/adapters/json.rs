//! JSON data, with `serde_json`.

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::{borrow::BorrowMut, fmt};

use serde::Serialize;
use thiserror::Error;

use crate::{
    encoder::{Encoder, append_lines, append_other_fields},
    event::{Event, EventBuf},
    wire,
};

/// The error for data that is not JSON, or not JSON of the expected type.
///
/// The message names the event's type and ID. It does not show the data, because messages are often
/// logged. [`snippet`](Self::snippet) returns the start of the data.
#[derive(Error)]
#[error("the data of an event of type `{event_type}`{} is not the JSON that was expected", in_id(.id.as_deref()))]
pub struct JsonError {
    source: serde_json::Error,
    event_type: String,
    id: Option<String>,
    snippet: String,
}

fn in_id(id: Option<&str>) -> String {
    id.map_or_else(String::new, |id| alloc::format!(" with ID `{id}`"))
}

impl JsonError {
    #[cold]
    fn new(source: serde_json::Error, event: &Event<'_>) -> Self {
        Self {
            source,
            event_type: wire::start_of(event.event_type()).to_owned(),
            id: event.id().map(|id| wire::start_of(id).to_owned()),
            snippet: wire::start_of(event.data()).to_owned(),
        }
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
    #[must_use]
    pub fn json_error(&self) -> &serde_json::Error {
        &self.source
    }
}

/// Shows no data, because debug forms end up in logs.
impl fmt::Debug for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonError")
            .field("source", &self.source)
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
}

impl<B: BorrowMut<Vec<u8>>> Encoder<B> {
    /// Appends an event whose data is a value as JSON.
    ///
    /// The value is serialized into the buffer, without a copy in between.
    ///
    /// ```
    /// use sse_wire::Encoder;
    ///
    /// let mut encoder = Encoder::new();
    /// encoder.json(&["a", "b\n"])?;
    /// assert_eq!(encoder.as_bytes(), b"data: [\"a\",\"b\\n\"]\n\n");
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the value cannot be written as JSON. The encoder then holds nothing of the
    /// event. The same is true after a panic in the value's [`Serialize`] implementation.
    pub fn json<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
    ) -> Result<&mut Self, serde_json::Error> {
        self.json_event(Event::new(""), value)
    }

    /// Appends an event whose data is a value as JSON instead of its own data.
    ///
    /// ```
    /// use sse_wire::{Encoder, Event, EventType};
    ///
    /// let mut encoder = Encoder::new();
    /// let event = Event::new("").with_event_type(EventType::from_static("usage"));
    /// encoder.json_event(event, &7)?;
    /// assert_eq!(encoder.as_bytes(), b"event: usage\ndata: 7\n\n");
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the value cannot be written as JSON. The encoder then holds nothing of the
    /// event. The same is true after a panic in the value's [`Serialize`] implementation.
    pub fn json_event<'e, T: Serialize + ?Sized>(
        &mut self,
        event: impl Into<Event<'e>>,
        value: &T,
    ) -> Result<&mut Self, serde_json::Error> {
        let event = event.into();
        let block = Unfinished::new(self.buffer());
        append_other_fields(block.buffer, &event);
        block.buffer.extend_from_slice(b"data: ");
        let start = block.buffer.len();
        serde_json::to_writer(&mut *block.buffer, value)?;
        // `serde_json` itself writes no line end, but a `RawValue` may hold some.
        if wire::line_end(&block.buffer[start..]).is_some() {
            let data = block.buffer.split_off(start);
            append_lines(block.buffer, b"", b"\ndata: ", &data);
        } else {
            block.buffer.extend_from_slice(b"\n\n");
        }
        block.finish();
        Ok(self)
    }
}

/// Removes the block from the buffer when it is dropped, unless the block was finished.
// `Serialize` is the caller's code. It may fail or panic after a part of the block was written, and
// the caller may catch the panic and use the encoder again.
struct Unfinished<'b> {
    buffer: &'b mut Vec<u8>,
    start: usize,
}

impl<'b> Unfinished<'b> {
    fn new(buffer: &'b mut Vec<u8>) -> Self {
        let start = buffer.len();
        Self { buffer, start }
    }

    fn finish(mut self) {
        self.start = self.buffer.len();
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.buffer.truncate(self.start);
    }
}

#[cfg(feature = "stream")]
pub use events::{JsonEvents, JsonStreamError};

#[cfg(feature = "stream")]
mod events {
    use core::{
        fmt,
        marker::PhantomData,
        pin::Pin,
        task::{Context, Poll},
    };

    use futures_core::Stream;
    use pin_project_lite::pin_project;
    use serde::de::DeserializeOwned;

    use super::{Error, EventBuf, JsonError};

    /// An error of [`JsonEvents`].
    #[derive(Debug, Error)]
    #[non_exhaustive]
    pub enum JsonStreamError<E> {
        /// The stream of events failed.
        #[error("{0}")]
        Events(E),
        /// The data of an event is not JSON, or not JSON of the expected type. The stream goes on
        /// with the next event.
        #[error(transparent)]
        Json(#[from] JsonError),
    }

    pin_project! {
        /// A stream of the data of events, parsed as JSON. See
        /// [`EventStreamExt::json`](crate::EventStreamExt::json).
        ///
        /// ```
        /// use futures_util::{StreamExt, stream};
        /// use sse_wire::{ByteStreamExt, DONE, EventStreamExt};
        ///
        /// # futures_util::FutureExt::now_or_never(async {
        /// let chunk = &b"data: [1]\n\ndata: [2,3]\n\ndata: [DONE]\n\n"[..];
        /// let chunks = stream::iter([Ok::<_, &str>(chunk)]);
        /// let values = chunks.events().until_data(DONE).json::<Vec<u32>>();
        /// let values: Vec<_> = values.map(Result::unwrap).collect().await;
        /// assert_eq!(values, [vec![1], vec![2, 3]]);
        /// # }).unwrap();
        /// ```
        #[must_use = "streams do nothing until they are polled"]
        pub struct JsonEvents<S, T> {
            #[pin]
            events: S,
            value: PhantomData<fn() -> T>,
        }
    }

    impl<S, T> JsonEvents<S, T> {
        pub(crate) fn new(events: S) -> Self {
            Self { events, value: PhantomData }
        }

        /// Returns the stream of events.
        pub fn get_ref(&self) -> &S {
            &self.events
        }
    }

    impl<S, T, E> Stream for JsonEvents<S, T>
    where
        S: Stream<Item = Result<EventBuf, E>>,
        T: DeserializeOwned,
    {
        type Item = Result<T, JsonStreamError<E>>;

        fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            self.project().events.poll_next(cx).map(|event| {
                Some(match event? {
                    Ok(event) => event.json().map_err(JsonStreamError::Json),
                    Err(error) => Err(JsonStreamError::Events(error)),
                })
            })
        }
    }

    impl<S: fmt::Debug, T> fmt::Debug for JsonEvents<S, T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_tuple("JsonEvents").field(&self.events).finish()
        }
    }
}
