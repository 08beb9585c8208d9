//! Makes parts of call sites, with what is left to chance drawn to fit a run.

use crate::behaviour::*;
use crate::bounded::*;
use crate::chance::Chance;
use crate::flowing::*;
use crate::program::{Recipe, Scale};

pub(crate) fn made<B: Behaviour + 'static>(make: impl Fn() -> B + Send + Sync + 'static) -> Recipe {
    Box::new(move || Box::new(make()))
}

pub(crate) fn unit(chance: &mut Chance) -> u64 {
    *chance.pick(&[16, 24, 32, 40, 64, 100, 128, 200, 512, 1000])
}

/// The probability with which a request has to act, to act so often in the run.
pub(crate) fn share(times: f64, scale: &Scale) -> f64 {
    (times / scale.requests).min(1.0)
}

/// What comes all at once must not make up the log.
pub(crate) fn most_at_once(most: f64, scale: &Scale) -> u64 {
    most.min(scale.requests * 0.4) as u64
}

pub(crate) fn leaking(trigger: Trigger, batch: u64, unit: u64, is_drained: bool) -> Recipe {
    made(move || Leak {
        trigger,
        batch,
        unit,
        is_drained,
        blocks: Vec::new(),
    })
}

pub(crate) fn leak_of(
    times: f64,
    batch: u64,
    scale: &Scale,
    chance: &mut Chance,
    is_drained: bool,
) -> Recipe {
    let trigger = Trigger::Request(share(times, scale));
    leaking(trigger, batch, unit(chance), is_drained)
}

pub(crate) fn leak(scale: &Scale, chance: &mut Chance) -> Recipe {
    let blocks = chance.log_uniform(60.0, 20_000.0);
    leak_of(blocks, 1, scale, chance, false)
}

pub(crate) fn rare_leak(scale: &Scale, chance: &mut Chance) -> Recipe {
    let blocks = chance.uniform(12.0, 60.0);
    leak_of(blocks, 1, scale, chance, false)
}

pub(crate) fn table_of(blocks: u64, chance: &mut Chance) -> Recipe {
    let (unit, is_drained) = (unit(chance), chance.happens(0.4));
    made(move || Table {
        blocks,
        rounds: 0..ROUNDS,
        unit,
        is_drained,
        held: Vec::new(),
    })
}

/// Of a module that is loaded somewhere in the start, or of one after the other.
pub(crate) fn imported(scale: &Scale, chance: &mut Chance) -> Recipe {
    let from = chance.between(0, ROUNDS as u64 - 1) as usize;
    let rounds = *chance.pick(&[1, 1, 2, 5, 12]);
    let until = (from + rounds).min(ROUNDS);
    let (blocks, unit) = (chance.count(1, most_at_once(4000.0, scale)), unit(chance));
    let is_drained = chance.happens(0.3);
    made(move || Table {
        blocks,
        rounds: from..until,
        unit,
        is_drained,
        held: Vec::new(),
    })
}

/// Uniform keys, so that it fills ever more slowly; most of it is there when a share of the run is over.
pub(crate) fn cache(keys: f64, scale: &Scale, chance: &mut Chance) -> Recipe {
    cache_of(keys, f64::INFINITY, 1.0, 0.9, scale, chance)
}

/// As many look-ups as it holds entries come in at most `slowest` of the run.
pub(crate) fn cache_of(
    keys: f64,
    most: f64,
    skew: f64,
    slowest: f64,
    scale: &Scale,
    chance: &mut Chance,
) -> Recipe {
    let fills_in = chance.log_uniform(0.02, slowest);
    let most_keys = scale.requests * fills_in;
    let (keys, most) = match keys <= most {
        true => (keys.min(most_keys).max(1.0), most),
        false => (keys, most.min(most_keys).max(1.0)),
    };
    let probability = share(keys.min(most) / fills_in, scale);
    let (unit, is_drained) = (unit(chance), chance.happens(0.5));
    let (keys, most) = (keys.ceil() as usize, most.ceil() as usize);
    made(move || Cache {
        probability,
        keys,
        skew,
        most,
        unit,
        is_drained,
        is_known: Vec::new(),
        held: Default::default(),
    })
}

