//! A chunk of the stream, its line ends, and which of its bytes are text.
//!
//! # How line ends are found
//!
//! 64 bytes, a *lane*, become one number: a mask with a bit for each LF or CR. The next line end is
//! the lowest bit, so a lane with several line ends is searched once. Lanes without one are passed
//! in a short loop that records nothing. The same vectors show at almost no cost if the bytes are
//! ASCII, which spares most streams a check of UTF-8.
//!
//! A chunk rarely ends with a whole lane. Its last 64 bytes are then loaded again, and the bits of
//! those already searched are shifted out: that costs less than copying the rest. Only chunks that
//! are shorter than a lane are copied into one.
//!
//! What an instruction set has to provide for this are the four operations of [`Vector`]. All else
//! is written once. Without such a set, `memchr` looks for one line end at a time.
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

use bytes::{Buf as _, Bytes};

use crate::wire::{self, CR, LF, utf8};

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

/// The bytes of a chunk, the position of its reader, and what is known about the bytes.
pub(crate) struct Chunk<'d> {
    source: Source<'d>,
    cursor: Cursor,
    // Invariant: these bytes of the chunk are UTF-8. The bytes cannot change without this, because
    // `Chunk` gives no other access to them.
    text: Range<usize>,
    /// The number of bytes to check together with the next value, after its end.
    ahead: usize,
    /// Owned events and blocks are copied, although the bytes could be shared, because the decoder
    /// appends the next chunk to what is left of this one. If an event shared these bytes, every
    /// chunk would move all unread bytes to new memory, and every event would keep that memory
    /// alive.
    is_private: bool,
}

/// The position of a reader, and the line ends that were found and not passed.
struct Cursor {
    /// The start of the current line, or of what is left of it.
    pos: usize,
    /// Where the bytes continue those that the decoder holds. In the event view always 0.
    from: usize,
    /// The line ends of the last lane that was searched, but for those already passed.
    ends: u64,
    /// The end of that lane, perhaps after the end of the chunk.
    searched: usize,
    // Invariant: if 0, all bytes before `searched` are ASCII.
    above_ascii: u64,
}

/// The number of bytes that the first check of UTF-8 looks at. Each further check looks at twice as
/// many. One check of much text is faster than many checks of little, but a check of bytes that the
/// caller leaves unread is wasted.
const FIRST_CHECK: usize = 1 << 10;
const LARGEST_CHECK: usize = 32 << 10;

impl<'d> Chunk<'d> {
    #[inline]
    pub(crate) const fn new(source: Source<'d>) -> Self {
        Self::starting_at(0, source)
    }

    /// Creates a chunk whose first `pos` bytes were read.
    #[inline]
    pub(crate) const fn starting_at(pos: usize, source: Source<'d>) -> Self {
        // Invariants: no bytes are claimed to be ASCII or UTF-8.
        let cursor = Cursor { pos, from: pos, ends: 0, searched: 0, above_ascii: 0 };
        Self { source, cursor, text: 0..0, ahead: FIRST_CHECK, is_private: false }
    }

