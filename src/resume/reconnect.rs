//! The reconnection policy of a client: how long it waits, and when it gives up.

use alloc::{string::String, sync::Arc};
use core::{fmt, mem, time::Duration};

use thiserror::Error;

use crate::{
    decode::Decoder,
    error::DecodeErrorKind,
    state::BodyKind,
    wire::{self, content_type},
};

/// The end of a connection, or of the attempt to open one.
///
/// `Display` writes a text for users, such as "the server answered 503".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionEnd {
    /// There was no response: an unknown host, a refused connection, a timeout.
    NoResponse,
    /// The response had a status other than 200.
    Status {
        /// The status.
        code: u16,
        /// The time to wait that the response asked for with `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// The response had this media type instead of `text/event-stream`, or `None`.
    ContentType(Option<String>),
    /// The response claimed to be an event stream, but its body was something else: a JSON error,
    /// an HTML page.
    Body(BodyKind),
    /// The stream ended without a transport error.
    Ended,
    /// The transport failed while the stream was open.
    Lost,
    /// The decoder refused a block.
    Decode(DecodeErrorKind),
}

impl ConnectionEnd {
    /// Returns `None` if a response opens an event stream (status 200 and `text/event-stream`), and
    /// otherwise the reason why it does not.
    ///
    /// `content_type` and `retry_after` are the values of these headers. `Retry-After` counts if it
    /// is a number of seconds. A date is ignored, because there is no clock to compare it with.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sse_wire::ConnectionEnd;
    ///
    /// assert_eq!(ConnectionEnd::of_response(200, Some("text/event-stream"), None), None);
    ///
    /// let end = ConnectionEnd::of_response(429, Some("application/json"), Some("20")).unwrap();
    /// let retry_after = Some(Duration::from_secs(20));
    /// assert_eq!(end, ConnectionEnd::Status { code: 429, retry_after });
    ///
    /// let end = ConnectionEnd::of_response(200, Some("text/html; charset=utf-8"), None).unwrap();
    /// assert_eq!(end.to_string(), "text/html is not an event stream");
    /// ```
    #[must_use]
    pub fn of_response(
        status: u16,
        content_type: Option<&str>,
        retry_after: Option<&str>,
    ) -> Option<Self> {
        if status != 200 {
            let retry_after = retry_after.and_then(seconds);
            return Some(Self::Status { code: status, retry_after });
        }
        if content_type.is_some_and(content_type::is_event_stream) {
            return None;
        }
        // A remote string that goes to logs, so it is shortened.
        let essence = content_type.map(|value| wire::start_of(content_type::essence(value)).into());
        Some(Self::ContentType(essence))
    }

    /// Returns the end of a stream without a transport error: [`Ended`](Self::Ended), or
    /// [`Body`](Self::Body) if the decoder saw that it was not an event stream.
    ///
    /// ```
    /// use sse_wire::{BodyKind, ConnectionEnd, Decoder};
    ///
    /// let mut decoder = Decoder::new();
    /// assert_eq!(decoder.feed(b"<html>no").next_event(), Ok(None));
    /// assert_eq!(ConnectionEnd::of_stream(&decoder), ConnectionEnd::Body(BodyKind::Markup));
    /// ```
    #[must_use]
    pub fn of_stream(decoder: &Decoder) -> Self {
        match decoder.body_kind() {
            BodyKind::Empty | BodyKind::EventStream => Self::Ended,
            other => Self::Body(other),
        }
    }

