//! Memory and types: what a decoder costs an application.

use bytes::Bytes;
use sse_wire::{
    Block, BlockBuf, BlockDecoder, BlockFilter, DecodeError, Decoder, Encoder, Event, EventBuf,
    EventId, EventType, Frame, InvalidValue, Stats, Verdict,
};

use crate::heap::{Usage, measure};

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
    // Only the last event ID is kept: its text, and its reference count. The next ID reuses them.
    assert_eq!(measure(|| drain(&mut decoder, stream.as_bytes())).0.count, 2);
    assert_eq!(measure(|| drain(&mut decoder, b"id: 2\n\n")).0.count, 0);
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
fn an_owned_event_shares_its_chunk() {
    let text = "event: e\nid: 1\ndata: a\n\ndata: x\n\n".repeat(100);
    // A chunk made from a `Vec` allocates its reference count when it is shared for the first time.
    for (chunk, allocations) in [
        (Bytes::from(text.clone().into_bytes()), 1),
        (Bytes::copy_from_slice(text.as_bytes()).slice(1..), 0),
    ] {
        let mut decoder = Decoder::new();
        assert_eq!(drain(&mut decoder, b"id: 1\n\n"), 0);
        let (usage, count) = measure(|| decoder.feed_bytes(chunk).count());
        assert_eq!((usage.count, count), (allocations, 200));
    }
}

#[test]
fn an_owned_event_out_of_the_buffer_is_one_allocation() {
    let stream = "data: a\n\nevent: e\ndata: x\n\n".repeat(100);
    let chunks = || stream.as_bytes().chunks(4).map(Bytes::copy_from_slice).collect::<Vec<_>>();
    let mut decoder = Decoder::new();
    let mut read = |chunks: Vec<Bytes>| {
        let events = |chunk| decoder.feed_bytes(chunk).flatten().count();
        chunks.into_iter().map(events).sum::<usize>()
    };
    assert_eq!(read(chunks()), 200, "the buffer is made once");
    let again = chunks();
    let (usage, count) = measure(|| read(again));
    assert_eq!((usage.count, count), (200, 200));
}

#[test]
fn a_detached_event_releases_its_chunk() {
    let chunk = Bytes::from(["data: a\n\n", &"x".repeat(1 << 20)].concat());
    let mut decoder = Decoder::new();
    let (usage, event) = measure(|| {
        let event = decoder.feed_bytes(chunk).next().expect("an event").expect("no limit");
        decoder.reset_for_reconnect();
        event.detach()
    });
    assert!(usage.live < 0, "the chunk is gone");
    assert_eq!(event.data(), "a");
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
fn a_large_event_gives_its_memory_back() {
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
                assert!(block.event().expect("text").is_some());
            }
        }
    });
    assert!(usage.live <= 64 << 10, "{} bytes held", usage.live);
}

/// The law *linear*: growing buffers move less than twice the bytes that were read in total.
#[test]
fn no_byte_is_moved_repeatedly() {
    let long = [b"data: ".as_slice(), &vec![b'x'; 16 << 20], b"\n\n"].concat();
    let many = [b"data: short\n".repeat(70_000), b"\n".to_vec()].concat();
    let mixed = [b"data: a\nevent: b\nid: c\n".repeat(20_000), b"\n".to_vec()].concat();
    for (name, stream, sizes) in [
        ("one line of 16 MiB", &long, &[1024, usize::MAX][..]),
        ("70 000 data lines", &many, &[1, 1024, usize::MAX]),
        ("fields in turn", &mixed, &[1, 1024, usize::MAX]),
    ] {
        for &size in sizes {
            let mut decoder = Decoder::builder().max_block_size(u64::MAX).build();
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
fn types_are_small() {
    assert!(size_of::<Decoder>() <= 264, "{}", size_of::<Decoder>());
    assert!(size_of::<Event<'_>>() <= 80, "{}", size_of::<Event<'_>>());
    assert!(size_of::<EventBuf>() <= 104, "{}", size_of::<EventBuf>());
    assert!(size_of::<DecodeError>() <= 24, "{}", size_of::<DecodeError>());
}

#[test]
fn types_are_send_sync_and_unpin() {
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
    assert!(format!("{:?}", EventType::new(&long)).len() < 1000);
    assert!(format!("{:?}", EventId::new(&long)).len() < 1000);
    assert!(format!("{:?}", sse_wire::Item::Comment(&long)).len() < 1000);
    assert!(format!("{:?}", Frame::from(Event::new(&long))).len() < 1000);
}

#[test]
fn a_filter_does_not_allocate_for_kept_blocks() {
    let chunk = Bytes::from("event: e\ndata: a\n\n: c\n\n".repeat(1000));
    let mut filter = BlockFilter::new(|_, _| Verdict::Keep);
    let mut output = Vec::with_capacity(4);
    let (usage, ()) = measure(|| filter.pass(&chunk, &mut output));
    assert_eq!(output.concat(), chunk);
    // The chunk allocates its reference count when it is shared for the first time.
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
