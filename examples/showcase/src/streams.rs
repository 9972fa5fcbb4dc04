//! What all event streams share: headers, keep-alives, the count of open ones, and how they end.

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

/// How long clients wait before they reconnect: at least so long, plus a part of the spread, which
/// grows with the number of open streams.
const RETRY: Duration = Duration::from_secs(1);
const SPREAD: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];

/// After a restart, about so many clients come back in a second.
const RECONNECTIONS: u32 = 200;

/// The stream breaks off: the connection ends in the middle of the response.
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

    /// Returns how many are open.
    pub fn count(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Returns a frame that tells a client when to reconnect.
    ///
    /// Clients that lose their streams together must not come back together. A browser's
    /// `EventSource` waits for exactly this time, so each gets another one.
    pub fn retry(&self) -> Frame {
        let open = u32::try_from(self.count()).unwrap_or(u32::MAX);
        let spread = (Duration::from_secs(1) / RECONNECTIONS).saturating_mul(open);
        let drawn = spread.clamp(SPREAD[0], SPREAD[1]).mul_f64(rand::random());
        Encoder::new().retry(RETRY + drawn).take()
    }

    /// Responds with these frames until they end, the client leaves, or the server shuts down.
    ///
    /// Frames are whole blocks, so the response always ends between two events.
    pub fn respond(&self, frames: impl Stream<Item = Frame> + Send + 'static) -> Response {
        self.respond_until_cut(frames.map(Ok))
    }

    /// Does the same, but an error breaks the connection, and the client can tell that it was cut.
    pub fn respond_until_cut(
        &self,
        frames: impl Stream<Item = Result<Frame, Cut>> + Send + 'static,
    ) -> Response {
        let open = Open::new(self);
        let streams = self.clone();
        // By now all clients are there that will come back, so this spreads them better.
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
        // At the shutdown the count stays, so that the last clients are spread as widely as the first.
        if !self.0.shutdown.is_cancelled() {
            self.0.open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Encodes an event whose data is JSON, once for many receivers.
pub fn json_frame(event: JsonEvent<'_, impl Serialize>) -> Frame {
    event.into_frame().expect("only maps with other keys than strings are no JSON")
}

/// Where a client was cut off, if it has reconnected.
pub struct LastEventId(Option<EventIdBuf>);

impl LastEventId {
    /// Takes an ID that came another way than by the header.
    pub fn new(id: String) -> Self {
        Self(EventIdBuf::new(id).ok())
    }

    /// Empty for a new client.
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or("", EventIdBuf::as_str)
    }

    /// Reads the ID as a number; 0 for a new client.
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
