//! Many clients of the showcase at once, who count what they get.
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
    /// Many in one room, to whom one speaks.
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
    /// Listeners to notifications whose connections break again and again.
    Cuts {
        url: String,
        #[arg(long, default_value_t = 4)]
        clients: u32,
        #[arg(long, default_value_t = 10)]
        minutes: u64,
    },
    /// Listeners whose server is restarted. Starts the showcase that is built beside this program.
    Restart {
        #[arg(long, default_value_t = 500)]
        clients: u32,
        /// How long no server is there, in milliseconds.
        #[arg(long, default_value_t = 500)]
        down: u64,
        /// Kills the server, so that it cannot say goodbye.
        #[arg(long)]
        crash: bool,
        /// Has clients wait for exactly the server's `retry`, without jitter, as `EventSource` does.
        #[arg(long)]
        exact: bool,
        /// Gives this to the server.
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
