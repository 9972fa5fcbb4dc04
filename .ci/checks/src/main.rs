//! Checks of the repository for which there is no tool. Each check prints what is wrong, and fails.
//!
//! Run `cargo run -p sse-wire-checks -- NAME` in the root of the repository.

mod dependencies;
mod examples;
mod links;
mod minimum;

use std::{
    env,
    error::Error,
    process::{Command, ExitCode, Stdio},
};

use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Runs a check, and returns the faults that it found.
type Check = fn() -> Result<Vec<String>>;

const CHECKS: [(&str, Check); 4] = [
    ("dependencies", dependencies::check),
    ("examples", examples::check),
    ("links", links::check),
    ("minimum", minimum::check),
];

fn main() -> ExitCode {
    let name = env::args().nth(1).unwrap_or_default();
    let Some((_, check)) = CHECKS.into_iter().find(|(known, _)| *known == name) else {
        eprintln!("there is no check `{name}`, only {}", CHECKS.map(|(name, _)| name).join(", "));
        return ExitCode::FAILURE;
    };
    match check() {
        Ok(faults) if faults.is_empty() => ExitCode::SUCCESS,
        Ok(faults) => {
            for fault in faults {
                println!("{fault}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the output of a command. Fails if the command fails.
fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("{command:?}: {}", output.status).into())
    }
}

/// Returns the packages of the workspace and all of their dependencies.
fn metadata() -> Result<Value> {
    let mut command = Command::new("cargo");
    command.args(["metadata", "--format-version=1", "--all-features", "--locked"]);
    Ok(serde_json::from_slice(&output(&mut command)?)?)
}

/// Returns the elements of a JSON array, or none if the value is something else.
fn elements(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Returns a JSON string, or an empty one if the value is something else.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
