//! Throughput of the codec, next to the limits of the machine.
//!
//! See `benches/README.md` for how to read the figures. Every benchmark checks what it decoded.

mod corpora;
mod setup;

use std::hint::black_box;

use bytes::Bytes;
use corpora::Chunks;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use setup::throughput;
use sse_wire::{BlockDecoder, BlockFilter, Decoder, Encoder, Event, EventType, Verdict};

/// Runs a benchmark for each corpus and each way to split it. `work` returns the number of events
/// and of data bytes that it found.
fn each(
    criterion: &mut Criterion,
    name: &str,
    chunkings: &[(&str, Chunks)],
    mut work: impl FnMut(&[&[u8]]) -> (usize, usize),
) {
    let mut group = criterion.benchmark_group(name);
    for corpus in corpora::all() {
        group.throughput(throughput(&corpus));
        for &(cut, chunks) in chunkings {
            let chunks = corpus.chunks(chunks);
            let expected = (corpus.events.len(), corpus.data_bytes());
            group.bench_function(BenchmarkId::new(corpus.name, cut), |bencher| {
                bencher.iter(|| assert_eq!(work(&chunks), expected));
            });
        }
    }
    group.finish();
}

fn decode(criterion: &mut Criterion) {
    each(criterion, "decode", &Chunks::ALL, |chunks| {
        let mut decoder = Decoder::new();
        let (mut count, mut bytes) = (0, 0);
        for chunk in chunks {
            let mut events = decoder.feed(chunk);
            while let Some(event) = events.next_event().expect("within the limit") {
                count += 1;
                bytes += black_box(event).data().len();
            }
        }
        (count, bytes)
    });
}

fn decode_bytes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode_bytes");
    for corpus in corpora::all() {
        group.throughput(throughput(&corpus));
        for (cut, chunks) in Chunks::ALL {
            let chunks: Vec<_> =
                corpus.chunks(chunks).into_iter().map(Bytes::copy_from_slice).collect();
            let expected = (corpus.events.len(), corpus.data_bytes());
            group.bench_function(BenchmarkId::new(corpus.name, cut), |bencher| {
                bencher.iter(|| {
                    let mut decoder = Decoder::new();
                    let (mut count, mut bytes) = (0, 0);
                    for chunk in &chunks {
                        for event in decoder.feed_bytes(chunk.clone()) {
                            count += 1;
                            bytes += black_box(event.expect("within the limit")).data().len();
                        }
                    }
                    assert_eq!((count, bytes), expected);
                });
            });
        }
    }
    group.finish();
}

fn blocks(criterion: &mut Criterion) {
    each(criterion, "blocks", &Chunks::ALL, |chunks| {
        let mut decoder = BlockDecoder::new();
        let (mut count, mut bytes) = (0, 0);
        for chunk in chunks {
            let mut blocks = decoder.feed(chunk);
            while let Some(mut block) = blocks.next_block().expect("within the limit") {
                if let Some(event) = block.event().expect("within the limit") {
                    count += 1;
                    bytes += black_box(event).data().len();
                }
            }
        }
        (count, bytes)
    });
}

/// Does what a proxy does with each block: reads its event, decides, and forwards its bytes.
fn gateway(criterion: &mut Criterion) {
    let mut output = Vec::new();
    each(criterion, "gateway", &Chunks::ALL[..1], |chunks| {
        let mut decoder = BlockDecoder::new();
        let (mut count, mut bytes, mut read) = (0, 0, 0);
        output.clear();
        for chunk in chunks {
            read += chunk.len();
            let mut blocks = decoder.feed(chunk);
            while let Some(mut block) = blocks.next_block().expect("within the limit") {
                output.extend_from_slice(block.raw());
                if let Some(event) = block.event().expect("within the limit") {
                    count += 1;
                    bytes += black_box(event).data().len();
                }
            }
        }
        assert_eq!(output.len(), read);
        (count, bytes)
    });
}

