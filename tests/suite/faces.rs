//! Every way to decode a stream ("face"), with results in one form, so that they can be compared.

use bytes::Bytes;
use sse_wire::{
    AtEnd, BlockDecoder, Blocks, DecodeError, DecodeErrorKind, Decoder, DecoderBuilder, Event,
    EventId, Events, Field, InvalidUtf8, Item, Lines, OnError, Stats,
};

use crate::reference;

/// The options that both views have in common.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub max_block_size: u64,
    pub on_error: OnError,
    pub invalid_utf8: InvalidUtf8,
    pub at_end: AtEnd,
    pub last_event_id: &'static str,
}

impl Default for Settings {
    fn default() -> Self {
        Self::limited(16 << 20)
    }
}

impl Settings {
    /// Returns the default options with this limit.
    pub fn limited(max_block_size: u64) -> Self {
        Self {
            max_block_size,
            on_error: OnError::default(),
            invalid_utf8: InvalidUtf8::default(),
            at_end: AtEnd::default(),
            last_event_id: "",
        }
    }

    pub fn skipping(self) -> Self {
        Self { on_error: OnError::SkipBlock, ..self }
    }

    pub fn rejecting(self) -> Self {
        Self { invalid_utf8: InvalidUtf8::Reject, ..self }
    }

    pub fn dispatching(self) -> Self {
        Self { at_end: AtEnd::Dispatch, ..self }
    }

    /// Creates a decoder that is used for events.
    pub fn events(&self) -> Decoder {
        self.apply(Decoder::builder()).build()
    }

    /// Creates a decoder that is used for all items.
    pub fn items(&self) -> Decoder {
        self.apply(Decoder::builder()).comments(true).updates(true).build()
    }

    /// Creates a block decoder.
    pub fn blocks(&self) -> BlockDecoder {
        self.apply(BlockDecoder::builder()).build()
    }

    pub fn apply<D>(&self, builder: DecoderBuilder<D>) -> DecoderBuilder<D> {
        builder
            .max_block_size(self.max_block_size)
            .on_error(self.on_error)
            .invalid_utf8(self.invalid_utf8)
            .at_end(self.at_end)
            .last_event_id(EventId::from_static(self.last_event_id))
    }
}

/// Everything that a decoder reports about a stream.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Events, comments and updates, in order.
    pub items: Vec<reference::Item>,
    /// The reason and the offset of each refused block.
    pub errors: Vec<(DecodeErrorKind, u64)>,
    pub stats: Stats,
    pub last_event_id: String,
    /// The reconnection time, in milliseconds.
    pub reconnection_time: Option<u64>,
    pub pending_bytes: u64,
    /// `true` if the stream ended within a block, and that block or the unread bytes had data.
    /// Always `false` for the block view, which does not report it.
    pub had_data: bool,
    pub has_failed: bool,
}

impl Outcome {
    pub fn refuse(&mut self, error: DecodeError) {
        self.errors.push((error.kind(), error.offset()));
    }

    /// Removes comments and updates, for faces that do not return them.
    pub fn events_alone(mut self) -> Self {
        self.items.retain(|item| item.event().is_some());
        self
    }

    /// Removes what the block view does not report.
    pub fn of_blocks(self) -> Self {
        Self { had_data: false, ..self }
    }
}

impl From<reference::Decoded> for Outcome {
    fn from(decoded: reference::Decoded) -> Self {
        let mut stats = Stats::default();
        stats.bytes = decoded.bytes;
        stats.blocks = decoded.blocks;
        stats.events = decoded.events().len() as u64;
        stats.comments = decoded.items.iter().filter_map(reference::Item::comment).count() as u64;
        stats.unknown_fields = decoded.unknown_fields;
        Self {
            items: decoded.items,
            errors: Vec::new(),
            stats,
            last_event_id: decoded.last_event_id,
            reconnection_time: decoded.reconnection_time,
            pending_bytes: decoded.pending_bytes,
            had_data: decoded.had_data,
            has_failed: false,
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

pub fn millis(time: core::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).expect("the wire's limit")
}

/// The number of items to take of each chunk, repeated. The rest of the chunk is left unread.
pub type Takes<'a> = &'a [usize];

/// More items than any chunk has.
const ALL: Takes<'static> = &[usize::MAX];

fn with_takes<'a>(
    chunks: &'a [&'a [u8]],
    takes: Takes<'a>,
) -> impl Iterator<Item = (&'a [u8], usize)> {
    // Takes the rest at the end.
    chunks.iter().copied().zip(takes.iter().copied().cycle()).chain([(&b""[..], usize::MAX)])
}

