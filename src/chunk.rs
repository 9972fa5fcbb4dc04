//! A chunk of the stream, and what a single look at its bytes shows: line ends, and which bytes are
//! text.
//!
//! # How line ends are found
//!
//! A mask has a bit for each of 64 bytes, set where the byte is LF or CR. One call, out of line,
//! makes up to eight masks, a *window*, with the best code that the CPU has. Finding the next line
//! end then takes a shift, a test and a count of trailing zeros, inlined, so an event costs no
//! call. A second word has a bit for each mask that is not zero, so that a long line is passed
//! without a loop. Windows follow each other, and each byte is looked at once. The exception is the
//! last 64 bytes of a chunk: loading them again costs less than copying a short rest.
//!
//! AVX2 finds both bytes with one comparison. `pshufb` looks up the low half of each byte in a
//! table that holds 10 at index 10 and 13 at index 13. LF and CR find themselves, and every other
//! byte finds something else. OR over all vectors shows, at almost no cost, if a window is ASCII.
//! That spares short chunks a separate check of UTF-8. Without AVX2, or without the feature `std`
//! that detects it, `memchr` finds one line end at a time, and a window holds only that one. NEON
//! would be one more function beside `avx2::mask`.
//!
//! # Why there is `unsafe`, and only here
//!
//! - AVX2 instructions must run only where the CPU has them.
//! - A part of a chunk that was found to be UTF-8 becomes a `&str` without another check. Safe code
//!   cannot keep `Bytes` together with a `&str` that borrows from them, so each owned event would
//!   have to be checked twice, or copied.

#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks, clippy::missing_safety_doc)]

use alloc::{string::String, vec::Vec};
use core::{
    fmt, mem,
    ops::{Deref, Range},
};

use bytes::Bytes;

use crate::wire::{self, utf8};

/// Text that shares the memory of the chunk it came in.
#[derive(Clone, Default)]
pub(crate) struct SharedStr(
    // Invariant: UTF-8. Each constructor says why.
    Bytes,
);

impl SharedStr {
    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        debug_assert!(core::str::from_utf8(&self.0).is_ok());
        // SAFETY: the invariant of the field.
        unsafe { core::str::from_utf8_unchecked(&self.0) }
    }

    /// Returns a part of the text; the empty text if `range` is out of bounds or cuts a character.
    #[inline]
    pub(crate) fn get(&self, range: Range<usize>) -> &str {
        self.as_str().get(range).unwrap_or_default()
    }

    /// Creates text of `bytes`, or returns them if they are not UTF-8.
    pub(crate) fn new(bytes: Bytes) -> Result<Self, Bytes> {
        // Invariant: checked.
        if utf8::check(&bytes).is_some() { Ok(Self(bytes)) } else { Err(bytes) }
    }
}

impl From<String> for SharedStr {
    fn from(text: String) -> Self {
        // Invariant: a `String` is UTF-8.
        Self(text.into())
    }
}

/// The memory that a chunk is in.
pub(crate) enum Source<'d> {
    /// The caller's memory.
    Lent(&'d [u8]),
    /// Memory that can be shared.
    Shared(Bytes),
}

impl Source<'_> {
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Lent(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

/// The bytes of a chunk, and what is known about them.
pub(crate) struct Chunk<'d> {
    source: Source<'d>,
    known: Known,
    /// Owned events and blocks are copied, although the bytes could be shared, because the decoder
    /// appends the next chunk to what is left of this one. If an event shared these bytes, every
    /// chunk would move all unread bytes to new memory, and every event would keep that memory
    /// alive.
    is_private: bool,
}

/// The line ends and the text that were found in the bytes of a chunk.
struct Known {
    ends: Window,
    // Invariant: these bytes of the chunk are UTF-8. The bytes cannot change without this, because
    // `Chunk` gives no other access to them.
    text: Range<usize>,
    /// The number of bytes to check together with the next value, after its end.
    ahead: usize,
}

