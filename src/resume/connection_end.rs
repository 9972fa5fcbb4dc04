//! How a connection ended.

use alloc::string::String;
use core::{fmt, time::Duration};

use crate::{
    decode::Decoder,
    error::DecodeErrorKind,
    state::BodyKind,
    wire::{self, content_type},
};

/// The end of a connection, or of the attempt to open one.
///
/// `Display` writes a text for users, such as "the server answered 503".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionEnd {
    /// There was no response: an unknown host, a refused connection, a timeout.
    NoResponse,
    /// The response had a status other than 200.
    Status {
        /// The status.
        code: u16,
        /// The time to wait that the response asked for with `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// The response had this media type instead of `text/event-stream`, or `None`.
    ContentType(Option<String>),
    /// The response had this `Content-Encoding`, which the client has not decoded.
    Compressed(String),
    /// The response claimed to be an event stream, but its body was something else: a JSON error,
    /// an HTML page.
    Body(BodyKind),
    /// The stream ended without a transport error.
    Ended,
    /// The transport failed while the stream was open.
    Lost,
    /// The decoder refused a block.
    Decode(DecodeErrorKind),
}

impl ConnectionEnd {
    /// Returns `None` if a response opens an event stream (status 200 and `text/event-stream`), and
    /// otherwise the reason why it does not.
    ///
    /// `content_type` and `retry_after` are the values of these headers. `Retry-After` counts if it
    /// is a number of seconds. A date is ignored, because there is no clock to compare it with. See
    /// `retry_after` (feature `http-body`) for both.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sse_wire::ConnectionEnd;
    ///
    /// assert_eq!(ConnectionEnd::of_response(200, Some("text/event-stream"), None), None);
    ///
    /// let end = ConnectionEnd::of_response(429, Some("application/json"), Some("20")).unwrap();
    /// let retry_after = Some(Duration::from_secs(20));
    /// assert_eq!(end, ConnectionEnd::Status { code: 429, retry_after });
    ///
    /// let end = ConnectionEnd::of_response(200, Some("text/html; charset=utf-8"), None).unwrap();
    /// assert_eq!(end.to_string(), "text/html is not an event stream");
    /// ```
    #[must_use]
    pub fn of_response(
        status: u16,
        content_type: Option<&str>,
        retry_after: Option<&str>,
    ) -> Option<Self> {
        if status != 200 {
            let retry_after = retry_after.and_then(seconds);
            return Some(Self::Status { code: status, retry_after });
        }
        if content_type.is_some_and(content_type::is_event_stream) {
            return None;
        }
        // A remote string that goes to logs, so it is shortened.
        let essence = content_type.map(|value| wire::start_of(content_type::essence(value)).into());
        Some(Self::ContentType(essence))
    }

    /// Returns `None` if the body of a response has no encoding, and otherwise the reason why it
    /// cannot be read: it is still compressed.
    ///
    /// `content_encoding` is the value of this header. Clients that decompress a body remove the
    /// header. To have it removed, turn on the decompression of the client, or do not ask for it
    /// with `Accept-Encoding`.
    ///
    /// ```
    /// use sse_wire::ConnectionEnd;
    ///
    /// assert_eq!(ConnectionEnd::of_encoding(None), None);
    /// let end = ConnectionEnd::of_encoding(Some("gzip")).unwrap();
    /// assert_eq!(end.to_string(), "the body is still compressed with gzip");
    /// ```
    #[must_use]
    pub fn of_encoding(content_encoding: Option<&str>) -> Option<Self> {
        let encoding = content_encoding?.trim_matches([' ', '\t']);
        let is_none = encoding.is_empty() || encoding.eq_ignore_ascii_case("identity");
        (!is_none).then(|| Self::Compressed(wire::start_of(encoding).into()))
    }

