//! The groups of contenders, each shown in one table.

use crate::{
    body,
    column::Column,
    corpora::{Chunks, Corpus},
    cut, decode, encode,
    measure::{self, Contender, Figure, Side},
};

#[derive(Clone, Copy)]
pub enum Group {
    /// Decoding: the name of a kind of chunks, and the chunks.
    Decode(&'static str, Chunks),
    Encode,
    /// Bodies, made of streams that have this many events ready at a time.
    Body(&'static str, usize),
}

/// The settings of a comparison.
pub struct Plan {
    pub rounds: usize,
    pub figure: Figure,
    /// `true` if peers take part that are nowhere the fastest.
    pub has_all_peers: bool,
}

impl Group {
    pub fn name(self) -> &'static str {
        match self {
            Self::Decode(name, _) => name,
            Self::Encode => "encode",
            Self::Body(name, _) => name,
        }
    }

    pub fn title(self) -> String {
        match self {
            Self::Decode(name, _) => format!("Decoding, chunks: {name}"),
            Self::Encode => "Encoding".to_owned(),
            Self::Body(_, usize::MAX) => "Bodies, all events ready".to_owned(),
            Self::Body(_, burst) => format!("Bodies, {burst} ready at a time"),
        }
    }

    /// Returns the names that are compared with the fastest peer.
    pub fn ours(self) -> &'static [&'static str] {
        match self {
            Self::Decode(..) => &[decode::FEED, decode::FEED_BYTES, decode::EVENT_STREAM],
            Self::Encode => &[encode::REUSED, encode::FRAMES],
            Self::Body(..) => &[body::BODY, body::OWNED],
        }
    }

    /// Returns `true` for groups that decode.
    pub fn is_decoding(self) -> bool {
        matches!(self, Self::Decode(..))
    }

    /// Returns `true` if the chunks are single bytes.
    pub fn is_single(self) -> bool {
        matches!(self, Self::Decode(_, chunks) if cut::is_single(chunks))
    }

    /// Returns the peers that are the fastest for some corpus.
    fn swift(self) -> &'static [&'static str] {
        match self {
            Self::Decode(..) => &["sse-core", "sse-stream"],
            Self::Encode => &["russe", "sse-stream"],
            Self::Body(..) => &["axum", "sse-stream", "actix-web-lab"],
        }
    }

    pub fn race(self, corpus: &Corpus, plan: &Plan) -> Column {
        let is_short = matches!(plan.figure, Figure::Least);
        let race = |mut contenders: Vec<Contender<'_>>| {
            contenders.retain(|contender| {
                let is_peer = contender.side == Side::Peer;
                !is_peer || plan.has_all_peers || self.swift().contains(&contender.name)
            });
            measure::race(contenders, plan.rounds, plan.figure)
        };
        let (corpus, bytes, (scores, probe)) = match self {
            Self::Decode(_, chunks) => {
                let corpus = cut::portion(corpus, chunks, is_short);
                let raced = race(decode::Cuts::new(&corpus, chunks).contenders());
                let bytes = corpus.bytes.len();
                (corpus, bytes, raced)
            }
            Self::Encode => {
                let corpus = cut::portion(corpus, Chunks::Whole, is_short);
                let raced = race(encode::contenders(&corpus));
                let bytes = encode::encoded_len(&corpus.events);
                (corpus, bytes, raced)
            }
            Self::Body(_, burst) => {
                let corpus = cut::portion(corpus, Chunks::Whole, is_short);
                let raced = race(body::contenders(&corpus, burst));
                let bytes = encode::encoded_len(&corpus.events);
                (corpus, bytes, raced)
            }
        };
        let events = corpus.events.len();
        Column { corpus: corpus.name.to_owned(), bytes, events, scores, probe }
    }
}
