//! Tests `open_events` and `EventReader::open`, with event streams and with other bodies.

use std::io::{self, Read};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use sse_wire::{
    BodyKind, ByteStreamExt, Decoder, EventBuf, EventId, EventReader, OnError, RefusedBody,
    StreamError,
};

use crate::polling::{count_wakes, ready, wait};

/// Gives its bytes in pieces of this size.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.0.len().min(self.1);
        self.0.by_ref().take(len as u64).read(buffer)
    }
}

type Opened = Result<Vec<Result<EventBuf, StreamError<io::Error>>>, RefusedBody>;

/// Opens a body that comes in pieces of this size, as a stream and as a reader, which must agree.
fn open(decoder: &Decoder, body: &[u8], size: usize) -> Opened {
    let chunks: Vec<_> = body.chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    let opening = stream::iter(chunks).open_events().with_decoder(decoder.clone());
    let opened = match wait(opening) {
        Ok(events) => Ok(wait(events.collect())),
        Err(StreamError::NotEventStream(body)) => Err(body),
        Err(error) => panic!("{error}"),
    };
    let reader = EventReader::open_with_decoder(Pieces(body, size), decoder.clone());
    let read: Opened = match reader {
        Ok(events) => Ok(events.collect()),
        Err(StreamError::NotEventStream(body)) => Err(body),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(format!("{opened:?}"), format!("{read:?}"));
    opened
}

const SIZES: [usize; 5] = [1, 2, 7, 64, 100_000];

#[test]
fn an_event_stream_is_opened_and_nothing_of_it_is_lost() {
    let late = format!("{}\ndata: a\n\ndata: b\n\n", "x: y\n".repeat(50));
    for body in [
        "data: a\n\ndata: b\n\n",
        "\u{feff}data: a\n\ndata: b\n\n",
        ": comment\n\ndata: a\n\ndata: b\n\n",
        "\n\ndata: a\r\n\r\ndata: b\r\n\r\n",
        "\n\r\r\n: comment\ndata: a\n\ndata: b\n\n",
        "retry: 5\n\ndata: a\n\nunknown\ndata: b\n\n",
        // Nothing tells that it is an event stream before its first event.
        "unknown: x\ndata: a\n\ndata: b\n\n",
        "{}\n\ndata: a\n\ndata: b\n\ndata: cut",
        &late,
    ] {
        for size in SIZES {
            let events = open(&Decoder::new(), body.as_bytes(), size).expect(body);
            let data: Vec<_> = events.iter().map(|event| event.as_ref().unwrap().data()).collect();
            assert_eq!(data, ["a", "b"], "{body:?} in chunks of {size}");
        }
    }
}

#[test]
fn what_came_instead_is_given_whole() {
    let json = format!(r#"{{"error":{{"message":"{}","code":"quota"}}}}"#, "long ".repeat(100));
    for (body, kind) in [
        (json.as_str(), BodyKind::Json),
        (" \r\n[{\"error\":{\"code\":429}}]", BodyKind::Json),
        ("\n\r\n{\"error\":{}}", BodyKind::Json),
        ("\n\n<html>", BodyKind::Markup),
        ("<!DOCTYPE html>\n<h1>502 Bad Gateway</h1>\n", BodyKind::Markup),
        ("error code: 502", BodyKind::Other),
        ("<html>\n:root{}\n", BodyKind::Markup),
        ("<html>\r\n:root{}\r\n\r\n", BodyKind::Markup),
        ("{\n\"error\"\n: 1}", BodyKind::Json),
        ("---\n:symbol: yes\n", BodyKind::Other),
        ("upstream connect error or disconnect/reset\n\n", BodyKind::Other),
        // It ends before it is known to be an event stream.
        ("data", BodyKind::Other),
        ("", BodyKind::Empty),
    ] {
        for size in SIZES {
            let other = open(&Decoder::new(), body.as_bytes(), size).expect_err(body);
            let start = body.trim_start_matches(['\r', '\n']).as_bytes();
            assert_eq!((other.kind(), other.bytes()), (kind, start), "chunks of {size}");
            assert!(!other.is_truncated());
        }
    }
    let other = open(&Decoder::new(), json.as_bytes(), 9).unwrap_err();
    assert_eq!(other.json::<serde_json::Value>().unwrap()["error"]["code"], "quota");
    let message = StreamError::<io::Error>::NotEventStream(other).to_string();
    assert!(message.starts_with(r#"JSON came instead of an event stream: b"{"#), "{message}");
    assert!(message.len() < 400, "{message}");
}

/// A body that goes on for ever is given up when as much of it was read as is kept.
#[test]
fn no_more_is_read_than_is_kept() {
    for most in [1, 100, 5000] {
        let decoder = Decoder::builder().first_bytes(most).build();
        for size in SIZES {
            let other = open(&decoder, &b"<html>\n".repeat(20_000), size).unwrap_err();
            assert_eq!(other.bytes().len(), most);
        }
    }
    let mut endless = io::repeat(b'{');
    let error = EventReader::open(&mut endless).unwrap_err();
    assert!(matches!(error, StreamError::NotEventStream(body) if body.bytes().len() == 64 << 10));
}

#[test]
fn options_and_the_last_event_id_are_those_of_the_decoder() {
    let builder = Decoder::builder().on_error(OnError::SkipBlock).max_block_size(20);
    let mut decoder = builder.last_event_id(EventId::from_static("7")).build();
    // Of an earlier connection, that alone is left.
    drop(decoder.feed(b"data: unread\n\ndata: cut"));
    for body in
        ["data: 0123456789012345\n\ndata: a\n\n", "x\ndata: 0123456789012345\n\ndata: a\n\n"]
    {
        for size in SIZES {
            let events = open(&decoder, body.as_bytes(), size).expect(body);
            let [Err(StreamError::Decode(_)), Ok(event)] = &events[..] else {
                panic!("{events:?}")
            };
            assert_eq!((event.data(), event.last_event_id()), ("a", "7"));
        }
    }
}

#[test]
fn an_error_of_the_transport_is_told() {
    let chunks = stream::iter([Ok("{\"err"), Err("reset"), Ok("or\":1}")]);
    let opened = ready(chunks.open_events());
    assert!(matches!(opened, Err(StreamError::Transport("reset"))));

    let chunks = stream::iter([Ok("data: a\n\n"), Err("reset")]);
    let mut events = ready(chunks.open_events()).unwrap();
    assert_eq!(ready(events.next()).unwrap().unwrap().data(), "a");
    assert_eq!(ready(events.next()), Some(Err(StreamError::Transport("reset"))));
    assert_eq!(ready(events.next()), None);
}

/// Chunks without bytes tell nothing, and may be always ready.
#[test]
fn a_poll_gives_way() {
    let nothing = stream::iter(std::iter::repeat_with(|| Ok::<_, io::Error>("")));
    let mut opening = nothing.open_events();
    for _ in 0..10 {
        let (polled, wakes) = count_wakes(|cx| opening.poll_unpin(cx));
        assert!(polled.is_pending() && wakes == 1);
    }
}

/// The first bytes decide, however they are cut, and whatever the decoder would refuse.
#[test]
fn the_verdict_does_not_depend_on_the_cuts() {
    let json = format!("{{\"error\":\"{}\"}}", "x".repeat(3000));
    let late = format!("{json}\n\ndata: a\n\n");
    for most in [0, 1, 3, 5, 1024, 5000] {
        for limit in [100, 2000, 10_000] {
            let builder = Decoder::builder().first_bytes(most).max_block_size(limit);
            let decoder = builder.on_error(OnError::SkipBlock).build();
            for body in ["event: x\ndata: 1\n\n", "\u{feff}retry: 1\n\n", &json, &late] {
                let whole = open(&decoder, body.as_bytes(), body.len());
                for size in [1, 4, 100, 1000] {
                    let cut = open(&decoder, body.as_bytes(), size);
                    assert_eq!(format!("{cut:?}"), format!("{whole:?}"), "{most}, {limit}, {size}");
                }
                let is_late = *body == late && most == 5000;
                assert_eq!(whole.is_ok(), !body.starts_with('{') || is_late, "{most}: {body:.20}");
            }
        }
    }
}

#[test]
fn no_debug_form_shows_the_body() {
    let mut opening = stream::iter([Ok::<_, io::Error>("{".repeat(700))]).chain(stream::pending());
    let mut opening = opening.by_ref().open_events();
    assert!((&mut opening).now_or_never().is_none());
    assert!(format!("{opening:?}").len() < 400);
}

/// Frames of AWS's binary event stream are no event stream, although names of their headers look
/// like comments: the length before `:content-type` is 13, a CR.
#[test]
fn binary_frames_are_no_event_stream() {
    let frame = b"\0\0\0\x72\0\0\0\x4c\x95\xae\x53\x3f\x0d:content-type\x07\0\x04json{}\x12\x34";
    for (count, size) in [(1, 1), (40, 1), (40, 33), (40, 10_000), (5000, 1000)] {
        let other = open(&Decoder::new(), &frame.repeat(count), size).unwrap_err();
        assert_eq!(other.kind(), BodyKind::Other, "{count} frames by {size}");
    }
}

/// A busy server may send blank lines for minutes before its answer.
#[test]
fn any_number_of_blank_lines_may_come_first() {
    for lead in ["\n".repeat(70_000), "\u{feff}".to_owned() + &"\r\n".repeat(2_000)] {
        for size in [1, 1000, 1_000_000] {
            let busy = lead.clone() + r#"{"error":{"message":"busy"}}"#;
            let other = open(&Decoder::new(), busy.as_bytes(), size).unwrap_err();
            assert_eq!(
                (other.kind(), other.bytes()),
                (BodyKind::Json, &busy.as_bytes()[lead.len()..])
            );

            let stream = lead.clone() + "data: a\n\n";
            let events = open(&Decoder::new(), stream.as_bytes(), size).unwrap();
            assert_eq!(events[0].as_ref().unwrap().data(), "a");

            let other = open(&Decoder::new(), lead.as_bytes(), size).unwrap_err();
            assert_eq!((other.kind(), other.bytes()), (BodyKind::Empty, &b""[..]));
        }
    }
}

#[test]
fn a_body_that_is_too_long_says_so() {
    let json = format!(r#"{{"error":{{"message":"{}"}}}}"#, "x".repeat(40_000));
    for (most, is_truncated) in
        [(0, true), (1024, true), (json.len() - 1, true), (json.len(), false)]
    {
        let decoder = Decoder::builder().first_bytes(most).build();
        for size in [1, 1000, json.len()] {
            let other = open(&decoder, json.as_bytes(), size).unwrap_err();
            assert_eq!(other.is_truncated(), is_truncated, "{most} by {size}");
            let parsed = other.json::<serde_json::Value>();
            match parsed {
                Ok(value) => assert!(!is_truncated && value["error"]["message"].is_string()),
                Err(error) => {
                    let expected = format!("only the first {most} bytes of the body were kept");
                    assert_eq!((is_truncated, error.to_string()), (true, expected));
                }
            }
        }
    }
    let other = open(&Decoder::new(), json.as_bytes(), 512).unwrap_err();
    assert_eq!(other.bytes(), json.as_bytes(), "by default");
    // What could be parsed may be half of the truth.
    let decoder = Decoder::builder().first_bytes(16).build();
    let other = open(&decoder, b"{\"progress\": 1 }\n{\"error\": 2}\n", 7).unwrap_err();
    assert!(other.json::<serde_json::Value>().is_err());
}

/// Reads, then times out, and so on.
struct Slow<'a>(Vec<Option<&'a [u8]>>);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Ok(0);
        }
        let bytes = self.0.remove(0).ok_or(io::ErrorKind::TimedOut)?;
        buffer[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

/// What was read before a timeout stays.
#[test]
fn a_timeout_loses_nothing() {
    fn read(parts: &[Option<&[u8]>]) -> (Vec<String>, usize, Option<RefusedBody>) {
        let (mut data, mut timeouts) = (Vec::new(), 0);
        let events = match EventReader::open(Slow(parts.to_vec())) {
            Ok(events) => events,
            Err(StreamError::NotEventStream(body)) => return (data, 0, Some(body)),
            Err(error) => panic!("{error:?}"),
        };
        for event in events {
            match event {
                Ok(event) => data.push(event.data().to_owned()),
                Err(StreamError::Transport(error)) => {
                    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
                    timeouts += 1;
                }
                Err(StreamError::NotEventStream(body)) => return (data, timeouts, Some(body)),
                Err(error) => panic!("{error:?}"),
            }
        }
        (data, timeouts, None)
    }
    let parts = [Some(&b"da"[..]), None, Some(b"ta: a\n"), None, Some(b"\ndata: b\n\n"), None];
    assert_eq!(read(&parts), (vec!["a".to_owned(), "b".to_owned()], 3, None));
    assert_eq!(
        read(&[None, Some(b"\n"), None, Some(b"data: a\n\n")]),
        (vec!["a".to_owned()], 2, None)
    );
    let (_, timeouts, other) = read(&[Some(b"{\"error\""), None, None, Some(b":1}")]);
    assert_eq!((timeouts, other.unwrap().bytes()), (2, &b"{\"error\":1}"[..]));
    assert!(read(&[Some(b"{}")]).2.is_some());
}

/// A gateway gets every byte again, or the refusal that `open_events` gives.
#[test]
fn chunks_are_opened_and_nothing_of_them_is_lost() {
    let lead = "\r\n".repeat(9000);
    for body in [
        "data: a\n\ndata: b",
        "\u{feff}data: a\n\n",
        "\u{feff}\n\r\n: c\r\ndata: a\r\n\r\n",
        "unknown: x\ndata: a\n\nrest",
        "{}\n\ndata: a\n\n",
        &(lead.clone() + "id: 1\n\n"),
        &(lead.clone() + "{\"error\":1}"),
        "{\"error\":1}",
        "<html>\n:root{}\n\n",
        "\n\n",
        "",
        "\u{feff}",
        "da",
    ] {
        for size in SIZES {
            let chunks = || {
                let parts = body.as_bytes().chunks(size).map(Bytes::copy_from_slice);
                stream::iter(parts.map(Ok::<_, &str>).collect::<Vec<_>>())
            };
            match (wait(chunks().open()), wait(chunks().open_events())) {
                (Ok(chunks), Ok(_)) => {
                    let passed: Vec<_> = wait(chunks.map(Result::unwrap).collect());
                    assert_eq!(passed.concat(), body.as_bytes(), "by {size}");
                }
                (Err(refused), Err(expected)) => assert_eq!(refused, expected),
                other => panic!("{other:?} for {body:?} by {size}"),
            }
        }
    }
    let long = lead.repeat(20) + "data: a\n\n";
    let parts =
        long.as_bytes().chunks(1000).map(|part| Ok::<_, &str>(Bytes::copy_from_slice(part)));
    let chunks = wait(stream::iter(parts.collect::<Vec<_>>()).open()).unwrap();
    let passed: Vec<_> = wait(chunks.map(Result::unwrap).collect());
    let passed = passed.concat();
    assert!(passed.ends_with(b"\r\ndata: a\n\n") && passed.len() <= 66_000, "{}", passed.len());

    let broken = stream::iter([Ok("{"), Err("reset")]);
    assert!(matches!(wait(broken.open()), Err(StreamError::Transport("reset"))));
    let json = stream::iter([Ok::<_, &str>("{\"error\":1}")]);
    let Err(StreamError::NotEventStream(body)) = wait(json.open().with_first_bytes(4)) else {
        panic!()
    };
    assert_eq!((body.bytes(), body.is_truncated()), (&b"{\"er"[..], true));
}