    /// Returns `true` if another attempt may succeed. A [`Reconnect`] policy follows this table
    /// unless you set [another rule](Reconnect::with_retry_if).
    ///
    /// | end | reconnect? |
    /// |---|---|
    /// | no response, stream ended, connection lost | yes |
    /// | status 408, 425, 429, 5xx | yes |
    /// | status 204 | no: it tells clients not to reconnect |
    /// | any other status | no |
    /// | another content type | no |
    /// | the body is JSON or markup | no |
    /// | the body is something else | yes: it may be an event stream that broke off in its first line |
    /// | a block was refused | no: the server would send it again |
    ///
    /// ```
    /// use sse_wire::ConnectionEnd;
    ///
    /// assert!(ConnectionEnd::Lost.is_temporary());
    /// assert!(!ConnectionEnd::Status { code: 404, retry_after: None }.is_temporary());
    /// ```
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::NoResponse | Self::Ended | Self::Lost => true,
            Self::Status { code, .. } => matches!(code, 408 | 425 | 429 | 500..=599),
            Self::Body(kind) => !matches!(kind, BodyKind::Json | BodyKind::Markup),
            Self::ContentType(_) | Self::Decode(_) => false,
        }
    }

    /// Returns `true` if an event stream was open before this end.
    fn was_open(&self) -> bool {
        match self {
            Self::NoResponse | Self::Status { .. } | Self::ContentType(_) => false,
            Self::Body(_) | Self::Ended | Self::Lost | Self::Decode(_) => true,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl fmt::Display for ConnectionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoResponse => f.write_str("the server did not answer"),
            Self::Status { code: 204, .. } => f.write_str("the server wants no reconnection"),
            Self::Status { code, .. } => write!(f, "the server answered {code}"),
            Self::ContentType(Some(essence)) => write!(f, "{essence} is not an event stream"),
            Self::ContentType(None) => f.write_str("the response has no content type"),
            Self::Body(BodyKind::Json) => f.write_str("JSON came instead of an event stream"),
            Self::Body(BodyKind::Markup) => f.write_str("HTML came instead of an event stream"),
            Self::Body(_) => f.write_str("the body is not an event stream"),
            Self::Ended => f.write_str("the stream ended"),
            Self::Lost => f.write_str("the connection was lost"),
            Self::Decode(kind) => kind.fmt(f),
        }
    }
}

/// Parses a `Retry-After` header in seconds. Returns `None` for a date.
fn seconds(retry_after: &str) -> Option<Duration> {
    let digits = retry_after.trim_matches([' ', '\t']);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // There are only digits, so the only possible error is overflow.
    Some(Duration::from_secs(digits.parse().unwrap_or(u64::MAX)))
}

/// The reason why a [`Reconnect`] policy gave up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
pub enum GaveUp {
    /// The last connection ended in a way that no further attempt can change.
    #[error("{0}")]
    Final(ConnectionEnd),
    /// Too many attempts in a row failed.
    #[error("{last}; gave up after {attempts} attempt{}", if *attempts == 1 { "" } else { "s" })]
    TooManyAttempts {
        /// The number of failed attempts.
        attempts: u32,
        /// The end of the last attempt.
        last: ConnectionEnd,
    },
}

impl GaveUp {
    /// Returns the end of the last connection.
    ///
    /// See [`Reconnect`] for an example of a client that gives up.
    #[must_use]
    pub fn end(&self) -> &ConnectionEnd {
        match self {
            Self::Final(end) | Self::TooManyAttempts { last: end, .. } => end,
        }
    }
}

