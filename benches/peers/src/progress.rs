//! Reports the progress of a run that takes minutes, on standard error.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

/// The time between two lines in a log, which needs only a few.
const BETWEEN_LINES: Duration = Duration::from_secs(30);

const WIDTH: usize = 24;

/// A progress bar on a terminal; otherwise a line now and then.
pub struct Progress {
    is_terminal: bool,
    done: usize,
    total: usize,
    start: Instant,
    last_line: Instant,
}

impl Progress {
    pub fn new(total: usize) -> Self {
        let now = Instant::now();
        let is_terminal = io::stderr().is_terminal();
        Self { is_terminal, done: 0, total, start: now, last_line: now }
    }

    /// Reports the next step.
    pub fn step(&mut self, what: &str) {
        self.total = self.total.max(self.done + 1);
        if self.is_terminal {
            let filled = WIDTH * self.done / self.total;
            let bar = format!("{:#<filled$}{:.<2$}", "", "", WIDTH - filled);
            // A failure to write this does not matter.
            let _ = write!(io::stderr(), "\r\x1b[K[{bar}] {}, now {what}", self.state());
        } else if self.last_line.elapsed() >= BETWEEN_LINES {
            self.last_line = Instant::now();
            eprintln!("{}, now {what}", self.state());
        }
        self.done += 1;
    }

    /// Removes the bar, so that other lines can be written.
    pub fn clear(&self) {
        if self.is_terminal {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    fn state(&self) -> String {
        let count = format!("{} of {}", self.done, self.total);
        match u32::try_from(self.done) {
            Err(_) | Ok(0) => count,
            Ok(done) => {
                let each = self.start.elapsed() / done;
                let left = each.as_secs_f64() * (self.total - self.done) as f64;
                format!("{count}, {left:.0} s left")
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
