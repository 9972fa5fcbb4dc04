//! The six systems in Chromium. The tests are in `browser/`, driven by Playwright.
//!
//! ```sh
//! npm ci --prefix examples/showcase/tests/browser
//! cargo test -p sse-wire-showcase
//! ```
//!
//! Needs Node and Debian's package `chromium`; without them it is skipped, and says so. With
//! `SCREENSHOTS=folder` it keeps pictures.

mod common;

use std::{
    path::Path,
    process::{Command, ExitCode},
};

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    if let Some(missing) = missing(&folder) {
        println!("\nskipped the tests in a browser: {missing}\n");
        return ExitCode::SUCCESS;
    }
    let status = Command::new("node")
        .args(["--test", "--test-reporter=spec"])
        .env("SHOWCASE", common::program())
        .current_dir(folder)
        .status();
    if status.expect("Node was there").success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn missing(folder: &Path) -> Option<&'static str> {
    let browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    if !Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success()) {
        Some("there is no Node")
    } else if !folder.join("node_modules").exists() {
        Some("run `npm ci --prefix examples/showcase/tests/browser` first")
    } else if !browsers.iter().any(|browser| Path::new(browser).exists()) {
        Some("there is no Chromium")
    } else {
        None
    }
}
