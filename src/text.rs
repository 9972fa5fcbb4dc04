//! Bytes to text: the parts of a value joined, split characters made whole, the invalid replaced.
//!
//! The standard decodes the stream before it looks for lines. Line ends, colons and spaces are
//! ASCII, which never is part of a longer sequence, so decoding each value for itself gives the
//! same text, and what is ignored is never decoded at all.

use alloc::string::String;

/// U+FFFD takes this many bytes, and what it stands for may be shorter.
const REPLACEMENT_LEN: u64 = char::REPLACEMENT_CHARACTER.len_utf8() as u64;

/// The valid text that these bytes start with.
///
/// A last character that is cut is left out, and so is all from the first invalid byte on.
pub(crate) fn valid_prefix(bytes: &[u8]) -> &str {
    let whole = &bytes[..bytes.len() - cut_len(bytes)];
    simdutf8::basic::from_utf8(whole).unwrap_or_else(|_| {
        // Only here is it worth to find out where: the fast check just says no.
        let valid = simdutf8::compat::from_utf8(whole).map_or_else(|e| e.valid_up_to(), str::len);
        core::str::from_utf8(&whole[..valid]).unwrap_or_default()
    })
}

/// How many bytes at the end are the start of a character that goes on behind them.
fn cut_len(bytes: &[u8]) -> usize {
    if bytes.last().is_none_or(u8::is_ascii) {
        return 0;
    }
    // The longest character has four bytes, so the lead byte of a cut one is among the last three.
    let near = bytes.len().saturating_sub(3);
    let Some(lead) = bytes[near..].iter().rposition(|&byte| byte >= 0xC0) else {
        return 0;
    };
    let tail = &bytes[near + lead..];
    if is_cut(tail) { tail.len() } else { 0 }
}

/// Whether this is the start of one character, and so far valid.
fn is_cut(bytes: &[u8]) -> bool {
    core::str::from_utf8(bytes).is_err_and(|e| e.valid_up_to() == 0 && e.error_len().is_none())
}

/// What appending to a text came upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Replacements made the text longer than its block may be.
    TooLarge,
    /// The value that ends here is not UTF-8, from this offset of the stream on.
    Invalid(u64),
}

/// Joins the parts of one value after the other to text.
#[derive(Clone, Debug)]
pub(crate) struct Joiner {
    /// Where the value under way stopped to be UTF-8; only kept where that is a fault.
    invalid_at: u64,
    /// The first bytes of a character whose others come with the next part.
    cut: [u8; 3],
    cut_len: u8,
    /// Invalid bytes are a fault of their line, not replaced.
    rejects: bool,
}

/// No offset: a stream never gets so long.
const NOWHERE: u64 = u64::MAX;

/// A part of a value, and where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) bytes: &'a [u8],
    /// The bytes as text, if they are known to be that.
    pub(crate) text: Option<&'a str>,
    /// Offset in the stream of the first byte.
    pub(crate) at: u64,
    /// Offset in the stream that the block may not reach beyond. What lies before it bounds the
    /// growth of the buffer, and each byte that a replacement adds takes one away.
    pub(crate) fence: u64,
}

impl Piece<'_> {
    pub(crate) fn split_at(self, mid: usize) -> (Self, Self) {
        let (left, right) = self.bytes.split_at(mid);
        let at = self.at + mid as u64;
        let text = None;
        (Self { bytes: left, text, ..self }, Self { bytes: right, text, at, ..self })
    }

    /// How many bytes the block may still bring, these included.
    pub(crate) fn room(self) -> usize {
        usize::try_from(self.fence.saturating_sub(self.at)).unwrap_or(usize::MAX)
    }
}

impl Joiner {
    pub(crate) fn new(rejects: bool) -> Self {
        Self { invalid_at: NOWHERE, cut: [0; 3], cut_len: 0, rejects }
    }

