//! The contenders for bodies, each made of a stream that has some events ready at a time.
//!
//! Events are made before the clock starts, as far as a crate allows it. The body drops them.

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    vec,
};

use actix_web::body::MessageBody;
use actix_web_lab::sse as actix;
use axum::response::{IntoResponse as _, sse};
use bytes::Bytes;
use futures_util::Stream;
use http_body::Body;
use sse_stream::SseBody;
use sse_wire::{Encoder, Event, EventBody, EventBuf};

use crate::{
    corpora::Corpus,
    encode::{self, Events},
    measure::{Clock, Contender, Flaw, Outcome, Side},
    sink::{self, Sink},
};

pub const ENCODER: &str = "Encoder";
pub const BODY: &str = "EventBody";
pub const OWNED: &str = "EventBody of EventBuf";

/// Returns the numbers of events that are ready at a time.
pub fn all() -> [(&'static str, usize); 4] {
    [("body-1", 1), ("body-10", 10), ("body-100", 100), ("body-all", usize::MAX)]
}

pub fn contenders(corpus: &Corpus, burst: usize) -> Vec<Contender<'_>> {
    let events = &corpus.events;
    let shared = Arc::new(events.clone());
    let made: Vec<_> =
        events.iter().map(|(event_type, data)| encode::event(event_type, data)).collect();
    let owned: Vec<EventBuf> = made.iter().map(Event::to_buf).collect();
    let encoded = made.clone();
    vec![
        Contender::new(ENCODER, Side::Yardstick, move |clock| {
            run(clock, events, |sink| alone(&encoded, sink))
        }),
        Contender::new(BODY, Side::Ours, move |clock| {
            run(clock, events, |sink| send(made.iter().copied(), burst, EventBody::new, sink))
        }),
        Contender::new(OWNED, Side::Ours, move |clock| {
            // Owned copies, because clones would share their text, and cost less to drop.
            let owned: Vec<_> = owned.iter().map(|event| event.clone().detach()).collect();
            run(clock, events, |sink| send(owned.into_iter(), burst, EventBody::new, sink))
        }),
        Contender::new("axum", Side::Peer, move |clock| {
            // axum encodes an event when it is created.
            let shared = Arc::clone(&shared);
            let events_made = (0..shared.len()).map(move |number| {
                let (event_type, data) = &shared[number];
                let event = sse::Event::default();
                let event = if event_type.is_empty() { event } else { event.event(event_type) };
                Ok::<_, Infallible>(event.data(data))
            });
            let body = |events| sse::Sse::new(events).into_response().into_body();
            run(clock, events, |sink| send(events_made, burst, body, sink))
        }),
        Contender::new("sse-stream", Side::Peer, move |clock| {
            let made = encode::all(events, encode::sse_stream_event);
            let made = made.into_iter().map(Ok::<_, Infallible>);
            run(clock, events, |sink| send(made, burst, SseBody::new, sink))
        }),
        Contender::new("actix-web-lab", Side::Peer, move |clock| {
            let made: vec::IntoIter<actix::Event> = encode::all(events, actix_event).into_iter();
            let body = |events| ActixBody(Box::pin(actix::Sse::from_infallible_stream(events)));
            run(clock, events, |sink| send(made, burst, body, sink))
        }),
    ]
}

fn actix_event(event_type: &'static str, data: &str) -> actix::Event {
    let event = actix::Data::new(data);
    if event_type.is_empty() { event } else { event.event(event_type) }.into()
}

/// Adapts another trait with the same method.
struct ActixBody<S>(Pin<Box<actix::Sse<S>>>);

impl<S: Stream<Item = Result<actix::Event, Infallible>>> Body for ActixBody<S> {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        self.0.as_mut().poll_next(cx).map(|bytes| Some(bytes?.map(http_body::Frame::data)))
    }
}

fn run(clock: &mut Clock, events: &Events, send: impl FnOnce(&mut Sink) -> Outcome) -> Outcome {
    match sink::run(clock, events, send)? {
        0 => Err(Flaw::Wrong("no frames".to_owned())),
        _ => Ok(()),
    }
}

/// Measures encoding alone, without a body.
fn alone(events: &[Event<'_>], sink: &mut Sink) -> Outcome {
    let mut encoder = Encoder::new();
    for event in events {
        encoder.clear();
        encoder.event(*event);
        sink.put(encoder.as_bytes())?;
    }
    Ok(())
}

/// Lets as many events through as the gate allows, and then none until it opens again.
struct Gated<I> {
    events: I,
    gate: Arc<AtomicUsize>,
}

impl<I: Iterator + Unpin> Stream for Gated<I> {
    type Item = I::Item;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        match self.gate.load(Relaxed) {
            0 => Poll::Pending,
            left => {
                self.gate.store(left - 1, Relaxed);
                Poll::Ready(self.events.next())
            }
        }
    }
}

/// Opens the gate for `burst` events and takes the body's frames, repeatedly until the end.
fn send<I: Iterator + Unpin, B: Body<Data = Bytes, Error: std::fmt::Debug>>(
    events: I,
    burst: usize,
    body: impl FnOnce(Gated<I>) -> B,
    sink: &mut Sink,
) -> Outcome {
    let gate = Arc::new(AtomicUsize::new(0));
    let events = Gated { events, gate: Arc::clone(&gate) };
    let mut body = pin!(body(events));
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match body.as_mut().poll_frame(&mut context) {
            Poll::Ready(Some(Ok(frame))) => {
                let data = frame.into_data();
                sink.put(&data.map_err(|_| Flaw::Wrong("trailers".to_owned()))?)?;
            }
            Poll::Ready(Some(Err(error))) => return Err(Flaw::failed(error)),
            Poll::Ready(None) => return Ok(()),
            Poll::Pending => gate.store(burst, Relaxed),
        }
    }
}
