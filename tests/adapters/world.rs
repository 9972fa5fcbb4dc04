//! A server, a network and a clock that the test controls, for `Reconnecting`: hours pass in no time.

use std::{
    cell::RefCell,
    collections::VecDeque,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, future};
use sse_wire::{ConnectRequest, ConnectResponse, Reconnect, ReconnectPolicy, Reconnecting, Timer};

use crate::polling::poll;

pub(crate) const S: Duration = Duration::from_secs(1);

pub(crate) type Response = future::Ready<Result<ConnectResponse<Chunks>, &'static str>>;
pub(crate) type Connect = Box<dyn FnMut(ConnectRequest) -> Response>;
pub(crate) type Following<P = Reconnect> = Reconnecting<Connect, Response, Chunks, Clock, P>;

/// What the server does with one connection.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Refuse,
    Answer {
        status: u16,
        content_type: Option<&'static str>,
        retry_after: Option<&'static str>,
        encoding: Option<&'static str>,
        body: Vec<Step>,
    },
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Chunk(Bytes),
    Send(&'static str),
    Wait(Duration),
    Reset,
}
pub(crate) use Step::{Reset, Send, Wait};

pub(crate) fn stream_of(body: &[Step]) -> Reply {
    let (content_type, body) = (Some("text/event-stream"), body.to_vec());
    Reply::Answer { status: 200, content_type, retry_after: None, encoding: None, body }
}

pub(crate) fn status(status: u16, retry_after: Option<&'static str>) -> Reply {
    Reply::Answer {
        status,
        content_type: Some("text/plain"),
        retry_after,
        encoding: None,
        body: vec![Send("data: x\n\n")],
    }
}

/// The server, the clock, and what the client has done.
#[derive(Clone, Default)]
pub(crate) struct World(pub(crate) Rc<RefCell<Inner>>);

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) now: Duration,
    /// The first time at which something that was polled wants to be polled again.
    pub(crate) wake_at: Option<Duration>,
    pub(crate) script: VecDeque<Reply>,
    /// When a client connected, and with which ID.
    pub(crate) connected: Vec<(Duration, Option<String>)>,
    /// Bodies that have not been dropped.
    pub(crate) open: usize,
}

impl World {
    pub(crate) fn new(script: impl IntoIterator<Item = Reply>) -> Self {
        let world = Self::default();
        world.0.borrow_mut().script.extend(script);
        world
    }

    /// Starts a connection. When the script is over, the server wants no more.
    pub(crate) fn connect(
        &self,
        request: &ConnectRequest,
    ) -> Result<ConnectResponse<Chunks>, &'static str> {
        let mut world = self.0.borrow_mut();
        let now = world.now;
        world.connected.push((now, request.last_event_id().map(|id| id.as_str().to_owned())));
        match world.script.pop_front().unwrap_or_else(|| status(204, None)) {
            Reply::Refuse => Err("refused"),
            Reply::Answer { status, content_type, retry_after, encoding, body } => {
                world.open += 1;
                drop(world);
                let chunks = Chunks { world: self.clone(), steps: body.into(), until: None };
                Ok(ConnectResponse::new(status, content_type, chunks)
                    .with_retry_after(retry_after)
                    .with_content_encoding(encoding))
            }
        }
    }

    pub(crate) fn events<P: ReconnectPolicy<&'static str>>(&self, policy: P) -> Following<P> {
        let world = self.clone();
        let connect: Connect = Box::new(move |request| future::ready(world.connect(&request)));
        Reconnecting::new(connect, policy, self.clock())
    }

    pub(crate) fn clock(&self) -> Clock {
        Clock { world: self.clone(), started: Duration::ZERO, deadline: None }
    }

    /// The next item. While there is none, time passes.
    pub(crate) fn next<T: Stream>(&self, mut stream: Pin<&mut T>) -> Option<T::Item> {
        loop {
            self.0.borrow_mut().wake_at = None;
            if let Poll::Ready(item) = poll(stream.as_mut()) {
                return item;
            }
            let mut world = self.0.borrow_mut();
            world.now = world.wake_at.expect("it waits for nothing").max(world.now);
        }
    }

    pub(crate) fn collect<T: Stream>(&self, mut stream: Pin<&mut T>) -> Vec<T::Item> {
        std::iter::from_fn(|| self.next(stream.as_mut())).collect()
    }

    pub(crate) fn now(&self) -> Duration {
        self.0.borrow().now
    }

    pub(crate) fn ids(&self) -> Vec<Option<String>> {
        self.0.borrow().connected.iter().map(|(_, id)| id.clone()).collect()
    }

    /// The times between the connections.
    pub(crate) fn gaps(&self) -> Vec<Duration> {
        let world = self.0.borrow();
        world.connected.windows(2).map(|pair| pair[1].0.saturating_sub(pair[0].0)).collect()
    }

    /// Ready at this time.
    fn wait_until(&self, time: Duration) -> Poll<()> {
        let mut world = self.0.borrow_mut();
        if time <= world.now {
            return Poll::Ready(());
        }
        world.wake_at = Some(world.wake_at.map_or(time, |other| other.min(time)));
        Poll::Pending
    }
}

pub(crate) struct Clock {
    world: World,
    started: Duration,
    deadline: Option<Duration>,
}

impl Timer for Clock {
    fn reset(mut self: Pin<&mut Self>, time: Duration) {
        self.started = self.world.now();
        self.deadline = Some(self.started.saturating_add(time));
    }

    fn since_reset(&self) -> Duration {
        self.world.now().saturating_sub(self.started)
    }

    fn poll_elapsed(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.world.wait_until(self.deadline.expect("polled before it was set"))
    }
}

pub(crate) struct Chunks {
    pub(crate) world: World,
    pub(crate) steps: VecDeque<Step>,
    pub(crate) until: Option<Duration>,
}

impl Stream for Chunks {
    type Item = Result<Bytes, &'static str>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(until) = self.until {
                std::task::ready!(self.world.wait_until(until));
                self.until = None;
            }
            return Poll::Ready(match self.steps.pop_front() {
                Some(Send(text)) => Some(Ok(Bytes::from_static(text.as_bytes()))),
                Some(Step::Chunk(chunk)) => Some(Ok(chunk)),
                Some(Reset) => Some(Err("reset")),
                Some(Wait(time)) => {
                    self.until = Some(self.world.now() + time);
                    continue;
                }
                None => None,
            });
        }
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        self.world.0.borrow_mut().open -= 1;
    }
}
