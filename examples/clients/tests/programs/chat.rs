//! `openai` and `anthropic`: their answers, and their error messages.

use std::{process::Stdio, time::Instant};

use tokio::io::AsyncReadExt;

use crate::{command, outcome};

const ANSWER: &str = "Air scatters short waves of light far more than long ones: by 1/λ⁴. So blue \
                      comes to you from all sides, 蓝色的天空 🌤\u{fe0f}.\n";

/// The start of the answer, which the mocks send before they fail.
const HALF: &str = "Air scatters short waves of light far more than long";

#[tokio::test]
async fn the_whole_answer() {
    for (program, end) in
        [("openai", "[stop] [46 tokens]"), ("anthropic", "[\"end_turn\"] [33 tokens]")]
    {
        let (stdout, stderr, code) = outcome(program, &[]).await;
        assert_eq!(
            (stdout, &*stderr, code),
            (format!("{ANSWER}{end}\n"), "", Some(0)),
            "{program}"
        );
    }
}

#[tokio::test]
async fn tokens_are_printed_as_they_come() {
    for program in ["openai", "anthropic"] {
        let start = Instant::now();
        let mut child = command(program, &[]).stdout(Stdio::piped()).spawn().expect("it runs");
        let mut stdout = child.stdout.take().expect("a pipe");
        let mut arrivals = Vec::new();
        let mut piece = [0; 4096];
        while stdout.read(&mut piece).await.expect("a pipe that works") > 0 {
            arrivals.push(start.elapsed());
        }
        assert!(child.wait().await.expect("it ends").success());
        // Each of the 33 tokens is flushed on its own; a busy machine may join some.
        assert!(arrivals.len() > 10, "{program}: {arrivals:?}");
    }
}

#[tokio::test]
async fn an_error_instead_of_a_stream_is_shown_with_its_status() {
    for (program, prompt, message) in [
        ("openai", "denied", "401 Unauthorized: Incorrect API key provided: mock."),
        ("openai", "busy", "429 Too Many Requests: Slow down. (try again in 20s)"),
        ("openai", "refused", "200 OK: You exceeded your current quota."),
        ("openai", "zipped", "the server answered 200 with a body that is still compressed"),
        ("openai", "proxy", "the server answered 502 with HTML or XML: b\"<html>"),
        ("anthropic", "denied", "401 Unauthorized: invalid x-api-key"),
        ("anthropic", "busy", "429 Too Many Requests: Slow down. (try again in 20s)"),
        ("anthropic", "refused", "200 OK: Too many requests for now."),
        ("anthropic", "zipped", "the server answered 200 with a body that is still compressed"),
        ("anthropic", "proxy", "the server answered 502 with HTML or XML: b\"<html>"),
    ] {
        let (stdout, stderr, code) = outcome(program, &[prompt]).await;
        assert!(stderr.starts_with(&format!("Error: {message}")), "{program} {prompt}: {stderr}");
        assert_eq!((&*stdout, code), ("", Some(1)), "{program} {prompt}");
    }
}

#[tokio::test]
async fn half_an_answer_is_shown_and_is_a_failure() {
    for (program, prompt, message) in [
        ("openai", "overloaded", "The model is overloaded."),
        ("openai", "cut", "the event stream ended before its last event, 165 bytes into a block"),
        ("openai", "undone", "the event stream ended before its last event\n"),
        ("openai", "reset", "the transport of the event stream failed"),
        ("anthropic", "overloaded", "Overloaded"),
        ("anthropic", "cut", "before its last event, 53 bytes into a block"),
        ("anthropic", "undone", "the event stream ended before its last event\n"),
        ("anthropic", "reset", "the transport of the event stream failed"),
    ] {
        let (stdout, stderr, code) = outcome(program, &[prompt]).await;
        let name = format!("{program} {prompt}: {stdout}{stderr}");
        assert!(stdout.starts_with(HALF) && stdout.ends_with('\n'), "{name}");
        assert!(!stdout.contains("tokens]"), "{name}");
        assert!(stderr.contains("the answer ended early") && stderr.contains(message), "{name}");
        assert_eq!(code, Some(1), "{name}");
        if prompt == "reset" {
            assert!(stderr.contains("unexpected EOF during chunk size line"), "no cause: {name}");
        }
    }
}

#[tokio::test]
async fn an_unreachable_server_is_named() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", port.local_addr().expect("an address"));
    drop(port);
    for program in ["openai", "anthropic", "mcp"] {
        let (_, stderr, code) = outcome(program, &["--url", &url]).await;
        assert!(stderr.contains(&url) && code == Some(1), "{program}: {stderr}");
    }
}
