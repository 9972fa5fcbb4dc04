//! Limits, options and errors.

use sse_wire::{AtEnd, BlockDecoder, DecodeErrorKind, Decoder, EventId, InvalidUtf8, OnError};

use crate::{
    faces::{self, Outcome, Settings},
    laws,
    reference::{Event, Item},
};

/// Decodes with every face and chunking, which must agree, and returns the outcome.
fn decode(settings: &Settings, input: &[u8]) -> Outcome {
    for size in [1, 2, 3, 7] {
        laws::chunks_do_not_matter(settings, input, &laws::cut(input, &[size]), &[0, 1]);
    }
    for at in 0..=input.len().min(64) {
        let (left, right) = input.split_at(at);
        laws::chunks_do_not_matter(settings, input, &[left, right], &[1]);
    }
    faces::borrowed(settings, &[input])
}

/// Does the same for a stream whose lines both views hold, so that they must agree.
fn decode_both(settings: &Settings, input: &[u8]) -> Outcome {
    laws::views_agree(settings, input, &[input], true);
    decode(settings, input)
}

fn data(outcome: &Outcome) -> Vec<&str> {
    outcome.items.iter().filter_map(Item::event).map(|event| event.data.as_str()).collect()
}

fn limited(bytes: u64) -> Settings {
    Settings::limited(bytes)
}

fn too_large(limit: u64) -> DecodeErrorKind {
    DecodeErrorKind::BlockTooLarge { limit }
}

/// The limit counts the lines of a block, and one byte for each line end.
#[test]
fn a_block_of_the_limit_passes_and_one_byte_more_does_not() {
    for (block, size) in [
        (&b"data: x\n\n"[..], 9),
        (b"data: x\r\r", 9),
        // The LF of a CRLF never counts, so it does not matter if it arrives with its CR.
        (b"data:x\r\n\r", 8),
        (b"data: x\r\n\r\n", 9),
        (b"data\nevent: e\ndata\nid: 1\nevent\n\n", 32),
        // A byte order mark is not part of a line.
        (b"\xef\xbb\xbfdata: x\n\n", 9),
    ] {
        let blocks = [block, b"data: y\n\n"].concat();
        assert_eq!(decode_both(&limited(size.max(9)), &blocks).errors, [], "{block:?}");
        let outcome = decode_both(&limited(size - 1), block);
        assert_eq!(outcome.errors, [(too_large(size - 1), 0)], "{block:?}");
        assert!(outcome.has_failed);
    }
}

/// Comments, `retry` fields and unknown fields stop counting when their line ends, because the
/// event view no longer holds them. The block view holds all lines.
#[test]
fn ignored_lines_count_until_they_end() {
    for line in ["ccccc: ", "unknown", "retry: 5", "id: a\0b", ": "] {
        let (len, block) = (line.len() as u64, format!("{line}\n").repeat(9) + "\n");
        assert_eq!(decode(&limited(len + 1), block.as_bytes()).errors, [], "{line}");
        assert_eq!(decode(&limited(len), block.as_bytes()).errors, [(too_large(len), 0)], "{line}");

        let size = block.len() as u64;
        let blocks = |limit| faces::blocks(&limited(limit), &[block.as_bytes()]).0.errors;
        assert_eq!(blocks(size), []);
        assert_eq!(blocks(size - 1), [(too_large(size - 1), 0)]);
    }
}

#[test]
fn lines_that_a_decoder_holds_count_and_the_rest_does_not() {
    let stream = b"\xef\xbb\xbf: c\nid: 1\r\nevent: e\nretry: 1\nx: y\ndata: a\ndata: b\n\n";
    let held = b"id: 1\nevent: e\ndata: a\ndata: b\n\n".len() as u64;
    assert_eq!(data(&decode(&limited(held), stream)), ["a\nb"]);
    assert_eq!(decode(&limited(held - 1), stream).errors.len(), 1);

    // Everything but the byte order mark and the LF of the CRLF.
    let all = stream.len() as u64 - 4;
    let blocks = |limit| faces::blocks(&limited(limit), &[stream]).0;
    assert_eq!(data(&blocks(all)), ["a\nb"]);
    assert_eq!(blocks(all - 1).errors.len(), 1);
}

