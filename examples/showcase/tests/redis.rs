//! Tests several servers with one log in Redis.
//!
//! The tests need Debian's package `redis-server`. Without it, they are skipped, with a message.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    time::Duration,
};

use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};
use sse_wire::{ByteStreamExt, EventBuf, EventStream};
use tokio::time::sleep;

use self::common::{
    Server, free_port, in_time,
    nginx::{self, Nginx},
    program,
};

const LOG: &str = "sse-wire-showcase:log";

#[tokio::main]
async fn main() -> ExitCode {
    if Command::new("redis-server").arg("--version").output().is_err() {
        println!("\nskipped the tests with Redis: it is not installed\n");
        return ExitCode::SUCCESS;
    }
    two_servers_have_the_same_events().await;
    println!("two servers have the same events, whatever the names");
    a_client_continues_at_another_server().await;
    println!("a client continues at another server, with each event once");
    if nginx::is_installed("the test behind nginx") {
        servers_behind_nginx_may_stop_and_start().await;
        println!("behind nginx, servers may stop and start");
    }
    a_client_waits_for_a_slow_server().await;
    println!("a client waits for a server that has not read its last event yet");
    redis_may_restart().await;
    println!("a restart of Redis loses nothing");
    old_and_unknown_ids_are_a_gap().await;
    println!("an ID that is too old, unknown or malformed is a gap");
    the_log_is_bounded_by_bytes().await;
    println!("the log is also bounded by bytes");
    events_lost_by_redis_are_a_gap().await;
    println!("events that Redis has lost are a gap");
    a_server_that_missed_too_much_reports_a_gap().await;
    println!("a server that was stopped for too long reports a gap");
    a_server_needs_redis_to_start().await;
    println!("a server that cannot use Redis says why");
    ExitCode::SUCCESS
}

async fn two_servers_have_the_same_events() {
    let redis = Redis::start().await;
    let [one, two] = [redis.server(), redis.server()];
    // These names would do harm as keys, commands or other topics.
    let rooms = ["tea", LOG, "a\r\nFLUSHALL\r\n", "{x}*?[", "order", "../channel/order", "房间"];
    let room = |number: usize| rooms[number % rooms.len()];
    let seats: Vec<_> = rooms.iter().map(|room| json!({ "room": room })).collect();
    let mut readers = Vec::new();
    for server in [&one, &two] {
        let body = json!({ "channels": ["system"], "seats": seats });
        let request = server.client.post(format!("{}/channels", server.address)).json(&body);
        let mut reader = Reader::new(request.send().await.expect("an answer"));
        reader.until("hello").await;
        readers.push(reader);
    }
    for number in 0..20 {
        let server = if number % 3 == 0 { &one } else { &two };
        let message = json!({ "room": room(number), "text": number.to_string() });
        server.post("/rooms", &message).await;
        let notification = json!({ "channel": "system", "data": number });
        server.post("/notifications", &notification).await;
    }
    let mut heard = Vec::new();
    for reader in &mut readers {
        let mut all = Vec::new();
        for number in 0..20 {
            let message = reader.until("message").await;
            let said: Value = message.json().expect("JSON");
            assert_eq!(said["text"], number.to_string());
            assert_eq!(said["room"], room(number));
            let notification = reader.until("system").await;
            let data: Value = notification.json().expect("JSON");
            assert_eq!((&data["number"], &data["data"]), (&json!(number + 1), &json!(number)));
            all.extend([message, notification]);
        }
        heard.push(all);
    }
    assert!(heard[0] == heard[1], "with the same IDs");
    let mut keys: Vec<String> = redis.ask(redis::cmd("KEYS").arg("*"));
    keys.sort();
    assert_eq!(keys, ["sse-wire-showcase:counts", LOG]);
}

