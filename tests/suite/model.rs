//! A slow, obvious model of limits and options, written from their documentation.
//!
//! [`DecoderBuilder::max_block_size`](sse_wire::DecoderBuilder::max_block_size) counts what a
//! decoder has to hold of a block: its lines, and one byte for each line end. So the LF of a CRLF
//! does not count, and neither does a byte order mark, which is part of no line. In the event view,
//! lines without an effect (comments, `retry`, unknown fields, IDs with NUL) stop counting when
//! they end. In the block view all lines count.

use sse_wire::{AtEnd, DecodeErrorKind, InvalidUtf8, OnError};

use crate::{
    faces::{Outcome, Settings},
    reference,
};

/// The view of the stream that a decoder has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Events,
    /// Returns events, comments and updates.
    Items,
    Blocks,
}

const MARK: &[u8] = b"\xef\xbb\xbf";

/// The reason and the offset of a refused block.
type Refusal = (DecodeErrorKind, u64);

#[derive(Default)]
struct Block<'a> {
    start: usize,
    /// The bytes that count towards the limit.
    counted: usize,
    data: Vec<&'a [u8]>,
    event_type: Option<&'a [u8]>,
    id: Option<&'a [u8]>,
    retry: Option<u64>,
    comments: Vec<String>,
}

#[derive(PartialEq, Eq)]
enum State {
    Reading,
    Skipping,
    Failed,
}

struct Model<'a> {
    view: View,
    settings: &'a Settings,
    limit: usize,
    outcome: Outcome,
    state: State,
    block: Block<'a>,
}