    /// Whether the value under way, or its next part, starts here as if nothing was before it.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.cut_len == 0 && self.invalid_at == NOWHERE
    }

    /// Forgets the value under way.
    #[inline]
    pub(crate) fn reset(&mut self) {
        self.invalid_at = NOWHERE;
        self.cut_len = 0;
    }

    /// Appends a part of a value, for which there is room; `ends` tells whether the value ends
    /// with it. How many bytes longer it became by replacements.
    #[inline]
    pub(crate) fn append(
        &mut self,
        text: &mut String,
        piece: Piece<'_>,
        ends: bool,
    ) -> Result<u64, Trouble> {
        if let (Some(whole), true) = (piece.text, self.is_idle()) {
            text.push_str(whole);
            return Ok(0);
        }
        self.append_unknown(text, piece, ends)
    }

    fn append_unknown(
        &mut self,
        text: &mut String,
        piece: Piece<'_>,
        ends: bool,
    ) -> Result<u64, Trouble> {
        let fence = piece.fence;
        let piece = if self.cut_len == 0 { piece } else { self.complete_cut(text, piece)? };
        let cut = if ends { 0 } else { cut_len(piece.bytes) };
        let (whole, mut cut) = piece.split_at(piece.bytes.len() - cut);
        match simdutf8::basic::from_utf8(whole.bytes) {
            Ok(valid) => text.push_str(valid),
            Err(_) => cut.fence = self.append_lossy(text, whole)?.fence,
        }
        for &byte in cut.bytes {
            self.cut[usize::from(self.cut_len)] = byte;
            self.cut_len += 1;
        }
        if ends {
            cut = self.invalid_cut(text, cut)?;
            let invalid_at = core::mem::replace(&mut self.invalid_at, NOWHERE);
            if invalid_at != NOWHERE {
                return Err(Trouble::Invalid(invalid_at));
            }
        }
        Ok(fence - cut.fence)
    }

    /// Completes the cut character with the first bytes of the next part. What is left of that.
    fn complete_cut<'a>(
        &mut self,
        text: &mut String,
        piece: Piece<'a>,
    ) -> Result<Piece<'a>, Trouble> {
        for (taken, &byte) in piece.bytes.iter().enumerate() {
            let len = usize::from(self.cut_len);
            let (_, rest) = piece.split_at(taken);
            if len == 0 {
                return Ok(rest);
            }
            let mut sequence = [0; 4];
            sequence[..len].copy_from_slice(&self.cut[..len]);
            sequence[len] = byte;
            match core::str::from_utf8(&sequence[..=len]) {
                Ok(character) => {
                    text.push_str(character);
                    self.cut_len = 0;
                }
                Err(e) if e.error_len().is_none() => {
                    self.cut[len] = byte;
                    self.cut_len += 1;
                }
                // The byte is not part of the character, so it may start another one.
                Err(_) => return self.invalid_cut(text, rest),
            }
        }
        Ok(piece.split_at(piece.bytes.len()).1)
    }

    /// The cut character, if there is one, ends before the piece `next`.
    fn invalid_cut<'a>(
        &mut self,
        text: &mut String,
        next: Piece<'a>,
    ) -> Result<Piece<'a>, Trouble> {
        match core::mem::take(&mut self.cut_len) {
            0 => Ok(next),
            len => self.invalid(text, u64::from(len), next),
        }
    }

    #[cold]
    fn append_lossy<'a>(
        &mut self,
        text: &mut String,
        mut piece: Piece<'a>,
    ) -> Result<Piece<'a>, Trouble> {
        for chunk in piece.bytes.utf8_chunks() {
            reserve(text, chunk.valid().len(), piece.room());
            text.push_str(chunk.valid());
            (_, piece) = piece.split_at(chunk.valid().len() + chunk.invalid().len());
            if !chunk.invalid().is_empty() {
                piece = self.invalid(text, chunk.invalid().len() as u64, piece)?;
            }
        }
        Ok(piece)
    }

    /// A sequence of `len` bytes before the piece `next` is the longest prefix of a character
    /// there ("maximal subpart"): one U+FFFD, or a fault.
    #[cold]
    fn invalid<'a>(
        &mut self,
        text: &mut String,
        len: u64,
        mut next: Piece<'a>,
    ) -> Result<Piece<'a>, Trouble> {
        if self.rejects {
            self.invalid_at = self.invalid_at.min(next.at - len);
            return Ok(next);
        }
        // One invalid byte becomes three: counted to the block, or a block within the limit
        // could take three times the memory.
        next.fence = next.fence.saturating_sub(REPLACEMENT_LEN - len);
        if next.at > next.fence {
            return Err(Trouble::TooLarge);
        }
        reserve(text, char::REPLACEMENT_CHARACTER.len_utf8(), next.room());
        text.push(char::REPLACEMENT_CHARACTER);
        Ok(next)
    }
}

/// Makes room for `additional` bytes. See [`growth`].
pub(crate) fn reserve(text: &mut String, additional: usize, room: usize) {
    text.reserve_exact(growth(text.len(), text.capacity(), additional, room));
}

