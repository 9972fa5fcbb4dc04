//! Responses of axum and hyper that are a single expression, over HTTP/1.1 and HTTP/2.

use std::{collections::BTreeMap, convert::Infallible, io::Error, net::SocketAddr, time::Duration};

use axum::{Router, routing::get};
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, Response, header::HeaderName};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use sse_wire::{
    ByteStreamExt, Encode, Event, EventBody, EventIdBuf, EventType, Frame, ItemBuf, JsonEvent,
    StreamError, TokioTimer, last_event_id,
};
use tokio::{net::TcpListener, time::sleep};

use crate::in_time;

const NUMBER: EventType<'_> = EventType::from_static("number");

/// The number of events that the tests read.
const COUNT: usize = 500;

/// Returns numbers that follow the client's last one.
fn count(
    headers: &HeaderMap,
) -> Response<EventBody<impl Stream<Item = JsonEvent<'static, [usize; 1]>> + use<>>> {
    let last = last_event_id(headers);
    let known = last.and_then(|id| id.as_str().strip_prefix("第")?.parse().ok()).unwrap_or(0);
    // In bursts, with pauses between them.
    let numbers = stream::iter(known + 1..=COUNT).then(async |number| {
        if number % 50 == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        let id = EventIdBuf::new(format!("第{number}")).expect("no line end");
        JsonEvent::new([number]).with_event_type(NUMBER).with_id(id)
    });
    EventBody::new(numbers).into_response()
}

/// Returns three values, and one that is not JSON, because its keys are not strings.
fn not_json() -> Response<EventBody<impl Stream<Item = Result<Frame, serde_json::Error>>>> {
    let values = [("a", 1), ("b", 2), ("c", 3)].map(|(key, value)| BTreeMap::from([(key, value)]));
    let not_json = stream::once(async {
        // Lets hyper send the values before.
        sleep(Duration::from_millis(100)).await;
        JsonEvent::new(BTreeMap::from([([0], 4)])).into_frame()
    });
    let values = stream::iter(values).map(|value| JsonEvent::new(value).into_frame());
    EventBody::new(values.chain(not_json)).into_response()
}

/// Returns a body that is always ready, and never has anything to send.
fn nothing() -> Response<EventBody<impl Stream<Item = Frame>, TokioTimer>> {
    EventBody::new(stream::repeat(Frame::default()))
        .with_timer(TokioTimer::new())
        .with_interval(Duration::from_millis(30))
        .into_response()
}

/// Returns frames that are encoded once for all, some of them large.
fn frames() -> Response<EventBody<impl Stream<Item = Frame>>> {
    let frames = (0..COUNT).map(|number| {
        let text = number.to_string().repeat(if number % 100 == 99 { 100_000 } else { 1 });
        Frame::from(Event::new(&text))
    });
    EventBody::new(stream::iter(frames.collect::<Vec<_>>())).into_response()
}

async fn axum() -> SocketAddr {
    let router = Router::new()
        .route("/count", get(async |headers: HeaderMap| count(&headers)))
        .route("/not_json", get(async || not_json()))
        .route("/nothing", get(async || nothing()))
        .route("/frames", get(async || frames()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn hyper() -> SocketAddr {
    use http_body_util::BodyExt;

    type Request = hyper::Request<hyper::body::Incoming>;
    let answer = async |request: Request| {
        Ok::<_, Infallible>(match request.uri().path() {
            "/count" => {
                count(request.headers()).map(|body| body.map_err(Error::other).boxed_unsync())
            }
            "/not_json" => not_json().map(|body| body.map_err(Error::other).boxed_unsync()),
            "/nothing" => nothing().map(|body| body.map_err(Error::other).boxed_unsync()),
            _ => frames().map(|body| body.map_err(Error::other).boxed_unsync()),
        })
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                let service = hyper::service::service_fn(answer);
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

/// Runs a test with both servers, over both versions of HTTP.
async fn everywhere(test: impl AsyncFn(reqwest::Client, String)) {
    for address in [axum().await, hyper().await] {
        for is_http2 in [false, true] {
            let client = reqwest::Client::builder().no_proxy();
            let client =
                if is_http2 { client.http2_prior_knowledge() } else { client.http1_only() };
            let client = client.build().expect("a client");
            in_time(test(client, format!("http://{address}"))).await;
        }
    }
}

#[tokio::test]
async fn a_client_that_reconnects_gets_what_follows() {
    everywhere(async |client, url| {
        let mut last = String::new();
        let mut got = Vec::new();
        // Disconnects after some events, again and again.
        for patience in (1..).map(|turn| turn * 7) {
            let mut request = client.get(format!("{url}/count"));
            if !last.is_empty() {
                request = request.header(HeaderName::from_static("last-event-id"), last.as_bytes());
            }
            let response = request.send().await.expect("a response");
            assert_eq!(response.headers()["content-type"], "text/event-stream");
            let mut events = response.bytes_stream().events();
            for _ in 0..patience {
                let Some(event) = events.next().await else { break };
                let event = event.expect("no error");
                assert_eq!(event.event_type(), "number");
                let [number] = event.json::<[usize; 1]>().expect("a number");
                got.push(number);
            }
            last = events.last_event_id().to_owned();
            if got.last() == Some(&COUNT) {
                break;
            }
        }
        assert_eq!(got, (1..=COUNT).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn a_value_that_is_not_json_ends_the_connection() {
    everywhere(async |client, url| {
        let response = client.get(format!("{url}/not_json")).send().await.expect("a response");
        let mut events = response.bytes_stream().events();
        for expected in [r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#] {
            assert_eq!(events.next().await.expect("an event").expect("no error").data(), expected);
        }
        let error = events.next().await.expect("not the end of a whole stream");
        assert!(matches!(error, Err(StreamError::Transport(_))), "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_writes_nothing_blocks_nobody() {
    // Everything runs on one thread. A body that never yields would block it.
    everywhere(async |client, url| {
        let response = client.get(format!("{url}/nothing")).send().await.expect("a response");
        let mut items = response.bytes_stream().items();
        for _ in 0..3 {
            let item = items.next().await.expect("a comment").expect("no error");
            assert_eq!(item, ItemBuf::Comment(String::new()));
        }
        let other = client.get(format!("{url}/frames")).send().await.expect("a response");
        assert!(other.bytes().await.expect("its body").len() > COUNT);
    })
    .await;
}

#[tokio::test]
async fn frames_of_all_sizes_come_in_order() {
    everywhere(async |client, url| {
        let response = client.get(format!("{url}/frames")).send().await.expect("a response");
        let mut events = response.bytes_stream().events();
        for number in 0..COUNT {
            let event = events.next().await.expect("an event").expect("no error");
            let times = if number % 100 == 99 { 100_000 } else { 1 };
            assert!(event.data() == number.to_string().repeat(times), "event {number}");
        }
        assert!(events.next().await.is_none());
        assert!(events.end().expect("the end").is_clean());
    })
    .await;
}