#[test]
fn a_stream_of_comments_can_continue_forever() {
    let limit = 64 << 10;
    let pings = b": ping\n".repeat(1000);
    let (mut events, mut items) = (limited(limit).events(), limited(limit).items());
    for _ in 0..100 {
        assert_eq!(events.feed(&pings).next_event(), Ok(None));
        assert_eq!(events.feed_bytes(pings.clone().into()).count(), 0);
        let mut comments = Outcome::default();
        faces::take_items(items.feed(&pings), usize::MAX, &mut comments);
        assert_eq!((comments.items.len(), comments.errors.len()), (1000, 0));
    }
    assert_eq!((events.stats().comments, items.stats().comments), (200_000, 100_000));
    assert_eq!(events.pending_bytes(), 200 * pings.len() as u64);
    // All of the comments may still be part of a block.
    let mut last = events.feed(b"data: a\n\n");
    assert!(last.next_event().expect("within the limit").is_some());
}

#[test]
fn events_before_the_error_come_first_and_the_error_once() {
    let stream = b"data: 1\n\ndata: 2\n\ndata: too long\n\ndata: 3\n\n";
    let outcome = decode_both(&limited(10), stream);
    assert_eq!(data(&outcome), ["1", "2"]);
    assert_eq!(outcome.errors, [(too_large(10), 18)]);

    let mut decoder = limited(10).events();
    let mut events = decoder.feed(stream);
    let error = loop {
        match events.next_event() {
            Ok(event) => assert!(event.is_some()),
            Err(error) => break error,
        }
    };
    assert_eq!((error.limit(), error.offset()), (Some(10), 18));
    assert_eq!(
        error.to_string(),
        "block larger than the limit of 10 bytes, at byte 18 of the stream",
    );
}

/// No limit is above 2 GiB, so that a limit can always be reported.
#[test]
fn the_largest_limit_is_two_gigabytes() {
    let mut decoder = limited(u64::MAX).events();
    assert!(decoder.feed(b"data: a\n\n").next_event().expect("within the limit").is_some());
    assert!(format!("{:?}", Decoder::builder().max_block_size(u64::MAX)).contains("2147483648"));
}

#[test]
fn skipping_continues_with_the_next_block_and_keeps_the_id() {
    let settings = limited(20).skipping();
    for ends in [&["\n", "\n"], &["\r", "\r"], &["\r\n", "\r\n"], &["\r\n", "\n"]] {
        let stream = format!(
            "id: 1{0}data: a{0}{1}id: 2{0}data: far too long a line{0}data: b{0}{1}data: c{0}{1}",
            ends[0], ends[1],
        );
        let outcome = decode_both(&settings, stream.as_bytes());
        assert_eq!(data(&outcome), ["a", "c"]);
        assert_eq!(outcome.last_event_id, "1");
        assert_eq!((outcome.errors.len(), outcome.has_failed), (1, false));
        assert_eq!(outcome.pending_bytes, 0);
    }
}

#[test]
fn a_block_that_passes_the_limit_with_its_last_byte_is_over() {
    for stream in
        [&b"data: a\n\ndata:b\n\n"[..], b"data: a\r\rdata:b\r\r", b"data: a\r\n\r\ndata:b\r\n\r\n"]
    {
        let outcome = decode_both(&limited(8).skipping(), stream);
        assert_eq!((data(&outcome), outcome.pending_bytes), (vec!["b"], 0));
        assert_eq!(outcome.errors, [(too_large(8), 0)]);
    }
}

