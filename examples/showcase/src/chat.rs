//! An answer that comes token by token, and stops when nobody listens any more.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, Mutex},
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
use sse_wire::{DONE, Event, EventType, Frame, JsonEvent};

use crate::{
    model::Model,
    streams::{LastEventId, Streams, json_frame},
};

const START: EventType<'_> = EventType::from_static("start");
const TOKEN: EventType<'_> = EventType::from_static("token");
const END: EventType<'_> = EventType::from_static("done");

/// Of so many answers the server knows what became of them.
const REMEMBERED: usize = 1000;

pub fn router(chat: Chat, streams: Streams) -> Router {
    Router::new()
        .route("/chat", get(by_get).post(by_post))
        .route("/chat/{answer}", get(progress))
        .with_state((chat, streams))
}

#[derive(Deserialize)]
struct Question {
    question: String,
}

/// For `EventSource`, which can send nothing but an address.
async fn by_get(
    State((chat, streams)): State<(Chat, Streams)>,
    last: LastEventId,
    Query(question): Query<Question>,
) -> Response {
    answer(&chat, &streams, &question, last.count())
}

/// For `fetch`: a question may be long, and need headers.
async fn by_post(
    State((chat, streams)): State<(Chat, Streams)>,
    last: LastEventId,
    Json(question): Json<Question>,
) -> Response {
    answer(&chat, &streams, &question, last.count())
}

fn answer(chat: &Chat, streams: &Streams, question: &Question, known: usize) -> Response {
    let tokens = chat.model.answer(&question.question, known);
    let mut work = chat.begin();
    streams.respond(async_stream::stream! {
        let start = JsonEvent::new(json!({ "answer": work.answer }));
        yield json_frame(start.with_event_type(START));
        let mut tokens = pin!(tokens);
        let mut number = known;
        // If the client leaves, all of this is dropped here, and no token more is made.
        while let Some(token) = tokens.next().await {
            work.made_one();
            number += 1;
            let event = JsonEvent::new(json!({ "text": token }));
            yield json_frame(event.with_event_type(TOKEN).with_id(number));
        }
        work.finish();
        yield Frame::from(Event::new(DONE).with_event_type(END));
    })
}

/// Tells what the server does for an answer, so that the page can show that it stopped.
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
    /// Made so far.
    tokens: usize,
}

#[derive(Clone)]
pub struct Chat {
    model: Model,
    answers: Arc<Mutex<BTreeMap<u64, Progress>>>,
}

impl Chat {
    pub fn new(model: Model) -> Self {
        Self { model, answers: Arc::default() }
    }

    fn begin(&self) -> Work {
        let mut answers = self.answers.lock().expect("nobody panics here");
        let answer = answers.last_key_value().map_or(1, |(last, _)| last + 1);
        answers.insert(answer, Progress::default());
        if answers.len() > REMEMBERED {
            answers.pop_first();
        }
        Work { chat: self.clone(), answer, progress: Progress::default() }
    }

    fn progress(&self, answer: u64) -> Option<Progress> {
        self.answers.lock().expect("nobody panics here").get(&answer).copied()
    }
}

/// The work on one answer. Dropped before it is finished, it was stopped.
struct Work {
    chat: Chat,
    answer: u64,
    progress: Progress,
}

impl Work {
    fn made_one(&mut self) {
        self.progress.tokens += 1;
        self.report();
    }

    fn finish(&mut self) {
        self.progress.state = Doing::Done;
    }

    fn report(&self) {
        let mut answers = self.chat.answers.lock().expect("nobody panics here");
        if let Some(progress) = answers.get_mut(&self.answer) {
            *progress = self.progress;
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