/// The reconnection policy of a client: it decides, after each connection, to reconnect after a
/// delay or to give up.
///
/// It does no I/O and reads no clock, so it works with every client, and tests need not wait. With
/// feature `stream`, `Reconnecting` is a stream that follows it. A blocking client follows it like
/// this:
///
/// ```
/// use std::{io::Read, thread, time::{Duration, Instant}};
///
/// use sse_wire::{ConnectionEnd, Decoder, GaveUp, Reconnect};
///
/// # fn connect(last_event_id: &str) -> Result<&'static [u8], ConnectionEnd> {
/// #     match last_event_id {
/// #         "1" => Err(ConnectionEnd::Status { code: 204, retry_after: None }),
/// #         _ => Ok(&b"id: 1\ndata: a\n\n"[..]),
/// #     }
/// # }
/// fn follow(mut show: impl FnMut(&str)) -> GaveUp {
///     let mut decoder = Decoder::new();
///     let mut reconnect = Reconnect::new();
/// #   let mut reconnect = Reconnect::with_seed(7)
/// #       .with_min_delay(Duration::ZERO).with_reconnection_time(Duration::ZERO);
///     loop {
///         decoder.reset_for_reconnect();
///         let connected = connect(decoder.last_event_id());
///         let opened = Instant::now();
///         let end = match connected {
///             Ok(body) => read(body, &mut decoder, &mut show),
///             Err(end) => end,
///         };
///         match reconnect.next_delay(&end, opened.elapsed(), &decoder) {
///             Ok(delay) => thread::sleep(delay),
///             Err(gave_up) => return gave_up,
///         }
///     }
/// }
///
/// fn read(
///     mut body: impl Read,
///     decoder: &mut Decoder,
///     show: &mut impl FnMut(&str),
/// ) -> ConnectionEnd {
///     let mut chunk = [0; 4096];
///     loop {
///         let mut events = match body.read(&mut chunk) {
///             Ok(0) => return ConnectionEnd::of_stream(decoder),
///             Ok(len) => decoder.feed(&chunk[..len]),
///             Err(_) => return ConnectionEnd::Lost,
///         };
///         loop {
///             match events.next_event() {
///                 Ok(Some(event)) => show(event.data()),
///                 Ok(None) => break,
///                 Err(error) => return ConnectionEnd::Decode(error.kind()),
///             }
///         }
///     }
/// }
///
/// let mut seen = Vec::new();
/// let gave_up = follow(|data| seen.push(data.to_owned()));
/// assert_eq!(seen, ["a"]);
/// assert_eq!(gave_up.to_string(), "the server wants no reconnection");
/// ```
///
/// # The delay
///
/// Each delay is random, between a lower and an upper bound, so that clients that lost their
/// connections at the same time do not all return at the same time.
///
/// The lower bound is the stream's reconnection time: the last `retry`, or [1
/// second](Self::with_reconnection_time) without one. A longer `Retry-After` of the response
/// replaces it. The upper bound is twice the lower one, and doubles with each further connection
/// that was not [stable](Self::with_stable_after).
///
/// A server cannot make a client wait for hours or reconnect in a tight loop: all delays are
/// between [`with_min_delay`](Self::with_min_delay) and [`with_max_delay`](Self::with_max_delay).
///
/// # Failures
///
/// A connection is stable after it was open for [5 seconds](Self::with_stable_after). One that ends
/// earlier makes the next delay longer even if it delivered events, so a stream that always ends at
/// once does not cause a flood of requests.
///
/// An attempt failed if its connection was not stable and delivered neither an event nor a new last
/// event ID. After [10 failed retries](Self::with_max_retries) in a row, the policy gives up. It
/// gives up at once if the end [is final](ConnectionEnd::is_temporary).
///
/// # The seed
///
/// Clients with the same seed reconnect at the same time. With feature `std`, `new` picks a random
/// seed. Otherwise, give [`with_seed`](Self::with_seed) a number that differs between clients and
/// between starts, such as one from a hardware generator, or a device number combined with a
/// counter of starts. A clone continues with the same random numbers.
#[derive(Clone)]
pub struct Reconnect {
    reconnection_time: Duration,
    min_delay: Duration,
    max_delay: Duration,
    stable_after: Duration,
    max_retries: Option<u32>,
    /// The rule that replaces [`ConnectionEnd::is_temporary`], if there is one.
    retry_if: Option<Arc<RetryIf>>,
    jitter: Jitter,
    /// The number of connections in a row that were not stable: the exponent of the delay.
    short_lived: u32,
    /// The number of attempts in a row that failed, which `max_retries` limits.
    failures: u32,
    /// The [fingerprint] of the last event ID after the previous connection.
    last_event_id: u64,
}

