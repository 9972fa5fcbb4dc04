//! The policy `Reconnect`: bounds, limits, and which attempts fail.

use std::time::Duration;

use proptest::prelude::*;
use sse_wire::{
    Attempt, BodyKind, ConnectionEnd, DecodeErrorKind, Decoder, EventId, GaveUp, Reconnect,
};

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);

/// Returns a decoder that has read a stream.
fn after(stream: &str) -> Decoder {
    let mut decoder = Decoder::new();
    let mut events = decoder.feed(stream.as_bytes());
    while events.next_event().expect("within the limit").is_some() {}
    drop(events);
    decoder
}

/// Tells a policy of an attempt whose request had no last event ID.
fn decide(
    policy: &mut Reconnect,
    end: &ConnectionEnd,
    open_for: Duration,
    decoder: &Decoder,
) -> Result<Duration, GaveUp> {
    policy.next_delay(&Attempt::new("", decoder, end, open_for))
}

fn status(code: u16) -> ConnectionEnd {
    ConnectionEnd::Status { code, retry_after: None }
}

fn ends() -> impl Strategy<Value = ConnectionEnd> {
    let retry_after = prop::option::of(durations());
    prop_oneof![
        Just(ConnectionEnd::NoResponse),
        Just(ConnectionEnd::Lost),
        Just(ConnectionEnd::Ended),
        Just(ConnectionEnd::Body(BodyKind::Other)),
        (any::<u16>(), retry_after)
            .prop_map(|(code, retry_after)| ConnectionEnd::Status { code, retry_after }),
    ]
}

fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::MAX),
        (0..100_000_u64).prop_map(Duration::from_millis),
        any::<u64>().prop_map(Duration::from_nanos),
        any::<u64>().prop_map(Duration::from_secs),
    ]
}

/// Returns the `retry` field of a server, or nothing.
fn retries() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        any::<u64>().prop_map(|time| format!("retry: {time}\n\n")),
        (0..100_000_u64).prop_map(|time| format!("retry: {time}\n\n")),
        Just("retry: 99999999999999999999999999\n\n".to_owned()),
    ]
}

proptest! {
    #[test]
    fn no_delay_is_outside_its_bounds(
        seed: u64,
        [min, max, base] in [durations(), durations(), durations()],
        connections in prop::collection::vec((ends(), durations(), retries(), any::<bool>()), 1..40),
    ) {
        let mut policy = Reconnect::with_seed(seed)
            .with_min_delay(min)
            .with_max_delay(max)
            .with_reconnection_time(base)
            .with_max_retries(None)
            .with_retry_if(|_| true);
        // 584 years count as forever.
        let ever = Duration::from_nanos(u64::MAX);
        let day = 24 * 3600 * S;
        for (end, open_for, mut stream, has_event) in connections {
            if has_event {
                stream += "data: a\n\n";
            }
            let decoder = after(&stream);
            let delay = decide(&mut policy, &end, open_for, &decoder).expect("for ever");
            let mut asked_for = decoder.reconnection_time().map_or(base, |time| time.min(day));
            if let ConnectionEnd::Status { retry_after: Some(time), .. } = end {
                asked_for = asked_for.max(time.min(day));
            }
            let low = asked_for.max(min).min(ever);
            prop_assert!(delay >= low, "early: {delay:?} for {low:?}");
            let most = max.max(low.saturating_add(low / 10)).min(ever);
            prop_assert!(delay <= most, "{delay:?}, at most {most:?}");
        }
    }

    #[test]
    fn the_upper_bound_doubles_with_each_failure_and_is_reached(seed: u64, failures in 1..20_u32) {
        let most = (S * 2_u32.pow(failures)).min(120 * S);
        let mut longest = Duration::ZERO;
        for seed in seed..seed.saturating_add(200) {
            let mut policy = Reconnect::with_seed(seed).with_max_retries(None);
            let mut next = || decide(&mut policy, &ConnectionEnd::Lost, S, &Decoder::new()).unwrap();
            let delay = (0..failures).map(|_| next()).last().unwrap();
            prop_assert!((S..=most).contains(&delay), "{delay:?}");
            longest = longest.max(delay);
        }
        // Of 200 uniform draws, one is in the last tenth, except once in a billion runs.
        if seed < u64::MAX - 200 {
            prop_assert!(longest > (most * 9 + S) / 10, "{longest:?} of {most:?}");
        }
    }

    #[test]
    fn a_seed_decides_all(seed: u64, connections in prop::collection::vec((ends(), durations()), 0..30)) {
        let run = |mut policy: Reconnect| -> Vec<_> {
            let next = |(end, open_for)| decide(&mut policy, end, open_for, &Decoder::new());
            connections.iter().map(|(end, open_for)| (end, *open_for)).map(next).collect()
        };
        let policy = Reconnect::with_seed(seed);
        prop_assert_eq!(run(policy.clone()), run(policy));
        prop_assert_eq!(run(Reconnect::with_seed(seed)), run(Reconnect::with_seed(seed)));
    }

    #[test]
    fn the_limit_of_retries_is_exact(limit in 0..50_u32, end in ends()) {
        let mut policy =
            Reconnect::with_seed(0).with_max_retries(limit).with_retry_if(|_| true);
        let mut fail = || decide(&mut policy, &end, Duration::ZERO, &Decoder::new());
        for _ in 0..limit {
            prop_assert!(fail().is_ok());
        }
        for attempts in [limit + 1, limit + 2] {
            prop_assert_eq!(fail(), Err(GaveUp::TooManyAttempts { attempts, last: end.clone() }));
        }
    }
}

