//! Every way to decode a stream, brought to one form that can be compared.

use bytes::Bytes;
use sse_wire::{DecodeError, DecoderBuilder, Event, Events, Field, Item, Lines};

use crate::reference;

/// All that a stream was found to be.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Events and comments in their order.
    pub items: Vec<reference::Item>,
    pub errors: Vec<DecodeError>,
    pub blocks: u64,
    pub last_event_id: String,
    /// In milliseconds.
    pub reconnection_time: Option<u64>,
    pub pending_bytes: u64,
}

impl Outcome {
    /// The same without comments, for faces that do not show them.
    pub fn without_comments(mut self) -> Self {
        self.items.retain(|item| item.event().is_some());
        self
    }
}

impl From<reference::Decoded> for Outcome {
    fn from(decoded: reference::Decoded) -> Self {
        Self {
            items: decoded.items,
            errors: Vec::new(),
            blocks: decoded.blocks,
            last_event_id: decoded.last_event_id,
            reconnection_time: decoded.reconnection_time,
            pending_bytes: decoded.pending_bytes,
        }
    }
}

pub fn event(event: Event<'_>) -> reference::Item {
    reference::Item::Event(reference::Event {
        event_type: event.event_type().to_owned(),
        data: event.data().to_owned(),
        id: event.id().map(str::to_owned),
        last_event_id: event.last_event_id().to_owned(),
        retry: event.retry().map(millis),
    })
}

fn millis(time: core::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).expect("the wire's limit")
}

/// `feed` and `next_item`: events and comments, lent.
pub fn items(builder: &DecoderBuilder, chunks: &[&[u8]]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut decoder = builder.clone().comments(true).build();
    for chunk in chunks {
        drain(decoder.feed(chunk), &mut outcome);
    }
    end(&mut outcome, &mut decoder);
    outcome
}

/// `feed` and `next_event`: events alone, lent.
pub fn borrowed(builder: &DecoderBuilder, chunks: &[&[u8]]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut decoder = builder.clone().build();
    for chunk in chunks {
        let mut events = decoder.feed(chunk);
        loop {
            match events.next_event() {
                Ok(Some(found)) => outcome.items.push(event(found)),
                Ok(None) => break,
                Err(error) => outcome.errors.push(error),
            }
        }
    }
    end(&mut outcome, &mut decoder);
    outcome
}

/// `feed_bytes`: owned events.
pub fn owned(builder: &DecoderBuilder, chunks: &[&[u8]]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut decoder = builder.clone().build();
    for chunk in chunks {
        for found in decoder.feed_bytes(Bytes::copy_from_slice(chunk)) {
            match found {
                Ok(found) => outcome.items.push(event(found.as_event())),
                Err(error) => outcome.errors.push(error),
            }
        }
    }
    end(&mut outcome, &mut decoder);
    outcome
}

/// `feed`, dropped after its first event each time, so that the rest is always left unread.
pub fn unread(builder: &DecoderBuilder, chunks: &[&[u8]]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut decoder = builder.clone().comments(true).build();
    for chunk in chunks {
        take_one(&mut decoder.feed(chunk), &mut outcome);
    }
    drain(decoder.feed(b""), &mut outcome);
    end(&mut outcome, &mut decoder);
    outcome
}

fn take_one(events: &mut Events<'_>, outcome: &mut Outcome) -> bool {
    match events.next_item() {
        Ok(None) => return false,
        Ok(Some(Item::Event(found))) => outcome.items.push(event(found)),
        Ok(Some(Item::Comment(text))) => {
            outcome.items.push(reference::Item::Comment(text.to_owned()));
        }
        Ok(Some(other)) => panic!("unknown item {other:?}"),
        Err(error) => outcome.errors.push(error),
    }
    true
}

fn drain(mut events: Events<'_>, outcome: &mut Outcome) {
    while take_one(&mut events, outcome) {}
}

fn end(outcome: &mut Outcome, decoder: &mut sse_wire::Decoder) {
    match decoder.finish() {
        Ok(end) => {
            outcome.pending_bytes = end.pending_bytes();
            outcome.items.extend(end.event().map(event));
        }
        Err(error) => outcome.errors.push(error),
    }
    outcome.blocks = decoder.stats().blocks;
    outcome.last_event_id = decoder.last_event_id().to_owned();
    outcome.reconnection_time = decoder.reconnection_time().map(millis);
}

/// The blocks of a stream, interpreted, and its bytes put together again.
pub fn blocks(builder: &DecoderBuilder, chunks: &[&[u8]]) -> (Outcome, Vec<u8>) {
    let (mut outcome, mut raw) = (Outcome::default(), Vec::new());
    let mut decoder = builder.clone().build_blocks();
    for chunk in chunks {
        let mut blocks = decoder.feed(chunk);
        loop {
            match blocks.next_block() {
                Ok(Some(mut block)) => {
                    raw.extend_from_slice(block.raw());
                    read_lines(block.raw(), block.lines(), &mut outcome);
                    outcome.items.extend(block.event().map(event));
                }
                Ok(None) => break,
                Err(error) => outcome.errors.push(error),
            }
        }
    }
    end_of_blocks(&mut decoder, &mut outcome, &mut raw);
    (outcome, raw)
}

/// The same with owned blocks.
pub fn block_bufs(builder: &DecoderBuilder, chunks: &[&[u8]]) -> (Outcome, Vec<u8>) {
    let (mut outcome, mut raw) = (Outcome::default(), Vec::new());
    let mut decoder = builder.clone().build_blocks();
    for chunk in chunks {
        for block in decoder.feed_bytes(Bytes::copy_from_slice(chunk)) {
            match block {
                Ok(block) => {
                    raw.extend_from_slice(block.raw());
                    read_lines(block.raw(), block.lines(), &mut outcome);
                    outcome.items.extend(block.event().map(|found| event(found.as_event())));
                }
                Err(error) => outcome.errors.push(error),
            }
        }
    }
    end_of_blocks(&mut decoder, &mut outcome, &mut raw);
    (outcome, raw)
}

/// Reads the comments, and checks that the lines hold all of the block but what stands before them
/// and the blank line.
fn read_lines(raw: &[u8], lines: Lines<'_>, outcome: &mut Outcome) {
    let joined: Vec<u8> = lines.clone().flat_map(|line| line.raw().to_vec()).collect();
    let whole = [&b""[..], b"\xef\xbb\xbf", b"\n"].iter().any(|&start| {
        let rest = raw.strip_prefix(start).and_then(|rest| rest.strip_prefix(&joined[..]));
        matches!(rest, Some(b"\n" | b"\r" | b"\r\n"))
    });
    assert!(whole, "{lines:?} of {raw:?}");
    for line in lines.filter(|line| line.field() == Field::Comment) {
        let text = String::from_utf8_lossy(line.value()).into_owned();
        outcome.items.push(reference::Item::Comment(text));
    }
}

fn end_of_blocks(decoder: &mut sse_wire::BlockDecoder, outcome: &mut Outcome, raw: &mut Vec<u8>) {
    outcome.blocks = decoder.stats().blocks;
    let mut end = decoder.finish();
    outcome.pending_bytes = end.pending_bytes();
    raw.extend_from_slice(end.pending());
    if let Some(mut block) = end.block() {
        outcome.items.extend(block.event().map(event));
    }
    outcome.last_event_id = decoder.last_event_id().to_owned();
    outcome.reconnection_time = decoder.reconnection_time().map(millis);
}
