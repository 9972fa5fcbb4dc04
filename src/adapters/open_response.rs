//! Opens a response: returns its events, or what came instead.

use alloc::{boxed::Box, vec::Vec};
use core::{
    error::Error,
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, Response, StatusCode, header, response::Parts};
use http_body::Body;

use super::{
    body_chunks::BodyChunks,
    error::StreamError,
    headers::{combined, retry_after},
    open::OpenEvents,
    refused_body::RefusedBody,
    stream::EventStream,
    work::Work,
};
use crate::{decode::Decoder, options::Options, resume::ConnectionEnd};

/// Returns the events of a response, or the response if its head is not that of an event stream.
///
/// It takes hyper's response, reqwest's, and any other that becomes an [`http::Response`]. The head
/// must have a status of 2xx and the content type `text/event-stream`, and the body must not be
/// compressed any more. Nothing of the body is read. [`open`] looks at the body as well.
///
/// Both results keep the head. The refused body is unread, because a response that is no event
/// stream may be an ordinary answer: in MCP, a status of 202, or JSON.
///
/// ```
/// use bytes::Bytes;
/// use http::Response;
/// use http_body_util::{BodyExt, Full};
/// use sse_wire::open_response;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let response = Response::builder()
///     .header("content-type", "application/json")
///     .header("mcp-session-id", "7")
///     .body(Full::new(Bytes::from("{\"result\":1}")))?;
/// match open_response(response) {
///     Ok(response) => {
///         let (head, _events) = response.into_parts();
///         println!("the session is {:?}", head.headers.get("mcp-session-id"));
///     }
///     Err(refused) if refused.status() == 200 => {
///         let body = refused.into_response().into_body().collect().await.unwrap();
///         assert_eq!(body.to_bytes(), "{\"result\":1}");
///     }
///     Err(refused) => println!("{}", refused.read(64 * 1024).await),
/// }
/// # Ok::<_, http::Error>(()) }).unwrap().unwrap();
/// ```
///
/// # Errors
///
/// Returns the response and the [reason](Refused::end).
pub fn open_response<B: Body>(
    response: impl Into<Response<B>>,
) -> Result<Response<EventStream<BodyChunks<B>>>, Refused<B>> {
    let response = response.into();
    match end_of_head(response.status(), response.headers()) {
        None => Ok(response.map(EventStream::from_body)),
        Some(end) => Err(Refused::new(end, response)),
    }
}

/// Returns the reason why a response is no event stream, if its head says so.
fn end_of_head(status: StatusCode, headers: &HeaderMap) -> Option<ConnectionEnd> {
    let content_type = combined(headers, header::CONTENT_TYPE);
    let end = ConnectionEnd::of_response(200, content_type.as_deref(), None);
    if end.is_some() && status != StatusCode::OK || !status.is_success() {
        let retry_after = retry_after(headers);
        return Some(ConnectionEnd::Status { code: status.as_u16(), retry_after });
    }
    let encoding = combined(headers, header::CONTENT_ENCODING);
    // Whatever its type is, a compressed body cannot be read.
    ConnectionEnd::of_encoding(encoding.as_deref()).or(end)
}

/// A response that is not an event stream, with its body unread. See [`open_response`].
///
/// It is an error, whose message is the [reason](Self::end).
pub struct Refused<B>(Box<(ConnectionEnd, Response<B>)>);

impl<B> Refused<B> {
    pub(super) fn new(end: ConnectionEnd, response: Response<B>) -> Self {
        Self(Box::new((end, response)))
    }

    /// Returns the reason: the status, the content type, or that the body is still compressed.
    #[must_use]
    pub fn end(&self) -> &ConnectionEnd {
        &self.0.0
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.1.status()
    }

    /// Returns the headers. See [`open_response`] for an example of a refused response.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.0.1.headers()
    }

    /// Returns the time that the response asks the client to wait. See [`retry_after`].
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self.headers())
    }

    /// Returns the response as it came, with its body unread.
    ///
    /// ```
    /// use http::Response;
    /// use sse_wire::open_response;
    ///
    /// // An MCP server may answer with JSON instead of a stream.
    /// let response = Response::builder()
    ///     .header("content-type", "application/json")
    ///     .header("mcp-session-id", "1")
    ///     .body("{}".to_owned())?;
    /// let refused = open_response(response).unwrap_err();
    /// assert_eq!(refused.headers()["mcp-session-id"], "1");
    /// println!("no stream: {}", refused.end());
    /// assert_eq!(refused.into_response().body(), "{}");
    /// # Ok::<_, http::Error>(())
    /// ```
    #[must_use]
    pub fn into_response(self) -> Response<B> {
        self.0.1
    }
}

