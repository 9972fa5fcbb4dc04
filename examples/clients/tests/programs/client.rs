//! The example `client`, against servers that cut it off.

use std::process::Output;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::get,
};
use futures_util::{StreamExt, stream};
use sse_wire::{Encoder, Event, EventIdBuf, last_event_id, sse_headers};
use tokio::net::TcpListener;

use crate::run;

/// Sends three events of a log of ten, from the client's last one on, and half of another event.
/// Then cuts the connection.
async fn resume(headers: HeaderMap) -> axum::response::Response {
    let last =
        last_event_id(&headers).map_or(0, |id| id.as_str().parse::<u32>().expect("a number"));
    if last == 10 {
        return StatusCode::NO_CONTENT.into_response();
    }
    let mut encoder = Encoder::new();
    encoder.retry(std::time::Duration::from_millis(5));
    for number in last + 1..=(last + 3).min(10) {
        let id = EventIdBuf::from(number);
        encoder.event(Event::new(id.as_str()).with_id(id.as_id()));
    }
    let cut = format!("id: {}\ndata: half of", last + 4);
    let chunks = stream::iter([Ok(encoder.take().into_bytes()), Ok(cut.into())]);
    // When a body fails, hyper discards what it has not sent yet, so this waits for the events to
    // be sent.
    let error = stream::once(async {
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        Err(std::io::Error::other("cut"))
    });
    (sse_headers(), Body::from_stream(chunks.chain(error))).into_response()
}

async fn client(path: &str) -> Output {
    let router = Router::new()
        .route("/resume", get(resume))
        .route("/busy", get(async || StatusCode::SERVICE_UNAVAILABLE))
        .route("/locked", get(async || (StatusCode::UNAUTHORIZED, "Who are you?")))
        .route("/json", get(async || ([("content-type", "application/json")], "{}")))
        .route("/lie", get(async || (sse_headers(), "<html>no</html>")));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}{path}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });

    run("client", &["--json", "--retry", "5", "--retries", "3", &url]).await
}

#[tokio::test]
async fn each_event_comes_once_although_the_stream_is_cut_again_and_again() {
    let output = client("/resume").await;
    let lines = String::from_utf8(output.stdout).expect("text");
    let data: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["data"].clone())
        .collect();
    assert_eq!(data, (1..=10).map(|number| number.to_string()).collect::<Vec<_>>());
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(log.contains("after event \"9\"") && log.contains("asked not to reconnect"), "{log}");
}

#[tokio::test]
async fn errors_are_reported() {
    for (path, message) in [
        ("/busy", "gave up after 4 attempts"),
        ("/nowhere", "the server answered 404"),
        ("/locked", "the server answered 401"),
        ("/locked", "Who are you?"),
        ("/json", "application/json is not an event stream"),
        ("/lie", "HTML came instead of an event stream: b\"<html>"),
    ] {
        let output = client(path).await;
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && log.contains(message), "{path}: {log}");
    }
}