/// A client reads until its server shuts down or is killed, and reconnects to the other one.
async fn a_client_continues_at_another_server() {
    const SENT: usize = 200;

    let redis = Redis::start().await;
    for signal in ["-INT", "-KILL"] {
        let [first, second] = [redis.server(), redis.server()];
        let mut reader = first.read("/notifications?channels=order", "").await;
        reader.until("hello").await;
        let address = format!("{}/notifications", second.address);
        let client = second.client.clone();
        let sender = tokio::spawn(async move {
            for number in 0..SENT {
                let order = json!({ "channel": "order", "data": number });
                let sent = client.post(&address).json(&order).send().await.expect("an answer");
                assert_eq!(sent.status(), 200);
                sleep(Duration::from_millis(2)).await;
            }
        });
        let mut numbers = Vec::new();
        while numbers.len() < SENT / 3 {
            numbers.push(reader.number().await);
        }
        kill(&first, signal);
        let last = loop {
            match in_time(reader.0.next()).await {
                Some(Ok(event)) if event.event_type() == "order" => numbers.push(number(&event)),
                Some(Ok(event)) => panic!("{event:?}"),
                Some(Err(_)) | None => break reader.0.decoder().last_event_id().to_owned(),
            }
        };
        assert!(numbers.len() < SENT, "it was stopped in the middle");
        let mut reader = second.read("/notifications?channels=order", &last).await;
        while numbers.len() < SENT {
            let event = in_time(reader.0.next()).await.expect("it goes on").expect("a stream");
            match event.event_type() {
                "order" => numbers.push(number(&event)),
                other => assert_eq!(other, "hello"),
            }
        }
        sender.await.expect("no panic");
        assert!(numbers.iter().copied().eq(0..SENT), "each once, in order");
    }
}

/// nginx sends each request to another server, so a member's messages rarely reach the server from
/// which it reads.
async fn servers_behind_nginx_may_stop_and_start() {
    const SENT: usize = 150;

    let redis = Redis::start().await;
    let mut servers = vec![redis.server(), redis.server()];
    let nginx = start_nginx(&servers).await;
    let client = servers[0].client.clone();
    let path = "/rooms?room=a&member=secret";
    let mut reader = Reader::new(get(&nginx, &servers[0].client, path, "").await);
    reader.until("hello").await;
    let url = format!("{}/rooms", nginx.address);
    let sender = tokio::spawn(async move {
        let mut repeated = Vec::new();
        for number in 0..SENT {
            let message = json!({ "room": "a", "member": "secret", "text": number.to_string() });
            // A request that fails at the end of a server may have succeeded before, so it may be
            // in the log twice.
            while client.post(&url).json(&message).send().await.expect("an answer").status() != 200
            {
                repeated.push(number);
            }
            sleep(Duration::from_millis(10)).await;
        }
        repeated
    });
    let mut key = Value::Null;
    let mut numbers = Vec::new();
    loop {
        while let Some(Ok(event)) = in_time(reader.0.next()).await {
            assert_ne!(event.event_type(), "gap");
            if event.event_type() != "message" {
                continue;
            }
            let data: Value = event.json().expect("JSON");
            // Every server computes the same key for this member.
            assert!(data["key"].is_u64() && (key.is_null() || key == data["key"]));
            key = data["key"].clone();
            numbers
                .push(data["text"].as_str().and_then(|text| text.parse().ok()).expect("a number"));
            match numbers.len() {
                // One server shuts down, and another takes its place. Later, one is killed.
                50 => {
                    kill(&servers[0], "-INT");
                    servers[0].process.wait().expect("it ends");
                    let port = servers[0].address.rsplit(':').next().expect("a port").to_owned();
                    servers[0] = redis.server_at(&port);
                }
                100 => kill(&servers[1], "-KILL"),
                _ if numbers.last() == Some(&(SENT - 1)) => break,
                _ => {}
            }
        }
        if numbers.last() == Some(&(SENT - 1)) {
            break;
        }
        let last = reader.0.decoder().last_event_id().to_owned();
        reader = Reader::new(get(&nginx, &servers[0].client, path, &last).await);
    }
    let repeated = sender.await.expect("no panic");
    println!("sent again: {repeated:?}");
    numbers.dedup_by(|next, number| next == number && repeated.contains(number));
    assert!(numbers.into_iter().eq(0..SENT), "each once, in order");
}

/// The ID of a client may be newer than the last event that its server has read.
async fn a_client_waits_for_a_slow_server() {
    let redis = Redis::start().await;
    let [quick, slow] = [redis.server(), redis.server()];
    let mut reader = quick.read("/rooms?room=a", "").await;
    reader.until("hello").await;
    kill(&slow, "-STOP");
    for number in 0..5 {
        quick.post("/rooms", &json!({ "room": "a", "text": number.to_string() })).await;
    }
    let mut last = String::new();
    for _ in 0..4 {
        last = reader.until("message").await.last_event_id().to_owned();
    }
    let moved = slow.read("/rooms?room=a", &last);
    let resumed = async {
        sleep(Duration::from_millis(100)).await;
        kill(&slow, "-CONT");
    };
    let (mut moved, ()) = tokio::join!(moved, resumed);
    let event = moved.until("message").await;
    assert_eq!(event.json::<Value>().expect("JSON")["text"], "4");
    moved.until("hello").await;
}

