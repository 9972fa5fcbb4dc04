//! The encoder's output, byte for byte, and a decoder that reads it back.

use std::time::Duration;

use bytes::Bytes;
use sse_wire::{Encoder, Event, EventBuf, EventId, EventType, Frame};

use crate::laws::{self, Call};

fn encoded(event: Event<'_>) -> String {
    laws::encodes_to_itself(event);
    let frame = Frame::from(event);
    String::from_utf8(frame.into_bytes().to_vec()).expect("only text was written")
}

#[test]
fn data_is_one_field_per_line() {
    for (data, expected) in [
        ("", "data: \n\n"),
        ("x", "data: x\n\n"),
        (" x", "data:  x\n\n"),
        ("x ", "data: x \n\n"),
        ("a\nb", "data: a\ndata: b\n\n"),
        ("a\rb", "data: a\ndata: b\n\n"),
        ("a\r\nb", "data: a\ndata: b\n\n"),
        ("a\n\rb", "data: a\ndata: \ndata: b\n\n"),
        ("a\n", "data: a\ndata: \n\n"),
        ("\n", "data: \ndata: \n\n"),
        ("\r\n\r\n", "data: \ndata: \ndata: \n\n"),
        (":", "data: :\n\n"),
        ("data: x", "data: data: x\n\n"),
        ("a\n\nevent: evil\ndata: b", "data: a\ndata: \ndata: event: evil\ndata: data: b\n\n"),
        ("\u{feff}", "data: \u{feff}\n\n"),
        ("a\u{2028}b\u{85}c\0", "data: a\u{2028}b\u{85}c\0\n\n"),
        ("{\"text\":\"你好\"}", "data: {\"text\":\"你好\"}\n\n"),
    ] {
        assert_eq!(encoded(Event::new(data)), expected, "{data:?}");
    }
}

/// Returns the block of an event with this data, built in the simplest way.
fn plain(data: &str) -> String {
    let data = data.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<_> = data.split('\n').map(|line| format!("data: {line}")).collect();
    lines.join("\n") + "\n\n"
}

/// Encodes into a buffer that has to grow, into one that has to grow late, and into a large one.
fn assert_encodes_plainly(data: &str) {
    for capacity in [0, 9, data.len() + 8, data.len() + 1000] {
        let mut encoder = Encoder::with_capacity(capacity);
        for count in 1..=2 {
            let encoded = encoder.event(Event::new(data)).as_bytes();
            let expected = plain(data).repeat(count);
            assert!(encoded == expected.as_bytes(), "{data:?} with room for {capacity}");
        }
    }
}

#[test]
fn data_of_every_length_is_written_whole() {
    let text: String = ('!'..='~').cycle().take(600).collect();
    for len in (0..150).chain(500..530) {
        assert_encodes_plainly(&text[..len]);
    }
}

#[test]
fn line_ends_are_found_at_every_place() {
    for len in (1..70).chain(505..520) {
        for place in (0..len).filter(|place| len < 70 || place % 7 == 0) {
            for end in ["\n", "\r", "\r\n", "\n\n"] {
                let (before, after) = ("x".repeat(place), "y".repeat(len - place - 1));
                assert_encodes_plainly(&format!("{before}{end}{after}"));
            }
        }
    }
}

#[test]
fn bytes_close_to_line_ends_are_data() {
    for other in ('\0'..='\u{1f}').chain(['\u{7f}', '\u{8a}', '\u{8d}', '\u{10a}', '\u{10d}']) {
        for (before, after) in [(0, 0), (3, 0), (7, 8), (0, 20), (40, 1), (600, 3)] {
            let (before, after) = ("x".repeat(before), "\u{8a8d}".repeat(after));
            assert_encodes_plainly(&format!("{before}{other}{after}"));
        }
    }
}

#[test]
fn data_of_many_lines_is_written_whole() {
    for size in [0, 1, 31, 32, 33, 100] {
        for count in [2, 9, 1000] {
            let lines: Vec<_> = (0..count).map(|line| "z".repeat((size + line) % 101)).collect();
            assert_encodes_plainly(&lines.join("\n"));
            assert_encodes_plainly(&lines.join("\r\n"));
        }
    }
}

#[test]
fn the_other_fields_come_first() {
    let event = Event::new("x")
        .with_event_type(EventType::from_static("token"))
        .with_id(EventId::from_static("7"))
        .with_retry(Duration::from_millis(3000));
    assert_eq!(encoded(event), "event: token\nid: 7\nretry: 3000\ndata: x\n\n");
}

#[test]
fn values_are_kept_exactly() {
    let typed = |name| encoded(Event::new("x").with_event_type(EventType::new(name).unwrap()));
    assert_eq!(typed(""), "event: \ndata: x\n\n");
    assert_eq!(typed(" a "), "event:  a \ndata: x\n\n");
    assert_eq!(typed("message"), "event: message\ndata: x\n\n");
    let with_id = |id| encoded(Event::new("x").with_id(EventId::new(id).unwrap()));
    assert_eq!(with_id(""), "id: \ndata: x\n\n");
    assert_eq!(with_id(":你"), "id: :你\ndata: x\n\n");
}

