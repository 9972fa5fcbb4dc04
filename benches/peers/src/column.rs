//! What was measured of one corpus.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::measure::{Score, Side};

/// What came out for one corpus.
#[derive(Clone, Serialize, Deserialize)]
pub struct Column {
    pub corpus: String,
    pub bytes: usize,
    pub events: usize,
    pub scores: Vec<Score>,
    /// The least time of the probe.
    pub probe: Duration,
}

impl Column {
    pub fn score(&self, name: &str) -> Option<&Score> {
        self.scores.iter().find(|score| score.name == name)
    }

    /// Who is wrong does not win.
    pub fn fastest_peer(&self) -> Option<&Score> {
        let peers = self.scores.iter().filter(|score| score.side == Side::Peer);
        peers
            .filter(|score| score.time.is_some() && score.flaw.is_none())
            .min_by_key(|peer| peer.time)
    }

    /// How many times longer than we the fastest peer takes, and who that is.
    pub fn lead(&self, ours: &str) -> Option<(f64, &str)> {
        let peer = self.fastest_peer()?;
        Some((ratio(peer.time, self.score(ours)?.time)?, &peer.name))
    }

    /// How many times longer than the second the first takes.
    pub fn ratio(&self, first: &str, second: &str) -> Option<f64> {
        ratio(self.score(first)?.time, self.score(second)?.time)
    }
}

/// Returns how many times longer than ours their time is.
pub fn ratio(theirs: Option<Duration>, ours: Option<Duration>) -> Option<f64> {
    Some(theirs?.as_secs_f64() / ours?.as_secs_f64())
}
