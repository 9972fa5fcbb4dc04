//! Serves chat rooms. A message is encoded once, and all members read it from one log.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use sse_wire::{Event, EventType, Frame, JsonEvent};
use tokio::{runtime::Handle, sync::watch, time::sleep};
use tokio_stream::wrappers::WatchStream;

use crate::{
    feed::{Feed, Topic},
    streams::{LastEventId, Streams, json_frame},
};

const PRESENCE: EventType<'_> = EventType::from_static("presence");
const JOINED: EventType<'_> = EventType::from_static("joined");

const MAX_ROOMS: usize = 1000;
const MAX_MEMBERS: usize = 5000;

/// The longest name of a room or a person, in characters.
const MAX_NAME: usize = 40;

/// The longest message, in characters.
const MAX_TEXT: usize = 1000;

/// The longest secret that a member may choose, in bytes.
const MAX_TOKEN: usize = 64;

/// The largest number of names in a presence event.
const NAMED: usize = 20;

/// The time that a member has to reconnect before it counts as gone.
const GRACE: Duration = Duration::from_millis(1500);

pub fn router(rooms: Rooms, streams: Streams) -> Router {
    Router::new().route("/rooms", get(join).post(say)).with_state((rooms, streams))
}

/// A member's place in a room.
#[derive(Clone, Deserialize)]
pub struct Seat {
    pub room: String,
    #[serde(default = "nobody")]
    pub name: String,
    /// The secret that the client chose. It identifies the member, both when a connection comes
    /// back and when a message comes in.
    #[serde(default = "any_token")]
    pub member: String,
}

impl Seat {
    pub fn somebody(room: &str) -> Self {
        Self { room: room.to_owned(), name: nobody(), member: any_token() }
    }
}

fn nobody() -> String {
    "somebody".to_owned()
}

fn any_token() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// The reason why a visitor cannot enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Name,
    Token,
    Rooms,
    Members,
}

impl Refusal {
    pub fn message(self) -> String {
        match self {
            Self::Name => format!("names have 1 to {MAX_NAME} characters"),
            Self::Token => format!("the secret of a member has 1 to {MAX_TOKEN} bytes"),
            Self::Rooms => format!("there are {MAX_ROOMS} rooms, and no more are allowed"),
            Self::Members => format!("the room has {MAX_MEMBERS} members, and no more are allowed"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Name | Self::Token => StatusCode::BAD_REQUEST,
            Self::Rooms | Self::Members => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, self.message()).into_response()
    }
}

async fn join(
    State((rooms, streams)): State<(Rooms, Streams)>,
    Query(seat): Query<Seat>,
    last: LastEventId,
) -> Result<Response, Refusal> {
    let presence = rooms.join(&seat)?;
    let room = Topic::room(&seat.room);
    let messages = rooms.feed.follow(&last, move |topic| *topic == room);
    Ok(streams.respond(stream::select(presence, messages)))
}

#[derive(Deserialize)]
struct Message {
    room: String,
    text: String,
    #[serde(default = "nobody")]
    name: String,
    /// The secret of the member who speaks, who may be connected to another server.
    member: Option<String>,
}

async fn say(
    State((rooms, _)): State<(Rooms, Streams)>,
    Json(Message { room, text, member, name }): Json<Message>,
) -> Response {
    if !is_name(&name) || !is_name(&room) {
        return Refusal::Name.into_response();
    }
    if member.as_deref().is_some_and(|token| !is_token(token)) {
        return Refusal::Token.into_response();
    }
    if text.is_empty() || text.chars().count() > MAX_TEXT {
        let message = format!("a message has 1 to {MAX_TEXT} characters");
        return (StatusCode::PAYLOAD_TOO_LARGE, message).into_response();
    }
    let key = member.as_deref().map(public_key);
    let message = json!({ "room": room, "key": key, "name": name, "text": text }).to_string();
    match rooms.feed.publish(Topic::room(&room), Event::new(&message)).await {
        Ok(_) => Json(json!({ "reached": rooms.count(&room) })).into_response(),
        Err(unavailable) => unavailable.into_response(),
    }
}

pub fn is_name(name: &str) -> bool {
    !name.trim().is_empty() && name.chars().count() <= MAX_NAME
}

fn is_token(token: &str) -> bool {
    !token.is_empty() && token.len() <= MAX_TOKEN
}

/// Returns the public key for a member's secret. Every server computes the same key, and finding
/// another secret with that key is not practical.
fn public_key(token: &str) -> u64 {
    let hash = Sha256::digest(token);
    let bytes = hash.first_chunk().expect("it has 32 bytes");
    // A JavaScript number holds 53 bits exactly.
    u64::from_be_bytes(*bytes) >> 11
}

/// The members at this server. A room exists as long as it has a member.
#[derive(Clone)]
pub struct Rooms {
    feed: Feed,
    rooms: Arc<Mutex<HashMap<Arc<str>, Room>>>,
}

struct Room {
    next: u64,
    /// The members, in the order in which they came.
    members: BTreeMap<u64, Member>,
    /// The newest presence event. A slow receiver skips the ones before it, so a crowd that comes
    /// and goes cannot fill its queue.
    presence: watch::Sender<Frame>,
}

struct Member {
    key: u64,
    name: String,
    /// The number of open connections. A member with none leaves after the grace period.
    connections: usize,
}

/// The part of a member that others see. The key distinguishes members with the same name.
#[derive(Serialize)]
struct Public<'a> {
    key: u64,
    name: &'a str,
}

