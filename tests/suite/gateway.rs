//! Gateways: rewriting, filtering, injecting.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use bytes::Bytes;
use proptest::{collection::vec, prelude::*, sample::select};
use sse_wire::{
    AtEnd, BlockBuf, BlockDecoder, BlockFilter, DecodeErrorKind, Decoder, Encoder, Event, EventBuf,
    EventId, EventType, Field, Frame, Injector, InvalidUtf8, OnError, PartError, Rewrite, Verdict,
};

use crate::{
    laws,
    streams::{sizes, stream, text},
};

/// U+FEFF, which is a byte order mark at the start of a stream.
const MARK: &[u8] = b"\xef\xbb\xbf";

fn blocks(stream: &[u8]) -> Vec<BlockBuf> {
    let mut decoder = BlockDecoder::new();
    decoder.feed_bytes(Bytes::copy_from_slice(stream)).collect::<Result<_, _>>().unwrap()
}

fn events(stream: &[u8]) -> Vec<EventBuf> {
    let mut decoder = Decoder::new();
    decoder.feed_bytes(Bytes::copy_from_slice(stream)).collect::<Result<_, _>>().unwrap()
}

/// Returns what a receiver gets from a block in the middle of a stream: its event, the last event
/// ID and the reconnection time. Checks that it is a single block.
fn meaning(block: &[u8]) -> (Option<EventBuf>, String, Option<Duration>) {
    let mut decoder = Decoder::new();
    assert!(decoder.feed(b"\n").next_event().unwrap().is_none());
    let mut found = decoder.feed_bytes(Bytes::copy_from_slice(block)).map(Result::unwrap);
    let event = found.next();
    assert!(found.next().is_none());
    drop(found);
    assert!(decoder.at_boundary(), "the block has not ended");
    (event, decoder.last_event_id().to_owned(), decoder.reconnection_time())
}

/// Returns the raw bytes of a block, without the prefix that it has because of the previous block.
fn own_bytes(block: &BlockBuf) -> &[u8] {
    let raw: &[u8] = block.raw();
    let is_blank = raw == b"\n";
    let start: &[u8] = if block.offset() == 0 { "\u{feff}".as_bytes() } else { b"\n" };
    if is_blank { raw } else { raw.strip_prefix(start).unwrap_or(raw) }
}

/// Writes the block in both ways, which must agree.
fn written(rewrite: &Rewrite<'_>) -> Bytes {
    let bytes = rewrite.to_bytes();
    assert_eq!(rewrite.to_chunks().concat(), bytes);
    bytes
}

fn own_part<'b>(block: &BlockBuf, bytes: &'b Bytes) -> &'b [u8] {
    if block.offset() == 0 {
        return bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    }
    &bytes[block.raw().len() - own_bytes(block).len()..]
}

/// Returns the lines of all other fields.
fn others(block: &[u8], field: Field) -> Vec<Vec<u8>> {
    let mut decoder = BlockDecoder::new();
    let stream = [b"\n", block].concat();
    let mut found = decoder.feed(&stream);
    let mut lines = Vec::new();
    while let Some(block) = found.next_block().unwrap() {
        let line = |line: sse_wire::Line<'_>| (line.name().to_vec(), line.value().to_vec());
        let kept = block.lines().filter(|line| line.field() != field).map(line);
        lines.extend(kept.map(|(name, value)| [name, value].join(&b':')));
    }
    lines
}

