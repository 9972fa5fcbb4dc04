//! The block under interpretation: what its lines have said so far, by the standard's steps.
//!
//! A value that lies whole in the input stays there, as a span. Only what straddles two inputs, or
//! must be joined or mended, goes through the buffers here.

use alloc::string::String;
use core::{mem, ops::Range, time::Duration};

use crate::{
    Field,
    event::Event,
    field::Digits,
    machine::Part,
    scan,
    text::{self, Joiner, Piece, Trouble},
};

/// Buffers keep at most this many bytes each when a block is done, so that one large event does
/// not hold its memory for the rest of the connection.
const KEPT: usize = 16 * 1024;

/// The bytes that spans refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    pub(crate) bytes: &'a [u8],
    /// The part of `bytes` that was found to be UTF-8, all at once.
    pub(crate) text: &'a str,
    /// Where `text` starts in `bytes`.
    pub(crate) text_start: usize,
}

impl<'a> Input<'a> {
    pub(crate) const EMPTY: Input<'static> = Input { bytes: &[], text: "", text_start: 0 };

    /// The span as text, if it lies in the part that is known to be.
    #[inline]
    fn known_text(&self, span: &Range<usize>) -> Option<&'a str> {
        let start = span.start.checked_sub(self.text_start)?;
        self.text.get(start..span.end - self.text_start)
    }

    #[inline]
    pub(crate) fn is_text(&self, span: &Range<usize>) -> bool {
        self.known_text(span).is_some()
            || simdutf8::basic::from_utf8(&self.bytes[span.clone()]).is_ok()
    }

    /// A span that was found to be text.
    #[inline]
    pub(crate) fn text(&self, span: &Range<usize>) -> &'a str {
        self.known_text(span).unwrap_or_else(|| {
            simdutf8::basic::from_utf8(&self.bytes[span.clone()]).unwrap_or_default()
        })
    }
}

/// Where the value of a field is.
#[derive(Clone, Debug, Default)]
enum Slot {
    /// The block has no such field.
    #[default]
    Absent,
    /// In the input, where it is valid text.
    Input(Range<usize>),
    /// In the buffer of its own.
    Buffer,
}

impl Slot {
    fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    fn buffered(is: bool) -> Self {
        if is { Self::Buffer } else { Self::Absent }
    }
}

/// Where the values of the block under way are, as long as its input lives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    data: Slot,
    event_type: Slot,
    id: Slot,
}

/// The event stream's state, and the block under way as far as its input is gone.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "packed, they keep a decoder at 256 bytes")]
pub(crate) struct Interpreter {
    buffers: Buffers,
    joiner: Joiner,
    /// Which of the buffers hold a value of the block, between two inputs.
    held: Held,
    /// Where in its buffer the `id` under way starts: an earlier one of the same block stands
    /// before it, and counts if this one turns out to hold a NUL.
    id_start: usize,
    id_void: bool,
    digits: Digits,
    /// The block set the reconnection time.
    retry_set: bool,
    /// Something was written to the buffers since they were emptied.
    used: bool,
    last_event_id: String,
    /// In milliseconds; only if `has_reconnection_time`, which is packed with the other flags.
    reconnection_time: u64,
    has_reconnection_time: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Held {
    data: bool,
    event_type: bool,
    id: bool,
}

impl Interpreter {
    pub(crate) fn new(rejects_invalid: bool, last_event_id: String) -> Self {
        Self {
            buffers: Buffers::default(),
            joiner: Joiner::new(rejects_invalid),
            held: Held::default(),
            id_start: 0,
            id_void: false,
            digits: Digits::default(),
            retry_set: false,
            used: false,
            last_event_id,
            reconnection_time: 0,
            has_reconnection_time: false,
        }
    }

    pub(crate) fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    pub(crate) fn reconnection_time(&self) -> Option<Duration> {
        self.has_reconnection_time.then(|| Duration::from_millis(self.reconnection_time))
    }

    /// The slots for the next input.
    pub(crate) fn slots(&self) -> Slots {
        Slots {
            data: Slot::buffered(self.held.data),
            event_type: Slot::buffered(self.held.event_type),
            id: Slot::buffered(self.held.id),
        }
    }

    /// Whether the block under way has data, between two inputs.
    pub(crate) fn holds_data(&self) -> bool {
        self.held.data
    }

