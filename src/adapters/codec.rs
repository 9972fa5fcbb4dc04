//! `tokio_util::codec`: for framed transports.

use std::io;

use bytes::BytesMut;
use thiserror::Error;
use tokio_util::codec;

use super::pump::Pump;
use crate::{
    decode::{Decoder, StreamEnd},
    encoder::{Encoder, Frame},
    error::DecodeError,
    event::{Event, EventBuf},
};

/// Events to and from a byte stream, with `FramedRead`, `FramedWrite` or `Framed`.
///
/// ```
/// use futures_util::StreamExt;
/// use sse_wire::{CodecError, SseCodec};
/// use tokio_util::codec::FramedRead;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let body = &b"data: a\n\ndata: b\n\ndata: cut"[..];
/// let mut events = FramedRead::new(body, SseCodec::new());
/// assert_eq!(events.next().await.unwrap()?.data(), "a");
/// assert_eq!(events.next().await.unwrap()?.data(), "b");
/// assert!(events.next().await.is_none());
/// assert!(!events.decoder().end().unwrap().is_clean());
/// # Ok::<_, CodecError>(()) }).unwrap().unwrap();
/// ```
///
/// Bytes are looked at once, when they arrive; nothing is left in the buffer of the transport to be
/// looked at again. An incomplete last block is no error, as the standard says;
/// [`end`](Self::end) tells of it.
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
    /// Events as the standard says, in blocks of at most 16 MiB.
    #[must_use]
    pub fn new() -> Self {
        Self::with_decoder(Decoder::new())
    }

    /// With a decoder that has other options, or the state of an earlier connection.
    #[must_use]
    pub fn with_decoder(decoder: Decoder) -> Self {
        Self { pump: Pump::new(decoder), encoder: Encoder::new() }
    }

    /// The last event ID of the events that were taken.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        self.decoder().last_event_id()
    }

    /// The decoder: its reconnection time, what it counted, what it thinks of the stream.
    #[must_use]
    pub fn decoder(&self) -> &Decoder {
        self.pump.decoder()
    }

    /// How the stream ended; `None` if it has not.
    #[must_use]
    pub fn end(&self) -> Option<StreamEnd> {
        self.pump.end()
    }
}

/// Why a framed transport gave no event.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The transport failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A block was refused.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl codec::Decoder for SseCodec {
    type Item = EventBuf;
    type Error = CodecError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<EventBuf>, CodecError> {
        loop {
            if let Some(event) = self.pump.next() {
                return Ok(Some(event?));
            }
            if bytes.is_empty() || self.pump.has_failed() {
                // What comes after a fatal error is not wanted.
                bytes.clear();
                return Ok(None);
            }
            self.pump.feed(bytes.split().freeze());
        }
    }

    fn decode_eof(&mut self, bytes: &mut BytesMut) -> Result<Option<EventBuf>, CodecError> {
        match self.decode(bytes)? {
            None => Ok(self.pump.finish().transpose()?),
            event => Ok(event),
        }
    }
}

impl<'e> codec::Encoder<Event<'e>> for SseCodec {
    type Error = CodecError;

    fn encode(&mut self, event: Event<'e>, to: &mut BytesMut) -> Result<(), CodecError> {
        self.encoder.event(event);
        to.extend_from_slice(self.encoder.as_bytes());
        self.encoder.clear();
        Ok(())
    }
}

impl codec::Encoder<EventBuf> for SseCodec {
    type Error = CodecError;

    fn encode(&mut self, event: EventBuf, to: &mut BytesMut) -> Result<(), CodecError> {
        self.encode(event.as_event(), to)
    }
}

impl codec::Encoder<Frame> for SseCodec {
    type Error = CodecError;

    fn encode(&mut self, frame: Frame, to: &mut BytesMut) -> Result<(), CodecError> {
        to.extend_from_slice(frame.as_bytes());
        Ok(())
    }
}
