//! Events whose data is JSON, with `serde_json`.

use alloc::vec::Vec;
use core::{borrow::BorrowMut, fmt, time::Duration};

use serde::Serialize;

use crate::{
    encode::Encode,
    encoder::{Encoder, append_lines, append_other_fields},
    event::{Event, millis},
    value::{EventIdBuf, EventType},
    wire,
};

/// An event whose data is a value as JSON.
///
/// The value is serialized when the event is encoded, into the buffer of what is sent, without a copy
/// in between.
///
/// ```
/// use serde::Serialize;
/// use sse_wire::{Encode, EventType, JsonEvent};
///
/// #[derive(Serialize)]
/// struct Usage {
///     tokens: u64,
/// }
///
/// const USAGE: EventType<'_> = EventType::from_static("usage");
///
/// let event = JsonEvent::new(Usage { tokens: 12 }).with_event_type(USAGE).with_id(7);
/// let frame = event.into_frame()?;
/// assert_eq!(frame.as_bytes(), b"event: usage\nid: 7\ndata: {\"tokens\":12}\n\n");
/// # Ok::<_, serde_json::Error>(())
/// ```
///
/// # In a body
///
/// A value that cannot be written as JSON ends an [`EventBody`](crate::EventBody) with an error:
/// `serde_json::Error` for a stream of events, and `E` for a stream of `Result<JsonEvent<_>, E>`,
/// where `E` must implement `From<serde_json::Error>`. As with every error of a body, the events
/// before it are sent, and the connection is cut, so that the client does not take the stream for
/// complete. Serializing fails for maps whose keys are neither strings nor numbers, and where a
/// [`Serialize`] implementation says so.
///
/// ```
/// use std::io;
///
/// use futures_util::{StreamExt, stream};
/// use http_body_util::BodyExt;
/// use sse_wire::{EventBody, JsonEvent};
///
/// # futures_util::FutureExt::now_or_never(async {
/// // A source that may fail, its items numbered.
/// let rows = stream::iter([Ok("a"), Ok("b"), Err(io::Error::other("gone"))]);
/// let events = rows.enumerate().map(|(id, row)| Ok::<_, io::Error>(JsonEvent::new(row?).with_id(id)));
/// let mut body = EventBody::new(events);
///
/// let frame = body.frame().await.unwrap().unwrap();
/// assert_eq!(frame.into_data().unwrap(), "id: 0\ndata: \"a\"\n\nid: 1\ndata: \"b\"\n\n");
/// assert_eq!(body.frame().await.unwrap().unwrap_err().to_string(), "gone");
/// assert!(body.frame().await.is_none());
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct JsonEvent<'a, T> {
    value: T,
    event_type: Option<EventType<'a>>,
    id: Option<EventIdBuf>,
    /// In milliseconds.
    retry: Option<u64>,
}

impl<'a, T: Serialize> JsonEvent<'a, T> {
    /// Creates an event with this value as its data, of type `message`, without an ID.
    ///
    /// The value may be a reference.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self { value, event_type: None, id: None, retry: None }
    }

    /// Sets the event type.
    #[must_use]
    pub fn with_event_type(self, event_type: EventType<'a>) -> Self {
        Self { event_type: Some(event_type), ..self }
    }

    /// Sets the ID, which becomes the receiver's last event ID: an integer, or an
    /// [`EventId`](crate::EventId). An empty one resets it.
    #[must_use]
    pub fn with_id(self, id: impl Into<EventIdBuf>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// Sets the receiver's reconnection time.
    ///
    /// Truncated to milliseconds; saturates at `u64::MAX` milliseconds.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sse_wire::{Encode, JsonEvent};
    ///
    /// let frame = JsonEvent::new([1, 2]).with_retry(Duration::from_secs(1)).into_frame()?;
    /// assert_eq!(frame.as_bytes(), b"retry: 1000\ndata: [1,2]\n\n");
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn with_retry(self, retry: Duration) -> Self {
        Self { retry: Some(millis(retry)), ..self }
    }

    fn append_to(&self, buffer: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let fields = Event {
            data: "",
            event_type: self.event_type.map(EventType::as_str),
            last_event_id: self.id.as_ref().map_or("", EventIdBuf::as_str),
            sets_id: self.id.is_some(),
            retry: self.retry,
        };
        let block = Unfinished::new(buffer);
        append_other_fields(block.buffer, &fields);
        block.buffer.extend_from_slice(b"data: ");
        let start = block.buffer.len();
        serde_json::to_writer(&mut *block.buffer, &self.value)?;
        // `serde_json` itself writes no line end, but a `RawValue` may hold some.
        if wire::line_end(&block.buffer[start..]).is_some() {
            let data = block.buffer.split_off(start);
            append_lines(block.buffer, b"", b"\ndata: ", &data);
        } else {
            block.buffer.extend_from_slice(b"\n\n");
        }
        block.finish();
        Ok(())
    }
}

impl<T: Serialize> Encode for JsonEvent<'_, T> {
    type Error = serde_json::Error;

    fn encode(self, encoder: &mut Encoder) -> Result<(), serde_json::Error> {
        self.append_to(encoder.buffer())
    }
}

// Apart from the implementation for what cannot fail, because not every `E` has a conversion from
// `Infallible`.
impl<T, E> Encode for Result<JsonEvent<'_, T>, E>
where
    T: Serialize,
    E: From<serde_json::Error>,
{
    type Error = E;

    fn encode(self, encoder: &mut Encoder) -> Result<(), E> {
        Ok(self?.encode(encoder)?)
    }
}

impl<B: BorrowMut<Vec<u8>>> Encoder<B> {
    /// Appends an event whose data is a value as JSON, without an event type and an ID.
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
        self.json_event(&JsonEvent::new(value))
    }

    /// Appends an event whose data is a value as JSON.
    ///
    /// ```
    /// use sse_wire::{Encoder, EventType, JsonEvent};
    ///
    /// let mut encoder = Encoder::new();
    /// let usage = EventType::from_static("usage");
    /// encoder.json_event(&JsonEvent::new(7).with_event_type(usage))?;
    /// assert_eq!(encoder.as_bytes(), b"event: usage\ndata: 7\n\n");
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json).
    pub fn json_event<T: Serialize>(
        &mut self,
        event: &JsonEvent<'_, T>,
    ) -> Result<&mut Self, serde_json::Error> {
        event.append_to(self.buffer())?;
        Ok(self)
    }
}

/// Shows no data, because debug forms end up in logs.
impl<T> fmt::Debug for JsonEvent<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonEvent")
            .field("event_type", &self.event_type)
            .field("id", &self.id)
            .field("retry", &self.retry.map(Duration::from_millis))
            .finish_non_exhaustive()
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
