//! `BodyKind` and `first_bytes`, for bodies that are not event streams.

use sse_wire::{BlockDecoder, BodyKind, Decoder};

use crate::heap::measure;

fn kind(stream: &[u8], size: usize) -> BodyKind {
    let mut decoder = Decoder::new();
    for chunk in stream.chunks(size) {
        let mut events = decoder.feed(chunk);
        while events.next_event().expect("within the limit").is_some() {}
    }
    let kind = decoder.body_kind();
    let _ = decoder.finish();
    assert_eq!(decoder.body_kind(), kind, "after the end");
    let first = decoder.first_bytes();
    let text = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream);
    let blank = text.iter().take_while(|byte| b"\r\n".contains(byte)).count();
    assert!(text[blank..].starts_with(first) && first.len() <= 64 << 10);
    kind
}

#[test]
fn bodies_are_recognized() {
    let html = "<!DOCTYPE html>\n<html><body>502: Bad Gateway</body></html>\n".repeat(9);
    for size in [1, 3, 1000] {
        for empty in ["", "\n", "\r\n\r\n", "\u{feff}", "\u{feff}\n"] {
            assert_eq!(kind(empty.as_bytes(), size), BodyKind::Empty, "{empty:?}");
        }
        for stream in [
            "data: x\n\n",
            "data",
            "data\n",
            ": ping\n\n",
            "\u{feff}id: 1\n",
            "retry: 5\n\n",
            "event: e\r\n\r\n",
            "unknown: x\ndata: x\n\n",
        ] {
            let stream = stream.as_bytes();
            // A line that has not ended may still become a longer field name.
            let expected = if stream == b"data" { BodyKind::Other } else { BodyKind::EventStream };
            assert_eq!(kind(stream, size), expected, "{:?}", stream.escape_ascii());
        }
        assert_eq!(kind(b"{\"error\":{\"message\":\"no: data\"}}", size), BodyKind::Json);
        assert_eq!(kind(b" \r\n [1,\n 2]", size), BodyKind::Json);
        assert_eq!(kind(b"  [1,\n 2]", size), BodyKind::Json);
        assert_eq!(kind(html.as_bytes(), size), BodyKind::Markup);
        assert_eq!(kind(b"error code: 502", size), BodyKind::Other);
        assert_eq!(kind(b"Internal Server Error", size), BodyKind::Other);
    }
}

#[test]
fn a_reset_forgets_the_first_bytes() {
    let mut decoder = Decoder::new();
    assert_eq!(decoder.feed(b"{}").next_event(), Ok(None));
    decoder.reset_for_reconnect();
    assert_eq!((decoder.first_bytes(), decoder.body_kind()), (&b""[..], BodyKind::Empty));
}

#[test]
fn the_first_bytes_are_those_of_the_stream_when_chunks_are_left_unread() {
    let mut decoder = Decoder::new();
    drop(decoder.feed(b"{\"a\":1"));
    drop(decoder.feed(b",\"b\":2"));
    drop(decoder.feed(b",\"c\":3}"));
    assert_eq!(decoder.first_bytes(), b"{\"a\":1,\"b\":2,\"c\":3}");
}

/// The error of a provider can be parsed as a whole, in both views, however the body is split.
/// Feeds a body without an event to both views, which keep all of it.
fn kept_whole(body: &str, size: usize) -> (Decoder, BlockDecoder) {
    let (mut events, mut blocks) = (Decoder::new(), BlockDecoder::new());
    for chunk in body.as_bytes().chunks(size) {
        assert_eq!(events.feed(chunk).next_event(), Ok(None));
        assert!(blocks.feed(chunk).next_block().expect("within the limit").is_none());
    }
    assert_eq!(events.first_bytes(), body.as_bytes());
    assert_eq!(blocks.first_bytes(), body.as_bytes());
    (events, blocks)
}

#[test]
fn a_json_error_is_kept_whole() {
    let message = "You exceeded your current quota, please check your plan and billing details.";
    let body = format!(
        r#"{{"error":{{"message":"{message}","type":"insufficient_quota","code":"quota"}}}}"#
    );
    for size in [1, 7, 64, 1000] {
        let (events, blocks) = kept_whole(&body, size);
        assert_eq!(blocks.body_kind(), BodyKind::Json);
        let error: serde_json::Value = serde_json::from_slice(events.first_bytes()).unwrap();
        assert_eq!(error["error"]["type"], "insufficient_quota");
    }
}

#[test]
fn as_many_first_bytes_are_kept_as_wanted() {
    let body = [b"[".as_slice(), &b"1,".repeat(5000)].concat();
    for most in [0, 1, 64, 1024, 4096] {
        for size in [1, 100, body.len()] {
            let mut decoder = Decoder::builder().first_bytes(most).build();
            for chunk in body.chunks(size) {
                assert_eq!(decoder.feed(chunk).next_event(), Ok(None));
            }
            assert_eq!(decoder.first_bytes(), &body[..most]);
        }
    }
}

/// Frames of AWS's binary event stream: lengths and checksums, then headers such as
/// `:content-type`, before whose name its length stands: 13, which is a CR.
fn aws_frames(count: usize) -> Vec<u8> {
    let frame = b"\0\0\0\x72\0\0\0\x4c\x95\xae\x53\x3f\x0b:event-type\x07\0\x05chunk\
        \x0d:content-type\x07\0\x10application/json\x0d:message-type\x07\0\x05event\
        {\"bytes\":\"eyJ9\"}\x12\x34\x56\x78";
    frame.repeat(count)
}

