//! Inserts frames between the blocks of a stream.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::{
    chunk::{Chunk, Source},
    encoder::{Encoder, Frame},
    fields::Ignored,
    splitter::{Found, Splitter},
    wire::{BOM, ShortenedBytes},
};

/// Inserts frames into a stream that it forwards: keep-alives, notices, errors.
///
/// The stream itself is forwarded at once and unchanged, chunk by chunk. A frame waits until the
/// stream is between two blocks, so it never becomes part of a block.
///
/// ```
/// use bytes::Bytes;
/// use sse_wire::{Event, EventType, Frame, Injector};
///
/// let mut injector = Injector::new();
/// let mut output = Vec::new();
/// injector.inject(&Frame::KEEP_ALIVE);
/// injector.pass(Bytes::from("data: a\n\nda"), &mut output);
/// assert_eq!(output.concat(), b":\n\ndata: a\n\nda");
///
/// // The upstream is silent in the middle of a block, so the frame waits.
/// output.clear();
/// injector.inject(&Frame::KEEP_ALIVE);
/// assert!(injector.take_ready().is_none());
/// injector.pass(Bytes::from("ta: b\r\n\r\ndata: c"), &mut output);
/// assert_eq!(output.concat(), b"ta: b\r\n\r\n:\n\ndata: c");
///
/// // The upstream is gone. The injector ends the current block, so that more can follow.
/// let error = Event::new("upstream is gone").with_event_type(EventType::from_static("error"));
/// injector.inject(&error.into());
/// assert_eq!(injector.close(), "\n\nevent: error\ndata: upstream is gone\n\n");
/// ```
///
/// For a stream of chunks or a body, use `ByteStreamExt::inject` (feature `stream`).
///
/// To hold each block back until it is complete, so that a truncated one never reaches the
/// receiver, use a [`BlockFilter`](crate::BlockFilter).
#[derive(Clone)]
pub struct Injector {
    splitter: Splitter,
    /// The frames that wait for the end of a block.
    waiting: Encoder,
    /// The number of bytes of the stream's byte order mark that were removed, if it must be
    /// removed; `None` if it may stay. `Some(3)` also means that there was none.
    ///
    /// A mark must be removed if other output comes before it: it would be part of the first line
    /// there.
    left_out: Option<u8>,
}

impl Default for Injector {
    fn default() -> Self {
        Self::new()
    }
}

