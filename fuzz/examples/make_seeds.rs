//! Writes a small seed corpus for each target: `cargo run --manifest-path fuzz/Cargo.toml --example make_seeds`.

use std::{fs, io, path::Path};

#[allow(dead_code, reason = "shared with the benchmarks")]
#[path = "../../benches/corpora/mod.rs"]
mod corpora;

/// Streams with features that the corpora do not have.
const STREAMS: [&[u8]; 12] = [
    b"\xef\xbb\xbfdata: a\n\ndata: b\r\rdata: c\r\n\r\n",
    b"id: 1\nevent: e\nretry: 10\ndata: a\ndata: b\n\n",
    b"id: a\0b\ndata\n\nid\n\nid:\ndata:\n\n",
    b": c\n:c\n:\n: \n\n",
    b"data: \xe4\xbd\xa0\xe5\xa5\xbd\ndata: \xf0\x9f\x98\x80\n\n",
    b"data: \xe4\xbd\ndata: \xff\xc0\xaf\n\nid: \xed\xa0\x80\n\n",
    b"retry: 18446744073709551616\n\nretry: +5\n\nretry:\n\nretry: 007\n\n",
    b"dat: x\ndataa: x\nData: x\nerror: x\n\n",
    b"event: a\n\ndata: b\n\nevent: c\nevent: d\ndata: e\n\n",
    b"data: a\r\ndata: b\rdata: c\n\r\n\r\r\n\n",
    b"data: a\n\nid: 9\ndata: cut",
    b"\n\r\n\r\xef\xbb\xbfdata: x\n\n",
];

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let services = corpora::all();
    let services = services.iter().map(|corpus| &corpus.bytes[..corpus.bytes.len().min(700)]);
    let streams: Vec<&[u8]> = STREAMS.into_iter().chain(services).collect();

    // The targets read their input in this order: the number of chunk sizes and the sizes, the
    // number of takes and the takes (how many items to take of each chunk), then the stream.
    let cuts: [&[u8]; 3] = [&[0, 24, 0, 1], &[0, 1, 0, 0], &[2, 3, 0, 7, 1, 0, 2]];
    for target in ["decode_vs_reference", "chunk_invariance", "block_identity"] {
        write(&folder.join(target), &[b""], &cuts, &streams)?;
    }
    let policies: Vec<Vec<u8>> =
        (0..8).flat_map(|policy| [vec![9, 0, policy], vec![20, 0, policy]]).collect();
    let policies: Vec<&[u8]> = policies.iter().map(Vec::as_slice).collect();
    write(&folder.join("limits"), &policies, &cuts[..1], &streams)?;
    for target in ["round_trip", "encode_no_injection"] {
        write(&folder.join(target), &[b"", b"\x01\x01\x01"], &[b""], &streams)?;
    }
    Ok(())
}

fn write(folder: &Path, starts: &[&[u8]], cuts: &[&[u8]], streams: &[&[u8]]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut number = 0;
    for start in starts {
        for cut in cuts {
            for stream in streams {
                fs::write(
                    folder.join(format!("seed-{number:03}")),
                    [*start, cut, stream].concat(),
                )?;
                number += 1;
            }
        }
    }
    Ok(())
}
