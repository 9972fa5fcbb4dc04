//! Writes a changed block, in one pass over its lines.

use alloc::vec::Vec;
use core::{mem, ops::Range};

use super::{Part, Rewrite};
use crate::{
    gateway::parts::Parts,
    wire::{self, BOM, CR, LF, MAX_DIGITS, decimal, field::Field},
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

/// What becomes of the byte order mark of a stream's first block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It stays, and what came first in the block may come first now.
    Kept,
    /// It goes, and nothing may look like it.
    Removed,
}

impl Rewrite<'_> {
    /// Writes the result.
    #[inline]
    pub(super) fn render(&self, mark: Mark, output: &mut impl Output) {
        let mut pos = self.lines.pos();
        let is_mark_left = mark == Mark::Removed && self.starts_stream;
        let mut writer = Writer {
            raw: self.raw,
            from: if is_mark_left { pos } else { 0 },
            line_end: b"",
            after_cr: false,
            is_start: true,
            mark,
            output,
        };
        if !self.changes_lines {
            if let Some(line_end) = self.lines.end_of_only_data() {
                // Nearly every block of a token stream: lines are added before the only one.
                writer.flush(pos);
                if let Some(event_type) = self.event_type {
                    writer.line(b"event: ", event_type.as_str(), line_end);
                }
                if let Some(id) = self.id {
                    writer.line(b"id: ", id.as_str(), line_end);
                }
                return writer.flush(self.raw.len());
            }
        }
        let last_retry = self.last_retry();
        let mut parts = &self.parts[..];
        let mut has_data = false;
        while let Some(line) = self.lines.line_at(pos) {
            let (start, end) = (pos, pos + line.raw().len());
            pos = end;
            let field = line.field();
            let value_end = end - line.line_end().len();
            // Only the last line of a block that was cut off has no end.
            let is_open = value_end == end;
            let line_end = if is_open { writer.line_end_or_lf() } else { line.line_end() };
            if writer.line_end.is_empty() {
                writer.line_end = line_end;
            }
            // New data takes the place of the first line, another value that of the line that counts.
            let is_place = match field {
                Field::Data => !mem::replace(&mut has_data, true),
                Field::Event => self.lines.event_type_end() == Some(value_end),
                Field::Id => self.lines.id_end() == Some(value_end),
                Field::Retry => last_retry == Some(start),
                Field::Comment | Field::Unknown => false,
            };
            if is_place && field == Field::Data {
                self.write_missing(last_retry, start, &mut writer);
            }
            let is_set = self.sets(field);
            if is_place && is_set {
                writer.flush(start);
                self.write(field, line_end, &mut writer);
            }
            let (own_parts, later) =
                parts.split_at(parts.partition_point(|part| part.range.end <= end));
            parts = later;
            if is_set && (is_place || field == Field::Data) || self.without.contains(field) {
                writer.skip(start..end);
                continue;
            }
            for Part { range, text } in own_parts {
                writer.skip(range.clone());
                writer.output.copy(text.as_bytes());
            }
            if is_open {
                writer.flush(end);
                writer.end_line(line_end);
            }
        }
        let blank = pos;
        writer.line_end = writer.line_end_or_lf();
        if !has_data {
            self.write_missing(last_retry, blank, &mut writer);
            if self.data.is_some() {
                writer.flush(blank);
                self.write(Field::Data, writer.line_end, &mut writer);
            }
        }
        if let Some(comment) = self.comment {
            writer.flush(blank);
            writer.lines(b": ", comment, writer.line_end);
        }
        writer.finish(blank);
    }

    /// Returns where the last `retry` line starts, if that field is set.
    #[inline]
    fn last_retry(&self) -> Option<usize> {
        self.retry?;
        let (mut pos, mut last) = (self.lines.pos(), None);
        while let Some(line) = self.lines.line_at(pos) {
            if line.field() == Field::Retry {
                last = Some(pos);
            }
            pos += line.raw().len();
        }
        last
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
    #[inline]
    fn write(&self, field: Field, line_end: &[u8], writer: &mut Writer<'_, impl Output>) {
        match field {
            Field::Data => {
                if let Some(data) = self.data {
                    writer.lines(b"data: ", data, line_end);
                }
            }
            Field::Event => {
                if let Some(event_type) = self.event_type {
                    writer.line(b"event: ", event_type.as_str(), line_end);
                }
            }
            Field::Id => {
                if let Some(id) = self.id {
                    writer.line(b"id: ", id.as_str(), line_end);
                }
            }
            Field::Retry => {
                if let Some(millis) = self.retry {
                    writer.line(b"retry: ", decimal(millis, &mut [0; MAX_DIGITS]), line_end);
                }
            }
            Field::Comment | Field::Unknown => {}
        }
    }

    /// Writes what is set and has no line whose place it could take, before the line at `start`.
    #[inline]
    fn write_missing(
        &self,
        last_retry: Option<usize>,
        start: usize,
        writer: &mut Writer<'_, impl Output>,
    ) {
        for (field, is_missing) in [
            (Field::Event, self.lines.event_type_end().is_none()),
            (Field::Id, self.lines.id_end().is_none()),
            (Field::Retry, last_retry.is_none()),
        ] {
            if is_missing && self.sets(field) {
                writer.flush(start);
                self.write(field, writer.line_end, writer);
            }
        }
    }
}

