//! Tests `until_data` and `must_end_with`.

use std::io;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use sse_wire::{
    AtEnd, ByteStreamExt, DONE, Decoder, EventIteratorExt, EventReader, EventStream,
    EventStreamExt, SseCodec, StreamError,
};
use tokio_util::codec::FramedRead;

use crate::polling::{ready, wait};

/// What came: data, and how it ended.
type Told = (Vec<String>, Option<Ended>);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ended {
    Early { pending: u64 },
    Refused,
    Broken,
}

fn tell<E>(events: Vec<Result<sse_wire::EventBuf, StreamError<E>>>) -> Told {
    let mut data = Vec::new();
    let mut ended = None;
    for event in events {
        assert_eq!(ended, None, "an error comes last, and alone");
        match event {
            Ok(event) => data.push(event.data().to_owned()),
            Err(StreamError::Incomplete(end)) => {
                ended = Some(Ended::Early { pending: end.pending_bytes() });
            }
            Err(StreamError::Decode(_)) => ended = Some(Ended::Refused),
            Err(StreamError::Transport(_)) => ended = Some(Ended::Broken),
            Err(StreamError::NotEventStream(body)) => panic!("{body}"),
        }
    }
    (data, ended)
}

/// Reads the body in all ways, cut in all ways.
fn read(body: &str, decoder: &Decoder, is_broken: bool) -> Told {
    let decoder = || decoder.clone();
    let body = body.as_bytes();
    let error = || is_broken.then(|| io::Error::from(io::ErrorKind::ConnectionReset));
    let mut all = Vec::new();
    for size in 1..=body.len().max(1) {
        let chunks = || {
            body.chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).chain(error().map(Err))
        };
        let mut events =
            EventStream::with_decoder(stream::iter(chunks()), decoder()).must_end_with(DONE);
        let told = tell(ready(events.by_ref().collect()));
        assert_eq!(ready(events.next()).map(|_| ()), None);
        assert_eq!(events.is_done(), told.1.is_none());
        all.push(told);

        let chunks = chunks().collect::<Vec<_>>();
        let reader = Chunks(chunks.into_iter());
        let mut events = EventReader::with_decoder(reader, decoder()).must_end_with(DONE);
        all.push(tell(events.by_ref().collect()));
        assert_eq!(events.next().map(|_| ()), None);
    }
    if !is_broken {
        let events = FramedRead::new(body, SseCodec::with_decoder(decoder()));
        all.push(tell(ready(events.must_end_with(DONE).collect())));
    }
    let first = all.swap_remove(0);
    assert!(all.iter().all(|told| *told == first), "{first:?}: {all:?}");
    first
}

struct Chunks(std::vec::IntoIter<io::Result<Bytes>>);

impl io::Read for Chunks {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let chunk = self.0.next().unwrap_or(Ok(Bytes::new()))?;
        to[..chunk.len()].copy_from_slice(&chunk);
        Ok(chunk.len())
    }
}

#[test]
fn a_stream_that_ends_before_its_sentinel_is_an_error() {
    for (body, data, pending) in [
        ("", vec![], Some(0)),
        ("data: a\n\n", vec!["a"], Some(0)),
        ("data: a\n\n: c\n\n", vec!["a"], Some(0)),
        ("data: a\n\ndata: b", vec!["a"], Some(7)),
        ("data: a\n\nid: 1\n", vec!["a"], Some(6)),
        ("data: a\n\ndata: [DONE]\n\n", vec!["a"], None),
        ("data: a\n\ndata: [DONE]\n\ndata: b\n\n", vec!["a"], None),
        // Without its blank line, or its line end.
        ("data: a\n\ndata: [DONE]\n", vec!["a"], None),
        ("data: a\n\ndata: [DONE]\r\n", vec!["a"], None),
        ("data: a\n\ndata: [DONE]", vec!["a"], None),
        ("data:[DONE]", vec![], None),
        ("event: done\ndata: [DONE]\n: c\nid: 7\n", vec![], None),
        // What is cut off is not the sentinel.
        ("data: a\n\ndata: [DONE", vec!["a"], Some(11)),
        ("data: a\n\ndata: [DONE]x", vec!["a"], Some(13)),
        ("data: a\n\ndata: b\ndata: [DONE]\n", vec!["a"], Some(21)),
        ("data: a\n\n: [DONE]\n", vec!["a"], Some(9)),
    ] {
        let (came, ended) = read(body, &Decoder::new(), false);
        assert_eq!(came, data, "{body:?}");
        assert_eq!(ended, pending.map(|pending| Ended::Early { pending }), "{body:?}");
    }
}

