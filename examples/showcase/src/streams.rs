//! Builds what all event streams share: headers, keep-alives, the number of open streams, and the
//! way they end.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{body::Body, extract::FromRequestParts, http::request::Parts, response::Response};
use futures_util::{Stream, StreamExt, future::ready, stream};
use serde::Serialize;
use sse_wire::{
    Encode, Encoder, EventBody, EventIdBuf, Frame, JsonEvent, TokioTimer, last_event_id,
};
use tokio_util::sync::CancellationToken;

/// The time that clients wait before they reconnect: at least `RETRY`, plus a random part of a
/// spread that grows with the number of open streams.
const RETRY: Duration = Duration::from_secs(1);
const SPREAD: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];

/// The number of clients per second that should come back after a restart.
const RECONNECTIONS: u32 = 200;

/// The error that breaks a connection in the middle of the response.
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

    /// Returns the number of open streams.
    pub fn count(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Returns a frame with the reconnection time for a client.
    ///
    /// Clients that lose their streams together must not come back together. A browser's
    /// `EventSource` waits for exactly this time, so each client gets a random one.
    pub fn retry(&self) -> Frame {
        let open = u32::try_from(self.count()).unwrap_or(u32::MAX);
        let spread = (Duration::from_secs(1) / RECONNECTIONS).saturating_mul(open);
        let drawn = spread.clamp(SPREAD[0], SPREAD[1]).mul_f64(rand::random());
        Encoder::new().retry(RETRY + drawn).take()
    }

    /// Responds with frames until they end, the client leaves, or the server shuts down.
    ///
    /// Frames are whole blocks, so the response always ends between two events.
    pub fn respond(&self, frames: impl Stream<Item = Frame> + Send + 'static) -> Response {
        self.respond_until_cut(frames.map(Ok))
    }

    /// Does the same as [`respond`](Self::respond), but an error breaks the connection. The client
    /// can tell that from an end.
    pub fn respond_until_cut(
        &self,
        frames: impl Stream<Item = Result<Frame, Cut>> + Send + 'static,
    ) -> Response {
        let open = Open::new(self);
        let streams = self.clone();
        // All clients that will come back are connected now, so a new time spreads them better than
        // the one that they got at first.
        let goodbye =
            stream::once(
                async move { streams.shutdown.is_cancelled().then(|| Ok(streams.retry())) },
            );
        let frames = frames
            .take_until(self.shutdown.clone().cancelled_owned())
            .chain(goodbye.filter_map(ready))
            .map(move |frame| {
                let _is_open_as_long = &open;
                frame
            });
        EventBody::new(frames)
            .with_timer(TokioTimer::new())
            .with_interval(self.heartbeat)
            .into_response()
            .map(Body::new)
    }
}

/// Counts a stream while it is open.
struct Open(Streams);

impl Open {
    fn new(streams: &Streams) -> Self {
        streams.open.fetch_add(1, Ordering::Relaxed);
        Self(streams.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // During the shutdown the count stays the same, so that the last clients are spread as
        // widely as the first.
        if !self.0.shutdown.is_cancelled() {
            self.0.open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Encodes an event with JSON data once, for many receivers.
pub fn json_frame(event: JsonEvent<'_, impl Serialize>) -> Frame {
    event.into_frame().expect("only maps with other keys than strings are no JSON")
}

/// The last event ID of a client that has reconnected.
pub struct LastEventId(Option<EventIdBuf>);

impl LastEventId {
    /// Wraps an ID that did not come in the header.
    pub fn new(id: String) -> Self {
        Self(EventIdBuf::new(id).ok())
    }

    /// Returns the ID, which is empty for a new client.
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or("", EventIdBuf::as_str)
    }

    /// Reads the ID as a number. Returns 0 for a new client.
    pub fn count(&self) -> usize {
        self.as_str().parse().unwrap_or(0)
    }

    /// Reads the ID as two numbers with a hyphen between them.
    pub fn pair(&self) -> Option<(u64, u64)> {
        let (first, second) = self.as_str().split_once('-')?;
        Some((first.parse().ok()?, second.parse().ok()?))
    }
}

impl<S: Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(last_event_id(&parts.headers)))
    }
}