type RetryIf = dyn Fn(&ConnectionEnd) -> bool + Send + Sync;

impl Reconnect {
    /// Creates a policy with the default settings and a random seed.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn new() -> Self {
        use core::hash::BuildHasher;

        // The keys of hash maps are the only source of randomness in the standard library.
        Self::with_seed(std::hash::RandomState::new().hash_one(0))
    }

    /// Creates a policy with the default settings and this [seed](Self#the-seed).
    ///
    /// The same seed yields the same delays.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sse_wire::{ConnectionEnd, Decoder, Reconnect};
    ///
    /// let decoder = Decoder::new();
    /// let delays = |seed| {
    ///     let mut reconnect = Reconnect::with_seed(seed);
    ///     [(); 9].map(|()| {
    ///         reconnect.next_delay(&ConnectionEnd::NoResponse, Duration::ZERO, &decoder).unwrap()
    ///     })
    /// };
    /// assert_eq!(delays(1), delays(1));
    /// assert_ne!(delays(1), delays(2));
    /// ```
    #[must_use]
    pub const fn with_seed(seed: u64) -> Self {
        Self {
            reconnection_time: Duration::from_secs(1),
            min_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(120),
            stable_after: Duration::from_secs(5),
            max_retries: Some(10),
            retry_if: None,
            jitter: Jitter(seed),
            short_lived: 0,
            failures: 0,
            last_event_id: fingerprint(""),
        }
    }

    /// Sets the reconnection time of a stream without `retry`. The default is 1 second.
    #[must_use]
    pub fn with_reconnection_time(self, time: Duration) -> Self {
        Self { reconnection_time: time, ..self }
    }

    /// Sets the minimum delay. The default is 500 ms.
    ///
    /// It takes precedence over a shorter [maximum](Self::with_max_delay). If it is zero and the
    /// server sends `retry: 0`, the first reconnections follow within milliseconds.
    #[must_use]
    pub fn with_min_delay(self, delay: Duration) -> Self {
        Self { min_delay: delay, ..self }
    }

    /// Sets the maximum delay. The default is 2 minutes.
    ///
    /// A client waits as long as `retry` or `Retry-After` asks, up to half of the maximum. The
    /// other half is for spreading clients, which helps a server that asks for an hour, too.
    #[must_use]
    pub fn with_max_delay(self, delay: Duration) -> Self {
        Self { max_delay: delay, ..self }
    }

    /// Sets how long a connection must be open to be stable. The default is 5 seconds.
    ///
    /// A stable connection resets the delays and the count of failures. With zero, every connection
    /// that delivered an event or a new last event ID is stable. Use zero for servers that end each
    /// stream after the events they have and set the polling interval with `retry`, as MCP servers
    /// do.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sse_wire::Reconnect;
    ///
    /// let policy = Reconnect::new()
    ///     .with_max_delay(Duration::from_secs(30))
    ///     .with_stable_after(Duration::ZERO);
    /// assert_eq!(policy.stable_after(), Duration::ZERO);
    /// ```
    #[must_use]
    pub fn with_stable_after(self, time: Duration) -> Self {
        Self { stable_after: time, ..self }
    }

    /// Sets how many retries may [fail](Self#failures) in a row. The default is 10, which takes
    /// about five minutes.
    ///
    /// With 0, the policy gives up at the first failure. With `None`, it never gives up because of
    /// failures.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sse_wire::{ConnectionEnd, Decoder, GaveUp, Reconnect};
    ///
    /// let decoder = Decoder::new();
    /// let mut reconnect = Reconnect::with_seed(1).with_max_retries(1);
    /// let mut fail = || reconnect.next_delay(&ConnectionEnd::Lost, Duration::ZERO, &decoder);
    /// assert!(fail().is_ok());
    ///
    /// let gave_up = fail().unwrap_err();
    /// assert_eq!(gave_up, GaveUp::TooManyAttempts { attempts: 2, last: ConnectionEnd::Lost });
    /// assert_eq!(gave_up.to_string(), "the connection was lost; gave up after 2 attempts");
    /// ```
    #[must_use]
    pub fn with_max_retries(self, retries: impl Into<Option<u32>>) -> Self {
        Self { max_retries: retries.into(), ..self }
    }

    /// Sets the rule that decides if the client reconnects after an end. The default is
    /// [`ConnectionEnd::is_temporary`].
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sse_wire::{ConnectionEnd, Decoder, Reconnect};
    ///
    /// // The resource may be created later.
    /// let mut reconnect = Reconnect::with_seed(1).with_retry_if(|end| match end {
    ///     ConnectionEnd::Status { code: 404, .. } => true,
    ///     end => end.is_temporary(),
    /// });
    /// let not_found = ConnectionEnd::Status { code: 404, retry_after: None };
    /// assert!(reconnect.next_delay(&not_found, Duration::ZERO, &Decoder::new()).is_ok());
    /// ```
    #[must_use]
    pub fn with_retry_if(
        self,
        retry_if: impl Fn(&ConnectionEnd) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { retry_if: Some(Arc::new(retry_if)), ..self }
    }

    /// Makes the policy follow the standard's rules for an `EventSource` in a browser.
    ///
    /// Every status other than 200 is final, even 503, and so is another content type. After any
    /// other end, the client reconnects as often as it takes. The reconnection time is 3 seconds.
    ///
    /// The delays still grow, which the standard allows, and keep their bounds.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sse_wire::{ConnectionEnd, Decoder, GaveUp, Reconnect};
    ///
    /// let mut reconnect = Reconnect::with_seed(1).like_event_source();
    /// let end = ConnectionEnd::Status { code: 503, retry_after: None };
    /// let decision = reconnect.next_delay(&end, Duration::ZERO, &Decoder::new());
    /// assert_eq!(decision, Err(GaveUp::Final(end)));
    /// ```
    #[must_use]
    pub fn like_event_source(self) -> Self {
        self.with_reconnection_time(Duration::from_secs(3)).with_max_retries(None).with_retry_if(
            |end| !matches!(end, ConnectionEnd::Status { .. } | ConnectionEnd::ContentType(_)),
        )
    }

    /// Records the end of a connection, and returns the delay before the next attempt.
    ///
    /// `open_for` is the time for which the stream was open; it is ignored if the stream never
    /// opened. `decoder` is the decoder of the stream, from which the policy reads the reconnection
    /// time, the number of events and the last event ID. Reset it for the next connection after
    /// this call, not before.
    ///
    /// # Errors
    ///
    /// Returns [`GaveUp`] if `end` is final, or if too many attempts failed.
    pub fn next_delay(
        &mut self,
        end: &ConnectionEnd,
        open_for: Duration,
        decoder: &Decoder,
    ) -> Result<Duration, GaveUp> {
        self.count(end, open_for, decoder);
        let is_temporary = match &self.retry_if {
            Some(retry_if) => retry_if(end),
            None => end.is_temporary(),
        };
        if !is_temporary {
            return Err(GaveUp::Final(end.clone()));
        }
        if self.max_retries.is_some_and(|most| self.failures > most) {
            return Err(GaveUp::TooManyAttempts { attempts: self.failures, last: end.clone() });
        }
        let asked_for = decoder.reconnection_time().unwrap_or(self.reconnection_time);
        Ok(self.draw_delay(asked_for.max(end.retry_after().unwrap_or_default())))
    }

    fn count(&mut self, end: &ConnectionEnd, open_for: Duration, decoder: &Decoder) {
        let last_event_id = fingerprint(decoder.last_event_id());
        let has_new_id = mem::replace(&mut self.last_event_id, last_event_id) != last_event_id;
        // If this stream never opened, the decoder still has the counters of the previous one.
        let has_news = end.was_open() && (decoder.stats().events > 0 || has_new_id);
        let was_long_open = end.was_open() && open_for >= self.stable_after;
        if was_long_open && (has_news || !self.stable_after.is_zero()) {
            (self.short_lived, self.failures) = (0, 0);
        } else {
            self.short_lived = self.short_lived.saturating_add(1);
            self.failures = if has_news { 0 } else { self.failures.saturating_add(1) };
        }
    }

    fn draw_delay(&mut self, asked_for: Duration) -> Duration {
        let min = nanos(self.min_delay);
        let max = nanos(self.max_delay).max(min);
        let low = nanos(asked_for).min(max / 2).max(min);
        // After a stable connection the bound is doubled once as well, to spread the clients. A lower
        // bound of zero would never grow, so it counts as 1 ms.
        let doublings = self.short_lived.clamp(1, 63);
        let high = low.max(1_000_000).saturating_mul(1 << doublings).clamp(low, max);
        Duration::from_nanos(self.jitter.draw(low, high))
    }

    /// Returns the time for which a connection must be open to be stable. See
    /// [`with_stable_after`](Self::with_stable_after).
    #[must_use]
    pub fn stable_after(&self) -> Duration {
        self.stable_after
    }

    /// Returns the number of attempts in a row that have [failed](Self#failures).
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(feature = "std")]
impl Default for Reconnect {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Reconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnect")
            .field("reconnection_time", &self.reconnection_time)
            .field("min_delay", &self.min_delay)
            .field("max_delay", &self.max_delay)
            .field("stable_after", &self.stable_after)
            .field("max_retries", &self.max_retries)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

/// Returns a hash of an ID (FNV-1a).
///
/// The policy keeps the hash instead of the ID, which may be large. A collision only makes a delay
/// longer than necessary.
const fn fingerprint(id: &str) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    let mut at = 0;
    while at < id.len() {
        hash = (hash ^ id.as_bytes()[at] as u64).wrapping_mul(0x0100_0000_01B3);
        at += 1;
    }
    hash
}