    /// Creates a chunk of bytes that earlier chunks left, and that no event or block may share.
    pub(crate) fn private(rest: Bytes) -> Self {
        Self { is_private: true, ..Self::new(Source::Shared(rest)) }
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.source.bytes()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Returns the index of the next byte to read.
    #[inline]
    pub(crate) fn pos(&self) -> usize {
        self.cursor.pos
    }

    /// Returns `true` if all bytes were read.
    #[inline]
    pub(crate) fn is_used_up(&self) -> bool {
        self.pos() == self.len()
    }

    /// Skips all bytes, which belong to a line that the decoder holds.
    #[inline]
    pub(crate) fn skip_all(&mut self) {
        self.cursor.pos = self.len();
        self.cursor.from = self.len();
    }

    /// Returns the index where the bytes continue those that the decoder holds.
    #[inline]
    pub(crate) fn from(&self) -> usize {
        self.cursor.from
    }

    /// Returns the position of the block that was read to its end; `None` if it is held.
    #[inline]
    pub(crate) fn block_range(&self, held: &Buffer) -> Option<Range<usize>> {
        held.is_empty().then_some(self.cursor.from..self.cursor.pos)
    }

    /// Returns the bytes of the block that was read to its end.
    #[inline]
    pub(crate) fn block<'a>(&'a self, held: &'a Buffer) -> &'a [u8] {
        self.block_range(held).map_or(held, |range| &self.bytes()[range])
    }

    /// Ends the block that was read, so that the next one starts here.
    #[inline]
    pub(crate) fn start_block(&mut self) {
        self.cursor.from = self.cursor.pos;
    }

    /// Returns the bytes that were not read, for the decoder to keep. Shares them if they are most
    /// of the chunk. Else copies them, so that a few bytes do not keep much memory alive.
    pub(crate) fn keep_rest(&self) -> Bytes {
        let pos = self.pos();
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

    /// Returns a reader of the chunk that searches with the instruction set that the CPU has.
    #[inline]
    pub(crate) fn scan(&mut self) -> Scan<'_, Any> {
        self.scan_with(Any)
    }

    #[inline]
    pub(crate) fn scan_with<S: Search>(&mut self, search: S) -> Scan<'_, S> {
        let Cursor { pos, from, ends, searched, .. } = self.cursor;
        let (bytes, home) = (self.source.bytes(), &mut self.cursor);
        Scan { bytes, pos, from, ends, searched, home, search }
    }

    /// Returns `true` if all bytes that were read are known to be ASCII.
    #[inline]
    pub(crate) fn is_ascii(&self) -> bool {
        self.cursor.above_ascii == 0
    }

    /// Returns `true` if the bytes in `range`, which were read, are text.
    ///
    /// Here and in the methods below, positions count from where the bytes continue those that the
    /// decoder holds.
    #[inline]
    pub(crate) fn check(&mut self, range: Range<usize>) -> bool {
        let range = self.in_chunk(range);
        self.is_ascii() || self.is_known(&range) || self.check_ahead(&range)
    }

    /// Returns the text in `range`; `None` if it is not UTF-8 or was not checked.
    #[inline]
    pub(crate) fn text(&self, range: Range<usize>) -> Option<&str> {
        let range = self.in_chunk(range);
        let part = &self.bytes()[range.clone()];
        let is_ascii = self.is_ascii() && range.end <= self.cursor.searched;
        let is_text = is_ascii || self.is_known(&range) && self.is_whole(&range);
        if !is_text {
            return None;
        }
        debug_assert!(core::str::from_utf8(part).is_ok());
        // SAFETY: it is ASCII, or lies in `text`, which is UTF-8, and cuts no character.
        Some(unsafe { core::str::from_utf8_unchecked(part) })
    }

    /// Returns the bytes in `range`.
    pub(crate) fn part(&self, range: Range<usize>) -> &[u8] {
        &self.bytes()[self.in_chunk(range)]
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
        Some(SharedStr(bytes.slice(self.in_chunk(range))))
    }

    /// Like [`share`](Self::share), for the bytes from `start` on. Leaves an empty chunk. The last
    /// event of a chunk then needs no reference count of its own.
    #[inline]
    pub(crate) fn take(&mut self, start: usize) -> Option<SharedStr> {
        self.text(start..self.len() - self.cursor.from)?;
        let Source::Shared(bytes) = &mut self.source else { return None };
        if self.is_private {
            return None;
        }
        let mut bytes = mem::take(bytes);
        bytes.advance(self.cursor.from + start);
        *self = Self::new(Source::Lent(&[]));
        // Invariant: `text` has returned `Some`.
        Some(SharedStr(bytes))
    }

    #[inline]
    fn in_chunk(&self, range: Range<usize>) -> Range<usize> {
        self.cursor.from + range.start..self.cursor.from + range.end
    }

    #[inline]
    fn is_known(&self, range: &Range<usize>) -> bool {
        range.start >= self.text.start && range.end <= self.text.end && range.start <= range.end
    }

