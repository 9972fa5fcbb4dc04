//! Keeps the log in Redis, for any number of servers with the same clients.
//!
//! All events are in one Redis stream, and the ID of an entry is the ID of the event. Each server
//! copies the end of the stream into memory, over one connection, and its clients read the copy. So
//! a thousand clients that reconnect cause no load on Redis, and a client may reconnect to any
//! server.
//!
//! While Redis is down, clients stay connected and read the copy. Publishing fails with 503, and
//! the server keeps trying to reconnect. Then it continues after the newest event that it has.

use std::{collections::VecDeque, fmt, time::Duration};

use redis::{
    AsyncCommands, AsyncConnectionConfig, Client, IntoConnectionInfo, ProtocolVersion, RedisError,
    RedisResult, Script,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig, MultiplexedConnection},
    streams::{StreamId, StreamRangeReply},
};
use sse_wire::{Encoder, Event, EventId, EventType, Frame, ReplayGap};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::feed::{Log, MAX_BYTES, MAX_EVENTS, Topic, Unavailable, numbered};

/// The keys in Redis. Text from users becomes a value, never a key.
const LOG: &str = "sse-wire-showcase:log";
const COUNTS: &str = "sse-wire-showcase:counts";

/// The topic of the first entry, which no client reads. With it, a log always has a newest event.
const START: &str = "start";

/// The topic that all clients read: Redis has lost events that a server has seen.
const LOST: &str = "lost";

/// The number of entries in one read.
const PAGE: usize = 100;

/// The time after which Redis answers a read even if there is nothing new.
const BLOCK: Duration = Duration::from_secs(1);

/// The time without an answer after which a connection counts as broken.
const SILENCE: Duration = Duration::from_secs(5);

/// The time that publishing an event may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The first and the longest delay between two attempts to connect.
const DELAYS: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

#[derive(Clone)]
pub struct Shared {
    copy: watch::Sender<Tail>,
    /// The number of times that the copy was brought up to date.
    rounds: watch::Sender<u64>,
    publisher: ConnectionManager,
    script: Script,
}

impl Shared {
    /// Copies the log, and follows it from then on. Fails if Redis cannot be reached.
    pub async fn connect(url: &str) -> RedisResult<Self> {
        let info = url.into_connection_info()?;
        // With this protocol version, the publisher notices a lost connection at once.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings))?;
        let mut reader = connect(&client).await?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(usize::MAX)
            .set_min_delay(DELAYS[0])
            .set_max_delay(DELAYS[1])
            .set_response_timeout(Some(PATIENCE));
        let shared = Self {
            copy: watch::Sender::new(Tail::after(Id::default())),
            rounds: watch::Sender::new(0),
            publisher: client.get_connection_manager_with_config(config).await?,
            script: Script::new(include_str!("publish.lua")),
        };
        shared.start_over(&mut reader).await?;
        tokio::spawn(shared.clone().read(client, reader));
        Ok(shared)
    }

    pub fn subscribe(&self) -> watch::Receiver<Tail> {
        self.copy.subscribe()
    }

    pub async fn publish(&self, topic: &Topic, event: Event<'_>) -> Result<String, Unavailable> {
        let event_type = event.event_field().unwrap_or_default();
        self.append_in_time([topic.as_str(), event_type, event.data()], false).await
    }

    pub async fn publish_numbered(
        &self,
        topic: &Topic,
        event_type: EventType<'_>,
        data: &str,
    ) -> Result<String, Unavailable> {
        self.append_in_time([topic.as_str(), event_type.as_str(), data], true).await
    }

    async fn append_in_time(
        &self,
        entry: [&str; 3],
        is_numbered: bool,
    ) -> Result<String, Unavailable> {
        let mut publisher = self.publisher.clone();
        match timeout(PATIENCE, self.append(&mut publisher, entry, is_numbered)).await {
            Ok(Ok(id)) => Ok(id),
            Ok(Err(error)) => {
                eprintln!("cannot publish: {error}");
                Err(Unavailable)
            }
            Err(_) => Err(Unavailable),
        }
    }

    /// Appends an entry: topic, event type and data. Returns its ID.
    async fn append(
        &self,
        connection: &mut impl ConnectionLike,
        entry: [&str; 3],
        is_numbered: bool,
    ) -> RedisResult<String> {
        // Used only if this event is the first one with a number.
        let run = format!("{:016x}", rand::random::<u64>());
        let mut script = self.script.key(LOG);
        script.key(COUNTS).arg(&entry).arg(u8::from(is_numbered)).arg(run);
        script.arg(MAX_EVENTS).arg(MAX_BYTES).invoke_async(connection).await
    }

