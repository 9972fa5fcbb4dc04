//! What can go wrong: an event stream that is refused, a string that cannot be a field value.

use thiserror::Error;

use crate::field::Field;

/// A block of the event stream that was refused.
///
/// There are no syntax errors: the standard gives every byte string a meaning. A block is refused
/// because it is larger than the limit that the decoder was given, or, if the decoder was told to,
/// because it is not UTF-8. Each refused block is reported once, after all events before it. What
/// comes then was chosen with [`OnError`](crate::OnError): nothing any more, or the next block.
///
/// The error holds facts and no payload, so it is fit for a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{kind} at byte {offset} of the stream{}", Place(*.field))]
pub struct DecodeError {
    kind: DecodeErrorKind,
    field: Option<Field>,
    offset: u64,
    size: u64,
    fatal: bool,
}

/// Why a block was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The block is larger than
    /// [`max_block_size`](crate::DecoderBuilder::max_block_size).
    #[error("block larger than the limit of {limit} bytes")]
    BlockTooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// A value that matters is not UTF-8, and the decoder was built to
    /// [reject](crate::InvalidUtf8::Reject) that.
    #[error("invalid UTF-8")]
    InvalidUtf8,
}

impl DecodeError {
    pub(crate) fn too_large(limit: u64, block_start: u64, field: Option<Field>) -> Self {
        Self {
            kind: DecodeErrorKind::BlockTooLarge { limit },
            field,
            offset: block_start,
            size: limit.saturating_add(1),
            fatal: true,
        }
    }

    pub(crate) fn invalid_utf8(offset: u64, size: u64, field: Field) -> Self {
        Self { kind: DecodeErrorKind::InvalidUtf8, field: Some(field), offset, size, fatal: true }
    }

    pub(crate) fn with_fatal(self, fatal: bool) -> Self {
        Self { fatal, ..self }
    }

    /// Why the block was refused.
    #[must_use]
    pub fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// The limit that was passed, in bytes; `None` if none was.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        match self.kind {
            DecodeErrorKind::BlockTooLarge { limit } => Some(limit),
            DecodeErrorKind::InvalidUtf8 => None,
        }
    }

    /// How many bytes of the block had arrived when it was refused.
    ///
    /// For a block that is too large this is the limit and one, however the bytes were cut into
    /// chunks: the block is refused at the first byte too many, and its full size is not awaited.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The field in which the block was refused, as far as its name had arrived; `None` between
    /// two lines.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        self.field
    }

    /// Where in the stream, in bytes from its start: the first byte of the block that is too
    /// large, or the first byte that is not UTF-8.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the decoder has finished: nothing follows until
    /// [`reset_for_reconnect`](crate::Decoder::reset_for_reconnect). If not, it goes on at the
    /// next block.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.fatal
    }
}

/// The tail of the message: in which field.
struct Place(Option<Field>);

impl core::fmt::Display for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.map_or(Ok(()), |field| write!(f, ", in {field}"))
    }
}

/// A string that cannot be the value of a field, because it would end the line or be ignored by
/// every receiver.
///
/// Comes from [`EventType`](crate::EventType) and [`EventId`](crate::EventId).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
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

    /// The byte that is not allowed: LF, CR or NUL.
    #[must_use]
    pub const fn byte(&self) -> u8 {
        self.byte
    }

    /// Its index in the string, in bytes.
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
