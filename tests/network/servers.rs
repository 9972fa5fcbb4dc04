//! Servers that send with `EventBody`, and one that sends arbitrary bytes.

use std::{
    convert::Infallible,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use axum::{Router, http::Response, response::IntoResponse, routing::get};
use futures_util::{Stream, StreamExt, stream};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use sse_wire::{Encode, Event, EventBody, Frame, TokioTimer, sse_headers};
use tokio::{net::TcpListener, sync::Barrier};

use crate::recording;

/// Returns a response with frequent keep-alives.
fn response<S: Stream<Item: Encode>>(events: S) -> Response<EventBody<S, TokioTimer>> {
    EventBody::new(events)
        .with_timer(TokioTimer::new())
        .with_interval(Duration::from_millis(50))
        .into_response()
}

/// Counts the live streams of a server.
#[derive(Clone, Default)]
pub struct Living(Arc<AtomicUsize>);

impl Living {
    pub fn count(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// Counts a stream until it is dropped.
    fn watch<S: Stream>(&self, stream: S) -> impl Stream<Item = S::Item> + use<S> {
        struct Guard(Living);
        impl Drop for Guard {
            fn drop(&mut self) {
                self.0.0.fetch_sub(1, SeqCst);
            }
        }
        self.0.fetch_add(1, SeqCst);
        let guard = Guard(self.clone());
        stream.inspect(move |_| {
            let _ = &guard;
        })
    }
}

/// The number of streams of `/together` that must be live before the first of them continues.
pub const TOGETHER: usize = 1000;

/// Starts an axum server: `/recording`, `/silent`, `/endless`, `/together`, `/ticks`, `/error`.
pub async fn axum() -> (SocketAddr, Living) {
    let living = Living::default();
    let endless = {
        let living = living.clone();
        move || async move {
            let frame = Frame::from(Event::new("again and again"));
            response(living.watch(stream::repeat(frame)))
        }
    };
    let silent = {
        let living = living.clone();
        move || async move {
            let first = stream::iter([Event::new("first").to_buf()]);
            response(living.watch(first.chain(stream::pending())))
        }
    };
    let barrier = Arc::new(Barrier::new(TOGETHER));
    let together = move || {
        let barrier = Arc::clone(&barrier);
        async move {
            let all_there = stream::once(async move {
                barrier.wait().await;
                Event::new("all there").to_buf()
            });
            let events = (0..20).map(|number| Event::new(&number.to_string()).to_buf());
            response(all_there.chain(stream::iter(events.collect::<Vec<_>>())))
        }
    };
    let ticks = || async {
        let ticks = stream::unfold(0, |number| async move {
            tokio::time::sleep(Duration::from_millis(2)).await;
            (number < 20).then(|| (Event::new(&number.to_string()).to_buf(), number + 1))
        });
        response(ticks)
    };
    let error = || async {
        let body = r#"{"error":{"message":"Rate limit reached"}}"#;
        (sse_headers(), body.to_owned()).into_response()
    };
    let router = Router::new()
        .route("/recording", get(|| async { response(stream::iter(recording())) }))
        .route("/silent", get(silent))
        .route("/endless", get(endless))
        .route("/ticks", get(ticks))
        .route("/together", get(together))
        .route("/error", get(error));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, living)
}

/// Starts a hyper server that sends the recording to everybody.
pub async fn hyper() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = hyper::service::service_fn(|_| async {
                let events = stream::iter(recording());
                Ok::<_, Infallible>(EventBody::new(events).into_response())
            });
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

/// Starts a server that calls a function for each request, to write the response with its head.
pub fn raw(
    answer: impl Fn(TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                let _ = stream.set_nodelay(true);
                let request = BufReader::new(stream.try_clone().expect("a handle"));
                let _ = request.lines().map_while(Result::ok).find(String::is_empty);
                let _ = answer(stream);
            });
        }
    });
    address
}

/// The head of a response without a length: the body ends with the connection.
pub const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

pub const CHUNKED_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

pub fn write_chunk(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(format!("{:x}\r\n", bytes.len()).as_bytes())?;
    stream.write_all(bytes)?;
    stream.write_all(b"\r\n")
}
