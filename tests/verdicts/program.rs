//! Programs made up from a seed: their call sites, their load, and how their two runs differ.

use crate::behaviour::Behaviour;
use crate::chance::Chance;
use crate::kinds::{LEAKS, OTHERS};
use crate::load::Shape;
use crate::parts::traffic;

/// Makes a part as it is when a program starts.
pub(crate) type Recipe = Box<dyn Fn() -> Box<dyn Behaviour> + Send + Sync>;

/// What a site's figures are measured against: the last run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub requests: f64,
    pub seconds: f64,
}

pub(crate) struct CallSite {
    pub kind: &'static str,
    pub parts: Vec<Recipe>,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    /// What the program knows of is freed, and the log closed.
    Exit,
    Killed,
}

/// First run to last run.
const LENGTHS: [(u32, u32); 5] = [(2, 3), (1, 2), (1, 10), (1, 1), (3, 2)];
const LEAST_RECORDS: f64 = 2_000.0;
const MOST_RECORDS: f64 = 1_000_000.0;
/// What a request leaves in the log, roughly.
const RECORDS_A_REQUEST: f64 = 8.0;
/// One site in so many leaks by design; what it truly does is found out later.
const LEAKING: f64 = 0.35;

pub(crate) struct Program {
    pub seed: u64,
    pub scale: Scale,
    pub load: Load,
    pub lengths: (u32, u32),
    /// The last run's rate of requests, as a multiple of the first one's.
    pub pace: f64,
    pub end: End,
    /// Seconds that it takes to start.
    pub start: f64,
    pub sites: Vec<CallSite>,
}

/// The shape of the load, by name; its times are set for each run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    name: &'static str,
    /// Where something happens, and how long it takes, as shares of the last run.
    at: f64,
    size: f64,
}

const LOADS: [&str; 5] = ["steady", "bursty", "diurnal", "ramp-up", "outages"];

impl Load {
    pub(crate) fn name(self) -> &'static str {
        self.name
    }

    /// The load of a run of so many seconds, of a program whose last run has `last`.
    pub(crate) fn shape(self, seconds: f64, last: f64) -> Shape {
        match self.name {
            "bursty" => Shape::Bursty {
                phase: last * (0.005 + 0.05 * self.size),
            },
            "diurnal" => Shape::Diurnal {
                period: last * (0.35 + 1.65 * self.size),
                offset: self.at,
            },
            "ramp-up" => Shape::RampUp {
                until: seconds * (0.3 + 0.7 * self.size),
            },
            "outages" => {
                let every = last * (0.4 + 0.5 * self.size);
                Shape::Outages {
                    every,
                    from: every * 0.8 * self.at,
                    gap: every * 0.18,
                }
            }
            _ => Shape::Steady,
        }
    }
}

impl Program {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed, 0);
        let requests = chance.log_uniform(LEAST_RECORDS, MOST_RECORDS) / RECORDS_A_REQUEST;
        let scale = Scale {
            requests,
            seconds: chance.log_uniform(20.0, 7200.0),
        };
        let load = Load {
            name: chance.pick::<&str>(&LOADS),
            at: chance.unit(),
            size: chance.unit(),
        };
        let pace = match chance.between(0, 9) {
            0 => 0.5,
            1 => 2.0,
            _ => 1.0,
        };
        let lengths = *chance.pick(&LENGTHS);
        let end = if chance.happens(0.65) {
            End::Exit
        } else {
            End::Killed
        };
        let mut sites = vec![CallSite {
            kind: "transient",
            parts: vec![traffic(&mut chance)],
        }];
        for _ in 0..chance.between(9, 29) {
            let kinds = if chance.happens(LEAKING) {
                LEAKS
            } else {
                OTHERS
            };
            let (kind, make) = chance.pick(kinds);
            let parts = make(&scale, &mut chance);
            sites.push(CallSite { kind, parts });
        }
        Program {
            seed,
            scale,
            load,
            lengths,
            pace,
            end,
            start: scale.seconds * chance.uniform(0.001, 0.04),
            sites,
        }
    }

    /// Seconds of the first run.
    pub(crate) fn first_seconds(&self) -> f64 {
        self.scale.seconds * f64::from(self.lengths.0) / f64::from(self.lengths.1)
    }

    /// Requests a second, of the last run.
    pub(crate) fn last_rate(&self) -> f64 {
        self.scale.requests / self.scale.seconds
    }

    /// All of it in a few words.
    pub(crate) fn about(&self) -> String {
        let (first, last) = self.lengths;
        format!(
            "{first}:{last}, {} load, pace x{}, {:.0} requests in {:.0} s, {:?}",
            self.load.name(),
            self.pace,
            self.scale.requests,
            self.scale.seconds,
            self.end
        )
    }
}
