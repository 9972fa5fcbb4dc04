//! Lossless and agreement: blocks and their lines contain every byte, and have the same events.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_wire_fuzz::{Cut, laws};

fuzz_target!(|cut: Cut<'_>| laws::blocks_lose_nothing(cut.input, &cut.chunks()));
