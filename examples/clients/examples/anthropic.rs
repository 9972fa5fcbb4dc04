//! Sends a prompt to a model with `Anthropic`'s API, whose events have types, and prints the text
//! as it arrives.
//!
//! ```sh
//! cargo run --example anthropic           # uses a mock, which fails for some prompts:
//! cargo run --example anthropic -- cut    # or denied, busy, refused, zipped, proxy, overloaded, undone, reset
//! API_KEY=.. cargo run --example anthropic -- --url https://api.anthropic.com/v1/messages
//! ```

use std::io::{Write, stdout};

use anyhow::{Context, anyhow, bail};
use futures_util::TryStreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use sse_wire::{EventStreamExt, StreamError};
use upstream::Chat;

/// The event types that this client handles, with their data.
#[derive(Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
enum Event {
    ContentBlockDelta(Value),
    MessageDelta(Value),
    Error(Failure),
    /// `message_stop`, `ping`, and all types that are unknown.
    #[serde(other)]
    Other,
}

/// The data of an error event, or the body of an error response.
#[derive(Deserialize)]
struct Failure {
    error: ApiError,
}

#[derive(Deserialize)]
struct ApiError {
    message: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Chat { prompt, url, key, model } = upstream::anthropic().await?;
    let messages = json!([{ "role": "user", "content": prompt }]);
    let request =
        json!({ "model": model, "max_tokens": 1024, "messages": messages, "stream": true });
    let post = reqwest::Client::new().post(url).header("anthropic-version", "2023-06-01");
    let response = post.header("x-api-key", key).json(&request).send().await?;
    // Some servers send an error with status 200, so the head and the body decide.
    let mut events = match sse_wire::open(response).await {
        Ok(events) => events.must_end_with_type("message_stop").json_by_type(),
        Err(StreamError::NotEventStream(body)) => {
            let message = match (body.status(), body.json()) {
                (Some(status), Ok(Failure { error })) => format!("{status}: {}", error.message),
                _ => body.to_string(),
            };
            let Some(delay) = body.retry_after() else { bail!(message) };
            bail!("{message} (try again in {delay:?})")
        }
        Err(error) => return Err(error.into()),
    };
    let result = loop {
        match events.try_next().await {
            Ok(Some(Event::ContentBlockDelta(data))) => {
                print!("{}", data["delta"]["text"].as_str().unwrap_or_default());
                stdout().flush()?;
            }
            Ok(Some(Event::MessageDelta(data))) => {
                let reason = &data["delta"]["stop_reason"];
                print!("\n[{reason}] [{} tokens]", data["usage"]["output_tokens"]);
            }
            Ok(Some(Event::Error(Failure { error }))) => break Err(anyhow!(error.message)),
            Ok(Some(Event::Other)) => {}
            Ok(None) => break Ok(()),
            Err(error) => break Err(error.into()),
        }
    };
    println!();
    result.context("the answer ended early")
}
