//! Every client reports how a stream ended, and none takes half an event for a whole one.

use std::{
    error::Error,
    io::{self, Write},
    net::{Shutdown, SocketAddr},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use sse_wire::{
    AtEnd, BodyChunks, ByteStreamExt, DONE, Decoder, EventIteratorExt, EventReader, EventStreamExt,
    JsonStreamError, StreamError, TransportError,
};
use tokio::{net::TcpStream, task::spawn_blocking};

use crate::{
    in_time,
    servers::{self, CHUNKED_HEAD, HEAD, write_chunk},
};

type BoxError = Box<dyn Error + Send + Sync>;

/// Values and errors, boxed as in a client library.
type Values = Vec<Result<u32, JsonStreamError<StreamError>>>;

/// Dispatches half blocks at the end. An error still does not dispatch one.
fn decoder() -> Decoder {
    Decoder::builder().at_end(AtEnd::Dispatch).build()
}

async fn values<E: Into<BoxError>>(chunks: impl Stream<Item = Result<Bytes, E>>) -> Values {
    let chunks = Box::pin(chunks.map_err(TransportError::new));
    match in_time(chunks.open_events().with_decoder(decoder())).await {
        Ok(events) => in_time(events.must_end_with(DONE).json().collect()).await,
        Err(error) => vec![Err(JsonStreamError::Events(error))],
    }
}

async fn hyper(address: SocketAddr) -> Values {
    let stream = TokioIo::new(TcpStream::connect(address).await.expect("a connection"));
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(stream).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    let request = hyper::Request::get("/").body(Empty::<Bytes>::new()).expect("a request");
    let response = sender.send_request(request).await.expect("a response");
    values(BodyChunks::new(response.into_body())).await
}

async fn ureq(address: SocketAddr) -> Values {
    let get = move || {
        let response = ureq::get(format!("http://{address}/")).call().expect("a response");
        let reader = response.into_body().into_reader();
        let values: Vec<Result<u32, _>> = match EventReader::open_with_decoder(reader, decoder()) {
            Ok(events) => events.must_end_with(DONE).json().collect(),
            Err(error) => vec![Err(JsonStreamError::Events(error))],
        };
        let boxed = |error: JsonStreamError<_>| error.map_events(StreamError::boxed);
        values.into_iter().map(|value| value.map_err(boxed)).collect()
    };
    spawn_blocking(get).await.expect("values")
}

/// Sends a request with each client, and returns what each of them got.
async fn all(answer: fn(std::net::TcpStream) -> io::Result<()>) -> Vec<(&'static str, Values)> {
    let address = servers::raw(answer);
    let url = format!("http://{address}/");
    let client = reqwest_0_12::Client::builder().no_proxy().build().expect("a client");
    let old = client.get(&url).send().await.expect("a response");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let new = client.get(&url).send().await.expect("a response");
    vec![
        ("reqwest 0.12", values(old.bytes_stream()).await),
        ("reqwest 0.13", values(new.bytes_stream()).await),
        ("hyper", hyper(address).await),
        ("ureq", ureq(address).await),
    ]
}

#[tokio::test]
async fn a_connection_that_is_cut_is_an_error_with_all_its_causes() {
    let answer = |mut stream: std::net::TcpStream| {
        stream.write_all(CHUNKED_HEAD)?;
        write_chunk(&mut stream, b"data: 1\n\ndata: 2")?;
        stream.shutdown(Shutdown::Both)
    };
    for (client, values) in all(answer).await {
        let [Ok(1), Err(error)] = &values[..] else { panic!("{client}: {values:?}") };
        let JsonStreamError::Events(StreamError::Transport(_)) = error else { panic!("{client}") };
        let mut causes = Vec::new();
        let mut next: Option<&dyn Error> = Some(error);
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        assert_eq!(causes[0], "the transport of the event stream failed", "{client}");
        let is_repeated = causes.windows(2).any(|pair| pair[0] == pair[1]);
        assert!(causes.len() > 1 && !is_repeated, "{client}: {causes:?}");
    }
}

#[tokio::test]
async fn a_body_that_ends_too_early_is_an_error() {
    let answer = |mut stream: std::net::TcpStream| {
        stream.write_all(HEAD)?;
        stream.write_all(b"data: 1\n\n: bye\n")
    };
    for (client, values) in all(answer).await {
        let [Ok(1), Err(JsonStreamError::Events(StreamError::Incomplete(end)))] = &values[..]
        else {
            panic!("{client}: {values:?}")
        };
        assert_eq!(end.pending_bytes(), 6, "{client}");
    }
}

#[tokio::test]
async fn a_sentinel_without_its_blank_line_is_an_end() {
    let answer = |mut stream: std::net::TcpStream| {
        stream.write_all(HEAD)?;
        stream.write_all(b"data: 1\n\ndata: [DONE]\n")
    };
    for (client, values) in all(answer).await {
        assert!(matches!(values[..], [Ok(1)]), "{client}: {values:?}");
    }
}

/// The response has status 200 and the content type of an event stream.
#[tokio::test]
async fn a_json_error_is_returned_whole() {
    const BODY: &str = r#"{"error":{"message":"Slow down.","type":"requests","code":429}}"#;
    let answer = |mut stream: std::net::TcpStream| {
        stream.write_all(CHUNKED_HEAD)?;
        for piece in BODY.as_bytes().chunks(9) {
            write_chunk(&mut stream, piece)?;
        }
        stream.write_all(b"0\r\n\r\n")
    };
    for (client, values) in all(answer).await {
        let [Err(JsonStreamError::Events(StreamError::NotEventStream(body)))] = &values[..] else {
            panic!("{client}: {values:?}")
        };
        let error: serde_json::Value = body.json().expect(client);
        assert_eq!(error["error"]["code"], 429, "{client}");
    }
}