    /// Processes a field, or a part of one.
    ///
    /// `at` is the offset of the span in the stream, `fence` the one that the block may not reach
    /// beyond.
    #[inline]
    pub(crate) fn value(
        &mut self,
        slots: &mut Slots,
        input: &Input<'_>,
        (field, span, part): (Field, Range<usize>, Part),
        (at, fence): (u64, u64),
    ) -> Result<(), Trouble> {
        match field {
            Field::Comment | Field::Unknown => Ok(()),
            Field::Retry => {
                self.retry(&input.bytes[span], part);
                Ok(())
            }
            Field::Data | Field::Event | Field::Id => {
                if part == Part::Whole && input.is_text(&span) {
                    match field {
                        // "Append the field value to the data buffer, then append a single U+000A
                        // LINE FEED": the first line of most blocks is the only one, so it stays
                        // where it is until a second one comes.
                        Field::Data if slots.data.is_absent() => {
                            slots.data = Slot::Input(span);
                            return Ok(());
                        }
                        // "Set the event type buffer to field value."
                        Field::Event => {
                            slots.event_type = Slot::Input(span);
                            return Ok(());
                        }
                        // "If the field value does not contain U+0000 NULL, then set the last
                        // event ID buffer to the field value. Otherwise, ignore the field."
                        Field::Id => {
                            if scan::nul(&input.bytes[span.clone()]).is_none() {
                                slots.id = Slot::Input(span);
                            }
                            return Ok(());
                        }
                        _ => {}
                    }
                }
                let piece = Piece { bytes: &input.bytes[span], at, fence };
                self.buffer(slots, input, field, piece, part)
            }
        }
    }

    /// "If the field value consists of only ASCII digits, then interpret the field value as an
    /// integer in base ten, and set the event stream's reconnection time to that integer": at
    /// once, not at the end of the block.
    pub(crate) fn retry(&mut self, bytes: &[u8], part: Part) {
        if part.begins() {
            self.digits = Digits::default();
        }
        self.digits.push(bytes);
        if part.ends() {
            if let Some(millis) = self.digits.finish() {
                self.reconnection_time = millis;
                self.has_reconnection_time = true;
                self.retry_set = true;
            }
        }
    }

    /// Processes what cannot stay in the input.
    #[cold]
    fn buffer(
        &mut self,
        slots: &mut Slots,
        input: &Input<'_>,
        field: Field,
        piece: Piece<'_>,
        part: Part,
    ) -> Result<(), Trouble> {
        self.used = true;
        match field {
            Field::Data => {
                if part.begins() {
                    self.begin_data_line(slots, input, piece);
                }
                self.buffers.reserve(Field::Data, piece.bytes.len(), self.joiner.room(piece));
                self.joiner.append(&mut self.buffers.data, piece, part.ends())
            }
            Field::Event => {
                if part.begins() {
                    self.buffers.event_type.clear();
                    slots.event_type = Slot::Buffer;
                }
                self.buffers.reserve(Field::Event, piece.bytes.len(), self.joiner.room(piece));
                self.joiner.append(&mut self.buffers.event_type, piece, part.ends())
            }
            _ => self.buffer_id(slots, input, piece, part),
        }
    }

    fn begin_data_line(&mut self, slots: &mut Slots, input: &Input<'_>, piece: Piece<'_>) {
        let line = piece.bytes.len() + 1;
        match mem::replace(&mut slots.data, Slot::Buffer) {
            Slot::Absent => return self.buffers.data.clear(),
            Slot::Buffer => self.buffers.reserve(Field::Data, line, self.joiner.room(piece)),
            Slot::Input(span) => {
                self.buffers.data.clear();
                self.buffers.reserve(Field::Data, span.len() + line, self.joiner.room(piece));
                self.buffers.data.push_str(input.text(&span));
            }
        }
        // The line feed that ended the line before; the last one is never written, because the
        // standard takes it away again at dispatch.
        self.buffers.data.push('\n');
    }

    fn buffer_id(
        &mut self,
        slots: &mut Slots,
        input: &Input<'_>,
        piece: Piece<'_>,
        part: Part,
    ) -> Result<(), Trouble> {
        if part.begins() {
            match &slots.id {
                Slot::Absent => self.buffers.id.clear(),
                Slot::Buffer => {}
                Slot::Input(span) => {
                    self.buffers.id.clear();
                    self.buffers.id.push_str(input.text(span));
                    slots.id = Slot::Buffer;
                }
            }
            self.id_start = self.buffers.id.len();
            self.id_void = false;
        }
        if !self.id_void {
            self.buffers.reserve(Field::Id, piece.bytes.len(), self.joiner.room(piece));
            let id = &mut self.buffers.id;
            match scan::nul(piece.bytes) {
                None => self.joiner.append(id, piece, part.ends())?,
                Some(nul) => {
                    self.joiner.append(id, piece.split_at(nul).0, false)?;
                    self.joiner.abandon();
                    id.truncate(self.id_start);
                    self.id_void = true;
                }
            }
        }
        if part.ends() && !self.id_void {
            // Moves only this value, and only if the block has an earlier one.
            self.buffers.id.drain(..self.id_start);
            slots.id = Slot::Buffer;
        }
        Ok(())
    }

