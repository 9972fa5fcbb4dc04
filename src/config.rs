//! What a decoder may be told, all of it at run time.

use alloc::{borrow::ToOwned, string::String};

use crate::{block::BlockDecoder, decoder::Decoder, value::EventId};

/// Large enough for every known stream (images of several megabytes in one line are real), small
/// enough that one connection cannot take the machine down.
const DEFAULT_MAX_BLOCK_SIZE: u64 = 16 * 1024 * 1024;

/// What a decoder does with a value that is not UTF-8.
///
/// Only values that matter are looked at: comments and unknown fields never are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidUtf8 {
    /// Put U+FFFD in the place of each maximal invalid sequence, as the Encoding Standard's
    /// "UTF-8 decode" does. The default, because the event stream standard says so.
    #[default]
    Replace,
    /// Refuse the block with a [`DecodeError`](crate::DecodeError), at the end of the line.
    Reject,
}

/// What a decoder does after it has reported a [`DecodeError`](crate::DecodeError).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnError {
    /// Finish: all further bytes are ignored until it is reset. The default, because a lost event
    /// should be noticed.
    #[default]
    Fail,
    /// Skip the rest of the block and go on with the next one. The skipped block leaves the last
    /// event ID untouched.
    SkipBlock,
}

/// What a decoder does with a last block that no blank line ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AtEnd {
    /// Discard it. The default, because the standard says so: "If the file ends in the middle of
    /// an event, before the final empty line, the incomplete event is not dispatched."
    #[default]
    Discard,
    /// Take it as if its line and the blank line had ended. For servers that forget them; a cut
    /// stream then gives half an event, which [`End`](crate::End) tells.
    Dispatch,
}

/// The options of a [`Decoder`] or a [`BlockDecoder`]; without any, they follow the standard.
///
/// ```
/// use sse_wire::{Decoder, EventId, InvalidUtf8, OnError};
///
/// let decoder = Decoder::builder()
///     .max_block_size(64 * 1024)
///     .on_error(OnError::SkipBlock)
///     .invalid_utf8(InvalidUtf8::Reject)
///     .last_event_id(EventId::from_static("41"))
///     .build();
/// assert_eq!(decoder.last_event_id(), "41");
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct DecoderBuilder {
    pub(crate) options: Options,
    pub(crate) last_event_id: String,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) max_block_size: u64,
    pub(crate) on_error: OnError,
    pub(crate) invalid_utf8: InvalidUtf8,
    pub(crate) at_end: AtEnd,
    pub(crate) comments: bool,
}

impl Default for DecoderBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl DecoderBuilder {
    /// The standard's behaviour, and a block limit of 16 MiB.
    pub const fn new() -> Self {
        Self {
            options: Options {
                max_block_size: DEFAULT_MAX_BLOCK_SIZE,
                on_error: OnError::Fail,
                invalid_utf8: InvalidUtf8::Replace,
                at_end: AtEnd::Discard,
                comments: false,
            },
            last_event_id: String::new(),
        }
    }

    /// How many bytes a block may have; 16 MiB by default.
    ///
    /// Counts everything of a block up to its blank line: field names, comments, unknown fields,
    /// line ends, a byte order mark. (The LF of a CRLF that ends the blank line counts to no
    /// block.) A U+FFFD counts with its three bytes, where it stands for less. The decoder's
    /// memory stays within the limit and a constant, beside the last event ID.
    pub const fn max_block_size(mut self, bytes: u64) -> Self {
        self.options.max_block_size = bytes;
        self
    }

    /// Lets a block have any size. Whoever sends the stream then decides how much memory is used.
    pub const fn unlimited_block_size(self) -> Self {
        self.max_block_size(u64::MAX)
    }

    /// What happens after an error: [finish](OnError::Fail) by default, or
    /// [skip the block](OnError::SkipBlock).
    pub const fn on_error(mut self, on_error: OnError) -> Self {
        self.options.on_error = on_error;
        self
    }

    /// What happens with invalid UTF-8: [replaced](InvalidUtf8::Replace) by default, or
    /// [rejected](InvalidUtf8::Reject).
    pub const fn invalid_utf8(mut self, policy: InvalidUtf8) -> Self {
        self.options.invalid_utf8 = policy;
        self
    }

    /// What happens with a block that the stream's end cuts off:
    /// [discarded](AtEnd::Discard) by default, or [dispatched](AtEnd::Dispatch).
    pub const fn at_end(mut self, policy: AtEnd) -> Self {
        self.options.at_end = policy;
        self
    }

    /// Whether [`Events::next_item`](crate::Events::next_item) gives comments, too; not by default.
    ///
    /// A comment that straddles two chunks is then kept, within the block limit. The block view
    /// shows comments in any case.
    pub const fn comments(mut self, wanted: bool) -> Self {
        self.options.comments = wanted;
        self
    }

    /// The last event ID to start with, from an earlier connection; none by default.
    pub fn last_event_id(mut self, id: EventId<'_>) -> Self {
        id.as_str().clone_into(&mut self.last_event_id);
        self
    }

    /// A decoder of events.
    #[must_use]
    pub fn build(self) -> Decoder {
        Decoder::with_options(self)
    }

    /// A decoder of blocks.
    #[must_use]
    pub fn build_blocks(self) -> BlockDecoder {
        BlockDecoder::with_options(self)
    }
}
