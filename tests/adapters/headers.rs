//! Tests the headers of responses and requests.

use http::{HeaderMap, HeaderValue};
use sse_wire::{EventId, is_event_stream, last_event_id, sse_headers};

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
