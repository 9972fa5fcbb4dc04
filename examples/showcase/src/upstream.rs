//! The provider that the proxy asks: a mock that frames its answers as most providers do.

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

/// What a provider would charge for.
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

/// How it fails, after some tokens.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    #[default]
    None,
    /// The connection breaks.
    Cut,
    /// An error object comes instead of the next chunk.
    Error,
    /// A status and a message instead of a stream.
    Busy,
}

#[derive(Deserialize, Serialize)]
pub struct Request {
    pub model: String,
    pub prompt: String,
    pub fault: Fault,
}

async fn complete(
    State((mind, bill)): State<(Model, Bill)>,
    Json(Request { model, prompt, fault }): Json<Request>,
) -> Response {
    bill.0.requests.fetch_add(1, Ordering::Relaxed);
    if fault == Fault::Busy {
        let message = json!({ "error": { "message": "too many requests" } });
        return (StatusCode::TOO_MANY_REQUESTS, Json(message)).into_response();
    }
    let frames = async_stream::stream! {
        let mut processing = Encoder::new();
        processing.comment("PROCESSING");
        yield Ok(processing.take());
        let mut tokens = pin!(mind.answer(&prompt, 0).enumerate());
        while let Some((number, token)) = tokens.next().await {
            if number == 12 && fault == Fault::Cut {
                yield Err(Cut);
            }
            if number == 12 && fault == Fault::Error {
                let error = json!({ "error": { "message": "the model is overloaded" } });
                yield Ok(json_frame(JsonEvent::new(error)));
                return;
            }
            bill.0.tokens.fetch_add(1, Ordering::Relaxed);
            let chunk = json!({
                "object": "chat.completion.chunk",
                "model": model,
                "choices": [{ "index": 0, "delta": { "content": token } }],
            });
            yield Ok(json_frame(JsonEvent::new(chunk)));
        }
        yield Ok(Frame::from(Event::new(DONE)));
    };
    EventBody::new(frames).into_response().map(Body::new)
}
