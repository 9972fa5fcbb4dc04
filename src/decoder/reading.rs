//! Events out of one chunk after the other: the standard's steps, as fast as they go.

use super::Decoder;
use crate::{
    Field,
    chunk::{Chunk, Span},
    decoder::Item,
    error::DecodeError,
    event::{Event, EventBuf},
    feed::Feed,
    interpret::Slots,
    machine::{Part, Token},
};

/// A chunk that is being read.
///
/// Apart from the decoder, so that those can keep both who read a chunk bit by bit.
#[derive(Debug)]
pub(crate) struct Reading<'d> {
    feed: Feed<'d>,
    slots: Slots,
    /// The values of the last block are still there, for the event that was lent.
    dispatched: bool,
}

#[derive(Debug)]
pub(super) enum Step {
    Event,
    /// A comment in the chunk, or in its buffer.
    Comment(Option<Span>),
    Starved,
}

impl<'d> Reading<'d> {
    #[inline]
    pub(super) fn new(feed: Feed<'d>, slots: Slots) -> Self {
        Self { feed, slots, dispatched: false }
    }

    /// The next event, owned; `None` when the chunk is used up.
    #[inline]
    pub(crate) fn next_buf(
        &mut self,
        decoder: &mut Decoder,
    ) -> Option<Result<EventBuf, DecodeError>> {
        loop {
            match self.step(decoder) {
                Ok(Step::Event) => {}
                Ok(Step::Comment(_)) => continue,
                Ok(Step::Starved) => return None,
                Err(error) => return Some(Err(error)),
            }
            return Some(Ok(match decoder.interpreter.take_large_data(&self.slots) {
                Some(data) => EventBuf::with_data(data, self.event(decoder)),
                None => self.event(decoder).to_buf(),
            }));
        }
    }

