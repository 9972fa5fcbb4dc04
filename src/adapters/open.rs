//! Opens a body: gives its events, or the body that came instead.

use alloc::vec::Vec;
use core::mem;
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

#[cfg(feature = "stream")]
use super::{error::StreamError, stream::EventStream, work::Work};
use super::{other_body::OtherBody, progress::EventProgress, pump::Pump};
use crate::{
    decode::Decoder,
    event::EventBuf,
    state::{BodyKind, FirstBytes},
};

/// Reads the start of a body, up to where it is known if it is an event stream.
pub(super) struct Opening {
    /// Reads the events, if the body has any.
    decoder: Decoder,
    /// Tells if the body is an event stream. It sees no more than the first bytes, so that they
    /// alone decide, however they are cut and whatever the other decoder refuses.
    judge: Decoder,
    /// The number of bytes that it has yet to see.
    room: usize,
    /// The chunks before the decision.
    chunks: Vec<u8>,
}

impl Opening {
    pub(super) fn new(mut decoder: Decoder) -> Self {
        decoder.reset_for_reconnect();
        let first_bytes = decoder.state.options.first_bytes;
        let judge = Decoder::builder().first_bytes(first_bytes).build();
        Self { decoder, judge, room: FirstBytes::room(first_bytes), chunks: Vec::new() }
    }

    /// Takes a chunk. Returns the decision, once there is one.
    pub(super) fn feed(&mut self, mut chunk: Bytes) -> Option<Result<Pump<EventBuf>, OtherBody>> {
        let (seen, _) = chunk.split_at(chunk.len().min(self.room));
        self.room -= seen.len();
        let mut events = self.judge.feed(seen);
        let has_event = matches!(events.next_event(), Ok(Some(_)));
        drop(events);
        if !has_event && self.judge.state.wants_first_bytes() {
            self.chunks.extend_from_slice(&chunk);
            return None;
        }
        if !has_event && self.judge.body_kind() != BodyKind::EventStream {
            return Some(Err(self.end()));
        }
        if !self.chunks.is_empty() {
            self.chunks.extend_from_slice(&chunk);
            chunk = mem::take(&mut self.chunks).into();
        }
        let mut pump = Pump::new(EventProgress::new(mem::take(&mut self.decoder)));
        let unread = pump.next();
        debug_assert!(unread.is_none(), "the decoder was reset");
        pump.feed(chunk);
        Some(Ok(pump))
    }

    /// Returns the body, which has ended without a decision.
    pub(super) fn end(&self) -> OtherBody {
        OtherBody::of(&self.judge)
    }
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

    /// Sets the decoder, for its options. One of them is how much it
    /// [keeps](crate::DecoderBuilder::first_bytes) of a body that is not an event stream.
    ///
    /// Of an earlier connection, it keeps the last event ID and the reconnection time.
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
    /// Panics if it is polled again after it was ready.
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
        f.debug_struct("OpenEvents").field("decoder", &self.opening.judge).finish_non_exhaustive()
    }
}
