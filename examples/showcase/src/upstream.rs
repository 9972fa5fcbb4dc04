//! The provider that the proxy asks: a mock that frames its answers as most do.

use std::pin::pin;

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
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
    Router::new().route("/upstream/v1/chat/completions", post(complete)).with_state(model)
}

/// How it shall fail, after some tokens.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    #[default]
    None,
    /// The connection breaks.
    Cut,
    /// An error object stands where the next chunk is expected.
    Error,
    /// No stream at all, but a status and a message.
    Busy,
}

#[derive(Deserialize, Serialize)]
pub struct Request {
    pub model: String,
    pub prompt: String,
    pub fault: Fault,
}

async fn complete(
    State(mind): State<Model>,
    Json(Request { model, prompt, fault }): Json<Request>,
) -> Response {
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
