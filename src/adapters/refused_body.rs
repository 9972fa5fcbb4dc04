//! A body that came instead of an event stream.

use alloc::{borrow::Cow, boxed::Box, string::String, sync::Arc, vec::Vec};
#[cfg(feature = "http-body")]
use core::time::Duration;
use core::{error::Error, fmt};

#[cfg(feature = "http-body")]
use http::{HeaderMap, StatusCode, response::Parts};

#[cfg(any(feature = "std", feature = "stream"))]
use crate::state::FirstBytes;
#[cfg(feature = "stream")]
use crate::state::State;
use crate::{resume::ConnectionEnd, state::BodyKind, wire::ShortenedBytes};

/// The body that came instead of an event stream: the JSON error of a provider, the error page of a
/// proxy, or nothing at all.
///
/// Servers send such bodies with any status, also with 200 and the content type of an event stream.
/// By the letter of the standard they are event streams without events then.
///
/// `Display` writes one line: the status, if there is a response, and the start of the body. It
/// writes nothing of the headers.
#[derive(Clone)]
pub struct RefusedBody(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: BodyKind,
    start: Vec<u8>,
    is_truncated: bool,
    /// The error that kept the rest of the body away.
    error: Option<Arc<dyn Error + Send + Sync>>,
    /// The reason why the head of the response was refused.
    end: Option<ConnectionEnd>,
    #[cfg(feature = "http-body")]
    head: Option<Parts>,
}

impl RefusedBody {
    #[cfg(any(feature = "std", feature = "stream"))]
    fn with_start(kind: BodyKind, start: Vec<u8>, is_truncated: bool) -> Self {
        Self(Box::new(Inner {
            kind,
            start,
            is_truncated,
            error: None,
            end: None,
            #[cfg(feature = "http-body")]
            head: None,
        }))
    }

    /// Returns what a decoder has seen of a body that is not an event stream.
    #[cfg(feature = "stream")]
    pub(super) fn of(state: &State) -> Self {
        let (start, is_truncated) = state.cut_first_bytes();
        Self::with_start(state.body_kind(), start.to_vec(), is_truncated)
    }

    /// Returns as many of the first bytes as wanted.
    #[cfg(any(feature = "std", feature = "stream"))]
    pub(super) fn new(first: &FirstBytes, wanted: usize) -> Self {
        let (start, is_truncated) = first.cut(wanted);
        Self::with_start(first.kind(), start.to_vec(), is_truncated)
    }

    /// Returns the body of a response that was refused for its head.
    #[cfg(feature = "http-body")]
    pub(super) fn read(
        start: Vec<u8>,
        is_truncated: bool,
        error: Option<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let mut body = Self::with_start(BodyKind::of(&start), start, is_truncated);
        body.0.error = error.map(Arc::from);
        body
    }

    /// Adds the reason why the response was refused, whose head is unknown.
    #[cfg(feature = "http-body")]
    pub(super) fn with_end(mut self, end: Option<ConnectionEnd>) -> Self {
        self.0.end = end;
        self
    }

    /// Adds the head of the response, and the reason why it was refused.
    #[cfg(feature = "http-body")]
    pub(super) fn with_head(mut self, head: Parts, end: Option<ConnectionEnd>) -> Self {
        self.0.head = Some(head);
        self.0.end = end;
        self
    }

    /// Returns the kind of body that its first bytes look like.
    ///
    /// See [`EventReader::open`](crate::EventReader::open) for an example.
    #[must_use]
    pub fn kind(&self) -> BodyKind {
        self.0.kind
    }

