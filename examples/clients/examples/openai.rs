//! Sends a prompt to a model with `OpenAI`'s API, and prints the tokens as they arrive.
//!
//! ```sh
//! cargo run --example openai              # uses a mock, which fails for some prompts:
//! cargo run --example openai -- cut       # or denied, busy, refused, zipped, proxy, overloaded, undone, reset
//! API_KEY=.. cargo run --example openai -- --url https://api.openai.com/v1/chat/completions
//! ```

use std::io::{Write, stdout};

use anyhow::{Context, anyhow, bail};
use futures_util::TryStreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use sse_wire::{DONE, EventStreamExt, StreamError};
use upstream::Chat;

/// The data of an event, or the body of an error response.
#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Error { error: ApiError },
    Chunk { choices: Vec<Choice>, usage: Option<Value> },
}

#[derive(Deserialize)]
struct ApiError {
    message: String,
}

#[derive(Deserialize)]
struct Choice {
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Chat { prompt, url, key, model } = upstream::openai().await?;
    let messages = json!([{ "role": "user", "content": prompt }]);
    let mut request = json!({ "model": model, "messages": messages, "stream": true });
    request["stream_options"]["include_usage"] = true.into();
    let response = reqwest::Client::new().post(url).bearer_auth(key).json(&request).send().await?;
    // Some servers send an error with status 200, so the head and the body decide.
    let mut messages = match sse_wire::open(response).await {
        Ok(events) => events.must_end_with(DONE).json(),
        Err(StreamError::NotEventStream(body)) => {
            let message = match (body.status(), body.json()) {
                (Some(status), Ok(Message::Error { error })) => {
                    format!("{status}: {}", error.message)
                }
                _ => body.to_string(),
            };
            let Some(delay) = body.retry_after() else { bail!(message) };
            bail!("{message} (try again in {delay:?})")
        }
        Err(error) => return Err(error.into()),
    };
    let result = loop {
        match messages.try_next().await {
            Ok(Some(Message::Chunk { choices, usage })) => {
                for Choice { delta, finish_reason } in choices {
                    print!("{}", delta.content.unwrap_or_default());
                    finish_reason.inspect(|reason| print!("\n[{reason}]"));
                }
                usage.inspect(|usage| print!(" [{} tokens]", usage["total_tokens"]));
                stdout().flush()?;
            }
            Ok(Some(Message::Error { error })) => break Err(anyhow!(error.message)),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error.into()),
        }
    };
    println!();
    result.context("the answer ended early")
}
