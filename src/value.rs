//! Strings that can stand on the wire as they are.

use core::fmt;

use crate::{error::InvalidValue, wire::Shortened};

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
