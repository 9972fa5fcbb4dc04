//! `EventStream` and `ItemStream`.

use std::{error::Error as _, io, pin::Pin, sync::mpsc::Sender, task::Poll};

use futures_core::FusedStream;
use futures_util::{FutureExt, Stream, StreamExt, future, stream};
use sse_wire::{
    AtEnd, ByteStreamExt, DONE, DecodeErrorKind, Decoder, EventStream, EventStreamExt, Item,
    ItemBuf, OnError, StreamError,
};

fn ready<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing to wait for")
}

fn chunks(
    chunks: &[&'static str],
) -> impl Stream<Item = Result<&'static [u8], &'static str>> + Unpin {
    stream::iter(chunks.iter().map(|chunk| Ok(chunk.as_bytes())).collect::<Vec<_>>())
}

#[test]
fn last_event_id_is_that_of_the_events_taken() {
    let mut events = chunks(&["id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\n\n"]).events();
    assert_eq!(events.last_event_id(), "");
    for (data, id) in [("a", "1"), ("b", "2")] {
        assert_eq!(ready(events.next()).unwrap().unwrap().data(), data);
        assert_eq!(events.last_event_id(), id);
    }
    assert_eq!(ready(events.next()), None);
    assert_eq!(events.last_event_id(), "3");
}

#[test]
fn a_resumed_stream_starts_with_the_id_of_the_decoder() {
    let mut decoder = Decoder::new();
    assert!(decoder.feed(b"id: 7\ndata: a\n\n").next_event().unwrap().is_some());
    decoder.reset_for_reconnect();
    let mut events =
        EventStream::with_decoder(chunks(&["data: b\n\n", "id: 8\ndata: c\n\n"]), decoder);
    assert_eq!(events.last_event_id(), "7");
    assert_eq!(ready(events.next()).unwrap().unwrap().last_event_id(), "7");
    assert_eq!(events.last_event_id(), "7");
    assert_eq!(ready(events.next()).unwrap().unwrap().id(), Some("8"));
}

#[test]
fn an_error_of_the_transport_is_passed_on_and_does_not_end_it() {
    let chunks = stream::iter([Ok(&b"data: a\n\nda"[..]), Err("reset"), Ok(b"ta: b\n\n")]);
    let mut events = chunks.events();
    assert_eq!(ready(events.next()).unwrap().unwrap().data(), "a");
    assert_eq!(ready(events.next()), Some(Err(StreamError::Transport("reset"))));
    assert!(!events.is_terminated());
    assert_eq!(events.end(), None);
    assert_eq!(ready(events.next()).unwrap().unwrap().data(), "b");
    assert_eq!(ready(events.next()), None);
    assert!(events.is_terminated() && events.end().unwrap().is_clean());
}

#[test]
fn a_fatal_error_ends_it_after_the_events_before() {
    let decoder = Decoder::builder().max_block_size(20).build();
    let stream = chunks(&["data: a\n\ndata: b\n\ndata: far too long a line\n\ndata: c\n\n"]);
    let mut events = EventStream::with_decoder(stream, decoder);
    assert_eq!(ready(events.next()).unwrap().unwrap().data(), "a");
    assert!(!events.is_terminated());
    assert_eq!(ready(events.next()).unwrap().unwrap().data(), "b");
    let error = ready(events.next()).unwrap().unwrap_err();
    let StreamError::Decode(refused) = error else { panic!("{error:?}") };
    assert_eq!(refused.kind(), DecodeErrorKind::BlockTooLarge { limit: 20 });
    assert!(events.is_terminated());
    assert_eq!(ready(events.next()), None);
    assert_eq!(ready(events.next()), None);
}

#[test]
fn a_skipped_block_does_not_end_it() {
    let decoder = Decoder::builder().max_block_size(20).on_error(OnError::SkipBlock).build();
    let stream = chunks(&["data: far too long a line\n\ndata: c\n\n"]);
    let mut events = EventStream::with_decoder(stream, decoder);
    assert!(ready(events.next()).unwrap().is_err());
    assert_eq!(ready(events.next()).unwrap().unwrap().data(), "c");
    assert_eq!(ready(events.next()), None);
}

#[test]
fn the_end_is_told_and_may_give_an_event() {
    let mut events = chunks(&["data: a\n\ndata: cut"]).events();
    assert_eq!(ready(events.by_ref().count()), 1);
    let end = events.end().unwrap();
    assert_eq!((end.is_clean(), end.pending_bytes(), end.had_data()), (false, 9, true));

    let decoder = Decoder::builder().at_end(AtEnd::Dispatch).build();
    let mut events = EventStream::with_decoder(chunks(&["data: cut"]), decoder);
    assert_eq!(ready(events.next()).unwrap().unwrap().data(), "cut");
    assert_eq!(ready(events.next()), None);
    assert!(!events.end().unwrap().is_clean());
}

#[test]
fn a_batch_is_what_is_ready() {
    let (sender, receiver) = channel();
    let mut events = receiver.events();
    let mut batch = Vec::new();
    let mut poll = |limit: usize| {
        batch.clear();
        let polled = ready(future::poll_fn(|cx| {
            Poll::Ready(Pin::new(&mut events).poll_batch(cx, &mut batch, limit))
        }));
        assert!(polled.is_pending() || polled == Poll::Ready(batch.len()));
        polled
    };
    assert_eq!(poll(9), Poll::Pending);
    sender.send(Ok("data: a\n\ndata: b\n\ndata: c\n\n")).unwrap();
    sender.send(Ok("data: d\n\n")).unwrap();
    assert_eq!(poll(2), Poll::Ready(2));
    assert_eq!(poll(9), Poll::Ready(2));
    sender.send(Ok("data: e\n\n")).unwrap();
    sender.send(Err("reset")).unwrap();
    sender.send(Ok("data: f\n\n")).unwrap();
    assert_eq!(poll(9), Poll::Ready(2), "an error ends a batch");
    assert_eq!(poll(9), Poll::Ready(1));
    drop(sender);
    assert_eq!(poll(9), Poll::Ready(0));
}

type Chunk<T> = Result<&'static T, &'static str>;

/// A channel as a stream, without a runtime.
fn channel() -> (Sender<Chunk<str>>, impl Stream<Item = Chunk<[u8]>> + Unpin) {
    let (sender, receiver) = std::sync::mpsc::channel::<Chunk<str>>();
    let stream = stream::poll_fn(move |_| match receiver.try_recv() {
        Ok(chunk) => Poll::Ready(Some(chunk.map(str::as_bytes))),
        Err(std::sync::mpsc::TryRecvError::Empty) => Poll::Pending,
        Err(std::sync::mpsc::TryRecvError::Disconnected) => Poll::Ready(None),
    });
    (sender, stream)
}

#[test]
fn items_have_comments_in_order() {
    let items = chunks(&[": a\ndata: b\n: c", "d\n\n"]).items();
    let items: Vec<_> = ready(items.map(Result::unwrap).collect());
    let [ItemBuf::Comment(a), ItemBuf::Comment(cd), ItemBuf::Event(b)] = &items[..] else {
        panic!("{items:?}");
    };
    assert_eq!((a.as_str(), cd.as_str(), b.data()), ("a", "cd", "b"));
}

#[test]
fn until_data_takes_no_more() {
    let mut events = chunks(&["data: a\n\ndata: [DONE]\n\ndata: b\n\n"]).events().until_data(DONE);
    assert_eq!(ready(events.by_ref().count()), 1);
    assert!(events.is_done());
    assert_eq!(ready(events.into_inner().next()).unwrap().unwrap().data(), "b");

    let mut events = chunks(&["data: a\n\n"]).events().until_data(DONE);
    assert_eq!(ready(events.by_ref().count()), 1);
    assert!(!events.is_done(), "the stream was cut");
}

#[test]
fn errors_of_any_type_and_their_sources() {
    struct NoError(std::rc::Rc<u8>);
    let chunks = stream::iter([Err::<&[u8], _>(NoError(std::rc::Rc::new(3)))]);
    let error = ready(chunks.events().next()).unwrap().unwrap_err();
    let StreamError::Transport(number) = error.map_transport(|error| *error.0) else { panic!() };
    assert_eq!(number, 3);

    let error = StreamError::Transport(io::Error::other("reset"));
    assert_eq!(error.to_string(), "the transport of the event stream failed");
    assert_eq!(error.source().unwrap().to_string(), "reset");
}

/// "It knows nothing of the rest of a chunk that is being read at the time", nor of the block in it.
#[test]
fn a_clone_in_mid_chunk_does_not_join_old_data_with_new() {
    const CHUNK: [&str; 1] = [": c\n\n: d\ndata: old\n: e\ndata: old\n: f\n\n: g\n"];
    for taken in 0..=4 {
        let mut items = chunks(&CHUNK).items();
        for _ in 0..taken {
            assert!(ready(items.next()).unwrap().is_ok());
        }
        let mut clone = items.decoder().clone();
        let mut events = clone.feed(b"data: new\n\n");
        let Ok(Some(Item::Event(event))) = events.next_item() else { panic!("{taken} taken") };
        assert_eq!(event.data(), "new", "{taken} taken");
        drop(events);
        assert!(ready(items.next()).is_some_and(|item| item.is_ok()));
    }

    // What is in the decoder's own buffer, the clone has, too.
    let mut items = chunks(&["data: a\nda", "ta: b\n: c\n\n"]).items();
    assert!(ready(items.next()).unwrap().is_ok());
    let mut clone = items.decoder().clone();
    let mut events = clone.feed(b"data: d\n\n");
    let Ok(Some(Item::Event(event))) = events.next_item() else { panic!("an event") };
    assert_eq!(event.data(), "a\nb\nd");
}