/// Decodes a whole stream.
pub fn decode(view: View, settings: &Settings, input: &[u8]) -> Outcome {
    let mut model = Model {
        view,
        settings,
        limit: usize::try_from(settings.max_block_size.min(1 << 31)).expect("at most 2 GiB"),
        outcome: Outcome::default(),
        state: State::Reading,
        block: Block::default(),
    };
    model.outcome.last_event_id = settings.last_event_id.into();
    model.outcome.stats.bytes = input.len() as u64;
    let cut = model.lines(input);
    model.end(input, cut);
    model.outcome.has_failed = model.state == State::Failed;
    model.outcome
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl<'a> Model<'a> {
    /// Reads all lines. Returns the last one if it is unterminated.
    fn lines(&mut self, input: &'a [u8]) -> &'a [u8] {
        let mut at = if input.starts_with(MARK) { MARK.len() } else { 0 };
        while self.state != State::Failed {
            let rest = &input[at..];
            let Some(len) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                // Bytes that may become a byte order mark are not part of a line yet.
                let is_line = at > 0 || !MARK.starts_with(input);
                if self.state == State::Reading && is_line {
                    self.count(rest.len());
                }
                return rest;
            };
            let line = &rest[..len];
            at += len + if rest[len..].starts_with(b"\r\n") { 2 } else { 1 };
            let next = at;
            if self.state == State::Reading && self.count(len + 1) {
                match line {
                    b"" => self.blank_line(next),
                    _ => self.line(line),
                }
            } else if self.state == State::Skipping && line.is_empty() {
                self.state = State::Reading;
                self.block = Block { start: next, ..Block::default() };
            }
        }
        b""
    }

    /// Returns `true` if the block may have `len` more bytes. Otherwise refuses it.
    fn count(&mut self, len: usize) -> bool {
        let fits = self.block.counted + len <= self.limit;
        if !fits {
            self.refuse(self.too_large());
            // The rest of the block is skipped.
            if self.state == State::Reading {
                self.state = State::Skipping;
            }
        }
        fits
    }

    fn too_large(&self) -> Refusal {
        let limit = self.limit as u64;
        (DecodeErrorKind::BlockTooLarge { limit }, self.block.start as u64)
    }

    fn refuse(&mut self, (kind, offset): Refusal) {
        self.outcome.stats.refused += 1;
        self.outcome.errors.push((kind, offset));
        if self.settings.on_error == OnError::Fail {
            self.state = State::Failed;
        }
    }

    fn line(&mut self, line: &'a [u8]) {
        let colon = line.iter().position(|&byte| byte == b':');
        let (name, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let mut is_held = true;
        match name {
            b"data" => self.block.data.push(value),
            b"event" => self.block.event_type = Some(value),
            b"id" if !value.contains(&0) => self.block.id = Some(value),
            _ => is_held = self.view == View::Blocks,
        }
        match name {
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let millis = lossy(value).parse().unwrap_or(u64::MAX);
                self.block.retry = Some(millis);
                self.outcome.reconnection_time = Some(millis);
            }
            b"" => {
                self.outcome.stats.comments += 1;
                self.comment(lossy(value));
            }
            b"data" | b"event" | b"id" | b"retry" => {}
            _ => self.outcome.stats.unknown_fields += 1,
        }
        if is_held {
            self.block.counted += line.len() + 1;
        }
    }

    fn comment(&mut self, text: String) {
        match self.view {
            View::Events => {}
            View::Blocks => self.block.comments.push(text),
            View::Items => {
                // With U+FFFD, the comment may be larger than the limit.
                let fits = |&end: &usize| end <= self.limit && text.is_char_boundary(end);
                let end = (0..=text.len()).rev().find(fits).expect("the empty text fits");
                self.outcome.items.push(reference::Item::Comment(text[..end].to_owned()));
            }
        }
    }

    /// Ends the block. The next one starts at `next`.
    fn blank_line(&mut self, next: usize) {
        match self.accept() {
            Ok(()) => {
                let comments = std::mem::take(&mut self.block.comments);
                let comments = comments.into_iter().map(reference::Item::Comment);
                self.outcome.items.extend(comments);
                self.dispatch();
            }
            Err(refusal) => self.refuse(refusal),
        }
        self.block = Block { start: next, ..Block::default() };
    }

    /// Decides whether the block is accepted, and takes over its ID.
    fn accept(&mut self) -> Result<(), Refusal> {
        let is_strict = self.settings.invalid_utf8 == InvalidUtf8::Reject;
        // The block view replaces bytes only when the caller asks for the event.
        if is_strict || self.view != View::Blocks {
            self.check(!self.block.data.is_empty())?;
        } else {
            self.check(false)?;
        }
        self.outcome.stats.blocks += 1;
        self.outcome.stats.events += u64::from(!self.block.data.is_empty());
        if let Some(id) = self.block.id {
            self.outcome.last_event_id = lossy(id);
        }
        Ok(())
    }

    /// Checks the values that are used: the ID, and those of the event if the block has data.
    fn check(&self, with_event: bool) -> Result<(), Refusal> {
        let data = self.block.data.join(&b'\n');
        let mut values = vec![self.block.id.unwrap_or_default()];
        if with_event {
            values.extend([&data, self.block.event_type.unwrap_or_default()]);
        }
        if values.iter().all(|value| std::str::from_utf8(value).is_ok()) {
            return Ok(());
        }
        let size: usize = values.iter().map(|value| lossy(value).len()).sum();
        match self.settings.invalid_utf8 {
            InvalidUtf8::Reject => Err((DecodeErrorKind::InvalidUtf8, self.block.start as u64)),
            _ if size > self.limit => Err(self.too_large()),
            _ => Ok(()),
        }
    }

    /// Records the event of an accepted block.
    fn dispatch(&mut self) {
        if self.block.data.is_empty() {
            let (id, retry) = (self.block.id.map(lossy), self.block.retry);
            if self.view == View::Items && (id.is_some() || retry.is_some()) {
                self.outcome.items.push(reference::Item::Update { id, retry });
            }
            return;
        }
        if let Err(error) = self.check(true) {
            // Only in the block view, which has already returned the block.
            self.outcome.errors.push(error);
            return;
        }
        let event_type = lossy(self.block.event_type.unwrap_or_default());
        self.outcome.items.push(reference::Item::Event(reference::Event {
            event_type: if event_type.is_empty() { "message".into() } else { event_type },
            data: lossy(&self.block.data.join(&b'\n')),
            id: self.block.id.map(lossy),
            last_event_id: self.outcome.last_event_id.clone(),
            retry: self.block.retry,
        }));
    }

    /// Ends the stream within this line.
    fn end(&mut self, input: &'a [u8], cut: &'a [u8]) {
        self.outcome.pending_bytes = (input.len() - self.block.start) as u64;
        if self.state != State::Reading {
            return;
        }
        let is_data = cut == b"data" || cut.starts_with(b"data:");
        self.outcome.had_data =
            self.view != View::Blocks && (is_data || !self.block.data.is_empty());
        if self.settings.at_end == AtEnd::Discard || self.outcome.pending_bytes == 0 {
            return;
        }
        if self.view == View::Items {
            // At the end, only events are dispatched.
            self.view = View::Events;
        }
        if !cut.is_empty() {
            self.line(cut);
        }
        match self.accept() {
            Ok(()) => self.dispatch(),
            Err(refusal) => {
                self.refuse(refusal);
                // The error takes the place of the end.
                self.outcome.had_data = false;
                if self.view == View::Blocks {
                    // The block view has no block at the end in this case.
                    self.outcome.errors.pop();
                }
            }
        }
    }
}