    /// Returns the body, or as much of its start as was kept: at most 64 KiB, unless [set
    /// otherwise](crate::DecoderBuilder::first_bytes).
    ///
    /// If the body had to show that it is not an event stream, a byte order mark and blank lines at
    /// its start are left out. See [`EventReader::open`](crate::EventReader::open) for an example.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0.start
    }

    /// Returns the [bytes](Self::bytes) as text. Replaces invalid UTF-8 with U+FFFD.
    ///
    /// ```
    /// use sse_wire::{EventReader, StreamError};
    ///
    /// let opened = EventReader::open(&b"error code: 502"[..]);
    /// let Err(StreamError::NotEventStream(body)) = opened else { panic!() };
    /// assert_eq!(body.text(), "error code: 502");
    /// ```
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes())
    }

    /// Returns `true` if there was more of the body than these bytes: it was longer than what is
    /// kept, or the transport failed before its end.
    ///
    /// ```
    /// use sse_wire::{Decoder, EventReader, StreamError};
    ///
    /// let decoder = Decoder::builder().first_bytes(4).build();
    /// let opened = EventReader::open_with_decoder(&b"{\"error\":1}"[..], decoder);
    /// let Err(StreamError::NotEventStream(body)) = opened else { panic!() };
    /// assert_eq!((body.bytes(), body.is_truncated()), (&b"{\"er"[..], true));
    /// ```
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.0.is_truncated || self.0.error.is_some()
    }

    /// Returns the reason why the head of the response was refused, such as its status; `None` if
    /// there is no response, or the body alone was not what the head promised.
    ///
    /// See [`Refused::end`](crate::Refused::end) for the reasons, and [`open`](crate::open) for an
    /// example.
    #[must_use]
    pub fn end(&self) -> Option<&ConnectionEnd> {
        self.0.end.as_ref()
    }

    /// Parses the body as JSON.
    ///
    /// ```
    /// use serde::Deserialize;
    /// use sse_wire::{EventReader, StreamError};
    ///
    /// #[derive(Deserialize)]
    /// struct ApiError {
    ///     error: Details,
    /// }
    ///
    /// #[derive(Deserialize)]
    /// struct Details {
    ///     code: String,
    /// }
    ///
    /// let body = br#"{"error":{"message":"Slow down.","code":"rate_limit_exceeded"}}"#;
    /// let Err(StreamError::NotEventStream(body)) = EventReader::open(&body[..]) else { panic!() };
    /// let api_error: ApiError = body.json()?;
    /// assert_eq!(api_error.error.code, "rate_limit_exceeded");
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if it is not JSON of this type. If the body is
    /// [truncated](Self::is_truncated), the error says that.
    #[cfg(feature = "json")]
    pub fn json<'de, T: serde::Deserialize<'de>>(&'de self) -> Result<T, serde_json::Error> {
        let len = self.bytes().len();
        if self.0.error.is_some() {
            let message = format_args!("the body broke off after {len} bytes");
            return Err(serde::de::Error::custom(message));
        }
        if self.is_truncated() {
            let message = format_args!("only the first {len} bytes of the body were kept");
            return Err(serde::de::Error::custom(message));
        }
        serde_json::from_slice(self.bytes().strip_prefix(&crate::wire::BOM).unwrap_or(self.bytes()))
    }
}

#[cfg(feature = "http-body")]
impl RefusedBody {
    /// Returns the status of the response; `None` if there is no `http::Response`.
    ///
    /// See [`open`](crate::open) for an example.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        Some(self.0.head.as_ref()?.status)
    }

    /// Returns the headers of the response; `None` if there is no `http::Response`.
    ///
    /// See [`open`](crate::open) for an example.
    #[must_use]
    pub fn headers(&self) -> Option<&HeaderMap> {
        Some(&self.0.head.as_ref()?.headers)
    }

    /// Returns the time that the response asks the client to wait. See
    /// [`retry_after`](crate::retry_after).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.headers().and_then(super::headers::retry_after)
    }
}

/// Equal bodies with equal heads, cut off alike. The error that cut them off is not compared.
impl PartialEq for RefusedBody {
    fn eq(&self, other: &Self) -> bool {
        #[cfg(feature = "http-body")]
        if (self.status(), self.headers()) != (other.status(), other.headers()) {
            return false;
        }
        let parts = |body: &Self| (body.kind(), body.is_truncated(), body.0.error.is_some());
        parts(self) == parts(other) && self.bytes() == other.bytes() && self.end() == other.end()
    }
}

impl Eq for RefusedBody {}

impl fmt::Display for RefusedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "http-body")]
        if let Some(status) = self.status() {
            write!(f, "the server answered {}", status.as_u16())?;
            if let Some(ConnectionEnd::Compressed(_)) = self.end() {
                return f.write_str(" with a body that is still compressed");
            }
            let what = match self.kind() {
                BodyKind::Empty => return f.write_str(" without a body"),
                BodyKind::Json => " with JSON",
                BodyKind::Markup => " with HTML or XML",
                BodyKind::EventStream => " with an event stream",
                BodyKind::Other => "",
            };
            return write!(f, "{what}: {:?}", ShortenedBytes(self.bytes()));
        }
        let what = match self.kind() {
            BodyKind::Empty => return f.write_str("the body is empty"),
            BodyKind::Json => "JSON",
            BodyKind::Markup => "HTML or XML",
            BodyKind::Other | BodyKind::EventStream => "something else",
        };
        write!(f, "{what} came instead of an event stream: {:?}", ShortenedBytes(self.bytes()))
    }
}

impl Error for RefusedBody {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.0.error.as_deref()?)
    }
}

impl fmt::Debug for RefusedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RefusedBody");
        #[cfg(feature = "http-body")]
        debug.field("status", &self.status());
        debug
            .field("kind", &self.kind())
            .field("bytes", &ShortenedBytes(self.bytes()))
            .field("is_truncated", &self.is_truncated())
            .field("error", &self.0.error)
            .finish_non_exhaustive()
    }
}