proptest! {
    #[test]
    fn gateways_change_only_what_was_asked(input in stream(), sizes in sizes(), data in text()) {
        laws::gateways_change_only_what_was_asked(&input, &laws::cut(&input, &sizes), &data);
    }

    #[test]
    fn a_rewrite_without_changes_is_the_original(input in stream()) {
        for block in blocks(&input) {
            prop_assert_eq!(&written(&block.rewrite()), block.raw());
        }
    }

    #[test]
    fn new_data_changes_the_data_alone(input in stream(), data in text()) {
        for block in blocks(&input) {
            let rewritten = written(&block.rewrite().with_data(&data));
            let rewritten = own_part(&block, &rewritten);
            let (before, id, retry) = meaning(own_bytes(&block));
            let (event, new_id, new_retry) = meaning(rewritten);
            let event = event.expect("data makes an event");
            let expected = data.replace("\r\n", "\n").replace('\r', "\n");
            prop_assert_eq!(event.data(), expected);
            if let Some(before) = before {
                prop_assert_eq!(event.event_field(), before.event_field());
            }
            prop_assert_eq!((new_id, new_retry), (id, retry));
            prop_assert_eq!(others(rewritten, Field::Data), others(own_bytes(&block), Field::Data));
        }
    }

    #[test]
    fn new_fields_count_and_the_rest_stays(input in stream(), value in "[a-z你:]{0,5}", millis: u32) {
        for block in blocks(&input) {
            let (before, ..) = meaning(own_bytes(&block));
            let rewrite = block
                .rewrite()
                .with_event_type(EventType::new(&value).unwrap())
                .with_id(EventId::new(&value).unwrap())
                .with_retry(Duration::from_millis(millis.into()))
                .with_comment("via\rus");
            let rewritten = written(&rewrite);
            let rewritten = own_part(&block, &rewritten);
            let (event, id, retry) = meaning(rewritten);
            prop_assert_eq!(event.is_some(), before.is_some());
            if let (Some(event), Some(before)) = (event, before) {
                prop_assert_eq!(event.data(), before.data());
                prop_assert_eq!(event.event_field(), Some(value.as_str()));
            }
            prop_assert_eq!(id, value.clone());
            prop_assert_eq!(retry, Some(Duration::from_millis(millis.into())));
        }
    }

    #[test]
    fn removed_fields_are_gone_and_the_rest_stays(input in stream()) {
        for block in blocks(&input) {
            for field in [Field::Data, Field::Event, Field::Id, Field::Retry, Field::Comment, Field::Unknown] {
                let rewritten = written(&block.rewrite().without(field));
                let rewritten = own_part(&block, &rewritten);
                let mut expected = others(own_bytes(&block), field);
                let goes = block.lines().next().is_some_and(|line| line.field() == field);
                let is_alone = own_bytes(&block).len() == block.raw().len();
                let looks_like_mark = expected.first().is_some_and(|line| line.starts_with(MARK));
                if goes && is_alone && looks_like_mark && field != Field::Comment {
                    expected.insert(0, b":".to_vec());
                }
                prop_assert_eq!(others(rewritten, field), expected.clone());
                let all = others(rewritten, Field::Unknown).len() + others(rewritten, Field::Comment).len();
                prop_assert!(all >= expected.len(), "no block was torn in two");
                meaning(rewritten);
            }
        }
    }

    /// Lines are added to the usual block without reading it. The result must be the same.
    #[test]
    fn added_lines_do_not_depend_on_how_they_are_added(
        input in prop_oneof![stream(), select(&["data: a\n\n", "data:a\r\n\r\n", "\u{feff}data\n\n", "data: a\n: c\n\n"][..]).prop_map(|stream| stream.as_bytes().to_vec())],
        sets in (any::<bool>(), any::<bool>()),
    ) {
        let mut decoder = BlockDecoder::builder().at_end(AtEnd::Dispatch).build();
        let bytes = Bytes::copy_from_slice(&input);
        let mut all: Vec<_> = decoder.feed_bytes(bytes).map(Result::unwrap).collect();
        all.extend(decoder.finish().block().map(|block| block.to_buf()));
        for block in all {
            let mut rewrite = block.rewrite();
            if sets.0 {
                rewrite = rewrite.with_event_type(EventType::from_static("e"));
            }
            if sets.1 {
                rewrite = rewrite.with_id(EventId::from_static("1"));
            }
            // These change nothing, but make the rewrite read each line.
            let absent = [Field::Comment, Field::Unknown, Field::Retry]
                .into_iter()
                .find(|&field| block.lines().all(|line| line.field() != field));
            let Some(absent) = absent else { continue };
            let read = rewrite.clone().without(absent);
            prop_assert_eq!(written(&rewrite), written(&read));
            let mut both = [Vec::new(), Vec::new()];
            rewrite.append_to(&mut both[0]);
            read.append_to(&mut both[1]);
            prop_assert_eq!(&both[0], &both[1]);
        }
    }

    /// A borrowed block gets the line ends from its decoder; an owned block searches for them.
    #[test]
    fn borrowed_and_owned_blocks_are_rewritten_alike(
        input in stream(),
        sizes in sizes(),
        data in text(),
        more_lines in 0_usize..12,
    ) {
        let lines = "event: a\nid\nx: y\n:\r".repeat(more_lines);
        let input = [lines.as_bytes(), &input].concat();
        let event_type = EventType::from_static("b");
        let mut decoder = BlockDecoder::new();
        for chunk in laws::cut(&input, &sizes) {
            let mut blocks = decoder.feed(chunk);
            while let Some(block) = blocks.next_block().unwrap() {
                let owned = block.to_buf();
                prop_assert_eq!(
                    block.rewrite().with_data(&data).with_event_type(event_type).to_bytes(),
                    owned.rewrite().with_data(&data).with_event_type(event_type).to_bytes()
                );
                let block = block.rewrite().with_id(EventId::from_static("1")).without(Field::Event);
                let owned = owned.rewrite().with_id(EventId::from_static("1")).without(Field::Event);
                prop_assert_eq!(block.to_bytes(), owned.to_bytes());
            }
        }
    }

    #[test]
    fn a_filter_that_keeps_all_changes_nothing(input in stream(), sizes in sizes()) {
        let mut filter = BlockFilter::new(|_, _| Verdict::Keep);
        let mut output = Vec::new();
        for chunk in laws::cut(&input, &sizes) {
            filter.pass(&Bytes::copy_from_slice(chunk), &mut output);
        }
        output.push(Bytes::copy_from_slice(filter.finish().pending()));
        prop_assert_eq!(output.concat(), input);
    }

    #[test]
    fn a_filter_drops_and_replaces_only_what_it_should(
        input in stream(),
        sizes in sizes(),
        modulus in 2_u32..5,
    ) {
        let mut number = 0;
        let mut filter = BlockFilter::new(|block, encoder| {
            let block = block.unwrap();
            if block.event().unwrap().is_none() {
                return Verdict::Keep;
            }
            number += 1;
            match number % modulus {
                0 => Verdict::Replace,
                1 => {
                    encoder.rewritten(&block.rewrite().with_data("new"));
                    Verdict::Replace
                }
                _ => Verdict::Keep,
            }
        });
        let mut output = Vec::new();
        for chunk in laws::cut(&input, &sizes) {
            filter.pass(&Bytes::copy_from_slice(chunk), &mut output);
        }
        drop(filter);
        let expected: Vec<_> = events(&input)
            .iter()
            .zip(1_u32..)
            .filter(|&(_, number)| number % modulus != 0)
            .map(|(event, number)| {
                let data = if number % modulus == 1 { "new" } else { event.data() };
                (data.to_owned(), event.event_type().to_owned())
            })
            .collect();
        let found: Vec<_> = events(&output.concat())
            .iter()
            .map(|event| (event.data().to_owned(), event.event_type().to_owned()))
            .collect();
        prop_assert_eq!(found, expected);
    }

    /// Small and large blocks, adjacent kept ones, and new ones before and between them.
    #[test]
    fn the_output_of_a_filter_is_in_order(
        plan in vec((select(&[0_usize, 100, 600][..]), 0..4), 1..40),
        sizes in vec(1_usize..9_000, 1..4),
    ) {
        let blocks: Vec<_> = plan
            .iter()
            .enumerate()
            .map(|(number, (len, _))| format!("data: {number} {}\n\n", "x".repeat(*len)))
            .collect();
        let mut expected = Vec::new();
        for (number, (block, (_, decision))) in blocks.iter().zip(&plan).enumerate() {
            if *decision >= 2 {
                expected.push(format!(": {number}\n\n"));
            }
            if decision % 2 == 1 {
                expected.push(block.clone());
            }
        }

        let mut decisions = plan.iter().map(|(_, decision)| decision).enumerate();
        let mut filter = BlockFilter::new(|_, encoder| {
            let (number, decision) = decisions.next().unwrap();
            if *decision >= 2 {
                encoder.comment(&number.to_string());
            }
            if decision % 2 == 1 { Verdict::Keep } else { Verdict::Replace }
        });
        let mut output = Vec::new();
        for chunk in laws::cut(blocks.concat().as_bytes(), &sizes) {
            filter.pass(&Bytes::copy_from_slice(chunk), &mut output);
        }
        prop_assert_eq!(output.concat(), expected.concat().into_bytes());
        prop_assert!(output.iter().all(|part| !part.is_empty()));
    }

    /// Whatever is forwarded, and wherever frames are injected, all events arrive complete and in
    /// order, and no byte of the stream is lost.
    #[test]
    fn injected_frames_are_between_blocks(
        input in stream(),
        sizes in sizes(),
        when in prop::collection::vec(0_u8..4, 1..20),
    ) {
        const OWN: &str = "\u{1}injected";
        let mut injector = Injector::new();
        let frame = Frame::from(Event::new(OWN));
        let mut output: Vec<Bytes> = Vec::new();
        let mut injected = 0;
        for (chunk, when) in laws::cut(&input, &sizes).into_iter().zip(when.iter().cycle()) {
            if *when < 2 {
                injector.inject(&frame);
                injected += 1;
            }
            if *when == 1 {
                output.extend(injector.take_ready());
            }
            injector.pass(Bytes::copy_from_slice(chunk), &mut output);
        }
        let is_cut = !injector.at_boundary();
        output.push(injector.close());
        let output = output.concat();

        // An unterminated block is ended, so its event is dispatched.
        let mut input = input;
        if is_cut {
            input.extend_from_slice(b"\n\n");
        }
        let (own, others): (Vec<_>, Vec<_>) =
            events(&output).into_iter().partition(|event| event.data() == OWN);
        prop_assert_eq!(own.len(), injected);
        let content = |event: &EventBuf| (event.data().to_owned(), event.event_type().to_owned());
        let expected: Vec<_> = events(&input).iter().map(content).collect();
        prop_assert_eq!(others.iter().map(content).collect::<Vec<_>>(), expected);

        let without = String::from_utf8_lossy(&output).replace(&format!("data: {OWN}\n\n"), "");
        let input = String::from_utf8_lossy(&input);
        let same = without == input || Some(without.as_str()) == input.strip_prefix('\u{feff}');
        prop_assert!(same, "{without:?} of {input:?}");
    }
}

#[test]
fn two_line_ends_never_become_one() {
    // A CR and the LF of a blank line, once the field between them is gone.
    let blocks = blocks(b"\ndata: a\revent: e\n\n");
    let block = &blocks[1];
    assert_eq!(written(&block.rewrite().without(Field::Event)), "data: a\r\n\n");
    assert_eq!(meaning(&written(&block.rewrite().without(Field::Event))).0.unwrap().data(), "a");
}

#[test]
fn large_kept_parts_are_shared() {
    let big = "x".repeat(5000);
    let stream = format!("event: e\ndata: {big}\nid: 1\n\n");
    let blocks = blocks(stream.as_bytes());
    let rewrite = blocks[0].rewrite().with_id(EventId::from_static("2"));
    let chunks = rewrite.to_chunks();
    assert_eq!(chunks.concat(), stream.replace("id: 1", "id: 2").as_bytes());
    assert_eq!(chunks[0].as_ptr(), blocks[0].raw().as_ptr());
}

