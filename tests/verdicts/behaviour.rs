//! What parts of call sites do with memory. A call site is one of these, or two of them at one line.

use std::collections::VecDeque;

use crate::world::{Block, World};

/// Reacts to what happens in a program. A part keeps its blocks itself.
pub(crate) trait Behaviour {
    /// One of the rounds in which the program starts.
    fn start(&mut self, _round: usize, _world: &mut World) {}
    fn request(&mut self, _world: &mut World) {}
    /// An alarm that it set.
    fn wake(&mut self, _what_for: u64, _world: &mut World) {}
    /// All work is done, and the program is still whole.
    fn finish(&mut self, _world: &mut World) {}
    /// The program frees what it still knows of.
    fn exit(&mut self, _world: &mut World) {}
}

/// How often `start` is called.
pub(crate) const ROUNDS: usize = 20;

fn free_all(blocks: impl IntoIterator<Item = Block>, world: &mut World) {
    for block in blocks {
        world.free(block);
    }
}

/// Sizes of the blocks of one site: mostly one, or a few times that.
pub(crate) fn size_of(unit: u64, world: &mut World) -> u64 {
    unit * (1 + u64::from(world.chance.happens(0.2)) * world.chance.between(0, 3))
}

/// What makes it leak once more.
#[derive(Clone, Copy)]
pub(crate) enum Trigger {
    /// Requests, each with this probability.
    Request(f64),
    /// The clock, after so many seconds on average.
    Clock(f64),
}

/// Loses blocks, one or some at a time.
pub(crate) struct Leak {
    pub trigger: Trigger,
    pub batch: u64,
    pub unit: u64,
    /// The program keeps them in a list, and frees them when it ends.
    pub is_drained: bool,
    pub blocks: Vec<Block>,
}

impl Leak {
    fn leak(&mut self, world: &mut World) {
        for _ in 0..self.batch {
            let size = size_of(self.unit, world);
            self.blocks.push(world.alloc(size));
            world.count_lost();
        }
    }
}

impl Behaviour for Leak {
    fn start(&mut self, round: usize, world: &mut World) {
        if let (Trigger::Clock(every), 0) = (self.trigger, round) {
            world.wake_in(every, 0);
        }
    }

    fn request(&mut self, world: &mut World) {
        if let Trigger::Request(probability) = self.trigger
            && world.chance.happens(probability)
        {
            self.leak(world);
        }
    }

    fn wake(&mut self, _: u64, world: &mut World) {
        if let Trigger::Clock(every) = self.trigger {
            self.leak(world);
            let jitter = world.chance.uniform(0.9, 1.1);
            world.wake_in(every * jitter, 0);
        }
    }

    fn exit(&mut self, world: &mut World) {
        if self.is_drained {
            free_all(self.blocks.drain(..), world);
        }
    }
}

/// Filled while the program starts, in some of its rounds, and then kept.
pub(crate) struct Table {
    pub blocks: u64,
    pub rounds: std::ops::Range<usize>,
    pub unit: u64,
    pub is_drained: bool,
    pub held: Vec<Block>,
}

impl Behaviour for Table {
    fn start(&mut self, round: usize, world: &mut World) {
        if self.rounds.contains(&round) {
            let (done, rounds) = ((round - self.rounds.start) as u64, self.rounds.len() as u64);
            let due = self.blocks * (done + 1) / rounds - self.blocks * done / rounds;
            for _ in 0..due {
                let size = size_of(self.unit, world);
                self.held.push(world.alloc(size));
            }
        }
    }

    fn exit(&mut self, world: &mut World) {
        if self.is_drained {
            free_all(self.held.drain(..), world);
        }
    }
}

/// Allocated and freed before the request is answered.
pub(crate) struct Transient {
    pub times: u64,
    pub unit: u64,
}

impl Behaviour for Transient {
    fn request(&mut self, world: &mut World) {
        for _ in 0..self.times {
            let size = size_of(self.unit, world);
            let block = world.alloc(size);
            world.free(block);
        }
    }
}

