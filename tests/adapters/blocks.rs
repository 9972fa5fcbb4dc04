//! Tests `BlockStream`.

use std::io;

use bytes::Bytes;
use futures_core::FusedStream;
use futures_util::{FutureExt, StreamExt, stream};
use sse_wire::{
    AtEnd, BlockBuf, BlockDecoder, BlockStream, ByteStreamExt, InvalidUtf8, OnError, StreamError,
};

use crate::polling::ready;

type Found = Vec<Result<BlockBuf, StreamError<&'static str>>>;

/// All that a stream of these chunks gives, and what was cut off.
fn read(decoder: BlockDecoder, chunks: Vec<Result<Bytes, &'static str>>) -> (Found, Vec<u8>, bool) {
    let mut blocks = BlockStream::with_decoder(stream::iter(chunks), decoder);
    let found = ready(blocks.by_ref().collect());
    assert!(blocks.is_terminated());
    assert!(ready(blocks.next()).is_none());
    (found, blocks.cut_off().to_vec(), blocks.has_failed())
}

fn cut(stream: &[u8], size: usize) -> Vec<Result<Bytes, &'static str>> {
    stream.chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect()
}

fn raw(found: &Found) -> Vec<u8> {
    found.iter().flat_map(|block| block.as_ref().expect("a block").raw().to_vec()).collect()
}

const STREAM: &[u8] =
    "\u{feff}: hello\r\n\r\nid: 1\ndata: 流\n\n\nx: y\rdata: a\rdata: b\r\rdata: cut".as_bytes();

#[test]
fn the_blocks_and_what_was_cut_off_are_the_stream() {
    for size in 1..=STREAM.len() {
        let (found, cut_off, has_failed) = read(BlockDecoder::new(), cut(STREAM, size));
        assert_eq!([raw(&found), cut_off.clone()].concat(), STREAM, "chunks of {size}");
        assert_eq!((found.len(), has_failed), (4, false));
        assert!(cut_off.ends_with(b"data: cut"));
        let events: Vec<_> = found
            .iter()
            .filter_map(|block| block.as_ref().unwrap().event().unwrap())
            .map(|event| (event.data().to_owned(), event.last_event_id().to_owned()))
            .collect();
        assert_eq!(events, [("流".into(), "1".into()), ("a\nb".into(), "1".into())]);
    }
}

#[test]
fn the_end_ends_the_last_block_if_that_was_asked_for() {
    for size in [1, 5, STREAM.len()] {
        let decoder = || BlockDecoder::builder().at_end(AtEnd::Dispatch).build();
        let (found, cut_off, _) = read(decoder(), cut(STREAM, size));
        assert_eq!((raw(&found), cut_off), (STREAM.to_vec(), Vec::new()));
        assert_eq!(found[4].as_ref().unwrap().event().unwrap().unwrap().data(), "cut");

        // An error of the transport does not.
        let chunks = cut(STREAM, size).into_iter().chain([Err("reset"), Ok("\n\n".into())]);
        let (mut found, cut_off, has_failed) = read(decoder(), chunks.collect());
        assert!(matches!(found.pop(), Some(Err(StreamError::Transport("reset")))));
        assert_eq!([raw(&found), cut_off].concat(), STREAM);
        assert_eq!((found.len(), has_failed), (4, true));
    }
}

#[test]
fn refused_blocks_are_told() {
    let stream = b"data: a\n\ndata: too large\n\ndata: b\n\n";
    for size in [1, 4, stream.len()] {
        let limited = || BlockDecoder::builder().max_block_size(9);
        let (found, _, has_failed) = read(limited().build(), cut(stream, size));
        let [Ok(_), Err(StreamError::Decode(error))] = &found[..] else { panic!("{found:?}") };
        assert_eq!((error.offset(), has_failed), (9, true));

        let skips = limited().on_error(OnError::SkipBlock).build();
        let (found, _, has_failed) = read(skips, cut(stream, size));
        let [Ok(_), Err(StreamError::Decode(_)), Ok(last)] = &found[..] else {
            panic!("{found:?}")
        };
        assert_eq!((last.raw(), has_failed), (&Bytes::from("data: b\n\n"), false));
    }
}

#[test]
fn blocks_that_were_left_unread_come_first() {
    let mut decoder = BlockDecoder::new();
    drop(decoder.feed(b"data: a\n\ndata: b\n\ndata"));
    let (found, cut_off, _) = read(decoder.clone(), Vec::new());
    assert_eq!((raw(&found), cut_off), (b"data: a\n\ndata: b\n\n".to_vec(), b"data".to_vec()));
    let (found, _, _) = read(decoder, cut(b": c\n\n", 2));
    assert_eq!(raw(&found), b"data: a\n\ndata: b\n\ndata: c\n\n");
}

#[test]
fn a_poll_gives_way() {
    let nothing = stream::iter(std::iter::repeat_with(|| Ok::<_, io::Error>("data: endless\n")));
    let decoder = BlockDecoder::builder().max_block_size(100_000).build();
    let mut blocks = BlockStream::with_decoder(nothing.map(|chunk| chunk), decoder);
    let pending = (0..100).take_while(|_| blocks.next().now_or_never().is_none()).count();
    assert!((1..100).contains(&pending), "{pending}");
}

#[test]
fn chunks_are_shared() {
    let chunk = Bytes::from("data: a\n\ndata: b\n\n");
    let blocks = stream::iter([Ok::<_, &str>(chunk.clone())]).blocks();
    let blocks: Vec<_> = ready(blocks.map(Result::unwrap).collect());
    assert_eq!(blocks[1].raw().as_ptr(), chunk[9..].as_ptr());
}

#[test]
fn a_transport_error_takes_no_id_from_a_block_that_was_cut_off() {
    let decoder = BlockDecoder::builder().at_end(AtEnd::Dispatch).build();
    let chunks = stream::iter([Ok("id: 1\ndata: a\n\nid: 12"), Err("reset")]);
    let mut blocks = BlockStream::with_decoder(chunks, decoder);
    assert_eq!(ready(blocks.by_ref().count()), 2);
    assert_eq!((blocks.decoder().last_event_id(), blocks.decoder().stats().blocks), ("1", 1));
}

#[test]
fn a_block_that_is_refused_at_the_end_is_told() {
    let strict = BlockDecoder::builder().at_end(AtEnd::Dispatch).invalid_utf8(InvalidUtf8::Reject);
    let (found, _, has_failed) = read(strict.build(), cut(b"data: a\xff", 3));
    assert!(matches!(found[..], [Err(StreamError::Decode(_))]) && has_failed, "{found:?}");
}

#[test]
fn a_decoder_that_has_failed_gives_nothing() {
    let mut decoder = BlockDecoder::builder().max_block_size(1).build();
    assert!(decoder.feed(b"data: a").next_block().is_err());
    let (found, _, has_failed) = read(decoder, cut(b"data: b\n\n", 9));
    assert!(found.is_empty() && has_failed);
}
