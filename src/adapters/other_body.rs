//! A body that came instead of an event stream.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

#[cfg(any(feature = "std", feature = "stream"))]
use crate::decode::Decoder;
use crate::{state::BodyKind, wire::ShortenedBytes};

/// The body that came instead of an event stream: the JSON error of a provider, the error page of a
/// proxy, or nothing at all.
///
/// Servers send such bodies with status 200 and even with the content type of an event stream. By
/// the letter of the standard they are event streams without events.
#[derive(Clone, PartialEq, Eq)]
pub struct OtherBody(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: BodyKind,
    start: Vec<u8>,
}

impl OtherBody {
    /// Returns the first bytes that a decoder has seen of a body that is not an event stream.
    #[cfg(any(feature = "std", feature = "stream"))]
    pub(super) fn of(decoder: &Decoder) -> Self {
        let (kind, start) = (decoder.body_kind(), decoder.first_bytes().to_vec());
        Self(Box::new(Inner { kind, start }))
    }

    /// Returns the kind of body that its first bytes look like.
    ///
    /// An example: [`EventReader::open`](crate::EventReader::open).
    #[must_use]
    pub fn kind(&self) -> BodyKind {
        self.0.kind
    }

    /// Returns the first bytes of the body: at most 1 KiB, or as many as the decoder was
    /// [told to keep](crate::DecoderBuilder::first_bytes).
    ///
    /// An example: [`EventReader::open`](crate::EventReader::open).
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0.start
    }

    /// Parses the first bytes as JSON.
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
    /// Returns an error if they are not JSON of this type, and so also if the body is longer than
    /// what was kept of it.
    #[cfg(feature = "json")]
    pub fn json<'de, T: serde::Deserialize<'de>>(&'de self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(self.bytes())
    }
}

impl fmt::Display for OtherBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind() {
            BodyKind::Empty => return f.write_str("the body is empty"),
            BodyKind::Json => "JSON",
            BodyKind::Markup => "HTML or XML",
            BodyKind::Other | BodyKind::EventStream => "something else",
        };
        write!(f, "{what} came instead of an event stream: {:?}", ShortenedBytes(self.bytes()))
    }
}

impl fmt::Debug for OtherBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtherBody")
            .field("kind", &self.kind())
            .field("bytes", &ShortenedBytes(self.bytes()))
            .finish()
    }
}
