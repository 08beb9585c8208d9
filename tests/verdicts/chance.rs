//! Distributions, drawn from one seed.

use crate::rng::Rng;

pub(crate) struct Chance(Rng);

impl Chance {
    /// A stream of its own for each part of a simulation, so that what one does moves no other.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut mix = Rng::new(seed);
        Chance(Rng::new(
            mix.next() ^ stream.wrapping_mul(0xd6e8_feb8_6659_fd93),
        ))
    }

    /// From 0 to below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    pub(crate) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }

    /// As often from 1 to 10 as from 10 to 100.
    pub(crate) fn log_uniform(&mut self, low: f64, high: f64) -> f64 {
        let high = high.max(low);
        (low.ln() + self.unit() * (high / low).ln()).exp()
    }

    /// A whole number, also by its logarithm.
    pub(crate) fn count(&mut self, low: u64, high: u64) -> u64 {
        let drawn = self.log_uniform(low as f64, high as f64 + 0.99);
        (drawn as u64).clamp(low, high.max(low))
    }

    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.between(low as usize, high as usize) as u64
    }

    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Heavy-tailed: with an `alpha` near 1 a few are as long as all others together.
    pub(crate) fn pareto(&mut self, alpha: f64, least: f64, most: f64) -> f64 {
        (least / (1.0 - self.unit()).powf(1.0 / alpha)).min(most)
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        self.0.pick(from)
    }
}
