//! The replay log of a server, which keeps the last events for receivers that reconnect.
//!
//! A receiver does not read missed events from one source and live events from another. It has one
//! position in the log, reads on from there, and waits at the end of the log. So no event can be
//! lost or duplicated in the transition from missed to live events.

use alloc::{collections::VecDeque, string::ToString};
use core::{fmt, mem};

use thiserror::Error;

use crate::{
    encoder::{Encoder, Frame},
    event::Event,
    value::EventType,
};

/// Keeps the last events of a stream, so that receivers can resume after a disconnect.
///
/// The log assigns consecutive IDs to the events. A receiver that reconnects sends the last ID that
/// it got in the `Last-Event-ID` header. [`attach`](Self::attach) turns that into a
/// [`ReplayCursor`], which reads everything after that event: first the missed events, and then
/// each event that is pushed. If some of them are lost, the cursor reports a [`ReplayGap`].
///
/// ```
/// use sse_wire::{Event, GapReason, ReplayLog};
///
/// // The epoch, explained below, differs for each run of the server.
/// let mut log = ReplayLog::new(1_700_000_000_000).with_max_events(2);
/// log.push(Event::new("a"));
/// log.push(Event::new("b"));
///
/// // A receiver got "a" before it was disconnected.
/// let mut cursor = log.attach("1700000000000-1");
/// let frame = cursor.next_frame(&log)?.expect("it missed an event");
/// assert_eq!(frame.as_bytes(), b"id: 1700000000000-2\ndata: b\n\n");
/// assert_eq!(cursor.next_frame(&log)?, None);
///
/// // It is connected again, so it reads the new events.
/// log.push(Event::new("c"));
/// let frame = cursor.next_frame(&log)?.expect("a new event");
/// assert_eq!(frame.as_bytes(), b"id: 1700000000000-3\ndata: c\n\n");
///
/// // Another receiver was away for too long: "b" is gone.
/// log.push(Event::new("d"));
/// let mut cursor = log.attach("1700000000000-1");
/// let gap = cursor.next_frame(&log).expect_err("it missed more than the log holds");
/// assert_eq!(gap.reason(), GapReason::TooOld { missed: 1 });
/// let frame = cursor.next_frame(&log)?.expect("what the log still holds");
/// assert_eq!(frame.as_bytes(), b"id: 1700000000000-3\ndata: c\n\n");
/// # Ok::<_, sse_wire::ReplayGap>(())
/// ```
///
/// # Many receivers
///
/// A log has no lock and wakes no task. Put it behind a lock, and signal the receivers after each
/// push. Any kind of signal works that a receiver can subscribe to before it reads, and that is not
/// lost if it arrives while the receiver reads. The signal carries no data, because receivers read
/// every event from the log. With `tokio::sync::broadcast`:
///
/// ```
/// use std::sync::Mutex;
///
/// use futures_util::{Stream, StreamExt, stream};
/// use sse_wire::{Event, Frame, ReplayLog};
/// use tokio::sync::broadcast::{self, error::RecvError};
///
/// struct Feed {
///     log: Mutex<ReplayLog>,
///     news: broadcast::Sender<()>,
/// }
///
/// impl Feed {
///     fn publish(&self, event: Event<'_>) {
///         self.log.lock().unwrap().push(event);
///         _ = self.news.send(());
///     }
///
///     /// Returns the missed events, and then the new ones.
///     fn subscribe(&self, last_event_id: &str) -> impl Stream<Item = Frame> {
///         let state = (self.news.subscribe(), self.log.lock().unwrap().attach(last_event_id));
///         stream::unfold(state, async move |(mut news, mut cursor)| {
///             loop {
///                 let next = cursor.next_frame(&self.log.lock().unwrap());
///                 // A gap is sent as an event, too.
///                 if let Some(frame) = next.unwrap_or_else(|gap| Some(gap.into())) {
///                     return Some((frame, (news, cursor)));
///                 }
///                 if let Err(RecvError::Closed) = news.recv().await {
///                     return None;
///                 }
///             }
///         })
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let feed = Feed { log: Mutex::new(ReplayLog::new(5)), news: broadcast::Sender::new(1) };
/// feed.publish(Event::new("a"));
/// feed.publish(Event::new("b"));
/// let mut frames = std::pin::pin!(feed.subscribe("5-1"));
/// assert_eq!(frames.next().await.unwrap().as_bytes(), b"id: 5-2\ndata: b\n\n");
/// feed.publish(Event::new("c"));
/// assert_eq!(frames.next().await.unwrap().as_bytes(), b"id: 5-3\ndata: c\n\n");
/// # });
/// ```
///
/// A `tokio::sync::watch::Sender<ReplayLog>` is a lock and a signal in one.
///
/// A slow receiver holds at most one frame of its own. If it falls too far behind, its cursor
/// reports a gap, as it does for a receiver that was away.
///
/// # IDs
///
/// An ID has the form `EPOCH-SEQUENCE`, with two decimal numbers: see [`ReplayId`]. Each run of a
/// log needs a different epoch, so that the IDs of an earlier run are recognized. Use the time at
/// which the server starts, in milliseconds since 1970, or a random number. If several servers with
/// a log each serve the same clients, their epochs must differ as well, so use a random number.
///
/// The log replaces the ID of a pushed event, because a receiver has only one last event ID, and
/// the log must recognize it.
///
/// # Bounds
///
/// By default, a log holds at most [1000 events](Self::with_max_events) and [16
/// MiB](Self::with_max_bytes). It drops the oldest events first.
///
/// The log does not keep an event that is larger than the bound on bytes, and drops all events
/// before it, so receivers get a gap. Reject such events before you push them, or raise the bound.
///
/// # Topics
///
/// If receivers get different events, push each event [with a topic](Self::push_on) of any type: a
/// name, a user, a set of permissions. Cursors [select events by
/// topic](ReplayCursor::next_frame_on).
pub struct ReplayLog<T = ()> {
    epoch: u64,
    /// The sequence number of the newest event, which is the number of events so far.
    newest: u64,
    /// The last events, with consecutive sequence numbers up to `newest`.
    entries: VecDeque<Entry<T>>,
    /// The sum of the sizes of the entries.
    bytes: usize,
    max_events: usize,
    max_bytes: usize,
}

