//! What a decoder may be told, all of it at run time.

/// The default limit of a block: 16 MiB.
///
/// Large enough for every known stream (images of several megabytes in one line are real), small
/// enough that one connection cannot take the machine down.
const DEFAULT_MAX_BLOCK_SIZE: u32 = 16 << 20;

/// The largest limit of a block, 2 GiB: offsets within a block take 32 bits.
const LARGEST_MAX_BLOCK_SIZE: u32 = 1 << 31;

/// What a decoder does with a value that is not UTF-8.
///
/// It looks only at values that it gives: comments and unknown fields are never a reason to refuse
/// a block.
///
/// An example: [`DecoderBuilder`](crate::DecoderBuilder).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidUtf8 {
    /// Replaces each maximal invalid sequence with U+FFFD, as the Encoding Standard's "UTF-8 decode"
    /// does. The default, because the event stream standard says so.
    #[default]
    Replace,
    /// Refuses the block with a [`DecodeError`](crate::DecodeError), at the end of the block.
    Reject,
}

/// What a decoder does after it has reported a [`DecodeError`](crate::DecodeError).
///
/// An example: [`DecoderBuilder`](crate::DecoderBuilder).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnError {
    /// Ignores all further bytes until it is reset. The default, because a lost event should be
    /// noticed.
    #[default]
    Fail,
    /// Skips the rest of the block and continues with the next one. The skipped block leaves the
    /// last event ID untouched.
    SkipBlock,
}

/// What a decoder does with a last block that no blank line ends.
///
/// An example: [`DecoderBuilder::at_end`](crate::DecoderBuilder::at_end).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AtEnd {
    /// Discards it. The default, because the standard says so: "If the file ends in the middle of
    /// an event, before the final empty line, the incomplete event is not dispatched."
    #[default]
    Discard,
    /// Takes it as if its line and the blank line had ended. For servers that forget them. A
    /// truncated stream then gives a truncated event; [`End`](crate::End) tells.
    Dispatch,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    max_block_size: u32,
    pub(crate) on_error: OnError,
    pub(crate) invalid_utf8: InvalidUtf8,
    pub(crate) at_end: AtEnd,
    /// How many of the first bytes are kept of what is no event stream.
    pub(crate) first_bytes: u16,
    /// Comments are items.
    pub(crate) comments: bool,
    /// What sets an ID or a reconnection time and has no data is an item.
    pub(crate) updates: bool,
}

impl Options {
    /// What the standard says, and the default limit.
    pub(crate) const STANDARD: Self = Self {
        max_block_size: DEFAULT_MAX_BLOCK_SIZE,
        on_error: OnError::Fail,
        invalid_utf8: InvalidUtf8::Replace,
        at_end: AtEnd::Discard,
        first_bytes: 1024,
        comments: false,
        updates: false,
    };

    /// Returns `true` if a refused block is the end of the stream.
    pub(crate) fn fails_on_error(self) -> bool {
        self.on_error == OnError::Fail
    }

    /// Returns the limit of a block, in bytes.
    #[inline]
    pub(crate) const fn limit(self) -> usize {
        self.max_block_size as usize
    }

    /// Sets the limit of a block, as far as that is possible.
    #[expect(clippy::cast_possible_truncation, reason = "less than the largest, which fits")]
    pub(crate) const fn set_limit(&mut self, bytes: u64) {
        let is_large = bytes >= LARGEST_MAX_BLOCK_SIZE as u64;
        self.max_block_size = if is_large { LARGEST_MAX_BLOCK_SIZE } else { bytes as u32 };
    }
}
