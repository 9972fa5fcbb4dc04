//! A chunk of the stream and what one look at its bytes tells: where lines end, and what is text.
//!
//! The only file with `unsafe`, for two things that safe code cannot have and that are worth a
//! quarter to a half of the time of every corpus:
//!
//! - finding the line ends of 64 bytes, and whether they are ASCII, in a dozen AVX2 instructions.
//!   Without AVX2, or without the feature `std` that finds out, `memchr` looks for each line end;
//!   a test holds one against the other;
//! - remembering that a part of the bytes is UTF-8. A chunk of shared bytes cannot be kept together
//!   with a `&str` that borrows from it, so every value would have to be checked for itself.

#![allow(unsafe_code)]

use core::ops::Range;

use bytes::Bytes;

use crate::{scan, text};

/// Where the bytes are.
#[derive(Debug)]
pub(crate) enum Source<'d> {
    Borrowed(&'d [u8]),
    Shared(Bytes),
}

impl Source<'_> {
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    /// The bytes, to be kept.
    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Self::Borrowed(bytes) => Bytes::copy_from_slice(bytes),
            Self::Shared(bytes) => bytes,
        }
    }
}

/// The bytes of a chunk, with what is known of them.
#[derive(Debug)]
pub(crate) struct Chunk<'d> {
    source: Source<'d>,
    index: Index,
}

/// The chunk of those who have none, because all they need is in buffers.
pub(crate) static NO_CHUNK: Chunk<'static> = Chunk::new(Source::Borrowed(&[]));

/// A part of a chunk that is known to be text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    start: usize,
    end: usize,
}

impl Span {
    #[inline]
    pub(crate) fn len(self) -> usize {
        self.end - self.start
    }
}

/// Such a part, borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    pub(crate) span: Span,
    pub(crate) str: &'a str,
}

impl<'d> Chunk<'d> {
    #[inline]
    pub(crate) const fn new(source: Source<'d>) -> Self {
        Self { source, index: Index::new() }
    }

    /// The chunk is done with; what is known of it is, too.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.source = Source::Borrowed(&[]);
        self.index.clear();
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.source.bytes()
    }

    /// Some of the bytes, to be kept.
    pub(crate) fn slice(&self, range: Range<usize>) -> Bytes {
        match &self.source {
            Source::Borrowed(bytes) => Bytes::copy_from_slice(&bytes[range]),
            Source::Shared(bytes) => bytes.slice(range),
        }
    }

    #[inline]
    pub(crate) fn scan(&mut self) -> Scan<'_> {
        Scan { bytes: self.source.bytes(), index: &mut self.index }
    }

    /// Finds out whether a part of the chunk is text.
    ///
    /// All that is left of the chunk is checked with the first part that is not ASCII: at once,
    /// because the check costs more for many short values than for one long, and not before,
    /// because what goes to buffers is checked there.
    #[inline]
    pub(crate) fn check(&mut self, part: &Range<usize>) {
        if part.end > self.index.text.end && !self.index.is_checked {
            self.index.check(self.source.bytes(), part.start);
        }
    }

    /// A part of the chunk as text, if it is known to be that.
    #[inline]
    pub(crate) fn known(&self, part: &Range<usize>) -> Option<Text<'_>> {
        let &Range { start, end } = part;
        let span = Span { start, end };
        self.get(span).map(|str| Text { span, str })
    }

    /// The text there. Empty if the span is of another chunk and there is no text here.
    #[inline]
    pub(crate) fn str(&self, span: Span) -> &str {
        self.get(span).unwrap_or_default()
    }

    #[inline]
    fn get(&self, Span { start, end }: Span) -> Option<&str> {
        let text = &self.index.text;
        if start > end || start < text.start || end > text.end {
            return None;
        }
        let bytes = self.source.bytes();
        let is_boundary =
            |index: usize| bytes.get(index).is_none_or(|&byte| !(0x80..0xC0).contains(&byte));
        if !is_boundary(start) || !(is_boundary(end) || end == text.end) {
            return None;
        }
        let part = bytes.get(start..end)?;
        // SAFETY: `Index::text` is UTF-8 in these bytes, which cannot be changed or replaced
        // without it, and the part lies in it from the start of a character to the end of one.
        Some(unsafe { core::str::from_utf8_unchecked(part) })
    }
}

