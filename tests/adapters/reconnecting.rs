//! Tests `Reconnecting`, with a clock that the test controls: hours pass in no time.

use std::{
    convert::Infallible,
    error::Error,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_core::FusedStream;
use futures_util::{Stream, StreamExt, future, stream};
use sse_wire::{
    Attempt, BodyKind, BoxReconnecting, ByteStreamExt, ConnectRequest, ConnectResponse,
    ConnectionEnd, DONE, DecodeErrorKind, Decoder, EventBuf, EventChunks, EventId, EventStreamExt,
    GaveUp, NoTimer, OnError, Reconnect, ReconnectError, ReconnectUpdate, Reconnecting,
    StreamError, Timer,
};

use crate::{
    polling::{Impatient, count_wakes, poll},
    world::{Chunks, Reply, Reset, S, Send, Step, Wait, World, status, stream_of},
};

type Events = Vec<Result<EventBuf, ReconnectError<&'static str>>>;

/// The data of all events, and the error at the end.
fn split(mut items: Events) -> (Vec<String>, ReconnectError<&'static str>) {
    let error = items.pop().expect("an item").expect_err("an error at the end");
    (items.into_iter().map(|item| item.expect("an event").data().to_owned()).collect(), error)
}

fn is_final(end: ConnectionEnd) -> ReconnectError<&'static str> {
    ReconnectError::GaveUp { reason: GaveUp::Final(end), error: None }
}

fn no_content() -> ConnectionEnd {
    ConnectionEnd::Status { code: 204, retry_after: None }
}

#[test]
fn events_go_on_where_they_were_cut() {
    let world = World::new([
        stream_of(&[Send("id: 1\ndata: a\n\nid: 2\nda"), Send("ta: half of b"), Reset]),
        stream_of(&[Send("id: 2\ndata: b\n\nid: 3\n\n"), Send("data: half of c\n")]),
        Reply::Refuse,
        stream_of(&[Send("\u{feff}data: c\n\nid\ndata: d\n\n")]),
        stream_of(&[Send("data: e\n\n"), Reset, Send("data: after the error\n\n")]),
    ]);
    let mut events = pin!(world.events(Reconnect::with_seed(1)));
    assert_eq!(world.ids(), [], "not polled yet");
    let (data, error) = split(world.collect(events.as_mut()));
    assert_eq!(data, ["a", "b", "c", "d", "e"]);
    assert_eq!(error, is_final(no_content()));
    let ids = [None, Some("1"), Some("3"), Some("3"), None, None];
    assert_eq!(world.ids(), ids.map(|id| id.map(str::to_owned)));
    assert_eq!(world.0.borrow().open, 1, "the last response");
    drop(events.as_mut().take_refused());
    assert_eq!(world.0.borrow().open, 0);

    assert!(events.is_terminated());
    for _ in 0..3 {
        assert_eq!(poll(events.as_mut()), Poll::Ready(None));
    }
    assert_eq!(world.ids().len(), 6, "nobody connects after the end");
}

#[test]
fn every_change_is_told() {
    let world = World::new([
        status(500, None),
        Reply::Refuse,
        status(429, Some("30")),
        stream_of(&[Send("id: 7\nretry: 2000\ndata: a\n\n"), Wait(6 * S), Reset]),
    ]);
    let mut updates = pin!(world.events(Reconnect::with_seed(1)).updates());
    let mut log = Vec::new();
    while let Some(update) = world.next(updates.as_mut()) {
        let now = world.now();
        log.push(match update {
            Ok(ReconnectUpdate::Connecting) => "connecting".to_owned(),
            Ok(ReconnectUpdate::Open) => "open".to_owned(),
            Ok(ReconnectUpdate::Event(event)) => event.data().to_owned(),
            Ok(ReconnectUpdate::Waiting { delay, end, error }) => {
                // Told before it is waited for.
                let open_for = if end == ConnectionEnd::Lost { 6 * S } else { Duration::ZERO };
                assert_eq!(world.0.borrow().connected.last().unwrap().0 + open_for, now);
                let range = match log.iter().filter(|text| *text == "connecting").count() {
                    1 => S..=2 * S,
                    2 => S..=4 * S,
                    3 => 30 * S..=120 * S,
                    // It was stable.
                    _ => 2 * S..=4 * S,
                };
                assert!(range.contains(&delay), "{delay:?}");
                format!("{end}, {error:?}")
            }
            Ok(update) => panic!("{update:?}"),
            Err(error) => format!("closed: {error}"),
        });
    }
    assert_eq!(
        log,
        [
            "connecting",
            "the server answered 500, None",
            "connecting",
            "the server did not answer, Some(Transport(\"refused\"))",
            "connecting",
            "the server answered 429, None",
            "connecting",
            "open",
            "a",
            "the connection was lost, Some(Transport(\"reset\"))",
            "connecting",
            "closed: the server asked not to reconnect",
        ]
    );
    let events = updates.get_ref();
    assert_eq!((events.last_event_id(), events.policy().failures()), ("7", 1));
    assert_eq!(events.decoder().reconnection_time(), Some(2 * S));
}

