//! Serves six systems that people build on Server-Sent Events, each in a tab of one page.
//!
//! ```sh
//! cargo run --example showcase                 # then open http://127.0.0.1:7373
//! cargo run --example showcase -- --port 8080
//! ```
//!
//! | file | what it shows |
//! |---|---|
//! | `typewriter.rs` | a text that appears character by character |
//! | `chat.rs` | an answer to a POST, token by token, that can be stopped |
//! | `quota.rs` | a quota from which an answer reserves tokens and returns the unused ones |
//! | `notifications.rs` | notifications that a lost connection neither loses nor repeats |
//! | `personal.rs` | notifications for one user, with a header or a one-time token |
//! | `rooms.rs` | a message for many receivers, encoded once |
//! | `monitor.rs` | live figures, of which a slow client gets only the newest |
//! | `proxy.rs` | another server's stream, decoded, forwarded, and paid for once |
//! | `provider.rs`, `tls.rs` | the proxy's requests to another server |
//! | `channels.rs` | several of these over one connection |
//! | `feed.rs` | the log from which clients resume |
//! | `shared.rs` | the same log in Redis, for several servers |
//! | `streams.rs` | headers, keep-alives and shutdown, which all streams share |
//! | `serve.rs` | the server loop: time limits, and a shutdown with a deadline |

mod channels;
mod chat;
mod feed;
mod model;
mod monitor;
mod notifications;
mod page;
mod personal;
mod provider;
mod proxy;
mod quota;
mod rooms;
mod serve;
mod shared;
mod streams;
#[cfg(feature = "tls")]
mod tls;
mod typewriter;
mod upstream;

use std::{
    io,
    process::{self, ExitCode},
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderValue, Uri},
};
use clap::Parser;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::cors::{AllowHeaders, AllowMethods, CorsLayer};

use self::{
    channels::Channels, chat::Chat, feed::Feed, model::Model, monitor::Monitor,
    notifications::Notifications, personal::Personal, provider::Provider, proxy::Proxy,
    quota::Quotas, rooms::Rooms, streams::Streams,
};

#[derive(Parser)]
#[command(args_override_self = true)]
struct Options {
    /// The port on the loopback interface; 0 takes any free one.
    #[arg(long, default_value_t = 7373)]
    port: u16,
    /// The interval between keep-alives on silent streams, in milliseconds.
    #[arg(long, default_value_t = 15_000)]
    heartbeat: u64,
    /// The time between two simulated notifications, in milliseconds; 0 for none.
    #[arg(long, default_value_t = 1500)]
    pace: u64,
    /// The time that the mock model takes for each token, in milliseconds.
    #[arg(long, default_value_t = 60)]
    thinking: u64,
    /// The largest number of open connections.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// The number of chat tokens that a visitor may use in a period; an answer needs up to 400.
    #[arg(long, default_value_t = 2000)]
    quota: usize,
    /// The period of the quota, in milliseconds.
    #[arg(long, default_value_t = 600_000)]
    quota_period: u64,
    /// Allows requests from pages of this origin, with cookies, and from no other; can be given
    /// several times. By default, pages of any origin are allowed, without cookies.
    #[arg(long)]
    origin: Vec<HeaderValue>,
    /// Keeps notifications and rooms in this Redis, for example `redis://127.0.0.1:6379`, so that
    /// several servers can share them. By default, they are in memory.
    #[arg(long)]
    redis: Option<String>,
    /// Asks this provider instead of the mock: the URL of chat completions, for example of
    /// llama.cpp or Ollama. https needs the feature `tls`. Sends the key in the environment's
    /// `UPSTREAM_API_KEY`.
    #[arg(long, value_parser = provider::parse_url)]
    upstream: Option<Uri>,
    /// The model to ask for.
    #[arg(long, default_value = "mock")]
    model: String,
}

#[tokio::main]
async fn main() -> io::Result<ExitCode> {
    let options = Options::parse();
    let listener = match TcpListener::bind(("127.0.0.1", options.port)).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("cannot listen on port {}: {error}", options.port);
            eprintln!("choose another with --port, or 0 for any that is free");
            return Ok(ExitCode::FAILURE);
        }
    };
    let address = listener.local_addr()?;

    let shutdown = CancellationToken::new();
    let heartbeat = Duration::from_millis(options.heartbeat);
    let streams = Streams::new(heartbeat, shutdown.clone());
    let feed = match &options.redis {
        Some(url) => match Feed::in_redis(url, streams.clone()).await {
            Ok(feed) => feed,
            Err(error) => {
                eprintln!("cannot use Redis: {error}");
                return Ok(ExitCode::FAILURE);
            }
        },
        None => Feed::in_memory(streams.clone()),
    };
    let notifications = Notifications::new(feed.clone());
    let rooms = Rooms::new(feed.clone());
    let monitor = Monitor::new();
    let model = Model::new(Duration::from_millis(options.thinking));
    let quotas = Quotas::new(options.quota, Duration::from_millis(options.quota_period));
    if options.pace > 0 {
        tokio::spawn(notifications.clone().simulate(Duration::from_millis(options.pace)));
    }
    tokio::spawn(monitor.clone().sample(streams.clone()));

    let mock = || {
        let url = format!("http://{address}/upstream/v1/chat/completions");
        url.parse().expect("a URL")
    };
    let key = std::env::var("UPSTREAM_API_KEY").ok();
    let url = options.upstream.unwrap_or_else(mock);
    let provider = match Provider::new(url, options.model, key.as_deref()) {
        Ok(provider) => provider,
        Err(error) => {
            eprintln!("cannot ask the upstream: {error}");
            return Ok(ExitCode::FAILURE);
        }
    };

    let app = Router::new()
        .merge(page::router(heartbeat))
        .merge(typewriter::router(streams.clone()))
        .merge(chat::router(Chat::new(model, quotas), streams.clone()))
        .merge(notifications::router(notifications.clone(), streams.clone()))
        .merge(personal::router(Personal::new(feed.clone()), streams.clone()))
        .merge(rooms::router(rooms.clone(), streams.clone()))
        .merge(monitor::router(monitor.clone(), streams.clone()))
        .merge(channels::router(Channels { feed, notifications, rooms, monitor }, streams.clone()))
        .merge(upstream::router(model))
        .merge(proxy::router(Proxy::new(provider), streams))
        .layer(cors(options.origin));

    println!("http://{address}");
    let signal = shutdown.clone();
    tokio::spawn(async move {
        interrupted().await;
        eprintln!("shutting down; interrupt again to end at once");
        signal.cancel();
        interrupted().await;
        process::exit(130);
    });
    if !serve::serve(listener, app, options.connections, shutdown).await {
        eprintln!("some connections were still open, and are closed");
    }
    Ok(ExitCode::SUCCESS)
}

fn cors(origins: Vec<HeaderValue>) -> CorsLayer {
    if origins.is_empty() {
        return CorsLayer::permissive();
    }
    // If cookies are allowed, browsers accept no `*` in any of these headers.
    CorsLayer::new()
        .allow_origin(origins)
        .allow_credentials(true)
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
}

/// Waits for Ctrl-C, or for SIGTERM, which service managers send.
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
