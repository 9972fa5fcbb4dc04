//! `std::io`: events out of a reader, and encoded blocks into a writer.

use std::{
    fmt,
    io::{self, Read, Write},
    iter::FusedIterator,
};

use bytes::{Bytes, BytesMut};

use super::{
    decoding::decoding, error::StreamError, open::Opening, progress::EventProgress, pump::Pump,
};
use crate::{decode::Decoder, encoder::Encoder, event::EventBuf};

/// The most bytes that are read at once. Connections give less, files this much.
const READ: usize = 16 * 1024;

/// The least room that a read is given. So short reads follow each other in one allocation, and an
/// event that is kept shares it with others.
const LEAST: usize = READ / 4;

/// Reads the next chunk; `None` at the end. Makes an interrupted read again.
fn read_chunk(reader: &mut impl Read, buffer: &mut BytesMut) -> io::Result<Option<Bytes>> {
    loop {
        if buffer.len() < LEAST {
            // Nothing of it was read, so nothing needs to be moved to other memory. It is the same
            // memory if nothing shares it any more.
            buffer.clear();
            buffer.resize(READ, 0);
        }
        match reader.read(buffer) {
            Ok(0) => return Ok(None),
            Ok(read) => return Ok(Some(buffer.split_to(read).freeze())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

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
/// # Ok::<_, sse_wire::StreamError<std::io::Error>>(())
/// ```
///
/// It reads as much as is there and waits for no more, so an event comes as soon as its last byte
/// does. It makes an interrupted read again. After a [timeout](io::ErrorKind::TimedOut), or if a
/// read [would block](io::ErrorKind::WouldBlock), the next call reads on. After any other error of
/// the reader, or a fatal [`DecodeError`](crate::DecodeError), the stream is over, and the current
/// block is not dispatched.
pub struct EventReader<R> {
    reader: R,
    pump: Pump<EventBuf>,
    buffer: BytesMut,
}

impl<R: Read> EventReader<R> {
    /// Creates a reader of events that follows the standard, with a block limit of 16 MiB.
    pub fn new(reader: R) -> Self {
        Self::with_decoder(reader, Decoder::new())
    }

    /// Creates a reader of events with a decoder that has other options.
    ///
    /// It continues at the decoder's position, so after an earlier connection, first call
    /// [`reset_for_reconnect`](crate::Decoder::reset_for_reconnect).
    ///
    /// ```
    /// use sse_wire::{Decoder, EventReader};
    ///
    /// let decoder = Decoder::builder().max_block_size(64 * 1024).build();
    /// let mut events = EventReader::with_decoder(&b"data: a\n\nrest"[..], decoder);
    /// assert!(events.next().is_some());
    /// let _reader: &[u8] = events.into_inner();
    /// ```
    pub fn with_decoder(reader: R, decoder: Decoder) -> Self {
        Self { reader, pump: Pump::new(EventProgress::new(decoder)), buffer: BytesMut::new() }
    }

    /// Reads until it is known that the body is an event stream, and returns its events.
    ///
    /// [`ByteStreamExt::open_events`](crate::ByteStreamExt::open_events) explains when that is known.
    ///
    /// ```
    /// use sse_wire::{BodyKind, EventReader, StreamError};
    ///
    /// let page = "<html><h1>502 Bad Gateway</h1></html>";
    /// let Err(StreamError::NotEventStream(body)) = EventReader::open(page.as_bytes()) else {
    ///     panic!()
    /// };
    /// assert_eq!((body.kind(), body.bytes()), (BodyKind::Markup, page.as_bytes()));
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`StreamError::NotEventStream`] if something else comes, and the errors of the
    /// reader.
    pub fn open(reader: R) -> Result<Self, StreamError<io::Error>> {
        Self::open_with_decoder(reader, Decoder::new())
    }

    /// Opens a body as [`open`](Self::open) does, with a decoder that has other options.
    ///
    /// From an earlier connection, the decoder keeps the last event ID and the reconnection time.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open`](Self::open).
    pub fn open_with_decoder(
        mut reader: R,
        decoder: Decoder,
    ) -> Result<Self, StreamError<io::Error>> {
        let (mut opening, mut buffer) = (Opening::new(decoder), BytesMut::new());
        loop {
            let decision = match read_chunk(&mut reader, &mut buffer)? {
                Some(chunk) => opening.feed(chunk),
                None => Some(Err(opening.end())),
            };
            match decision {
                None => {}
                Some(Ok(pump)) => return Ok(Self { reader, pump, buffer }),
                Some(Err(body)) => return Err(StreamError::NotEventStream(body)),
            }
        }
    }
}

impl<R> EventReader<R> {
    /// Returns the reader. Events that were read from it and not taken yet are lost.
    pub fn into_inner(self) -> R {
        self.reader
    }
}

decoding!(impl[R] EventReader<R>, pump);

impl<R: Read> Iterator for EventReader<R> {
    type Item = Result<EventBuf, StreamError<io::Error>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.pump.next() {
                return Some(event.map_err(StreamError::Decode));
            }
            if self.pump.is_over() {
                return None;
            }
            match read_chunk(&mut self.reader, &mut self.buffer) {
                Ok(Some(chunk)) => self.pump.feed(chunk),
                Ok(None) => {
                    return self.pump.finish().map(|event| event.map_err(StreamError::Decode));
                }
                Err(error) => {
                    if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
                    {
                        self.pump.fail();
                    }
                    return Some(Err(StreamError::Transport(error)));
                }
            }
        }
    }
}

impl<R: Read> FusedIterator for EventReader<R> {}

impl<R> fmt::Debug for EventReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventReader").field("decoder", self.decoder()).finish_non_exhaustive()
    }
}

impl Encoder {
    /// Writes the encoded blocks to the writer, flushes it, and clears the buffer.
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
