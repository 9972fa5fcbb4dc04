//! What all adapters share that get chunks and give owned events: the events of a chunk, waiting.

use alloc::{borrow::ToOwned, collections::VecDeque, string::String};

use bytes::Bytes;

use crate::{decoder::Decoder, error::DecodeError, event::EventBuf};

/// How a stream ended. See [`End`](crate::End), of which this is what can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamEnd {
    pub(crate) pending_bytes: u64,
    pub(crate) had_data: bool,
}

impl StreamEnd {
    /// Whether the stream ended at the end of a block: nothing was cut off.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.pending_bytes == 0
    }

    /// How many bytes the last block had, whose blank line never came.
    #[must_use]
    pub const fn pending_bytes(&self) -> u64 {
        self.pending_bytes
    }

    /// Whether that block had data: whether an event was cut off, or just a comment or an ID.
    #[must_use]
    pub const fn had_data(&self) -> bool {
        self.had_data
    }
}

/// What comes out: events, or comments as well.
pub(crate) trait Output: Sized {
    /// Takes the items of a piece.
    fn drain(decoder: &mut Decoder, piece: Bytes, to: &mut VecDeque<Result<Self, DecodeError>>);

    fn from_event(event: EventBuf) -> Self;

    /// The last event ID that counts when this was given.
    fn last_event_id(&self) -> Option<&str>;
}

impl Output for EventBuf {
    #[inline]
    fn drain(decoder: &mut Decoder, piece: Bytes, to: &mut VecDeque<Result<Self, DecodeError>>) {
        to.extend(decoder.feed_bytes(piece));
    }

    fn from_event(event: EventBuf) -> Self {
        event
    }

    #[inline]
    fn last_event_id(&self) -> Option<&str> {
        Some(EventBuf::last_event_id(self))
    }
}

/// So many bytes of a chunk are decoded at once: what waits is bounded, also if somebody gives a
/// whole file as one chunk of the shortest events.
const PIECE: usize = 16 * 1024;

/// A decoder with the items that it gave and that nobody took yet.
#[derive(Debug)]
pub(crate) struct Pump<T> {
    decoder: Decoder,
    /// What was not decoded of the last chunk.
    rest: Bytes,
    ready: VecDeque<Result<T, DecodeError>>,
    /// The last event ID as of the last item that was taken. The decoder is ahead of it while
    /// items are ready, and a client that resumes from there would miss them.
    taken_id: String,
    end: Option<StreamEnd>,
    failed: bool,
}

impl<T: Output> Pump<T> {
    pub(crate) fn new(decoder: Decoder) -> Self {
        let taken_id = decoder.last_event_id().to_owned();
        Self {
            decoder,
            rest: Bytes::new(),
            ready: VecDeque::new(),
            taken_id,
            end: None,
            failed: false,
        }
    }

    /// Takes a chunk. The one before must be used up.
    #[inline]
    pub(crate) fn feed(&mut self, chunk: Bytes) {
        debug_assert!(self.rest.is_empty(), "a chunk would get lost");
        self.rest = chunk;
    }

    /// The next item of the chunk; `None` if it is used up.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Result<T, DecodeError>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                match &item {
                    Ok(item) => {
                        if let Some(id) = item.last_event_id() {
                            if id != self.taken_id {
                                id.clone_into(&mut self.taken_id);
                            }
                        }
                    }
                    Err(error) => self.failed |= error.is_fatal(),
                }
                return Some(item);
            }
            if self.rest.is_empty() || self.failed {
                return None;
            }
            if self.decoder.last_event_id() != self.taken_id {
                self.decoder.last_event_id().clone_into(&mut self.taken_id);
            }
            let piece = self.rest.split_to(self.rest.len().min(PIECE));
            T::drain(&mut self.decoder, piece, &mut self.ready);
        }
    }

    /// The stream has ended, and nothing is ready. The event of an unterminated block, if that was
    /// asked for.
    pub(crate) fn finish(&mut self) -> Option<Result<T, DecodeError>> {
        if self.end.is_some() || self.failed {
            return None;
        }
        let (end, event) = match self.decoder.finish() {
            Ok(end) => (
                StreamEnd { pending_bytes: end.pending_bytes(), had_data: end.had_data() },
                end.event().map(|event| Ok(T::from_event(event.to_buf()))),
            ),
            Err(error) => {
                (StreamEnd { pending_bytes: error.size(), had_data: true }, Some(Err(error)))
            }
        };
        self.end = Some(end);
        event
    }

    pub(crate) fn end(&self) -> Option<StreamEnd> {
        self.end
    }

    /// A fatal error was given, so nothing follows.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    #[cfg(feature = "stream")]
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty() || !self.rest.is_empty()
    }

    pub(crate) fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    pub(crate) fn last_event_id(&self) -> &str {
        if self.ready.is_empty() { self.decoder.last_event_id() } else { &self.taken_id }
    }
}
