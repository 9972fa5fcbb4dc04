//! Chunking: with default settings, results do not depend on how the stream is split or left
//! unread.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_wire_fuzz::{Cut, faces::Settings, laws};

fuzz_target!(|cut: Cut<'_>| {
    let settings = Settings::default();
    laws::chunks_do_not_matter(&settings, cut.input, &cut.chunks(), &cut.takes);
    laws::chunks_do_not_matter(&settings, cut.input, &laws::cut(cut.input, &[1]), &[1]);
});
