//! `ReplayLog`: IDs, bounds, memory.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use sse_wire::{
    Decoder, Event, EventId, EventType, Frame, GapReason, ReplayCursor, ReplayGap, ReplayLog,
};

use crate::{
    heap::{bytes, measure},
    streams::text,
};

/// Returns everything that a cursor returns, as text.
fn all(cursor: &mut ReplayCursor, log: &ReplayLog) -> Vec<Result<String, ReplayGap>> {
    let frames = std::iter::from_fn(|| cursor.next_frame(log).transpose());
    frames.map(|frame| frame.map(|frame| text_of(&frame))).collect()
}

fn text_of(frame: &Frame) -> String {
    String::from_utf8(frame.as_bytes().to_vec()).expect("UTF-8")
}

fn reason(log: &ReplayLog, last_event_id: &str) -> Option<GapReason> {
    log.attach(last_event_id).next_frame(log).err().map(ReplayGap::reason)
}

#[test]
fn only_ids_that_the_log_assigned_are_accepted() {
    let mut log = ReplayLog::new(10);
    for _ in 0..12 {
        log.push(Event::new("a"));
    }
    for known in ["10-0", "10-1", "10-9", "10-12"] {
        assert_eq!(reason(&log, known), None, "{known}");
    }
    for other in ["9-1", "11-1", "0-0", "18446744073709551615-18446744073709551615"] {
        assert_eq!(reason(&log, other), Some(GapReason::OtherEpoch), "{other}");
    }
    let long = "1".repeat(10_000);
    for unknown in [
        "10-13",
        "10-18446744073709551615",
        "10-18446744073709551616",
        "18446744073709551616-1",
        "10-01",
        "010-1",
        "10-00",
        "10--1",
        "-10-1",
        "10-+1",
        "+10-1",
        "10-1-1",
        "10-",
        "-1",
        "-",
        "10",
        "1",
        " 10-1",
        "10-1 ",
        "10-1\n",
        "10-1\0",
        "10-0x1",
        "10-1.0",
        "10-1e0",
        "10-١",
        "10‐1",
        "null",
        "undefined",
        &long,
        &format!("10-{long}"),
        &format!("{long}-1"),
    ] {
        assert_eq!(reason(&log, unknown), Some(GapReason::Unknown), "{unknown}");
    }
}

#[test]
fn the_largest_epoch_fits() {
    let mut log = ReplayLog::new(u64::MAX);
    log.push(Event::new("a"));
    assert_eq!(log.newest().to_string(), "18446744073709551615-1");
    assert_eq!(reason(&log, &log.newest().to_string()), None);
}

#[test]
fn all_fields_stay_but_the_id() {
    let mut log = ReplayLog::new(1);
    let event = Event::new("a\r\nb")
        .with_event_type(EventType::from_static("order"))
        .with_id(EventId::from_static("mine"))
        .with_retry(Duration::from_secs(2));
    let frame = log.push(event);
    assert_eq!(text_of(&frame), "event: order\nid: 1-1\nretry: 2000\ndata: a\ndata: b\n\n");
    assert_eq!(all(&mut log.attach("1-0"), &log), [Ok(text_of(&frame))]);

    // An event from elsewhere, with a last event ID that its own block did not set.
    let mut decoder = Decoder::new();
    let chunk = Bytes::from("id: theirs\n\ndata: c\n\n");
    let event = decoder.feed_bytes(chunk).next().expect("an event").expect("no error");
    assert_eq!(event.last_event_id(), "theirs");
    assert_eq!(text_of(&log.push(&event)), "id: 1-2\ndata: c\n\n");
}

#[test]
fn a_frame_is_encoded_once() {
    let mut log = ReplayLog::new(1);
    let frame = log.push(Event::new("a"));
    let again = log.attach("1-0").next_frame(&log).expect("no gap").expect("a frame");
    assert_eq!(frame.as_bytes().as_ptr(), again.as_bytes().as_ptr());
}

#[test]
fn a_receiver_that_falls_behind_gets_a_gap_and_continues() {
    let mut log = ReplayLog::new(1).with_max_events(2);
    let mut cursor = log.attach("");
    assert_eq!(all(&mut cursor, &log), [Ok("id: 1-0\n\n".to_owned())]);
    for data in ["a", "b", "c"] {
        log.push(Event::new(data));
    }
    assert_eq!(cursor.place_frame().map(|frame| text_of(&frame)).as_deref(), Some("id: 1-0\n\n"));
    let [Err(gap), Ok(b), Ok(c)] = &all(&mut cursor, &log)[..] else { panic!("a gap, two events") };
    assert_eq!((gap.reason(), gap.id().sequence()), (GapReason::TooOld { missed: 1 }, 1));
    assert_eq!((b.as_str(), c.as_str()), ("id: 1-2\ndata: b\n\n", "id: 1-3\ndata: c\n\n"));
    let told = "event: gap\nid: 1-1\n\
                data: events after the last event ID that are not held any more: 1\n\n";
    assert_eq!(text_of(&Frame::from(*gap)), told);
    assert_eq!(all(&mut cursor, &log), []);
}

