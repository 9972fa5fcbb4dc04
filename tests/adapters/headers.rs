//! Tests the headers of responses and requests.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::Empty;
use sse_wire::{ConnectResponse, EventId, is_event_stream, last_event_id, sse_headers};

#[test]
fn headers_say_what_it_is() {
    let headers = sse_headers();
    assert!(is_event_stream(headers["content-type"].to_str().unwrap()));
    assert_eq!(headers["cache-control"], "no-cache, no-transform");
    assert_eq!(headers["x-accel-buffering"], "no");
    assert_eq!(headers.len(), 3, "nothing about origins, which is the server's to decide");
    for other in [
        "",
        "text/event-stream-x",
        "text/event",
        "application/x-ndjson",
        "text/html; a=text/event-stream",
    ] {
        assert!(!is_event_stream(other), "{other}");
    }
    for same in ["text/event-stream", " TEXT/EVENT-STREAM\t;charset=utf-8", "text/event-stream;"] {
        assert!(is_event_stream(same), "{same}");
    }
}

/// A list is read as Fetch's "extract a MIME type" reads it: the last valid one counts.
#[test]
fn a_content_type_may_be_a_list() {
    for (value, expected) in [
        ("application/json, text/event-stream; charset=utf-8", true),
        ("text/event-stream, text/event-stream", true),
        ("text/event-stream,", true),
        (",,text/event-stream,\t,", true),
        ("text/event-stream, */*", true),
        ("text/event-stream, */*; q=1", true),
        ("text/event-stream, event-stream", true),
        ("text/event-stream, text/", true),
        ("text/event-stream, /html", true),
        ("text/event-stream, te xt/html", true),
        ("text/event-stream, text/html", false),
        ("text/event-stream, text/html; a=\"b\"", false),
        // A comma in quotes separates nothing.
        ("text/html; a=\", text/event-stream\"", false),
        ("text/html; a=\"\\\", text/event-stream\"", false),
        ("text/html; a=\"\\\"\", text/event-stream", true),
        ("text/html; a=\", text/event-stream", false),
        ("text/event-stream; a=\",text/html\"", true),
        ("text/event-stream; charset=iso-8859-1; a", true),
        ("text/event-stream\t ;", true),
        ("text /event-stream", false),
        ("text/ event-stream", false),
        ("*/*", false),
        (",", false),
        ("text/event-stream text/html", false),
        ("\"text/event-stream\"", false),
    ] {
        assert_eq!(is_event_stream(value), expected, "{value}");
    }
}

/// Several header lines are one list.
#[test]
fn content_types_of_several_lines_are_a_list() {
    for (lines, expected) in [
        (&[&b"application/json"[..], b"text/event-stream"][..], true),
        (&[b"text/event-stream", b"application/json"], false),
        (&[b"text/event-stream", b""], true),
        (&[b"text/event-stream; a=\xe9"], true),
        (&[b"text/html; a=\"", b"text/event-stream"], false),
    ] {
        let mut response = Response::new(Empty::<Bytes>::new());
        for line in lines {
            let value = HeaderValue::from_bytes(line).unwrap();
            response.headers_mut().append("content-type", value);
        }
        let debug = format!("{:?}", ConnectResponse::from_http(response));
        assert_eq!(debug.contains("end: None"), expected, "{debug}");
    }
}

fn id_of(value: &[u8]) -> Option<String> {
    let mut headers = HeaderMap::new();
    headers.insert("Last-Event-ID", HeaderValue::from_bytes(value).unwrap());
    last_event_id(&headers).map(|id| id.to_string())
}

#[test]
fn a_last_event_id_is_read_as_an_id_field_is() {
    assert_eq!(last_event_id(&HeaderMap::new()), None);
    assert_eq!(id_of(b""), None);
    assert_eq!(id_of(b"42").as_deref(), Some("42"));
    assert_eq!(id_of("第7号".as_bytes()).as_deref(), Some("第7号"));
    // As a decoder does with a field.
    for bytes in [&b"a\xff\xfeb"[..], b"\xe4\xbd", b"\xed\xa0\x80"] {
        let mut decoder = sse_wire::Decoder::new();
        let field = [b"id:", bytes, b"\ndata\n\n"].concat();
        let event = decoder.feed(&field).next_event().unwrap().unwrap().to_buf();
        assert_eq!(id_of(bytes).as_deref(), event.id());
        assert!(id_of(bytes).unwrap().contains('\u{fffd}'));
    }
}

#[test]
fn what_a_header_cannot_hold_an_id_cannot_hold() {
    for byte in 0..=u8::MAX {
        let Ok(value) = HeaderValue::from_bytes(&[b'a', byte, b'b']) else { continue };
        let mut headers = HeaderMap::new();
        headers.insert("last-event-id", value);
        let id = last_event_id(&headers).unwrap();
        assert_eq!(EventId::new(id.as_str()), Ok(id.as_id()), "{byte}");
    }
    for forbidden in *b"\0\r\n" {
        assert!(HeaderValue::from_bytes(&[forbidden]).is_err());
    }
}

#[test]
fn the_first_of_several_last_event_ids_counts() {
    let mut headers = HeaderMap::new();
    headers.append("last-event-id", HeaderValue::from_static("1"));
    headers.append("last-event-id", HeaderValue::from_static("2"));
    assert_eq!(last_event_id(&headers).unwrap().as_str(), "1");
}
