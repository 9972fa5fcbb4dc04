//! Serves everything that a browser listens to in the background over one connection.
//!
//! Over HTTP/1.1, a browser opens only six connections to a server, for all its windows together.
//! So the windows of the page share one: `POST /channels` takes the channels and seats of all of
//! them. For curl and `EventSource`, there is `GET /channels?channels=monitor,order,rooms/tea`.

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::json;
use sse_wire::{EventType, JsonEvent};

use crate::{
    feed::{Feed, Topic},
    monitor::Monitor,
    notifications::{self, Notifications},
    rooms::{Rooms, Seat},
    streams::{LastEventId, Streams, json_frame},
};

/// The type of the event that reports a room that the client cannot enter. It is an event because
/// the other channels must go on.
const REFUSED: EventType<'_> = EventType::from_static("refused");

/// The largest number of rooms over one connection: more windows than anybody opens.
const MAX_SEATS: usize = 50;

#[derive(Clone)]
pub struct Channels {
    pub feed: Feed,
    pub notifications: Notifications,
    pub rooms: Rooms,
    pub monitor: Monitor,
}

pub fn router(channels: Channels, streams: Streams) -> Router {
    Router::new().route("/channels", get(by_get).post(by_post)).with_state((channels, streams))
}

#[derive(Deserialize)]
struct Wanted {
    /// The names of channels: `monitor`, and those in [`notifications::CHANNELS`].
    channels: Vec<String>,
    #[serde(default)]
    seats: Vec<Seat>,
    /// The name that `POST /notifications/cut` takes to break this connection.
    #[serde(default)]
    client: String,
}

#[derive(Deserialize)]
struct Listed {
    channels: String,
}

async fn by_get(
    state: State<(Channels, Streams)>,
    Query(Listed { channels }): Query<Listed>,
    last: LastEventId,
) -> Response {
    let (mut names, mut seats) = (Vec::new(), Vec::new());
    for channel in channels.split(',') {
        match channel.strip_prefix("rooms/") {
            Some(room) => seats.push(Seat::somebody(room)),
            None => names.push(channel.to_owned()),
        }
    }
    by_post(state, last, Json(Wanted { channels: names, seats, client: String::new() })).await
}

async fn by_post(
    State((channels, streams)): State<(Channels, Streams)>,
    last: LastEventId,
    Json(wanted): Json<Wanted>,
) -> Response {
    if wanted.seats.len() > MAX_SEATS {
        let message = format!("at most {MAX_SEATS} rooms over one connection");
        return (StatusCode::BAD_REQUEST, message).into_response();
    }
    let mut topics = Vec::new();
    let mut all = Vec::new();
    for name in &wanted.channels {
        if let Some(channel) = notifications::channel(name) {
            topics.push(Topic::channel(channel));
        } else if name != "monitor" {
            let message = "the channels are: monitor, order, system; rooms/NAME in a query";
            return (StatusCode::BAD_REQUEST, message).into_response();
        }
    }
    if wanted.channels.iter().any(|name| name == "monitor") {
        all.push(channels.monitor.subscribe().boxed());
    }
    for seat in wanted.seats {
        match channels.rooms.join(&seat) {
            Ok(presence) => {
                all.push(presence.boxed());
                topics.push(Topic::room(&seat.room));
            }
            Err(refusal) => {
                let refused = json!({
                    "room": seat.room, "member": seat.member, "why": refusal.message(),
                });
                let refused = json_frame(JsonEvent::new(refused).with_event_type(REFUSED));
                all.push(stream::iter([refused]).boxed());
            }
        }
    }
    // Only these events have IDs, so the client's last event ID is its place in the feed.
    all.push(channels.feed.follow(&last, move |topic| topics.contains(topic)).boxed());
    let frames = stream::select_all(all);
    streams.respond_until_cut(channels.notifications.until_cut(wanted.client, frames))
}
