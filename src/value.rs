//! Strings that can stand on the wire as they are.

use alloc::string::String;
use core::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use crate::{
    error::InvalidValue,
    wire::{MAX_DIGITS, Shortened, decimal},
};

/// A string type for the value of a field which is one line.
macro_rules! value_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, forbids $($byte:pat_param)|+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name<'a>(
            // Invariant: holds none of the forbidden bytes. Every way to make one checks it.
            &'a str,
        );

        impl<'a> $name<'a> {
            /// Checks a string.
            ///
            /// # Errors
            ///
            /// If a byte is not allowed: the error has the first one, and its position.
            pub const fn new(value: &'a str) -> Result<Self, InvalidValue> {
                let bytes = value.as_bytes();
                let mut position = 0;
                while position < bytes.len() {
                    if let $($byte)|+ = bytes[position] {
                        return Err(InvalidValue::new($what, bytes[position], position));
                    }
                    position += 1;
                }
                Ok(Self(value))
            }

            /// Returns the string.
            #[must_use]
            pub const fn as_str(self) -> &'a str {
                self.0
            }
        }

        impl $name<'static> {
            /// Makes a constant; a string that is not allowed fails to compile there.
            ///
            /// # Panics
            ///
            /// If the string is not allowed. For strings that are not known when the program is
            /// written, use [`new`](Self::new).
            #[must_use]
            pub const fn from_static(value: &'static str) -> Self {
                match Self::new(value) {
                    Ok(value) => value,
                    Err(_) => panic!(concat!($what, " holds a forbidden character")),
                }
            }
        }

        impl<'a> TryFrom<&'a str> for $name<'a> {
            type Error = InvalidValue;

            fn try_from(value: &'a str) -> Result<Self, InvalidValue> {
                Self::new(value)
            }
        }

        impl AsRef<str> for $name<'_> {
            fn as_ref(&self) -> &str {
                self.0
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0)
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Shortened(self.0).fmt(f)
            }
        }
    };
}

value_type! {
    /// An event type that can be written: a string without line ends.
    ///
    /// ```
    /// use sse_wire::EventType;
    ///
    /// const PING: EventType<'_> = EventType::from_static("ping");
    /// assert_eq!(PING.as_str(), "ping");
    ///
    /// let error = EventType::new("ping\ndata: injected").unwrap_err();
    /// assert_eq!((error.byte(), error.position()), (b'\n', 4));
    /// ```
    EventType, "event type", forbids b'\n' | b'\r'
}

value_type! {
    /// A last event ID that can be written: a string without line ends and NUL.
    ///
    /// A NUL is not allowed because every receiver ignores an `id` field that holds one.
    ///
    /// ```
    /// use sse_wire::EventId;
    ///
    /// let id = EventId::new("room-7/42")?;
    /// assert_eq!(id.as_str(), "room-7/42");
    /// assert!(EventId::new("a\0b").is_err());
    /// # Ok::<_, sse_wire::InvalidValue>(())
    /// ```
    EventId, "last event ID", forbids b'\n' | b'\r' | 0
}

/// A last event ID that owns its text.
///
/// Integers convert to their decimal digits, without an error case and without an allocation:
///
/// ```
/// use sse_wire::{Event, EventIdBuf, Frame};
///
/// let row: i64 = 42;
/// let id = EventIdBuf::from(row);
/// assert_eq!(id.as_str(), "42");
///
/// let frame = Frame::from(Event::new("a row").with_id(id.as_id()));
/// assert_eq!(frame.as_bytes(), b"id: 42\ndata: a row\n\n");
/// ```
///
/// A string is checked, as by [`EventId::new`]:
///
/// ```
/// use sse_wire::EventIdBuf;
///
/// let id = EventIdBuf::new(format!("room-{}/{}", 7, 42))?;
/// assert_eq!(id.as_str(), "room-7/42");
/// assert!(EventIdBuf::new("two\nlines").is_err());
/// # Ok::<_, sse_wire::InvalidValue>(())
/// ```
#[derive(Clone)]
pub struct EventIdBuf(Repr);

#[derive(Clone)]
enum Repr {
    // Invariant: as of `EventId`.
    Text(String),
    /// ASCII digits, and a minus before them or not, at the end of the array.
    Number {
        bytes: [u8; MAX_DIGITS],
        start: u8,
    },
}

impl EventIdBuf {
    /// Checks a string.
    ///
    /// # Errors
    ///
    /// Returns an error if the string has a line end or a NUL. It names the first such byte and its
    /// position.
    pub fn new(value: impl Into<String>) -> Result<Self, InvalidValue> {
        let value = value.into();
        EventId::new(&value)?;
        Ok(Self(Repr::Text(value)))
    }

    /// Returns the ID, borrowed.
    #[must_use]
    pub fn as_id(&self) -> EventId<'_> {
        EventId(self.as_str())
    }

    /// Returns the string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Text(text) => text,
            Repr::Number { bytes, start } => {
                core::str::from_utf8(&bytes[usize::from(*start)..]).unwrap_or_default()
            }
        }
    }

    fn number(magnitude: u64, is_negative: bool) -> Self {
        let mut bytes = [0; MAX_DIGITS];
        let len = decimal(magnitude, &mut bytes).len();
        let mut start = MAX_DIGITS - len;
        // There is room: the magnitude of a negative number has at most 19 digits.
        if is_negative {
            start -= 1;
            bytes[start] = b'-';
        }
        #[expect(clippy::cast_possible_truncation, reason = "below 20")]
        let start = start as u8;
        Self(Repr::Number { bytes, start })
    }
}

/// The empty ID, which resets the receiver's last event ID.
impl Default for EventIdBuf {
    fn default() -> Self {
        Self(Repr::Text(String::new()))
    }
}

impl From<u64> for EventIdBuf {
    fn from(number: u64) -> Self {
        Self::number(number, false)
    }
}

impl From<i64> for EventIdBuf {
    fn from(number: i64) -> Self {
        Self::number(number.unsigned_abs(), number < 0)
    }
}

impl From<usize> for EventIdBuf {
    fn from(number: usize) -> Self {
        Self::from(number as u64)
    }
}

impl From<u32> for EventIdBuf {
    fn from(number: u32) -> Self {
        Self::from(u64::from(number))
    }
}

impl From<i32> for EventIdBuf {
    fn from(number: i32) -> Self {
        Self::from(i64::from(number))
    }
}

impl From<EventId<'_>> for EventIdBuf {
    fn from(id: EventId<'_>) -> Self {
        Self(Repr::Text(id.0.into()))
    }
}

impl<'a> From<&'a EventIdBuf> for EventId<'a> {
    fn from(id: &'a EventIdBuf) -> Self {
        id.as_id()
    }
}

impl TryFrom<String> for EventIdBuf {
    type Error = InvalidValue;

    fn try_from(value: String) -> Result<Self, InvalidValue> {
        Self::new(value)
    }
}

impl TryFrom<&str> for EventIdBuf {
    type Error = InvalidValue;

    fn try_from(value: &str) -> Result<Self, InvalidValue> {
        Self::new(value)
    }
}

impl AsRef<str> for EventIdBuf {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for EventIdBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for EventIdBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shortened(self.as_str()).fmt(f)
    }
}

impl PartialEq for EventIdBuf {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for EventIdBuf {}

impl PartialOrd for EventIdBuf {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EventIdBuf {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for EventIdBuf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}
