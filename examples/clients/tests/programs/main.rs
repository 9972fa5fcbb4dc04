//! Runs the example clients with their mocks, and with servers that cut the connection.

mod chat;
mod client;
mod mcp;

use std::{process::Output, time::Duration};

use tokio::{process::Command, time::timeout};

/// Returns the command that runs one of the programs.
fn command(program: &str, arguments: &[&str]) -> Command {
    let mut path = std::env::current_exe().expect("a test has a path");
    path.pop();
    path.pop();
    path.push(format!("examples/{program}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "run `cargo build -p sse-wire-clients --examples`");
    let mut command = Command::new(path);
    command.args(arguments).env("NO_PROXY", "*").env("RUST_BACKTRACE", "0").env_remove("API_KEY");
    command.kill_on_drop(true);
    command
}

/// Runs one of the programs to its end.
async fn run(program: &str, arguments: &[&str]) -> Output {
    let output = command(program, arguments).output();
    // A time that is longer than any of them takes, and shorter than anybody wants to wait.
    timeout(Duration::from_secs(60), output).await.expect("it ends").expect("it runs")
}

/// Runs a program. Returns its standard output, standard error and exit code.
async fn outcome(program: &str, arguments: &[&str]) -> (String, String, Option<i32>) {
    let Output { stdout, stderr, status } = run(program, arguments).await;
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8(text).expect("text"));
    (stdout, stderr, status.code())
}
