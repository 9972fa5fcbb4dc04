//! A client for any event stream. After a disconnect it resumes from the last event, with the delay
//! that the server asks for, until too many attempts have failed.
//!
//! ```sh
//! cargo run --example client -- URL
//! cargo run --example client -- --json URL | jq .data
//! ```

use std::{error::Error, process::ExitCode, time::Duration};

use clap::Parser;
use futures_util::StreamExt;
use sse_wire::{
    ConnectRequest, Decoder, EventBuf, EventId, Reconnect, ReconnectUpdate, Reconnecting,
    TokioTimer,
};

/// Shows the events of a stream, and reconnects when it is cut.
#[derive(Parser)]
struct Options {
    url: String,
    /// Print one JSON object per line.
    #[arg(long)]
    json: bool,
    /// Resume after this event.
    #[arg(long, value_name = "ID")]
    last_event_id: Option<String>,
    /// Give up after this many retries in a row that delivered no event.
    #[arg(long, default_value_t = 5)]
    retries: u32,
    /// The reconnection time in milliseconds, unless the server sends one.
    #[arg(long, default_value_t = 1000)]
    retry: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}{}", causes(error.source()));
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let mut decoder = Decoder::builder();
    if let Some(id) = &options.last_event_id {
        decoder = decoder.last_event_id(EventId::new(id)?);
    }
    let retry = Duration::from_millis(options.retry);
    let policy = Reconnect::new().with_max_retries(options.retries).with_reconnection_time(retry);
    // Allow delays below the default minimum, if the user asks for them.
    let policy = policy.with_min_delay(retry.min(Duration::from_millis(500)));

    let client = reqwest::Client::new();
    // Reports an invalid URL at once; retries would not help.
    client.get(&options.url).build()?;
    let connect =
        move |request: ConnectRequest| client.get(&options.url).headers(request.headers()).send();
    let events = Reconnecting::new(connect, policy, TokioTimer::new());
    let mut updates = events.with_decoder(decoder.build()).boxed().updates();
    while let Some(update) = updates.next().await {
        let decoder = updates.get_ref().decoder();
        match update {
            Ok(ReconnectUpdate::Event(event)) => show(&event, options.json),
            Ok(ReconnectUpdate::Waiting { delay, end, error }) => {
                let why = causes(error.as_ref().map(|error| error as _));
                let id = decoder.last_event_id();
                eprintln!("{end}{why}; reconnecting in {delay:.1?}, after event {id:?}");
            }
            Ok(_) => {}
            Err(error) => {
                // Why the server refused: its body often says more than its status.
                if let Some(refused) = updates.get_mut().take_refused() {
                    let body = refused.read(64 * 1024).await;
                    if !body.bytes().is_empty() {
                        eprintln!("{body}");
                    }
                }
                return Err(error.into());
            }
        }
    }
    Ok(())
}

/// Formats the causes of an error.
fn causes(mut error: Option<&dyn Error>) -> String {
    let mut causes = String::new();
    while let Some(cause) = error {
        causes = format!("{causes}: {cause}");
        error = cause.source();
    }
    causes
}

fn show(event: &EventBuf, json: bool) {
    if json {
        let (kind, id) = (event.event_type(), event.last_event_id());
        println!("{}", serde_json::json!({ "event": kind, "id": id, "data": event.data() }));
    } else {
        println!("{} {:?} {}", event.event_type(), event.last_event_id(), event.data());
    }
}
