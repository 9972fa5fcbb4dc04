//! The page: plain files, part of the program.

use axum::{
    Router,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    routing::get,
};

/// Path, type, content.
const FILES: [(&str, &str, &str); 10] = [
    ("/", "text/html; charset=utf-8", include_str!("../page/index.html")),
    ("/style.css", "text/css", include_str!("../page/style.css")),
    ("/app.js", "text/javascript", include_str!("../page/app.js")),
    ("/wire.js", "text/javascript", include_str!("../page/wire.js")),
    ("/typewriter.js", "text/javascript", include_str!("../page/typewriter.js")),
    ("/chat.js", "text/javascript", include_str!("../page/chat.js")),
    ("/notifications.js", "text/javascript", include_str!("../page/notifications.js")),
    ("/rooms.js", "text/javascript", include_str!("../page/rooms.js")),
    ("/monitor.js", "text/javascript", include_str!("../page/monitor.js")),
    ("/proxy.js", "text/javascript", include_str!("../page/proxy.js")),
];

pub fn router() -> Router {
    FILES.into_iter().fold(Router::new(), |router, (path, content_type, content)| {
        let headers = [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache")];
        router.route(path, get(async move || (headers, content)))
    })
}
