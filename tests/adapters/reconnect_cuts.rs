//! The law *resume*, on `Reconnecting`: a client of a replay log loses nothing and gets nothing
//! twice, wherever it is cut.

use std::{pin::pin, task::Poll, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, stream};
use sse_wire::{
    ConnectRequest, ConnectResponse, Encoder, Event, EventBuf, EventType, Reconnect,
    ReconnectError, ReconnectUpdate, Reconnecting, ReplayLog,
};

use crate::polling::{Impatient, poll};

const EVENTS: usize = 8;

fn data(number: usize) -> String {
    format!("第{number}个\nsecond line{}", "x".repeat(number * 3))
}

fn log() -> ReplayLog {
    let mut log = ReplayLog::new(1_700_000_000_000);
    for number in 0..EVENTS {
        let event_type = EventType::from_static("token");
        log.push(Event::new(&data(number)).with_event_type(event_type));
    }
    log
}

/// Returns what a server with a replay log sends to a client.
fn rest(log: &ReplayLog, last_event_id: &str) -> Bytes {
    let mut encoder = Encoder::new();
    encoder.retry(Duration::from_millis(1));
    let mut cursor = log.attach_with_history(last_event_id);
    while let Some(frame) = cursor.next_frame(log).expect("the log has all") {
        encoder.frame(&frame).keep_alive();
    }
    encoder.take().into_bytes()
}

type Chunks = stream::Iter<std::vec::IntoIter<Result<Bytes, &'static str>>>;

/// Returns a `connect` function. Its server cuts each connection after as many bytes as `cut`
/// returns for its number, and answers 204 to a client that has all events.
fn connect<'a>(
    log: &'a ReplayLog,
    is_lost: bool,
    cut: impl Fn(usize) -> usize + 'a,
) -> impl FnMut(ConnectRequest) -> std::future::Ready<Result<ConnectResponse<Chunks>, &'static str>> + 'a
{
    let mut connections = 0;
    move |request| {
        let id = request.last_event_id().map_or("", |id| id.as_str());
        let response = if id == log.newest().to_string() {
            ConnectResponse::new(204, None, stream::iter(vec![]))
        } else {
            let mut bytes = rest(log, id);
            bytes.truncate(cut(connections));
            // In two chunks.
            let first = bytes.split_to(bytes.len() / 2);
            let end = is_lost.then_some(Err("cut"));
            let chunks: Vec<_> = [Ok(first), Ok(bytes)].into_iter().chain(end).collect();
            ConnectResponse::new(200, Some("text/event-stream"), stream::iter(chunks))
        };
        connections += 1;
        std::future::ready(Ok(response))
    }
}

/// Returns everything that a stream gives.
fn collect<S: Stream>(stream: S) -> Vec<S::Item> {
    let mut stream = pin!(stream);
    let mut items = Vec::new();
    loop {
        match poll(stream.as_mut()) {
            Poll::Ready(Some(item)) => items.push(item),
            Poll::Ready(None) => return items,
            Poll::Pending => {}
        }
    }
}

/// Each event once, in order, and then the 204.
fn check(items: &[Result<EventBuf, ReconnectError<&str>>], cut: &str) {
    let (end, events) = items.split_last().expect("the end");
    let texts: Vec<_> = events.iter().map(|event| event.as_ref().unwrap().data()).collect();
    assert_eq!(texts, (0..EVENTS).map(data).collect::<Vec<_>>(), "{cut}");
    let end = end.as_ref().expect_err("the end");
    assert_eq!(end.to_string(), "the server asked not to reconnect", "{cut}");
}

#[test]
fn cut_once_at_every_byte_nothing_is_lost_and_nothing_comes_twice() {
    let log = log();
    for cut in 0..=rest(&log, "").len() {
        for is_lost in [false, true] {
            let cut_first = |number| if number == 0 { cut } else { usize::MAX };
            let connect = connect(&log, is_lost, cut_first);
            let events = Reconnecting::new(connect, Reconnect::with_seed(1), Impatient);
            check(&collect(events), &format!("after {cut} bytes, lost: {is_lost}"));
        }
    }
}

#[test]
fn cut_again_and_again_at_every_byte_nothing_is_lost_and_nothing_comes_twice() {
    let log = log();
    let all = rest(&log, "").len();
    // With fewer, it would never get beyond the longest event.
    for cut in 120..=all {
        for is_lost in [false, true] {
            let connect = connect(&log, is_lost, |number| cut + number % 7);
            let events = Reconnecting::new(connect, Reconnect::with_seed(1), Impatient);
            check(&collect(events), &format!("after {cut} bytes, lost: {is_lost}"));
        }
    }
}

#[test]
fn the_updates_and_the_box_give_the_same() {
    let log = &*Box::leak(Box::new(log()));
    for cut in (120..=rest(log, "").len()).step_by(7) {
        let name = format!("after {cut} bytes");
        let events =
            || Reconnecting::new(connect(log, true, move |_| cut), Reconnect::new(), Impatient);
        let only_events = |updates: Vec<_>| -> Vec<_> {
            updates
                .into_iter()
                .filter_map(|update| match update {
                    Ok(ReconnectUpdate::Event(event)) => Some(Ok(event)),
                    Ok(_) => None,
                    Err(error) => Some(Err(error)),
                })
                .collect()
        };
        check(&only_events(collect(events().updates())), &name);
        check(&only_events(collect(events().boxed().updates())), &name);
        check(&collect(events().boxed()), &name);
    }
}
