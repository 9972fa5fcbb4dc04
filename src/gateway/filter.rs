//! Filters whole streams, block by block.

use alloc::vec::Vec;
use core::{fmt, mem};

use bytes::Bytes;

use super::parts::Parts;
use crate::{
    block::{Block, BlockDecoder, BlockEnd},
    encoder::Encoder,
    error::DecodeError,
    wire::BOM,
};

/// What a [`BlockFilter`] does with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The block passes as it came, after what the function wrote to the encoder.
    Keep,
    /// The block does not pass. What the function wrote stands in its place.
    Replace,
    /// The block does not pass, and what the function wrote for it is discarded.
    Drop,
}

/// Passes a stream on block by block, and asks a function about each block.
///
/// The function gets the block, or the error if one was refused, and an encoder. What it writes
/// there comes before the block or in its place, as the [`Verdict`] says. Kept blocks are not
/// copied: blocks that lie side by side in a chunk leave as one slice of it. The output always ends
/// between two blocks, so it can be ended cleanly if the upstream drops.
///
/// ```
/// use bytes::Bytes;
/// use sse_wire::{BlockFilter, Verdict};
///
/// let mut filter = BlockFilter::new(|block, encoder| {
///     let Ok(block) = block else { return Verdict::Drop };
///     let Ok(Some(event)) = block.event() else { return Verdict::Keep };
///     match event.event_type() {
///         "secret" => Verdict::Drop,
///         "shout" => {
///             let loud = event.data().to_uppercase();
///             encoder.rewritten(&block.rewrite().with_data(&loud));
///             Verdict::Replace
///         }
///         _ => Verdict::Keep,
///     }
/// });
/// let mut output = Vec::new();
/// let chunk = b"data: a\r\n\r\nevent:shout\ndata: b\n\nevent: secret\ndata: c\n\n:d\n\ndata: cut";
/// filter.pass(&Bytes::from_static(chunk), &mut output);
/// assert_eq!(output.concat(), b"data: a\r\n\r\nevent:shout\ndata: B\n\n:d\n\n");
/// assert_eq!(filter.finish().pending(), b"data: cut");
/// ```
///
/// For a stream of chunks or a body, use `ByteStreamExt::filter_blocks` (feature `stream`).
///
/// # Byte order marks
///
/// The output is taken for a stream of its own, and [`finish`](Self::finish) ends it. The mark of
/// the input passes with its block if that is kept and comes first in the output. If another block
/// comes first and its text starts with U+FEFF, a mark is put before it, so that the receiver takes
/// the text for what it is.
///
/// # Panics of the function
///
/// If the function panics and the panic is caught, the filter goes on with the next block. The block
/// that the function was called with is lost, and so is what the function wrote for it. The blocks
/// after it come with the next chunk. (A decoder holds them up to a
/// [limit](crate::DecodeErrorKind::UnreadTooLarge).)
pub struct BlockFilter<F> {
    decoder: BlockDecoder,
    decide: F,
    /// The decoder may hold bytes that come before the next chunk: it came with them, or the function
    /// panicked. So a place in what the decoder reads may be another one in the chunk.
    may_hold_rest: bool,
    /// The output of this stream is not empty.
    has_output: bool,
    /// The last error that the function was told.
    refused: Option<DecodeError>,
}

