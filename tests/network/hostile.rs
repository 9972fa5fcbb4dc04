//! Servers that stall, disconnect, drip or never end, and clients that go away.

use std::{
    io::Write,
    net::Shutdown,
    thread,
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use sse_wire::{
    BodyKind, ByteStreamExt, Encoder, EventReader, EventStreamExt, ItemBuf, StreamError,
};
use tokio::task::spawn_blocking;

use crate::{
    assert_is_recording, collect, in_time, recording,
    servers::{self, CHUNKED_HEAD, HEAD, write_chunk},
};

async fn get(url: String) -> reqwest::Response {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    client.get(url).send().await.expect("a response")
}

#[tokio::test]
async fn one_byte_at_a_time() {
    let address = servers::raw(|mut stream| {
        stream.write_all(CHUNKED_HEAD)?;
        let mut encoder = Encoder::new();
        for event in recording().iter().take(6) {
            encoder.event(event);
        }
        for byte in encoder.as_bytes() {
            write_chunk(&mut stream, &[*byte])?;
        }
        stream.write_all(b"0\r\n\r\n")
    });
    let url = format!("http://{address}/");
    let events = in_time(async { collect(get(url.clone()).await.bytes_stream()).await }).await;
    let of_reader = in_time(spawn_blocking(move || {
        let body = ureq::get(url).call().expect("a response").into_body();
        EventReader::new(body.into_reader()).collect::<Result<Vec<_>, _>>().expect("events")
    }));
    let expected = recording();
    assert_eq!(events.len(), 6);
    for (event, expected) in events.iter().zip(&expected) {
        assert_eq!((event.data(), event.id()), (expected.data(), expected.id()));
    }
    assert_eq!(of_reader.await.expect("events"), events);
}

#[tokio::test]
async fn an_event_comes_although_the_server_stalls_after_it() {
    let address = servers::raw(|mut stream| {
        stream.write_all(HEAD)?;
        // The block ends with CR CR. The decoder does not wait to see if an LF follows.
        stream.write_all(b"data: now\r\r")?;
        thread::sleep(Duration::from_secs(30));
        Ok(())
    });
    let start = Instant::now();
    let response = get(format!("http://{address}/")).await;
    let mut events = response.bytes_stream().events();
    let event = in_time(events.next()).await.expect("an event").expect("no error");
    assert_eq!(event.data(), "now");
    assert!(start.elapsed() < Duration::from_secs(20), "it came with the end of the stall");
    let next = tokio::time::timeout(Duration::from_millis(100), events.next()).await;
    assert!(next.is_err(), "the stream is still open");
}

#[tokio::test]
async fn a_cut_is_seen() {
    // HTTP framing detects the first cut. The second can only be seen in the event stream itself.
    let chunked = servers::raw(|mut stream| {
        stream.write_all(CHUNKED_HEAD)?;
        write_chunk(&mut stream, b"id: 1\ndata: a\n\ndata: b")?;
        stream.shutdown(Shutdown::Both)
    });
    let response = get(format!("http://{chunked}/")).await;
    let mut events = response.bytes_stream().events();
    assert_eq!(in_time(events.next()).await.expect("an event").expect("no error").data(), "a");
    let error = in_time(events.next()).await.expect("an error").expect_err("a cut");
    assert!(matches!(error, StreamError::Transport(_)), "{error:?}");
    assert_eq!(events.last_event_id(), "1");

    let by_end = servers::raw(|mut stream| {
        stream.write_all(HEAD)?;
        stream.write_all(b"id: 1\ndata: a\n\nid: 2\ndata: b")
    });
    let response = get(format!("http://{by_end}/")).await;
    let mut events = response.bytes_stream().events();
    assert_eq!(in_time(events.by_ref().count()).await, 1);
    let end = events.end().expect("the end");
    assert!(!end.is_clean() && end.had_data());
    assert_eq!(events.last_event_id(), "1");

    let read = spawn_blocking(move || {
        let body = ureq::get(format!("http://{chunked}/")).call().expect("a response").into_body();
        EventReader::new(body.into_reader()).collect::<Vec<_>>()
    });
    let read = in_time(read).await.expect("events");
    assert!(matches!(&read[..], [Ok(_), Err(StreamError::Transport(_)), ..]), "{read:?}");
}

#[tokio::test]
async fn a_client_that_goes_away_stops_the_stream() {
    let (address, living) = servers::axum().await;
    for path in ["endless", "silent"] {
        let response = get(format!("http://{address}/{path}")).await;
        let mut events = response.bytes_stream().events();
        for _ in 0..if path == "endless" { 1000 } else { 1 } {
            in_time(events.next()).await.expect("an event").expect("no error");
        }
        assert_eq!(living.count(), 1);
        drop(events);
        in_time(async {
            while living.count() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn keep_alives_come_in_silence_only() {
    let (address, _) = servers::axum().await;
    let response = get(format!("http://{address}/silent")).await;
    let items: Vec<_> = in_time(response.bytes_stream().items().take(4).collect()).await;
    let items: Vec<_> = items.into_iter().map(|item| item.expect("no error")).collect();
    assert!(matches!(&items[0], ItemBuf::Event(event) if event.data() == "first"));
    assert!(
        items[1..].iter().all(|item| matches!(item, ItemBuf::Comment(text) if text.is_empty()))
    );

    let response = get(format!("http://{address}/ticks")).await;
    let events = in_time(collect(response.bytes_stream())).await;
    let numbers: Vec<_> = events.iter().map(|event| event.data().to_owned()).collect();
    assert_eq!(numbers, (0..20).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_error_with_status_200_is_recognized() {
    let (address, _) = servers::axum().await;
    let response = get(format!("http://{address}/error")).await;
    let mut events = response.bytes_stream().events();
    assert!(in_time(events.next()).await.is_none());
    assert_eq!(events.decoder().body_kind(), BodyKind::Json);
    assert!(events.decoder().first_bytes().starts_with(br#"{"error":"#));
}

#[tokio::test]
async fn until_done_leaves_the_rest_unread() {
    let address = servers::raw(|mut stream| {
        stream.write_all(HEAD)?;
        stream.write_all(b"data: {\"a\":1}\n\ndata: [DONE]\n\n")?;
        thread::sleep(Duration::from_secs(30));
        Ok(())
    });
    let response = get(format!("http://{address}/")).await;
    let events = response.bytes_stream().events().until_data(sse_wire::DONE);
    let values = events.json::<std::collections::HashMap<String, u8>>();
    let values: Vec<_> = in_time(values.collect()).await;
    assert_eq!(values.len(), 1);
    assert_eq!(values[0].as_ref().expect("a value")["a"], 1);
}

#[tokio::test]
async fn the_recording_survives_a_hyper_server_and_a_blocking_client() {
    let address = servers::hyper().await;
    let read = spawn_blocking(move || {
        let body = ureq::get(format!("http://{address}/")).call().expect("a response").into_body();
        EventReader::new(body.into_reader()).collect::<Result<Vec<_>, _>>().expect("events")
    });
    assert_is_recording(&in_time(read).await.expect("events"));
}
