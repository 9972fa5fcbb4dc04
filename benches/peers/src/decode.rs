//! The contenders for decoding, each with the cheapest of its public interfaces.

use std::{
    convert::Infallible,
    hint::black_box,
    iter::Copied,
    slice,
    sync::{Arc, Mutex},
    vec,
};

use bytes::{Bytes, BytesMut};
use eventsource_client::{Client as _, ClientBuilder, ReconnectOptions, SSE};
use futures_util::stream;
use launchdarkly_sdk_transport::{
    ByteStream, HttpTransport, Request, Response, ResponseFuture, TransportError,
};
use sse_wire::{
    Block, BlockDecoder, BlockFilter, Decoder, Encoder, EventStream, EventType, Verdict,
};

use crate::{
    corpora::{Chunks, Corpus},
    cut,
    drain::drain,
    encode,
    measure::{Clock, Contender, Flaw, Limit, Outcome, Side},
};

/// A corpus in chunks, in the forms that the interfaces need.
pub struct Cuts<'a> {
    corpus: &'a Corpus,
    lent: Vec<&'a [u8]>,
    shared: Vec<Bytes>,
    /// The number of bytes in all blocks.
    block_bytes: usize,
}

impl<'a> Cuts<'a> {
    pub fn new(corpus: &'a Corpus, chunks: Chunks) -> Self {
        let lent = corpus.chunks(chunks);
        let shared = if cut::is_single(chunks) {
            // With an allocation for each byte, this would measure the memory.
            let all = Bytes::copy_from_slice(&corpus.bytes);
            (0..all.len()).map(|at| all.slice(at..=at)).collect()
        } else {
            lent.iter().map(|chunk| Bytes::copy_from_slice(chunk)).collect()
        };
        // An LF in a chunk of its own is part of the next block, and after the last block there is
        // none.
        let has_late_lf = corpus.bytes.ends_with(b"\r\n") && lent.last() == Some(&&b"\n"[..]);
        let block_bytes = corpus.bytes.len() - usize::from(has_late_lf);
        Self { corpus, lent, shared, block_bytes }
    }

    pub fn contenders(&'a self) -> Vec<Contender<'a>> {
        let events = (Some(self.corpus.events.len()), self.corpus.data_bytes());
        // Contenders that return no events must at least see every byte.
        let all_bytes = (None, self.block_bytes);

        let lent = |name, side, expected, decode: fn(Lent<'_>, &mut Tally) -> Outcome| {
            Contender::new(name, side, move |clock| {
                let chunks = self.lent.iter().copied();
                run(clock, expected, |limit, tally| decode(Feed { chunks, limit }, tally))
            })
        };
        let shared = |name, side, decode: fn(Shared, &mut Tally) -> Outcome| {
            Contender::new(name, side, move |clock| {
                let chunks = self.shared.clone().into_iter();
                run(clock, events, |limit, tally| decode(Feed { chunks, limit }, tally))
            })
        };
        vec![
            self.copy("memcpy", false),
            self.copy("memcpy-hot", true),
            lent("BlockDecoder::feed", Side::Ours, all_bytes, blocks),
            lent(FEED, Side::Ours, events, feed),
            shared(FEED_BYTES, Side::Ours, feed_bytes),
            shared(EVENT_STREAM, Side::Ours, event_stream),
            self.keep_all(),
            self.rewrite_all(),
            lent("sse-core", Side::Peer, events, sse_core),
            lent("sse-stream", Side::Peer, events, sse_stream),
            shared("sseer", Side::Peer, sseer),
            lent("russe", Side::Peer, events, russe),
            lent("sse-codec", Side::Peer, events, sse_codec),
            lent("eventsource-stream", Side::Peer, events, eventsource_stream),
            lent("eventsource-stream2", Side::Peer, events, eventsource_stream2),
            shared("eventsource-client", Side::Peer, eventsource_client),
        ]
    }

    /// Copies all chunks, one after the other or always to the same place.
    fn copy(&'a self, name: &'static str, is_hot: bool) -> Contender<'a> {
        let all_bytes = self.corpus.bytes.len();
        let mut to = vec![0; all_bytes];
        Contender::new(name, Side::Yardstick, move |clock| {
            run(clock, (None, all_bytes), |_, tally| {
                for chunk in &self.lent {
                    let start = if is_hot { 0 } else { tally.bytes };
                    to[start..start + chunk.len()].copy_from_slice(black_box(chunk));
                    black_box(&mut to);
                    tally.bytes += chunk.len();
                }
                Ok(())
            })
        })
    }

