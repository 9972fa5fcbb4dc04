//! Chat rooms: what one says is encoded once, and each member gets a clone of the same bytes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::json;
use sse_wire::{EventType, Frame, JsonEvent};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    watch,
};
use tokio_stream::wrappers::{ReceiverStream, WatchStream};

use crate::streams::{Streams, json_frame};

const PRESENCE: EventType<'_> = EventType::from_static("presence");
const DROPPED: EventType<'_> = EventType::from_static("dropped");

/// So many messages may wait for a member that reads slowly. With one more it is dropped: nobody
/// waits for it, and it does not fill the memory.
const WAITING: usize = 256;

/// In a crowd, so many names are told.
const NAMED: usize = 20;

/// A message has at most so many bytes.
const LONGEST: usize = 4096;

pub fn router(rooms: Rooms, streams: Streams) -> Router {
    Router::new().route("/rooms/{room}", get(join).post(say)).with_state((rooms, streams))
}

#[derive(Deserialize)]
pub struct Visitor {
    #[serde(default = "nobody")]
    name: String,
}

fn nobody() -> String {
    "somebody".to_owned()
}

async fn join(
    State((rooms, streams)): State<(Rooms, Streams)>,
    Path(room): Path<String>,
    Query(Visitor { name }): Query<Visitor>,
) -> Response {
    streams.respond(rooms.join(&room, &name))
}

#[derive(Deserialize)]
struct Message {
    name: String,
    text: String,
}

async fn say(
    State((rooms, _)): State<(Rooms, Streams)>,
    Path(room): Path<String>,
    Json(Message { name, text }): Json<Message>,
) -> Response {
    if name.len() + text.len() > LONGEST {
        return (StatusCode::PAYLOAD_TOO_LARGE, "at most 4096 bytes").into_response();
    }
    let message = json!({ "room": room, "name": name, "text": text });
    let reached = rooms.send(&room, &json_frame(JsonEvent::new(message)));
    Json(json!({ "reached": reached })).into_response()
}

/// Rooms exist as long as somebody is in them.
#[derive(Clone)]
pub struct Rooms(Arc<Mutex<HashMap<String, Room>>>);

struct Room {
    next: u64,
    members: Vec<Member>,
    /// Who is there. A receiver that is slow sees only the newest, so many who come and go at once
    /// do not fill anybody's queue.
    presence: watch::Sender<Frame>,
}

struct Member {
    key: u64,
    name: String,
    messages: mpsc::Sender<Frame>,
}

impl Rooms {
    pub fn new() -> Self {
        Self(Arc::default())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Room>> {
        self.0.lock().expect("nobody panics here")
    }

    /// Gives a frame to all members of a room, and says how many that were.
    fn send(&self, room: &str, frame: &Frame) -> usize {
        let mut rooms = self.lock();
        let Some(members) = rooms.get_mut(room) else { return 0 };
        let before = members.members.len();
        members.members.retain(|member| {
            // With a full queue, its stream ends when it has read what waits for it. With a closed
            // one, it leaves just now.
            !matches!(member.messages.try_send(frame.clone()), Err(TrySendError::Full(_)))
        });
        let reached = members.members.len();
        if reached < before {
            members.announce(room);
        }
        reached
    }

    /// What is said in a room from now on, and who is there. Whoever drops it has left.
    pub fn join(&self, room: &str, name: &str) -> impl Stream<Item = Frame> + Send + use<> {
        let (sender, messages) = mpsc::channel(WAITING);
        let mut rooms = self.lock();
        let members = rooms.entry(room.to_owned()).or_insert_with(|| Room {
            next: 0,
            members: Vec::new(),
            presence: watch::Sender::new(Frame::KEEP_ALIVE),
        });
        let key = members.next;
        members.next += 1;
        members.members.push(Member { key, name: name.to_owned(), messages: sender });
        let presence = WatchStream::new(members.presence.subscribe());
        members.announce(room);
        drop(rooms);

        let seat = Seat { rooms: self.clone(), room: room.to_owned(), key };
        let messages = ReceiverStream::new(messages).chain(stream::once(async {
            let why = json!({ "why": "you read too slowly" });
            json_frame(JsonEvent::new(why).with_event_type(DROPPED))
        }));
        // Ends with the messages, though the room goes on.
        let presence = presence.map(Some).chain(stream::pending());
        let messages = messages.map(Some).chain(stream::iter([None]));
        stream::select(messages, presence)
            .take_while(|frame| std::future::ready(frame.is_some()))
            .filter_map(move |frame| {
                let _is_taken_as_long = &seat;
                std::future::ready(frame)
            })
    }
}

impl Room {
    fn announce(&self, room: &str) {
        let names: Vec<_> = self.members.iter().take(NAMED).map(|member| &member.name).collect();
        let members = json!({ "room": room, "members": self.members.len(), "names": names });
        self.presence.send_replace(json_frame(JsonEvent::new(members).with_event_type(PRESENCE)));
    }
}

/// A member's place in a room.
struct Seat {
    rooms: Rooms,
    room: String,
    key: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut rooms = self.rooms.lock();
        let Some(room) = rooms.get_mut(&self.room) else { return };
        room.members.retain(|member| member.key != self.key);
        if room.members.is_empty() {
            rooms.remove(&self.room);
        } else {
            room.announce(&self.room);
        }
    }
}
