//! Mock upstreams that need no network: two models and an MCP server. They send the same kind of
//! events as the real ones, with the same framing, and fail in the same ways.
//!
//! The bytes are sent with pauses, in small pieces that are split within lines and characters.

use std::{io, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    http::{
        HeaderMap, StatusCode,
        header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::sleep};

/// The tokens of both models' answer.
const ANSWER: [&str; 33] = [
    "Air", " scat", "ters", " short", " waves", " of", " light", " far", " more", " than", " long",
    " ones", ":", " by", " 1", "/λ⁴", ".", " So", " blue", " comes", " to", " you", " from",
    " all", " sides", ",", " 蓝", "色", "的天", "空", " 🌤", "\u{fe0f}", ".",
];

/// Starts a model that speaks `OpenAI`'s protocol.
pub(crate) async fn openai() -> io::Result<String> {
    serve(post(chat_completion)).await
}

/// Starts a model that speaks `Anthropic`'s protocol.
pub(crate) async fn anthropic() -> io::Result<String> {
    serve(post(message)).await
}

/// Starts an MCP server with the Streamable HTTP transport.
///
/// Its tool `tea` is slow, so the client has to reconnect for the result. The stream of `toast`
/// breaks off before there is an ID to resume from, and the server forgets the stream of `soup`.
pub(crate) async fn mcp() -> io::Result<String> {
    serve(get(resume).post(call)).await
}

/// Serves one route on a free port; returns its URL.
async fn serve(route: MethodRouter) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new().route("/", route);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("http://{address}/"))
}

/// The way in which a response ends.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Regular,
    /// The connection breaks, and the client gets an error.
    Reset,
}

/// Returns a response with an event stream, in pieces that respect neither lines nor characters.
fn event_stream(text: String, end: End) -> Response {
    let sizes = [3, 130, 41, 97, 1, 64, 80].into_iter().cycle();
    let pieces = stream::unfold((text.into_bytes(), sizes), |(mut left, mut sizes)| async {
        if left.is_empty() {
            return None;
        }
        sleep(Duration::from_millis(8)).await;
        let rest = left.split_off(sizes.next()?.min(left.len()));
        Some((Ok(left), (rest, sizes)))
    });
    // When a body fails, hyper discards what it has not sent yet, so this gives it time to send it.
    let reset = stream::once(async {
        sleep(Duration::from_millis(30)).await;
        Err(io::Error::other("reset"))
    });
    let resets = usize::from(end == End::Reset);
    let body = Body::from_stream(pieces.chain(reset.take(resets)));
    ([(CONTENT_TYPE, "text/event-stream; charset=utf-8")], body).into_response()
}

/// Returns the error page of a proxy that cannot reach its upstream.
fn proxy_page() -> Response {
    let page = "<html><head><title>502 Bad Gateway</title></head></html>";
    (StatusCode::BAD_GATEWAY, [(CONTENT_TYPE, "text/html")], page).into_response()
}

/// Refuses a request for 20 seconds.
fn busy(error: Value) -> Response {
    (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "20")], Json(error)).into_response()
}

/// Returns an event stream that a proxy has compressed, although nobody asked for that.
fn zipped() -> Response {
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CONTENT_ENCODING, "gzip")];
    (headers, &b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x4b\x49\x2c\x49\xb4\x52\x48"[..]).into_response()
}

/// Returns the last message of the user.
fn prompt(request: &Value) -> &str {
    let last = request["messages"].as_array().and_then(|messages| messages.last());
    last.and_then(|message| message["content"].as_str()).unwrap_or_default()
}