#[test]
fn each_refused_block_is_reported() {
    let stream = b"data: too long\n\n".repeat(3);
    let outcome = decode_both(&limited(8).skipping(), &stream);
    assert_eq!(outcome.errors, [0, 16, 32].map(|offset| (too_large(8), offset)));
}

#[test]
fn the_end_of_a_skipped_block_may_never_come() {
    let settings = limited(8).skipping().dispatching();
    let outcome = decode_both(&settings, b"data: too long\ndata: and on");
    assert_eq!(outcome.errors.len(), 1);
    assert_eq!(outcome.items, []);
    assert_eq!(outcome.pending_bytes, 27);
}

/// The line is known to be data when it exceeds the limit, but the block is refused.
#[test]
fn a_refused_block_is_not_dispatched_at_the_end() {
    for on_error in [OnError::Fail, OnError::SkipBlock] {
        let settings = Settings { on_error, ..limited(4).dispatching() };
        let outcome = decode_both(&settings, b"data:");
        assert_eq!((outcome.items.len(), outcome.errors.len()), (0, 1), "{on_error:?}");
    }
}

#[test]
fn a_block_that_was_not_read_to_its_end_is_not_dispatched_at_the_end() {
    let mut decoder = Settings::default().dispatching().items();
    let stream = b"data: a\n: c\ndata: b\n";
    assert!(decoder.feed(stream).next_item().expect("no limit").is_some());
    let end = decoder.finish().expect("no error");
    assert_eq!((end.event(), end.pending_bytes()), (None, stream.len() as u64));
}

/// Replaced text counts at the end of the block: with U+FFFD, the data, event type and ID together
/// may not be larger than the limit.
#[test]
fn replacements_count_with_their_own_size() {
    for (stream, text) in [
        (&b"data:\xff\xff\xff\xff\n\n"[..], 12),
        (b"data:\xff\xff\xff\xff\xffabcdef\n\n", 21),
        (b"data:\xff\xff\xff\xff\n: comment\nid:\xff\xff\xff\xff\xff\n\n", 27),
        (b"event:\xff\xff\xff\xff\nevent:\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\r\ndata\r\n\n", 51),
        (b"data:\xff\xff\xff\xff\xff\xff\xff\xff\xff\n: comment\ndata: x\n\n", 29),
        // Valid values count as well, whichever they are.
        (b"id:\xff\xff\xff\xff\xff\xff\xff\xff\xff\ndata:aaaa\n\n", 31),
        (b"event:aaaa\ndata:\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\n\n", 37),
        (b"event:aaaa\nid:bbbb\ndata:\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\n\n", 56),
    ] {
        assert_eq!(decode(&limited(text), stream).errors, [], "{:?}", stream.escape_ascii());
        let outcome = decode(&limited(text - 1), stream);
        assert_eq!(outcome.errors, [(too_large(text - 1), 0)], "{:?}", stream.escape_ascii());
    }
}

/// The block view returns the block, and refuses only its event. It always checks the ID, because
/// the ID outlives the block.
#[test]
fn a_block_whose_event_is_too_large_is_still_a_block() {
    let stream = b"data: \xff\xff\xff\xff\xff\xff\n\ndata: b\n\n";
    let mut decoder = limited(14).blocks();
    let mut blocks = decoder.feed(stream);
    let mut block = blocks.next_block().expect("within the limit").expect("a block");
    assert_eq!(block.raw(), &stream[..14]);
    let error = block.event().expect_err("18 bytes of text");
    assert_eq!((error.kind(), error.offset()), (too_large(14), 0));
    assert_eq!(block.event(), Err(error), "as often as it is asked for");
    assert_eq!(block.to_buf().event(), Err(error));
    let mut next = blocks.next_block().expect("nothing has failed").expect("a block");
    assert_eq!(next.event().expect("text").expect("an event").data(), "b");
    drop(blocks);
    assert!(!decoder.has_failed());

    let mut decoder = limited(14).blocks();
    let mut blocks = decoder.feed(b"id: \xff\xff\xff\xff\xff\xff\n\n");
    let error = blocks.next_block().expect_err("18 bytes of text");
    assert_eq!((error.kind(), error.offset()), (too_large(14), 0));
    drop(blocks);
    assert!(decoder.has_failed());
}

