//! Several channels over one connection: `/channels?channels=monitor,notifications,rooms/tea`.
//!
//! Browsers open only six connections to a server over HTTP/1.1, for all tabs together.

use axum::{
    Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::{StreamExt, stream};
use serde::Deserialize;

use crate::{
    monitor::Monitor,
    notifications::{self, Notifications},
    rooms::Rooms,
    streams::{LastEventId, Streams},
};

#[derive(Clone)]
struct Sources {
    notifications: Notifications,
    rooms: Rooms,
    monitor: Monitor,
    streams: Streams,
}

pub fn router(
    notifications: Notifications,
    rooms: Rooms,
    monitor: Monitor,
    streams: Streams,
) -> Router {
    let sources = Sources { notifications, rooms, monitor, streams };
    Router::new().route("/channels", get(listen)).with_state(sources)
}

#[derive(Deserialize)]
struct Wanted {
    channels: String,
}

async fn listen(
    State(sources): State<Sources>,
    Query(Wanted { channels }): Query<Wanted>,
    last: LastEventId,
) -> Response {
    let mut all = Vec::new();
    for channel in channels.split(',') {
        // Their event types tell them apart. Only notifications have IDs, so the last one is theirs.
        all.push(match channel.split_once('/') {
            None if channel == "monitor" => sources.monitor.subscribe().boxed(),
            None if channel == "notifications" => {
                sources.notifications.subscribe(&last, notifications::CHANNELS.to_vec()).boxed()
            }
            Some(("rooms", room)) => sources.rooms.join(room, "somebody").boxed(),
            _ => {
                let message = "channels are: monitor, notifications, rooms/NAME";
                return (StatusCode::BAD_REQUEST, message).into_response();
            }
        });
    }
    sources.streams.respond(stream::select_all(all))
}
