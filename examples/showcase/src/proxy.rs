//! Decodes a provider's stream, and forwards it as the typewriter's events.
//!
//! An answer costs money, so the proxy asks for it only once, whatever happens to the client's
//! connection. A task reads the answer into a log, and a client that reconnects reads the rest from
//! the log.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use sse_wire::{ByteStreamExt, DONE, EventStreamExt, Frame, ReplayLog};
use tokio::{sync::watch, time::sleep};
use unicode_segmentation::UnicodeSegmentation;

use crate::{
    provider::Provider,
    streams::{LastEventId, Streams},
    typewriter::Step,
    upstream::{Fault, Request},
};

/// The largest number of answers in progress or kept, together.
const MAX_ANSWERS: usize = 100;

/// The time that a client has to reconnect before the proxy closes the provider's stream.
const GRACE: Duration = Duration::from_secs(10);

/// The time for which an answer is kept after its end.
const KEPT: Duration = Duration::from_secs(60);

/// The largest answer, in bytes. A provider that sends more is out of order.
const MAX_ANSWER: usize = 1 << 20;

#[derive(Clone)]
pub struct Proxy {
    provider: Arc<Provider>,
    /// The answers, by the epoch of their logs. The epoch is random, and knowing it is the right to
    /// read the answer.
    answers: Arc<Mutex<HashMap<u64, watch::Sender<Answer>>>>,
}

struct Answer {
    log: ReplayLog,
    is_over: bool,
}

impl Proxy {
    pub fn new(provider: Provider) -> Self {
        Self { provider: Arc::new(provider), answers: Arc::default() }
    }
}

pub fn router(proxy: Proxy, streams: Streams) -> Router {
    Router::new().route("/proxy", get(by_get).post(by_post)).with_state((proxy, streams))
}

#[derive(Deserialize)]
struct Prompt {
    prompt: String,
    #[serde(default)]
    fault: Fault,
}

async fn by_get(
    State((proxy, streams)): State<(Proxy, Streams)>,
    last: LastEventId,
    Query(prompt): Query<Prompt>,
) -> Response {
    proxy.ask(&streams, &last, prompt)
}

async fn by_post(
    State((proxy, streams)): State<(Proxy, Streams)>,
    last: LastEventId,
    Json(prompt): Json<Prompt>,
) -> Response {
    proxy.ask(&streams, &last, prompt)
}

/// The fields of the upstream's chunks that the proxy reads.
#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    error: Option<UpstreamError>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
}

#[derive(Deserialize)]
struct UpstreamError {
    message: String,
}

/// A part of a provider's answer.
enum Part {
    Text(String),
    /// The reason why the text ends.
    Finish(String),
}

impl Proxy {
    fn ask(
        &self,
        streams: &Streams,
        last: &LastEventId,
        Prompt { prompt, fault }: Prompt,
    ) -> Response {
        if !last.as_str().is_empty() {
            return streams.respond(self.resume(last));
        }
        let Some((epoch, answer)) = self.begin() else {
            let message = "too many answers are in progress; try again in a minute";
            return (StatusCode::SERVICE_UNAVAILABLE, message).into_response();
        };
        let response = streams.respond(read(&answer, ""));
        let request = Request::new(self.provider.model.clone(), prompt, fault);
        tokio::spawn(self.clone().work(epoch, answer, request));
        response
    }

    /// Returns the rest of an answer without asking the provider again.
    fn resume(&self, last: &LastEventId) -> impl Stream<Item = Frame> + Send + use<> {
        let answers = self.answers.lock().expect("no thread panics with the lock");
        let answer = last.pair().and_then(|(epoch, _)| answers.get(&epoch));
        let rest = answer.map(|answer| read(answer, last.as_str()));
        async_stream::stream! {
            match rest {
                Some(rest) => for await frame in rest {
                    yield frame;
                },
                None => yield Step::Failure {
                    message: "the server no longer has this answer; ask again",
                }.frame(),
            }
        }
    }

    fn begin(&self) -> Option<(u64, watch::Sender<Answer>)> {
        let mut answers = self.answers.lock().expect("no thread panics with the lock");
        if answers.len() == MAX_ANSWERS {
            return None;
        }
        let epoch = rand::random();
        let log = ReplayLog::new(epoch).with_max_events(usize::MAX).with_max_bytes(16 * MAX_ANSWER);
        let answer = watch::Sender::new(Answer { log, is_over: false });
        answers.insert(epoch, answer.clone());
        Some((epoch, answer))
    }