fn strict() -> Settings {
    Settings::default().rejecting()
}

#[test]
fn invalid_utf8_is_replaced_or_rejected() {
    let stream = b"data: a\n\nevent: e\ndata: b\xe4\xb8c\n\ndata: d\n\n";
    assert_eq!(data(&decode_both(&Settings::default(), stream)), ["a", "b\u{fffd}c", "d"]);

    // The block starts at byte 9, and is checked at its end.
    let outcome = decode_both(&strict(), stream);
    assert_eq!((data(&outcome), outcome.has_failed), (vec!["a"], true));
    assert_eq!(outcome.errors, [(DecodeErrorKind::InvalidUtf8, 9)]);

    let outcome = decode_both(&strict().skipping(), stream);
    assert_eq!((data(&outcome), outcome.has_failed), (vec!["a", "d"], false));
    assert_eq!(outcome.errors, [(DecodeErrorKind::InvalidUtf8, 9)]);

    let error = strict().events().feed(b"data: \xff\n\n").next_event().expect_err("no text");
    assert_eq!(error.limit(), None);
    assert_eq!(error.to_string(), "block with invalid UTF-8, at byte 0 of the stream");
}

#[test]
fn ignored_values_never_cause_an_error() {
    // Nobody sees the event type of a block without data, or one that a later field replaces.
    let stream =
        b": \xff\n\xff: x\nx: \xff\nretry: \xff\nid: \xff\0\nevent: \xff\nevent\ndata: a\n\n\
        event: \xff\n\nid: \xff\nid\n\n";
    let outcome = decode_both(&strict(), stream);
    assert_eq!((data(&outcome), outcome.errors.len()), (vec!["a"], 0));
}

/// A comment has no meaning. If U+FFFD makes it larger than the limit, it is cut off there.
#[test]
fn a_comment_never_refuses_its_block() {
    let stream = b":\xff\xff\xff\xff\xff\xff\ndata: c\n\n";
    for settings in [limited(16), limited(16).rejecting(), limited(16).skipping()] {
        let mut events = settings.events();
        let event = events.feed(stream).next_event().expect("no error").map(|event| event.to_buf());
        assert_eq!(event.expect("an event").data(), "c");
        for size in 1..=stream.len() {
            let mut items = Outcome::default();
            let mut decoder = settings.items();
            for chunk in stream.chunks(size) {
                faces::take_items(decoder.feed(chunk), usize::MAX, &mut items);
            }
            let comment = crate::reference::Item::Comment("\u{fffd}".repeat(5));
            assert_eq!((&items.items[0], items.items.len()), (&comment, 2), "{size}");
            assert_eq!(items.errors, []);
        }
    }
}

#[test]
fn a_rejected_block_keeps_the_id() {
    let stream = b"id: 1\n\nid: 2\ndata: \xff\n\nid: \xff\n\n";
    let outcome = decode_both(&strict().skipping(), stream);
    assert_eq!((outcome.last_event_id.as_str(), outcome.errors.len()), ("1", 2));
}

