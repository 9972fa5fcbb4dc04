//! What both pipe tools need: where to read from, and how to end.

use std::{
    fmt::Display,
    fs::File,
    io::{self, ErrorKind, Read},
    path::Path,
    process::ExitCode,
};

/// The file, or standard input if there is none or it is `-`.
pub(crate) fn open(path: Option<&Path>) -> Result<Box<dyn Read>, String> {
    match path {
        Some(path) if path != Path::new("-") => File::open(path)
            .map(|file| Box::new(file) as Box<dyn Read>)
            .map_err(|error| format!("{}: {error}", path.display())),
        _ => Ok(Box::new(io::stdin())),
    }
}

/// Why a tool stopped.
pub(crate) enum Stop {
    /// Whoever reads the output has seen enough.
    ClosedPipe,
    Failure(String),
}

impl Stop {
    pub(crate) fn failure(cause: impl Display) -> Self {
        Self::Failure(cause.to_string())
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::failure(error),
        }
    }
}

impl From<String> for Stop {
    fn from(message: String) -> Self {
        Self::Failure(message)
    }
}

/// Tells a failure on standard error. A closed pipe is none: `.. | head` is how tools are used.
pub(crate) fn exit_code(tool: &str, result: Result<(), Stop>) -> ExitCode {
    match result {
        Ok(()) | Err(Stop::ClosedPipe) => ExitCode::SUCCESS,
        Err(Stop::Failure(message)) => {
            eprintln!("{tool}: {message}");
            ExitCode::FAILURE
        }
    }
}