struct Entry<T> {
    topic: T,
    frame: Frame,
}

/// The number of bytes that a shared [`bytes::Bytes`] allocates in addition to its content.
const SHARED: usize = 4 * size_of::<usize>();

impl<T> Entry<T> {
    /// Returns the memory that this event takes, in bytes. Counts the entry twice, because the
    /// queue has room for up to twice as many entries as it has.
    fn size(&self) -> usize {
        self.frame.as_bytes().len() + SHARED + 2 * size_of::<Self>()
    }
}

/// The default bound on events: enough to be away for a minute at some 16 events a second.
const MAX_EVENTS: usize = 1000;

/// The default bound on bytes: the block limit of a decoder, so that the log can hold every event
/// that receivers accept.
const MAX_BYTES: usize = 16 << 20;

impl ReplayLog {
    /// Creates an empty log for events without topics.
    ///
    /// The [epoch](Self#ids) must differ from that of every earlier run of this log.
    #[must_use]
    pub fn new(epoch: u64) -> Self {
        Self::with_topics(epoch)
    }

    /// Appends an event with the next ID, and returns it as the frame that cursors return.
    ///
    /// [`newest`](Self::newest) returns the ID afterwards. An ID of the event itself is replaced.
    pub fn push<'e>(&mut self, event: impl Into<Event<'e>>) -> Frame {
        self.push_on((), event)
    }
}

impl<T> ReplayLog<T> {
    /// Creates an empty log for events with topics. See [`new`](Self::new).
    #[must_use]
    pub fn with_topics(epoch: u64) -> Self {
        let entries = VecDeque::new();
        let (max_events, max_bytes) = (MAX_EVENTS, MAX_BYTES);
        Self { epoch, newest: 0, entries, bytes: 0, max_events, max_bytes }
    }

    /// Sets the maximum number of events to hold. The default is 1000.
    #[must_use]
    pub fn with_max_events(mut self, max_events: usize) -> Self {
        self.max_events = max_events;
        self.make_room(0, 0);
        self
    }

