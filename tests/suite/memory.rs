//! The law *bounded*, measured on the heap: a decoder holds at most twice the block limit, or three
//! times where it replaces bytes, and a constant of 64 KiB. After a large block it frees its
//! buffers, except for those of up to 64 KiB.
//!
//! The chunks are the caller's, and are not counted. Nothing that a decoder returns is kept.

use bytes::Bytes;
use sse_wire::{DecodeErrorKind, Decoder};

use crate::{
    faces::Settings,
    heap::{Usage, bytes, measure},
};

const LIMIT: usize = 128 << 10;

/// The memory that a decoder may hold in addition to blocks.
const CONSTANT: usize = 64 << 10;

/// Reads a chunk, and keeps nothing of the result.
type Read = Box<dyn FnMut(&Bytes)>;

/// A way to read a stream: its name, the number of owned copies of a block that the caller has at a
/// time (an event, a block), and a constructor.
type Face = (&'static str, usize, fn(&Settings) -> Read);

/// Returns all faces.
fn faces() -> Vec<Face> {
    let mut faces: Vec<Face> = vec![
        ("feed", 0, |settings| {
            let mut decoder = settings.events();
            Box::new(move |chunk| {
                let mut events = decoder.feed(chunk);
                while events.next_event() != Ok(None) {}
            })
        }),
        ("feed_bytes", 1, |settings| {
            let mut decoder = settings.events();
            Box::new(move |chunk| decoder.feed_bytes(chunk.clone()).for_each(drop))
        }),
        ("next_item", 0, |settings| {
            let mut decoder = settings.items();
            Box::new(move |chunk| {
                let mut events = decoder.feed(chunk);
                while events.next_item() != Ok(None) {}
            })
        }),
        ("blocks", 0, |settings| {
            let mut decoder = settings.blocks();
            Box::new(move |chunk| {
                let mut blocks = decoder.feed(chunk);
                loop {
                    match blocks.next_block() {
                        Ok(Some(mut block)) => drop(block.event().map(|_| ())),
                        Ok(None) => break,
                        Err(_) => {}
                    }
                }
            })
        }),
        ("owned blocks", 2, |settings| {
            let mut decoder = settings.blocks();
            Box::new(move |chunk| {
                for block in decoder.feed_bytes(chunk.clone()).flatten() {
                    drop(block.event());
                }
            })
        }),
    ];
    #[cfg(feature = "std")]
    faces.push(("reader", 1, |settings| {
        let queue = Queue::default();
        let mut events = sse_wire::EventReader::with_decoder(queue.clone(), settings.events());
        Box::new(move |chunk| {
            queue.push(chunk);
            while !matches!(events.next(), None | Some(Err(sse_wire::StreamError::Transport(_)))) {}
        })
    }));
    #[cfg(feature = "stream")]
    faces.push(("stream", 1, |settings| {
        use std::task::{Context, Poll, Waker};

        use futures_util::{StreamExt, stream};

        let queue = Queue::default();
        let chunks = queue.clone();
        let chunks = stream::poll_fn(move |_| match chunks.0.take() {
            chunk if chunk.is_empty() => Poll::Pending,
            chunk => Poll::Ready(Some(Ok::<_, ()>(chunk))),
        });
        let mut events = sse_wire::EventStream::with_decoder(chunks, settings.events());
        Box::new(move |chunk| {
            queue.push(chunk);
            let mut context = Context::from_waker(Waker::noop());
            while let Poll::Ready(Some(event)) = events.poll_next_unpin(&mut context) {
                drop(event);
            }
        })
    }));
    faces
}

/// The next chunk for an adapter.
#[derive(Clone, Default)]
struct Queue(std::rc::Rc<std::cell::Cell<Bytes>>);

impl Queue {
    fn push(&self, chunk: &Bytes) {
        self.0.set(chunk.clone());
    }
}

#[cfg(feature = "std")]
impl std::io::Read for Queue {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let mut chunk = self.0.take();
        if chunk.is_empty() {
            return Err(std::io::ErrorKind::WouldBlock.into());
        }
        let part = chunk.split_to(to.len().min(chunk.len()));
        to[..part.len()].copy_from_slice(&part);
        self.0.set(chunk);
        Ok(part.len())
    }
}

