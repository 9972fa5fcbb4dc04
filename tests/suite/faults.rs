//! Bugs of earlier versions, each with the smallest program that showed it.

use std::mem;

use bytes::Bytes;
use sse_wire::{
    AtEnd, BlockDecoder, BodyKind, DecodeError, DecodeErrorKind, Decoder, EventBuf, InvalidUtf8,
    Item,
};

use crate::{
    faces::Settings,
    heap::{bytes, measure},
};

/// A server may send a large ID once, and then only small events.
#[test]
fn owned_events_share_a_large_last_event_id() {
    const LEN: usize = 15 << 20;
    let id = [b"id: ".as_slice(), &b"i".repeat(LEN), b"\n\n"].concat();
    let (usage, events) = measure(|| {
        let mut decoder = Decoder::new();
        assert_eq!(decoder.feed(&id).next_event(), Ok(None));
        let chunk = Bytes::from("data\n\n".repeat(200));
        decoder.feed_bytes(chunk).collect::<Result<Vec<EventBuf>, _>>().expect("no limit")
    });
    assert!(events.len() == 200 && events.iter().all(|event| event.last_event_id().len() == LEN));
    assert!(usage.live < 17 << 20, "{} bytes held", usage.live);
    let (usage, ()) = measure(|| drop(events));
    assert!(usage.live < -(15 << 20), "all of it is given back");
}

/// A late LF is part of the next block's raw bytes, even if that block was left unread.
#[test]
fn a_late_line_feed_stays_with_a_block_that_was_left_unread() {
    let mut decoder = BlockDecoder::new();
    let mut raw = Vec::new();
    let mut blocks = decoder.feed(b"data: a\r\n\r");
    raw.extend_from_slice(blocks.next_block().expect("no limit").expect("a block").raw());
    drop(blocks);
    drop(decoder.feed(b"\nid: 12\ndata: b\n\n"));
    let mut blocks = decoder.feed(b"");
    let block = blocks.next_block().expect("no limit").expect("a block");
    let lines: Vec<_> = block.lines().map(|line| line.raw().to_vec()).collect();
    assert_eq!(lines, [b"id: 12\n".to_vec(), b"data: b\n".to_vec()]);
    assert_eq!(block.rewrite().with_data("new").to_bytes(), "\nid: 12\ndata: new\n\n");
    raw.extend_from_slice(block.raw());
    drop(blocks);
    assert_eq!(decoder.last_event_id(), "12");
    assert_eq!(raw.escape_ascii().to_string(), r"data: a\r\n\r\nid: 12\ndata: b\n\n");
}

/// The documented bound is three times the limit where bytes are replaced.
#[test]
fn a_large_invalid_id_takes_three_times_the_limit_at_most() {
    const LIMIT: usize = 16 << 20;
    let chunk = b"\xff".repeat(1 << 16);
    let (usage, decoder) = measure(|| {
        let mut decoder = BlockDecoder::new();
        for chunk in [&b"id: "[..]].into_iter().chain([&chunk[..]; (LIMIT - 10) >> 16]) {
            assert!(decoder.feed(chunk).next_block().expect("within the limit").is_none());
        }
        assert!(decoder.feed(b"\n\n").next_block().is_err());
        decoder
    });
    assert!(usage.peak <= bytes(3 * LIMIT + (64 << 10)), "{} bytes", usage.peak);
    assert!(usage.live <= 64 << 10, "{} bytes held", usage.live);
    assert_eq!(decoder.last_event_id(), "");
}

/// At the end, unread bytes are searched for data, which has no other effect.
#[test]
fn unread_events_count_as_data_at_the_end() {
    for (stream, had_data) in [
        (&b"data: a\n\ndata: b\n\n"[..], true),
        (b"id: 1\n\n: c\n\ndata: b\n\n", true),
        (b"id: 1\n\n: c\n\n", false),
        (b"id: 1\n\n: c\n\ndata", true),
    ] {
        let mut decoder = Decoder::new();
        drop(decoder.feed(stream));
        let end = decoder.finish().expect("no limit");
        assert_eq!((end.had_data(), end.pending_bytes()), (had_data, stream.len() as u64));
        assert_eq!((decoder.last_event_id(), decoder.stats().blocks), ("", 0));
    }
}

