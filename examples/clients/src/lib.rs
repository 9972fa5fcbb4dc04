//! The upstream of the example clients: the one from the command line, or a mock in this process.

mod mock;

use std::io;

use axum::http::{HeaderMap, header::AUTHORIZATION};
use clap::Parser;
use serde_json::Value;

/// A prompt, and the model to send it to.
#[derive(Debug, Parser)]
pub struct Chat {
    /// The prompt. The mock fails for some: denied, busy, refused, zipped, proxy, overloaded, undone,
    /// cut, reset.
    #[arg(default_value = "Why is the sky blue?")]
    pub prompt: String,
    /// The endpoint; without one, a mock is used.
    #[arg(long, default_value = "")]
    pub url: String,
    /// The API key. Prefer to set it in the environment.
    #[arg(long, env = "API_KEY", hide_env_values = true, default_value = "")]
    pub key: String,
    /// The name of the model. The default is a small one.
    #[arg(long, default_value = "")]
    pub model: String,
}

/// A call of a tool, and the MCP server that provides it.
#[derive(Debug, Parser)]
pub struct Tool {
    /// The name of the tool. The mock has tea, toast and soup, and fails for denied, busy, zipped and
    /// proxy.
    #[arg(default_value = "tea")]
    pub name: String,
    /// Its arguments, as JSON.
    #[arg(default_value = "{}", value_parser = |text: &str| text.parse::<Value>())]
    pub arguments: Value,
    /// The endpoint; without one, a mock is used.
    #[arg(long, default_value = "")]
    pub url: String,
    /// The token for the endpoint. Prefer to set it in the environment.
    #[arg(long, env = "API_KEY", hide_env_values = true)]
    token: Option<String>,
    /// The headers with the token.
    #[arg(skip)]
    pub headers: HeaderMap,
}

/// Parses the command line. Without a URL, starts a mock of `OpenAI`'s chat completions.
///
/// # Errors
///
/// Returns an error if the mock gets no port.
pub async fn openai() -> io::Result<Chat> {
    chat("gpt-4.1-mini", mock::openai()).await
}

/// Parses the command line. Without a URL, starts a mock of `Anthropic`'s messages.
///
/// # Errors
///
/// Returns an error if the mock gets no port.
pub async fn anthropic() -> io::Result<Chat> {
    chat("claude-haiku-4-5", mock::anthropic()).await
}

async fn chat(model: &str, mock: impl Future<Output = io::Result<String>>) -> io::Result<Chat> {
    let mut chat = Chat::parse();
    if chat.url.is_empty() {
        chat.url = mock.await?;
    }
    if chat.model.is_empty() {
        chat.model = model.to_owned();
    }
    Ok(chat)
}

/// Parses the command line. Without a URL, starts a mock of an MCP server.
///
/// # Errors
///
/// Returns an error if the mock gets no port, or if the token is not a valid header value.
pub async fn mcp() -> io::Result<Tool> {
    let mut tool = Tool::parse();
    if let Some(token) = &tool.token {
        let value = format!("Bearer {token}").try_into().map_err(io::Error::other)?;
        tool.headers.insert(AUTHORIZATION, value);
    }
    if tool.url.is_empty() {
        tool.url = mock::mcp().await?;
    }
    Ok(tool)
}
