//! Tests events with JSON data, in both directions.

use std::{
    borrow::BorrowMut,
    collections::HashMap,
    error::Error as _,
    io,
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use sse_wire::{
    ByteStreamExt, DONE, Encoder, Event, EventBuf, EventId, EventIteratorExt, EventReader,
    EventStreamExt, EventType, JsonEvent, JsonStreamError, StreamError,
};

use crate::polling::ready;

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
    fn event<T: Serialize>(value: T) -> JsonEvent<'static, T> {
        JsonEvent::new(value)
            .with_event_type(EventType::from_static("usage"))
            .with_id(7)
            .with_retry(Duration::from_secs(1))
    }
    encoder.keep_alive();
    let value = ("before", [2], bad);
    for with_fields in [false, true] {
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
            if with_fields { encoder.json_event(&event(value)) } else { encoder.json(&value) }
                .is_ok()
        }));
        assert!(matches!((bad, outcome), (Bad::Fails, Ok(false)) | (Bad::Panics, Err(_))));
    }
    encoder.json_event(&event(1)).unwrap();
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
    let chunks = [Ok(&b"data: 1\n\ndata: x\n\ndata: 2\n\n"[..]), Err("reset"), Ok(b"data: 3\n\n")];
    let values = stream::iter(chunks).events().json::<u8>();
    let values: Vec<_> = ready(values.collect());
    assert!(matches!(values[0], Ok(1)));
    assert!(matches!(&values[1], Err(JsonStreamError::Json(error)) if error.snippet() == "x"));
    assert!(matches!(values[2], Ok(2)));
    assert!(matches!(values[3], Err(JsonStreamError::Events(StreamError::Transport("reset")))));
    assert_eq!(values.len(), 4);
}

#[test]
fn the_event_may_stay_beside_its_value() {
    let body = &b"event: e\nid: 7\ndata: 1\n\ndata: x\n\ndata: 2\n\n"[..];
    let chunks = stream::iter([Ok::<_, ()>(body)]);
    let streamed: Vec<_> = ready(chunks.events().json_with_event::<u8>().collect());
    let read: Vec<_> = EventReader::new(body).json_with_event::<u8>().collect();
    let shown = |value: Option<&(u8, EventBuf)>| {
        value.map(|(value, event)| {
            (*value, event.event_type().to_owned(), event.last_event_id().to_owned())
        })
    };
    let expected = [
        Some((1, "e".to_owned(), "7".to_owned())),
        None,
        Some((2, "message".to_owned(), "7".to_owned())),
    ];
    let streamed: Vec<_> = streamed.iter().map(|value| shown(value.as_ref().ok())).collect();
    let read: Vec<_> = read.iter().map(|value| shown(value.as_ref().ok())).collect();
    assert_eq!(streamed, expected);
    assert_eq!(read, expected);
}

/// Names what it got, whatever it is.
#[derive(Debug, PartialEq, Deserialize)]
struct Point<'a> {
    x: i32,
    #[serde(borrow)]
    name: Option<&'a str>,
}