/// Forwards whole streams: with a look at their events, or with some blocks changed.
fn pass(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pass");
    for corpus in corpora::all() {
        group.throughput(throughput(&corpus));
        let chunks: Vec<_> = corpus
            .chunks(Chunks::Fixed(16 << 10))
            .into_iter()
            .map(Bytes::copy_from_slice)
            .collect();
        group.bench_function(BenchmarkId::new(corpus.name, "tap"), |bencher| {
            let mut output = Vec::new();
            bencher.iter(|| {
                output.clear();
                let mut decoder = Decoder::new();
                let (mut count, mut bytes) = (0, 0);
                for chunk in &chunks {
                    output.push(chunk.clone());
                    let mut events = decoder.feed(chunk);
                    while let Some(event) = events.next_event().expect("within the limit") {
                        count += 1;
                        bytes += black_box(event).data().len();
                    }
                }
                assert_eq!((count, bytes), (corpus.events.len(), corpus.data_bytes()));
            });
        });
        for (name, every) in [("keep all", u64::MAX), ("rewrite 1 in 100", 100), ("rewrite all", 1)]
        {
            group.bench_function(BenchmarkId::new(corpus.name, name), |bencher| {
                let mut output = Vec::new();
                bencher.iter(|| {
                    let mut number = 0_u64;
                    let mut rewritten = 0;
                    let mut filter = BlockFilter::new(|block, encoder| {
                        number += 1;
                        match block {
                            Ok(block) if number % every == 0 => {
                                const CHANGED: EventType<'_> = EventType::from_static("changed");
                                encoder.rewritten(&block.rewrite().with_event_type(CHANGED));
                                rewritten += 1;
                                Verdict::Replace
                            }
                            _ => Verdict::Keep,
                        }
                    });
                    // Sends the output of each chunk before the next one, as in a proxy.
                    let mut len = 0;
                    for chunk in &chunks {
                        filter.pass(chunk, &mut output);
                        len += output.drain(..).map(|part| black_box(part).len()).sum::<usize>();
                    }
                    drop(filter);
                    assert_eq!(rewritten, number / every);
                    assert!(if rewritten == 0 { len == corpus.bytes.len() } else { len > 0 });
                });
            });
        }
    }
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    for corpus in corpora::all() {
        group.throughput(throughput(&corpus));
        let mut encoder = Encoder::with_capacity(2 * corpus.bytes.len());
        group.bench_function(BenchmarkId::new(corpus.name, "reused"), |bencher| {
            bencher.iter(|| {
                encoder.clear();
                for (event_type, data) in &corpus.events {
                    let event = Event::new(black_box(data));
                    encoder.event(match *event_type {
                        "" => event,
                        name => event.with_event_type(EventType::from_static(name)),
                    });
                }
                assert!(encoder.as_bytes().len() > corpus.data_bytes());
            });
        });
    }
    group.finish();
}

/// Measures the work that every decoder must do: copy the bytes, find the line ends, check the
/// text.
fn limits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("limits");
    for corpus in corpora::all() {
        group.throughput(throughput(&corpus));
        let chunks = corpus.chunks(Chunks::Fixed(16 << 10));
        let mut copy = vec![0; corpus.bytes.len()];
        group.bench_function(BenchmarkId::new(corpus.name, "memcpy"), |bencher| {
            bencher.iter(|| {
                for (to, from) in copy.chunks_mut(16 << 10).zip(&chunks) {
                    to.copy_from_slice(black_box(from));
                }
            });
            assert!(copy == corpus.bytes);
        });
        group.bench_function(BenchmarkId::new(corpus.name, "memchr2"), |bencher| {
            bencher.iter(|| {
                let ends = |chunk: &&[u8]| memchr::memchr2_iter(b'\n', b'\r', chunk).count();
                chunks.iter().map(ends).sum::<usize>()
            });
        });
        group.bench_function(BenchmarkId::new(corpus.name, "simdutf8"), |bencher| {
            bencher.iter(|| assert!(simdutf8::basic::from_utf8(black_box(&corpus.bytes)).is_ok()));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = setup::criterion();
    targets = decode, decode_bytes, blocks, gateway, pass, encode, limits
}
criterion_main!(benches);