/// Without `std` there is no source of randomness.
#[cfg(feature = "std")]
#[test]
fn random_seeds_differ() {
    let mut delays: Vec<_> = (0..8)
        .map(|_| decide(&mut Reconnect::new(), &ConnectionEnd::Lost, S, &Decoder::new()).unwrap())
        .collect();
    delays.sort_unstable();
    delays.dedup();
    assert!(delays.len() > 6, "{delays:?}");
}

#[test]
fn neighboring_seeds_wait_evenly() {
    // Users without randomness use counters as seeds.
    let mut tenths = [0; 10];
    for seed in 0..1000 {
        let mut policy = Reconnect::with_seed(seed);
        let delay = decide(&mut policy, &ConnectionEnd::Lost, S, &Decoder::new()).unwrap();
        tenths[usize::try_from(delay.saturating_sub(S).as_millis() / 100).unwrap().min(9)] += 1;
    }
    assert!(tenths.iter().all(|count| (70..130).contains(count)), "{tenths:?}");
}

#[test]
fn only_a_stable_connection_resets_the_delays() {
    let (silent, events) = (Decoder::new(), after("data: a\n\n"));
    let mut policy = Reconnect::with_seed(3).with_max_retries(None);
    let mut delays = |end: &ConnectionEnd, open_for, decoder| {
        let next = |_| decide(&mut policy, end, open_for, decoder).unwrap();
        (0..20).map(next).collect::<Vec<_>>()
    };
    let longest = |delays: &[Duration]| *delays.iter().max().unwrap();
    // Each connection ends soon, without news.
    assert!(longest(&delays(&ConnectionEnd::Ended, 4999 * MS, &silent)) > 60 * S);
    assert!(longest(&delays(&ConnectionEnd::Ended, 5 * S, &silent)) <= 2 * S);
    assert!(longest(&delays(&ConnectionEnd::Lost, 5 * S, &silent)) <= 2 * S);
    assert!(longest(&delays(&ConnectionEnd::Lost, Duration::ZERO, &events)) <= 2 * S);
    // It took long, but the stream never opened.
    assert!(longest(&delays(&ConnectionEnd::NoResponse, 60 * S, &silent)) > 60 * S);
    assert!(longest(&delays(&status(503), 60 * S, &silent)) > 60 * S);
}

#[test]
fn events_and_stable_connections_are_no_failures() {
    let events = after("data: a\n\n");
    let fail = (ConnectionEnd::NoResponse, Duration::ZERO);
    for (end, open_for, decoder, is_reset) in [
        (ConnectionEnd::Lost, S, &events, true),
        (ConnectionEnd::Lost, S, &Decoder::new(), false),
        (ConnectionEnd::Lost, 5 * S, &Decoder::new(), true),
        // The events of the previous connection, which are still in the decoder.
        (ConnectionEnd::NoResponse, S, &events, false),
        (status(500), 9 * S, &events, false),
    ] {
        let mut policy = Reconnect::with_seed(0).with_max_retries(2);
        for _ in 0..2 {
            assert!(decide(&mut policy, &fail.0, fail.1, &events).is_ok());
        }
        assert_eq!(policy.failures(), 2);
        let decision = decide(&mut policy, &end, open_for, decoder);
        assert_eq!(decision.is_ok(), is_reset, "{end:?} after {open_for:?}");
        assert_eq!(policy.failures(), if is_reset { 0 } else { 3 });
    }
}

