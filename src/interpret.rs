//! The block under interpretation: what its lines have said so far, by the standard's steps.
//!
//! A value that lies whole in the chunk stays there, as a slice of it. Only what straddles two
//! chunks, or must be joined or mended, goes through the buffers here.

use alloc::string::String;
use core::{mem, time::Duration};

use crate::{
    Field,
    chunk::{Chunk, Span, Text},
    event::Event,
    field::Digits,
    machine::Part,
    scan,
    text::{self, Joiner, KEPT, Piece, Trouble},
};

/// Joined data of more bytes is handed over to an owned event, and not copied for it.
const COPIED: usize = 16 * 1024;

/// Where the value of a field is.
#[derive(Clone, Copy, Debug, Default)]
enum Slot {
    /// The block has no such field.
    #[default]
    Absent,
    /// In the chunk.
    Chunk(Span),
    /// In the buffer of its own.
    Buffer,
}

impl Slot {
    fn is_absent(self) -> bool {
        matches!(self, Self::Absent)
    }

    fn buffered(is: bool) -> Self {
        if is { Self::Buffer } else { Self::Absent }
    }

    #[inline]
    fn get<'a>(self, chunk: &'a Chunk<'_>, buffer: &'a str) -> Option<&'a str> {
        match self {
            Self::Absent => None,
            Self::Chunk(span) => Some(chunk.str(span)),
            Self::Buffer => Some(buffer),
        }
    }
}

/// Where the values of the block under way are, as long as its chunk lives.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Slots {
    data: Slot,
    event_type: Slot,
    id: Slot,
}

impl Slots {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.data.is_absent() && self.event_type.is_absent() && self.id.is_absent()
    }
}

/// The event stream's state, and the block under way as far as its chunk is gone.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "packed, they keep a decoder at 256 bytes")]
pub(crate) struct Interpreter {
    buffers: Buffers,
    joiner: Joiner,
    /// Which of the buffers hold a value of the block, between two chunks.
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

    /// The slots for the next chunk.
    #[inline]
    pub(crate) fn slots(&self) -> Slots {
        Slots {
            data: Slot::buffered(self.held.data),
            event_type: Slot::buffered(self.held.event_type),
            id: Slot::buffered(self.held.id),
        }
    }

