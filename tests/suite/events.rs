//! Events as values.

use std::time::Duration;

use sse_wire::{Decoder, Event, EventId, EventType, Stats};

fn full() -> Event<'static> {
    Event::new("data")
        .with_event_type(EventType::from_static("type"))
        .with_id(EventId::from_static("id"))
        .with_retry(Duration::from_millis(5))
}

#[test]
fn an_owned_event_equals_the_borrowed_one() {
    for event in [
        Event::new(""),
        Event::new("你好"),
        Event::new("x").with_event_type(EventType::from_static("")),
        Event::new("x").with_event_type(EventType::from_static("t")),
        Event::new("x").with_id(EventId::from_static("")),
        full(),
        full().with_data("other"),
    ] {
        let owned = event.to_buf();
        assert_eq!(owned.as_event(), event);
        assert_eq!((owned.data(), owned.event_type()), (event.data(), event.event_type()));
        assert_eq!((owned.event_field(), owned.id()), (event.event_field(), event.id()));
        assert_eq!(owned.last_event_id(), event.last_event_id());
        assert_eq!(owned.retry(), event.retry());
        assert_eq!(format!("{owned:?}"), format!("{event:?}"));
        assert_eq!(owned.clone(), owned);
        assert_eq!(owned.into_data(), event.data());
    }
}

#[test]
fn events_with_any_difference_are_not_equal() {
    let variants = [
        Event::new("data"),
        full(),
        full().with_data("x"),
        full().with_event_type(EventType::from_static("x")),
        full().with_id(EventId::from_static("x")),
        full().with_retry(Duration::from_millis(6)),
    ];
    for (left, a) in variants.iter().enumerate() {
        for (right, b) in variants.iter().enumerate() {
            assert_eq!(a == b, left == right);
            let (owned_a, owned_b) = (a.to_buf(), b.to_buf());
            assert_eq!(owned_a == owned_b, left == right);
            assert_eq!(owned_a == *b, left == right);
            assert_eq!(*a == owned_b, left == right);
        }
    }
}

#[test]
fn fields_have_their_defaults() {
    let event = Event::new("x");
    assert_eq!((event.event_type(), event.event_field()), ("message", None));
    assert_eq!((event.id(), event.last_event_id(), event.retry()), (None, "", None));
    let event = event.with_event_type(EventType::from_static("")).with_id(EventId::from_static(""));
    assert_eq!((event.event_type(), event.event_field()), ("message", Some("")));
    assert_eq!((event.id(), event.last_event_id()), (Some(""), ""));
}

#[test]
fn debug_output_shows_the_fields() {
    assert_eq!(
        format!("{:?}", full()),
        r#"Event { event_type: "type", data: "data", id: Some("id"), last_event_id: "id", retry: Some(5ms) }"#,
    );
    // Truncated between two characters.
    let long = "你".repeat(100);
    assert!(
        format!("{:?}", Event::new(&long))
            .contains(&format!("{:?}.. (300 bytes)", "你".repeat(66)))
    );
    assert!(format!("{:?}", Event::new(&"x".repeat(200))).contains(&"x".repeat(200)));
    assert!(format!("{:?}", Event::new(&"x".repeat(201))).contains("(201 bytes)"));
    let decoder = Decoder::builder().last_event_id(EventId::from_static("9")).build();
    let debug = format!("{decoder:?}");
    assert!(debug.contains(r#"last_event_id: "9""#), "{debug}");
    assert!(debug.contains(&format!("{:?}", Stats::default())), "{debug}");
    assert_eq!(format!("{:?} {0}", EventType::from_static("a\"b")), "\"a\\\"b\" a\"b");
    assert_eq!(EventId::from_static("7").as_ref(), "7");
}
