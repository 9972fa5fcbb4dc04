//! `SseCodec`: a codec of `tokio_util`, for framed transports.

use std::io;

use bytes::BytesMut;
use tokio_util::codec::{self, Framed, FramedRead};

use super::{
    decoding::{decoding, pass_on},
    error::StreamError,
    progress::EventProgress,
    pump::Pump,
};
use crate::{
    decode::Decoder,
    encoder::{Encoder, Frame},
    event::{Event, EventBuf},
};

/// Events to and from a byte stream, with `FramedRead`, `FramedWrite` or `Framed`.
///
/// ```
/// use futures_util::StreamExt;
/// use sse_wire::{SseCodec, StreamError};
/// use tokio_util::codec::FramedRead;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let body = &b"data: a\n\ndata: b\n\ndata: cut"[..];
/// let mut events = FramedRead::new(body, SseCodec::new());
/// assert_eq!(events.next().await.unwrap()?.data(), "a");
/// assert_eq!(events.next().await.unwrap()?.data(), "b");
/// assert!(events.next().await.is_none());
/// assert!(!events.decoder().end().unwrap().is_clean());
/// # Ok::<_, StreamError<std::io::Error>>(()) }).unwrap().unwrap();
/// ```
///
/// The codec reads bytes once, when they arrive, and leaves none of them in the buffer of the
/// transport. As the standard says, an incomplete last block is not an error. [`end`](Self::end)
/// reports it.
///
/// # After an error
///
/// `FramedRead` and `Framed` return `None` once after each error, whatever it was, and read on when
/// they are asked again. That is how to go on after a block that was
/// [skipped](crate::OnError::SkipBlock):
///
/// ```
/// use futures_util::StreamExt;
/// use sse_wire::{Decoder, OnError, SseCodec};
/// use tokio_util::codec::FramedRead;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let decoder = Decoder::builder().max_block_size(9).on_error(OnError::SkipBlock).build();
/// let body = &b"data: too large\n\ndata: b\n\n"[..];
/// let mut events = FramedRead::new(body, SseCodec::with_decoder(decoder));
/// assert!(events.next().await.unwrap().is_err());
/// assert!(events.next().await.is_none());
/// assert!(events.decoder().end().is_none(), "it has not ended");
/// assert_eq!(events.next().await.unwrap().unwrap().data(), "b");
/// # }).unwrap();
/// ```
///
/// Do not ask again after an error of the transport. The codec does not know of it, so it would
/// take what follows for the rest of the block.
#[derive(Debug)]
pub struct SseCodec {
    pump: Pump<EventBuf>,
    encoder: Encoder,
}

impl Default for SseCodec {
    fn default() -> Self {
        Self::new()
    }
}

impl SseCodec {
    /// Creates a codec that follows the standard, with a block limit of 16 MiB.
    #[must_use]
    pub fn new() -> Self {
        Self::with_decoder(Decoder::new())
    }

    /// Creates a codec with a decoder that has other options.
    ///
    /// It continues at the decoder's position, so after an earlier connection, first call
    /// [`reset_for_reconnect`](crate::Decoder::reset_for_reconnect).
    #[must_use]
    pub fn with_decoder(decoder: Decoder) -> Self {
        Self { pump: Pump::new(EventProgress::new(decoder)), encoder: Encoder::new() }
    }
}

decoding!(impl[] SseCodec, pump);

impl codec::Decoder for SseCodec {
    type Item = EventBuf;
    type Error = StreamError<io::Error>;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<EventBuf>, StreamError<io::Error>> {
        loop {
            if let Some(event) = self.pump.next() {
                return Ok(Some(event?));
            }
            if bytes.is_empty() || self.pump.is_over() {
                // After a fatal error, the rest of the stream is ignored.
                bytes.clear();
                return Ok(None);
            }
            self.pump.feed(bytes.split().freeze());
        }
    }

    fn decode_eof(
        &mut self,
        bytes: &mut BytesMut,
    ) -> Result<Option<EventBuf>, StreamError<io::Error>> {
        match self.decode(bytes)? {
            None => Ok(self.pump.finish().transpose()?),
            event => Ok(event),
        }
    }
}

impl<'e> codec::Encoder<Event<'e>> for SseCodec {
    type Error = StreamError<io::Error>;

    fn encode(
        &mut self,
        event: Event<'e>,
        to: &mut BytesMut,
    ) -> Result<(), StreamError<io::Error>> {
        self.encoder.event(event);
        to.extend_from_slice(self.encoder.as_bytes());
        self.encoder.clear();
        Ok(())
    }
}

impl codec::Encoder<EventBuf> for SseCodec {
    type Error = StreamError<io::Error>;

    fn encode(&mut self, event: EventBuf, to: &mut BytesMut) -> Result<(), StreamError<io::Error>> {
        self.encode(event.as_event(), to)
    }
}

impl codec::Encoder<Frame> for SseCodec {
    type Error = StreamError<io::Error>;

    fn encode(&mut self, frame: Frame, to: &mut BytesMut) -> Result<(), StreamError<io::Error>> {
        to.extend_from_slice(frame.as_bytes());
        Ok(())
    }
}

pass_on!(impl[R] FramedRead<R, SseCodec>, this => this.decoder());
pass_on!(impl[T] Framed<T, SseCodec>, this => this.codec());
