//! Sends notifications that no client misses: each has an ID, and a log replays them after a lost
//! connection.

use std::time::Duration;

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
use sse_wire::{EventType, Frame};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{MissedTickBehavior, interval},
};

use crate::{
    feed::{Feed, Topic, Unavailable},
    streams::{Cut, LastEventId, Streams},
};

/// The names of the channels. Each is also the event type of the channel's notifications.
pub const CHANNELS: [&str; 2] = ["order", "system"];

pub fn router(notifications: Notifications, streams: Streams) -> Router {
    Router::new()
        .route("/notifications", get(listen).post(publish))
        .route("/notifications/cut", post(cut))
        .with_state((notifications, streams))
}

#[derive(Deserialize)]
struct Listener {
    /// The channels, separated by commas. If missing, all of them.
    channels: Option<String>,
    /// The name that `POST /notifications/cut` takes to break this connection.
    #[serde(default)]
    client: String,
}

async fn listen(
    State((notifications, streams)): State<(Notifications, Streams)>,
    Query(Listener { channels, client }): Query<Listener>,
    last: LastEventId,
) -> Response {
    let topics: Vec<_> = match &channels {
        Some(names) => names.split(',').filter_map(channel).map(Topic::channel).collect(),
        None => CHANNELS.map(Topic::channel).to_vec(),
    };
    if topics.is_empty() {
        return no_such_channel();
    }
    let frames = notifications.feed.follow(&last, move |topic| topics.contains(topic));
    streams.respond_until_cut(notifications.until_cut(client, frames))
}

/// Returns the channel with this name.
pub fn channel(name: &str) -> Option<&'static str> {
    CHANNELS.into_iter().find(|&channel| channel == name)
}

fn no_such_channel() -> Response {
    (StatusCode::BAD_REQUEST, "the channels are: order, system").into_response()
}

#[derive(Deserialize)]
struct Notification {
    channel: String,
    data: Value,
}

async fn publish(
    State((notifications, _)): State<(Notifications, Streams)>,
    Json(Notification { channel: name, data }): Json<Notification>,
) -> Response {
    let Some(channel) = channel(&name) else { return no_such_channel() };
    match notifications.publish(channel, &data).await {
        Ok(id) => Json(json!({ "id": id })).into_response(),
        Err(unavailable) => unavailable.into_response(),
    }
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
    // Fails only if there are no clients, and then there is nothing to break.
    _ = notifications.cuts.send(client);
    StatusCode::NO_CONTENT
}

#[derive(Clone)]
pub struct Notifications {
    feed: Feed,
    /// The names of the clients whose connections should break.
    cuts: broadcast::Sender<String>,
}

impl Notifications {
    pub fn new(feed: Feed) -> Self {
        Self { feed, cuts: broadcast::Sender::new(64) }
    }

    /// Sends a notification to everyone who listens to the channel. Returns its ID.
    async fn publish(&self, channel: &'static str, data: &Value) -> Result<String, Unavailable> {
        let event_type = EventType::from_static(channel);
        self.feed.publish_numbered(Topic::channel(channel), event_type, data).await
    }

    /// Passes frames on until a request breaks this client's connection.
    pub fn until_cut(
        &self,
        client: String,
        frames: impl Stream<Item = Frame> + Send + 'static,
    ) -> impl Stream<Item = Result<Frame, Cut>> + Send + 'static {
        let mut cuts = self.cuts.subscribe();
        let cut = async move {
            loop {
                match cuts.recv().await {
                    Ok(name) if name == client && !client.is_empty() => return,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        // The frames themselves never end, so the end of the stream is always a break.
        frames.map(Ok).take_until(cut).chain(futures_util::stream::once(async { Err(Cut) }))
    }

    /// Simulates a shop with customers.
    pub async fn simulate(self, pace: Duration) {
        const GOODS: [&str; 6] =
            ["龙井茶", "a bicycle bell", "豆浆", "two umbrellas", "月饼", "a lamp"];
        const STATES: [&str; 3] = ["backup finished", "磁盘空间充足", "certificate renewed"];

        let mut pace = interval(pace);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in 1_usize.. {
            pace.tick().await;
            let (channel, data) = if number % 4 == 0 {
                ("system", json!({ "text": STATES[number / 4 % STATES.len()] }))
            } else {
                ("order", json!({ "order": number, "text": GOODS[number % GOODS.len()] }))
            };
            // While the log does not answer, the shop has no orders.
            _ = self.publish(channel, &data).await;
        }
    }
}
