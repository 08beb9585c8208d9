//! What comes and goes: working sets, sessions, and saw teeth.

use std::collections::BTreeMap;

use crate::behaviour::{Behaviour, size_of};
use crate::world::{Block, World};

/// How long blocks live, in seconds.
#[derive(Clone, Copy)]
pub(crate) enum Life {
    Exponential {
        mean: f64,
    },
    /// Most live shortly, and a few very long.
    Pareto {
        alpha: f64,
        least: f64,
        most: f64,
    },
    Fixed(f64),
}

impl Life {
    fn drawn(self, world: &mut World) -> f64 {
        match self {
            Life::Exponential { mean } => world.chance.exponential(mean),
            Life::Pareto { alpha, least, most } => world.chance.pareto(alpha, least, most),
            Life::Fixed(seconds) => seconds,
        }
    }
}

/// The popularity of what the site serves, which comes and goes.
#[derive(Clone, Copy)]
pub(crate) struct Wave {
    pub period: f64,
    pub offset: f64,
}

/// Blocks that come with requests, in groups, and go some time later, each group together.
pub(crate) struct WorkingSet {
    pub probability: f64,
    pub wave: Option<Wave>,
    pub life: Life,
    pub group: u64,
    pub unit: u64,
    /// A group is forgotten with this probability, and stays.
    pub forgotten: f64,
    pub is_drained: bool,
    pub next: u64,
    pub held: BTreeMap<u64, Vec<Block>>,
}

impl Behaviour for WorkingSet {
    fn request(&mut self, world: &mut World) {
        let share = self.wave.map_or(1.0, |wave| {
            let turns = world.now / wave.period + wave.offset;
            0.5 - 0.45 * (std::f64::consts::TAU * turns).cos()
        });
        if !world.chance.happens(self.probability * share) {
            return;
        }
        let mut blocks = Vec::new();
        for _ in 0..self.group {
            let size = size_of(self.unit, world);
            blocks.push(world.alloc(size));
        }
        if world.chance.happens(self.forgotten) {
            (0..self.group).for_each(|_| world.count_lost());
            return;
        }
        self.next += 1;
        let life = self.life.drawn(world);
        world.wake_in(life, self.next);
        self.held.insert(self.next, blocks);
    }

    fn wake(&mut self, group: u64, world: &mut World) {
        for block in self.held.remove(&group).into_iter().flatten() {
            world.free(block);
        }
    }

    fn exit(&mut self, world: &mut World) {
        if self.is_drained {
            for (_, blocks) in std::mem::take(&mut self.held) {
                blocks.into_iter().for_each(|block| world.free(block));
            }
        }
    }
}

/// Gathers blocks, and frees them together when there are enough: all, or all but some that it forgets.
pub(crate) struct SawTooth {
    pub probability: f64,
    pub tooth: u64,
    pub kept: u64,
    pub unit: u64,
    pub held: Vec<Block>,
}

impl Behaviour for SawTooth {
    fn request(&mut self, world: &mut World) {
        if !world.chance.happens(self.probability) {
            return;
        }
        let size = size_of(self.unit, world);
        self.held.push(world.alloc(size));
        if self.held.len() as u64 >= self.tooth {
            let kept = self.held.len().min(self.kept as usize);
            self.held.drain(..kept).for_each(drop);
            (0..kept).for_each(|_| world.count_lost());
            self.held.drain(..).for_each(|block| world.free(block));
        }
    }
}