/// The number of bytes that the first check of UTF-8 looks at. Each further check looks at twice as
/// many. One check of much text is faster than many checks of little, but a check of bytes that the
/// caller leaves unread is wasted.
const FIRST_CHECK: usize = 1 << 10;
const LARGEST_CHECK: usize = 32 << 10;

impl<'d> Chunk<'d> {
    #[inline]
    pub(crate) const fn new(source: Source<'d>) -> Self {
        // Invariant: no bytes are UTF-8.
        let known = Known { ends: Window::new(), text: 0..0, ahead: FIRST_CHECK };
        Self { source, known, is_private: false }
    }

    /// Creates a chunk of bytes that earlier chunks left, and that no event or block may share.
    pub(crate) fn private(rest: Bytes) -> Self {
        Self { is_private: true, ..Self::new(Source::Shared(rest)) }
    }

    /// Replaces a chunk that is used up.
    #[inline]
    pub(crate) fn replace(&mut self, source: Source<'d>) {
        self.source = source;
        self.is_private = false;
        // Invariant: nothing is known of the new bytes.
        self.known.text = 0..0;
        self.known.ahead = FIRST_CHECK;
        let ends = &mut self.known.ends;
        (ends.lanes, ends.start, ends.end) = (0, 0, 0);
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.source.bytes()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Returns the bytes from `pos` on, for the decoder to keep. Shares them if most of the chunk
    /// is left. Else copies them, so that a few bytes do not keep much memory alive.
    pub(crate) fn keep_rest(&self, pos: usize) -> Bytes {
        match &self.source {
            Source::Shared(bytes) if bytes.len() - pos >= bytes.len() / 2 => bytes.slice(pos..),
            source => Bytes::copy_from_slice(&source.bytes()[pos..]),
        }
    }

    /// Returns bytes for the caller to keep. Shares them if possible, else copies them.
    pub(crate) fn keep(&self, range: Range<usize>) -> Bytes {
        match &self.source {
            Source::Shared(bytes) if !self.is_private => bytes.slice(range),
            source => Bytes::copy_from_slice(&source.bytes()[range]),
        }
    }

    #[inline]
    pub(crate) fn scan(&mut self) -> Scan<'_> {
        Scan { bytes: self.source.bytes(), known: &mut self.known }
    }

    /// Returns the text in `range`, and checks it if necessary; `None` if it is not UTF-8.
    #[inline]
    pub(crate) fn check(&mut self, range: Range<usize>) -> Option<&str> {
        if !self.known.contains(&range) {
            self.known.check(self.source.bytes(), &range);
        }
        self.text(range)
    }

    /// Returns the text in `range`; `None` if it is not UTF-8 or was not checked.
    #[inline]
    pub(crate) fn text(&self, range: Range<usize>) -> Option<&str> {
        let bytes = self.bytes();
        if !self.known.contains(&range) || !self.known.is_whole(bytes, &range) {
            return None;
        }
        let part = &bytes[range];
        debug_assert!(core::str::from_utf8(part).is_ok());
        // SAFETY: `Known::text` is UTF-8, and `range` lies in it and cuts no character at either
        // end.
        Some(unsafe { core::str::from_utf8_unchecked(part) })
    }

    /// Takes all bytes and leaves an empty chunk, if the chunk is shared and the bytes are known to
    /// be text.
    ///
    /// The last event of a chunk then needs no reference count of its own.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<SharedStr> {
        let Source::Shared(bytes) = &mut self.source else { return None };
        if self.is_private || !self.known.contains(&(0..bytes.len())) {
            return None;
        }
        // Invariant: `Known::text` is UTF-8, and that is all of the bytes. Nothing is known of the
        // empty chunk that is left.
        let text = SharedStr(mem::take(bytes));
        self.replace(Source::Lent(&[]));
        Some(text)
    }

    /// Returns the text in `range`, which shares the chunk, if it was checked and the chunk can be
    /// shared.
    #[inline]
    pub(crate) fn share(&self, range: Range<usize>) -> Option<SharedStr> {
        let Source::Shared(bytes) = &self.source else { return None };
        if self.is_private {
            return None;
        }
        self.text(range.clone())?;
        // Invariant: `text` has returned `Some`.
        Some(SharedStr(bytes.slice(range)))
    }
}

