//! Tests `EventStream` and `ItemStream`.

use std::{
    cell::Cell,
    error::Error,
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::mpsc::Sender,
    task::Poll,
};

use bytes::Bytes;
use futures_core::FusedStream;
use futures_util::{Stream, StreamExt, future, stream};
use sse_wire::{
    AtEnd, ByteStreamExt, DONE, DecodeErrorKind, Decoder, Decoding, Event, EventBuf, EventStream,
    EventStreamExt, Item, ItemBuf, OnError, StreamError, TransportError,
};

use crate::polling::{count_wakes, ready};

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
fn an_error_of_the_transport_ends_it_and_dispatches_nothing() {
    for at_end in [AtEnd::Discard, AtEnd::Dispatch] {
        let chunks = [Ok(&b"data: a\n\ndata: {\"a\":1"[..]), Err("reset"), Ok(b"}\n\ndata: b\n\n")];
        let decoder = Decoder::builder().at_end(at_end).build();
        let mut events = EventStream::with_decoder(stream::iter(chunks), decoder);
        assert_eq!(ready(events.next()).unwrap().unwrap().data(), "a");
        assert!(!events.has_failed() && !events.is_terminated());
        assert_eq!(ready(events.next()), Some(Err(StreamError::Transport("reset"))));
        for _ in 0..2 {
            assert!(events.has_failed() && events.is_terminated());
            assert_eq!((events.end(), events.pending_bytes()), (None, 12));
            assert_eq!(ready(events.next()), None);
        }
    }
}

#[test]
fn what_was_unread_comes_although_no_chunk_follows() {
    let mut decoder = Decoder::new();
    drop(decoder.feed(b"data: a\n\ndata: b\n\n"));
    let mut events = EventStream::with_decoder(chunks(&[]), decoder.clone());
    assert_eq!(ready(events.next()).unwrap().unwrap().data(), "a");
    assert_eq!(ready(events.next()).unwrap().unwrap().data(), "b");
    assert_eq!(ready(events.next()), None);
    assert!(events.end().unwrap().is_clean());

    let broken = stream::iter([Err::<&[u8], _>("reset")]);
    let events: Vec<_> = ready(EventStream::with_decoder(broken, decoder).collect());
    assert!(matches!(events[..], [Ok(_), Ok(_), Err(StreamError::Transport("reset"))]));
}

#[test]
fn chunks_without_events_that_are_always_ready_give_way() {
    // How many of them one poll takes at most.
    for (chunk, most) in [(String::new(), 600), (": ping\n\n".repeat(2048), 9)] {
        let taken = Cell::new(0);
        let source = stream::repeat_with(|| {
            taken.set(taken.get() + 1);
            Ok::<_, ()>(Bytes::from(chunk.clone()))
        });
        let event = stream::once(future::ready(Ok(Bytes::from("data: a\n\n"))));
        let mut events = source.take(5 * most).chain(event).events();
        let mut polls = 0;
        let event = loop {
            taken.set(0);
            let (polled, wakes) = count_wakes(|cx| events.poll_next_unpin(cx));
            assert!(taken.get() <= most, "{} chunks in a poll", taken.get());
            polls += 1;
            if let Poll::Ready(event) = polled {
                break event;
            }
            assert_eq!(wakes, 1, "it is polled again");
        };
        assert_eq!(event.unwrap().unwrap().data(), "a");
        assert!((5..20).contains(&polls), "{polls} polls");
    }
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
    assert_eq!(poll(9), Poll::Ready(0), "and the stream");
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
fn what_is_told_passes_through_every_adapter() {
    let chunks = || chunks(&["id: 7\ndata: 1\n\nretry: 5\ndata: cut"]);
    let mut values = chunks().events().must_end_with(DONE).json::<u8>();
    assert!(matches!(ready(values.next()), Some(Ok(1))));
    assert_eq!((values.last_event_id(), values.end(), values.has_failed()), ("7", None, false));
    assert!(ready(values.next()).unwrap().is_err());
    assert_eq!(values.end().unwrap().pending_bytes(), 18);
    assert_eq!(values.pending_bytes(), 18);
    assert_eq!(values.decoder().reconnection_time().unwrap().as_millis(), 5);

    let mut pinned = Box::pin(chunks().events().until_data(DONE));
    assert_eq!(ready(pinned.by_ref().count()), 1);
    assert_eq!(pinned.last_event_id(), "7");
    assert_eq!(Decoding::end(&pinned).unwrap().pending_bytes(), 18);

    let mut data = Vec::new();
    let observe = |event: Result<Event<'_>, _>| data.push(event.unwrap().data().to_owned());
    let decoder = Decoder::builder().at_end(AtEnd::Dispatch).build();
    let mut tap = chunks().tap_events(observe).with_decoder(decoder);
    assert_eq!(ready(tap.by_ref().count()), 1);
    assert_eq!((tap.last_event_id(), tap.end().unwrap().pending_bytes()), ("7", 18));
    assert_eq!(ready(tap.next()), None);
    drop(tap);
    assert_eq!(data, ["1", "cut"]);

    let broken = [Ok(&b"data: cut"[..]), Err("reset"), Ok(b"\n\n")];
    let observe = |event: Result<Event<'_>, _>| panic!("{event:?}");
    let mut tap = stream::iter(broken).tap_events(observe);
    assert_eq!(ready(tap.by_ref().count()), 3);
    assert_eq!((tap.has_failed(), tap.end(), tap.pending_bytes()), (true, None, 9));
}

#[test]
fn a_panic_of_an_observer_loses_no_chunk_and_no_event_after_it() {
    let mut data = Vec::new();
    let observe = |event: Result<Event<'_>, _>| {
        data.push(event.unwrap().data().to_owned());
        assert!(!["a", "c"].contains(&data[data.len() - 1].as_str()), "on purpose");
    };
    // The decoder has an event of its own, and there are no more chunks after the panic.
    let mut decoder = Decoder::new();
    drop(decoder.feed(b"data: a\n\n"));
    let sent = ["data: b\n\nda", "ta: c\n\ndata: d\n\n"];
    let mut tap = chunks(&sent).tap_events(observe).with_decoder(decoder);
    let (mut passed, mut panics) = (Vec::new(), 0);
    loop {
        match catch_unwind(AssertUnwindSafe(|| ready(tap.next()))) {
            Ok(Some(chunk)) => passed.push(chunk.unwrap()),
            Ok(None) => break,
            Err(_) => panics += 1,
        }
    }
    drop(tap);
    assert_eq!((passed, panics), (sent.map(Bytes::from).to_vec(), 2));
    assert_eq!(data, ["a", "b", "c", "d"]);
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

type BoxError = Box<dyn Error + Send + Sync>;

/// An error with a cause.
#[derive(Debug)]
struct Http(io::Error);

impl fmt::Display for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("request failed")
    }
}