/// The factor of the limit that a decoder may hold for a stream.
#[derive(Clone, Copy, Debug)]
enum Text {
    Valid = 2,
    Replaced = 3,
}

/// Returns streams that make careless decoders hold too much: their start, and the bytes that
/// follow repeatedly.
fn hostile() -> Vec<(&'static str, Vec<u8>, Vec<u8>, Text)> {
    use Text::{Replaced, Valid};

    let block = |parts: &[(&str, &[u8], usize)]| {
        let field = |&(name, value, len): &(&str, &[u8], usize)| {
            [name.as_bytes(), &value.repeat(len / value.len()), b"\n"].concat()
        };
        let mut block: Vec<_> = parts.iter().map(field).collect();
        block.push(b"\n".to_vec());
        block.concat()
    };
    let most = LIMIT - 100;
    vec![
        ("one long line", b"data: ".to_vec(), b"x".to_vec(), Valid),
        ("short data lines", vec![], b"data\n".to_vec(), Valid),
        ("data lines with CRLF", vec![], b"data: x\r\n".to_vec(), Valid),
        ("an endless event type", b"event: ".to_vec(), b"t".to_vec(), Valid),
        ("event types again and again", vec![], b"event: some type\n".to_vec(), Valid),
        ("ids again and again", vec![], b"id: some id\n".to_vec(), Valid),
        ("an endless id", b"id: ".to_vec(), b"i".to_vec(), Valid),
        ("an id for each block", vec![], b"id: 12345678\n\n".to_vec(), Valid),
        ("endless digits", b"retry: ".to_vec(), b"9".to_vec(), Valid),
        ("an endless comment", vec![], b":".to_vec(), Valid),
        ("comments for ever", vec![], b": ping\n".to_vec(), Valid),
        ("comments within data", b"data: a\n".to_vec(), b": ping\n".to_vec(), Valid),
        ("an endless unknown field", vec![], b"x".to_vec(), Valid),
        ("events", vec![], b"data: x\n\n".to_vec(), Valid),
        ("invalid bytes", b"data: ".to_vec(), b"\xff".to_vec(), Replaced),
        ("invalid lines", vec![], b"data: \xff\xff\xff\n".to_vec(), Replaced),
        ("invalid event types", vec![], b"event: \xff\xff\xff\n".to_vec(), Replaced),
        ("invalid comments", vec![], b": \xff\xff\xff\n".to_vec(), Replaced),
        ("large lines", vec![], block(&[("data: ", b"x", most)]), Valid),
        ("large blocks", vec![], block(&[("", b"data: short\n", most)]), Valid),
        (
            "two large lines",
            vec![],
            block(&[("data: ", b"x", most / 2), ("data: ", b"x", most / 2)]),
            Valid,
        ),
        (
            "large fields",
            vec![],
            block(&[
                ("data: ", b"x", most / 4),
                ("event: ", b"x", most / 4),
                ("data: ", b"x", most / 4),
            ]),
            Valid,
        ),
        ("large comments", vec![], block(&[(": ", b"x", most)]), Valid),
        ("large invalid lines", vec![], block(&[("data: ", b"\xff", most / 3)]), Replaced),
        ("invalid lines that are too large", vec![], block(&[("data: ", b"\xff", most)]), Replaced),
        (
            "large invalid blocks",
            vec![],
            block(&[("", b"data: \xff\xff\xff\xff\xff\xff\n", most / 2)]),
            Replaced,
        ),
        (
            "large invalid fields in turn",
            vec![],
            [
                block(&[("data: ", b"\xff", most / 3)]),
                block(&[("data: ", b"x", 1), ("event: ", b"\xff", most / 3)]),
            ]
            .concat(),
            Replaced,
        ),
        ("invalid ids that are too large", vec![], block(&[("id: ", b"\xff", most)]), Replaced),
        ("large invalid comments", vec![], block(&[(": ", b"\xff", most / 3)]), Replaced),
    ]
}