#[test]
fn runs_of_kept_blocks_are_shared() {
    let chunk = Bytes::from("data: 0123456789\n\n".repeat(200));
    let mut filter = BlockFilter::new(|_, _| Verdict::Keep);
    let mut output = Vec::new();
    filter.pass(&chunk, &mut output);
    assert_eq!(output.len(), 1);
    assert_eq!((output[0].as_ptr(), output[0].len()), (chunk.as_ptr(), chunk.len()));
}

#[test]
fn a_byte_order_mark_after_a_frame_is_removed() {
    for size in [1, 2, 3, 100] {
        let mut injector = Injector::new();
        let mut output = Vec::new();
        injector.inject(&Frame::KEEP_ALIVE);
        for chunk in "\u{feff}data: a\n\n".as_bytes().chunks(size) {
            injector.pass(Bytes::copy_from_slice(chunk), &mut output);
        }
        assert_eq!(output.concat(), b":\n\ndata: a\n\n");

        // Bytes that only start like a mark stay.
        let mut injector = Injector::new();
        let mut output = Vec::new();
        injector.inject(&Frame::KEEP_ALIVE);
        for chunk in b"\xef\xbbdata: a\n\n".chunks(size) {
            injector.pass(Bytes::copy_from_slice(chunk), &mut output);
        }
        assert_eq!(output.concat(), b":\n\n\xef\xbbdata: a\n\n");
    }
}

proptest! {
    /// One value changes, and no other byte.
    #[test]
    fn a_part_of_the_data_is_spliced(input in stream(), text in "[a-z你]{0,5}", at: prop::sample::Index) {
        for block in blocks(&input) {
            let Some(event) = block.event().unwrap() else { continue };
            let data = event.data().to_owned();
            let line = data.split('\n').next().unwrap_or_default();
            let ends: Vec<_> = line.char_indices().map(|(index, _)| index).chain([line.len()]).collect();
            let start = *at.get(&ends);
            let Ok(rewrite) = block.rewrite().with_part(start..line.len(), &text) else {
                // `with_part` refused for a reason that replacing all of the data does not have.
                let new = [&line[..start], &text].concat();
                let has_bare_name = block.lines().any(|line| {
                    line.field() == Field::Data && !line.raw().contains(&b':')
                });
                let is_text = std::str::from_utf8(block.raw()).is_ok();
                prop_assert!(!is_text || has_bare_name || new.starts_with(' '), "{:?}", line);
                continue;
            };
            let rewritten = written(&rewrite);
            let expected = [&data[..start], &text, &data[line.len()..]].concat();
            let (event, ..) = meaning(own_part(&block, &rewritten));
            let event = event.expect("data");
            prop_assert_eq!(event.data(), expected);
            // Before and after the part, nothing changes.
            let removed = line.len() - start;
            prop_assert_eq!(rewritten.len() + removed, block.raw().len() + text.len());
            let same = |a: &u8, b: &u8| a == b;
            let before = rewritten.iter().zip(block.raw()).take_while(|(a, b)| same(a, b)).count();
            let after = rewritten.iter().rev().zip(block.raw().iter().rev()).take_while(|(a, b)| same(a, b)).count();
            prop_assert!(before + after + removed >= block.raw().len());
        }
    }
}

#[test]
fn a_line_that_becomes_the_first_has_no_byte_order_mark() {
    let stream = "data: a\n\u{feff}data: b\nid: 1\n\n\u{feff}data: c\n\ndata: d\n\n";
    let first = written(&blocks(stream.as_bytes())[0].rewrite().without(Field::Data));
    assert!(events(&first).is_empty());
    assert_eq!(first, ":\n\u{feff}data: b\nid: 1\n\n");

    let mut filter = BlockFilter::new(|block, _| {
        if block.unwrap().offset() == 0 { Verdict::Replace } else { Verdict::Keep }
    });
    let mut output = Vec::new();
    filter.pass(&Bytes::from(stream), &mut output);
    let events = events(&output.concat());
    assert_eq!(events.iter().map(EventBuf::data).collect::<Vec<_>>(), ["d"]);

    // Within a line, U+FEFF is text.
    let inner = blocks("data: a\u{feff}b\n\n".as_bytes()).swap_remove(0);
    let without_a = inner.rewrite().with_part(0..1, "").unwrap();
    assert_eq!(written(&without_a), "data: \u{feff}b\n\n");
}

#[test]
fn a_frame_is_sent_at_the_first_boundary_and_a_chunk_without_frames_stays_whole() {
    let mut injector = Injector::new();
    let mut output = Vec::new();
    let chunk = Bytes::from("data: a\n\ndata: b\n\ndata: c");
    injector.pass(chunk.clone(), &mut output);
    assert_eq!(output, [chunk]);

    output.clear();
    injector.inject(&Frame::KEEP_ALIVE);
    assert!(!injector.at_boundary() && injector.take_ready().is_none());
    injector.pass(Bytes::from("\r\n\r\ndata: d\n\ndata: e\n\n"), &mut output);
    assert_eq!(output, ["\r\n\r\n", ":\n\n", "data: d\n\ndata: e\n\n"]);

    output.clear();
    injector.inject(&Frame::KEEP_ALIVE);
    assert_eq!(injector.take_ready().as_deref(), Some(&b":\n\n"[..]));
    assert!(injector.take_ready().is_none() && !injector.is_waiting());

    // After the end of one stream, the next one starts in the middle of the output.
    assert_eq!(injector.close(), "");
    injector.pass(Bytes::from("\u{feff}data: f\n\n"), &mut output);
    assert_eq!(output, ["data: f\n\n"]);
}

#[test]
fn a_part_that_cannot_be_replaced_is_refused() {
    for (stream, part, text, can) in [
        ("data\n\n", 0..0, "x", false),
        ("data:\n\n", 0..0, "x", true),
        ("data:a b\n\n", 0..1, "", false),
        ("data: a b\n\n", 0..1, "", true),
        ("data:ab\n\n", 0..1, " ", false),
        ("data: ab\ndata: c\n\n", 1..4, "x", false),
        ("data: ab\ndata: c\n\n", 3..4, "x", true),
        ("data: ab\n\n", 1..3, "x", false),
        ("data: ab\n\n", 1..2, "\n", false),
        ("data: 你\n\n", 1..3, "x", false),
        ("id: 1\n\n", 0..0, "x", false),
    ] {
        let block = &blocks(stream.as_bytes())[0];
        let rewrite = block.rewrite().with_part(part.clone(), text);
        assert_eq!(rewrite.is_ok(), can, "{stream:?} {part:?} {text:?}");
        if let Ok(rewrite) = rewrite {
            let (event, ..) = meaning(&written(&rewrite));
            let mut expected = block.event().unwrap().unwrap().data().to_owned();
            expected.replace_range(part, text);
            assert_eq!(event.unwrap().data(), expected);
        }
    }
}