    /// Returns `true` if `range`, a part of the text, cuts no character.
    #[inline]
    fn is_whole(&self, range: &Range<usize>) -> bool {
        let is_boundary = |index: usize| {
            index == self.text.end
                || self.bytes().get(index).is_none_or(|byte| !(0x80..0xC0).contains(byte))
        };
        is_boundary(range.start) && is_boundary(range.end)
    }

    /// Checks a value and bytes after it, because one check costs less than one for each value.
    #[cold]
    #[inline(never)]
    fn check_ahead(&mut self, range: &Range<usize>) -> bool {
        let bytes = self.source.bytes();
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
        self.is_known(range)
    }
}

/// Reads a chunk: a copy of its cursor, so that the compiler can keep it in registers. Dropping it
/// stores the cursor.
pub(crate) struct Scan<'a, S> {
    bytes: &'a [u8],
    pub(crate) pos: usize,
    pub(crate) from: usize,
    ends: u64,
    searched: usize,
    home: &'a mut Cursor,
    search: S,
}

impl<S> Drop for Scan<'_, S> {
    #[expect(clippy::inline_always, reason = "a call would need the cursor in memory")]
    #[inline(always)]
    fn drop(&mut self) {
        let Self { pos, from, ends, searched, .. } = *self;
        let home = &mut *self.home;
        (home.pos, home.from, home.ends, home.searched) = (pos, from, ends, searched);
    }
}

impl<'a, S: Search> Scan<'a, S> {
    #[inline]
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns bytes for a buffer, with what is known about them.
    #[inline]
    pub(crate) fn part(&self, range: Range<usize>) -> Part<'a> {
        // Invariant: that of the cursor.
        let is_ascii = self.home.above_ascii == 0 && range.end <= self.searched;
        Part { bytes: &self.bytes[range], is_ascii }
    }

    /// Returns the end of the current line, or `None` if the chunk ends first.
    #[expect(clippy::inline_always, reason = "the search must be inlined into its `Task`")]
    #[inline(always)]
    pub(crate) fn line_end(&mut self) -> Option<usize> {
        while self.ends == 0 {
            if self.searched >= self.bytes.len() {
                return None;
            }
            let above_ascii = &mut self.home.above_ascii;
            (self.ends, self.searched) = self.search.search(self.bytes, self.searched, above_ascii);
            // The LF of a CRLF that lies in two lanes was passed already, and so was a mark.
            let passed = self.pos.saturating_sub(self.searched - LANE);
            if passed > 0 {
                self.ends = if passed < LANE { self.ends >> passed << passed } else { 0 };
            }
        }
        let end = self.searched - LANE + self.ends.trailing_zeros() as usize;
        debug_assert!(end >= self.pos);
        Some(end)
    }

    /// Moves to the next line, after the line end at `end`. Returns `true` if that is a CR, and the
    /// next byte, which may be the LF of a CRLF, has not come.
    #[inline]
    pub(crate) fn pass(&mut self, end: usize) -> bool {
        self.ends &= self.ends - 1;
        self.pos = end + 1;
        if self.bytes[end] != CR {
            return false;
        }
        let next = self.bytes.get(self.pos);
        if next == Some(&LF) {
            self.pos += 1;
            // If it is in the next lane, there is no bit to remove yet.
            self.ends &= self.ends.wrapping_sub(1);
        }
        next.is_none()
    }

    /// Moves to the next block, if a blank line follows the line end at `end`. Returns `false`, and
    /// does nothing, if none follows, or if the line ends differ or are cut off.
    #[inline]
    pub(crate) fn pass_blank_line(&mut self, end: usize) -> bool {
        // Line ends in the next lane have no bit yet.
        let rest = |ends: u64| ends & ends.wrapping_sub(1);
        match (self.bytes[end], self.bytes.get(end + 1)) {
            (LF, Some(&LF)) => {
                self.pos = end + 2;
                self.ends = rest(rest(self.ends));
                true
            }
            (CR, Some(&LF)) if self.bytes[end + 2..].starts_with(&[CR, LF]) => {
                self.pos = end + 4;
                self.ends = rest(rest(rest(rest(self.ends))));
                true
            }
            _ => false,
        }
    }

    /// Moves to the end of the chunk.
    #[inline]
    pub(crate) fn pass_all(&mut self) {
        (self.pos, self.from) = (self.bytes.len(), self.bytes.len());
    }
}

