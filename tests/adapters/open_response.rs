//! Tests `open` and `open_response`: heads and bodies, and what becomes of them.

use std::{error::Error, io, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::Response;
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use sse_wire::{BodyKind, ConnectionEnd, Decoder, RefusedBody, StreamError, open, open_response};

use crate::polling::{count_wakes, ready, wait};

type Headers<'a> = &'a [(&'a str, &'a str)];

/// A response with these headers, whose body comes in chunks of this size.
fn response(
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
    size: usize,
) -> Response<impl Body<Data = Bytes, Error = io::Error> + Unpin + use<>> {
    let chunks: Vec<_> = body
        .as_bytes()
        .chunks(size)
        .map(|chunk| Ok(Frame::data(Bytes::copy_from_slice(chunk))))
        .collect();
    let mut builder = Response::builder().status(status);
    for &(name, value) in headers {
        builder = builder.header(name, value);
    }
    builder.body(StreamBody::new(stream::iter(chunks))).unwrap()
}

const STREAM: (&str, &str) = ("content-type", "text/event-stream");
const JSON: (&str, &str) = ("content-type", "application/json");
const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");
const ERROR: &str = r#"{"error":{"message":"busy"}}"#;
const PAGE: &str = "<html>\n:root{}\n<h1>502 Bad Gateway</h1>\n\n";

fn status(code: u16) -> ConnectionEnd {
    ConnectionEnd::Status { code, retry_after: None }
}

fn content_type(essence: Option<&str>) -> ConnectionEnd {
    ConnectionEnd::ContentType(essence.map(Into::into))
}

/// Status, headers, and the reason why the head is refused.
#[test]
fn heads() {
    let after = |secs| Some(Duration::from_secs(secs));
    let busy = |code, secs| ConnectionEnd::Status { code, retry_after: after(secs) };
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    let later = ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT");
    let table: &[(u16, Headers<'_>, Option<ConnectionEnd>)] = &[
        (200, &[STREAM], None),
        (200, &[("content-type", "Text/Event-Stream; charset=utf-8")], None),
        (200, &[JSON, STREAM], None),
        (200, &[("content-type", "application/json, text/event-stream")], None),
        (201, &[STREAM], None),
        (200, &[STREAM, ("content-encoding", "identity")], None),
        (200, &[], Some(content_type(None))),
        (200, &[JSON], Some(content_type(Some("application/json")))),
        (200, &[STREAM, JSON], Some(content_type(Some("application/json")))),
        (200, &[HTML], Some(content_type(Some("text/html")))),
        (
            200,
            &[STREAM, ("content-encoding", "gzip")],
            Some(ConnectionEnd::Compressed("gzip".into())),
        ),
        (200, &[("content-encoding", "br")], Some(ConnectionEnd::Compressed("br".into()))),
        (202, &[], Some(status(202))),
        (204, &[], Some(status(204))),
        (202, &[JSON], Some(status(202))),
        (304, &[STREAM], Some(status(304))),
        (401, &[STREAM], Some(status(401))),
        (429, &[JSON, ("retry-after", "20")], Some(busy(429, 20))),
        (503, &[date, later], Some(busy(503, 30))),
        (502, &[HTML, ("content-encoding", "gzip")], Some(status(502))),
    ];
    for (code, headers, expected) in table {
        let opened = open_response(response(*code, headers, "data: a\n\n", 3));
        let (end, head) = match opened {
            Ok(response) => {
                let (head, mut events) = response.into_parts();
                assert_eq!(ready(events.next()).unwrap().unwrap().data(), "a");
                (None, (head.status, head.headers))
            }
            Err(refused) => {
                let end = refused.end().clone();
                assert_eq!(refused.to_string(), end.to_string());
                let after = match end {
                    ConnectionEnd::Status { retry_after, .. } => retry_after,
                    _ => None,
                };
                assert_eq!(refused.retry_after(), after);
                // The body is unread.
                let response = refused.into_response();
                let head = (response.status(), response.headers().clone());
                let body = ready(response.into_body().collect()).unwrap().to_bytes();
                assert_eq!(body, "data: a\n\n");
                (Some(end), head)
            }
        };
        assert_eq!(end, *expected, "{code} {headers:?}");
        assert_eq!((head.0.as_u16(), head.1.len()), (*code, headers.len()));
    }
}

/// Opens a response in chunks of several sizes, which must agree.
fn opened(code: u16, headers: &[(&str, &str)], body: &str) -> Result<Vec<String>, RefusedBody> {
    let mut all = Vec::new();
    for size in [1, 2, 7, 1000, 1_000_000] {
        all.push(match wait(open(response(code, headers, body, size))) {
            Ok(events) => Ok(wait(events.map(|event| event.unwrap().data().into()).collect())),
            Err(StreamError::NotEventStream(body)) => Err(body),
            Err(error) => panic!("{error}"),
        });
    }
    let first = all.swap_remove(0);
    assert!(all.iter().all(|opened| *opened == first), "{first:?}, {all:?}");
    first
}

/// Status, headers, body, and the message.
#[test]
fn responses_that_are_no_event_stream() {
    let gzip = ("content-encoding", "gzip");
    let zipped = "\u{1f}\u{8}\u{3}data";
    let table: &[(u16, Headers<'_>, &str, BodyKind, &str)] = &[
        (200, &[STREAM], ERROR, BodyKind::Json, "200 with JSON: b\"{\\\"error\\\":{\\\"mess"),
        (200, &[JSON], ERROR, BodyKind::Json, "200 with JSON: b\"{\\\"error"),
        (200, &[], ERROR, BodyKind::Json, "200 with JSON: b\"{\\\"error"),
        (429, &[JSON, ("retry-after", "20")], ERROR, BodyKind::Json, "429 with JSON: "),
        (502, &[HTML], PAGE, BodyKind::Markup, "502 with HTML or XML: b\"<html>\\n:root{}"),
        (200, &[STREAM], PAGE, BodyKind::Markup, "200 with HTML or XML: b\"<html>"),
        (401, &[("www-authenticate", "Bearer")], "", BodyKind::Empty, "401 without a body"),
        (204, &[], "", BodyKind::Empty, "204 without a body"),
        (200, &[STREAM], "", BodyKind::Empty, "200 without a body"),
        (200, &[STREAM, gzip], zipped, BodyKind::Other, "200 with a body that is still compressed"),
        (500, &[], "oh no", BodyKind::Other, "500: b\"oh no\""),
        (
            400,
            &[STREAM],
            "data: no\n\n",
            BodyKind::EventStream,
            "400 with an event stream: b\"data",
        ),
    ];
    for (code, headers, body, kind, message) in table {
        let refused = opened(*code, headers, body).unwrap_err();
        let shown = (refused.status().unwrap().as_u16(), refused.kind(), refused.bytes());
        assert_eq!(shown, (*code, *kind, body.as_bytes()));
        assert_eq!(refused.headers().unwrap().len(), headers.len());
        assert_eq!((refused.text().as_ref(), refused.is_truncated()), (*body, false));
        let shown = refused.to_string();
        let message = format!("the server answered {message}");
        assert!(shown.starts_with(&message) && !shown.contains('\n'), "{shown}\n{message}");
        assert!(!shown.contains("Bearer"), "nothing of the headers");
        assert_eq!(StreamError::<io::Error>::NotEventStream(refused).to_string(), shown);
    }
    let refused = opened(429, &[("retry-after", "20")], ERROR).unwrap_err();
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(20)));
    assert_eq!(refused.json::<serde_json::Value>().unwrap()["error"]["message"], "busy");
    let marked = opened(500, &[], "\u{feff}{\"a\":1}").unwrap_err();
    assert_eq!(marked.json::<serde_json::Value>().unwrap()["a"], 1);
}

#[test]
fn responses_that_are_an_event_stream() {
    for (code, headers, body) in [
        (200, &[STREAM][..], "data: a\n\ndata: b\n\n"),
        (201, &[JSON, STREAM], "\u{feff}\r\n\r\ndata: a\n\ndata: b\n\n"),
        // Judged by the bytes alone.
        (200, &[], "data: a\n\ndata: b\n\n"),
        (200, &[STREAM], "unknown\ndata: a\n\ndata: b\n\n"),
    ] {
        assert_eq!(opened(code, headers, body).unwrap(), ["a", "b"], "{body:?}");
    }
}

#[test]
fn no_more_is_read_than_is_wanted() {
    let body = format!("[{}1]", "1,".repeat(100_000));
    for head in [&[STREAM][..], &[JSON]] {
        let refused = opened(200, head, &body).unwrap_err();
        assert_eq!((refused.bytes().len(), refused.is_truncated()), (64 << 10, true));
        for (most, is_truncated) in
            [(0, true), (100, true), (body.len(), false), (usize::MAX, false)]
        {
            let decoder = Decoder::builder().first_bytes(most).build();
            let opening = open(response(200, head, &body, 999)).with_decoder(decoder);
            let Err(StreamError::NotEventStream(refused)) = wait(opening) else { panic!() };
            let kept = &body.as_bytes()[..most.min(body.len())];
            assert_eq!((refused.bytes(), refused.is_truncated()), (kept, is_truncated));
            assert_eq!(refused.json::<Vec<u8>>().is_err(), is_truncated);
        }
    }
    let Err(refused) = open_response(response(200, &[JSON], &body, 999)) else { panic!() };
    let refused = wait(refused.read(10));
    assert_eq!((refused.bytes(), refused.is_truncated()), (&body.as_bytes()[..10], true));
}

/// What was cut off is never given as whole, and the first cause is in the chain.
#[test]
fn a_body_that_breaks_off() {
    let broken = |head: (&str, &str), body: &'static str| {
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        let chunks = [Ok(Frame::data(Bytes::from(body))), Err(reset)];
        let builder = Response::builder().header(head.0, head.1);
        builder.body(StreamBody::new(stream::iter(chunks))).unwrap()
    };
    let is_reset = |error: &dyn Error| error.source().unwrap().to_string() == "connection reset";
    let Err(error) = wait(open(broken(JSON, "{}"))) else { panic!() };
    assert!(is_reset(&error));
    let StreamError::NotEventStream(body) = error else { panic!() };
    assert_eq!((body.bytes(), body.is_truncated()), (&b"{}"[..], true));
    assert!(is_reset(&body));
    let error = body.json::<serde_json::Value>().unwrap_err();
    assert_eq!(error.to_string(), "the body broke off after 2 bytes");

    let Err(error) = wait(open(broken(STREAM, "{}"))) else { panic!() };
    assert!(is_reset(&error) && matches!(error, StreamError::Transport(_)));
    let mut events = wait(open(broken(STREAM, "data: a\n\ndata: b\n"))).unwrap();
    assert_eq!(wait(events.next()).unwrap().unwrap().data(), "a");
    assert!(matches!(wait(events.next()), Some(Err(StreamError::Transport(_)))));
}

/// Frames without bytes may be always ready.
#[test]
fn a_poll_gives_way() {
    for head in [STREAM, JSON] {
        let nothing = std::iter::repeat_with(|| Ok::<_, io::Error>(Frame::data(Bytes::new())));
        let body = StreamBody::new(stream::iter(nothing));
        let response = Response::builder().header(head.0, head.1).body(body).unwrap();
        let mut opening = open(response);
        for _ in 0..10 {
            let (polled, wakes) = count_wakes(|cx| opening.poll_unpin(cx));
            assert!(polled.is_pending() && wakes == 1);
        }
    }
}

#[test]
fn they_can_be_sent_to_other_threads() {
    fn everywhere<T: Send + Sync + 'static>(_: &T) {}
    fn send<T: Send>(_: &T) {}

    everywhere(&opened(500, &[], "no").unwrap_err());
    let opening = open(response(500, &[], "no", 2));
    send(&opening);
    let Err(refused) = open_response(response(500, &[], "no", 2)) else { panic!() };
    assert!(!format!("{refused:?}, {opening:?}").contains("no\""));
    send(&refused.read(9));
}
