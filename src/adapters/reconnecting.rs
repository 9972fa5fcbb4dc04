//! A stream of events that reconnects.

use alloc::borrow::ToOwned;
use core::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::{
    connect::{ConnectRequest, ConnectResponse},
    error::StreamError,
    stream::EventStream,
    timer::Timer,
};
use crate::{
    decode::Decoder,
    error::DecodeError,
    event::EventBuf,
    resume::{ConnectionEnd, GaveUp, Reconnect},
};

/// An event, or a change in the state of a [`Reconnecting`] stream. See
/// [`updates`](Reconnecting::updates).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReconnectUpdate<E> {
    /// The stream connects.
    Connecting,
    /// The response is an event stream.
    Open,
    /// An event came.
    Event(EventBuf),
    /// The connection ended, or there was none. The next attempt follows after the delay.
    Waiting {
        /// The time until the next attempt.
        delay: Duration,
        /// The way the connection ended.
        end: ConnectionEnd,
        /// The error that ended it, if one did.
        error: Option<StreamError<E>>,
    },
}

/// The error of a [`Reconnecting`] stream. `E` is the error of the transport.
///
/// The [`source`](core::error::Error::source) chain reaches what the transport failed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReconnectError<E> {
    /// The stream is over: it gave up.
    GaveUp {
        /// The reason.
        reason: GaveUp,
        /// The error that ended the last connection, if one did.
        error: Option<StreamError<E>>,
    },
    /// A block was refused, and the stream goes on: its decoder
    /// [skips](crate::OnError::SkipBlock) such blocks.
    Skipped(DecodeError),
}

impl<E> fmt::Display for ReconnectError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GaveUp { reason, .. } => reason.fmt(f),
            Self::Skipped(error) => error.fmt(f),
        }
    }
}

impl<E> core::error::Error for ReconnectError<E>
where
    E: fmt::Debug,
    StreamError<E>: core::error::Error + 'static,
{
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::GaveUp { error, .. } => error.as_ref().map(|error| error as _),
            Self::Skipped(_) => None,
        }
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, S> {
        // The next attempt is made once the timer has elapsed; the first, at once.
        Disconnected {
            waits: bool,
        },
        Connecting {
            #[pin]
            response: F,
        },
        // The response came before the stream was made. It is taken by the first poll.
        Responded {
            response: Option<ConnectResponse<S>>,
        },
        // The timer runs until the connection is stable.
        Open {
            #[pin]
            events: EventStream<S>,
            is_stable: bool,
        },
        // The body of the last response, if it was no event stream.
        Closed {
            body: Option<S>,
        },
    }
}

pin_project! {
    /// A stream of events that reconnects when it is cut.
    ///
    /// It takes a function that connects, a policy and a timer, and works with every client and
    /// runtime. This example needs the features `http-body`, for `from_http`, and `tokio`:
    ///
    /// ```no_run
    /// use std::pin::pin;
    ///
    /// use futures_util::StreamExt;
    /// use sse_wire::{ConnectRequest, ConnectResponse, Reconnect, Reconnecting, TokioTimer};
    ///
    /// # async fn follow() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = reqwest::Client::new();
    /// let connect = |request: ConnectRequest| {
    ///     let get = client.get("https://example.org/events");
    ///     let get = request.headers().fold(get, |get, (name, value)| get.header(name, value));
    ///     async { get.send().await.map(ConnectResponse::from_http) }
    /// };
    /// let mut events = pin!(Reconnecting::new(connect, Reconnect::new(), TokioTimer::new()));
    /// while let Some(event) = events.next().await {
    ///     println!("{}", event?.data());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// When a connection ends, the stream waits as long as the [policy](Reconnect) says, and
    /// connects again with the last event ID, so that the server can continue where it was cut. The
    /// stream does not return the incomplete event. When the policy gives up, the last item is the
    /// reason, as a [`ReconnectError`]. To see what happens in between, use [`updates`](Self::updates).
    ///
    /// Requests are repeated, so they must be safe to repeat. For the answer of a model to a
    /// `POST`, use a plain [`EventStream`]. This stream has no timeout. Set one in the client,
    /// such as reqwest's `read_timeout`. Otherwise a dead connection stays open forever.
    ///
    /// The stream is `Send`, `Sync` and `Unpin` if its parts are; nothing is boxed. The future of
    /// an `async` block is not `Unpin`, hence the [`pin!`](core::pin::pin).
    #[must_use = "streams do nothing until they are polled"]
    pub struct Reconnecting<C, F, S, K> {
        connect: C,
        #[pin]
        state: State<F, S>,
        policy: Reconnect,
        #[pin]
        timer: K,
        // While a connection is open, its stream has the decoder, and this is an empty one.
        decoder: Decoder,
    }
}

