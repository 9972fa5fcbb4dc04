//! Serves the page, whose files are part of the program.

use std::time::Duration;

use axum::{
    Router,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    routing::get,
};

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// The path, the content type and the content of each file.
const FILES: [(&str, &str, &str); 13] = [
    ("/style.css", "text/css; charset=utf-8", include_str!("../page/style.css")),
    ("/app.js", JAVASCRIPT, include_str!("../page/app.js")),
    ("/stream.js", JAVASCRIPT, include_str!("../page/stream.js")),
    ("/hub.js", JAVASCRIPT, include_str!("../page/hub.js")),
    ("/background.js", JAVASCRIPT, include_str!("../page/background.js")),
    ("/view.js", JAVASCRIPT, include_str!("../page/view.js")),
    ("/typewriter.js", JAVASCRIPT, include_str!("../page/typewriter.js")),
    ("/chat.js", JAVASCRIPT, include_str!("../page/chat.js")),
    ("/notifications.js", JAVASCRIPT, include_str!("../page/notifications.js")),
    ("/personal.js", JAVASCRIPT, include_str!("../page/personal.js")),
    ("/rooms.js", JAVASCRIPT, include_str!("../page/rooms.js")),
    ("/monitor.js", JAVASCRIPT, include_str!("../page/monitor.js")),
    ("/proxy.js", JAVASCRIPT, include_str!("../page/proxy.js")),
];

/// Serves the page. It contains the keep-alive interval, so that it can detect a stream that has
/// been silent for too long.
pub fn router(heartbeat: Duration) -> Router {
    let index = include_str!("../page/index.html")
        .replace("KEEP_ALIVE_MILLISECONDS", &heartbeat.as_millis().to_string());
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-cache")];
    let router = Router::new().route("/", get(async move || (headers, index)));
    FILES.into_iter().fold(router, |router, (path, content_type, content)| {
        let headers = [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache")];
        router.route(path, get(async move || (headers, content)))
    })
}
