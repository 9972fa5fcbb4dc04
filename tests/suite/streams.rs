//! Strategies for streams that know the grammar: fields and near misses, all line ends, byte order
//! marks, NULs, invalid UTF-8. They shrink line by line.

use proptest::{collection::vec, prelude::*, sample::select};

use crate::{faces::Settings, laws};

const NAMES: &[&[u8]] = &[
    b"data",
    b"event",
    b"id",
    b"retry",
    b"",
    b"dat",
    b"dataa",
    b"Data",
    b"data ",
    b" data",
    b"i",
    b"idx",
    b"retr",
    b"eventx",
    b"error",
    b"da\0ta",
    b"d\xff",
    "\u{feff}data".as_bytes(),
];

const SEPARATORS: &[&[u8]] = &[b": ", b":", b"", b":  ", b" :", b"::", b":\t"];

/// Valid characters of every length, and every class of invalid bytes.
const FRAGMENTS: &[&[u8]] = &[
    b"x",
    b"{\"a\":1}",
    b" ",
    b":",
    b"\0",
    b"[DONE]",
    "é".as_bytes(),
    "你好".as_bytes(),
    "😀".as_bytes(),
    "\u{feff}".as_bytes(),
    "\u{2028}\u{85}".as_bytes(),
    b"\x80",
    b"\xc0\xaf",
    b"\xe4\xb8",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98",
    b"\xf0\x80",
    b"\xf4\x90\x80\x80",
    b"\xff",
];

const NUMBERS: &[&[u8]] = &[
    b"0",
    b"3000",
    b"007",
    b"18446744073709551615",
    b"18446744073709551616",
    b"99999999999999999999999",
    b"+5",
    b"-1",
    b"1.5",
    b"5 ",
    b" 5",
    "٣".as_bytes(),
    b"",
];

/// Blank lines are frequent, so that blocks end.
const ENDS: &[&[u8]] =
    &[b"\n", b"\r\n", b"\r", b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r", b"\r\n\n", b"\n\n\n", b""];

const STARTS: &[&[u8]] =
    &[b"", b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf", b"\xef\xbb", b"\n"];

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => vec(select(FRAGMENTS), 0..5).prop_map(|parts| parts.concat()),
        3 => select(NUMBERS).prop_map(<[u8]>::to_vec),
        2 => vec(any::<u8>(), 0..8),
        1 => (1_000_usize..5_000).prop_map(|len| b"long ".repeat(len / 5)),
    ]
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    // The known names come first and are chosen more often.
    let name = prop_oneof![3 => select(&NAMES[..5]), 1 => select(NAMES)];
    let separator = prop_oneof![3 => select(&SEPARATORS[..2]), 1 => select(SEPARATORS)];
    (name, separator, value(), select(ENDS))
        .prop_map(|(name, separator, value, end)| [name, separator, &value, end].concat())
}

/// Returns a strategy for streams.
pub fn stream() -> impl Strategy<Value = Vec<u8>> {
    (select(STARTS), vec(line(), 0..12))
        .prop_map(|(start, lines)| [start, &lines.concat()].concat())
}

/// Returns a strategy for chunk sizes, to be repeated.
pub fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        Just(vec![1]),
        vec(0_usize..5, 1..5),
        vec(0_usize..60, 1..6),
        vec(0_usize..3_000, 1..4),
    ]
}

/// Returns a strategy for settings, with limits that such streams exceed.
pub fn settings() -> impl Strategy<Value = Settings> {
    let limit = prop_oneof![0_u64..40, 40_u64..6_000, Just(u64::MAX)];
    let id = select(&["", "41", "\u{feff}\u{fffd}"][..]);
    (limit, 0_usize..8, id).prop_map(|(limit, policy, last_event_id)| Settings {
        last_event_id,
        ..laws::policies(limit)[policy]
    })
}

/// Returns a strategy for the number of items to take of each chunk, to be repeated.
pub fn takes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![Just(vec![0]), Just(vec![1]), vec(0_usize..4, 1..5)]
}

/// Returns a strategy for streams whose lines a decoder has to hold, in either view.
pub fn held_stream() -> impl Strategy<Value = Vec<u8>> {
    const VALUES: &[&[u8]] = &[b"", b"x", b" y", "\u{4f60}".as_bytes(), b"0123456789"];
    let name = select(&NAMES[..3]);
    let line = (name, select(&SEPARATORS[..2]), select(VALUES), select(ENDS))
        .prop_map(|(name, separator, value, end)| [name, separator, value, end].concat());
    vec(line, 0..20).prop_map(|lines| lines.concat())
}

/// Returns a strategy for text that tries to break out of its line.
pub fn text() -> impl Strategy<Value = String> {
    const PARTS: &[&str] = &[
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        ":",
        " ",
        "data: x",
        "id: evil",
        "event: evil",
        "retry: 1",
        "\0",
        "\u{feff}",
        "你好",
        "plain",
        "\u{2028}",
    ];
    prop_oneof![vec(select(PARTS), 0..8).prop_map(|parts| parts.concat()), any::<String>()]
}
