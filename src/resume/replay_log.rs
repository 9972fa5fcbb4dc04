//! The server's side: the last events, for receivers that come back.
//!
//! A receiver does not get two things, first what it missed and then what is live, which would have
//! to be joined. It has a place in the log, and reads from there on. At the end of the log it waits.
//! So there is no moment at which an event could fall between the two, or come out of both.

use alloc::{collections::VecDeque, string::ToString};
use core::{fmt, mem};

use thiserror::Error;

use crate::{
    encoder::{Encoder, Frame},
    event::Event,
    value::EventType,
};

/// Keeps the last events of a stream, so that receivers that were cut off can resume.
///
/// The log gives each event the next ID. A receiver that reconnects sends the last ID that it got in
/// the header `Last-Event-ID`. [`attach`](Self::attach) turns that into a [`ReplayCursor`], which
/// reads everything after it: first what was missed, and then each event that is pushed. If some of
/// it is lost, the cursor says so with a [`ReplayGap`].
///
/// ```
/// use sse_wire::{Event, GapReason, ReplayLog};
///
/// // The epoch: see below. The server starts anew with each run.
/// let mut log = ReplayLog::new(1_700_000_000_000).with_max_events(2);
/// log.push(Event::new("a"));
/// log.push(Event::new("b"));
///
/// // A receiver got "a" before it was cut off.
/// let mut cursor = log.attach("1700000000000-1");
/// let frame = cursor.next_frame(&log)?.expect("it missed an event");
/// assert_eq!(frame.as_bytes(), b"id: 1700000000000-2\ndata: b\n\n");
/// assert_eq!(cursor.next_frame(&log)?, None);
///
/// // It is connected again, so it reads what comes.
/// log.push(Event::new("c"));
/// let frame = cursor.next_frame(&log)?.expect("a new event");
/// assert_eq!(frame.as_bytes(), b"id: 1700000000000-3\ndata: c\n\n");
///
/// // Another one was away for too long: "b" is gone.
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
/// A log has no lock and wakes nobody. Put it behind a lock, and tell the receivers after each push
/// that there is something to read. Any signal will do that a receiver subscribes to before it
/// reads, and that it sees later if it comes in between. No order of locks has to be kept: all events
/// come out of the log. With `tokio::sync::broadcast`:
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
///     /// What the receiver missed, and then what comes.
///     fn subscribe(&self, last_event_id: &str) -> impl Stream<Item = Frame> {
///         let state = (self.news.subscribe(), self.log.lock().unwrap().attach(last_event_id));
///         stream::unfold(state, async move |(mut news, mut cursor)| {
///             loop {
///                 let next = cursor.next_frame(&self.log.lock().unwrap());
///                 // What it cannot get any more, it is told.
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
/// A `tokio::sync::watch::Sender<ReplayLog>` is lock and signal in one.
///
/// A receiver that reads slowly holds at most one frame beside the log. If it falls too far behind,
/// it is told of a gap like one that was away.
///
/// # IDs
///
/// An ID is `EPOCH-SEQUENCE`, two decimal numbers: see [`ReplayId`]. Each life of a log needs an
/// epoch of its own, so that an ID of an earlier life is not taken for one of this. Take the time at
/// which the server starts, in milliseconds since 1970, or a random number. Servers that have a log
/// each and share their clients need different epochs, so a random number is better there.
///
/// An ID that a pushed event has already is replaced. A receiver has only one last event ID, and the
/// log must find it again.
///
/// # Bounds
///
/// A log holds at most [1000 events](Self::with_max_events) and
/// [16 MiB](Self::with_max_bytes) if not set otherwise. It drops the oldest first.
///
/// An event that is larger than the bound on bytes is not held, and neither is anything before it:
/// receivers are told of a gap. Refuse such events before you push them, or allow for them.
///
/// # Topics
///
/// If not every receiver gets every event, push each event [with a topic](Self::push_on), of any
/// type: a name, a user, a set of rights. Cursors [choose by it](ReplayCursor::next_frame_on).
pub struct ReplayLog<T = ()> {
    epoch: u64,
    /// The sequence number of the newest event, which is the number of events so far.
    newest: u64,
    /// The events with the sequence numbers up to `newest`, without a hole between them.
    entries: VecDeque<Entry<T>>,
    /// The sum of their sizes.
    bytes: usize,
    max_events: usize,
    max_bytes: usize,
}

