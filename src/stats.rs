//! Counters of what a stream was made of.

use crate::fields::Counters;

/// What a decoder has seen of the stream so far.
///
/// The counters tell activity (`bytes`, `comments`) from progress (`events`). They also tell if a
/// body was an event stream at all: a JSON error page has unknown fields and no event.
///
/// An example: [`Decoder::stats`](crate::Decoder::stats).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Stats {
    /// Bytes read.
    pub bytes: u64,
    /// Blocks that a blank line ended, empty ones included, refused ones not.
    pub blocks: u64,
    /// Events dispatched. For a [`BlockDecoder`](crate::BlockDecoder), blocks with data.
    pub events: u64,
    /// Comments.
    pub comments: u64,
    /// Lines with a field name that the standard does not know.
    pub unknown_fields: u64,
    /// Blocks that were refused with an error.
    pub refused: u64,
}

impl Stats {
    pub(crate) fn new(counters: Counters, bytes: u64) -> Self {
        let Counters { events, blocks_without_event, comments, unknown_fields, refused } = counters;
        let blocks = events + blocks_without_event;
        Self { bytes, blocks, events, comments, unknown_fields, refused }
    }
}
