//! Total, reconnection and clones: any order of calls, for every policy and limit.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sse_wire_fuzz::{
    laws,
    walks::{self, Connection, Step},
};

#[derive(Arbitrary, Debug)]
struct Walk<'a> {
    limit: u8,
    policy: u8,
    steps: Vec<(u8, u8, &'a [u8])>,
}

fuzz_target!(|walk: Walk<'_>| {
    let Walk { limit, policy, steps } = walk;
    let settings = &laws::policies(u64::from(limit))[usize::from(policy % 8)];
    let steps: Vec<_> = steps
        .into_iter()
        .map(|(what, takes, chunk)| Step { what, chunk, takes: takes % 8 })
        .collect();
    walks::anything_goes(settings, &steps);

    let chunks: Vec<_> = steps.iter().map(|step| step.chunk).collect();
    let takes: Vec<_> = steps.iter().map(|step| usize::from(step.takes)).collect();
    if !takes.is_empty() {
        walks::clones_agree(settings, &chunks, &takes, usize::from(policy / 8));
    }
    let connections: Vec<_> = steps
        .chunks(2)
        .map(|steps| Connection {
            chunks: steps.iter().map(|step| step.chunk).collect(),
            takes: vec![usize::from(steps[0].takes)],
            finishes: steps[0].what % 2 == 0,
        })
        .collect();
    walks::connections_are_apart(settings, &connections);
});