/// Writes the differences from the raw bytes, in the order of their places.
struct Writer<'w, O> {
    raw: &'w [u8],
    /// Where the raw bytes start that have not been written yet. They stay, up to the next change.
    from: usize,
    /// The line end that the block uses: that of its first line. Empty before that is read.
    line_end: &'w [u8],
    /// The last byte that was written is a CR.
    after_cr: bool,
    /// Nothing was written yet.
    is_start: bool,
    mark: Mark,
    output: &'w mut O,
}

impl<'w, O: Output> Writer<'w, O> {
    #[inline]
    fn line_end_or_lf(&self) -> &'w [u8] {
        if self.line_end.is_empty() { b"\n" } else { self.line_end }
    }

    /// Writes the raw bytes up to here.
    #[inline]
    fn flush(&mut self, to: usize) {
        let kept = mem::replace(&mut self.from, to)..to;
        let bytes = &self.raw[kept.clone()];
        let Some(last) = bytes.last() else { return };
        self.after_cr = *last == CR;
        if mem::take(&mut self.is_start) && bytes.starts_with(&BOM) {
            // Unless the block started like this, and stays where it was.
            if self.mark == Mark::Removed || kept.start > 0 {
                self.output.copy(b":");
                self.output.copy(self.line_end);
            }
        }
        self.output.keep(kept, bytes);
    }

    /// Leaves out a part of the raw bytes.
    #[inline]
    fn skip(&mut self, part: Range<usize>) {
        self.flush(part.start);
        self.from = part.end;
    }

    /// Writes a line. The start is an array, because a few bytes of a known number need no call to be
    /// copied.
    #[inline]
    fn line<const N: usize>(&mut self, start: &[u8; N], value: &str, line_end: &[u8]) {
        self.is_start = false;
        self.output.copy(start);
        self.output.copy(value.as_bytes());
        self.end_line(line_end);
    }

    fn lines<const N: usize>(&mut self, start: &[u8; N], text: &str, line_end: &[u8]) {
        for line in wire::split_lines(text) {
            self.line(start, line, line_end);
        }
    }

    #[inline]
    fn end_line(&mut self, line_end: &[u8]) {
        match *line_end {
            // To copy a single byte takes no call.
            [byte] => self.output.copy(&[byte]),
            _ => self.output.copy(line_end),
        }
        self.after_cr = line_end == [CR];
    }

    /// Ends the block with its blank line, which starts at `blank`. Adds one if the block was cut
    /// off.
    #[inline]
    fn finish(&mut self, blank: usize) {
        let is_cut = blank == self.raw.len();
        if is_cut || self.from == blank {
            self.flush(blank);
            let next = if is_cut { self.line_end[0] } else { self.raw[blank] };
            // A line's CR and the LF of the blank line, which were no neighbours before, would be one
            // line end, and the block would not end.
            if self.after_cr && next == LF {
                self.output.copy(&[LF]);
            }
        }
        if is_cut {
            self.output.copy(self.line_end);
        } else {
            self.flush(self.raw.len());
        }
    }
}
