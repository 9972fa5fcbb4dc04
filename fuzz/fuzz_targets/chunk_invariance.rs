//! Chunking: the default settings do not depend on how the stream is cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_wire::Decoder;
use sse_wire_fuzz::{Cut, laws};

fuzz_target!(|cut: Cut<'_>| {
    let builder = Decoder::builder();
    laws::chunks_do_not_matter(&builder, cut.input, &cut.chunks());
    laws::chunks_do_not_matter(&builder, cut.input, &laws::cut(cut.input, &[1]));
});