    fn keep_all(&'a self) -> Contender<'a> {
        let is_right = |output: &[u8]| {
            let is_same = output == &self.corpus.bytes[..self.block_bytes];
            if is_same { Ok(()) } else { Err(Flaw::Wrong("other bytes".to_owned())) }
        };
        self.filter(KEEP_ALL, |_, _| Verdict::Keep, is_right)
    }

    fn rewrite_all(&'a self) -> Contender<'a> {
        const CHANGED: &str = "changed";
        let decide = |block: &mut Block<'_>, encoder: &mut Encoder<&mut Vec<u8>>| {
            let event_type = EventType::from_static(CHANGED);
            encoder.rewritten(&block.rewrite().with_event_type(event_type));
            Verdict::Replace
        };
        let is_right = |output: &[u8]| {
            let changed = |(_, data): &(_, String)| (CHANGED, data.clone());
            encode::check(output, &self.corpus.events.iter().map(changed).collect())
        };
        self.filter(REWRITE_ALL, decide, is_right)
    }

    /// Filters all chunks. The output is collected and checked once, outside of the passes.
    fn filter(
        &'a self,
        name: &'static str,
        decide: impl Fn(&mut Block<'_>, &mut Encoder<&mut Vec<u8>>) -> Verdict + 'a,
        is_right: impl Fn(&[u8]) -> Outcome,
    ) -> Contender<'a> {
        let mut output = Vec::new();
        let mut tally = Tally { events: 0, bytes: 0, limit: Limit::default() };
        let outcome =
            filter(&self.shared, &mut tally, &decide, |part| output.extend_from_slice(part))
                .and_then(|()| is_right(&output));
        // Every block counts here, with or without an event.
        let expected = (Some(tally.events), output.len());
        Contender::new(name, Side::Ours, move |clock| {
            outcome.clone()?;
            run(clock, expected, |_, tally| {
                filter(&self.shared, tally, &decide, |part| {
                    black_box(part);
                })
            })
        })
    }
}

pub const FEED: &str = "Decoder::feed";
pub const FEED_BYTES: &str = "Decoder::feed_bytes";
pub const EVENT_STREAM: &str = "EventStream";
pub const KEEP_ALL: &str = "BlockFilter, keep all";
pub const REWRITE_ALL: &str = "BlockFilter, rewrite all";

type Lent<'a> = Feed<Copied<slice::Iter<'a, &'a [u8]>>>;
type Shared = Feed<vec::IntoIter<Bytes>>;

/// Yields chunks until the contender runs out of time.
struct Feed<I> {
    chunks: I,
    limit: Limit,
}

impl<I: Iterator> Iterator for Feed<I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        self.limit.check().ok().and_then(|()| self.chunks.next())
    }
}

/// The events and bytes that a contender found.
struct Tally {
    events: usize,
    bytes: usize,
    limit: Limit,
}

impl Tally {
    #[inline]
    fn event(&mut self, data: &[u8]) -> Outcome {
        self.events += 1;
        self.bytes += data.len();
        self.limit.check()
    }
}

fn run(
    clock: &mut Clock,
    (events, bytes): (Option<usize>, usize),
    decode: impl FnOnce(Limit, &mut Tally) -> Outcome,
) -> Outcome {
    let tally = clock.time(|limit| {
        let mut tally = Tally { events: 0, bytes: 0, limit };
        decode(limit, &mut tally).map(|()| tally)
    })?;
    match events {
        Some(events) if events != tally.events => {
            Err(Flaw::Wrong(differs(tally.events, events, "events")))
        }
        _ if bytes != tally.bytes => Err(Flaw::Wrong(differs(tally.bytes, bytes, "bytes of data"))),
        _ => Ok(()),
    }
}

fn differs(found: usize, expected: usize, what: &str) -> String {
    let way = if found < expected { "short" } else { "too many" };
    format!("{} {what} {way}", found.abs_diff(expected))
}

fn feed(chunks: Lent<'_>, tally: &mut Tally) -> Outcome {
    let mut decoder = Decoder::new();
    for chunk in chunks {
        let mut events = decoder.feed(chunk);
        while let Some(event) = events.next_event().map_err(Flaw::failed)? {
            tally.event(black_box(&event).data().as_bytes())?;
        }
    }
    Ok(())
}

fn feed_bytes(chunks: Shared, tally: &mut Tally) -> Outcome {
    let mut decoder = Decoder::new();
    for chunk in chunks {
        for event in decoder.feed_bytes(chunk) {
            let event = event.map_err(Flaw::failed)?;
            tally.event(black_box(&event).data().as_bytes())?;
        }
    }
    Ok(())
}

fn event_stream(chunks: Shared, tally: &mut Tally) -> Outcome {
    let chunks = stream::iter(chunks.map(Ok::<_, Infallible>));
    drain(EventStream::new(chunks), |event| {
        let event = event.map_err(Flaw::failed)?;
        tally.event(black_box(&event).data().as_bytes())
    })
}