#[test]
fn every_face_holds_no_more_than_it_may() {
    for (name, start, again, text) in hostile() {
        let stream: Vec<u8> = [start, again.repeat((3 * LIMIT).div_ceil(again.len()))].concat();
        for size in [256, usize::MAX] {
            let chunks: Vec<_> = stream.chunks(size).map(Bytes::copy_from_slice).collect();
            for (face, owned, new) in faces() {
                for settings in [
                    Settings::limited(LIMIT as u64),
                    Settings::limited(LIMIT as u64).skipping(),
                    Settings::limited(LIMIT as u64).skipping().rejecting(),
                ] {
                    // Creates the first chunk's reference count outside of the measurement.
                    let shared = chunks.clone();
                    let (usage, mut read) = measure(|| {
                        let mut read = new(&settings);
                        shared.iter().for_each(&mut read);
                        read
                    });
                    let told = |usage: Usage| {
                        format!("{name}, {face}, chunks of {size}, {settings:?}: {usage:?}")
                    };
                    let most = (text as usize + owned) * LIMIT + CONSTANT;
                    assert!(usage.peak <= bytes(most), "{}", told(usage));

                    // Ends the current block, and adds another one.
                    let (more, ()) = measure(|| {
                        for chunk in ["\n\n", "data: x\n\n", ""] {
                            read(&Bytes::from_static(chunk.as_bytes()));
                        }
                    });
                    let held = usage.live + more.live;
                    let most = text as usize * CONSTANT;
                    assert!(held <= bytes(most), "{held} bytes held; {}", told(usage));
                }
            }
        }
    }
}

/// The last event ID is held in addition, once.
#[test]
fn the_last_event_id_is_held_once() {
    let id = [b"id: ".as_slice(), &b"i".repeat(LIMIT - 10), b"\n\n"].concat();
    let lines = [b"data: short\n".repeat(LIMIT / 13), b"\n".to_vec()].concat();
    let stream = Bytes::from([id, lines].concat().repeat(3));
    for (face, owned, new) in faces() {
        for size in [1000, usize::MAX] {
            let chunks: Vec<_> = stream.chunks(size).map(Bytes::copy_from_slice).collect();
            let (usage, _) = measure(|| {
                let mut read = new(&Settings::limited(LIMIT as u64));
                chunks.iter().for_each(&mut read);
                read
            });
            let most = (2 + owned + 1) * LIMIT + CONSTANT;
            assert!(usage.peak <= bytes(most), "{face}, chunks of {size}: {usage:?}");
        }
    }
}

/// Unread bytes are bounded. If there are too many, the next call reports it, once and for all.
#[test]
fn unread_bytes_pile_up_to_the_limit_and_no_further() {
    for limit in [0, 1000, LIMIT] {
        let settings = Settings::limited(limit as u64).skipping();
        let most = limit.max(64 << 10);
        let told = DecodeErrorKind::UnreadTooLarge { limit: most as u64 };
        let chunk = Bytes::from("data: x\n\n".repeat(100));

        let mut decoder = settings.events();
        let mut fed = 0;
        let (usage, ()) = measure(|| {
            while fed + chunk.len() <= most {
                drop(decoder.feed(&chunk));
                fed += chunk.len();
                assert_eq!(decoder.pending_bytes(), fed as u64);
            }
            assert!(!decoder.has_failed());
            drop(decoder.feed(&chunk));
        });
        assert!(usage.peak <= bytes(2 * most + CONSTANT), "{usage:?}");
        assert!(usage.live <= bytes(CONSTANT), "what is lost is not held: {usage:?}");
        let mut events = decoder.feed(b"data: y\n\n");
        assert_eq!(events.next_event().expect_err("too much").kind(), told);
        assert_eq!(events.next_event(), Ok(None), "told once");
        drop(events);
        assert!(decoder.has_failed());
        assert_eq!(decoder.feed(b"data: z\n\n").next_event(), Ok(None));
        assert!(decoder.finish().is_ok());

        let mut decoder = settings.blocks();
        let (usage, ()) = measure(|| {
            for _ in 0..=most / chunk.len() {
                drop(decoder.feed(&chunk));
            }
        });
        assert!(usage.peak <= bytes(2 * most + CONSTANT), "{usage:?}");
        let mut blocks = decoder.feed(b"data: y\n\n");
        assert_eq!(blocks.next_block().expect_err("too much").kind(), told);
        assert!(blocks.next_block().expect("told once").is_none());
        drop(blocks);
        assert!(decoder.has_failed());
    }
}