    /// Returns the end of a stream without a transport error: [`Ended`](Self::Ended), or
    /// [`Body`](Self::Body) if the decoder saw that it was not an event stream.
    ///
    /// ```
    /// use sse_wire::{BodyKind, ConnectionEnd, Decoder};
    ///
    /// let mut decoder = Decoder::new();
    /// assert_eq!(decoder.feed(b"<html>no").next_event(), Ok(None));
    /// assert_eq!(ConnectionEnd::of_stream(&decoder), ConnectionEnd::Body(BodyKind::Markup));
    /// ```
    #[must_use]
    pub fn of_stream(decoder: &Decoder) -> Self {
        match decoder.body_kind() {
            BodyKind::Empty | BodyKind::EventStream => Self::Ended,
            other => Self::Body(other),
        }
    }

    /// Returns `true` if another attempt may succeed. A [`Reconnect`](crate::Reconnect)
    /// policy follows this table unless you set [another rule](crate::Reconnect::with_retry_if).
    ///
    /// | end | reconnect? |
    /// |---|---|
    /// | no response, stream ended, connection lost | yes |
    /// | status 408, 425, 429, 5xx | yes |
    /// | status 204 | no: it tells clients not to reconnect |
    /// | any other status | no |
    /// | another content type, or a compressed body | no |
    /// | the body is JSON or markup | no |
    /// | the body is something else | yes: it may be an event stream that broke off in its first line |
    /// | a block was refused | no: the server would send it again |
    ///
    /// ```
    /// use sse_wire::ConnectionEnd;
    ///
    /// assert!(ConnectionEnd::Lost.is_temporary());
    /// assert!(!ConnectionEnd::Status { code: 404, retry_after: None }.is_temporary());
    /// ```
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::NoResponse | Self::Ended | Self::Lost => true,
            Self::Status { code, .. } => matches!(code, 408 | 425 | 429 | 500..=599),
            Self::Body(kind) => !matches!(kind, BodyKind::Json | BodyKind::Markup),
            Self::ContentType(_) | Self::Compressed(_) | Self::Decode(_) => false,
        }
    }

    /// Returns `true` if an event stream was open before this end.
    pub(super) fn was_open(&self) -> bool {
        match self {
            Self::NoResponse | Self::Status { .. } | Self::ContentType(_) | Self::Compressed(_) => {
                false
            }
            Self::Body(_) | Self::Ended | Self::Lost | Self::Decode(_) => true,
        }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl fmt::Display for ConnectionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoResponse => f.write_str("the server did not answer"),
            Self::Status { code: 204, .. } => f.write_str("the server asked not to reconnect"),
            Self::Status { code, .. } => write!(f, "the server answered {code}"),
            Self::ContentType(Some(essence)) => write!(f, "{essence} is not an event stream"),
            Self::ContentType(None) => f.write_str("the response has no content type"),
            Self::Compressed(encoding) => {
                write!(f, "the body is still compressed with {encoding}")
            }
            Self::Body(BodyKind::Json) => f.write_str("JSON came instead of an event stream"),
            Self::Body(BodyKind::Markup) => f.write_str("HTML came instead of an event stream"),
            Self::Body(_) => f.write_str("the body is not an event stream"),
            Self::Ended => f.write_str("the stream ended"),
            Self::Lost => f.write_str("the connection was lost"),
            Self::Decode(kind) => kind.fmt(f),
        }
    }
}

/// Parses a `Retry-After` header in seconds. Returns `None` for a date.
pub(crate) fn seconds(retry_after: &str) -> Option<Duration> {
    let digits = retry_after.trim_matches([' ', '\t']);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // There are only digits, so the only possible error is overflow.
    Some(Duration::from_secs(digits.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_after_is_seconds() {
        for (text, expected) in [
            ("120", Some(Duration::from_secs(120))),
            (" 0 ", Some(Duration::ZERO)),
            ("99999999999999999999999", Some(Duration::from_secs(u64::MAX))),
            ("", None),
            ("+5", None),
            ("-5", None),
            ("1.5", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            assert_eq!(seconds(text), expected, "{text:?}");
        }
    }
}
