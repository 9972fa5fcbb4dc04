//! Linear: no byte is searched twice, whatever the stream and however it is cut.

use alloc::{format, string::String, vec::Vec};

use crate::{BlockDecoder, Decoder, scan::searched};

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
