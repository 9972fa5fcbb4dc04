//! The meaning of a block's lines: the standard's "process the field", once for both views.

use alloc::vec::Vec;
use core::ops::Range;

use crate::{
    chunk::{Held, Part},
    options::Options,
    splitter::{Fate, Lines},
    wire::{
        self, LF,
        field::{self, Field},
    },
};

/// The position of a value, counted from the start of its block.
///
/// Offsets of 32 bits are enough, because no limit of a block is above 2 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "a block has less than 4 GiB")]
    fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    #[inline]
    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Returns the position of the value if its block starts at `block`.
    #[inline]
    pub(crate) fn range_from(self, block: usize) -> Range<usize> {
        block + self.start as usize..block + self.end as usize
    }

    /// Returns the value. `block` starts with the bytes of its block.
    #[inline]
    pub(crate) fn of(self, block: &[u8]) -> &[u8] {
        &block[self.range()]
    }
}

/// The standard's data buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Data {
    /// No data field: the block dispatches no event.
    #[default]
    None,
    /// One data field, whose value stays where it is.
    One(Span),
    /// Several data fields, which have to be [joined](Fields::join).
    Several,
}

/// The values of one block.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Values {
    pub(crate) data: Data,
    pub(crate) event_type: Option<Span>,
    pub(crate) id: Option<Span>,
    /// In milliseconds.
    pub(crate) retry: Option<u64>,
}

/// The values of the current block, and what its lines set for the whole stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) values: Values,
    /// The data of a block with several data fields. Valid while `values.data` is
    /// [`Data::Several`], or while an event made of it is lent.
    pub(crate) joined: Vec<u8>,
    /// The position of the last comment's text.
    pub(crate) comment: Span,
    /// In milliseconds.
    pub(crate) reconnection_time: Option<u64>,
    pub(crate) counters: Counters,
}

/// The counters. Bytes need none: the splitter knows its offset.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) events: u64,
    pub(crate) blocks_without_event: u64,
    pub(crate) comments: u64,
    pub(crate) unknown_fields: u64,
    pub(crate) refused: u64,
}

impl Counters {
    /// Counts a block that was just counted as refused instead.
    pub(crate) fn uncount_block(&mut self, values: &Values) {
        match values.data {
            Data::None => self.blocks_without_event -= 1,
            Data::One(_) | Data::Several => self.events -= 1,
        }
        self.refused += 1;
    }
}

impl Fields {
    /// Processes a line. `joins` is the limit of the data buffer; `None` if data is joined later.
    #[expect(clippy::inline_always, reason = "a call for each line costs a fifth of the time")]
    #[inline(always)]
    fn line(&mut self, block: &[u8], line: Range<usize>, joins: Option<usize>) -> Fate {
        let (field, start) = field::split(&block[line.clone()]);
        let value = Span::new(line.start + start, line.end);
        match field {
            // "Append the field value to the data buffer, then append a single U+000A LINE FEED
            // (LF) character to the data buffer." The first line of most blocks is the only one.
            Field::Data => match (self.values.data, joins) {
                (Data::None, _) => self.values.data = Data::One(value),
                (_, None) => self.values.data = Data::Several,
                (_, Some(limit)) => {
                    self.join(block, value, limit);
                    return Fate::Copied;
                }
            },
            // "Set the event type buffer to field value."
            Field::Event => self.values.event_type = Some(value),
            Field::Id if field::is_id(value.of(block)) => self.values.id = Some(value),
            // At once, and not at the end of the block: "set the event stream's reconnection time
            // to that integer".
            Field::Retry => {
                if let Some(millis) = field::parse_retry(value.of(block)) {
                    self.values.retry = Some(millis);
                    self.reconnection_time = Some(millis);
                }
                return Fate::Dropped;
            }
            Field::Comment => {
                self.comment = value;
                self.counters.comments += 1;
                return Fate::Dropped;
            }
            Field::Unknown => {
                self.counters.unknown_fields += 1;
                return Fate::Dropped;
            }
            // "Otherwise, ignore the field."
            Field::Id => return Fate::Dropped,
        }
        Fate::Held
    }

    /// Appends a data line to those before it.
    #[inline]
    fn join(&mut self, block: &[u8], value: Span, limit: usize) {
        if let Data::One(first) = self.values.data {
            start_data(&mut self.joined, first.of(block), limit);
            self.values.data = Data::Several;
        }
        append_data(&mut self.joined, value.of(block), limit);
    }