impl Error for Http {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn messages(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut messages = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        messages.push(error.to_string());
        next = error.source();
    }
    messages
}

#[test]
fn every_chain_reaches_the_first_cause_and_repeats_nothing() {
    const CHAIN: [&str; 3] =
        ["the transport of the event stream failed", "request failed", "reset"];
    let http = || Http(io::Error::other("reset"));
    let chunks = || stream::iter([Err::<&[u8], _>(http())]);

    let error = ready(chunks().events().next()).unwrap().unwrap_err();
    assert_eq!(messages(&error), CHAIN);
    let error = ready(chunks().items().next()).unwrap().unwrap_err();
    assert_eq!(messages(&error), CHAIN);
    let mut values = chunks().events().must_end_with(DONE).json::<u8>();
    let error = ready(values.next()).unwrap().unwrap_err();
    assert_eq!(messages(&error), CHAIN);
    assert_eq!(messages(&StreamError::Transport(http()).boxed()), CHAIN);
    let boxed = chunks().map(|chunk| chunk.map_err(TransportError::new));
    let mut values = boxed.events().json::<u8>();
    assert_eq!(messages(&ready(values.next()).unwrap().unwrap_err()), CHAIN);

    let decoder = Decoder::builder().max_block_size(4).build();
    let refused = EventStream::with_decoder(self::chunks(&["data: 1\n\n"]), decoder);
    let error = ready(refused.boxed_errors().next()).unwrap().unwrap_err();
    assert_eq!(
        messages(&error),
        ["block larger than the limit of 4 bytes, at byte 0 of the stream"]
    );
}

#[test]
fn boxed_errors_pass_through_the_question_mark() {
    let fails = || {
        let chunks = stream::iter([Err::<&[u8], BoxError>(Box::new(Http(io::Error::other("x"))))]);
        ready(chunks.events().next()).unwrap()
    };
    let ours = || -> Result<EventBuf, StreamError> { Ok(fails()?) };
    let boxed = || -> Result<EventBuf, BoxError> { Ok(ours()?) };
    let local = || -> Result<EventBuf, Box<dyn Error>> { Ok(fails().map_err(StreamError::boxed)?) };
    let anyhow = || -> anyhow::Result<EventBuf> { Ok(ours()?) };

    assert!(boxed().unwrap_err().source().unwrap().is::<Http>());
    assert!(local().unwrap_err().source().unwrap().is::<Http>());
    assert!(anyhow().unwrap_err().chain().any(<dyn Error>::is::<Http>));
    assert!(anyhow().unwrap_err().root_cause().is::<io::Error>());

    // And the other way round: `anyhow::Error`, and what is no error at all, can be a transport's.
    let odd = StreamError::Transport(anyhow::anyhow!("inner").context("outer")).boxed();
    assert_eq!(messages(&odd)[1..], ["outer", "inner"]);
    assert_eq!(messages(&StreamError::Transport("text").boxed())[1..], ["text"]);
}

/// Adds what every user may write.
trait BoxedErrors: Stream<Item = Result<EventBuf, StreamError<&'static str>>> + Sized {
    fn boxed_errors(self) -> impl Stream<Item = Result<EventBuf, StreamError>> + Unpin
    where
        Self: Unpin,
    {
        self.map(|event| Ok(event?))
    }
}

impl<S: Stream<Item = Result<EventBuf, StreamError<&'static str>>>> BoxedErrors for S {}

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

/// As the documentation of `decoder` says.
#[test]
fn statistics_count_events_at_once_and_bytes_by_chunks() {
    let chunks = stream::iter([Ok::<_, ()>("data: a\n\ndata: b\n\n: c\n\n"), Ok("data: d\n\n")]);
    let mut events = chunks.events();
    for (data, count, bytes) in [("a", 1, 0..=9), ("b", 2, 0..=23), ("d", 3, 23..=32)] {
        assert_eq!(ready(events.next()).unwrap().unwrap().data(), data);
        let stats = events.decoder().stats();
        assert_eq!(stats.events, count);
        assert!(bytes.contains(&stats.bytes), "{} bytes after {data}", stats.bytes);
    }
    assert_eq!(ready(events.next()), None);
    assert_eq!(events.decoder().stats().bytes, 32);
}