impl Known {
    #[inline]
    fn contains(&self, range: &Range<usize>) -> bool {
        range.start >= self.text.start && range.end <= self.text.end && range.start <= range.end
    }

    /// Returns `true` if `range`, a part of the text, cuts no character.
    #[inline]
    fn is_whole(&self, bytes: &[u8], range: &Range<usize>) -> bool {
        let is_boundary = |index: usize| {
            index == self.text.end
                || bytes.get(index).is_none_or(|byte| !(0x80..0xC0).contains(byte))
        };
        is_boundary(range.start) && is_boundary(range.end)
    }

    /// Checks a value and bytes after it, because one check costs less than one for each value.
    #[cold]
    #[inline(never)]
    fn check(&mut self, bytes: &[u8], range: &Range<usize>) {
        let goes_on = self.text.contains(&range.start) || range.start == self.text.end;
        let from = if goes_on { self.text.end } else { range.start };
        let ahead = from.saturating_add(self.ahead).min(bytes.len());
        let to = range.end.max(utf8::character_end(&bytes[..ahead]));
        searched::add_checked(to - from);
        let (len, is_all) = utf8::valid_prefix(&bytes[from..to]);
        // After invalid bytes, each value is checked alone. Looking ahead from each of many invalid
        // bytes would look at the same bytes again and again.
        self.ahead = if is_all { (self.ahead * 2).min(LARGEST_CHECK) } else { 0 };
        // Invariant: the new part is UTF-8, and the old one is if it stays.
        self.text = if goes_on { self.text.start } else { from }..from + len;
    }

    /// Records that a window was searched, and if it is ASCII.
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    #[inline]
    fn note_ascii(&mut self, start: usize, end: usize, is_ascii: bool) {
        if is_ascii && self.text.end == start {
            // Invariant: ASCII after UTF-8 is UTF-8.
            self.text.end = end;
        }
    }
}

/// Searches a chunk for line ends, from its start to its end.
pub(crate) struct Scan<'a> {
    bytes: &'a [u8],
    known: &'a mut Known,
}

impl<'a> Scan<'a> {
    #[inline]
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns the first line end at or after `from`. `from` must not be before a line end that was
    /// already returned.
    #[inline]
    pub(crate) fn line_end(&mut self, from: usize) -> Option<usize> {
        match self.known.ends.next(from) {
            None => self.search(from),
            found => found,
        }
    }

    /// Returns bytes for the buffer, with what is known about them.
    #[inline]
    pub(crate) fn part(&self, range: Range<usize>) -> Part<'a> {
        // Invariant: as in `Chunk::text`.
        let is_text = self.known.contains(&range) && self.known.is_whole(self.bytes, &range);
        Part { bytes: &self.bytes[range], is_text }
    }

    /// Makes windows up to the next one with a line end.
    #[inline(never)]
    fn search(&mut self, from: usize) -> Option<usize> {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        if std::is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has AVX2.
            return unsafe { avx2::search(self, from) };
        }
        self.search_portable(from)
    }

    fn search_portable(&mut self, from: usize) -> Option<usize> {
        let ends = &mut self.known.ends;
        let from = from.max(ends.end);
        let found = wire::line_end(&self.bytes[from..]).map(|len| from + len);
        let end = found.map_or(self.bytes.len(), |at| at + 1);
        searched::add(end - from);
        // A window of only the line end, so that it can be found again.
        *ends = Window { start: end - usize::from(found.is_some()), end, ..Window::new() };
        if found.is_some() {
            ends.put(0, 1);
        }
        found
    }
}