/// A receiver that already had its new position could not be told of the gap.
#[test]
fn no_position_is_sent_before_the_gap_is_reported() {
    let mut log = ReplayLog::new(1);
    log.push(Event::new("a"));
    for id in ["0-7", "1-7", "x"] {
        let mut cursor = log.attach(id);
        assert_eq!(cursor.place_frame(), None, "{id}");
        assert!(cursor.next_frame(&log).is_err());
        assert_eq!(text_of(&cursor.place_frame().expect("a place")), "id: 1-0\n\n");
        assert_eq!(all(&mut cursor, &log).len(), 1, "what is held comes after the gap");
    }
}

#[test]
fn new_receivers_start_now_or_with_the_history() {
    let mut log = ReplayLog::new(1).with_max_events(2);
    for data in ["a", "b", "c"] {
        log.push(Event::new(data));
    }
    assert_eq!(all(&mut log.attach(""), &log), [Ok("id: 1-3\n\n".to_owned())]);
    let with_history = all(&mut log.attach_with_history(""), &log);
    assert_eq!(with_history[0], Ok("id: 1-1\n\n".to_owned()));
    assert_eq!(with_history.len(), 3);
    assert_eq!(all(&mut log.attach_with_history("1-2"), &log).len(), 1);
}

#[test]
fn a_cursor_of_another_log_gets_a_gap() {
    let old = ReplayLog::new(1);
    let mut new = ReplayLog::new(2);
    new.push(Event::new("a"));
    let mut cursor = old.attach("1-0");
    let [Err(gap), Ok(_)] = &all(&mut cursor, &new)[..] else { panic!("a gap and an event") };
    assert_eq!(gap.reason(), GapReason::OtherEpoch);

    // Using an epoch twice is a mistake, which is detected here at least.
    let mut cursor = new.attach("");
    assert_eq!(all(&mut cursor, &new), [Ok("id: 2-1\n\n".to_owned())]);
    let [Err(gap)] = &all(&mut cursor, &ReplayLog::new(2))[..] else { panic!("a gap") };
    assert_eq!(gap.reason(), GapReason::Unknown);
}

#[test]
fn an_event_that_is_too_large_is_a_gap() {
    let mut log = ReplayLog::new(1).with_max_bytes(1000);
    log.push(Event::new("a"));
    let mut cursor = log.attach("1-1");
    let frame = log.push(Event::new(&"x".repeat(1000)));
    assert_eq!(frame.as_bytes().len(), 1000 + "id: 1-2\ndata: \n\n".len());
    assert_eq!((log.len(), log.held_bytes()), (0, 0));
    log.push(Event::new("c"));
    let [Err(gap), Ok(c)] = &all(&mut cursor, &log)[..] else { panic!("a gap and an event") };
    assert_eq!(gap.reason(), GapReason::TooOld { missed: 1 });
    assert_eq!(c, "id: 1-3\ndata: c\n\n");
}

#[test]
fn a_log_with_a_bound_of_zero_holds_nothing() {
    for log in [ReplayLog::new(1).with_max_events(0), ReplayLog::new(1).with_max_bytes(0)] {
        let mut log = log;
        let mut cursor = log.attach("1-0");
        log.push(Event::new(""));
        assert!(log.is_empty() && log.held_bytes() == 0);
        let [Err(gap)] = &all(&mut cursor, &log)[..] else { panic!("a gap") };
        assert_eq!(gap.reason(), GapReason::TooOld { missed: 1 });
    }
}

#[test]
fn tighter_bounds_apply_at_once() {
    let mut log = ReplayLog::new(1);
    for _ in 0..200 {
        log.push(Event::new("a"));
    }
    let log = log.with_max_events(10);
    assert_eq!((log.len(), log.newest().sequence()), (10, 200));
    let half = log.held_bytes() / 2;
    let log = log.with_max_bytes(half);
    assert_eq!((log.len(), log.held_bytes()), (5, half));
}

