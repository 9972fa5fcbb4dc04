//! Runs many clients of the showcase at once, and counts the events that they get.
//!
//! ```sh
//! cargo run --release --example showcase -- --port 8080 --pace 20
//! cargo run --release --example load -- room http://127.0.0.1:8080 --connections 2000
//! cargo run --release --example load -- cuts http://127.0.0.1:8080 --minutes 10
//! cargo run --release --example load -- restart
//! ```

mod cuts;
mod restart;
mod room;
mod tally;

use std::{error::Error, time::Duration};

use clap::{Parser, Subcommand};

use self::restart::Plan;

type Anything = Box<dyn Error + Send + Sync>;

#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Fills a room with clients, and sends messages to all of them.
    Room {
        url: String,
        #[arg(long, default_value_t = 2000)]
        connections: u32,
        #[arg(long, default_value_t = 200)]
        messages: u32,
        /// The time between two messages, in milliseconds.
        #[arg(long, default_value_t = 50)]
        pace: u64,
    },
    /// Listens to notifications over connections that break again and again.
    Cuts {
        url: String,
        #[arg(long, default_value_t = 4)]
        clients: u32,
        #[arg(long, default_value_t = 10)]
        minutes: u64,
    },
    /// Listens to notifications while the server restarts. Starts the showcase that was built next
    /// to this program.
    Restart {
        #[arg(long, default_value_t = 500)]
        clients: u32,
        /// The time between the end of the server and the next start, in milliseconds.
        #[arg(long, default_value_t = 500)]
        down: u64,
        /// Kills the server, so that it cannot end its streams cleanly.
        #[arg(long)]
        crash: bool,
        /// Makes clients wait for exactly the server's `retry`, without jitter, as `EventSource`
        /// does.
        #[arg(long)]
        exact: bool,
        /// Passes this URL of Redis to the server.
        #[arg(long)]
        redis: Option<String>,
    },
}

#[tokio::main]
async fn main() -> Result<(), Anything> {
    match Options::parse().what {
        What::Room { url, connections, messages, pace } => {
            room::run(url, connections, messages, Duration::from_millis(pace)).await
        }
        What::Cuts { url, clients, minutes } => {
            cuts::run(url, clients, Duration::from_secs(60 * minutes)).await
        }
        What::Restart { clients, down, crash, exact, redis } => {
            let down = Duration::from_millis(down);
            restart::run(Plan { clients, down, is_crash: crash, is_exact: exact, redis }).await
        }
    }
}
