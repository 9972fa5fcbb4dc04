//! A client that comes back: reconnects where it was cut, as the server asks for, and gives up in time.
//!
//! ```sh
//! cargo run --example client --all-features -- URL
//! cargo run --example client --all-features -- --json URL | jq .data
//! ```

use std::{
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::Parser;
use futures_util::StreamExt;
use reqwest::{StatusCode, header};
use sse_wire::{BodyKind, Decoder, EventBuf, EventId, EventStream, is_event_stream};

/// Shows the events of a stream, and reconnects when it is cut.
#[derive(Parser)]
struct Options {
    url: String,
    /// One JSON object in each line.
    #[arg(long)]
    json: bool,
    /// Resume behind this event.
    #[arg(long, value_name = "ID")]
    last_event_id: Option<String>,
    /// Give up after so many attempts in a row that brought no event.
    #[arg(long, default_value_t = 5)]
    retries: u32,
    /// Wait so long before the first of them, in milliseconds, if the server does not say.
    #[arg(long, default_value_t = 1000)]
    retry: u64,
}

/// Why an attempt ended, and whether there is sense in another one.
enum Stop {
    Again(String),
    Final(String),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), String> {
    let mut builder = Decoder::builder();
    if let Some(id) = &options.last_event_id {
        builder = builder.last_event_id(EventId::new(id).map_err(|error| error.to_string())?);
    }
    let (mut decoder, mut failures) = (builder.build(), 0);
    loop {
        let (events, stop) = attempt(&options, &mut decoder).await;
        let why = match stop {
            Stop::Final(why) => return Err(why),
            Stop::Again(why) => why,
        };
        failures = if events > 0 { 0 } else { failures + 1 };
        if failures > options.retries {
            return Err(format!("{why}; gave up after {failures} attempts"));
        }
        let base = decoder.reconnection_time().unwrap_or(Duration::from_millis(options.retry));
        let wait = backoff(base, failures);
        eprintln!("{why}; again in {wait:.1?}, behind event {:?}", decoder.last_event_id());
        tokio::time::sleep(wait).await;
    }
}

/// Twice as long for each failure, up to a minute, and then between a half and all of it: clients
/// that were cut together shall not come back together.
fn backoff(base: Duration, failures: u32) -> Duration {
    let longest = Duration::from_secs(60).max(base);
    let wait = base.saturating_mul(1 << failures.min(16)).min(longest);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    wait.mul_f64(0.5 + f64::from(now.subsec_nanos() % 1000) / 2000.0)
}

/// One connection. How many events it brought.
async fn attempt(options: &Options, decoder: &mut Decoder) -> (u64, Stop) {
    let mut request =
        reqwest::Client::new().get(&options.url).header(header::ACCEPT, "text/event-stream");
    if !decoder.last_event_id().is_empty() {
        request = request.header("last-event-id", decoder.last_event_id());
    }
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_builder() => return (0, Stop::Final(error.to_string())),
        Err(error) => return (0, Stop::Again(error.to_string())),
    };
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NO_CONTENT => {
            return (0, Stop::Final("the server wants no reconnection".into()));
        }
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            return (0, Stop::Again(format!("the server answered {status}")));
        }
        status => return (0, Stop::Final(format!("the server answered {status}"))),
    }
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or("nothing");
    if !is_event_stream(content_type) {
        return (0, Stop::Final(format!("{content_type} is no event stream")));
    }

    decoder.reset_for_reconnect();
    let mut events = EventStream::with_decoder(response.bytes_stream(), decoder.clone());
    let mut count = 0;
    let mut why = None;
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                count += 1;
                show(&event, options.json);
            }
            Err(error) => {
                why = Some(error.to_string());
                break;
            }
        }
    }
    let is_clean = events.end().is_some_and(|end| end.is_clean());
    let ended = if is_clean { "the stream ended" } else { "the stream was cut" };
    *decoder = events.decoder().clone();
    if count == 0 && !matches!(decoder.body_kind(), BodyKind::EventStream | BodyKind::Empty) {
        let start = String::from_utf8_lossy(decoder.first_bytes()).into_owned();
        return (0, Stop::Final(format!("this is no event stream: {start:?}")));
    }
    (count, Stop::Again(why.unwrap_or_else(|| ended.to_owned())))
}

fn show(event: &EventBuf, json: bool) {
    if json {
        let (kind, id) = (event.event_type(), event.last_event_id());
        println!("{}", serde_json::json!({ "event": kind, "id": id, "data": event.data() }));
    } else {
        println!("{} {:?} {}", event.event_type(), event.last_event_id(), event.data());
    }
}