/// Every byte, for blocks with every peculiarity.
#[test]
fn rewritten_byte_for_byte() {
    let at = |stream: &str, number: usize| blocks(stream.as_bytes()).swap_remove(number);
    let c = EventType::from_static("c");
    let nine = EventId::from_static("9");

    let twice = at("event: a\nid:1\nretry: 1\nevent:b\r\nid: 2\nretry:2\nx\ndata\n\n", 0);
    let expected = "event: a\nid:1\nretry: 1\nevent: c\r\nid: 9\nretry: 7\nx\ndata\n\n";
    let rewrite =
        twice.rewrite().with_event_type(c).with_id(nine).with_retry(Duration::from_millis(7));
    assert_eq!(written(&rewrite), expected);
    let expected = "id:1\nretry: 1\nid: 2\nretry:2\nx\ndata\n\n";
    assert_eq!(written(&twice.rewrite().without(Field::Event)), expected);
    // A new value stays, even if all other lines of the field are removed.
    let expected = "id:1\nretry: 1\nevent: c\r\nid: 2\nretry:2\nx\ndata\n\n";
    assert_eq!(written(&twice.rewrite().with_event_type(c).without(Field::Event)), expected);

    let none = at(": hi\rx:y\r\r", 0);
    let rewrite = none.rewrite().with_event_type(c).with_id(nine).with_retry(Duration::ZERO);
    assert_eq!(written(&rewrite), ": hi\rx:y\revent: c\rid: 9\rretry: 0\r\r");
    assert_eq!(
        written(&none.rewrite().with_data("a\nb").with_id(nine)),
        ": hi\rx:y\rid: 9\rdata: a\rdata: b\r\r"
    );
    assert_eq!(written(&none.rewrite().with_comment("1\n2")), ": hi\rx:y\r: 1\r: 2\r\r");
    assert_eq!(written(&none.rewrite().without(Field::Comment)), "x:y\r\r");
    assert_eq!(written(&none.rewrite().without(Field::Unknown)), ": hi\r\r");

    let data = at("data:a\r\n: c\r\ndata: b\r\nid\r\n\r\n", 0);
    assert_eq!(written(&data.rewrite().with_data("x")), "data: x\r\n: c\r\nid\r\n\r\n");
    assert_eq!(written(&data.rewrite().with_data("x\n")), "data: x\r\ndata: \r\n: c\r\nid\r\n\r\n");
    assert_eq!(
        written(&data.rewrite().with_event_type(c)),
        "event: c\r\ndata:a\r\n: c\r\ndata: b\r\nid\r\n\r\n"
    );

    // Where no line determines the line end, the first line's is used.
    let mixed = at("x\r\ny\rdata: a\n\n", 0);
    assert_eq!(written(&mixed.rewrite().with_id(nine)), "x\r\ny\rid: 9\r\ndata: a\n\n");

    let blank = at("data: a\n\n\n", 1);
    assert_eq!(written(&blank.rewrite().with_data("x")), "data: x\n\n");
    let marked = at("\u{feff}data: a\n\n", 0);
    assert_eq!(
        written(&marked.rewrite().with_data("x").with_id(nine)),
        "\u{feff}id: 9\ndata: x\n\n"
    );
}

/// An unterminated block may have a line without a line end.
#[test]
fn an_unterminated_block_is_rewritten() {
    let mut decoder = BlockDecoder::builder().at_end(AtEnd::Dispatch).build();
    assert!(decoder.feed(b"data: a\nid: 1").next_block().unwrap().is_none());
    let mut end = decoder.finish();
    let block = end.block().unwrap();
    assert_eq!(written(&block.rewrite()), "data: a\nid: 1\n\n");
    assert_eq!(written(&block.rewrite().with_comment("c")), "data: a\nid: 1\n: c\n\n");
    let two = EventId::from_static("2");
    assert_eq!(written(&block.rewrite().with_id(two)), "data: a\nid: 2\n\n");

    let mut decoder = BlockDecoder::builder().at_end(AtEnd::Dispatch).build();
    assert!(decoder.feed(b"x: a\n\ndata: b").next_block().unwrap().is_some());
    assert!(decoder.feed(b"").next_block().unwrap().is_none());
    let mut end = decoder.finish();
    let block = end.block().unwrap();
    assert_eq!(written(&block.rewrite().with_comment("c")), "data: b\n: c\n\n");
}

#[test]
fn a_byte_order_mark_after_other_output_is_removed() {
    let stream = Bytes::from("\u{feff}data: a\n\ndata: b\n\n");
    for (size, replaces) in [(100, true), (100, false), (4, true), (4, false)] {
        let mut filter = BlockFilter::new(|block, encoder| {
            let block = block.unwrap();
            if block.offset() > 0 {
                return Verdict::Keep;
            }
            encoder.keep_alive();
            if replaces {
                encoder.rewritten(&block.rewrite());
                return Verdict::Replace;
            }
            Verdict::Keep
        });
        let mut output = Vec::new();
        for chunk in stream.chunks(size) {
            filter.pass(&Bytes::copy_from_slice(chunk), &mut output);
        }
        assert_eq!(output.concat(), b":\n\ndata: a\n\ndata: b\n\n");
    }
}

type Content = (String, String);

fn content(event: Event<'_>) -> Content {
    (event.data().to_owned(), event.event_type().to_owned())
}

fn contents(stream: &[u8]) -> Vec<Content> {
    events(stream).iter().map(|event| content(event.as_event())).collect()
}

/// Formats everything that a function sees of a block.
fn seen(block: &mut sse_wire::Block<'_>) -> String {
    let (raw, offset) = (block.raw().escape_ascii().to_string(), block.offset());
    let lines: Vec<_> = block.lines().map(|line| (line.field(), line.raw().len())).collect();
    format!("{offset} {raw} {lines:?} {:?}", block.event())
}