async fn redis_may_restart() {
    let mut redis = Redis::start().await;
    let [one, two] = [redis.server(), redis.server()];
    let mut readers = Vec::new();
    for server in [&one, &two] {
        let mut reader = server.read("/notifications?channels=order", "").await;
        reader.until("hello").await;
        readers.push(reader);
    }
    let order = |data: usize| json!({ "channel": "order", "data": data });
    let mut sent = 0;
    for signal in ["-TERM", "-KILL"] {
        for server in [&one, &two] {
            server.post("/notifications", &order(sent)).await;
            sent += 1;
        }
        redis.stop(signal);
        // The sender gets an error, and the streams stay open.
        let refused = one.client.post(format!("{}/notifications", one.address)).json(&order(99));
        let refused = in_time(refused.send()).await.expect("an answer");
        assert_eq!(refused.status(), 503);
        assert!(refused.text().await.expect("a text").contains("try again"));
        redis.run().await;
        for server in [&one, &two] {
            // The servers need a moment to reconnect.
            in_time(async {
                let request = server.client.post(format!("{}/notifications", server.address));
                while request
                    .try_clone()
                    .expect("it has no stream")
                    .json(&order(sent))
                    .send()
                    .await
                    .expect("an answer")
                    .status()
                    != 200
                {
                    sleep(Duration::from_millis(50)).await;
                }
            })
            .await;
            sent += 1;
        }
    }
    for reader in &mut readers {
        for expected in 0..sent {
            assert_eq!(reader.number().await, expected);
        }
    }
    // The numbers and IDs have survived, too.
    let fresh = redis.server();
    let mut resumed = fresh.read("/notifications?channels=order", "").await;
    resumed.until("hello").await;
    let place = resumed.0.decoder().last_event_id().to_owned();
    one.post("/notifications", &order(sent)).await;
    let event = resumed.until("order").await;
    assert_eq!(event.json::<Value>().expect("JSON")["number"], sent + 1);
    let mut resumed = two.read("/notifications?channels=order", &place).await;
    assert_eq!(resumed.number().await, sent);
}

async fn old_and_unknown_ids_are_a_gap() {
    let redis = Redis::start().await;
    let server = redis.server();
    let mut reader = server.read("/rooms?room=a", "").await;
    reader.until("hello").await;
    let first = reader.0.decoder().last_event_id().to_owned();
    let mut say = async |text: String| {
        server.post("/rooms", &json!({ "room": "a", "text": text })).await;
        reader.until("message").await.last_event_id().to_owned()
    };
    let mut ids = Vec::new();
    for number in 0..1100 {
        ids.push(say(number.to_string()).await);
    }
    let held: usize = redis.ask(redis::cmd("XLEN").arg(LOG));
    assert_eq!(held, 1000);
    let (time, _) = ids[1050].split_once('-').expect("two numbers");
    // One server has seen all of it, and the other none.
    let fresh = redis.server();
    for server in [&server, &fresh] {
        // Each ID, with `true` if a gap follows, and with the first message after that.
        for (id, is_gap, first) in [
            (ids[1000].as_str(), false, Some(1001)),
            (&ids[1099], false, None),
            ("", false, None),
            (&ids[50], true, Some(100)),
            (&first, true, Some(100)),
            ("0-0", true, Some(100)),
            ("1-1", true, Some(100)),
            ("1700000000000-07", true, Some(100)),
            ("-", true, Some(100)),
            ("$", true, Some(100)),
            ("+", true, Some(100)),
            ("unknown", true, Some(100)),
            ("\u{1F600}", true, Some(100)),
            ("99999999999999999999-0", true, Some(100)),
            // Redis may have lost these. Even so, the newer events are known.
            (&format!("{time}-99"), true, Some(1051)),
            ("99999999999999-0", true, None),
            ("18446744073709551615-18446744073709551615", true, None),
        ] {
            let mut last = id.to_owned();
            if is_gap {
                last = server
                    .read("/rooms?room=a", id)
                    .await
                    .until("gap")
                    .await
                    .last_event_id()
                    .to_owned();
                // The gap comes once. From its ID, the client continues.
            }
            let mut reader = server.read("/rooms?room=a", &last).await;
            let Some(first) = first else {
                reader.until("hello").await;
                continue;
            };
            let message: Value = reader.until("message").await.json().expect("JSON");
            let message: usize =
                message["text"].as_str().and_then(|text| text.parse().ok()).expect("a number");
            // The fresh server uses the oldest entry only as a place.
            assert!(message == first || first == 100 && message == 101, "{id}: {message}");
        }
    }
}