/// The server is polled: each stream delivers the events so far, and ends.
#[test]
fn a_connection_is_stable_if_it_delivered_something() {
    let mut reconnect = Reconnect::with_seed(1).with_max_retries(3);
    let mut decoder = Decoder::new();
    let mut poll = |block: &str| {
        decoder.reset_for_reconnect();
        let sent_id = decoder.last_event_id().to_owned();
        drain(&mut decoder, block);
        let end = ConnectionEnd::Ended;
        let attempt = Attempt::new(&sent_id, &decoder, &end, Duration::ZERO);
        (reconnect.next_delay(&attempt), reconnect.failures())
    };
    for number in 0..50 {
        let block = if number % 2 == 0 { "data: a\n\n" } else { &format!("id: {number}\n\n") };
        let (delay, failures) = poll(block);
        assert!(delay.expect("stable") <= S + S / 10, "{block}");
        assert_eq!(failures, 0);
    }
    // Neither a repeated last event ID nor a comment is news.
    for attempt in 1..=3 {
        let (delay, failures) = poll(": ping\n\nid: 49\n\n");
        assert!(delay.is_ok());
        assert_eq!(failures, attempt);
    }
    assert!(poll(": ping\n\nid: 49\n\n").0.is_err());
}

fn drain(decoder: &mut Decoder, stream: &str) {
    let mut events = decoder.feed(stream.as_bytes());
    while events.next_event().expect("within the limit").is_some() {}
}

#[test]
fn no_client_comes_earlier_than_the_server_asks() {
    let wish = |stream: &str, retry_after| {
        let end = ConnectionEnd::Status { code: 429, retry_after };
        let next = |seed| {
            let mut policy = Reconnect::with_seed(seed);
            decide(&mut policy, &end, Duration::ZERO, &after(stream)).unwrap()
        };
        let delays: Vec<_> = (0..100).map(next).collect();
        (*delays.iter().min().unwrap(), *delays.iter().max().unwrap())
    };
    let day = 24 * 3600 * S;
    for ((shortest, longest), low, high) in [
        (wish("", None), S, 2 * S),
        (wish("retry: 0\n\n", None), 500 * MS, S),
        (wish("retry: 3000\n\n", None), 3 * S, 6 * S),
        (wish("retry: 3000\n\n", Some(S)), 3 * S, 6 * S),
        (wish("retry: 3000\n\n", Some(20 * S)), 20 * S, 40 * S),
        (wish("retry: 90000\n\n", None), 90 * S, 120 * S),
        // Above the maximum, the spread is a tenth.
        (wish("retry: 300000\n\n", None), 300 * S, 330 * S),
        (wish("", Some(3600 * S)), 3600 * S, 3960 * S),
        // A day is the most that a server gets.
        (wish("retry: 99999999999999\n\n", None), day, day + day / 10),
        (wish("", Some(Duration::MAX)), day, day + day / 10),
    ] {
        let tenth = high.saturating_sub(low) / 10;
        assert!((low..low + tenth).contains(&shortest), "{low:?}: {shortest:?}");
        assert!((high.saturating_sub(tenth)..=high).contains(&longest), "{high:?}: {longest:?}");
    }
}

#[test]
fn with_a_minimum_of_zero_the_delay_still_grows() {
    let decoder = after("retry: 0\n\n");
    let policy = Reconnect::with_seed(0).with_max_retries(None);
    let mut policy = policy.with_min_delay(Duration::ZERO);
    let total: Duration =
        (0..100).map(|_| decide(&mut policy, &ConnectionEnd::Ended, S, &decoder).unwrap()).sum();
    assert!(total > 600 * S, "{total:?}");
}

