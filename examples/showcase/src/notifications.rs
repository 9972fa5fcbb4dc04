//! Notifications that nobody misses: each has an ID, and a log keeps the last ones for those who
//! come back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
use sse_wire::{Encoder, Event, EventIdBuf, EventType, Frame, ReplayLog};
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        watch,
    },
    time::{MissedTickBehavior, interval},
};

use crate::streams::{Cut, LastEventId, Streams};

const HELLO: EventType<'_> = EventType::from_static("hello");

/// What there is to hear of. The channel's name is the event type.
pub const CHANNELS: [&str; 2] = ["order", "system"];

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
    let frames = notifications.subscribe(&last, channels).map(Ok).take_until(cut);
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
    /// The topic of an event is its channel. Whoever listens sees when the log changes.
    log: watch::Sender<ReplayLog<&'static str>>,
    /// Names of clients.
    cuts: broadcast::Sender<String>,
}

impl Notifications {
    pub fn new() -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Each run of the server is a life of its own.
        let epoch = started.as_millis().try_into().unwrap_or_default();
        Self {
            log: watch::Sender::new(ReplayLog::with_topics(epoch)),
            cuts: broadcast::Sender::new(64),
        }
    }

    /// Notifies all who listen to the channel. Gives the ID.
    fn publish(&self, channel: &'static str, data: &Value) -> String {
        let data = data.to_string();
        let event = Event::new(&data).with_event_type(EventType::from_static(channel));
        let mut id = String::new();
        self.log.send_modify(|log| {
            log.push_on(channel, event);
            id = log.newest().to_string();
        });
        id
    }

    /// What came after the client's last event, and then all that comes, each once and in order.
    pub fn subscribe(
        &self,
        LastEventId(last_id): &LastEventId,
        channels: Vec<&'static str>,
    ) -> impl Stream<Item = Frame> + Send + use<> {
        let last_id = last_id.as_ref().map_or("", EventIdBuf::as_str);
        let mut log = self.log.subscribe();
        let mut cursor = log.borrow().attach(last_id);
        let mut start = Encoder::new();
        start.retry(RETRY);
        if last_id.is_empty() {
            // The first frame for a new client is its place. It is that of this event, too.
            if let Ok(Some(place)) = cursor.next_frame(&log.borrow()) {
                start.frame(&place);
            }
            start.event(Event::new("").with_event_type(HELLO));
        }
        async_stream::stream! {
            yield start.take();
            loop {
                let next = cursor.next_frame_on(&log.borrow_and_update(), |it| channels.contains(it));
                match next {
                    Ok(Some(frame)) => yield frame,
                    Ok(None) => if log.changed().await.is_err() { return },
                    Err(gap) => yield gap.into(),
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
