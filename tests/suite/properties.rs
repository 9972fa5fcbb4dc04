//! The laws, on generated streams.

use std::time::Duration;

use proptest::prelude::*;
use sse_wire::{Event, EventId, EventType};

use crate::{
    faces,
    laws::{self, Call},
    streams::{settings, sizes, stream, text},
};

proptest! {
    /// Spec, chunking, lossless, agreement.
    #[test]
    fn the_outcome_is_the_reference_decoders(input in stream(), sizes in sizes()) {
        laws::follows_the_standard(&input, &laws::cut(&input, &sizes));
    }

    /// The same for bytes that no grammar made.
    #[test]
    fn any_bytes_have_the_standards_meaning(
        input in prop::collection::vec(any::<u8>(), 0..200),
        sizes in sizes(),
    ) {
        laws::follows_the_standard(&input, &laws::cut(&input, &sizes));
    }

    /// Earliest.
    #[test]
    fn events_come_with_their_last_byte(input in stream()) {
        laws::events_come_at_once(&input[..input.len().min(2_000)]);
    }

    /// Chunking, total and bounded, for every policy and limit.
    #[test]
    fn no_setting_depends_on_the_chunks(
        input in stream(),
        sizes in sizes(),
        (limit, builder) in settings(),
    ) {
        laws::chunks_do_not_matter(&builder, &input, &laws::cut(&input, &sizes));
        let outcome = faces::borrowed(&builder, &[&input]);
        laws::errors_are_final_or_not(&outcome);
        laws::stays_within(limit, &outcome);
    }

    /// Round trip and no injection.
    #[test]
    fn an_encoded_event_is_one_event(
        data in text(),
        event_type in proptest::option::of(text()),
        id in proptest::option::of(text()),
        retry in proptest::option::of(any::<u64>()),
    ) {
        let mut event = Event::new(&data);
        if let Some(event_type) = event_type.as_deref().and_then(|t| EventType::new(t).ok()) {
            event = event.with_type(event_type);
        }
        if let Some(id) = id.as_deref().and_then(|id| EventId::new(id).ok()) {
            event = event.with_id(id);
        }
        if let Some(millis) = retry {
            event = event.with_retry(Duration::from_millis(millis));
        }
        laws::encodes_to_itself(event);
    }

    /// No injection, in a row of calls.
    #[test]
    fn each_call_gives_its_block(calls in prop::collection::vec((0..4, text()), 0..5)) {
        let calls: Vec<_> = calls.iter().map(|(kind, text)| match kind {
            0 => Call::Event(text),
            1 => Call::Comment(text),
            2 => Call::Retry(text.len() as u64),
            _ => Call::KeepAlive,
        }).collect();
        laws::calls_give_their_blocks(&calls);
    }

    /// What holds a line end (or, in an ID, a NUL) is refused, and nothing else.
    #[test]
    fn values_hold_no_line_end(text in text()) {
        let breaks = text.find(['\n', '\r']);
        let error = EventType::new(&text).err().map(|error| error.position());
        prop_assert_eq!(error, breaks);
        let error = EventId::new(&text).err().map(|error| error.position());
        prop_assert_eq!(error, text.find(['\n', '\r', '\0']));
    }
}