    /// The next event or comment; `None` when the chunk is used up.
    pub(crate) fn next_item<'a>(
        &'a mut self,
        decoder: &'a mut Decoder,
    ) -> Result<Option<Item<'a>>, DecodeError> {
        Ok(match self.step(decoder)? {
            Step::Event => Some(Item::Event(self.event(decoder))),
            Step::Comment(Some(span)) => Some(Item::Comment(self.feed.chunk.str(span))),
            Step::Comment(None) => {
                let rare = decoder.rare.as_deref();
                Some(Item::Comment(rare.map_or("", |rare| &rare.comment.text)))
            }
            Step::Starved => None,
        })
    }

    /// Reads no further: what is left of the chunk comes first when the next one is read.
    #[inline]
    pub(super) fn stop(&mut self, decoder: &mut Decoder) {
        let Self { feed, slots, dispatched } = self;
        if *dispatched {
            decoder.interpreter.clear(slots);
        }
        decoder.keep(slots, &feed.chunk, feed.pos);
        feed.give_back(&mut decoder.machine, &mut decoder.unread);
    }

    #[inline]
    pub(crate) fn event<'a>(&'a self, decoder: &'a Decoder) -> Event<'a> {
        decoder.interpreter.event(&self.slots, &self.feed.chunk)
    }

    /// If the whole chunk lies within a data line, appends it to what is there, and that is all.
    #[inline]
    fn append_whole_chunk(&mut self, decoder: &mut Decoder) -> bool {
        let Self { feed, slots, .. } = self;
        let len = feed.chunk.bytes().len();
        if !decoder.unread.is_empty() || !decoder.machine.is_middle_of_data(&mut feed.chunk.scan())
        {
            return false;
        }
        let text = feed.chunk.known(&(0..len));
        let is_done = text.is_some_and(|text| decoder.interpreter.append_to_data(text.str));
        if is_done {
            decoder.machine.consume(len);
            feed.chunk.clear();
            *slots = Slots::default();
        }
        is_done
    }

    #[inline]
    pub(super) fn step(&mut self, decoder: &mut Decoder) -> Result<Step, DecodeError> {
        if self.feed.pos == 0 && self.append_whole_chunk(decoder) {
            return Ok(Step::Starved);
        }
        let Self { feed, slots, dispatched } = self;
        if *dispatched {
            *dispatched = false;
            decoder.interpreter.clear(slots);
        }
        loop {
            let mut pos = feed.pos;
            if !decoder.gives_comments && feed.chunk.bytes().get(pos) == Some(&b':') {
                decoder.skip_comments(slots, feed, &mut pos);
            }
            let token = decoder.machine.next(&mut feed.chunk.scan(), &mut pos);
            feed.pos = pos;
            match token {
                // A line that means nothing is not even checked.
                Token::Value(field, _, part) if decoder.ignores(field) => {
                    decoder.ended(field, part);
                    if !(part.ends()
                        && decoder.machine.take_blank_line(feed.chunk.bytes(), &mut pos))
                    {
                        continue;
                    }
                    feed.pos = pos;
                }
                Token::Value(field, span, part) => {
                    let value = if part == Part::Whole {
                        feed.chunk.check(&span);
                        feed.chunk.known(&span)
                    } else {
                        None
                    };
                    let Some(value) = value else {
                        decoder.machine.leave_lf(span.end, &mut pos);
                        feed.pos = pos;
                        if decoder.part(slots, field, &feed.chunk, span, part, pos)? {
                            return Ok(Step::Comment(None));
                        }
                        // What does not end here takes the rest of the chunk.
                        if part.ends() || decoder.advance(slots, feed) {
                            continue;
                        }
                        return Ok(Step::Starved);
                    };
                    if decoder.ended(field, part) {
                        return Ok(Step::Comment(Some(value.span)));
                    }
                    let Decoder { interpreter, machine, .. } = &mut *decoder;
                    interpreter.field(slots, field, value, &feed.chunk, || machine.room(pos));
                    if !machine.take_blank_line(feed.chunk.bytes(), &mut pos) {
                        continue;
                    }
                    feed.pos = pos;
                }
                Token::EndOfBlock => {}
                Token::Starved => {
                    if decoder.advance(slots, feed) {
                        continue;
                    }
                    return Ok(Step::Starved);
                }
                Token::TooLarge(field) => {
                    decoder.counters.refused += 1;
                    decoder.interpreter.clear(slots);
                    return Err(decoder.machine.refuse_too_large(field, pos));
                }
                Token::Resynced => continue,
            }
            // A blank line.
            decoder.counters.blocks += 1;
            if decoder.interpreter.dispatch(slots, &feed.chunk) {
                decoder.counters.events += 1;
                *dispatched = true;
                return Ok(Step::Event);
            }
            decoder.interpreter.clear(slots);
        }
    }
}

impl Decoder {
    #[inline]
    fn skip_comments(&mut self, slots: &Slots, feed: &mut Feed<'_>, pos: &mut usize) {
        let is_empty = slots.is_empty() && self.interpreter.is_empty();
        let skipped = self.machine.skip_comments(&mut feed.chunk.scan(), pos, is_empty);
        self.counters.comments += skipped.comments;
        self.counters.blocks += skipped.blocks;
    }

    /// Whether such a line means nothing, and nobody wants to see it.
    #[inline]
    fn ignores(&self, field: Field) -> bool {
        matches!(field, Field::Comment | Field::Unknown) && !self.gives_comments
    }

    /// The chunk is used up. Whether there is another one that was left unread.
    #[inline]
    fn advance(&mut self, slots: &mut Slots, feed: &mut Feed<'_>) -> bool {
        self.keep(slots, &feed.chunk, feed.pos);
        let more = feed.advance(&mut self.machine, &mut self.unread);
        if more {
            *slots = self.interpreter.slots();
        }
        more
    }

    /// The chunk was read to `pos`: keeps what the block under way still needs of it.
    #[inline]
    fn keep(&mut self, slots: &mut Slots, chunk: &Chunk<'_>, pos: usize) {
        if !slots.is_empty() {
            self.interpreter.keep(slots, chunk, self.machine.room(pos));
        }
    }
}