impl Rooms {
    pub fn new(feed: Feed) -> Self {
        Self { feed, rooms: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Room>> {
        self.rooms.lock().expect("no thread panics with the lock")
    }

    /// Enters a room. Returns the presence events. Dropping the stream leaves the room.
    ///
    /// The messages are in the feed, on the room's topic.
    pub fn join(&self, seat: &Seat) -> Result<impl Stream<Item = Frame> + Send + use<>, Refusal> {
        let Seat { room: name, name: visitor, member: token } = seat;
        if !is_name(name) || !is_name(visitor) {
            return Err(Refusal::Name);
        }
        if !is_token(token) {
            return Err(Refusal::Token);
        }
        let key = public_key(token);
        let mut rooms = self.lock();
        if !rooms.contains_key(name.as_str()) && rooms.len() == MAX_ROOMS {
            return Err(Refusal::Rooms);
        }
        let name: Arc<str> = name.as_str().into();
        let room = rooms.entry(name.clone()).or_insert_with(Room::new);
        let known = room.members.iter_mut().find(|(_, member)| member.key == key);
        let number = if let Some((&number, member)) = known {
            member.connections += 1;
            number
        } else if room.members.len() == MAX_MEMBERS {
            return Err(Refusal::Members);
        } else {
            let number = room.next;
            room.next += 1;
            room.members.insert(number, Member { key, name: visitor.clone(), connections: 1 });
            room.announce(&name);
            number
        };
        let presence = WatchStream::new(room.presence.subscribe());
        drop(rooms);

        // This event has the member's secret, so it goes to this connection only.
        let joined = json!({ "room": *name, "member": token, "key": key });
        let joined = json_frame(JsonEvent::new(joined).with_event_type(JOINED));
        let taken = Taken { rooms: self.clone(), room: name, number };
        Ok(stream::iter([joined]).chain(presence).map(move |frame| {
            let _is_taken_as_long = &taken;
            frame
        }))
    }

    /// Returns the number of members in a room.
    fn count(&self, room: &str) -> usize {
        self.lock().get(room).map_or(0, |room| room.members.len())
    }

    /// Removes a member if it has no connection left.
    fn leave(&self, name: &str, number: u64) {
        let mut rooms = self.lock();
        let Some(room) = rooms.get_mut(name) else { return };
        if room.members.get(&number).is_none_or(|member| member.connections > 0) {
            return;
        }
        room.members.remove(&number);
        if room.members.is_empty() {
            rooms.remove(name);
        } else {
            room.announce(name);
        }
    }
}

impl Room {
    fn new() -> Self {
        let presence = watch::Sender::new(Frame::KEEP_ALIVE);
        Self { next: 1, members: BTreeMap::new(), presence }
    }

    fn announce(&self, room: &str) {
        let members = self.members.values().take(NAMED);
        let named: Vec<_> =
            members.map(|&Member { key, ref name, .. }| Public { key, name }).collect();
        let presence = json!({ "room": room, "members": self.members.len(), "named": named });
        self.presence.send_replace(json_frame(JsonEvent::new(presence).with_event_type(PRESENCE)));
    }
}

/// A member's connection to a room.
struct Taken {
    rooms: Rooms,
    room: Arc<str>,
    number: u64,
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut rooms = self.rooms.lock();
        let room = rooms.get_mut(&self.room);
        let Some(member) = room.and_then(|room| room.members.get_mut(&self.number)) else { return };
        member.connections -= 1;
        drop(rooms);
        // When the process ends, there is no runtime, and no other member to notify.
        let Ok(runtime) = Handle::try_current() else { return };
        let (rooms, room, number) = (self.rooms.clone(), self.room.clone(), self.number);
        runtime.spawn(async move {
            sleep(GRACE).await;
            rooms.leave(&room, number);
        });
    }
}
