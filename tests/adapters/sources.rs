//! Tests sources of chunks that are silent, fail or panic, and polls after their end.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::Poll,
};

use bytes::Bytes;
use futures_core::FusedStream;
use futures_util::{Stream, StreamExt, stream};
use sse_wire::{
    BlockDecoder, BlockStream, ByteStreamExt, Decoder, EventStream, ItemBuf, ItemStream,
    StreamError,
};

use crate::polling::poll;

/// What a source does when it is polled.
#[derive(Clone, Copy)]
enum Step {
    Send(&'static str),
    Wait,
    Fail,
    Panic,
}
use Step::{Fail, Panic, Send, Wait};

type Item = Result<String, StreamError<&'static str>>;
type Items<'s> = Pin<Box<dyn FusedStream<Item = Item> + 's>>;

/// A source that must not be polled after its end.
fn source(steps: &[Step]) -> impl Stream<Item = Result<Bytes, &'static str>> + Unpin {
    let mut steps = steps.iter().copied();
    let mut is_over = false;
    stream::poll_fn(move |_| {
        assert!(!is_over, "polled after its end");
        let step = steps.next();
        is_over = matches!(step, None | Some(Fail));
        match step {
            Some(Send(text)) => Poll::Ready(Some(Ok(text.into()))),
            Some(Wait) => Poll::Pending,
            Some(Fail) => Poll::Ready(Some(Err("reset"))),
            Some(Panic) => panic!("on purpose"),
            None => Poll::Ready(None),
        }
    })
}

/// The data of the events, with a limit of 20 bytes, from each kind of stream.
fn streams(steps: &[Step]) -> [Items<'_>; 3] {
    let decoder = || Decoder::builder().max_block_size(20).build();
    let events = EventStream::with_decoder(source(steps), decoder());
    let items = ItemStream::with_decoder(source(steps), decoder());
    let limited = BlockDecoder::builder().max_block_size(20).build();
    let blocks = BlockStream::with_decoder(source(steps), limited);
    [
        Box::pin(events.map(|event| Ok(event?.data().to_owned()))),
        Box::pin(items.map(|item| match item? {
            ItemBuf::Event(event) => Ok(event.data().to_owned()),
            other => panic!("{other:?}"),
        })),
        Box::pin(blocks.map(|block| Ok(block?.event()?.expect("an event").data().to_owned()))),
    ]
}

/// What a stream gives, its silences and its panics. It is over after that.
fn walk(mut stream: Items<'_>) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        seen.push(match catch_unwind(AssertUnwindSafe(|| poll(stream.as_mut()))) {
            Ok(Poll::Ready(Some(Ok(data)))) => data,
            Ok(Poll::Ready(Some(Err(StreamError::Decode(_))))) => "refused".to_owned(),
            Ok(Poll::Ready(Some(Err(error)))) => format!("{error:?}"),
            Ok(Poll::Ready(None)) => break,
            Ok(Poll::Pending) => "pending".to_owned(),
            Err(_) => "panic".to_owned(),
        });
    }
    for _ in 0..3 {
        assert!(stream.is_terminated());
        assert_eq!(poll(stream.as_mut()), Poll::Ready(None));
    }
    seen
}

#[test]
fn every_stream_bears_them() {
    let failed = r#"Transport("reset")"#;
    for (steps, expected) in [
        (&[][..], &[][..]),
        (
            &[Wait, Send("data: a\n"), Wait, Send("\n"), Wait],
            &["pending", "pending", "a", "pending"],
        ),
        (&[Send("data: a\n\nda"), Wait, Send(""), Send("ta: b\n\n")], &["a", "pending", "b"]),
        (&[Send("data: a\n\ndata: b"), Fail], &["a", failed]),
        (&[Panic, Send("data: a\n\ndata: "), Panic, Send("b\n\n")], &["panic", "a", "panic", "b"]),
        (&[Send("data: a\n\ndata: b\n\n"), Panic, Fail], &["a", "b", "panic", failed]),
        (&[Send("data: a\n\ndata: longer than the limit\n\ndata: b\n\n"), Fail], &["a", "refused"]),
        (&[Send("data: longer than"), Wait, Send(" the limit"), Fail], &["pending", "refused"]),
    ] {
        for stream in streams(steps) {
            assert_eq!(walk(stream), expected);
        }
    }
}

#[test]
fn what_is_told_stays_after_the_end() {
    for (end, has_failed) in [(None, false), (Some(Fail), true)] {
        let steps: Vec<_> = [Send("id: 7\ndata: a\n\ndata: cut")].into_iter().chain(end).collect();
        let mut events = source(&steps).events();
        let mut blocks = source(&steps).blocks();
        for number in 0..6 {
            let polled = (poll(Pin::new(&mut events)), poll(Pin::new(&mut blocks)));
            if number == 0 {
                assert!(matches!(polled, (Poll::Ready(Some(Ok(_))), Poll::Ready(Some(Ok(_))))));
                continue;
            }
            let (stats, of_blocks) = (events.decoder().stats(), blocks.decoder().stats());
            assert_eq!((stats.bytes, stats.events, events.pending_bytes()), (24, 1, 9));
            assert_eq!(
                (of_blocks.bytes, of_blocks.blocks, blocks.cut_off()),
                (24, 1, &b"data: cut"[..])
            );
            assert_eq!((events.last_event_id(), blocks.decoder().last_event_id()), ("7", "7"));
            assert_eq!((events.has_failed(), blocks.has_failed()), (has_failed, has_failed));
            assert_eq!(events.end().is_some(), !has_failed);
        }
    }
}

#[test]
fn a_chunk_is_let_go_when_nothing_of_it_follows() {
    for text in ["data: a\n\n", "data: a\n\ndata: far too long a line\n\ndata: b\n\n"] {
        let chunk = Bytes::from(text.to_owned());
        let chunks = || stream::iter([Ok::<_, &str>(chunk.clone())]).chain(stream::pending());
        let decoder = Decoder::builder().max_block_size(20).build();
        let mut events = EventStream::with_decoder(chunks(), decoder);
        let decoder = BlockDecoder::builder().max_block_size(20).build();
        let mut blocks = BlockStream::with_decoder(chunks(), decoder);
        while let Poll::Ready(Some(_)) = poll(Pin::new(&mut events)) {}
        while let Poll::Ready(Some(_)) = poll(Pin::new(&mut blocks)) {}
        assert!(chunk.is_unique(), "{text:?}");
    }
}
