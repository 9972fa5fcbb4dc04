//! What the lines of a block say: the standard's "process the field", once for both views.

use alloc::vec::Vec;
use core::ops::Range;

use crate::{
    chunk::{Held, Part},
    error::{DecodeError, DecodeErrorKind},
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

    #[inline]
    fn len(self) -> usize {
        (self.end - self.start) as usize
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
            self.joined.clear();
            self.reserve(first.len(), limit);
            self.joined.extend_from_slice(first.of(block));
            self.values.data = Data::Several;
        }
        self.reserve(1 + value.len(), limit);
        // The line feed that ended the line before. The last one is never written, because the
        // standard takes it away again: "If the data buffer's last character is a U+000A LINE FEED
        // (LF) character, then remove the last character from the data buffer."
        self.joined.push(LF);
        self.joined.extend_from_slice(value.of(block));
    }

    #[inline]
    fn reserve(&mut self, additional: usize, limit: usize) {
        let growth = wire::growth(self.joined.len(), self.joined.capacity(), additional, limit);
        self.joined.reserve_exact(growth);
    }

    /// A blank line has come. Returns `true` if the block sets an ID or dispatches an event.
    #[inline]
    fn end(&mut self) -> bool {
        // "If the data buffer is an empty string": no data field at all. One with an empty value
        // has put its line feed there.
        if self.values.data == Data::None {
            self.counters.blocks_without_event += 1;
            if self.values.id.is_none() {
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

    /// Gives up the block under way, which starts at this offset of the stream.
    #[cold]
    pub(crate) fn refuse_too_large(&mut self, limit: usize, block_start: u64) -> DecodeError {
        self.values = Values::default();
        self.counters.refused += 1;
        let kind = DecodeErrorKind::BlockTooLarge { limit: limit as u64 };
        DecodeError::new(kind, block_start)
    }

    /// Returns to the start of a stream. The reconnection time stays.
    pub(crate) fn reset(&mut self) {
        let reconnection_time = self.reconnection_time;
        *self = Self { reconnection_time, ..Self::default() };
    }

    /// Gives back the memory of large data that was lent.
    #[inline]
    pub(crate) fn end_loan(&mut self) {
        if self.values.data != Data::Several {
            self.give_back();
        }
    }

    /// Gives back the memory of large data that nobody needs.
    #[inline]
    pub(crate) fn give_back(&mut self) {
        if self.joined.capacity() > wire::KEPT {
            self.joined = Vec::new();
        }
    }
}

/// Reads the lines for the event view: what means nothing is not held.
pub(crate) struct ForEvents<'f> {
    fields: &'f mut Fields,
    limit: usize,
    gives_comments: bool,
}

impl<'f> ForEvents<'f> {
    #[inline]
    pub(crate) fn new(fields: &'f mut Fields, options: Options) -> Self {
        Self { fields, limit: options.limit(), gives_comments: options.comments }
    }
}

impl Lines for ForEvents<'_> {
    const HOLDS_ALL: bool = false;

    #[expect(clippy::inline_always, reason = "as `Fields::line`")]
    #[inline(always)]
    fn line(&mut self, block: &[u8], line: Range<usize>) -> Fate {
        let first = block[line.start];
        match self.fields.line(block, line, Some(self.limit)) {
            Fate::Dropped if self.gives_comments && first == b':' => Fate::Given,
            fate => fate,
        }
    }

    #[inline]
    fn end(&mut self) -> bool {
        self.fields.end()
    }

    /// Copies the values alone: they are all that is needed of lines that have ended.
    fn hold(&mut self, block: &[u8], buffer: &mut Held) {
        let values = &mut self.fields.values;
        let data = if let Data::One(span) = &mut values.data { Some(span) } else { None };
        for span in [data, values.event_type.as_mut(), values.id.as_mut()].into_iter().flatten() {
            let start = buffer.len();
            buffer.append(Part::checked(span.of(block)));
            *span = Span::new(start, buffer.len());
        }
    }
}

/// Reads the lines for the block view: every byte is held, and data is joined when it is asked for.
pub(crate) struct ForBlocks<'f> {
    pub(crate) fields: &'f mut Fields,
}

impl Lines for ForBlocks<'_> {
    const HOLDS_ALL: bool = true;

    #[expect(clippy::inline_always, reason = "as `Fields::line`")]
    #[inline(always)]
    fn line(&mut self, block: &[u8], line: Range<usize>) -> Fate {
        self.fields.line(block, line, None);
        Fate::Held
    }

    #[inline]
    fn end(&mut self) -> bool {
        self.fields.end();
        true
    }

    fn hold(&mut self, block: &[u8], buffer: &mut Held) {
        buffer.append(Part::new(block));
    }
}

/// Reads no line at all.
pub(crate) struct Ignored;

impl Lines for Ignored {
    const HOLDS_ALL: bool = false;

    fn line(&mut self, _: &[u8], _: Range<usize>) -> Fate {
        Fate::Dropped
    }

    fn end(&mut self) -> bool {
        false
    }

    fn hold(&mut self, _: &[u8], _: &mut Held) {}
}
