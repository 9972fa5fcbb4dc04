//! The law *resume*: wherever a receiver is cut off, one that reconnects with its last event ID
//! loses nothing and gets nothing twice, or is told about the gap. Both sides are this crate's.

use proptest::{collection::vec, option, prelude::*};
use sse_wire::{Decoder, Event, EventType, Frame, GapReason, ReplayCursor, ReplayGap, ReplayLog};

use crate::streams::text;

const CLIENTS: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Publish {
        topic: u8,
        data: String,
    },
    /// The server takes this many frames from the log, and sends them.
    Send {
        client: usize,
        frames: usize,
    },
    /// The server sends the position, as a keep-alive.
    SendPlace {
        client: usize,
    },
    /// This many bytes arrive, in chunks of this size.
    Arrive {
        client: usize,
        bytes: usize,
        chunk: usize,
    },
    /// The connection is cut. Whatever has not arrived is lost.
    Cut {
        client: usize,
    },
    /// The server restarts with a new log, and all connections are cut.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = 0..CLIENTS;
    let step = prop_oneof![
        4 => (0_u8..3, text()).prop_map(|(topic, data)| Step::Publish { topic, data }),
        4 => (client.clone(), 0_usize..6).prop_map(|(client, frames)| Step::Send { client, frames }),
        1 => client.clone().prop_map(|client| Step::SendPlace { client }),
        4 => (client.clone(), 0_usize..150, 1_usize..60)
            .prop_map(|(client, bytes, chunk)| Step::Arrive { client, bytes, chunk }),
        2 => client.prop_map(|client| Step::Cut { client }),
        1 => Just(Step::Restart),
    ];
    vec(step, 0..80)
}

/// Returns the bounds of the log: often too tight, sometimes for a single event.
fn bounds() -> impl Strategy<Value = (usize, usize)> {
    (prop_oneof![0_usize..6, Just(1000)], prop_oneof![0_usize..1500, Just(1 << 20)])
}

/// Returns the topic that each client wants, or `None` for all.
fn topics() -> impl Strategy<Value = Vec<Option<u8>>> {
    vec(option::of(0_u8..3), CLIENTS)
}

/// An epoch and a sequence number.
type Place = (u64, u64);

fn place(id: &str) -> Place {
    let (epoch, sequence) = id.split_once('-').expect("an ID of a log");
    (epoch.parse().expect("a number"), sequence.parse().expect("a number"))
}

struct Server {
    bounds: (usize, usize),
    log: ReplayLog<u8>,
    /// Every published event by epoch: its topic and its data.
    lives: Vec<Vec<(u8, String)>>,
}

impl Server {
    fn start(&mut self) {
        self.log = ReplayLog::with_topics(self.lives.len() as u64)
            .with_max_events(self.bounds.0)
            .with_max_bytes(self.bounds.1);
        self.lives.push(Vec::new());
    }

    fn publish(&mut self, topic: u8, data: &str) {
        let event = Event::new(data).with_event_type(EventType::from_static("published"));
        self.log.push_on(topic, event);
        let data = data.replace("\r\n", "\n").replace('\r', "\n");
        self.lives.last_mut().expect("a life").push((topic, data));
    }

    fn published(&self, (epoch, sequence): Place) -> &(u8, String) {
        let index = usize::try_from(sequence - 1).expect("a sequence number");
        &self.lives[usize::try_from(epoch).expect("an epoch")][index]
    }

    /// Returns the events after `from` up to `to`, in one epoch.
    fn between(&self, from: Place, to: Place) -> impl Iterator<Item = &(u8, String)> {
        assert_eq!(from.0, to.0, "another life, and nobody was told");
        (from.1 + 1..=to.1).map(move |sequence| self.published((to.0, sequence)))
    }
}

struct Client {
    topic: Option<u8>,
    decoder: Decoder,
    connection: Option<Connection>,
    /// The last position that it knows.
    known: Option<Place>,
}

struct Connection {
    cursor: ReplayCursor,
    /// Bytes that were sent and have not arrived.
    sent: Vec<u8>,
}

impl Client {
    fn wants(&self, topic: u8) -> bool {
        self.topic.is_none_or(|wanted| wanted == topic)
    }

    fn cut(&mut self) {
        if self.connection.take().is_some() {
            self.decoder.reset_for_reconnect();
        }
    }

    fn connection(&mut self, server: &Server) -> &mut Connection {
        let decoder = &self.decoder;
        self.connection.get_or_insert_with(|| Connection {
            cursor: server.log.attach(decoder.last_event_id()),
            sent: Vec::new(),
        })
    }