proptest! {
    /// A filter calls its function with what a decoder returns, in any order of blocks of any kind.
    #[test]
    fn a_filter_sees_what_a_decoder_returns(
        input in stream(),
        more in vec(select(&["data: x\n\n", ":c\n\n", "event: e\nid: 1\ndata: x\n\n", "data\n\n"][..]), 0..6),
        sizes in sizes(),
        limit in prop_oneof![1_u64..40, Just(u64::MAX)],
        policy in 0_usize..4,
    ) {
        let input = [more.concat().as_bytes(), &input, more.concat().as_bytes()].concat();
        let on_error = if policy < 2 { OnError::Fail } else { OnError::SkipBlock };
        let invalid_utf8 =
            if policy % 2 == 0 { InvalidUtf8::Replace } else { InvalidUtf8::Reject };
        let builder = BlockDecoder::builder()
            .max_block_size(limit)
            .on_error(on_error)
            .invalid_utf8(invalid_utf8);
        let chunks = laws::cut(&input, &sizes);

        let (mut expected, mut decoder) = (Vec::new(), builder.clone().build());
        for chunk in &chunks {
            let mut blocks = decoder.feed(chunk);
            loop {
                match blocks.next_block() {
                    Ok(Some(mut block)) => expected.push(seen(&mut block)),
                    Ok(None) => break,
                    Err(error) => expected.push(format!("{error:?}")),
                }
            }
        }

        let mut found = Vec::new();
        let mut filter = BlockFilter::with_decoder(builder.build(), |block, _| {
            found.push(match block {
                Ok(block) => seen(block),
                Err(error) => format!("{error:?}"),
            });
            Verdict::Keep
        });
        let mut output = Vec::new();
        for chunk in &chunks {
            filter.pass(&Bytes::copy_from_slice(chunk), &mut output);
        }
        prop_assert_eq!(filter.decoder().stats(), decoder.stats());
        prop_assert_eq!(filter.decoder().last_event_id(), decoder.last_event_id());
        prop_assert_eq!(filter.decoder().has_failed(), decoder.has_failed());
        drop(filter);
        prop_assert_eq!(found, expected);
    }

    /// Whatever a filter does with the blocks of several connections, the output has the events of
    /// the forwarded blocks.
    #[test]
    fn the_output_of_a_filter_has_the_events_of_the_forwarded_blocks(
        connections in vec((stream(), sizes()), 1..4),
        decisions in vec(0_u8..7, 1..12),
    ) {
        let expected = RefCell::new(Vec::new());
        let mut decisions = decisions.iter().cycle();
        let mut filter = BlockFilter::new(|block, encoder| {
            let block = block.unwrap();
            let pass = |expected: &mut Vec<Content>| {
                expected.extend(events_of(block.raw(), block.offset()));
            };
            let mut expected = expected.borrow_mut();
            match decisions.next().unwrap() {
                0 => {
                    encoder.event(Event::new("discarded"));
                    Verdict::Drop
                }
                1 => Verdict::Replace,
                2 => {
                    encoder.event(Event::new("before"));
                    expected.push(("before".into(), "message".into()));
                    pass(&mut expected);
                    Verdict::Keep
                }
                3 => {
                    encoder.rewritten(&block.rewrite().without(Field::Comment));
                    pass(&mut expected);
                    Verdict::Replace
                }
                4 => {
                    encoder.rewritten(&block.rewrite().without(Field::Unknown));
                    pass(&mut expected);
                    Verdict::Replace
                }
                5 => {
                    encoder.rewritten(&block.rewrite());
                    pass(&mut expected);
                    Verdict::Replace
                }
                _ => {
                    pass(&mut expected);
                    Verdict::Keep
                }
            }
        });
        for (input, sizes) in &connections {
            let mut output = Vec::new();
            for chunk in laws::cut(input, sizes) {
                filter.pass(&Bytes::copy_from_slice(chunk), &mut output);
            }
            filter.finish();
            prop_assert_eq!(contents(&output.concat()), expected.take());
        }
    }

    /// A rewritten block means the same anywhere: here in the middle of other streams.
    #[test]
    fn rewritten_blocks_are_safe_anywhere(streams in vec(stream(), 1..4), field in 0_usize..4) {
        let field = [Field::Comment, Field::Unknown, Field::Retry, Field::Data][field];
        let mut encoder = Encoder::new();
        let mut expected = Vec::new();
        for stream in &streams {
            for block in blocks(stream) {
                let rewrite = block.rewrite().without(field);
                let mut appended = Vec::from(*b"x");
                rewrite.append_to(&mut appended);
                let start = encoder.as_bytes().len();
                encoder.rewritten(&rewrite);
                let written = &encoder.as_bytes()[start..];
                prop_assert_eq!(&appended[1..], written);
                prop_assert!(!written.starts_with(MARK));
                // Nothing is added before it without need.
                if block.offset() > 0 && !own_part(&block, &rewrite.to_bytes()).starts_with(MARK) {
                    prop_assert_eq!(written, &rewrite.to_bytes());
                }
            }
            if field != Field::Data {
                expected.extend(contents(stream));
            }
        }
        prop_assert_eq!(contents(encoder.as_bytes()), expected);
    }

    #[test]
    fn several_parts_are_spliced(
        lines in vec("[a-c你 ]{0,6}", 1..4),
        space in any::<bool>(),
        edits in vec((0_usize..24, 0_usize..5, "[x-z ]{0,3}"), 1..6),
    ) {
        let name = if space { "data: " } else { "data:" };
        let stream: Vec<_> = lines.iter().map(|line| format!("{name}{line}\n")).collect();
        let stream = stream.concat();
        let block = blocks(format!("{stream}\n").as_bytes()).swap_remove(0);
        let data = block.event().unwrap().unwrap().data().to_owned();

        let mut rewrite = block.rewrite();
        let mut accepted: Vec<(usize, usize, &str)> = Vec::new();
        for (start, len, text) in &edits {
            let (start, end) = (*start, start + len);
            let overlaps = accepted.iter().any(|&(from, to, _)| from < end && start < to);
            let result = rewrite.clone().with_part(start..end, text);
            match data.get(start..end) {
                Some(part) if !part.contains('\n') && !overlaps => match result {
                    Ok(changed) => {
                        rewrite = changed;
                        accepted.push((start, end, text));
                    }
                    Err(error) => {
                        prop_assert_eq!(error, PartError::NoSpace);
                        prop_assert!(!space);
                    }
                },
                _ => prop_assert!(result.is_err()),
            }
        }
        accepted.sort_by_key(|&(start, end, _)| (start, end));
        let mut expected = data;
        for (start, end, text) in accepted.iter().rev() {
            expected.replace_range(*start..*end, text);
        }
        let rewritten = written(&rewrite);
        let (event, ..) = meaning(&rewritten);
        let event = event.unwrap();
        prop_assert_eq!(event.data(), expected);
        let same_lines = rewritten.split(|&byte| byte == b'\n').count();
        prop_assert_eq!(same_lines, lines.len() + 2);
    }
}

/// Returns the events of one block of a stream.
fn events_of(raw: &[u8], offset: u64) -> Vec<Content> {
    let before: &[u8] = if offset == 0 { b"" } else { b"\n" };
    contents(&[before, raw].concat())
}

#[test]
fn blocks_that_a_decoder_holds_unread_come_first() {
    let start = b"data: first\n\ndata: second\n\n";
    for (chunks, expected, pending) in [
        (&["data: THIRD!\n\nmore", "d"][..], "data: second\n\ndata: THIRD!\n\n", "mored"),
        (&["d"], "data: second\n\n", "d"),
        (&[""], "data: second\n\n", ""),
    ] {
        let mut decoder = BlockDecoder::new();
        assert_eq!(decoder.feed(start).next_block().unwrap().unwrap().raw(), b"data: first\n\n");
        let mut filter = BlockFilter::with_decoder(decoder, |_, _| Verdict::Keep);
        let mut output = Vec::new();
        for chunk in chunks {
            filter.pass(&Bytes::copy_from_slice(chunk.as_bytes()), &mut output);
        }
        assert_eq!(output.concat(), expected.as_bytes());
        assert_eq!(filter.finish().pending(), pending.as_bytes());

        // From then on, the chunks are shared again.
        let chunk = Bytes::from("data: 0123456789\n\n".repeat(100));
        output.clear();
        filter.pass(&chunk, &mut output);
        assert_eq!((output.len(), output[0].as_ptr()), (1, chunk.as_ptr()));
    }
}

/// Panics without printing anything.
fn quiet_panic() -> ! {
    std::panic::resume_unwind(Box::new(()))
}

#[test]
fn a_panic_in_the_function_loses_only_its_block() {
    let text = |number: usize| format!("data: {number} {}\n\n", "x".repeat(number % 3 * 400));
    let stream = (0..9).map(text).collect::<String>();
    for (size, bad, written_before) in [1, 30, 900, 5000].into_iter().flat_map(|size| {
        (0..9).flat_map(move |bad| [true, false].map(|written| (size, bad, written)))
    }) {
        let mut number = 0;
        let mut filter = BlockFilter::new(|block, encoder| {
            let block = block.unwrap();
            number += 1;
            if written_before {
                encoder.comment(&(number - 1).to_string());
            }
            if number - 1 == bad {
                quiet_panic();
            }
            if number % 4 == 0 {
                encoder.rewritten(&block.rewrite());
                return Verdict::Replace;
            }
            Verdict::Keep
        });
        let mut output = Vec::new();
        let mut panics = 0;
        for chunk in stream.as_bytes().chunks(size) {
            let chunk = Bytes::copy_from_slice(chunk);
            let pass = AssertUnwindSafe(|| filter.pass(&chunk, &mut output));
            panics += usize::from(catch_unwind(pass).is_err());
            assert!(output.is_empty() || output.concat().ends_with(b"\n\n"), "whole blocks");
        }
        // The rest of the last chunk comes now.
        filter.pass(&Bytes::new(), &mut output);
        assert_eq!(panics, 1);
        assert!(filter.finish().is_clean());
        let kept = (0..9).filter(|&number| number != bad);
        let expected: String = kept
            .map(|number| {
                let before = if written_before { format!(": {number}\n\n") } else { String::new() };
                before + &text(number)
            })
            .collect();
        assert_eq!(output.concat(), expected.as_bytes(), "{size} {bad}");
    }
}

