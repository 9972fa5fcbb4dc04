//! `Reconnecting` with three clients, against a server that cuts every stream somewhere.

use std::{
    error::Error,
    fmt::Debug,
    future::Future,
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use sse_wire::{
    ConnectRequest, ConnectResponse, ConnectionEnd, Encoder, Event, EventId, GaveUp,
    IntoConnectResponse, Reconnect, ReconnectError, Reconnecting, TokioTimer, sse_headers,
};
use tokio::net::{TcpListener, TcpStream};

use crate::in_time;

const EVENTS: usize = 100;

/// Sends a log of events from the client's position on, and cuts it. The number of the connection
/// decides where: within an event or between two, with an error or without.
async fn log(State(connections): State<Arc<AtomicUsize>>, headers: HeaderMap) -> Response {
    let number = connections.fetch_add(1, SeqCst);
    let last = headers
        .get("last-event-id")
        .map_or(0, |id| id.to_str().expect("text").parse::<usize>().expect("a number"));
    if last == EVENTS {
        return StatusCode::NO_CONTENT.into_response();
    }
    if number % 5 == 3 {
        return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")]).into_response();
    }
    let mut encoder = Encoder::new();
    encoder.retry(Duration::from_millis(1));
    for number in last + 1..=EVENTS {
        let (text, id) = (format!("第{number}个"), number.to_string());
        encoder.event(Event::new(&text).with_id(EventId::new(&id).expect("digits")));
    }
    let bytes = encoder.take().into_bytes();
    let cut = bytes.slice(..bytes.len().min(60 + number * 37 % 211));
    if number % 2 == 0 {
        return (sse_headers(), Body::from(cut)).into_response();
    }
    // When a body fails, hyper discards what it has not sent yet, so this waits for the events to
    // be sent.
    let error = stream::once(async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Err(io::Error::other("cut"))
    });
    (sse_headers(), Body::from_stream(stream::iter([Ok(cut)]).chain(error))).into_response()
}

