//! The laws of the codec as assertions about any input. Tests and fuzz targets share them.

use std::time::Duration;

use bytes::Bytes;
use sse_wire::{
    AtEnd, BlockFilter, DecodeErrorKind, Decoder, Encoder, Event, Field, Frame, Injector,
    InvalidUtf8, OnError, Verdict,
};

use crate::{
    faces::{self, Outcome, Settings, Takes},
    model::{self, View},
    reference,
};

/// Splits the input into chunks of these sizes, repeated. A size of 0 yields an empty chunk.
/// Without sizes, the last chunk is the rest.
pub fn cut<'a>(input: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    if sizes.iter().all(|&size| size == 0) {
        return vec![input];
    }
    let (mut chunks, mut rest) = (Vec::new(), input);
    for &size in sizes.iter().cycle() {
        let (chunk, tail) = rest.split_at(size.min(rest.len()));
        chunks.push(chunk);
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    chunks
}

/// Spec, chunking, lossless and agreement for the default settings: every face, with any chunks,
/// has the outcome of the reference decoder.
pub fn follows_the_standard(input: &[u8], chunks: &[&[u8]]) {
    let expected = Outcome::from(reference::decode(input));
    let settings = Settings::default();
    assert_eq!(faces::items(&settings, chunks), expected, "items");

    let events = expected.events_alone();
    assert_eq!(faces::borrowed(&settings, chunks), events, "borrowed");
    assert_eq!(faces::owned(&settings, chunks), events, "owned");

    blocks_lose_nothing(input, chunks);
}

/// Lossless and agreement: the raw bytes of all blocks make up the stream, and the blocks have its
/// events.
pub fn blocks_lose_nothing(input: &[u8], chunks: &[&[u8]]) {
    let settings = Settings::default();
    let expected = Outcome::from(reference::decode(input)).of_blocks();
    for (outcome, raw) in [faces::blocks(&settings, chunks), faces::block_bufs(&settings, chunks)] {
        assert_eq!(raw, input, "the raw bytes of all blocks");
        // The block view does not return the comments of an unterminated block.
        let shown = comments(&outcome);
        assert_eq!(shown, comments(&expected)[..shown.len()], "comments of blocks");
        assert_eq!(outcome.events_alone(), expected.clone().events_alone(), "blocks");
    }
}

fn comments(outcome: &Outcome) -> Vec<&str> {
    outcome.items.iter().filter_map(reference::Item::comment).collect()
}

/// Chunking for any settings: items, state and errors are the model's, wherever the input is split,
/// and however many items of each chunk are left unread.
pub fn chunks_do_not_matter(settings: &Settings, input: &[u8], chunks: &[&[u8]], takes: Takes<'_>) {
    let expected = model::decode(View::Events, settings, input);
    errors_are_final_or_not(settings, &expected);
    stays_within(settings.max_block_size, &expected);
    assert_eq!(faces::borrowed(settings, chunks), expected, "borrowed");
    assert_eq!(faces::some_borrowed(settings, chunks, takes), expected, "borrowed, {takes:?}");
    assert_eq!(faces::owned(settings, chunks), expected, "owned");
    assert_eq!(faces::some_owned(settings, chunks, takes), expected, "owned, {takes:?}");

    let expected = model::decode(View::Items, settings, input);
    assert_eq!(faces::items(settings, chunks), expected, "items");
    assert_eq!(faces::some_items(settings, chunks, takes), expected, "items, {takes:?}");

    let expected = model::decode(View::Blocks, settings, input);
    for (name, (outcome, raw)) in [
        ("blocks", faces::blocks(settings, chunks)),
        ("some blocks", faces::some_blocks(settings, chunks, takes)),
        ("owned blocks", faces::block_bufs(settings, chunks)),
        ("some owned blocks", faces::some_block_bufs(settings, chunks, takes)),
    ] {
        assert_eq!(outcome, expected, "{name}, {takes:?}");
        if expected.stats.refused == 0 {
            assert_eq!(raw, input, "the raw bytes of {name}, {takes:?}");
        }
    }
}

