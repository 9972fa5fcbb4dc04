//! Keeps one log for all channels and rooms, so that one last event ID is a client's place in all
//! of them.
//!
//! The log is in this process or in Redis (`shared.rs`). Clients read both in the same way, from
//! memory.

use std::{
    collections::HashMap,
    fmt, io,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures_util::{Stream, StreamExt};
use serde_json::Value;
use sse_wire::{Event, EventType, Frame, ReplayCursor, ReplayLog};
use tokio::sync::watch;

use crate::{
    shared::Shared,
    streams::{LastEventId, Streams},
};

/// The type of the event after the last one that the client missed. What follows is live.
const HELLO: EventType<'_> = EventType::from_static("hello");

/// The bounds of the log; the one that is reached first applies. A client that was away for longer
/// gets a `gap` event.
pub const MAX_EVENTS: usize = 1000;
pub const MAX_BYTES: usize = 4 << 20;

/// The number of other topics' events after which a client gets the ID of the last one. Without it,
/// the client's own last event ID would grow too old for the log.
const SKIPPED: u32 = 100;

/// The subject of an event: its kind, a slash, and a name. No kind contains a slash, so no name can
/// imitate another topic.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Topic(Arc<str>);

impl Topic {
    pub fn channel(name: &str) -> Self {
        Self(format!("channel/{name}").into())
    }

    pub fn room(name: &str) -> Self {
        Self(format!("room/{name}").into())
    }

    pub fn user(name: &str) -> Self {
        Self(format!("user/{name}").into())
    }

    /// Reads the text that [`as_str`](Self::as_str) returned.
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The error when the log does not answer.
#[derive(Debug)]
pub struct Unavailable;

impl IntoResponse for Unavailable {
    fn into_response(self) -> Response {
        let message = "the log does not answer, so this may not have been sent; try again";
        (StatusCode::SERVICE_UNAVAILABLE, message).into_response()
    }
}

/// The last events of a log, in memory, as its readers see them.
pub trait Log: Send + Sync + 'static {
    /// The place of a reader.
    type Cursor: Send + 'static;

    /// Returns the place after the event with this ID. Without an ID, returns the end of the log.
    fn attach(&self, last_id: &str) -> Self::Cursor;

    /// Returns the next event on a topic that the reader wants, or `None` at the end. If the log no
    /// longer has some events, returns an event that reports the gap.
    fn next_frame(
        &self,
        cursor: &mut Self::Cursor,
        wants: impl FnMut(&Topic) -> bool,
    ) -> Option<Frame>;

    /// Returns a block that sets the reader's last event ID to its place.
    fn place_frame(cursor: &Self::Cursor) -> Option<Frame>;
}

#[derive(Clone)]
pub struct Feed {
    store: Store,
    streams: Streams,
}

/// A log, and a signal for each change to it.
#[derive(Clone)]
enum Store {
    Memory(watch::Sender<Memory>),
    Shared(Shared),
}

impl Feed {
    /// Keeps the log in memory.
    pub fn in_memory(streams: Streams) -> Self {
        Self { store: Store::Memory(watch::Sender::new(Memory::new())), streams }
    }

    /// Keeps the log in Redis.
    pub async fn in_redis(url: &str, streams: Streams) -> io::Result<Self> {
        let shared = Shared::connect(url).await.map_err(io::Error::other)?;
        Ok(Self { store: Store::Shared(shared), streams })
    }

    /// Sends an event to everyone who wants the topic. Returns its ID.
    pub async fn publish(&self, topic: Topic, event: Event<'_>) -> Result<String, Unavailable> {
        match &self.store {
            Store::Memory(log) => Ok(change(log, |log| log.push(topic, event))),
            Store::Shared(shared) => shared.publish(&topic, event).await,
        }
    }

    /// Sends an event whose data contains its number within the topic. Clients can count what they
    /// missed by it, whatever else is in the log.
    ///
    /// Use it for few topics: the count of each is never dropped.
    pub async fn publish_numbered(
        &self,
        topic: Topic,
        event_type: EventType<'_>,
        data: &Value,
    ) -> Result<String, Unavailable> {
        match &self.store {
            Store::Memory(log) => {
                Ok(change(log, |log| log.push_numbered(topic, event_type, &data.to_string())))
            }
            Store::Shared(shared) => {
                shared.publish_numbered(&topic, event_type, &data.to_string()).await
            }
        }
    }

    /// Returns the events after the client's last one, and then all new ones, each once and in
    /// order.
    ///
    /// A slow client holds a single frame in memory. If it falls behind the whole log, it gets a
    /// `gap` event.
    pub fn follow<W>(
        &self,
        last_id: &LastEventId,
        wants: W,
    ) -> impl Stream<Item = Frame> + Send + use<W>
    where
        W: Fn(&Topic) -> bool + Send,
    {
        let retry = self.streams.retry();
        match &self.store {
            Store::Memory(log) => {
                let cursor = log.borrow().attach(last_id.as_str());
                follow(retry, async {}, log.subscribe(), cursor, wants).left_stream()
            }
            Store::Shared(shared) => {
                let log = shared.subscribe();
                let cursor = log.borrow().attach(last_id.as_str());
                let caught_up = shared.clone().caught_up_to(&cursor);
                follow(retry, caught_up, log, cursor, wants).right_stream()
            }
        }
    }
}

fn change<T>(log: &watch::Sender<Memory>, push: impl FnOnce(&mut Memory) -> T) -> T {
    let mut pushed = None;
    log.send_modify(|log| pushed = Some(push(log)));
    pushed.expect("it was called")
}

fn follow<L: Log>(
    retry: Frame,
    ready: impl Future<Output = ()> + Send,
    mut log: watch::Receiver<L>,
    mut cursor: L::Cursor,
    wants: impl Fn(&Topic) -> bool + Send,
) -> impl Stream<Item = Frame> + Send {
    async_stream::stream! {
        yield retry;
        ready.await;
        let mut is_live = false;
        let mut skipped = 0;
        loop {
            let next = log.borrow_and_update().next_frame(&mut cursor, |topic| {
                let is_wanted = wants(topic);
                skipped += u32::from(!is_wanted);
                is_wanted
            });
            match next {
                Some(frame) => {
                    skipped = 0;
                    yield frame;
                }
                None if !is_live => {
                    is_live = true;
                    yield Event::new("").with_event_type(HELLO).into();
                }
                None => {
                    if skipped >= SKIPPED {
                        skipped = 0;
                        if let Some(place) = L::place_frame(&cursor) {
                            yield place;
                        }
                    }
                    if log.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// Formats the data of a numbered event. Each run starts again from 1.
pub fn numbered(run: impl fmt::Display, number: u64, data: &str) -> String {
    format!(r#"{{"run":"{run}","number":{number},"data":{data}}}"#)
}

/// A log in the memory of this process. It ends with the process.
struct Memory {
    log: ReplayLog<Topic>,
    numbers: HashMap<Topic, u64>,
}

impl Memory {
    fn new() -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Each run of the server has another epoch, so the log recognizes IDs from an earlier run.
        let epoch = started.as_millis().try_into().unwrap_or_default();
        let log =
            ReplayLog::with_topics(epoch).with_max_events(MAX_EVENTS).with_max_bytes(MAX_BYTES);
        Self { log, numbers: HashMap::new() }
    }

    fn push(&mut self, topic: Topic, event: Event<'_>) -> String {
        self.log.push_on(topic, event);
        self.log.newest().to_string()
    }

    fn push_numbered(&mut self, topic: Topic, event_type: EventType<'_>, data: &str) -> String {
        let number = self.numbers.entry(topic.clone()).or_default();
        *number += 1;
        let data = numbered(self.log.newest().epoch(), *number, data);
        self.push(topic, Event::new(&data).with_event_type(event_type))
    }
}

impl Log for Memory {
    type Cursor = ReplayCursor;

    fn attach(&self, last_id: &str) -> ReplayCursor {
        self.log.attach(last_id)
    }

    fn next_frame(
        &self,
        cursor: &mut ReplayCursor,
        wants: impl FnMut(&Topic) -> bool,
    ) -> Option<Frame> {
        cursor.next_frame_on(&self.log, wants).unwrap_or_else(|gap| Some(gap.into()))
    }

    fn place_frame(cursor: &ReplayCursor) -> Option<Frame> {
        cursor.place_frame()
    }
}