impl Injector {
    /// Creates an injector for the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self { splitter: Splitter::new(), waiting: Encoder::new(), left_out: None }
    }

    /// Sends a frame as soon as the stream is between two blocks.
    ///
    /// The number of waiting frames is not limited. Before you inject a keep-alive, check that none
    /// [is waiting](Self::is_waiting).
    pub fn inject(&mut self, frame: &Frame) {
        self.waiting.frame(frame);
    }

    /// Returns `true` if a frame is waiting.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use sse_wire::{Frame, Injector};
    ///
    /// let mut injector = Injector::new();
    /// injector.pass(Bytes::from("data: a"), &mut Vec::new());
    /// assert!(!injector.at_boundary());
    /// if !injector.is_waiting() {
    ///     injector.inject(&Frame::KEEP_ALIVE);
    /// }
    /// assert!(injector.is_waiting());
    /// ```
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.waiting.as_bytes().is_empty()
    }

    /// Returns `true` if the stream is between two blocks.
    #[must_use]
    pub fn at_boundary(&self) -> bool {
        self.splitter.pending() == 0 && self.withheld().is_empty()
    }

    /// Returns the bytes that may be the start of a byte order mark and were not forwarded yet.
    fn withheld(&self) -> &'static [u8] {
        match self.left_out {
            Some(len @ 1..=2) => &BOM[..usize::from(len)],
            _ => &[],
        }
    }

    /// Returns the waiting frames if the stream is between two blocks, and `None` otherwise or if
    /// no frame is waiting.
    ///
    /// Call it while the stream is silent. Otherwise, [`pass`](Self::pass) sends the frames.
    pub fn take_ready(&mut self) -> Option<Bytes> {
        if !self.is_waiting() || !self.at_boundary() {
            return None;
        }
        if self.splitter.offset() == 0 {
            self.left_out.get_or_insert(0);
            self.splitter.expect_no_mark();
        }
        Some(self.waiting.take().into_bytes())
    }

    /// Appends a chunk to the output, split in two if waiting frames go in between.
    pub fn pass(&mut self, chunk: Bytes, output: &mut Vec<Bytes>) {
        if chunk.is_empty() {
            return;
        }
        let starts_stream = self.splitter.offset() == 0;
        if starts_stream {
            output.extend(self.take_ready());
        }
        let may_be_mark = starts_stream && self.left_out.is_some_and(|left_out| left_out < 3);
        let chunk = if may_be_mark { self.leave_out_mark(chunk) } else { chunk };
        if chunk.is_empty() {
            return;
        }
        match self.read(&chunk) {
            Some(boundary) => {
                let mut rest = chunk;
                let first = rest.split_to(boundary);
                let frames = self.waiting.take().into_bytes();
                output.extend([first, frames, rest].into_iter().filter(|part| !part.is_empty()));
            }
            None => output.push(chunk),
        }
    }

    /// Ends the stream. Returns the bytes that end the current block, if there is one, and the
    /// waiting frames.
    ///
    /// A truncated block reaches the receiver as if it were complete, because its first bytes were
    /// forwarded already. The next chunk starts another stream, which follows this one in the
    /// output, so the injector removes its byte order mark.
    pub fn close(&mut self) -> Bytes {
        let mut end = self.withheld().to_vec();
        if !self.at_boundary() {
            // Two, because the first LF may only complete a CRLF.
            end.extend_from_slice(b"\n\n");
        }
        end.extend_from_slice(self.waiting.as_bytes());
        let has_output = self.splitter.offset() > 0 || self.left_out.is_some() || !end.is_empty();
        *self = Self::new();
        if has_output {
            self.left_out = Some(0);
            self.splitter.expect_no_mark();
        }
        end.into()
    }

    /// Reads a chunk. Returns the index of the first boundary between two blocks, if frames wait
    /// for one.
    fn read(&mut self, bytes: &[u8]) -> Option<usize> {
        let Self { splitter, .. } = self;
        let mut chunk = Chunk::new(Source::Lent(bytes));
        let mut at = splitter.begin();
        // An LF that completes the last block comes before the frames.
        let mut boundary = splitter.try_plain::<Ignored>(bytes, &mut at).then_some(at.pos);
        loop {
            match splitter.next(&mut chunk.scan(), &mut at, &mut Ignored) {
                Found::Passed => boundary = boundary.or(Some(at.pos)),
                Found::Starved => break,
                // `Ignored` refuses every block, to be skipped.
                Found::TooLarge | Found::Block(_) | Found::Line(_) => {}
            }
        }
        splitter.stop(&chunk.scan(), &mut at, &mut Ignored);
        boundary.filter(|_| self.is_waiting())
    }

    /// Removes a byte order mark at the start of the stream. Returns the rest of the chunk.
    #[cold]
    fn leave_out_mark(&mut self, chunk: Bytes) -> Bytes {
        let before = usize::from(self.left_out.unwrap_or_default());
        let same = chunk.iter().zip(&BOM[before..]).take_while(|(byte, mark)| byte == mark).count();
        let seen = before + same;
        if seen == BOM.len() || same == chunk.len() {
            self.left_out = u8::try_from(seen).ok();
            return chunk.slice(same..);
        }
        // It is not a mark, so put back the bytes that were removed.
        self.left_out = Some(3);
        if before == 0 {
            return chunk;
        }
        let mut bytes = Vec::with_capacity(before + chunk.len());
        bytes.extend_from_slice(&BOM[..before]);
        bytes.extend_from_slice(&chunk);
        bytes.into()
    }
}

impl fmt::Debug for Injector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injector")
            .field("at_boundary", &self.at_boundary())
            .field("waiting", &ShortenedBytes(self.waiting.as_bytes()))
            .finish_non_exhaustive()
    }
}
