//! Notifications that nobody misses: each has an ID, and a log keeps the last ones for those who
//! come back.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use sse_wire::{Encoder, Event, EventId, EventType, Frame};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{MissedTickBehavior, interval},
};

use crate::streams::{Cut, LastEventId, Streams, json_frame};

const HELLO: EventType<'_> = EventType::from_static("hello");
const GAP: EventType<'_> = EventType::from_static("gap");

/// What there is to hear of. The channel's name is the event type.
pub const CHANNELS: [&str; 2] = ["order", "system"];

/// So many are kept for those who come back. Who was away for longer is told so.
const LOG: usize = 1000;

/// So many may wait for a client that reads slowly. Then it is cut off; it will come back, and the
/// log knows what it missed.
const WAITING: usize = 64;

/// How long clients shall wait before they come back.
const RETRY: Duration = Duration::from_secs(1);

pub fn router(notifications: Notifications, streams: Streams) -> Router {
    Router::new()
        .route("/notifications", get(listen).post(publish))
        .route("/notifications/cut", post(cut))
        .with_state((notifications, streams))
}

#[derive(Deserialize)]
struct Listener {
    /// Which channels, with commas between them; all if not given.
    channels: Option<String>,
    /// The name by which the connection can be cut.
    #[serde(default)]
    client: String,
}

async fn listen(
    State((notifications, streams)): State<(Notifications, Streams)>,
    Query(Listener { channels, client }): Query<Listener>,
    last: LastEventId,
) -> Response {
    let channels: Vec<_> = match &channels {
        Some(names) => CHANNELS
            .into_iter()
            .filter(|&channel| names.split(',').any(|name| name == channel))
            .collect(),
        None => CHANNELS.to_vec(),
    };
    if channels.is_empty() {
        return (StatusCode::BAD_REQUEST, "channels are: order, system").into_response();
    }
    let cut = notifications.cut_of(client);
    let frames = notifications.subscribe(&last, channels).take_until(cut);
    // Frames end only because of a cut.
    streams.respond_until_cut(frames.chain(futures_util::stream::once(async { Err(Cut) })))
}

#[derive(Deserialize)]
struct Notification {
    channel: String,
    data: Value,
}

/// Lets others notify, too.
async fn publish(
    State((notifications, _)): State<(Notifications, Streams)>,
    Json(Notification { channel, data }): Json<Notification>,
) -> Response {
    let Some(&channel) = CHANNELS.iter().find(|&&name| name == channel) else {
        return (StatusCode::BAD_REQUEST, "channels are: order, system").into_response();
    };
    Json(json!({ "id": notifications.publish(channel, &data) })).into_response()
}

#[derive(Deserialize)]
struct Victim {
    client: String,
}

/// Breaks a client's connection, to show that nothing is lost.
async fn cut(
    State((notifications, _)): State<(Notifications, Streams)>,
    Query(Victim { client }): Query<Victim>,
) -> StatusCode {
    // An error means that nobody listens, so there is nothing to cut.
    _ = notifications.cuts.send(client);
    StatusCode::NO_CONTENT
}

#[derive(Clone)]
pub struct Notifications {
    log: Arc<Mutex<Log>>,
    /// Those who are here now hear it from here.
    news: broadcast::Sender<Entry>,
    /// Names of clients.
    cuts: broadcast::Sender<String>,
}

struct Log {
    /// IDs of another run of the server mean nothing to this one.
    run: String,
    last: u64,
    entries: VecDeque<Entry>,
}

/// Encoded once, for all who will ever get it.
#[derive(Clone)]
struct Entry {
    number: u64,
    channel: &'static str,
    frame: Frame,
}

impl Log {
    fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.run)
    }

    /// The number of the last event that a client has got, if this run of the server can tell.
    fn number(&self, id: &str) -> Option<u64> {
        let (run, number) = id.rsplit_once('-')?;
        let number = number.parse().ok()?;
        (run == self.run && number <= self.last).then_some(number)
    }
}

