//! The policy of a client that reconnects: how long it waits, and when it gives up.

use alloc::{string::String, sync::Arc};
use core::{fmt, mem, time::Duration};

use thiserror::Error;

use crate::{
    decode::Decoder,
    error::DecodeErrorKind,
    state::BodyKind,
    wire::{self, content_type},
};

/// How a connection ended, or the attempt to make one.
///
/// `Display` is a text for users, such as "the server answered 503".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionEnd {
    /// No response came: an unknown host, a refused connection, a timeout.
    NoResponse,
    /// The response had a status other than 200.
    Status {
        /// The status.
        code: u16,
        /// How long the response asked to wait, with `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// The response had this media type instead of `text/event-stream`; `None` if it had none.
    ContentType(Option<String>),
    /// The response said that the body is an event stream, and it was not: a JSON error, an HTML
    /// page.
    Body(BodyKind),
    /// The stream ended without an error of the transport.
    Ended,
    /// The transport failed while the stream was open.
    Lost,
    /// The decoder refused a block.
    Decode(DecodeErrorKind),
}

impl ConnectionEnd {
    /// Returns why a response is no open event stream; `None` if it is one: status 200 and
    /// `text/event-stream`.
    ///
    /// `content_type` and `retry_after` are the values of these headers. A `Retry-After` in seconds
    /// is understood; a date is not, because there is no clock to compare it with.
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
    /// assert_eq!(end.to_string(), "text/html is no event stream");
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
        // A remote string: it goes to logs, so not all of it.
        let essence = content_type.map(|value| wire::start_of(content_type::essence(value)).into());
        Some(Self::ContentType(essence))
    }

    /// Returns how a stream ended whose transport reported no error: [`Ended`](Self::Ended), unless
    /// the decoder saw that it was [no event stream](Self::Body).
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

    /// Returns `true` if another attempt may succeed. A [`Reconnect`] follows this table unless it
    /// is given [another one](Reconnect::with_retry_if).
    ///
    /// | end | reconnect? |
    /// |---|---|
    /// | no response, stream ended, connection lost | yes |
    /// | status 408, 425, 429, 5xx | yes |
    /// | status 204 | no: with it, a server tells clients not to reconnect |
    /// | any other status | no |
    /// | another content type | no |
    /// | the body is JSON or markup | no |
    /// | the body is something else | yes: it may be an event stream that was cut in its first line |
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

    /// Returns `true` if there was an open event stream before this end.
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
            Self::ContentType(Some(essence)) => write!(f, "{essence} is no event stream"),
            Self::ContentType(None) => f.write_str("the response has no content type"),
            Self::Body(BodyKind::Json) => f.write_str("JSON came instead of an event stream"),
            Self::Body(BodyKind::Markup) => f.write_str("HTML came instead of an event stream"),
            Self::Body(_) => f.write_str("the body is no event stream"),
            Self::Ended => f.write_str("the stream ended"),
            Self::Lost => f.write_str("the connection was lost"),
            Self::Decode(kind) => kind.fmt(f),
        }
    }
}

/// Returns the time of a `Retry-After` in seconds; `None` for a date.
fn seconds(retry_after: &str) -> Option<Duration> {
    let digits = retry_after.trim_matches([' ', '\t']);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Only digits, so the one error left is overflow.
    Some(Duration::from_secs(digits.parse().unwrap_or(u64::MAX)))
}

/// Why a [`Reconnect`] gave up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
pub enum GaveUp {
    /// The last connection ended in a way that is final.
    #[error("{0}")]
    Final(ConnectionEnd),
    /// Too many attempts in a row failed.
    #[error("{last}; gave up after {attempts} attempt{}", if *attempts == 1 { "" } else { "s" })]
    TooManyAttempts {
        /// How many they were.
        attempts: u32,
        /// How the last one ended.
        last: ConnectionEnd,
    },
}

impl GaveUp {
    /// Returns how the last connection ended.
    ///
    /// An example of a client that gives up: [`Reconnect`].
    #[must_use]
    pub fn end(&self) -> &ConnectionEnd {
        match self {
            Self::Final(end) | Self::TooManyAttempts { last: end, .. } => end,
        }
    }
}

/// Decides what a client does when a connection has ended: wait for some time and reconnect, or
/// give up.
///
/// It does no I/O and reads no clock, so it works with every client, and tests need not wait. With
/// feature `stream`, `Reconnecting` is a stream that follows it. A blocking client does it like
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
/// The shortest next delay is the stream's reconnection time (the last `retry`, else [1
/// second](Self::with_reconnection_time)), or the `Retry-After` of the response if that is longer.
/// The longest is twice that, and doubles with each further connection that was not
/// [stable](Self::with_stable_after). The delay is drawn evenly between the two, so that clients
/// that lost their connections together do not come back together.
///
/// A server cannot make a client wait for hours or reconnect in a tight loop: all delays are
/// between [`with_min_delay`](Self::with_min_delay) and [`with_max_delay`](Self::with_max_delay).
///
/// # Failures
///
/// A connection is stable once it was open for [5 seconds](Self::with_stable_after). One that ends
/// earlier makes the next delay longer even if it brought events, so a stream that always ends at
/// once causes no storm of requests.
///
/// An attempt failed if its connection was not stable and brought neither an event nor a new last
/// event ID. After [10 retries](Self::with_max_retries) that failed in a row, the policy gives up. It gives up at once
/// if the end [is final](ConnectionEnd::is_temporary).
///
/// # The seed
///
/// With feature `std`, `new` picks a random seed. Without it, give [`with_seed`](Self::with_seed) a
/// number that differs between clients and between starts, such as one of a hardware generator, or
/// a device number combined with a counter of starts: clients with the same seed reconnect at the
/// same time. A clone continues with the same random numbers.
#[derive(Clone)]
pub struct Reconnect {
    reconnection_time: Duration,
    min_delay: Duration,
    max_delay: Duration,
    stable_after: Duration,
    max_retries: Option<u32>,
    /// `None` for [`ConnectionEnd::is_temporary`].
    retry_if: Option<Arc<RetryIf>>,
    jitter: Jitter,
    /// Connections in a row that were not stable: the exponent of the delay.
    short_lived: u32,
    /// Those of them, at the end of the row, that brought nothing: what the limit counts.
    failures: u32,
    /// The [fingerprint] of the last event ID after the connection before.
    last_event_id: u64,
}

