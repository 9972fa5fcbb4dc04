//! Events, borrowed and owned.

use alloc::string::String;
use core::{
    fmt,
    hash::{Hash, Hasher},
    ops::Range,
    time::Duration,
};

use crate::{
    chunk::SharedStr,
    last_event_id::LastEventId,
    value::{EventId, EventType},
    wire::Shortened,
};

/// The type of an event that names none.
const MESSAGE: &str = "message";

/// An event that borrows its text.
///
/// A decoder lends events out of the chunk that was fed. An [`Encoder`](crate::Encoder) takes the
/// same type:
///
/// ```
/// use sse_wire::{Encoder, Event, EventId, EventType};
///
/// let event = Event::new(r#"{"text":"你好"}"#)
///     .with_event_type(EventType::from_static("token"))
///     .with_id(EventId::from_static("7"));
/// let mut encoder = Encoder::new();
/// encoder.event(event);
/// assert_eq!(
///     encoder.as_bytes(),
///     "event: token\nid: 7\ndata: {\"text\":\"你好\"}\n\n".as_bytes(),
/// );
/// ```
///
/// To keep an event beyond the next call, make an [`EventBuf`] of it.
// Invariant: `event_type` and `last_event_id` hold no line end, `last_event_id` no NUL.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Event<'a> {
    pub(crate) data: &'a str,
    pub(crate) event_type: Option<&'a str>,
    pub(crate) last_event_id: &'a str,
    /// The block set the last event ID.
    pub(crate) sets_id: bool,
    /// In milliseconds.
    pub(crate) retry: Option<u64>,
}

impl<'a> Event<'a> {
    /// Creates an event with this data, of type `message`, without an ID.
    ///
    /// The data may hold line ends. On the wire each of its lines is a field of its own, and the
    /// receiver joins them with LF. So a CR or CRLF in the data arrives as LF.
    #[must_use]
    pub const fn new(data: &'a str) -> Self {
        Self { data, event_type: None, last_event_id: "", sets_id: false, retry: None }
    }

    /// Sets the data.
    #[must_use]
    pub const fn with_data(self, data: &'a str) -> Self {
        Self { data, ..self }
    }

    /// Sets the event type.
    #[must_use]
    pub const fn with_event_type(self, event_type: EventType<'a>) -> Self {
        Self { event_type: Some(event_type.as_str()), ..self }
    }

    /// Sets the ID, which becomes the receiver's last event ID. An empty one resets it.
    #[must_use]
    pub const fn with_id(self, id: EventId<'a>) -> Self {
        Self { last_event_id: id.as_str(), sets_id: true, ..self }
    }

    /// Sets the receiver's reconnection time.
    ///
    /// Truncated to milliseconds; saturates at `u64::MAX` milliseconds.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sse_wire::{Event, Frame};
    ///
    /// let event = Event::new("a").with_data("b").with_retry(Duration::from_secs(1));
    /// assert_eq!(Frame::from(event).as_bytes(), b"retry: 1000\ndata: b\n\n");
    /// ```
    #[must_use]
    pub const fn with_retry(self, retry: Duration) -> Self {
        Self { retry: Some(millis(retry)), ..self }
    }

