//! A decoder, and what became of its transport.

use super::decoding::Decoding;
use crate::{
    decode::{Decoder, StreamEnd},
    error::DecodeError,
    event::Event,
    state::State,
};

/// A decoder, and what became of its transport.
pub(super) trait Progress {
    /// Returns the state of the decoder, to read a chunk.
    fn state(&mut self) -> &mut State;

    /// Notes that the transport failed. What is pending is never dispatched.
    #[cfg(any(feature = "std", feature = "stream"))]
    fn fail(&mut self);

    /// Returns `true` after the end and after an error that is one.
    fn is_over(&self) -> bool;
}

/// A [`Decoder`], and what became of its transport.
#[derive(Debug)]
pub(super) struct EventProgress {
    decoder: Decoder,
    transport: Transport,
}

#[derive(Clone, Copy, Debug)]
enum Transport {
    Open,
    Ended(StreamEnd),
    Failed,
}

impl EventProgress {
    pub(super) fn new(decoder: Decoder) -> Self {
        Self { decoder, transport: Transport::Open }
    }

    /// Returns the decoder, to feed it.
    #[cfg(feature = "stream")]
    pub(super) fn decoder_mut(&mut self) -> &mut Decoder {
        &mut self.decoder
    }

    /// Notes that the transport ended. Returns the event of an unterminated block, if that was asked
    /// for.
    pub(super) fn finish(&mut self) -> Option<Result<Event<'_>, DecodeError>> {
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
}

impl Progress for EventProgress {
    #[inline]
    fn state(&mut self) -> &mut State {
        &mut self.decoder.state
    }

    #[cfg(any(feature = "std", feature = "stream"))]
    #[cold]
    fn fail(&mut self) {
        self.transport = Transport::Failed;
    }

    #[inline]
    fn is_over(&self) -> bool {
        !matches!(self.transport, Transport::Open) | self.decoder.has_failed()
    }
}

impl Decoding for EventProgress {
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