impl<B: Body> Refused<B> {
    /// Returns the events all the same, for servers that send event streams with another type.
    ///
    /// ```
    /// use futures_util::StreamExt;
    /// use http::Response;
    /// use sse_wire::open_response;
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// // Without a content type.
    /// let response = Response::new("data: a\n\n".to_owned());
    /// let response = open_response(response).or_else(|refused| match refused.end() {
    ///     sse_wire::ConnectionEnd::ContentType(None) => Ok(refused.into_events()),
    ///     _ => Err(refused),
    /// });
    /// let mut events = response.unwrap().into_body();
    /// assert_eq!(events.next().await.unwrap().unwrap().data(), "a");
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn into_events(self) -> Response<EventStream<BodyChunks<B>>> {
        self.into_response().map(EventStream::from_body)
    }

    /// Reads the body, up to `limit` bytes. If the transport fails, what was read until then is the
    /// body, which [is truncated](RefusedBody::is_truncated).
    ///
    /// ```
    /// use http::Response;
    /// use sse_wire::open_response;
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let response = Response::builder()
    ///     .status(429)
    ///     .header("retry-after", "20")
    ///     .body(r#"{"error":"slow down"}"#.to_owned())?;
    /// let Err(refused) = open_response(response) else { panic!() };
    /// assert_eq!(refused.retry_after(), Some(std::time::Duration::from_secs(20)));
    ///
    /// let body = refused.read(64 * 1024).await;
    /// let message = r#"the server answered 429 with JSON: b"{\"error\":\"slow down\"}""#;
    /// assert_eq!(body.to_string(), message);
    /// # Ok::<_, http::Error>(()) }).unwrap().unwrap();
    /// ```
    pub async fn read(self, limit: usize) -> RefusedBody
    where
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (end, response) = *self.0;
        let (head, body) = response.into_parts();
        read(BodyChunks::new(body), limit).await.with_head(head, Some(end))
    }
}

impl<B> fmt::Display for Refused<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.end().fmt(f)
    }
}

impl<B> Error for Refused<B> {}

impl<B> fmt::Debug for Refused<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("status", &self.status())
            .field("end", self.end())
            .finish_non_exhaustive()
    }
}

/// Reads a body, up to `limit` bytes.
pub(super) async fn read<S, B, E>(chunks: S, limit: usize) -> RefusedBody
where
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let mut chunks = pin!(chunks);
    let mut start = Start { bytes: Vec::new(), limit };
    poll_fn(|cx| start.poll(chunks.as_mut(), cx)).await
}

/// The start of a body that is read.
struct Start {
    bytes: Vec<u8>,
    limit: usize,
}

impl Start {
    fn poll<S, B, E>(&mut self, mut chunks: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<RefusedBody>
    where
        S: Stream<Item = Result<B, E>>,
        B: Into<Bytes>,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let mut work = Work::default();
        while !work.gives_way(cx) {
            let (is_truncated, error) = match ready!(chunks.as_mut().poll_next(cx)) {
                Some(Ok(chunk)) => {
                    let chunk = chunk.into();
                    work.add_chunk(chunk.len());
                    let kept = chunk.len().min(self.limit - self.bytes.len());
                    self.bytes.extend_from_slice(&chunk[..kept]);
                    if kept == chunk.len() {
                        continue;
                    }
                    (true, None)
                }
                Some(Err(error)) => (false, Some(error.into())),
                None => (false, None),
            };
            let bytes = core::mem::take(&mut self.bytes);
            return Poll::Ready(RefusedBody::read(bytes, is_truncated, error));
        }
        Poll::Pending
    }
}