    /// Returns the data: the values of all `data` fields, joined with LF.
    #[inline]
    #[must_use]
    pub const fn data(&self) -> &'a str {
        self.data
    }

    /// Returns the event type: the `event` field, or `message` if there is none or it is empty.
    #[inline]
    #[must_use]
    pub const fn event_type(&self) -> &'a str {
        match self.event_type {
            Some(event_type) if !event_type.is_empty() => event_type,
            _ => MESSAGE,
        }
    }

    /// Returns the `event` field as it was given, the last one if there are several.
    #[inline]
    #[must_use]
    pub const fn event_field(&self) -> Option<&'a str> {
        self.event_type
    }

    /// Returns the `id` field of this event's own block, the last one without NUL if there are
    /// several.
    ///
    /// `Some("")` resets the last event ID; `None` leaves it.
    #[inline]
    #[must_use]
    pub const fn id(&self) -> Option<&'a str> {
        if self.sets_id { Some(self.last_event_id) } else { None }
    }

    /// Returns the last event ID at the time this event was dispatched, which may come from an
    /// earlier block; empty if there is none.
    #[inline]
    #[must_use]
    pub const fn last_event_id(&self) -> &'a str {
        self.last_event_id
    }

    /// Returns the reconnection time that this event's own block set.
    #[inline]
    #[must_use]
    pub const fn retry(&self) -> Option<Duration> {
        match self.retry {
            Some(millis) => Some(Duration::from_millis(millis)),
            None => None,
        }
    }

    /// Returns an owned copy.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sse_wire::Decoder;
    ///
    /// let mut decoder = Decoder::new();
    /// let mut events = decoder.feed(b"id: 7\nevent: token\nretry: 500\ndata: a\n\ndata: b\n\n");
    /// let first = events.next_event()?.expect("an event").to_buf();
    /// assert_eq!((first.event_type(), first.event_field()), ("token", Some("token")));
    /// assert_eq!((first.id(), first.last_event_id()), (Some("7"), "7"));
    /// assert_eq!(first.retry(), Some(Duration::from_millis(500)));
    ///
    /// // The second one has no fields of its own but its data.
    /// let second = events.next_event()?.expect("an event");
    /// assert_eq!((second.event_type(), second.event_field()), ("message", None));
    /// assert_eq!((second.id(), second.last_event_id(), second.retry()), (None, "7", None));
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    #[must_use]
    pub fn to_buf(&self) -> EventBuf {
        EventBuf::from(*self)
    }
}

/// Returns whole milliseconds, at most `u64::MAX`.
pub(crate) const fn millis(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1000).saturating_add(duration.subsec_millis() as u64)
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("event_type", &Shortened(self.event_type()))
            .field("data", &Shortened(self.data))
            .field("id", &self.id().map(Shortened))
            .field("last_event_id", &Shortened(self.last_event_id))
            .field("retry", &self.retry())
            .finish()
    }
}

/// An event that owns its text: `'static` and `Send`.
///
/// A decoder makes it without a copy where it can: the text is a slice of the chunk that it came in
/// and keeps that chunk alive. [`detach`](Self::detach) copies the text out of the chunk. Clones
/// share the text.
///
/// ```
/// use sse_wire::{Event, EventBuf};
///
/// let event = EventBuf::from(Event::new("hello"));
/// assert_eq!(event.data(), "hello");
/// assert_eq!(event, Event::new("hello"));
/// ```
#[derive(Clone)]
pub struct EventBuf {
    /// The data, the event type and the ID of the block, among other text of it.
    text: SharedStr,
    data: Part,
    /// [`Part::NONE`] if the block has no such field.
    event_type: Part,
    /// As `event_type`.
    id: Part,
    /// The last event ID, if this block did not set it.
    last_event_id: LastEventId,
    retry: Option<u64>,
}

/// A part of a text.
#[derive(Clone, Copy)]
struct Part {
    start: usize,
    end: usize,
}

impl Part {
    /// No part. The empty part starts and ends at the same place.
    const NONE: Self = Self { start: 1, end: 0 };

    #[inline]
    fn new(range: Option<Range<usize>>) -> Self {
        range.map_or(Self::NONE, |Range { start, end }| Self { start, end })
    }

    #[inline]
    fn is_none(self) -> bool {
        self.start > self.end
    }

    #[inline]
    fn of(self, text: &SharedStr) -> Option<&str> {
        (!self.is_none()).then(|| text.get(self.start..self.end))
    }
}

impl EventBuf {
    /// Creates an event out of a text that has all of its values.
    #[inline]
    pub(crate) fn new(
        text: SharedStr,
        data: Range<usize>,
        event_type: Option<Range<usize>>,
        id: Option<Range<usize>>,
        retry: Option<u64>,
    ) -> Self {
        let data = Part { start: data.start, end: data.end };
        let (event_type, id) = (Part::new(event_type), Part::new(id));
        Self { text, data, event_type, id, last_event_id: LastEventId::NONE, retry }
    }

    /// Shares the last event ID, unless the event has an ID of its own.
    #[inline]
    pub(crate) fn with_last_event_id(mut self, last_event_id: &LastEventId) -> Self {
        if self.id.is_none() {
            self.last_event_id = last_event_id.clone();
        }
        self
    }

