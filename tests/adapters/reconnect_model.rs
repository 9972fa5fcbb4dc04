//! Compares `Reconnecting` with a plain model, for servers that do anything in any order.

use std::{ops::RangeInclusive, pin::pin, time::Duration};

use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*, sample::select};
use sse_wire::{BodyKind, ConnectionEnd, GaveUp, Reconnect, ReconnectError, ReconnectUpdate};

use crate::world::{Reply, Reset, S, Step, Wait, World};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What a test sees of a stream.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    /// With this last event ID.
    Connecting(String),
    Open,
    /// Its data, and the last event ID after it.
    Event(String, String),
    Waiting(ConnectionEnd),
    GaveUp(GaveUp),
}

/// The rules that `Reconnecting` follows, as a list.
struct Model {
    max_retries: Option<u32>,
    last_event_id: String,
    retry: Option<Duration>,
    failures: u32,
    seen: Vec<Seen>,
    /// The bounds of each delay.
    delays: Vec<RangeInclusive<Duration>>,
}

impl Model {
    /// Returns `false` once the policy gives up.
    fn connect(&mut self, reply: &Reply) -> bool {
        self.seen.push(Seen::Connecting(self.last_event_id.clone()));
        let (status, content_type, retry_after, encoding, body) = match reply {
            Reply::Refuse => return self.end(ConnectionEnd::NoResponse, false, None),
            Reply::Answer { status, content_type, retry_after, encoding, body } => {
                (*status, *content_type, *retry_after, *encoding, body)
            }
        };
        if status != 200 {
            let retry_after =
                retry_after.map(|seconds| Duration::from_secs(seconds.parse().unwrap()));
            let end = ConnectionEnd::Status { code: status, retry_after };
            return self.end(end, false, retry_after);
        }
        if content_type != Some("text/event-stream") {
            let end = ConnectionEnd::ContentType(content_type.map(str::to_owned));
            return self.end(end, false, None);
        }
        if let Some(encoding) = encoding {
            return self.end(ConnectionEnd::Compressed(encoding.to_owned()), false, None);
        }
        self.seen.push(Seen::Open);
        let sent_id = self.last_event_id.clone();
        let (mut bytes, mut open_for, mut is_reset) = (Vec::new(), Duration::ZERO, false);
        for step in body {
            match step {
                Step::Chunk(chunk) => bytes.extend_from_slice(chunk),
                Step::Send(_) => unreachable!("not in these bodies"),
                Wait(time) => open_for += *time,
                Reset => {
                    is_reset = true;
                    break;
                }
            }
        }
        let text = String::from_utf8(bytes).unwrap();
        let has_event = self.read(&text);
        // Blank lines tell nothing.
        let text = text.trim_start_matches('\n');
        let end = match text.bytes().next() {
            _ if is_reset => ConnectionEnd::Lost,
            Some(b'{') => ConnectionEnd::Body(BodyKind::Json),
            Some(b'<') => ConnectionEnd::Body(BodyKind::Markup),
            // Cut off in the name of the first field.
            Some(_) if !text.contains([':', '\n']) => ConnectionEnd::Body(BodyKind::Other),
            _ => ConnectionEnd::Ended,
        };
        let has_news = has_event || self.last_event_id != sent_id;
        self.end(end, has_news || open_for >= 5 * S, None)
    }

    /// Reads the lines of a body. Returns `true` if there was an event.
    fn read(&mut self, text: &str) -> bool {
        let (mut data, mut id, mut has_event) = (None, None, false);
        for line in text.split_inclusive('\n') {
            // A line that was cut off counts for nothing.
            let Some(line) = line.strip_suffix('\n') else { break };
            match line.split_once(": ") {
                Some(("data", value)) => data = Some(value.to_owned()),
                Some(("id", value)) => id = Some(value.to_owned()),
                Some(("retry", value)) => {
                    self.retry = Some(Duration::from_millis(value.parse().unwrap()));
                }
                _ if line.is_empty() => {
                    self.last_event_id = id.take().unwrap_or(self.last_event_id.clone());
                    if let Some(data) = data.take() {
                        self.seen.push(Seen::Event(data, self.last_event_id.clone()));
                        has_event = true;
                    }
                }
                _ => {}
            }
        }
        has_event
    }

    /// Waits, or gives up and returns `false`.
    fn end(&mut self, end: ConnectionEnd, is_stable: bool, retry_after: Option<Duration>) -> bool {
        self.failures = if is_stable { 0 } else { self.failures + 1 };
        let is_temporary = match end {
            ConnectionEnd::Status { code, .. } => {
                [408, 425, 429].contains(&code) || (500..600).contains(&code)
            }
            ConnectionEnd::Body(kind) => kind == BodyKind::Other,
            ConnectionEnd::NoResponse | ConnectionEnd::Ended | ConnectionEnd::Lost => true,
            _ => false,
        };
        if !is_temporary {
            self.seen.push(Seen::GaveUp(GaveUp::Final(end)));
            return false;
        }
        if self.max_retries.is_some_and(|most| most == 0 || self.failures > most) {
            let (attempts, last) = (self.failures.max(1), end);
            self.seen.push(Seen::GaveUp(GaveUp::TooManyAttempts { attempts, last }));
            return false;
        }
        let asked_for = self.retry.map_or(S, |retry| retry.min(DAY));
        let asked_for = asked_for.max(retry_after.unwrap_or_default().min(DAY));
        let low = asked_for.max(S / 2);
        let high = if end == ConnectionEnd::Ended && self.failures < 2 {
            low + low / 10
        } else {
            let doubled = low.saturating_mul(1 << self.failures.clamp(1, 20));
            doubled.min((120 * S).max(low + low / 10))
        };
        self.delays.push(low..=high);
        self.seen.push(Seen::Waiting(end));
        true
    }
}