/// The first line that is not blank decides. Later lines change nothing, until there is an event.
#[test]
fn only_an_event_makes_an_event_stream_of_another_body() {
    let aws = aws_frames(40);
    let bodies: &[(&[u8], BodyKind)] = &[
        (b"<html>\n:root{}\n", BodyKind::Markup),
        (b"<html>\r\n:root{}\r\n\r\n\r\n", BodyKind::Markup),
        (b"<html>\r:root{}\r\r", BodyKind::Markup),
        (b"<style>\n:root { color: red }\n::before {}\n</style>\n\n", BodyKind::Markup),
        (b"<?xml version=\"1.0\"?>\n<error>\n: no\n</error>\n", BodyKind::Markup),
        (b"<html>\nid: 1\nretry: 5\n\n", BodyKind::Markup),
        (b"{\"a\":1}\n:\n{\"b\":2}\n", BodyKind::Json),
        (b"{\n\"error\"\n:\n\"busy\"\n}\n", BodyKind::Json),
        (b"[\r\n:\r\n]", BodyKind::Json),
        (b"error: busy\n: really\n", BodyKind::Other),
        (b"error:\n  :code: 502\n:message: busy\n\n", BodyKind::Other),
        (b"Bad Gateway\n:-(\n", BodyKind::Other),
        (b"---\n:symbol: yes\n", BodyKind::Other),
        (b"x\n:\xff\n", BodyKind::Other),
        (b" \n: after a line that is not blank\n", BodyKind::Other),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x0d:content\n:\n", BodyKind::Other),
        (&aws, BodyKind::Other),
        // An event decides for an event stream, whatever came before it.
        (b"<html>\ndata: a\n\n", BodyKind::EventStream),
        (b"{}\n\ndata: a\n\n", BodyKind::EventStream),
        (b":root{}\n", BodyKind::EventStream),
        (b"\r\n\r\n:\r\n", BodyKind::EventStream),
    ];
    for (body, expected) in bodies {
        for size in [1, 2, 3, 7, 64, 10_000] {
            assert_eq!(kind(body, size), *expected, "{} by {size}", body.escape_ascii());
        }
    }
}

/// A busy server may send blank lines for minutes before its answer.
#[test]
fn blank_lines_and_a_mark_take_no_room() {
    let json = br#"{"error":{"message":"busy"}}"#;
    let leads = ["\n".repeat(100_000), "\r\n".repeat(1024), "\u{feff}\n\r\r\n".into()];
    for lead in leads.iter().map(String::as_bytes) {
        let body = [lead, json].concat();
        for size in [1, 2, 3, 1000, body.len()] {
            let mut decoder = Decoder::builder().first_bytes(json.len()).build();
            for chunk in body.chunks(size) {
                assert_eq!(decoder.feed(chunk).next_event(), Ok(None));
            }
            assert_eq!(decoder.body_kind(), BodyKind::Json, "{} bytes by {size}", lead.len());
            assert_eq!(decoder.first_bytes(), json);
        }
    }
    // A mark is one only at the start, and a part of one is none.
    for (body, first) in [("\n\u{feff}: c\n", "\u{feff}: c\n"), ("\u{feff}\u{feff}:", "\u{feff}:")]
    {
        for size in [1, 2, 3, 100] {
            let mut decoder = Decoder::new();
            for chunk in body.as_bytes().chunks(size) {
                assert_eq!(decoder.feed(chunk).next_event(), Ok(None));
            }
            assert_eq!(decoder.body_kind(), BodyKind::Other, "{body:?} by {size}");
            assert_eq!(decoder.first_bytes(), first.as_bytes());
        }
    }
    for body in [&b"\xef\xbb"[..], b"\xef\xbbdata: a\n"] {
        for size in [1, 100] {
            assert_eq!(kind(body, size), BodyKind::Other, "{} by {size}", body.escape_ascii());
        }
    }
}

/// Servers echo the request in their errors.
#[test]
fn an_error_of_64_kib_is_kept_whole() {
    let body = format!(r#"{{"detail":[{{"msg":"bad","input":"{}"}}]}}"#, "x".repeat(60_000));
    for size in [1, 1000, body.len()] {
        kept_whole(&body, size);
    }
}

/// Once it is an event stream after all, what came before is of no use.
#[test]
fn an_event_frees_the_first_bytes() {
    for size in [1, 5, 100] {
        let mut decoder = Decoder::new();
        for chunk in b"unknown: x\ndata: a\n\nunknown: y\n".chunks(size) {
            let mut events = decoder.feed(chunk);
            while events.next_event().expect("within the limit").is_some() {}
        }
        assert_eq!((decoder.body_kind(), decoder.first_bytes()), (BodyKind::EventStream, &b""[..]));
    }
}

/// Only the first bytes are kept, also if they come a few at a time.
#[test]
fn a_body_in_small_chunks_is_not_kept_whole() {
    let body = b"<p>\n".repeat(50_000);
    let (usage, decoder) = measure(|| {
        let mut decoder = Decoder::builder().first_bytes(1000).build();
        for chunk in body.chunks(100) {
            assert_eq!(decoder.feed(chunk).next_event(), Ok(None));
        }
        decoder
    });
    assert!(usage.peak < 4096, "{usage:?}");
    assert_eq!(decoder.first_bytes(), &body[..1000]);
}