impl<C, F, S, K> Reconnecting<C, F, S, K> {
    /// Sets the decoder: its options, and the last event ID to start with.
    ///
    /// A decoder that was used before keeps its last event ID and reconnection time. With
    /// [`AtEnd::Dispatch`](crate::AtEnd::Dispatch), an event that the end of a connection cut off
    /// counts as complete. A client that resumes rarely wants that.
    ///
    /// ```
    /// # use futures_util::stream::Empty;
    /// use sse_wire::{Decoder, EventId, NoTimer, Reconnect, Reconnecting};
    /// # use sse_wire::{ConnectRequest, ConnectResponse};
    ///
    /// # type Chunks = Empty<Result<&'static [u8], ()>>;
    /// # async fn connect(_: ConnectRequest) -> Result<ConnectResponse<Chunks>, ()> {
    /// #     Err(())
    /// # }
    /// let decoder = Decoder::builder().last_event_id(EventId::from_static("41")).build();
    /// let events = Reconnecting::new(connect, Reconnect::new(), NoTimer).with_decoder(decoder);
    /// assert_eq!(events.last_event_id(), "41");
    /// ```
    pub fn with_decoder(self, decoder: Decoder) -> Self {
        Self { decoder, ..self }
    }

    /// Returns a stream of the events and of the changes of state between them.
    ///
    /// ```
    /// use std::pin::pin;
    ///
    /// use futures_util::{StreamExt, stream};
    /// use sse_wire::{
    ///     ConnectRequest, ConnectResponse, Reconnect, ReconnectUpdate, Reconnecting, TokioTimer,
    /// };
    ///
    /// // A server with one event, which answers 204 to a client that has it.
    /// let connect = |request: ConnectRequest| async move {
    ///     let status = if request.last_event_id().is_none() { 200 } else { 204 };
    ///     let chunks = stream::iter([Ok::<_, std::io::Error>("id: 1\ndata: a\n\n")]);
    ///     Ok(ConnectResponse::new(status, Some("text/event-stream"), chunks))
    /// };
    /// # tokio::runtime::Builder::new_current_thread()
    /// #     .enable_time()
    /// #     .start_paused(true)
    /// #     .build()
    /// #     .unwrap()
    /// #     .block_on(async {
    /// let events = Reconnecting::new(connect, Reconnect::new(), TokioTimer::new());
    /// let mut updates = pin!(events.updates());
    /// let mut log = Vec::new();
    /// while let Some(update) = updates.next().await {
    ///     log.push(match update {
    ///         Ok(ReconnectUpdate::Connecting) => "connecting".to_owned(),
    ///         Ok(ReconnectUpdate::Open) => "open".to_owned(),
    ///         Ok(ReconnectUpdate::Event(event)) => format!("event: {}", event.data()),
    ///         Ok(ReconnectUpdate::Waiting { end, .. }) => format!("waiting: {end}"),
    ///         Ok(_) => continue,
    ///         Err(error) => format!("closed: {error}"),
    ///     });
    /// }
    /// assert_eq!(log, [
    ///     "connecting",
    ///     "open",
    ///     "event: a",
    ///     "waiting: the stream ended",
    ///     "connecting",
    ///     "closed: the server asked not to reconnect",
    /// ]);
    /// # });
    /// ```
    pub fn updates(self) -> ReconnectUpdates<Self> {
        ReconnectUpdates { events: self }
    }

    /// Returns the last event ID of the events that were taken, which the next request sends.
    pub fn last_event_id(&self) -> &str {
        self.decoder().last_event_id()
    }

    /// Returns the decoder, for its reconnection time, its statistics, and the first bytes of a
    /// body that is not an event stream. While there is no connection, they are those of the last
    /// one.
    pub fn decoder(&self) -> &Decoder {
        match &self.state {
            State::Open { events, .. } => events.decoder(),
            _ => &self.decoder,
        }
    }

    /// Returns the body of the response for which the stream gave up, if the response was not an
    /// event stream: a JSON error, or a plain JSON answer.
    ///
    /// The body can be taken once. Until then, and until the stream is dropped, the connection
    /// stays open.
    ///
    /// ```
    /// use std::pin::pin;
    ///
    /// use futures_util::{StreamExt, stream};
    /// use sse_wire::{ConnectRequest, ConnectResponse, NoTimer, Reconnect, Reconnecting};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let connect = |_: ConnectRequest| async {
    ///     let chunks = stream::iter([Ok::<_, std::io::Error>("{\"error\":\"no such model\"}")]);
    ///     Ok(ConnectResponse::new(404, Some("application/json"), chunks))
    /// };
    /// let mut events = pin!(Reconnecting::new(connect, Reconnect::new(), NoTimer));
    /// assert!(events.next().await.unwrap().is_err());
    /// let mut body = events.as_mut().take_refused().expect("the body");
    /// assert_eq!(body.next().await.unwrap().unwrap(), "{\"error\":\"no such model\"}");
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn take_refused(self: Pin<&mut Self>) -> Option<S> {
        match self.project().state.project() {
            StateProjection::Closed { body } => body.take(),
            _ => None,
        }
    }

