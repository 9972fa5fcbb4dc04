//! Parses a line: its field, and the start of its value.

use core::fmt;

/// The kind of a line, which its field name decides.
///
/// Names are compared exactly, as the standard requires: `Data` and `data ` are [`Field::Unknown`].
///
/// ```
/// use sse_wire::Field;
///
/// assert_eq!((Field::Retry.name(), Field::Comment.name()), ("retry", ""));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// `data`: one line of the event's data.
    Data,
    /// `event`: the event type.
    Event,
    /// `id`: the last event ID.
    Id,
    /// `retry`: the reconnection time.
    Retry,
    /// A line that starts with a colon.
    Comment,
    /// A line with any other name, which the standard ignores.
    Unknown,
}

impl Field {
    /// Returns the field name as it is written on the wire, or `""` for comments and unknown
    /// fields.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Event => "event",
            Self::Id => "id",
            Self::Retry => "retry",
            Self::Comment | Self::Unknown => "",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Comment => f.write_str("a comment"),
            Self::Unknown => f.write_str("an unknown field"),
            known => write!(f, "field `{}`", known.name()),
        }
    }
}

/// Returns the field of a line, and the index where its value starts.
///
/// The line must not be empty, and must not include its line end. For an unknown field the index is
/// 0: decoding ignores the value, so this does not search for the colon. See [`unknown`] for that.
#[expect(clippy::inline_always, reason = "a call for each line costs a tenth of the time")]
#[inline(always)]
pub(crate) fn split(line: &[u8]) -> (Field, usize) {
    // Nine out of ten lines are data lines, and most of the others are comments.
    if line.starts_with(b"data: ") {
        (Field::Data, 6)
    } else if line.first() == Some(&b':') {
        (Field::Comment, value_start(line, 1))
    } else {
        split_name(line)
    }
}

// Out of line, because the loop over lines needs the registers.
#[inline(never)]
fn split_name(line: &[u8]) -> (Field, usize) {
    let (field, name) = match line {
        [b'd', b'a', b't', b'a', ..] => (Field::Data, 4),
        [b'e', b'v', b'e', b'n', b't', ..] => (Field::Event, 5),
        [b'i', b'd', ..] => (Field::Id, 2),
        [b'r', b'e', b't', b'r', b'y', ..] => (Field::Retry, 5),
        _ => return (Field::Unknown, 0),
    };
    match line.get(name) {
        Some(b':') => (field, value_start(line, name + 1)),
        // "Otherwise, the string is not empty but does not contain a U+003A COLON character": the
        // whole line is the field name, and the value is empty.
        None => (field, name),
        // A longer name that starts with a known one.
        Some(_) => (Field::Unknown, 0),
    }
}

/// Returns the indices where the name of an unknown field ends and where its value starts.
pub(crate) fn unknown(line: &[u8]) -> (usize, usize) {
    match memchr::memchr(b':', line) {
        Some(colon) => (colon, value_start(line, colon + 1)),
        None => (line.len(), line.len()),
    }
}

/// Returns the index where the value starts: "If value starts with a U+0020 SPACE character, remove
/// it from value." That is one space at most, and no other white space.
#[inline]
fn value_start(line: &[u8], after_colon: usize) -> usize {
    after_colon + usize::from(line.get(after_colon) == Some(&b' '))
}

/// Returns the value of a `retry` field in milliseconds, or `None` if the field is to be ignored.
///
/// "If the field value consists of only ASCII digits, then interpret the field value as an integer
/// in base ten." An empty value is not an integer. (Blink falls back to its default time there.)
/// The standard has no upper bound; larger values saturate at `u64::MAX`.
#[inline(never)]
pub(crate) fn parse_retry(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit =
        |millis: u64, digit: &u8| millis.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    Some(value.iter().fold(0, digit))
}

/// Returns `true` if the value of an `id` field is valid: "If the field value does not contain
/// U+0000 NULL, then set the last event ID buffer to the field value. Otherwise, ignore the field."
pub(crate) fn is_id(value: &[u8]) -> bool {
    memchr::memchr(0, value).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_whole() {
        for (line, field, start) in [
            ("data", Field::Data, 4),
            ("data:", Field::Data, 5),
            ("data: x", Field::Data, 6),
            ("data:x", Field::Data, 5),
            ("data:  x", Field::Data, 6),
            ("data ", Field::Unknown, 0),
            ("dat", Field::Unknown, 0),
            ("datax:", Field::Unknown, 0),
            ("event:e", Field::Event, 6),
            ("event", Field::Event, 5),
            ("events", Field::Unknown, 0),
            ("id", Field::Id, 2),
            ("id:", Field::Id, 3),
            ("id: 7", Field::Id, 4),
            ("idx", Field::Unknown, 0),
            ("i", Field::Unknown, 0),
            ("retry: 5", Field::Retry, 7),
            ("retry", Field::Retry, 5),
            ("ret", Field::Unknown, 0),
            (":", Field::Comment, 1),
            (": c", Field::Comment, 2),
            ("x", Field::Unknown, 0),
            ("Data: x", Field::Unknown, 0),
            (" data: x", Field::Unknown, 0),
            ("\u{feff}data: x", Field::Unknown, 0),
            ("d\0ta:x", Field::Unknown, 0),
        ] {
            assert_eq!(split(line.as_bytes()), (field, start), "{line:?}");
        }
        assert_eq!(unknown(b"error: no: quota"), (5, 7));
        assert_eq!(unknown(b"error"), (5, 5));
    }

    #[test]
    fn digits_saturate_and_refuse_the_rest() {
        assert_eq!(parse_retry(b"0"), Some(0));
        assert_eq!(parse_retry(b"0030"), Some(30));
        assert_eq!(parse_retry(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_retry(b"18446744073709551616"), Some(u64::MAX));
        for text in ["", "+5", "-5", "5 ", "5.", "٣", "5a5"] {
            assert_eq!(parse_retry(text.as_bytes()), None, "{text:?}");
        }
    }
}
