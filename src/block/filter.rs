//! Whole streams, block by block: some pass, some do not, some are changed.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use super::{Block, BlockDecoder, BlockEnd};
use crate::{chunk::Source, encoder::Encoder, error::DecodeError, field::BOM, parts::Parts};

/// What a [`BlockFilter`] does with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passes as it came, behind what was written to the encoder.
    Keep,
    /// It does not pass. What was written to the encoder stands in its place, if anything was.
    Replace,
}

/// Passes a stream on block by block, and lets a function decide on each.
///
/// The function gets the block, or the error if one was refused, and an encoder for what shall
/// stand in its place or before it. Blocks that pass are not copied: those that lie side by side in
/// a chunk leave as one slice of it. The output always ends between two blocks, so a stream that is
/// cut can be ended well.
///
/// ```
/// use bytes::Bytes;
/// use sse_wire::{BlockFilter, Verdict};
///
/// let mut filter = BlockFilter::new(|block, encoder| {
///     let Ok(block) = block else { return Verdict::Replace };
///     let Some(event) = block.event() else { return Verdict::Keep };
///     match event.event_type() {
///         "secret" => Verdict::Replace,
///         "shout" => {
///             let loud = event.data().to_uppercase();
///             encoder.rewritten(&block.with_data(&loud));
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
pub struct BlockFilter<F> {
    decoder: BlockDecoder,
    decide: F,
    /// Something passed.
    has_started: bool,
}

impl<F> BlockFilter<F>
where
    F: FnMut(Result<&mut Block<'_>, DecodeError>, &mut Encoder<&mut Vec<u8>>) -> Verdict,
{
    /// A filter of blocks of at most 16 MiB.
    pub fn new(decide: F) -> Self {
        Self::with_decoder(BlockDecoder::new(), decide)
    }

    /// With a decoder that has other options.
    pub fn with_decoder(decoder: BlockDecoder, decide: F) -> Self {
        Self { decoder, decide, has_started: false }
    }

    /// Reads a chunk and appends what passes. A block that is not complete waits.
    ///
    /// After a fatal error, which the function has got, nothing passes any more.
    pub fn pass(&mut self, chunk: &Bytes, output: &mut Vec<Bytes>) {
        let Self { decoder, decide, has_started } = self;
        let mut blocks = decoder.start(Source::Borrowed(chunk));
        let mut passed = Parts::new(chunk, output);
        loop {
            let mut mark = 0;
            let step = blocks.step();
            let ((has_written, verdict), span) = match step {
                Ok(None) => break,
                Err(error) => {
                    let decide = |buffer: &mut _| decide(Err(error), &mut Encoder::over(buffer));
                    (passed.write(decide), None)
                }
                Ok(Some(found)) => {
                    let mut block = blocks.decoder.block(&found, chunk);
                    if block.raw.starts_with(&BOM) {
                        if block.offset() == 0 {
                            mark = BOM.len();
                        } else if !*has_started {
                            // All blocks before it are gone. A real byte order mark keeps this one
                            // from being taken for that.
                            passed.copy(&BOM);
                            *has_started = true;
                        }
                    }
                    let decide =
                        |buffer: &mut _| decide(Ok(&mut block), &mut Encoder::over(buffer));
                    (passed.write(decide), Some(found.span))
                }
            };
            *has_started |= has_written;
            if let (Verdict::Keep, Some(span)) = (verdict, span) {
                // A byte order mark that something was written before would be none.
                let mark = if *has_started { mark } else { 0 };
                match span {
                    Some(span) => passed.keep(span.start + mark..span.end),
                    None => passed.copy(&blocks.decoder.raw[mark..]),
                }
                *has_started = true;
            }
        }
        passed.finish();
    }
}

impl<F> BlockFilter<F> {
    /// The stream has ended: gives the block that was cut off, which has not passed.
    pub fn finish(&mut self) -> BlockEnd<'_> {
        self.decoder.finish()
    }

    /// The decoder: its last event ID, its reconnection time, what it counted.
    pub fn decoder(&self) -> &BlockDecoder {
        &self.decoder
    }
}

impl<F> fmt::Debug for BlockFilter<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockFilter").field("decoder", &self.decoder).finish_non_exhaustive()
    }
}