impl Notifications {
    pub fn new() -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let log =
            Log { run: format!("{:x}", started.as_millis()), last: 0, entries: VecDeque::new() };
        Self {
            log: Arc::new(Mutex::new(log)),
            news: broadcast::Sender::new(WAITING),
            cuts: broadcast::Sender::new(WAITING),
        }
    }

    /// Notifies all who listen to the channel. Gives the ID.
    fn publish(&self, channel: &'static str, data: &Value) -> String {
        let mut log = self.log.lock().expect("nobody panics here");
        log.last += 1;
        let id = log.id(log.last);
        let event = Event::new("")
            .with_event_type(EventType::from_static(channel))
            .with_id(EventId::new(&id).expect("hexadecimal digits are an ID"));
        let entry = Entry { number: log.last, channel, frame: json_frame(event, data) };
        log.entries.push_back(entry.clone());
        if log.entries.len() > LOG {
            log.entries.pop_front();
        }
        // Still under the lock, so that nobody gets it both from here and from the log, or not at
        // all. An error means that nobody listens.
        _ = self.news.send(entry);
        id
    }

    /// What came after the client's last event, and then all that comes, each once and in order.
    pub fn subscribe(
        &self,
        LastEventId(last_id): &LastEventId,
        channels: Vec<&'static str>,
    ) -> impl Stream<Item = Result<Frame, Cut>> + Send + use<> {
        let log = self.log.lock().expect("nobody panics here");
        let mut news = self.news.subscribe();
        let known = log.number(last_id);
        let first_kept = log.entries.front().map_or(log.last + 1, |entry| entry.number);
        let is_gap = !last_id.is_empty() && known.is_none_or(|known| known + 1 < first_kept);

        let mut start = Encoder::new();
        start.retry(RETRY);
        if is_gap {
            start.event(Event::new("what you missed is not kept any more").with_event_type(GAP));
        }
        if known.is_none() {
            // An ID from the beginning: otherwise who is cut before the first event could not tell
            // where it was.
            let id = log.id(log.last);
            let id = EventId::new(&id).expect("hexadecimal digits are an ID");
            start.event(Event::new("").with_event_type(HELLO).with_id(id));
        }
        let known = known.unwrap_or(log.last);
        let missed: Vec<_> =
            log.entries.iter().filter(|entry| entry.number > known).cloned().collect();
        drop(log);

        async_stream::stream! {
            yield Ok(start.take());
            for Entry { channel, frame, .. } in missed {
                if channels.contains(&channel) {
                    yield Ok(frame);
                }
            }
            loop {
                match news.recv().await {
                    Ok(Entry { channel, frame, .. }) if channels.contains(&channel) => yield Ok(frame),
                    Ok(_) => {}
                    Err(RecvError::Lagged(_) | RecvError::Closed) => {
                        yield Err(Cut);
                        return;
                    }
                }
            }
        }
    }

    /// Waits for somebody to cut this client off.
    fn cut_of(&self, client: String) -> impl Future<Output = ()> + Send + use<> {
        let mut cuts = self.cuts.subscribe();
        async move {
            loop {
                match cuts.recv().await {
                    Ok(name) if name == client && !client.is_empty() => return,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        }
    }

    /// A shop with customers.
    pub async fn simulate(self, pace: Duration) {
        const GOODS: [&str; 6] =
            ["龙井茶", "a bicycle bell", "豆浆", "two umbrellas", "月饼", "a lamp"];
        const STATES: [&str; 3] = ["backup finished", "磁盘空间充足", "certificate renewed"];

        let mut pace = interval(pace);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in 1_usize.. {
            pace.tick().await;
            if number % 4 == 0 {
                self.publish("system", &json!({ "text": STATES[number / 4 % STATES.len()] }));
            } else {
                let goods = GOODS[number % GOODS.len()];
                self.publish("order", &json!({ "order": number, "text": goods }));
            }
        }
    }
}
