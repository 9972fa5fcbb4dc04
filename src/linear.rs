//! Tests the law "linear": no byte is searched more than twice, whatever the stream and the cuts.

use alloc::{format, string::String, vec::Vec};

use bytes::Bytes;

use crate::{BlockDecoder, Decoder, EventId, chunk::searched};

/// Long enough that quadratic work would take a thousand times as long.
const LEN: usize = 1 << 16;

/// Returns streams that make careless decoders quadratic.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let line = |start: &str, again: &str| {
        let mut stream = String::from(start);
        stream.push_str(&again.repeat(LEN / again.len()));
        stream.push_str("\n\n");
        stream.into_bytes()
    };
    Vec::from([
        ("one long line", line("data: ", "x")),
        ("one long Chinese line", line("data: ", "流")),
        ("short data lines", line("", "data: 0123456789\n")),
        ("short data lines with CRLF", line("", "data: 0123456789\r\n")),
        ("an endless comment", line("", ":")),
        ("comments", line("", ":\n")),
        ("comments within a block", line("data: a\n", ": ping\n")),
        ("comments that are blocks", line("", ": ping\n\n")),
        ("an endless unknown field", line("", "x")),
        ("an endless event type", line("event: ", "t")),
        ("an endless id", line("id: ", "i")),
        ("ids", line("", "id: 1\n\n")),
        ("blank lines", line("", "\n")),
        ("carriage returns", line("", "\r")),
        ("carriage returns and line feeds", line("", "\r\n")),
        ("events", line("", "data: x\n\n")),
        ("events with a type", line("", "event: e\r\ndata: x\r\n\r\n")),
        ("Chinese events", line("", "data: {\"delta\":\"流式传输\"}\n\n")),
        (
            "invalid bytes",
            [b"data: ".as_slice(), &[0xFF; 1 << 10].repeat(LEN >> 10), b"\n\n"].concat(),
        ),
        ("invalid events", b"data: \xff\n\n".repeat(LEN / 9)),
    ])
}

/// The number of times that a byte is searched at most: once to see if a chunk lies within a line,
/// and once to read its lines.
const TIMES: usize = 2;

#[test]
fn no_byte_is_searched_more_than_twice() {
    for (name, stream) in hostile() {
        for size in [1, 7, 64, 1024, 16 << 10, stream.len()] {
            let check = |view: &str| {
                let searched = searched::take();
                let of = format!("{searched} of {} bytes: {name}, {view}", stream.len());
                assert!(searched <= TIMES * stream.len(), "{of}, chunks of {size}");
            };
            for comments in [false, true] {
                let mut decoder = Decoder::builder().comments(comments).build();
                searched::take();
                for chunk in stream.chunks(size) {
                    let mut events = decoder.feed(chunk);
                    while events.next_item().expect("within the limit").is_some() {}
                }
                check("events");
            }
            let mut decoder = Decoder::new();
            for chunk in stream.chunks(size) {
                decoder.feed_bytes(Bytes::copy_from_slice(chunk)).for_each(drop);
            }
            check("owned events");
            let mut decoder = BlockDecoder::new();
            for chunk in stream.chunks(size) {
                let mut blocks = decoder.feed(chunk);
                while blocks.next_block().expect("within the limit").is_some() {}
            }
            check("blocks");
        }
    }
}

/// The number of bytes after a line end that one call searches in vain at most: those of one
/// window.
const WINDOW: usize = 512;

/// A caller that takes one event of a chunk and drops the rest makes the next call search from
/// there. Each call searches the bytes of its event, which is once for the whole stream, and at
/// most a window after them.
#[test]
fn what_was_left_unread_is_searched_no_further_than_a_window() {
    for (name, stream) in hostile() {
        let check = |calls: usize| {
            let searched = searched::take();
            let most = TIMES * stream.len() + calls * WINDOW;
            assert!(searched <= most, "{searched} of {most} bytes: {name}, {calls} calls");
        };
        searched::take();

        let mut decoder = Decoder::new();
        drop(decoder.feed(&stream));
        let mut calls = 1;
        while !decoder.at_boundary() {
            decoder.feed(&[]).next_event().expect("within the limit");
            calls += 1;
        }
        check(calls);

        let mut decoder = BlockDecoder::new();
        drop(decoder.feed(&stream));
        let mut calls = 1;
        while !decoder.at_boundary() {
            decoder.feed(&[]).next_block().expect("within the limit");
            calls += 1;
        }
        check(calls);
    }
}

/// Chunks that arrive while events of earlier ones are unread.
#[test]
fn unread_chunks_that_pile_up_are_searched_once() {
    let event = "data: {\"delta\":\"流式传输\"}\n\n";
    let stream = event.repeat(LEN / event.len());
    searched::take();
    let (mut decoder, mut calls, mut count) = (Decoder::new(), 0, 0);
    for chunk in stream.as_bytes().chunks(5 * event.len()) {
        count += usize::from(decoder.feed(chunk).next_event().expect("no limit").is_some());
        calls += 1;
    }
    while !decoder.at_boundary() {
        count += usize::from(decoder.feed(&[]).next_event().expect("no limit").is_some());
        calls += 1;
    }
    assert_eq!(count, stream.len() / event.len());
    assert!(searched::take() <= TIMES * stream.len() + calls * WINDOW);
}

/// A line whose value is known needs no search. The other lines are searched once in each of the
/// two passes.
#[test]
fn a_block_is_rewritten_without_another_search() {
    let id = EventId::from_static("1");
    for lines in [1, 8, 9, 1000] {
        let mut stream = "data: 0123456789\r\n".repeat(lines).into_bytes();
        stream.extend_from_slice(b"\r\n");
        for size in [1, 7, stream.len()] {
            let mut decoder = BlockDecoder::new();
            let mut rewritten = Vec::new();
            for chunk in stream.chunks(size) {
                let mut blocks = decoder.feed(chunk);
                while let Some(block) = blocks.next_block().expect("within the limit") {
                    searched::take();
                    rewritten = block.rewrite().with_id(id).to_bytes().to_vec();
                    let searched = searched::take();
                    assert!(searched <= TIMES * stream.len(), "{searched} bytes, {lines} lines");
                }
            }
            // In small chunks, the LF of the blank line comes in a later one.
            assert!(rewritten.starts_with(b"id: 1\r\ndata: 0123456789\r\n"));
        }
    }
}
