//! Listens to notifications while the server restarts.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future::join_all};
use reqwest::Client;
use sse_wire::{Attempt, ConnectionEnd, Decoder, EventStream, Reconnect};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    Anything,
    tally::{Notification, Tally},
};

/// The time before the restart. After this time, the reconnection policy counts a connection as
/// stable. Then the time after the restart.
const BEFORE: Duration = Duration::from_secs(6);
const AFTER: Duration = Duration::from_secs(3);

/// The longest time to wait for all clients: more than any of them takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Plan {
    pub clients: u32,
    /// The time between the end of the server and the next start.
    pub down: Duration,
    /// Set to kill the server, so that it cannot end its streams cleanly.
    pub is_crash: bool,
    /// Set to make clients wait for exactly the server's `retry`, as browsers do.
    pub is_exact: bool,
    pub redis: Option<String>,
}

pub async fn run(plan: Plan) -> Result<(), Anything> {
    let (mut server, address) = start(&plan, "0")?;
    let port = address.rsplit(':').next().ok_or("no port")?.to_owned();
    let (stop, stopped) = watch::channel(false);
    let (live, mut all_live) = watch::channel(0);
    let requests = Arc::new(Mutex::new(Vec::new()));
    let client = Client::builder().no_proxy().build()?;
    let listeners: Vec<_> = (0..plan.clients)
        .map(|_| {
            let listener = Listener {
                client: client.clone(),
                url: format!("{address}/notifications?channels=order"),
                requests: requests.clone(),
                live: live.clone(),
                is_exact: plan.is_exact,
                decoder: Decoder::new(),
                place: Place::Unknown,
                tally: Tally::default(),
                gaps: 0,
            };
            tokio::spawn(listener.listen(stopped.clone()))
        })
        .collect();
    let mut wait_for_all = async |times: u32| {
        let all = plan.clients * times;
        timeout(PATIENCE, all_live.wait_for(|&live| live >= all)).await.map(|_| ())
    };
    wait_for_all(1).await.map_err(|_| "the clients cannot connect")?;
    sleep(BEFORE).await;

    lock(&requests).clear();
    let restarted = Instant::now();
    if plan.is_crash {
        server.0.kill()?;
    } else {
        Command::new("kill").args(["-INT", &server.0.id().to_string()]).status()?;
    }
    server.0.wait()?;
    let shutdown = restarted.elapsed();
    sleep(plan.down).await;
    let (_server, _) = start(&plan, &port)?;
    let away = restarted.elapsed();
    wait_for_all(2).await.map_err(|_| "not all clients came back")?;
    let back = restarted.elapsed();
    sleep(AFTER).await;
    stop.send(true)?;

    let mut total = Tally::default();
    let mut gaps = 0;
    for listener in join_all(listeners).await {
        let listener = listener??;
        total.add(&listener.tally);
        gaps += listener.gaps;
    }
    let requests = std::mem::take(&mut *lock(&requests));
    let answered: Vec<_> =
        requests.iter().filter(|(_, is_answered)| *is_answered).map(|(at, _)| *at).collect();
    let all: Vec<_> = requests.into_iter().map(|(at, _)| at).collect();
    println!(
        "{} clients; the shutdown took {shutdown:.1?}, no server for {away:.1?}",
        plan.clients
    );
    println!("all were back {back:.1?} after the shutdown began");
    for (what, times) in [("all requests", all), ("answered ones", answered)] {
        let (per_tenth, per_second) =
            (peak(&times, Duration::from_millis(100)), peak(&times, Duration::from_secs(1)));
        let count = times.len();
        println!("{what}: {count}, at most {per_tenth} in 100 ms, {per_second} in a second");
    }
    println!(
        "{} events; lost without notice {}, doubled {}",
        total.received, total.lost, total.doubled
    );
    println!("gap events: {gaps}");
    total.check()
}