/// All kinds of variants.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
enum Adjacent<'a> {
    #[serde(borrow)]
    Point(Point<'a>),
    Text(&'a str),
    Owned(String),
    Maybe(Option<u8>),
    MaybeText(Option<String>),
    Any(serde_json::Value),
    Fields {
        a: u8,
        #[serde(default)]
        b: Option<u8>,
    },
    Pair(u8, u8),
    Nothing,
    Unit(()),
    #[serde(rename = "thread.created")]
    Renamed(u8),
    Nested(Untagged),
    Message(i128),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u8),
    Nothing,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum External<'a> {
    #[serde(borrow)]
    Point(Point<'a>),
    Text(&'a str),
    Maybe(Option<u8>),
    Fields {
        a: u8,
    },
    Pair(u8, u8),
    Nothing,
    Message(u8),
}

fn typed<'a>(event_type: &'a str, data: &'a str) -> Event<'a> {
    Event::new(data).with_event_type(EventType::new(event_type).unwrap())
}

#[test]
fn values_by_event_type() {
    use {Adjacent as A, External as X};

    for (event_type, data, expected) in [
        ("point", r#" {"x":1,"name":"n"} "#, A::Point(Point { x: 1, name: Some("n") })),
        ("point", r#"{"name":null,"y":2,"x":-1}"#, A::Point(Point { x: -1, name: None })),
        ("text", r#""quoted""#, A::Text("quoted")),
        ("text", "[DONE]", A::Text("[DONE]")),
        ("owned", r#""line\nend""#, A::Owned("line\nend".into())),
        ("owned", "two\nlines", A::Owned("two\nlines".into())),
        ("owned", "", A::Owned(String::new())),
        ("maybe", "", A::Maybe(None)),
        ("maybe", "null", A::Maybe(None)),
        ("maybe", "7", A::Maybe(Some(7))),
        ("maybe_text", "[DONE]", A::MaybeText(Some("[DONE]".into()))),
        ("any", "[1]", A::Any(serde_json::json!([1]))),
        ("fields", r#"{"a":1}"#, A::Fields { a: 1, b: None }),
        ("fields", r#"{"b":2,"a":1,"c":[]}"#, A::Fields { a: 1, b: Some(2) }),
        ("pair", "[1,2]", A::Pair(1, 2)),
        ("nothing", "", A::Nothing),
        ("nothing", "null", A::Nothing),
        ("nothing", r#"{"type":"nothing"}"#, A::Nothing),
        ("nothing", "[DONE]", A::Nothing),
        ("unit", "", A::Unit(())),
        ("unit", "null", A::Unit(())),
        ("thread.created", "1", A::Renamed(1)),
        ("nested", "3", A::Nested(Untagged::Number(3))),
        ("nested", "null", A::Nested(Untagged::Nothing)),
        ("message", "170141183460469231731687303715884105727", A::Message(i128::MAX)),
        ("", "1", A::Message(1)),
    ] {
        let event = typed(event_type, data);
        assert_eq!(event.json_by_type::<A<'_>>().unwrap(), expected, "{event:?}");
        assert_eq!(event.to_buf().json_by_type::<A<'_>>().unwrap(), expected, "{event:?}");
    }

    for (event_type, data, expected) in [
        ("point", r#"{"x":1}"#, X::Point(Point { x: 1, name: None })),
        ("text", "[DONE]", X::Text("[DONE]")),
        ("maybe", "", X::Maybe(None)),
        ("fields", r#"{"a":1}"#, X::Fields { a: 1 }),
        ("pair", "[1,2]", X::Pair(1, 2)),
        ("nothing", r#"{"any":"thing"}"#, X::Nothing),
        ("message", "5", X::Message(5)),
    ] {
        assert_eq!(typed(event_type, data).json_by_type::<X<'_>>().unwrap(), expected);
    }
}

#[test]
fn types_that_nobody_knows_are_told_from_broken_data() {
    for (event_type, data, is_unknown) in [
        ("new", r#"{"x":1}"#, true),
        ("Point", r#"{"x":1}"#, true),
        ("point", r#"{"x":1"#, false),
        ("point", r#"{"x":1} x"#, false),
        ("point", r#"{"x":"y"}"#, false),
        ("point", "", false),
        ("text", r#""no end"#, false),
        ("maybe", "x", false),
        ("pair", "[1]", false),
        ("fields", "{}", false),
    ] {
        let event = typed(event_type, data);
        for error in
            [event.json_by_type::<Adjacent<'_>>().err(), event.json_by_type::<External<'_>>().err()]
        {
            let error = error.expect("an error");
            assert_eq!(error.is_unknown_type(), is_unknown, "{error:?}");
            assert_eq!(error.event_type(), event_type);
            assert!(error.source().is_some());
        }
    }
    let long = "x".repeat(10_000);
    let error = typed(&long, "").json_by_type::<Adjacent<'_>>().unwrap_err();
    let messages = [error.to_string(), error.source().unwrap().to_string(), format!("{error:?}")];
    assert!(messages.iter().all(|message| message.len() < 1000), "{messages:?}");
    assert!(messages[0].starts_with("unknown event type `xxx"));
}

/// An enum in the data has variants of its own. (And a value of no size is not without data.)
#[test]
fn variants_in_the_data_are_no_event_types() {
    #[derive(Debug, Deserialize)]
    #[serde(tag = "event", content = "data", rename_all = "snake_case")]
    enum Adjacent {
        Outer { inner: Inner },
    }
    #[derive(Debug, Deserialize)]
    #[serde(tag = "event", rename_all = "snake_case")]
    enum Internal {
        Outer { data: Adjacent },
        Other { data: Vec<Inner> },
    }
    #[derive(Debug, Deserialize, PartialEq)]
    enum Inner {
        One,
    }
    let (good, bad) = (r#"{"inner":"One"}"#, r#"{"inner":"Two"}"#);
    let Adjacent::Outer { inner } = typed("outer", good).json_by_type().unwrap();
    assert_eq!(inner, Inner::One);
    assert!(!typed("outer", bad).json_by_type::<Adjacent>().unwrap_err().is_unknown_type());
    assert!(typed("inner", bad).json_by_type::<Adjacent>().unwrap_err().is_unknown_type());

    let nested = r#"{"event":"outer","data":{"inner":"One"}}"#;
    let Ok(Internal::Outer { data }) = typed("outer", nested).json_by_type() else { panic!() };
    assert!(matches!(data, Adjacent::Outer { inner: Inner::One }));
    let Ok(Internal::Other { data }) = typed("other", r#"["One"]"#).json_by_type() else {
        panic!()
    };
    assert_eq!(data, [Inner::One]);
    assert!(typed("inner", good).json_by_type::<Internal>().unwrap_err().is_unknown_type());
    assert!(
        !typed("other", r#"["Two"]"#).json_by_type::<Internal>().unwrap_err().is_unknown_type()
    );
}

#[test]
fn other_types_may_have_a_variant_and_data_may_stay_raw() {
    #[derive(Debug, Deserialize)]
    #[serde(tag = "event", content = "data", rename_all = "snake_case")]
    enum Message<'a> {
        #[serde(borrow)]
        Raw(&'a RawValue),
        Boxed(Box<RawValue>),
        #[serde(other)]
        Other,
    }
    let data = r#"{"a": [1,  2]}"#;
    let event = typed("raw", data);
    let Message::Raw(raw) = event.json_by_type().unwrap() else { panic!("not raw") };
    assert_eq!(raw.get().as_ptr(), data.as_ptr());
    let Message::Boxed(raw) = typed("boxed", data).json_by_type().unwrap() else { panic!() };
    assert_eq!(raw.get(), data);
    for data in ["", "{}", "no JSON"] {
        assert!(matches!(typed("ping", data).json_by_type(), Ok(Message::Other)));
    }
}

#[test]
fn an_event_is_a_struct_of_type_and_data() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Envelope<'a, T> {
        data: T,
        event: &'a str,
    }
    let event = typed("e", "[1]");
    let value: Envelope<'_, Vec<u8>> = event.json_by_type().unwrap();
    assert_eq!(value, Envelope { data: vec![1], event: "e" });
    let value: serde_json::Value = event.json_by_type().unwrap();
    assert_eq!(value, serde_json::json!({ "event": "e", "data": [1] }));
    let value: HashMap<String, serde_json::Value> = event.json_by_type().unwrap();
    assert_eq!(value["data"], serde_json::json!([1]));
}

#[test]
fn streams_and_readers_go_on_after_what_they_cannot_read() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "event", content = "data", rename_all = "snake_case")]
    enum Message {
        Delta(u8),
        Stop,
    }
    let body = b"event: delta\ndata: 1\n\nevent: new\ndata: 1\n\nevent: delta\ndata: {\n\n\
        event: stop\ndata: {}\n\ndata: [DONE]";
    let show = |value: Result<Message, JsonStreamError<_>>| match value {
        Ok(value) => format!("{value:?}"),
        Err(JsonStreamError::Json(error)) if error.is_unknown_type() => "unknown".to_owned(),
        Err(JsonStreamError::Json(_)) => "broken".to_owned(),
        Err(JsonStreamError::Events(StreamError::<io::Error>::Incomplete(_))) => "cut".to_owned(),
        Err(error) => panic!("{error:?}"),
    };
    let chunks = stream::iter(body.chunks(3).map(Ok));
    let values = chunks.events().must_end_with(DONE).json_by_type::<Message>();
    let values: Vec<_> = ready(values.map(show).collect());
    assert_eq!(values, ["Delta(1)", "unknown", "broken", "Stop"]);
    let events = EventReader::new(&body[..body.len() - 1]).must_end_with(DONE);
    let values: Vec<_> = events.json_by_type::<Message>().map(show).collect();
    assert_eq!(values, ["Delta(1)", "unknown", "broken", "Stop", "cut"]);
}

/// Tokens of models are often white space.
#[test]
fn white_space_is_text() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "event", content = "data")]
    enum Token {
        Maybe(Option<String>),
        Text(String),
    }
    for text in [" ", "\n", "\u{3000}", "\t x"] {
        let parse = |name| {
            let event = Event::new(text).with_event_type(EventType::from_static(name));
            event.json_by_type::<Token>().unwrap()
        };
        assert_eq!(parse("Maybe"), Token::Maybe(Some(text.to_owned())));
        assert_eq!(parse("Text"), Token::Text(text.to_owned()));
    }
    for text in ["", "null", " null "] {
        let event = Event::new(text).with_event_type(EventType::from_static("Maybe"));
        assert_eq!(event.json_by_type::<Token>().unwrap(), Token::Maybe(None));
    }
}

#[test]
fn debug_forms_of_errors_are_short() {
    let long = format!("\"{}\"", "S".repeat(1_000_000));
    let error = Event::new(&long).json::<u32>().unwrap_err();
    assert!(format!("{error:?}").len() < 1000);
    assert!(error.to_string().len() < 1000);
}