    /// Sets the maximum memory of the log, in bytes. The default is 16 MiB.
    ///
    /// This counts memory, not only payload: some 100 bytes for each event, in addition to its
    /// encoded form. Memory that a topic allocates is not counted.
    #[must_use]
    pub fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self.make_room(0, 0);
        self
    }

    /// Appends an event with a topic and the next ID. See [`push`](ReplayLog::push).
    pub fn push_on<'e>(&mut self, topic: T, event: impl Into<Event<'e>>) -> Frame {
        self.newest += 1;
        let frame = self.newest().frame(event.into());
        let entry = Entry { topic, frame: frame.clone() };
        let size = entry.size();
        self.make_room(1, size);
        if self.entries.len() < self.max_events && size <= self.max_bytes {
            self.bytes += size;
            self.entries.push_back(entry);
        }
        frame
    }

    /// Drops the oldest events until there is room for `events` and `bytes` more, or none is left.
    ///
    /// Afterwards, the queue has room for one more entry, and for hardly more than twice the number
    /// of its entries.
    fn make_room(&mut self, events: usize, bytes: usize) {
        let Self { entries, max_events, max_bytes, .. } = self;
        while entries.len() > max_events.saturating_sub(events)
            || self.bytes > max_bytes.saturating_sub(bytes)
        {
            let Some(oldest) = entries.pop_front() else { break };
            self.bytes -= oldest.size();
        }
        // The queue grows by half instead of doubling. After doubling, it would soon shrink again.
        if entries.len() == entries.capacity() {
            entries.reserve_exact(entries.len() / 2 + 4);
        } else if entries.capacity() > 2 * entries.len() + 8 {
            entries.shrink_to(entries.len() + entries.len() / 4 + 4);
        }
    }

    /// Returns the ID of the newest event. Before the first event, its sequence number is 0.
    #[must_use]
    pub fn newest(&self) -> ReplayId {
        ReplayId { epoch: self.epoch, sequence: self.newest }
    }

    /// Returns the position before the oldest event in the log.
    fn start(&self) -> ReplayId {
        ReplayId { sequence: self.newest - self.entries.len() as u64, ..self.newest() }
    }

    /// Returns the number of events in the log.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns `true` if the log contains no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the memory of the log in bytes, as [`with_max_bytes`](Self::with_max_bytes) counts
    /// it.
    ///
    /// ```
    /// use sse_wire::{Event, ReplayLog};
    ///
    /// let mut log = ReplayLog::new(7).with_max_bytes(64 * 1024);
    /// assert!(log.is_empty());
    /// log.push(Event::new("a"));
    /// assert_eq!((log.len(), log.newest().to_string()), (1, "7-1".to_owned()));
    /// assert!(log.held_bytes() <= 64 * 1024);
    /// ```
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.bytes
    }

    /// Returns a cursor for a receiver with this last event ID. Pass an empty ID for a new
    /// receiver.
    ///
    /// The receiver gets the events after the one with that ID. If the log does not have all of
    /// them, the cursor first reports a [`ReplayGap`], and then returns all events in the log. A
    /// new receiver gets the events that are pushed from now on.
    ///
    /// The ID comes from the remote side and may be any string. The log accepts only an ID that it
    /// could have assigned in this run, in exactly that form. A receiver can ask for everything in
    /// the log, so attach only receivers that may see it.
    ///
    /// ```
    /// use sse_wire::{Event, GapReason, ReplayLog};
    ///
    /// let mut log = ReplayLog::new(7);
    /// log.push(Event::new("a"));
    /// let reason = |id: &str| log.attach(id).next_frame(&log).err().map(|gap| gap.reason());
    /// assert_eq!(reason("7-1"), None);
    /// assert_eq!(reason("6-1"), Some(GapReason::OtherEpoch));
    /// assert_eq!(reason("7-2"), Some(GapReason::Unknown));
    /// assert_eq!(reason("7-01"), Some(GapReason::Unknown));
    /// ```
    #[must_use]
    pub fn attach(&self, last_event_id: &str) -> ReplayCursor {
        self.attach_at(last_event_id, self.newest())
    }

    /// Does the same as [`attach`](Self::attach), but a new receiver first gets the events in the
    /// log.
    ///
    /// ```
    /// use sse_wire::{Event, ReplayLog};
    ///
    /// let mut log = ReplayLog::new(7);
    /// log.push(Event::new("a"));
    /// let mut cursor = log.attach_with_history("");
    /// assert_eq!(cursor.next_frame(&log)?.expect("a place").as_bytes(), b"id: 7-0\n\n");
    /// let frame = cursor.next_frame(&log)?.expect("an event");
    /// assert_eq!(frame.as_bytes(), b"id: 7-1\ndata: a\n\n");
    /// # Ok::<_, sse_wire::ReplayGap>(())
    /// ```
    #[must_use]
    pub fn attach_with_history(&self, last_event_id: &str) -> ReplayCursor {
        self.attach_at(last_event_id, self.start())
    }

    fn attach_at(&self, last_event_id: &str, new: ReplayId) -> ReplayCursor {
        if last_event_id.is_empty() {
            return ReplayCursor { at: new, answer: Answer::Place };
        }
        let lost = |reason| ReplayCursor { at: self.start(), answer: Answer::Gap(reason) };
        match ReplayId::parse(last_event_id) {
            Some(at) if at.epoch != self.epoch => lost(GapReason::OtherEpoch),
            Some(at) if at.sequence <= self.newest => ReplayCursor { at, answer: Answer::Events },
            _ => lost(GapReason::Unknown),
        }
    }
}

