//! Listens to notifications over connections that break again and again.

use std::{collections::HashMap, pin::pin, time::Duration};

use futures_util::{StreamExt, future::join_all};
use reqwest::{Client, Response};
use sse_wire::{Decoder, EventStream};
use tokio::{
    sync::watch,
    time::{sleep, sleep_until},
};

use crate::{
    Anything,
    tally::{Notification, Tally},
};

/// The longest time that a connection lasts, and the longest time until the next one, in
/// milliseconds.
const HERE: u64 = 700;
const AWAY: u64 = 400;

pub async fn run(url: String, clients: u32, time: Duration) -> Result<(), Anything> {
    let (stop, stopped) = watch::channel(false);
    let listeners: Vec<_> = (0..clients)
        .map(|number| tokio::spawn(Listener::new(&url, number).listen(stopped.clone())))
        .collect();
    sleep(time).await;
    stop.send(true)?;
    let mut total = Tally::default();
    let mut ends = HashMap::<_, u32>::new();
    for listener in join_all(listeners).await {
        let listener = listener?.map_err(|error| format!("a listener: {error}"))?;
        total.add(&listener.tally);
        for (end, count) in listener.ends {
            *ends.entry(end).or_default() += count;
        }
    }
    println!("{clients} clients, {time:?}: {} events; connections: {ends:?}", total.received);
    println!("lost {}, doubled {}", total.lost, total.doubled);
    total.check()
}

/// The end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum End {
    /// The server broke the connection.
    Cut,
    /// The client closed the connection.
    Left,
}

struct Listener {
    client: Client,
    url: String,
    name: String,
    decoder: Decoder,
    /// The number of the next event; `None` before the first one.
    next: Option<u32>,
    tally: Tally,
    ends: HashMap<End, u32>,
}

impl Listener {
    fn new(url: &str, number: u32) -> Self {
        Self {
            client: Client::new(),
            url: format!("{url}/notifications"),
            name: format!("load-{number}"),
            decoder: Decoder::new(),
            next: None,
            tally: Tally::default(),
            ends: HashMap::new(),
        }
    }

    async fn listen(mut self, stopped: watch::Receiver<bool>) -> Result<Self, Anything> {
        while !*stopped.borrow() {
            let mut request =
                self.client.get(format!("{}?channels=order&client={}", self.url, self.name));
            if !self.decoder.last_event_id().is_empty() {
                request = request.header("last-event-id", self.decoder.last_event_id());
            }
            let response = request.send().await?.error_for_status()?;
            let end = self.hear(response).await?;
            *self.ends.entry(end).or_default() += 1;
            sleep(Duration::from_millis(rand::random_range(0..AWAY))).await;
        }
        Ok(self)
    }

    /// Reads one connection until the server or this client breaks it, possibly in the middle of an
    /// event.
    async fn hear(&mut self, response: Response) -> Result<End, Anything> {
        self.decoder.reset_for_reconnect();
        let mut events = EventStream::with_decoder(response.bytes_stream(), self.decoder.clone());
        let time = Duration::from_millis(rand::random_range(0..HERE));
        let at = tokio::time::Instant::now() + time;
        let cut = self.client.post(format!("{}/cut?client={}", self.url, self.name));
        let mut leave = pin!(async move {
            sleep_until(at).await;
            if rand::random() {
                cut.send().await?.error_for_status()?;
                // The end of the stream then shows that the server has done it.
                std::future::pending::<()>().await;
            }
            Ok::<_, reqwest::Error>(())
        });
        let end = loop {
            let event = tokio::select! {
                event = events.next() => event,
                left = &mut leave => {
                    left?;
                    break End::Left;
                }
            };
            let Some(Ok(event)) = event else { break End::Cut };
            if event.event_type() == "gap" {
                return Err("the log was too short".into());
            }
            if event.event_type() == "hello" {
                continue;
            }
            let Notification { number, .. } = event.json()?;
            self.next = Some(match self.next {
                // The first event only shows where the numbers start.
                None => number + 1,
                Some(next) => self.tally.note(next, number),
            });
        };
        self.decoder = events.decoder().clone();
        Ok(end)
    }
}
