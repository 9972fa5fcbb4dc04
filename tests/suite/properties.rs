//! The laws, on generated streams.

use std::time::Duration;

use proptest::prelude::*;
use sse_wire::{Event, EventId, EventType};

use crate::{
    laws::{self, Call},
    streams::{held_stream, settings, sizes, stream, takes, text},
    walks::{self, Connection, Step},
};

proptest! {
    /// Spec, chunking, lossless, agreement.
    #[test]
    fn the_outcome_is_the_reference_decoders(input in stream(), sizes in sizes()) {
        laws::follows_the_standard(&input, &laws::cut(&input, &sizes));
    }

    /// The same for arbitrary bytes.
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

    /// Chunking, total and bounded, for every policy and limit, and with any items left unread.
    #[test]
    fn no_setting_depends_on_the_chunks(
        input in stream(),
        sizes in sizes(),
        takes in takes(),
        settings in settings(),
    ) {
        laws::chunks_do_not_matter(&settings, &input, &laws::cut(&input, &sizes), &takes);
    }

    /// Agreement of the two views within a limit.
    #[test]
    fn the_event_view_accepts_what_the_block_view_accepts(
        input in stream(),
        sizes in sizes(),
        settings in settings(),
    ) {
        laws::views_agree(&settings, &input, &laws::cut(&input, &sizes), false);
    }

    /// The same for blocks whose lines both views hold.
    #[test]
    fn both_views_refuse_the_same_blocks_if_they_hold_the_same(
        input in held_stream(),
        sizes in sizes(),
        settings in settings(),
    ) {
        laws::views_agree(&settings, &input, &laws::cut(&input, &sizes), true);
    }

    /// Reconnection: an earlier stream leaves nothing behind.
    #[test]
    fn a_decoder_reads_the_next_stream_as_a_new_one_does(
        streams in prop::collection::vec((stream(), sizes(), takes(), any::<bool>()), 1..4),
        settings in settings(),
    ) {
        let connections: Vec<_> = streams
            .iter()
            .map(|(input, sizes, takes, finishes)| Connection {
                chunks: laws::cut(input, sizes),
                takes: takes.clone(),
                finishes: *finishes,
            })
            .collect();
        walks::connections_are_apart(&settings, &connections);
    }

    #[test]
    fn a_clone_continues_as_the_original_does(
        input in stream(),
        sizes in sizes(),
        takes in takes(),
        settings in settings(),
        after in 0_usize..40,
    ) {
        walks::clones_agree(&settings, &laws::cut(&input, &sizes), &takes, after);
    }

    /// Total: any order of calls.
    #[test]
    fn no_order_of_calls_panics(
        steps in prop::collection::vec((0_u8..32, stream(), 0_u8..4), 0..8),
        settings in settings(),
    ) {
        let steps: Vec<_> =
            steps.iter().map(|(what, chunk, takes)| Step { what: *what, chunk, takes: *takes }).collect();
        walks::anything_goes(&settings, &steps);
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
            event = event.with_event_type(event_type);
        }
        if let Some(id) = id.as_deref().and_then(|id| EventId::new(id).ok()) {
            event = event.with_id(id);
        }
        if let Some(millis) = retry {
            event = event.with_retry(Duration::from_millis(millis));
        }
        laws::encodes_to_itself(event);
    }

    /// No injection, with several calls in a row.
    #[test]
    fn each_call_gives_its_block(calls in prop::collection::vec((0..4, text()), 0..5)) {
        let calls: Vec<_> = calls.iter().map(|(kind, text)| match kind {
            0 => Call::Event(text),
            1 => Call::Comment(text),
            2 => Call::Retry(text.len() as u64),
            _ => Call::KeepAlive,
        }).collect();
        laws::each_call_is_one_block(&calls);
    }

    /// Values with a line end (or, in an ID, NUL) are refused, and no others.
    #[test]
    fn values_hold_no_line_end(text in text()) {
        let breaks = text.find(['\n', '\r']);
        let error = EventType::new(&text).err().map(|error| error.position());
        prop_assert_eq!(error, breaks);
        let error = EventId::new(&text).err().map(|error| error.position());
        prop_assert_eq!(error, text.find(['\n', '\r', '\0']));
    }
}