    /// Returns the policy, for its count of failures.
    ///
    /// See [`Reconnect`] for an example.
    pub fn policy(&self) -> &Reconnect {
        &self.policy
    }
}

impl<C, F, S, B, E, K> Reconnecting<C, F, S, K>
where
    C: FnMut(ConnectRequest) -> F,
    F: Future<Output = Result<ConnectResponse<S>, E>>,
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
    K: Timer,
{
    /// Creates the stream. It connects when it is first polled.
    ///
    /// `connect` sends a request and returns a future of the response. The future fails only if
    /// there is no response; a status such as 503 is a response.
    pub fn new(connect: C, policy: Reconnect, timer: K) -> Self {
        Self {
            connect,
            state: State::Disconnected { waits: false },
            policy,
            timer,
            decoder: Decoder::new(),
        }
    }

    /// Starts from a response that has come already, without a call of `connect`.
    ///
    /// Use it for protocols that begin with another request than the one that resumes. In MCP, a
    /// `POST` makes a call, and a `GET` brings the rest of its stream.
    ///
    /// ```
    /// use futures_util::{StreamExt, stream};
    /// use sse_wire::{ConnectRequest, ConnectResponse, Reconnect, Reconnecting, TokioTimer};
    ///
    /// # tokio::runtime::Builder::new_current_thread()
    /// #     .enable_time()
    /// #     .start_paused(true)
    /// #     .build()
    /// #     .unwrap()
    /// #     .block_on(async {
    /// let chunks = |text| stream::iter([Ok::<_, std::io::Error>(text)]);
    /// let posted = ConnectResponse::new(200, Some("text/event-stream"), chunks("id: 1\n\n"));
    /// let get = |request: ConnectRequest| {
    ///     assert_eq!(request.last_event_id().unwrap().as_str(), "1");
    ///     let rest = chunks("data: the rest\n\n");
    ///     std::future::ready(Ok(ConnectResponse::new(200, Some("text/event-stream"), rest)))
    /// };
    /// let events = Reconnecting::new(get, Reconnect::new(), TokioTimer::new());
    /// let mut events = std::pin::pin!(events.with_response(posted));
    /// assert_eq!(events.next().await.unwrap().unwrap().data(), "the rest");
    /// # });
    /// ```
    pub fn with_response(self, response: ConnectResponse<S>) -> Self {
        Self { state: State::Responded { response: Some(response) }, ..self }
    }

    fn poll_update(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<ReconnectUpdate<E>, ReconnectError<E>>>> {
        let mut this = self.as_mut().project();
        let response = match this.state.as_mut().project() {
            StateProjection::Disconnected { waits } => {
                if *waits {
                    ready!(this.timer.poll_elapsed(cx));
                }
                let last_event_id = this.decoder.last_event_id().to_owned();
                let response = (this.connect)(ConnectRequest { last_event_id });
                this.state.set(State::Connecting { response });
                return Poll::Ready(Some(Ok(ReconnectUpdate::Connecting)));
            }
            StateProjection::Connecting { response } => ready!(response.poll(cx)),
            StateProjection::Responded { response } => match response.take() {
                Some(response) => Ok(response),
                // The timer has panicked when the response was taken.
                None => return Poll::Ready(None),
            },
            StateProjection::Open { mut events, is_stable } => {
                let event = events.as_mut().poll_next(cx);
                if let Poll::Ready(Some(Ok(event))) = event {
                    return Poll::Ready(Some(Ok(ReconnectUpdate::Event(event))));
                }
                // Not before every event: it is enough while the stream is silent and at its end.
                if !*is_stable {
                    *is_stable = this.timer.as_mut().poll_elapsed(cx).is_ready();
                }
                let error = ready!(event).and_then(Result::err);
                let end = match error {
                    None | Some(StreamError::Incomplete(_) | StreamError::NotEventStream(_)) => {
                        ConnectionEnd::of_stream(events.decoder())
                    }
                    Some(StreamError::Transport(_)) => ConnectionEnd::Lost,
                    Some(StreamError::Decode(error)) if events.decoder().has_failed() => {
                        ConnectionEnd::Decode(error.kind())
                    }
                    Some(StreamError::Decode(error)) => {
                        return Poll::Ready(Some(Err(ReconnectError::Skipped(error))));
                    }
                };
                let stable_after = this.policy.stable_after();
                let open_for = if *is_stable { stable_after } else { Duration::ZERO };
                *this.decoder = events.take_decoder();
                return Poll::Ready(Some(self.disconnect(end, error, open_for, None)));
            }
            StateProjection::Closed { .. } => return Poll::Ready(None),
        };
        Poll::Ready(Some(match response {
            Ok(ConnectResponse { end: None, chunks }) => {
                this.decoder.reset_for_reconnect();
                let events = EventStream::with_decoder(chunks, mem::take(this.decoder));
                let stable_after = this.policy.stable_after();
                this.timer.reset(stable_after);
                this.state.set(State::Open { events, is_stable: stable_after.is_zero() });
                Ok(ReconnectUpdate::Open)
            }
            Ok(ConnectResponse { end: Some(end), chunks }) => {
                // A 204 has no body.
                let has_body = !matches!(end, ConnectionEnd::Status { code: 204, .. });
                self.disconnect(end, None, Duration::ZERO, has_body.then_some(chunks))
            }
            Err(error) => {
                let error = Some(StreamError::Transport(error));
                self.disconnect(ConnectionEnd::NoResponse, error, Duration::ZERO, None)
            }
        }))
    }

    /// Waits for the next attempt, or gives up, as the policy says.
    fn disconnect(
        self: Pin<&mut Self>,
        end: ConnectionEnd,
        error: Option<StreamError<E>>,
        open_for: Duration,
        body: Option<S>,
    ) -> Result<ReconnectUpdate<E>, ReconnectError<E>> {
        let mut this = self.project();
        match this.policy.next_delay(&end, open_for, this.decoder) {
            Ok(delay) => {
                this.timer.reset(delay);
                this.state.set(State::Disconnected { waits: true });
                Ok(ReconnectUpdate::Waiting { delay, end, error })
            }
            Err(reason) => {
                this.state.set(State::Closed { body });
                Err(ReconnectError::GaveUp { reason, error })
            }
        }
    }
}

impl<C, F, S, B, E, K> Stream for Reconnecting<C, F, S, K>
where
    C: FnMut(ConnectRequest) -> F,
    F: Future<Output = Result<ConnectResponse<S>, E>>,
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
    K: Timer,
{
    type Item = Result<EventBuf, ReconnectError<E>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut is_first = true;
        loop {
            let item = match ready!(self.as_mut().poll_update(cx)) {
                Some(Ok(ReconnectUpdate::Event(event))) => Some(Ok(event)),
                Some(Ok(ReconnectUpdate::Connecting)) if !is_first => {
                    // One attempt in each poll: with connections that fail at once and a timer
                    // that never waits, this loop would not end.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Ok(_)) => {
                    is_first = false;
                    continue;
                }
                Some(Err(error)) => Some(Err(error)),
                None => None,
            };
            return Poll::Ready(item);
        }
    }
}