#[test]
fn a_chunk_after_a_panic_is_read_once_even_if_the_function_panics_again() {
    let mut calls = 0;
    let mut filter = BlockFilter::new(|_, _| {
        calls += 1;
        if calls <= 3 { quiet_panic() } else { Verdict::Keep }
    });
    let mut output = Vec::new();
    for chunk in ["data: 1\n\ndata: 2\n\n", "data: 3\n\n", "data: 4\n\n", "data: 5\n\n"] {
        let pass = AssertUnwindSafe(|| filter.pass(&Bytes::from(chunk), &mut output));
        let _ = catch_unwind(pass);
    }
    assert_eq!(output.concat(), b"data: 4\n\ndata: 5\n\n");
}

#[test]
fn a_verdict_decides_about_the_written_bytes() {
    for (verdict, expected) in [
        (Verdict::Keep, ": w\n\ndata: a\n\n: w\n\n:b\r\r"),
        (Verdict::Replace, ": w\n\n: w\n\n"),
        (Verdict::Drop, ""),
    ] {
        let mut filter = BlockFilter::new(|_, encoder| {
            encoder.comment("w");
            verdict
        });
        let mut output = Vec::new();
        filter.pass(&Bytes::from("data: a\n\n:b\r\rdata"), &mut output);
        assert_eq!(output.concat(), expected.as_bytes());

        // An error takes the place of a block, which cannot be forwarded.
        let decoder =
            BlockDecoder::builder().max_block_size(8).on_error(OnError::SkipBlock).build();
        let mut filter = BlockFilter::with_decoder(decoder, |block, encoder| {
            if let Err(error) = block {
                encoder.comment(&error.offset().to_string());
                return verdict;
            }
            Verdict::Keep
        });
        output.clear();
        filter.pass(&Bytes::from(":a\n\ndata: too large\n\n:b\n\n"), &mut output);
        let written = if verdict == Verdict::Drop { "" } else { ": 4\n\n" };
        assert_eq!(output.concat(), format!(":a\n\n{written}:b\n\n").as_bytes());
    }
}

#[test]
fn the_first_output_of_a_filter_is_not_taken_for_a_byte_order_mark() {
    let stream = "data: a\n\n: c\n\u{feff}data: evil\n\n\u{feff}data: evil\n\ndata: d\n\n";
    for (first_kept, expected) in [
        (1, ":\n\u{feff}data: evil\n\n\u{feff}data: evil\n\ndata: d\n\n"),
        (2, "\u{feff}\u{feff}data: evil\n\ndata: d\n\n"),
        (3, "data: d\n\n"),
    ] {
        for size in [1, 7, 100] {
            let mut numbers = 0..;
            let mut filter = BlockFilter::new(|block, encoder| {
                let number = numbers.next().unwrap();
                if number == 1 && first_kept == 1 {
                    let block = block.unwrap();
                    encoder.rewritten(&block.rewrite().without(Field::Comment));
                    return Verdict::Replace;
                }
                if number < first_kept {
                    encoder.comment("discarded");
                    return Verdict::Drop;
                }
                Verdict::Keep
            });
            let mut output = Vec::new();
            for chunk in stream.as_bytes().chunks(size) {
                filter.pass(&Bytes::copy_from_slice(chunk), &mut output);
            }
            assert_eq!(output.concat(), expected.as_bytes());
            assert_eq!(contents(&output.concat()), [("d".into(), "message".into())]);
        }
    }
}

#[test]
fn each_connection_of_a_filter_has_an_output_of_its_own() {
    let stream = Bytes::from("\u{feff}data: a\n\n\u{feff}data: text\n\ndata: cut");
    for (decision, first, second) in [
        ("keep", "\u{feff}data: a\n\n", "\u{feff}data: text\n\n"),
        ("rewrite", "data: a\n\n", ":\n\u{feff}data: text\n\n"),
        ("write and keep", ":\n\ndata: a\n\n", ":\n\n\u{feff}data: text\n\n"),
        ("drop the first", "", "\u{feff}\u{feff}data: text\n\n"),
    ] {
        let mut filter = BlockFilter::new(|block, encoder| {
            let block = block.unwrap();
            match decision {
                "rewrite" => {
                    encoder.rewritten(&block.rewrite());
                    return Verdict::Replace;
                }
                "write and keep" => _ = encoder.keep_alive(),
                "drop the first" if block.offset() == 0 => return Verdict::Drop,
                _ => {}
            }
            Verdict::Keep
        });
        for _ in 0..3 {
            let mut output = Vec::new();
            filter.pass(&stream, &mut output);
            assert_eq!(output.concat(), [first, second].concat().as_bytes(), "{decision}");
            assert_eq!(filter.finish().pending(), b"data: cut");
            assert!(filter.finish().is_clean());
        }
    }
}

/// The mark of a stream stays in its place, and is removed anywhere else.
#[test]
fn a_mark_stays_only_with_the_bytes_of_the_original() {
    let block = blocks("\u{feff}: c\n\u{feff}data: a\n\n".as_bytes()).swap_remove(0);
    let without = block.rewrite().without(Field::Comment);
    assert_eq!(written(&without), "\u{feff}\u{feff}data: a\n\n");
    let mut encoder = Encoder::new();
    encoder.rewritten(&without).rewritten(&block.rewrite());
    let expected = ":\n\u{feff}data: a\n\n: c\n\u{feff}data: a\n\n";
    assert_eq!(encoder.as_bytes(), expected.as_bytes());

    // The line end is that of the block.
    for end in ["\r\n", "\r"] {
        let stream = format!("x{end}{end}: c{end}\u{feff}data: a{end}{end}");
        let block = blocks(stream.as_bytes()).swap_remove(1);
        let expected = format!(":{end}\u{feff}data: a{end}{end}");
        assert_eq!(written(&block.rewrite().without(Field::Comment)), expected);
    }

    // The first line is the original one. It needs no comment before it in its place, but does
    // elsewhere.
    let block = blocks("x\n\n\u{feff}y\n: c\n\n".as_bytes()).swap_remove(1);
    let without = block.rewrite().without(Field::Comment);
    assert_eq!(written(&without), "\u{feff}y\n\n");
    let mut buffer = Vec::new();
    without.append_to(&mut buffer);
    assert_eq!(buffer, ":\n\u{feff}y\n\n".as_bytes());

    // After the late LF of the previous block, it is not first.
    let mut decoder = BlockDecoder::new();
    assert!(decoder.feed(b"x\r\n\r").next_block().unwrap().is_some());
    let mut blocks = decoder.feed("\n: c\n\u{feff}y\n\n".as_bytes());
    let block = blocks.next_block().unwrap().unwrap();
    buffer.clear();
    block.rewrite().without(Field::Comment).append_to(&mut buffer);
    assert_eq!(buffer, "\n\u{feff}y\n\n".as_bytes());
}

