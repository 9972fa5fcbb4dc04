//! Sends a text character by character: `start`, a `chunk` for each character, `end`.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{Query, State},
    response::Response,
    routing::get,
};
use serde::{Deserialize, Serialize};
use sse_wire::{Event, EventType, Frame, JsonEvent};
use tokio::time::sleep;
use unicode_segmentation::UnicodeSegmentation;

use crate::streams::{LastEventId, Streams, json_frame};

const TEXT: &str = "Server-Sent Events are a text, line by line, over one long answer. \
    服务器推送事件:一行一行的文字,一次请求,不断的回答。打字机的光标一直在闪。👩‍💻";

/// The longest text, in characters. A longer one is truncated, and the page says so.
const MAX_TEXT: usize = 2000;

/// The time between two characters, in milliseconds.
const DELAY: u64 = 40;
const MAX_DELAY: u64 = 2000;

pub fn router(streams: Streams) -> Router {
    Router::new().route("/typewriter", get(by_get).post(by_post)).with_state(streams)
}

#[derive(Deserialize)]
struct Wanted {
    text: Option<String>,
    /// The time between two characters, in milliseconds.
    delay: Option<u64>,
}

async fn by_get(
    State(streams): State<Streams>,
    last: LastEventId,
    Query(wanted): Query<Wanted>,
) -> Response {
    typewriter(&streams, &last, wanted)
}

/// Takes texts that are too long for a URL.
async fn by_post(
    State(streams): State<Streams>,
    last: LastEventId,
    Json(wanted): Json<Wanted>,
) -> Response {
    typewriter(&streams, &last, wanted)
}

fn typewriter(streams: &Streams, last: &LastEventId, Wanted { text, delay }: Wanted) -> Response {
    let text = text.filter(|text| !text.is_empty()).unwrap_or_else(|| TEXT.to_owned());
    let delay = Duration::from_millis(delay.unwrap_or(DELAY).min(MAX_DELAY));
    let known = last.count();
    streams.respond(async_stream::stream! {
        // Counts characters as a reader does: one emoji may have several code points.
        let chars: Vec<&str> = text.graphemes(true).take(MAX_TEXT).collect();
        let total = Some(chars.len());
        yield Step::Start { total }.frame();
        for (index, char) in chars.into_iter().enumerate().skip(known) {
            sleep(delay).await;
            yield Step::Chunk { char, index, total }.frame();
        }
        yield Step::End { total, finish: None }.frame();
    })
}

/// A step of the text that the page types. The data repeats the type, for clients that read only
/// the data.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Step<'a> {
    Start {
        /// The length of the text in characters; `null` if it is not known yet.
        total: Option<usize>,
    },
    Chunk {
        char: &'a str,
        index: usize,
        total: Option<usize>,
    },
    End {
        total: Option<usize>,
        /// The reason why a provider ended its answer: `stop` if the answer is whole.
        finish: Option<&'a str>,
    },
    /// A failure. Its type is not `error`, because `EventSource` reports lost connections under
    /// that name.
    Failure {
        message: &'a str,
    },
}

impl Step<'_> {
    fn event_type(&self) -> EventType<'static> {
        match self {
            Self::Start { .. } => EventType::from_static("start"),
            Self::Chunk { .. } => EventType::from_static("chunk"),
            Self::End { .. } => EventType::from_static("end"),
            Self::Failure { .. } => EventType::from_static("failure"),
        }
    }

    /// Encodes the step. The ID of a chunk is the number of characters so far.
    pub fn frame(&self) -> Frame {
        let event = JsonEvent::new(self).with_event_type(self.event_type());
        json_frame(match self {
            Self::Chunk { index, .. } => event.with_id(index + 1),
            _ => event,
        })
    }

    /// Calls `log` with the step as an event without an ID, for a log that sets its own.
    pub fn with_event<T>(&self, log: impl FnOnce(Event<'_>) -> T) -> T {
        let data = serde_json::to_string(self).expect("it is JSON");
        log(Event::new(&data).with_event_type(self.event_type()))
    }
}
