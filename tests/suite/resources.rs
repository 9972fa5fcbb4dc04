//! Memory and types: what an application pays for a decoder.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use bytes::Bytes;
use sse_wire::{
    Block, BlockBuf, BlockDecoder, BlockFilter, DecodeError, Decoder, Encoder, Event, EventBuf,
    EventId, EventType, Frame, InvalidValue, Stats, Verdict,
};

thread_local! {
    static USAGE: Cell<Usage> = const { Cell::new(Usage { count: 0, live: 0, peak: 0, moved: 0 }) };
}

/// Heap use of this thread.
#[derive(Clone, Copy, Default)]
struct Usage {
    count: u64,
    live: i64,
    peak: i64,
    /// Bytes that had to be moved because an allocation grew.
    moved: u64,
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn grow(bytes: usize, count: u64) {
    let bytes = i64::try_from(bytes).expect("no allocation is that large");
    // Threads that end have no counter any more.
    let _ = USAGE.try_with(|usage| {
        let Usage { count: before, live, peak, moved } = usage.get();
        let live = live + bytes;
        usage.set(Usage { count: before + count, live, peak: peak.max(live), moved });
    });
}

fn shrink(bytes: usize) {
    let bytes = i64::try_from(bytes).expect("no allocation is that large");
    let _ =
        USAGE.try_with(|usage| usage.set(Usage { live: usage.get().live - bytes, ..usage.get() }));
}

// SAFETY: passes every call on to the system's allocator; the counters are plain cells.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size(), 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        shrink(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        shrink(layout.size());
        grow(size, 1);
        let moved = layout.size() as u64;
        let _ = USAGE.try_with(|usage| {
            usage.set(Usage { moved: usage.get().moved + moved, ..usage.get() });
        });
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What the heap of this thread went through meanwhile: allocations, bytes still held, peak.
fn measure<T>(work: impl FnOnce() -> T) -> (Usage, T) {
    let before = USAGE.with(Cell::get);
    USAGE.set(Usage { peak: before.live, ..before });
    let value = work();
    let after = USAGE.with(Cell::get);
    let usage = Usage {
        count: after.count - before.count,
        live: after.live - before.live,
        peak: after.peak - before.live,
        moved: after.moved - before.moved,
    };
    (usage, value)
}

fn drain(decoder: &mut Decoder, chunk: &[u8]) -> u64 {
    let (mut events, mut count) = (decoder.feed(chunk), 0);
    while events.next_event().expect("within the limit").is_some() {
        count += 1;
    }
    count
}

#[test]
fn nothing_is_allocated_before_a_block_straddles_chunks() {
    let stream = ": hi\nid: 1\nevent: e\ndata: 你好\nretry: 5\n\ndata: x\r\n\r\n\r\n".repeat(20);
    let (usage, mut decoder) = measure(|| {
        let mut decoder = Decoder::new();
        assert_eq!(drain(&mut decoder, b"data: 1\n\n: comment\n\n"), 1);
        assert_eq!(drain(&mut decoder, b""), 0);
        decoder
    });
    assert_eq!(usage.count, 0);
    // The last event ID is the one thing that is kept.
    assert_eq!(measure(|| drain(&mut decoder, stream.as_bytes())).0.count, 1);
    assert_eq!(
        measure(|| BlockDecoder::new().feed(b"data: 1\n\n").next_block().is_ok()).0.count,
        0
    );
    assert_eq!(measure(|| Encoder::new().as_bytes().len()).0.count, 0);
}

#[test]
fn the_steady_state_allocates_nothing() {
    let stream = "id: 10\nevent: e\ndata: 你好\ndata: two\n\n: c\n\ndata: x\n\n".repeat(50);
    for size in [1, 7, 64, 1400] {
        let mut decoder = Decoder::new();
        let chunks = || stream.as_bytes().chunks(size);
        assert_eq!(chunks().map(|chunk| drain(&mut decoder, chunk)).sum::<u64>(), 100);
        let (usage, count) =
            measure(|| chunks().map(|chunk| drain(&mut decoder, chunk)).sum::<u64>());
        assert_eq!((usage.count, count), (0, 100), "chunks of {size}");
    }
}

#[test]
fn an_owned_event_is_one_allocation() {
    let chunk = Bytes::from("event: e\nid: 1\ndata: a\n\ndata: x\n\n".repeat(100));
    let mut decoder = Decoder::new();
    decoder.feed_bytes(chunk.clone()).for_each(drop);
    let (usage, count) = measure(|| decoder.feed_bytes(chunk).count());
    assert_eq!((usage.count, count), (200, 200));
}

#[test]
fn a_frame_is_one_allocation_and_the_encoder_keeps_its_buffer() {
    for size in [10, 10_000] {
        let data = "x".repeat(size);
        let mut encoder = Encoder::with_capacity(size + 64);
        let (usage, ()) = measure(|| {
            for _ in 0..100 {
                assert_eq!(encoder.event(Event::new(&data)).take().as_bytes().len(), size + 8);
            }
        });
        assert_eq!(usage.count, 100, "frames of {size}");
    }
}

#[test]
fn a_large_frame_is_not_copied() {
    let data = "x".repeat(1 << 20);
    let mut encoder = Encoder::new();
    encoder.event(Event::new(&data));
    let (usage, frame) = measure(|| encoder.take());
    assert!(usage.peak < 1000 && frame.as_bytes().len() > data.len(), "{} bytes", usage.peak);
}

#[test]
fn a_large_owned_event_takes_over_the_buffer() {
    let stream = [b"data: ".as_slice(), &vec![b'x'; 4 << 20], b"\n\n"].concat();
    let chunks: Vec<_> = stream.chunks(16 << 10).map(Bytes::copy_from_slice).collect();
    let mut decoder = Decoder::new();
    let (usage, events) = measure(|| {
        let mut events = Vec::new();
        for chunk in chunks {
            events.extend(decoder.feed_bytes(chunk).map(|event| event.expect("within the limit")));
        }
        events
    });
    assert_eq!(events[0].data().len(), 4 << 20);
    assert!(usage.peak < 6 << 20, "{} bytes at most", usage.peak);
}

#[test]
fn a_large_event_does_not_hold_its_memory() {
    let mut decoder = Decoder::new();
    let line = [b"data: ".as_slice(), &vec![b'x'; 4 << 20], b"\n\n"].concat();
    let (usage, ()) = measure(|| {
        for chunk in line.chunks(16 << 10) {
            drain(&mut decoder, chunk);
        }
    });
    assert!(usage.peak > 4 << 20);
    assert!(usage.live <= 64 << 10, "{} bytes held", usage.live);

    let lines = [b"data: x\n".repeat(1 << 17), b"\n".to_vec()].concat();
    let mut decoder = BlockDecoder::new();
    let (usage, ()) = measure(|| {
        for chunk in line.chunks(16 << 10).chain(lines.chunks(16 << 10)) {
            if let Ok(Some(mut block)) = decoder.feed(chunk).next_block() {
                assert!(block.event().is_some());
            }
        }
    });
    assert!(usage.live <= 64 << 10, "{} bytes held", usage.live);
}

/// A constant beside the block limit: rounding and what small buffers keep.
const SLACK: i64 = 64 << 10;

#[test]
fn memory_stays_within_the_limit() {
    const LIMIT: usize = 1 << 20;
    const BOUND: i64 = 1 << 20;
    let cases: [(&str, &[u8], &[u8], i64); 9] = [
        ("one long line", b"data: ", b"x", BOUND),
        ("short data lines", b"", b"data\n", BOUND),
        ("an endless event type", b"event: ", b"t", BOUND),
        ("event types again and again", b"", b"event: some type\n", 0),
        ("an endless id", b"id: ", b"i", BOUND),
        ("endless digits", b"retry: ", b"9", 0),
        ("an endless comment", b"", b":", 0),
        ("an endless unknown field", b"", b"x", 0),
        ("invalid bytes", b"data: ", b"\xff", BOUND),
    ];
    for (name, start, again, expected) in cases {
        for size in [1, 1000] {
            let mut decoder = Decoder::builder().max_block_size(LIMIT as u64).build();
            let chunk = again.repeat(size);
            let (usage, error) = measure(|| {
                drain(&mut decoder, start);
                for _ in 0..2 * LIMIT / chunk.len() {
                    if let Err(error) = decoder.feed(&chunk).next_event() {
                        return Some(error);
                    }
                }
                None
            });
            assert!(error.is_some_and(|error| error.is_fatal()), "{name}: no error");
            let told = format!("{name}, {size} at a time: {} bytes at most", usage.peak);
            eprintln!("{told}");
            assert!(usage.peak <= expected + SLACK, "{told}");
        }
    }
}

/// Linear: buffers grow, but all their growth moves less than twice what was read.
#[test]
fn nothing_is_moved_again_and_again() {
    let long = [b"data: ".as_slice(), &vec![b'x'; 16 << 20], b"\n\n"].concat();
    let many = [b"data: short\n".repeat(70_000), b"\n".to_vec()].concat();
    let mixed = [b"data: a\nevent: b\nid: c\n".repeat(20_000), b"\n".to_vec()].concat();
    for (name, stream, sizes) in [
        ("one line of 16 MiB", &long, &[1024, usize::MAX][..]),
        ("70 000 data lines", &many, &[1, 1024, usize::MAX]),
        ("fields in turn", &mixed, &[1, 1024, usize::MAX]),
    ] {
        for &size in sizes {
            let mut decoder = Decoder::builder().unlimited_block_size().build();
            let (usage, count) = measure(|| {
                stream.chunks(size).map(|chunk| drain(&mut decoder, chunk)).sum::<u64>()
            });
            assert_eq!(count, 1);
            let (len, Usage { count, moved, .. }) = (stream.len() as u64, usage);
            let told = format!(
                "{name}, chunks of {size}: {count} allocations, {moved} of {len} bytes moved"
            );
            eprintln!("{told}");
            assert!(moved <= 2 * len && count < 100, "{told}");
        }
    }
}

#[test]
fn a_failed_decoder_holds_nothing() {
    let mut decoder = Decoder::builder().max_block_size(10).build();
    assert!(decoder.feed(b"data: too long\n").next_event().is_err());
    let chunk = vec![b'x'; 1 << 20];
    let (usage, ()) = measure(|| drop(decoder.feed(&chunk)));
    assert_eq!(usage.count, 0);
    assert_eq!(decoder.stats().bytes, 15 + (1 << 20));
}

#[test]
fn several_large_fields_share_the_limit() {
    const LIMIT: usize = 1 << 20;
    const BOUND: i64 = 1 << 20;
    let part = vec![b'x'; LIMIT / 4];
    let block = [
        b"data: ",
        &part[..],
        b"\nevent: ",
        &part,
        b"\nid: ",
        &part,
        b"\ndata: ",
        &part[..99],
        b"\n\n",
    ]
    .concat();
    let mut decoder = Decoder::builder().max_block_size(LIMIT as u64).build();
    let (usage, count) =
        measure(|| block.chunks(100).map(|chunk| drain(&mut decoder, chunk)).sum::<u64>());
    assert_eq!(count, 1);
    assert!(usage.peak <= BOUND + SLACK, "{} bytes", usage.peak);
}

#[test]
fn types_are_small() {
    assert!(size_of::<Decoder>() <= 256, "{}", size_of::<Decoder>());
    assert!(size_of::<Event<'_>>() <= 80, "{}", size_of::<Event<'_>>());
    assert!(size_of::<EventBuf>() <= 64, "{}", size_of::<EventBuf>());
    assert!(size_of::<DecodeError>() <= 48, "{}", size_of::<DecodeError>());
}

#[test]
fn types_can_go_everywhere() {
    fn everywhere<T: Send + Sync + Unpin + 'static>() {}
    fn debug<T: std::fmt::Debug>() {}
    everywhere::<Decoder>();
    everywhere::<BlockDecoder>();
    everywhere::<Encoder>();
    everywhere::<Event<'static>>();
    everywhere::<EventBuf>();
    everywhere::<BlockBuf>();
    everywhere::<Frame>();
    everywhere::<EventType<'static>>();
    everywhere::<EventId<'static>>();
    everywhere::<Stats>();
    everywhere::<DecodeError>();
    everywhere::<InvalidValue>();
    everywhere::<sse_wire::Events<'static>>();
    everywhere::<sse_wire::Blocks<'static>>();
    debug::<Block<'_>>();
    debug::<Decoder>();
    debug::<BlockDecoder>();
}

#[test]
fn debug_forms_do_not_flood_a_log() {
    let long = "你".repeat(5000);
    assert!(format!("{:?}", Event::new(&long)).len() < 1000);
    let mut decoder = Decoder::new();
    drain(&mut decoder, format!("data: {long}").as_bytes());
    assert!(format!("{decoder:?}").len() < 1000);
}

#[test]
fn a_filter_allocates_for_no_block_that_passes() {
    let chunk = Bytes::from("event: e\ndata: a\n\n: c\n\n".repeat(1000));
    let mut filter = BlockFilter::new(|_, _| Verdict::Keep);
    let mut output = Vec::with_capacity(4);
    let (usage, ()) = measure(|| filter.pass(&chunk, &mut output));
    assert_eq!(output.concat(), chunk);
    // The first time that the chunk is shared, its reference count is made.
    assert!(usage.count <= 1, "{}", usage.count);
}

#[cfg(feature = "std")]
#[test]
fn a_reader_allocates_no_more_than_its_events() {
    struct Drip<'a>(&'a [u8]);
    impl std::io::Read for Drip<'_> {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            let len = to.len().min(100);
            self.0.read(&mut to[..len])
        }
    }
    let stream = "data: a\n\n".repeat(1000);
    let mut events = sse_wire::EventReader::new(Drip(stream.as_bytes()));
    assert!(events.next().is_some());
    let (usage, count) = measure(|| events.count());
    assert_eq!(count, 999);
    assert!(usage.count <= 1010, "{}", usage.count);
}
