//! Writes a changed block: two passes over its lines, one to see them all and one to write.

use alloc::vec::Vec;
use core::{mem, ops::Range};

use super::Rewrite;
use crate::{
    Field,
    encoder::{MAX_DIGITS, decimal},
    field::BOM,
    line::Lines,
    parts::Parts,
    scan::{self, CR, LF},
};

/// Where a changed block goes.
pub(super) trait Output {
    /// Appends a part of the block as it came: these bytes.
    fn keep(&mut self, part: Range<usize>, bytes: &[u8]);

    /// Appends other bytes.
    fn copy(&mut self, bytes: &[u8]);
}

/// All in one buffer.
impl Output for Vec<u8> {
    #[inline]
    fn keep(&mut self, _: Range<usize>, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    #[inline]
    fn copy(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl Output for Parts<'_> {
    fn keep(&mut self, part: Range<usize>, _: &[u8]) {
        Parts::keep(self, part);
    }

    fn copy(&mut self, bytes: &[u8]) {
        Parts::copy(self, bytes);
    }
}

impl Rewrite<'_> {
    /// Writes the result. Nothing else stands before it if it is the `first`.
    pub(super) fn render(&self, first: bool, output: &mut impl Output) {
        let raw = self.raw;
        let lines = Lines::new(raw, self.starts_stream, self.line_ends);
        // A LF alone is no late one, but the blank line itself.
        let mut pos = if lines.pos() == raw.len() { 0 } else { lines.pos() };
        let is_start = self.starts_stream && first && pos == 0;
        let mut writer =
            Writer { raw, kept: 0..0, after_cr: false, is_open: false, is_start, output };
        if first || !self.starts_stream {
            writer.keep(0..pos);
        }

        let mut seen = Seen::default();
        let mut line_end: &[u8] = b"\n";
        for line in lines.clone() {
            if seen.lines == 0 && !line.line_end().is_empty() {
                line_end = line.line_end();
            }
            seen.note(line.field());
        }

        let mut number = 0;
        for line in lines {
            number += 1;
            let (field, next) = (line.field(), pos + line.raw().len());
            let is_place = seen.place(field) == number;
            if is_place && field == Field::Data {
                self.write_missing(&seen, line_end, &mut writer);
            }
            let is_open = line.line_end().is_empty();
            let is_set = self.sets(field);
            if is_place && is_set {
                let line_end = if is_open { line_end } else { line.line_end() };
                self.write(field, line_end, &mut writer);
            }
            // Data is replaced as a whole, and of the others the line that counts.
            let is_replaced = is_set && (is_place || field == Field::Data);
            if !is_replaced && !self.without.contains(field) {
                self.keep_line(pos..next, &mut writer);
                // Only the last line, if the end of the stream cut it off.
                writer.is_open = is_open;
            }
            pos = next;
        }
        if seen.data == 0 {
            self.write_missing(&seen, line_end, &mut writer);
            self.write(Field::Data, line_end, &mut writer);
        }
        if let Some(comment) = self.comment {
            writer.lines(b": ", comment, line_end);
        }
        writer.finish(pos..raw.len());
    }

    #[inline]
    fn keep_line(&self, line: Range<usize>, writer: &mut Writer<'_, impl Output>) {
        match &self.splice {
            Some((part, text)) if line.start <= part.start && part.end <= line.end => {
                writer.keep(line.start..part.start);
                writer.copy(text.as_bytes());
                writer.keep(part.end..line.end);
            }
            _ => writer.keep(line),
        }
    }

    #[inline]
    fn sets(&self, field: Field) -> bool {
        match field {
            Field::Data => self.data.is_some(),
            Field::Event => self.event_type.is_some(),
            Field::Id => self.id.is_some(),
            Field::Retry => self.retry.is_some(),
            Field::Comment | Field::Unknown => false,
        }
    }

    /// Writes what the field is set to, if it is.
    fn write(&self, field: Field, line_end: &[u8], writer: &mut Writer<'_, impl Output>) {
        match field {
            Field::Data => {
                if let Some(data) = self.data {
                    writer.lines(b"data: ", data, line_end);
                }
            }
            Field::Event => self.write_event_type(line_end, writer),
            Field::Id => self.write_id(line_end, writer),
            Field::Retry => self.write_retry(line_end, writer),
            Field::Comment | Field::Unknown => {}
        }
    }

    #[inline]
    fn write_event_type(&self, line_end: &[u8], writer: &mut Writer<'_, impl Output>) {
        if let Some(event_type) = self.event_type {
            writer.line(b"event: ", event_type.as_str(), line_end);
        }
    }

    #[inline]
    fn write_id(&self, line_end: &[u8], writer: &mut Writer<'_, impl Output>) {
        if let Some(id) = self.id {
            writer.line(b"id: ", id.as_str(), line_end);
        }
    }

    #[inline]
    fn write_retry(&self, line_end: &[u8], writer: &mut Writer<'_, impl Output>) {
        if let Some(millis) = self.retry {
            writer.line(b"retry: ", decimal(millis, &mut [0; MAX_DIGITS]), line_end);
        }
    }

    /// Writes what is set and was not there.
    #[inline]
    fn write_missing(&self, seen: &Seen, line_end: &[u8], writer: &mut Writer<'_, impl Output>) {
        if seen.event_type == 0 {
            self.write_event_type(line_end, writer);
        }
        if seen.id == 0 {
            self.write_id(line_end, writer);
        }
        if seen.retry == 0 {
            self.write_retry(line_end, writer);
        }
    }
}

/// Which lines matter, counted from 1; 0 is none.
#[derive(Debug, Default)]
struct Seen {
    lines: usize,
    /// The first one.
    data: usize,
    /// The last ones.
    event_type: usize,
    id: usize,
    retry: usize,
}

impl Seen {
    #[inline]
    fn note(&mut self, field: Field) {
        self.lines += 1;
        match field {
            Field::Data if self.data == 0 => self.data = self.lines,
            Field::Event => self.event_type = self.lines,
            Field::Id => self.id = self.lines,
            Field::Retry => self.retry = self.lines,
            Field::Data | Field::Comment | Field::Unknown => {}
        }
    }