/// Starts the showcase in the folder of this program. Returns it with its address.
fn start(plan: &Plan, port: &str) -> Result<(Server, String), Anything> {
    let program = std::env::current_exe()?.with_file_name("showcase");
    let mut command = Command::new(program);
    command.args(["--pace", "20", "--port", port]).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(redis) = &plan.redis {
        command.args(["--redis", redis]);
    }
    let mut server = Server(command.spawn()?);
    let mut address = String::new();
    let output = server.0.stdout.take().ok_or("no output")?;
    BufReader::new(output).read_line(&mut address)?;
    Ok((server, address.trim().to_owned()))
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // The process may have ended already.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// The time of each request, and `true` if a server answered it with a stream.
type Requests = Arc<Mutex<Vec<(Instant, bool)>>>;

fn lock(requests: &Requests) -> std::sync::MutexGuard<'_, Vec<(Instant, bool)>> {
    requests.lock().expect("no thread panics with the lock")
}

/// Returns the largest number of these times within a window of this length.
fn peak(times: &[Instant], window: Duration) -> usize {
    let mut times = times.to_vec();
    times.sort_unstable();
    let mut first = 0;
    let counts = times.iter().enumerate().map(|(last, &time)| {
        while time - times[first] >= window {
            first += 1;
        }
        last + 1 - first
    });
    counts.max().unwrap_or(0)
}

/// The number that a client expects next.
enum Place {
    /// Any number: the client is new, or an event has reported a gap.
    Unknown,
    Next {
        run: String,
        number: u32,
    },
}

struct Listener {
    client: Client,
    url: String,
    requests: Requests,
    live: watch::Sender<u32>,
    is_exact: bool,
    decoder: Decoder,
    place: Place,
    tally: Tally,
    gaps: u32,
}

impl Listener {
    async fn listen(mut self, mut stopped: watch::Receiver<bool>) -> Result<Self, Anything> {
        // The server ends all streams at the same time when it stops.
        let mut reconnect = Reconnect::new().with_jitter(1.0);
        loop {
            let sent_id = self.decoder.last_event_id().to_owned();
            let opened = Instant::now();
            let end = tokio::select! {
                end = self.connect() => end?,
                _ = stopped.wait_for(|&stopped| stopped) => return Ok(self),
            };
            let attempt = Attempt::new(&sent_id, &self.decoder, &end, opened.elapsed());
            let delay = reconnect.next_delay(&attempt)?;
            let exact = self.decoder.reconnection_time().unwrap_or(delay);
            sleep(if self.is_exact { exact } else { delay }).await;
        }
    }

    /// Reads one connection to its end. Returns the end.
    async fn connect(&mut self) -> Result<ConnectionEnd, Anything> {
        self.decoder.reset_for_reconnect();
        let mut request = self.client.get(&self.url);
        if !self.decoder.last_event_id().is_empty() {
            request = request.header("last-event-id", self.decoder.last_event_id());
        }
        let began = Instant::now();
        let response = request.send().await;
        lock(&self.requests).push((began, response.is_ok()));
        let Ok(response) = response else { return Ok(ConnectionEnd::NoResponse) };
        let status = response.status().as_u16();
        if status != 200 {
            return Ok(ConnectionEnd::Status { code: status, retry_after: None });
        }
        let mut events = EventStream::with_decoder(response.bytes_stream(), self.decoder.clone());
        let end = loop {
            match events.next().await {
                Some(Ok(event)) => match event.event_type() {
                    "hello" => self.live.send_modify(|live| *live += 1),
                    "gap" => {
                        self.gaps += 1;
                        self.place = Place::Unknown;
                    }
                    _ => self.note(event.json()?),
                },
                Some(Err(_)) => break ConnectionEnd::Lost,
                None => break ConnectionEnd::Ended,
            }
        };
        self.decoder = events.decoder().clone();
        Ok(end)
    }

    fn note(&mut self, Notification { run, number }: Notification) {
        let next = match &self.place {
            Place::Next { run: known, number: next } if *known == run => {
                self.tally.note(*next, number)
            }
            // The numbers of another run without a `gap` event: the rest of the last run is lost
            // without notice.
            Place::Next { .. } => {
                self.tally.lost += 1;
                number + 1
            }
            Place::Unknown => {
                self.tally.received += 1;
                number + 1
            }
        };
        self.place = Place::Next { run, number: next };
    }
}
