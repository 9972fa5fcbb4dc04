//! The question of a client after each attempt: how long to wait, or to give up.

use alloc::boxed::Box;
use core::{any::Any, convert::Infallible, fmt, time::Duration};

use thiserror::Error;

use super::connection_end::ConnectionEnd;
use crate::{decode::Decoder, wire::Shortened};

/// One attempt to read the stream: how it ended, and what it brought. A [`ReconnectPolicy`] decides
/// on it.
///
/// `E` is the error of the transport.
///
/// ```
/// use std::{io, time::Duration};
///
/// use sse_wire::{Attempt, ConnectionEnd, Decoder};
///
/// let mut decoder = Decoder::new();
/// let sent_id = decoder.last_event_id().to_owned();
/// assert!(decoder.feed(b"id: 1\ndata: a\n\n").next_event()?.is_some());
///
/// let error = io::Error::from(io::ErrorKind::ConnectionReset);
/// let attempt = Attempt::new(&sent_id, &decoder, &ConnectionEnd::Lost, Duration::from_secs(9))
///     .with_error(&error);
/// assert_eq!(attempt.end(), &ConnectionEnd::Lost);
/// assert_eq!(attempt.open_for(), Duration::from_secs(9));
/// assert_eq!(attempt.error().unwrap().kind(), io::ErrorKind::ConnectionReset);
/// assert!(attempt.brought_news());
/// # Ok::<_, sse_wire::DecodeError>(())
/// ```
pub struct Attempt<'a, E: ?Sized = Infallible> {
    sent_id: &'a str,
    decoder: &'a Decoder,
    end: &'a ConnectionEnd,
    open_for: Duration,
    error: Option<&'a E>,
}

impl<'a> Attempt<'a> {
    /// Creates an attempt without an error of the transport.
    ///
    /// - `sent_id` is the last event ID that the request sent, empty if there was none.
    /// - `decoder` is the decoder of the stream, before it is reset for the next attempt.
    /// - `open_for` is the time for which the stream was open. It is ignored if the stream never
    ///   opened.
    #[must_use]
    pub const fn new(
        sent_id: &'a str,
        decoder: &'a Decoder,
        end: &'a ConnectionEnd,
        open_for: Duration,
    ) -> Self {
        Self { sent_id, decoder, end, open_for, error: None }
    }
}

impl<'a, E: ?Sized> Attempt<'a, E> {
    /// Sets the error of the transport.
    ///
    /// See [`Attempt`] for an example.
    #[must_use]
    pub const fn with_error<F: ?Sized>(self, error: &'a F) -> Attempt<'a, F> {
        self.replace_error(Some(error))
    }

    pub(crate) const fn replace_error<F: ?Sized>(self, error: Option<&'a F>) -> Attempt<'a, F> {
        let Self { sent_id, decoder, end, open_for, .. } = self;
        Attempt { sent_id, decoder, end, open_for, error }
    }

    /// Returns how the attempt ended.
    ///
    /// See [`Attempt`] for an example.
    #[must_use]
    pub const fn end(&self) -> &'a ConnectionEnd {
        self.end
    }

    /// Returns the error of the transport, if there is one.
    ///
    /// See [`Attempt`] for an example.
    #[must_use]
    pub const fn error(&self) -> Option<&'a E> {
        self.error
    }

    /// Returns the time for which the stream was open; zero if it never opened.
    ///
    /// See [`Attempt`] for an example.
    #[must_use]
    pub fn open_for(&self) -> Duration {
        if self.end.was_open() { self.open_for } else { Duration::ZERO }
    }

    /// Returns the decoder of the stream, for its reconnection time and its statistics. If the
    /// stream never opened, the statistics may be those of an earlier attempt.
    #[must_use]
    pub const fn decoder(&self) -> &'a Decoder {
        self.decoder
    }

    /// Returns `true` if the attempt brought an event or a last event ID other than the one that
    /// the request sent.
    ///
    /// See [`Attempt`] for an example.
    #[must_use]
    pub fn brought_news(&self) -> bool {
        let has_new_id = self.decoder.last_event_id() != self.sent_id;
        self.end.was_open() && (has_new_id || self.decoder.stats().events > 0)
    }

    /// Returns the reason for a policy that makes no further attempt after this one.
    ///
    /// See [`ReconnectPolicy`] for an example.
    #[must_use]
    pub fn give_up(&self) -> GaveUp {
        GaveUp::Final(self.end.clone())
    }
}

