//! Chunking, total, bounded and agreement, for every policy and limit.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sse_wire_fuzz::{Cut, laws};

#[derive(Arbitrary, Debug)]
struct Limited<'a> {
    limit: u16,
    policy: u8,
    cut: Cut<'a>,
}

fuzz_target!(|limited: Limited<'_>| {
    let Limited { limit, policy, cut } = limited;
    // Streams exceed small limits more often.
    let limit = if policy & 8 == 0 { limit % 64 } else { limit };
    let settings = &laws::policies(u64::from(limit))[usize::from(policy % 8)];
    laws::chunks_do_not_matter(settings, cut.input, &cut.chunks(), &cut.takes);
    laws::views_agree(settings, cut.input, &cut.chunks(), false);
});
