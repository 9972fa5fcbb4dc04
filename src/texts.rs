//! Turns the values of a block into text: the last step before an event.

use alloc::string::String;
use core::ops::Range;

use crate::{
    chunk::{Buffer, Chunk},
    error::DecodeErrorKind,
    event::Event,
    fields::{Fields, Span},
    find::Found,
    last_event_id::LastEventId,
    options::{InvalidUtf8, Options},
    state::State,
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

    pub(crate) fn data(&self) -> &str {
        &self.data
    }

    pub(crate) fn take_data(&mut self) -> String {
        core::mem::take(&mut self.data)
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

impl State {
    /// Takes the block that was found: checks its text, and sets the last event ID.
    #[expect(clippy::inline_always, reason = "nearly every block needs five comparisons")]
    #[inline(always)]
    pub(crate) fn accept<const RAW: bool>(&mut self, found: Found, chunk: &mut Chunk<'_>) -> Found {
        self.found = found;
        if RAW && !self.held.is_empty() {
            self.hold::<RAW>(chunk);
        }
        let values = &self.fields.values;
        let has_data = values.data.is_some();
        let is_easy = if RAW {
            // Until the caller asks for the event, only the ID matters.
            self.options.invalid_utf8 != InvalidUtf8::Reject && values.id.is_none()
        } else {
            // Values that lie in the chunk are checked at once.
            self.held.is_empty()
                && !values.has_more_data
                && values.id.is_none()
                && (chunk.is_ascii() || values.range().is_none_or(|range| chunk.check(range)))
        };
        if !is_easy {
            let result = if RAW { self.accept_block(chunk) } else { self.accept_event(chunk) };
            if let Err(kind) = result {
                let failed = self.fail(kind);
                if !self.ended {
                    self.forget_found(chunk);
                }
                self.found = failed;
                return failed;
            }
        }
        let counters = &mut self.fields.counters;
        if has_data {
            counters.events += 1;
        } else {
            counters.blocks_without_event += 1;
        }
        found
    }

    #[inline(never)]
    fn accept_event(&mut self, chunk: &mut Chunk<'_>) -> Result<(), DecodeErrorKind> {
        let Self { fields, held, last_event_id, options, rare, .. } = self;
        let Fields { values, joined, .. } = fields;
        let len = held.len();
        if let Some(Range { start, end }) = values.range().filter(|range| range.end > len) {
            // One check for the whole block.
            chunk.check(start.saturating_sub(len)..end - len);
        }
        held.check();
        let is_text = (!values.has_more_data || joined.check())
            && [values.only_data(), values.data.and(values.event_type), values.id]
                .into_iter()
                .flatten()
                .all(|value| text(held, chunk, value).is_some());
        if !is_text {
            let bytes = |value: Span| match value.in_chunk(len) {
                Some(range) => chunk.part(range),
                None => value.of(held),
            };
            let data = if values.has_more_data { Some(&**joined) } else { values.data.map(bytes) };
            let (event_type, id) = (values.event_type.map(bytes), values.id.map(bytes));
            let repaired = &mut rare.get_or_insert_default().repaired;
            repaired.set(Each { id, data, event_type }, *options)?;
            values.is_repaired = true;
        }
        if let Some(id) = values.id {
            let id = match rare {
                Some(rare) if values.is_repaired => Some(rare.repaired.id()),
                _ => text(held, chunk, id),
            };
            // "Set the last event ID string of the event source to the value of the last event ID
            // buffer", also if there is no data.
            last_event_id.set(id.unwrap_or_default());
        }
        Ok(())
    }

    /// Returns the event of the block that was found and [accepted](Self::accept). If the block has
    /// no data, that of the event is empty.
    #[inline]
    pub(crate) fn event<'a>(&'a self, chunk: &'a Chunk<'_>) -> Event<'a> {
        let Self { fields, held, last_event_id, .. } = self;
        let values = &fields.values;
        let (data, event_type) = if values.is_repaired | values.has_more_data {
            self.copied_texts(chunk)
        } else {
            let text = |value| text(held, chunk, value);
            (values.data.and_then(text), values.event_type.and_then(text))
        };
        debug_assert_eq!(data.is_some(), values.data.is_some(), "text that was not checked");
        Event {
            data: data.unwrap_or_default(),
            event_type,
            last_event_id: last_event_id.as_str(),
            sets_id: values.id.is_some(),
            retry: fields.retry(),
        }
    }

    /// Returns the data and the event type of a block with several data lines, or that is not all
    /// UTF-8.
    #[inline(never)]
    fn copied_texts<'a>(&'a self, chunk: &'a Chunk<'_>) -> (Option<&'a str>, Option<&'a str>) {
        let Fields { values, joined, .. } = &self.fields;
        match &self.rare {
            Some(rare) if values.is_repaired => {
                let Repaired { data, event_type, .. } = &rare.repaired;
                (values.data.map(|_| &**data), values.event_type.map(|_| &**event_type))
            }
            _ => {
                let event_type = values.event_type.and_then(|value| text(&self.held, chunk, value));
                (joined.text(0..joined.len()), event_type)
            }
        }
    }
}

/// Returns the text of a value; `None` if it is not UTF-8, or was not checked.
#[inline]
fn text<'a>(held: &'a Buffer, chunk: &'a Chunk<'_>, value: Span) -> Option<&'a str> {
    match value.in_chunk(held.len()) {
        Some(range) => chunk.text(range),
        None => held.text(value.range()),
    }
}
