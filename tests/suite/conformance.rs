//! The conformance vectors, which other implementations can use as well.

use std::{collections::HashSet, fs};

use crate::{
    faces::{self, Settings},
    laws,
    reference::{self, Item},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    input: Option<String>,
    input_hex: Option<String>,
    events: Vec<Event>,
    comments: Vec<String>,
    last_event_id: String,
    reconnection_time: Option<u64>,
    blocks: u64,
    pending_bytes: u64,
}

#[derive(Deserialize)]
struct Event {
    event: String,
    data: String,
    id: Option<String>,
    last_event_id: String,
    retry: Option<u64>,
}

impl From<Event> for Item {
    fn from(event: Event) -> Self {
        Self::Event(reference::Event {
            event_type: event.event,
            data: event.data,
            id: event.id,
            last_event_id: event.last_event_id,
            retry: event.retry,
        })
    }
}

impl Case {
    fn bytes(&self) -> Vec<u8> {
        match (&self.input, &self.input_hex) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(hex)) => (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal"))
                .collect(),
            _ => panic!("{}: one of `input` and `input_hex`", self.name),
        }
    }
}

fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors.json");
    let json = fs::read_to_string(path).expect("the vectors are there");
    serde_json::from_str::<Vectors>(&json).expect("the vectors are well-formed").cases
}

#[test]
fn the_vectors_are_many_and_their_names_unique() {
    let cases = cases();
    let names: HashSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.len() >= 500, "{}", cases.len());
}

#[test]
fn every_vector_passes() {
    for case in cases() {
        let input = case.bytes();
        let whole = faces::items(&Settings::default(), &[&input]);
        let found: Vec<_> = whole.items.iter().filter_map(Item::comment).collect();
        assert_eq!(found, case.comments, "{}: comments", case.name);
        let whole = whole.events_alone();
        let expected: Vec<_> = case.events.into_iter().map(Item::from).collect();
        assert_eq!(whole.items, expected, "{}", case.name);
        assert_eq!(
            (whole.stats.blocks, &*whole.last_event_id, whole.reconnection_time),
            (case.blocks, &*case.last_event_id, case.reconnection_time),
            "{}",
            case.name,
        );
        assert_eq!((whole.pending_bytes, whole.errors), (case.pending_bytes, vec![]));
    }
}

/// The limit for streams that are tested with every split.
const EVERY_SPLIT: usize = 300;

#[test]
fn every_face_and_every_split_gives_the_same() {
    for case in cases() {
        let input = case.bytes();
        eprintln!("{}", case.name);
        for size in [usize::MAX, 1, 2, 3, 7] {
            laws::follows_the_standard(&input, &laws::cut(&input, &[size]));
        }
        if input.len() <= EVERY_SPLIT {
            for at in 0..=input.len() {
                let (left, right) = input.split_at(at);
                laws::follows_the_standard(&input, &[left, right]);
            }
            laws::events_come_at_once(&input);
        }
    }
}

/// The vectors say nothing about limits and policies, but those must not depend on the chunks
/// either.
#[test]
fn no_policy_depends_on_the_chunks() {
    for case in cases() {
        let input = case.bytes();
        if input.len() > EVERY_SPLIT {
            continue;
        }
        eprintln!("{}", case.name);
        for limit in [0, 1, 2, 5, 9, 14, 20, u64::MAX] {
            for settings in laws::policies(limit) {
                for (sizes, takes) in [(1, [1]), (3, [0]), (usize::MAX, [1])] {
                    let chunks = laws::cut(&input, &[sizes]);
                    laws::chunks_do_not_matter(&settings, &input, &chunks, &takes);
                }
            }
        }
    }
}