/// Decodes all items with `feed` and `next_item`.
pub fn items(settings: &Settings, chunks: &[&[u8]]) -> Outcome {
    some_items(settings, chunks, ALL)
}

/// Does the same as [`items`], with chunks left unread.
pub fn some_items(settings: &Settings, chunks: &[&[u8]], takes: Takes<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut decoder = settings.items();
    for (chunk, most) in with_takes(chunks, takes) {
        take_items(decoder.feed(chunk), most, &mut outcome);
    }
    end(&mut outcome, &mut decoder);
    outcome
}

/// Decodes borrowed events with `feed` and `next_event`.
pub fn borrowed(settings: &Settings, chunks: &[&[u8]]) -> Outcome {
    some_borrowed(settings, chunks, ALL)
}

/// Does the same as [`borrowed`], with chunks left unread.
pub fn some_borrowed(settings: &Settings, chunks: &[&[u8]], takes: Takes<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut decoder = settings.events();
    for (chunk, most) in with_takes(chunks, takes) {
        take_events(decoder.feed(chunk), most, &mut outcome);
    }
    end(&mut outcome, &mut decoder);
    outcome
}

/// Decodes owned events with `feed_bytes`.
pub fn owned(settings: &Settings, chunks: &[&[u8]]) -> Outcome {
    some_owned(settings, chunks, ALL)
}

/// Does the same as [`owned`], with chunks left unread.
pub fn some_owned(settings: &Settings, chunks: &[&[u8]], takes: Takes<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut decoder = settings.events();
    for (chunk, most) in with_takes(chunks, takes) {
        for found in decoder.feed_bytes(Bytes::copy_from_slice(chunk)).take(most) {
            match found {
                Ok(found) => {
                    let item = event(found.as_event());
                    assert_eq!(event(found.detach().as_event()), item, "detached");
                    outcome.items.push(item);
                }
                Err(error) => outcome.refuse(error),
            }
        }
    }
    end(&mut outcome, &mut decoder);
    outcome
}

/// Takes at most `most` events of a chunk.
pub fn take_events(mut events: Events<'_>, most: usize, outcome: &mut Outcome) {
    for _ in 0..most {
        match events.next_event() {
            Ok(Some(found)) => outcome.items.push(event(found)),
            Ok(None) => break,
            Err(error) => outcome.refuse(error),
        }
    }
}

/// Takes at most `most` items of a chunk.
pub fn take_items(mut events: Events<'_>, most: usize, outcome: &mut Outcome) {
    for _ in 0..most {
        match events.next_item() {
            Ok(None) => {
                // Another call changes nothing.
                assert_eq!(events.next_item(), Ok(None));
                break;
            }
            Ok(Some(Item::Event(found))) => outcome.items.push(event(found)),
            Ok(Some(Item::Comment(text))) => {
                outcome.items.push(reference::Item::Comment(text.to_owned()));
            }
            Ok(Some(Item::Update { id, reconnection_time })) => {
                let (id, retry) = (id.map(str::to_owned), reconnection_time.map(millis));
                outcome.items.push(reference::Item::Update { id, retry });
            }
            Err(error) => outcome.refuse(error),
        }
    }
}

/// Ends the stream, and records how it ended.
pub fn end(outcome: &mut Outcome, decoder: &mut Decoder) {
    assert_eq!(decoder.at_boundary(), decoder.pending_bytes() == 0);
    outcome.pending_bytes = decoder.pending_bytes();
    match decoder.finish() {
        Ok(end) => {
            assert_eq!(end.pending_bytes(), outcome.pending_bytes);
            assert_eq!(end.is_clean(), outcome.pending_bytes == 0);
            outcome.had_data = end.had_data();
            outcome.items.extend(end.event().map(event));
        }
        Err(error) => outcome.refuse(error),
    }
    outcome.stats = decoder.stats();
    outcome.last_event_id = decoder.last_event_id().to_owned();
    outcome.reconnection_time = decoder.reconnection_time().map(millis);
    outcome.has_failed = decoder.has_failed();
}

