//! Gateways: kept blocks stay unchanged, changed blocks have the requested content, and frames are
//! between blocks.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_wire_fuzz::{Cut, laws};

fuzz_target!(|input: (Cut<'_>, &str)| {
    let (cut, data) = input;
    laws::gateways_change_only_what_was_asked(cut.input, &cut.chunks(), data);
});
