//! The contenders for encoding: one event after the other, into a reused buffer if the interface
//! has one.
//!
//! Values are made before the clock starts. References need none.

use std::{convert::Infallible, fmt::Write as _, hint::black_box, sync::Arc};

use axum::response::{IntoResponse as _, sse};
use bytes::BytesMut;
use futures_util::stream;
use sse_wire::{Decoder, Encoder, Event, EventType};

use crate::{
    corpora::Corpus,
    drain::drain,
    measure::{Clock, Contender, Flaw, Outcome, Side},
    sink::{self, Sink},
};

pub const REUSED: &str = "Encoder";
pub const FRAMES: &str = "Encoder::take";
pub const EXTEND: &str = "extend_from_slice";

pub type Events = Vec<(&'static str, String)>;

/// Returns the number of bytes of the encoded events.
pub fn encoded_len(events: &Events) -> usize {
    let mut encoder = Encoder::new();
    for (event_type, data) in events {
        encoder.event(event(event_type, data));
    }
    encoder.as_bytes().len()
}

pub fn contenders(corpus: &Corpus) -> Vec<Contender<'_>> {
    let events = &corpus.events;
    let shared = Arc::new(events.clone());
    vec![
        Contender::new("memcpy-hot", Side::Yardstick, move |clock| copy(clock, events)),
        lent("write!", Side::Yardstick, events, write),
        lent(EXTEND, Side::Yardstick, events, extend),
        ours(REUSED, events, reused),
        ours(FRAMES, events, frames),
        Contender::new("axum", Side::Peer, move |clock| {
            run(clock, events, |sink| axum(Arc::clone(&shared), sink))
        }),
        owned("sse-stream", events, sse_stream_event, sse_stream),
        owned("russe", events, russe_event, russe),
        owned("sse-codec", events, sse_codec_event, sse_codec),
    ]
}

fn lent<'a>(
    name: &'static str,
    side: Side,
    events: &'a Events,
    encode: fn(&Events, &mut Sink) -> Outcome,
) -> Contender<'a> {
    Contender::new(name, side, move |clock| run(clock, events, |sink| encode(events, sink)))
}

/// Our events are references that are made once. Their types are checked then, like constants.
fn ours<'a>(
    name: &'static str,
    events: &'a Events,
    encode: fn(&[Event<'_>], &mut Sink) -> Outcome,
) -> Contender<'a> {
    let made: Vec<_> = events.iter().map(|(event_type, data)| event(event_type, data)).collect();
    Contender::new(name, Side::Ours, move |clock| run(clock, events, |sink| encode(&made, sink)))
}

fn owned<'a, E: 'a>(
    name: &'static str,
    events: &'a Events,
    make: fn(&'static str, &str) -> E,
    encode: fn(Vec<E>, &mut Sink) -> Outcome,
) -> Contender<'a> {
    Contender::new(name, Side::Peer, move |clock| {
        let made = all(events, make);
        run(clock, events, |sink| encode(made, sink))
    })
}