#[test]
fn retry_is_whole_milliseconds() {
    let retry = |time| encoded(Event::new("").with_retry(time));
    assert_eq!(retry(Duration::ZERO), "retry: 0\ndata: \n\n");
    assert_eq!(retry(Duration::from_micros(1_999)), "retry: 1\ndata: \n\n");
    assert_eq!(retry(Duration::MAX), "retry: 18446744073709551615\ndata: \n\n");
}

#[test]
fn comments_and_retry_are_blocks_of_their_own() {
    let mut encoder = Encoder::new();
    encoder.comment("a\r\nb").comment("").keep_alive().retry(Duration::from_secs(2));
    assert_eq!(encoder.as_bytes(), b": a\n: b\n\n: \n\n:\n\nretry: 2000\n\n");
    encoder.clear();
    for id in ["7-1", "", " "] {
        encoder.id(EventId::new(id).unwrap());
    }
    assert_eq!(encoder.as_bytes(), "id: 7-1\n\nid: \n\nid:  \n\n".as_bytes());
    for text in ["", "x", " x", "a\nb\r\nc\rd", "\n\n", "data: x", ":", "你\0"] {
        laws::each_call_is_one_block(&[Call::Comment(text), Call::Event(text), Call::KeepAlive]);
    }
}

#[test]
fn values_with_line_ends_are_refused() {
    for (text, byte, position) in [("a\nb", b'\n', 1), ("\r", b'\r', 0), ("ab\r\n", b'\r', 2)] {
        for error in [EventType::new(text).unwrap_err(), EventId::new(text).unwrap_err()] {
            assert_eq!((error.byte(), error.position()), (byte, position), "{text:?}");
        }
    }
    assert!(EventType::new("a\0").is_ok());
    let error = EventId::new("a\0").unwrap_err();
    assert_eq!(error.to_string(), "last event ID must not hold a NUL (found at byte 1)");
    assert_eq!(
        EventType::new("x\n").unwrap_err().to_string(),
        "event type must not hold a line feed (found at byte 1)",
    );
}

#[test]
fn frames_are_taken_from_one_buffer() {
    let mut encoder = Encoder::with_capacity(64);
    let first = encoder.event(Event::new("1")).take();
    let second = encoder.event(Event::new("2")).take();
    assert_eq!(first.as_bytes(), b"data: 1\n\n");
    assert_eq!(Bytes::from(second), "data: 2\n\n");
    assert!(encoder.as_bytes().is_empty());
    encoder.event(Event::new("3")).clear();
    assert!(encoder.as_bytes().is_empty());
    assert_eq!(Frame::KEEP_ALIVE.as_ref(), b":\n\n");
}

#[test]
fn frames_of_any_size_are_whole() {
    let mut encoder = Encoder::new();
    for size in [0, 1, 16_375, 16_376, 16_377, 100_000, 3] {
        let data = "x".repeat(size);
        let frame = encoder.event(Event::new(&data)).take();
        assert_eq!(frame.as_bytes(), format!("data: {data}\n\n").as_bytes(), "{size}");
        assert!(encoder.as_bytes().is_empty());
    }
}

#[test]
fn owned_events_are_encoded_as_borrowed_ones() {
    let event = Event::new("x").with_id(EventId::from_static("1"));
    let owned = EventBuf::from(event);
    let mut encoder = Encoder::new();
    encoder.event(&owned);
    assert_eq!(encoder.as_bytes(), Frame::from(event).as_bytes());
    assert_eq!(owned.into_data(), "x");
}

#[test]
fn debug_shows_at_most_200_bytes() {
    let mut encoder = Encoder::new();
    assert_eq!(format!("{encoder:?}"), r#"Encoder { buffer: b"" }"#);
    encoder.event(Event::new("\"\u{e9}\""));
    assert_eq!(format!("{encoder:?}"), r#"Encoder { buffer: b"data: \"\xc3\xa9\"\n\n" }"#);
    assert_eq!(format!("{:?}", encoder.take()), r#"Frame(b"data: \"\xc3\xa9\"\n\n")"#);

    // 200 bytes are shown in full; of a longer text, the first 200.
    for (len, end) in
        [(192, r#"\n\n""#), (193, r#"\n".. (201 bytes)"#), (9000, r#"".. (9008 bytes)"#)]
    {
        let mut buffer = Vec::new();
        let mut encoder = Encoder::over(&mut buffer);
        encoder.event(Event::new(&"x".repeat(len)));
        let shown = format!(r#"b"data: {}{end}"#, "x".repeat(len.min(194)));
        assert_eq!(format!("{encoder:?}"), format!("Encoder {{ buffer: {shown} }}"));
        let frame = Frame::from(Event::new(&"x".repeat(len)));
        assert_eq!(format!("{frame:?}"), format!("Frame({shown})"));
    }
}
