//! The headers of an event stream: of its response, and of a request that resumes it.

use alloc::string::String;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::value::EventIdBuf;

/// Returns the headers of a response that is an event stream.
///
/// | header | value | why |
/// |---|---|---|
/// | `content-type` | `text/event-stream` | the standard; with anything else, browsers give up |
/// | `cache-control` | `no-cache, no-transform` | no cache keeps it, and no proxy compresses and so buffers it |
/// | `x-accel-buffering` | `no` | nginx sends on what it gets, at once |
///
/// [`EventBody::into_response`](crate::EventBody::into_response) sets them.
#[must_use]
pub fn sse_headers() -> HeaderMap {
    const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    headers
}

/// Returns the `Last-Event-ID` of a request, which a client sends when it reconnects.
///
/// Returns `None` if there is no such header or it is empty: the client asks for the stream from
/// the start. The value is read as a decoder reads an `id` field:
///
/// - Invalid UTF-8 becomes U+FFFD. No decoder has such an ID from this server, so a lookup does not
///   find it, so the server can report that the client missed something. A `None` would hide that.
/// - An ID with a NUL is ignored, and so would be one with a line end. [`HeaderValue`] allows neither.
///
/// If there are several such headers, the first one counts. HTTP drops spaces and tabs around the
/// value of a header, so an ID should neither start nor end with one.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use sse_wire::last_event_id;
///
/// let mut headers = HeaderMap::new();
/// assert_eq!(last_event_id(&headers), None);
///
/// headers.insert("last-event-id", HeaderValue::from_static("42"));
/// let id = last_event_id(&headers).expect("the client has seen an event");
/// assert_eq!(id.as_str().parse(), Ok(42));
/// ```
#[must_use]
pub fn last_event_id(headers: &HeaderMap) -> Option<EventIdBuf> {
    const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

    let value = headers.get(LAST_EVENT_ID)?.as_bytes();
    if value.is_empty() {
        return None;
    }
    EventIdBuf::new(String::from_utf8_lossy(value)).ok()
}
