//! The only code that searches bytes: where does a line end?

pub(crate) const LF: u8 = b'\n';
pub(crate) const CR: u8 = b'\r';

/// The index of the first LF or CR, which ends the line that starts at index 0.
#[inline]
pub(crate) fn line_end(bytes: &[u8]) -> Option<usize> {
    let end = memchr::memchr2(LF, CR, bytes);
    #[cfg(test)]
    searched::add(end.map_or(bytes.len(), |index| index + 1));
    end
}

/// Counts what is searched, for the test that no byte is searched twice.
#[cfg(test)]
pub(crate) mod searched {
    extern crate std;

    use core::cell::Cell;

    std::thread_local! {
        static BYTES: Cell<usize> = const { Cell::new(0) };
    }

    pub(crate) fn add(bytes: usize) {
        BYTES.set(BYTES.get() + bytes);
    }

    /// The bytes that this thread has searched since the last call.
    pub(crate) fn take() -> usize {
        BYTES.take()
    }
}

/// The index of the first colon, which ends a field name.
#[inline]
pub(crate) fn colon(line: &[u8]) -> Option<usize> {
    memchr::memchr(b':', line)
}

/// The index of the first NUL, which makes the value of an `id` field void.
#[inline]
pub(crate) fn nul(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(0, bytes)
}

/// Whether this byte ends a line. Only LF and CR do: U+2028, U+0085, VT and FF are text.
#[inline]
pub(crate) const fn is_line_end(byte: u8) -> bool {
    byte == LF || byte == CR
}

/// The lines of a text that is to be written, split at LF, CR and CRLF.
///
/// A text that ends with a line end has an empty last line, and the empty text has one empty
/// line, so joining the lines with LF gives the text back (its line ends made LF).
pub(crate) fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    core::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = line_end(text.as_bytes()) else {
            rest = None;
            return Some(text);
        };
        let (line, tail) = text.split_at(end);
        rest = Some(tail.strip_prefix("\r\n").unwrap_or(&tail[1..]));
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

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
