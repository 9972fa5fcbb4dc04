//! Takes a block that was found, and returns its event: the last steps of the event view.

use core::ops::Range;

use crate::{
    chunk::{Buffer, Chunk},
    error::DecodeErrorKind,
    event::Event,
    fields::{Fields, Span},
    options::InvalidUtf8,
    state::{Found, State},
    texts::Each,
};

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
                // At the end of the stream, the block stays pending.
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
        // Values that are held lie side by side. Two that are cut characters may be a character
        // together, but then neither of them is whole, and `text` returns `None`.
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
                let (data, event_type) = (rare.repaired.data(), rare.repaired.event_type());
                (values.data.map(|_| data), values.event_type.map(|_| event_type))
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
