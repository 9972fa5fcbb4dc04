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
