//! `http_body::Body`: events out of a body, and a body of events.

use core::{
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_body::{Body, Frame as BodyFrame};
use pin_project_lite::pin_project;

use super::{
    reconnecting::ConnectResponse,
    stream::{EventStream, ItemStream},
    timer::{KEEP_ALIVE, NoTimer, Timer},
};
use crate::{
    encoder::{Encoder, Frame},
    event::{Event, EventBuf},
};

pin_project! {
    /// The data of a body as a stream of chunks; trailers are left out.
    #[derive(Debug)]
    #[must_use = "streams do nothing until they are polled"]
    pub struct BodyChunks<B> {
        #[pin]
        body: B,
    }
}

impl<B> BodyChunks<B> {
    /// The chunks of this body.
    pub fn new(body: B) -> Self {
        Self { body }
    }

    /// The body.
    pub fn get_ref(&self) -> &B {
        &self.body
    }

    /// The body.
    pub fn into_inner(self) -> B {
        self.body
    }
}

impl<B: Body> Stream for BodyChunks<B> {
    type Item = Result<Bytes, B::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let frame = match ready!(self.as_mut().project().body.poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => frame,
            };
            if let Ok(mut data) = frame.into_data() {
                // Free for `Bytes`, which is what most bodies have.
                let data = data.copy_to_bytes(data.remaining());
                return Poll::Ready(Some(Ok(data)));
            }
        }
    }
}

impl<B: Body> EventStream<BodyChunks<B>> {
    /// The events of a body: hyper's, axum's or reqwest's.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use futures_util::StreamExt;
    /// use http_body_util::Full;
    /// use sse_wire::EventStream;
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let body = Full::new(Bytes::from("data: a\n\n"));
    /// let mut events = EventStream::from_body(body);
    /// assert_eq!(events.next().await.unwrap().unwrap().data(), "a");
    /// # }).unwrap();
    /// ```
    pub fn from_body(body: B) -> Self {
        Self::new(BodyChunks::new(body))
    }
}

impl<B: Body> ItemStream<BodyChunks<B>> {
    /// The events and comments of a body.
    pub fn from_body(body: B) -> Self {
        Self::new(BodyChunks::new(body))
    }
}

impl<B: Body> ConnectResponse<BodyChunks<B>> {
    /// Takes a response: hyper's, reqwest's, or any that becomes an [`http::Response`].
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http::Response;
    /// use http_body_util::Full;
    /// use sse_wire::ConnectResponse;
    ///
    /// let response = Response::new(Full::new(Bytes::from("data: a\n\n")));
    /// let response = ConnectResponse::from_http(response);
    /// # let _: ConnectResponse<sse_wire::BodyChunks<Full<Bytes>>> = response;
    /// ```
    pub fn from_http(response: impl Into<http::Response<B>>) -> Self {
        let (head, body) = response.into().into_parts();
        let value = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        Self::new(head.status.as_u16(), value(header::CONTENT_TYPE), BodyChunks::new(body))
            .with_retry_after(value(header::RETRY_AFTER))
    }
}

/// What an [`EventBody`] can send: events, and blocks that are already encoded.
pub trait Encode {
    /// Appends it to what is sent together.
    fn encode(&self, encoder: &mut Encoder);

    /// It alone.
    fn into_frame(self) -> Frame
    where
        Self: Sized,
    {
        let mut encoder = Encoder::new();
        self.encode(&mut encoder);
        encoder.take()
    }
}

impl Encode for Event<'_> {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.event(*self);
    }
}

impl Encode for EventBuf {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.event(self);
    }
}

impl Encode for Frame {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.frame(self);
    }

    /// Without a copy: a broadcast frame is encoded once for all receivers.
    fn into_frame(self) -> Frame {
        self
    }
}

/// Bytes that are sent together if they are ready together.
const BATCH: usize = 16 * 1024;

pin_project! {
    /// A body of events, out of a stream of them.
    ///
    /// What is ready together is sent together, up to 16 KiB, without waiting for more. With a
    /// [timer](Self::with_timer), a comment is sent when nothing was for 15 seconds. Everything that is
    /// sent is whole blocks, so a keep-alive never stands within an event, and one that is due
    /// never comes before an event that is ready.
    ///
    /// Dropping the body, which servers do when the client has gone, drops the stream.
    ///
    /// ```
    /// use futures_util::stream;
    /// use http::Response;
    /// use http_body_util::BodyExt;
    /// use sse_wire::{Event, EventBody, sse_headers};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let events = stream::iter([Event::new("a"), Event::new("b")]);
    /// let mut response = Response::new(EventBody::infallible(events));
    /// response.headers_mut().extend(sse_headers());
    ///
    /// let body = response.into_body().collect().await.unwrap().to_bytes();
    /// assert_eq!(body, "data: a\n\ndata: b\n\n");
    /// # }).unwrap();
    /// ```
    #[must_use = "bodies do nothing until they are polled"]
    pub struct EventBody<S, K = NoTimer>
    where
        S: Stream,
    {
        #[pin]
        events: S,
        // What ended a batch, and comes next.
        next: Option<S::Item>,
        #[pin]
        timer: K,
        keep_alive: Frame,
        interval: Duration,
        // The timer runs, since something was sent and nothing followed.
        is_waiting: bool,
        is_over: bool,
        encoder: Encoder,
    }
}