impl Attempt<'_, dyn Any> {
    /// Returns the error of the transport if there is one and it has this type.
    ///
    /// See [`Reconnect::with_retry_if`](crate::Reconnect::with_retry_if) for an example.
    #[must_use]
    pub fn error_as<E: 'static>(&self) -> Option<&E> {
        self.error?.downcast_ref()
    }
}

impl<E: ?Sized> Clone for Attempt<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E: ?Sized> Copy for Attempt<'_, E> {}

impl<E: ?Sized> fmt::Debug for Attempt<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("sent_id", &Shortened(self.sent_id))
            .field("end", self.end)
            .field("open_for", &self.open_for)
            .field("decoder", self.decoder)
            .finish_non_exhaustive()
    }
}

/// The reconnection policy of a client: after each attempt it decides to make another one after a
/// delay, or to give up. `E` is the error of the transport.
///
/// [`Reconnect`](crate::Reconnect) is the policy for most clients. A closure is a policy, too, and so
/// is a boxed policy, for clients whose users bring their own:
///
/// ```
/// use std::{io, time::Duration};
///
/// use sse_wire::{Attempt, ConnectionEnd, Decoder, Reconnect, ReconnectPolicy};
///
/// // Three attempts, ten seconds apart.
/// let mut attempts = 0;
/// let fixed = move |attempt: &Attempt<'_, io::Error>| {
///     attempts += 1;
///     if attempts < 3 { Ok(Duration::from_secs(10)) } else { Err(attempt.give_up()) }
/// };
/// let mut policies: [Box<dyn ReconnectPolicy<io::Error> + Send>; 2] =
///     [Box::new(fixed), Box::new(Reconnect::never())];
///
/// let (decoder, error) = (Decoder::new(), io::Error::from(io::ErrorKind::TimedOut));
/// let attempt = Attempt::new("", &decoder, &ConnectionEnd::Lost, Duration::ZERO);
/// let attempt = attempt.with_error(&error);
/// assert_eq!(policies[0].next_delay(&attempt), Ok(Duration::from_secs(10)));
/// assert!(policies[1].next_delay(&attempt).is_err());
/// ```
pub trait ReconnectPolicy<E> {
    /// Records an attempt that has ended, and returns the delay before the next one.
    ///
    /// # Errors
    ///
    /// Returns the reason if there shall be no further attempt.
    fn next_delay(&mut self, attempt: &Attempt<'_, E>) -> Result<Duration, GaveUp>;
}

impl<E, F> ReconnectPolicy<E> for F
where
    F: FnMut(&Attempt<'_, E>) -> Result<Duration, GaveUp>,
{
    fn next_delay(&mut self, attempt: &Attempt<'_, E>) -> Result<Duration, GaveUp> {
        self(attempt)
    }
}

/// Not for every `Box<P>`, because a boxed closure is a closure.
macro_rules! boxed_policies {
    ($($policy:ty),+) => {
        $(
            impl<E> ReconnectPolicy<E> for Box<$policy> {
                fn next_delay(&mut self, attempt: &Attempt<'_, E>) -> Result<Duration, GaveUp> {
                    (**self).next_delay(attempt)
                }
            }
        )+
    };
}

boxed_policies!(
    dyn ReconnectPolicy<E>,
    dyn ReconnectPolicy<E> + Send,
    dyn ReconnectPolicy<E> + Send + Sync
);

/// The reason why a [`ReconnectPolicy`] gave up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum GaveUp {
    /// The last attempt ended in a way that the policy takes for final.
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
    /// See [`Reconnect`](crate::Reconnect) for an example of a client that gives up.
    #[must_use]
    pub fn end(&self) -> &ConnectionEnd {
        match self {
            Self::Final(end) | Self::TooManyAttempts { last: end, .. } => end,
        }
    }
}