type RetryIf = dyn Fn(&ConnectionEnd) -> bool + Send + Sync;

impl Reconnect {
    /// Creates a policy with the default settings and a random seed.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn new() -> Self {
        use core::hash::BuildHasher;

        // The standard library has no other source of randomness than the keys of its hash maps.
        Self::with_seed(std::hash::RandomState::new().hash_one(0))
    }

    /// Creates a policy with the default settings and this [seed](Self#the-seed). The same seed
    /// gives the same delays.
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

    /// Sets the reconnection time for a stream without `retry`; 1 second by default.
    #[must_use]
    pub fn with_reconnection_time(self, time: Duration) -> Self {
        Self { reconnection_time: time, ..self }
    }

    /// Sets the shortest delay; 500 ms by default. It takes precedence over a shorter
    /// [longest](Self::with_max_delay) delay.
    ///
    /// If it is zero and the server sends `retry: 0`, the first reconnections follow within
    /// milliseconds.
    #[must_use]
    pub fn with_min_delay(self, delay: Duration) -> Self {
        Self { min_delay: delay, ..self }
    }

    /// Sets the longest delay; 2 minutes by default.
    ///
    /// `retry` and `Retry-After` are obeyed up to half of it. The other half is for spreading clients,
    /// which a server that asks for an hour needs as well.
    #[must_use]
    pub fn with_max_delay(self, delay: Duration) -> Self {
        Self { max_delay: delay, ..self }
    }

    /// Sets how long a connection must be open to be stable, which resets the delays and the count
    /// of failures; 5 seconds by default.
    ///
    /// With zero, every connection that brought an event or a new last event ID is stable. This is for
    /// servers that end each stream after the events they have and set the polling interval with
    /// `retry`, as servers of MCP do.
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

    /// Sets how many retries may [fail](Self#failures) in a row; 10 by default, which takes about
    /// five minutes. With 0, the policy gives up at the first failure; with `None`, never.
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

    /// Sets after which ends the client reconnects; [`ConnectionEnd::is_temporary`] by default.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sse_wire::{ConnectionEnd, Decoder, Reconnect};
    ///
    /// // The resource may not exist yet.
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

    /// Sets what the standard prescribes for an `EventSource` in a browser: every status but 200 is
    /// final, even 503, and so is another content type. After any other end the client reconnects,
    /// as often as it takes. The reconnection time is 3 seconds.
    ///
    /// The delays keep growing, which the standard allows, and keep their bounds.
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

    /// Counts a connection that has ended, and returns how long to wait before the next attempt.
    ///
    /// `open_for` is how long the stream was open; it is ignored if there was none. `decoder` is the
    /// decoder of the stream, for its reconnection time and its count of events. Reset it for the
    /// next connection after this call, not before.
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
        // If this one was never open, the decoder has the counters of the connection before.
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
        // A stable connection has no doublings, yet its delay must be spread, too. Zero would not
        // grow.
        let doublings = self.short_lived.clamp(1, 63);
        let high = low.max(1_000_000).saturating_mul(1 << doublings).clamp(low, max);
        Duration::from_nanos(self.jitter.draw(low, high))
    }

    /// Returns how long a connection must be open to be stable. See
    /// [`with_stable_after`](Self::with_stable_after).
    #[must_use]
    pub fn stable_after(&self) -> Duration {
        self.stable_after
    }

    /// Returns how many attempts in a row have [failed](Self#failures).
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

/// Returns a number that tells IDs apart (FNV-1a). An ID may be large, so it is not kept. If two are
/// taken for one, a delay is longer than it had to be.
const fn fingerprint(id: &str) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    let mut at = 0;
    while at < id.len() {
        hash = (hash ^ id.as_bytes()[at] as u64).wrapping_mul(0x0100_0000_01B3);
        at += 1;
    }
    hash
}

/// Returns the time in nanoseconds, at most 584 years.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A random number generator, `SplitMix64`: it is tiny, and good for every seed, even zero.
#[derive(Clone)]
struct Jitter(u64);

impl Jitter {
    /// Returns a number from `low` to `high`, both included.
    fn draw(&mut self, low: u64, high: u64) -> u64 {
        let distance = u128::from(high - low);
        // Scales the random number by its upper bits, which needs no division.
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

    /// The first numbers that the reference implementation makes of the seed 1234567.
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
