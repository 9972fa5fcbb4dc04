//! Turns the values of a block into text, once for both views: the last step before an event.

use alloc::string::String;

use crate::{
    error::DecodeErrorKind,
    event::Event,
    fields::{Data, Span, Values},
    last_event_id::LastEventId,
    options::{InvalidUtf8, Options},
    wire::{self, utf8},
};

/// The text of a block's values.
#[derive(Clone, Copy)]
pub(crate) struct Texts<'a> {
    /// `None` if the block dispatches no event.
    pub(crate) data: Option<&'a str>,
    pub(crate) event_type: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
}

/// Buffers for values that are not UTF-8, with U+FFFD in place of invalid bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repaired {
    data: String,
    event_type: String,
    id: String,
}

impl Repaired {
    /// Frees the memory of large text that was lent.
    pub(crate) fn give_back(&mut self) {
        for text in [&mut self.data, &mut self.event_type, &mut self.id] {
            if text.capacity() > wire::KEPT {
                *text = String::new();
            }
        }
    }

    /// Returns the last repaired data.
    pub(crate) fn data(&self) -> &str {
        &self.data
    }

    /// Repairs a comment, in the buffer for data. Returns `false` if the result exceeds the limit.
    pub(crate) fn set_comment(&mut self, comment: &[u8], limit: usize) -> bool {
        utf8::repair(comment, &mut self.data, limit).is_some()
    }
}

impl<'a> Texts<'a> {
    /// Returns the texts of a block, or `None` if one of them is not UTF-8. `text` returns the text
    /// of a single value, or `None` if it is not UTF-8.
    #[inline]
    pub(crate) fn new(
        values: &Values,
        joined: &'a [u8],
        text: impl Fn(Span) -> Option<&'a str>,
    ) -> Option<Self> {
        let optional = |span: Option<Span>| match span {
            Some(span) => text(span).map(Some),
            None => Some(None),
        };
        let data = match values.data {
            // Without data nothing is dispatched, so the event type does not matter.
            Data::None => {
                return Some(Self { data: None, event_type: None, id: optional(values.id)? });
            }
            Data::One(span) => text(span)?,
            Data::Several => utf8::check(joined)?,
        };
        let (event_type, id) = (optional(values.event_type)?, optional(values.id)?);
        Some(Self { data: Some(data), event_type, id })
    }

    /// Returns the texts of a block that is not all UTF-8.
    ///
    /// # Errors
    ///
    /// If invalid UTF-8 is to be rejected, or the repaired texts together exceed the limit.
    #[cold]
    pub(crate) fn repaired(
        values: &Values,
        block: &'a [u8],
        joined: &'a [u8],
        repaired: &'a mut Repaired,
        options: Options,
    ) -> Result<Self, DecodeErrorKind> {
        repaired.give_back();
        let mut room = options.limit();
        let limit = options.limit() as u64;
        let mut text = |bytes: &'a [u8], repaired: &'a mut String| {
            let text = match utf8::check(bytes) {
                Some(text) => (text.len() <= room).then_some(text),
                None if options.invalid_utf8 == InvalidUtf8::Reject => {
                    return Err(DecodeErrorKind::InvalidUtf8);
                }
                None => utf8::repair(bytes, repaired, room),
            };
            let text = text.ok_or(DecodeErrorKind::BlockTooLarge { limit })?;
            room -= text.len();
            Ok(text)
        };
        let id = values.id.map(|id| text(id.of(block), &mut repaired.id)).transpose()?;
        let data = match values.data {
            Data::None => return Ok(Self { data: None, event_type: None, id }),
            Data::One(span) => text(span.of(block), &mut repaired.data)?,
            Data::Several => text(joined, &mut repaired.data)?,
        };
        let event_type = values.event_type;
        let event_type =
            event_type.map(|name| text(name.of(block), &mut repaired.event_type)).transpose()?;
        Ok(Self { data: Some(data), event_type, id })
    }

    /// Returns the event of the block, with empty data if it has none.
    #[inline]
    pub(crate) fn event(self, retry: Option<u64>, last_event_id: &'a LastEventId) -> Event<'a> {
        Event {
            data: self.data.unwrap_or_default(),
            event_type: self.event_type,
            last_event_id: self.id.unwrap_or_else(|| last_event_id.as_str()),
            sets_id: self.id.is_some(),
            retry,
        }
    }
}