    /// Waits until the copy has the event at this place, or it is certain that Redis does not have
    /// it.
    ///
    /// A client may come from a server that read the log faster.
    pub fn caught_up_to(self, cursor: &Cursor) -> impl Future<Output = ()> + Send + use<> {
        let at = cursor.at;
        // The next round may already be running, and may have missed the event. The round after it
        // cannot miss it.
        let round = *self.rounds.borrow() + 2;
        async move {
            let (mut copy, mut rounds) = (self.copy.subscribe(), self.rounds.subscribe());
            tokio::select! {
                _ = copy.wait_for(|copy| at.is_none_or(|at| at <= copy.newest())) => {}
                _ = rounds.wait_for(|&rounds| rounds >= round) => {}
            }
        }
    }

    /// Keeps the copy up to date for as long as the process runs.
    async fn read(self, client: Client, reader: MultiplexedConnection) {
        let mut connected = Ok(reader);
        let mut delay = DELAYS[0];
        loop {
            let error = match connected {
                Ok(mut reader) => {
                    let round = *self.rounds.borrow();
                    let error = self.follow(&mut reader).await;
                    if *self.rounds.borrow() > round {
                        delay = DELAYS[0];
                    }
                    error
                }
                Err(error) => error,
            };
            if delay == DELAYS[0] {
                eprintln!("cannot read the log, trying again: {error}");
            }
            // The delay is random, so that the servers do not all reconnect at once.
            sleep(delay.mul_f64(0.5 + 0.5 * rand::random::<f64>())).await;
            delay = (2 * delay).min(DELAYS[1]);
            connected = connect(&client).await;
        }
    }

    /// Keeps the copy up to date until the connection fails.
    async fn follow(&self, reader: &mut MultiplexedConnection) -> RedisError {
        loop {
            if let Err(error) = self.catch_up(reader).await {
                return error;
            }
            self.rounds.send_modify(|rounds| *rounds += 1);
            let newest = self.copy.borrow().newest();
            let mut wait = redis::cmd("XREAD");
            wait.arg("COUNT").arg(1).arg("BLOCK").arg(BLOCK.as_millis().to_string());
            wait.arg("STREAMS").arg(LOG).arg(newest.to_string());
            if let Err(error) = wait.query_async::<redis::Value>(reader).await {
                return error;
            }
        }
    }

    /// Appends all new entries to the copy.
    async fn catch_up(&self, reader: &mut MultiplexedConnection) -> RedisResult<()> {
        loop {
            let newest = self.copy.borrow().newest();
            // Reads from the newest entry in the copy. If Redis no longer has that one, entries
            // after it may be gone as well.
            let entries: StreamRangeReply =
                reader.xrange_count(LOG, newest.to_string(), "+", PAGE).await?;
            match entries.ids.split_first() {
                Some((first, new)) if Id::parse(&first.id) == Some(newest) => {
                    if !new.is_empty() {
                        self.copy.send_modify(|copy| new.iter().for_each(|entry| copy.push(entry)));
                    }
                    if entries.ids.len() < PAGE {
                        return Ok(());
                    }
                }
                _ => self.start_over(reader).await?,
            }
        }
    }

    /// Makes a new copy. Readers of the old one continue from their place in it, or get a `gap`
    /// event.
    async fn start_over(&self, reader: &mut MultiplexedConnection) -> RedisResult<()> {
        let mut entries: StreamRangeReply =
            reader.xrevrange_count(LOG, "+", "-", MAX_EVENTS).await?;
        if entries.ids.is_empty() {
            self.append(reader, [START, "", ""], false).await?;
            entries = reader.xrevrange_count(LOG, "+", "-", MAX_EVENTS).await?;
        }
        // Entries before the oldest one are unknown, so it is only a place to start from.
        let oldest = entries.ids.pop().and_then(|entry| Id::parse(&entry.id)).unwrap_or_default();
        let mut tail = Tail::after(oldest);
        entries.ids.iter().rev().for_each(|entry| tail.push(entry));
        let newest = self.copy.borrow().newest();
        if newest > oldest {
            // Redis has older events, but not this one. So it has lost the last ones, perhaps in a
            // crash. Every client must learn that, at every server, now or when it reconnects. If
            // this fails, the old copy stays in place, and the next attempt detects the loss again.
            self.append(reader, [LOST, "", ""], false).await?;
        }
        self.copy.send_replace(tail);
        Ok(())
    }
}

async fn connect(client: &Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(SILENCE));
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// The ID of an entry: the milliseconds of the Redis clock, and a number within that millisecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(u64, u64);

impl Id {
    /// Parses an ID in exactly the form that Redis writes. It may come from a client.
    fn parse(text: &str) -> Option<Self> {
        let (time, number) = text.split_once('-')?;
        let id = Self(time.parse().ok()?, number.parse().ok()?);
        (id.to_string() == text).then_some(id)
    }