#[test]
fn what_is_no_event_stream_is_final() {
    let html = Reply::Answer {
        status: 200,
        content_type: Some("text/html"),
        retry_after: None,
        encoding: None,
        body: vec![Send("data: x\n\n")],
    };
    let json = "{\"error\":{\"message\":\"Rate limit reached\"}}";
    for (reply, end) in [
        (html, ConnectionEnd::ContentType(Some("text/html".to_owned()))),
        (status(404, None), ConnectionEnd::Status { code: 404, retry_after: None }),
        (stream_of(&[Send(json)]), ConnectionEnd::Body(BodyKind::Json)),
    ] {
        let world = World::new([reply.clone()]);
        let mut events = pin!(world.events(Reconnect::with_seed(1)));
        let (data, error) = split(world.collect(events.as_mut()));
        let ReconnectError::GaveUp { reason, error } = error else { panic!("{error:?}") };
        assert_eq!((data, reason), (vec![], GaveUp::Final(end.clone())));
        if matches!(end, ConnectionEnd::Body(_)) {
            let Some(StreamError::NotEventStream(body)) = error else { panic!("{error:?}") };
            assert_eq!((body.kind(), body.bytes()), (BodyKind::Json, json.as_bytes()));
            assert_eq!(events.decoder().first_bytes(), json.as_bytes());
        } else {
            assert_eq!(error, None);
        }

        let world = World::new([reply, stream_of(&[Send("data: a\n\n")])]);
        let policy = Reconnect::with_seed(1).with_retry_if(move |attempt| *attempt.end() == end);
        let (data, _) = split(world.collect(pin!(world.events(policy))));
        assert_eq!(data, ["a"], "another table");
    }
}

#[test]
fn a_remote_reconnection_time_of_any_length_is_bounded() {
    for retry in ["retry: 99999999999999\n\n", "retry: 99999999999999999999999\n\n"] {
        let world = World::new([stream_of(&[Send(retry), Send("data: a\n\n")])]);
        let (data, _) = split(world.collect(pin!(world.events(Reconnect::with_seed(1)))));
        assert_eq!(data, ["a"]);
        let day = 24 * 3600 * S;
        assert!((day..=day + day / 10).contains(&world.gaps()[0]), "{:?}", world.gaps());
    }
}

#[test]
fn a_stream_that_ends_at_once_is_asked_less_and_less_often() {
    for body in ["retry: 0\n\n", ": hello\n\n", ""] {
        let world = World::new(vec![stream_of(&[Send(body)]); 100_000]);
        let mut events = pin!(world.events(Reconnect::with_seed(1).with_max_retries(None)));
        let mut updates = 0;
        while world.now() < 3600 * S {
            // Without an event there is no item, so look at the updates.
            match poll(events.as_mut()) {
                Poll::Ready(item) => updates += u32::from(item.unwrap().is_ok()),
                Poll::Pending => {
                    let mut inner = world.0.borrow_mut();
                    let wake_at = inner.wake_at.take().expect("it waits for nothing");
                    inner.now = inner.now.max(wake_at);
                }
            }
        }
        let gaps = world.gaps();
        assert!(gaps.iter().all(|gap| *gap >= Duration::from_millis(500)), "{gaps:?}");
        assert!((30..120).contains(&gaps.len()), "{} connections in an hour", gaps.len());
        assert_eq!(updates, 0);
    }
}

#[test]
fn it_gives_up_in_time() {
    let world = World::new(vec![stream_of(&[Send(": hello\n\n")]); 100]);
    let (data, error) = split(world.collect(pin!(world.events(Reconnect::with_seed(1)))));
    let reason = GaveUp::TooManyAttempts { attempts: 11, last: ConnectionEnd::Ended };
    assert_eq!((data.len(), error), (0, ReconnectError::GaveUp { reason, error: None }));
    assert_eq!(world.ids().len(), 11);
    assert!(world.now() < 600 * S);

    let world = World::new(vec![Reply::Refuse; 100]);
    let policy = Reconnect::with_seed(1).with_max_retries(0);
    let (_, error) = split(world.collect(pin!(world.events(policy))));
    let reason = GaveUp::TooManyAttempts { attempts: 1, last: ConnectionEnd::NoResponse };
    let error_of = Some(StreamError::Transport("refused"));
    assert_eq!(error, ReconnectError::GaveUp { reason, error: error_of });
}

#[test]
fn a_stable_connection_is_no_failure() {
    for (life, is_stable) in [(4900, false), (5000, true), (60_000, true)] {
        let wait = Wait(Duration::from_millis(life));
        let world = World::new(vec![stream_of(&[wait, Reset]); 30]);
        let (_, error) = split(world.collect(pin!(world.events(Reconnect::with_seed(1)))));
        assert_eq!(error == is_final(no_content()), is_stable, "{life} ms");
        assert_eq!(world.ids().len(), if is_stable { 31 } else { 11 });
    }
    // A busy one is never polled while it is silent.
    let body: Vec<_> = (0..3).map(|_| Send(": x\n\n")).collect();
    let world = World::new([stream_of(&body)]);
    let mut updates = pin!(world.events(Reconnect::with_seed(1)).updates());
    for _ in 0..2 {
        assert!(world.next(updates.as_mut()).is_some());
    }
    world.0.borrow_mut().now += 5 * S;
    let update = world.next(updates.as_mut());
    assert!(matches!(update, Some(Ok(ReconnectUpdate::Waiting { .. }))), "{update:?}");
    assert_eq!(updates.get_ref().policy().failures(), 0);
}

#[test]
fn streams_that_are_polled_come_as_often_as_they_are_asked_to() {
    let world = World::new(vec![stream_of(&[Send("retry: 3000\ndata: a\n\n")]); 100]);
    let (data, _) = split(world.collect(pin!(world.events(Reconnect::with_seed(1)))));
    assert_eq!(data.len(), 100);
    let most = Duration::from_millis(3300);
    assert!(world.gaps().iter().all(|gap| (3 * S..=most).contains(gap)));
}

