//! Counts numbered events: received, lost, and doubled.

use serde::Deserialize;

use crate::Anything;

/// The fields of a notification that matter here. Within one channel and one run, the numbers have
/// no holes.
#[derive(Deserialize)]
pub struct Notification {
    pub run: String,
    pub number: u32,
}

#[derive(Default)]
pub struct Tally {
    pub received: u32,
    pub lost: u32,
    pub doubled: u32,
}

impl Tally {
    /// Counts an event, and returns the number to expect next.
    pub fn note(&mut self, expected: u32, number: u32) -> u32 {
        self.received += 1;
        if number < expected {
            self.doubled += 1;
            return expected;
        }
        self.lost += number - expected;
        number + 1
    }

    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.lost += other.lost;
        self.doubled += other.doubled;
    }

    pub fn check(&self) -> Result<(), Anything> {
        if self.received == 0 || self.lost + self.doubled > 0 {
            return Err("not every event came once".into());
        }
        Ok(())
    }
}