    /// Sends the next frame. Returns `false` if there is none.
    fn send(&mut self, server: &Server) -> bool {
        let topic = self.topic;
        let known = self.known;
        let connection = self.connection(server);
        let wanted = |other: &u8| topic.is_none_or(|topic| topic == *other);
        let frame = match connection.cursor.next_frame_on(&server.log, wanted) {
            Ok(None) => return false,
            Ok(Some(frame)) => frame,
            Err(gap) => {
                // The gap is real.
                match gap.reason() {
                    GapReason::TooOld { missed } => {
                        let start = server.log.newest().sequence() - server.log.len() as u64;
                        assert_eq!(gap.id().sequence(), start);
                        assert!((1..=start).contains(&missed));
                    }
                    GapReason::OtherEpoch => {
                        assert!(known.is_some_and(|known| known.0 != server.log.newest().epoch()));
                    }
                    reason => panic!("{reason:?} for an ID that was given"),
                }
                gap.into()
            }
        };
        connection.sent.extend_from_slice(frame.as_bytes());
        true
    }

    fn arrive(&mut self, server: &Server, bytes: usize, chunk: usize) {
        let Some(connection) = &mut self.connection else { return };
        let bytes = bytes.min(connection.sent.len());
        let arrived: Vec<_> = connection.sent.drain(..bytes).collect();
        let mut rest = &arrived[..];
        while !rest.is_empty() {
            // The block with the first position is no event, so the client checks its last event ID
            // after every byte.
            let len = if self.known.is_some() { chunk.min(rest.len()) } else { 1 };
            let (chunk, tail) = rest.split_at(len);
            self.read(server, chunk);
            rest = tail;
        }
    }

    fn read(&mut self, server: &Server, chunk: &[u8]) {
        let mut decoder = std::mem::take(&mut self.decoder);
        let mut events = decoder.feed(chunk);
        while let Some(event) = events.next_event().expect("nothing is refused") {
            let at = place(event.id().expect("each event has an ID"));
            let known = self.known.expect("an event before the first place");
            if event.event_type() == ReplayGap::EVENT_TYPE.as_str() {
                assert!(at.0 > known.0 || at.1 > known.1, "a gap without anything in it");
            } else {
                assert!(at > known, "twice: {at:?} after {known:?}");
                let (topic, data) = server.published(at);
                assert_eq!(event.data(), data);
                assert!(self.wants(*topic), "not wanted: {at:?}");
                let wanted = server.between(known, at).filter(|(topic, _)| self.wants(*topic));
                assert_eq!(wanted.count(), 1, "lost: between {known:?} and {at:?}");
            }
            self.known = Some(at);
        }
        drop(events);
        let last_event_id = decoder.last_event_id();
        if !last_event_id.is_empty() {
            let at = place(last_event_id);
            let known = *self.known.get_or_insert(at);
            let lost = server.between(known, at).any(|(topic, _)| self.wants(*topic));
            assert!(!lost, "lost: between {known:?} and {at:?}");
            self.known = Some(at);
        }
        self.decoder = decoder;
    }

    /// Lets everything arrive.
    fn catch_up(&mut self, server: &Server) {
        while self.send(server) {}
        self.arrive(server, usize::MAX, 50);
        let known = self.known.expect("a place");
        let newest = server.log.newest();
        let newest = (newest.epoch(), newest.sequence());
        let lost = server.between(known, newest).any(|(topic, _)| self.wants(*topic));
        assert!(!lost, "lost: between {known:?} and {newest:?}");
    }
}

fn resumes(bounds: (usize, usize), topics: &[Option<u8>], steps: &[Step]) {
    let mut server = Server { bounds, log: ReplayLog::with_topics(0), lives: Vec::new() };
    server.start();
    let new = |&topic: &Option<u8>| Client {
        topic,
        decoder: Decoder::new(),
        connection: None,
        known: None,
    };
    let mut clients: Vec<_> = topics.iter().map(new).collect();
    for step in steps {
        match step {
            Step::Publish { topic, data } => server.publish(*topic, data),
            Step::Send { client, frames } => {
                for _ in 0..*frames {
                    clients[*client].send(&server);
                }
            }
            Step::SendPlace { client } => {
                let Connection { cursor, sent } = clients[*client].connection(&server);
                sent.extend(cursor.place_frame().iter().flat_map(Frame::as_bytes));
            }
            Step::Arrive { client, bytes, chunk } => {
                clients[*client].arrive(&server, *bytes, *chunk);
            }
            Step::Cut { client } => clients[*client].cut(),
            Step::Restart => {
                clients.iter_mut().for_each(Client::cut);
                server.start();
            }
        }
    }
    for client in &mut clients {
        client.catch_up(&server);
        client.cut();
        client.catch_up(&server);
    }
}

proptest! {
    #[test]
    fn events_come_once_or_a_gap_is_reported(
        bounds in bounds(),
        topics in topics(),
        steps in steps(),
    ) {
        resumes(bounds, &topics, &steps);
    }
}