/// Returns the blocks of a body, with IDs that may repeat.
fn block() -> impl Strategy<Value = String> {
    let id = option::of(prop_oneof![(0..4_u8).prop_map(|id| id.to_string()), Just(String::new())]);
    let retry = option::weighted(
        0.2,
        prop_oneof![0..4000_u64, Just(300_000), Just(u64::MAX), Just(90_000)],
    );
    (id, retry, option::of(0..100_u8), any::<bool>()).prop_map(|(id, retry, data, has_comment)| {
        let line = |name, value: Option<String>| {
            value.map_or(String::new(), |value| format!("{name}: {value}\n"))
        };
        let mut block = if has_comment { ": ping\n".to_owned() } else { String::new() };
        block += &line("id", id);
        block += &line("retry", retry.map(|time| time.to_string()));
        block += &line("data", data.map(|data| data.to_string()));
        block + "\n"
    })
}

fn body() -> impl Strategy<Value = Vec<Step>> {
    let text = prop_oneof![
        8 => vec(block(), 0..5).prop_map(|blocks| blocks.concat()),
        1 => Just("{\"error\":{\"message\":\"busy\"}}".to_owned()),
        1 => Just("<html>busy</html>".to_owned()),
    ];
    let waits = prop_oneof![
        3 => Just(Duration::ZERO),
        1 => (0..7000_u64).prop_map(Duration::from_millis),
        1 => select(vec![4999, 5000]).prop_map(Duration::from_millis),
    ];
    let cut = option::of(any::<prop::sample::Index>());
    (text, cut, vec(1..20_usize, 1..4), waits, any::<bool>()).prop_map(
        |(text, cut, sizes, wait, is_reset)| {
            let mut bytes = Bytes::from(text);
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len() + 1));
            }
            let mut steps = Vec::new();
            let mut sizes = sizes.into_iter().cycle();
            while !bytes.is_empty() {
                let size = sizes.next().unwrap().min(bytes.len());
                steps.push(Step::Chunk(bytes.split_to(size)));
            }
            steps.insert(steps.len() / 2, Wait(wait));
            steps.extend(is_reset.then_some(Reset));
            steps
        },
    )
}

fn reply() -> impl Strategy<Value = Reply> {
    let status = select(vec![
        100, 201, 202, 204, 206, 301, 302, 304, 307, 308, 400, 401, 403, 404, 408, 410, 418, 425,
        429, 500, 502, 503, 504, 599, 600,
    ]);
    let stream = Some("text/event-stream");
    let answer = move |status, content_type, retry_after, encoding, body| Reply::Answer {
        status,
        content_type,
        retry_after,
        encoding,
        body,
    };
    // Mostly such that it goes on.
    prop_oneof![
        12 => body().prop_map(move |body| answer(200, stream, None, None, body)),
        3 => Just(Reply::Refuse),
        3 => (select(vec![408, 429, 500, 503]), option::of(select(vec!["0", "7", "200", "9999999"])))
            .prop_map(move |(status, after)| answer(status, stream, after, None, vec![])),
        1 => (status, body())
            .prop_map(move |(status, body)| answer(status, stream, None, None, body)),
        1 => (select(vec![None, Some("text/html"), Some("application/json")]), body())
            .prop_map(move |(content_type, body)| answer(200, content_type, None, None, body)),
        1 => body().prop_map(move |body| answer(200, stream, None, Some("gzip"), body)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn it_does_what_the_model_does(
        seed: u64,
        max_retries in option::of(0..6_u32),
        script in vec(reply(), 0..12),
    ) {
        let mut model = Model {
            max_retries,
            last_event_id: String::new(),
            retry: None,
            failures: 0,
            seen: vec![],
            delays: vec![],
        };
        // When the script is over, the server answers 204.
        let end = crate::world::status(204, None);
        let last = script.iter().chain([&end]).position(|reply| !model.connect(reply));
        let connections = last.expect("it gives up") + 1;

        let world = World::new(script);
        let policy = Reconnect::with_seed(seed).with_max_retries(max_retries);
        let mut updates = pin!(world.events(policy).updates());
        let (mut seen, mut delays) = (vec![], vec![]);
        let mut next_at = None;
        while let Some(update) = world.next(updates.as_mut()) {
            seen.push(match update {
                Ok(ReconnectUpdate::Connecting) => {
                    let (now, id) = world.0.borrow().connected.last().unwrap().clone();
                    prop_assert_eq!(now, next_at.unwrap_or(now), "neither earlier nor later");
                    Seen::Connecting(id.unwrap_or_default())
                }
                Ok(ReconnectUpdate::Open) => Seen::Open,
                Ok(ReconnectUpdate::Event(event)) => {
                    Seen::Event(event.data().to_owned(), event.last_event_id().to_owned())
                }
                Ok(ReconnectUpdate::Waiting { delay, end, .. }) => {
                    next_at = Some(world.now() + delay);
                    delays.push(delay);
                    Seen::Waiting(end)
                }
                Err(ReconnectError::GaveUp { reason, .. }) => Seen::GaveUp(reason),
                other => panic!("{other:?}"),
            });
        }
        prop_assert_eq!(seen, model.seen);
        prop_assert_eq!(delays.len(), model.delays.len());
        for (delay, bounds) in delays.iter().zip(&model.delays) {
            prop_assert!(bounds.contains(delay), "{:?} is not within {:?}", delay, bounds);
        }
        prop_assert_eq!(world.ids().len(), connections);
        prop_assert_eq!(updates.get_ref().last_event_id(), model.last_event_id);
        prop_assert_eq!(updates.get_ref().policy().failures(), model.failures);
    }
}
