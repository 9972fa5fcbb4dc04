//! Tests the six systems in Chromium and in Firefox. The tests are in `browser/` and use
//! Playwright.
//!
//! ```sh
//! npm ci --prefix examples/showcase/tests/browser
//! cargo test -p sse-wire-showcase
//! ```
//!
//! They need Node and Debian's packages `chromium` and `firefox-esr`. Parts without their program
//! are skipped, with a message. With `SCREENSHOTS=folder`, they save pictures there.

mod common;

use std::{
    path::Path,
    process::{Command, ExitCode},
};

/// The name and the possible paths of each browser.
const BROWSERS: [(&str, &[&str]); 2] = [
    ("chromium", &["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]),
    ("firefox", &["/usr/bin/firefox-esr", "/usr/bin/firefox"]),
];

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    if let Some(missing) = missing(&folder) {
        println!("\nskipped the tests in a browser: {missing}\n");
        return ExitCode::SUCCESS;
    }
    let test = |files: &[&str]| {
        let mut node = Command::new("node");
        node.args(["--test", "--test-concurrency=1", "--test-reporter=spec"])
            .args(files)
            .current_dir(&folder);
        node
    };
    let run = |node: &mut Command| node.status().expect("Node was there").success();
    let mut passed = run(&mut test(&["parser.test.mjs"]));
    for (name, paths) in BROWSERS {
        let Some(path) = paths.iter().find(|path| Path::new(path).exists()) else {
            println!("\nskipped the tests in {name}: it is not installed\n");
            continue;
        };
        println!("\nin {name}:");
        let environment = [("BROWSER", name), ("BROWSER_PATH", path)];
        passed &= run(test(&["showcase.test.mjs", "connections.test.mjs"])
            .env("SHOWCASE", common::program())
            .envs(environment));
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn missing(folder: &Path) -> Option<&'static str> {
    if !Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success()) {
        Some("there is no Node")
    } else if !folder.join("node_modules").exists() {
        Some("run `npm ci --prefix examples/showcase/tests/browser` first")
    } else {
        None
    }
}