/// Returns the time in nanoseconds, saturating at 584 years.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The random number generator `SplitMix64`, which is tiny and works well with every seed, even 0.
#[derive(Clone)]
struct Jitter(u64);

impl Jitter {
    /// Returns a random number from `low` to `high` inclusive.
    fn draw(&mut self, low: u64, high: u64) -> u64 {
        let distance = u128::from(high - low);
        // The upper half of the product is in range, without a division.
        let drawn = ((distance + 1) * u128::from(self.next())) >> 64;
        low + u64::try_from(drawn).unwrap_or(high - low)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected numbers are the first ones of the reference implementation with seed 1234567.
    #[test]
    fn the_random_numbers_are_those_of_splitmix64() {
        let mut jitter = Jitter(1_234_567);
        let numbers = [(); 3].map(|()| jitter.next());
        let expected =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(numbers, expected);
    }

    #[test]
    fn a_draw_reaches_both_ends() {
        assert_eq!(Jitter(0).draw(5, 5), 5);
        assert!(Jitter(3).draw(0, u64::MAX) > 0);
        let mut jitter = Jitter(0);
        let mut seen = [false; 3];
        for _ in 0..100 {
            seen[usize::try_from(jitter.draw(10, 12) - 10).unwrap()] = true;
        }
        assert_eq!(seen, [true; 3]);
    }

    #[test]
    fn a_retry_after_is_seconds() {
        for (text, expected) in [
            ("120", Some(Duration::from_secs(120))),
            (" 0 ", Some(Duration::ZERO)),
            ("99999999999999999999999", Some(Duration::from_secs(u64::MAX))),
            ("", None),
            ("+5", None),
            ("-5", None),
            ("1.5", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            assert_eq!(seconds(text), expected, "{text:?}");
        }
    }
}