/// Returns `None` if `bytes` contain a line end, else `true` if they are known to be ASCII.
///
/// For chunks that lie within a line. It records nothing, so it costs less than a window.
#[inline(never)]
fn scan_part_of_line(bytes: &[u8]) -> Option<bool> {
    searched::add(bytes.len());
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    if bytes.len() >= size_of::<avx2::Vector>() && std::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2.
        return unsafe { avx2::scan_part_of_line(bytes) };
    }
    wire::line_end(bytes).is_none().then_some(false)
}

/// Bytes of a chunk for the buffer.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    bytes: &'a [u8],
    // Invariant: if set, the bytes are UTF-8.
    is_text: bool,
}

impl<'a> Part<'a> {
    /// Creates a part that is not known to be text.
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        // Invariant: nothing is claimed.
        Self { bytes, is_text: false }
    }

    /// Creates a part and checks it, which is cheap for short ones.
    pub(crate) fn checked(bytes: &'a [u8]) -> Self {
        // Invariant: checked.
        Self { bytes, is_text: utf8::check(bytes).is_some() }
    }
}

/// The bytes of a block that came in earlier chunks, joined.
///
/// It keeps what was known about the parts: if all parts of a value were ASCII, the whole value is
/// not checked again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    bytes: Vec<u8>,
    // Invariant: this many of the bytes are UTF-8. Only the methods here change the bytes.
    text: usize,
}

impl Held {
    pub(crate) const NOTHING: Self = Self { bytes: Vec::new(), text: 0 };

    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Makes room, in a buffer that never holds more than `most` bytes.
    #[inline]
    pub(crate) fn reserve(&mut self, additional: usize, most: usize) {
        let Self { bytes, .. } = self;
        let growth = wire::growth(bytes.len(), bytes.capacity(), additional, most);
        bytes.reserve_exact(growth);
    }

    #[inline]
    pub(crate) fn append(&mut self, part: Part<'_>) {
        let is_text = part.is_text && self.text == self.bytes.len();
        self.bytes.extend_from_slice(part.bytes);
        if is_text {
            // Invariant: text after text is text.
            self.text = self.bytes.len();
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, byte: u8) {
        let is_text = byte.is_ascii() && self.text == self.bytes.len();
        self.bytes.push(byte);
        // Invariant: ASCII after text is text.
        self.text += usize::from(is_text);
    }

    /// Appends a part of a line. Returns `false`, and appends nothing, if it contains a line end.
    #[inline]
    pub(crate) fn extend_line(&mut self, part: &[u8]) -> bool {
        // For a single byte, a search and a copy would be two calls.
        if let [byte] = part {
            if !wire::is_line_end(*byte) {
                self.push(*byte);
            }
            return !wire::is_line_end(*byte);
        }
        let Some(is_text) = scan_part_of_line(part) else { return false };
        // Invariant: ASCII is UTF-8.
        self.append(Part { bytes: part, is_text });
        true
    }

    #[inline]
    pub(crate) fn truncate(&mut self, len: usize) {
        if len < self.text {
            // Invariant: the rest is UTF-8, unless a character is cut.
            self.text = if self.is_boundary(len) { len } else { 0 };
        }
        self.bytes.truncate(len);
    }

    /// Returns `true` unless this index is within a character.
    #[inline]
    fn is_boundary(&self, at: usize) -> bool {
        self.bytes.get(at).is_none_or(|byte| !(0x80..0xC0).contains(byte))
    }

    /// Returns the text in `range`; `None` if it is not UTF-8.
    #[inline]
    pub(crate) fn text(&self, range: Range<usize>) -> Option<&str> {
        let part = &self.bytes[range.clone()];
        let is_whole = self.is_boundary(range.start) && self.is_boundary(range.end);
        if range.end > self.text || !is_whole {
            return utf8::check(part);
        }
        debug_assert!(core::str::from_utf8(part).is_ok());
        // SAFETY: the invariant of `text`. `range` cuts no character.
        Some(unsafe { core::str::from_utf8_unchecked(part) })
    }

    /// Takes all bytes.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.text = 0;
        mem::take(&mut self.bytes)
    }
}

