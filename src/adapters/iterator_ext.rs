//! Methods for iterators of events.

#[cfg(feature = "json")]
use super::json::{self, JsonEvents};
use super::{
    decoding::Decoding,
    sentinel::{MustEndWith, UntilData},
};
use crate::event::EventBuf;

/// Methods for iterators of events: end them at the right event, and parse their data as JSON.
pub trait EventIteratorExt<E>: Iterator<Item = Result<EventBuf, E>> + Sized {
    /// Ends before the event with this data, such as [`DONE`](crate::DONE), or where the events
    /// end.
    ///
    /// It takes the event itself, does not give it, and does not read what follows. If the event
    /// must come, use [`must_end_with`](Self::must_end_with).
    ///
    /// ```
    /// use sse_wire::{DONE, DecodeError, Decoder, EventIteratorExt};
    ///
    /// let mut decoder = Decoder::new();
    /// let chunk = bytes::Bytes::from_static(b"data: a\n\ndata: [DONE]\n\ndata: b\n\n");
    /// let events: Vec<_> = decoder.feed_bytes(chunk).until_data(DONE).collect::<Result<_, _>>()?;
    /// assert_eq!(events.len(), 1);
    /// # Ok::<_, DecodeError>(())
    /// ```
    fn until_data(self, data: &str) -> UntilData<'_, Self> {
        UntilData::new(self, data)
    }

    /// Ends before the event with this data, such as [`DONE`](crate::DONE), and returns
    /// [`StreamError::Incomplete`](crate::StreamError::Incomplete) if the stream ends without it.
    ///
    /// The error says if the stream ended between two blocks or within one. An error of the
    /// transport ends the stream, too, and comes alone. The event counts although its blank line is
    /// missing at the end of the body, because some servers forget it.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use sse_wire::{DONE, EventIteratorExt, EventReader, StreamError};
    ///
    /// let body = &b"data: a\n\ndata: [DONE]"[..];
    /// let events = EventReader::new(body).must_end_with(DONE);
    /// assert_eq!(events.collect::<Result<Vec<_>, _>>()?.len(), 1);
    ///
    /// let body = &b"data: a\n\ndata: b\n\n"[..];
    /// let events = EventReader::new(body).must_end_with(DONE);
    /// let Some(Err(StreamError::Incomplete(end))) = events.last() else { panic!("no error") };
    /// assert!(end.is_clean(), "nothing was cut off, and yet events are missing");
    /// # }
    /// # Ok::<_, sse_wire::StreamError<std::io::Error>>(())
    /// ```
    fn must_end_with(self, data: &str) -> MustEndWith<'_, Self>
    where
        Self: Decoding,
    {
        MustEndWith::new(self, data)
    }

    /// Ends after the event of this type, such as `message_stop`, and returns
    /// [`StreamError::Incomplete`](crate::StreamError::Incomplete) if the stream ends without it.
    ///
    /// It returns the event, because that may have data of its own. Otherwise it does what
    /// [`must_end_with`](Self::must_end_with) does.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use sse_wire::{EventIteratorExt, EventReader};
    ///
    /// let body = &b"data: a\n\nevent: response.completed\ndata: {\"usage\":7}\n\ndata: b\n\n"[..];
    /// let events = EventReader::new(body).must_end_with_type("response.completed");
    /// let events: Vec<_> = events.collect::<Result<_, _>>()?;
    /// assert_eq!((events.len(), events[1].data()), (2, "{\"usage\":7}"));
    /// # }
    /// # Ok::<_, sse_wire::StreamError<std::io::Error>>(())
    /// ```
    fn must_end_with_type(self, event_type: &str) -> MustEndWith<'_, Self>
    where
        Self: Decoding,
    {
        MustEndWith::with_type(self, event_type)
    }

    /// Parses the data of each event as JSON. See [`JsonEvents`].
    ///
    /// ```
    /// use sse_wire::{DONE, EventIteratorExt, EventReader};
    ///
    /// let body = &b"data: [1]\n\ndata: [2,3]\n\ndata: [DONE]\n\n"[..];
    /// let values = EventReader::new(body).must_end_with(DONE).json::<Vec<u32>>();
    /// assert_eq!(values.collect::<Result<Vec<_>, _>>()?, [vec![1], vec![2, 3]]);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "json")]
    fn json<T: serde::de::DeserializeOwned>(self) -> JsonEvents<Self, T> {
        JsonEvents::new(self, |event| event.json())
    }

    /// Parses the data of each event as JSON, and keeps the event beside the value, for its type
    /// and ID. See [`JsonEvents`].
    #[cfg(feature = "json")]
    fn json_with_event<T: serde::de::DeserializeOwned>(self) -> JsonEvents<Self, (T, EventBuf)> {
        JsonEvents::new(self, json::with_event)
    }

    /// Parses each event as JSON of the type that belongs to its event type. See
    /// [`Event::json_by_type`](crate::Event::json_by_type).
    #[cfg(feature = "json")]
    fn json_by_type<T: serde::de::DeserializeOwned>(self) -> JsonEvents<Self, T> {
        JsonEvents::new(self, |event| event.json_by_type())
    }
}

impl<E, I: Iterator<Item = Result<EventBuf, E>>> EventIteratorExt<E> for I {}