impl<T> fmt::Debug for ReplayLog<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayLog")
            .field("newest", &self.newest())
            .field("len", &self.len())
            .field("held_bytes", &self.bytes)
            .field("max_events", &self.max_events)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}

/// The ID that a [`ReplayLog`] assigns to an event: `EPOCH-SEQUENCE`.
///
/// Both parts are decimal numbers without leading zeros. Sequence numbers start at 1.
///
/// ```
/// use sse_wire::{Event, ReplayLog};
///
/// let mut log = ReplayLog::new(12);
/// log.push(Event::new("a"));
/// assert_eq!(log.newest().to_string(), "12-1");
/// assert_eq!((log.newest().epoch(), log.newest().sequence()), (12, 1));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReplayId {
    epoch: u64,
    sequence: u64,
}

impl ReplayId {
    /// Returns the epoch of the log.
    #[must_use]
    pub fn epoch(self) -> u64 {
        self.epoch
    }

    /// Returns the sequence number: how many events were pushed up to and including this one.
    #[must_use]
    pub fn sequence(self) -> u64 {
        self.sequence
    }

    /// Parses an ID in exactly the form that [`Display`](fmt::Display) writes.
    fn parse(text: &str) -> Option<Self> {
        let (epoch, sequence) = text.split_once('-')?;
        Some(Self { epoch: parse_decimal(epoch)?, sequence: parse_decimal(sequence)? })
    }

    /// Encodes a block that sets the last event ID and dispatches no event.
    fn place_frame(self) -> Frame {
        let mut encoder = Encoder::new();
        let buffer = encoder.buffer();
        buffer.extend_from_slice(b"id: ");
        buffer.extend_from_slice(self.to_string().as_bytes());
        buffer.extend_from_slice(b"\n\n");
        encoder.take()
    }

    /// Encodes an event with this ID.
    fn frame(self, event: Event<'_>) -> Frame {
        let id = self.to_string();
        let mut encoder = Encoder::new();
        // Digits and a hyphen are always a valid ID.
        encoder.event(Event { last_event_id: &id, sets_id: true, ..event });
        // The frame of a large event takes over the buffer, with its spare capacity.
        encoder.buffer().shrink_to_fit();
        encoder.take()
    }
}

/// Parses digits without a sign or leading zeros, which `u64::from_str` would accept.
fn parse_decimal(text: &str) -> Option<u64> {
    let is_canonical = match text.as_bytes() {
        b"0" => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    is_canonical.then(|| text.parse().ok())?
}

impl fmt::Display for ReplayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.sequence)
    }
}

impl fmt::Debug for ReplayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplayId({self})")
    }
}

