//! The block view, which gateways use.

use bytes::Bytes;
use sse_wire::{BlockDecoder, EventId, Field};

use crate::faces::Settings;

const STREAM: &[u8] = b"\xef\xbb\xbf: hi\r\nid: 7\ndata: a\ndata:b\n\nx: y\nretry: 9\r\r\n\n";

fn drain(decoder: &mut BlockDecoder, chunk: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let (mut found, mut blocks) = (Vec::new(), decoder.feed(chunk));
    while let Some(block) = blocks.next_block().expect("within the limit") {
        found.push((block.offset(), block.raw().to_vec()));
    }
    found
}

#[test]
fn blocks_know_their_place() {
    let blocks = [(0, &STREAM[..31]), (31, &b"x: y\nretry: 9\r\r\n"[..]), (47, &b"\n"[..])];
    let blocks = blocks.map(|(offset, raw)| (offset, raw.to_vec()));
    assert_eq!(drain(&mut BlockDecoder::new(), STREAM), blocks);

    let mut decoder = BlockDecoder::new();
    let owned: Vec<_> =
        decoder.feed_bytes(Bytes::from_static(STREAM)).map(Result::unwrap).collect();
    let owned: Vec<_> = owned.iter().map(|block| (block.offset(), block.raw().to_vec())).collect();
    assert_eq!(owned, blocks);

    // Byte by byte, the LF of the second blank line arrives late, and starts the next block.
    let mut decoder = BlockDecoder::new();
    let pieces: Vec<_> = STREAM.chunks(1).flat_map(|byte| drain(&mut decoder, byte)).collect();
    assert_eq!(pieces[1], (31, b"x: y\nretry: 9\r\r".to_vec()));
    assert_eq!(pieces[2], (46, b"\n\n".to_vec()));
}