/// Makes all events of a corpus.
pub fn all<E>(events: &Events, make: fn(&'static str, &str) -> E) -> Vec<E> {
    events.iter().map(|(event_type, data)| make(event_type, data)).collect()
}

fn run(clock: &mut Clock, events: &Events, encode: impl FnOnce(&mut Sink) -> Outcome) -> Outcome {
    match sink::run(clock, events, encode)? {
        puts if puts == events.len() => Ok(()),
        puts => Err(Flaw::Wrong(format!("{puts} of {} events", events.len()))),
    }
}

/// Returns an error if the bytes do not decode to the events.
pub fn check(bytes: &[u8], expected: &Events) -> Outcome {
    let mut decoder = Decoder::new();
    let mut events = decoder.feed(bytes);
    for (number, (event_type, data)) in expected.iter().enumerate() {
        let event = events.next_event().map_err(Flaw::failed)?;
        let is_same = event.is_some_and(|event| {
            event.data() == data && event.event_field().unwrap_or_default() == *event_type
        });
        if !is_same {
            return Err(Flaw::Wrong(format!("event {number} is another one")));
        }
    }
    Ok(())
}

/// Measures the least possible work: copying the data to a place in the cache.
fn copy(clock: &mut Clock, events: &Events) -> Outcome {
    let mut buffer = Vec::new();
    clock.time(|_| {
        for (_, data) in events {
            buffer.clear();
            buffer.extend_from_slice(data.as_bytes());
            black_box(&buffer);
        }
    });
    Ok(())
}

/// Measures the obvious code without a library.
fn write(events: &Events, sink: &mut Sink) -> Outcome {
    let mut buffer = String::new();
    for (event_type, data) in events {
        buffer.clear();
        if !event_type.is_empty() {
            writeln!(buffer, "event: {event_type}").map_err(Flaw::failed)?;
        }
        for line in data.split('\n') {
            writeln!(buffer, "data: {line}").map_err(Flaw::failed)?;
        }
        buffer.push('\n');
        sink.put(buffer.as_bytes())?;
    }
    Ok(())
}

/// Does the same without the cost of formatting.
fn extend(events: &Events, sink: &mut Sink) -> Outcome {
    let mut buffer = Vec::new();
    for (event_type, data) in events {
        buffer.clear();
        if !event_type.is_empty() {
            buffer.extend_from_slice(b"event: ");
            buffer.extend_from_slice(event_type.as_bytes());
            buffer.push(b'\n');
        }
        for line in data.split('\n') {
            buffer.extend_from_slice(b"data: ");
            buffer.extend_from_slice(line.as_bytes());
            buffer.push(b'\n');
        }
        buffer.push(b'\n');
        sink.put(&buffer)?;
    }
    Ok(())
}

pub fn event<'a>(event_type: &'static str, data: &'a str) -> Event<'a> {
    match event_type {
        "" => Event::new(data),
        name => Event::new(data).with_event_type(EventType::from_static(name)),
    }
}

fn reused(events: &[Event<'_>], sink: &mut Sink) -> Outcome {
    let mut encoder = Encoder::new();
    for event in events {
        encoder.clear();
        encoder.event(*event);
        sink.put(encoder.as_bytes())?;
    }
    Ok(())
}

fn frames(events: &[Event<'_>], sink: &mut Sink) -> Outcome {
    let mut encoder = Encoder::new();
    for event in events {
        encoder.event(*event);
        sink.put(encoder.take().as_bytes())?;
    }
    Ok(())
}

/// axum encodes an event when it is created, and sends it in the body of a response.
fn axum(events: Arc<Events>, sink: &mut Sink) -> Outcome {
    let events = (0..events.len()).map(move |number| {
        let (event_type, data) = &events[number];
        let event = sse::Event::default();
        let event = if event_type.is_empty() { event } else { event.event(event_type) };
        Ok::<_, Infallible>(event.data(data))
    });
    let response = sse::Sse::new(stream::iter(events)).into_response();
    drain(response.into_body().into_data_stream(), |event| sink.put(&event.map_err(Flaw::failed)?))
}

pub fn sse_stream_event(event_type: &'static str, data: &str) -> sse_stream::Sse {
    let event = sse_stream::Sse::default().data(data);
    if event_type.is_empty() { event } else { event.event(event_type) }
}

fn sse_stream(events: Vec<sse_stream::Sse>, sink: &mut Sink) -> Outcome {
    for event in events {
        sink.put(&event.encode().map_err(Flaw::failed)?)?;
    }
    Ok(())
}

fn russe_event(event_type: &'static str, data: &str) -> russe::Event {
    let event = (!event_type.is_empty()).then(|| event_type.into());
    russe::Event::Message(russe::Message { data: data.into(), event, retry: None, id: None })
}

fn russe(events: Vec<russe::Event>, sink: &mut Sink) -> Outcome {
    use tokio_util::codec::Encoder as _;

    let mut encoder = russe::Encoder::default();
    codec(events, sink, |event, buffer| encoder.encode(event, buffer).map_err(Flaw::failed))
}

fn sse_codec_event(event_type: &'static str, data: &str) -> sse_codec::Event {
    let event_type = if event_type.is_empty() { "message" } else { event_type };
    sse_codec::Event::message(event_type, data, None)
}

fn sse_codec(events: Vec<sse_codec::Event>, sink: &mut Sink) -> Outcome {
    use futures_codec::Encoder as _;

    let mut encoder = sse_codec::SSECodec::default();
    codec(events, sink, |event, buffer| encoder.encode(event, buffer).map_err(Flaw::failed))
}

/// Encodes into a reused buffer. Each crate has its own trait for that.
fn codec<E>(
    events: Vec<E>,
    sink: &mut Sink,
    mut encode: impl FnMut(E, &mut BytesMut) -> Outcome,
) -> Outcome {
    let mut buffer = BytesMut::new();
    for event in events {
        buffer.clear();
        encode(event, &mut buffer)?;
        sink.put(&buffer)?;
    }
    Ok(())
}
