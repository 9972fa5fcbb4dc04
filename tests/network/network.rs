//! The adapters with real servers and clients, on loopback.

mod bodies;
mod clients;
mod ends;
mod hostile;
mod load;
mod reconnecting;
mod servers;

use std::{future::Future, time::Duration};

use bytes::Bytes;
use futures_util::Stream;
use sse_wire::{ByteStreamExt, Event, EventBuf, EventIdBuf, EventType};

/// Fails after a time that is longer than any test takes, and shorter than anybody wants to wait.
async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work).await.expect("it takes too long")
}

/// Returns events like those of a model, and some of everything else.
fn recording() -> Vec<EventBuf> {
    let mut events = Vec::new();
    for number in 0..300 {
        let data = match number % 5 {
            0 => format!("{{\"choices\":[{{\"delta\":{{\"content\":\"token {number}\"}}}}]}}"),
            1 => format!("{{\"choices\":[{{\"delta\":{{\"content\":\"第{number}个词\"}}}}]}}"),
            2 => "two\nlines".to_owned(),
            3 => "x".repeat(number * 97),
            _ => String::new(),
        };
        let mut event = Event::new(&data);
        let id = EventIdBuf::from(number);
        if number % 3 == 0 {
            event = event.with_event_type(EventType::from_static("token"));
        }
        if number % 4 == 0 {
            event = event.with_id(id.as_id());
        }
        events.push(event.to_buf());
    }
    events
}

/// Returns the parts of an event that are sent over the wire.
fn content(event: &EventBuf) -> (&str, &str, Option<&str>) {
    (event.data(), event.event_type(), event.id())
}

fn assert_is_recording(events: &[EventBuf]) {
    let expected = recording();
    assert_eq!(events.len(), expected.len());
    for (event, expected) in events.iter().zip(&expected) {
        assert_eq!(content(event), content(expected));
    }
}

/// Returns all events of a response, which must be complete.
async fn collect<B, E>(chunks: impl Stream<Item = Result<B, E>>) -> Vec<EventBuf>
where
    B: Into<Bytes>,
    E: std::fmt::Debug,
{
    let mut stream = std::pin::pin!(chunks.events());
    let mut events = Vec::new();
    while let Some(event) = futures_util::StreamExt::next(&mut stream).await {
        events.push(event.expect("an event"));
    }
    assert!(stream.end().expect("the end").is_clean());
    events
}