#[test]
fn blocks_that_are_refused() {
    let script = || {
        let body = [Send("data: a\n\ndata: too large a block\n\ndata: b\n\n")];
        World::new([stream_of(&body), stream_of(&[Send("data: c\n\n")])])
    };
    let small = || Decoder::builder().max_block_size(10);
    let too_large = |error: &StreamError<_>| matches!(error, StreamError::Decode(error) if error.limit() == Some(10));
    let kind = DecodeErrorKind::BlockTooLarge { limit: 10 };

    let world = script();
    let events = world.events(Reconnect::with_seed(1)).with_decoder(small().build());
    let (data, error) = split(world.collect(pin!(events)));
    assert_eq!(data, ["a"]);
    let ReconnectError::GaveUp { reason, error: Some(cause) } = error else { panic!("{error:?}") };
    assert_eq!(reason, GaveUp::Final(ConnectionEnd::Decode(kind)));
    assert!(too_large(&cause));

    // Another table.
    let world = script();
    let policy = Reconnect::with_seed(1).with_retry_if(|attempt| *attempt.end() != no_content());
    let events = world.events(policy).with_decoder(small().build());
    let (data, _) = split(world.collect(pin!(events)));
    assert_eq!(data, ["a", "c"]);

    // Another decoder.
    let world = script();
    let decoder = small().on_error(OnError::SkipBlock).build();
    let events = world.events(Reconnect::with_seed(1)).with_decoder(decoder);
    let items = world.collect(pin!(events));
    let data: Vec<_> = items.iter().flatten().map(EventBuf::data).collect();
    assert_eq!(data, ["a", "b", "c"]);
    let errors: Vec<_> = items.iter().filter_map(|item| item.as_ref().err()).collect();
    let [ReconnectError::Skipped(error), last] = errors[..] else { panic!("{errors:?}") };
    assert_eq!((error.kind(), last), (kind, &is_final(no_content())));
}

#[test]
fn a_start_with_a_last_event_id() {
    let world = World::new([stream_of(&[Send("data: a\n\n"), Wait(S), Reset])]);
    let decoder = Decoder::builder().last_event_id(EventId::from_static("41")).build();
    let mut events = pin!(world.events(Reconnect::with_seed(1)).with_decoder(decoder));
    assert_eq!(events.last_event_id(), "41");
    assert_eq!(world.next(events.as_mut()).unwrap().unwrap().last_event_id(), "41");
    assert_eq!(events.last_event_id(), "41", "while it is open");
    let _ = world.collect(events.as_mut());
    assert_eq!(world.ids(), vec![Some("41".to_owned()); 2]);
}

#[test]
fn dropped_early_it_drops_its_connection() {
    let world = World::new([stream_of(&[Send("data: a\n\n"), Wait(3600 * S)])]);
    {
        let mut events = pin!(world.events(Reconnect::with_seed(1)));
        assert!(world.next(events.as_mut()).unwrap().is_ok());
        assert!(poll(events.as_mut()).is_pending());
        assert_eq!(world.0.borrow().open, 1);
    }
    assert_eq!(world.0.borrow().open, 0);

    // While it connects, and never polled.
    let dropped = Rc::new(());
    let connect = |_: ConnectRequest| {
        let held = dropped.clone();
        async move {
            let response = future::pending::<Result<ConnectResponse<Chunks>, &str>>().await;
            drop(held);
            response
        }
    };
    {
        let mut events = pin!(Reconnecting::new(connect, Reconnect::with_seed(1), NoTimer));
        assert_eq!(Rc::strong_count(&dropped), 1);
        assert!(poll(events.as_mut()).is_pending());
        assert_eq!(Rc::strong_count(&dropped), 2);
    }
    assert_eq!(Rc::strong_count(&dropped), 1);
}

#[test]
fn one_poll_makes_one_attempt() {
    let mut attempts = 0;
    let connect = |_: ConnectRequest| {
        attempts += 1;
        future::ready(Err::<ConnectResponse<stream::Empty<Result<&[u8], ()>>>, _>(()))
    };
    let policy = Reconnect::with_seed(1).with_max_retries(None);
    {
        let mut events = pin!(Reconnecting::new(connect, policy, Impatient));
        for _ in 0..5 {
            let (polled, wakes) = count_wakes(|cx| events.as_mut().poll_next(cx));
            assert!(polled.is_pending() && wakes > 0, "it would hang");
        }
    }
    assert_eq!(attempts, 6);
}

