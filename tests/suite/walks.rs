//! Sequences of calls: several connections, clones in the middle of a stream, readers that are
//! dropped or leaked. Tests and fuzz targets share these laws.

use std::mem;

use bytes::Bytes;
use sse_wire::{BlockDecoder, Decoder, EventBuf, EventId};

use crate::{
    faces::{self, Outcome, Settings, Takes},
    laws,
    model::View,
    reference,
};

/// A decoder of either view.
#[derive(Clone)]
enum AnyDecoder {
    Events(Decoder),
    /// Returns comments and updates, too.
    Items(Decoder),
    Blocks(BlockDecoder),
}

impl AnyDecoder {
    fn new(view: View, settings: &Settings) -> Self {
        match view {
            View::Events => Self::Events(settings.events()),
            View::Items => Self::Items(settings.items()),
            View::Blocks => Self::Blocks(settings.blocks()),
        }
    }

    /// Creates a decoder that starts with this last event ID.
    fn with_id(view: View, settings: &Settings, id: &str) -> Self {
        let id = EventId::new(id).expect("it came from a field");
        if view == View::Blocks {
            let builder = settings.apply(BlockDecoder::builder());
            return Self::Blocks(builder.last_event_id(id).build());
        }
        let is_items = view == View::Items;
        let builder = settings.apply(Decoder::builder()).comments(is_items).updates(is_items);
        let decoder = builder.last_event_id(id).build();
        if is_items { Self::Items(decoder) } else { Self::Events(decoder) }
    }

    fn read(&mut self, chunks: &[&[u8]], takes: Takes<'_>, outcome: &mut Outcome) {
        for (&chunk, &most) in chunks.iter().zip(takes.iter().cycle()) {
            match self {
                Self::Events(decoder) => {
                    faces::take_events(decoder.feed(chunk), most, outcome);
                }
                Self::Items(decoder) => faces::take_items(decoder.feed(chunk), most, outcome),
                Self::Blocks(decoder) => {
                    faces::take_blocks(decoder.feed(chunk), most, outcome, &mut Vec::new());
                }
            }
        }
    }

    /// Ends the stream, and returns the outcome since its start.
    fn finish(&mut self, mut outcome: Outcome) -> Outcome {
        match self {
            Self::Events(decoder) | Self::Items(decoder) => faces::end(&mut outcome, decoder),
            Self::Blocks(decoder) => {
                faces::end_of_blocks(decoder, &mut outcome, &mut Vec::new());
            }
        }
        outcome
    }

    fn reset(&mut self) {
        match self {
            Self::Events(decoder) | Self::Items(decoder) => decoder.reset_for_reconnect(),
            Self::Blocks(decoder) => decoder.reset_for_reconnect(),
        }
    }

    fn reconnection_time(&self) -> Option<u64> {
        let time = match self {
            Self::Events(decoder) | Self::Items(decoder) => decoder.reconnection_time(),
            Self::Blocks(decoder) => decoder.reconnection_time(),
        };
        time.map(faces::millis)
    }

    fn last_event_id(&self) -> String {
        match self {
            Self::Events(decoder) | Self::Items(decoder) => decoder.last_event_id().to_owned(),
            Self::Blocks(decoder) => decoder.last_event_id().to_owned(),
        }
    }
}

const VIEWS: [View; 3] = [View::Events, View::Items, View::Blocks];

/// One of several streams that a decoder reads in turn.
#[derive(Debug)]
pub struct Connection<'a> {
    pub chunks: Vec<&'a [u8]>,
    pub takes: Vec<usize>,
    /// `true` if the stream ends with `finish`; otherwise the decoder is reset in the middle.
    pub finishes: bool,
}