async fn server() -> SocketAddr {
    let router = Router::new().route("/log", get(log)).with_state(Arc::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Follows the log to its end. Each event must come once.
async fn follow<F, R, S, B, E, E2>(connect: impl FnMut(ConnectRequest) -> F)
where
    F: Future<Output = Result<R, E>>,
    R: IntoConnectResponse<S>,
    S: Stream<Item = Result<B, E2>>,
    B: Into<Bytes>,
    E: Debug + 'static,
    E2: Into<E>,
{
    let policy = Reconnect::new()
        .with_min_delay(Duration::ZERO)
        .with_max_delay(Duration::from_millis(10))
        .with_max_retries(3);
    let mut events = pin!(Reconnecting::new(connect, policy, TokioTimer::new()));
    for number in 1..=EVENTS {
        let event = in_time(events.next()).await.expect("an event").expect("an event");
        assert_eq!(event.data(), format!("第{number}个"));
        assert_eq!(event.last_event_id(), number.to_string());
    }
    let Some(Err(ReconnectError::GaveUp { reason, error: None })) = in_time(events.next()).await
    else {
        panic!("an error")
    };
    let end = ConnectionEnd::Status { code: 204, retry_after: None };
    assert_eq!(reason, GaveUp::Final(end));
    assert!(in_time(events.next()).await.is_none());
}

#[tokio::test]
async fn with_reqwest_each_event_comes_once() {
    let url = format!("http://{}/log", server().await);
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    follow(|request| client.get(&url).headers(request.headers()).send()).await;
}

#[tokio::test]
async fn with_reqwest_0_12_each_event_comes_once() {
    let url = format!("http://{}/log", server().await);
    let client = reqwest_0_12::Client::builder().no_proxy().build().expect("a client");
    follow(|request| {
        let get = client.get(&url);
        let get = request.header_pairs().fold(get, |get, (name, value)| get.header(name, value));
        async {
            // Without the `http` crate.
            let response = get.send().await?;
            let header = |name| {
                let value = response.headers().get(name)?.to_str().ok()?;
                Some(value.to_owned())
            };
            let (content_type, retry_after) = (header("content-type"), header("retry-after"));
            let (status, chunks) = (response.status().as_u16(), response.bytes_stream());
            Ok::<_, reqwest_0_12::Error>(
                ConnectResponse::new(status, content_type.as_deref(), chunks)
                    .with_retry_after(retry_after.as_deref()),
            )
        }
    })
    .await;
}

#[tokio::test]
async fn with_hyper_each_event_comes_once() {
    type AnyError = Box<dyn Error + Send + Sync>;

    let address = server().await;
    follow(|request| async move {
        let stream = TcpStream::connect(address).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let get = hyper::Request::get("/log").header("host", "localhost");
        let get = request.header_pairs().fold(get, |get, (name, value)| get.header(name, value));
        // The error of the body is hyper's.
        Ok::<_, AnyError>(sender.send_request(get.body(Empty::<Bytes>::new())?).await?)
    })
    .await;
}

/// Answers requests with these routes.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// A client follows ten redirects of a loop in each attempt, and no attempt helps.
#[tokio::test]
async fn a_redirect_loop_can_be_given_up() {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = requests.clone();
    let redirect = move || {
        count.fetch_add(1, SeqCst);
        std::future::ready(axum::response::Redirect::temporary("/loop"))
    };
    let url = serve(Router::new().route("/loop", get(redirect))).await + "/loop";
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let connect = |request: ConnectRequest| client.get(&url).headers(request.headers()).send();
    let policy = Reconnect::new().with_min_delay(Duration::ZERO).with_retry_if(|attempt| {
        !attempt.error_as::<reqwest::Error>().is_some_and(reqwest::Error::is_redirect)
            && attempt.end().is_temporary()
    });
    let mut events = pin!(Reconnecting::new(connect, policy, TokioTimer::new()));
    let Some(Err(error)) = in_time(events.next()).await else { panic!("no error") };
    assert_eq!(error.to_string(), "the server did not answer");
    assert!(requests.load(SeqCst) <= 12, "{requests:?} requests");
}

/// The scenario of MCP's conformance tests: the server sends an ID and `retry: 500`, and closes. A
/// client that comes back before 500 ms or after 1 000 ms fails.
#[tokio::test]
async fn a_server_that_is_polled_gets_its_clients_back_when_it_asked_for_them() {
    let times = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = times.clone();
    let poll = move |headers: HeaderMap| {
        let mut times = log.lock().expect("no panic");
        times.push(std::time::Instant::now());
        let text = format!("id: {}\nretry: 500\n\n", times.len());
        let is_over = times.len() == 5;
        assert_eq!(headers.contains_key("last-event-id"), times.len() > 1);
        drop(times);
        std::future::ready(if is_over {
            StatusCode::NO_CONTENT.into_response()
        } else {
            (sse_headers(), text).into_response()
        })
    };
    let url = serve(Router::new().route("/", get(poll))).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let connect = move |request: ConnectRequest| client.get(&url).headers(request.headers()).send();
    let mut events = Reconnecting::new(connect, Reconnect::new(), TokioTimer::new()).boxed();
    assert!(in_time(events.next()).await.expect("an error").is_err());
    let times = times.lock().expect("no panic");
    for pair in times.windows(2) {
        let gap = pair[1] - pair[0];
        let (low, high) = (Duration::from_millis(500), Duration::from_secs(1));
        assert!((low..high).contains(&gap), "{gap:?}");
    }
}

/// In a task of its own, as most programs have it.
#[tokio::test]
async fn a_stream_in_a_task() {
    let url = format!("http://{}/log", server().await);
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let connect = move |request: ConnectRequest| client.get(&url).headers(request.headers()).send();
    let policy =
        Reconnect::new().with_min_delay(Duration::ZERO).with_max_delay(Duration::from_millis(10));
    let mut events = Reconnecting::new(connect, policy, TokioTimer::new()).boxed();
    let task = tokio::spawn(async move {
        let mut count = 0;
        while let Some(Ok(_)) = events.next().await {
            count += 1;
        }
        let refused = events.take_refused().expect("the 204");
        (count, refused.status(), refused.headers().expect("of HTTP").contains_key("date"))
    });
    assert_eq!(in_time(task).await.expect("no panic"), (EVENTS, 204, true));
}

#[tokio::test]
async fn the_headers_of_a_refusal_are_kept() {
    let route =
        get(async || (StatusCode::UNAUTHORIZED, [("www-authenticate", "Bearer")], "Who are you?"));
    let url = serve(Router::new().route("/", route)).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let connect = move |request: ConnectRequest| client.get(&url).headers(request.headers()).send();
    let mut updates =
        Reconnecting::new(connect, Reconnect::new(), TokioTimer::new()).boxed().updates();
    while in_time(updates.next()).await.expect("the reason").is_ok() {}
    let refused = updates.get_mut().take_refused().expect("the response");
    assert_eq!(refused.headers().expect("of HTTP")["www-authenticate"], "Bearer");
    let body = in_time(refused.read(64 * 1024)).await;
    assert_eq!((body.text().as_ref(), body.is_truncated()), ("Who are you?", false));
    assert_eq!(body.status(), Some(StatusCode::UNAUTHORIZED));
}