#[test]
fn a_connection_that_panics_is_made_again() {
    let mut attempts = 0;
    let connect = |request: ConnectRequest| {
        attempts += 1;
        assert!(attempts != 2, "on purpose");
        let status = if attempts < 4 { 200 } else { 204 };
        let id = request.last_event_id().map(|id| id.as_str().to_owned());
        let chunk = format!("id: {attempts}\ndata: after {id:?}\n\n");
        let body = stream::iter([Ok::<_, &str>(chunk)]);
        future::ready(Ok(ConnectResponse::new(status, Some("text/event-stream"), body)))
    };
    let mut events = pin!(Reconnecting::new(connect, Reconnect::with_seed(1), Impatient));
    let (mut seen, mut panics) = (Vec::new(), 0);
    loop {
        match catch_unwind(AssertUnwindSafe(|| poll(events.as_mut()))) {
            Ok(Poll::Ready(Some(Ok(event)))) => seen.push(event.data().to_owned()),
            Ok(Poll::Ready(Some(Err(error)))) => assert_eq!(error, is_final(no_content())),
            Ok(Poll::Ready(None)) => break,
            Ok(Poll::Pending) => {}
            Err(_) => panics += 1,
        }
    }
    assert_eq!((seen.concat().as_str(), panics), (r#"after Noneafter Some("1")"#, 1));
}

/// Panics once when it is set, and elapses at once.
#[derive(Default)]
struct Faulty {
    resets: u32,
    panics_at: u32,
}

impl Timer for Faulty {
    fn reset(mut self: Pin<&mut Self>, _: Duration) {
        self.resets += 1;
        assert!(self.resets != self.panics_at, "on purpose");
    }

    fn since_reset(&self) -> Duration {
        Duration::ZERO
    }

    fn poll_elapsed(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// Nothing is asked for again after that, least of all without the last event ID.
#[test]
fn a_panic_of_the_timer_or_of_the_policy_ends_the_stream() {
    for panics_at in 1..=5 {
        let mut requests = Vec::new();
        let connect = |request: ConnectRequest| {
            requests.push(request.last_event_id().map(|id| id.as_str().to_owned()));
            let chunks = stream::iter([Ok::<_, &str>("id: 1\ndata: a\n\n")]);
            async { Ok::<_, &str>(ConnectResponse::new(200, Some("text/event-stream"), chunks)) }
        };
        let policy = Reconnect::new().with_retry_if(move |_| {
            assert!(panics_at != 5, "on purpose");
            true
        });
        let mut events =
            pin!(Reconnecting::new(connect, policy, Faulty { panics_at, ..Faulty::default() }));
        let (mut count, mut panics) = (0, 0);
        for _ in 0..20 {
            match catch_unwind(AssertUnwindSafe(|| poll(events.as_mut()))) {
                Ok(Poll::Ready(Some(event))) => count += usize::from(event.is_ok()),
                Ok(Poll::Ready(None)) => break,
                Ok(Poll::Pending) => {}
                Err(_) => panics += 1,
            }
        }
        assert_eq!(panics, 1);
        assert!(events.is_terminated());
        assert_eq!(events.last_event_id(), if count > 0 { "1" } else { "" });
        assert!(requests.iter().skip(1).all(|id| id.as_deref() == Some("1")), "{requests:?}");
    }
}

#[test]
fn errors_reach_the_first_cause() {
    type Chunks = stream::Empty<Result<&'static [u8], io::Error>>;
    let connect = |_: ConnectRequest| {
        let cause = io::Error::new(io::ErrorKind::TimedOut, "the name server is silent");
        future::ready(Err::<ConnectResponse<Chunks>, _>(io::Error::other(cause)))
    };
    let policy = Reconnect::with_seed(1).with_max_retries(0);
    let mut events = pin!(Reconnecting::new(connect, policy, NoTimer));
    let Poll::Ready(Some(Err(error))) = poll(events.as_mut()) else { panic!("an error") };
    assert_eq!(error.to_string(), "the server did not answer; gave up after 1 attempt");
    let error: Box<dyn Error> = error.into();
    let mut cause = &*error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    assert_eq!(cause.to_string(), "the name server is silent");
}

#[test]
fn headers_hold_nothing_that_http_does_not() {
    for (id, header) in [
        ("7", Some("7")),
        ("é/日本", Some("é/日本")),
        ("a\tb", Some("a\tb")),
        ("a\u{1}b", None),
        ("a\u{7f}", None),
        ("", None),
    ] {
        let mut headers = Vec::new();
        let connect = |request: ConnectRequest| {
            let ids = request.last_event_id().map(|id| id.as_str().to_owned());
            assert_eq!(ids.as_deref().unwrap_or_default(), id);
            headers =
                request.header_pairs().map(|(name, value)| (name, value.to_owned())).collect();
            future::ready(Err::<ConnectResponse<stream::Empty<Result<&[u8], ()>>>, _>(()))
        };
        {
            let decoder = Decoder::builder().last_event_id(EventId::new(id).unwrap()).build();
            let events = Reconnecting::new(connect, Reconnect::with_seed(1), NoTimer);
            assert!(poll(pin!(events.with_decoder(decoder))).is_pending());
        }
        let sent = headers.iter().find(|(name, _)| *name == "last-event-id");
        assert_eq!(sent.map(|(_, value)| value.as_str()), header);
        assert_eq!(headers[0], ("accept", "text/event-stream".to_owned()));
        for (_, value) in headers {
            assert!(http::HeaderValue::from_str(&value).is_ok(), "{value:?}");
        }
    }
}

#[test]
fn what_can_be_done_with_events_can_be_done_with_these() {
    let world =
        World::new([stream_of(&[Send("data: 1\n\nda")]), stream_of(&[Send("data: 2\n\n")])]);
    let events = pin!(world.events(Reconnect::with_seed(1)));
    let mut numbers = pin!(events.json::<u8>());
    assert_eq!(world.next(numbers.as_mut()).unwrap().unwrap(), 1);
    assert_eq!(world.next(numbers.as_mut()).unwrap().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_clock_of_tokio() {
    // One connection is open for six seconds, the next are refused.
    let mut connected = Vec::new();
    let connect = |_: ConnectRequest| {
        connected.push(tokio::time::Instant::now());
        let is_first = connected.len() == 1;
        async move {
            let chunks = stream::once(async {
                tokio::time::sleep(6 * S).await;
                Ok::<_, &str>("data: a\n\n")
            });
            if is_first {
                Ok(ConnectResponse::new(200, Some("text/event-stream"), chunks))
            } else {
                Err("refused")
            }
        }
    };
    let policy = Reconnect::with_seed(1).with_max_retries(3);
    let timer = sse_wire::TokioTimer::new();
    let items: Vec<_> = Reconnecting::new(connect, policy, timer).collect().await;
    assert_eq!(items.len(), 2);
    assert_eq!(connected.len(), 5, "the first did not count");
    let gap = connected[1] - connected[0];
    assert!((7 * S..8 * S + S / 10).contains(&gap), "{gap:?}");
}

/// Of MCP: a `POST` makes the call, and `GET`s bring what its stream did not.
#[test]
fn it_can_start_from_a_response() {
    let world = World::new([stream_of(&[Send("data: b\n\n")])]);
    let steps = vec![Send("id: 1\ndata: a\n\nid: 2\n\ndata: half")];
    let chunks = Chunks { world: world.clone(), steps: steps.into(), until: None };
    world.0.borrow_mut().open += 1;
    let response = ConnectResponse::new(200, Some("text/event-stream"), chunks);
    let events = world.events(Reconnect::with_seed(1)).with_response(response);
    let mut updates = pin!(events.updates());
    let mut seen = Vec::new();
    while let Some(Ok(update)) = world.next(updates.as_mut()) {
        seen.push(match update {
            ReconnectUpdate::Connecting => "connecting".to_owned(),
            ReconnectUpdate::Open => "open".to_owned(),
            ReconnectUpdate::Event(event) => event.data().to_owned(),
            ReconnectUpdate::Waiting { end, .. } => end.to_string(),
            _ => continue,
        });
    }
    let expected = [
        "open",
        "a",
        "the stream ended",
        "connecting",
        "open",
        "b",
        "the stream ended",
        "connecting",
    ];
    assert_eq!(seen, expected);
    assert_eq!(world.ids(), [Some("2".to_owned()), Some("2".to_owned())]);
}

#[test]
fn the_body_of_a_refused_response_can_be_read() {
    for code in [401, 400] {
        let world = World::new([status(code, None)]);
        let mut events = pin!(world.events(Reconnect::with_seed(1)));
        assert!(events.as_mut().take_refused().is_none());
        assert!(world.next(events.as_mut()).expect("the reason").is_err());
        let refused = events.as_mut().take_refused().expect("a response");
        assert_eq!((refused.status(), refused.headers()), (code, None));
        let chunks = world.collect(pin!(refused.into_chunks()));
        assert_eq!(chunks, [Ok(Bytes::from("data: x\n\n"))]);
        assert!(events.as_mut().take_refused().is_none(), "taken");
    }
    // Where no response came, there is none.
    let world = World::new([Reply::Refuse]);
    let mut events = pin!(world.events(Reconnect::with_seed(1).with_max_retries(0)));
    assert!(world.next(events.as_mut()).expect("the reason").is_err());
    assert!(events.as_mut().take_refused().is_none());
}

#[test]
fn the_updates_show_why_a_server_refused() {
    let world = World::new([status(401, None)]);
    let mut updates = pin!(world.events(Reconnect::with_seed(1)).updates());
    while world.next(updates.as_mut()).expect("the reason").is_ok() {}
    let refused = updates.as_mut().get_pin_mut().take_refused().expect("a response");
    assert_eq!(refused.status(), 401);
    assert_eq!(world.collect(pin!(refused.into_chunks())), [Ok(Bytes::from("data: x\n\n"))]);

    // The response claimed to be an event stream.
    let json = "{\"error\":{\"message\":\"Invalid API key.\"}}";
    let world = World::new([stream_of(&[Send(json)])]);
    let mut updates = pin!(world.events(Reconnect::with_seed(1)).updates());
    let Some(Err(error)) = world.collect(updates.as_mut()).pop() else { panic!("no error") };
    let text = "JSON came instead of an event stream: b\"{\\\"error\\\":";
    assert!(error.to_string().starts_with(text), "{error}");
    let ReconnectError::GaveUp { error: Some(StreamError::NotEventStream(body)), .. } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(body.json::<serde_json::Value>().unwrap()["error"]["message"], "Invalid API key.");
}

/// Returns the first thing that happens after a response with these headers.
fn answer(
    status: u16,
    headers: &[(&str, &str)],
) -> Result<ReconnectUpdate<Infallible>, ReconnectError<Infallible>> {
    let response = || {
        let head = http::Response::builder().status(status);
        let head = headers.iter().fold(head, |head, (name, value)| head.header(*name, *value));
        head.body(http_body_util::Full::new(bytes::Bytes::from("data: a\n\n"))).unwrap()
    };
    let connect = |_: ConnectRequest| {
        future::ready(Ok::<_, Infallible>(ConnectResponse::from_http(response())))
    };
    let policy = Reconnect::with_seed(1).with_max_delay(S);
    let mut updates = pin!(Reconnecting::new(connect, policy, NoTimer).updates());
    let Poll::Ready(Some(Ok(ReconnectUpdate::Connecting))) = poll(updates.as_mut()) else {
        panic!("it connects")
    };
    let Poll::Ready(Some(update)) = poll(updates.as_mut()) else { panic!("nothing happened") };
    update
}

#[test]
fn a_retry_after_may_be_a_date() {
    let now = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    for (headers, asked_for) in [
        (&[now, ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")][..], Some(30 * S)),
        // The two obsolete formats of HTTP dates.
        (&[now, ("retry-after", "Sunday, 06-Nov-94 08:50:07 GMT")], Some(30 * S)),
        (&[now, ("retry-after", "Sun Nov  6 08:50:07 1994")], Some(30 * S)),
        (&[now, ("retry-after", "30")], Some(30 * S)),
        (&[now, ("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT")], Some(Duration::ZERO)),
        (&[now, ("retry-after", "tomorrow")], None),
        (&[("date", "today"), ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")], None),
        // Without a date of the response there is nothing to compare it with.
        (&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")], None),
    ] {
        let Ok(ReconnectUpdate::Waiting { delay, end, .. }) = answer(429, headers) else {
            panic!("{headers:?}")
        };
        assert_eq!(end, ConnectionEnd::Status { code: 429, retry_after: asked_for }, "{headers:?}");
        assert!(delay >= asked_for.unwrap_or(S).max(S / 2), "{delay:?} for {headers:?}");
    }
}

#[test]
fn a_body_that_is_still_compressed_ends_the_attempt() {
    let stream = ("content-type", "text/event-stream");
    for encoding in ["gzip", "br", "GZIP", "deflate, gzip", "x"] {
        let Err(error) = answer(200, &[stream, ("content-encoding", encoding)]) else {
            panic!("{encoding} is open")
        };
        let text = format!("the body is still compressed with {encoding}");
        assert_eq!(error.to_string(), text);
    }
    for headers in
        [&[stream, ("content-encoding", "identity")][..], &[stream, ("content-encoding", "")]]
    {
        assert!(matches!(answer(200, headers), Ok(ReconnectUpdate::Open)), "{headers:?}");
    }
}

#[test]
fn a_silent_body_that_no_decoder_can_read_ends_the_attempt() {
    // No header tells that it is compressed.
    let gzip: Vec<u8> = [0x1f, 0x8b, 8].into_iter().chain((0..2000).map(|_| 0xA5)).collect();
    let body = [Step::Chunk(gzip.into()), Wait(3600 * S)];
    let world = World::new([stream_of(&body)]);
    let policy = Reconnect::with_seed(1).with_max_retries(0);
    let mut events = pin!(world.events(policy));
    let Some(Err(ReconnectError::GaveUp { reason, error })) = world.next(events.as_mut()) else {
        panic!("no error")
    };
    assert_eq!(reason.end(), &ConnectionEnd::Body(BodyKind::Other));
    let Some(StreamError::NotEventStream(body)) = error else { panic!("{error:?}") };
    assert!(body.bytes().starts_with(&[0x1f, 0x8b]));
    assert_eq!(world.now(), Duration::ZERO, "it did not wait for the end");

    // A JSON error is not cut off, however slowly it comes.
    let json = format!("{{\"error\":{{\"message\":\"{}\"}}}}", "no ".repeat(1000));
    let (start, end) = json.split_at(2000);
    let [start, end] = [start, end].map(|text| Step::Chunk(Bytes::from(text.to_owned())));
    let world = World::new([stream_of(&[start, Wait(S), end])]);
    let mut events = pin!(world.events(Reconnect::with_seed(1)));
    let Some(Err(ReconnectError::GaveUp { error, .. })) = world.next(events.as_mut()) else {
        panic!("no error")
    };
    let Some(StreamError::NotEventStream(body)) = error else { panic!("{error:?}") };
    assert_eq!((body.bytes(), body.is_truncated()), (json.as_bytes(), false));

    // An event stream may be silent as long as it likes.
    for start in ["", ":\n", "id: 1\n", "\n\n"] {
        let world = World::new([stream_of(&[Send(start), Wait(3600 * S), Send("data: a\n\n")])]);
        let mut events = pin!(world.events(Reconnect::with_seed(1)));
        assert!(world.next(events.as_mut()).unwrap().is_ok(), "{start:?}");
        assert_eq!(world.now(), 3600 * S);
    }
}

#[test]
fn items_without_data_can_be_asked_for() {
    let body = [Send("id: 1\n\n: ping\nretry: 3000\n\nid: 2\ndata: a\n\n")];
    let decoder = Decoder::builder().comments(true).updates(true).build();
    let world = World::new([stream_of(&body)]);
    let events = world.events(Reconnect::with_seed(1)).with_decoder(decoder.clone());
    let mut updates = pin!(events.updates());
    let items: Vec<_> = std::iter::from_fn(|| world.next(updates.as_mut()))
        .filter_map(|update| match update {
            Ok(ReconnectUpdate::Item(item)) => Some(format!("{item:?}")),
            Ok(ReconnectUpdate::Event(event)) => Some(event.data().to_owned()),
            _ => None,
        })
        .collect();
    let expected = [
        r#"Update { id: Some("1"), reconnection_time: None }"#,
        r#"Comment("ping")"#,
        "Update { id: None, reconnection_time: Some(3s) }",
        "a",
    ];
    assert_eq!(items, expected);

    // The stream of events has only those.
    let world = World::new([stream_of(&body)]);
    let events = world.events(Reconnect::with_seed(1)).with_decoder(decoder.clone());
    assert_eq!(split(world.collect(pin!(events))).0, ["a"]);
    assert_eq!(world.ids(), [None, Some("2".to_owned())]);

    // However many they are, other tasks have their turn.
    let pings = stream::repeat(Ok::<_, &str>(Bytes::from(": ping\n".repeat(100))));
    let connect = |_: ConnectRequest| {
        let response = ConnectResponse::new(200, Some("text/event-stream"), pings.clone());
        future::ready(Ok::<_, &str>(response))
    };
    let events = Reconnecting::new(connect, Reconnect::new(), NoTimer).with_decoder(decoder);
    let mut events = pin!(events);
    for _ in 0..3 {
        let (polled, wakes) = count_wakes(|cx| events.as_mut().poll_next(cx));
        assert!(polled.is_pending() && wakes > 0);
    }
}

#[test]
fn it_ends_with_the_last_event() {
    let done = "data: [DONE]\n\n";
    for (script, connections) in [
        (vec![stream_of(&[Send("data: a\n\ndata: [DONE]\n\ndata: b\n\n")])], 1),
        // Cut off between the events, and within the last one.
        (vec![stream_of(&[Send("data: a\n\n")]), stream_of(&[Send(done)])], 2),
        (vec![stream_of(&[Send("data: a\n\ndata: [DO"), Reset]), stream_of(&[Send(done)])], 2),
        // Some servers forget the blank line, and some even the end of the line.
        (vec![stream_of(&[Send("data: a\n\ndata: [DONE]\n")])], 1),
        (vec![stream_of(&[Send("data: a\n\ndata: [DONE]")])], 1),
        // But where the transport fails, that may be the start of another event.
        (vec![stream_of(&[Send("data: a\n\ndata: [DONE]"), Reset]), stream_of(&[Send(done)])], 2),
    ] {
        let world = World::new(script.clone());
        let mut events = pin!(world.events(Reconnect::with_seed(1)).must_end_with(DONE));
        let data: Vec<_> = world.collect(events.as_mut()).into_iter().map(Result::unwrap).collect();
        assert_eq!((data.len(), data[0].data()), (1, "a"), "{script:?}");
        assert!(events.is_done() && events.is_terminated());
        assert_eq!(world.ids().len(), connections, "{script:?}");
        assert_eq!(world.0.borrow().open, 0, "the connection is closed");
    }

    let body = [Send("id: 1\ndata: a\n\nid: 2\nevent: stop\ndata: b\n\nid: 3\ndata: c\n\n")];
    let world = World::new([stream_of(&body)]);
    let mut events = pin!(world.events(Reconnect::with_seed(1)).must_end_with_type("stop"));
    let data: Vec<_> = world.collect(events.as_mut()).into_iter().map(Result::unwrap).collect();
    assert_eq!(data.iter().map(EventBuf::data).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((events.is_done(), events.last_event_id()), (true, "2"));

    // The last event never comes.
    let world = World::new([stream_of(&[Send("data: a\n\n")])]);
    let mut events = pin!(world.events(Reconnect::with_seed(1)).must_end_with(DONE));
    assert_eq!(split(world.collect(events.as_mut())).1, is_final(no_content()));
    assert!(!events.is_done());
}

/// The errors of a client that has one for its requests and another one for its bodies.
#[test]
fn the_errors_of_requests_and_bodies_may_differ() {
    let mut attempts = 0;
    let connect = |_: ConnectRequest| {
        attempts += 1;
        let chunks = stream::iter([Ok("data: a\n\n"), Err(io::ErrorKind::TimedOut)]);
        future::ready(if attempts == 1 {
            Ok(ConnectResponse::new(200, Some("text/event-stream"), chunks))
        } else {
            Err(io::Error::other("the client is gone"))
        })
    };
    let mut seen = vec![];
    let policy = |attempt: &Attempt<'_, io::Error>| {
        seen.push(attempt.error().expect("an error").kind());
        if seen.len() == 2 { Err(attempt.give_up()) } else { Ok(Duration::ZERO) }
    };
    {
        let mut events = pin!(Reconnecting::new(connect, policy, Impatient));
        assert!(matches!(poll(events.as_mut()), Poll::Ready(Some(Ok(_)))));
        assert!(poll(events.as_mut()).is_pending());
        let Poll::Ready(Some(Err(error))) = poll(events.as_mut()) else { panic!("no error") };
        assert_eq!(error.to_string(), "the server did not answer");
    }
    assert_eq!(seen, [io::ErrorKind::TimedOut, io::ErrorKind::Other]);
}

/// Of a transport that decodes by itself: a trait that hands over events.
#[test]
fn a_connection_may_be_a_stream_of_events() {
    let world = World::new([
        stream_of(&[Send("id: 1\nretry: 3000\n\nid: 2\nevent: b\ndata: x\ndata: y\n\n"), Reset]),
        stream_of(&[Send("data: no ID of its own\n\nid: 3\n\n: ping\n"), Wait(S)]),
    ]);
    let connect = |request: ConnectRequest| {
        let response = world.connect(&request).expect("a response");
        let status = response.status();
        let chunks = EventChunks::new(response.into_chunks().items());
        let response = ConnectResponse::new(status, Some("text/event-stream"), chunks);
        future::ready(Ok::<_, StreamError<&str>>(response))
    };
    let policy = Reconnect::with_seed(1);
    let mut updates = pin!(Reconnecting::new(connect, policy, world.clock()).updates());
    let mut seen = Vec::new();
    while let Some(update) = world.next(updates.as_mut()) {
        seen.push(match update {
            Ok(ReconnectUpdate::Event(event)) => {
                format!("{}: {:?}, {}", event.event_type(), event.data(), event.last_event_id())
            }
            Ok(ReconnectUpdate::Waiting { end, error, .. }) => format!("{end}, {error:?}"),
            Err(error) => error.to_string(),
            Ok(_) => continue,
        });
    }
    assert_eq!(
        seen,
        [
            r#"b: "x\ny", 2"#,
            "the connection was lost, Some(Transport(Transport(\"reset\")))",
            r#"message: "no ID of its own", 2"#,
            "the stream ended, None",
            "the server asked not to reconnect",
        ]
    );
    assert_eq!(world.ids(), [None, Some("2".to_owned()), Some("3".to_owned())]);
    assert!(world.gaps()[0] >= 3 * S, "the reconnection time counts");
    assert_eq!(updates.get_ref().decoder().reconnection_time(), Some(3 * S));
}

#[test]
fn it_lives_in_a_struct() {
    struct Feed {
        events: BoxReconnecting<io::Error>,
    }

    fn is_send<T: core::marker::Send + Unpin + 'static>(_: &T) {}

    let connect = async |request: ConnectRequest| -> io::Result<_> {
        let status = if request.last_event_id().is_none() { 200 } else { 401 };
        let chunks = stream::iter([Ok("id: 7\ndata: a\n\n"), Err(io::ErrorKind::TimedOut)]);
        Ok(ConnectResponse::new(status, Some("text/event-stream"), chunks))
    };
    let events = Reconnecting::new(connect, Reconnect::with_seed(1), Impatient).boxed();
    let feed = Feed { events };
    let mut moved = Box::new(feed);
    is_send(&moved.events);
    let next = |events: &mut BoxReconnecting<io::Error>| loop {
        if let Poll::Ready(item) = poll(Pin::new(&mut *events)) {
            return item;
        }
    };
    assert_eq!(next(&mut moved.events).unwrap().unwrap().data(), "a");
    assert_eq!((moved.events.last_event_id(), moved.events.is_done()), ("7", false));
    assert!(format!("{:?}", moved.events).contains("Open"));
    assert!(next(&mut moved.events).unwrap().is_err());
    assert!(next(&mut moved.events).is_none() && moved.events.is_terminated());
    let refused = moved.events.take_refused().expect("the response");
    assert_eq!(refused.status(), 401);
    let mut chunks = refused.into_chunks();
    assert!(
        matches!(poll(chunks.as_mut()), Poll::Ready(Some(Ok(chunk))) if chunk == "id: 7\ndata: a\n\n")
    );
    let Poll::Ready(Some(Err(error))) = poll(chunks.as_mut()) else { panic!("no error") };
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(moved.events.take_refused().is_none(), "taken");
}

/// rmcp needs `WWW-Authenticate` of a 401.
#[test]
fn giving_up_keeps_the_whole_response() {
    let connect = |_: ConnectRequest| {
        let response = http::Response::builder()
            .status(401)
            .header("www-authenticate", "Bearer realm=\"mcp\"")
            .body(http_body_util::Full::new(Bytes::from("Who are you?")))
            .unwrap();
        future::ready(Ok::<_, Infallible>(response))
    };
    let mut updates = pin!(Reconnecting::new(connect, Reconnect::new(), NoTimer).updates());
    while let Poll::Ready(Some(Ok(_))) = poll(updates.as_mut()) {}
    let refused = updates.as_mut().get_pin_mut().take_refused().expect("the response");
    assert_eq!(refused.headers().unwrap()["www-authenticate"], "Bearer realm=\"mcp\"");
    assert_eq!(refused.end(), Some(&ConnectionEnd::Status { code: 401, retry_after: None }));
    let response: http::Response<_> = refused.into_http().expect("it came from one");
    assert_eq!(response.status(), 401);
    let mut body = sse_wire::BodyChunks::new(response.into_body());
    let Poll::Ready(Some(Ok(chunk))) = poll(Pin::new(&mut body)) else { panic!("no body") };
    assert_eq!(chunk, "Who are you?");
}

#[test]
fn timers_may_be_boxed_or_absent() {
    let world = World::new([Reply::Refuse]);
    let boxed: Pin<Box<dyn Timer>> = Box::pin(world.clock());
    let mut timer = Some(boxed);
    let mut timer = Pin::new(&mut timer);
    timer.as_mut().reset(3 * S);
    let polled = count_wakes(|cx| timer.as_mut().poll_elapsed(cx)).0;
    assert!(polled.is_pending());
    world.0.borrow_mut().now += 2 * S;
    assert_eq!(timer.since_reset(), 2 * S);
    world.0.borrow_mut().now += S;
    assert!(count_wakes(|cx| timer.as_mut().poll_elapsed(cx)).0.is_ready());

    let mut none = None::<Impatient>;
    let mut none = Pin::new(&mut none);
    none.as_mut().reset(Duration::ZERO);
    assert!(count_wakes(|cx| none.as_mut().poll_elapsed(cx)).0.is_pending());
    assert_eq!(none.since_reset(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_timer_of_tokio_measures_on_its_clock() {
    let mut timer = sse_wire::TokioTimer::new();
    assert_eq!(timer.since_reset(), Duration::ZERO);
    for _ in 0..2 {
        Pin::new(&mut timer).reset(S);
        tokio::time::sleep(3 * S).await;
        assert_eq!(timer.since_reset(), 3 * S);
        // It has elapsed, and goes on measuring.
        future::poll_fn(|cx| Pin::new(&mut timer).poll_elapsed(cx)).await;
        assert_eq!(timer.since_reset(), 3 * S);
    }
}