/// Wherever a block is cut off, the rewrite is a complete block, and the next event is a separate
/// one.
#[test]
fn an_unterminated_block_becomes_a_complete_one() {
    let streams = [
        "data: a\nid: 1\nevent: e\n\n",
        "data: a\r\nevent: e\r\n: c\r\n\r\n",
        "data: a\rid: 1\r\r",
        ": c\ndata: a\r\n\n",
        ": c\r\ndata: a\n\r",
        ": c\ndata: a\r",
        "\u{feff}data: a\nx\n",
        "\u{feff}\u{feff}x\ndata",
        "retry: 1\ndata\nid",
    ];
    for (stream, before) in streams.iter().flat_map(|stream| ["", "x\r\n\r"].map(|b| (stream, b))) {
        for (end, _) in stream.char_indices().skip(1).chain([(stream.len(), ' ')]) {
            let mut decoder = BlockDecoder::builder().at_end(AtEnd::Dispatch).build();
            if !before.is_empty() {
                assert!(decoder.feed(before.as_bytes()).next_block().unwrap().is_some());
            }
            let cut = &stream[..end];
            if decoder.feed(cut.as_bytes()).next_block().unwrap().is_some() {
                continue;
            }
            let mut ended = decoder.finish();
            let Some(mut block) = ended.block() else { continue };
            assert_eq!(block.raw(), cut.as_bytes());
            let event = block.event().unwrap().map(content);
            let owned = block.to_buf();
            let c = EventType::from_static("changed");
            for (rewrite, of_buf, expected) in [
                (block.rewrite(), owned.rewrite(), event.clone()),
                (
                    block.rewrite().with_comment("c"),
                    owned.rewrite().with_comment("c"),
                    event.clone(),
                ),
                (
                    block.rewrite().with_event_type(c),
                    owned.rewrite().with_event_type(c),
                    event.clone().map(|(data, _)| (data, "changed".into())),
                ),
                (block.rewrite().without(Field::Data), owned.rewrite().without(Field::Data), None),
                (
                    block.rewrite().with_data("n"),
                    owned.rewrite().with_data("n"),
                    Some(("n".into(), event.map_or("message".into(), |(_, name)| name))),
                ),
            ] {
                let bytes = written(&rewrite);
                assert_eq!(bytes, written(&of_buf));
                let own = bytes.strip_prefix(MARK).unwrap_or(&bytes);
                let whole = own.strip_suffix(cut_end(own)).expect("a blank line");
                assert!(whole.is_empty() || whole.ends_with(b"\n") || whole.ends_with(b"\r"));
                let mut encoder = Encoder::new();
                encoder.rewritten(&rewrite).rewritten(&of_buf).event(Event::new("own"));
                let own = ("own".to_owned(), "message".to_owned());
                let expected: Vec<_> =
                    expected.clone().into_iter().chain(expected).chain([own]).collect();
                let context = format!("{cut:?} {rewrite:?}");
                assert_eq!(contents(encoder.as_bytes()), expected, "{context}");
                let found = contents(&[before.as_bytes(), &bytes, b"data: own\n\n"].concat());
                assert_eq!(found, expected[expected.len() / 2..], "{context}");
            }
        }
    }
}

/// Returns the line end at the end of the bytes.
fn cut_end(bytes: &[u8]) -> &[u8] {
    let len = if bytes.ends_with(b"\r\n") { 2 } else { 1 };
    &bytes[bytes.len() - len..]
}

#[test]
fn cut_blocks_end_byte_for_byte() {
    for (cut, expected) in [
        ("data: cut", "data: cut\n\n"),
        ("data: cut\n", "data: cut\n\n"),
        ("data: cut\r", "data: cut\r\r"),
        ("data: cut\r\n", "data: cut\r\n\r\n"),
        (":\r\ndata: cut", ":\r\ndata: cut\r\n\r\n"),
        (":\ndata: cut\r", ":\ndata: cut\r\n\n"),
        (":\rdata: cut\n", ":\rdata: cut\n\r"),
    ] {
        let mut decoder = BlockDecoder::builder().at_end(AtEnd::Dispatch).build();
        assert!(decoder.feed(cut.as_bytes()).next_block().unwrap().is_none());
        let mut end = decoder.finish();
        let block = end.block().unwrap();
        assert_eq!(written(&block.rewrite()), expected);
        let part = block.rewrite().with_part(0..3, "whole").unwrap();
        assert_eq!(written(&part), expected.replace("cut", "whole"));
    }
}

#[test]
fn all_parts_count_in_any_order() {
    let block = blocks(b"x\ndata:abcdef\n: c\ndata: ghi\r\n\n").swap_remove(0);
    let rewrite = block.rewrite().with_part(7..8, "G").unwrap();
    let rewrite = rewrite.with_part(4..6, "").unwrap().with_part(0..1, "12").unwrap();
    let rewrite = rewrite.with_part(1..1, "3").unwrap().with_part(10..10, "!").unwrap();
    let rewrite = rewrite.with_part(0..0, "0").unwrap().with_part(1..1, "4").unwrap();
    let expected = "x\ndata:01234bcd\n: c\ndata: Ghi!\r\n\n";
    assert_eq!(written(&rewrite), expected);

    // Parts can be combined with other changes.
    let id = EventId::from_static("7");
    let expected = "x\nid: 7\ndata:01234bcd\ndata: Ghi!\r\n\n";
    assert_eq!(written(&rewrite.clone().with_id(id).without(Field::Comment)), expected);
    assert_eq!(written(&rewrite.clone().without(Field::Data)), "x\n: c\n\n");
    assert_eq!(written(&rewrite.with_data("d")), "x\ndata: d\n: c\n\n");

    // Positions are those in the event, also if the stream starts with a mark.
    let marked = blocks("\u{feff}data: ab\n\n".as_bytes()).swap_remove(0);
    let rewrite = marked.rewrite().with_part(1..2, "x").unwrap().with_part(0..1, "y").unwrap();
    assert_eq!(written(&rewrite), "\u{feff}data: yx\n\n");
    let mut buffer = Vec::new();
    rewrite.append_to(&mut buffer);
    assert_eq!(buffer, b"data: yx\n\n");
}

#[test]
fn a_refused_part_has_a_cause() {
    let block = |stream: &[u8]| blocks(stream).swap_remove(0);
    let two = block(b"data: ab\ndata: cde\n\n");
    for (part, cause) in [
        (1..4, PartError::NotInLine),
        (2..3, PartError::NotInLine),
        (7..8, PartError::NotInLine),
        (3..7, PartError::NotInLine),
        #[expect(clippy::reversed_empty_ranges, reason = "refused")]
        (5..4, PartError::NotInLine),
        #[expect(clippy::reversed_empty_ranges, reason = "refused")]
        (usize::MAX..4, PartError::NotInLine),
        (0..usize::MAX, PartError::NotInLine),
    ] {
        assert_eq!(two.rewrite().with_part(part.clone(), "x").unwrap_err(), cause, "{part:?}");
    }
    let none = block(b"id: 1\n\n").rewrite().with_part(0..0, "x").map(|_| ()).unwrap_err();
    assert_eq!(none, PartError::NotInLine);

    let text = block("data: 你a\n\n".as_bytes());
    for part in [1..3, 0..1, 2..2, 0..2] {
        let error = text.rewrite().with_part(part, "x").unwrap_err();
        assert_eq!(error, PartError::CutsCharacter);
    }
    assert!(text.rewrite().with_part(3..4, "x").is_ok());

    let invalid = block(b"data: a\ndata: \xff\ndata: b\n\n");
    assert!(invalid.rewrite().with_part(0..1, "x").is_ok());
    for part in [2..2, 2..5, 6..7] {
        let error = invalid.rewrite().with_part(part, "x").unwrap_err();
        assert_eq!(error, PartError::InvalidUtf8);
    }
    for text in ["\n", "a\r", "\r\nb"] {
        assert_eq!(two.rewrite().with_part(0..1, text).unwrap_err(), PartError::LineEnd);
    }
    let bare = block(b"data\ndata:\n\n");
    assert_eq!(bare.rewrite().with_part(0..0, "x").unwrap_err(), PartError::NoColon);
    assert_eq!(written(&bare.rewrite().with_part(1..1, "x").unwrap()), "data\ndata:x\n\n");

    // The space may come from the text, or from the rest of the value.
    let tight = block(b"data:ab c\n\n");
    for (part, text) in [(0..0, " "), (0..1, " x"), (0..2, ""), (0..4, "")] {
        let result = tight.rewrite().with_part(part.clone(), text);
        let refused = part.end < 4;
        assert_eq!(result.is_err(), refused, "{part:?}");
        if let Err(error) = result {
            assert_eq!(error, PartError::NoSpace);
        }
    }
    // .. or from several parts together.
    let rewrite = tight.rewrite().with_part(0..1, "").unwrap();
    assert_eq!(rewrite.clone().with_part(1..2, "").unwrap_err(), PartError::NoSpace);
    assert_eq!(rewrite.clone().with_part(1..1, " ").unwrap_err(), PartError::NoSpace);
    let rewrite = rewrite.with_part(1..1, "x").unwrap().with_part(1..2, "").unwrap();
    assert_eq!(written(&rewrite), "data:x c\n\n");

    let rewrite = two.rewrite().with_part(3..5, "x").unwrap();
    for part in [3..5, 3..4, 4..5, 4..4, 3..6, 4..6] {
        assert_eq!(rewrite.clone().with_part(part, "y").unwrap_err(), PartError::Overlaps);
    }
    for part in [3..3, 5..5, 5..6, 1..2] {
        assert!(rewrite.clone().with_part(part, "y").is_ok());
    }
    let replaced = two.rewrite().with_data("x");
    assert_eq!(replaced.with_part(0..1, "y").unwrap_err(), PartError::DataReplaced);
    assert!(std::error::Error::source(&PartError::NoColon).is_none());
}

