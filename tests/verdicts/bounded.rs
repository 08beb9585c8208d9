//! What grows to a bound: caches, pools, hash tables, and buffers that grow in place.

use std::collections::VecDeque;

use crate::behaviour::{Behaviour, size_of};
use crate::world::{Block, World};

/// Keeps what was looked up, up to so many of so many keys; the oldest gives way.
pub(crate) struct Cache {
    pub probability: f64,
    pub keys: usize,
    /// 1 if all keys are as likely, above that the more uneven the higher.
    pub skew: f64,
    pub most: usize,
    pub unit: u64,
    pub is_drained: bool,
    pub is_known: Vec<bool>,
    pub held: VecDeque<(usize, Block)>,
}

impl Behaviour for Cache {
    fn request(&mut self, world: &mut World) {
        if !world.chance.happens(self.probability) {
            return;
        }
        let key = (self.keys as f64 * world.chance.unit().powf(self.skew)) as usize;
        self.is_known.resize(self.keys, false);
        if std::mem::replace(&mut self.is_known[key], true) {
            return;
        }
        let size = size_of(self.unit, world);
        self.held.push_back((key, world.alloc(size)));
        if self.held.len() > self.most
            && let Some((oldest, block)) = self.held.pop_front()
        {
            self.is_known[oldest] = false;
            world.free(block);
        }
    }

    fn exit(&mut self, world: &mut World) {
        if self.is_drained {
            for (_, block) in self.held.drain(..) {
                world.free(block);
            }
        }
    }
}

/// Objects in use for a while and then kept for the next one: as many as were ever in use at once.
pub(crate) struct Pool {
    pub probability: f64,
    /// Mean seconds of use.
    pub life: f64,
    pub chunk: u64,
    pub unit: u64,
    pub is_drained: bool,
    pub in_use: u64,
    pub held: Vec<Block>,
}

impl Behaviour for Pool {
    fn request(&mut self, world: &mut World) {
        if !world.chance.happens(self.probability) {
            return;
        }
        self.in_use += 1;
        while self.in_use > self.held.len() as u64 {
            for _ in 0..self.chunk {
                self.held.push(world.alloc(self.unit));
            }
        }
        let life = world.chance.exponential(self.life);
        world.wake_in(life, 0);
    }

    fn wake(&mut self, _: u64, _: &mut World) {
        self.in_use -= 1;
    }

    fn exit(&mut self, world: &mut World) {
        if self.is_drained {
            for block in self.held.drain(..) {
                world.free(block);
            }
        }
    }
}

/// A hash table whose buckets double when it is three quarters full. Its keys are bounded.
pub(crate) struct Doubling {
    pub probability: f64,
    pub keys: usize,
    /// Buckets are a block each, or one block together.
    pub in_blocks: bool,
    pub unit: u64,
    pub is_known: Vec<bool>,
    pub known: usize,
    pub buckets: usize,
    pub held: Vec<Block>,
}

impl Behaviour for Doubling {
    fn request(&mut self, world: &mut World) {
        if !world.chance.happens(self.probability) {
            return;
        }
        let key = world.chance.between(0, self.keys as u64 - 1) as usize;
        self.is_known.resize(self.keys, false);
        if std::mem::replace(&mut self.is_known[key], true) {
            return;
        }
        self.known += 1;
        if self.known * 4 <= self.buckets * 3 {
            return;
        }
        self.buckets = (self.buckets * 2).max(8);
        if self.in_blocks {
            while self.held.len() < self.buckets {
                self.held.push(world.alloc(self.unit));
            }
        } else {
            let size = self.unit * self.buckets as u64;
            match self.held.first_mut() {
                Some(block) => world.realloc(block, size),
                None => self.held.push(world.alloc(size)),
            }
        }
    }
}

/// How one block grows where it is.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum InPlace {
    /// By one unit each time, and for ever.
    Appends,
    /// To the longest that has come, which is soon long enough.
    LongestSoFar,
    /// As long as what it holds now.
    Fits,
}

/// Buffers that are enlarged by `realloc`.
pub(crate) struct Buffer {
    pub probability: f64,
    pub how: InPlace,
    pub unit: u64,
    pub held: Option<Block>,
}

/// The longest message is so many units long.
const LONGEST: f64 = 60.0;

impl Behaviour for Buffer {
    fn start(&mut self, round: usize, world: &mut World) {
        if round == 0 {
            self.held = Some(world.alloc(self.unit));
        }
    }

    fn request(&mut self, world: &mut World) {
        let Some(block) = &mut self.held else { return };
        if !world.chance.happens(self.probability) {
            return;
        }
        let message = self.unit * world.chance.pareto(1.2, 1.0, LONGEST) as u64;
        match self.how {
            InPlace::Appends => world.realloc(block, block.size + self.unit),
            InPlace::LongestSoFar if message > block.size => world.realloc(block, message),
            InPlace::LongestSoFar => {}
            InPlace::Fits => world.realloc(block, message),
        }
    }
}
