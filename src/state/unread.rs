//! The bytes of a chunk that the caller left unread.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use crate::{chunk::Chunk, error::DecodeErrorKind, wire};

/// The rest of a chunk whose reader was dropped early. It is read before the next chunk.
#[derive(Clone, Debug, Default)]
pub(crate) enum Unread {
    #[default]
    Nothing,
    Rest(Bytes),
    /// This many bytes were too many, and are lost. The next call returns an error.
    TooMuch(usize),
}

impl Unread {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Rest(rest) => rest.len() as u64,
            Self::TooMuch(len) => *len as u64,
        }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Returns the bytes to read before the next chunk.
    pub(crate) fn rest(&self) -> &[u8] {
        if let Self::Rest(rest) = self { rest } else { &[] }
    }

    /// Keeps the rest of a chunk, up to the limit.
    ///
    /// A caller with a small limit expects small blocks, but may still take the events of a large
    /// chunk one at a time. So up to 64 KiB are always kept.
    pub(crate) fn keep(&mut self, len: usize, limit: usize, rest: impl FnOnce() -> Bytes) {
        *self = match (&self, len) {
            // Dropping another reader must not lose the error.
            (Self::TooMuch(before), _) => Self::TooMuch(before.saturating_add(len)),
            (_, 0) => Self::Nothing,
            _ if len > limit.max(wire::KEPT) => Self::TooMuch(len),
            _ => Self::Rest(rest()),
        };
    }

    /// Puts the rest of the last chunk in front of this one.
    pub(crate) fn join(&mut self, chunk: &mut Chunk<'_>) {
        if let Self::Rest(rest) = self {
            let mut rest = core::mem::take(rest);
            *self = Self::Nothing;
            if chunk.len() > 0 {
                rest = append(rest, chunk.bytes());
            }
            *chunk = Chunk::private(rest);
        }
    }

    /// Returns the error, unless it was already returned.
    pub(crate) fn take_error(&mut self, limit: usize) -> Option<DecodeErrorKind> {
        let Self::TooMuch(_) = self else { return None };
        *self = Self::Nothing;
        Some(DecodeErrorKind::UnreadTooLarge { limit: limit.max(wire::KEPT) as u64 })
    }
}

/// Appends a chunk to the rest, in its memory if possible.
///
/// This copies the rest if events of its chunk share it. Nothing shares the rest of a private
/// chunk, so a caller that takes one event of each chunk does not copy the rest again and again.
fn append(rest: Bytes, chunk: &[u8]) -> Bytes {
    let len = rest.len() + chunk.len();
    // Enough that the rest moves only after a third as many bytes came, and not much too large.
    let (least, most) = (len + rest.len() / 2, wire::KEPT.max(4 * len));
    let mut joined = BytesMut::from(rest);
    if (len..=most).contains(&joined.capacity()) {
        joined.extend_from_slice(chunk);
        return joined.freeze();
    }
    // Moves the rest to the start, over the bytes that were read. What they leave is known only
    // now: a caller that is always one event behind must not hold the memory of a large chunk.
    let mut joined = Vec::from(joined);
    if joined.capacity() > most {
        joined.shrink_to(least);
    } else if joined.capacity() < least {
        joined.reserve_exact(least - joined.len());
    }
    joined.extend_from_slice(chunk);
    joined.into()
}