/// Looks for line ends, from the start of a chunk to its end.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    bytes: &'a [u8],
    index: &'a mut Index,
}

impl<'a> Scan<'a> {
    #[inline]
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The first line end from here on. Each byte is looked at once, so one must not go back behind
    /// a line end that was found.
    #[inline]
    pub(crate) fn line_end(&mut self, from: usize) -> Option<usize> {
        match self.index.line_end(from) {
            None => self.index.search(self.bytes, from),
            found => found,
        }
    }
}

/// How many times 64 bytes are looked at together: enough to make the call cheap, and few enough
/// for the masks of small chunks to cost nothing.
const BLOCKS: usize = 8;
const BLOCK: usize = 64;

#[derive(Debug)]
struct Index {
    /// For each byte of each block, whether it is a line end.
    line_ends: [u64; BLOCKS],
    /// For each block, whether it has line ends.
    blocks: u32,
    /// Where the first block starts.
    start: usize,
    /// Where the last block ends, and nothing behind was looked at.
    end: usize,
    /// These bytes are UTF-8.
    text: Range<usize>,
    /// All bytes behind were checked, too, and `text` is all of them that are known to be UTF-8.
    is_checked: bool,
}

impl Index {
    #[inline]
    const fn new() -> Self {
        let line_ends = [0; BLOCKS];
        Self { line_ends, blocks: 0, start: 0, end: 0, text: 0..0, is_checked: false }
    }

    #[inline]
    fn clear(&mut self) {
        (self.blocks, self.start, self.end) = (0, 0, 0);
        self.text = 0..0;
        self.is_checked = false;
    }

    /// The first line end from here on, among the blocks.
    #[inline]
    fn line_end(&self, from: usize) -> Option<usize> {
        if from >= self.end {
            return None;
        }
        // What lies before the blocks was asked for, and has no line end from there on.
        let at = from.max(self.start) - self.start;
        let mut block = at / BLOCK;
        let mut line_ends = self.line_ends[block % BLOCKS] & (!0 << (at % BLOCK));
        if line_ends == 0 {
            let later = self.blocks & (!1 << block);
            if later == 0 {
                return None;
            }
            block = later.trailing_zeros() as usize;
            line_ends = self.line_ends[block % BLOCKS];
        }
        Some(self.start + block * BLOCK + line_ends.trailing_zeros() as usize)
    }

    /// The first line end from here on, behind the blocks.
    #[inline(never)]
    fn search(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        if std::is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has AVX2.
            return unsafe { self.search_avx2(bytes, from) };
        }
        self.search_memchr(bytes, from)
    }

    fn search_memchr(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let from = from.max(self.end);
        let found = scan::line_end(&bytes[from..]).map(|len| from + len);
        // A block of just the line end, so that it is found again.
        self.start = found.unwrap_or(bytes.len());
        self.end = found.map_or(bytes.len(), |line_end| line_end + 1);
        self.blocks = u32::from(found.is_some());
        self.line_ends[0] = u64::from(self.blocks);
        found
    }

    /// Checks all that is left of the chunk, from here on.
    #[cold]
    fn check(&mut self, bytes: &[u8], start: usize) {
        self.is_checked = true;
        if self.text.is_empty() {
            self.text = start..start;
        }
        self.text.end += text::valid_prefix(&bytes[self.text.end..]).len();
    }
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[expect(clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "bits are meant")]
mod avx2 {
    use core::arch::x86_64::{
        __m256i as Vector, _mm256_cmpeq_epi8 as equal, _mm256_loadu_si256 as load,
        _mm256_movemask_epi8 as top_bits, _mm256_or_si256 as or, _mm256_set1_epi8 as all,
        _mm256_setzero_si256 as zero,
    };

