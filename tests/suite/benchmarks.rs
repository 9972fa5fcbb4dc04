//! Checks that the benchmarks' streams contain what they claim.

use crate::{
    corpora::{self, Chunks},
    reference,
};

#[test]
fn the_corpora_contain_what_they_claim() {
    for corpus in corpora::all() {
        let decoded = reference::decode(&corpus.bytes);
        let found: Vec<_> =
            decoded.events().iter().map(|e| (e.event_type.as_str(), e.data.as_str())).collect();
        let expected: Vec<_> = corpus
            .events
            .iter()
            .map(|(name, data)| (if name.is_empty() { "message" } else { name }, data.as_str()))
            .collect();
        assert!(found == expected, "{}", corpus.name);
        let data_bytes: usize = decoded.events().iter().map(|event| event.data.len()).sum();
        assert_eq!((corpus.data_bytes(), decoded.pending_bytes), (data_bytes, 0));
        assert_eq!(corpus.ends.last(), Some(&corpus.bytes.len()));

        for (name, chunks) in Chunks::ALL {
            assert!(corpus.chunks(chunks).concat() == corpus.bytes, "{}, {name}", corpus.name);
        }
        let last = corpus.chunks(Chunks::PerEvent).pop().expect("there are events");
        assert_eq!(reference::decode(last).events().len(), 1, "{}", corpus.name);
    }
}

/// Checks the bytes per event, including line ends, against what real services send.
#[test]
fn the_corpora_have_the_sizes_of_real_streams() {
    for corpus in corpora::all() {
        let expected = match corpus.name {
            "llm" => 240..300,
            "llm_named" => 110..170,
            "responses" => 240..1000,
            "cjk" => 200..300,
            "gemini" => 400..1500,
            "tiny" => 8..20,
            "multiline" => 200..600,
            "large" => 60_000..70_000,
            "heartbeat" => 300..600,
            other => panic!("no size for {other}"),
        };
        let size = corpus.bytes.len() / corpus.events.len();
        assert!(expected.contains(&size), "{}: {size} bytes an event", corpus.name);
    }
}