/// Bytes of a chunk for a [`Buffer`].
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    bytes: &'a [u8],
    // Invariant: if set, the bytes are ASCII.
    is_ascii: bool,
}

impl<'a> Part<'a> {
    /// Creates a part of which nothing is known.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        // Invariant: nothing is claimed.
        Self { bytes, is_ascii: false }
    }

    /// Returns all bytes of a chunk if none of them is a line end.
    #[inline]
    pub(crate) fn within_line(bytes: &'a [u8]) -> Option<Self> {
        if let [byte] = *bytes {
            // A call of the search takes longer than the rest.
            return (!wire::is_line_end(byte)).then_some(Self { bytes, is_ascii: byte.is_ascii() });
        }
        let mut above_ascii = 0;
        let (ends, _) = Any.search(bytes, 0, &mut above_ascii);
        // Invariant: all bytes were searched.
        (ends == 0).then_some(Self { bytes, is_ascii: above_ascii == 0 })
    }
}

/// Bytes that were copied out of chunks.
#[derive(Clone, Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    // Invariant: if set, the bytes are UTF-8. Only the methods here change them.
    is_text: bool,
}

impl Buffer {
    pub(crate) const EMPTY: Self = Self { bytes: Vec::new(), is_text: true };

    /// Appends to a buffer that never holds more than `most` bytes.
    #[inline]
    pub(crate) fn append(&mut self, part: Part<'_>, most: usize) {
        let Self { bytes, is_text } = self;
        bytes.reserve_exact(wire::growth(bytes.len(), bytes.capacity(), part.bytes.len(), most));
        match part.bytes {
            // Streams of single bytes exist, and a call takes longer than this.
            [byte] => bytes.push(*byte),
            part => bytes.extend_from_slice(part),
        }
        // Invariant: ASCII after text is text.
        *is_text &= part.is_ascii;
    }

    /// Appends a line to the standard's data buffer.
    #[inline]
    pub(crate) fn append_line(&mut self, part: Part<'_>, most: usize) {
        let Self { bytes, is_text } = self;
        let len = part.bytes.len() + 1;
        bytes.reserve_exact(wire::growth(bytes.len(), bytes.capacity(), len, most));
        bytes.push(LF);
        bytes.extend_from_slice(part.bytes);
        // Invariant: as in `append`.
        *is_text &= part.is_ascii;
    }

    /// Returns bytes for another buffer.
    pub(crate) fn part(&self, range: Range<usize>) -> Part<'_> {
        Part::new(&self.bytes[range])
    }

    /// Removes bytes at the end, and frees a large buffer that is empty then.
    #[inline]
    pub(crate) fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
        if len == 0 {
            // Invariant: no bytes are text.
            self.is_text = true;
            if self.bytes.capacity() > wire::KEPT {
                self.bytes = Vec::new();
            }
        } else {
            // Perhaps the start of a character is left.
            self.is_text = false;
        }
    }

    /// Returns `true` if the bytes are text.
    #[inline]
    pub(crate) fn check(&mut self) -> bool {
        // Invariant: checked.
        self.is_text = self.is_text || utf8::check(&self.bytes).is_some();
        self.is_text
    }

    /// Returns the text in `range`; `None` if it cuts a character, or the buffer is not
    /// [known](Self::check) to be text.
    #[inline]
    pub(crate) fn text(&self, range: Range<usize>) -> Option<&str> {
        if !self.is_text {
            return None;
        }
        debug_assert!(core::str::from_utf8(&self.bytes).is_ok());
        // SAFETY: the invariant of `is_text`.
        unsafe { core::str::from_utf8_unchecked(&self.bytes) }.get(range)
    }

    /// Takes the bytes as text; `None` if they are not [known](Self::check) to be text.
    pub(crate) fn take_text(&mut self) -> Option<String> {
        if !self.is_text {
            return None;
        }
        let bytes = self.take();
        debug_assert!(core::str::from_utf8(&bytes).is_ok());
        // SAFETY: the invariant of `is_text`.
        Some(unsafe { String::from_utf8_unchecked(bytes) })
    }

    /// Takes all bytes.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        mem::replace(self, Self::EMPTY).bytes
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The number of bytes of a mask.
const LANE: usize = 64;

