//! Reads one JSON object a line and writes an event stream: the inverse of `sse2json`.
//!
//! ```text
//! echo '{"event":"token","data":"你好","id":"7"}' | cargo run --release --example json2sse
//! ```

mod common;

use std::{
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use common::Stop;
use serde::{Deserialize, de::IgnoredAny};
use sse_wire::{Encoder, Event, EventId, EventType};

/// Write an event stream (text/event-stream) from JSON, one object a line:
/// {"data", optional "event", "id", "retry" (ms)} or {"comment"}
#[derive(Parser)]
#[command(name = "json2sse")]
struct Arguments {
    /// The JSON lines [default: standard input]
    file: Option<PathBuf>,
}

/// One line of the input. Other members, such as `last_event_id`, are what a receiver works out.
#[derive(Deserialize)]
struct Line {
    data: Option<String>,
    event: Option<String>,
    id: Option<String>,
    /// In milliseconds.
    retry: Option<u64>,
    comment: Option<String>,
    summary: Option<IgnoredAny>,
}

fn main() -> ExitCode {
    common::exit_code("json2sse", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Stop> {
    let mut input = BufReader::new(common::open(arguments.file.as_deref())?);
    let mut output = BufWriter::new(io::stdout().lock());
    let mut encoder = Encoder::new();
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        if input.read_until(b'\n', &mut text).map_err(Stop::failure)? == 0 {
            break;
        }
        if let Err(cause) = encode(&text, &mut encoder) {
            output.flush()?;
            return Err(Stop::Failure(format!("line {number}: {cause}")));
        }
        output.write_all(encoder.as_bytes())?;
        encoder.clear();
        // What has come is sent before the next read, which may wait for long.
        if input.buffer().is_empty() {
            output.flush()?;
        }
    }
    Ok(output.flush()?)
}

fn encode(text: &[u8], encoder: &mut Encoder) -> Result<(), String> {
    if text.trim_ascii().is_empty() {
        return Ok(());
    }
    let line: Line = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if line.summary.is_some() {
        return Ok(());
    }
    if let Some(comment) = &line.comment {
        encoder.comment(comment);
    }
    let Some(data) = &line.data else {
        return match line.comment {
            Some(_) => Ok(()),
            None => Err("neither `data` nor `comment`".to_owned()),
        };
    };
    let mut event = Event::new(data);
    // `message` is what an event without a type is: most streams do not write it.
    if let Some(event_type) = line.event.as_deref().filter(|&name| name != "message") {
        event =
            event.with_event_type(EventType::new(event_type).map_err(|error| error.to_string())?);
    }
    if let Some(id) = &line.id {
        event = event.with_id(EventId::new(id).map_err(|error| error.to_string())?);
    }
    if let Some(millis) = line.retry {
        event = event.with_retry(Duration::from_millis(millis));
    }
    encoder.event(event);
    Ok(())
}
