//! A text that appears character by character: `start`, a `chunk` for each, `end`.

use std::time::Duration;

use axum::{
    Router,
    extract::{Query, State},
    response::Response,
    routing::get,
};
use serde::{Deserialize, Serialize};
use sse_wire::{EventType, Frame, JsonEvent};
use tokio::time::sleep;
use unicode_segmentation::UnicodeSegmentation;

use crate::streams::{LastEventId, Streams, json_frame};

const TEXT: &str = "Server-Sent Events are a text, line by line, over one long answer. \
    服务器推送事件:一行一行的文字,一次请求,不断的回答。打字机的光标一直在闪。👩‍💻";

/// Nobody waits for more.
const LONGEST: usize = 2000;

pub fn router(streams: Streams) -> Router {
    Router::new().route("/typewriter", get(typewriter)).with_state(streams)
}

#[derive(Deserialize)]
struct Wanted {
    text: Option<String>,
    /// Milliseconds between two characters.
    delay: Option<u64>,
}

async fn typewriter(
    State(streams): State<Streams>,
    Query(Wanted { text, delay }): Query<Wanted>,
    last: LastEventId,
) -> Response {
    let text = text.filter(|text| !text.is_empty()).unwrap_or_else(|| TEXT.to_owned());
    let delay = Duration::from_millis(delay.unwrap_or(40).min(2000));
    streams.respond(async_stream::stream! {
        // Characters as a reader counts them: an emoji may have many code points.
        let chars: Vec<&str> = text.graphemes(true).take(LONGEST).collect();
        let total = Some(chars.len());
        yield Step::Start { total }.frame();
        // Who was cut goes on where it was.
        for (index, char) in chars.into_iter().enumerate().skip(last.count()) {
            sleep(delay).await;
            yield Step::Chunk { char, index, total }.frame();
        }
        yield Step::End { total }.frame();
    })
}

/// What the page types. Its type is told twice, for those who use only the data.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Step<'a> {
    /// `total` is `null` if nobody knows yet how long it will be.
    Start {
        total: Option<usize>,
    },
    Chunk {
        char: &'a str,
        index: usize,
        total: Option<usize>,
    },
    End {
        total: Option<usize>,
    },
    /// Not `error`: that is what `EventSource` calls the end of a connection.
    Failure {
        message: &'a str,
    },
}

impl Step<'_> {
    pub fn frame(&self) -> Frame {
        const START: EventType<'_> = EventType::from_static("start");
        const CHUNK: EventType<'_> = EventType::from_static("chunk");
        const END: EventType<'_> = EventType::from_static("end");
        const FAILURE: EventType<'_> = EventType::from_static("failure");

        let event = JsonEvent::new(self);
        json_frame(match self {
            Self::Start { .. } => event.with_event_type(START),
            Self::Chunk { index, .. } => event.with_event_type(CHUNK).with_id(index + 1),
            Self::End { .. } => event.with_event_type(END),
            Self::Failure { .. } => event.with_event_type(FAILURE),
        })
    }
}