async fn the_log_is_bounded_by_bytes() {
    let redis = Redis::start().await;
    let server = redis.server();
    let large = json!({ "channel": "order", "data": "x".repeat(60_000) });
    for _ in 0..100 {
        server.post("/notifications", &large).await;
    }
    let held: u64 = redis.ask(redis::cmd("XLEN").arg(LOG));
    assert_eq!(held, (4 << 20) / 60_150);
    let bytes: u64 = redis.ask(redis::cmd("MEMORY").arg("USAGE").arg(LOG).arg("SAMPLES").arg(0));
    assert!(bytes < 6 << 20, "{bytes}");
    let small = json!({ "channel": "order", "data": "x" });
    for _ in 0..200 {
        server.post("/notifications", &small).await;
    }
    let grown: u64 = redis.ask(redis::cmd("XLEN").arg(LOG));
    assert!(grown > held + 190, "{grown}");
}

/// Removes the last event, as in a crash, and then everything.
async fn events_lost_by_redis_are_a_gap() {
    let redis = Redis::start().await;
    let [one, two] = [redis.server(), redis.server()];
    let mut readers = [one.read("/rooms?room=a", "").await, two.read("/rooms?room=b", "").await];
    for reader in &mut readers {
        reader.until("hello").await;
    }
    let mut ids: Vec<String> = Vec::new();
    for number in 0..3 {
        one.post("/rooms", &json!({ "room": "a", "text": number.to_string() })).await;
        ids.push(readers[0].until("message").await.last_event_id().to_owned());
    }
    for forgotten in [redis::cmd("XDEL").arg(LOG).arg(&ids[2]), redis::cmd("FLUSHALL").arg("SYNC")]
    {
        redis.ask::<redis::Value>(forgotten);
        for reader in &mut readers {
            reader.until("gap").await;
        }
        // A client that was away learns of it as well, even at a server that was started later.
        let fresh = redis.server();
        for (server, id) in [(&one, &ids[1]), (&fresh, &ids[1]), (&fresh, &ids[2])] {
            server.read("/rooms?room=a", id).await.until("gap").await;
        }
    }
    two.post("/rooms", &json!({ "room": "a", "text": "after" })).await;
    // Each server has reported the loss that it saw.
    let event = loop {
        let event = readers[0].next().await;
        if !matches!(event.event_type(), "gap" | "presence") {
            break event;
        }
    };
    assert_eq!(event.json::<Value>().expect("JSON")["text"], "after");
}

async fn a_server_that_missed_too_much_reports_a_gap() {
    let redis = Redis::start().await;
    let [one, two] = [redis.server(), redis.server()];
    let mut reader = two.read("/notifications?channels=order", "").await;
    reader.until("hello").await;
    one.post("/notifications", &json!({ "channel": "order", "data": 0 })).await;
    assert_eq!(reader.number().await, 0);
    kill(&two, "-STOP");
    for number in 1..=1200 {
        one.post("/notifications", &json!({ "channel": "order", "data": number })).await;
    }
    kill(&two, "-CONT");
    let next = reader.next().await;
    assert_eq!(next.event_type(), "gap");
    let oldest = reader.number().await;
    assert!((201..=202).contains(&oldest), "{oldest}");
    for expected in oldest + 1..=1200 {
        assert_eq!(reader.number().await, expected);
    }
}

async fn a_server_needs_redis_to_start() {
    let mut redis = Redis::start().await;
    redis.ask::<String>(redis::cmd("SET").arg(LOG).arg("a string"));
    let start = |address: String| {
        let start = Command::new(program()).args(["--port", "0", "--redis", &address]).output();
        let output = start.expect("it ends");
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.starts_with("cannot use Redis: "), "{said}");
        assert!(!said.contains("secret"), "{said}");
        said
    };
    assert!(start(redis.address()).contains("WRONGTYPE"));
    redis.stop("-TERM");
    start(redis.address().replace("//", "//:secret@"));
    start("no address".to_owned());
}

