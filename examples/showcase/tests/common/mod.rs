//! Runs the showcase for the tests.

// Each test uses only a part of it.
#![allow(dead_code)]

pub mod nginx;

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use reqwest::{Client, Response};
use serde_json::Value;
use tokio::time::timeout;

/// Returns the path of the example, which `cargo test` has built.
pub fn program() -> PathBuf {
    let mut path = std::env::current_exe().expect("a test has a path");
    path.pop();
    path.pop();
    path.push(format!("examples/showcase{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "run `cargo build -p sse-wire-showcase --examples`");
    path
}

/// The key that the showcase sends to its upstream.
pub const KEY: &str = "sk-not-for-browsers";

/// A running showcase.
pub struct Server {
    pub process: Child,
    pub address: String,
    pub client: Client,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    pub fn start_with(options: &[&str]) -> Self {
        Self::start_in(options, None)
    }

    /// Starts the showcase with additional environment variables.
    pub fn start_in<'a>(
        options: &[&str],
        environment: impl IntoIterator<Item = (&'a str, &'a OsStr)>,
    ) -> Self {
        let mut process = Command::new(program())
            .args(["--port", "0", "--heartbeat", "100", "--pace", "20", "--thinking", "5"])
            .args(options)
            .env("UPSTREAM_API_KEY", KEY)
            .envs(environment)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the showcase starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("it prints its address");
        let address = line.trim().to_owned();
        Self { process, address, client: Client::builder().no_proxy().build().expect("a client") }
    }

    pub async fn get(&self, path: &str) -> Response {
        let response = self.client.get(format!("{}{path}", self.address)).send().await;
        response.expect("an answer")
    }

    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.client.post(format!("{}{path}", self.address)).json(body);
        let response = request.send().await.expect("an answer");
        assert!(response.status().is_success(), "{}", response.status());
        response.json().await.expect("JSON")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may have ended already.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// Returns a port that nothing listens on.
pub fn free_port() -> u16 {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    address.expect("a port").port()
}

pub async fn in_time<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), what).await.expect("it takes too long")
}
