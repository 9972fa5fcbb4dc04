//! The rules of the standard for one line: which field is it, and where does its value start?

use core::fmt;

use crate::scan::is_line_end;

/// What a line of an event stream is, by its field name.
///
/// From the standard's table of field names; names are compared exactly, so `Data` and `data `
/// are [`Field::Unknown`].
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
    /// Any other name. The standard ignores the line.
    Unknown,
}

impl Field {
    /// The field name as it stands on the wire; empty for comments and unknown fields.
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

    /// The field with this name.
    pub(crate) fn named(name: &[u8]) -> Self {
        match name {
            b"data" => Self::Data,
            b"event" => Self::Event,
            b"id" => Self::Id,
            b"retry" => Self::Retry,
            b"" => Self::Comment,
            _ => Self::Unknown,
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

/// Splits a whole, non-empty line without its line end: the field and where its value starts.
///
/// For an unknown field, whose value nobody reads here, the start is 0.
#[inline]
pub(crate) fn split(line: &[u8]) -> (Field, usize) {
    // Nine of ten lines are data lines: one compare of the whole prefix settles them.
    if line.starts_with(b"data:") {
        return (Field::Data, value_start(line, 5));
    }
    match line {
        [b':', ..] => (Field::Comment, value_start(line, 1)),
        [b'i', b'd', b':', ..] => (Field::Id, value_start(line, 3)),
        _ if line.starts_with(b"event:") => (Field::Event, value_start(line, 6)),
        _ if line.starts_with(b"retry:") => (Field::Retry, value_start(line, 6)),
        // A line without a colon is a field name with an empty value.
        _ => match Field::named(line) {
            Field::Unknown => (Field::Unknown, 0),
            known => (known, line.len()),
        },
    }
}

/// Bytes of the longest known name with its colon and space. So many bytes of a line tell all that
/// [`split`] looks at.
pub(crate) const LONGEST_START: usize = "retry: ".len();

/// "If value starts with a U+0020 SPACE character, remove it": one space, and no other character.
#[inline]
pub(crate) fn value_start(line: &[u8], after_colon: usize) -> usize {
    after_colon + usize::from(line.get(after_colon) == Some(&b' '))
}

/// How far a line has been read whose end has not arrived.
///
/// Names are recognised byte by byte, so that no part of a name or of an ignored line is ever
/// kept: an endless line costs these two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// At the start of the stream, this many bytes of the byte order mark seen.
    Bom(u8),
    /// At the start of a line.
    Start,
    /// In a field name, which so far has the first `1..=len` bytes of this field's name.
    Name(Field, u8),
    /// Behind the colon: one space may follow that is not part of the value.
    Colon(Field),
    /// In the value.
    Value(Field),
}

impl Line {
    /// The state after one more byte, which ends no line.
    pub(crate) fn step(self, byte: u8) -> Self {
        let named = |field: Field, seen: u8| match field.name().as_bytes().get(usize::from(seen)) {
            Some(&expected) if expected == byte => Self::Name(field, seen + 1),
            None if byte == b':' => Self::Colon(field),
            _ => Self::Value(Field::Unknown),
        };
        match (self, byte) {
            (Self::Bom(seen), _) => match byte == BOM[usize::from(seen)] {
                true if usize::from(seen) + 1 == BOM.len() => Self::Start,
                true => Self::Bom(seen + 1),
                false if seen == 0 => Self::Start.step(byte),
                // A part of a byte order mark is just the start of an unknown name.
                false => Self::Value(Field::Unknown),
            },
            (Self::Start, b':') => Self::Colon(Field::Comment),
            // The four names differ in their first byte, so one candidate is left.
            (Self::Start, b'd') => named(Field::Data, 0),
            (Self::Start, b'e') => named(Field::Event, 0),
            (Self::Start, b'i') => named(Field::Id, 0),
            (Self::Start, b'r') => named(Field::Retry, 0),
            (Self::Start, _) => Self::Value(Field::Unknown),
            (Self::Name(field, seen), _) => named(field, seen),
            (Self::Colon(field) | Self::Value(field), _) => Self::Value(field),
        }
    }

    /// The field, as soon as the name is known.
    pub(crate) fn field(self) -> Option<Field> {
        match self {
            Self::Bom(_) | Self::Start | Self::Name(..) => None,
            Self::Colon(field) | Self::Value(field) => Some(field),
        }
    }

    /// The field of a line that ends here; `None` if the line is empty.
    pub(crate) fn field_at_end(self) -> Option<Field> {
        match self {
            Self::Bom(0) | Self::Start => None,
            Self::Name(field, seen) if usize::from(seen) == field.name().len() => Some(field),
            Self::Bom(_) | Self::Name(..) => Some(Field::Unknown),
            Self::Colon(field) | Self::Value(field) => Some(field),
        }
    }

    /// The field that the last of these bytes belongs to, as far as the bytes up to it tell.
    pub(crate) fn field_at_last(mut self, bytes: &[u8]) -> Option<Field> {
        for &byte in bytes {
            if is_line_end(byte) {
                return self.field_at_end();
            }
            self = self.step(byte);
        }
        self.field()
    }
}

/// U+FEFF in UTF-8. "The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM), if
/// any": one, so a second is part of the first line.
pub(crate) const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// The value of a `retry` field, read digit by digit, so that endless digits take no memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Digits {
    #[default]
    Empty,
    Millis(u64),
    Invalid,
}

impl Digits {
    /// Reads the next part of the value. "If the field value consists of only ASCII digits."
    pub(crate) fn push(&mut self, part: &[u8]) {
        for &byte in part {
            let millis = match *self {
                Self::Empty => 0,
                Self::Millis(millis) => millis,
                Self::Invalid => return,
            };
            // The standard has no upper bound: the longest time that can be told stands for
            // every longer one.
            *self = match byte {
                b'0'..=b'9' => {
                    Self::Millis(millis.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
                }
                _ => Self::Invalid,
            };
        }
    }

    /// The milliseconds, if the value was a number.
    ///
    /// An empty value is none: it consists of digits only in that it holds nothing else, and there
    /// is no integer in it. (Blink takes it for its default time.)
    pub(crate) fn finish(self) -> Option<u64> {
        match self {
            Self::Millis(millis) => Some(millis),
            Self::Empty | Self::Invalid => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stepping_through_a_line_agrees_with_splitting_it() {
        for line in [
            "data",
            "data:",
            "data: x",
            "data:x",
            "data ",
            "dat",
            "datax:",
            "event:e",
            "event",
            "events",
            "id",
            "id:",
            "id: 7",
            "idx",
            "i",
            "retry: 5",
            "retry",
            "ret",
            ":",
            ": c",
            "x",
            "Data: x",
            " data: x",
            "\u{feff}data: x",
            "d\0ta:x",
        ] {
            let end = line.bytes().fold(Line::Start, Line::step);
            assert_eq!(end.field_at_end(), Some(split(line.as_bytes()).0), "{line:?}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_stepped_over_once() {
        let bom = BOM.into_iter().fold(Line::Bom(0), Line::step);
        assert_eq!(bom, Line::Start);
        assert_eq!(Line::Bom(0).step(b':'), Line::Colon(Field::Comment));
        assert_eq!(Line::Bom(1).field_at_end(), Some(Field::Unknown));
        assert_eq!(Line::Bom(2).step(b'd'), Line::Value(Field::Unknown));
    }

    #[test]
    fn digits_saturate_and_refuse_the_rest() {
        let parse = |text: &str| {
            let mut whole = Digits::default();
            whole.push(text.as_bytes());
            let mut single = Digits::default();
            text.bytes().for_each(|byte| single.push(&[byte]));
            assert_eq!(whole.finish(), single.finish(), "{text:?}");
            whole.finish()
        };
        assert_eq!(parse("0"), Some(0));
        assert_eq!(parse("0030"), Some(30));
        assert_eq!(parse("18446744073709551616"), Some(u64::MAX));
        for text in ["", "+5", "-5", "5 ", "5.", "٣", "5a5"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