/// Earliest: the call that is given the last byte of an event returns the event.
pub fn events_come_at_once(input: &[u8]) {
    let mut decoder = Decoder::new();
    let mut seen = 0;
    for (index, byte) in input.chunks(1).enumerate() {
        let mut events = decoder.feed(byte);
        while events.next_event().expect("no limit is near").is_some() {
            seen += 1;
        }
        let due = reference::decode(&input[..=index]).events().len();
        assert_eq!(seen, due, "after {} bytes", index + 1);
    }
}

/// Returns all combinations of the policies with this limit.
pub fn policies(max_block_size: u64) -> Vec<Settings> {
    let mut all = Vec::new();
    for on_error in [OnError::Fail, OnError::SkipBlock] {
        for invalid_utf8 in [InvalidUtf8::Replace, InvalidUtf8::Reject] {
            for at_end in [AtEnd::Discard, AtEnd::Dispatch] {
                let limited = Settings::limited(max_block_size);
                all.push(Settings { on_error, invalid_utf8, at_end, ..limited });
            }
        }
    }
    all
}

/// Agreement at any limit: everything that the block view accepts, the event view accepts, and
/// everything that the event view refuses, the block view refuses.
///
/// The converse does not hold, because the block view counts lines that the event view does not
/// hold. For blocks without such lines, both views agree.
pub fn views_agree(settings: &Settings, input: &[u8], chunks: &[&[u8]], holds_all: bool) {
    let (blocks, _) = faces::blocks(settings, chunks);
    let (blocks, events) = (blocks.events_alone(), faces::borrowed(settings, chunks));
    if holds_all || (blocks.errors.is_empty() && blocks.stats.refused == 0) {
        assert_eq!(Outcome { had_data: false, ..events.clone() }, blocks, "{input:?}");
    }
    if settings.on_error == OnError::SkipBlock {
        // The last event ID may come from a block that the block view refused.
        let own = |outcome: &Outcome| {
            let events = outcome.items.iter().filter_map(reference::Item::event);
            let own = |event: &reference::Event| {
                (event.event_type.clone(), event.data.clone(), event.id.clone(), event.retry)
            };
            events.map(own).collect::<Vec<_>>()
        };
        let given = own(&events);
        let mut rest = given.iter();
        assert!(own(&blocks).iter().all(|event| rest.any(|given| given == event)), "{given:?}");
        let mut refused: Vec<_> = blocks.errors.iter().map(|&(_, offset)| offset).collect();
        // At the end, the block view reports no error for a block that the event view refuses.
        refused.push(input.len() as u64 - blocks.pending_bytes);
        assert!(events.errors.iter().all(|(_, offset)| refused.contains(offset)), "{refused:?}");
    }
}

/// Total: a fatal error is the last result.
pub fn errors_are_final_or_not(settings: &Settings, outcome: &Outcome) {
    match settings.on_error {
        OnError::Fail => {
            assert!(outcome.errors.len() <= 1, "{:?}", outcome.errors);
            assert_eq!(outcome.has_failed, !outcome.errors.is_empty());
        }
        _ => assert!(!outcome.has_failed),
    }
}

/// Bounded: no event is larger than the limit, and each error names the limit.
pub fn stays_within(limit: u64, outcome: &Outcome) {
    for event in outcome.items.iter().filter_map(reference::Item::event) {
        let id = event.id.as_deref().map_or(0, str::len);
        let event_type = match &*event.event_type {
            "message" => 0,
            other => other.len(),
        };
        let size = event.data.len() + id + event_type;
        assert!(size as u64 <= limit, "{size} bytes in a block of {limit}");
    }
    for (kind, _) in &outcome.errors {
        assert!(matches!(
            kind,
            DecodeErrorKind::InvalidUtf8 | DecodeErrorKind::BlockTooLarge { .. }
        ));
    }
}

/// Round trip and no injection: an encoded event decodes to the same single event.
pub fn encodes_to_itself(event: Event<'_>) {
    let mut encoder = Encoder::new();
    encoder.event(event);
    let decoded = reference::decode(encoder.as_bytes());
    let data = normalized(event.data());
    let reference::Item::Event(mut expected) = faces::event(event) else { unreachable!() };
    expected.data = data.clone();
    assert_eq!(decoded.items, [reference::Item::Event(expected)]);
    assert_eq!((decoded.blocks, decoded.pending_bytes), (1, 0));

    let mut decoder = Decoder::new();
    let mut events = decoder.feed(encoder.as_bytes());
    let found = events.next_event().expect("no limit").expect("one event");
    assert_eq!(found, event.with_data(&data));
    assert_eq!(events.next_event(), Ok(None));
}