/// Returns the events of a response, or the truth about what came instead.
///
/// It takes hyper's response, reqwest's, and any other that becomes an [`http::Response`], and looks
/// at its head as [`open_response`] does. Then it waits until the first bytes show that the body is
/// an event stream, as
#[doc = "[`ByteStreamExt::open_events`](crate::ByteStreamExt::open_events) does, because errors come"]
/// with status 200 and the right content type, too. If the content type is missing, the first bytes
/// alone decide.
///
/// ```
/// use http::Response;
/// use sse_wire::{BodyKind, StreamError, open};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let response = Response::builder()
///     .status(429)
///     .header("retry-after", "20")
///     .body(r#"{"error":{"message":"Slow down."}}"#.to_owned())?;
/// let Err(StreamError::NotEventStream(body)) = open(response).await else { panic!() };
/// assert_eq!(body.status(), Some(http::StatusCode::TOO_MANY_REQUESTS));
/// assert_eq!(body.retry_after(), Some(std::time::Duration::from_secs(20)));
/// assert_eq!(body.headers().unwrap()["retry-after"], "20");
/// assert!(body.end().is_some(), "the status, and not only the body, is the reason");
/// let error: serde_json::Value = body.json()?;
/// assert_eq!(error["error"]["message"], "Slow down.");
/// # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap().unwrap();
/// ```
///
/// # Errors
///
/// Returns [`StreamError::NotEventStream`] with the head and up to 64 KiB of the body, unless [set
/// otherwise](Open::with_decoder), and [`StreamError::Transport`] if the transport fails before the
/// first bytes have shown what the body is.
pub fn open<B: Body>(response: impl Into<Response<B>>) -> Open<B> {
    let (head, body) = response.into().into_parts();
    let chunks = BodyChunks::new(body);
    Open(match end_of_head(head.status, &head.headers) {
        None | Some(ConnectionEnd::ContentType(None)) => {
            Step::Judge(Some(Box::new(head)), Box::new(OpenEvents::new(chunks)))
        }
        Some(end) => {
            let start = Start { bytes: Vec::new(), limit: Options::STANDARD.first_bytes() };
            Step::Read(Some(Box::new((head, end))), chunks, start)
        }
    })
}

/// Waits for the first bytes of a response. See [`open`].
#[must_use = "futures do nothing until they are polled"]
pub struct Open<B>(Step<B>);

enum Step<B> {
    /// Reads the first bytes of what may be an event stream.
    Judge(Option<Box<Parts>>, Box<OpenEvents<BodyChunks<B>>>),
    /// Reads the body of a response that was refused for its head.
    Read(Option<Box<(Parts, ConnectionEnd)>>, BodyChunks<B>, Start),
}

impl<B> Open<B> {
    /// Sets the decoder, for its options. One of them is how much is
    /// [kept](crate::DecoderBuilder::first_bytes) of a body that is not an event stream.
    ///
    /// From an earlier connection, it keeps the last event ID and the reconnection time.
    pub fn with_decoder(self, decoder: Decoder) -> Self {
        Self(match self.0 {
            Step::Judge(head, opening) => {
                Step::Judge(head, Box::new(opening.with_decoder(decoder)))
            }
            Step::Read(head, chunks, start) => {
                let limit = decoder.state.options.first_bytes().max(start.bytes.len());
                Step::Read(head, chunks, Start { limit, ..start })
            }
        })
    }
}

impl<B> Future for Open<B>
where
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    type Output = Result<EventStream<BodyChunks<B>>, StreamError>;

    /// # Panics
    ///
    /// Panics if it is polled again after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        const AGAIN: &str = "polled after it was ready";

        let body = match &mut self.get_mut().0 {
            Step::Judge(head, opening) => match ready!(Pin::new(opening).poll(cx)) {
                Ok(events) => return Poll::Ready(Ok(events)),
                Err(StreamError::NotEventStream(body)) => {
                    body.with_head(*head.take().expect(AGAIN), None)
                }
                Err(error) => return Poll::Ready(Err(error.boxed())),
            },
            Step::Read(head, chunks, start) => {
                let body = ready!(start.poll(Pin::new(chunks), cx));
                let (head, end) = *head.take().expect(AGAIN);
                body.with_head(head, Some(end))
            }
        };
        Poll::Ready(Err(StreamError::NotEventStream(body)))
    }
}

impl<B> fmt::Debug for Open<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open").finish_non_exhaustive()
    }
}