    /// Ends the block at its blank line. Returns `true` if the block dispatches an event, sets an
    /// ID, or sets a reconnection time and `retry_matters`.
    #[inline]
    fn end(&mut self, retry_matters: bool) -> bool {
        // "If the data buffer is an empty string": there was no data field. One with an empty value
        // has appended its line feed.
        if self.values.data == Data::None {
            self.counters.blocks_without_event += 1;
            if self.values.id.is_none() && !(retry_matters && self.values.retry.is_some()) {
                self.values = Values::default();
                return false;
            }
        } else {
            self.counters.events += 1;
        }
        true
    }

    /// Sets the values of a block with one data line, at this position in the block.
    #[inline]
    pub(crate) fn set_usual(&mut self, data: Range<usize>) {
        let data = Data::One(Span::new(data.start, data.end));
        self.values = Values { data, ..Values::default() };
        self.counters.events += 1;
    }

    /// Frees the memory of large data that was lent.
    #[inline]
    pub(crate) fn end_loan<const HOLDS_ALL: bool>(&mut self) {
        // The block view joins data only on request, so it never has half-joined data.
        let is_needed = !HOLDS_ALL && self.values.data == Data::Several;
        if !is_needed && self.joined.capacity() > wire::KEPT {
            self.joined = Vec::new();
        }
    }
}

/// Starts the data buffer with the first data line of a block.
#[inline]
pub(crate) fn start_data(joined: &mut Vec<u8>, value: &[u8], limit: usize) {
    joined.clear();
    reserve(joined, value.len(), limit);
    joined.extend_from_slice(value);
}

/// Appends another data line to the data buffer.
#[inline]
pub(crate) fn append_data(joined: &mut Vec<u8>, value: &[u8], limit: usize) {
    reserve(joined, 1 + value.len(), limit);
    // The line feed that ended the line before. The one after the last line is never written,
    // because the standard removes it: "If the data buffer's last character is a U+000A LINE FEED
    // (LF) character, then remove the last character from the data buffer."
    joined.push(LF);
    joined.extend_from_slice(value);
}

#[inline]
fn reserve(joined: &mut Vec<u8>, additional: usize, limit: usize) {
    let growth = wire::growth(joined.len(), joined.capacity(), additional, limit);
    joined.reserve_exact(growth);
}

/// Reads the lines for a view.
///
/// The event view holds only lines with a meaning, and joins data as it comes. The block view holds
/// every byte, and joins data on request.
pub(crate) struct FieldLines<'f, const HOLDS_ALL: bool> {
    fields: &'f mut Fields,
    options: Options,
}

impl<'f, const HOLDS_ALL: bool> FieldLines<'f, HOLDS_ALL> {
    #[inline]
    pub(crate) fn new(fields: &'f mut Fields, options: Options) -> Self {
        Self { fields, options }
    }
}

impl<const HOLDS_ALL: bool> Lines for FieldLines<'_, HOLDS_ALL> {
    const HOLDS_ALL: bool = HOLDS_ALL;

    #[inline]
    fn limit(&self) -> usize {
        self.options.limit()
    }

    #[expect(clippy::inline_always, reason = "as `Fields::line`")]
    #[inline(always)]
    fn line(&mut self, block: &[u8], line: Range<usize>) -> Fate {
        let first = block[line.start];
        let joins = (!HOLDS_ALL).then_some(self.options.limit());
        match self.fields.line(block, line, joins) {
            _ if HOLDS_ALL => Fate::Held,
            Fate::Dropped if self.options.comments && first == b':' => Fate::Given,
            fate => fate,
        }
    }

    #[inline]
    fn end(&mut self) -> bool {
        self.fields.end(self.options.updates) || HOLDS_ALL
    }

    fn hold(&mut self, block: &[u8], buffer: &mut Held) {
        if HOLDS_ALL {
            return buffer.append(Part::new(block));
        }
        // Only the values: nothing else of a complete line is needed.
        let values = &mut self.fields.values;
        let data = if let Data::One(span) = &mut values.data { Some(span) } else { None };
        for span in [data, values.event_type.as_mut(), values.id.as_mut()].into_iter().flatten() {
            let start = buffer.len();
            buffer.append(Part::checked(span.of(block)));
            *span = Span::new(start, buffer.len());
        }
    }
}

/// Ignores all lines, for callers that only need to know where blocks end.
pub(crate) struct Ignored;

impl Lines for Ignored {
    const HOLDS_ALL: bool = false;

    /// The splitter skips every block and holds nothing.
    fn limit(&self) -> usize {
        0
    }

    fn line(&mut self, _: &[u8], _: Range<usize>) -> Fate {
        Fate::Dropped
    }

    fn end(&mut self) -> bool {
        false
    }

    fn hold(&mut self, _: &[u8], _: &mut Held) {}
}