    /// Calls `encode` with this ID as an event ID.
    fn with_event_id<T>(self, encode: impl FnOnce(EventId<'_>) -> T) -> T {
        encode(EventId::new(&self.to_string()).expect("digits and a hyphen are an ID"))
    }

    /// Returns a `gap` event, after which the client continues from this ID.
    fn gap(self, reason: &str) -> Frame {
        let gap = Event::new(reason).with_event_type(ReplayGap::EVENT_TYPE);
        self.with_event_id(|id| gap.with_id(id).into())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

/// A copy of the end of the log, with the same bounds.
pub struct Tail {
    /// The place before the oldest event.
    start: Id,
    entries: VecDeque<Entry>,
    /// The size of all entries together.
    bytes: usize,
}

struct Entry {
    id: Id,
    /// The event and its readers; `None` if a server of another version wrote an entry that this
    /// one cannot read.
    frame: Option<(Audience, Frame)>,
}

enum Audience {
    All,
    Of(Topic),
}

impl Entry {
    fn new(id: Id, entry: &StreamId) -> Self {
        Self { id, frame: Self::frame(id, entry) }
    }

    fn frame(id: Id, entry: &StreamId) -> Option<(Audience, Frame)> {
        let field = |name| entry.get::<String>(name);
        let topic = field("topic")?;
        if topic == START {
            return None;
        }
        if topic == LOST {
            let gap = id.gap("the log has lost events");
            return Some((Audience::All, gap));
        }
        let mut data = field("data")?;
        if let Some(number) = entry.get("number") {
            data = numbered(field("run")?, number, &data);
        }
        let event_type = field("type")?;
        let mut event = Event::new(&data);
        if !event_type.is_empty() {
            event = event.with_event_type(EventType::new(&event_type).ok()?);
        }
        let frame = id.with_event_id(|id| event.with_id(id).into());
        Some((Audience::Of(Topic::from_text(&topic)), frame))
    }

    fn size(&self) -> usize {
        let frame = self.frame.as_ref().map_or(0, |(_, frame)| frame.as_bytes().len());
        // The entry itself, the allocations it points to, and the topic.
        frame + 200
    }
}

impl Tail {
    fn after(start: Id) -> Self {
        Self { start, entries: VecDeque::new(), bytes: 0 }
    }

    fn newest(&self) -> Id {
        self.entries.back().map_or(self.start, |entry| entry.id)
    }

    fn push(&mut self, entry: &StreamId) {
        let Some(id) = Id::parse(&entry.id) else { return };
        let entry = Entry::new(id, entry);
        self.bytes += entry.size();
        self.entries.push_back(entry);
        while self.entries.len() > MAX_EVENTS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= oldest.size();
            self.start = oldest.id;
        }
    }

    /// Returns the entries after a place. If entries in between may be missing, returns an error:
    /// the place right before the next entry that is left.
    fn after_place(&self, at: Option<Id>) -> Result<impl Iterator<Item = &Entry>, Id> {
        let at = at.unwrap_or_default();
        let (next, is_known) = match self.entries.binary_search_by_key(&at, |entry| entry.id) {
            Ok(index) => (index + 1, true),
            Err(index) => (index, at == self.start),
        };
        match next.checked_sub(1) {
            _ if is_known => Ok(self.entries.range(next..)),
            Some(before) => Err(self.entries[before].id),
            None => Err(self.start),
        }
    }
}

/// The place of a reader.
pub struct Cursor {
    /// The last event that the reader has; `None` if its ID does not come from Redis.
    at: Option<Id>,
    /// Set for a new reader, which must learn its place first.
    is_new: bool,
}

impl Log for Tail {
    type Cursor = Cursor;

    fn attach(&self, last_id: &str) -> Cursor {
        let is_new = last_id.is_empty();
        let at = if is_new { Some(self.newest()) } else { Id::parse(last_id) };
        Cursor { at, is_new }
    }

    fn next_frame(
        &self,
        cursor: &mut Cursor,
        mut wants: impl FnMut(&Topic) -> bool,
    ) -> Option<Frame> {
        if std::mem::take(&mut cursor.is_new) {
            return Self::place_frame(cursor);
        }
        let unread = match self.after_place(cursor.at) {
            Ok(unread) => unread,
            Err(place) => {
                cursor.at = Some(place);
                return Some(place.gap("the log does not hold all events after the last event ID"));
            }
        };
        for entry in unread {
            cursor.at = Some(entry.id);
            let Some((audience, frame)) = &entry.frame else { continue };
            let is_wanted = match audience {
                Audience::All => true,
                Audience::Of(topic) => wants(topic),
            };
            if is_wanted {
                return Some(frame.clone());
            }
        }
        None
    }

    fn place_frame(cursor: &Cursor) -> Option<Frame> {
        cursor.at.map(|at| at.with_event_id(|id| Encoder::new().id(id).take()))
    }
}
