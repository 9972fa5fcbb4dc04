//! Tests that all adapters return the same events as the decoder, however the bytes are split.

use std::io::Read;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::StreamBody;
use proptest::prelude::*;
use sse_wire::{ByteStreamExt, Decoder, EventBuf, EventReader, EventStream, ItemBuf, SseCodec};
use tokio_util::{codec::FramedRead, io::StreamReader};

use crate::polling::wait;

/// What one says of a stream: events, last event ID, pending bytes.
type Told = (Vec<EventBuf>, String, u64);

fn decoder(chunks: &[Bytes]) -> Told {
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    for chunk in chunks {
        events.extend(decoder.feed_bytes(chunk.clone()).map(Result::unwrap));
    }
    let pending = decoder.finish().unwrap().pending_bytes();
    (events, decoder.last_event_id().to_owned(), pending)
}

/// A reader that gives one chunk after the other.
struct Chunks<'a>(std::slice::Iter<'a, Bytes>);

impl Read for Chunks<'_> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let chunk = self.0.find(|chunk| !chunk.is_empty()).map_or(&b""[..], |chunk| chunk);
        to[..chunk.len()].copy_from_slice(chunk);
        Ok(chunk.len())
    }
}

fn reader(chunks: &[Bytes]) -> Told {
    let mut reader = EventReader::new(Chunks(chunks.iter()));
    let events = reader.by_ref().map(Result::unwrap).collect();
    let pending = reader.end().unwrap().pending_bytes();
    (events, reader.last_event_id().to_owned(), pending)
}

fn event_stream(chunks: &[Bytes]) -> Told {
    let chunks = stream::iter(chunks.iter().cloned().map(Ok::<_, ()>));
    let mut stream = chunks.events();
    let events = wait(stream.by_ref().map(Result::unwrap).collect());
    let pending = stream.end().unwrap().pending_bytes();
    (events, stream.last_event_id().to_owned(), pending)
}

fn item_stream(chunks: &[Bytes]) -> Told {
    let chunks = stream::iter(chunks.iter().cloned().map(Ok::<_, ()>));
    let mut stream = chunks.items();
    let items: Vec<_> = wait(stream.by_ref().map(Result::unwrap).collect());
    let is_event = |item| if let ItemBuf::Event(event) = item { Some(event) } else { None };
    let pending = stream.end().unwrap().pending_bytes();
    let id = stream.last_event_id().to_owned();
    (items.into_iter().filter_map(is_event).collect(), id, pending)
}

fn block_stream(chunks: &[Bytes]) -> Told {
    let chunks = stream::iter(chunks.iter().cloned().map(Ok::<_, ()>));
    let mut stream = chunks.blocks();
    let blocks: Vec<_> = wait(stream.by_ref().map(Result::unwrap).collect());
    let events = blocks.iter().filter_map(|block| block.event().unwrap());
    // The LF of a CRLF may come with what is cut off.
    let cut_off = stream.cut_off();
    let pending = cut_off.strip_prefix(b"\n").unwrap_or(cut_off).len() as u64;
    (events.collect(), stream.decoder().last_event_id().to_owned(), pending)
}

fn body(chunks: &[Bytes]) -> Told {
    let frames = chunks.iter().cloned().map(|chunk| Ok::<_, ()>(http_body::Frame::data(chunk)));
    let mut stream = EventStream::from_body(StreamBody::new(stream::iter(frames)));
    let events = wait(stream.by_ref().map(Result::unwrap).collect());
    let pending = stream.end().unwrap().pending_bytes();
    (events, stream.last_event_id().to_owned(), pending)
}

fn codec(chunks: &[Bytes]) -> Told {
    let chunks = stream::iter(chunks.iter().cloned().map(Ok::<_, std::io::Error>));
    let mut framed = FramedRead::new(StreamReader::new(chunks), SseCodec::new());
    let events = wait(framed.by_ref().map(Result::unwrap).collect());
    let codec = framed.decoder();
    (events, codec.last_event_id().to_owned(), codec.end().unwrap().pending_bytes())
}

fn check(chunks: &[Bytes]) {
    let expected = decoder(chunks);
    for adapter in [reader, event_stream, item_stream, block_stream, body, codec] {
        assert_eq!(adapter(chunks), expected);
    }
}

fn cut(stream: &[u8], sizes: &[usize]) -> Vec<Bytes> {
    let mut rest = Bytes::copy_from_slice(stream);
    let mut chunks = Vec::new();
    for &size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        chunks.push(rest.split_to(size.min(rest.len())));
    }
    chunks
}

proptest! {
    #[test]
    fn adapters_give_what_the_decoder_gives(
        lines in prop::collection::vec(
            prop::sample::select(vec![
                "data: a", "data: 你好", "data", "", "", "", "id: 1", "id", "id: \0", "event: e",
                "retry: 7", ": c", "x: y", "\u{feff}data: b",
            ]),
            0..60,
        ),
        line_end in prop::sample::select(vec!["\n", "\r", "\r\n"]),
        sizes in prop::collection::vec(1_usize..40, 1..5),
    ) {
        let stream = lines.join(line_end);
        check(&cut(stream.as_bytes(), &sizes));
        check(&cut(stream.as_bytes(), &[stream.len().max(1)]));
    }
}

#[test]
fn chunks_larger_than_a_piece_and_lines_larger_than_a_chunk() {
    let event = |number| format!("id: {number}\ndata: {{\"text\":\"流式 {number}\"}}\n\n");
    let mut stream: String = (0..4000).map(event).collect::<Vec<_>>().concat();
    stream += &["data: ", &"长".repeat(100_000), "\n\ndata: cut"].concat();
    for size in [1000, 16 << 10] {
        check(&cut(stream.as_bytes(), &[size]));
    }
    // A reader is given no more than it asks for.
    let chunks = [Bytes::from(stream)];
    let expected = decoder(&chunks);
    for adapter in [event_stream, item_stream, block_stream, body, codec] {
        assert_eq!(adapter(&chunks), expected);
    }
}