/// Reconnection: whatever a decoder has read before, and however that ended, it reads the next
/// stream like a new decoder that starts with the last event ID.
pub fn connections_are_apart(settings: &Settings, connections: &[Connection<'_>]) {
    for view in VIEWS {
        let mut decoder = AnyDecoder::new(view, settings);
        let mut reconnection_time = None;
        for Connection { chunks, takes, finishes } in connections {
            let mut fresh = AnyDecoder::with_id(view, settings, &decoder.last_event_id());
            let (mut found, mut expected) = (Outcome::default(), Outcome::default());
            decoder.read(chunks, takes, &mut found);
            fresh.read(chunks, takes, &mut expected);
            assert_eq!(found, expected, "{view:?}");
            if !finishes {
                reconnection_time = decoder.reconnection_time();
                decoder.reset();
                continue;
            }
            let (found, mut expected) = (decoder.finish(found), fresh.finish(expected));
            expected.reconnection_time = expected.reconnection_time.or(reconnection_time);
            reconnection_time = expected.reconnection_time;
            assert_eq!(found, expected, "{view:?}");
        }
    }
}

/// Clones: after any chunk, a clone yields what the original yields.
pub fn clones_agree(settings: &Settings, chunks: &[&[u8]], takes: Takes<'_>, after: usize) {
    let (before, rest) = chunks.split_at(after.min(chunks.len()));
    for view in VIEWS {
        let mut decoder = AnyDecoder::new(view, settings);
        let mut found = Outcome::default();
        decoder.read(before, takes, &mut found);
        let (mut clone, mut found_by_clone) = (decoder.clone(), found.clone());
        for (decoder, found) in [(&mut decoder, &mut found), (&mut clone, &mut found_by_clone)] {
            decoder.read(rest, takes, found);
            // Reads the unread rest in both, because they may have looked at different parts of it.
            decoder.read(&[b""], &[usize::MAX], found);
            *found = decoder.finish(mem::take(found));
        }
        assert_eq!(found, found_by_clone, "{view:?}");
    }
}

/// A call of a decoder.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    pub what: u8,
    pub chunk: &'a [u8],
    pub takes: u8,
}

/// Total: no order of calls makes a decoder panic or loop, even if readers are leaked. After a
/// reset, the decoder works as usual.
pub fn anything_goes(settings: &Settings, steps: &[Step<'_>]) {
    for view in VIEWS {
        let mut decoder = AnyDecoder::new(view, settings);
        for step in steps {
            decoder.make(step);
        }
        decoder.reset();
        let (stream, mut found) = (&b"data: a\n: c\ndata: b\n\n"[..], Outcome::default());
        decoder.read(&[stream], &[usize::MAX], &mut found);
        let events = found.items.iter().filter_map(reference::Item::event);
        let data: Vec<_> = events.map(|event| event.data.as_str()).collect();
        if settings.max_block_size > 30 {
            assert_eq!(data, ["a\nb"], "{view:?}");
        }
        laws::errors_are_final_or_not(settings, &decoder.finish(found));
    }
}

impl AnyDecoder {
    fn make(&mut self, step: &Step<'_>) {
        let Step { what, chunk, takes } = *step;
        let shared = Bytes::copy_from_slice(chunk);
        let (takes, is_leaked) = (usize::from(takes), what & 16 > 0);
        let mut kept = Vec::new();
        match (what & 15, self) {
            (0, Self::Events(decoder) | Self::Items(decoder)) => drop(decoder.finish()),
            (0, Self::Blocks(decoder)) => drop(decoder.finish()),
            (1, decoder) => decoder.reset(),
            (2, decoder) => *decoder = decoder.clone(),
            (what, Self::Events(decoder)) if what % 2 == 0 => {
                let mut events = decoder.feed_bytes(shared);
                kept.extend(events.by_ref().take(takes).flatten().map(EventBuf::detach));
                if is_leaked {
                    mem::forget(events);
                }
            }
            (_, Self::Events(decoder)) => {
                let mut events = decoder.feed(chunk);
                for _ in 0..takes {
                    let _ = events.next_event();
                }
                if is_leaked {
                    mem::forget(events);
                }
            }
            (_, Self::Items(decoder)) => {
                let mut events = decoder.feed(chunk);
                for _ in 0..takes {
                    let _ = events.next_item();
                }
                if is_leaked {
                    mem::forget(events);
                }
            }
            (what, Self::Blocks(decoder)) if what % 2 == 0 => {
                let mut blocks = decoder.feed_bytes(shared);
                let given = blocks.by_ref().take(takes).flatten();
                kept.extend(given.filter_map(|block| block.event().ok().flatten()));
                if is_leaked {
                    mem::forget(blocks);
                }
            }
            (_, Self::Blocks(decoder)) => {
                let mut blocks = decoder.feed(chunk);
                for _ in 0..takes {
                    if let Ok(Some(mut block)) = blocks.next_block() {
                        let _ = block.event();
                    }
                }
                if is_leaked {
                    mem::forget(blocks);
                }
            }
        }
        // Results stay readable.
        assert!(kept.iter().all(|event| event.data().len() < usize::MAX));
    }
}
