//! What all event streams share: their headers, their heartbeats, their number, and how they end.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    body::Body,
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse, Response},
};
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use sse_wire::{Encoder, Event, EventBody, Frame, TokioTimer, sse_headers};
use tokio_util::sync::CancellationToken;

/// A stream breaks off: the connection ends in the middle of the response.
#[derive(Debug)]
pub struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the stream was cut")
    }
}

impl std::error::Error for Cut {}

#[derive(Clone)]
pub struct Streams {
    heartbeat: Duration,
    shutdown: CancellationToken,
    open: Arc<AtomicUsize>,
}

impl Streams {
    pub fn new(heartbeat: Duration, shutdown: CancellationToken) -> Self {
        Self { heartbeat, shutdown, open: Arc::default() }
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// A response that goes on until its frames end, the client leaves, or the server shuts down.
    ///
    /// Frames are whole blocks, so wherever the stream is left, it is left between two events.
    pub fn respond(&self, frames: impl Stream<Item = Frame> + Send + 'static) -> Response {
        self.respond_until_cut(frames.map(Ok))
    }

    /// The same, but an error breaks the connection, and the client can tell that it was cut.
    pub fn respond_until_cut(
        &self,
        frames: impl Stream<Item = Result<Frame, Cut>> + Send + 'static,
    ) -> Response {
        let open = Open::new(&self.open);
        let frames = frames.take_until(self.shutdown.clone().cancelled_owned()).map(move |frame| {
            let _is_open_as_long = &open;
            frame
        });
        let body =
            EventBody::new(frames).with_timer(TokioTimer::new()).with_interval(self.heartbeat);
        (sse_headers(), Body::new(body)).into_response()
    }
}

/// Counts a stream while it is open.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An event whose data is JSON.
pub fn json_frame(event: Event<'_>, data: &impl Serialize) -> Frame {
    let mut encoder = Encoder::new();
    encoder.json_event(event, data).expect("only maps with other keys than strings are no JSON");
    encoder.take()
}

/// The header by which a client tells after a reconnection where it was cut; empty at first.
pub struct LastEventId(pub String);

impl LastEventId {
    /// How many events of this answer the client has, if their IDs are counted from 1.
    pub fn count(&self) -> usize {
        self.0.parse().unwrap_or(0)
    }
}

impl<S: Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let id =
            parts.headers.get("last-event-id").map(|id| String::from_utf8_lossy(id.as_bytes()));
        Ok(Self(id.unwrap_or_default().into_owned()))
    }
}