    use super::{BLOCK, BLOCKS, Index};
    use crate::scan::{CR, LF};

    /// How many bytes of a long line are looked at together.
    const SKIP: usize = 256;

    /// As [`Index::search_memchr`]. The CPU must have AVX2, here and below.
    impl Index {
        #[target_feature(enable = "avx2")]
        pub(super) unsafe fn search_avx2(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
            while self.end < bytes.len() {
                // SAFETY: the caller has AVX2.
                unsafe { self.look(bytes) };
                if let Some(line_end) = self.line_end(from) {
                    return Some(line_end);
                }
                if bytes.len() - self.end > SKIP {
                    // SAFETY: the caller has AVX2.
                    unsafe { self.skip(bytes) };
                }
            }
            None
        }

        /// The bytes up to here were looked at, and those since the last time are ASCII or not.
        #[inline]
        fn extend(&mut self, end: usize, is_ascii: bool) {
            #[cfg(test)]
            crate::scan::searched::add(end - self.end);
            if is_ascii && self.text.end == self.end {
                self.text.end = end;
            }
            self.end = end;
        }

        /// Looks at the next blocks.
        #[inline]
        #[target_feature(enable = "avx2")]
        unsafe fn look(&mut self, bytes: &[u8]) {
            let rest = &bytes[self.end..];
            let (whole, tail) = (rest.len() / BLOCK, rest.len() % BLOCK);
            self.blocks = 0;
            self.start = self.end;
            // SAFETY: the caller has AVX2.
            let is_ascii = unsafe {
                let mut any = zero();
                for (number, block) in rest.chunks_exact(BLOCK).take(BLOCKS).enumerate() {
                    let (line_ends, bytes) = look_at(block.first_chunk().unwrap_or(&[0; BLOCK]));
                    self.note(number, line_ends);
                    any = or(any, bytes);
                }
                if whole < BLOCKS && tail > 0 {
                    let (line_ends, bytes) = if let Some(block) = bytes.last_chunk() {
                        // What comes before the tail is read again, but nothing is copied.
                        let (line_ends, bytes) = look_at(block);
                        (line_ends >> (BLOCK - tail), bytes)
                    } else {
                        let mut block = [0; BLOCK];
                        block[..tail].copy_from_slice(&rest[..tail]);
                        look_at(&block)
                    };
                    self.note(whole, line_ends);
                    any = or(any, bytes);
                }
                top_bits(any) == 0
            };
            self.extend(self.end + rest.len().min(BLOCKS * BLOCK), is_ascii);
        }

        #[inline]
        fn note(&mut self, number: usize, line_ends: u64) {
            self.line_ends[number % BLOCKS] = line_ends;
            self.blocks |= u32::from(line_ends != 0) << number;
        }

        /// Skips what follows without a line end, but not all of it: a long line mostly goes on,
        /// so this looks at more at once and notes less.
        #[inline]
        #[target_feature(enable = "avx2")]
        unsafe fn skip(&mut self, bytes: &[u8]) {
            let mut end = self.end;
            // SAFETY: the caller has AVX2, and each load is of 32 bytes out of 32.
            let is_ascii = unsafe {
                let mut any = zero();
                for part in bytes[end..].chunks_exact(SKIP) {
                    let (mut part_ends, mut part_any) = (zero(), zero());
                    for vector in part.chunks_exact(size_of::<Vector>()) {
                        let vector = load(vector.as_ptr().cast());
                        part_ends = or(part_ends, line_ends(vector));
                        part_any = or(part_any, vector);
                    }
                    if top_bits(part_ends) != 0 || end + SKIP == bytes.len() {
                        break;
                    }
                    any = or(any, part_any);
                    end += SKIP;
                }
                top_bits(any) == 0
            };
            self.extend(end, is_ascii);
        }
    }