impl From<Vec<u8>> for Held {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, text: 0 }
    }
}

impl Deref for Held {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The bytes of one mask.
const LANE: usize = 64;
/// The masks of one window: enough to make the call pay, and few enough for short chunks.
const LANES: usize = 8;

/// The line ends in consecutive bytes of the chunk.
struct Window {
    /// A bit for each byte of each lane, set for a line end.
    masks: [u64; LANES],
    /// A bit for each lane, set if its mask is not zero.
    lanes: u32,
    /// The start of the first lane.
    start: usize,
    /// The end of the last lane. Nothing after it was searched.
    end: usize,
}

impl Window {
    #[inline]
    const fn new() -> Self {
        Self { masks: [0; LANES], lanes: 0, start: 0, end: 0 }
    }

    #[inline]
    fn put(&mut self, lane: usize, mask: u64) {
        self.masks[lane % LANES] = mask;
        self.lanes |= u32::from(mask != 0) << lane;
    }

    /// Returns the first line end at or after `from` in this window.
    #[inline]
    fn next(&self, from: usize) -> Option<usize> {
        if from >= self.end {
            return None;
        }
        // There is no line end between an earlier one and this window.
        let at = from.max(self.start) - self.start;
        let mut lane = at / LANE;
        let mut mask = self.masks[lane % LANES] & (!0 << (at % LANE));
        if mask == 0 {
            let later = self.lanes & (!1 << lane);
            if later == 0 {
                return None;
            }
            lane = later.trailing_zeros() as usize;
            mask = self.masks[lane % LANES];
        }
        Some(self.start + lane * LANE + mask.trailing_zeros() as usize)
    }
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[expect(clippy::cast_sign_loss, reason = "bits are meant")]
mod avx2 {
    use core::arch::x86_64::{
        __m256i, _mm_setr_epi8 as table, _mm256_broadcastsi128_si256 as both_halves,
        _mm256_cmpeq_epi8 as equal, _mm256_loadu_si256 as load, _mm256_movemask_epi8 as top_bits,
        _mm256_or_si256 as or, _mm256_setzero_si256 as zero, _mm256_shuffle_epi8 as look_up,
    };

    use super::{LANE, LANES, Scan, searched};

    pub(super) type Vector = __m256i;

    /// Like [`super::scan_part_of_line`], for at least 32 bytes.
    ///
    /// # Safety
    ///
    /// The CPU must have AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn scan_part_of_line(bytes: &[u8]) -> Option<bool> {
        const VECTOR: usize = size_of::<Vector>();

        debug_assert!(bytes.len() >= VECTOR);
        let (start, len) = (bytes.as_ptr(), bytes.len());
        let mut at = 0;
        // SAFETY: the caller has AVX2, and passes at least 32 bytes: no load goes beyond `len`.
        unsafe {
            let vector = |at: usize| load(start.add(at).cast());
            let mut all = zero();
            while at + 4 * VECTOR <= len {
                let (a, b) = (vector(at), vector(at + VECTOR));
                let (c, d) = (vector(at + 2 * VECTOR), vector(at + 3 * VECTOR));
                let ends = or(or(line_ends(a), line_ends(b)), or(line_ends(c), line_ends(d)));
                if top_bits(ends) != 0 {
                    return None;
                }
                all = or(all, or(or(a, b), or(c, d)));
                at += 4 * VECTOR;
            }
            // Loads the last 32 bytes, some of them again if the rest is not a multiple of 32.
            let last = vector(len - VECTOR);
            let mut ends = line_ends(last);
            all = or(all, last);
            while at < len - VECTOR {
                let vector = vector(at);
                (ends, all) = (or(ends, line_ends(vector)), or(all, vector));
                at += VECTOR;
            }
            (top_bits(ends) == 0).then(|| top_bits(all) == 0)
        }
    }

    /// The number of bytes of a long line that are searched at once.
    const STRIDE: usize = 256;

