//! The stateless parts of the wire format: line ends, field names, UTF-8.

pub(crate) mod content_type;
pub(crate) mod field;
pub(crate) mod utf8;

use core::fmt;

pub(crate) const LF: u8 = b'\n';
pub(crate) const CR: u8 = b'\r';

/// U+FEFF in UTF-8.
///
/// "The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM), if any." A second
/// one is part of the first line.
pub(crate) const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// Returns `true` for LF and CR. U+2028, U+0085, VT and FF do not end a line.
#[inline]
pub(crate) const fn is_line_end(byte: u8) -> bool {
    byte == LF || byte == CR
}

/// Returns the index of the first LF or CR.
#[inline]
pub(crate) fn line_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr2(LF, CR, bytes)
}

/// Returns the length of the line end at the start of `bytes`: 2 for CRLF, 1 for CR or LF, else 0.
#[inline]
pub(crate) fn line_end_len(bytes: &[u8]) -> usize {
    match bytes {
        [CR, LF, ..] => 2,
        [CR | LF, ..] => 1,
        _ => 0,
    }
}

/// Splits a text at LF, CR and CRLF, to encode it line by line.
///
/// A text that ends with a line end has an empty last line, and an empty text has one empty line.
/// So joining the lines with LF yields the same text, except that each line end is LF.
pub(crate) fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    core::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = line_end(text.as_bytes()) else {
            rest = None;
            return Some(text);
        };
        rest = Some(&text[end + line_end_len(&text.as_bytes()[end..])..]);
        Some(&text[..end])
    })
}

/// The number of digits of `u64::MAX`.
pub(crate) const MAX_DIGITS: usize = 20;

/// Writes the decimal digits of a number to the end of the array, and returns them.
// Writing to a `Vec<u8>` with `write!` would need `std`.
pub(crate) fn decimal(mut number: u64, digits: &mut [u8; MAX_DIGITS]) -> &str {
    let mut start = MAX_DIGITS;
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    core::str::from_utf8(&digits[start..]).unwrap_or_default()
}

/// The largest buffer, in bytes, that a decoder keeps for the next block. The memory of a large
/// block would otherwise stay allocated for the rest of the connection.
pub(crate) const KEPT: usize = 64 * 1024;

/// Up to this many bytes are copied out of a buffer that will be reused. Larger contents take over the
/// buffer itself.
pub(crate) const COPIED: usize = 16 * 1024;

/// Returns the number of bytes to reserve for appending `additional` bytes to a buffer that will
/// never hold more than `most`, or 0 if it has room for them.
///
/// The capacity doubles, so that appending takes linear time, but only up to `most`. Doubling alone
/// could allocate twice the limit of a block.
#[inline]
pub(crate) fn growth(len: usize, capacity: usize, additional: usize, most: usize) -> usize {
    if capacity - len >= additional { 0 } else { double(len, additional, most) }
}

#[cold]
fn double(len: usize, additional: usize, most: usize) -> usize {
    const SMALLEST: usize = 256;

    // The buffer grows beyond `KEPT` only if it must. Otherwise blocks of slightly less than `KEPT`
    // would allocate it anew each time.
    let most = if len + additional <= KEPT { most.min(KEPT) } else { most };
    len.max(SMALLEST).min(most.saturating_sub(len)).max(additional)
}

/// Formats the first 200 bytes of a string, and its length if it is longer, to keep logs readable.
pub(crate) struct Shortened<'a>(pub(crate) &'a str);

impl fmt::Debug for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = start_of(self.0);
        if start.len() == self.0.len() {
            return fmt::Debug::fmt(self.0, f);
        }
        write!(f, "{start:?}.. ({} bytes)", self.0.len())
    }
}

/// Does what [`Shortened`] does, for bytes.
pub(crate) struct ShortenedBytes<'a>(pub(crate) &'a [u8]);

impl fmt::Debug for ShortenedBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = &self.0[..self.0.len().min(SHOWN)];
        write!(f, "b\"{}\"", start.escape_ascii())?;
        if start.len() < self.0.len() {
            write!(f, ".. ({} bytes)", self.0.len())?;
        }
        Ok(())
    }
}

/// The number of payload bytes that `Debug` output or an error shows at most.
const SHOWN: usize = 200;

/// Returns the longest start of `text` that has at most 200 bytes and ends between two characters.
pub(crate) fn start_of(text: &str) -> &str {
    let most = text.len().min(SHOWN);
    let end = (0..=most).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec::Vec};

    use super::*;

    #[test]
    fn decimal_writes_what_display_writes() {
        for number in [0, 7, 10, 3000, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(decimal(number, &mut [0; MAX_DIGITS]), number.to_string());
        }
    }

    #[test]
    fn only_lf_and_cr_end_a_line() {
        assert_eq!(line_end("a\u{2028}\u{85}\u{b}\u{c}b".as_bytes()), None);
        assert_eq!(line_end(b"ab\rc\n"), Some(2));
        assert_eq!(line_end(b"ab\n\r"), Some(2));
    }

    #[test]
    fn split_lines_keeps_empty_lines() {
        let lines = |text| split_lines(text).collect::<Vec<_>>();
        assert_eq!(lines(""), [""]);
        assert_eq!(lines("a"), ["a"]);
        assert_eq!(lines("a\n"), ["a", ""]);
        assert_eq!(lines("a\r\nb\rc\n\nd"), ["a", "b", "c", "", "d"]);
        assert_eq!(lines("\n\r"), ["", "", ""]);
    }
}