#[test]
fn a_partly_unread_block_is_not_dispatched_at_the_end() {
    let mut decoder = BlockDecoder::builder().at_end(AtEnd::Dispatch).build();
    assert!(decoder.feed(b"data: a\n").next_block().expect("no limit").is_none());
    drop(decoder.feed(b"data: b\ndata: c"));
    let mut end = decoder.finish();
    assert!(end.block().is_none());
    assert_eq!(end.pending(), b"data: a\ndata: b\ndata: c");
    assert_eq!(end.pending_bytes(), 23);
}

#[test]
fn the_end_can_be_asked_for_again_and_the_statistics_stay() {
    let mut decoder = BlockDecoder::new();
    assert!(decoder.feed(b": c\n\ndata: a").next_block().expect("no limit").is_some());
    assert!(decoder.feed(b"").next_block().expect("no limit").is_none());
    assert!(!decoder.finish().is_clean());
    let stats = decoder.stats();
    assert_eq!((stats.blocks, stats.comments, stats.bytes), (1, 1, 12));
    assert!(decoder.finish().is_clean());
    assert_eq!(decoder.stats(), stats);
}

/// The first bytes of a body do not depend on how much of each chunk the caller reads.
#[test]
fn the_first_bytes_include_every_chunk() {
    let body = br#"{"error":{"message":"Rate limit reached"}}"#;
    for (size, takes) in [(1, 0), (1, 1), (7, 0), (7, 1), (100, 0)] {
        let mut decoder = Decoder::new();
        for chunk in body.chunks(size) {
            let mut events = decoder.feed(chunk);
            for _ in 0..takes {
                assert_eq!(events.next_event(), Ok(None));
            }
        }
        assert_eq!(decoder.first_bytes(), body, "chunks of {size}, {takes} calls");
        assert_eq!(decoder.body_kind(), BodyKind::Json);
    }
}

/// Nor on which of them are left unread: the first, and then the next while the first is read.
#[test]
fn no_chunk_is_missing_among_the_first_bytes_when_chunks_are_read_late() {
    let chunks = [&b"error: 1\ndata: a\n\n"[..], b"error: 2\ndata: b\n\n", b"error: 3\n"];
    for takes in 0..27 {
        let mut decoder = Decoder::new();
        for (chunk, takes) in chunks.into_iter().zip([takes, takes / 3, takes / 9]) {
            let mut events = decoder.feed(chunk);
            for _ in 0..takes % 3 {
                assert!(events.next_event().is_ok());
            }
        }
        // After an event they are of no use.
        let first = if decoder.stats().events == 0 { chunks.concat() } else { Vec::new() };
        assert_eq!(decoder.first_bytes(), first, "{takes}");
    }
}

/// A clone that is made after an event was given knows nothing of it, however its stream was cut.
#[cfg(feature = "stream")]
#[test]
fn a_clone_of_a_streams_decoder_goes_on_after_the_event_that_was_given() {
    use futures_util::{FutureExt, StreamExt, stream};
    use sse_wire::{ByteStreamExt, ItemBuf};

    const STREAM: &str = "data: a\nevent: e\ndata: b\n\n: c\n\ndata: d\n\n: f\n";
    for (cut, taken) in (0..STREAM.len()).flat_map(|cut| (1..5).map(move |taken| (cut, taken))) {
        let (first, second) = STREAM.split_at(cut);
        let chunks = [first, second].map(|chunk| Ok::<_, ()>(chunk.as_bytes()));
        let mut items = stream::iter(chunks).items();
        let last = items.by_ref().take(taken).map(|item| item.expect("no limit"));
        let last = last.collect::<Vec<_>>().now_or_never().expect("nothing to wait for").pop();
        if !matches!(last, Some(ItemBuf::Event(_))) {
            continue;
        }
        let mut clone = items.decoder().clone();
        let mut events = clone.feed(b"data: new\n\n");
        let Ok(Some(Item::Event(event))) = events.next_item() else { panic!("an event") };
        assert_eq!((event.event_type(), event.data()), ("message", "new"), "{cut} {taken}");
    }
}