struct Entry<T> {
    topic: T,
    frame: Frame,
}

/// What [`bytes::Bytes`] allocates, beside the bytes, when it is shared.
const SHARED: usize = 4 * size_of::<usize>();

impl<T> Entry<T> {
    /// What the log holds for this event. It has room for at most twice as many entries as there are.
    fn size(&self) -> usize {
        self.frame.as_bytes().len() + SHARED + 2 * size_of::<Self>()
    }
}

/// Holds every receiver that was away for a minute at some 16 events a second.
const MAX_EVENTS: usize = 1000;

/// The block limit of a decoder, so that the log holds whatever its receivers accept.
const MAX_BYTES: usize = 16 << 20;

impl ReplayLog {
    /// Creates an empty log, for events without topics.
    ///
    /// The [epoch](Self#ids) must be another one than that of every earlier life of this log.
    #[must_use]
    pub fn new(epoch: u64) -> Self {
        Self::with_topics(epoch)
    }

    /// Appends an event with the next ID. Returns it encoded, as the cursors give it.
    ///
    /// The ID is [`newest`](Self::newest) then. An ID that the event has is replaced.
    pub fn push<'e>(&mut self, event: impl Into<Event<'e>>) -> Frame {
        self.push_on((), event)
    }
}

impl<T> ReplayLog<T> {
    /// Creates an empty log, for events with topics. See [`new`](Self::new).
    #[must_use]
    pub fn with_topics(epoch: u64) -> Self {
        let entries = VecDeque::new();
        let (max_events, max_bytes) = (MAX_EVENTS, MAX_BYTES);
        Self { epoch, newest: 0, entries, bytes: 0, max_events, max_bytes }
    }

    /// Sets how many events are held; 1000 if not set.
    #[must_use]
    pub fn with_max_events(mut self, max_events: usize) -> Self {
        self.max_events = max_events;
        self.make_room(0, 0);
        self
    }

    /// Sets how many bytes the log holds; 16 MiB if not set.
    ///
    /// This is memory, not only payload: the log counts some 100 bytes for each event beside its
    /// encoded form. It does not know what a topic holds elsewhere.
    #[must_use]
    pub fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self.make_room(0, 0);
        self
    }

    /// Appends an event on a topic, with the next ID. See [`push`](ReplayLog::push).
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

    /// Drops the oldest events until there is room for so many more, or none is left.
    ///
    /// Afterwards, the queue has room for one more entry, and for hardly more than twice as many as it
    /// has.
    fn make_room(&mut self, events: usize, bytes: usize) {
        let Self { entries, max_events, max_bytes, .. } = self;
        while entries.len() > max_events.saturating_sub(events)
            || self.bytes > max_bytes.saturating_sub(bytes)
        {
            let Some(oldest) = entries.pop_front() else { break };
            self.bytes -= oldest.size();
        }
        // It grows by a half, not by doubling, so that its size stays away from where it shrinks.
        if entries.len() == entries.capacity() {
            entries.reserve_exact(entries.len() / 2 + 4);
        } else if entries.capacity() > 2 * entries.len() + 8 {
            entries.shrink_to(entries.len() + entries.len() / 4 + 4);
        }
    }

    /// Returns the ID of the newest event. Its sequence number is 0 before the first one.
    #[must_use]
    pub fn newest(&self) -> ReplayId {
        ReplayId { epoch: self.epoch, sequence: self.newest }
    }

    /// Returns the place before the oldest event that is held.
    fn start(&self) -> ReplayId {
        ReplayId { sequence: self.newest - self.entries.len() as u64, ..self.newest() }
    }

    /// Returns how many events are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns `true` if no event is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns how many bytes the log holds, as [`with_max_bytes`](Self::with_max_bytes) counts them.
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

    /// Returns a cursor for a receiver with this last event ID, which is empty for a new one.
    ///
    /// The receiver gets what came after the event with that ID. If the log cannot tell what that is,
    /// the cursor's first answer is a [`ReplayGap`], and then come all events that the log holds. A
    /// new receiver gets the events that are pushed from now on.
    ///
    /// The ID comes from the remote side, so anything may stand there. Only what the log could have
    /// given out in this life is accepted, in the form in which it was. Any receiver can ask for all
    /// that the log holds, so attach only those that may see it.
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

    /// Does the same, but a new receiver gets first what the log holds.
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