    /// Reads the provider's answer into the log, and keeps the answer for a while.
    async fn work(self, epoch: u64, answer: watch::Sender<Answer>, request: Request) {
        tokio::select! {
            () = self.fill(&answer, request) => {
                answer.send_modify(|answer| answer.is_over = true);
                sleep(KEPT).await;
            }
            // The other branch is dropped with its request, so the provider stops.
            () = abandoned(&answer) => {}
        }
        self.answers.lock().expect("no thread panics with the lock").remove(&epoch);
    }

    /// Reads the provider's answer into the log. Each failure becomes an event, because a client
    /// must not mistake half an answer for a whole one.
    async fn fill(&self, answer: &watch::Sender<Answer>, request: Request) {
        let push = |step: Step<'_>| {
            answer.send_modify(|answer| {
                step.with_event(|event| answer.log.push(event));
            });
        };
        push(Step::Start { total: None });
        let mut index = 0;
        let mut bytes = 0;
        let mut finish = None;
        let mut parts = pin!(self.parts(request));
        while let Some(part) = parts.next().await {
            let text = match part {
                Ok(Part::Text(text)) => text,
                Ok(Part::Finish(reason)) => {
                    finish = Some(reason);
                    continue;
                }
                Err(message) => return push(Step::Failure { message: &message }),
            };
            bytes += text.len();
            if bytes > MAX_ANSWER {
                return push(Step::Failure { message: "the answer is longer than 1 MiB" });
            }
            for char in text.graphemes(true) {
                push(Step::Chunk { char, index, total: None });
                index += 1;
            }
        }
        push(Step::End { total: Some(index), finish: finish.as_deref() });
    }

    /// Returns the parts of the upstream's answer, or the reason why it ended early.
    fn parts(&self, request: Request) -> impl Stream<Item = Result<Part, String>> + Send {
        async_stream::try_stream! {
            let response = self.provider.post(&request).await.map_err(|error| {
                // Only the operator sees the full error: it may contain the provider's address.
                eprintln!("the upstream does not answer: {error:?}");
                "the upstream does not answer"
            })?;
            if !response.status().is_success() {
                Err(format!("the upstream answered {}", response.status()))?;
                return;
            }
            let mut events = response.into_body().events().must_end_with(DONE);
            while let Some(event) = events.next().await {
                let event = event.map_err(|_| "the upstream was cut off")?;
                let chunk: Chunk = event.json().map_err(|error| error.to_string())?;
                if let Some(UpstreamError { message }) = chunk.error {
                    Err(message)?;
                }
                for choice in chunk.choices {
                    yield Part::Text(choice.delta.content.unwrap_or_default());
                    if let Some(reason) = choice.finish_reason {
                        yield Part::Finish(reason);
                    }
                }
            }
        }
    }
}

/// Returns the rest of an answer after the event with this ID.
fn read(answer: &watch::Sender<Answer>, last_id: &str) -> impl Stream<Item = Frame> + Send + use<> {
    let mut answer = answer.subscribe();
    let mut cursor = answer.borrow().log.attach(last_id);
    async_stream::stream! {
        loop {
            let (next, is_over) = {
                let answer = answer.borrow_and_update();
                (cursor.next_frame(&answer.log), answer.is_over)
            };
            match next {
                Ok(Some(frame)) => yield frame,
                Err(gap) => yield gap.into(),
                Ok(None) if is_over => return,
                Ok(None) => if answer.changed().await.is_err() { return },
            }
        }
    }
}

/// Waits until an answer has had no reader for the grace period.
async fn abandoned(answer: &watch::Sender<Answer>) {
    loop {
        answer.closed().await;
        tokio::select! {
            () = sleep(GRACE) => if answer.is_closed() { return },
            () = reopened(answer) => {}
        }
    }
}

/// Waits until an answer has a reader again.
async fn reopened(answer: &watch::Sender<Answer>) {
    while answer.is_closed() {
        sleep(Duration::from_millis(200)).await;
    }
}
