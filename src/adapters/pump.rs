//! What all adapters share that get chunks and give owned events.

use core::marker::PhantomData;

use bytes::Bytes;

use super::decoding::{Decoding, pass_on};
use crate::{
    chunk::Source,
    decode::{Decoder, StreamEnd},
    error::DecodeError,
    event::{Event, EventBuf},
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

/// A decoder, and what became of its transport.
#[derive(Debug)]
pub(crate) struct Progress {
    decoder: Decoder,
    transport: Transport,
}

#[derive(Clone, Copy, Debug)]
enum Transport {
    Open,
    Ended(StreamEnd),
    Failed,
}

impl Progress {
    pub(crate) fn new(decoder: Decoder) -> Self {
        Self { decoder, transport: Transport::Open }
    }

    /// Returns the decoder, to feed it.
    #[cfg(feature = "stream")]
    #[inline]
    pub(crate) fn decoder_mut(&mut self) -> &mut Decoder {
        &mut self.decoder
    }

    /// Notes that the transport failed. What is pending is never dispatched.
    #[cfg(any(feature = "std", feature = "stream"))]
    #[cold]
    pub(crate) fn fail(&mut self) {
        self.transport = Transport::Failed;
    }

    /// Notes that the transport ended. Returns the event of an unterminated block, if that was asked
    /// for.
    pub(crate) fn finish(&mut self) -> Option<Result<Event<'_>, DecodeError>> {
        if self.is_over() {
            return None;
        }
        let truncated = StreamEnd::truncated(self.decoder.pending_bytes());
        match self.decoder.finish() {
            Ok(end) => {
                self.transport = Transport::Ended(end.without_event());
                end.event().map(Ok)
            }
            Err(error) => {
                self.transport = Transport::Ended(truncated);
                Some(Err(error))
            }
        }
    }

    /// Returns `true` after the end and after an error that is one.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        !matches!(self.transport, Transport::Open) | self.decoder.has_failed()
    }
}

impl Decoding for Progress {
    fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    fn end(&self) -> Option<StreamEnd> {
        match self.transport {
            Transport::Ended(end) if !self.decoder.has_failed() => Some(end),
            _ => None,
        }
    }

    fn has_failed(&self) -> bool {
        matches!(self.transport, Transport::Failed) | self.decoder.has_failed()
    }
}

/// A decoder and the chunk that it reads.
///
/// Events are made one by one, when they are asked for. To make all of a chunk at once costs three
/// times as much, because then the allocator has many to keep apart; and the last event ID would
/// not be that of the events that were taken.
#[derive(Debug)]
pub(crate) struct Pump<T> {
    progress: Progress,
    reading: Reading<'static>,
    output: PhantomData<fn() -> T>,
}

impl<T: Output> Pump<T> {
    pub(crate) fn new(mut decoder: Decoder) -> Self {
        // Events that were left unread come first, whether or not a chunk follows.
        let mut reading = Reading::NOTHING;
        reading.start(&mut decoder.state, Source::Lent(&[]));
        Self { progress: Progress::new(decoder), reading, output: PhantomData }
    }

    /// Takes a chunk. The one before must be used up.
    #[inline]
    pub(crate) fn feed(&mut self, chunk: Bytes) {
        debug_assert!(self.reading.is_used_up(), "a chunk would get lost");
        self.reading.start(&mut self.progress.decoder.state, Source::Shared(chunk));
    }

    /// Returns the next item of the chunk; `None` if it is used up.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Result<T, DecodeError>> {
        let decoder = &mut self.progress.decoder;
        let item = T::next(&mut self.reading, decoder);
        let goes_on = match item {
            Some(Ok(_)) => true,
            Some(Err(_)) => !decoder.has_failed(),
            None => false,
        };
        if !goes_on {
            self.reading.stop::<false>(&mut decoder.state);
            self.reading.clear();
        }
        item
    }

    /// Notes that the transport failed.
    #[cfg(any(feature = "std", feature = "stream"))]
    pub(crate) fn fail(&mut self) {
        self.progress.fail();
    }

    /// Notes that the transport ended, after the last chunk was used up. Returns the event of an
    /// unterminated block, if that was asked for.
    pub(crate) fn finish(&mut self) -> Option<Result<T, DecodeError>> {
        let event = self.progress.finish()?;
        Some(event.map(|event| T::from_event(event.to_buf())))
    }

    /// Returns `true` if nothing follows the items of the chunk.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.progress.is_over()
    }

    /// Returns `true` if the chunk is not used up.
    #[cfg(feature = "stream")]
    pub(crate) fn is_reading(&self) -> bool {
        !self.reading.is_used_up()
    }

    /// Returns the decoder, and leaves a new one.
    #[cfg(feature = "stream")]
    pub(crate) fn take_decoder(&mut self) -> Decoder {
        core::mem::take(&mut self.progress.decoder)
    }
}

pass_on!(impl[T] Pump<T>, this => &this.progress);