impl<F> BlockFilter<F>
where
    F: FnMut(Result<&mut Block<'_>, DecodeError>, &mut Encoder<&mut Vec<u8>>) -> Verdict,
{
    /// Creates a filter with a [`BlockDecoder::new`], whose block limit is 16 MiB.
    pub fn new(decide: F) -> Self {
        Self::with_decoder(BlockDecoder::new(), decide)
    }

    /// Creates a filter with a decoder that has other options, or that has read the start of the
    /// stream.
    ///
    /// Blocks that were left unread in the decoder are the first to be filtered, with the first
    /// chunk.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use sse_wire::{BlockDecoder, BlockFilter, Verdict};
    ///
    /// let mut decoder = BlockDecoder::builder().max_block_size(1 << 20).build();
    /// let stream = b"event: hello\ndata: 1\n\ndata: 2\n\n";
    /// assert!(decoder.feed(stream).next_block()?.is_some());
    ///
    /// let mut filter = BlockFilter::with_decoder(decoder, |_, _| Verdict::Keep);
    /// let mut output = Vec::new();
    /// filter.pass(&Bytes::from("data: 3\n\n"), &mut output);
    /// assert_eq!(output.concat(), b"data: 2\n\ndata: 3\n\n");
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    pub fn with_decoder(decoder: BlockDecoder, decide: F) -> Self {
        let may_hold_rest = !decoder.at_boundary();
        Self { decoder, decide, may_hold_rest, has_output: false, refused: None }
    }

    /// Reads a chunk, and appends what passes to the output.
    ///
    /// A block that is not complete waits for the next chunk. After a fatal error, which the function
    /// is told, nothing passes any more. After [`finish`](Self::finish), a new stream starts.
    pub fn pass(&mut self, chunk: &Bytes, output: &mut Vec<Bytes>) {
        let Self { decoder, decide, may_hold_rest, has_output, refused } = self;
        let is_shared = !mem::replace(may_hold_rest, true);
        let mut blocks = decoder.feed(chunk);
        let mut passed = Parts::new(chunk, output);
        loop {
            let place = match blocks.next_place() {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(error) => {
                    *refused = Some(error);
                    match decide(Err(error), &mut Encoder::over(passed.buffer())) {
                        Verdict::Keep | Verdict::Replace => *has_output |= passed.accept(),
                        Verdict::Drop => passed.discard(),
                    }
                    continue;
                }
            };
            let range = blocks.range(place);
            let mut block = blocks.block(place);
            let verdict = decide(Ok(&mut block), &mut Encoder::over(passed.buffer()));
            match verdict {
                Verdict::Keep | Verdict::Replace => *has_output |= passed.accept(),
                Verdict::Drop => passed.discard(),
            }
            if verdict != Verdict::Keep {
                continue;
            }
            let raw = block.raw();
            let mut start = 0;
            if raw.starts_with(&BOM) {
                if !block.is_first() && !*has_output {
                    passed.copy(&BOM);
                } else if block.is_first() && *has_output {
                    // Here it would be no mark, but a part of the first line.
                    start = BOM.len();
                }
            }
            match range {
                Some(range) if is_shared => passed.keep(range.start + start..range.end),
                _ => passed.copy(&raw[start..]),
            }
            *has_output = true;
        }
        *may_hold_rest = false;
    }
}

impl<F> BlockFilter<F> {
    /// Ends the stream, and returns the block that was cut off, which has not passed.
    ///
    /// The next [`pass`](Self::pass) starts a new stream, whose output is one of its own, too.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use sse_wire::{AtEnd, BlockDecoder, BlockFilter, Encoder, Verdict};
    ///
    /// let decoder = BlockDecoder::builder().at_end(AtEnd::Dispatch).build();
    /// let mut filter = BlockFilter::with_decoder(decoder, |_, _| Verdict::Keep);
    /// let mut output = Vec::new();
    /// filter.pass(&Bytes::from("data: whole\n\ndata: cut"), &mut output);
    ///
    /// let mut end = filter.finish();
    /// assert_eq!(end.pending(), b"data: cut");
    /// let mut rest = Encoder::new();
    /// if let Some(block) = end.block() {
    ///     rest.rewritten(&block.rewrite().with_comment("truncated"));
    /// }
    /// assert_eq!(rest.as_bytes(), b"data: cut\n: truncated\n\n");
    /// ```
    pub fn finish(&mut self) -> BlockEnd<'_> {
        self.has_output = false;
        self.decoder.finish()
    }

    /// Returns the fatal error that the function was told, after which nothing passes any more.
    ///
    /// [`OnError`](crate::OnError) says which errors are fatal.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use sse_wire::{BlockDecoder, BlockFilter, Verdict};
    ///
    /// let decoder = BlockDecoder::builder().max_block_size(9).build();
    /// let mut filter = BlockFilter::with_decoder(decoder, |_, _| Verdict::Keep);
    /// let mut output = Vec::new();
    /// filter.pass(&Bytes::from("data: a\n\ndata: too long\n\n"), &mut output);
    /// assert_eq!(output.concat(), b"data: a\n\n");
    /// assert_eq!(filter.failure().and_then(|error| error.limit()), Some(9));
    /// ```
    #[must_use]
    pub fn failure(&self) -> Option<DecodeError> {
        self.refused.filter(|_| self.decoder.has_failed())
    }

    /// Returns the decoder, for its last event ID, its reconnection time and its statistics.
    pub fn decoder(&self) -> &BlockDecoder {
        &self.decoder
    }
}

impl<F> fmt::Debug for BlockFilter<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockFilter").field("decoder", &self.decoder).finish_non_exhaustive()
    }
}