    /// A blank line: the standard's "dispatch the event". Whether there is one.
    ///
    /// The values stay until [`clear`](Self::clear), for [`event`](Self::event).
    #[inline]
    pub(crate) fn dispatch(&mut self, slots: &Slots, input: &Input<'_>) -> bool {
        // "Set the last event ID string of the event source to the value of the last event ID
        // buffer", also if there is no data.
        match &slots.id {
            Slot::Absent => {}
            Slot::Input(span) => {
                let id = input.text(span);
                self.last_event_id.clear();
                text::reserve(&mut self.last_event_id, id.len(), 0);
                self.last_event_id.push_str(id);
            }
            Slot::Buffer => mem::swap(&mut self.last_event_id, &mut self.buffers.id),
        }
        // "If the data buffer is an empty string": no data field at all. One with an empty value
        // puts its line feed there.
        !slots.data.is_absent()
    }

    /// The event that was dispatched.
    #[inline]
    pub(crate) fn event<'a>(&'a self, slots: &Slots, input: &Input<'a>) -> Event<'a> {
        Event {
            data: match &slots.data {
                Slot::Absent => "",
                Slot::Input(span) => input.text(span),
                Slot::Buffer => &self.buffers.data,
            },
            event_type: match &slots.event_type {
                Slot::Absent => None,
                Slot::Input(span) => Some(input.text(span)),
                Slot::Buffer => Some(&self.buffers.event_type),
            },
            last_event_id: &self.last_event_id,
            sets_id: !slots.id.is_absent(),
            retry: if self.retry_set { Some(self.reconnection_time) } else { None },
        }
    }

    /// The data of the event that was dispatched, taken out of its buffer if it is large: the
    /// buffer would not be kept anyway, so an owned event need not copy it.
    pub(crate) fn take_large_data(&mut self, slots: &Slots) -> Option<String> {
        match slots.data {
            Slot::Buffer if self.buffers.data.capacity() > KEPT => {
                Some(mem::take(&mut self.buffers.data))
            }
            _ => None,
        }
    }

    /// Forgets the block, dispatched or refused.
    #[inline]
    pub(crate) fn clear(&mut self, slots: &mut Slots) {
        *slots = Slots::default();
        self.retry_set = false;
        if self.used {
            self.empty_buffers();
        }
    }

    /// Forgets the block under way, and stands before the next stream.
    ///
    /// The last event ID stays. By the letter of the standard a new stream starts with an empty
    /// last event ID buffer, so its first event without `id` would reset what the reconnection was
    /// made with; browsers keep it, and a client that resumes depends on that.
    pub(crate) fn reset(&mut self) {
        self.clear(&mut Slots::default());
    }

    #[cold]
    fn empty_buffers(&mut self) {
        self.buffers.recycle();
        self.joiner.reset();
        self.held = Held::default();
        self.used = false;
    }

    /// The input is used up: keeps what the block under way still needs of it.
    #[inline]
    pub(crate) fn keep(&mut self, slots: &Slots, input: &Input<'_>, fence: u64, at: u64) {
        if let Slots { data: Slot::Absent, event_type: Slot::Absent, id: Slot::Absent } = slots {
            return;
        }
        self.keep_some(slots, input, Piece { bytes: &[], at, fence });
    }

    #[cold]
    fn keep_some(&mut self, slots: &Slots, input: &Input<'_>, next: Piece<'_>) {
        self.used = true;
        let Buffers { data, event_type, id } = &mut self.buffers;
        for (slot, buffer) in
            [(&slots.data, data), (&slots.event_type, event_type), (&slots.id, id)]
        {
            if let Slot::Input(span) = slot {
                buffer.clear();
                text::reserve(buffer, span.len(), next.room());
                buffer.push_str(input.text(span));
            }
        }
        self.held = Held {
            data: !slots.data.is_absent(),
            event_type: !slots.event_type.is_absent(),
            id: !slots.id.is_absent(),
        };
    }
}

/// Buffers for what straddles inputs. Together they take no more than a block may.
#[derive(Clone, Debug, Default)]
struct Buffers {
    data: String,
    event_type: String,
    id: String,
}

impl Buffers {
    /// Makes room in the buffer of a field. See [`text::growth`].
    fn reserve(&mut self, field: Field, additional: usize, room: usize) {
        let (buffer, others) = match field {
            Field::Data => (&mut self.data, [&mut self.event_type, &mut self.id]),
            Field::Event => (&mut self.event_type, [&mut self.data, &mut self.id]),
            _ => (&mut self.id, [&mut self.data, &mut self.event_type]),
        };
        if buffer.capacity() - buffer.len() < additional {
            // Growth in one buffer must not come on top of room that the others do not use. It
            // doubles, so this happens a few times in a block at most.
            for other in others {
                if other.capacity() - other.len() > KEPT {
                    other.shrink_to_fit();
                }
            }
            text::reserve(buffer, additional, room);
        }
    }

    fn recycle(&mut self) {
        for buffer in [&mut self.data, &mut self.event_type, &mut self.id] {
            if buffer.capacity() > KEPT {
                *buffer = String::new();
            } else {
                buffer.clear();
            }
        }
    }
}