    /// A bit for each line end in the block; and all of its bytes, one over the other.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn look_at(block: &[u8; BLOCK]) -> (u64, Vector) {
        // SAFETY: the caller has AVX2, and two times 32 bytes are read out of 64.
        unsafe {
            let low = load(block.as_ptr().cast());
            let high = load(block.as_ptr().add(BLOCK / 2).cast());
            let low_ends = top_bits(line_ends(low)) as u32;
            let high_ends = top_bits(line_ends(high)) as u32;
            (u64::from(low_ends) | (u64::from(high_ends) << 32), or(low, high))
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn line_ends(bytes: Vector) -> Vector {
        // `unsafe` is needed by compilers older than 1.86.
        #[allow(unused_unsafe)]
        // SAFETY: the caller has AVX2.
        unsafe {
            let (lf, cr) = (all(LF as i8), all(CR as i8));
            or(equal(bytes, lf), equal(bytes, cr))
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Bytes of all kinds, long runs of one kind among them. Always the same.
    fn samples() -> Vec<Vec<u8>> {
        let mut random = 1_u64;
        let mut next = move |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) as usize % below
        };
        let kinds: [&[u8]; 7] =
            [b"a", b"\n", b"\r", b"\r\n", "中".as_bytes(), b"\xff", b"\xe4\xb8"];
        let mut samples: Vec<_> = (0..200).map(|len| b"x".repeat(len)).collect();
        for _ in 0..2000 {
            let mut sample = Vec::new();
            let frequent = 1 + next(kinds.len());
            for _ in 0..next(12) {
                let kind = kinds[next(frequent)];
                sample.extend(kind.repeat([1, 2, 40, 64, 300, 1500][next(6)]));
            }
            samples.push(sample);
        }
        samples
    }

    #[test]
    fn all_searches_find_every_line_end() {
        for bytes in samples() {
            let expected: Vec<_> = (0..bytes.len()).filter(|&at| is_line_end(&bytes, at)).collect();
            for search in [Index::search, Index::search_memchr] {
                let mut index = Index::new();
                let (mut found, mut from) = (Vec::new(), 0);
                while let Some(at) =
                    index.line_end(from).or_else(|| search(&mut index, &bytes, from))
                {
                    assert_eq!(index.line_end(from), Some(at), "found again");
                    found.push(at);
                    from = at + 1;
                }
                assert_eq!(found, expected, "{:?}", bytes.escape_ascii());
            }
        }
    }

    fn is_line_end(bytes: &[u8], at: usize) -> bool {
        scan::is_line_end(bytes[at])
    }

    #[test]
    fn what_is_known_to_be_text_is_text() {
        for bytes in samples() {
            let mut chunk = Chunk::new(Source::Borrowed(&bytes));
            let (mut start, mut spans) = (0, Vec::new());
            while start <= bytes.len() {
                let end = chunk.scan().line_end(start).unwrap_or(bytes.len());
                if start % 3 > 0 {
                    chunk.check(&(start..end));
                }
                let expected = core::str::from_utf8(&bytes[start..end]).ok();
                if let Some(text) = chunk.known(&(start..end)) {
                    assert_eq!(Some(text.str), expected);
                    spans.push((text.span, text.str.len()));
                }
                for end in start..end.min(start + 9) {
                    let expected = core::str::from_utf8(&bytes[start..end]).ok();
                    let known = chunk.known(&(start..end)).map(|text| text.str);
                    assert!(known.is_none() || known == expected);
                }
                start = end + 1;
            }
            // What was known stays known.
            for (span, len) in spans {
                assert_eq!(chunk.str(span).len(), len);
            }
        }
    }

    #[test]
    fn valid_text_is_known_to_be_text() {
        let bytes = "data: 中文\n".repeat(200);
        let mut chunk = Chunk::new(Source::Borrowed(bytes.as_bytes()));
        for start in (0..bytes.len()).step_by(13) {
            let end = chunk.scan().line_end(start).expect("a line end");
            chunk.check(&(start + 6..end));
            assert_eq!(chunk.known(&(start + 6..end)).map(|text| text.str), Some("中文"));
        }
    }
}
