//! `BodyChunks`: the data of a body, as chunks.

use core::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use http::header;
use http_body::Body;
use pin_project_lite::pin_project;

use super::{
    connect::ConnectResponse,
    stream::{EventStream, ItemStream},
};

pin_project! {
    /// The data of a body as a stream of chunks. Leaves out trailers.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http_body_util::Full;
    /// use sse_wire::{BodyChunks, EventStream};
    ///
    /// let chunks = BodyChunks::new(Full::new(Bytes::from("data: a\n\n")));
    /// let events = EventStream::new(chunks);
    /// let _body: &Full<Bytes> = events.get_ref().get_ref();
    /// let _body: Full<Bytes> = events.into_inner().into_inner();
    /// ```
    #[derive(Debug)]
    #[must_use = "streams do nothing until they are polled"]
    pub struct BodyChunks<B> {
        #[pin]
        body: B,
    }
}

impl<B> BodyChunks<B> {
    /// Creates a stream of the chunks of this body.
    pub fn new(body: B) -> Self {
        Self { body }
    }

    /// Returns the body.
    pub fn get_ref(&self) -> &B {
        &self.body
    }

    /// Returns the body.
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
    /// Creates a stream of the events of a body: hyper's, axum's or reqwest's.
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
    /// Creates a stream of the events, comments and updates of a body.
    ///
    /// See [`EventStream::from_body`] for an example.
    pub fn from_body(body: B) -> Self {
        Self::new(BodyChunks::new(body))
    }
}

impl<B: Body> ConnectResponse<BodyChunks<B>> {
    /// Takes a response: hyper's, reqwest's, or any that becomes an [`http::Response`].
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http::{Response, header};
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
