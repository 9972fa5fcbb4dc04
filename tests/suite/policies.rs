//! Limits, options and errors.

use sse_wire::{
    AtEnd, DecodeErrorKind, Decoder, DecoderBuilder, EventId, Field, InvalidUtf8, OnError,
};

use crate::{
    faces::{self, Outcome},
    laws,
    reference::{Event, Item},
};

/// Decodes with every face and chunking, which must agree, and gives the outcome.
fn decode(builder: &DecoderBuilder, input: &[u8]) -> Outcome {
    for size in [1, 2, 3, 7] {
        laws::chunks_do_not_matter(builder, input, &laws::cut(input, &[size]));
    }
    for at in 0..=input.len().min(64) {
        let (left, right) = input.split_at(at);
        laws::chunks_do_not_matter(builder, input, &[left, right]);
    }
    let outcome = faces::borrowed(builder, &[input]);
    let blocks = faces::blocks(builder, &[input]).0.without_comments();
    assert_eq!(blocks.items, outcome.items, "blocks");
    assert_eq!(blocks.errors, outcome.errors, "errors of blocks");
    outcome
}

fn data(outcome: &Outcome) -> Vec<&str> {
    outcome.items.iter().filter_map(Item::event).map(|event| event.data.as_str()).collect()
}

fn limited(bytes: u64) -> DecoderBuilder {
    Decoder::builder().max_block_size(bytes)
}

#[test]
fn a_block_of_the_limit_passes_and_one_byte_more_does_not() {
    for block in [
        &b"data: x\n\n"[..],
        b"data: x\r\r",
        b"data:x\r\n\r",
        b": ccccc\n\n",
        b"unknown\n\n",
        b"\n",
    ] {
        let size = block.len() as u64;
        let twice = block.repeat(2);
        assert_eq!(decode(&limited(size), &twice).errors, [], "{block:?}");
        let outcome = decode(&limited(size - 1), block);
        let [error] = outcome.errors[..] else { panic!("{block:?}: {outcome:?}") };
        assert_eq!(error.kind(), DecodeErrorKind::BlockTooLarge { limit: size - 1 });
        assert_eq!((error.limit(), error.size(), error.offset()), (Some(size - 1), size, 0));
        assert!(error.is_fatal());
    }
}

#[test]
fn the_line_feed_of_the_last_crlf_counts_to_no_block() {
    let outcome = decode(&limited(11), b"data: x\r\n\r\ndata: y\r\n\r\n");
    assert_eq!(data(&outcome), ["x", "y"]);
    assert_eq!(outcome.pending_bytes, 0);
}

#[test]
fn everything_of_a_block_counts() {
    let stream = b"\xef\xbb\xbf: c\nid: 1\nevent: e\nretry: 1\nx: y\ndata: a\ndata: b\n\n";
    let size = stream.len() as u64;
    assert_eq!(data(&decode(&limited(size), stream)), ["a\nb"]);
    assert_eq!(decode(&limited(size - 1), stream).errors.len(), 1);
}

#[test]
fn the_error_names_the_field() {
    for (block, limit, field) in [
        (&b"data: abc\n\n"[..], 7, Some(Field::Data)),
        (b"data: abc\n\n", 4, Some(Field::Data)),
        (b"data: abc\n\n", 3, None),
        (b"data: abc\n\n", 10, None),
        (b"event: abc\n\n", 8, Some(Field::Event)),
        (b"id: abc\n\n", 4, Some(Field::Id)),
        (b"retry: 123\n\n", 8, Some(Field::Retry)),
        (b": comment\n\n", 5, Some(Field::Comment)),
        (b"other: x\n\n", 4, Some(Field::Unknown)),
        (b"data\n\n", 4, Some(Field::Data)),
        (b"dat\n\n", 3, Some(Field::Unknown)),
        (b"data: x\r\n\r\n", 8, None),
        (b"\xef\xbb\xbfdata: x\n\n", 2, None),
        (b"\xef\xbbx\n\n", 2, Some(Field::Unknown)),
    ] {
        let outcome = decode(&limited(limit), block);
        assert_eq!(outcome.errors.len(), 1, "{block:?}");
        assert_eq!(outcome.errors[0].field(), field, "{block:?} at {limit}");
    }
}

#[test]
fn events_before_the_fault_come_first_and_the_error_once() {
    let stream = b"data: 1\n\ndata: 2\n\ndata: too long\n\ndata: 3\n\n";
    let outcome = decode(&limited(10), stream);
    assert_eq!(data(&outcome), ["1", "2"]);
    assert_eq!(outcome.errors.len(), 1);
    assert_eq!(outcome.errors[0].offset(), 18);
    assert_eq!(
        outcome.errors[0].to_string(),
        "block larger than the limit of 10 bytes at byte 18 of the stream, in field `data`",
    );
}