impl<S, T, E> EventBody<S>
where
    S: Stream<Item = Result<T, E>>,
    T: Encode,
{
    /// A body of the events or frames of this stream. An error of the stream becomes the body's,
    /// so the connection is cut and the client sees it. (hyper then throws away what it has not
    /// sent yet; an `error` event as the last one, before the stream ends, does arrive.)
    pub fn new(events: S) -> Self {
        Self {
            events,
            next: None,
            timer: NoTimer,
            keep_alive: Frame::KEEP_ALIVE,
            interval: KEEP_ALIVE,
            is_waiting: false,
            is_over: false,
            encoder: Encoder::new(),
        }
    }
}

impl<S: Stream<Item: Encode>> EventBody<Infallibly<S>> {
    /// A body of the events or frames of a stream that cannot fail.
    pub fn infallible(events: S) -> Self {
        Self::new(Infallibly { events })
    }
}

impl<S: Stream, K> EventBody<S, K> {
    /// Sends keep-alives, by this timer.
    pub fn with_timer<L: Timer>(self, timer: L) -> EventBody<S, L> {
        let Self { events, next, keep_alive, interval, is_over, encoder, .. } = self;
        let is_waiting = false;
        EventBody { events, next, timer, keep_alive, interval, is_waiting, is_over, encoder }
    }

    /// How long it may be silent; 15 seconds if not set.
    pub fn with_interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// What is sent as a keep-alive; a comment without text if not set.
    pub fn with_keep_alive(self, keep_alive: Frame) -> Self {
        Self { keep_alive, ..self }
    }
}

impl<S, K, T, E> Body for EventBody<S, K>
where
    S: Stream<Item = Result<T, E>>,
    T: Encode,
    K: Timer,
{
    type Data = Bytes;
    type Error = E;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, E>>> {
        let mut this = self.project();
        let first = match this.next.take() {
            Some(next) => Poll::Ready(Some(next)),
            None if *this.is_over => Poll::Ready(None),
            None => this.events.as_mut().poll_next(cx),
        };
        let first = match first {
            Poll::Ready(Some(Ok(first))) => first,
            Poll::Ready(Some(Err(error))) => {
                *this.is_over = true;
                return Poll::Ready(Some(Err(error)));
            }
            Poll::Ready(None) => {
                *this.is_over = true;
                return Poll::Ready(None);
            }
            Poll::Pending => {
                if !*this.is_waiting {
                    this.timer.as_mut().reset(*this.interval);
                    *this.is_waiting = true;
                }
                ready!(this.timer.as_mut().poll_elapsed(cx));
                // It is set again, and looked at, by the next poll.
                *this.is_waiting = false;
                let keep_alive = this.keep_alive.clone();
                return Poll::Ready(Some(Ok(BodyFrame::data(keep_alive.into_bytes()))));
            }
        };
        *this.is_waiting = false;

        let mut first = Some(first);
        let encoder = this.encoder;
        while !*this.is_over && encoder.as_bytes().len() < BATCH {
            match this.events.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(next))) => {
                    if let Some(first) = first.take() {
                        first.encode(encoder);
                    }
                    next.encode(encoder);
                }
                Poll::Ready(Some(error)) => {
                    *this.next = Some(error);
                    break;
                }
                Poll::Ready(None) => *this.is_over = true,
                Poll::Pending => break,
            }
        }
        let frame = first.map_or_else(|| encoder.take(), Encode::into_frame);
        Poll::Ready(Some(Ok(BodyFrame::data(frame.into_bytes()))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over && self.next.is_none()
    }
}

impl<S: Stream, K> fmt::Debug for EventBody<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBody")
            .field("interval", &self.interval)
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// A stream that cannot fail, as one that could.
    #[derive(Debug)]
    #[must_use = "streams do nothing until they are polled"]
    pub struct Infallibly<S> {
        #[pin]
        events: S,
    }
}

impl<S: Stream> Stream for Infallibly<S> {
    type Item = Result<S::Item, Infallible>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.project().events.poll_next(cx).map(|event| event.map(Ok))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.events.size_hint()
    }
}

/// The headers of a response that is an event stream.
///
/// | header | value | why |
/// |---|---|---|
/// | `content-type` | `text/event-stream` | the standard; anything else, and browsers give up |
/// | `cache-control` | `no-cache, no-transform` | nobody keeps it, nobody compresses and so buffers it |
/// | `x-accel-buffering` | `no` | nginx sends on what it gets, at once |
#[must_use]
pub fn sse_headers() -> HeaderMap {
    const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    headers
}