/// The same if one item of each chunk is taken.
#[test]
fn chunks_of_which_one_item_is_taken_pile_up_no_further() {
    const MOST: usize = 64 << 10;

    let (settings, chunk) = (Settings::limited(1 << 10), Bytes::from("data: x\n\n".repeat(100)));
    let told = DecodeErrorKind::UnreadTooLarge { limit: MOST as u64 };
    let (usage, kind) = measure(|| {
        let mut decoder = settings.events();
        let mut chunks =
            (0..2 * MOST / chunk.len()).map(|_| decoder.feed(&chunk).next_event().err());
        chunks.find_map(|error| error).map(|error| error.kind())
    });
    assert_eq!(kind, Some(told));
    assert!(usage.peak <= bytes(3 * MOST + CONSTANT), "{usage:?}");

    let (usage, kind) = measure(|| {
        let mut decoder = settings.blocks();
        let mut chunks =
            (0..2 * MOST / chunk.len()).map(|_| decoder.feed_bytes(chunk.clone()).next()?.err());
        chunks.find_map(|error| error).map(|error| error.kind())
    });
    assert_eq!(kind, Some(told));
    assert!(usage.peak <= bytes(3 * MOST + CONSTANT), "{usage:?}");
}

/// The same if the chunks are small, and one of their two items is taken.
#[test]
fn what_is_left_of_small_chunks_piles_up_no_further() {
    let chunk = Bytes::from("data: x\n\ndata: y\n\n");
    let told = DecodeErrorKind::UnreadTooLarge { limit: LIMIT as u64 };
    let (usage, kind) = measure(|| {
        let mut decoder = Settings::limited(LIMIT as u64).events();
        let mut chunks =
            (0..3 * LIMIT / chunk.len()).map(|_| decoder.feed(&chunk).next_event().err());
        chunks.find_map(|error| error).map(|error| error.kind())
    });
    assert_eq!(kind, Some(told));
    assert!(usage.peak <= bytes(2 * LIMIT + CONSTANT), "{usage:?}");
}

/// A decoder that always has an unread event frees the memory of a large rest all the same.
#[test]
fn a_large_rest_is_freed_although_something_is_always_unread() {
    const EVENT: &str = "data: 0123456789\n\n";

    let burst = EVENT.repeat(10 * LIMIT / EVENT.len());
    let (usage, decoder) = measure(|| {
        let mut decoder = Decoder::new();
        drop(decoder.feed(burst.as_bytes()));
        // Catches up in small steps, but never quite.
        while decoder.pending_bytes() > 3 * EVENT.len() as u64 {
            let unread = decoder.pending_bytes() / EVENT.len() as u64;
            let mut events = decoder.feed(b"");
            for _ in 0..unread.div_ceil(20) {
                assert!(events.next_event().expect("no limit").is_some());
            }
        }
        for _ in 0..100 {
            assert!(decoder.feed(EVENT.as_bytes()).next_event().expect("no limit").is_some());
        }
        decoder
    });
    assert_eq!(decoder.pending_bytes(), 3 * EVENT.len() as u64);
    assert!(usage.live <= bytes(CONSTANT), "{usage:?}");
}

