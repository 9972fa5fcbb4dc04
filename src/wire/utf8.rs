//! Bytes to text.
//!
//! The standard decodes the stream before it looks for lines. Line ends, colons and spaces are
//! ASCII, and an ASCII byte is never part of a longer sequence. So decoding each value alone gives
//! the same text, and what is ignored need not be decoded at all.

use alloc::string::String;

use super::growth;

/// Returns the length of the valid text that `bytes` start with, and `true` if that is all of them
/// but a last character that may go on after them.
pub(crate) fn valid_prefix(bytes: &[u8]) -> (usize, bool) {
    // The check that just says yes or no is faster than the one that says where.
    if simdutf8::basic::from_utf8(bytes).is_ok() {
        return (bytes.len(), true);
    }
    match simdutf8::compat::from_utf8(bytes) {
        Ok(text) => (text.len(), true),
        Err(error) => (error.valid_up_to(), error.error_len().is_none()),
    }
}

/// Returns where the last whole character of `bytes` ends, as far as its lead byte tells.
///
/// A check that ends there need not be made again because a character was cut.
pub(crate) fn character_end(bytes: &[u8]) -> usize {
    for (after, byte) in bytes.iter().rev().take(4).enumerate() {
        let len = match byte {
            0x80..0xC0 => continue,
            0xF0.. => 4,
            0xE0.. => 3,
            0xC0.. => 2,
            _ => 1,
        };
        return bytes.len() - if len > after + 1 { after + 1 } else { 0 };
    }
    bytes.len()
}

/// Returns `bytes` as text, if they are UTF-8.
#[inline]
pub(crate) fn check(bytes: &[u8]) -> Option<&str> {
    simdutf8::basic::from_utf8(bytes).ok()
}

/// Writes `bytes` to `text`, with U+FFFD in the place of each maximal invalid sequence, as the
/// Encoding Standard's "UTF-8 decode" does. Returns `None` if that takes more than `most` bytes.
///
/// One invalid byte becomes three, so a value may grow to three times its size.
#[cold]
pub(crate) fn repair<'t>(bytes: &[u8], text: &'t mut String, most: usize) -> Option<&'t str> {
    text.clear();
    for chunk in bytes.utf8_chunks() {
        let replacement = if chunk.invalid().is_empty() { "" } else { "\u{fffd}" };
        let len = chunk.valid().len() + replacement.len();
        if text.len() + len > most {
            *text = String::new();
            return None;
        }
        text.reserve_exact(growth(text.len(), text.capacity(), len, most));
        text.push_str(chunk.valid());
        text.push_str(replacement);
    }
    Some(text)
}

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

    #[test]
    fn repairs_as_the_standard_library_does() {
        let mut text = String::new();
        for bytes in TRICKY {
            let expected = String::from_utf8_lossy(bytes);
            assert_eq!(repair(bytes, &mut text, usize::MAX), Some(&*expected), "{bytes:x?}");
            assert_eq!(repair(bytes, &mut text, expected.len()), Some(&*expected), "{bytes:x?}");
            assert_eq!(repair(bytes, &mut text, expected.len() - 1), None, "{bytes:x?}");
            assert_eq!(text.capacity(), 0, "a refused value holds nothing");
        }
    }

    #[test]
    fn the_repaired_text_takes_no_more_than_it_may() {
        let mut text = String::new();
        assert!(repair(&[0xFF; 1000], &mut text, 3000).is_some());
        assert!(text.capacity() <= 3000, "{}", text.capacity());
    }

    #[test]
    fn a_character_that_is_cut_is_left_out() {
        for text in ["", "a", "é", "中", "😀", "a中", "中a"] {
            assert_eq!(character_end(text.as_bytes()), text.len(), "{text}");
            let start = text.char_indices().next_back().map_or(0, |(start, _)| start);
            for end in start + 1..text.len() {
                assert_eq!(character_end(&text.as_bytes()[..end]), start, "{text} {end}");
            }
        }
        assert_eq!(character_end(b"\x80\x80\x80\x80\x80"), 5, "no character at all");
    }

    #[test]
    fn valid_prefix_leaves_out_the_cut_and_the_invalid() {
        assert_eq!(valid_prefix("a中".as_bytes()), (4, true));
        assert_eq!(valid_prefix(&"a中".as_bytes()[..3]), (1, true));
        assert_eq!(valid_prefix(b"ab\xffcd"), (2, false));
        assert_eq!(valid_prefix(b"ab\xe0\x80"), (2, false));
        assert_eq!(valid_prefix(b"\x80"), (0, false));
        assert_eq!(valid_prefix(b""), (0, true));
    }
}