#[test]
fn lines_keep_their_raw_bytes() {
    let mut decoder = BlockDecoder::new();
    let mut blocks = decoder.feed(STREAM);
    let block = blocks.next_block().expect("no limit").expect("a block");
    let lines: Vec<_> = block.lines().map(|l| (l.field(), l.name(), l.value(), l.raw())).collect();
    assert_eq!(
        lines,
        [
            (Field::Comment, &b""[..], &b"hi"[..], &b": hi\r\n"[..]),
            (Field::Id, b"id", b"7", b"id: 7\n"),
            (Field::Data, b"data", b"a", b"data: a\n"),
            (Field::Data, b"data", b"b", b"data:b\n"),
        ]
    );
    assert_eq!(format!("{block:?}"), r#"b"\xef\xbb\xbf: hi\r\nid: 7\ndata: a\ndata:b\n\n""#);
    assert_eq!(format!("{:?}", block.to_buf()), format!("{block:?}"));
    assert_eq!(format!("{:?}", block.lines().nth(3).expect("four lines")), r#"b"data:b\n""#);
    let block = blocks.next_block().expect("no limit").expect("a block");
    let fields: Vec<_> = block.lines().map(|line| (line.field(), line.name().to_vec())).collect();
    assert_eq!(fields, [(Field::Unknown, b"x".to_vec()), (Field::Retry, b"retry".to_vec())]);
    let empty = blocks.next_block().expect("no limit").expect("a block");
    assert_eq!(empty.lines().count(), 0);
}

#[test]
fn long_lines_do_not_flood_a_log() {
    let mut decoder = BlockDecoder::new();
    let stream = format!("data: {}\n\n", "x".repeat(5000));
    let mut blocks = decoder.feed(stream.as_bytes());
    let block = blocks.next_block().expect("no limit").expect("a block");
    let debug = format!("{block:?}");
    assert!(debug.len() < 250 && debug.contains(".. (5008 bytes)"), "{debug}");
    drop(blocks);
    let debug = format!("{decoder:?}");
    assert!(debug.contains("pending_bytes: 0") && debug.contains("blocks: 1"), "{debug}");
}

#[test]
fn events_can_be_asked_for_again() {
    let mut decoder = BlockDecoder::new();
    let mut blocks = decoder.feed(STREAM);
    let mut block = blocks.next_block().expect("no limit").expect("a block");
    for _ in 0..2 {
        let event = block.event().expect("text").expect("it has data");
        assert_eq!((event.data(), event.id(), event.last_event_id()), ("a\nb", Some("7"), "7"));
    }
    let owned = block.to_buf();
    assert_eq!(owned.event().expect("text").expect("it has data").data(), "a\nb");
    assert_eq!((&owned.raw()[..], owned.offset()), (block.raw(), 0));
    let mut block = blocks.next_block().expect("no limit").expect("a block");
    assert_eq!(block.event(), Ok(None));
}

#[test]
fn the_state_is_kept_without_asking_for_events() {
    let mut decoder = BlockDecoder::builder().last_event_id(EventId::from_static("6")).build();
    assert_eq!(decoder.last_event_id(), "6");
    assert_eq!(decoder.reconnection_time(), None);
    drain(&mut decoder, STREAM);
    assert_eq!(decoder.last_event_id(), "7");
    assert_eq!(decoder.reconnection_time().map(|time| time.as_millis()), Some(9));
    let stats = decoder.stats();
    assert_eq!((stats.bytes, stats.blocks), (STREAM.len() as u64, 3));
    assert_eq!((stats.comments, stats.unknown_fields, stats.refused), (1, 1, 0));

    // Byte by byte, a comment is still counted once.
    let mut decoder = BlockDecoder::new();
    STREAM.chunks(1).for_each(|byte| drop(drain(&mut decoder, byte)));
    assert_eq!((decoder.stats().comments, decoder.stats().unknown_fields), (1, 1));
}

#[test]
fn the_end_is_reported_and_a_new_stream_starts() {
    let mut decoder = BlockDecoder::new();
    assert!(decoder.at_boundary());
    drain(&mut decoder, b"data: a\n\n");
    assert!(decoder.at_boundary());
    drain(&mut decoder, b"id: 1\n\ndata: b");
    assert!(!decoder.at_boundary());
    let mut end = decoder.finish();
    assert!(!end.is_clean());
    assert_eq!((end.pending_bytes(), end.pending()), (7, &b"data: b"[..]));
    assert!(end.block().is_none(), "discarded by default");
    assert!(decoder.finish().is_clean(), "told once");

    assert_eq!(drain(&mut decoder, b"\xef\xbb\xbfdata: c\n\n").len(), 1);
    assert_eq!(decoder.last_event_id(), "1");
    assert!(decoder.finish().is_clean());
}

#[test]
fn what_was_left_unread_is_pending() {
    let mut decoder = BlockDecoder::new();
    assert!(decoder.feed(b"data: a\n\ndata: b\n\n").next_block().expect("no limit").is_some());
    assert!(!decoder.at_boundary());
    assert_eq!(decoder.finish().pending_bytes(), 9);
    assert_eq!(drain(&mut decoder, b""), []);

    let mut decoder = BlockDecoder::new();
    drop(decoder.feed(b"data: a\n\n"));
    assert_eq!(
        drain(&mut decoder, b"data: b\n\n"),
        [(0, b"data: a\n\n".to_vec()), (9, b"data: b\n\n".to_vec()),]
    );
}

#[test]
fn an_unterminated_block_can_be_read_at_the_end() {
    let mut decoder = Settings::default().dispatching().blocks();
    drain(&mut decoder, b"data: a\n\ndata: b\nda");
    drain(&mut decoder, b"ta");
    let mut end = decoder.finish();
    let mut block = end.block().expect("it is asked for");
    assert_eq!((block.raw(), block.offset()), (&b"data: b\ndata"[..], 9));
    assert_eq!(block.event().expect("text").expect("it has data").data(), "b\n");

    drain(&mut decoder, b"data: a\n\n");
    assert!(decoder.finish().block().is_none(), "nothing is pending");
    let mut decoder = Settings::limited(4).skipping().dispatching().blocks();
    assert!(decoder.feed(b"data: b").next_block().is_err());
    assert!(decoder.finish().block().is_none(), "it was refused");
}

#[test]
fn a_reset_discards_the_current_block() {
    let mut decoder = BlockDecoder::new();
    drain(&mut decoder, b"id: 1\nretry: 2\n\ndata: a\nevent");
    decoder.reset_for_reconnect();
    assert!(decoder.at_boundary());
    assert_eq!(decoder.stats().blocks, 0);
    assert_eq!(
        drain(&mut decoder, b"\xef\xbb\xbfdata: b\n\n"),
        [(0, b"\xef\xbb\xbfdata: b\n\n".to_vec())]
    );
    assert_eq!(decoder.last_event_id(), "1");
    assert_eq!(decoder.reconnection_time().map(|time| time.as_millis()), Some(2));
}

#[test]
fn refused_blocks_are_counted_and_skipped() {
    let mut decoder = Settings::limited(9).skipping().blocks();
    let stream = b"data: a\n\nid: 2\ndata: b\n\ndata: c\n\n";
    let (mut raw, mut errors) = (Vec::new(), 0);
    for byte in stream.chunks(1) {
        let mut blocks = decoder.feed(byte);
        loop {
            match blocks.next_block() {
                Ok(Some(block)) => raw.extend_from_slice(block.raw()),
                Ok(None) => break,
                Err(_) => errors += 1,
            }
        }
    }
    assert_eq!((&raw[..], errors), (&b"data: a\n\ndata: c\n\n"[..], 1));
    assert_eq!((decoder.stats().refused, decoder.last_event_id()), (1, ""));

    let mut decoder = Settings::default().rejecting().blocks();
    assert!(decoder.feed(b"data: \xff\n\n").next_block().is_err());
    assert_eq!(decoder.stats().refused, 1);
}