/// The ID that a [`ReplayLog`] gives an event: `EPOCH-SEQUENCE`.
///
/// Both are decimal numbers without leading zeros. Sequence numbers count from 1.
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

    /// Returns how many events were pushed up to the one with this ID, itself included.
    #[must_use]
    pub fn sequence(self) -> u64 {
        self.sequence
    }

    /// Reads an ID as [`Display`](fmt::Display) writes it, and nothing else.
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
        // Digits and a hyphen are an ID.
        encoder.event(Event { last_event_id: &id, sets_id: true, ..event });
        // The frame of a large event takes the buffer over, and would keep what it has to spare.
        encoder.buffer().shrink_to_fit();
        encoder.take()
    }
}

/// Reads digits without a sign or leading zeros, which `u64::from_str` would allow.
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

/// How far a receiver has read a [`ReplayLog`].
///
/// Made by [`ReplayLog::attach`]. The first frame for a new receiver is a block without an event,
/// which sets its last event ID. Without that, a receiver that is cut off before its first event
/// could not tell where it was, and would lose what comes until it is back.
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
    /// The last event that the receiver has, or was told that it missed.
    at: ReplayId,
    answer: Answer,
}

/// What a cursor gives next.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// The receiver's own place.
    Place,
    Gap(GapReason),
    Events,
}

impl ReplayCursor {
    /// Returns the next frame for the receiver; `None` if it has all that was pushed.
    ///
    /// The log must be the one that the cursor is attached to. With a log of another epoch, the
    /// receiver gets a gap, and then all that this log holds.
    ///
    /// # Errors
    ///
    /// If the log does not hold what comes next, returns a [`ReplayGap`] once. The cursor then goes on
    /// with the oldest event that the log holds.
    pub fn next_frame<T>(&mut self, log: &ReplayLog<T>) -> Result<Option<Frame>, ReplayGap> {
        self.next_frame_on(log, |_| true)
    }

    /// Does the same, but skips events on topics that the receiver does not want.
    ///
    /// A receiver does not learn the IDs of skipped events. After many of them, its own last one may
    /// be too old, and when it comes back it is told of a gap in which there was nothing for it. To
    /// keep it up to date, send its [place](Self::place_frame) now and then.
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
    /// As [`next_frame`](Self::next_frame). A gap counts the events on all topics.
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

    /// Returns a block without an event that sets the receiver's last event ID to how far it has read;
    /// `None` while the receiver is to be told of a gap first.
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
        // With this ID, a receiver that is cut off would not be told any more.
        let is_lost = matches!(self.answer, Answer::Gap(_));
        (!is_lost).then(|| self.at.place_frame())
    }
}

/// A receiver may have missed events that the log does not hold.
///
/// Tell the receiver, so that it can load anew what the events would have told it. Otherwise they are
/// lost silently. `Frame::from` of a gap is an event for that, of the type `gap`, and
/// [`frame`](Self::frame) makes one of your own. Both have the ID from which the cursor goes on. So
/// a receiver that is cut off after it knows of the gap resumes there, and one that is cut off before
/// it is told again.
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

/// Why a log does not know all events after a last event ID.
///
/// An example: [`ReplayLog`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum GapReason {
    /// The log does not hold them any more.
    #[error("events after the last event ID that are not held any more: {missed}")]
    TooOld {
        /// How many there are, on all topics.
        missed: u64,
    },
    /// The ID is of another epoch: the server was started anew, or is another one.
    #[error("the last event ID is of another epoch")]
    OtherEpoch,
    /// The log never gave such an ID to an event.
    #[error("the last event ID is unknown")]
    Unknown,
}

impl ReplayGap {
    /// The type of the event that `Frame::from` makes of a gap.
    pub const EVENT_TYPE: EventType<'static> = EventType::from_static("gap");

    /// Returns why there is a gap.
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

    /// Returns the place from which the cursor goes on.
    #[must_use]
    pub fn id(self) -> ReplayId {
        self.id
    }

    /// Encodes an event that tells the receiver of the gap, with the [ID](Self::id) from which the
    /// cursor goes on.
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

/// An event of the type `gap`, with the reason as its data.
impl From<ReplayGap> for Frame {
    fn from(gap: ReplayGap) -> Self {
        let reason = gap.to_string();
        gap.frame(Event::new(&reason).with_event_type(ReplayGap::EVENT_TYPE))
    }
}
