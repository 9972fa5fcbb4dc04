//! Tests the showcase behind nginx, which buffers responses by default.
//!
//! The tests need Debian's package `nginx`. Without it, they are skipped, with a message.

mod common;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use serde_json::{Value, json};
use sse_wire::ByteStreamExt;
use tokio::time::sleep;

use self::common::{
    Server, in_time,
    nginx::{self, Nginx},
};

/// The time between two events, in milliseconds.
const DELAY: u64 = 40;

#[tokio::main]
async fn main() -> ExitCode {
    if !nginx::is_installed("the tests behind nginx") {
        return ExitCode::SUCCESS;
    }
    let server = Server::start();
    let nginx = start_nginx(&server.address).await;

    for path in ["", "/advised"] {
        let spread = spread(&server, &format!("{}{path}/typewriter", nginx.address)).await;
        println!("`{path}/`: the events of {:?} came over {spread:?}", sent_over());
        assert!(spread > sent_over() / 2, "they came together");
    }
    let buffered = spread(&server, &format!("{}/buffered/typewriter", nginx.address)).await;
    println!("`/buffered/`: over {buffered:?}");
    assert!(buffered < sent_over() / 2, "nginx has not buffered, so the test above shows nothing");

    // Over HTTP/1.0, the default of older versions of nginx, a broken stream looks like one that
    // has ended.
    for (path, must_see) in [("", false), ("/advised", true)] {
        let seen = is_cut_seen(&server, &format!("{}{path}", nginx.address)).await;
        println!("`{path}/`: a cut looks like {}", if seen { "a cut" } else { "an end" });
        assert!(seen || !must_see);
    }
    stops(&server, &nginx).await;
    println!("when a client leaves nginx, the server stops");
    asks_at_length(&server, &nginx).await;
    println!("a question of 20 kB passes by POST; a URL of that length gets a 414");
    ExitCode::SUCCESS
}

const TEXT: &str = "一行一行的文字,不断的回答。";

fn sent_over() -> Duration {
    Duration::from_millis(DELAY) * u32::try_from(TEXT.chars().count()).expect("a short text")
}

/// Returns the time from the first event to the last.
async fn spread(server: &Server, url: &str) -> Duration {
    let url = format!("{url}?text={TEXT}&delay={DELAY}");
    let response = server.client.get(url).send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let mut events = response.bytes_stream().events();
    let mut times = Vec::new();
    while let Some(event) = in_time(events.next()).await {
        event.expect("a stream");
        times.push(Instant::now());
    }
    assert_eq!(times.len(), TEXT.chars().count() + 2);
    times[times.len() - 1] - times[0]
}

/// Returns `true` if a client can tell that the server broke off the stream.
async fn is_cut_seen(server: &Server, address: &str) -> bool {
    let url = format!("{address}/notifications?client=behind-nginx");
    let response = server.client.get(url).send().await.expect("an answer");
    let mut events = response.bytes_stream().events();
    in_time(events.next()).await.expect("an event").expect("a stream");
    let cut = format!("{}/notifications/cut?client=behind-nginx", server.address);
    server.client.post(cut).send().await.expect("an answer");
    in_time(async {
        loop {
            match events.next().await {
                Some(Ok(_)) => {}
                end => return end.is_some(),
            }
        }
    })
    .await
}

/// Leaves nginx in the middle of an answer, and waits until the server stops.
async fn stops(server: &Server, nginx: &Nginx) {
    let question = json!({ "question": "为什么?" });
    let request = server.client.post(format!("{}/chat", nginx.address)).json(&question);
    let mut events = request.send().await.expect("an answer").bytes_stream().events();
    let start = in_time(events.next()).await.expect("an event").expect("a stream");
    let start: Value = start.json().expect("JSON");
    drop(events);
    in_time(async {
        loop {
            let response = server.get(&format!("/chat/{}", start["answer"])).await;
            let progress: Value = response.json().await.expect("JSON");
            match progress["state"].as_str() {
                Some("working") => sleep(Duration::from_millis(10)).await,
                state => return assert_eq!(state, Some("stopped")),
            }
        }
    })
    .await;
}

async fn asks_at_length(server: &Server, nginx: &Nginx) {
    let url = format!("{}/chat", nginx.address);
    let question = "w".repeat(20_000);
    let get = server.client.get(format!("{url}?question={question}"));
    assert_eq!(get.send().await.expect("an answer").status(), 414);
    let post = server.client.post(&url).json(&json!({ "question": question }));
    let answer = in_time(post.send()).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let answer = in_time(answer.text()).await.expect("text");
    assert!(answer.ends_with("event: done\ndata: [DONE]\n\n"), "{answer}");
}

/// Starts nginx with three paths. `/` has no setting for streams, `/advised/` has those from the
/// README, and `/buffered/` ignores the header by which the showcase disables buffering.
async fn start_nginx(upstream: &str) -> Nginx {
    let locations = format!(
        "location / {{
            proxy_pass {upstream};
        }}
        location /advised/ {{
            proxy_pass {upstream}/;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
        }}
        location /buffered/ {{
            proxy_pass {upstream}/;
            proxy_ignore_headers X-Accel-Buffering;
        }}"
    );
    Nginx::start("", &locations).await
}
