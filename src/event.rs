//! Events, borrowed and owned.

use alloc::string::String;
use core::{fmt, time::Duration};

use crate::value::{EventId, EventType};

/// The type of an event that names none.
const MESSAGE: &str = "message";

/// An event, borrowed from where its text is.
///
/// A decoder lends them out of the chunk that was fed, and the same type is what one encodes:
///
/// ```
/// use sse_wire::{Encoder, Event, EventId, EventType};
///
/// let event = Event::new(r#"{"text":"你好"}"#)
///     .with_type(EventType::from_static("token"))
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
    /// An event with this data, of type `message`, without ID.
    ///
    /// The data may hold line ends. On the wire each of its lines is a field of its own, and the
    /// receiver joins them with LF, so a CR or CRLF in the data arrives as LF.
    #[must_use]
    pub const fn new(data: &'a str) -> Self {
        Self { data, event_type: None, last_event_id: "", sets_id: false, retry: None }
    }

    /// The same with other data.
    #[must_use]
    pub const fn with_data(self, data: &'a str) -> Self {
        Self { data, ..self }
    }

    /// The same with this event type.
    #[must_use]
    pub const fn with_type(self, event_type: EventType<'a>) -> Self {
        Self { event_type: Some(event_type.as_str()), ..self }
    }

    /// The same, which sets the last event ID; an empty one resets it.
    #[must_use]
    pub const fn with_id(self, id: EventId<'a>) -> Self {
        Self { last_event_id: id.as_str(), sets_id: true, ..self }
    }

    /// The same, which sets the reconnection time.
    ///
    /// The wire knows whole milliseconds: what is less is cut off, and 584 million years are the
    /// most.
    #[must_use]
    pub const fn with_retry(self, retry: Duration) -> Self {
        Self { retry: Some(millis(retry)), ..self }
    }

    /// The data: the values of all `data` fields, joined with LF.
    #[must_use]
    pub const fn data(&self) -> &'a str {
        self.data
    }

    /// The event type: the `event` field, or `message` if there is none or it is empty.
    #[must_use]
    pub const fn event_type(&self) -> &'a str {
        match self.event_type {
            Some(event_type) if !event_type.is_empty() => event_type,
            _ => MESSAGE,
        }
    }

    /// The `event` field as it was given, the last one if there are several.
    #[must_use]
    pub const fn event_field(&self) -> Option<&'a str> {
        self.event_type
    }

    /// The `id` field of this event's own block, the last one without NUL if there are several.
    ///
    /// `Some("")` resets the last event ID; `None` leaves it.
    #[must_use]
    pub const fn id(&self) -> Option<&'a str> {
        if self.sets_id { Some(self.last_event_id) } else { None }
    }

    /// The last event ID when this event was dispatched, which may come from an earlier block;
    /// empty if there is none.
    #[must_use]
    pub const fn last_event_id(&self) -> &'a str {
        self.last_event_id
    }

    /// The reconnection time that this event's own block set.
    #[must_use]
    pub const fn retry(&self) -> Option<Duration> {
        match self.retry {
            Some(millis) => Some(Duration::from_millis(millis)),
            None => None,
        }
    }

    /// An owned copy.
    #[must_use]
    pub fn to_buf(&self) -> EventBuf {
        EventBuf::from(*self)
    }
}

/// Whole milliseconds, at most `u64::MAX`.
pub(crate) const fn millis(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1000).saturating_add(duration.subsec_millis() as u64)
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("event_type", &self.event_type())
            .field("data", &Shortened(self.data))
            .field("id", &self.id())
            .field("last_event_id", &self.last_event_id)
            .field("retry", &self.retry())
            .finish()
    }
}

/// A string whose debug form stays readable in a log: the first 200 bytes, and how many there are.
struct Shortened<'a>(&'a str);

impl fmt::Debug for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = start_of(self.0);
        if start.len() == self.0.len() {
            return fmt::Debug::fmt(self.0, f);
        }
        write!(f, "{start:?}.. ({} bytes)", self.0.len())
    }
}

/// What a text begins with: whole characters, at most 200 bytes of them.
pub(crate) fn start_of(text: &str) -> &str {
    let most = text.len().min(200);
    let end = (0..=most).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}

/// An event that owns its text: `'static`, `Send`, in one allocation.
///
/// Read it through [`as_event`](Self::as_event) or the methods of the same names.
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
    /// The data, the event type and the last event ID, one behind the other.
    text: String,
    data_end: usize,
    type_end: usize,
    has_type: bool,
    sets_id: bool,
    retry: Option<u64>,
}

impl EventBuf {
    /// Makes an owned event out of one whose data is already owned.
    #[inline]
    pub(crate) fn with_data(data: String, event: Event<'_>) -> Self {
        let event_type = event.event_type.unwrap_or_default();
        let mut text = data;
        let data_end = text.len();
        // Most events have neither, and even to copy nothing takes a call.
        if !event_type.is_empty() || !event.last_event_id.is_empty() {
            text.reserve_exact(event_type.len() + event.last_event_id.len());
            text.push_str(event_type);
            text.push_str(event.last_event_id);
        }
        Self {
            text,
            data_end,
            type_end: data_end + event_type.len(),
            has_type: event.event_type.is_some(),
            sets_id: event.sets_id,
            retry: event.retry,
        }
    }

    /// The event, borrowed.
    #[inline]
    #[must_use]
    pub fn as_event(&self) -> Event<'_> {
        let (text, last_event_id) = self.text.split_at(self.type_end);
        let (data, event_type) = text.split_at(self.data_end);
        Event {
            data,
            event_type: self.has_type.then_some(event_type),
            last_event_id,
            sets_id: self.sets_id,
            retry: self.retry,
        }
    }

    /// See [`Event::data`].
    #[inline]
    #[must_use]
    pub fn data(&self) -> &str {
        &self.text[..self.data_end]
    }

    /// See [`Event::event_type`].
    #[inline]
    #[must_use]
    pub fn event_type(&self) -> &str {
        self.as_event().event_type()
    }

    /// See [`Event::event_field`].
    #[inline]
    #[must_use]
    pub fn event_field(&self) -> Option<&str> {
        self.as_event().event_field()
    }

    /// See [`Event::id`].
    #[inline]
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.as_event().id()
    }

    /// See [`Event::last_event_id`].
    #[inline]
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        self.as_event().last_event_id()
    }

    /// See [`Event::retry`].
    #[inline]
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        self.as_event().retry()
    }

    /// The data alone, without copying it.
    #[must_use]
    pub fn into_data(mut self) -> String {
        self.text.truncate(self.data_end);
        self.text
    }
}

impl From<Event<'_>> for EventBuf {
    #[inline]
    fn from(event: Event<'_>) -> Self {
        let others = event.event_type.map_or(0, str::len) + event.last_event_id.len();
        let mut data = String::with_capacity(event.data.len() + others);
        data.push_str(event.data);
        Self::with_data(data, event)
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
