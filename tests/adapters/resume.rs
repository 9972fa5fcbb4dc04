//! Tests many receivers of one log, on tokio.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use sse_wire::{Decoder, Event, Frame, ReplayGap, ReplayLog};
use tokio::sync::{mpsc, watch};

const RECEIVERS: u64 = 2_000;
const EVENTS: u64 = 50;
const EPOCH: u64 = 1_700_000_000_000;

/// Numbers that are random enough, and the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u16) -> u16 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u16::try_from(self.0 % u64::from(end)).expect("below a u16")
    }
}

/// Sends what the receiver missed, and then what comes, until it is gone.
async fn serve(log: watch::Sender<ReplayLog>, last_event_id: String, frames: mpsc::Sender<Frame>) {
    let mut log = log.subscribe();
    let mut cursor = log.borrow().attach(&last_event_id);
    loop {
        // Bound to a name, so that the lock is released before the frame is sent.
        let next = cursor.next_frame(&log.borrow_and_update());
        if let Some(frame) = next.unwrap_or_else(|gap| Some(gap.into())) {
            if frames.send(frame).await.is_err() {
                return;
            }
            continue;
        }
        tokio::select! {
            changed = log.changed() => if changed.is_err() { return },
            () = frames.closed() => return,
        }
    }
}

#[derive(Default)]
struct Tally {
    received: u64,
    /// Events before the first place of the receiver.
    before: u64,
    /// Events of which the receiver was told that it will not get them.
    told: u64,
    connections: u64,
}

/// Connects, is cut after some bytes, and connects again, until it knows of the last event.
async fn receive(log: watch::Sender<ReplayLog>, number: u64) -> Tally {
    let mut random = Random((number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut decoder = Decoder::new();
    let mut tally = Tally::default();
    let mut next = None;
    while next != Some(EVENTS + 1) {
        tally.connections += 1;
        let (sender, mut frames) = mpsc::channel(1 + usize::from(random.below(4)));
        tokio::spawn(serve(log.clone(), decoder.last_event_id().to_owned(), sender));
        let mut left = usize::from(random.below(400));
        while left > 0 && next != Some(EVENTS + 1) {
            let frame = frames.recv().await.expect("the server goes on");
            let bytes = &frame.as_bytes()[..frame.as_bytes().len().min(left)];
            left -= bytes.len();
            let mut events = decoder.feed(bytes);
            let mut read = 0;
            while let Some(event) = events.next_event().expect("nothing is refused") {
                let (epoch, sequence) = event.last_event_id().split_once('-').expect("an ID");
                let sequence: u64 = sequence.parse().expect("a number");
                assert_eq!(epoch, EPOCH.to_string());
                let expected = next.expect("a place before the first event");
                if event.event_type() == ReplayGap::EVENT_TYPE.as_str() {
                    assert!(sequence >= expected, "a gap without anything in it");
                    tally.told += sequence + 1 - expected;
                } else {
                    assert_eq!(sequence, expected, "lost or twice");
                    assert!(event.data().starts_with(&format!("event {sequence}\n")));
                    tally.received += 1;
                }
                next = Some(sequence + 1);
                read += 1;
            }
            drop(events);
            if let (None, 0, Some((_, place))) =
                (next, read, decoder.last_event_id().split_once('-'))
            {
                next = Some(place.parse::<u64>().expect("a number") + 1);
                tally.before = next.expect("it was just set") - 1;
            }
        }
        drop(frames);
        decoder.reset_for_reconnect();
        if random.below(4) == 0 {
            tokio::time::sleep(Duration::from_millis(random.below(300).into())).await;
        }
    }
    tally
}

async fn many_receivers(max_events: usize) -> Tally {
    let log = watch::Sender::new(ReplayLog::new(EPOCH).with_max_events(max_events));
    let receivers = (0..RECEIVERS).map(|number| tokio::spawn(receive(log.clone(), number)));
    let receivers: Vec<_> = receivers.collect();
    let text = Arc::new("你好 ".repeat(5));
    for number in 1..=EVENTS {
        log.send_modify(|log| {
            log.push(Event::new(&format!("event {number}\n{text}")));
        });
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut total = Tally::default();
    for tally in join_all(receivers).await {
        let Tally { received, before, told, connections } = tally.expect("no panic");
        assert_eq!(received + before + told, EVENTS);
        total.received += received;
        total.told += told;
        total.connections += connections;
    }
    total
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_comes_twice() {
    let total = many_receivers(1000).await;
    assert!(total.connections > 10 * RECEIVERS, "{} connections", total.connections);
    assert!(total.told == 0 && total.received > RECEIVERS, "{} received", total.received);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_short_log_lost_is_told() {
    let total = many_receivers(10).await;
    assert!(total.told > 0 && total.received > RECEIVERS, "{} received", total.received);
}