/// Posts of 1.9 MB in a log of 300 events.
#[test]
fn large_events_are_bounded_by_bytes() {
    const BOUND: usize = 16 << 20;

    let data = "x".repeat(1_900_000);
    let (usage, log) = measure(|| {
        let mut log = ReplayLog::new(1).with_max_events(300).with_max_bytes(BOUND);
        for _ in 0..60 {
            log.push(Event::new(&data));
        }
        log
    });
    assert_eq!(log.len(), 8);
    assert!(usage.live <= bytes(BOUND) + 1024, "{usage:?}");
    // The pushed event has the encoder's buffer, which grows.
    assert!(usage.peak <= bytes(BOUND + 3 * data.len()), "{usage:?}");
}

#[test]
fn memory_comes_back() {
    let (usage, log) = measure(|| {
        let mut log = ReplayLog::new(1).with_max_events(100_000).with_max_bytes(8 << 20);
        for _ in 0..100_000 {
            log.push(Event::new("a"));
        }
        assert!(log.len() > 50_000, "{}", log.len());
        // Replaces all other events, and frees their queue.
        log.push(Event::new(&"x".repeat((8 << 20) - 1000)));
        log.push(Event::new(&"x".repeat(9 << 20)));
        log
    });
    assert!(log.is_empty());
    assert!(usage.live < 1024, "{usage:?}");
}

proptest! {
    /// The log holds at most as much memory as it counts, and that is within the bound.
    #[test]
    fn the_counted_memory_is_what_is_held(
        sizes in vec(prop_oneof![10 => 0_usize..40, 2 => 0_usize..5_000, 1 => 16_000_usize..40_000], 0..300),
        max_events in prop_oneof![0_usize..10, 0_usize..400],
        max_bytes in 0_usize..200_000,
    ) {
        let data = "x".repeat(40_000);
        let (_, log) = measure(|| ReplayLog::new(1));
        let mut log = log.with_max_events(max_events).with_max_bytes(max_bytes);
        let mut live = 0;
        for size in sizes {
            let (usage, frame) = measure(|| {
                let frame = log.push(Event::new(&data[..size]));
                // Another owner shares the frame.
                frame.clone()
            });
            live += usage.live;
            let (usage, ()) = measure(|| drop(frame));
            live += usage.live;
            prop_assert!(log.len() <= max_events && log.held_bytes() <= max_bytes);
            prop_assert!(live <= bytes(log.held_bytes() + 512), "{live} of {}", log.held_bytes());
        }
    }

    /// The log holds the newest events that fit, and a receiver gets them in order.
    #[test]
    fn the_newest_are_held(
        pushed in vec(text(), 0..30),
        max_events in 0_usize..20,
        max_bytes in 0_usize..4_000,
        from in 0_u64..31,
    ) {
        let mut log = ReplayLog::new(1).with_max_events(max_events).with_max_bytes(max_bytes);
        let mut model = VecDeque::new();
        let per_event = {
            let mut log = ReplayLog::new(1);
            let frame = log.push(Event::new(""));
            log.held_bytes() - frame.as_bytes().len()
        };
        let size = |text: &String| text.len() + per_event;
        for data in &pushed {
            model.push_back(text_of(&log.push(Event::new(data))));
            while model.len() > max_events || model.iter().map(size).sum::<usize>() > max_bytes {
                model.pop_front();
            }
        }
        prop_assert_eq!(log.held_bytes(), model.iter().map(size).sum::<usize>());
        let newest = pushed.len() as u64;
        let from = from.min(newest);
        let mut cursor = log.attach(&format!("1-{from}"));
        let start = newest - model.len() as u64;
        if from < start {
            let gap = cursor.next_frame(&log).expect_err("a gap");
            prop_assert_eq!(gap.reason(), GapReason::TooOld { missed: start - from });
        }
        let known = usize::try_from(from.saturating_sub(start)).unwrap();
        let expected: Vec<_> = model.into_iter().skip(known).map(Ok).collect();
        prop_assert_eq!(all(&mut cursor, &log), expected);
    }
}

/// A large event is kept in memory of its size, without the spare capacity of the encoder.
#[test]
fn a_large_event_takes_no_more_memory_than_its_bytes() {
    let data = "xx\n".repeat(100_000);
    let (usage, log) = measure(|| {
        let mut log = ReplayLog::new(1);
        log.push(Event::new(&data));
        log
    });
    let mut cursor = log.attach("1-0");
    let len = cursor.next_frame(&log).expect("no gap").expect("an event").as_bytes().len();
    assert!(usage.live < bytes(len) + 4096, "{usage:?} for {len} bytes");
}
