//! Runs the two pipe tools the way people use them.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

/// Returns an example that `cargo test` has built, in the folder next to that of this test.
fn tool(name: &str) -> Command {
    let mut path = std::env::current_exe().expect("a test has a path");
    path.pop();
    path.pop();
    path.push("examples");
    path.push(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is not built: run `cargo build --examples`", path.display());
    let mut command = Command::new(path);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start(name: &str, arguments: &[&str]) -> Child {
    tool(name).args(arguments).spawn().expect("the tool starts")
}

fn run(name: &str, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = start(name, arguments);
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    // A tool that stops early closes its end of the pipe, which is fine here.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("the tool ends");
    writer.join().expect("the writer ends");
    output
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

const STREAM: &[u8] = "\u{feff}: hello\nretry: 10\n\nid: 1\nevent: e\ndata: 你\ndata: 好\n\r\n\
    data: x\r\rid\ndata\n\nunknown: x\ndata: pending"
    .as_bytes();

const EVENTS: [&str; 3] = [
    r#"{"event":"e","data":"你\n好","id":"1","last_event_id":"1","retry":null}"#,
    r#"{"event":"message","data":"x","id":null,"last_event_id":"1","retry":null}"#,
    r#"{"event":"message","data":"","id":"","last_event_id":"","retry":null}"#,
];

#[test]
fn sse2json_prints_an_object_for_each_event() {
    for chunk in ["1", "2", "7", "65536", "99999999"] {
        let output = run("sse2json", &["--chunk", chunk, "-"], STREAM);
        assert_eq!(text(&output.stdout).lines().collect::<Vec<_>>(), EVENTS, "chunks of {chunk}");
        assert_eq!(output.status.code(), Some(3));
        let message = "sse2json: the stream was cut off, 24 bytes into a block\n";
        assert_eq!(text(&output.stderr), message);

        let output = run("sse2json", &["--chunk", chunk, "--comments", "--summary", "-"], STREAM);
        let lines: Vec<_> = text(&output.stdout).lines().collect();
        assert_eq!(lines[0], r#"{"comment":"hello"}"#);
        assert_eq!(lines[1..4], EVENTS);
        let summary = format!(
            r#"{{"summary":{{"events":3,"blocks":4,"comments":1,"bytes":{},"last_event_id":"","reconnection_time":10,"pending_bytes":24}}}}"#,
            STREAM.len(),
        );
        assert_eq!(lines[4..], [summary]);
    }
}

#[test]
fn sse2json_reads_files() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("stream.sse");
    std::fs::write(&path, STREAM).expect("the folder is there");
    let output = run("sse2json", &[path.to_str().expect("text")], b"");
    assert_eq!(text(&output.stdout).lines().count(), 3);

    let output = run("sse2json", &["no/such/file"], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("sse2json: no/such/file: "));
}

#[test]
fn sse2json_prints_each_event_at_once() {
    let mut child = start("sse2json", &["-"]);
    let mut stdin = child.stdin.take().expect("piped");
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    for number in 0..3 {
        write!(stdin, "data: {number}\n\n").and_then(|()| stdin.flush()).expect("it reads");
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it writes");
        assert!(line.contains(&format!(r#""data":"{number}""#)), "{line}");
    }
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_closed_pipe_ends_the_tools_quietly() {
    let objects = "{\"data\":\"x\"}\n".repeat(100_000);
    let stream = "data: x\n\n".repeat(100_000);
    for (name, input) in [("sse2json", stream), ("json2sse", objects)] {
        let mut child = start(name, &["-"]);
        let mut stdin = child.stdin.take().expect("piped");
        let mut stdout = child.stdout.take().expect("piped");
        let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        stdout.read_exact(&mut [0; 10]).expect("it writes");
        drop(stdout);
        let output = child.wait_with_output().expect("it ends");
        writer.join().expect("the writer ends");
        assert!(output.status.success(), "{name}: {:?}", output.status);
        assert_eq!(text(&output.stderr), "", "{name}");
    }
}

#[test]
fn json2sse_is_the_inverse() {
    let objects = run("sse2json", &["--comments", "--summary", "-"], STREAM).stdout;
    let stream = run("json2sse", &["-"], &objects);
    assert!(stream.status.success());
    assert_eq!(
        text(&stream.stdout),
        ": hello\n\nevent: e\nid: 1\ndata: 你\ndata: 好\n\ndata: x\n\nid: \ndata: \n\n",
    );
    let again = run("sse2json", &["-"], &stream.stdout);
    assert_eq!(text(&again.stdout).lines().collect::<Vec<_>>(), EVENTS);
}

#[test]
fn json2sse_writes_what_was_asked() {
    for (object, expected) in [
        (r#"{"data":"a\r\nb\rc"}"#, "data: a\ndata: b\ndata: c\n\n"),
        (r#"{"data":"","event":"message"}"#, "data: \n\n"),
        (
            r#"{"retry":18446744073709551615,"data":"x"}"#,
            "retry: 18446744073709551615\ndata: x\n\n",
        ),
        (r#"{"comment":"a\nb"}"#, ": a\n: b\n\n"),
        (r#"{"id":null,"event":null,"retry":null,"data":"x","last_event_id":"9"}"#, "data: x\n\n"),
        ("  ", ""),
    ] {
        let output = run("json2sse", &["-"], object.as_bytes());
        assert_eq!(text(&output.stdout), expected, "{object}");
        assert!(output.status.success(), "{object}");
    }
}

#[test]
fn json2sse_reports_the_line_that_is_wrong() {
    for (object, cause) in [
        (r#"{"data":"x""#, "EOF"),
        (r#"{"data":1}"#, "invalid type"),
        (r#"{"data":"x","retry":-1}"#, "invalid value"),
        (r#"{"data":"x","event":"a\nb"}"#, "event type must not hold a line feed"),
        (r#"{"data":"x","id":"a\rb"}"#, "last event ID must not hold a carriage return"),
        (r#"{"data":"x","id":"a\u0000b"}"#, "last event ID must not hold a NUL"),
        (r#"{"event":"x"}"#, "neither `data` nor `comment`"),
        ("[]", "line 2"),
    ] {
        let input = format!("{{\"data\":\"before\"}}\n{object}\n{{\"data\":\"after\"}}\n");
        let output = run("json2sse", &["-"], input.as_bytes());
        assert_eq!(text(&output.stdout), "data: before\n\n", "{object}");
        assert_eq!(output.status.code(), Some(1), "{object}");
        let message = text(&output.stderr);
        assert!(message.starts_with("json2sse: line 2: "), "{message}");
        assert!(message.contains(cause), "{message}");
    }
}

/// Standard input does not matter: it may be empty, a pipe that stays open, or a terminal.
#[test]
fn without_arguments_they_show_a_sample() {
    for name in ["sse2json", "json2sse"] {
        let mut child = start(name, &[]);
        let stdin = child.stdin.take().expect("piped");
        let output = child.wait_with_output().expect("it ends while standard input is open");
        drop(stdin);
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        assert!(text(&output.stdout).contains("世界"), "{name}");

        let output = tool(name).stdin(Stdio::null()).output().expect("it ends");
        assert!(output.status.success());
        assert!(text(&output.stdout).lines().count() > 5, "{name}");
    }
}

#[test]
fn sse2json_reports_what_the_input_was() {
    for (input, status, message) in [
        ("", 4, "the input is empty"),
        (": ping\n\n", 0, ""),
        ("data: a\n\n", 0, ""),
        ("data: a\n", 3, "the stream was cut off, 8 bytes into a block"),
        (
            "{\"error\":{\"message\":\"no\"}}",
            4,
            "this is JSON, not an event stream: {\"error\":{\"message\":\"no\"}}",
        ),
        (
            "<h1>\x1b[31m502</h1>\n",
            4,
            "this is HTML or XML, not an event stream: <h1> [31m502</h1>",
        ),
        ("upstream error", 4, "this is not an event stream: upstream error"),
    ] {
        let output = run("sse2json", &["-"], input.as_bytes());
        assert_eq!(output.status.code(), Some(status), "{input:?}");
        let expected =
            if message.is_empty() { String::new() } else { format!("sse2json: {message}\n") };
        assert_eq!(text(&output.stderr), expected);
    }

    let too_large = format!("data: before\n\ndata: {}", "x".repeat(17 << 20));
    let output = run("sse2json", &["-"], too_large.as_bytes());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("before"));
    assert!(text(&output.stderr).contains("block larger than the limit"));
}

#[test]
fn the_tools_explain_themselves() {
    for name in ["sse2json", "json2sse"] {
        let output = run(name, &["--help"], b"");
        assert!(output.status.success());
        assert!(text(&output.stdout).contains("text/event-stream"), "{name}");
    }
    assert_eq!(run("sse2json", &["--chunk", "0"], b"").status.code(), Some(2));
}
