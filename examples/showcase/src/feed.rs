//! One log for all channels and rooms, so that one last event ID tells a client's place in all.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::Stream;
use sse_wire::{Encoder, Event, EventType, Frame, ReplayLog};
use tokio::sync::watch;

use crate::streams::LastEventId;

/// Tells a client that it has everything that it missed. What follows is live.
const HELLO: EventType<'_> = EventType::from_static("hello");

/// How long clients wait before they reconnect.
const RETRY: Duration = Duration::from_secs(1);

/// Whichever is reached first. A client that was away for longer is told so.
const MAX_EVENTS: usize = 1000;
const MAX_BYTES: usize = 4 << 20;

/// After so many events that were not for a client, it is told the ID of the last one. Otherwise its
/// own last ID would grow too old for the log.
const SKIPPED: u32 = 100;

#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    Channel(&'static str),
    Room(Arc<str>),
    User(Arc<str>),
}

/// Lock and signal in one: whoever follows the log sees when it changes.
#[derive(Clone)]
pub struct Feed(watch::Sender<ReplayLog<Topic>>);

impl Feed {
    pub fn new() -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Each run of the server has another epoch, so an ID of an earlier run is recognized.
        let epoch = started.as_millis().try_into().unwrap_or_default();
        let log =
            ReplayLog::with_topics(epoch).with_max_events(MAX_EVENTS).with_max_bytes(MAX_BYTES);
        Self(watch::Sender::new(log))
    }

    /// Sends an event to everyone who wants the topic. Returns its ID.
    pub fn publish(&self, topic: Topic, event: Event<'_>) -> String {
        let mut id = String::new();
        self.0.send_modify(|log| {
            log.push_on(topic, event);
            id = log.newest().to_string();
        });
        id
    }

    /// Returns what came after the client's last event, and then all that comes, each event once and
    /// in order.
    ///
    /// A client that reads slowly holds one frame. If it falls behind by more than the log, it is told.
    pub fn follow<W>(
        &self,
        last_id: &LastEventId,
        wants: W,
    ) -> impl Stream<Item = Frame> + Send + use<W>
    where
        W: Fn(&Topic) -> bool + Send,
    {
        let mut log = self.0.subscribe();
        let mut cursor = log.borrow().attach(last_id.as_str());
        async_stream::stream! {
            let mut retry = Encoder::new();
            retry.retry(RETRY);
            yield retry.take();
            let mut is_live = false;
            let mut skipped = 0;
            loop {
                let next = cursor.next_frame_on(&log.borrow_and_update(), |topic| {
                    let is_wanted = wants(topic);
                    skipped += u32::from(!is_wanted);
                    is_wanted
                });
                match next {
                    Ok(Some(frame)) => {
                        skipped = 0;
                        yield frame;
                    }
                    Err(gap) => yield gap.into(),
                    Ok(None) if !is_live => {
                        is_live = true;
                        yield Event::new("").with_event_type(HELLO).into();
                    }
                    Ok(None) => {
                        if skipped >= SKIPPED {
                            skipped = 0;
                            if let Some(place) = cursor.place_frame() {
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
}