/// The position of a receiver in a [`ReplayLog`]. Created by [`ReplayLog::attach`].
///
/// The first frame for a new receiver is a block without data, which sets its last event ID.
/// Without it, a receiver that loses its connection before the first event would have no ID to
/// resume from, and would miss the events until it is back.
///
/// ```
/// use sse_wire::{Event, ReplayLog};
///
/// let mut log = ReplayLog::new(7);
/// log.push(Event::new("a"));
/// let mut cursor = log.attach("");
/// assert_eq!(cursor.next_frame(&log)?.expect("a place").as_bytes(), b"id: 7-1\n\n");
/// assert_eq!(cursor.next_frame(&log)?, None);
/// # Ok::<_, sse_wire::ReplayGap>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReplayCursor {
    /// The last event that the receiver got, or that a gap reported as missed.
    at: ReplayId,
    answer: Answer,
}

/// The next result of a cursor.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// A block that sets the receiver's last event ID.
    Place,
    Gap(GapReason),
    Events,
}

impl ReplayCursor {
    /// Returns the next frame for the receiver, or `None` if the receiver has every event so far.
    ///
    /// Pass the log that the cursor is attached to. With a log of another epoch, the cursor reports
    /// a gap, and then returns all events in that log.
    ///
    /// # Errors
    ///
    /// Returns a [`ReplayGap`] once if the log no longer has the next event. The cursor then
    /// continues with the oldest event in the log.
    pub fn next_frame<T>(&mut self, log: &ReplayLog<T>) -> Result<Option<Frame>, ReplayGap> {
        self.next_frame_on(log, |_| true)
    }

    /// Does the same as [`next_frame`](Self::next_frame), but returns only events with a wanted
    /// topic.
    ///
    /// A receiver does not learn the IDs of skipped events. After many of them, its last event ID
    /// may be too old for the log, and a reconnect reports a gap although the receiver missed
    /// nothing. To avoid that, send the [position](Self::place_frame) of the cursor now and then.
    ///
    /// ```
    /// use sse_wire::{Event, ReplayLog};
    ///
    /// let mut log = ReplayLog::with_topics(7);
    /// log.push_on("news", Event::new("a"));
    /// log.push_on("sport", Event::new("b"));
    /// let mut cursor = log.attach("7-0");
    /// let frame = cursor.next_frame_on(&log, |topic| *topic == "sport")?.expect("an event");
    /// assert_eq!(frame.as_bytes(), b"id: 7-2\ndata: b\n\n");
    /// # Ok::<_, sse_wire::ReplayGap>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`next_frame`](Self::next_frame). A gap counts the events of all
    /// topics.
    pub fn next_frame_on<T>(
        &mut self,
        log: &ReplayLog<T>,
        mut wanted: impl FnMut(&T) -> bool,
    ) -> Result<Option<Frame>, ReplayGap> {
        match mem::replace(&mut self.answer, Answer::Events) {
            Answer::Place => return Ok(Some(self.at.place_frame())),
            Answer::Gap(reason) => return Err(self.skip_to_start(log, reason)),
            Answer::Events => {}
        }
        if self.at.epoch != log.epoch {
            return Err(self.skip_to_start(log, GapReason::OtherEpoch));
        }
        let Some(unread) = log.newest.checked_sub(self.at.sequence) else {
            return Err(self.skip_to_start(log, GapReason::Unknown));
        };
        let held = log.entries.len();
        let Some(known) = usize::try_from(unread).ok().and_then(|unread| held.checked_sub(unread))
        else {
            let missed = unread - held as u64;
            return Err(self.skip_to_start(log, GapReason::TooOld { missed }));
        };
        for entry in log.entries.range(known..) {
            self.at.sequence += 1;
            if wanted(&entry.topic) {
                return Ok(Some(entry.frame.clone()));
            }
        }
        Ok(None)
    }

    #[cold]
    fn skip_to_start<T>(&mut self, log: &ReplayLog<T>, reason: GapReason) -> ReplayGap {
        self.at = log.start();
        ReplayGap { reason, id: self.at }
    }