/// A way to search.
pub(crate) trait Search: Copy {
    /// Searches lanes from `from` on, a multiple of 64, up to the first one with a line end. Returns
    /// the mask of that lane and its end; 0 if there is no line end. Sets bits of `above_ascii` if
    /// any of these bytes are not ASCII.
    fn search(self, bytes: &[u8], from: usize, above_ascii: &mut u64) -> (u64, usize);

    /// Runs a task out of line, with the same way to search.
    fn run<T: Task>(self, task: T) -> T::Output;
}

/// Code that is compiled once for each way to search, so that the search is inlined.
pub(crate) trait Task {
    type Output;

    fn run<S: Search>(self, search: S) -> Self::Output;
}

/// Runs a task with the best way to search that the CPU has.
#[inline]
pub(crate) fn run<T: Task>(task: T) -> T::Output {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2.
        return unsafe { avx2::run(task) };
    }
    run_portable(task)
}

// Not inlined, because it would prepare the stack for all, before the CPU is known.
#[inline(never)]
fn run_portable<T: Task>(task: T) -> T::Output {
    task.run(Portable)
}

/// Decides at each search which way to take.
#[derive(Clone, Copy)]
pub(crate) struct Any;

impl Search for Any {
    #[inline(never)]
    fn search(self, bytes: &[u8], from: usize, above_ascii: &mut u64) -> (u64, usize) {
        struct Once<'a>(&'a [u8], usize, &'a mut u64);

        impl Task for Once<'_> {
            type Output = (u64, usize);

            #[inline]
            fn run<S: Search>(self, search: S) -> (u64, usize) {
                search.search(self.0, self.1, self.2)
            }
        }

        run(Once(bytes, from, above_ascii))
    }

    fn run<T: Task>(self, task: T) -> T::Output {
        run(task)
    }
}

/// Searches without an instruction set of its own.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl Search for Portable {
    fn search(self, bytes: &[u8], from: usize, above_ascii: &mut u64) -> (u64, usize) {
        search_portable(bytes, from, above_ascii)
    }

    fn run<T: Task>(self, task: T) -> T::Output {
        run_portable(task)
    }
}

fn search_portable(bytes: &[u8], from: usize, above_ascii: &mut u64) -> (u64, usize) {
    let found = wire::line_end(&bytes[from..]);
    let end = found.map_or(bytes.len(), |at| from + at + 1).next_multiple_of(LANE);
    let rest = &bytes[from..end.min(bytes.len())];
    searched::add(rest.len());
    *above_ascii |= u64::from(!rest.is_ascii());
    if found.is_none() {
        return (0, end);
    }
    let lane = &rest[(rest.len() - 1) / LANE * LANE..];
    let words = lane.chunks(8).enumerate();
    (words.fold(0, |ends, (number, word)| ends | word_ends(up_to_8(word)) << (8 * number)), end)
}

