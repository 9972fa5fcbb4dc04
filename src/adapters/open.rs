//! The events of a body, or what came instead.

use alloc::vec::Vec;
#[cfg(feature = "stream")]
use core::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
#[cfg(feature = "stream")]
use futures_core::Stream;

use super::{decoding::Decoding, other_body::OtherBody, pump::Pump};
#[cfg(feature = "stream")]
use super::{error::StreamError, stream::EventStream, work::Work};
use crate::{decode::Decoder, event::EventBuf, state::BodyKind};

/// Reads the start of a body, up to where it is known if it is an event stream.
#[derive(Debug)]
pub(super) struct Opening {
    pump: Pump<EventBuf>,
    /// How the pump was made, and all chunks that it got: if the first event comes late, they are
    /// read again, so that it is not lost.
    decoder: Decoder,
    chunks: Vec<u8>,
}

impl Opening {
    pub(super) fn new(mut decoder: Decoder) -> Self {
        decoder.reset_for_reconnect();
        Self { pump: empty_pump(decoder.clone()), decoder, chunks: Vec::new() }
    }

    /// Takes a chunk. Returns the decision, once there is one.
    pub(super) fn feed(&mut self, chunk: Bytes) -> Option<Result<Pump<EventBuf>, OtherBody>> {
        self.chunks.extend_from_slice(&chunk);
        self.pump.feed(chunk);
        if self.pump.decoder().body_kind() != BodyKind::EventStream {
            if self.pump.next().is_some() {
                // An event or an error, after all.
                let chunks = core::mem::take(&mut self.chunks);
                self.pump = empty_pump(self.decoder.clone());
                self.pump.feed(chunks.into());
            } else if self.pump.decoder().state.wants_first_bytes() {
                return None;
            } else if self.pump.decoder().body_kind() != BodyKind::EventStream {
                return Some(Err(self.end()));
            }
        }
        let rest = Pump::new(Decoder::new());
        Some(Ok(core::mem::replace(&mut self.pump, rest)))
    }

    /// The body has ended without a decision.
    pub(super) fn end(&self) -> OtherBody {
        OtherBody::of(self.pump.decoder())
    }
}

/// Returns a pump that wants a chunk.
fn empty_pump(decoder: Decoder) -> Pump<EventBuf> {
    let mut pump = Pump::new(decoder);
    let unread = pump.next();
    debug_assert!(unread.is_none(), "the decoder was reset");
    pump
}

/// Waits until it is known if a body is an event stream. See
/// [`ByteStreamExt::open_events`](crate::ByteStreamExt::open_events).
#[cfg(feature = "stream")]
#[must_use = "futures do nothing until they are polled"]
pub struct OpenEvents<S> {
    /// `None` once they have been handed over.
    chunks: Option<S>,
    opening: Opening,
}

#[cfg(feature = "stream")]
impl<S> OpenEvents<S> {
    pub(super) fn new(chunks: S) -> Self {
        Self { chunks: Some(chunks), opening: Opening::new(Decoder::new()) }
    }

    /// Sets the decoder: its options, and how much it [keeps](crate::DecoderBuilder::first_bytes) of
    /// what is no event stream. Of an earlier connection, it keeps the last event ID and the
    /// reconnection time.
    pub fn with_decoder(self, decoder: Decoder) -> Self {
        Self { opening: Opening::new(decoder), ..self }
    }
}

#[cfg(feature = "stream")]
impl<S, B, E> Future for OpenEvents<S>
where
    S: Stream<Item = Result<B, E>> + Unpin,
    B: Into<Bytes>,
{
    type Output = Result<EventStream<S>, StreamError<E>>;

    /// # Panics
    ///
    /// If it is polled again after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { chunks, opening } = self.get_mut();
        let mut source = chunks.take().expect("polled after it was ready");
        let mut work = Work::default();
        while !work.gives_way(cx) {
            let decision = match Pin::new(&mut source).poll_next(cx) {
                Poll::Ready(Some(Ok(chunk))) => {
                    let chunk = chunk.into();
                    work.add_chunk(chunk.len());
                    opening.feed(chunk)
                }
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Err(StreamError::Transport(error)));
                }
                Poll::Ready(None) => Some(Err(opening.end())),
                Poll::Pending => break,
            };
            if let Some(decision) = decision {
                return Poll::Ready(match decision {
                    Ok(pump) => Ok(EventStream::with_pump(source, pump)),
                    Err(body) => Err(StreamError::NotEventStream(body)),
                });
            }
        }
        *chunks = Some(source);
        Poll::Pending
    }
}

#[cfg(feature = "stream")]
impl<S> fmt::Debug for OpenEvents<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenEvents").field("opening", &self.opening).finish_non_exhaustive()
    }
}
