//! Tests the types that can be sent, and their bytes.

use std::{borrow::Cow, convert::Infallible, sync::Arc};

use futures_util::stream;
use http_body_util::BodyExt;
use sse_wire::{
    Encode, Encoder, Event, EventBody, EventId, EventIdBuf, EventType, Frame, JsonEvent,
};

use crate::polling::ready;

/// As a frame, and as a body of it.
fn assert_is<T>(value: T, expected: &str)
where
    T: Encode + Clone,
    T::Error: std::fmt::Debug,
{
    // Alone, and after something else.
    for count in [1, 2] {
        let body = EventBody::new(stream::iter(vec![value.clone(); count]));
        let body = ready(body.collect()).unwrap().to_bytes();
        assert_eq!(body, expected.repeat(count));
    }
    let frame = value.into_frame().unwrap();
    assert_eq!(std::str::from_utf8(frame.as_bytes()).unwrap(), expected);
}

#[test]
fn events_text_and_frames() {
    let event = Event::new("a\nb").with_event_type(EventType::from_static("t"));
    let expected = "event: t\ndata: a\ndata: b\n\n";
    assert_is(event, expected);
    assert_is(&event, expected);
    assert_is(event.to_buf(), expected);
    assert_is(&event.to_buf(), expected);
    assert_is(Frame::from(event), expected);
    assert_is(&Frame::from(event), expected);
    assert_is(Ok::<_, Infallible>(event), expected);
    assert_is(Ok::<_, &str>(Frame::from(event)), expected);

    let text = "a\r\nid: 7";
    let expected = "data: a\ndata: id: 7\n\n";
    assert_is(text, expected);
    assert_is(text.to_owned(), expected);
    assert_is(&text.to_owned(), expected);
    assert_is(Cow::Borrowed(text), expected);
    assert_is(Cow::<str>::Owned(text.to_owned()), expected);
    assert_is(Box::<str>::from(text), expected);
    assert_is(Arc::<str>::from(text), expected);
    assert_is(Ok::<_, &str>(text), expected);
}

/// Of a server that fails for more reasons than one.
#[derive(Clone, Debug)]
struct Failure;

impl From<serde_json::Error> for Failure {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

#[test]
fn json() {
    let event = JsonEvent::new(["a\n", "你"]);
    assert_is(event.clone(), "data: [\"a\\n\",\"你\"]\n\n");
    let event = event.with_event_type(EventType::from_static("t")).with_id(7_u64);
    let expected = "event: t\nid: 7\ndata: [\"a\\n\",\"你\"]\n\n";
    assert_is(event.clone(), expected);
    assert_is(Ok::<_, Failure>(event.clone()), expected);
    let mut encoder = Encoder::new();
    encoder.json_event(&event).unwrap();
    assert_eq!(encoder.as_bytes(), expected.as_bytes());

    let id = EventId::from_static("");
    let retry = std::time::Duration::from_millis(1500);
    assert_is(
        JsonEvent::new(()).with_id(id).with_retry(retry),
        "id: \nretry: 1500\ndata: null\n\n",
    );
    assert_eq!(
        format!("{:?}", JsonEvent::new("secret").with_id(7)),
        "JsonEvent { event_type: None, id: Some(\"7\"), retry: None, .. }"
    );
}

#[test]
fn ids_of_integers() {
    fn id(number: impl Into<EventIdBuf>) -> String {
        number.into().to_string()
    }
    assert_eq!(id(0), "0");
    assert_eq!(id(42_u32), "42");
    assert_eq!(id(usize::MAX), usize::MAX.to_string());
    for number in [0, 9, 10, u64::from(u32::MAX), u64::MAX] {
        assert_eq!(id(number), number.to_string());
    }
    for number in [0, -1, 10, -10, i64::MIN, i64::MAX] {
        assert_eq!(id(number), number.to_string());
    }
    assert_eq!(id(i32::MIN), i32::MIN.to_string());
}

#[test]
fn ids_of_strings() {
    let id = EventIdBuf::new("7").unwrap();
    assert_eq!(id, EventIdBuf::from(7));
    assert_eq!(id, EventIdBuf::from(EventId::from_static("7")));
    assert_eq!(id.cmp(&EventIdBuf::from(10)), "7".cmp("10"), "as strings, which they are");
    assert_eq!(EventId::from(&id), id.as_id());
    assert_eq!((id.to_string(), format!("{id:?}")), ("7".to_owned(), "\"7\"".to_owned()));
    for (bad, byte, position) in [("a\nb", b'\n', 1), ("\r", b'\r', 0), ("ab\0", 0, 2)] {
        let error = EventIdBuf::try_from(bad).unwrap_err();
        assert_eq!((error.byte(), error.position()), (byte, position));
        assert_eq!(EventIdBuf::try_from(bad.to_owned()), Err(error));
    }
    let long = EventIdBuf::new("x".repeat(1000)).unwrap();
    assert!(format!("{long:?}").len() < 300, "debug forms end up in logs");
}

/// An encoder may be given bytes that stand alone, or bytes in a buffer that is used again.
#[test]
fn frames_are_the_same_however_they_are_taken() {
    for len in (0..200).chain([1000, 16_383, 16_384, 20_000]) {
        let text = "x".repeat(len);
        let expected = format!("data: {text}\n\n");
        let mut encoder = Encoder::new();
        for _ in 0..3 {
            encoder.event(Event::new(&text));
            let frame = encoder.take();
            assert_eq!(frame.as_bytes(), expected.as_bytes());
            assert_eq!(frame.clone().into_bytes(), expected.as_bytes());
            assert!(encoder.as_bytes().is_empty());
        }
        assert_eq!(Frame::from(Event::new(&text)).as_bytes(), expected.as_bytes());
    }
}