    /// Whether nothing of the block under way is here; its slots may still tell of something.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        !self.retry_set && !self.used
    }

    /// Whether the block under way has data, between two chunks.
    pub(crate) fn holds_data(&self) -> bool {
        self.held.data
    }

    /// Processes a field whose value lies whole in the chunk.
    #[inline]
    pub(crate) fn field(
        &mut self,
        slots: &mut Slots,
        field: Field,
        value: Text<'_>,
        chunk: &Chunk<'_>,
        room: impl FnOnce() -> usize,
    ) {
        match field {
            // "Append the field value to the data buffer, then append a single U+000A LINE FEED."
            // The first line of most blocks is the only one, so it stays where it is until a
            // second one comes.
            Field::Data if slots.data.is_absent() => slots.data = Slot::Chunk(value.span),
            Field::Data => {
                let data = &mut self.buffers.data;
                if matches!(slots.data, Slot::Buffer)
                    && data.capacity() - data.len() > value.str.len()
                {
                    data.push('\n');
                } else {
                    self.begin_data_line(slots, chunk, value.str.len(), room());
                }
                self.buffers.data.push_str(value.str);
            }
            // "Set the event type buffer to field value."
            Field::Event => slots.event_type = Slot::Chunk(value.span),
            // "If the field value does not contain U+0000 NULL, then set the last event ID buffer
            // to the field value. Otherwise, ignore the field."
            Field::Id if scan::nul(value.str.as_bytes()).is_none() => {
                slots.id = Slot::Chunk(value.span);
            }
            Field::Retry => self.retry(value.str.as_bytes(), Part::Whole),
            Field::Id | Field::Comment | Field::Unknown => {}
        }
    }

    /// Appends to the data line under way, if that takes no more than to copy. Whether it did.
    #[inline]
    pub(crate) fn append_to_data(&mut self, text: &str) -> bool {
        let data = &mut self.buffers.data;
        let is_easy = self.joiner.is_idle() && data.capacity() - data.len() >= text.len();
        if is_easy {
            data.push_str(text);
        }
        is_easy
    }

    /// Processes a part of a field, or one whose value is not known to be text. How many bytes
    /// longer it became by replacements.
    pub(crate) fn part(
        &mut self,
        slots: &mut Slots,
        field: Field,
        piece: Piece<'_>,
        chunk: &Chunk<'_>,
        part: Part,
    ) -> Result<u64, Trouble> {
        match field {
            Field::Data => {
                if part.begins() {
                    self.begin_data_line(slots, chunk, piece.bytes.len(), piece.room());
                } else {
                    self.buffers.reserve(Field::Data, piece.bytes.len(), piece.room());
                }
                self.joiner.append(&mut self.buffers.data, piece, part.ends())
            }
            Field::Event => {
                self.used = true;
                if part.begins() {
                    self.buffers.event_type.clear();
                    slots.event_type = Slot::Buffer;
                }
                self.buffers.reserve(Field::Event, piece.bytes.len(), piece.room());
                self.joiner.append(&mut self.buffers.event_type, piece, part.ends())
            }
            Field::Id => self.id_part(slots, piece, chunk, part),
            Field::Retry => {
                self.retry(piece.bytes, part);
                Ok(0)
            }
            Field::Comment | Field::Unknown => Ok(0),
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

    /// Brings the data so far into its buffer, with room for a line of this length.
    fn begin_data_line(&mut self, slots: &mut Slots, chunk: &Chunk<'_>, len: usize, room: usize) {
        self.used = true;
        match mem::replace(&mut slots.data, Slot::Buffer) {
            Slot::Absent => {
                self.buffers.data.clear();
                return self.buffers.reserve(Field::Data, len, room);
            }
            Slot::Buffer => self.buffers.reserve(Field::Data, len + 1, room),
            Slot::Chunk(first) => {
                self.buffers.data.clear();
                self.buffers.reserve(Field::Data, first.len() + 1 + len, room);
                self.buffers.data.push_str(chunk.str(first));
            }
        }
        // The line feed that ended the line before; the last one is never written, because the
        // standard takes it away again at dispatch.
        self.buffers.data.push('\n');
    }

    fn id_part(
        &mut self,
        slots: &mut Slots,
        piece: Piece<'_>,
        chunk: &Chunk<'_>,
        part: Part,
    ) -> Result<u64, Trouble> {
        self.used = true;
        if part.begins() {
            match slots.id {
                Slot::Absent => self.buffers.id.clear(),
                Slot::Buffer => {}
                Slot::Chunk(earlier) => {
                    self.keep_id(chunk.str(earlier), piece.room());
                    slots.id = Slot::Buffer;
                }
            }
            self.id_start = self.buffers.id.len();
            self.id_void = false;
        }
        let mut inflation = 0;
        if !self.id_void {
            self.buffers.reserve(Field::Id, piece.bytes.len(), piece.room());
            let id = &mut self.buffers.id;
            match scan::nul(piece.bytes) {
                None => inflation = self.joiner.append(id, piece, part.ends())?,
                Some(nul) => {
                    inflation = self.joiner.append(id, piece.split_at(nul).0, false)?;
                    self.joiner.reset();
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
        Ok(inflation)
    }

    /// A blank line: the standard's "dispatch the event". Whether there is one.
    ///
    /// The values stay until [`clear`](Self::clear), for [`event`](Self::event).
    #[inline]
    pub(crate) fn dispatch(&mut self, slots: &Slots, chunk: &Chunk<'_>) -> bool {
        // "Set the last event ID string of the event source to the value of the last event ID
        // buffer", also if there is no data.
        if !slots.id.is_absent() {
            self.commit_id(slots.id, chunk);
        }
        // "If the data buffer is an empty string": no data field at all. One with an empty value
        // puts its line feed there.
        !slots.data.is_absent()
    }

    fn commit_id(&mut self, id: Slot, chunk: &Chunk<'_>) {
        match id {
            Slot::Absent => {}
            Slot::Chunk(id) => {
                let id = chunk.str(id);
                self.last_event_id.clear();
                text::reserve(&mut self.last_event_id, id.len(), 0);
                self.last_event_id.push_str(id);
            }
            Slot::Buffer => mem::swap(&mut self.last_event_id, &mut self.buffers.id),
        }
    }

    /// Sets the last event ID from the value of a field.
    pub(crate) fn set_last_event_id(&mut self, value: &[u8]) {
        self.last_event_id.clear();
        for chunk in value.utf8_chunks() {
            self.last_event_id.push_str(chunk.valid());
            if !chunk.invalid().is_empty() {
                self.last_event_id.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }

    /// The event that was dispatched.
    #[inline]
    pub(crate) fn event<'a>(&'a self, slots: &Slots, chunk: &'a Chunk<'_>) -> Event<'a> {
        Event {
            data: slots.data.get(chunk, &self.buffers.data).unwrap_or_default(),
            event_type: slots.event_type.get(chunk, &self.buffers.event_type),
            last_event_id: &self.last_event_id,
            sets_id: !slots.id.is_absent(),
            retry: self.retry_set.then_some(self.reconnection_time),
        }
    }

    /// The data of the event that was dispatched, taken out of its buffer if it is large.
    pub(crate) fn take_large_data(&mut self, slots: &Slots) -> Option<String> {
        match slots.data {
            Slot::Buffer if self.buffers.data.capacity() > COPIED => {
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

    /// Gives up buffers that are larger, for those who keep another one beside them.
    #[inline]
    pub(crate) fn keep_at_most(&mut self, bytes: usize) {
        if self.buffers.capacity() > bytes {
            self.buffers = Buffers::default();
        }
    }

    fn empty_buffers(&mut self) {
        self.buffers.recycle();
        self.joiner.reset();
        self.held = Held::default();
        self.used = false;
    }

    /// The chunk is used up: takes what the block under way still needs of it out of the slots.
    pub(crate) fn keep(&mut self, slots: &mut Slots, chunk: &Chunk<'_>, room: usize) {
        if let Slot::Chunk(data) = slots.data {
            self.used = true;
            self.buffers.data.clear();
            self.buffers.reserve(Field::Data, data.len(), room);
            self.buffers.data.push_str(chunk.str(data));
        }
        if let Slot::Chunk(event_type) = slots.event_type {
            self.used = true;
            self.buffers.event_type.clear();
            self.buffers.reserve(Field::Event, event_type.len(), room);
            self.buffers.event_type.push_str(chunk.str(event_type));
        }
        if let Slot::Chunk(id) = slots.id {
            self.keep_id(chunk.str(id), room);
        }
        self.held = Held {
            data: !slots.data.is_absent(),
            event_type: !slots.event_type.is_absent(),
            id: !slots.id.is_absent(),
        };
        *slots = Slots::default();
    }

    fn keep_id(&mut self, id: &str, room: usize) {
        self.used = true;
        self.buffers.id.clear();
        self.buffers.reserve(Field::Id, id.len(), room);
        self.buffers.id.push_str(id);
    }
}

/// Buffers for what straddles chunks. Together they take no more than a block may.
#[derive(Clone, Debug, Default)]
struct Buffers {
    data: String,
    event_type: String,
    id: String,
}

impl Buffers {
    /// Makes room in the buffer of a field.
    #[inline]
    fn reserve(&mut self, field: Field, additional: usize, room: usize) {
        let buffer = match field {
            Field::Data => &self.data,
            Field::Event => &self.event_type,
            _ => &self.id,
        };
        if buffer.capacity() - buffer.len() < additional {
            self.grow(field, additional, room);
        }
    }

    /// See [`text::growth`].
    #[cold]
    fn grow(&mut self, field: Field, additional: usize, room: usize) {
        let (buffer, others) = match field {
            Field::Data => (&mut self.data, [&mut self.event_type, &mut self.id]),
            Field::Event => (&mut self.event_type, [&mut self.data, &mut self.id]),
            _ => (&mut self.id, [&mut self.data, &mut self.event_type]),
        };
        // Growth in one buffer must not come on top of room that the others do not use. It
        // doubles, so this happens a few times in a block at most.
        for other in others {
            if other.capacity() - other.len() > COPIED {
                other.shrink_to_fit();
            }
        }
        text::reserve(buffer, additional, room);
    }

    #[inline]
    fn capacity(&self) -> usize {
        self.data.capacity() + self.event_type.capacity() + self.id.capacity()
    }

    fn recycle(&mut self) {
        if self.capacity() > KEPT {
            *self = Self::default();
        }
        self.data.clear();
        self.event_type.clear();
        self.id.clear();
    }
}
