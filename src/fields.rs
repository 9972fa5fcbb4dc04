//! What the lines of a block say: the standard's "process the field", once for both views.

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

/// Where a value lies, counted from the start of its block.
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

    /// Returns where the value lies if its block starts at `block`.
    #[inline]
    pub(crate) fn range_from(self, block: usize) -> Range<usize> {
        block + self.start as usize..block + self.end as usize
    }

    /// Returns the value among the bytes of its block.
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
    /// One data field, so the value stays where it is.
    One(Span),
    /// Several, which are to be [joined](Fields::join).
    Several,
}

/// What the lines of one block said.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Values {
    pub(crate) data: Data,
    pub(crate) event_type: Option<Span>,
    pub(crate) id: Option<Span>,
    /// In milliseconds.
    pub(crate) retry: Option<u64>,
}

/// The block under way, and what of the stream's state its lines set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) values: Values,
    /// The data of a block that has several data fields. Valid while `values.data` says so, or
    /// while the event that was made of it is lent.
    pub(crate) joined: Vec<u8>,
    /// Where the last comment's text lies.
    pub(crate) comment: Span,
    /// In milliseconds.
    pub(crate) reconnection_time: Option<u64>,
    pub(crate) counters: Counters,
}

/// What is counted. Bytes are known without counting.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) events: u64,
    pub(crate) blocks_without_event: u64,
    pub(crate) comments: u64,
    pub(crate) unknown_fields: u64,
    pub(crate) refused: u64,
}

impl Counters {
    /// The block that was just counted is refused.
    pub(crate) fn uncount_block(&mut self, values: &Values) {
        match values.data {
            Data::None => self.blocks_without_event -= 1,
            Data::One(_) | Data::Several => self.events -= 1,
        }
        self.refused += 1;
    }
}

impl Fields {
    /// Processes a line. `joins` is the limit of the buffer where data is joined, if it is.
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
                if let Some(millis) = field::millis(value.of(block)) {
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

    /// A blank line has come. Returns `true` if the block sets an ID or dispatches an event, or sets
    /// a reconnection time and that matters.
    #[inline]
    fn end(&mut self, retry_matters: bool) -> bool {
        // "If the data buffer is an empty string": no data field at all. One with an empty value
        // has put its line feed there.
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

    /// Notes a block that has one line, whose data lies there in the block.
    #[inline]
    pub(crate) fn set_usual(&mut self, data: Range<usize>) {
        let data = Data::One(Span::new(data.start, data.end));
        self.values = Values { data, ..Values::default() };
        self.counters.events += 1;
    }

    /// Gives back the memory of large data that was lent.
    #[inline]
    pub(crate) fn end_loan<const HOLDS_ALL: bool>(&mut self) {
        // The block view joins data when it is asked for, so nothing is under way there.
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

/// Appends a further data line to the data buffer.
#[inline]
pub(crate) fn append_data(joined: &mut Vec<u8>, value: &[u8], limit: usize) {
    reserve(joined, 1 + value.len(), limit);
    // The line feed that ended the line before. The last one is never written, because the standard
    // takes it away again: "If the data buffer's last character is a U+000A LINE FEED (LF)
    // character, then remove the last character from the data buffer."
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
/// The event view holds only what means something, and joins data as it comes. The block view holds
/// every byte, and joins data when it is asked for.
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
        // The values alone: they are all that is needed of lines that have ended.
        let values = &mut self.fields.values;
        let data = if let Data::One(span) = &mut values.data { Some(span) } else { None };
        for span in [data, values.event_type.as_mut(), values.id.as_mut()].into_iter().flatten() {
            let start = buffer.len();
            buffer.append(Part::checked(span.of(block)));
            *span = Span::new(start, buffer.len());
        }
    }
}

/// Reads no line, for whoever needs only to know where blocks end.
pub(crate) struct Ignored;

impl Lines for Ignored {
    const HOLDS_ALL: bool = false;

    /// The splitter skips every block, and holds nothing.
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
