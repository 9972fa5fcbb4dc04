//! Mocks the provider that the proxy asks, and frames its answers as most providers do.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sse_wire::{DONE, Encoder, Event, EventBody, Frame, JsonEvent};

use crate::{
    model::Model,
    streams::{Cut, json_frame},
};

pub fn router(model: Model) -> Router {
    let bill = Bill::default();
    Router::new()
        .route("/upstream/v1/chat/completions", post(complete))
        .route("/upstream/bill", get(async |State((_, bill)): State<(Model, Bill)>| bill.show()))
        .with_state((model, bill))
}

/// The requests and tokens that a provider would charge for.
#[derive(Clone, Default)]
struct Bill(Arc<Figures>);

#[derive(Default)]
struct Figures {
    requests: AtomicU64,
    tokens: AtomicU64,
}

impl Bill {
    fn show(&self) -> Json<serde_json::Value> {
        let [requests, tokens] =
            [&self.0.requests, &self.0.tokens].map(|figure| figure.load(Ordering::Relaxed));
        Json(json!({ "requests": requests, "tokens": tokens }))
    }
}

/// The failure to simulate, after some tokens.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    #[default]
    None,
    /// The connection breaks.
    Cut,
    /// The provider sends an error object instead of the next chunk.
    Error,
    /// The provider ends the answer early, and says so in `finish_reason`.
    Length,
    /// The provider responds with a status and a message instead of a stream.
    Busy,
}

impl Fault {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// A request for chat completions, in the form that most providers accept.
#[derive(Deserialize, Serialize)]
pub struct Request {
    pub model: String,
    pub messages: Vec<Message>,
    pub stream: bool,
    /// The failure to simulate. Only the mock knows this field.
    #[serde(default, skip_serializing_if = "Fault::is_none")]
    pub fault: Fault,
}

#[derive(Deserialize, Serialize)]
pub struct Message {
    pub role: String,
    pub content: String,
}

impl Request {
    pub fn new(model: String, prompt: String, fault: Fault) -> Self {
        let message = Message { role: "user".to_owned(), content: prompt };
        Self { model, messages: vec![message], stream: true, fault }
    }
}

async fn complete(
    State((mind, bill)): State<(Model, Bill)>,
    Json(Request { model, messages, fault, .. }): Json<Request>,
) -> Response {
    bill.0.requests.fetch_add(1, Ordering::Relaxed);
    if fault == Fault::Busy {
        let message = json!({ "error": { "message": "too many requests" } });
        return (StatusCode::TOO_MANY_REQUESTS, Json(message)).into_response();
    }
    let chunk = move |delta: serde_json::Value, finish_reason: Option<&str>| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish_reason });
        let chunk =
            json!({ "object": "chat.completion.chunk", "model": model, "choices": [choice] });
        json_frame(JsonEvent::new(chunk))
    };
    let prompt = messages.into_iter().next_back().map(|message| message.content);
    let frames = async_stream::stream! {
        let mut processing = Encoder::new();
        processing.comment("PROCESSING");
        yield Ok(processing.take());
        let mut tokens = pin!(mind.answer(&prompt.unwrap_or_default(), 0).enumerate());
        let mut reason = "stop";
        while let Some((number, token)) = tokens.next().await {
            if number == 12 && fault == Fault::Cut {
                yield Err(Cut);
            }
            if number == 12 && fault == Fault::Error {
                let error = json!({ "error": { "message": "the model is overloaded" } });
                yield Ok(json_frame(JsonEvent::new(error)));
                return;
            }
            if number == 12 && fault == Fault::Length {
                reason = "length";
                break;
            }
            bill.0.tokens.fetch_add(1, Ordering::Relaxed);
            yield Ok(chunk(json!({ "content": token }), None));
        }
        yield Ok(chunk(json!({}), Some(reason)));
        yield Ok(Frame::from(Event::new(DONE)));
    };
    EventBody::new(frames).into_response().map(Body::new)
}
