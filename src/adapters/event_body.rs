//! `EventBody`: a stream of events, as a body.

use core::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use http::Response;
use http_body::{Body, Frame as BodyFrame};
use pin_project_lite::pin_project;

use super::{
    batch::Batch,
    headers::sse_headers,
    keep_alive::KeepAlive,
    timer::{NoTimer, Timer},
};
use crate::{encode::Encode, encoder::Frame};

/// The most values that one poll takes from its stream. Values that write nothing never fill a
/// batch, so without this bound a stream that is always ready could keep a thread forever.
const MOST_VALUES: usize = 1024;

pin_project! {
    /// A body of events, out of a stream of whatever [encodes](Encode).
    ///
    /// The stream may give events, text, frames, JSON, or a `Result` of these. Its error is the
    /// body's error, and ends the body: the body sends everything before the error, and then the
    /// server cuts the connection, so that the client can tell it from a complete stream. (hyper
    /// then throws away what it has not written yet. An `error` event as the last one, before the
    /// stream ends, does arrive.)
    ///
    /// All values that are ready without waiting leave in one frame of the body, up to some 16 KiB.
    /// The first one never waits for another. The body does not copy a [`Frame`] that is large or
    /// alone. Each frame of the body is whole blocks. (A stream that computes its values without
    /// ever waiting is always ready. Let it yield after each one that should leave at once, by
    /// `tokio::task::yield_now` for instance.)
    ///
    /// With a [timer](Self::with_timer), the body sends a comment when it sent nothing else for 15
    /// seconds, and never within an event. Values that write nothing, like an empty `Frame`, do not
    /// delay it.
    ///
    /// Dropping the body, which servers do when the client has gone, drops the stream.
    ///
    /// # A stream of strings
    ///
    /// An [`Event`](crate::Event) borrows its text, so it cannot leave a closure that owns the
    /// text. These can:
    ///
    /// ```
    /// use futures_util::{StreamExt, stream};
    /// use sse_wire::{Event, EventBody, EventType, Frame};
    ///
    /// const TOKEN: EventType<'_> = EventType::from_static("token");
    ///
    /// let tokens = || stream::iter(["Hello".to_owned(), " world".to_owned()]);
    ///
    /// // The strings are the data. There is nothing to map.
    /// let body = EventBody::new(tokens());
    ///
    /// // With an event type, an ID or a reconnection time: a frame of the event.
    /// let body = EventBody::new(tokens().map(|text: String| {
    ///     Frame::from(Event::new(&text).with_event_type(TOKEN))
    /// }));
    /// ```
    ///
    /// # Responses
    ///
    /// [`into_response`](Self::into_response) returns a response for axum, hyper and tower:
    ///
    /// ```
    /// use std::{convert::Infallible, io};
    ///
    /// use axum::{Router, response::IntoResponse, routing::get};
    /// use futures_util::{StreamExt, stream};
    /// use http::{Response, header};
    /// use sse_wire::{Event, EventBody, JsonEvent, TokioTimer};
    ///
    /// // A handler of axum: numbers as JSON with IDs, and a comment after 15 seconds of silence.
    /// async fn count() -> impl IntoResponse {
    ///     let events = stream::iter(1..10).map(|number| JsonEvent::new(number).with_id(number));
    ///     EventBody::new(events).with_timer(TokioTimer::new()).into_response()
    /// }
    /// let router: Router = Router::new().route("/count", get(count));
    ///
    /// // A service of hyper or tower.
    /// let service = |_request: http::Request<hyper::body::Incoming>| async {
    ///     Ok::<_, Infallible>(EventBody::new(stream::iter([Event::new("hello")])).into_response())
    /// };
    /// # let _ = hyper::service::service_fn(service);
    ///
    /// // A stream that may fail.
    /// let events = stream::iter([Ok(Event::new("a")), Err(io::Error::other("gone"))]);
    /// let response: Response<EventBody<_>> = EventBody::new(events).into_response();
    /// assert_eq!(response.headers()["content-type"], "text/event-stream");
    /// ```
    ///
    /// actix has header types of its own, and takes a stream of chunks:
    ///
    /// ```ignore
    /// async fn events() -> HttpResponse {
    ///     let body = EventBody::new(stream::iter([Event::new("hello")]));
    ///     let mut response = HttpResponse::Ok();
    ///     for (name, value) in &sse_headers() {
    ///         response.insert_header((name.as_str(), value.as_bytes()));
    ///     }
    ///     response.streaming(BodyChunks::new(body))
    /// }
    /// ```
    #[must_use = "bodies do nothing until they are polled"]
    pub struct EventBody<S, K = NoTimer>
    where
        S: Stream,
        S::Item: Encode,
    {
        #[pin]
        events: S,
        batch: Batch,
        // The error that ended the stream. It comes after the batch.
        error: Option<<S::Item as Encode>::Error>,
        is_over: bool,
        #[pin]
        keep_alive: KeepAlive<K>,
    }
}

