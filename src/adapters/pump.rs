//! A decoder and the chunk that it reads, for all adapters that get chunks and give owned items.

use bytes::Bytes;

use super::{
    decoding::pass_on,
    progress::{EventProgress, Progress},
};
#[cfg(feature = "stream")]
use crate::decode::Decoder;
use crate::{
    chunk::Source,
    error::DecodeError,
    event::EventBuf,
    state::{Reading, State},
};

/// An event, item or block, which comes out of the chunks.
pub(super) trait Output: Sized {
    /// Its decoder, and how the transport ended.
    type Progress: Progress;

    /// `true` if the decoder holds all lines of a block, `false` if just their values.
    const HOLDS_ALL: bool = false;

    /// Returns the next one of the chunk; `None` if the chunk is used up.
    fn next(reading: &mut Reading<'static>, state: &mut State)
    -> Option<Result<Self, DecodeError>>;

    /// Notes that the transport ended. Returns the unterminated block, if it is to be dispatched.
    fn finish(progress: &mut Self::Progress) -> Option<Result<Self, DecodeError>>;
}

impl Output for EventBuf {
    type Progress = EventProgress;

    #[inline]
    fn next(
        reading: &mut Reading<'static>,
        state: &mut State,
    ) -> Option<Result<Self, DecodeError>> {
        reading.next_buf(state)
    }

    fn finish(progress: &mut EventProgress) -> Option<Result<Self, DecodeError>> {
        Some(progress.finish()?.map(|event| event.to_buf()))
    }
}

/// A decoder and the chunk that it reads.
///
/// It makes items one by one, when they are asked for. To make all of a chunk at once would cost
/// three times as much, because the allocator would have many to keep apart. And the last event ID
/// would not be that of the items that were taken.
#[derive(Debug)]
pub(super) struct Pump<T: Output> {
    progress: T::Progress,
    reading: Reading<'static>,
}

impl<T: Output> Pump<T> {
    /// Begins with the bytes that were left unread in the decoder. Their items come first, even if
    /// no chunk follows.
    pub(super) fn new(progress: T::Progress) -> Self {
        Self { progress, reading: Reading::new(Source::Lent(&[])) }
    }

    /// Takes a chunk. The one before must be used up.
    #[inline]
    pub(super) fn feed(&mut self, chunk: Bytes) {
        debug_assert!(self.reading.is_used_up(), "a chunk would get lost");
        self.reading = Reading::begin(self.progress.state(), Source::Shared(chunk));
    }

    /// Takes a chunk of a stream that began with blank lines, or with this chunk.
    #[cfg(any(feature = "std", feature = "stream"))]
    pub(super) fn feed_start(&mut self, chunk: Bytes) {
        let item = self.next();
        debug_assert!(item.is_none(), "blank lines have no items");
        self.feed(chunk);
    }

    /// Returns the next item of the chunk; `None` if it is used up.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Result<T, DecodeError>> {
        let Self { progress, reading } = self;
        match T::next(reading, progress.state()) {
            Some(Ok(item)) => Some(Ok(item)),
            Some(Err(error)) if !progress.state().has_failed() => Some(Err(error)),
            last => {
                let state = progress.state();
                if T::HOLDS_ALL {
                    reading.stop::<true>(state);
                } else {
                    reading.stop::<false>(state);
                }
                *reading = Reading::NOTHING;
                last
            }
        }
    }

    /// Notes that the transport failed.
    #[cfg(any(feature = "std", feature = "stream"))]
    pub(super) fn fail(&mut self) {
        self.progress.fail();
    }

    /// Notes that the transport ended, after the last chunk was used up. Returns the unterminated
    /// block, if it is to be dispatched.
    pub(super) fn finish(&mut self) -> Option<Result<T, DecodeError>> {
        T::finish(&mut self.progress)
    }

    /// Returns `true` if nothing follows the items of the chunk.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.progress.is_over()
    }

    /// Returns `true` if the chunk is not used up.
    #[cfg(feature = "stream")]
    pub(super) fn is_reading(&self) -> bool {
        !self.reading.is_used_up()
    }

    /// Returns the decoder, and how its transport ended.
    #[cfg(feature = "stream")]
    pub(super) fn progress(&self) -> &T::Progress {
        &self.progress
    }
}

#[cfg(feature = "stream")]
impl<T: Output<Progress = EventProgress>> Pump<T> {
    /// Returns the decoder, and leaves a new one.
    pub(super) fn take_decoder(&mut self) -> Decoder {
        core::mem::take(self.progress.decoder_mut())
    }
}

pass_on!(impl[T: Output<Progress = EventProgress>] Pump<T>, this => &this.progress);