#[test]
fn leaked_blocks_leave_nothing_to_the_next_chunk() {
    for taken in 0..3 {
        let mut decoder = BlockDecoder::new();
        let mut blocks = decoder.feed(b"id: 1\n\nid: 2\ndata: old\n\nevent: e\nda");
        for _ in 0..taken {
            assert!(blocks.next_block().expect("no limit").is_some());
        }
        mem::forget(blocks);
        let mut blocks = decoder.feed(b"data: new\n\n");
        let mut block = blocks.next_block().expect("no limit").expect("a block");
        assert_eq!(block.event().expect("text").expect("an event").data(), "new");

        let mut decoder = Settings::default().items();
        let mut events = decoder.feed(b"data: old\n: c\ndata: old\n\n");
        for _ in 0..taken {
            assert!(events.next_item().expect("no limit").is_some());
        }
        mem::forget(events);
        let mut events = decoder.feed(b"data: new\n\n");
        let Ok(Some(Item::Event(event))) = events.next_item() else { panic!("an event") };
        assert_eq!(event.data(), "new");
    }
}

/// After the end, a new stream starts, even if the next chunk could continue an unterminated line.
#[test]
fn an_unterminated_line_does_not_continue_in_the_next_stream() {
    for last in [&b"data: cut"[..], b"data: a\ndata: cut", b"id: cut", b"\xef\xbb"] {
        let mut decoder = Decoder::new();
        assert_eq!(decoder.feed(last).next_event(), Ok(None));
        assert!(!decoder.finish().expect("no error").is_clean());
        assert_eq!(decoder.feed(b"data: x").next_event(), Ok(None));
        let mut events = decoder.feed(b"\n\n");
        assert_eq!(events.next_event().expect("no limit").expect("an event").data(), "x");
    }
}

/// While a chunk is read, the values of the current block are in the chunk, which `finish` does not
/// have.
#[test]
fn a_reader_that_was_leaked_leaves_nothing_to_the_end() {
    let mut decoder = Settings::default().dispatching().items();
    let mut events = decoder.feed(b"x\ndata: a\n: c\n");
    assert_eq!(events.next_item(), Ok(Some(Item::Comment("c"))));
    mem::forget(events);
    let end = decoder.finish().expect("no error");
    assert_eq!((end.event(), end.had_data()), (None, false));
}

/// Readers that are dropped unread must not lose an error that nobody has seen.
#[test]
fn too_many_unread_bytes_are_reported_however_many_readers_are_dropped() {
    let chunk = b"data: a\n\n".repeat(20_000);
    let is_told = |error: DecodeError| {
        assert!(matches!(error.kind(), DecodeErrorKind::UnreadTooLarge { .. }), "{error}");
    };
    for next in [&b""[..], b"data: b\n\n"] {
        let mut decoder = Decoder::builder().max_block_size(100).build();
        drop(decoder.feed(&chunk));
        drop(decoder.feed(next));
        is_told(decoder.feed(b"").next_event().expect_err("too much"));
        assert!(decoder.has_failed());

        let mut decoder = BlockDecoder::builder().max_block_size(100).build();
        drop(decoder.feed(&chunk));
        drop(decoder.feed(next));
        is_told(decoder.feed(b"").next_block().map(|_| ()).expect_err("too much"));
        assert!(decoder.has_failed());
    }
}

/// A chunk that is used up yields nothing, however often it is asked, and changes nothing.
#[test]
fn asking_a_used_up_chunk_for_items_changes_nothing() {
    for (start, rest, expected) in
        [("data: a\n\ndata\n", "data: q\n\n", "\nq"), ("data: a\n\ndata: ha", "lf\n\n", "half")]
    {
        let mut decoder = Decoder::builder().comments(true).updates(true).build();
        let mut items = decoder.feed(start.as_bytes());
        assert!(items.next_item().unwrap().is_some());
        for _ in 0..3 {
            assert_eq!(items.next_item(), Ok(None));
        }
        drop(items);
        assert_eq!(decoder.pending_bytes(), start.len() as u64 - 9);
        let mut items = decoder.feed(rest.as_bytes());
        let Ok(Some(Item::Event(event))) = items.next_item() else { panic!("an event") };
        assert_eq!(event.data(), expected);
    }
}

