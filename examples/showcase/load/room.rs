//! Fills a room with clients, and sends messages to all of them.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, future::join_all};
use reqwest::Client;
use serde::Deserialize;
use serde_json::json;
use sse_wire::ByteStreamExt;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::{Anything, tally::Tally};

#[derive(Deserialize)]
struct Message {
    text: String,
}

pub async fn run(
    url: String,
    connections: u32,
    messages: u32,
    pace: Duration,
) -> Result<(), Anything> {
    let client = Client::new();
    let before = server_memory(&client, &url).await?;
    let room = format!("{url}/rooms?room=load");
    let say = format!("{url}/rooms");
    let (here, mut all_here) = mpsc::channel(16);
    let members: Vec<_> = (0..connections)
        .map(|_| tokio::spawn(member(client.clone(), room.clone(), messages, here.clone())))
        .collect();
    let started = Instant::now();
    for _ in 0..connections {
        all_here.recv().await.ok_or("a member could not come in")?;
    }
    println!("{connections} connections in {:.1?}", started.elapsed());
    sleep(Duration::from_secs(2)).await;
    let bytes = server_memory(&client, &url).await?.saturating_sub(before);
    println!("memory of the server: {} bytes for each connection", bytes / u64::from(connections));

    let started = Instant::now();
    let mut busy = Duration::ZERO;
    for number in 0..messages {
        let message = json!({ "room": "load", "name": "load", "text": number.to_string() });
        let before = Instant::now();
        client.post(&say).json(&message).send().await?.error_for_status()?;
        busy += before.elapsed();
        sleep(pace.saturating_sub(before.elapsed())).await;
    }
    let mut total = Tally::default();
    let mut slowest = Duration::ZERO;
    for member in join_all(members).await {
        let (tally, end) = member?.map_err(|error| format!("a member: {error}"))?;
        total.add(&tally);
        slowest = slowest.max(end - started);
    }
    println!(
        "{} events in {slowest:.2?}, {:.0} in a second; a POST took {:.2?}",
        total.received,
        f64::from(total.received) / slowest.as_secs_f64(),
        busy / messages,
    );
    println!("lost {}, doubled {}", total.lost, total.doubled);
    total.check()
}

/// Reads numbered messages. Returns after the last one, or after 30 seconds without an event.
async fn member(
    client: Client,
    room: String,
    messages: u32,
    here: mpsc::Sender<()>,
) -> Result<(Tally, Instant), Anything> {
    let response = client.get(room).send().await?.error_for_status()?;
    let mut events = response.bytes_stream().events();
    let mut tally = Tally::default();
    let mut expected = 0;
    let mut is_here = false;
    while expected < messages {
        let event = match timeout(Duration::from_secs(30), events.next()).await {
            Ok(Some(event)) => event?,
            // The messages that are still missing are lost.
            Ok(None) | Err(_) => break,
        };
        if event.event_type() == "presence" && !is_here {
            is_here = true;
            here.send(()).await?;
        }
        if event.event_type() == "message" {
            let number = event.json::<Message>()?.text.parse()?;
            expected = tally.note(expected, number);
        }
    }
    tally.lost += messages - expected;
    Ok((tally, Instant::now()))
}

#[derive(Deserialize)]
struct Sample {
    process: Option<u64>,
}

/// Returns the memory that the server says it uses, in bytes.
async fn server_memory(client: &Client, url: &str) -> Result<u64, Anything> {
    let mut events = client.get(format!("{url}/monitor")).send().await?.bytes_stream().events();
    // The first sample may be a second old.
    events.next().await.ok_or("no sample")??;
    let event = events.next().await.ok_or("no sample")??;
    Ok(event.json::<Sample>()?.process.ok_or("the server does not know its memory")?)
}
