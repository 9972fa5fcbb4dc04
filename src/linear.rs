//! Linear: no byte is searched twice, whatever the stream and however it is cut.

use alloc::{format, string::String, vec::Vec};

use crate::{BlockDecoder, Decoder, EventId, scan::searched};

/// Long enough that quadratic work would be a thousand times as much.
const LEN: usize = 1 << 18;

/// Streams that make careless decoders quadratic.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let line = |start: &str, again: &str, len: usize| {
        let mut stream = String::from(start);
        stream.push_str(&again.repeat(len / again.len()));
        stream.push_str("\n\n");
        stream.into_bytes()
    };
    Vec::from([
        ("one long line", line("data: ", "x", LEN)),
        ("one long Chinese line", line("data: ", "流", LEN)),
        ("short data lines", line("", "data: 0123456789\n", LEN)),
        ("short data lines with CRLF", line("", "data: 0123456789\r\n", LEN)),
        ("an endless comment", line("", ":", LEN)),
        ("comments", line("", ":\n", LEN)),
        ("an endless unknown field", line("", "x", LEN)),
        ("an endless event type", line("event: ", "t", LEN)),
        ("an endless id", line("id: ", "i", LEN)),
        ("blank lines", line("", "\n", LEN)),
        ("carriage returns", line("", "\r", LEN)),
        ("events", line("", "data: x\n\n", LEN)),
        (
            "invalid bytes",
            [b"data: ".as_slice(), &[0xFF; 1 << 10].repeat(LEN >> 10), b"\n\n"].concat(),
        ),
    ])
}

#[test]
fn no_byte_is_searched_twice() {
    for (name, stream) in hostile() {
        for size in [1, 7, 1024, 16 << 10, stream.len()] {
            let mut decoder = Decoder::new();
            searched::take();
            for chunk in stream.chunks(size) {
                let mut events = decoder.feed(chunk);
                while events.next_event().expect("within the limit").is_some() {}
            }
            let searched = searched::take();
            let of = format!("{searched} of {} bytes: {name}, chunks of {size}", stream.len());
            assert!(searched <= stream.len(), "{of}");

            let mut decoder = BlockDecoder::new();
            for chunk in stream.chunks(size) {
                let mut blocks = decoder.feed(chunk);
                while blocks.next_block().expect("within the limit").is_some() {}
            }
            assert!(searched::take() <= stream.len(), "{of}, blocks");
        }
    }
}

/// The decoder knows where the first lines end. Of a block with more of them, no byte is searched
/// more than once for each of the two passes.
#[test]
fn a_block_is_rewritten_without_another_search() {
    let id = EventId::from_static("1");
    for (lines, passes) in [(1, 0), (8, 0), (9, 2), (1000, 2)] {
        let mut stream = "data: 0123456789\r\n".repeat(lines).into_bytes();
        stream.extend_from_slice(b"\r\n");
        for size in [1, 7, stream.len()] {
            let mut decoder = BlockDecoder::new();
            let mut rewritten = Vec::new();
            for chunk in stream.chunks(size) {
                let mut blocks = decoder.feed(chunk);
                while let Some(block) = blocks.next_block().expect("within the limit") {
                    searched::take();
                    rewritten = block.with_id(id).to_bytes().to_vec();
                    let searched = searched::take();
                    assert!(searched <= passes * stream.len(), "{searched} bytes, {lines} lines");
                }
            }
            // In small chunks, the LF of the blank line comes later.
            assert!(rewritten.starts_with(b"id: 1\r\ndata: 0123456789\r\n"));
        }
    }
}
