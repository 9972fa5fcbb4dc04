//! Calls a tool of an MCP server, and reconnects for the result when the server closes the stream.
//!
//! ```sh
//! cargo run --example mcp    # calls the slow tool `tea` of a mock; `-- toast` or soup, busy, denied, zipped, proxy fail
//! cargo run --example mcp -- --url https://mcp.deepwiki.com/mcp ask_question ARGUMENTS
//! ```

use std::pin::pin;

use anyhow::{Context, bail, ensure};
use futures_util::TryStreamExt;
use reqwest::{Client, RequestBuilder, Response, header::HeaderMap};
use serde_json::{Value, json};
use sse_wire::{
    BodyKind, ConnectRequest, Reconnect, ReconnectUpdate, Reconnecting, TokioTimer, open_response,
};
use upstream::Tool;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Tool { name, arguments, url, mut headers, .. } = upstream::mcp().await?;
    let client = Client::new();
    let post = |headers: &HeaderMap, message: Value| {
        let post = client.post(&url).headers(headers.clone()).json(&message);
        post.header("accept", "application/json, text/event-stream").send()
    };
    let info = json!({ "name": "sse-wire", "version": "0.1.0" });
    let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info });
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello });
    let hello = post(&headers, hello).await?.error_for_status()?;
    headers.insert("mcp-protocol-version", "2025-11-25".parse()?);
    if let Some(id) = hello.headers().get("mcp-session-id") {
        headers.insert("mcp-session-id", id.clone());
    }
    hello.bytes().await?;
    post(&headers, json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await?;
    let call = json!({ "name": name, "arguments": arguments });
    let call = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call });
    let response = post(&headers, call).await?;
    let answer = answer(response, || client.get(&url).headers(headers.clone())).await?;
    println!("{}", answer.get("result").with_context(|| format!("the server failed: {answer}"))?);
    Ok(())
}

/// Returns the answer to a request, and prints the messages that the server sends before it.
async fn answer(response: Response, get: impl Fn() -> RequestBuilder) -> anyhow::Result<Value> {
    let response = match open_response(response) {
        Ok(response) => response.map(|events| events.into_inner().into_inner()),
        // The answer may be JSON, too.
        Err(refused) => {
            let body = refused.read(1 << 20).await;
            let is_ok = body.status().is_some_and(|status| status.is_success());
            if is_ok && body.kind() == BodyKind::Json {
                return Ok(body.json()?);
            }
            let Some(delay) = body.retry_after() else { bail!(body) };
            bail!("{body} (try again in {delay:?})");
        }
    };
    let resume = |request: ConnectRequest| get().headers(request.headers()).send();
    // The first connection is this response. Later ones resume it without repeating the call.
    let events = Reconnecting::new(resume, Reconnect::new(), TokioTimer::new());
    let mut updates = pin!(events.with_response(response).updates());
    loop {
        match updates.try_next().await?.context("the server sent no answer")? {
            ReconnectUpdate::Event(event) => match event.json::<Value>()? {
                message if message["method"].is_null() => return Ok(message),
                message => println!("{}: {}", message["method"], message["params"]),
            },
            ReconnectUpdate::Waiting { delay, end, .. } => {
                let id = updates.get_ref().last_event_id();
                ensure!(!id.is_empty(), "{end}, before there was an ID to resume with");
                println!("[{end}; going on after {id} in {delay:.1?}]");
            }
            _ => {}
        }
    }
}