/// Returns up to eight bytes as one number.
#[inline]
fn up_to_8(bytes: &[u8]) -> u64 {
    if let Some(word) = bytes.first_chunk() {
        return u64::from_le_bytes(*word);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return u64::from(first) | u64::from(last) << ((bytes.len() - 4) * 8);
    }
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Returns a mask with a bit for each of eight bytes that is a line end.
#[inline]
fn word_ends(word: u64) -> u64 {
    const LOW_BITS: u64 = u64::MAX / 0xFF;
    const ALL_BUT_TOP: u64 = LOW_BITS * 0x7F;
    // The top bit of each byte of `equal` is set where the byte of the word is `byte`: only then
    // the sum does not carry into the top bit, and the byte has no top bit of its own.
    let equal = |byte: u8| {
        let other = word ^ (LOW_BITS * u64::from(byte));
        !(((other & ALL_BUT_TOP) + ALL_BUT_TOP) | other | ALL_BUT_TOP)
    };
    // The product moves the lowest bits of all bytes side by side, into the top byte.
    ((equal(LF) | equal(CR)) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// A register of an instruction set.
///
/// # Safety
///
/// The CPU must have the instruction set, for all functions.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
trait Vector: Copy {
    /// The number of bytes, at most 64, and a power of two.
    const LEN: usize = size_of::<Self>();

    /// Loads `LEN` bytes, which `bytes` must point to.
    unsafe fn load(bytes: *const u8) -> Self;

    /// Sets all bits in each byte that is a line end, and none in the others.
    unsafe fn line_ends(self) -> Self;

    unsafe fn or(self, other: Self) -> Self;

    /// Returns the top bit of each byte.
    unsafe fn mask(self) -> u64;

    /// Calls [`search_tail`], which is compiled out of line: its many cases would take the registers
    /// that the loop needs.
    unsafe fn search_tail(bytes: &[u8], tail: usize, above_ascii: &mut u64) -> u64;
}

/// See [`Search::search`].
///
/// # Safety
///
/// The CPU must have the instruction set.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[expect(clippy::inline_always, reason = "inlined into code that enables the instruction set")]
#[inline(always)]
unsafe fn search_lanes<V: Vector>(
    bytes: &[u8],
    from: usize,
    above_ascii: &mut u64,
) -> (u64, usize) {
    let lanes = bytes[from..].chunks_exact(LANE);
    let tail = lanes.remainder().len();
    let mut end = from;
    // SAFETY: the caller has the instruction set, and each lane has 64 bytes.
    unsafe {
        let none = V::load([0; LANE].as_ptr());
        let mut all = none;
        for lane in lanes {
            end += LANE;
            let mut ends = none;
            for at in (0..LANE).step_by(V::LEN) {
                let vector = V::load(lane.as_ptr().add(at));
                (all, ends) = (all.or(vector), ends.or(vector.line_ends()));
            }
            if ends.mask() != 0 {
                *above_ascii |= all.mask();
                searched::add(end - from);
                return (lane_ends::<V>(lane), end);
            }
        }
        *above_ascii |= all.mask();
        searched::add(bytes.len() - from);
        if tail == 0 {
            return (0, end);
        }
        (V::search_tail(bytes, tail, above_ascii), end + LANE)
    }
}

/// Searches the last `tail` bytes of a chunk, which are less than a lane.
///
/// # Safety
///
/// The CPU must have the instruction set.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[expect(clippy::inline_always, reason = "inlined into code that enables the instruction set")]
#[inline(always)]
unsafe fn search_tail<V: Vector>(bytes: &[u8], tail: usize, above_ascii: &mut u64) -> u64 {
    // SAFETY: the caller has the instruction set.
    unsafe {
        if let Some(last) = bytes.last_chunk::<LANE>() {
            *above_ascii |= lane_or::<V>(last).mask();
            lane_ends::<V>(last) >> (LANE - tail)
        } else {
            search_short::<V>(bytes, above_ascii)
        }
    }
}

/// Searches a chunk that is shorter than a lane.
///
/// # Safety
///
/// The CPU must have the instruction set.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[expect(clippy::inline_always, reason = "inlined into code that enables the instruction set")]
#[inline(always)]
unsafe fn search_short<V: Vector>(bytes: &[u8], above_ascii: &mut u64) -> u64 {
    let len = bytes.len();
    let last_word = bytes.last_chunk().map_or(0, |last| u64::from_le_bytes(*last));
    if len <= 16 {
        let first_word = up_to_8(bytes);
        *above_ascii |= (first_word | last_word) & 0x8080_8080_8080_8080;
        return word_ends(first_word) | word_ends(last_word) << len.saturating_sub(8);
    }
    // Two halves that overlap. They are copied to fixed places, which takes no loop, and then the
    // bits of the second one are moved to theirs.
    let mut lane = [0; LANE];
    let half = if let (Some(first), Some(last)) = (bytes.first_chunk::<32>(), bytes.last_chunk()) {
        lane[..32].copy_from_slice(first);
        lane[32..].copy_from_slice(last as &[u8; 32]);
        32
    } else {
        lane[..16].copy_from_slice(&bytes[..16]);
        lane[16..32].copy_from_slice(&bytes[len - 16..]);
        16
    };
    // SAFETY: the caller has the instruction set.
    let ends = unsafe {
        *above_ascii |= lane_or::<V>(&lane).mask();
        lane_ends::<V>(&lane)
    };
    ends & ((1 << half) - 1) | ends >> half << (len - half)
}

/// Returns the mask of a lane.
///
/// # Safety
///
/// The CPU must have the instruction set, and `lane` 64 bytes.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[expect(clippy::inline_always, reason = "inlined into code that enables the instruction set")]
#[inline(always)]
unsafe fn lane_ends<V: Vector>(lane: &[u8]) -> u64 {
    debug_assert_eq!(lane.len(), LANE);
    let mut mask = 0;
    for at in (0..LANE).step_by(V::LEN) {
        // SAFETY: the caller has the instruction set.
        mask |= unsafe { V::load(lane.as_ptr().add(at)).line_ends().mask() } << at;
    }
    mask
}

/// Returns the registers of a lane, combined with OR.
///
/// # Safety
///
/// The CPU must have the instruction set, and `lane` 64 bytes.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[expect(clippy::inline_always, reason = "inlined into code that enables the instruction set")]
#[inline(always)]
unsafe fn lane_or<V: Vector>(lane: &[u8]) -> V {
    debug_assert_eq!(lane.len(), LANE);
    // SAFETY: the caller has the instruction set.
    unsafe {
        let mut all = V::load(lane.as_ptr());
        for at in (V::LEN..LANE).step_by(V::LEN) {
            all = all.or(V::load(lane.as_ptr().add(at)));
        }
        all
    }
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[expect(clippy::cast_sign_loss, reason = "bits are meant")]
mod avx2 {
    use core::arch::x86_64::{
        __m256i, _mm_setr_epi8 as table, _mm256_broadcastsi128_si256 as both_halves,
        _mm256_cmpeq_epi8 as equal, _mm256_loadu_si256 as load, _mm256_movemask_epi8 as top_bits,
        _mm256_or_si256 as or, _mm256_shuffle_epi8 as look_up,
    };

    use super::{Search, Task, Vector, search_lanes, search_tail};

    /// Runs a task with AVX2.
    ///
    /// # Safety
    ///
    /// The CPU must have AVX2.
    #[inline(never)]
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn run<T: Task>(task: T) -> T::Output {
        // Invariant: the caller has AVX2.
        task.run(Avx2(()))
    }

    // Invariant: exists only where the CPU has AVX2.
    #[derive(Clone, Copy)]
    struct Avx2(());

    #[expect(clippy::inline_always, reason = "the task must be compiled with AVX2")]
    impl Search for Avx2 {
        #[inline(always)]
        fn search(self, bytes: &[u8], from: usize, above_ascii: &mut u64) -> (u64, usize) {
            // SAFETY: the invariant of `Avx2`.
            unsafe { search_lanes::<__m256i>(bytes, from, above_ascii) }
        }

        #[inline(always)]
        fn run<T: Task>(self, task: T) -> T::Output {
            // SAFETY: the invariant of `Avx2`.
            unsafe { run(task) }
        }
    }

    /// # Safety
    ///
    /// The CPU must have AVX2.
    #[inline(never)]
    #[target_feature(enable = "avx2")]
    unsafe fn tail_of(bytes: &[u8], tail: usize, above_ascii: &mut u64) -> u64 {
        // SAFETY: the caller has AVX2.
        unsafe { search_tail::<__m256i>(bytes, tail, above_ascii) }
    }

    // Inlined into `run`, which enables AVX2.
    #[expect(clippy::inline_always, reason = "see above")]
    impl Vector for __m256i {
        #[inline(always)]
        unsafe fn load(bytes: *const u8) -> Self {
            // SAFETY: the caller has AVX2, and passes 32 bytes.
            unsafe { load(bytes.cast()) }
        }

        /// One comparison for both bytes: `pshufb` looks up the low half of each byte in a table
        /// that holds 10 at index 10 and 13 at index 13, so LF and CR find themselves, and every
        /// other byte finds something else. It returns 0 for bytes above 127.
        #[inline(always)]
        unsafe fn line_ends(self) -> Self {
            // SAFETY: the caller has AVX2.
            unsafe {
                let own = table(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 10, -1, -1, 13, -1, -1);
                equal(self, look_up(both_halves(own), self))
            }
        }

        #[inline(always)]
        unsafe fn or(self, other: Self) -> Self {
            // SAFETY: the caller has AVX2.
            unsafe { or(self, other) }
        }

        #[inline(always)]
        unsafe fn mask(self) -> u64 {
            // SAFETY: the caller has AVX2.
            u64::from(unsafe { top_bits(self) } as u32)
        }

        #[inline(always)]
        unsafe fn search_tail(bytes: &[u8], tail: usize, above_ascii: &mut u64) -> u64 {
            // SAFETY: the caller has AVX2.
            unsafe { tail_of(bytes, tail, above_ascii) }
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

    /// Passes the next line end, and returns its index.
    fn next_line_end(chunk: &mut Chunk<'_>) -> Option<usize> {
        let mut scan = chunk.scan();
        let end = scan.line_end()?;
        scan.pass(end);
        Some(end)
    }

    #[test]
    fn all_searches_find_every_line_end() {
        for bytes in samples() {
            let is_end = |&at: &usize| wire::is_line_end(bytes[at]);
            let expected: Vec<_> = (0..bytes.len()).filter(is_end).collect();
            for search in [|a: &[u8], b, c: &mut u64| Any.search(a, b, c), search_portable] {
                let (mut found, mut from, mut above_ascii) = (Vec::new(), 0, 0);
                while from < bytes.len() {
                    let (mut ends, to) = search(&bytes, from, &mut above_ascii);
                    assert!(to > from && to % LANE == 0, "{from} {to}");
                    while ends != 0 {
                        found.push(to - LANE + ends.trailing_zeros() as usize);
                        ends &= ends - 1;
                    }
                    let is_ascii = bytes[..to.min(bytes.len())].is_ascii();
                    assert!(above_ascii != 0 || is_ascii, "{:?}", bytes.escape_ascii());
                    from = to;
                }
                assert_eq!(found, expected, "{:?}", bytes.escape_ascii());
                assert_eq!(above_ascii == 0, bytes.is_ascii(), "{:?}", bytes.escape_ascii());
            }
        }
    }

    #[test]
    fn what_is_known_to_be_text_is_text() {
        for bytes in samples() {
            let mut chunk = Chunk::new(Source::Lent(&bytes));
            let (mut start, mut line) = (0, 0);
            while start <= bytes.len() {
                let end = next_line_end(&mut chunk).unwrap_or(bytes.len());
                let expected = core::str::from_utf8(&bytes[start..end]).ok();
                line += 1;
                if line % 3 > 0 {
                    assert_eq!(chunk.check(start..end), expected.is_some());
                    assert_eq!(chunk.text(start..end), expected);
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
            let end = next_line_end(&mut chunk).expect("a line end");
            assert!(chunk.check(start + 6..end));
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
        assert_eq!(next_line_end(&mut chunk), None);
        assert!(chunk.check(0..3));
        assert!(chunk.text.end <= FIRST_CHECK);
        for start in (0..bytes.len()).step_by(3) {
            assert!(chunk.check(start..start + 3));
            assert_eq!(chunk.text(start..start + 3), Some("中"));
        }
        assert_eq!(chunk.ahead, LARGEST_CHECK);
    }
}