/// Returns a text as it is after a round trip, with LF as its only line end.
fn normalized(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// A call of the encoder.
#[derive(Clone, Copy, Debug)]
pub enum Call<'a> {
    Event(&'a str),
    Comment(&'a str),
    /// The reconnection time, in milliseconds.
    Retry(u64),
    KeepAlive,
}

/// No injection: each call writes one block with the requested content and nothing else.
pub fn each_call_is_one_block(calls: &[Call<'_>]) {
    let mut encoder = Encoder::new();
    let mut expected = reference::Decoded::default();
    for call in calls {
        expected.blocks += 1;
        match *call {
            Call::Event(data) => {
                encoder.event(Event::new(data));
                expected.items.push(faces::event(Event::new(&normalized(data))));
            }
            Call::Comment(text) => {
                encoder.comment(text);
                let lines = normalized(text);
                let comment = |line: &str| reference::Item::Comment(line.to_owned());
                expected.items.extend(lines.split('\n').map(comment));
            }
            Call::Retry(millis) => {
                encoder.retry(Duration::from_millis(millis));
                expected.reconnection_time = Some(millis);
                expected.items.push(reference::Item::Update { id: None, retry: Some(millis) });
            }
            Call::KeepAlive => {
                encoder.keep_alive();
                expected.items.push(reference::Item::Comment(String::new()));
            }
        }
    }
    expected.bytes = encoder.as_bytes().len() as u64;
    assert_eq!(reference::decode(encoder.as_bytes()), expected);
}

/// The data of injected frames, which no other event has.
const MARK: &str = "\u{1}injected";

/// Gateways: kept blocks stay unchanged, changed blocks have the requested content, and frames are
/// between blocks.
pub fn gateways_change_only_what_was_asked(input: &[u8], chunks: &[&[u8]], data: &str) {
    let mut output = Vec::new();
    let mut filter = BlockFilter::new(|block, _| {
        let Ok(block) = block else { return Verdict::Keep };
        assert_eq!(block.rewrite().to_bytes(), block.raw());
        // After a line end, as in the middle of a stream.
        let mut decoder = Decoder::new();
        assert_eq!(decoder.feed(b"\n").next_event(), Ok(None));
        if block.offset() == 0 {
            decoder = Decoder::new();
        }
        let rewritten = block.rewrite().with_data(data).to_bytes();
        let mut events = decoder.feed(&rewritten);
        let event = events.next_event().expect("no limit").expect("data makes an event");
        assert_eq!(event.data(), data.replace("\r\n", "\n").replace('\r', "\n"));
        assert_eq!(events.next_event(), Ok(None));
        drop(events);
        assert!(decoder.at_boundary());

        for field in [Field::Data, Field::Event, Field::Id, Field::Retry, Field::Comment] {
            let without = block.rewrite().without(field).to_bytes();
            if block.offset() == 0 {
                decoder = Decoder::new();
            }
            let mut events = decoder.feed(&without);
            let dispatched = events.next_event().expect("no limit").is_some();
            assert_eq!(
                dispatched,
                field != Field::Data && block.event().expect("no limit").is_some()
            );
            assert_eq!(events.next_event(), Ok(None));
        }
        Verdict::Keep
    });
    for chunk in chunks {
        filter.pass(&Bytes::copy_from_slice(chunk), &mut output);
    }
    output.push(Bytes::copy_from_slice(filter.finish().pending()));
    assert_eq!(output.concat(), input);

    let frame = Frame::from(Event::new(MARK));
    let mut injector = Injector::new();
    let mut output = Vec::new();
    for (number, chunk) in chunks.iter().enumerate() {
        injector.inject(&frame);
        if number % 2 == 0 {
            output.extend(injector.take_ready());
        }
        injector.pass(Bytes::copy_from_slice(chunk), &mut output);
    }
    output.push(injector.close());
    let output = output.concat();
    let mut decoder = Decoder::new();
    let mut events = decoder.feed(&output);
    let mut marks = 0;
    while let Some(event) = events.next_event().expect("no limit") {
        marks += usize::from(event.data() == MARK && event.event_field().is_none());
    }
    assert!(marks >= chunks.len());
}