/// All at once, when a feature is used for the first time; then kept.
pub(crate) struct Lazy {
    /// Requests until then.
    pub after: u64,
    pub blocks: u64,
    pub unit: u64,
    pub is_drained: bool,
    pub held: Vec<Block>,
}

impl Behaviour for Lazy {
    fn request(&mut self, world: &mut World) {
        if self.after > 0 {
            self.after -= 1;
        } else if self.held.is_empty() {
            for _ in 0..self.blocks {
                let size = size_of(self.unit, world);
                self.held.push(world.alloc(size));
            }
        }
    }

    fn exit(&mut self, world: &mut World) {
        if self.is_drained {
            free_all(self.held.drain(..), world);
        }
    }
}

/// Read anew from time to time, and the old one thrown away.
pub(crate) struct Reloaded {
    pub every: f64,
    pub blocks: u64,
    pub unit: u64,
    pub held: Vec<Block>,
}

impl Behaviour for Reloaded {
    fn start(&mut self, round: usize, world: &mut World) {
        if round == 0 {
            self.wake(0, world);
        }
    }

    fn wake(&mut self, _: u64, world: &mut World) {
        let blocks = (self.blocks as f64 * world.chance.uniform(0.95, 1.05)).ceil() as u64;
        let mut new = Vec::new();
        for _ in 0..blocks {
            let size = size_of(self.unit, world);
            new.push(world.alloc(size));
        }
        free_all(std::mem::replace(&mut self.held, new), world);
        world.wake_in(self.every, 0);
    }

    fn exit(&mut self, world: &mut World) {
        free_all(self.held.drain(..), world);
    }
}

/// Gathered over the last part of a run, or all at once after its last request.
pub(crate) struct Report {
    /// The part of the run; 0 for the latter.
    pub share: f64,
    pub blocks: u64,
    pub unit: u64,
    pub is_drained: bool,
    pub held: Vec<Block>,
}

const STEPS_OF_REPORT: u64 = 40;

impl Report {
    fn build(&mut self, blocks: u64, world: &mut World) {
        for _ in 0..blocks {
            let size = size_of(self.unit, world);
            self.held.push(world.alloc(size));
        }
    }
}

impl Behaviour for Report {
    fn start(&mut self, round: usize, world: &mut World) {
        if round == 0 && self.share > 0.0 {
            for step in 0..STEPS_OF_REPORT {
                let before_end = self.share * (1.0 - step as f64 / STEPS_OF_REPORT as f64);
                world.wake_in(world.end * (1.0 - before_end) - world.now, step);
            }
        }
    }

    fn wake(&mut self, step: u64, world: &mut World) {
        let until = |step: u64| self.blocks * step / STEPS_OF_REPORT;
        self.build(until(step + 1) - until(step), world);
    }

    fn finish(&mut self, world: &mut World) {
        if self.share == 0.0 {
            self.build(self.blocks, world);
        }
    }

    fn exit(&mut self, world: &mut World) {
        if self.is_drained {
            free_all(self.held.drain(..), world);
        }
    }
}

/// More comes in than is worked off, or less.
pub(crate) struct Queue {
    pub probability: f64,
    /// Seconds that one takes.
    pub service: f64,
    pub unit: u64,
    pub is_drained: bool,
    pub waiting: VecDeque<Block>,
    pub is_at_work: bool,
}

impl Behaviour for Queue {
    fn request(&mut self, world: &mut World) {
        if world.chance.happens(self.probability) {
            let size = size_of(self.unit, world);
            self.waiting.push_back(world.alloc(size));
            if !self.is_at_work {
                self.is_at_work = true;
                world.wake_in(self.service, 0);
            }
        }
    }

    fn wake(&mut self, _: u64, world: &mut World) {
        if let Some(block) = self.waiting.pop_front() {
            world.free(block);
        }
        self.is_at_work = !self.waiting.is_empty();
        if self.is_at_work {
            world.wake_in(self.service, 0);
        }
    }

    fn exit(&mut self, world: &mut World) {
        if self.is_drained {
            free_all(self.waiting.drain(..), world);
        }
    }
}
