//! A table of policies: what happened, and how long the client waited on tokio's clock.

use std::{pin::pin, time::Duration};

use futures_util::{Stream, StreamExt, stream};
use sse_wire::{
    Attempt, ConnectRequest, ConnectResponse, ConnectionEnd, GaveUp, Reconnect, ReconnectError,
    ReconnectPolicy, Reconnecting, TokioTimer,
};
use tokio::time::{Instant, sleep};

/// What a server does with a connection.
#[derive(Clone, Copy)]
enum Happens {
    /// It does not answer.
    Refused,
    /// It answers with a status, and with `Retry-After`.
    Status(u16, &'static str),
    /// It sends this, and ends the stream after some milliseconds.
    Ended(&'static str, u64),
    /// It sends this, and the connection is lost after some milliseconds.
    Lost(&'static str, u64),
}
use Happens::{Ended, Lost, Refused, Status};

/// Returns the delays between the connections, in milliseconds, and why there were no more.
async fn follow(
    policy: impl ReconnectPolicy<&'static str>,
    script: &[Happens],
) -> (Vec<u128>, GaveUp) {
    let mut script = script.iter().copied();
    let (mut closed, mut delays) = (None::<Instant>, vec![]);
    let connect = |_: ConnectRequest| {
        let now = Instant::now();
        delays.extend(closed.map(|closed| (now - closed).as_millis()));
        let happens = script.next().unwrap_or(Status(204, ""));
        let (text, time, is_lost) = match happens {
            Ended(text, time) => (text, time, false),
            Lost(text, time) => (text, time, true),
            Refused | Status(..) => ("", 0, false),
        };
        closed = Some(now + Duration::from_millis(time));
        let body = body(text, time, is_lost);
        std::future::ready(match happens {
            Refused => Err("refused"),
            Status(code, retry_after) => {
                Ok(ConnectResponse::new(code, None, body).with_retry_after(Some(retry_after)))
            }
            Ended(..) | Lost(..) => Ok(ConnectResponse::new(200, Some("text/event-stream"), body)),
        })
    };
    let reason = {
        let mut events = pin!(Reconnecting::new(connect, policy, TokioTimer::new()));
        loop {
            if let Some(Err(ReconnectError::GaveUp { reason, .. })) = events.next().await {
                break reason;
            }
        }
    };
    (delays, reason)
}

fn body(
    text: &'static str,
    time: u64,
    is_lost: bool,
) -> impl Stream<Item = Result<&'static str, &'static str>> {
    let end = stream::once(async move {
        sleep(Duration::from_millis(time)).await;
        if is_lost { Err("reset") } else { Ok("") }
    });
    stream::iter([Ok(text)]).chain(end)
}

#[tokio::test(start_paused = true)]
async fn policies_wait_as_their_table_says() {
    const NEWS: &str = "retry: 3000\ndata: a\n\n";

    let policy = || Reconnect::with_seed(7);
    let exact = || policy().with_jitter(0.0);
    let browser = || policy().like_event_source().with_jitter(0.0);
    let rows: &[(&str, Reconnect, &[Happens], &[u128])] = &[
        (
            "each failure doubles the longest delay",
            policy(),
            &[Refused; 6],
            &[1390, 1051, 7306, 9744, 15026, 16715],
        ),
        (
            "exactly",
            exact(),
            &[Refused; 9],
            &[1000, 2000, 4000, 8000, 16000, 32000, 64000, 120_000, 120_000],
        ),
        (
            "half of it is random",
            policy().with_jitter(0.5),
            &[Refused; 6],
            &[1195, 1526, 5653, 8872, 15513, 24358],
        ),
        (
            "a server that is polled",
            policy(),
            &[Ended(NEWS, 0); 5],
            &[3117, 3006, 3271, 3175, 3136],
        ),
        (
            "the same, spread",
            policy().with_jitter(1.0),
            &[Ended(NEWS, 0); 5],
            &[4170, 3051, 5703, 4749, 4358],
        ),
        (
            "streams without news that end at once",
            policy(),
            &[Ended("", 0); 5],
            &[1039, 1051, 7306, 9744, 15026],
        ),
        (
            "quiet streams that end after 30 seconds",
            policy(),
            &[Ended(":\n\n", 30_000); 5],
            &[1039, 1002, 1091, 1059, 1046],
        ),
        (
            "connections that are lost after an hour",
            policy(),
            &[Lost(":\n\n", 3_600_000); 5],
            &[1390, 1017, 1901, 1583, 1453],
        ),
        (
            "the same, at once",
            policy().with_immediate_retry(true),
            &[Lost(":\n\n", 3_600_000), Refused, Refused, Lost(NEWS, 0)],
            &[0, 1390, 1051, 5703],
        ),
        (
            "a busy server",
            exact(),
            &[Status(429, "20"), Status(503, ""), Status(503, "300"), Refused],
            &[20000, 2000, 300_000, 8000],
        ),
        (
            "five minutes, above the maximum",
            policy(),
            &[Ended("retry: 300000\ndata: a\n\n", 0); 3],
            &[311_695, 300_504, 327_023],
        ),
        ("a year, above what a server gets", exact(), &[Status(503, "31536000")], &[86_400_000]),
        ("below the minimum", exact(), &[Ended("retry: 0\ndata: a\n\n", 0); 2], &[500, 500]),
        (
            "success resets",
            exact(),
            &[Refused, Refused, Refused, Lost("data: a\n\n", 0), Refused],
            &[1000, 2000, 4000, 1000, 1000],
        ),
        ("4 999 ms are not stable", exact(), &[Lost("", 4_999); 4], &[1000, 2000, 4000, 8000]),
        ("5 000 ms are", exact(), &[Lost("", 5_000); 4], &[1000, 1000, 1000, 1000]),
        ("like a browser", browser(), &[Refused, Lost("", 0), Ended(NEWS, 0)], &[3000, 6000, 3000]),
    ];
    let mut failures = vec![];
    for (name, policy, script, expected) in rows {
        let (delays, _) = follow(policy.clone(), script).await;
        if delays != *expected {
            failures.push(format!("{name}: {delays:?}, not {expected:?}"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[tokio::test(start_paused = true)]
async fn policies_give_up_as_their_table_says() {
    let status = |code| ConnectionEnd::Status { code, retry_after: None };
    let too_many = |attempts, last| {
        (usize::try_from(attempts).unwrap(), GaveUp::TooManyAttempts { attempts, last })
    };
    let is_final = |attempts, end| (attempts, GaveUp::Final(end));
    let policy = || Reconnect::with_seed(7);
    let news = "data: a\n\n";
    let patient = policy().with_retry_if(|_| true).with_max_retries(2);
    for (name, policy, script, (attempts, reason)) in [
        ("by default", policy(), &[Refused; 99][..], too_many(11, ConnectionEnd::NoResponse)),
        (
            "none",
            policy().with_max_retries(0),
            &[Ended(news, 0); 9],
            too_many(1, ConnectionEnd::Ended),
        ),
        ("never", Reconnect::never(), &[Ended(news, 0); 9], is_final(1, ConnectionEnd::Ended)),
        ("one", policy().with_max_retries(1), &[Lost("", 0); 9], too_many(2, ConnectionEnd::Lost)),
        ("not found", policy(), &[Status(404, "")], is_final(1, status(404))),
        ("a redirect", policy(), &[Status(301, "")], is_final(1, status(301))),
        ("busy", policy(), &[Status(503, ""); 99], too_many(11, status(503))),
        (
            "busy, like a browser",
            policy().like_event_source(),
            &[Status(503, "")],
            is_final(1, status(503)),
        ),
        ("news start again", policy(), &[Ended(news, 0); 99], is_final(100, status(204))),
        ("quiet streams, too", policy(), &[Ended("", 30_000); 99], is_final(100, status(204))),
        ("another rule", patient, &[Status(404, ""); 9], too_many(3, status(404))),
    ] {
        let (delays, gave_up) = follow(policy, script).await;
        assert_eq!((delays.len() + 1, gave_up), (attempts, reason), "{name}");
    }
}

type Closure = dyn FnMut(&Attempt<'_, &'static str>) -> Result<Duration, GaveUp>;

/// Policies as other libraries have them, in a box, as their users bring them.
#[tokio::test(start_paused = true)]
async fn closures_and_boxes_are_policies() {
    let mut retries = 0;
    let exponential = move |attempt: &Attempt<'_, &'static str>| {
        retries += 1;
        if retries > 3 { Err(attempt.give_up()) } else { Ok(Duration::from_secs(1 << retries)) }
    };
    let (delays, reason) = follow(exponential, &[Refused; 9]).await;
    assert_eq!(delays, [2000, 4000, 8000]);
    assert_eq!(reason, GaveUp::Final(ConnectionEnd::NoResponse));

    let boxed: Box<dyn ReconnectPolicy<&'static str>> = Box::new(exponential);
    assert_eq!(follow(boxed, &[Refused; 9]).await.0, [2000, 4000, 8000]);
    let boxed: Box<dyn ReconnectPolicy<&'static str> + Send> =
        Box::new(Reconnect::with_seed(7).with_jitter(0.0));
    assert_eq!(follow(boxed, &[Refused; 3]).await.0, [1000, 2000, 4000]);
    let boxed: Box<dyn ReconnectPolicy<&'static str> + Send + Sync> = Box::new(Reconnect::never());
    assert_eq!(follow(boxed, &[Refused; 3]).await.0, [0; 0]);
    // A closure in a box is a closure.
    let boxed: Box<Closure> = Box::new(exponential);
    assert_eq!(follow(boxed, &[Refused; 9]).await.0, [2000, 4000, 8000]);
}

#[tokio::test(start_paused = true)]
async fn a_policy_sees_the_attempt() {
    let mut seen = vec![];
    let policy = |attempt: &Attempt<'_, &'static str>| {
        seen.push(format!(
            "{}, {:?}, {:?}, {} events, news: {}",
            attempt.end(),
            attempt.error(),
            attempt.open_for(),
            attempt.decoder().stats().events,
            attempt.brought_news(),
        ));
        if attempt.error() == Some(&"refused") {
            return Err(attempt.give_up());
        }
        Ok(Duration::ZERO)
    };
    let script = [Ended("data: a\n\n", 7_000), Lost("", 1_000), Status(500, "9"), Refused, Refused];
    follow(policy, &script).await;
    assert_eq!(
        seen,
        [
            "the stream ended, None, 7s, 1 events, news: true",
            "the connection was lost, Some(\"reset\"), 1s, 0 events, news: false",
            "the server answered 500, None, 0ns, 0 events, news: false",
            "the server did not answer, Some(\"refused\"), 0ns, 0 events, news: false",
        ]
    );
}
