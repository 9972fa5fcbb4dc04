//! No injection: a sequence of calls gives the blocks that were asked for, and no other.

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
    laws::calls_give_their_blocks(&calls.collect::<Vec<_>>());
});