async fn chat_completion(Json(request): Json<Value>) -> Response {
    let error = |kind, code, message| json!({ "error": { "message": message, "type": kind, "param": null, "code": code } });
    let chunk = |choices: Value, usage: Value| {
        format!(
            "data: {{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\
             \"created\":1760000000,\"model\":\"mock\",\"choices\":{choices},\"usage\":{usage}}}\n\n"
        )
    };
    let choice = |delta, finish_reason| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish_reason });
        chunk(json!([choice]), Value::Null)
    };
    // Routers in front of models send comments as keep-alives.
    let mut text = ": PROCESSING\n\n".repeat(2);
    text += &choice(json!({ "role": "assistant", "content": "" }), None);
    let token = |token| choice(json!({ "content": token }), None);
    let half: String = ANSWER[..12].iter().map(token).collect();
    let rest: String = ANSWER[12..].iter().map(token).collect();

    match prompt(&request) {
        "denied" => {
            let message = "Incorrect API key provided: mock.";
            let error = error("invalid_request_error", "invalid_api_key", message);
            return (StatusCode::UNAUTHORIZED, Json(error)).into_response();
        }
        "busy" => return busy(error("requests", "rate_limit_exceeded", "Slow down.")),
        "zipped" => return zipped(),
        "refused" => {
            // With status 200, and pretty-printed, as some gateways do.
            let message = "You exceeded your current quota.";
            let error = error("insufficient_quota", "insufficient_quota", message);
            return event_stream(format!("{error:#}"), End::Regular);
        }
        "proxy" => return proxy_page(),
        "overloaded" => {
            let error = error("server_error", "overloaded", "The model is overloaded.");
            text = format!("{text}{half}data: {error}\n\n");
        }
        "cut" => {
            text += &half;
            text.truncate(text.len() - 20);
        }
        "undone" => text += &half,
        "reset" => return event_stream(text + &half, End::Reset),
        _ => {
            text += &(half + &rest + &choice(json!({}), Some("stop")));
            let usage = json!({
                "prompt_tokens": 13,
                "completion_tokens": ANSWER.len(),
                "total_tokens": 13 + ANSWER.len(),
            });
            text += &chunk(json!([]), usage);
            text += "data: [DONE]\n\n";
        }
    }
    event_stream(text, End::Regular)
}

async fn message(Json(request): Json<Value>) -> Response {
    let error =
        |kind, message| json!({ "type": "error", "error": { "type": kind, "message": message } });
    // Pads the JSON with spaces, as the real service does.
    let event = |kind: &str, mut data: Value| {
        data["type"] = kind.into();
        format!("event: {kind}\ndata: {data}{}\n\n", " ".repeat(data.to_string().len() % 7))
    };
    let delta = |delta: Value| event("content_block_delta", json!({ "index": 0, "delta": delta }));
    let token = |token| delta(json!({ "type": "text_delta", "text": token }));

    let start = json!({ "model": "mock", "usage": { "input_tokens": 13, "output_tokens": 1 } });
    let mut text = event("message_start", json!({ "message": start }));
    text += &event(
        "content_block_start",
        json!({ "index": 0, "content_block": { "type": "text", "text": "" } }),
    );
    text += &event("ping", json!({}));
    text.extend(ANSWER[..12].iter().map(token));
    // Two types that no client knows.
    text += &event("weather_report", json!({ "sky": "clear" }));
    text += &delta(json!({ "type": "mood_delta", "mood": "sunny" }));

    match prompt(&request) {
        "denied" => {
            let error = error("authentication_error", "invalid x-api-key");
            return (StatusCode::UNAUTHORIZED, Json(error)).into_response();
        }
        "busy" => return busy(error("rate_limit_error", "Slow down.")),
        "zipped" => return zipped(),
        "refused" => {
            let error = error("rate_limit_error", "Too many requests for now.");
            return event_stream(error.to_string(), End::Regular);
        }
        "proxy" => return proxy_page(),
        "overloaded" => text += &event("error", error("overloaded_error", "Overloaded")),
        "cut" => text += "event: content_block_delta\ndata: {\"type\":\"content_blo",
        "undone" => {}
        "reset" => return event_stream(text, End::Reset),
        _ => {
            text.extend(ANSWER[12..].iter().map(token));
            text += &event("content_block_stop", json!({ "index": 0 }));
            let delta = json!({ "stop_reason": "end_turn", "stop_sequence": null });
            let usage = json!({ "output_tokens": ANSWER.len() });
            text += &event("message_delta", json!({ "delta": delta, "usage": usage }));
            text += &event("message_stop", json!({}));
        }
    }
    event_stream(text, End::Regular)
}

