//! Tests the quota of the chat: the tokens that answers reserve, use and return.

mod common;

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::{
    Response,
    header::{COOKIE, RETRY_AFTER, SET_COOKIE},
};
use serde_json::{Value, json};
use sse_wire::ByteStreamExt;
use tokio::time::sleep;

use self::common::{Server, in_time};

/// The number of tokens that an answer reserves.
const LONGEST: u64 = 400;

/// A visitor with a cookie.
struct Visitor<'a> {
    server: &'a Server,
    cookie: String,
}

impl<'a> Visitor<'a> {
    async fn new(server: &'a Server) -> Self {
        let response = server.get("/chat/quota").await;
        let cookie = response.headers()[SET_COOKIE].to_str().expect("ASCII");
        let (cookie, attributes) = cookie.split_once("; ").expect("attributes");
        assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax");
        Self { server, cookie: format!("other=1; {cookie}; more=2") }
    }

    async fn ask(&self, last_id: &str) -> Response {
        let question = json!({ "question": "Why?" });
        let request = self.server.client.post(format!("{}/chat", self.server.address));
        let request = request.header(COOKIE, &self.cookie).header("last-event-id", last_id);
        let response = request.json(&question).send().await.expect("an answer");
        assert!(!response.headers().contains_key(SET_COOKIE), "the server knows the visitor");
        response
    }

    /// Reads at most this many tokens and leaves. Returns the number read, and the last event ID.
    async fn read(&self, last_id: &str, tokens: u64) -> (u64, String) {
        let response = self.ask(last_id).await;
        assert_eq!(response.status(), 200);
        let mut events = response.bytes_stream().events();
        let mut read = 0;
        let mut last = String::new();
        while let Some(event) = in_time(events.next()).await {
            let event = event.expect("a stream");
            read += u64::from(event.event_type() == "token");
            event.last_event_id().clone_into(&mut last);
            if read == tokens {
                break;
            }
        }
        (read, last)
    }

    async fn quota(&self) -> Value {
        let request = self.server.client.get(format!("{}/chat/quota", self.server.address));
        let response = request.header(COOKIE, &self.cookie).send().await.expect("an answer");
        response.json().await.expect("JSON")
    }

    /// Waits until no answer is in progress, and returns the number of tokens left.
    async fn left(&self) -> u64 {
        in_time(async {
            loop {
                let quota = self.quota().await;
                if quota["reserved"] == 0 {
                    return quota["left"].as_u64().expect("a number");
                }
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await
    }
}

#[tokio::test]
async fn an_answer_gives_back_what_it_did_not_use() {
    let server = Server::start_with(&["--quota", "1000"]);
    let visitor = Visitor::new(&server).await;
    let whole = json!({ "limit": 1000, "left": 1000, "reserved": 0, "renewed_in": null });
    assert_eq!(visitor.quota().await, whole);

    // An answer read to its end uses its length.
    let (length, _) = visitor.read("", u64::MAX).await;
    assert!(length > 50 && length < LONGEST, "{length}");
    assert_eq!(visitor.left().await, 1000 - length);

    // An answer left in the middle uses little more. The model makes some tokens until the server
    // notices.
    let before = visitor.left().await;
    let answer = visitor.ask("").await;
    let during = visitor.quota().await;
    let sum = during["left"].as_u64().zip(during["reserved"].as_u64());
    let (left, reserved) = sum.expect("numbers");
    assert_eq!(left, before - LONGEST);
    assert!(reserved > LONGEST - 50 && reserved <= LONGEST, "{reserved}");
    drop(answer);
    let left = visitor.left().await;
    assert!(left > before - 50, "{left} of {before}");

    // An answer that resumes after a lost connection is charged about once.
    let before = left;
    let (first, last) = visitor.read("", 30).await;
    let (second, _) = visitor.read(&last, u64::MAX).await;
    assert_eq!(first + second, length);
    let used = before - visitor.left().await;
    assert!(used >= length && used < length + 50, "{used} for {length}");

    // The quotas of other visitors stay the same.
    assert_eq!(Visitor::new(&server).await.quota().await, whole);
}

#[tokio::test]
async fn out_of_quota_is_429_and_says_when_to_come_back() {
    let server = Server::start_with(&["--quota", "500", "--quota-period", "4000"]);
    let visitor = Visitor::new(&server).await;
    let refusal = async |visitor: &Visitor<'_>| {
        let response = visitor.ask("").await;
        assert_eq!(response.status(), 429);
        let seconds = response.headers()[RETRY_AFTER].to_str().expect("ASCII");
        let seconds: u64 = seconds.parse().expect("seconds");
        (seconds, response.text().await.expect("text"))
    };

    // While another answer holds the tokens that this one needs, the delay is short.
    let first = visitor.ask("").await;
    let (seconds, message) = refusal(&visitor).await;
    assert_eq!(seconds, 1);
    let start = "an answer needs up to 400 tokens; you have 100 left, and ";
    assert!(message.starts_with(start), "{message}");
    assert!(message.ends_with(" are reserved for answers in progress"), "{message}");
    drop(first);
    assert!(visitor.left().await > LONGEST);

    // When the tokens are used, the delay lasts until the next period.
    visitor.read("", u64::MAX).await;
    let left = visitor.left().await;
    assert!(left < LONGEST);
    let (seconds, message) = refusal(&visitor).await;
    assert!((1..=5).contains(&seconds), "{seconds}");
    assert_eq!(message, format!("an answer needs up to 400 tokens; you have {left} left"));
    assert_eq!(visitor.quota().await["left"], left);
    // The rest of an answer needs less: the tokens that the client has are paid for.
    assert_eq!(visitor.ask("7-350").await.status(), 200);
    sleep(Duration::from_secs(seconds)).await;
    assert_eq!(visitor.left().await, 500);
    assert_eq!(visitor.ask("").await.status(), 200);
}

#[tokio::test]
async fn an_answer_of_the_last_period_gives_nothing_to_the_next() {
    let server = Server::start_with(&["--quota", "500", "--quota-period", "300"]);
    let visitor = Visitor::new(&server).await;
    let old = visitor.ask("").await;
    in_time(async {
        while visitor.quota().await["left"] != 500 {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let new = visitor.ask("").await;
    assert_eq!(new.status(), 200);
    drop(old);
    sleep(Duration::from_millis(50)).await;
    let quota = visitor.quota().await;
    assert_eq!(quota["left"], if quota["renewed_in"].is_null() { 500 } else { 100 });
}

#[tokio::test]
async fn a_question_of_any_length_has_a_short_answer() {
    let server = Server::start();
    let question = json!({ "question": "a b ".repeat(10_000) });
    let request = server.client.post(format!("{}/chat", server.address)).json(&question);
    let mut events = request.send().await.expect("an answer").bytes_stream().events();
    let mut tokens = 0;
    let mut last = String::new();
    while let Some(event) = in_time(events.next()).await {
        let event = event.expect("a stream");
        tokens += u64::from(event.event_type() == "token");
        event.data().clone_into(&mut last);
    }
    assert_eq!(last, "[DONE]");
    assert!(tokens > 200 && tokens < LONGEST, "{tokens}");
}
