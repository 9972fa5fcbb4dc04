//! `std::io`: events out of a reader, and blocks into a writer.

use std::{
    fmt,
    io::{self, Read, Write},
};

use bytes::BytesMut;
use thiserror::Error;

use super::pump::Pump;
use crate::{
    decode::{Decoder, StreamEnd},
    encoder::Encoder,
    error::DecodeError,
    event::EventBuf,
};

/// Bytes that are read at once. Connections give less, files this much.
const READ: usize = 16 * 1024;

/// The events of a reader: of ureq's or blocking reqwest's response, of a file, of a pipe.
///
/// ```
/// use sse_wire::EventReader;
///
/// let body = &b"data: one\n\nid: 2\ndata: two\n\n"[..];
/// let mut events = EventReader::new(body);
/// for event in &mut events {
///     println!("{}", event?.data());
/// }
/// assert!(events.end().is_some_and(|end| end.is_clean()));
/// assert_eq!(events.last_event_id(), "2");
/// # Ok::<_, sse_wire::ReadError>(())
/// ```
///
/// It reads as much as is there and waits for no more, so an event comes as soon as its last byte
/// does. Reads that were interrupted are made again. After any other error of the reader the next
/// call reads on, so a reader with a timeout can be asked again; after a fatal [`DecodeError`]
/// there is nothing more.
pub struct EventReader<R> {
    reader: R,
    pump: Pump<EventBuf>,
    buffer: BytesMut,
}

impl<R: Read> EventReader<R> {
    /// Events as the standard says, in blocks of at most 16 MiB.
    pub fn new(reader: R) -> Self {
        Self::with_decoder(reader, Decoder::new())
    }

    /// With a decoder that has other options, or the state of an earlier connection.
    pub fn with_decoder(reader: R, decoder: Decoder) -> Self {
        Self { reader, pump: Pump::new(decoder), buffer: BytesMut::new() }
    }
}

impl<R> EventReader<R> {
    /// The last event ID of the events that were taken. See
    /// [`Decoder::last_event_id`](crate::Decoder::last_event_id).
    pub fn last_event_id(&self) -> &str {
        self.decoder().last_event_id()
    }

    /// The decoder: its reconnection time, what it counted, what it thinks of the stream. Its
    /// counters do not know the bytes that are being read.
    pub fn decoder(&self) -> &Decoder {
        self.pump.decoder()
    }

    /// How the stream ended; `None` if it has not.
    pub fn end(&self) -> Option<StreamEnd> {
        self.pump.end()
    }

    /// The reader. What was read of it and not taken yet is lost.
    pub fn into_inner(self) -> R {
        self.reader
    }
}

impl<R: Read> Iterator for EventReader<R> {
    type Item = Result<EventBuf, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.pump.next() {
                return Some(event.map_err(ReadError::Decode));
            }
            if self.pump.has_failed() || self.pump.end().is_some() {
                return None;
            }
            self.buffer.resize(READ, 0);
            match self.reader.read(&mut self.buffer) {
                Ok(0) => return self.pump.finish().map(|event| event.map_err(ReadError::Decode)),
                // The buffer is used again when the chunk is gone, so this allocates once.
                Ok(read) => self.pump.feed(self.buffer.split_to(read).freeze()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Some(Err(ReadError::Io(error))),
            }
        }
    }
}

impl<R> fmt::Debug for EventReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventReader").field("decoder", self.decoder()).finish_non_exhaustive()
    }
}

/// Why an [`EventReader`] gave no event.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The reader failed.
    #[error("cannot read the event stream")]
    Io(#[source] io::Error),
    /// A block was refused.
    #[error(transparent)]
    Decode(DecodeError),
}

impl Encoder {
    /// Writes what was encoded to the writer, flushes it, and clears the buffer.
    ///
    /// ```
    /// use sse_wire::{Encoder, Event};
    ///
    /// let mut encoder = Encoder::new();
    /// let mut socket = Vec::new();
    /// encoder.event(Event::new("a")).drain_to(&mut socket)?;
    /// encoder.event(Event::new("b")).drain_to(&mut socket)?;
    /// assert_eq!(socket, b"data: a\n\ndata: b\n\n");
    /// # Ok::<_, std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the error of the writer. The writer may have taken some of the bytes, so the stream
    /// cannot go on. The buffer is cleared all the same.
    pub fn drain_to<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        let written = writer.write_all(self.as_bytes()).and_then(|()| writer.flush());
        self.clear();
        written
    }
}
