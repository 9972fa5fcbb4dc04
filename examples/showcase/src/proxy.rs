//! A provider's stream, decoded, and told anew as the typewriter's events.

use std::net::SocketAddr;

use axum::{
    Router,
    extract::{Query, State},
    response::Response,
    routing::get,
};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use sse_wire::{ByteStreamExt, DONE, EventStreamExt, Frame};
use unicode_segmentation::UnicodeSegmentation;

use crate::{
    streams::Streams,
    typewriter::Step,
    upstream::{Fault, Request},
};

#[derive(Clone)]
pub struct Proxy {
    client: reqwest::Client,
    upstream: String,
}

impl Proxy {
    /// The mock upstream is on this server, too.
    pub fn new(address: SocketAddr) -> Self {
        let upstream = format!("http://{address}/upstream/v1/chat/completions");
        // What the environment says about proxies is not for loopback.
        let client = reqwest::Client::builder().no_proxy().build().expect("nothing to go wrong");
        Self { client, upstream }
    }
}

pub fn router(proxy: Proxy, streams: Streams) -> Router {
    Router::new().route("/proxy", get(ask)).with_state((proxy, streams))
}

#[derive(Deserialize)]
struct Prompt {
    prompt: String,
    #[serde(default)]
    fault: Fault,
}

async fn ask(
    State((proxy, streams)): State<(Proxy, Streams)>,
    Query(Prompt { prompt, fault }): Query<Prompt>,
) -> Response {
    streams.respond(proxy.ask(Request { model: "gpt-x".to_owned(), prompt, fault }))
}

/// The part of the upstream's chunks that matters here.
#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    error: Option<UpstreamError>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Delta,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
}

#[derive(Deserialize)]
struct UpstreamError {
    message: String,
}

impl Proxy {
    /// Whatever goes wrong becomes an event: a client must not take half an answer for a whole one.
    fn ask(self, request: Request) -> impl Stream<Item = Frame> + Send {
        async_stream::stream! {
            yield Step::Start { total: None }.frame();
            let mut index = 0;
            let mut answer = std::pin::pin!(self.answer(request));
            while let Some(text) = answer.next().await {
                match text {
                    Ok(text) => {
                        for char in text.graphemes(true) {
                            yield Step::Chunk { char, index, total: None }.frame();
                            index += 1;
                        }
                    }
                    Err(message) => {
                        yield Step::Failure { message: &message }.frame();
                        return;
                    }
                }
            }
            yield Step::End { total: Some(index) }.frame();
        }
    }

    /// The texts of the upstream's answer, or why there are no more.
    fn answer(self, request: Request) -> impl Stream<Item = Result<String, String>> + Send {
        async_stream::try_stream! {
            let request = self.client.post(self.upstream).json(&request);
            let response = request.send().await.map_err(|error| error.to_string())?;
            if !response.status().is_success() {
                Err(format!("the upstream answered {}", response.status()))?;
                return;
            }
            let mut events = response.bytes_stream().events().until_data(DONE);
            while let Some(event) = events.next().await {
                let event = event.map_err(|_| "the upstream was cut off")?;
                let chunk: Chunk = event.json().map_err(|error| error.to_string())?;
                if let Some(UpstreamError { message }) = chunk.error {
                    Err(message)?;
                }
                for choice in chunk.choices {
                    yield choice.delta.content.unwrap_or_default();
                }
            }
            if !events.is_done() {
                Err("the upstream ended too early")?;
            }
        }
    }
}
