//! The input and the exit status of both tools.

use std::{
    fmt::Display,
    fs::File,
    io::{self, ErrorKind, Read},
    path::Path,
    process::ExitCode,
};

/// Opens an input: a file by its name, or standard input for `-`.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, Stop> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    match File::open(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(Stop::failure(format!("{}: {error}", path.display()))),
    }
}

/// The reason why a tool stopped early.
pub(crate) enum Stop {
    /// The reader of the output has closed the pipe.
    ClosedPipe,
    /// A failure, with its message and exit status.
    Failure(String, u8),
}

impl Stop {
    pub(crate) fn failure(cause: impl Display) -> Self {
        Self::Failure(cause.to_string(), 1)
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

/// Reports a failure on standard error. A closed pipe is not a failure, so that `.. | head` works.
pub(crate) fn exit_code(tool: &str, result: Result<(), Stop>) -> ExitCode {
    match result {
        Ok(()) | Err(Stop::ClosedPipe) => ExitCode::SUCCESS,
        Err(Stop::Failure(message, status)) => {
            eprintln!("{tool}: {message}");
            ExitCode::from(status)
        }
    }
}
