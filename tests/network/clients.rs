//! Checks that every client gets everything that every server sends.

use std::{
    io::Read,
    net::SocketAddr,
    process::{Command, Stdio},
};

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use sse_wire::{BodyChunks, EventBuf, EventReader};
use tokio::{net::TcpStream, task::spawn_blocking};

use crate::{assert_is_recording, collect, in_time, servers};

macro_rules! reqwest {
    ($name:ident, $reqwest:ident) => {
        async fn $name(address: SocketAddr, is_http2: bool) -> Vec<EventBuf> {
            let client = $reqwest::Client::builder();
            let client =
                if is_http2 { client.http2_prior_knowledge() } else { client.http1_only() };
            let client = client.no_proxy().build().expect("a client");
            let url = format!("http://{address}/recording");
            let response = client.get(url).send().await.expect("a response");
            let version = if is_http2 { http::Version::HTTP_2 } else { http::Version::HTTP_11 };
            assert_eq!(response.version(), version);
            let content_type = response.headers()["content-type"].to_str().expect("text");
            assert!(sse_wire::is_event_stream(content_type));
            collect(response.bytes_stream()).await
        }
    };
}

reqwest!(reqwest_0_12, reqwest_0_12);
reqwest!(reqwest_0_13, reqwest);

async fn hyper(address: SocketAddr, is_http2: bool) -> Vec<EventBuf> {
    let stream = TokioIo::new(TcpStream::connect(address).await.expect("a connection"));
    let request = hyper::Request::get(format!("http://{address}/recording"))
        .header("host", address.to_string())
        .body(Empty::<Bytes>::new())
        .expect("a request");
    let response = if is_http2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
                .await
                .expect("HTTP/2");
        tokio::spawn(connection);
        sender.send_request(request).await
    } else {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(stream).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        sender.send_request(request).await
    };
    collect(BodyChunks::new(response.expect("a response").into_body())).await
}

fn read(body: impl Read) -> Vec<EventBuf> {
    let mut events = EventReader::new(body);
    let all = events.by_ref().collect::<Result<_, _>>().expect("events");
    assert!(events.end().expect("the end").is_clean());
    all
}

async fn ureq(address: SocketAddr) -> Vec<EventBuf> {
    let get = move || {
        let response = ureq::get(format!("http://{address}/recording")).call().expect("a response");
        read(response.into_body().into_reader())
    };
    spawn_blocking(get).await.expect("events")
}

/// Returns `None` if curl is not installed.
async fn curl(address: SocketAddr, version: &'static str) -> Option<Vec<EventBuf>> {
    let get = move || {
        let mut curl = Command::new("curl")
            .args(["-sN", version, "--noproxy", "*", &format!("http://{address}/recording")])
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let events = read(curl.stdout.take().expect("its output"));
        assert!(curl.wait().expect("its end").success());
        Some(events)
    };
    spawn_blocking(get).await.expect("events")
}

async fn all_clients(address: SocketAddr) {
    for is_http2 in [false, true] {
        assert_is_recording(&reqwest_0_12(address, is_http2).await);
        assert_is_recording(&reqwest_0_13(address, is_http2).await);
        assert_is_recording(&hyper(address, is_http2).await);
    }
    assert_is_recording(&ureq(address).await);
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        match curl(address, version).await {
            Some(events) => assert_is_recording(&events),
            None => eprintln!("skipped: there is no curl"),
        }
    }
}

#[tokio::test]
async fn of_an_axum_server() {
    let (address, _) = servers::axum().await;
    in_time(all_clients(address)).await;
}

#[tokio::test]
async fn of_a_hyper_server() {
    let address = servers::hyper().await;
    in_time(all_clients(address)).await;
}
