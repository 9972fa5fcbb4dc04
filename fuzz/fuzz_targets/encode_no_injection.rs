//! No injection: each call of the encoder writes one block, with the requested content.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_wire_fuzz::laws::{self, Call};

fuzz_target!(|calls: Vec<(u8, &str)>| {
    let calls = calls.into_iter().map(|(kind, text)| match kind % 4 {
        0 => Call::Event(text),
        1 => Call::Comment(text),
        2 => Call::Retry(u64::from(kind)),
        _ => Call::KeepAlive,
    });
    laws::each_call_is_one_block(&calls.collect::<Vec<_>>());
});