    /// Like [`Scan::search_portable`], a window at a time.
    ///
    /// # Safety
    ///
    /// The CPU must have AVX2, here and in all functions below.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn search(scan: &mut Scan<'_>, from: usize) -> Option<usize> {
        while scan.known.ends.end < scan.bytes.len() {
            // SAFETY: the caller has AVX2.
            unsafe { next_window(scan) };
            if let Some(found) = scan.known.ends.next(from) {
                return Some(found);
            }
            if scan.bytes.len() - scan.known.ends.end > STRIDE {
                // SAFETY: the caller has AVX2.
                unsafe { pass_long_line(scan) };
            }
        }
        None
    }

    /// Makes the next window, of up to `LANES` lanes.
    ///
    /// # Safety
    ///
    /// See [`search`].
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn next_window(scan: &mut Scan<'_>) {
        let bytes = scan.bytes;
        let ends = &mut scan.known.ends;
        let start = ends.end;
        let rest = &bytes[start..];
        let len = rest.len().min(LANES * LANE);
        let (whole, tail) = (len / LANE, len % LANE);
        let mut lanes = 0;
        // SAFETY: the caller has AVX2. The first `whole` lanes lie within `rest`. The last lane of
        // `bytes` exists where it is loaded.
        let is_ascii = unsafe {
            let mut any = zero();
            for number in 0..whole {
                debug_assert!((number + 1) * LANE <= rest.len());
                let (bits, all) = mask(rest.as_ptr().add(number * LANE));
                ends.masks[number] = bits;
                lanes |= u32::from(bits != 0) << number;
                any = or(any, all);
            }
            if tail > 0 {
                // Only at the end of the chunk.
                debug_assert!(whole < LANES && start + len == bytes.len());
                let (bits, all) = if bytes.len() >= LANE {
                    // Loads the last 64 bytes, and drops the bits of those already searched.
                    let (bits, all) = mask(bytes.as_ptr().add(bytes.len() - LANE));
                    (bits >> (LANE - tail), all)
                } else {
                    short_mask(rest)
                };
                ends.masks[whole % LANES] = bits;
                lanes |= u32::from(bits != 0) << whole;
                any = or(any, all);
            }
            top_bits(any) == 0
        };
        (ends.start, ends.end, ends.lanes) = (start, start + len, lanes);
        searched::add(len);
        scan.known.note_ascii(start, start + len, is_ascii);
    }

    /// Skips bytes of a long line, but never all of the chunk. It searches more bytes at once than
    /// [`next_window`] does, and records less.
    ///
    /// # Safety
    ///
    /// See [`search`].
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn pass_long_line(scan: &mut Scan<'_>) {
        let start = scan.known.ends.end;
        let mut end = start;
        // SAFETY: the caller has AVX2, and each load reads a whole piece of 32 bytes.
        let is_ascii = unsafe {
            let mut any = zero();
            for stride in scan.bytes[start..].chunks_exact(STRIDE) {
                let (mut ends, mut all) = (zero(), zero());
                for vector in stride.chunks_exact(size_of::<Vector>()) {
                    let vector = load(vector.as_ptr().cast());
                    ends = or(ends, line_ends(vector));
                    all = or(all, vector);
                }
                if top_bits(ends) != 0 || end + STRIDE == scan.bytes.len() {
                    break;
                }
                any = or(any, all);
                end += STRIDE;
            }
            top_bits(any) == 0
        };
        scan.known.ends.end = end;
        searched::add(end - start);
        scan.known.note_ascii(start, end, is_ascii);
    }

