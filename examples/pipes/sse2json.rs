//! Reads event streams and prints one JSON object for each event, as soon as it is complete.
//!
//! ```text
//! cargo run --release --example sse2json                       # a built-in sample
//! cargo run --release --example sse2json -- --summary FILE
//! curl -sN https://example.org/stream | cargo run --release --example sse2json -- -
//! ```

mod common;

use std::{
    io::{self, BufWriter, ErrorKind, Read, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use common::Stop;
use serde::Serialize;
use sse_wire::{BodyKind, Decoder, Event, Events, Item};

/// The built-in sample, a short stream like that of an LLM's API.
const SAMPLE: &[u8] = include_bytes!("sample.sse");

/// The exit status if a stream ended in the middle of a block.
const CUT_OFF: u8 = 3;

/// The exit status if the input was not an event stream.
const NO_EVENT_STREAM: u8 = 4;

/// Print the events of event streams (text/event-stream) as JSON, one object per line:
/// {"event","data","id","last_event_id","retry"}
///
/// Without a file, prints the events of a built-in sample.
///
/// Exit status: 0 if the streams were complete; 1 if one could not be read or was refused; 2 for
/// wrong arguments; 3 if a stream ended in the middle of a block; 4 if the input was not an event
/// stream.
#[allow(clippy::doc_markdown, reason = "this is the text of --help")]
#[derive(Parser)]
#[command(name = "sse2json")]
struct Arguments {
    /// Give the bytes to the decoder in chunks of N
    #[arg(long, value_name = "N", default_value_t = 64 * 1024,
        value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    chunk: usize,
    /// Print comments, too, in their place: {"comment"}
    #[arg(long)]
    comments: bool,
    /// Print a last line {"summary":{..}} with counters of the stream
    #[arg(long)]
    summary: bool,
    /// Files with event streams; - is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// One line of the output.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Event {
        event: &'a str,
        data: &'a str,
        id: Option<&'a str>,
        last_event_id: &'a str,
        /// The reconnection time, in milliseconds.
        retry: Option<u128>,
    },
    Comment {
        comment: &'a str,
    },
    Summary {
        summary: Summary<'a>,
    },
}

#[derive(Serialize)]
struct Summary<'a> {
    events: u64,
    blocks: u64,
    comments: u64,
    bytes: u64,
    last_event_id: &'a str,
    /// In milliseconds.
    reconnection_time: Option<u128>,
    pending_bytes: u64,
}

impl<'a> From<Event<'a>> for Line<'a> {
    fn from(event: Event<'a>) -> Self {
        Self::Event {
            event: event.event_type(),
            data: event.data(),
            id: event.id(),
            last_event_id: event.last_event_id(),
            retry: event.retry().map(|time| time.as_millis()),
        }
    }
}

fn main() -> ExitCode {
    common::exit_code("sse2json", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Stop> {
    let mut output = BufWriter::new(io::stdout().lock());
    if arguments.files.is_empty() {
        return convert(arguments, &mut { SAMPLE }, &mut output);
    }
    for path in &arguments.files {
        convert(arguments, &mut common::open(path)?, &mut output).map_err(|stop| match stop {
            Stop::Failure(cause, status) if arguments.files.len() > 1 => {
                Stop::Failure(format!("{}: {cause}", path.display()), status)
            }
            stop => stop,
        })?;
    }
    Ok(())
}

fn convert(
    arguments: &Arguments,
    input: &mut dyn Read,
    output: &mut impl Write,
) -> Result<(), Stop> {
    let mut decoder = Decoder::builder().comments(arguments.comments).build();
    // Large chunks are read as such. Small ones are split from a larger read.
    let mut buffer = vec![0; arguments.chunk.clamp(64 * 1024, 16 * 1024 * 1024)];
    loop {
        let read = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(Stop::failure(error)),
        };
        for chunk in buffer[..read].chunks(arguments.chunk) {
            print_items(decoder.feed(chunk), output)?;
        }
        // The next read may block for a long time.
        output.flush()?;
    }

    let pending_bytes = decoder.finish().map_err(Stop::failure)?.pending_bytes();
    if arguments.summary {
        let stats = decoder.stats();
        let summary = Summary {
            events: stats.events,
            blocks: stats.blocks,
            comments: stats.comments,
            bytes: stats.bytes,
            last_event_id: decoder.last_event_id(),
            reconnection_time: decoder.reconnection_time().map(|time| time.as_millis()),
            pending_bytes,
        };
        print(&Line::Summary { summary }, output)?;
    }
    output.flush()?;
    check_end(&decoder, pending_bytes)
}

/// Returns an error if the stream was truncated, or not an event stream at all. Without it, such an
/// input would look like an empty stream.
fn check_end(decoder: &Decoder, pending_bytes: u64) -> Result<(), Stop> {
    let what = match decoder.body_kind() {
        BodyKind::Empty => "the input is empty".to_owned(),
        BodyKind::Json => "this is JSON, not an event stream".to_owned(),
        BodyKind::Markup => "this is HTML or XML, not an event stream".to_owned(),
        BodyKind::EventStream if pending_bytes == 0 => return Ok(()),
        BodyKind::EventStream => {
            let message = format!("the stream was cut off, {pending_bytes} bytes into a block");
            return Err(Stop::Failure(message, CUT_OFF));
        }
        _ => "this is not an event stream".to_owned(),
    };
    let start = decoder.first_bytes();
    let start = String::from_utf8_lossy(&start[..start.len().min(120)]);
    // Control characters could reprogram a terminal.
    let start = start.trim().replace(char::is_control, " ");
    let what = if start.is_empty() { what } else { format!("{what}: {start}") };
    Err(Stop::Failure(what, NO_EVENT_STREAM))
}

fn print_items(mut events: Events<'_>, output: &mut impl Write) -> Result<(), Stop> {
    loop {
        let line = match events.next_item() {
            Ok(Some(Item::Event(event))) => Line::from(event),
            Ok(Some(Item::Comment(comment))) => Line::Comment { comment },
            Ok(Some(Item::Update { .. })) => continue,
            Ok(None) => return Ok(()),
            Err(error) => {
                // Show the events before the error.
                output.flush()?;
                return Err(Stop::failure(error));
            }
        };
        print(&line, output)?;
    }
}

fn print(line: &Line<'_>, output: &mut impl Write) -> Result<(), Stop> {
    serde_json::to_writer(&mut *output, line).map_err(io::Error::from)?;
    Ok(output.write_all(b"\n")?)
}
