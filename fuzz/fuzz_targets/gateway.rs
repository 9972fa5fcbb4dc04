//! Rewriting, filtering and injecting: what is kept stays, what is changed means what it shall.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_wire_fuzz::{Cut, laws};

fuzz_target!(|input: (Cut<'_>, &str)| {
    let (cut, data) = input;
    laws::gateways_keep_their_word(cut.input, &cut.chunks(), data);
});
