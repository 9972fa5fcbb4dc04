//! Sends notifications to one user, who shows a key in a header. `EventSource` sends no headers, so
//! it shows a token in the URL. A token works only once, because URLs end up in logs and histories.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use sse_wire::{Event, EventType};

use crate::{
    feed::{Feed, Topic},
    rooms::{Refusal, is_name},
    streams::{LastEventId, Streams},
};

const PERSONAL: EventType<'_> = EventType::from_static("personal");

/// The time for which a token is valid: enough to open a connection.
const TOKEN_LIFE: Duration = Duration::from_secs(30);

const MAX_KEYS: usize = 1000;
const MAX_TOKENS: usize = 1000;

/// The longest text, in characters.
const MAX_TEXT: usize = 1000;

pub fn router(personal: Personal, streams: Streams) -> Router {
    Router::new()
        .route("/personal", get(listen).post(send))
        .route("/personal/login", post(login))
        .route("/personal/token", post(token))
        .with_state((personal, streams))
}

#[derive(Clone)]
pub struct Personal {
    feed: Feed,
    secrets: Arc<Mutex<Secrets>>,
}

#[derive(Default)]
struct Secrets {
    /// The user of each key.
    keys: HashMap<String, Arc<str>>,
    /// The user of each token, and the time when it was made.
    tokens: HashMap<String, (Arc<str>, Instant)>,
}

/// The reason for refusing a request.
enum Denied {
    NoKey,
    SpentToken,
    TooMany,
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let unauthorized =
            |why| (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")], why).into_response();
        match self {
            Self::NoKey => unauthorized("show a key: Authorization: Bearer KEY"),
            Self::SpentToken => unauthorized("the token was used, is too old, or never existed"),
            Self::TooMany => {
                (StatusCode::SERVICE_UNAVAILABLE, "too many users; try again later").into_response()
            }
        }
    }
}

fn secret() -> String {
    format!("{:032x}", rand::random::<u128>())
}

#[derive(Deserialize)]
struct Login {
    user: String,
}

/// Returns a new key to anybody who asks. A real server would check a password first.
async fn login(
    State((personal, _)): State<(Personal, Streams)>,
    Json(Login { user }): Json<Login>,
) -> Response {
    if !is_name(&user) {
        return Refusal::Name.into_response();
    }
    let mut secrets = personal.lock();
    if secrets.keys.len() == MAX_KEYS {
        return Denied::TooMany.into_response();
    }
    let key = secret();
    secrets.keys.insert(key.clone(), user.into());
    Json(json!({ "key": key })).into_response()
}

/// Returns a new token to the owner of a key.
async fn token(
    State((personal, _)): State<(Personal, Streams)>,
    headers: HeaderMap,
) -> Result<Json<Value>, Denied> {
    let mut secrets = personal.lock();
    let user = secrets.user_of_key(&headers)?;
    secrets.tokens.retain(|_, (_, made)| made.elapsed() < TOKEN_LIFE);
    if secrets.tokens.len() == MAX_TOKENS {
        return Err(Denied::TooMany);
    }
    let token = secret();
    secrets.tokens.insert(token.clone(), (user, Instant::now()));
    Ok(Json(json!({ "token": token, "seconds": TOKEN_LIFE.as_secs() })))
}

#[derive(Deserialize)]
struct Listener {
    token: Option<String>,
    /// The ID to resume from. A new `EventSource` cannot send the header.
    last_event_id: Option<String>,
}

async fn listen(
    State((personal, streams)): State<(Personal, Streams)>,
    Query(Listener { token, last_event_id }): Query<Listener>,
    last: LastEventId,
    headers: HeaderMap,
) -> Result<Response, Denied> {
    let user = match token {
        Some(token) => personal.lock().spend(&token)?,
        None => personal.lock().user_of_key(&headers)?,
    };
    let last = last_event_id.map_or(last, LastEventId::new);
    let mine = Topic::user(&user);
    Ok(streams.respond(personal.feed.follow(&last, move |topic| *topic == mine)))
}

#[derive(Deserialize)]
struct Letter {
    to: String,
    text: String,
}

async fn send(
    State((personal, _)): State<(Personal, Streams)>,
    headers: HeaderMap,
    Json(Letter { to, text }): Json<Letter>,
) -> Result<Response, Denied> {
    let from = personal.lock().user_of_key(&headers)?;
    if !is_name(&to) {
        return Ok(Refusal::Name.into_response());
    }
    if text.chars().count() > MAX_TEXT {
        let message = format!("a text has at most {MAX_TEXT} characters");
        return Ok((StatusCode::PAYLOAD_TOO_LARGE, message).into_response());
    }
    let data = json!({ "from": *from, "text": text }).to_string();
    let event = Event::new(&data).with_event_type(PERSONAL);
    Ok(match personal.feed.publish(Topic::user(&to), event).await {
        Ok(id) => Json(json!({ "id": id })).into_response(),
        Err(unavailable) => unavailable.into_response(),
    })
}

impl Personal {
    pub fn new(feed: Feed) -> Self {
        Self { feed, secrets: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Secrets> {
        self.secrets.lock().expect("no thread panics with the lock")
    }
}

impl Secrets {
    fn user_of_key(&self, headers: &HeaderMap) -> Result<Arc<str>, Denied> {
        let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let key = value.and_then(|value| value.strip_prefix("Bearer "));
        key.and_then(|key| self.keys.get(key)).cloned().ok_or(Denied::NoKey)
    }

    /// Removes the token, so that it works only once.
    fn spend(&mut self, token: &str) -> Result<Arc<str>, Denied> {
        let spent = self.tokens.remove(token);
        let fresh = spent.filter(|(_, made)| made.elapsed() < TOKEN_LIFE);
        fresh.map(|(user, _)| user).ok_or(Denied::SpentToken)
    }
}