const SESSION: &str = "mcp-session-id";
const VERSION: &str = "mcp-protocol-version";

/// Answers a `POST`: with JSON, with an event stream, or with an event stream that ends too early.
async fn call(headers: HeaderMap, Json(request): Json<Value>) -> Response {
    let id = &request["id"];
    let method = request["method"].as_str().unwrap_or_default();
    let belongs_to_session = [SESSION, VERSION].iter().all(|&name| headers.contains_key(name));
    if method != "initialize" && !belongs_to_session {
        return error(StatusCode::BAD_REQUEST, id, "No session");
    }
    match method {
        "initialize" => {
            let result = json!({
                "protocolVersion": "2025-11-25",
                "capabilities": { "tools": {} },
                "serverInfo": { "name": "Mock Kitchen", "version": "1.0.0" },
            });
            let response = json!({ "jsonrpc": "2.0", "id": id, "result": result });
            let stream = format!("event: message\r\ndata: {response}\r\n\r\n");
            ([(SESSION, "0b9f")], event_stream(stream, End::Regular)).into_response()
        }
        "tools/list" => {
            let tools = ["tea", "toast", "soup"].map(|name| json!({ "name": name }));
            let result = json!({ "tools": tools });
            Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response()
        }
        "tools/call" => match request["params"]["name"].as_str() {
            // A block without data gives the client an ID to resume from.
            Some(tool @ ("tea" | "soup")) => {
                event_stream(format!("id: {tool}/{id}/0\nretry: 0\n\n"), End::Regular)
            }
            Some("denied") => {
                let challenge = [(WWW_AUTHENTICATE, "Bearer")];
                (StatusCode::UNAUTHORIZED, challenge, "Who are you?").into_response()
            }
            Some("busy") => busy(json!({ "error": "Slow down." })),
            Some("zipped") => zipped(),
            Some("proxy") => proxy_page(),
            Some("toast") => event_stream(": ping\r\n\r\n".to_owned(), End::Reset),
            _ => error(StatusCode::OK, id, "Unknown tool"),
        },
        _ => StatusCode::ACCEPTED.into_response(),
    }
}

fn error(status: StatusCode, id: &Value, message: &str) -> Response {
    let error = json!({ "code": -32602, "message": message });
    (status, Json(json!({ "jsonrpc": "2.0", "id": id, "error": error }))).into_response()
}

/// Answers a `GET`: continues a call after the client's last message, with two messages at a time.
async fn resume(headers: HeaderMap) -> Response {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    // The ID of an event consists of the tool, the request, and the number of messages so far.
    let last = header("last-event-id").unwrap_or_default();
    let (Some(_), ["tea", id, so_far]) =
        (header(SESSION), &last.split('/').collect::<Vec<_>>()[..])
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let so_far: usize = so_far.parse().unwrap_or(0);
    let steps = ["Warming the pot", "Boiling the water", "Steeping: 三分钟", "Pouring"];
    let progress = |(number, step): (usize, &&str)| {
        let params = json!({ "progress": number, "total": steps.len(), "message": step });
        let message =
            json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params });
        format!("id: tea/{id}/{number}\r\ndata: {message}\r\n\r\n")
    };
    let mut stream: String = (1..).zip(&steps).skip(so_far).take(2).map(progress).collect();
    if so_far >= steps.len() {
        let content = json!([{ "type": "text", "text": "A cup of Darjeeling. 请慢用!" }]);
        let response =
            format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":{content}}}}}");
        stream = format!("data: {response}\r\n\r\n");
    } else if so_far == 2 {
        // The last message is truncated. It is sent again over the next connection.
        stream.truncate(stream.len() - 10);
        return event_stream(stream, End::Reset);
    }
    event_stream(format!(": ping\r\n\r\n{stream}"), End::Regular)
}
