//! The request and the response of a stream that reconnects.

use alloc::string::String;
use core::fmt;

use crate::{resume::ConnectionEnd, value::EventId, wire::Shortened};

/// The request that a [`Reconnecting`](crate::Reconnecting) stream asks its `connect` function to
/// send.
#[derive(Clone)]
pub struct ConnectRequest {
    pub(super) last_event_id: String,
}

impl ConnectRequest {
    /// Returns the last event ID, for the header `Last-Event-ID`; `None` if there is none.
    ///
    /// It holds no line end and no NUL. A server can send other control characters, which no header
    /// can hold. [`headers`](Self::headers) leaves such an ID out.
    #[must_use]
    pub fn last_event_id(&self) -> Option<EventId<'_>> {
        EventId::new(&self.last_event_id).ok().filter(|id| !id.as_str().is_empty())
    }

    /// Returns the headers of the request, as names and values: `accept`, `cache-control` and, if
    /// there is a last event ID, `last-event-id`.
    ///
    /// The values are valid for every client: an ID with control characters, which HTTP cannot
    /// carry, is left out.
    ///
    /// ```
    /// # use sse_wire::ConnectRequest;
    /// fn to_http(request: &ConnectRequest) -> http::Result<http::Request<()>> {
    ///     let builder = http::Request::get("https://example.org/events");
    ///     let builder = request.headers().fold(builder, |builder, (name, value)| {
    ///         builder.header(name, value)
    ///     });
    ///     builder.body(())
    /// }
    /// ```
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let id = self.last_event_id().map(EventId::as_str);
        let id = id.filter(|id| !id.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t'));
        // Browsers send the latter, since event sources have the cache mode "no-store".
        [("accept", "text/event-stream"), ("cache-control", "no-cache")]
            .into_iter()
            .chain(id.map(|id| ("last-event-id", id)))
    }
}

#[cfg(feature = "http-body")]
impl ConnectRequest {
    /// Returns the [headers](Self::headers) as a map, for clients that take one.
    ///
    /// ```
    /// # use sse_wire::ConnectRequest;
    /// # fn send(client: &reqwest::Client, request: &ConnectRequest) -> reqwest::RequestBuilder {
    /// client.get("https://example.org/events").headers(request.header_map())
    /// # }
    /// ```
    #[must_use]
    pub fn header_map(&self) -> http::HeaderMap {
        let headers = self.headers().filter_map(|(name, value)| {
            // Other than ASCII is legal in a header, and sent as UTF-8.
            let value = http::HeaderValue::from_bytes(value.as_bytes()).ok()?;
            Some((http::HeaderName::from_static(name), value))
        });
        headers.collect()
    }
}

impl fmt::Debug for ConnectRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectRequest")
            .field("last_event_id", &Shortened(&self.last_event_id))
            .finish()
    }
}

/// The response that a `connect` function gives a [`Reconnecting`](crate::Reconnecting) stream:
/// status, content type and chunks.
///
/// With feature `http-body`, `ConnectResponse::from_http` converts the response of hyper or
/// reqwest. For any other client:
///
/// ```
/// use futures_util::stream;
/// use sse_wire::ConnectResponse;
///
/// let chunks = stream::iter([Ok::<_, std::io::Error>("data: a\n\n")]);
/// let response = ConnectResponse::new(503, Some("text/html"), chunks).with_retry_after(Some("20"));
/// # let _ = response;
/// ```
#[derive(Clone, Debug)]
pub struct ConnectResponse<S> {
    /// `None` if the response is an event stream.
    pub(super) end: Option<ConnectionEnd>,
    pub(super) chunks: S,
}

impl<S> ConnectResponse<S> {
    /// Creates a response from its status, the value of its `Content-Type` header, and the stream
    /// of its chunks.
    pub fn new(status: u16, content_type: Option<&str>, chunks: S) -> Self {
        Self { end: ConnectionEnd::of_response(status, content_type, None), chunks }
    }

    /// Sets the value of the `Retry-After` header. See [`ConnectionEnd::of_response`].
    #[must_use]
    pub fn with_retry_after(mut self, value: Option<&str>) -> Self {
        if let Some(ConnectionEnd::Status { code, .. }) = self.end {
            self.end = ConnectionEnd::of_response(code, None, value);
        }
        self
    }
}
