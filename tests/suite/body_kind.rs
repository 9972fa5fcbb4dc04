//! `BodyKind` and `first_bytes`, for bodies that are not event streams.

use sse_wire::{BlockDecoder, BodyKind, Decoder};

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
    assert!(stream.starts_with(first) && first.len() <= 1024);
    kind
}

#[test]
fn bodies_are_recognized() {
    let html = "<!DOCTYPE html>\n<html><body>502: Bad Gateway</body></html>\n".repeat(9);
    for size in [1, 3, 1000] {
        assert_eq!(kind(b"", size), BodyKind::Empty);
        for stream in [
            "data: x\n\n",
            "data",
            "data\n",
            ": ping\n\n",
            "\n",
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
#[test]
fn a_json_error_is_kept_whole() {
    let message = "You exceeded your current quota, please check your plan and billing details.";
    let body = format!(
        r#"{{"error":{{"message":"{message}","type":"insufficient_quota","code":"quota"}}}}"#
    );
    for size in [1, 7, 64, 1000] {
        let (mut events, mut blocks) = (Decoder::new(), BlockDecoder::new());
        for chunk in body.as_bytes().chunks(size) {
            assert_eq!(events.feed(chunk).next_event(), Ok(None));
            assert!(blocks.feed(chunk).next_block().expect("within the limit").is_none());
        }
        assert_eq!(events.first_bytes(), body.as_bytes());
        assert_eq!(blocks.first_bytes(), body.as_bytes());
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
            assert_eq!(decoder.first_bytes(), &body[..usize::from(most)]);
        }
    }
}
