//! Reads one JSON object per line and writes an event stream: the inverse of `sse2json`.
//!
//! ```text
//! cargo run --release --example json2sse                       # a built-in sample
//! echo '{"event":"token","data":"你好","id":"7"}' | cargo run --release --example json2sse -- -
//! ```

mod common;

use std::{
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use common::Stop;
use serde::{Deserialize, de::IgnoredAny};
use sse_wire::{Encoder, Event, EventId, EventType};

/// The built-in sample.
const SAMPLE: &str = r#"{"comment":"connected"}
{"id":"1","event":"token","data":"{\"text\":\"Hello\"}"}
{"id":"2","event":"token","data":"{\"text\":\", 世界\"}"}
{"event":"poem","data":"two lines,\none event"}
{"data":"[DONE]"}
"#;

/// Write an event stream (text/event-stream) from JSON, one object per line: {"data", optional
/// "event", "id", "retry" (ms)} or {"comment"}
///
/// Without a file, converts a built-in sample.
///
/// Exit status: 0 if all lines were written; 1 if a line could not be read or is wrong; 2 for wrong
/// arguments.
#[derive(Parser)]
#[command(name = "json2sse")]
struct Arguments {
    /// Files with JSON lines; - is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// One line of the input. Ignores other members, such as `last_event_id`, which the receiver
/// derives.
#[derive(Deserialize)]
struct Line {
    data: Option<String>,
    event: Option<String>,
    id: Option<String>,
    /// The reconnection time, in milliseconds.
    retry: Option<u64>,
    comment: Option<String>,
    summary: Option<IgnoredAny>,
}

fn main() -> ExitCode {
    common::exit_code("json2sse", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Stop> {
    let mut output = BufWriter::new(io::stdout().lock());
    if arguments.files.is_empty() {
        return convert(SAMPLE.as_bytes(), &mut output);
    }
    for path in &arguments.files {
        convert(common::open(path)?, &mut output)?;
    }
    Ok(())
}

fn convert(input: impl Read, output: &mut impl Write) -> Result<(), Stop> {
    let mut input = BufReader::new(input);
    let mut encoder = Encoder::new();
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        if input.read_until(b'\n', &mut text).map_err(Stop::failure)? == 0 {
            break;
        }
        if let Err(cause) = encode(&text, &mut encoder) {
            output.flush()?;
            return Err(Stop::failure(format!("line {number}: {cause}")));
        }
        output.write_all(encoder.as_bytes())?;
        encoder.clear();
        // The next read may block for a long time.
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
    // `message` is the default event type, which most streams do not write.
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
