//! What gateways do: rewriting, filtering, injecting.

use std::time::Duration;

use bytes::Bytes;
use proptest::{collection::vec, prelude::*, sample::select};
use sse_wire::{
    BlockBuf, BlockDecoder, BlockFilter, Decoder, Event, EventBuf, EventId, EventType, Field,
    Frame, Injector, Rewrite, Verdict,
};

use crate::{
    laws,
    streams::{sizes, stream, text},
};

fn blocks(stream: &[u8]) -> Vec<BlockBuf> {
    let mut decoder = BlockDecoder::new();
    decoder.feed_bytes(Bytes::copy_from_slice(stream)).collect::<Result<_, _>>().unwrap()
}

fn events(stream: &[u8]) -> Vec<EventBuf> {
    let mut decoder = Decoder::new();
    decoder.feed_bytes(Bytes::copy_from_slice(stream)).collect::<Result<_, _>>().unwrap()
}

/// What a receiver makes of a block in the middle of a stream: its event, last event ID and
/// reconnection time, and that it is just one block.
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

/// The block without what only stands there because of the block before it.
fn own_bytes(block: &BlockBuf) -> &[u8] {
    let raw: &[u8] = block.raw();
    let is_blank = raw == b"\n";
    let start: &[u8] = if block.offset() == 0 { "\u{feff}".as_bytes() } else { b"\n" };
    if is_blank { raw } else { raw.strip_prefix(start).unwrap_or(raw) }
}

/// Both ways to write it give the same.
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

