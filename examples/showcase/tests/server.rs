//! Tests what a browser does not show: headers, heartbeats, slow readers, and the shutdown.

mod common;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    time::{Duration, Instant},
};

use futures_util::{Stream, StreamExt};
use reqwest::{Method, header::HeaderValue};
use serde_json::{Value, json};
use sse_wire::{ByteStreamExt, ItemBuf};

use self::common::{KEY, Server, in_time};

#[tokio::test]
async fn every_stream_has_the_headers_that_matter() {
    let server = Server::start();
    for path in [
        "/typewriter?delay=0",
        "/chat?question=a",
        "/notifications",
        "/rooms?room=a",
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

    // A browser sends this request before a page from another origin may post JSON.
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
async fn only_listed_origins_are_allowed() {
    let origins = ["http://one.example", "http://two.example"];
    let server = Server::start_with(&["--origin", origins[0], "--origin", origins[1]]);
    for origin in [origins[0], origins[1], "http://three.example"] {
        for method in [Method::GET, Method::OPTIONS] {
            let request = server
                .client
                .request(method, format!("{}/monitor", server.address))
                .header("origin", origin)
                .header("access-control-request-method", "GET")
                .header("access-control-request-headers", "last-event-id");
            let response = request.send().await.expect("an answer");
            let allowed = response.headers().get("access-control-allow-origin");
            if origin == "http://three.example" {
                assert_eq!(allowed, None);
            } else {
                assert_eq!(allowed.map(HeaderValue::as_bytes), Some(origin.as_bytes()));
                assert_eq!(response.headers()["access-control-allow-credentials"], "true");
            }
        }
    }
}

#[tokio::test]
async fn a_silent_stream_has_heartbeats() {
    let server = Server::start();
    let mut items = server.get("/rooms?room=silent").await.bytes_stream().items();
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
        ["/typewriter?delay=10", "/notifications", "/rooms?room=a", "/monitor", "/chat?question=a"]
    {
        let mut events = server.get(path).await.bytes_stream().events();
        // Waits for an event from each, so that all streams have begun.
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

/// Opens a connection, sends these bytes, and reads nothing.
fn send(server: &Server, bytes: &str) -> TcpStream {
    let address = server.address.trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).expect("a connection");
    socket.write_all(bytes.as_bytes()).expect("sent");
    socket
}

fn interrupt(server: &Server) {
    let id = server.process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill is there").success());
}

/// Connects clients that could keep a server waiting without end: half a head, half a body, and a
/// reader that does not read.
async fn stalled(server: &Server) -> [TcpStream; 3] {
    let sockets = [
        send(server, "GET /monitor HTTP/1.1\r\nhost: a\r\n"),
        send(
            server,
            "POST /chat HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
             content-length: 99\r\n\r\n{\"question\": \"",
        ),
        send(server, "GET /rooms?room=full&name=slow HTTP/1.1\r\nhost: a\r\n\r\n"),
    ];
    let mut quick = server.get("/rooms?room=full&name=quick").await.bytes_stream().events();
    in_time(async {
        while !quick.next().await.expect("it goes on").expect("a stream").data().contains("slow") {}
    })
    .await;
    // More than the buffers of a connection hold.
    let message = json!({ "room": "full", "text": "😀".repeat(1000) });
    for _ in 0..2000 {
        in_time(server.post("/rooms", &message)).await;
    }
    sockets
}

#[tokio::test]
async fn stalled_clients_do_not_delay_the_end_beyond_the_deadline() {
    let mut server = Server::start();
    let sockets = stalled(&server).await;
    let asked = Instant::now();
    interrupt(&server);
    let ended = tokio::task::spawn_blocking(move || server.process.wait().expect("it ends"));
    assert!(in_time(ended).await.expect("no panic").success());
    assert!(asked.elapsed() > Duration::from_secs(2), "they have stalled it");
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    drop(sockets);
}

#[tokio::test]
async fn a_second_interrupt_ends_at_once() {
    let mut server = Server::start();
    let sockets = stalled(&server).await;
    interrupt(&server);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let asked = Instant::now();
    interrupt(&server);
    let ended = tokio::task::spawn_blocking(move || server.process.wait().expect("it ends"));
    assert_eq!(in_time(ended).await.expect("no panic").code(), Some(130));
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    drop(sockets);
}

#[tokio::test]
async fn an_incomplete_request_times_out() {
    let server = Server::start();
    let heads = (0..50).map(|_| send(&server, "GET /monitor HTTP/1.1\r\nhost: a\r\n"));
    let body = "POST /chat HTTP/1.1\r\nhost: a\r\ncontent-length: 99\r\n\
                content-type: application/json\r\n\r\n{";
    let sockets: Vec<_> = heads.chain([send(&server, body)]).collect();
    let started = Instant::now();
    let ended = tokio::task::spawn_blocking(move || {
        for mut socket in sockets {
            socket.set_read_timeout(Some(Duration::from_secs(18))).expect("a timeout");
            // The server sends an error status or nothing, and then closes the connection.
            let mut answer = Vec::new();
            let answered = socket.read_to_end(&mut answer);
            assert!(answered.is_ok() || !answer.is_empty(), "{answered:?}");
        }
    });
    ended.await.expect("all have ended");
    assert!(started.elapsed() > Duration::from_secs(5), "there is time to send a request");
}

/// More than the log and the buffers of a connection hold.
const SENT: usize = 4000;

#[tokio::test]
async fn a_slow_reader_learns_of_its_gap_and_delays_no_other() {
    let server = Server::start();
    // The slow client enters, and does not read yet.
    let mut slow = send(&server, "GET /rooms?room=crowd&name=slow HTTP/1.1\r\nhost: a\r\n\r\n");
    let mut quick = server.get("/rooms?room=crowd").await.bytes_stream().events();
    in_time(async {
        while !quick.next().await.expect("it goes on").expect("a stream").data().contains("slow") {}
    })
    .await;

    let reader = tokio::spawn(async move {
        let mut expected = 0;
        while expected < SENT {
            let event = quick.next().await.expect("it goes on").expect("a stream");
            if event.event_type() != "message" {
                assert_ne!(event.event_type(), "gap");
                continue;
            }
            let message: Value = event.json().expect("JSON");
            let text = message["text"].as_str().expect("text");
            let number: usize = text.trim_start_matches('😀').parse().expect("a number");
            assert_eq!(number, expected, "each once, in order");
            expected += 1;
        }
    });
    let padding = "😀".repeat(900);
    for number in 0..SENT {
        let message = json!({ "room": "crowd", "name": "a", "text": format!("{padding}{number}") });
        assert_eq!(in_time(server.post("/rooms", &message)).await, json!({ "reached": 2 }));
    }
    in_time(reader).await.expect("no panic");

    // Now the slow client reads: what its connection holds, the gap, and what the log holds.
    let told = tokio::task::spawn_blocking(move || {
        slow.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        let mut text = Vec::new();
        let mut chunk = vec![0; 1 << 16];
        let last = format!("😀{}", SENT - 1);
        loop {
            let count = slow.read(&mut chunk).expect("it goes on");
            text.extend_from_slice(&chunk[..count]);
            let tail = &text[text.len().saturating_sub(1 << 17)..];
            if String::from_utf8_lossy(tail).contains(&last) {
                return String::from_utf8_lossy(&text).contains("event: gap\n");
            }
        }
    });
    assert!(in_time(told).await.expect("no panic"));
}

#[tokio::test]
async fn a_client_that_was_away_for_too_long_learns_of_its_gap() {
    let server = Server::start();
    let mut first = server.get("/notifications").await.bytes_stream().events();
    let hello = in_time(first.next()).await.expect("an event").expect("a stream");
    assert_eq!(hello.event_type(), "hello");
    drop(first);
    // This fills the log, together with the simulated notifications.
    for number in 0..1001 {
        let order = json!({ "channel": "order", "data": { "text": number } });
        in_time(server.post("/notifications", &order)).await;
    }
    for (id, is_gap) in [(hello.last_event_id(), true), ("another-run-7", true), ("", false)] {
        let mut events = resume(&server, "/notifications", id).await;
        let event = in_time(events.next()).await.expect("an event").expect("a stream");
        assert_eq!(event.event_type(), if is_gap { "gap" } else { "hello" }, "{id}");
    }
}

#[tokio::test]
async fn the_id_of_a_client_advances_with_events_for_others() {
    let server = Server::start();
    let mut events = server.get("/rooms?room=quiet").await.bytes_stream().events();
    let start = in_time(async {
        loop {
            let event = events.next().await.expect("it goes on").expect("a stream");
            if event.event_type() == "hello" {
                return event.last_event_id().to_owned();
            }
        }
    })
    .await;
    for number in 0..1500 {
        let order = json!({ "channel": "order", "data": number });
        in_time(server.post("/notifications", &order)).await;
    }
    let message = json!({ "room": "quiet", "text": "at last" });
    in_time(server.post("/rooms", &message)).await;
    in_time(async {
        while events.next().await.expect("it goes on").expect("a stream").event_type() != "message"
        {
        }
    })
    .await;
    // No event was for this client, and yet its ID is still in the log.
    let mut stale = resume(&server, "/rooms?room=quiet", &start).await;
    let mut fresh = resume(&server, "/rooms?room=quiet", events.last_event_id()).await;
    for (events, expected) in [(&mut stale, "gap"), (&mut fresh, "hello")] {
        in_time(async {
            loop {
                let event = events.next().await.expect("it goes on").expect("a stream");
                if !matches!(event.event_type(), "joined" | "presence") {
                    return assert_eq!(event.event_type(), expected);
                }
            }
        })
        .await;
    }
}

async fn resume(
    server: &Server,
    path: &str,
    id: &str,
) -> sse_wire::EventStream<impl Stream<Item = reqwest::Result<bytes::Bytes>> + use<>> {
    let request = server.client.get(format!("{}{path}", server.address));
    let response = request.header("last-event-id", id).send().await.expect("an answer");
    response.bytes_stream().events()
}

#[tokio::test]
async fn an_interrupted_answer_resumes_and_is_charged_once() {
    let server = Server::start();
    let path = "/proxy?prompt=Why";
    let mut text = String::new();
    let mut last = String::new();
    let mut connections = 0;
    loop {
        let mut events = resume(&server, path, &last).await;
        connections += 1;
        let mut read = 0;
        let event_type = loop {
            let event = in_time(events.next()).await.expect("an event").expect("a stream");
            last = event.last_event_id().to_owned();
            let step: Value = event.json().expect("JSON");
            text += step["char"].as_str().unwrap_or_default();
            read += 1;
            // The client leaves in the middle, again and again.
            if event.event_type() == "end" || read == 50 {
                break event.event_type().to_owned();
            }
        };
        if event_type == "end" {
            break;
        }
    }
    assert!(connections > 3, "{connections}");
    assert!(text.starts_with("You asked: “Why”.") && text.ends_with("often money. 🙂"), "{text}");
    let bill: Value = server.get("/upstream/bill").await.json().await.expect("JSON");
    assert_eq!(bill["requests"], 1);

    // An unknown ID must not cause another request to the provider.
    for id in ["1-1", "x", "99999999999999999999-1"] {
        let mut events = resume(&server, path, id).await;
        let event = in_time(events.next()).await.expect("an event").expect("a stream");
        assert_eq!(event.event_type(), "failure", "{id}");
        assert!(in_time(events.next()).await.is_none());
    }
    let bill: Value = server.get("/upstream/bill").await.json().await.expect("JSON");
    assert_eq!(bill["requests"], 1);
}

#[tokio::test]
async fn another_provider_gets_the_key_and_the_page_does_not() {
    let provider = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1/chat/completions", provider.local_addr().expect("an address"));
    let stream = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n\
        data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n\
        data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":null}]}\n\n\
        data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n\
        data: {\"choices\":[],\"usage\":{\"total_tokens\":2}}\n\n\
        data: [DONE]\n\n";
    let refusal = format!(
        "HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{KEY}",
        KEY.len()
    );
    // Answers two requests, the second with a refusal, and then closes the port.
    let asked = std::thread::spawn(move || {
        [stream, &refusal].map(|answer| {
            let (mut socket, _) = provider.accept().expect("a request");
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            while !request.ends_with(b"}") {
                let count = socket.read(&mut chunk).expect("a request");
                request.extend_from_slice(&chunk[..count]);
            }
            socket.write_all(answer.as_bytes()).expect("sent");
            String::from_utf8(request).expect("UTF-8")
        })
    });
    let server = Server::start_with(&["--upstream", &url, "--model", "small"]);
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(in_time(server.get("/proxy?prompt=Why").await.text()).await.expect("text"));
    }
    let requests = asked.join().expect("no panic");
    for request in &requests {
        assert!(request.contains(&format!("authorization: Bearer {KEY}\r\n")), "{request}");
        let (_, body) = request.split_once("\r\n\r\n").expect("a body");
        assert_eq!(
            serde_json::from_str::<Value>(body).expect("JSON"),
            json!({
                "model": "small",
                "messages": [{ "role": "user", "content": "Why" }],
                "stream": true,
            }),
        );
    }
    assert!(answers[0].contains("\"finish\":\"length\""), "{}", answers[0]);
    assert!(answers[0].contains("\"char\":\"i\",\"index\":1"), "{}", answers[0]);
    assert!(answers[1].contains("the upstream answered 401 Unauthorized"), "{}", answers[1]);
    assert!(answers[2].contains("the upstream does not answer"), "{}", answers[2]);
    let port = url.split(':').nth(2).and_then(|rest| rest.split('/').next()).expect("a port");
    for answer in answers {
        assert!(!answer.contains(KEY) && !answer.contains(&format!(":{port}")), "{answer}");
    }
}

#[tokio::test]
async fn a_personal_stream_needs_a_key_or_a_token_that_works_once() {
    let server = Server::start();
    let login = server.post("/personal/login", &json!({ "user": "ada" })).await;
    let bearer = format!("Bearer {}", login["key"].as_str().expect("a key"));
    let url = |path: &str| format!("{}{path}", server.address);
    let token = async || {
        let request = server.client.post(url("/personal/token")).header("authorization", &bearer);
        let token: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        format!("/personal?token={}", token["token"].as_str().expect("a token"))
    };

    for (method, path) in [
        (Method::GET, "/personal"),
        (Method::GET, "/personal?token=guessed"),
        (Method::POST, "/personal/token"),
    ] {
        let request = server.client.request(method, url(path)).header("authorization", "Bearer x");
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 401, "{path}");
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
    }
    let letter = json!({ "to": "ada", "text": "a" });
    let forged = server.client.post(url("/personal")).json(&letter);
    assert_eq!(forged.send().await.expect("an answer").status(), 401);

    let mine = server.client.get(url("/personal")).header("authorization", &bearer);
    let mut by_header = mine.send().await.expect("an answer").bytes_stream().events();
    let path = token().await;
    let mut by_token = server.get(&path).await.bytes_stream().events();
    assert_eq!(server.get(&path).await.status(), 401, "it is spent");
    let mut last = String::new();
    for events in [&mut by_header, &mut by_token] {
        let hello = in_time(events.next()).await.expect("an event").expect("a stream");
        assert_eq!(hello.event_type(), "hello");
        hello.last_event_id().clone_into(&mut last);
    }
    // She must not get another user's letter.
    for letter in [json!({ "to": "eve", "text": "b" }), letter] {
        let post = server.client.post(url("/personal")).header("authorization", &bearer);
        let response = post.json(&letter).send().await.expect("an answer");
        assert_eq!(response.status(), 200);
    }
    // The third stream has a new token, and the last event ID as a parameter: a new `EventSource`
    // cannot send the header.
    let path = format!("{}&last_event_id={last}", token().await);
    let mut resumed = server.get(&path).await.bytes_stream().events();
    for events in [&mut by_header, &mut by_token, &mut resumed] {
        let event = in_time(events.next()).await.expect("an event").expect("a stream");
        assert_eq!(event.event_type(), "personal");
        assert_eq!(event.data(), r#"{"from":"ada","text":"a"}"#);
    }
}

#[tokio::test]
async fn speaking_for_a_member_takes_its_secret() {
    let server = Server::start();
    let mut events =
        server.get("/rooms?room=a&name=Ada&member=secret").await.bytes_stream().events();
    let mut next = async |event_type: &str| loop {
        let event = in_time(events.next()).await.expect("it goes on").expect("a stream");
        if event.event_type() == event_type {
            return event.json::<Value>().expect("JSON");
        }
    };
    let key = next("joined").await["key"].as_u64().expect("a number");
    assert_eq!(next("presence").await["named"], json!([{ "key": key, "name": "Ada" }]));
    let guesses = ["guessed".to_owned(), key.to_string()].map(Some);
    for member in guesses.into_iter().chain([None, Some("secret".to_owned())]) {
        let message = json!({ "room": "a", "name": "Ada", "text": "t", "member": member });
        assert_eq!(server.post("/rooms", &message).await, json!({ "reached": 1 }));
        let is_ada = member.as_deref() == Some("secret");
        assert_eq!(next("message").await["key"] == key, is_ada, "{member:?}");
    }
}

#[tokio::test]
async fn input_that_is_too_large_is_refused_with_a_reason() {
    let server = Server::start();
    let post = async |path: &str, body: Value| {
        let request = server.client.post(format!("{}{path}", server.address)).json(&body);
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a text"))
    };
    let long = "n".repeat(41);
    let status = server.get(&format!("/rooms?room={long}")).await.status();
    assert_eq!(status, 400);
    for (body, status, reason) in [
        (json!({ "room": "a", "text": "t".repeat(1001) }), 413, "1 to 1000 characters"),
        (json!({ "room": "a", "text": "" }), 413, "1 to 1000 characters"),
        (json!({ "room": "a", "text": "t", "name": long }), 400, "1 to 40 characters"),
        (json!({ "room": "a", "text": "t".repeat(70_000) }), 413, "length limit exceeded"),
    ] {
        let (is, text) = post("/rooms", body).await;
        assert_eq!(is, status, "{text}");
        assert!(text.contains(reason), "{text}");
    }
    for token in [String::new(), "s".repeat(65)] {
        let message = json!({ "room": "a", "text": "t", "member": token });
        let (is, text) = post("/rooms", message).await;
        assert_eq!((is, text.as_str()), (400, "the secret of a member has 1 to 64 bytes"));
    }

    let seats: Vec<_> = (0..51).map(|room| json!({ "room": room.to_string() })).collect();
    let (is, text) = post("/channels", json!({ "channels": [], "seats": seats })).await;
    assert_eq!((is, text.as_str()), (400, "at most 50 rooms over one connection"));

    // With too many rooms, an event reports each one over the limit, on the same connection.
    let mut streams = Vec::new();
    let mut refused = 0;
    for part in 0..21 {
        let seats: Vec<_> =
            (0..50).map(|room| json!({ "room": format!("{part}-{room}") })).collect();
        let body = json!({ "channels": [], "seats": seats });
        let request = server.client.post(format!("{}/channels", server.address)).json(&body);
        let mut events = request.send().await.expect("an answer").bytes_stream().events();
        in_time(async {
            loop {
                let event = events.next().await.expect("it goes on").expect("a stream");
                match event.event_type() {
                    "hello" => return,
                    "refused" => {
                        assert!(event.data().contains("1000 rooms"), "{}", event.data());
                        refused += 1;
                    }
                    _ => {}
                }
            }
        })
        .await;
        streams.push(events);
    }
    assert_eq!(refused, 50);
}

#[tokio::test]
async fn a_full_room_admits_no_other_member() {
    let server = Server::start_with(&["--pace", "0"]);
    let enter = async |members: std::ops::Range<usize>| {
        let seats: Vec<_> =
            members.map(|member| json!({ "room": "full", "member": member.to_string() })).collect();
        let body = json!({ "channels": [], "seats": seats });
        let request = server.client.post(format!("{}/channels", server.address)).json(&body);
        in_time(request.send()).await.expect("an answer").bytes_stream().events()
    };
    let mut streams = Vec::new();
    for part in 0..100 {
        streams.push(enter(50 * part..50 * (part + 1)).await);
    }
    let refused = server.get("/rooms?room=full").await;
    assert_eq!(refused.status(), 503);
    let reason = "the room has 5000 members, and no more are allowed";
    assert_eq!(in_time(refused.text()).await.expect("a text"), reason);

    // A member of the full room may come back. For another visitor, an event on the same connection
    // gives the reason.
    let mut events = enter(4999..5001).await;
    let (mut joined, mut refused) = (0, Vec::new());
    in_time(async {
        while joined + refused.len() < 2 {
            let event = events.next().await.expect("it goes on").expect("a stream");
            match event.event_type() {
                "joined" => joined += 1,
                "refused" => refused.push(event.json::<Value>().expect("JSON")),
                _ => {}
            }
        }
    })
    .await;
    assert_eq!(refused, [json!({ "room": "full", "member": "5000", "why": reason })]);
}

#[tokio::test]
async fn too_many_connections_are_refused_with_a_reason() {
    let server = Server::start_with(&["--connections", "20"]);
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut events = server.get("/monitor").await.bytes_stream().events();
        in_time(events.next()).await.expect("an event").expect("a stream");
        streams.push(events);
    }
    for _ in 0..200 {
        let refused = in_time(server.get("/monitor")).await;
        assert_eq!(refused.status(), 503);
        assert_eq!(refused.headers()["retry-after"], "5");
        let reason = "the server has 20 connections, and no more are allowed";
        assert_eq!(in_time(refused.text()).await.expect("a text"), reason);
    }
    // The open connections stay, and the end of one makes room for another.
    in_time(streams[0].next()).await.expect("an event").expect("a stream");
    streams.pop();
    in_time(async {
        while server.get("/monitor").await.status() != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn clients_that_lose_their_server_are_spread() {
    const CLIENTS: usize = 300;

    let server = Server::start();
    let mut streams = Vec::new();
    for _ in 0..CLIENTS {
        let mut events = server.get("/notifications").await.bytes_stream().events();
        in_time(events.next()).await.expect("an event").expect("a stream");
        streams.push(events);
    }
    let times = |streams: &[sse_wire::EventStream<_>]| {
        let times = streams.iter().map(|events| events.decoder().reconnection_time());
        let mut times: Vec<_> = times.map(|time| time.expect("a time").as_millis()).collect();
        times.sort_unstable();
        times
    };
    // After a crash, clients use these times. A shutdown sends better ones.
    let after_a_crash = times(&streams);
    interrupt(&server);
    for events in &mut streams {
        in_time(async { while let Some(Ok(_)) = events.next().await {} }).await;
    }
    let after_a_shutdown = times(&streams);
    for times in [after_a_crash, after_a_shutdown] {
        assert!(times[0] >= 1000 && times[0] < 1200, "{times:?}");
        assert!(times[CLIENTS - 1] > 1800 && times[CLIENTS - 1] <= 2500, "{times:?}");
        // All in the same interval would be 300; an even spread over a second, 30.
        let counts = (1000..2500)
            .map(|start| times.iter().filter(|&time| (start..start + 100).contains(time)).count());
        assert!(counts.max() < Some(70), "{times:?}");
    }
}
