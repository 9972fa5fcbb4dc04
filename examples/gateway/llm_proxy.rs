//! A gateway in front of a language model. It forwards the stream as it arrives, counts events,
//! changes the model's name, sends keep-alives, and adds an error event to a stream that breaks
//! off.
//!
//! ```sh
//! cargo run --example llm_proxy             # shows each of the streams, then exits
//! cargo run --example llm_proxy -- --serve  # serves them; try the printed commands
//! ```

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use clap::Parser;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::value::RawValue;
use sse_wire::{
    Block, ByteStreamExt, DONE, DecodeError, Encoder, Event, EventType, TokioTimer, Verdict,
    is_event_stream, sse_headers,
};
use tokio::net::TcpListener;

/// The keep-alive interval, shorter than in practice, so that the demo shows it.
const SILENCE: Duration = Duration::from_millis(200);

/// The name that clients see instead of the upstream's.
const MODEL: &str = "\"house-model\"";

#[derive(Parser)]
struct Options {
    /// Serve until interrupted, instead of showing each stream once.
    #[arg(long)]
    serve: bool,
    /// Do not change the model's name.
    #[arg(long)]
    keep_model: bool,
    /// Recorded responses, to be replayed as well.
    recordings: Vec<PathBuf>,
    /// The port on loopback. The default is any free port.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let recordings = recordings(&options.recordings)?;
    let names: Vec<_> = recordings.iter().map(|recording| recording.name.clone()).collect();
    let decide = if options.keep_model { keep } else { rename_model };
    let upstream = listen(0, upstream(recordings)).await?;
    let proxy = Router::new().route("/{name}", get(proxy)).with_state((upstream, decide));
    let address = listen(options.port, proxy).await?;
    for name in names {
        println!("curl -N http://{address}/{name}");
        if !options.serve {
            let mut chunks = reqwest::get(format!("http://{address}/{name}")).await?.bytes_stream();
            while let Some(chunk) = chunks.next().await {
                print!("{}", String::from_utf8_lossy(&chunk?));
            }
            println!();
        }
    }
    if options.serve {
        tokio::signal::ctrl_c().await?;
    }
    Ok(())
}