/// Comments before the last event say nothing, however many they are. The decoder does not hold them.
#[test]
fn a_cut_off_sentinel_may_follow_any_number_of_comments() {
    for pings in [1, 100, 20_000, 100_000] {
        for last in ["data: [DONE]\n", "data: [DONE]", "unknown: x\ndata: [DONE]\n: c\n"] {
            let body = ": ping\n".repeat(pings) + last;
            for size in [16, 1000, body.len()] {
                let chunks = body.as_bytes().chunks(size).map(Ok::<_, io::Error>);
                let chunks = chunks.map(|chunk| chunk.map(Bytes::copy_from_slice));
                let mut events = stream::iter(chunks).events().must_end_with(DONE);
                assert!(wait(events.next()).is_none(), "{pings} before {last:?} by {size}");
                assert!(events.is_done());
            }
        }
    }
}

/// What is held and not the sentinel is not worth a copy.
#[test]
fn a_cut_off_sentinel_with_a_large_id_needs_its_blank_line() {
    let body = format!("id: {}\ndata: [DONE]\n", "7".repeat(100_000));
    let mut events = EventReader::new(body.as_bytes()).must_end_with(DONE);
    assert!(matches!(events.next(), Some(Err(StreamError::Incomplete(_)))));
    let body = body + "\n";
    assert!(EventReader::new(body.as_bytes()).must_end_with(DONE).next().is_none());
}

#[test]
fn another_error_comes_alone() {
    assert_eq!(read("data: a\n\ndata: b", &Decoder::new(), true).1, Some(Ended::Broken));
    assert_eq!(read("data: [DONE]\n", &Decoder::new(), true).1, Some(Ended::Broken));
    assert_eq!(read("data: [DONE]\n\n", &Decoder::new(), true).1, None);
    let small = Decoder::builder().max_block_size(8).build();
    assert_eq!(read("data: far too large\n\n", &small, false).1, Some(Ended::Refused));
}

#[test]
fn a_block_that_the_decoder_dispatches_at_the_end_comes_before_the_error() {
    let decoder = Decoder::builder().at_end(AtEnd::Dispatch).build();
    assert_eq!(read("data: [DONE]", &decoder, false), (vec![], None));
    let (data, ended) = read("data: a\n\ndata: b", &decoder, false);
    assert_eq!((data.len(), ended), (2, Some(Ended::Early { pending: 7 })));
}

#[test]
fn until_data_takes_any_end() {
    let chunks = |body: &'static str| stream::iter([Ok::<_, ()>(body)]);
    let mut events = chunks("data: a\n\ndata: [DONE]\n\ndata: b\n\n").events().until_data(DONE);
    assert_eq!(ready(events.by_ref().count()), 1);
    assert!(events.is_done());
    let mut rest = events.into_inner();
    assert_eq!(ready(rest.next()).unwrap().unwrap().data(), "b");

    let mut events = chunks("data: a\n\n").events().until_data(DONE);
    assert_eq!(ready(events.by_ref().count()), 1);
    assert!(!events.is_done(), "the stream was cut");
}

#[test]
fn messages_tell_how_it_ended() {
    let message = |body: &'static [u8]| {
        let error = EventReader::new(body).must_end_with(DONE).last().unwrap().unwrap_err();
        error.to_string()
    };
    assert_eq!(message(b""), "the event stream ended before its last event");
    assert_eq!(
        message(b"id: 1"),
        "the event stream ended before its last event, 5 bytes into a block"
    );
}