/// Decodes the blocks of a stream. Returns their contents, and their raw bytes joined.
pub fn blocks(settings: &Settings, chunks: &[&[u8]]) -> (Outcome, Vec<u8>) {
    some_blocks(settings, chunks, ALL)
}

/// Does the same as [`blocks`], with chunks left unread.
pub fn some_blocks(settings: &Settings, chunks: &[&[u8]], takes: Takes<'_>) -> (Outcome, Vec<u8>) {
    let (mut outcome, mut raw) = (Outcome::default(), Vec::new());
    let mut decoder = settings.blocks();
    for (chunk, most) in with_takes(chunks, takes) {
        take_blocks(decoder.feed(chunk), most, &mut outcome, &mut raw);
    }
    end_of_blocks(&mut decoder, &mut outcome, &mut raw);
    (outcome, raw)
}

/// Takes at most `most` blocks of a chunk.
pub fn take_blocks(mut blocks: Blocks<'_>, most: usize, outcome: &mut Outcome, raw: &mut Vec<u8>) {
    for _ in 0..most {
        match blocks.next_block() {
            Ok(Some(mut block)) => {
                raw.extend_from_slice(block.raw());
                read_lines(block.raw(), block.lines(), outcome);
                match block.event() {
                    Ok(found) => outcome.items.extend(found.map(event)),
                    Err(error) => outcome.refuse(error),
                }
            }
            Ok(None) => break,
            Err(error) => outcome.refuse(error),
        }
    }
}

/// Does the same as [`blocks`] with owned blocks.
pub fn block_bufs(settings: &Settings, chunks: &[&[u8]]) -> (Outcome, Vec<u8>) {
    some_block_bufs(settings, chunks, ALL)
}

/// Does the same as [`block_bufs`], with chunks left unread.
pub fn some_block_bufs(
    settings: &Settings,
    chunks: &[&[u8]],
    takes: Takes<'_>,
) -> (Outcome, Vec<u8>) {
    let (mut outcome, mut raw) = (Outcome::default(), Vec::new());
    let mut decoder = settings.blocks();
    for (chunk, most) in with_takes(chunks, takes) {
        for block in decoder.feed_bytes(Bytes::copy_from_slice(chunk)).take(most) {
            match block {
                Ok(block) => {
                    raw.extend_from_slice(block.raw());
                    read_lines(block.raw(), block.lines(), &mut outcome);
                    let found = block.event();
                    assert_eq!(block.detach().event(), found, "detached");
                    match found {
                        Ok(found) => {
                            outcome.items.extend(found.map(|found| event(found.as_event())));
                        }
                        Err(error) => outcome.refuse(error),
                    }
                }
                Err(error) => outcome.refuse(error),
            }
        }
    }
    end_of_blocks(&mut decoder, &mut outcome, &mut raw);
    (outcome, raw)
}

/// Reads the comments. Also checks that the lines make up the block, except for a prefix and the
/// blank line.
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

/// Ends the stream, and records how it ended.
pub fn end_of_blocks(decoder: &mut BlockDecoder, outcome: &mut Outcome, raw: &mut Vec<u8>) {
    assert_eq!(decoder.at_boundary(), decoder.pending_bytes() == 0);
    outcome.pending_bytes = decoder.pending_bytes();
    let mut end = decoder.finish();
    assert_eq!(end.pending_bytes(), outcome.pending_bytes);
    assert_eq!(end.is_clean(), outcome.pending_bytes == 0);
    raw.extend_from_slice(end.pending());
    if let Some(mut block) = end.block() {
        match block.event() {
            Ok(found) => outcome.items.extend(found.map(event)),
            Err(error) => outcome.refuse(error),
        }
    }
    outcome.stats = decoder.stats();
    outcome.last_event_id = decoder.last_event_id().to_owned();
    outcome.reconnection_time = decoder.reconnection_time().map(millis);
    outcome.has_failed = decoder.has_failed();
}
