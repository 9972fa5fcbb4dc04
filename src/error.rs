//! What can go wrong: a block that is refused, a string that cannot be a field value.

use thiserror::Error;

/// A block of the event stream that was refused.
///
/// There are no syntax errors: the standard gives every byte string a meaning. A block is refused
/// because it is larger than the limit that the decoder was given, or, if the decoder was told to
/// reject that, because it is not UTF-8. Each refused block is reported once, after all events
/// before it. [`OnError`](crate::OnError) chooses what follows: nothing, or the next block.
///
/// The error holds facts and no payload, so it is fit for a log.
///
/// ```
/// use sse_wire::{Decoder, DecodeErrorKind};
///
/// let mut decoder = Decoder::builder().max_block_size(8).build();
/// let error = decoder.feed(b": ok\n\ndata: too long\n\n").next_event().unwrap_err();
/// assert!(matches!(error.kind(), DecodeErrorKind::BlockTooLarge { limit: 8, .. }));
/// assert_eq!((error.limit(), error.offset()), (Some(8), 6));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("{kind}, at byte {offset} of the stream")]
pub struct DecodeError {
    kind: DecodeErrorKind,
    offset: u64,
}

/// Why a block was refused.
///
/// An example: [`DecodeError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The block is larger than [`max_block_size`](crate::DecoderBuilder::max_block_size), or its
    /// text would be with U+FFFD in the place of invalid bytes.
    #[error("block larger than the limit of {limit} bytes")]
    BlockTooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The caller dropped [`Events`](crate::Events) or [`Blocks`](crate::Blocks) again and again
    /// before they were used up, so that more was left unread than a decoder holds. What was left
    /// is lost, and the decoder fails whatever [`OnError`](crate::OnError) says.
    #[error("more left unread than the limit of {limit} bytes")]
    UnreadTooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// A value that matters is not UTF-8, and the decoder was built to
    /// [reject](crate::InvalidUtf8::Reject) that.
    #[error("block with invalid UTF-8")]
    InvalidUtf8,
}

impl DecodeError {
    pub(crate) fn new(kind: DecodeErrorKind, offset: u64) -> Self {
        Self { kind, offset }
    }

    /// Returns why the block was refused.
    #[must_use]
    pub fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// Returns the limit that was exceeded, in bytes; `None` if none was.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        match self.kind {
            DecodeErrorKind::BlockTooLarge { limit }
            | DecodeErrorKind::UnreadTooLarge { limit } => Some(limit),
            DecodeErrorKind::InvalidUtf8 => None,
        }
    }

    /// Returns where the refused block starts, in bytes from the start of the stream.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

/// A string that cannot be the value of a field, because it would end the line or be ignored by
/// every receiver.
///
/// Comes from [`EventType`](crate::EventType) and [`EventId`](crate::EventId).
///
/// ```
/// use sse_wire::EventId;
///
/// let error = EventId::new("7\ndata: injected").unwrap_err();
/// assert_eq!((error.byte(), error.position()), (b'\n', 1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("{what} must not hold {} (found at byte {position})", name_of(*.byte))]
pub struct InvalidValue {
    what: &'static str,
    byte: u8,
    position: usize,
}

impl InvalidValue {
    pub(crate) const fn new(what: &'static str, byte: u8, position: usize) -> Self {
        Self { what, byte, position }
    }

    /// Returns the byte that is not allowed: LF, CR or NUL.
    #[must_use]
    pub const fn byte(&self) -> u8 {
        self.byte
    }

    /// Returns the index of that byte in the string.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }
}

fn name_of(byte: u8) -> &'static str {
    match byte {
        b'\n' => "a line feed",
        b'\r' => "a carriage return",
        _ => "a NUL",
    }
}
