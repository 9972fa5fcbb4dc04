//! The values of a block as text.

use alloc::string::String;

use crate::{
    error::DecodeErrorKind,
    event::Event,
    last_event_id::LastEventId,
    options::{InvalidUtf8, Options},
    wire::{self, utf8},
};

/// The values of a block, as bytes or as text.
#[derive(Clone, Copy)]
pub(crate) struct Each<T> {
    pub(crate) id: Option<T>,
    /// `None` if the block dispatches no event.
    pub(crate) data: Option<T>,
    pub(crate) event_type: Option<T>,
}

impl<'a> Each<&'a [u8]> {
    /// Returns the values as text, or `None` if one of them is not UTF-8.
    #[inline]
    pub(crate) fn check(self) -> Option<Each<&'a str>> {
        let text = |bytes: Option<&'a [u8]>| match bytes {
            Some(bytes) => utf8::check(bytes).map(Some),
            None => Some(None),
        };
        // Without data nothing is dispatched, so the event type does not matter.
        let event_type = self.data.and(self.event_type);
        Some(Each { id: text(self.id)?, data: text(self.data)?, event_type: text(event_type)? })
    }
}

impl<'a> Each<&'a str> {
    /// Returns the event that the block dispatches. Its ID is the last event ID already.
    #[inline]
    pub(crate) fn event(
        self,
        retry: Option<u64>,
        last_event_id: &'a LastEventId,
    ) -> Option<Event<'a>> {
        let Self { id, data, event_type } = self;
        let last_event_id = id.unwrap_or_else(|| last_event_id.as_str());
        let sets_id = id.is_some();
        data.map(|data| Event { data, event_type, last_event_id, sets_id, retry })
    }
}

/// The values of a block as text, for a block that is not all UTF-8.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repaired {
    id: String,
    data: String,
    event_type: String,
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

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Returns the data, or the comment.
    pub(crate) fn data(&self) -> &str {
        &self.data
    }

    pub(crate) fn take_data(&mut self) -> String {
        core::mem::take(&mut self.data)
    }

    pub(crate) fn event_type(&self) -> &str {
        &self.event_type
    }

    /// Copies the values, and replaces what is not UTF-8.
    ///
    /// # Errors
    ///
    /// If invalid UTF-8 is to be rejected, or all texts together exceed the limit.
    #[cold]
    pub(crate) fn set(
        &mut self,
        values: Each<&[u8]>,
        options: Options,
    ) -> Result<Each<&str>, DecodeErrorKind> {
        self.give_back();
        let mut room = options.limit();
        let Each { id, data, event_type } = values;
        // Without data nothing is dispatched, so the event type does not matter.
        let event_type = data.and(event_type);
        let texts =
            [(id, &mut self.id), (data, &mut self.data), (event_type, &mut self.event_type)];
        for (bytes, text) in texts {
            let Some(bytes) = bytes else { continue };
            let rejects = options.invalid_utf8 == InvalidUtf8::Reject;
            if rejects && utf8::check(bytes).is_none() {
                return Err(DecodeErrorKind::InvalidUtf8);
            }
            if !utf8::repair(bytes, text, room) {
                *text = String::new();
                return Err(DecodeErrorKind::BlockTooLarge { limit: options.limit() as u64 });
            }
            room -= text.len();
        }
        Ok(Each {
            id: id.map(|_| &*self.id),
            data: data.map(|_| &*self.data),
            event_type: event_type.map(|_| &*self.event_type),
        })
    }

    /// Copies a comment as data, and replaces what is not UTF-8. Cuts it off at the limit: a comment
    /// has no meaning, so it is no reason to refuse a block.
    #[cold]
    pub(crate) fn set_comment(&mut self, comment: &[u8], limit: usize) {
        utf8::repair(comment, &mut self.data, limit);
    }
}
