//! How a stream ended.

use crate::event::Event;

/// How a stream ended. See [`Decoder::finish`](crate::Decoder::finish).
///
/// ```
/// use sse_wire::Decoder;
///
/// let mut decoder = Decoder::new();
/// assert!(decoder.feed(b"data: cut").next_event()?.is_none());
/// let end = decoder.finish()?;
/// assert!(!end.is_clean());
/// assert_eq!((end.pending_bytes(), end.had_data()), (9, true));
/// assert!(end.event().is_none(), "half an event is none");
/// let kept = end.without_event();
/// assert_eq!(kept.pending_bytes(), 9);
/// # Ok::<_, sse_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct End<'a> {
    pub(super) event: Option<Event<'a>>,
    pub(super) stream: StreamEnd,
}

impl<'a> End<'a> {
    /// Returns `true` if nothing was cut off. See [`StreamEnd::is_clean`].
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.stream.is_clean()
    }

    /// Returns the length of what was cut off. See [`StreamEnd::pending_bytes`].
    #[must_use]
    pub const fn pending_bytes(&self) -> u64 {
        self.stream.pending_bytes
    }

    /// Returns `true` if data was cut off. See [`StreamEnd::had_data`].
    #[must_use]
    pub const fn had_data(&self) -> bool {
        self.stream.had_data
    }

    /// Returns the event that was dispatched although no blank line ended it. Only with
    /// [`AtEnd::Dispatch`](crate::AtEnd::Dispatch).
    #[must_use]
    pub const fn event(&self) -> Option<Event<'a>> {
        self.event
    }

    /// Returns the end without the event, which borrows nothing.
    #[must_use]
    pub const fn without_event(&self) -> StreamEnd {
        self.stream
    }
}

/// How a stream ended: the part of [`End`] that can be kept.
///
/// ```
/// use sse_wire::EventReader;
///
/// let mut events = EventReader::new(&b"data: a\n\n: cut"[..]);
/// assert_eq!(events.by_ref().count(), 1);
/// let end = events.end().expect("the end");
/// assert_eq!((end.is_clean(), end.pending_bytes(), end.had_data()), (false, 5, false));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamEnd {
    pub(super) pending_bytes: u64,
    pub(super) had_data: bool,
}

impl StreamEnd {
    pub(crate) const CLEAN: Self = Self { pending_bytes: 0, had_data: false };

    /// The end of a stream whose last block was refused.
    #[cfg(any(feature = "std", feature = "stream", feature = "tokio-util"))]
    pub(crate) const fn truncated(pending_bytes: u64) -> Self {
        Self { pending_bytes, had_data: true }
    }

    /// Returns `true` if the stream ended between two blocks: nothing was cut off.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.pending_bytes == 0
    }

    /// Returns the length of the unterminated block, in bytes, with what the caller left unread.
    #[must_use]
    pub const fn pending_bytes(&self) -> u64 {
        self.pending_bytes
    }

    /// Returns `true` if data was cut off or left unread, and not just a comment or an ID.
    #[must_use]
    pub const fn had_data(&self) -> bool {
        self.had_data
    }
}
