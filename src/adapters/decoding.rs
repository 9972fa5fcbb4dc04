//! What all adapters that decode tell of their stream, in the same words.

use core::{ops::Deref, pin::Pin};

use crate::decode::{Decoder, StreamEnd};

/// An adapter that decodes an event stream.
///
/// Each has methods of the same names of its own, so the trait need not be imported to use them. It
/// is for code that is generic over adapters. Adapters around other adapters, such as
/// [`UntilData`](crate::UntilData), pass on what the innermost one tells.
///
/// ```
/// use sse_wire::{Decoding, DONE, EventIteratorExt, EventReader};
///
/// /// Says how much came, and what became of it.
/// fn summary(events: &impl Decoding) -> String {
///     let count = events.decoder().stats().events;
///     match events.end() {
///         Some(end) if end.is_clean() => format!("{count} events"),
///         Some(_) => format!("{count} events, and half a block"),
///         None if events.has_failed() => format!("{count} events, and an error"),
///         None => format!("{count} events so far"),
///     }
/// }
///
/// let mut events = EventReader::new(&b"data: a\n\ndata: b"[..]).until_data(DONE);
/// events.next();
/// assert_eq!(summary(&events), "1 events so far");
/// events.next();
/// assert_eq!(summary(&events), "1 events, and half a block");
/// ```
pub trait Decoding {
    /// Returns the decoder.
    fn decoder(&self) -> &Decoder;

    /// Returns how the stream ended; `None` while it has not ended, and if it
    /// [has failed](Self::has_failed) instead.
    fn end(&self) -> Option<StreamEnd>;

    /// Returns `true` after an error that ended the stream.
    fn has_failed(&self) -> bool;
}

/// Implements [`Decoding`] by what another one tells.
macro_rules! pass_on {
    (impl[$($generics:tt)*] $type:ty, $this:ident => $inner:expr) => {
        impl<$($generics)*> $crate::adapters::decoding::Decoding for $type {
            fn decoder(&self) -> &$crate::decode::Decoder {
                let $this = self;
                $crate::adapters::decoding::Decoding::decoder($inner)
            }

            fn end(&self) -> Option<$crate::decode::StreamEnd> {
                let $this = self;
                $crate::adapters::decoding::Decoding::end($inner)
            }

            fn has_failed(&self) -> bool {
                let $this = self;
                $crate::adapters::decoding::Decoding::has_failed($inner)
            }
        }
    };
}

/// Implements [`Decoding`] by what a field tells, as a trait and as methods.
macro_rules! decoding {
    (impl[$($generics:tt)*] $type:ty, $($field:ident).+) => {
        $crate::adapters::decoding::pass_on!(
            impl[$($generics)*] $type, this => &this.$($field).+
        );

        impl<$($generics)*> $type {
            /// Returns the decoder: its reconnection time, what it counted, what it thinks of the
            /// body. Its counters do not know the chunk that is being read.
            ///
            /// ```
            /// use sse_wire::EventReader;
            ///
            /// let mut events = EventReader::new(&b"id: 7\nretry: 500\ndata: a\n\ndata: cut"[..]);
            /// assert_eq!(events.by_ref().count(), 1);
            /// assert_eq!(events.decoder().stats().bytes, 35);
            /// assert_eq!(events.last_event_id(), "7");
            ///
            /// // The body ended within a block.
            /// assert!(!events.has_failed());
            /// assert_eq!(events.end().map(|end| end.is_clean()), Some(false));
            /// assert_eq!(events.pending_bytes(), 9);
            /// ```
            #[must_use]
            pub fn decoder(&self) -> &$crate::decode::Decoder {
                $crate::adapters::decoding::Decoding::decoder(self)
            }

            /// Returns how the stream ended; `None` while it has not ended, and if it
            /// [has failed](Self::has_failed) instead.
            #[must_use]
            pub fn end(&self) -> Option<$crate::decode::StreamEnd> {
                $crate::adapters::decoding::Decoding::end(self)
            }

            /// Returns `true` after an error that ended the stream: of the transport, or a
            /// [fatal](crate::OnError::Fail) one of the decoder.
            #[must_use]
            pub fn has_failed(&self) -> bool {
                $crate::adapters::decoding::Decoding::has_failed(self)
            }

            /// Returns the last event ID of the events that were taken: what a client that resumes
            /// here must send. See [`Decoder::last_event_id`](crate::Decoder::last_event_id).
            #[must_use]
            pub fn last_event_id(&self) -> &str {
                self.decoder().last_event_id()
            }

            /// Returns the length of the block under way, in bytes; after the end or an error, of
            /// what was cut off.
            #[must_use]
            pub fn pending_bytes(&self) -> u64 {
                self.decoder().pending_bytes()
            }
        }
    };
}

pub(crate) use {decoding, pass_on};

pass_on!(impl[D: Decoding + ?Sized] &D, this => &**this);
pass_on!(impl[D: Decoding + ?Sized] &mut D, this => &**this);
pass_on!(impl[P: Deref<Target: Decoding>] Pin<P>, this => &**this);
