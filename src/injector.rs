//! Own blocks between those of somebody else's stream.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::{
    chunk::{Chunk, Source},
    encoder::{Encoder, Frame},
    field::BOM,
    machine::{Machine, Token},
};

/// Puts frames into a stream that passes by: keep-alives, notices, errors.
///
/// The stream itself leaves at once and unchanged, chunk by chunk. A frame waits until the stream
/// stands between two blocks, so it can never be taken for a part of one.
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
/// // The upstream is gone. The block under way is ended, so that more can follow.
/// let error = Event::new("upstream is gone").with_type(EventType::from_static("error"));
/// injector.inject(&error.into());
/// assert_eq!(injector.close(), "\n\nevent: error\ndata: upstream is gone\n\n");
/// ```
///
/// To hold blocks back until they are whole, so that one that was cut never reaches the receiver,
/// use a [`BlockFilter`](crate::BlockFilter).
#[derive(Clone, Debug)]
pub struct Injector {
    machine: Machine,
    /// Frames that wait.
    waiting: Encoder,
    /// A frame came before the first byte of the stream: a byte order mark there would be no longer
    /// one, but a part of the first line. So many bytes of it were left out.
    left_out: Option<u8>,
}

impl Default for Injector {
    fn default() -> Self {
        Self::new()
    }
}

impl Injector {
    /// An injector at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        // Nothing is kept of a block, so there is nothing to limit.
        Self { machine: Machine::new(u64::MAX, false), waiting: Encoder::new(), left_out: None }
    }

    /// Lets a frame leave as soon as the stream stands between two blocks.
    ///
    /// Frames wait without a limit. Whoever sends keep-alives asks
    /// [`is_waiting`](Self::is_waiting) first.
    pub fn inject(&mut self, frame: &Frame) {
        self.waiting.frame(frame);
    }

    /// Whether a frame waits.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.waiting.as_bytes().is_empty()
    }

    /// Whether the stream stands between two blocks.
    #[must_use]
    pub fn at_boundary(&self) -> bool {
        self.machine.block_size(0) == 0 && self.withheld().is_empty()
    }

    /// What may be a byte order mark, and has not been passed on.
    fn withheld(&self) -> &'static [u8] {
        match self.left_out {
            Some(len @ 1..=2) => &BOM[..usize::from(len)],
            _ => &[],
        }
    }

    /// The frames that wait, if they may leave now. For when the stream is silent.
    pub fn take_ready(&mut self) -> Option<Bytes> {
        if !self.is_waiting() || !self.at_boundary() {
            return None;
        }
        if self.machine.offset(0) == 0 {
            self.left_out.get_or_insert(0);
            self.machine.expect_no_mark();
        }
        Some(self.waiting.take().into_bytes())
    }

    /// Passes a chunk on, cut in two if frames leave in between.
    pub fn pass(&mut self, chunk: Bytes, output: &mut Vec<Bytes>) {
        if chunk.is_empty() {
            return;
        }
        let starts_stream = self.machine.offset(0) == 0;
        if starts_stream {
            output.extend(self.take_ready());
        }
        let is_mark = starts_stream && self.left_out.is_some_and(|left_out| left_out < 3);
        let chunk = if is_mark { self.leave_out_mark(chunk) } else { chunk };
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

    /// The stream has ended. Ends the block under way, if there is one, and lets the frames leave
    /// that wait.
    ///
    /// A block that was cut off is so dispatched as far as it came: its bytes are already on their
    /// way. The injector then stands at the start of the next stream, whose byte order mark it
    /// leaves out.
    pub fn close(&mut self) -> Bytes {
        let mut end = self.withheld().to_vec();
        if !self.at_boundary() {
            // The first may just complete a CRLF.
            end.extend_from_slice(b"\n\n");
        }
        end.extend_from_slice(self.waiting.as_bytes());
        *self = Self { left_out: Some(0), ..Self::new() };
        self.machine.expect_no_mark();
        end.into()
    }

    /// Reads a chunk. Where the first boundary is, if frames wait for one.
    fn read(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut chunk = Chunk::new(Source::Borrowed(bytes));
        let mut boundary = None;
        let mut pos = 0;
        let wanted = self.is_waiting();
        if wanted && self.machine.block_size(0) == 0 {
            // The LF that completes the last block goes before the frames.
            self.machine.take_lf(bytes, &mut pos);
            boundary = Some(pos);
        }
        loop {
            match self.machine.next(&mut chunk.scan(), &mut pos) {
                Token::EndOfBlock if wanted && boundary.is_none() => boundary = Some(pos),
                Token::Starved => break,
                _ => {}
            }
        }
        self.machine.consume(pos);
        boundary
    }

    /// Takes a byte order mark off the start of the stream. What is left of the chunk.
    #[cold]
    fn leave_out_mark(&mut self, chunk: Bytes) -> Bytes {
        let before = usize::from(self.left_out.unwrap_or_default());
        let same = chunk.iter().zip(&BOM[before..]).take_while(|(byte, mark)| byte == mark).count();
        let seen = before + same;
        if seen == BOM.len() || same == chunk.len() {
            self.left_out = u8::try_from(seen).ok();
            return chunk.slice(same..);
        }
        // It was none.
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