/// Chunks of nothing are nothing, whatever was left unread before them.
#[test]
fn chunks_of_nothing_do_not_pile_up() {
    const STREAM: &[u8] = b"data: a\n\ndata: b\n\n";

    let (mut events, mut blocks) = (Decoder::new(), sse_wire::BlockDecoder::new());
    drop(events.feed(STREAM));
    drop(blocks.feed(STREAM));
    let (usage, ()) = measure(|| {
        for _ in 0..1000 {
            drop(events.feed(b""));
            drop(events.feed_bytes(Bytes::new()));
            drop(blocks.feed(b""));
            drop(blocks.feed_bytes(Bytes::new()));
        }
    });
    assert!(usage.peak <= 256, "{usage:?}");
    assert_eq!((events.pending_bytes(), blocks.pending_bytes()), (18, 18));
    assert_eq!(
        (events.feed_bytes(Bytes::new()).count(), blocks.feed_bytes(Bytes::new()).count()),
        (2, 2)
    );
}

/// The end of the stream reports it too, and that data was cut off.
#[test]
fn the_end_reports_too_many_unread_bytes() {
    let chunk = "data: x\n\n".repeat(10_000);
    let mut decoder = Settings::limited(10).skipping().events();
    drop(decoder.feed(chunk.as_bytes()));
    let error = decoder.finish().expect_err("too much");
    assert_eq!(error.kind(), DecodeErrorKind::UnreadTooLarge { limit: 64 << 10 });
    assert!(decoder.has_failed());
    assert!(decoder.finish().expect("told once").is_clean());
    let mut events = decoder.feed(b"data: a\n\n");
    assert!(events.next_event().expect("a new stream").is_some());

    // Counts the whole of a chunk that was read only in part.
    let mut decoder = Decoder::builder().max_block_size(10).build();
    drop(decoder.feed(&chunk.as_bytes()[..64 << 10]));
    let end = decoder.finish().expect("just few enough");
    assert_eq!((end.pending_bytes(), end.had_data()), (64 << 10, true));
}

/// To look for data at the end, a decoder reads ahead in a copy of itself.
#[test]
fn the_end_of_a_stream_costs_no_more_than_the_stream() {
    let (line, rest) = ("x".repeat(LIMIT - 100), "data: y\n".repeat(LIMIT / 20));
    for at_end in [false, true] {
        let settings = Settings::limited(LIMIT as u64);
        let settings = if at_end { settings.dispatching() } else { settings };
        let (usage, ()) = measure(|| {
            let mut decoder = settings.events();
            assert_eq!(decoder.feed(b"event: ").next_event(), Ok(None));
            assert_eq!(decoder.feed(line.as_bytes()).next_event(), Ok(None));
            drop(decoder.feed(&rest.as_bytes()[..LIMIT / 4]));
            let end = decoder.finish().expect("no error");
            assert!(end.had_data());
        });
        assert!(usage.peak <= bytes(3 * LIMIT + CONSTANT), "{usage:?}");
    }
}

/// If a caller takes one event of each chunk and keeps it, it holds the events and a single copy of
/// the unread bytes. No event keeps the bytes alive that were unread at its time.
#[test]
fn events_that_are_kept_do_not_keep_what_was_unread() {
    const CHUNKS: usize = 1000;

    let event = Bytes::from("data: 流式传输 流式传输\n\n");
    let chunk = Bytes::from(event.repeat(10));
    let (usage, kept) = measure(|| {
        let mut decoder = Decoder::new();
        let take = |_| decoder.feed_bytes(chunk.clone()).next().expect("an event");
        (0..CHUNKS).map(take).collect::<Result<Vec<_>, _>>()
    });
    assert_eq!(kept.map(|kept| kept.len()), Ok(CHUNKS));
    let unread = CHUNKS * chunk.len();
    let events = CHUNKS * (event.len() + 2 * size_of::<sse_wire::EventBuf>());
    assert!(usage.peak <= bytes(3 * unread + events), "{usage:?}");
    assert!(usage.moved <= 3 * unread as u64, "{usage:?}");

    let (usage, kept) = measure(|| {
        let mut decoder = sse_wire::BlockDecoder::new();
        let take = |_| decoder.feed_bytes(chunk.clone()).next().expect("a block");
        (0..CHUNKS).map(take).collect::<Result<Vec<_>, _>>()
    });
    assert!(kept.is_ok_and(|kept| kept.len() == CHUNKS));
    assert!(usage.peak <= bytes(3 * unread + events), "{usage:?}");
    assert!(usage.moved <= 3 * unread as u64, "{usage:?}");
}