#[test]
fn debug_forms_stay_short() {
    let stream = format!("data: {}\n\n", "x".repeat(1_000));
    let block = blocks(stream.as_bytes()).swap_remove(0);
    let rewrite = format!("{:?}", block.rewrite().with_comment(&stream));
    assert!(rewrite.starts_with("b\"data: xxx") && rewrite.len() < 250, "{rewrite}");

    let mut injector = Injector::new();
    injector.pass(Bytes::from("data: a"), &mut Vec::new());
    injector.inject(&Event::new(&stream).into());
    let injector = format!("{injector:?}");
    assert!(injector.contains("at_boundary: false") && injector.len() < 300, "{injector}");

    let mut filter = BlockFilter::new(|_, _| Verdict::Keep);
    filter.pass(&Bytes::from(format!("id: {stream}")), &mut Vec::new());
    assert!(format!("{filter:?}").len() < 700);
}

/// Returns the start of a stream, and the ends of its blocks.
fn boundaries(stream: &[u8]) -> Vec<usize> {
    let ends = blocks(stream).into_iter().scan(0, |end, block| {
        *end += block.raw().len();
        Some(*end)
    });
    [0].into_iter().chain(ends).collect()
}

/// Byte for byte, with every split: a frame is sent at the first boundary, and each stream after
/// the first one continues the output.
#[test]
fn injected_byte_for_byte() {
    const OWN: &[u8] = b":own\n\n";
    let streams = [
        "\u{feff}data: a\r\n\r\n: c\r\r\n\nx",
        "\u{feff}\u{feff}a\n\n\ndata: b\n",
        "data: a\r\rdata: b\r\n\r\n",
        "\u{feff}",
        "\n\r\n",
    ];
    let (mut all, frame) = (streams.map(|stream| stream.as_bytes().to_vec()).to_vec(), {
        let mut encoder = Encoder::new();
        encoder.rewritten(&blocks(OWN)[0].rewrite());
        encoder.take()
    });
    all.extend([b"\xef\xbb".to_vec(), b"\xef\xbb\n\n".to_vec(), b"\xefdata\n\nx\n\n".to_vec()]);
    for stream in &all {
        for (first, second) in
            (0..=stream.len()).flat_map(|end| (0..=end).map(move |start| (start, end)))
        {
            for when in 0..4 {
                let mut injector = Injector::new();
                let mut output = Vec::new();
                // The same stream twice, as two connections through one injector.
                let mut expected = Vec::new();
                for connection in 0..2 {
                    let chunks = [&stream[..first], &stream[first..second], &stream[second..]];
                    for (number, chunk) in chunks.into_iter().enumerate() {
                        if number == when {
                            injector.inject(&frame);
                        }
                        let before = output.len();
                        injector.pass(Bytes::copy_from_slice(chunk), &mut output);
                        assert!(output[before..].iter().all(|part| !part.is_empty()));
                    }
                    let ends = boundaries(stream);
                    let is_whole = ends.last() == Some(&stream.len());
                    let from = [0, first, second, stream.len() + 1][when];
                    // A frame comes before the first byte only if it was injected before.
                    let end = ends.iter().copied().find(|&end| end >= from);
                    // If a chunk ends within the CRLF of the blank line, the block ends with the CR.
                    let is_cut = |end: &usize| {
                        [first, second].contains(end)
                            && *end > from
                            && stream[..=*end].ends_with(b"\r\n")
                    };
                    let mut place = end.map(|end| end.checked_sub(1).filter(is_cut).unwrap_or(end));
                    // .. or after bytes that are removed, or held back because they may be a mark.
                    let same = stream.iter().zip(MARK).take_while(|(a, b)| a == b).count();
                    let is_known = same == MARK.len() || stream.len() > same;
                    if connection > 0 && from <= same && is_known {
                        place = Some(0);
                    }
                    let mut own = stream.clone();
                    if let Some(place) = place {
                        own.splice(place..place, OWN.iter().copied());
                    }
                    // After other output, U+FEFF would be no mark.
                    let is_in_the_middle = connection > 0 || place == Some(0);
                    let start = if place == Some(0) { OWN.len() } else { 0 };
                    if is_in_the_middle && own[start..].starts_with(MARK) {
                        own.drain(start..start + MARK.len());
                    }
                    let at_boundary = is_whole || is_in_the_middle && stream == MARK;
                    assert_eq!(injector.at_boundary(), at_boundary, "{first} {second} {when}");
                    output.push(injector.close());
                    if !at_boundary {
                        own.extend(b"\n\n");
                    }
                    if place.is_none() && when < 3 {
                        own.extend(OWN);
                    }
                    expected.extend(own);
                }
                let context = format!("{} {first} {second} {when}", stream.escape_ascii());
                assert_eq!(
                    output.concat().escape_ascii().to_string(),
                    expected.escape_ascii().to_string(),
                    "{context}"
                );
            }
        }
    }
}

#[test]
fn a_mark_after_empty_output_is_a_mark() {
    let mut injector = Injector::new();
    assert_eq!(injector.close(), "");
    let mut output = Vec::new();
    let stream = "\u{feff}\u{feff}data: text\n\n";
    injector.pass(Bytes::from(stream), &mut output);
    assert_eq!(output, [stream]);

    // A frame is output, even if the stream was empty.
    let mut injector = Injector::new();
    injector.inject(&Frame::KEEP_ALIVE);
    assert_eq!(injector.close(), ":\n\n");
    output.clear();
    injector.pass(Bytes::from(stream), &mut output);
    assert_eq!(output, ["\u{feff}data: text\n\n"]);
}

#[test]
fn a_filter_is_told_if_its_decoder_has_lost_blocks() {
    let mut decoder =
        BlockDecoder::builder().on_error(OnError::SkipBlock).max_block_size(9).build();
    let stream = "data: x\n\n".repeat(20_000);
    assert!(decoder.feed(stream.as_bytes()).next_block().unwrap().is_some());
    let mut errors = 0;
    let mut filter = BlockFilter::with_decoder(decoder, |block, _| {
        let error = block.expect_err("the decoder has failed");
        assert!(matches!(error.kind(), DecodeErrorKind::UnreadTooLarge { .. }));
        errors += 1;
        Verdict::Keep
    });
    let mut output = Vec::new();
    filter.pass(&Bytes::from("data: y\n\ndata: z\n\n"), &mut output);
    filter.pass(&Bytes::from("data: y\n\n"), &mut output);
    drop(filter);
    assert_eq!((errors, output.len()), (1, 0));
}