fn filter(
    chunks: &[Bytes],
    tally: &mut Tally,
    decide: impl Fn(&mut Block<'_>, &mut Encoder<&mut Vec<u8>>) -> Verdict,
    mut put: impl FnMut(&Bytes),
) -> Outcome {
    let mut outcome = Ok(());
    let events = &mut tally.events;
    let mut filter = BlockFilter::new(|block, encoder| match block {
        Ok(block) => {
            *events += 1;
            decide(block, encoder)
        }
        Err(error) => {
            outcome = Err(Flaw::failed(error));
            Verdict::Keep
        }
    });
    let mut output = Vec::new();
    for chunk in chunks {
        filter.pass(chunk, &mut output);
        // Sends the output of each chunk before the next one, as in a proxy.
        for part in output.drain(..) {
            tally.bytes += part.len();
            put(&part);
        }
        tally.limit.check()?;
    }
    drop(filter);
    outcome
}

fn blocks(chunks: Lent<'_>, tally: &mut Tally) -> Outcome {
    let mut decoder = BlockDecoder::new();
    for chunk in chunks {
        let mut blocks = decoder.feed(chunk);
        while let Some(block) = blocks.next_block().map_err(Flaw::failed)? {
            tally.event(black_box(&block).raw())?;
        }
    }
    Ok(())
}

fn sse_core(chunks: Lent<'_>, tally: &mut Tally) -> Outcome {
    use sse_core::{SseDecoder, SseEvent};

    let mut decoder = SseDecoder::new();
    for mut chunk in chunks {
        while let Some(event) = decoder.next(&mut chunk) {
            if let SseEvent::Message(event) = event.map_err(Flaw::failed)? {
                tally.event(black_box(&event).data.as_bytes())?;
            }
        }
    }
    Ok(())
}

fn sse_stream(chunks: Lent<'_>, tally: &mut Tally) -> Outcome {
    let chunks = stream::iter(chunks.map(Ok::<_, Infallible>));
    drain(sse_stream::SseByteStream::new(chunks), |event| {
        let event = event.map_err(Flaw::failed)?;
        // This crate also returns blocks without data.
        black_box(&event).data.as_ref().map_or(Ok(()), |data| tally.event(data.as_bytes()))
    })
}

fn sseer(chunks: Shared, tally: &mut Tally) -> Outcome {
    let chunks = stream::iter(chunks.map(Ok::<_, Infallible>));
    drain(sseer::EventStream::new(chunks), |event| {
        let event = event.map_err(Flaw::failed)?;
        tally.event(black_box(&event).data.as_bytes())
    })
}

fn russe(chunks: Lent<'_>, tally: &mut Tally) -> Outcome {
    use russe::{Decoder, Event};
    use tokio_util::codec::Decoder as _;

    let mut decoder = Decoder::default();
    let mut buffer = BytesMut::new();
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        while let Some(event) = decoder.decode(&mut buffer).map_err(Flaw::failed)? {
            if let Event::Message(event) = black_box(&event) {
                tally.event(event.data.as_bytes())?;
            }
        }
    }
    Ok(())
}

fn sse_codec(chunks: Lent<'_>, tally: &mut Tally) -> Outcome {
    use futures_codec::Decoder as _;
    use sse_codec::{Event, SSECodec};

    let mut decoder = SSECodec::default();
    let mut buffer = BytesMut::new();
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        while let Some(event) = decoder.decode(&mut buffer).map_err(Flaw::failed)? {
            if let Event::Message { data, .. } = black_box(&event) {
                tally.event(data.as_bytes())?;
            }
        }
    }
    Ok(())
}

fn eventsource_stream(chunks: Lent<'_>, tally: &mut Tally) -> Outcome {
    let chunks = stream::iter(chunks.map(Ok::<_, Infallible>));
    drain(eventsource_stream::EventStream::new(chunks), |event| {
        let event = event.map_err(Flaw::failed)?;
        tally.event(black_box(&event).data.as_bytes())
    })
}

fn eventsource_stream2(chunks: Lent<'_>, tally: &mut Tally) -> Outcome {
    let chunks = stream::iter(chunks.map(Ok::<_, Infallible>));
    drain(eventsource_stream2::EventStream::new(chunks), |event| {
        let event = event.map_err(Flaw::failed)?;
        tally.event(black_box(&event).data.as_bytes())
    })
}

fn eventsource_client(chunks: Shared, tally: &mut Tally) -> Outcome {
    let client = ClientBuilder::for_url("http://localhost/")
        .map_err(Flaw::failed)?
        .reconnect(ReconnectOptions::reconnect(false).build())
        .build_with_transport(Transport(Arc::new(Mutex::new(Some(chunks)))));
    drain(client.stream(), |event| match black_box(event) {
        Ok(SSE::Event(event)) => tally.event(event.data.as_bytes()),
        Ok(SSE::Comment(_) | SSE::Connected(_)) | Err(eventsource_client::Error::Eof) => Ok(()),
        Err(error) => Err(Flaw::failed(error)),
    })
}

/// A connection to nowhere, whose first response has the chunks as its body.
#[derive(Clone)]
struct Transport(Arc<Mutex<Option<Shared>>>);

impl HttpTransport for Transport {
    fn request(&self, _: Request<Option<Bytes>>) -> ResponseFuture {
        let chunks = self.0.lock().ok().and_then(|mut chunks| chunks.take());
        let chunks = chunks.into_iter().flatten().map(Ok::<_, TransportError>);
        let body: ByteStream = Box::pin(stream::iter(chunks));
        Box::pin(async { Ok(Response::new(body)) })
    }
}