    /// Returns a mask with a bit for each line end in a lane, and the OR of its vectors.
    ///
    /// # Safety
    ///
    /// See [`search`]; `lane` must point to `LANE` bytes.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn mask(lane: *const u8) -> (u64, Vector) {
        // SAFETY: the caller has AVX2, and 2 × 32 of the 64 bytes are loaded.
        unsafe {
            let (low, high) = (load(lane.cast()), load(lane.add(LANE / 2).cast()));
            let low_bits = top_bits(line_ends(low)) as u32;
            let high_bits = top_bits(line_ends(high)) as u32;
            (u64::from(low_bits) | u64::from(high_bits) << 32, or(low, high))
        }
    }

    /// Like [`mask`], for less than a lane. Overlapping loads cost less than copying byte by byte.
    ///
    /// # Safety
    ///
    /// See [`search`].
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn short_mask(bytes: &[u8]) -> (u64, Vector) {
        let len = bytes.len();
        let mut lane = [0; LANE];
        if let (Some(head), Some(last)) = (bytes.first_chunk::<32>(), bytes.last_chunk::<32>()) {
            lane[..32].copy_from_slice(head);
            lane[32..].copy_from_slice(last);
            // SAFETY: the caller has AVX2, and `lane` has `LANE` bytes.
            let (bits, all) = unsafe { mask(lane.as_ptr()) };
            return (bits & 0xFFFF_FFFF | bits >> 32 << (len - 32), all);
        }
        if let (Some(head), Some(last)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>()) {
            lane[..16].copy_from_slice(head);
            lane[16..32].copy_from_slice(last);
            // SAFETY: the caller has AVX2, and `lane` has `LANE` bytes.
            let (bits, all) = unsafe { mask(lane.as_ptr()) };
            return (bits & 0xFFFF | bits >> 16 << (len - 16), all);
        }
        lane[..16].copy_from_slice(&up_to_16(bytes).to_le_bytes());
        // SAFETY: the caller has AVX2, and `lane` has `LANE` bytes.
        unsafe { mask(lane.as_ptr()) }
    }

    /// Returns up to 16 bytes as one number.
    #[inline]
    fn up_to_16(bytes: &[u8]) -> u128 {
        let len = bytes.len();
        if let (Some(head), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            let (head, last) = (u64::from_le_bytes(*head), u64::from_le_bytes(*last));
            return u128::from(head) | u128::from(last) << ((len - 8) * 8);
        }
        if let (Some(head), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            let (head, last) = (u32::from_le_bytes(*head), u32::from_le_bytes(*last));
            return u128::from(head) | u128::from(last) << ((len - 4) * 8);
        }
        bytes.iter().rev().fold(0, |number, &byte| number << 8 | u128::from(byte))
    }

    /// Sets each byte to all ones if it is a line end, else to zero.
    ///
    /// # Safety
    ///
    /// See [`search`].
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn line_ends(bytes: Vector) -> Vector {
        // Before Rust 1.86, these calls need `unsafe`.
        #[allow(unused_unsafe)]
        // SAFETY: the caller has AVX2.
        unsafe {
            // See the top of the file. `pshufb` returns 0 for bytes above 127.
            let own = table(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 10, -1, -1, 13, -1, -1);
            equal(bytes, look_up(both_halves(own), bytes))
        }
    }
}

/// Counts searched and checked bytes, for the tests that no byte is searched more than twice.
pub(crate) mod searched {
    #[cfg(test)]
    extern crate std;

    #[cfg(test)]
    std::thread_local! {
        static BYTES: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
        static CHECKED: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
    }

    #[cfg(test)]
    pub(crate) fn add(bytes: usize) {
        BYTES.set(BYTES.get() + bytes);
    }

    #[cfg(not(test))]
    #[inline]
    pub(crate) fn add(_: usize) {}

    /// Returns the number of bytes that this thread has searched since the last call.
    #[cfg(test)]
    pub(crate) fn take() -> usize {
        BYTES.take()
    }

    /// Counts bytes of a chunk that are checked for being UTF-8.
    #[cfg(test)]
    pub(crate) fn add_checked(bytes: usize) {
        CHECKED.set(CHECKED.get() + bytes);
    }

    #[cfg(not(test))]
    #[inline]
    pub(crate) fn add_checked(_: usize) {}

    /// Returns the number of bytes that this thread has checked since the last call.
    #[cfg(test)]
    pub(crate) fn take_checked() -> usize {
        CHECKED.take()
    }
}

