//! Strings that were checked, so that they can be written as the value of a field.

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

/// Defines a string type for the value of a single-line field.
macro_rules! value_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, forbids $($byte:pat_param)|+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name<'a>(
            // Invariant: contains none of the forbidden bytes. Every constructor checks that.
            &'a str,
        );

        impl<'a> $name<'a> {
            /// Creates the value from a string, which it checks.
            ///
            /// # Errors
            ///
            /// Returns an error with the first forbidden byte and its position if there is one.
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
            /// Creates the value from a string constant.
            ///
            /// In a `const`, a forbidden string fails to compile. For a string that is known only
            /// at run time, use [`new`](Self::new).
            ///
            /// # Panics
            ///
            /// Panics if the string contains a forbidden byte.
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
    /// An event type to send: a string without line ends.
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
    /// An ID to send: a string without line ends and NUL.
    ///
    /// NUL is forbidden because every receiver ignores an `id` field that contains it.
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

/// An ID that owns its text.
///
/// Integers convert to their decimal digits. That cannot fail, and does not allocate:
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
/// Strings are checked, as in [`EventId::new`]:
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
    // Invariant: the same as that of `EventId`.
    Text(String),
    /// A decimal number in ASCII at the end of the array, from `start` on.
    Number {
        bytes: [u8; MAX_DIGITS],
        start: u8,
    },
}

impl EventIdBuf {
    /// Creates an ID from a string, which it checks.
    ///
    /// # Errors
    ///
    /// Returns an error with the first forbidden byte and its position if the string contains a
    /// line end or NUL.
    pub fn new(value: impl Into<String>) -> Result<Self, InvalidValue> {
        let value = value.into();
        EventId::new(&value)?;
        Ok(Self(Repr::Text(value)))
    }

    /// Returns a borrowed ID.
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
        // There is room for the sign: a negative number has at most 19 digits.
        if is_negative {
            start -= 1;
            bytes[start] = b'-';
        }
        #[expect(clippy::cast_possible_truncation, reason = "below 20")]
        let start = start as u8;
        Self(Repr::Number { bytes, start })
    }
}

/// Creates the empty ID, which resets the receiver's last event ID.
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
