//! Reads an event stream and prints one JSON object for each event, as soon as it is complete.
//!
//! ```text
//! cargo run --release --example sse2json                       # a built-in sample
//! cargo run --release --example sse2json -- --summary FILE
//! curl -sN https://example.org/stream | cargo run --release --example sse2json
//! ```

mod common;

use std::{
    io::{self, BufWriter, ErrorKind, IsTerminal, Read, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use common::Stop;
use serde::Serialize;
use sse_wire::{Decoder, Event, Events, Item};

/// Decoded when there is neither a file nor a pipe: what chat services send, in every framing.
const SAMPLE: &[u8] = "\u{feff}: connected\n\
    retry: 3000\n\
    \n\
    id: 1\n\
    event: token\n\
    data: {\"text\":\"Hello, \"}\n\
    \n\
    id: 2\r\n\
    event: token\r\n\
    data: {\"text\":\"世界 🌍\"}\r\n\
    \r\n\
    : keep-alive\n\
    \n\
    event: poem\n\
    data: two lines,\n\
    data: one event\n\
    \n\
    data: [DONE]\n\
    \n"
.as_bytes();

/// Print the events of an event stream (text/event-stream) as JSON, one object a line:
/// {"event","data","id","last_event_id","retry"}
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
    /// Print a last line {"summary":{..}} with what the stream was made of
    #[arg(long)]
    summary: bool,
    /// The stream [default: standard input, or a sample if that is a terminal]
    file: Option<PathBuf>,
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
        /// In milliseconds.
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
    let mut input: Box<dyn Read> = match &arguments.file {
        None if io::stdin().is_terminal() => Box::new(SAMPLE),
        file => common::open(file.as_deref())?,
    };
    let mut output = BufWriter::new(io::stdout().lock());
    let mut decoder = Decoder::builder().comments(arguments.comments).build();

    // Large chunks are read as such, small ones are cut out of a larger read.
    let mut buffer = vec![0; arguments.chunk.clamp(64 * 1024, 16 * 1024 * 1024)];
    loop {
        let read = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(Stop::failure(error)),
        };
        for chunk in buffer[..read].chunks(arguments.chunk) {
            print_items(decoder.feed(chunk), &mut output)?;
        }
        // The next read may wait for long.
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
        print(&Line::Summary { summary }, &mut output)?;
    }
    Ok(output.flush()?)
}

fn print_items(mut events: Events<'_>, output: &mut impl Write) -> Result<(), Stop> {
    loop {
        let line = match events.next_item() {
            Ok(Some(Item::Event(event))) => Line::from(event),
            Ok(Some(Item::Comment(comment))) => Line::Comment { comment },
            Ok(Some(Item::Update { .. })) => continue,
            Ok(None) => return Ok(()),
            Err(error) => {
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