#[test]
fn is_temporary_follows_its_table() {
    let decide_on = |end: &ConnectionEnd| {
        decide(&mut Reconnect::with_seed(0), end, Duration::ZERO, &Decoder::new())
    };
    let decode = ConnectionEnd::Decode(DecodeErrorKind::BlockTooLarge { limit: 1 });
    for end in [
        ConnectionEnd::NoResponse,
        ConnectionEnd::Ended,
        ConnectionEnd::Lost,
        ConnectionEnd::Body(BodyKind::Other),
    ]
    .into_iter()
    .chain([408, 425, 429, 500, 501, 502, 503, 504, 529, 599].map(status))
    {
        assert!(decide_on(&end).is_ok(), "{end:?}");
    }
    for end in [
        decode.clone(),
        ConnectionEnd::ContentType(None),
        ConnectionEnd::ContentType(Some("text/html".to_owned())),
        ConnectionEnd::Body(BodyKind::Json),
        ConnectionEnd::Body(BodyKind::Markup),
    ]
    .into_iter()
    .chain([201, 202, 204, 206, 301, 304, 307, 400, 401, 403, 404, 410, 422, 600, 999].map(status))
    {
        assert_eq!(decide_on(&end), Err(GaveUp::Final(end)));
    }

    let mut browser = Reconnect::with_seed(0).like_event_source();
    for (end, is_final) in [
        (ConnectionEnd::NoResponse, false),
        (ConnectionEnd::Body(BodyKind::Json), false),
        (status(503), true),
        (status(204), true),
        (ConnectionEnd::ContentType(None), true),
    ] {
        let decision = decide(&mut browser, &end, Duration::ZERO, &Decoder::new());
        assert_eq!(decision.is_err(), is_final, "{end:?}");
        assert!(decision.unwrap_or(3 * S) >= 3 * S);
    }
}

#[test]
fn responses_are_classified_as_the_standard_says() {
    let open = |content_type| ConnectionEnd::of_response(200, Some(content_type), Some("5"));
    assert_eq!(open("text/event-stream"), None);
    assert_eq!(open("Text/Event-Stream ; charset=latin1"), None);
    let Some(ConnectionEnd::ContentType(Some(essence))) = open(&"x".repeat(9999)) else { panic!() };
    assert_eq!(essence.len(), 200, "a remote string");
    assert_eq!(ConnectionEnd::of_response(200, None, None), Some(ConnectionEnd::ContentType(None)));
    assert_eq!(ConnectionEnd::of_response(206, Some("text/event-stream"), None), Some(status(206)));

    assert_eq!(ConnectionEnd::of_stream(&after("")), ConnectionEnd::Ended);
    assert_eq!(ConnectionEnd::of_stream(&after(": only a comment")), ConnectionEnd::Ended);
    assert_eq!(ConnectionEnd::of_stream(&after("da")), ConnectionEnd::Body(BodyKind::Other));
    assert_eq!(ConnectionEnd::of_stream(&after("{\"a\":")), ConnectionEnd::Body(BodyKind::Json));
}

#[test]
fn error_texts_name_the_cause() {
    for (end, text) in [
        (status(503), "the server answered 503"),
        (status(204), "the server asked not to reconnect"),
        (ConnectionEnd::ContentType(None), "the response has no content type"),
        (ConnectionEnd::Body(BodyKind::Json), "JSON came instead of an event stream"),
        (
            ConnectionEnd::Decode(DecodeErrorKind::BlockTooLarge { limit: 7 }),
            "block larger than the limit of 7 bytes",
        ),
    ] {
        assert_eq!(end.to_string(), text);
        let gave_up = GaveUp::TooManyAttempts { attempts: 3, last: end.clone() };
        assert_eq!(gave_up.to_string(), format!("{text}; gave up after 3 attempts"));
        assert_eq!(gave_up.end(), &end);
    }
}

#[test]
fn it_can_be_shared_and_sent() {
    fn is_send_and_sync<T: Send + Sync + Clone + std::fmt::Debug + 'static>(_: &T) {}
    let policy = Reconnect::with_seed(0).with_retry_if(|_| false);
    is_send_and_sync(&policy);
    let error: Box<dyn std::error::Error + Send + Sync> = GaveUp::Final(status(404)).into();
    assert_eq!(error.to_string(), "the server answered 404");
}

