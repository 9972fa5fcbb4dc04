//! JSON in and out.

use std::{
    borrow::BorrowMut,
    collections::HashMap,
    error::Error as _,
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, stream};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use sse_wire::{
    ByteStreamExt, Encoder, Event, EventId, EventStreamExt, EventType, JsonStreamError, StreamError,
};

#[test]
fn an_error_tells_where_and_keeps_the_data_out_of_its_message() {
    let secret = format!("{{\"secret\":\"{}", "密".repeat(100));
    let event = Event::new(&secret)
        .with_event_type(EventType::from_static("usage"))
        .with_id(EventId::from_static("9"));
    let error = event.to_buf().json::<HashMap<String, String>>().unwrap_err();
    assert_eq!((error.event_type(), error.id()), ("usage", Some("9")));
    assert!(error.snippet().len() <= 200 && secret.starts_with(error.snippet()));
    let message = error.to_string();
    assert!(message.contains("`usage` with ID `9`") && !message.contains('密'), "{message}");
    assert!(error.source().unwrap().to_string().contains("EOF"));
    assert!(error.json_error().is_eof());
}

#[test]
fn a_value_with_line_ends_stays_one_event() {
    let raw = RawValue::from_string("{\n\"a\":\r\n[1,\r2]}".to_owned()).unwrap();
    let mut encoder = Encoder::new();
    encoder.json(&raw).unwrap();
    assert_eq!(encoder.as_bytes(), b"data: {\ndata: \"a\":\ndata: [1,\ndata: 2]}\n\n");
    encoder.json("x\n\ny: z").unwrap();
    let mut decoder = sse_wire::Decoder::new();
    let mut events = decoder.feed(encoder.as_bytes());
    let event = events.next_event().unwrap().unwrap();
    assert_eq!(event.json::<HashMap<String, Vec<u8>>>().unwrap()["a"], [1, 2]);
    assert_eq!(events.next_event().unwrap().unwrap().json::<&str>().err().map(|_| ()), Some(()));
    assert_eq!(events.next_event().unwrap(), None);
}

/// A value that cannot be written.
#[derive(Clone, Copy)]
enum Bad {
    Fails,
    Panics,
}

impl Serialize for Bad {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fails => Err(serde::ser::Error::custom("bad")),
            Self::Panics => panic!("bad"),
        }
    }
}

/// Tries to write values that cannot be written, and checks that nothing of them is left.
fn assert_leaves_nothing<B: BorrowMut<Vec<u8>>>(encoder: &mut Encoder<B>, bad: Bad) {
    let event = Event::new("")
        .with_event_type(EventType::from_static("usage"))
        .with_id(EventId::from_static("7"))
        .with_retry(Duration::from_secs(1));
    encoder.keep_alive();
    let value = ("before", [2], bad);
    for with_fields in [false, true] {
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
            if with_fields { encoder.json_event(event, &value) } else { encoder.json(&value) }
                .is_ok()
        }));
        assert!(matches!((bad, outcome), (Bad::Fails, Ok(false)) | (Bad::Panics, Err(_))));
    }
    encoder.json_event(event, &1).unwrap();
}

#[test]
fn a_value_that_cannot_be_written_leaves_nothing_of_its_event() {
    let expected = b":\n\nevent: usage\nid: 7\nretry: 1000\ndata: 1\n\n";
    for bad in [Bad::Fails, Bad::Panics] {
        let mut encoder = Encoder::new();
        assert_leaves_nothing(&mut encoder, bad);
        assert_eq!(encoder.as_bytes(), expected);

        let mut buffer = Vec::new();
        assert_leaves_nothing(&mut Encoder::over(&mut buffer), bad);
        assert_eq!(buffer, expected);
    }
}

#[test]
fn one_bad_value_does_not_end_a_stream() {
    let chunks = [Ok(&b"data: 1\n\ndata: x\n\n"[..]), Err("reset"), Ok(b"data: 2\n\n")];
    let values = stream::iter(chunks).events().json::<u8>();
    let values: Vec<_> = values.collect().now_or_never().unwrap();
    assert!(matches!(values[0], Ok(1)));
    assert!(matches!(&values[1], Err(JsonStreamError::Json(error)) if error.snippet() == "x"));
    assert!(matches!(values[2], Err(JsonStreamError::Events(StreamError::Transport("reset")))));
    assert!(matches!(values[3], Ok(2)));
}