#[test]
fn a_line_feed_too_many_is_noticed_by_a_reader_that_stops_before_it() {
    let outcome = decode(&limited(4), b": c\r\n\r\n");
    assert_eq!(outcome.errors.len(), 1);
    assert_eq!((outcome.errors[0].field(), outcome.errors[0].size()), (None, 5));
}

#[test]
fn skipping_goes_on_at_the_next_block_and_leaves_the_id_untouched() {
    let builder = limited(20).on_error(OnError::SkipBlock);
    for ends in [&["\n", "\n"], &["\r", "\r"], &["\r\n", "\r\n"], &["\r\n", "\n"]] {
        let stream = format!(
            "id: 1{0}data: a{0}{1}id: 2{0}data: far too long a line{0}data: b{0}{1}data: c{0}{1}",
            ends[0], ends[1],
        );
        let outcome = decode(&builder, stream.as_bytes());
        assert_eq!(data(&outcome), ["a", "c"]);
        assert_eq!(outcome.last_event_id, "1");
        assert_eq!(outcome.errors.len(), 1);
        assert!(!outcome.errors[0].is_fatal());
        assert_eq!(outcome.pending_bytes, 0);
    }
}

#[test]
fn a_block_that_passes_the_limit_with_its_last_byte_is_over() {
    let builder = limited(8).on_error(OnError::SkipBlock);
    for stream in [&b"data: a\n\ndata:b\n\n"[..], b"data: a\r\rdata:b\r\r"] {
        let outcome = decode(&builder, stream);
        assert_eq!(data(&outcome), ["b"]);
        assert_eq!(outcome.errors.len(), 1);
    }
    let outcome =
        decode(&limited(9).on_error(OnError::SkipBlock), b"data: a\r\n\r\ndata:b\r\n\r\n");
    assert_eq!((data(&outcome), outcome.pending_bytes), (vec!["b"], 0));
}

#[test]
fn each_refused_block_is_reported() {
    let stream = b"data: too long\n\n".repeat(3);
    let outcome = decode(&limited(8).on_error(OnError::SkipBlock), &stream);
    let offsets: Vec<_> = outcome.errors.iter().map(sse_wire::DecodeError::offset).collect();
    assert_eq!(offsets, [0, 16, 32]);
}

#[test]
fn the_end_of_a_skipped_block_may_never_come() {
    let builder = limited(8).on_error(OnError::SkipBlock).at_end(AtEnd::Dispatch);
    let outcome = decode(&builder, b"data: too long\ndata: and on");
    assert_eq!(outcome.errors.len(), 1);
    assert_eq!(outcome.items, []);
    assert_eq!(outcome.pending_bytes, 27);
}

/// The line is known to be data when the limit is passed, but the block is void.
#[test]
fn a_refused_block_is_not_dispatched_at_the_end() {
    for on_error in [OnError::Fail, OnError::SkipBlock] {
        let builder = limited(4).on_error(on_error).at_end(AtEnd::Dispatch);
        let outcome = decode(&builder, b"data:");
        assert_eq!((outcome.items.len(), outcome.errors.len()), (0, 1), "{on_error:?}");
    }
}

#[test]
fn a_block_that_was_not_read_to_its_end_is_not_dispatched_at_the_end() {
    let mut decoder = Decoder::builder().comments(true).at_end(AtEnd::Dispatch).build();
    let stream = b"data: a\n: c\ndata: b\n";
    assert!(decoder.feed(stream).next_item().expect("no limit").is_some());
    let end = decoder.finish().expect("no error");
    assert_eq!((end.event(), end.pending_bytes()), (None, stream.len() as u64));
}

#[test]
fn replacements_count_with_their_own_size() {
    for stream in [
        &b"data:\xff\xff\n\n"[..],
        b"data:\xff\xffabcdef\n\n",
        b"data:\xff\n: comment\nid:\xff\n\n",
        b"event:\xff\nevent:\xff\r\ndata\r\n\n",
        b"data:\xff\xff\n: comment\ndata: x\n\n",
    ] {
        // One byte each, replaced by three.
        let size = stream.len() as u64 + 4;
        for (limit, refused) in [(size, 0), (size - 1, 1), (size - 4, 1), (size - 8, 1)] {
            let builder = limited(limit);
            let whole = faces::borrowed(&builder, &[stream]);
            assert_eq!(whole.errors.len(), refused, "{stream:?} in {limit}");
            for size in 1..stream.len() {
                assert_eq!(faces::borrowed(&builder, &laws::cut(stream, &[size])), whole);
            }
        }
    }
}

fn strict() -> DecoderBuilder {
    Decoder::builder().invalid_utf8(InvalidUtf8::Reject)
}