    /// Creates an event with data that is owned already, and the type, ID and reconnection time of
    /// `event`, in one text.
    pub(crate) fn with_data(data: String, event: Event<'_>) -> Self {
        let mut text = data;
        let data = 0..text.len();
        let mut append = |value: Option<&str>| {
            let value = value?;
            let start = text.len();
            text.push_str(value);
            Some(start..text.len())
        };
        let (event_type, id) = (append(event.event_type), append(event.id()));
        Self::new(text.into(), data, event_type, id, event.retry)
    }

    /// Copies an event, but for a last event ID that is not its own.
    #[inline]
    pub(crate) fn copy(event: Event<'_>) -> Self {
        let others = event.event_type.map_or(0, str::len) + event.id().map_or(0, str::len);
        let mut data = String::with_capacity(event.data.len() + others);
        data.push_str(event.data);
        Self::with_data(data, event)
    }

    /// Returns the event, borrowed.
    ///
    /// ```
    /// use sse_wire::{Encoder, Event, EventBuf};
    ///
    /// let kept = EventBuf::from(Event::new("a"));
    /// let mut encoder = Encoder::new();
    /// encoder.event(kept.as_event());
    /// assert_eq!(encoder.as_bytes(), b"data: a\n\n");
    /// assert_eq!(kept.into_data(), "a");
    /// ```
    #[inline]
    #[must_use]
    pub fn as_event(&self) -> Event<'_> {
        let id = self.id.of(&self.text);
        Event {
            data: self.data(),
            event_type: self.event_type.of(&self.text),
            last_event_id: id.unwrap_or_else(|| self.last_event_id.as_str()),
            sets_id: id.is_some(),
            retry: self.retry,
        }
    }

    /// Returns the data. See [`Event::data`].
    #[inline]
    #[must_use]
    pub fn data(&self) -> &str {
        self.text.get(self.data.start..self.data.end)
    }

    /// Returns the event type. See [`Event::event_type`].
    #[inline]
    #[must_use]
    pub fn event_type(&self) -> &str {
        self.as_event().event_type()
    }

    /// Returns the `event` field. See [`Event::event_field`].
    #[inline]
    #[must_use]
    pub fn event_field(&self) -> Option<&str> {
        self.as_event().event_field()
    }

    /// Returns the `id` field of the event's own block. See [`Event::id`].
    #[inline]
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.as_event().id()
    }

    /// Returns the last event ID when the event was dispatched. See [`Event::last_event_id`].
    #[inline]
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        self.as_event().last_event_id()
    }

    /// Returns the reconnection time of the event's own block. See [`Event::retry`].
    #[inline]
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        self.as_event().retry()
    }

    /// Copies the text out of the chunk that it came in, so that it no longer keeps that alive.
    ///
    /// Worth it for an event that is kept long, out of a chunk that is large.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use sse_wire::Decoder;
    ///
    /// let chunk = Bytes::from("data: kept\n\n".to_owned());
    /// let mut decoder = Decoder::new();
    /// let event = decoder.feed_bytes(chunk.clone()).next().expect("an event")?;
    /// assert!(!chunk.is_unique());
    /// let event = event.detach();
    /// assert!(chunk.is_unique());
    /// assert_eq!(event.data(), "kept");
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    #[must_use]
    pub fn detach(self) -> Self {
        Self::copy(self.as_event()).with_last_event_id(&self.last_event_id)
    }

    /// Returns the data alone, copied if it is not all of the text.
    #[must_use]
    pub fn into_data(self) -> String {
        self.data().into()
    }
}

impl From<Event<'_>> for EventBuf {
    fn from(event: Event<'_>) -> Self {
        Self::copy(event).with_last_event_id(&LastEventId::new(event.last_event_id))
    }
}

impl<'a> From<&'a EventBuf> for Event<'a> {
    fn from(event: &'a EventBuf) -> Self {
        event.as_event()
    }
}

impl fmt::Debug for EventBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_event().fmt(f)
    }
}

impl PartialEq for EventBuf {
    fn eq(&self, other: &Self) -> bool {
        self.as_event() == other.as_event()
    }
}

impl Eq for EventBuf {}

impl Hash for EventBuf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_event().hash(state);
    }
}

impl PartialEq<Event<'_>> for EventBuf {
    fn eq(&self, other: &Event<'_>) -> bool {
        self.as_event() == *other
    }
}

impl PartialEq<EventBuf> for Event<'_> {
    fn eq(&self, other: &EventBuf) -> bool {
        *self == other.as_event()
    }
}
