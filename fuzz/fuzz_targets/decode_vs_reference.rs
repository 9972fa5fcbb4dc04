//! Spec and earliest: every face returns what the reference decoder returns, and each event at
//! once.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_wire_fuzz::{Cut, laws};

fuzz_target!(|cut: Cut<'_>| {
    laws::follows_the_standard(cut.input, &cut.chunks());
    laws::events_come_at_once(&cut.input[..cut.input.len().min(100)]);
});
