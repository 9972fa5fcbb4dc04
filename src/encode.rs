//! What can be sent: events, text that becomes their data, and frames.

use alloc::{borrow::Cow, boxed::Box, string::String, sync::Arc};
use core::convert::Infallible;

use crate::{
    encoder::{Encoder, Frame},
    event::{Event, EventBuf},
};

/// A value that can be sent as an event, or as several.
///
/// `EventBody` (feature `http-body`) sends a stream of such values.
///
/// | value | on the wire | error |
/// |---|---|---|
/// | [`Event`], [`EventBuf`] | the event | none |
/// | `&str`, `String`, `Cow<str>`, `Box<str>`, `Arc<str>` | an event with this data | none |
/// | [`Frame`] | its blocks, as they are | none |
/// | `JsonEvent` (feature `json`) | an event with JSON as its data | `serde_json::Error` |
/// | `Result<T, E>` | `T` | `E` |
///
/// References to events, strings and frames encode as well. In a `Result`, the error of a
/// `JsonEvent` becomes `E` by [`From`]; the other values have none.
///
/// ```
/// use sse_wire::{Encode, Encoder, Event};
///
/// /// A progress bar: an event for each step.
/// struct Progress(u8);
///
/// impl Encode for Progress {
///     type Error = std::convert::Infallible;
///
///     fn encode(self, encoder: &mut Encoder) -> Result<(), Self::Error> {
///         for percent in (0..=self.0).step_by(50) {
///             encoder.event(Event::new(&format!("{percent} %")));
///         }
///         Ok(())
///     }
/// }
///
/// let Ok(frame) = Progress(100).into_frame();
/// assert_eq!(frame.as_bytes(), b"data: 0 %\n\ndata: 50 %\n\ndata: 100 %\n\n");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as an event",
    label = "neither an event, nor text, nor a frame",
    note = "a value of any `Serialize` type is sent as JSON by `JsonEvent::new(value)` (feature `json`)",
    note = "text is sent as data: `String`, `&str`, `Cow<str>`; for an event type or an ID, return \
            `Frame::from(Event::new(&text).with_event_type(..))`",
    note = "a `Result<T, E>` can be sent if `T` can; with `JsonEvent`, `E` must be `From<serde_json::Error>`"
)]
pub trait Encode: Sized {
    /// The reason why a value cannot be encoded. `Infallible` if there is none.
    type Error;

    /// Appends the value to what is sent.
    ///
    /// # Errors
    ///
    /// Returns an error if the value cannot be encoded. The caller then removes what was appended.
    fn encode(self, encoder: &mut Encoder) -> Result<(), Self::Error>;

    /// Returns the value as a frame, which is cheap to clone: encoded once, sent to many.
    ///
    /// ```
    /// use sse_wire::Encode;
    ///
    /// let Ok(frame) = "to all".into_frame();
    /// assert_eq!(frame.as_bytes(), b"data: to all\n\n");
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the value cannot be encoded.
    fn into_frame(self) -> Result<Frame, Self::Error> {
        let mut encoder = Encoder::new();
        self.encode(&mut encoder)?;
        Ok(encoder.into_frame())
    }

    /// Returns `true` if [`into_frame`](Self::into_frame) has nothing to encode or to copy.
    ///
    /// A body then sends the value's frame as it is, if it is large or alone.
    fn is_encoded(&self) -> bool {
        false
    }
}

impl Encode for Event<'_> {
    type Error = Infallible;

    #[inline]
    fn encode(self, encoder: &mut Encoder) -> Result<(), Infallible> {
        encoder.event(self);
        Ok(())
    }
}

impl Encode for Frame {
    type Error = Infallible;

    fn encode(self, encoder: &mut Encoder) -> Result<(), Infallible> {
        encoder.frame(&self);
        Ok(())
    }

    fn into_frame(self) -> Result<Frame, Infallible> {
        Ok(self)
    }

    fn is_encoded(&self) -> bool {
        true
    }
}

impl Encode for &Frame {
    type Error = Infallible;

    fn encode(self, encoder: &mut Encoder) -> Result<(), Infallible> {
        encoder.frame(self);
        Ok(())
    }

    fn into_frame(self) -> Result<Frame, Infallible> {
        Ok(self.clone())
    }

    fn is_encoded(&self) -> bool {
        true
    }
}

/// Implements [`Encode`] for types that have an event: `$value` is a value, `$event` its event.
macro_rules! encode_as_event {
    ($($type:ty: $value:ident => $event:expr;)+) => {
        $(
            impl Encode for $type {
                type Error = Infallible;

                #[inline]
                fn encode(self, encoder: &mut Encoder) -> Result<(), Infallible> {
                    let $value = &self;
                    $event.encode(encoder)
                }
            }
        )+
    };
}

encode_as_event! {
    &Event<'_>: event => **event;
    EventBuf: event => event.as_event();
    &EventBuf: event => event.as_event();
    &str: text => Event::new(text);
    String: text => Event::new(text);
    &String: text => Event::new(text);
    Cow<'_, str>: text => Event::new(text);
    Box<str>: text => Event::new(text);
    Arc<str>: text => Event::new(text);
}

impl<T, E> Encode for Result<T, E>
where
    T: Encode<Error = Infallible>,
{
    type Error = E;

    #[inline]
    fn encode(self, encoder: &mut Encoder) -> Result<(), E> {
        let Ok(()) = self?.encode(encoder);
        Ok(())
    }

    fn into_frame(self) -> Result<Frame, E> {
        let Ok(frame) = self?.into_frame();
        Ok(frame)
    }

    fn is_encoded(&self) -> bool {
        self.as_ref().is_ok_and(T::is_encoded)
    }
}