    /// The line whose place what is set takes.
    #[inline]
    fn place(&self, field: Field) -> usize {
        match field {
            Field::Data => self.data,
            Field::Event => self.event_type,
            Field::Id => self.id,
            Field::Retry => self.retry,
            Field::Comment | Field::Unknown => 0,
        }
    }
}

struct Writer<'w, O> {
    raw: &'w [u8],
    /// What was kept, side by side, and has not been written yet: so that lines which stay together
    /// cost one copy.
    kept: Range<usize>,
    /// The last byte that was written is a CR.
    after_cr: bool,
    /// The line before has no end yet.
    is_open: bool,
    /// Nothing was written to the start of the stream yet.
    is_start: bool,
    output: &'w mut O,
}

impl<O: Output> Writer<'_, O> {
    #[inline]
    fn keep(&mut self, part: Range<usize>) {
        if part.start != self.kept.end {
            self.flush();
            self.kept.start = part.start;
        }
        self.kept.end = part.end;
    }

    #[inline]
    fn flush(&mut self) {
        let kept = mem::replace(&mut self.kept, 0..0);
        let bytes = &self.raw[kept.clone()];
        let Some(last) = bytes.last() else { return };
        // What was in the middle of the stream is no byte order mark. If nothing stands before it
        // any more, a real one keeps it from being taken for that.
        if mem::take(&mut self.is_start) && bytes.starts_with(&BOM) {
            self.output.copy(&BOM);
        }
        self.after_cr = *last == CR;
        self.output.keep(kept, bytes);
    }

    #[inline]
    fn copy(&mut self, bytes: &[u8]) {
        self.flush();
        self.is_start &= bytes.is_empty();
        self.output.copy(bytes);
    }

    /// The start is an array, because a few bytes of a known number need no call to be copied.
    #[inline]
    fn line<const N: usize>(&mut self, start: &[u8; N], value: &str, line_end: &[u8]) {
        self.flush();
        self.is_start = false;
        if mem::take(&mut self.is_open) {
            self.output.copy(line_end);
        }
        self.output.copy(start);
        self.output.copy(value.as_bytes());
        self.output.copy(line_end);
        self.after_cr = line_end == [CR];
    }

    fn lines<const N: usize>(&mut self, start: &[u8; N], text: &str, line_end: &[u8]) {
        for line in scan::split_lines(text) {
            self.line(start, line, line_end);
        }
    }

    /// Ends the block with its blank line.
    #[inline]
    fn finish(&mut self, blank_line: Range<usize>) {
        if self.kept.is_empty() || self.kept.end != blank_line.start {
            self.flush();
            // A line's CR and the LF of the blank line would be one line end that were not
            // neighbours before, and the block would not end.
            if self.after_cr && self.raw[blank_line.clone()].first() == Some(&LF) {
                self.output.copy(&[LF]);
            }
        }
        self.keep(blank_line);
        self.flush();
    }
}
