//! The meaning of a block's lines: the standard's "process the field", once for both views.

use core::{num::NonZeroUsize, ops::Range};

use crate::{
    chunk::{Buffer, Part},
    wire::field::{self, Field},
};

/// The position of a value: the offsets of its bytes in the block.
///
/// The bytes of a block are those that the decoder holds, followed by those in the chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: usize,
    /// The end, and the top bit, which no length reaches. So `Option<Span>` needs no more room.
    end: NonZeroUsize,
}

const TOP_BIT: NonZeroUsize = NonZeroUsize::new(1 << (usize::BITS - 1)).expect("not zero");

impl Span {
    pub(crate) const EMPTY: Self = Self { start: 0, end: TOP_BIT };

    #[inline]
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start, end: TOP_BIT | end }
    }

    #[inline]
    pub(crate) fn range(self) -> Range<usize> {
        self.start..self.end.get() & !TOP_BIT.get()
    }

    /// Returns the value. `block` starts with the bytes of its block.
    #[inline]
    pub(crate) fn of(self, block: &[u8]) -> &[u8] {
        &block[self.range()]
    }

    /// Returns the position in the chunk, counted from where it continues the held bytes; `None` if
    /// the value is among the held ones.
    #[inline]
    pub(crate) fn in_chunk(self, held: usize) -> Option<Range<usize>> {
        let Range { start, end } = self.range();
        (start >= held).then(|| start - held..end - held)
    }
}

/// The values of one block.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Values {
    /// The standard's data buffer, if it is not empty: the value of the first `data` field.
    pub(crate) data: Option<Span>,
    /// There are more `data` fields. The event view joins all of them in [`Fields::joined`].
    pub(crate) has_more_data: bool,
    pub(crate) event_type: Option<Span>,
    pub(crate) id: Option<Span>,
    /// The block sets the reconnection time.
    pub(crate) has_retry: bool,
    /// Not all values are UTF-8. Their text is in [`Repaired`](crate::texts::Repaired).
    pub(crate) is_repaired: bool,
}

impl Values {
    /// Returns the value of the only `data` field.
    #[inline]
    pub(crate) fn only_data(&self) -> Option<Span> {
        if self.has_more_data { None } else { self.data }
    }

    /// Returns all positions.
    #[inline]
    pub(crate) fn spans(&mut self) -> impl Iterator<Item = &mut Span> {
        let data = if self.has_more_data { None } else { self.data.as_mut() };
        [data, self.event_type.as_mut(), self.id.as_mut()].into_iter().flatten()
    }

    /// Returns the smallest range of the block that has all values, but for data of several lines.
    #[inline]
    pub(crate) fn range(&self) -> Option<Range<usize>> {
        let first = self.only_data().or(self.event_type).or(self.id)?;
        let Range { mut start, mut end } = first.range();
        let mut include = |value: Option<Span>| {
            if let Some(value) = value {
                (start, end) = (start.min(value.range().start), end.max(value.range().end));
            }
        };
        include(self.event_type);
        include(self.id);
        Some(start..end)
    }
}

/// The meaning of a line for its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It has set a value. Only such lines count towards the limit when they have ended.
    Value,
    /// It is a `data` field, and not the first one.
    MoreData(Span),
    /// It is a comment with this text.
    Comment(Span),
    /// It is ignored, or has done all that it does.
    Nothing,
}

impl Meaning {
    /// Returns `true` if the event view has to hold something of the line.
    #[inline]
    pub(crate) fn is_held(self) -> bool {
        matches!(self, Self::Value | Self::MoreData(_))
    }
}

/// The values of the current block, and what its lines set for the whole stream.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    pub(crate) values: Values,
    /// The data of a block with several data fields.
    pub(crate) joined: Buffer,
    /// In milliseconds.
    pub(crate) reconnection_time: Option<u64>,
    pub(crate) counters: Counters,
}

/// The counters. Bytes need none: the state knows its offset.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) events: u64,
    pub(crate) blocks_without_event: u64,
    pub(crate) comments: u64,
    pub(crate) unknown_fields: u64,
    pub(crate) refused: u64,
}

impl Fields {
    pub(crate) fn new() -> Self {
        let (values, counters) = (Values::default(), Counters::default());
        Self { values, joined: Buffer::EMPTY, reconnection_time: None, counters }
    }

    /// Processes the line that starts at `at` in its block.
    #[expect(clippy::inline_always, reason = "a call for each line costs a fifth of the time")]
    #[inline(always)]
    pub(crate) fn line(&mut self, line: &[u8], at: usize) -> Meaning {
        let (field, start) = field::split(line);
        let value = Span::new(at + start, at + line.len());
        match field {
            // "Append the field value to the data buffer, then append a single U+000A LINE FEED
            // (LF) character to the data buffer." The first line of most blocks is the only one.
            Field::Data if self.values.data.is_some() => return Meaning::MoreData(value),
            Field::Data => self.values.data = Some(value),
            // "Set the event type buffer to field value."
            Field::Event => self.values.event_type = Some(value),
            Field::Id if field::is_id(&line[start..]) => self.values.id = Some(value),
            // At once, and not at the end of the block: "set the event stream's reconnection time
            // to that integer".
            Field::Retry => {
                if let Some(millis) = field::parse_retry(&line[start..]) {
                    self.values.has_retry = true;
                    self.reconnection_time = Some(millis);
                }
                return Meaning::Nothing;
            }
            Field::Comment => {
                self.counters.comments += 1;
                return Meaning::Comment(value);
            }
            Field::Unknown => {
                self.counters.unknown_fields += 1;
                return Meaning::Nothing;
            }
            // "Otherwise, ignore the field."
            Field::Id => return Meaning::Nothing,
        }
        Meaning::Value
    }

    /// Joins another line of data with those before it: with `first`, if that is the only one.
    #[inline(never)]
    pub(crate) fn join(&mut self, first: Option<Part<'_>>, value: Part<'_>, limit: usize) {
        if let Some(first) = first {
            self.joined.append(first, limit);
            self.values.has_more_data = true;
        }
        // The line feed after the last line is never written, because the standard removes it: "If
        // the data buffer's last character is a U+000A LINE FEED (LF) character, then remove the
        // last character from the data buffer."
        self.joined.append_line(value, limit);
    }

    /// Returns the reconnection time that the block sets, in milliseconds.
    #[inline]
    pub(crate) fn retry(&self) -> Option<u64> {
        if self.values.has_retry { self.reconnection_time } else { None }
    }
}