pub(crate) fn pool(chunk: u64, scale: &Scale, chance: &mut Chance) -> Recipe {
    let life = scale.seconds * chance.log_uniform(0.0005, 0.05);
    let in_use = chance.log_uniform(1.0, 400.0);
    let probability = share(in_use * scale.seconds / life, scale);
    let (unit, is_drained) = (unit(chance), chance.happens(0.5));
    made(move || Pool {
        probability,
        life,
        chunk,
        unit,
        is_drained,
        in_use: 0,
        held: Vec::new(),
    })
}

/// Blocks that live for at most this share of the run, on average.
pub(crate) fn working_set(level: f64, longest: f64, scale: &Scale, chance: &mut Chance) -> Recipe {
    let mean = scale.seconds * chance.log_uniform(0.001, longest);
    living(level, Life::Exponential { mean }, None, scale, chance)
}

pub(crate) fn living(
    level: f64,
    life: Life,
    wave: Option<Wave>,
    scale: &Scale,
    chance: &mut Chance,
) -> Recipe {
    let mean = match life {
        Life::Exponential { mean } | Life::Fixed(mean) => mean,
        Life::Pareto { alpha, least, .. } => least * alpha / (alpha - 1.0),
    };
    comes_and_goes(level, 1, mean, life, wave, 0.0, scale, chance)
}

/// Some blocks each, and forgotten with this probability.
pub(crate) fn sessions(forgotten: f64, scale: &Scale, chance: &mut Chance) -> Recipe {
    let mean = scale.seconds * chance.log_uniform(0.003, 0.15);
    let life = Life::Exponential { mean };
    let group = *chance.pick(&[1, 1, 2, 3, 6]);
    let at_once = chance.log_uniform(1.0, 120.0);
    comes_and_goes(at_once, group, mean, life, None, forgotten, scale, chance)
}

#[allow(clippy::too_many_arguments)] // all that a working set is made of
pub(crate) fn comes_and_goes(
    level: f64,
    group: u64,
    mean: f64,
    life: Life,
    wave: Option<Wave>,
    forgotten: f64,
    scale: &Scale,
    chance: &mut Chance,
) -> Recipe {
    let probability = share(level * scale.seconds / mean, scale);
    let (unit, is_drained) = (unit(chance), chance.happens(0.5));
    made(move || WorkingSet {
        probability,
        wave,
        life,
        group,
        unit,
        forgotten,
        is_drained,
        next: 0,
        held: Default::default(),
    })
}

pub(crate) fn saw_tooth(kept: u64, scale: &Scale, chance: &mut Chance) -> Recipe {
    let teeth = chance.log_uniform(3.0, 60.0);
    let tooth = chance
        .count(12, 1000)
        .min((scale.requests / teeth) as u64)
        .max(4);
    let probability = share(tooth as f64 * teeth, scale);
    let (unit, kept) = (unit(chance), kept.min(tooth / 2));
    made(move || SawTooth {
        probability,
        tooth,
        kept,
        unit,
        held: Vec::new(),
    })
}

pub(crate) fn report(scale: &Scale, chance: &mut Chance) -> Recipe {
    let share = match chance.happens(0.3) {
        true => 0.0,
        false => chance.log_uniform(0.01, 0.2),
    };
    let (blocks, unit) = (chance.count(5, most_at_once(3000.0, scale)), unit(chance));
    let is_drained = chance.happens(0.5);
    made(move || Report {
        share,
        blocks,
        unit,
        is_drained,
        held: Vec::new(),
    })
}

/// What comes in, to what is worked off.
pub(crate) fn queue(load: f64, scale: &Scale, chance: &mut Chance) -> Recipe {
    let times = chance.log_uniform(100.0, 20_000.0).min(scale.requests);
    let (probability, unit) = (share(times, scale), unit(chance));
    let service = scale.seconds / times * load;
    let is_drained = chance.happens(0.5);
    made(move || Queue {
        probability,
        service,
        unit,
        is_drained,
        waiting: Default::default(),
        is_at_work: false,
    })
}

pub(crate) fn buffer(how: InPlace, times: f64, scale: &Scale, chance: &mut Chance) -> Recipe {
    let (probability, unit) = (share(times, scale), unit(chance).max(64));
    made(move || Buffer {
        probability,
        how,
        unit,
        held: None,
    })
}

/// What every request allocates and frees again: most of what is in a log.
pub(crate) fn traffic(chance: &mut Chance) -> Recipe {
    let (times, unit) = (chance.between(1, 2), unit(chance));
    made(move || Transient { times, unit })
}