/// How much to reserve for `additional` bytes: as many again as are there, but not more than the
/// block may still bring. Doubling alone would take up to twice the block limit.
///
/// Nor does it go beyond [`KEPT`] before it must, so that who needs a little less does not allocate
/// for every block.
pub(crate) fn growth(len: usize, capacity: usize, additional: usize, room: usize) -> usize {
    if capacity - len >= additional {
        return 0;
    }
    let double = additional.max(len.min(room));
    if len + additional <= KEPT { double.min(KEPT - len) } else { double }
}

/// Decoders keep buffers of at most this many bytes when a block is done, so that one large event
/// does not hold its memory for the rest of the connection.
pub(crate) const KEPT: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// Every class of the Encoding Standard's "UTF-8 decoder": what is invalid, and how long.
    const TRICKY: &[&[u8]] = &[
        b"plain",
        "中文 é 😀 \u{10ffff}".as_bytes(),
        b"\x80",
        b"\xbf\xbf",
        b"\xc0\xaf",
        b"\xc1\x81",
        b"\xc2",
        b"\xc2A",
        b"\xe0\x80\x80",
        b"\xe4\xb8",
        b"\xe4\xb8A",
        b"\xe4\xe4\xb8\xad",
        b"\xed\xa0\x80",
        b"\xf0\x80\x80\x80",
        b"\xf0\x9f\x98",
        b"\xf0\x9f\x98\xf0\x9f\x98\x80",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80",
        b"\xff",
    ];

    fn append(
        joiner: &mut Joiner,
        text: &mut String,
        piece: Piece<'_>,
        ends: bool,
    ) -> Result<u64, Trouble> {
        reserve(text, piece.bytes.len(), piece.room());
        joiner.append(text, piece, ends)
    }

    fn piece(bytes: &[u8], at: u64, fence: u64) -> Piece<'_> {
        Piece { bytes, text: None, at, fence }
    }

    #[test]
    fn every_split_gives_what_the_whole_gives() {
        for bytes in TRICKY {
            let expected = String::from_utf8_lossy(bytes);
            for first in 0..=bytes.len() {
                for second in first..=bytes.len() {
                    let (mut text, mut joiner) = (String::new(), Joiner::new(false));
                    let (left, rest) = piece(bytes, 0, u64::MAX).split_at(first);
                    let (middle, right) = rest.split_at(second - first);
                    for (part, ends) in [(left, false), (middle, false), (right, true)] {
                        append(&mut joiner, &mut text, part, ends).unwrap();
                    }
                    assert_eq!(text, expected, "{bytes:x?} at {first}, {second}");
                }
            }
        }
    }

    #[test]
    fn the_first_invalid_byte_is_located_across_parts() {
        let (mut text, mut joiner) = (String::new(), Joiner::new(true));
        assert_eq!(append(&mut joiner, &mut text, piece(b"a\xe4", 10, u64::MAX), false), Ok(0));
        assert_eq!(append(&mut joiner, &mut text, piece(b"\xb8", 12, u64::MAX), false), Ok(0));
        let fault = append(&mut joiner, &mut text, piece(b"b\xff", 13, u64::MAX), true);
        assert_eq!(fault, Err(Trouble::Invalid(11)));
        assert_eq!(append(&mut joiner, &mut text, piece(b"fine", 15, u64::MAX), true), Ok(0));
    }

    #[test]
    fn replacements_are_counted_and_bounded() {
        let (mut text, mut joiner) = (String::new(), Joiner::new(false));
        assert_eq!(append(&mut joiner, &mut text, piece(b"\xff\xff", 0, 6), true), Ok(4));
        assert_eq!(
            append(&mut joiner, &mut text, piece(b"\xff", 2, 2), true),
            Err(Trouble::TooLarge)
        );
        assert_eq!(text.len(), 6);
    }

    #[test]
    fn the_buffer_never_takes_more_than_the_block_may() {
        let (mut text, mut joiner) = (String::new(), Joiner::new(false));
        for at in (0..1000).step_by(10) {
            append(&mut joiner, &mut text, piece(b"0123456789", at, 1000), false).unwrap();
            assert!(text.capacity() <= 1000, "{}", text.capacity());
        }
    }

    #[test]
    fn valid_prefix_leaves_out_the_cut_and_the_invalid() {
        assert_eq!(valid_prefix("a中".as_bytes()), "a中");
        assert_eq!(valid_prefix(&"a中".as_bytes()[..3]), "a");
        assert_eq!(valid_prefix(b"ab\xffcd"), "ab");
        assert_eq!(valid_prefix(b"ab\xe0\x80"), "ab");
        assert_eq!(valid_prefix(b"\x80"), "");
        assert_eq!(valid_prefix(b""), "");
    }
}