/// A block is forgotten at its end, even if the next chunk is dropped unread and contains only the
/// late LF of its blank line.
#[test]
fn a_dropped_line_feed_keeps_nothing_of_the_previous_block() {
    for block in ["data: abcd\n\r", "id: abcd\n\r", "event: x\ndata: y\n\r"] {
        let mut decoder = BlockDecoder::new();
        assert!(decoder.feed(block.as_bytes()).next_block().unwrap().is_some());
        let last_event_id = decoder.last_event_id().to_owned();
        drop(decoder.feed(b"\n"));
        let mut blocks = decoder.feed(b"x: 123456789\n\n");
        let mut unknown = blocks.next_block().unwrap().expect("a block");
        assert_eq!(unknown.raw(), b"\nx: 123456789\n\n");
        assert_eq!(unknown.event(), Ok(None), "{block:?}");
        drop(blocks);
        assert_eq!(decoder.last_event_id(), last_event_id);
    }
    let mut decoder = BlockDecoder::new();
    assert!(decoder.feed(b"id:1x\n\r").next_block().unwrap().is_some());
    drop(decoder.feed(b"\n"));
    let mut blocks = decoder.feed(b"\r");
    assert_eq!(blocks.next_block().unwrap().expect("a block").event(), Ok(None));
}

/// At the end, the block view reports the same errors as the event view.
#[test]
fn the_end_of_the_block_view_says_why_a_block_was_refused() {
    let strict = BlockDecoder::builder().at_end(AtEnd::Dispatch).invalid_utf8(InvalidUtf8::Reject);
    let mut decoder = strict.build();
    assert!(decoder.feed(b"data: a\xff").next_block().unwrap().is_none());
    let end = decoder.finish();
    assert_eq!(end.error().map(|error| error.kind()), Some(DecodeErrorKind::InvalidUtf8));
    assert_eq!(end.pending(), b"data: a\xff");

    let mut decoder = BlockDecoder::builder().max_block_size(10).build();
    drop(decoder.feed(&b"x".repeat(70_000)));
    let limit = 64 << 10;
    let kind = decoder.finish().error().map(|error| error.kind());
    assert_eq!(kind, Some(DecodeErrorKind::UnreadTooLarge { limit }));
    assert_eq!(decoder.finish().error(), None);
}

/// A decoder that has failed forgets the line that it held, and not only its bytes.
#[test]
fn a_decoder_that_has_failed_holds_no_line() {
    let mut decoder = Decoder::builder().max_block_size(10).build();
    assert_eq!(decoder.feed(b":").next_event(), Ok(None));
    drop(decoder.feed(&[&b"x".repeat(70_000)[..], b"\n"].concat()));
    assert!(decoder.feed(b"").next_event().is_err());
    assert!(!decoder.finish().expect("told once").had_data());
}

/// A comment that the caller gets does not end the data lines before it.
#[test]
fn a_comment_between_data_lines_keeps_them() {
    let stream = b"data: a\ndata: b\n: c\ndata: d\n\n";
    for size in 1..=stream.len() {
        let mut decoder = Decoder::builder().comments(true).build();
        let mut last = None;
        for chunk in stream.chunks(size) {
            let mut items = decoder.feed(chunk);
            while let Some(item) = items.next_item().expect("no limit") {
                if let Item::Event(event) = item {
                    last = Some(event.to_buf());
                }
            }
        }
        assert_eq!(last.expect("an event").data(), "a\nb\nd", "chunks of {size}");
    }
}

/// The ID of an owned event may be in the buffer, and its data in the chunk.
#[test]
fn an_owned_event_is_put_together_from_buffer_and_chunk() {
    let id = "i".repeat(20_000);
    let mut decoder = Decoder::new();
    assert!(decoder.feed_bytes(Bytes::from(format!("id: {id}\n"))).next().is_none());
    let event = decoder.feed_bytes(Bytes::from("data: d\n\n")).next().expect("an event");
    let event = event.expect("no limit");
    assert_eq!((event.data(), event.id()), ("d", Some(&*id)));
}

/// The rest of a refused block is skipped, even if the caller drops its chunk at the error.
#[test]
fn the_rest_of_a_refused_block_is_not_left_unread() {
    let stream = [b"data: ", &b"x".repeat(100_000)[..], b"\n\ndata: b\n\n"].concat();
    let mut decoder = Settings { max_block_size: 20, ..Settings::default() }.skipping().events();
    assert!(decoder.feed(&stream).next_event().is_err());
    let mut events = decoder.feed(b"");
    assert_eq!(events.next_event().expect("one error").expect("an event").data(), "b");
}