/// Copied events share the last event ID as well, whatever memory they were copied from.
#[test]
fn events_that_are_kept_share_the_last_event_id() {
    const EVENTS: usize = 100;

    let id = ["id: ", &"i".repeat(LIMIT - 10), "\n\n"].concat();
    let stream = Bytes::from([id, "data: short\n\n".repeat(EVENTS)].concat());
    let most = bytes(2 * LIMIT + stream.len() + CONSTANT);
    let measure_face = |face: &str, take: &mut dyn FnMut() -> Vec<sse_wire::EventBuf>| {
        let (usage, kept) = measure(take);
        assert_eq!(kept.len(), EVENTS, "{face}");
        assert!(kept.iter().all(|event| event.last_event_id().len() == LIMIT - 10));
        assert!(usage.peak <= most, "{face}: {usage:?}");
    };
    measure_face("feed_bytes", &mut || {
        Decoder::new().feed_bytes(stream.clone()).map(|event| event.expect("no limit")).collect()
    });
    measure_face("feed_bytes after a rest", &mut || {
        let mut decoder = Decoder::new();
        drop(decoder.feed_bytes(stream.clone()));
        decoder.feed_bytes(Bytes::new()).map(|event| event.expect("no limit")).collect()
    });
    measure_face("owned blocks", &mut || {
        let mut decoder = sse_wire::BlockDecoder::new();
        let blocks: Vec<_> = decoder.feed_bytes(stream.clone()).map(Result::unwrap).collect();
        blocks.iter().filter_map(|block| block.event().expect("no limit")).collect()
    });
    #[cfg(feature = "std")]
    measure_face("reader", &mut || {
        let events = sse_wire::EventReader::new(&stream[..]);
        events.map(|event| event.expect("no limit")).collect()
    });
    #[cfg(feature = "stream")]
    measure_face("stream", &mut || {
        use futures_util::{FutureExt, StreamExt, stream};

        let chunks = stream::iter([Ok::<_, ()>(stream.clone())]);
        let events = sse_wire::EventStream::new(chunks).map(|event| event.expect("no limit"));
        events.collect().now_or_never().expect("nothing to wait for")
    });
}

/// Short reads share an allocation, so that events that are kept do not hold one each.
#[cfg(feature = "std")]
#[test]
fn events_of_short_reads_share_memory() {
    const EVENTS: usize = 1000;

    struct Short(Bytes, usize);

    impl std::io::Read for Short {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            assert!(to.len() >= self.0.len(), "room for an event of usual length");
            self.1 += 1;
            let event = if self.1 > EVENTS { &[] } else { &self.0[..] };
            to[..event.len()].copy_from_slice(event);
            Ok(event.len())
        }
    }

    let event = Bytes::from(["data: ", &"x".repeat(192), "\n\n"].concat());
    let (usage, kept) = measure(|| {
        sse_wire::EventReader::new(Short(event.clone(), 0)).collect::<Result<Vec<_>, _>>()
    });
    assert_eq!(kept.expect("no error").len(), EVENTS);
    let each = 2 * event.len() + 2 * size_of::<sse_wire::EventBuf>();
    assert!(usage.peak <= bytes(EVENTS * each + CONSTANT), "{usage:?}");
    assert!(usage.moved <= (2 * EVENTS * size_of::<sse_wire::EventBuf>()) as u64, "{usage:?}");

    // Memory that nothing shares is reused.
    let (usage, count) =
        measure(|| sse_wire::EventReader::new(Short(event.clone(), 0)).map(drop).count());
    assert_eq!(count, EVENTS);
    assert!(usage.count < 20, "{usage:?}");
}