fn kill(server: &Server, signal: &str) {
    send_signal(&server.process, signal);
}

fn send_signal(process: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &process.id().to_string()]).status();
    assert!(sent.expect("kill is there").success());
}

/// Returns the number in the data of a notification.
fn number(event: &EventBuf) -> usize {
    let data: Value = event.json().expect("JSON");
    data["data"].as_u64().and_then(|number| number.try_into().ok()).expect("a number")
}

struct Reader<S>(EventStream<S>);

type Chunks = futures_util::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>;

impl Reader<Chunks> {
    fn new(response: reqwest::Response) -> Self {
        assert_eq!(response.status(), 200);
        Self(response.bytes_stream().boxed().events())
    }
}

impl<S: Stream<Item = reqwest::Result<bytes::Bytes>> + Unpin> Reader<S> {
    async fn next(&mut self) -> EventBuf {
        in_time(self.0.next()).await.expect("it goes on").expect("a stream")
    }

    /// Returns the next event of this type. Skips presence events, and panics at any other.
    async fn until(&mut self, event_type: &str) -> EventBuf {
        loop {
            let event = self.next().await;
            if event.event_type() == event_type {
                return event;
            }
            assert!(matches!(event.event_type(), "joined" | "presence"), "{event:?}");
        }
    }

    async fn number(&mut self) -> usize {
        number(&self.until("order").await)
    }
}

impl Server {
    async fn read(&self, path: &str, last_id: &str) -> Reader<Chunks> {
        let request = self.client.get(format!("{}{path}", self.address));
        let request = request.header("last-event-id", last_id.as_bytes());
        Reader::new(in_time(request.send()).await.expect("an answer"))
    }
}

struct Redis {
    process: Child,
    port: u16,
    folder: PathBuf,
}

impl Redis {
    async fn start() -> Self {
        let port = free_port();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("redis-{port}"));
        fs::create_dir_all(&folder).expect("a folder");
        let mut redis = Self { process: Self::spawn(&folder, port), port, folder };
        redis.wait().await;
        redis
    }

    /// Starts Redis with settings that lose nothing, even if it is killed.
    fn spawn(folder: &Path, port: u16) -> Child {
        Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "always", "--dir"])
            .arg(folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("Redis starts")
    }

    async fn wait(&mut self) {
        in_time(async {
            let client = redis::Client::open(self.address()).expect("an address");
            loop {
                let pong = client
                    .get_connection()
                    .and_then(|mut connection| redis::cmd("PING").query::<String>(&mut connection));
                if pong.is_ok() {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    async fn run(&mut self) {
        self.process = Self::spawn(&self.folder, self.port);
        self.wait().await;
    }

    fn stop(&mut self, signal: &str) {
        send_signal(&self.process, signal);
        self.process.wait().expect("it ends");
    }

    fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> T {
        let client = redis::Client::open(self.address()).expect("an address");
        let mut connection = client.get_connection().expect("a connection");
        command.query(&mut connection).expect("an answer")
    }

    /// Starts a server that sends no notifications of its own.
    fn server(&self) -> Server {
        self.server_at("0")
    }

    fn server_at(&self, port: &str) -> Server {
        Server::start_with(&["--redis", &self.address(), "--pace", "0", "--port", port])
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
        _ = fs::remove_dir_all(&self.folder);
    }
}

/// Starts nginx, which sends each request to the next server, as by default.
async fn start_nginx(servers: &[Server]) -> Nginx {
    let servers: Vec<_> = servers
        .iter()
        .map(|server| format!("server {};", server.address.trim_start_matches("http://")))
        .collect();
    let upstreams = format!("upstream showcase {{ {} }}", servers.concat());
    let location = "location / {
        proxy_pass http://showcase;
        proxy_http_version 1.1;
    }";
    Nginx::start(&upstreams, location).await
}

/// Repeats the request while nginx has no server to ask.
async fn get(nginx: &Nginx, client: &reqwest::Client, path: &str, last: &str) -> reqwest::Response {
    in_time(async {
        loop {
            let request = client.get(format!("{}{path}", nginx.address));
            let response = request.header("last-event-id", last).send().await;
            match response {
                Ok(response) if response.status() == 200 => return response,
                _ => sleep(Duration::from_millis(50)).await,
            }
        }
    })
    .await
}
