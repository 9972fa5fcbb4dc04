//! Round trip: an encoded event decodes to the same event.

#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sse_wire::{Event, EventId, EventType};
use sse_wire_fuzz::laws;

#[derive(Arbitrary, Debug)]
struct Parts<'a> {
    event_type: Option<&'a str>,
    id: Option<&'a str>,
    retry: Option<u64>,
    data: &'a str,
}

fuzz_target!(|parts: Parts<'_>| {
    let mut event = Event::new(parts.data);
    if let Some(event_type) = parts.event_type.and_then(|text| EventType::new(text).ok()) {
        event = event.with_event_type(event_type);
    }
    if let Some(id) = parts.id.and_then(|text| EventId::new(text).ok()) {
        event = event.with_id(id);
    }
    if let Some(millis) = parts.retry {
        event = event.with_retry(Duration::from_millis(millis));
    }
    laws::encodes_to_itself(event);
});
