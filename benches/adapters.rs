//! Benchmarks of the adapters, next to the plain decoder and encoder.

#[expect(dead_code, reason = "not all of the corpora are used here")]
mod corpora;
mod setup;

use std::{
    cell::Cell,
    convert::Infallible,
    hint::black_box,
    io::Read,
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::{Bytes, BytesMut};
use corpora::{Chunks, Corpus};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use futures_util::{Stream, stream};
use http_body::Body;
use setup::throughput;
use sse_wire::{
    ByteStreamExt, Decoder, Encoder, Event, EventBody, EventBuf, EventReader, SseCodec,
};
use tokio_util::codec::Decoder as _;

type Way = fn(&[Bytes]) -> Count;

/// The number of events, and of bytes of data.
type Count = (usize, usize);

fn count(events: impl Iterator<Item = EventBuf>) -> Count {
    let mut count = (0, 0);
    for event in events {
        count.0 += 1;
        count.1 += black_box(&event).data().len();
    }
    count
}

/// Polls without a runtime, because everything is always ready.
fn drain<S: Stream>(stream: S) -> impl Iterator<Item = S::Item> {
    let mut stream = Box::pin(stream);
    std::iter::from_fn(move || {
        match stream.as_mut().poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(item) => item,
            Poll::Pending => unreachable!("all is ready"),
        }
    })
}

fn decode_bytes(chunks: &[Bytes]) -> Count {
    let mut decoder = Decoder::new();
    let (mut events, mut bytes) = (0, 0);
    for chunk in chunks {
        let (more, data) = count(decoder.feed_bytes(chunk.clone()).map(Result::unwrap));
        events += more;
        bytes += data;
    }
    (events, bytes)
}

fn event_stream(chunks: &[Bytes]) -> Count {
    let chunks = stream::iter(chunks.iter().cloned().map(Ok::<_, Infallible>));
    count(drain(chunks.events()).map(Result::unwrap))
}

fn codec(chunks: &[Bytes]) -> Count {
    let mut codec = SseCodec::new();
    let mut buffer = BytesMut::new();
    let (mut events, mut bytes) = (0, 0);
    for chunk in chunks {
        // Reads the bytes into the codec's buffer, as a framed transport does.
        buffer.extend_from_slice(chunk);
        let next = || codec.decode(&mut buffer).unwrap();
        let (more, data) = count(std::iter::from_fn(next));
        events += more;
        bytes += data;
    }
    (events, bytes)
}

fn reader(chunks: &[Bytes]) -> Count {
    struct Chunks<'a>(std::slice::Iter<'a, Bytes>);
    impl Read for Chunks<'_> {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            let chunk = self.0.next().map_or(&b""[..], |chunk| chunk);
            to[..chunk.len()].copy_from_slice(chunk);
            Ok(chunk.len())
        }
    }
    count(EventReader::new(Chunks(chunks.iter())).map(Result::unwrap))
}

fn decode(criterion: &mut Criterion) {
    let ways: [(&str, Way); 4] = [
        ("decode_bytes", decode_bytes),
        ("EventStream", event_stream),
        ("EventReader", reader),
        ("SseCodec", codec),
    ];
    let mut group = criterion.benchmark_group("adapters");
    for corpus in corpora::all() {
        if !["llm", "cjk", "tiny"].contains(&corpus.name) {
            continue;
        }
        group.throughput(throughput(&corpus));
        let expected = (corpus.events.len(), corpus.data_bytes());
        let chunks = corpus.chunks(Chunks::Fixed(16 << 10));
        let chunks: Vec<_> = chunks.into_iter().map(Bytes::copy_from_slice).collect();
        for (name, way) in ways {
            group.bench_function(BenchmarkId::new(corpus.name, name), |bencher| {
                bencher.iter(|| assert_eq!(way(&chunks), expected));
            });
        }
        encode(&mut group, &corpus);
    }
    group.finish();
}

/// Compares a body of events with an encoder alone.
fn encode(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    corpus: &Corpus,
) {
    let events: Vec<_> = corpus.events.iter().map(|(_, data)| Event::new(data)).collect();
    let mut encoder = Encoder::new();
    for event in &events {
        encoder.event(*event);
    }
    let len = encoder.as_bytes().len();
    group.bench_function(BenchmarkId::new(corpus.name, "Encoder::take"), |bencher| {
        bencher.iter(|| {
            let frames = events.iter().map(|event| encoder_take(&mut encoder, *event));
            assert_eq!(frames.sum::<usize>(), len);
        });
        encoder.clear();
    });
    for (name, burst) in [
        ("EventBody/1", 1),
        ("EventBody/10", 10),
        ("EventBody/100", 100),
        ("EventBody/all", usize::MAX),
    ] {
        group.bench_function(BenchmarkId::new(corpus.name, name), |bencher| {
            bencher.iter(|| assert_eq!(send(events.iter().copied(), burst), len));
        });
    }
}

/// Sends events, `burst` of which are ready at a time. Returns the number of bytes.
fn send<'a>(mut events: impl Iterator<Item = Event<'a>>, burst: usize) -> usize {
    let ready = Cell::new(0);
    let events = stream::poll_fn(|_| match ready.get() {
        0 => Poll::Pending,
        left => {
            ready.set(left - 1);
            Poll::Ready(events.next())
        }
    });
    let mut body = pin!(EventBody::new(events));
    let mut context = Context::from_waker(Waker::noop());
    let mut sent = 0;
    loop {
        match body.as_mut().poll_frame(&mut context) {
            Poll::Ready(Some(Ok(frame))) => sent += black_box(frame).into_data().unwrap().len(),
            Poll::Ready(None) => return sent,
            Poll::Pending => ready.set(burst),
        }
    }
}

fn encoder_take(encoder: &mut Encoder, event: Event<'_>) -> usize {
    encoder.clear();
    encoder.event(event);
    black_box(encoder.take()).as_bytes().len()
}

criterion_group! {
    name = benches;
    config = setup::criterion();
    targets = decode
}
criterion_main!(benches);
