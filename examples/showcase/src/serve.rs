//! Runs the server loop: like `axum::serve`, with the time limits that it lacks.

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{
        StatusCode,
        header::{CONNECTION, RETRY_AFTER},
    },
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::timeout::RequestBodyTimeoutLayer;

/// The number of connections over the limit that get a 503 at the same time. Others wait in the
/// system's queue.
const MAX_REFUSED: usize = 100;

/// The time that a client has to send the head of a request, and then each piece of its body.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest request body, in bytes. axum answers 413 to a larger one.
const MAX_BODY: usize = 64 << 10;

/// The time that connections have to end after the shutdown began.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(3);

/// Serves until `shutdown`, and then until all connections have ended or the deadline has passed.
/// Connections over the limit get a 503.
///
/// Returns `false` if connections were left open. They end with the runtime.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    max_connections: usize,
    shutdown: CancellationToken,
) -> bool {
    let app = app
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(RequestBodyTimeoutLayer::new(READ_TIMEOUT));
    let refusal = refusal(max_connections);
    let places = Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS)));
    let refused = Arc::new(Semaphore::new(MAX_REFUSED));
    let connections = TaskTracker::new();
    let accept = async {
        loop {
            let socket = accept(&listener).await;
            let (place, app) = match places.clone().try_acquire_owned() {
                Ok(place) => (place, &app),
                Err(_) => (refused.clone().acquire_owned().await.expect("it is open"), &refusal),
            };
            let connection = serve_connection(socket, app.clone(), shutdown.clone());
            connections.spawn(async move {
                connection.await;
                drop(place);
            });
        }
    };
    tokio::select! {
        () = accept => {}
        () = shutdown.cancelled() => {}
    }
    // From here on, the system refuses new connections.
    drop(listener);
    connections.close();
    timeout(SHUTDOWN_DEADLINE, connections.wait()).await.is_ok()
}

/// Returns the app for a connection over the limit. It answers every request with a 503.
fn refusal(max_connections: usize) -> Router {
    let message = format!("the server has {max_connections} connections, and no more are allowed");
    let headers = [(CONNECTION, "close"), (RETRY_AFTER, "5")];
    Router::new().fallback(async move || (StatusCode::SERVICE_UNAVAILABLE, headers, message))
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => return socket,
            Err(error) => {
                eprintln!("cannot accept a connection: {error}");
                // The process may have no free file descriptors. Without a pause, it would spin.
                if error.kind() != io::ErrorKind::ConnectionAborted {
                    sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }
}

async fn serve_connection(socket: TcpStream, app: Router, shutdown: CancellationToken) {
    // Events are small, and must not wait until the client has acknowledged the last one.
    _ = socket.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_TIMEOUT)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(app));
    let mut connection = pin!(connection);
    // Ignores errors: the client left, or was too slow.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = shutdown.cancelled() => {
            // Ends the connection after the current response.
            connection.as_mut().graceful_shutdown();
            _ = connection.await;
        }
    }
}