impl fmt::Debug for Chunk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Returns bytes of all kinds, with long runs of one kind. Always the same.
    fn samples() -> Vec<Vec<u8>> {
        let mut random = 1_u64;
        let mut next = move |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) as usize % below
        };
        let kinds: [&[u8]; 8] = [
            b"a",
            b"\n",
            b"\r",
            b"\r\n",
            b"\x0a\x1a\x8a\x0d\x1d\x8d",
            "中".as_bytes(),
            b"\xff",
            b"\xe4\xb8",
        ];
        let mut samples: Vec<_> = (0..200).map(|len| b"x".repeat(len)).collect();
        samples.push((0..=255).collect());
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
        type Search = for<'s, 'a> fn(&'s mut Scan<'a>, usize) -> Option<usize>;
        let searches: [Search; 2] =
            [|scan, from| scan.search(from), |scan, from| scan.search_portable(from)];
        for bytes in samples() {
            let is_end = |&at: &usize| wire::is_line_end(bytes[at]);
            let expected: Vec<_> = (0..bytes.len()).filter(is_end).collect();
            for search in searches {
                let mut chunk = Chunk::new(Source::Lent(&bytes));
                let mut scan = chunk.scan();
                let (mut found, mut from) = (Vec::new(), 0);
                while let Some(at) = scan.known.ends.next(from).or_else(|| search(&mut scan, from))
                {
                    assert_eq!(scan.known.ends.next(from), Some(at), "found again");
                    found.push(at);
                    from = at + 1;
                }
                assert_eq!(found, expected, "{:?}", bytes.escape_ascii());
            }
        }
    }

    #[test]
    fn what_is_known_to_be_text_is_text() {
        for bytes in samples() {
            let mut chunk = Chunk::new(Source::Lent(&bytes));
            let (mut start, mut line) = (0, 0);
            while start <= bytes.len() {
                let end = chunk.scan().line_end(start).unwrap_or(bytes.len());
                let expected = core::str::from_utf8(&bytes[start..end]).ok();
                line += 1;
                if line % 3 > 0 {
                    assert_eq!(chunk.check(start..end), expected);
                } else if let Some(text) = chunk.text(start..end) {
                    assert_eq!(Some(text), expected);
                }
                for end in start..end.min(start + 9) {
                    let expected = core::str::from_utf8(&bytes[start..end]).ok();
                    let known = chunk.text(start..end);
                    assert!(known.is_none() || known == expected);
                }
                start = end + 1;
            }
        }
    }

    #[test]
    fn shared_text_is_the_text() {
        let bytes = Bytes::from("data: 中文\n".repeat(200));
        let mut chunk = Chunk::new(Source::Shared(bytes.clone()));
        for start in (0..bytes.len()).step_by(13) {
            let end = chunk.scan().line_end(start).expect("a line end");
            assert_eq!(chunk.check(start + 6..end), Some("中文"));
            let shared = chunk.share(start + 6..end).expect("checked");
            assert_eq!(shared.as_str().as_ptr(), bytes[start + 6..].as_ptr());
            assert_eq!((shared.get(0..3), shared.get(1..3), shared.get(0..7)), ("中", "", ""));
            assert!(chunk.share(start + 7..end).is_none(), "cuts a character");
        }
        assert!(SharedStr::new(Bytes::from_static(b"\xff")).is_err());
    }

    /// For a caller that takes one value and drops the chunk, the rest was checked in vain.
    #[test]
    fn the_first_check_does_not_look_far_ahead() {
        let bytes = "中".repeat(1 << 16);
        let mut chunk = Chunk::new(Source::Lent(bytes.as_bytes()));
        assert_eq!(chunk.check(0..3), Some("中"));
        assert!(chunk.known.text.end <= FIRST_CHECK);
        for start in (0..bytes.len()).step_by(3) {
            assert_eq!(chunk.check(start..start + 3), Some("中"));
        }
        assert_eq!(chunk.known.ahead, LARGEST_CHECK);
    }
}