#[test]
fn the_end_of_the_stream_is_reported() {
    for (stream, pending, had_data) in [
        (&b"data: a\n\n"[..], 0, false),
        (b"data: a\n", 8, true),
        (b"data: a", 7, true),
        (b": c\n", 4, false),
        (b"id: 1", 5, false),
        (b"data: a\r\n\r\n", 0, false),
        ("data: a\n\ndata: 你".as_bytes(), 9, true),
    ] {
        let mut decoder = Decoder::new();
        let mut events = decoder.feed(stream);
        while events.next_event().expect("no limit").is_some() {}
        drop(events);
        assert_eq!(decoder.at_boundary(), pending == 0);
        let end = decoder.finish().expect("no error");
        assert_eq!((end.pending_bytes(), end.had_data()), (pending, had_data), "{stream:?}");
        assert_eq!(end.is_clean(), pending == 0);
        assert_eq!(end.event(), None);
        let again = decoder.finish().expect("no error");
        assert!(again.is_clean() && !again.had_data(), "told once");
    }
}

#[test]
fn the_last_event_can_be_dispatched_at_the_end() {
    let settings = Settings::default().dispatching();
    for (stream, expected) in [
        (&b"data: a\n\n"[..], &["a"][..]),
        (b"data: a\n\ndata: b\n", &["a", "b"]),
        (b"data: b", &["b"]),
        (b"data: b\r", &["b"]),
        (b"data: b\r\n", &["b"]),
        (b"data: b\ndata", &["b\n"]),
        (b"data: b\ndat", &["b"]),
        (b"data:", &[""]),
        (b": only a comment", &[]),
        (b"id: 1", &[]),
        (b"data: \xe4\xb8", &["\u{fffd}"]),
        (b"", &[]),
        (b"\xef\xbb\xbf", &[]),
    ] {
        let outcome = decode_both(&settings, stream);
        assert_eq!(data(&outcome), expected, "{stream:?}");
        assert_eq!(outcome.errors, []);
        // A dispatched block counts as a block. A block that ended before has been counted already.
        let blocks = u64::from(outcome.pending_bytes > 0) + u64::from(stream.ends_with(b"\n\n"));
        let blocks = blocks.max(expected.len() as u64);
        assert_eq!(outcome.stats.blocks, blocks, "{stream:?}");
    }
    assert_eq!(decode_both(&settings, b"id: 1").last_event_id, "1");
    assert_eq!(decode_both(&settings, b"retry: 5").reconnection_time, Some(5));
}

#[test]
fn an_error_in_the_last_line_is_reported_at_the_end() {
    let mut decoder = strict().dispatching().events();
    assert_eq!(decoder.feed(b"\n\ndata: \xe4\xb8").next_event(), Ok(None));
    let error = decoder.finish().expect_err("half a character");
    assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::InvalidUtf8, 2));
    assert!(decoder.has_failed());
    assert!(decoder.finish().expect("told once").is_clean());
}

#[test]
fn an_id_to_start_with_stays_until_the_stream_sets_one() {
    let settings = Settings { last_event_id: "41", ..Settings::default() };
    let outcome = decode_both(&settings, b"data: a\n\nid: 42\ndata: b\n\n");
    let ids = |event: &Event| (event.id.clone(), event.last_event_id.clone());
    let found: Vec<_> = outcome.items.iter().filter_map(Item::event).map(ids).collect();
    assert_eq!(found, [(None, "41".to_owned()), (Some("42".to_owned()), "42".to_owned())]);
}

#[test]
fn a_reconnection_keeps_what_it_needs_and_nothing_else() {
    let mut decoder = limited(64).events();
    while decoder.feed(b"").next_event() != Ok(None) {}
    let stream = b"\xef\xbb\xbfid: 7\nretry: 50\ndata: a\n\nid: 8\nevent: half\ndata: cut";
    let mut events = decoder.feed(stream);
    while events.next_event().expect("no limit").is_some() {}
    drop(events);
    decoder.reset_for_reconnect();
    assert_eq!(decoder.last_event_id(), "7");
    assert_eq!(decoder.reconnection_time().map(|time| time.as_millis()), Some(50));
    assert!(decoder.at_boundary());
    assert_eq!(decoder.stats().bytes, 0);

    let mut events = decoder.feed(b"\xef\xbb\xbfdata: b\n\n");
    let event = events.next_event().expect("no limit").expect("one event");
    assert_eq!((event.data(), event.event_type(), event.id()), ("b", "message", None));
    assert_eq!(event.last_event_id(), "7");
}