/// Lines that are none of this field, as they are.
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
    fn gateways_keep_their_word(input in stream(), sizes in sizes(), data in text()) {
        laws::gateways_keep_their_word(&input, &laws::cut(&input, &sizes), &data);
    }

    #[test]
    fn nothing_changed_is_nothing_changed(input in stream()) {
        for block in blocks(&input) {
            prop_assert_eq!(&written(&block.rewrite()), block.raw());
        }
    }

    #[test]
    fn new_data_changes_the_data_alone(input in stream(), data in text()) {
        for block in blocks(&input) {
            let rewritten = written(&block.with_data(&data));
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
    fn what_is_taken_out_is_gone_and_the_rest_stays(input in stream()) {
        for block in blocks(&input) {
            for field in [Field::Data, Field::Event, Field::Id, Field::Retry, Field::Comment, Field::Unknown] {
                let rewritten = written(&block.without(field));
                let rewritten = own_part(&block, &rewritten);
                let expected = others(own_bytes(&block), field);
                prop_assert_eq!(others(rewritten, field), expected.clone());
                let all = others(rewritten, Field::Unknown).len() + others(rewritten, Field::Comment).len();
                prop_assert!(all >= expected.len(), "no block was torn in two");
                meaning(rewritten);
            }
        }
    }

    /// A lent block's decoder knows where its lines end; an owned one's lines are looked for.
    #[test]
    fn lent_and_owned_blocks_are_rewritten_alike(
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
                    block.with_data(&data).with_event_type(event_type).to_bytes(),
                    owned.with_data(&data).with_event_type(event_type).to_bytes()
                );
                let block = block.with_id(EventId::from_static("1")).without(Field::Event);
                let owned = owned.with_id(EventId::from_static("1")).without(Field::Event);
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
    fn a_filter_drops_and_replaces_just_what_it_shall(
        input in stream(),
        sizes in sizes(),
        modulus in 2_u32..5,
    ) {
        let mut number = 0;
        let mut filter = BlockFilter::new(|block, encoder| {
            let block = block.unwrap();
            if block.event().is_none() {
                return Verdict::Keep;
            }
            number += 1;
            match number % modulus {
                0 => Verdict::Replace,
                1 => {
                    encoder.rewritten(&block.with_data("new"));
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

    /// Small blocks and large ones, kept ones side by side, new ones before and between them.
    #[test]
    fn what_leaves_a_filter_leaves_in_order(
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

    /// Whatever passes, and wherever frames come: all events arrive, in order and whole, and the
    /// bytes of the stream are all there.
    #[test]
    fn injected_frames_stand_between_blocks(
        input in stream(),
        sizes in sizes(),
        when in prop::collection::vec(0_u8..4, 1..20),
    ) {
        const MARK: &str = "\u{1}injected";
        let mut injector = Injector::new();
        let frame = Frame::from(Event::new(MARK));
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

        // A block that the end cut off is ended, so its event is dispatched.
        let mut input = input;
        if is_cut {
            input.extend_from_slice(b"\n\n");
        }
        let (marks, others): (Vec<_>, Vec<_>) =
            events(&output).into_iter().partition(|event| event.data() == MARK);
        prop_assert_eq!(marks.len(), injected);
        let content = |event: &EventBuf| (event.data().to_owned(), event.event_type().to_owned());
        let expected: Vec<_> = events(&input).iter().map(content).collect();
        prop_assert_eq!(others.iter().map(content).collect::<Vec<_>>(), expected);

        let without = String::from_utf8_lossy(&output).replace(&format!("data: {MARK}\n\n"), "");
        let input = String::from_utf8_lossy(&input);
        let same = without == input || Some(without.as_str()) == input.strip_prefix('\u{feff}');
        prop_assert!(same, "{without:?} of {input:?}");
    }
}

#[test]
fn line_ends_never_become_one() {
    // A CR, and behind it the LF of a blank line, once what stood between is gone.
    let blocks = blocks(b"\ndata: a\revent: e\n\n");
    let block = &blocks[1];
    assert_eq!(written(&block.without(Field::Event)), "data: a\r\n\n");
    assert_eq!(meaning(&written(&block.without(Field::Event))).0.unwrap().data(), "a");
}

#[test]
fn large_kept_parts_are_shared() {
    let big = "x".repeat(5000);
    let stream = format!("event: e\ndata: {big}\nid: 1\n\n");
    let blocks = blocks(stream.as_bytes());
    let rewrite = blocks[0].with_id(EventId::from_static("2"));
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
fn a_byte_order_mark_behind_a_frame_is_left_out() {
    for size in [1, 2, 3, 100] {
        let mut injector = Injector::new();
        let mut output = Vec::new();
        injector.inject(&Frame::KEEP_ALIVE);
        for chunk in "\u{feff}data: a\n\n".as_bytes().chunks(size) {
            injector.pass(Bytes::copy_from_slice(chunk), &mut output);
        }
        assert_eq!(output.concat(), b":\n\ndata: a\n\n");

        // What only starts like one stays.
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
            let Some(event) = block.event() else { continue };
            let data = event.data().to_owned();
            let line = data.split('\n').next().unwrap_or_default();
            let ends: Vec<_> = line.char_indices().map(|(index, _)| index).chain([line.len()]).collect();
            let start = *at.get(&ends);
            let Some(rewrite) = block.rewrite().with_part(start..line.len(), &text) else {
                // Refused for a reason, which new data as a whole does not know.
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
            // Before and behind the part, all is as it was.
            let removed = line.len() - start;
            prop_assert_eq!(rewritten.len() + removed, block.raw().len() + text.len());
            let same = |a: &u8, b: &u8| a == b;
            let before = rewritten.iter().zip(block.raw()).take_while(|(a, b)| same(a, b)).count();
            let behind = rewritten.iter().rev().zip(block.raw().iter().rev()).take_while(|(a, b)| same(a, b)).count();
            prop_assert!(before + behind + removed >= block.raw().len());
        }
    }
}

#[test]
fn what_comes_first_now_is_no_byte_order_mark() {
    let stream = "data: a\n\u{feff}data: b\nid: 1\n\n\u{feff}data: c\n\ndata: d\n\n";
    let first = written(&blocks(stream.as_bytes())[0].without(Field::Data));
    assert!(events(&first).is_empty());
    assert!(first.starts_with("\u{feff}\u{feff}data: b".as_bytes()));

    let mut filter = BlockFilter::new(|block, _| {
        if block.unwrap().offset() == 0 { Verdict::Replace } else { Verdict::Keep }
    });
    let mut output = Vec::new();
    filter.pass(&Bytes::from(stream), &mut output);
    let events = events(&output.concat());
    assert_eq!(events.iter().map(EventBuf::data).collect::<Vec<_>>(), ["d"]);

    // Within a line it is text.
    let inner = blocks("data: a\u{feff}b\n\n".as_bytes()).swap_remove(0);
    let without_a = inner.rewrite().with_part(0..1, "").unwrap();
    assert_eq!(written(&without_a), "data: \u{feff}b\n\n");
}

#[test]
fn a_frame_leaves_at_the_first_boundary_and_a_chunk_stays_whole_without_one() {
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

    // Behind the end of one stream, another one starts in the middle.
    assert_eq!(injector.close(), "");
    injector.pass(Bytes::from("\u{feff}data: f\n\n"), &mut output);
    assert_eq!(output, ["data: f\n\n"]);
}

#[test]
fn a_part_that_cannot_stand_there_is_refused() {
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
        assert_eq!(rewrite.is_some(), can, "{stream:?} {part:?} {text:?}");
        if let Some(rewrite) = rewrite {
            let (event, ..) = meaning(&written(&rewrite));
            let mut expected = block.event().unwrap().data().to_owned();
            expected.replace_range(part, text);
            assert_eq!(event.unwrap().data(), expected);
        }
    }
}

/// Every byte, for blocks with all that can be special about them.
#[test]
fn rewritten_byte_for_byte() {
    let at = |stream: &str, number: usize| blocks(stream.as_bytes()).swap_remove(number);
    let c = EventType::from_static("c");
    let nine = EventId::from_static("9");

    let twice = at("event: a\nid:1\nretry: 1\nevent:b\r\nid: 2\nretry:2\nx\ndata\n\n", 0);
    let expected = "event: a\nid:1\nretry: 1\nevent: c\r\nid: 9\nretry: 7\nx\ndata\n\n";
    let rewrite = twice.with_event_type(c).with_id(nine).with_retry(Duration::from_millis(7));
    assert_eq!(written(&rewrite), expected);
    let expected = "id:1\nretry: 1\nid: 2\nretry:2\nx\ndata\n\n";
    assert_eq!(written(&twice.without(Field::Event)), expected);
    // What is set stays, also if the others go.
    let expected = "id:1\nretry: 1\nevent: c\r\nid: 2\nretry:2\nx\ndata\n\n";
    assert_eq!(written(&twice.with_event_type(c).without(Field::Event)), expected);

    let none = at(": hi\rx:y\r\r", 0);
    let rewrite = none.with_event_type(c).with_id(nine).with_retry(Duration::ZERO);
    assert_eq!(written(&rewrite), ": hi\rx:y\revent: c\rid: 9\rretry: 0\r\r");
    assert_eq!(
        written(&none.with_data("a\nb").with_id(nine)),
        ": hi\rx:y\rid: 9\rdata: a\rdata: b\r\r"
    );
    assert_eq!(written(&none.with_comment("1\n2")), ": hi\rx:y\r: 1\r: 2\r\r");
    assert_eq!(written(&none.without(Field::Comment)), "x:y\r\r");
    assert_eq!(written(&none.without(Field::Unknown)), ": hi\r\r");

    let data = at("data:a\r\n: c\r\ndata: b\r\nid\r\n\r\n", 0);
    assert_eq!(written(&data.with_data("x")), "data: x\r\n: c\r\nid\r\n\r\n");
    assert_eq!(written(&data.with_data("x\n")), "data: x\r\ndata: \r\n: c\r\nid\r\n\r\n");
    assert_eq!(
        written(&data.with_event_type(c)),
        "event: c\r\ndata:a\r\n: c\r\ndata: b\r\nid\r\n\r\n"
    );

    // Where no line gives its place, the first one's line end is as good as any.
    let mixed = at("x\r\ny\rdata: a\n\n", 0);
    assert_eq!(written(&mixed.with_id(nine)), "x\r\ny\rid: 9\r\ndata: a\n\n");

    let blank = at("data: a\n\n\n", 1);
    assert_eq!(written(&blank.with_data("x")), "data: x\n\n");
    let marked = at("\u{feff}data: a\n\n", 0);
    assert_eq!(written(&marked.with_data("x").with_id(nine)), "\u{feff}id: 9\ndata: x\n\n");
}

/// A block that the end of the stream cut off has lines without an end.
#[test]
fn a_block_that_was_cut_off_is_rewritten() {
    let mut decoder = Decoder::builder().at_end(sse_wire::AtEnd::Dispatch).build_blocks();
    assert!(decoder.feed(b"data: a\nid: 1").next_block().unwrap().is_none());
    let mut end = decoder.finish();
    let block = end.block().unwrap();
    assert_eq!(block.rewrite().to_bytes(), "data: a\nid: 1");
    assert_eq!(block.with_comment("c").to_bytes(), "data: a\nid: 1\n: c\n");
    assert_eq!(block.with_id(EventId::from_static("2")).to_bytes(), "data: a\nid: 2\n");

    let mut decoder = Decoder::builder().at_end(sse_wire::AtEnd::Dispatch).build_blocks();
    assert!(decoder.feed(b"x: a\n\ndata: b").next_block().unwrap().is_some());
    assert!(decoder.feed(b"").next_block().unwrap().is_none());
    let mut end = decoder.finish();
    let block = end.block().unwrap();
    assert_eq!(block.with_comment("c").to_bytes(), "data: b\n: c\n");
}

#[test]
fn a_byte_order_mark_behind_what_was_written_is_left_out() {
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
