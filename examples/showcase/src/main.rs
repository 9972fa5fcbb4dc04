//! Six systems that people build on Server-Sent Events, each in a tab of one page.
//!
//! ```sh
//! cargo run --example showcase                 # then open the address that it prints
//! cargo run --example showcase -- --port 8080
//! ```
//!
//! | file | what it shows |
//! |---|---|
//! | `typewriter.rs` | a text, character by character |
//! | `chat.rs` | an answer to a POST, token by token, that can be stopped |
//! | `notifications.rs` | IDs and a log, so that a cut loses and doubles nothing |
//! | `rooms.rs` | one frame for many receivers |
//! | `monitor.rs` | the newest figures, for whoever looks |
//! | `proxy.rs` | another server's stream, decoded and told anew |
//! | `channels.rs` | several of these over one connection |
//! | `streams.rs` | what all of them share: headers, heartbeats, the end |

mod channels;
mod chat;
mod model;
mod monitor;
mod notifications;
mod page;
mod proxy;
mod rooms;
mod streams;
mod typewriter;
mod upstream;

use std::{error::Error, time::Duration};

use axum::Router;
use clap::Parser;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::cors::CorsLayer;

use self::{
    chat::Chat, model::Model, monitor::Monitor, notifications::Notifications, proxy::Proxy,
    rooms::Rooms, streams::Streams,
};

#[derive(Parser)]
struct Options {
    /// The port on loopback; any that is free if not given.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How long a stream may be silent before a comment is sent, in milliseconds.
    #[arg(long, default_value_t = 15_000)]
    heartbeat: u64,
    /// The time between two notifications, in milliseconds.
    #[arg(long, default_value_t = 1500)]
    pace: u64,
    /// How long the language model thinks about a token, in milliseconds.
    #[arg(long, default_value_t = 60)]
    thinking: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
    let address = listener.local_addr()?;

    let shutdown = CancellationToken::new();
    let streams = Streams::new(Duration::from_millis(options.heartbeat), shutdown.clone());
    let notifications = Notifications::new();
    let rooms = Rooms::new();
    let monitor = Monitor::new();
    let model = Model::new(Duration::from_millis(options.thinking));
    tokio::spawn(notifications.clone().simulate(Duration::from_millis(options.pace)));
    tokio::spawn(monitor.clone().sample(streams.clone()));

    let app = Router::new()
        .merge(page::router())
        .merge(typewriter::router(streams.clone()))
        .merge(chat::router(Chat::new(model), streams.clone()))
        .merge(notifications::router(notifications.clone(), streams.clone()))
        .merge(rooms::router(rooms.clone(), streams.clone()))
        .merge(monitor::router(monitor.clone(), streams.clone()))
        .merge(channels::router(notifications, rooms, monitor, streams.clone()))
        .merge(upstream::router(model))
        .merge(proxy::router(Proxy::new(address), streams))
        // Pages of any origin may use all of this: right for a demonstration on loopback.
        .layer(CorsLayer::permissive());

    println!("http://{address}");
    let signal = shutdown.clone();
    tokio::spawn(async move {
        interrupted().await;
        eprintln!("ending all streams");
        signal.cancel();
    });
    // Waits until all responses are over. Streams end where an event does, see `Streams::respond`.
    // `into_make_service`, because a router alone copies its routes for each connection.
    axum::serve(listener, app.into_make_service())
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await?;
    Ok(())
}

/// Ctrl-C, or what a service manager sends.
async fn interrupted() {
    let ctrl_c = async { tokio::signal::ctrl_c().await.expect("signals can be heard") };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).expect("signals can be heard");
        tokio::select! {
            () = ctrl_c => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    ctrl_c.await;
}