#[test]
fn invalid_utf8_is_replaced_or_rejected() {
    let stream = b"data: a\n\nevent: e\ndata: b\xe4\xb8c\n\ndata: d\n\n";
    assert_eq!(data(&decode(&Decoder::builder(), stream)), ["a", "b\u{fffd}c", "d"]);

    let outcome = decode(&strict(), stream);
    assert_eq!(data(&outcome), ["a"]);
    let [error] = outcome.errors[..] else { panic!("{outcome:?}") };
    assert_eq!(error.kind(), DecodeErrorKind::InvalidUtf8);
    assert_eq!((error.field(), error.offset()), (Some(Field::Data), 25));
    assert_eq!((error.limit(), error.is_fatal()), (None, true));
    assert_eq!(error.to_string(), "invalid UTF-8 at byte 25 of the stream, in field `data`");

    let outcome = decode(&strict().on_error(OnError::SkipBlock), stream);
    assert_eq!((data(&outcome), outcome.errors.len()), (vec!["a", "d"], 1));
}

#[test]
fn what_is_ignored_is_never_a_reason_for_an_error() {
    let stream = b": \xff\n\xff: x\nx: \xff\nretry: \xff\nid: \xff\0\ndata: a\n\n";
    let outcome = decode(&strict(), stream);
    assert_eq!((data(&outcome), outcome.errors.len()), (vec!["a"], 0));
}

#[test]
fn a_rejected_block_leaves_the_id_untouched() {
    let stream = b"id: 1\n\nid: 2\ndata: \xff\n\nid: \xff\n\n";
    let outcome = decode(&strict().on_error(OnError::SkipBlock), stream);
    assert_eq!((outcome.last_event_id.as_str(), outcome.errors.len()), ("1", 2));
}

#[test]
fn the_end_of_the_stream_is_told() {
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
    let builder = Decoder::builder().at_end(AtEnd::Dispatch);
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
        let outcome = decode(&builder, stream);
        assert_eq!(data(&outcome), expected, "{stream:?}");
        assert_eq!(outcome.errors, []);
    }
    assert_eq!(decode(&builder, b"id: 1").last_event_id, "1");
    assert_eq!(decode(&builder, b"retry: 5").reconnection_time, Some(5));
}

#[test]
fn a_fault_in_the_last_line_is_told_at_the_end() {
    let mut decoder = strict().at_end(AtEnd::Dispatch).build();
    assert_eq!(decoder.feed(b"data: \xe4\xb8").next_event(), Ok(None));
    let error = decoder.finish().expect_err("half a character");
    assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::InvalidUtf8, 6));
}

#[test]
fn an_id_to_start_with_stays_until_the_stream_sets_one() {
    let builder = Decoder::builder().last_event_id(EventId::from_static("41"));
    let outcome = decode(&builder, b"data: a\n\nid: 42\ndata: b\n\n");
    let ids = |event: &Event| (event.id.clone(), event.last_event_id.clone());
    let found: Vec<_> = outcome.items.iter().filter_map(Item::event).map(ids).collect();
    assert_eq!(found, [(None, "41".to_owned()), (Some("42".to_owned()), "42".to_owned())]);
}

#[test]
fn a_reconnection_keeps_what_it_needs_and_nothing_else() {
    let mut decoder = Decoder::builder().max_block_size(64).build();
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
    let mut decoder = limited(4).build();
    assert!(decoder.feed(b"data: x\n\n").next_event().is_err());
    assert_eq!(decoder.feed(b"\n\nid\n\n").next_event(), Ok(None));
    assert_eq!(decoder.feed_bytes("data\n\n".into()).count(), 0);
    decoder.reset_for_reconnect();
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
fn counters_tell_what_the_stream_was_made_of() {
    let mut decoder = Decoder::builder().max_block_size(30).on_error(OnError::SkipBlock).build();
    let stream =
        b": c\nerror: x\ndata: a\n\n\n:\n\nid: 1\n\ndata: this is much too long to pass\n\n";
    let mut events = decoder.feed(stream);
    while events.next_event() != Ok(None) {}
    drop(events);
    let stats = decoder.stats();
    assert_eq!(stats.bytes, stream.len() as u64);
    assert_eq!((stats.blocks, stats.events, stats.refused), (4, 1, 1));
    assert_eq!((stats.comments, stats.unknown_fields), (2, 1));

    // In pieces, each line is still counted once, and what is dispatched at the end, too.
    let builder = strict().on_error(OnError::SkipBlock).at_end(AtEnd::Dispatch);
    let mut decoder = builder.build();
    for byte in b": comment\nunknown: x\ndata: \xff\n\n: c\ndata: b".chunks(1) {
        let mut events = decoder.feed(byte);
        while events.next_event() != Ok(None) {}
    }
    assert!(decoder.finish().expect("no fault").event().is_some());
    let stats = decoder.stats();
    assert_eq!((stats.comments, stats.unknown_fields), (2, 1));
    assert_eq!((stats.events, stats.refused, stats.blocks), (1, 1, 0));
}