/// Returns the shortest and the longest delay of many clients after the same connection.
fn spread(
    policy: impl Fn(u64) -> Reconnect,
    end: &ConnectionEnd,
    open_for: Duration,
    decoder: &Decoder,
) -> (Duration, Duration) {
    let next = |seed| decide(&mut policy(seed), end, open_for, decoder).unwrap();
    let delays: Vec<_> = (0..200).map(next).collect();
    (*delays.iter().min().unwrap(), *delays.iter().max().unwrap())
}

/// A server that only sends comments, and closes each connection after 30 seconds.
#[test]
fn a_healthy_quiet_connection_is_no_failure_in_any_setting() {
    let quiet = after(&": ping\n\n".repeat(3));
    for policy in [
        Reconnect::with_seed(1),
        Reconnect::with_seed(1).with_stable_after(Duration::ZERO),
        Reconnect::with_seed(1).with_stable_after(30 * S),
    ] {
        let mut policy = policy.with_max_retries(3);
        for _ in 0..50 {
            let delay =
                decide(&mut policy, &ConnectionEnd::Ended, 30 * S, &quiet).expect("healthy");
            assert!(delay <= 2 * S && policy.failures() == 0, "{delay:?}");
        }
    }
}

#[test]
fn news_make_a_connection_stable_in_every_setting() {
    for stable_after in [Duration::ZERO, 5 * S, 3600 * S] {
        for end in [ConnectionEnd::Ended, ConnectionEnd::Lost] {
            let mut policy = Reconnect::with_seed(1).with_stable_after(stable_after);
            let news = after("data: a\n\n");
            for _ in 0..50 {
                let delay = decide(&mut policy, &end, Duration::ZERO, &news).expect("stable");
                assert!(delay <= 2 * S, "{delay:?}");
            }
        }
    }
}

#[test]
fn after_a_clean_end_the_servers_time_is_kept_within_a_tenth() {
    for (retry, low) in [(500, 500 * MS), (3000, 3 * S), (90_000, 90 * S), (300_000, 300 * S)] {
        let decoder = after(&format!("retry: {retry}\ndata: a\n\n"));
        for max_delay in [S, 120 * S, 3600 * S] {
            let policy = |seed| Reconnect::with_seed(seed).with_max_delay(max_delay);
            let (shortest, longest) =
                spread(policy, &ConnectionEnd::Ended, Duration::ZERO, &decoder);
            assert!(shortest >= low, "early: {shortest:?} for {low:?}");
            assert!(longest <= low + low / 10, "{longest:?} for {low:?}");
            assert!(longest > low + low / 20, "not spread at all");
        }
    }
}

#[test]
fn zero_retries_are_none() {
    for (end, stream) in [(ConnectionEnd::Ended, "data: a\n\n"), (ConnectionEnd::Lost, "")] {
        let mut policy = Reconnect::with_seed(1).with_max_retries(0);
        let decision = decide(&mut policy, &end, 60 * S, &after(stream));
        assert_eq!(decision, Err(GaveUp::TooManyAttempts { attempts: 1, last: end }));
    }
}

#[test]
fn the_id_that_a_client_starts_with_is_no_news() {
    let mut decoder = Decoder::builder().last_event_id(EventId::from_static("41")).build();
    let mut policy = Reconnect::with_seed(1).with_max_retries(2);
    for (stream, failures) in [("", 1), ("id: 41\n\n", 2), ("id: 42\n\n", 0), ("", 1)] {
        decoder.reset_for_reconnect();
        let sent_id = decoder.last_event_id().to_owned();
        drain(&mut decoder, stream);
        let attempt = Attempt::new(&sent_id, &decoder, &ConnectionEnd::Lost, Duration::ZERO);
        policy.next_delay(&attempt).expect("not yet");
        assert_eq!(policy.failures(), failures, "{stream:?}");
    }
}

/// Clients that lose a healthy server together must not come back together.
#[test]
fn clients_that_lose_a_stable_connection_are_spread() {
    let news = after("retry: 1000\ndata: a\n\n");
    let (shortest, longest) = spread(Reconnect::with_seed, &ConnectionEnd::Lost, 3600 * S, &news);
    assert!((S..S + S / 10).contains(&shortest), "{shortest:?}");
    assert!((19 * S / 10..=2 * S).contains(&longest), "{longest:?}");
}
