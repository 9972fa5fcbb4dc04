//! Sends an answer token by token, and stops working on it when the client leaves.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sse_wire::{DONE, Event, EventIdBuf, EventType, Frame, JsonEvent};

use crate::{
    model::{MAX_TOKENS, Model},
    quota::{Exhausted, Quotas, Reservation, Visitor},
    streams::{LastEventId, Streams, json_frame},
};

const START: EventType<'_> = EventType::from_static("start");
const TOKEN: EventType<'_> = EventType::from_static("token");
const END: EventType<'_> = EventType::from_static("done");

/// The number of answers whose progress the server remembers.
const REMEMBERED: usize = 1000;

pub fn router(chat: Chat, streams: Streams) -> Router {
    Router::new()
        .route("/chat", get(by_get).post(by_post))
        .route("/chat/quota", get(quota))
        .route("/chat/{answer}", get(progress))
        .with_state((chat, streams))
}

#[derive(Deserialize)]
struct Question {
    question: String,
}

/// Answers `EventSource`, which can only send a URL.
async fn by_get(
    State((chat, streams)): State<(Chat, Streams)>,
    visitor: Visitor,
    last: LastEventId,
    Query(question): Query<Question>,
) -> Response {
    visitor.respond(answer(&chat, &streams, visitor, &question, &last))
}

/// Answers `fetch`. The question may be too long for a URL.
async fn by_post(
    State((chat, streams)): State<(Chat, Streams)>,
    visitor: Visitor,
    last: LastEventId,
    Json(question): Json<Question>,
) -> Response {
    visitor.respond(answer(&chat, &streams, visitor, &question, &last))
}

fn answer(
    chat: &Chat,
    streams: &Streams,
    visitor: Visitor,
    question: &Question,
    last: &LastEventId,
) -> Result<Response, Exhausted> {
    let mut work = chat.begin(visitor, last.pair())?;
    let tokens = chat.model.answer(&question.question, work.progress.tokens);
    Ok(streams.respond(async_stream::stream! {
        // `known` is the number of tokens that the client already has, after a lost connection.
        let start = json!({ "answer": work.answer, "known": work.progress.tokens });
        yield json_frame(JsonEvent::new(start).with_event_type(START));
        let mut tokens = pin!(tokens);
        // If the client leaves, this stream is dropped, and the model makes no further token.
        while let Some(token) = tokens.next().await {
            work.made_one();
            let event = JsonEvent::new(json!({ "text": token })).with_event_type(TOKEN);
            yield json_frame(event.with_id(work.id()));
        }
        // Gives the rest of the quota back before the client sees the end and asks what is left.
        work.finish();
        yield Frame::from(Event::new(DONE).with_event_type(END));
    }))
}

/// Returns what is left of a visitor's quota.
async fn quota(State((chat, _)): State<(Chat, Streams)>, visitor: Visitor) -> Response {
    visitor.respond(Json(chat.quotas.standing(visitor)))
}

/// Returns the server's progress on an answer, so that the page can show that it stopped.
async fn progress(
    State((chat, _)): State<(Chat, Streams)>,
    Path(answer): Path<u64>,
) -> Result<Json<Progress>, StatusCode> {
    chat.progress(answer).map(Json).ok_or(StatusCode::NOT_FOUND)
}

#[derive(Clone, Copy, Default, Serialize)]
#[serde(rename_all = "lowercase")]
enum Doing {
    #[default]
    Working,
    Stopped,
    Done,
}

#[derive(Clone, Copy, Default, Serialize)]
struct Progress {
    state: Doing,
    /// The number of tokens made so far.
    tokens: usize,
    /// The number of reconnections so far. The server may notice the end of a connection only after
    /// the client has opened the next one. The earlier one must not report then.
    #[serde(skip)]
    connection: u32,
}

#[derive(Clone)]
pub struct Chat {
    model: Model,
    quotas: Quotas,
    answers: Arc<Mutex<BTreeMap<u64, Progress>>>,
    /// The number of the first answer. It is the time of the start, so that each run of the server
    /// has other numbers.
    first: u64,
}

impl Chat {
    pub fn new(model: Model, quotas: Quotas) -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let first = started.as_millis().try_into().unwrap_or_default();
        Self { model, quotas, answers: Arc::default(), first }
    }

    /// Begins an answer, or continues the one that the client has a part of.
    fn begin(&self, visitor: Visitor, last: Option<(u64, u64)>) -> Result<Work, Exhausted> {
        let known = last.and_then(|(_, tokens)| tokens.try_into().ok()).unwrap_or(0);
        let reservation = self.quotas.reserve(visitor, MAX_TOKENS.saturating_sub(known))?;
        let mut answers = self.answers.lock().expect("no thread panics with the lock");
        let begun = last.and_then(|(answer, _)| Some((answer, answers.get(&answer)?)));
        let (answer, connection) = match begun {
            Some((answer, progress)) => (answer, progress.connection + 1),
            None => (answers.last_key_value().map_or(self.first, |(last, _)| last + 1), 0),
        };
        let progress = Progress { state: Doing::Working, tokens: known, connection };
        answers.insert(answer, progress);
        if answers.len() > REMEMBERED {
            answers.pop_first();
        }
        Ok(Work { chat: self.clone(), answer, progress, reservation })
    }

    fn progress(&self, answer: u64) -> Option<Progress> {
        self.answers.lock().expect("no thread panics with the lock").get(&answer).copied()
    }
}

/// The work on one answer for one connection. If it is dropped before `finish`, the answer counts
/// as stopped.
struct Work {
    chat: Chat,
    answer: u64,
    progress: Progress,
    /// The reserved tokens. Those that are not used go back to the visitor.
    reservation: Reservation,
}

impl Work {
    fn made_one(&mut self) {
        self.reservation.spend();
        self.progress.tokens += 1;
        self.report();
    }

    fn finish(mut self) {
        self.progress.state = Doing::Done;
    }

    /// Returns the event ID of the last token.
    fn id(&self) -> EventIdBuf {
        let id = format!("{}-{}", self.answer, self.progress.tokens);
        EventIdBuf::new(id).expect("digits and a hyphen")
    }

    fn report(&self) {
        let mut answers = self.chat.answers.lock().expect("no thread panics with the lock");
        let progress = answers.get_mut(&self.answer);
        if let Some(it) = progress.filter(|it| it.connection == self.progress.connection) {
            *it = self.progress;
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Doing::Working = self.progress.state {
            self.progress.state = Doing::Stopped;
        }
        self.report();
    }
}