#[test]
fn a_reader_that_stops_at_the_last_event_sees_a_clean_end() {
    for stream in [&b"data: [DONE]\r\n\r\n"[..], b"data: [DONE]\n\n", b"data: [DONE]\r\r"] {
        let mut decoder = Decoder::new();
        assert!(decoder.feed(stream).next_event().expect("no limit").is_some());
        assert!(decoder.at_boundary());
        assert!(decoder.finish().expect("no error").is_clean(), "{stream:?}");
    }
}

#[test]
fn a_failed_decoder_is_silent_until_it_is_reset() {
    let mut decoder = limited(4).events();
    assert!(!decoder.has_failed());
    assert!(decoder.feed(b"data: x\n\n").next_event().is_err());
    assert!(decoder.has_failed());
    assert_eq!(decoder.feed(b"\n\nid\n\n").next_event(), Ok(None));
    assert_eq!(decoder.feed_bytes("data\n\n".into()).count(), 0);
    decoder.reset_for_reconnect();
    assert!(!decoder.has_failed());
    assert!(decoder.feed(b"x\n\n").next_event().is_ok());
}

#[test]
fn a_finished_decoder_starts_a_new_stream() {
    let mut decoder = Decoder::new();
    assert_eq!(decoder.feed(b"event: old\ndata: a\n").next_event(), Ok(None));
    assert!(!decoder.finish().expect("no error").is_clean());
    let mut events = decoder.feed(b"\xef\xbb\xbfdata: b\n\n");
    let event = events.next_event().expect("no limit").expect("one event");
    assert_eq!((event.event_type(), event.data()), ("message", "b"));
}

#[test]
fn counters_count_every_part_of_a_stream() {
    let mut decoder = limited(30).skipping().events();
    let stream =
        b": c\nerror: x\ndata: a\n\n\n:\n\nid: 1\n\ndata: this is much too long to pass\n\n";
    let mut events = decoder.feed(stream);
    while events.next_event() != Ok(None) {}
    drop(events);
    let stats = decoder.stats();
    assert_eq!(stats.bytes, stream.len() as u64);
    assert_eq!((stats.blocks, stats.events, stats.refused), (4, 1, 1));
    assert_eq!((stats.comments, stats.unknown_fields), (2, 1));

    // Byte by byte, each line is still counted once, and so is the block that is dispatched at the
    // end.
    let mut decoder = strict().skipping().dispatching().events();
    for byte in b": comment\nunknown: x\ndata: \xff\n\n: c\ndata: b".chunks(1) {
        let mut events = decoder.feed(byte);
        while events.next_event() != Ok(None) {}
    }
    assert!(decoder.finish().expect("no fault").event().is_some());
    let stats = decoder.stats();
    assert_eq!((stats.comments, stats.unknown_fields), (2, 1));
    assert_eq!((stats.events, stats.refused, stats.blocks), (1, 1, 1));
}

/// Every option works for both decoders.
#[test]
fn both_builders_take_the_same_options() {
    let decoder = Decoder::builder()
        .max_block_size(9)
        .on_error(OnError::SkipBlock)
        .invalid_utf8(InvalidUtf8::Reject)
        .at_end(AtEnd::Dispatch)
        .last_event_id(EventId::from_static("1"));
    let blocks = BlockDecoder::builder()
        .max_block_size(9)
        .on_error(OnError::SkipBlock)
        .invalid_utf8(InvalidUtf8::Reject)
        .at_end(AtEnd::Dispatch)
        .last_event_id(EventId::from_static("1"));
    assert_eq!(format!("{decoder:?}"), format!("{blocks:?}"));
    assert_eq!(decoder.clone().build().last_event_id(), blocks.clone().build().last_event_id());
}
