//! What a browser does not show of the showcase: headers, heartbeats, slow readers, the end.

mod common;

use std::{io::Write, net::TcpStream, process::Command};

use futures_util::StreamExt;
use reqwest::{Method, header::HeaderValue};
use serde_json::{Value, json};
use sse_wire::{ByteStreamExt, ItemBuf};

use self::common::{Server, in_time};

#[tokio::test]
async fn every_stream_has_the_headers_that_matter() {
    let server = Server::start();
    for path in [
        "/typewriter?delay=0",
        "/chat?question=a",
        "/notifications",
        "/rooms/a",
        "/monitor",
        "/proxy?prompt=a",
        "/channels?channels=monitor,rooms/a",
    ] {
        let response = server.get(path).await;
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(header("content-type"), Some("text/event-stream"), "{path}");
        assert_eq!(header("cache-control"), Some("no-cache, no-transform"), "{path}");
        assert_eq!(header("x-accel-buffering"), Some("no"), "{path}");
        assert_eq!(header("access-control-allow-origin"), Some("*"), "{path}");
        assert_eq!(header("content-length"), None, "{path}");
    }

    // What a browser asks before a page of another origin may post JSON.
    let asked = server
        .client
        .request(Method::OPTIONS, format!("{}/chat", server.address))
        .header("origin", "http://elsewhere.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,last-event-id")
        .send()
        .await
        .expect("an answer");
    assert_eq!(asked.status(), 200);
    for name in ["access-control-allow-methods", "access-control-allow-headers"] {
        assert_eq!(asked.headers().get(name).map(HeaderValue::as_bytes), Some(&b"*"[..]));
    }

    for path in ["/channels?channels=nothing", "/notifications?channels=nothing"] {
        assert_eq!(server.get(path).await.status(), 400, "{path}");
    }
}

#[tokio::test]
async fn a_silent_stream_has_heartbeats() {
    let server = Server::start();
    let mut items = server.get("/rooms/silent").await.bytes_stream().items();
    let mut comments = 0;
    in_time(async {
        while comments < 3 {
            let item = items.next().await.expect("it goes on").expect("a stream");
            comments += usize::from(matches!(item, ItemBuf::Comment(_)));
        }
    })
    .await;
}

#[tokio::test]
async fn an_interrupt_ends_all_streams_between_two_events() {
    let mut server = Server::start();
    let mut streams = Vec::new();
    for path in
        ["/typewriter?delay=10", "/notifications", "/rooms/a", "/monitor", "/chat?question=a"]
    {
        let mut events = server.get(path).await.bytes_stream().events();
        // One of each, so that all are under way.
        in_time(events.next()).await.expect("an event").expect("a stream");
        streams.push((path, events));
    }
    let id = server.process.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().expect("kill is there");
    assert!(sent.success());

    for (path, mut events) in streams {
        in_time(async {
            while let Some(event) = events.next().await {
                event.unwrap_or_else(|error| panic!("{path}: {error}"));
            }
        })
        .await;
        assert!(events.end().is_some_and(|end| end.is_clean()), "{path}");
    }
    let ended = tokio::task::spawn_blocking(move || server.process.wait().expect("it ends"));
    assert!(in_time(ended).await.expect("no panic").success());
}

#[tokio::test]
async fn who_reads_too_slowly_is_dropped_and_delays_nobody() {
    let server = Server::start();
    let mut quick = server.get("/rooms/crowd").await.bytes_stream().events();
    // Comes in, and never reads.
    let address = server.address.trim_start_matches("http://");
    let mut slow = TcpStream::connect(address).expect("a connection");
    slow.write_all(b"GET /rooms/crowd?name=slow HTTP/1.1\r\nhost: a\r\n\r\n").expect("sent");
    in_time(async {
        while !in_time(quick.next())
            .await
            .expect("it goes on")
            .expect("a stream")
            .data()
            .contains("slow")
        {}
    })
    .await;

    // More than the buffers of a connection and the queue of a member hold.
    let reader = tokio::spawn(async move {
        let mut expected = 0;
        loop {
            let event = quick.next().await.expect("it goes on").expect("a stream");
            if event.event_type() != "message" {
                continue;
            }
            let message: Value = event.json().expect("JSON");
            let text = message["text"].as_str().expect("text");
            if text == "end" {
                return expected;
            }
            let number: usize = text.trim_start_matches('.').parse().expect("a number");
            assert_eq!(number, expected, "each once, in order");
            expected += 1;
        }
    });
    let padding = ".".repeat(4000);
    let mut sent = 0;
    let mut reached = Value::Null;
    while reached != json!({ "reached": 1 }) {
        assert!(sent < 20_000, "the slow one is still there");
        let message = json!({ "name": "a", "text": format!("{padding}{sent}") });
        reached = in_time(server.post("/rooms/crowd", &message)).await;
        sent += 1;
    }
    in_time(server.post("/rooms/crowd", &json!({ "name": "a", "text": "end" }))).await;
    assert_eq!(in_time(reader).await.expect("no panic"), sent);
    drop(slow);
}

#[tokio::test]
async fn who_comes_back_after_too_long_is_told_so() {
    let server = Server::start();
    let mut first = server.get("/notifications").await.bytes_stream().events();
    let hello = in_time(first.next()).await.expect("an event").expect("a stream");
    assert_eq!(hello.event_type(), "hello");
    drop(first);
    // As many as the log holds, and those that come by themselves.
    for number in 0..1001 {
        let order = json!({ "channel": "order", "data": { "text": number } });
        in_time(server.post("/notifications", &order)).await;
    }
    for (id, is_gap) in [(hello.last_event_id(), true), ("another-run-7", true), ("", false)] {
        let request = server.client.get(format!("{}/notifications", server.address));
        let response = request.header("last-event-id", id).send().await.expect("an answer");
        let mut events = response.bytes_stream().events();
        let event = in_time(events.next()).await.expect("an event").expect("a stream");
        assert_eq!(event.event_type(), if is_gap { "gap" } else { "hello" }, "{id}");
    }
}