async fn listen(port: u16, router: Router) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// Sends a request to the upstream and forwards its response. When the client disconnects, axum
/// drops our response, and the upstream's response and connection with it.
async fn proxy(
    State((upstream, decide)): State<(SocketAddr, Decide)>,
    Path(name): Path<String>,
) -> Response {
    let Ok(response) = reqwest::get(format!("http://{upstream}/{name}")).await else {
        return (StatusCode::BAD_GATEWAY, "the upstream cannot be reached").into_response();
    };
    let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(is_event_stream) {
        // Something else, such as an error message, is forwarded without decoding it.
        return (response.status(), Body::from_stream(response.bytes_stream())).into_response();
    }
    let mut tokens = Tokens { name, count: 0 };
    let passed = response
        .bytes_stream()
        .tap_events(move |event| tokens.note(event))
        .filter_blocks(decide)
        .with_last_words(|end, encoder| {
            if !end.is_ok_and(|end| end.is_clean()) {
                let error = Event::new(r#"{"error":{"message":"the upstream was cut off"}}"#);
                encoder.event(error.with_event_type(EventType::from_static("error")));
            }
            Ok(())
        })
        .keep_alive(TokioTimer::new())
        .with_interval(SILENCE);
    (sse_headers(), Body::new(passed)).into_response()
}

/// Prints the number of events when the stream is over, however it ended.
struct Tokens {
    name: String,
    count: u64,
}

impl Tokens {
    fn note(&mut self, event: Result<Event<'_>, DecodeError>) {
        self.count += u64::from(event.is_ok_and(|event| event.data() != DONE));
    }
}

impl Drop for Tokens {
    fn drop(&mut self) {
        eprintln!("[{}: {} events]", self.name, self.count);
    }
}

type Decide = fn(Result<&mut Block<'_>, DecodeError>, &mut Encoder<&mut Vec<u8>>) -> Verdict;

fn keep(_: Result<&mut Block<'_>, DecodeError>, _: &mut Encoder<&mut Vec<u8>>) -> Verdict {
    Verdict::Keep
}

/// Replaces the value of `"model"`, and changes no other byte.
fn rename_model(
    block: Result<&mut Block<'_>, DecodeError>,
    encoder: &mut Encoder<&mut Vec<u8>>,
) -> Verdict {
    #[derive(Deserialize)]
    struct Chunk<'a> {
        #[serde(borrow)]
        model: &'a RawValue,
    }

    // Drops a refused block; the client gets the next one.
    let Ok(block) = block else { return Verdict::Drop };
    let Ok(Some(event)) = block.event() else { return Verdict::Keep };
    let Ok(Chunk { model }) = event.json() else { return Verdict::Keep };
    // The value borrows from the data, so the pointers show its position.
    let start = model.get().as_ptr() as usize - event.data().as_ptr() as usize;
    let part = start..start + model.get().len();
    match block.rewrite().with_part(part, MODEL) {
        Ok(renamed) => {
            encoder.rewritten(&renamed);
            Verdict::Replace
        }
        Err(_) => Verdict::Keep,
    }
}

/// Streams with the framing of several providers. `~` is a pause, and `!` breaks the connection.
const RECORDINGS: [(&str, &str); 6] = [
    (
        "openai",
        "data: {\"model\":\"gpt-x\",\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n\
         data: {\"model\":\"gpt-x\",\"choices\":[{\"delta\":{\"content\":\" world\"}}]}\n\n\
         data: [DONE]\n\n",
    ),
    (
        "anthropic",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"你\"}}\n\n\
         event: ping\ndata: {\"type\": \"ping\"}\n\n\
         event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    ),
    (
        "gemini",
        "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"好\"}]}}],\"model\": \"gemini-x\"}\r\n\r\n\
         data: {\"candidates\": [],\"model\": \"gemini-x\"}\r\n\r\n",
    ),
    (
        "openrouter",
        ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n\
         data: {\"id\":\"gen-1\",\"model\":\"vendor/x\",\"choices\":[]}\n\ndata: [DONE]\n\n",
    ),
    ("silent", "data: {\"model\":\"gpt-x\"}\n\n~~data: [DONE]\n\n"),
    ("cut", "data: {\"model\":\"gpt-x\"}\n\ndata: {\"model\":!"),
];

struct Recording {
    name: String,
    bytes: Bytes,
    /// `true` if `~` and `!` are commands instead of text.
    has_marks: bool,
}

/// Reads these files. Also returns the built-in recordings.
fn recordings(files: &[PathBuf]) -> std::io::Result<Vec<Recording>> {
    let built_in = RECORDINGS.iter().map(|(name, bytes)| {
        let bytes = Bytes::from_static(bytes.as_bytes());
        Ok(Recording { name: (*name).to_owned(), bytes, has_marks: true })
    });
    let files = files.iter().map(|file| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Recording { name, bytes: std::fs::read(file)?.into(), has_marks: false })
    });
    files.chain(built_in).collect()
}

/// Creates the mock upstream, which sends recordings in small pieces.
fn upstream(recordings: Vec<Recording>) -> Router {
    let recordings = Arc::new(recordings);
    let send = async move |Path(name): Path<String>| {
        let Some(recording) = recordings.iter().find(|recording| recording.name == name) else {
            return (StatusCode::NOT_FOUND, "{\"error\":\"no such stream\"}").into_response();
        };
        let Recording { ref bytes, has_marks, .. } = *recording;
        let pieces: Vec<_> = bytes
            .chunk_by(|byte, _| !has_marks || !b"~!\n}".contains(byte))
            .flat_map(|piece| piece.chunks(1400))
            .map(|piece| bytes.slice_ref(piece))
            .collect();
        let pieces = stream::iter(pieces).then(move |piece| async move {
            let is = |mark| has_marks && piece.ends_with(mark);
            let pause = if is(b"~") { SILENCE * 2 } else { Duration::from_millis(2) };
            tokio::time::sleep(pause).await;
            match &piece[..] {
                _ if is(b"!") => Err(std::io::Error::other("cut")),
                all => Ok(piece.slice(..all.len() - usize::from(is(b"~")))),
            }
        });
        (sse_headers(), Body::from_stream(pieces)).into_response()
    };
    Router::new().route("/{name}", get(send))
}