impl<C, F, S, K> FusedStream for Reconnecting<C, F, S, K>
where
    Self: Stream,
{
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }
}

impl<C, F, S, K> fmt::Debug for Reconnecting<C, F, S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Disconnected { waits: false } => "Idle",
            State::Disconnected { waits: true } => "Waiting",
            State::Connecting { .. } | State::Responded { .. } => "Connecting",
            State::Open { .. } => "Open",
            State::Closed { .. } => "Closed",
        };
        f.debug_struct("Reconnecting")
            .field("state", &format_args!("{state}"))
            .field("policy", &self.policy)
            .field("decoder", self.decoder())
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// The events of a [`Reconnecting`] stream and the changes of state between them. See
    /// [`updates`](Reconnecting::updates).
    #[derive(Debug)]
    #[must_use = "streams do nothing until they are polled"]
    pub struct ReconnectUpdates<R> {
        #[pin]
        events: R,
    }
}

impl<R> ReconnectUpdates<R> {
    /// Returns the [`Reconnecting`] stream, for its decoder and its policy.
    pub fn get_ref(&self) -> &R {
        &self.events
    }
}

impl<C, F, S, B, E, K> Stream for ReconnectUpdates<Reconnecting<C, F, S, K>>
where
    C: FnMut(ConnectRequest) -> F,
    F: Future<Output = Result<ConnectResponse<S>, E>>,
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
    K: Timer,
{
    type Item = Result<ReconnectUpdate<E>, ReconnectError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.project().events.poll_update(cx)
    }
}