    /// Returns a block without data that sets the receiver's last event ID to the position of the
    /// cursor, or `None` if the cursor has to report a gap first.
    ///
    /// ```
    /// use sse_wire::{Event, ReplayLog};
    ///
    /// let mut log = ReplayLog::with_topics(7);
    /// let mut cursor = log.attach("7-0");
    /// log.push_on("news", Event::new("a"));
    /// assert_eq!(cursor.next_frame_on(&log, |topic| *topic == "sport")?, None);
    /// assert_eq!(cursor.place_frame().expect("no gap").as_bytes(), b"id: 7-1\n\n");
    /// # Ok::<_, sse_wire::ReplayGap>(())
    /// ```
    #[must_use]
    pub fn place_frame(&self) -> Option<Frame> {
        // A receiver that resumes from this ID would never learn of the gap.
        let is_lost = matches!(self.answer, Answer::Gap(_));
        (!is_lost).then(|| self.at.place_frame())
    }
}

/// The error of a [`ReplayCursor`] whose receiver missed events that the log no longer has.
///
/// Tell the receiver, so that it can reload its state. `Frame::from` converts the gap to an event
/// of type `gap`, and [`frame`](Self::frame) encodes an event of your own. Both have the ID from
/// which the cursor continues. So a receiver that reconnects after it got this event resumes there,
/// and one that reconnects before learns of the gap again.
///
/// ```
/// use sse_wire::{Frame, ReplayLog};
///
/// let log = ReplayLog::new(7);
/// let gap = log.attach("6-3").next_frame(&log).unwrap_err();
/// assert_eq!(
///     Frame::from(gap).as_bytes(),
///     b"event: gap\nid: 7-0\ndata: the last event ID is of another epoch\n\n",
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("{reason}")]
pub struct ReplayGap {
    reason: GapReason,
    id: ReplayId,
}

/// The reason for a [`ReplayGap`].
///
/// See [`ReplayLog`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum GapReason {
    /// The log has dropped events after the last event ID.
    #[error("events after the last event ID that are not held any more: {missed}")]
    TooOld {
        /// The number of dropped events, on all topics.
        missed: u64,
    },
    /// The ID is from another epoch: the server has restarted, or it is another server.
    #[error("the last event ID is of another epoch")]
    OtherEpoch,
    /// The log has never assigned such an ID.
    #[error("the last event ID is unknown")]
    Unknown,
}

impl ReplayGap {
    /// The type of the event that `Frame::from` creates from a gap.
    pub const EVENT_TYPE: EventType<'static> = EventType::from_static("gap");

    /// Returns the reason for the gap.
    ///
    /// ```
    /// use sse_wire::{GapReason, ReplayGap, ReplayLog};
    ///
    /// let log = ReplayLog::new(7);
    /// let gap = log.attach("6-3").next_frame(&log).unwrap_err();
    /// assert_eq!(gap.reason(), GapReason::OtherEpoch);
    /// assert_eq!(gap.id().to_string(), "7-0");
    /// assert_eq!(ReplayGap::EVENT_TYPE.as_str(), "gap");
    /// ```
    #[must_use]
    pub fn reason(self) -> GapReason {
        self.reason
    }

    /// Returns the ID of the position from which the cursor continues.
    #[must_use]
    pub fn id(self) -> ReplayId {
        self.id
    }

    /// Encodes an event that reports the gap to the receiver, with the [ID](Self::id) from which the
    /// cursor continues.
    ///
    /// ```
    /// use sse_wire::{Event, EventType, ReplayLog};
    ///
    /// const RELOAD: EventType<'_> = EventType::from_static("reload");
    ///
    /// let log = ReplayLog::new(7);
    /// let gap = log.attach("6-3").next_frame(&log).unwrap_err();
    /// let frame = gap.frame(Event::new("/orders").with_event_type(RELOAD));
    /// assert_eq!(frame.as_bytes(), b"event: reload\nid: 7-0\ndata: /orders\n\n");
    /// ```
    #[must_use]
    pub fn frame<'e>(self, event: impl Into<Event<'e>>) -> Frame {
        self.id.frame(event.into())
    }
}

/// Encodes an event of type `gap`, with the reason as its data.
impl From<ReplayGap> for Frame {
    fn from(gap: ReplayGap) -> Self {
        let reason = gap.to_string();
        gap.frame(Event::new(&reason).with_event_type(ReplayGap::EVENT_TYPE))
    }
}