impl<S: Stream<Item: Encode>> EventBody<S> {
    /// Creates a body of the values of this stream, without keep-alives.
    pub fn new(events: S) -> Self {
        Self {
            events,
            batch: Batch::default(),
            error: None,
            is_over: false,
            keep_alive: KeepAlive::new(),
        }
    }
}

impl<S: Stream<Item: Encode>, K> EventBody<S, K> {
    /// Sends keep-alives, by this timer.
    pub fn with_timer<L: Timer>(self, timer: L) -> EventBody<S, L> {
        let Self { events, batch, error, is_over, keep_alive } = self;
        EventBody { events, batch, error, is_over, keep_alive: keep_alive.with_timer(timer) }
    }

    /// Sets how long the body may be silent before it sends a keep-alive.
    ///
    /// The default is 15 seconds, as the standard advises. Proxies and load balancers close
    /// connections that are silent for 30 to 60 seconds.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures_util::stream;
    /// use sse_wire::{Event, EventBody, Frame, TokioTimer};
    ///
    /// let events = stream::iter([Event::new("a")]);
    /// let body = EventBody::new(events)
    ///     .with_timer(TokioTimer::new())
    ///     .with_interval(Duration::from_secs(5))
    ///     .with_keep_alive(Frame::from(Event::new("ping")));
    /// # let _ = body;
    /// ```
    pub fn with_interval(self, interval: Duration) -> Self {
        Self { keep_alive: self.keep_alive.with_interval(interval), ..self }
    }

    /// Sets the keep-alive; a comment without text by default.
    pub fn with_keep_alive(self, keep_alive: Frame) -> Self {
        Self { keep_alive: self.keep_alive.with_frame(keep_alive), ..self }
    }

    /// Returns a response with this body: status 200, and the headers of [`sse_headers`].
    ///
    /// It is hyper's and tower's response as it is. axum converts it, since it implements
    /// `IntoResponse` for every `http::Response` whose body is `Send` and `'static`.
    ///
    /// ```
    /// use futures_util::stream;
    /// use http_body_util::BodyExt;
    /// use sse_wire::EventBody;
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let response = EventBody::new(stream::iter(["a", "b"])).into_response();
    /// assert_eq!(response.headers()["cache-control"], "no-cache, no-transform");
    ///
    /// let body = response.into_body().collect().await.unwrap().to_bytes();
    /// assert_eq!(body, "data: a\n\ndata: b\n\n");
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn into_response(self) -> Response<Self> {
        let mut response = Response::new(self);
        *response.headers_mut() = sse_headers();
        response
    }
}

impl<S: Stream<Item: Encode>, K: Timer> Body for EventBody<S, K> {
    type Data = Bytes;
    type Error = <S::Item as Encode>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, Self::Error>>> {
        let data = |frame: Frame| Poll::Ready(Some(Ok(BodyFrame::data(frame.into_bytes()))));
        let mut this = self.project();
        let mut values = 0;
        while !*this.is_over && !this.batch.is_full() {
            if values == MOST_VALUES {
                // Gives way to other tasks. If something was written, it is sent and the next poll
                // goes on. Otherwise nothing else would wake this task.
                if this.batch.is_empty() {
                    cx.waker().wake_by_ref();
                }
                break;
            }
            values += 1;
            match this.events.as_mut().poll_next(cx) {
                Poll::Ready(Some(value)) => {
                    if let Err(error) = this.batch.push(value) {
                        *this.error = Some(error);
                        *this.is_over = true;
                    }
                }
                Poll::Ready(None) => *this.is_over = true,
                Poll::Pending => break,
            }
        }
        if !this.batch.is_empty() {
            this.keep_alive.interrupt();
            return data(this.batch.take());
        }
        if *this.is_over {
            return Poll::Ready(this.error.take().map(Err));
        }
        this.batch.rest();
        data(ready!(this.keep_alive.poll_due(cx)))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over && self.batch.is_empty() && self.error.is_none()
    }
}

impl<S: Stream<Item: Encode>, K> fmt::Debug for EventBody<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBody")
            .field("interval", &self.keep_alive.interval())
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}
