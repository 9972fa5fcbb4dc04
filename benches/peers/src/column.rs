//! The measurements of one corpus.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::measure::{Score, Side};

/// The measurements of one corpus.
#[derive(Clone, Serialize, Deserialize)]
pub struct Column {
    pub corpus: String,
    pub bytes: usize,
    pub events: usize,
    pub scores: Vec<Score>,
    /// The shortest time of the probe.
    pub probe: Duration,
}

impl Column {
    pub fn score(&self, name: &str) -> Option<&Score> {
        self.scores.iter().find(|score| score.name == name)
    }

    /// Returns the fastest peer with correct results.
    pub fn fastest_peer(&self) -> Option<&Score> {
        let peers = self.scores.iter().filter(|score| score.side == Side::Peer);
        peers
            .filter(|score| score.time.is_some() && score.flaw.is_none())
            .min_by_key(|peer| peer.time)
    }

    /// Returns the time of the fastest peer divided by ours, and its name.
    pub fn lead(&self, ours: &str) -> Option<(f64, &str)> {
        let peer = self.fastest_peer()?;
        Some((ratio(peer.time, self.score(ours)?.time)?, &peer.name))
    }

    /// Returns the first time divided by the second.
    pub fn ratio(&self, first: &str, second: &str) -> Option<f64> {
        ratio(self.score(first)?.time, self.score(second)?.time)
    }
}

/// Returns their time divided by ours.
pub fn ratio(theirs: Option<Duration>, ours: Option<Duration>) -> Option<f64> {
    Some(theirs?.as_secs_f64() / ours?.as_secs_f64())
}
