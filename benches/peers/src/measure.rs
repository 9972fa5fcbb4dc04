//! Runs contenders in turn, and measures their times.

use std::{
    fmt::Debug,
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    hint::black_box,
    panic::{self, AssertUnwindSafe},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::alloc;

/// The time after which a pass is given up.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// The number of rounds that do not count.
pub const WARM_UP: usize = 2;

/// The time for all measured passes of a contender. Slow ones take part in fewer rounds.
const BUDGET: Duration = Duration::from_millis(500);

/// The minimum number of measured passes, for slow contenders.
const FEWEST: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    Ours,
    Peer,
    /// The limits of the machine, or a few lines without a library.
    Yardstick,
}

/// Code that processes the input, again and again.
pub struct Contender<'a> {
    pub name: &'static str,
    pub side: Side,
    pass: Box<dyn FnMut(&mut Clock) -> Outcome + 'a>,
}

impl<'a> Contender<'a> {
    /// `pass` prepares what it needs, does its work under the clock, and checks the result.
    pub fn new(
        name: &'static str,
        side: Side,
        pass: impl FnMut(&mut Clock) -> Outcome + 'a,
    ) -> Self {
        Self { name, side, pass: Box::new(pass) }
    }
}

pub type Outcome = Result<(), Flaw>;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Flaw {
    TooSlow,
    /// An error or a panic.
    Failed(String),
    /// The result was wrong.
    Wrong(String),
}

impl Flaw {
    pub fn failed(error: impl Debug) -> Self {
        // Some errors contain the whole input.
        Self::Failed(format!("{error:?}").chars().take(100).collect())
    }
}

/// Measures the time of a pass. The first pass counts allocations instead, and may be given up.
#[derive(Default)]
pub struct Clock {
    pub is_first: bool,
    time: Duration,
    allocations: u64,
}

impl Clock {
    pub fn time<T>(&mut self, work: impl FnOnce(Limit) -> T) -> T {
        let start = Instant::now();
        let limit = Limit(self.is_first.then(|| start + PATIENCE));
        let done = if self.is_first {
            let (done, allocations) = alloc::count(|| work(limit));
            self.allocations = allocations;
            done
        } else {
            work(limit)
        };
        self.time = start.elapsed();
        done
    }
}

/// The time to give up, if there is one. Costs only a branch in passes that count.
#[derive(Clone, Copy, Default)]
pub struct Limit(Option<Instant>);

impl Limit {
    #[inline]
    pub fn check(self) -> Outcome {
        match self.0 {
            Some(end) if Instant::now() > end => Err(Flaw::TooSlow),
            _ => Ok(()),
        }
    }
}

/// The measurements of one contender.
#[derive(Clone, Serialize, Deserialize)]
pub struct Score {
    pub name: String,
    pub side: Side,
    pub time: Option<Duration>,
    pub allocations: u64,
    pub flaw: Option<Flaw>,
}

/// The time of a contender that is shown.
#[derive(Clone, Copy)]
pub enum Figure {
    Median,
    Least,
}

/// Lets every contender make one pass in each round. Also returns the shortest time of the probe.
pub fn race(
    contenders: Vec<Contender<'_>>,
    rounds: usize,
    figure: Figure,
) -> (Vec<Score>, Duration) {
    let mut least = Duration::MAX;
    let mut lanes: Vec<_> = contenders.into_iter().map(Lane::new).collect();
    let mut order: Vec<_> = (0..lanes.len()).collect();
    for round in 0..rounds {
        // A random order, so that no contender always runs after the same one and its traces in the
        // caches.
        let random = BuildHasherDefault::<DefaultHasher>::new();
        order.sort_by_key(|turn| random.hash_one((round, turn)));
        for &turn in &order {
            lanes[turn].run(round, rounds);
        }
        least = least.min(probe());
    }
    (lanes.into_iter().map(|lane| lane.score(figure)).collect(), least)
}

/// Measures the time of constant work, which takes longer while another program uses the other half
/// of the core.
fn probe() -> Duration {
    let bytes = black_box([b'x'; 16 << 10]);
    let start = Instant::now();
    let count = |count, &byte| if byte == b'\n' { count + black_box(1) } else { count };
    black_box(bytes.iter().fold(0, count));
    start.elapsed()
}

struct Lane<'a> {
    contender: Contender<'a>,
    /// The contender takes part in every round that is a multiple of this.
    stride: usize,
    times: Vec<Duration>,
    allocations: u64,
    flaw: Option<Flaw>,
}

impl<'a> Lane<'a> {
    fn new(contender: Contender<'a>) -> Self {
        Self { contender, stride: 1, times: Vec::new(), allocations: 0, flaw: None }
    }

    fn run(&mut self, round: usize, rounds: usize) {
        let is_out = matches!(self.flaw, Some(Flaw::TooSlow | Flaw::Failed(_)));
        let measured = round.checked_sub(WARM_UP);
        if is_out || measured.is_some_and(|round| !round.is_multiple_of(self.stride)) {
            return;
        }
        let mut clock = Clock { is_first: round == 0, ..Clock::default() };
        if let Err(flaw) = caught(|| (self.contender.pass)(&mut clock)) {
            self.flaw = Some(flaw);
        }
        if round == 0 {
            self.allocations = clock.allocations;
            if clock.time > PATIENCE {
                self.flaw = Some(Flaw::TooSlow);
            }
            let most = rounds.saturating_sub(WARM_UP).max(1);
            let affordable = (BUDGET.as_nanos() / clock.time.as_nanos().max(1)) as usize;
            self.stride = most.div_ceil(affordable.max(FEWEST).min(most));
        }
        if measured.is_some() {
            self.times.push(clock.time);
        }
    }

    fn score(mut self, figure: Figure) -> Score {
        self.times.sort_unstable();
        let is_out = matches!(self.flaw, Some(Flaw::TooSlow | Flaw::Failed(_)));
        let time = match figure {
            Figure::Median => self.times.get(self.times.len() / 2),
            Figure::Least => self.times.first(),
        };
        Score {
            name: self.contender.name.to_owned(),
            side: self.contender.side,
            time: time.copied().filter(|_| !is_out),
            allocations: self.allocations,
            flaw: self.flaw,
        }
    }
}

/// Converts a panic to a flaw, which is reported like any other.
fn caught(pass: impl FnOnce() -> Outcome) -> Outcome {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let outcome = panic::catch_unwind(AssertUnwindSafe(pass));
    panic::set_hook(hook);
    outcome.unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(|&text| text.to_owned()));
        Err(Flaw::failed(format_args!("panic: {}", text.unwrap_or_default())))
    })
}
