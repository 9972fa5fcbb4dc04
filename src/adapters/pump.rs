//! What all adapters share that get chunks and give owned events.

use core::marker::PhantomData;

use bytes::Bytes;

use crate::{
    chunk::Source,
    decode::{Decoder, StreamEnd},
    error::DecodeError,
    event::EventBuf,
    state::Reading,
};

/// What comes out: events, or comments as well.
pub(crate) trait Output: Sized {
    /// The next one of the chunk.
    fn next(
        reading: &mut Reading<'static>,
        decoder: &mut Decoder,
    ) -> Option<Result<Self, DecodeError>>;

    fn from_event(event: EventBuf) -> Self;
}

impl Output for EventBuf {
    #[inline]
    fn next(
        reading: &mut Reading<'static>,
        decoder: &mut Decoder,
    ) -> Option<Result<Self, DecodeError>> {
        reading.next_buf(&mut decoder.state)
    }

    fn from_event(event: EventBuf) -> Self {
        event
    }
}

/// A decoder and the chunk that it reads.
///
/// Events are made one by one, when they are asked for. To make all of a chunk at once costs three
/// times as much, because then the allocator has many to keep apart; and the last event ID would
/// not be that of the events that were taken.
#[derive(Debug)]
pub(crate) struct Pump<T> {
    decoder: Decoder,
    reading: Reading<'static>,
    end: Option<StreamEnd>,
    output: PhantomData<fn() -> T>,
}

impl<T: Output> Pump<T> {
    pub(crate) fn new(mut decoder: Decoder) -> Self {
        // Events that were left unread come first, whether or not a chunk follows.
        let mut reading = Reading::NOTHING;
        reading.start(&mut decoder.state, Source::Lent(&[]));
        Self { decoder, reading, end: None, output: PhantomData }
    }

    /// Takes a chunk. The one before must be used up.
    #[inline]
    pub(crate) fn feed(&mut self, chunk: Bytes) {
        debug_assert!(self.reading.is_used_up(), "a chunk would get lost");
        self.reading.start(&mut self.decoder.state, Source::Shared(chunk));
    }

    /// Returns the next item of the chunk; `None` if it is used up.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Result<T, DecodeError>> {
        let item = T::next(&mut self.reading, &mut self.decoder);
        let goes_on = match item {
            Some(Ok(_)) => true,
            Some(Err(_)) => !self.decoder.has_failed(),
            None => false,
        };
        if !goes_on {
            self.reading.stop::<false>(&mut self.decoder.state);
            self.reading.clear();
        }
        item
    }

    /// The stream has ended, and nothing is ready. The event of an unterminated block, if that was
    /// asked for.
    pub(crate) fn finish(&mut self) -> Option<Result<T, DecodeError>> {
        if self.end.is_some() || self.has_failed() {
            return None;
        }
        let truncated = StreamEnd::truncated(self.decoder.pending_bytes());
        let (end, event) = match self.decoder.finish() {
            Ok(end) => {
                (end.without_event(), end.event().map(|event| Ok(T::from_event(event.to_buf()))))
            }
            Err(error) => (truncated, Some(Err(error))),
        };
        self.end = Some(end);
        event
    }

    pub(crate) fn end(&self) -> Option<StreamEnd> {
        self.end
    }

    /// A fatal error was given, so nothing follows.
    pub(crate) fn has_failed(&self) -> bool {
        self.decoder.has_failed()
    }

    /// Returns `true` if the chunk is not used up.
    #[cfg(feature = "stream")]
    pub(crate) fn is_reading(&self) -> bool {
        !self.reading.is_used_up()
    }

    pub(crate) fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Returns the decoder, and leaves a new one.
    #[cfg(feature = "stream")]
    pub(crate) fn take_decoder(&mut self) -> Decoder {
        core::mem::take(&mut self.decoder)
    }
}
