//! Counters of what a stream was made of.

/// What a decoder has seen of the stream so far.
///
/// The counters tell a watchdog activity (`bytes`, `comments`) from progress (`events`), and they
/// tell whether a body was an event stream at all: a JSON error page has unknown fields and no
/// event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Bytes read.
    pub bytes: u64,
    /// Blocks that a blank line ended, empty ones included, skipped ones not.
    pub blocks: u64,
    /// Events dispatched.
    pub events: u64,
    /// Comments.
    pub comments: u64,
    /// Lines with a field name that the standard does not know.
    pub unknown_fields: u64,
    /// Blocks that were refused with an error.
    pub refused: u64,
}

/// What a decoder counts. The bytes are known without counting.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) blocks: u64,
    pub(crate) events: u64,
    pub(crate) comments: u64,
    pub(crate) unknown_fields: u64,
    pub(crate) refused: u64,
}

impl Counters {
    pub(crate) fn stats(self, bytes: u64) -> Stats {
        let Self { blocks, events, comments, unknown_fields, refused } = self;
        Stats { bytes, blocks, events, comments, unknown_fields, refused }
    }
}
