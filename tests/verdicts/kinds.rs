//! The kinds of call sites, with parameters drawn to fit a run. What a site is called says what it was made to be;
//! what it truly is, `truth` finds out.

use crate::behaviour::*;
use crate::bounded::*;
use crate::chance::Chance;
use crate::flowing::*;
use crate::program::{Recipe, Scale};

type Kind = (&'static str, fn(&Scale, &mut Chance) -> Vec<Recipe>);

pub const LEAKS: &[Kind] = &[
    ("leak", |scale, chance| vec![leak(scale, chance)]),
    ("leak", |scale, chance| vec![leak(scale, chance)]),
    ("leak", |scale, chance| vec![leak(scale, chance)]),
    ("leak, rare", |scale, chance| vec![rare_leak(scale, chance)]),
    ("leak, rare", |scale, chance| vec![rare_leak(scale, chance)]),
    ("leak, rare", |scale, chance| vec![rare_leak(scale, chance)]),
    ("leak, a few", |scale, chance| {
        let blocks = chance.uniform(2.0, 12.0);
        vec![leak_of(blocks, 1, scale, chance, false)]
    }),
    ("leak in batches", |scale, chance| {
        let (times, batch) = (chance.log_uniform(8.0, 40.0), chance.count(3, 60));
        vec![leak_of(times, batch, scale, chance, false)]
    }),
    ("leak by the clock", |scale, chance| {
        let times = chance.log_uniform(15.0, 600.0);
        let trigger = Trigger::Clock(scale.seconds / times);
        vec![leaking(trigger, 1, unit(chance), chance.happens(0.3))]
    }),
    ("leak, freed at exit", |scale, chance| {
        let blocks = chance.log_uniform(12.0, 2000.0);
        vec![leak_of(blocks, 1, scale, chance, true)]
    }),
    ("leak beside a table", |scale, chance| {
        let table = chance.count(100, most_at_once(5000.0, scale));
        let blocks = (table as f64 * chance.log_uniform(0.02, 0.5)).max(12.0);
        vec![
            table_of(table, chance),
            leak_of(blocks, 1, scale, chance, false),
        ]
    }),
    ("leak beside a working set", |scale, chance| {
        let level = chance.log_uniform(30.0, 2000.0);
        let blocks = (level * chance.log_uniform(0.1, 2.0)).max(15.0);
        vec![
            working_set(level, 0.1, scale, chance),
            leak_of(blocks, 1, scale, chance, false),
        ]
    }),
    ("leak beside a cache", |scale, chance| {
        let keys = chance.log_uniform(20.0, 1000.0).min(scale.requests);
        let blocks = (keys * chance.log_uniform(0.1, 2.0)).max(15.0);
        vec![
            cache_of(keys, f64::INFINITY, 1.0, 0.25, scale, chance),
            leak_of(blocks, 1, scale, chance, false),
        ]
    }),
    ("sessions, some forgotten", |scale, chance| {
        vec![sessions(chance.log_uniform(0.001, 0.2), scale, chance)]
    }),
    ("saw tooth on a rising floor", |scale, chance| {
        vec![saw_tooth(chance.count(1, 12), scale, chance)]
    }),
    ("queue that grows", |scale, chance| {
        vec![queue(chance.uniform(1.1, 1.6), scale, chance)]
    }),
    ("bytes that grow", |scale, chance| {
        let times = chance.log_uniform(20.0, 3000.0);
        vec![buffer(InPlace::Appends, times, scale, chance)]
    }),
];

pub const OTHERS: &[Kind] = &[
    ("table", |scale, chance| {
        let blocks = chance.count(1, most_at_once(3000.0, scale));
        vec![table_of(blocks, chance)]
    }),
    ("import-time table", |scale, chance| {
        vec![imported(scale, chance)]
    }),
    ("import-time table", |scale, chance| {
        vec![imported(scale, chance)]
    }),
    ("import-time table", |scale, chance| {
        vec![imported(scale, chance)]
    }),
    ("first use", |scale, chance| {
        let recipe = (
            (scale.requests * chance.uniform(0.02, 0.98)) as u64,
            chance.count(1, most_at_once(1000.0, scale)),
            unit(chance),
            chance.happens(0.5),
        );
        vec![made(move || Lazy {
            after: recipe.0,
            blocks: recipe.1,
            unit: recipe.2,
            is_drained: recipe.3,
            held: Vec::new(),
        })]
    }),
    ("cache", |scale, chance| {
        let keys = chance.log_uniform(8.0, 5000.0);
        vec![cache(keys, scale, chance)]
    }),
    ("cache, few keys", |scale, chance| {
        let keys = chance.uniform(1.0, 9.0);
        vec![cache(keys, scale, chance)]
    }),
    ("cache, uneven keys", |scale, chance| {
        let most = chance.log_uniform(8.0, 1500.0);
        let skew = chance.uniform(1.5, 4.0);
        vec![cache_of(most * 3.0, most, skew, 0.9, scale, chance)]
    }),
    ("LRU", |scale, chance| {
        let most = chance.log_uniform(8.0, 3000.0).min(scale.requests * 0.7);
        vec![cache_of(1e6, most, 1.0, 0.9, scale, chance)]
    }),
    ("pool", |scale, chance| vec![pool(1, scale, chance)]),
    ("pool", |scale, chance| vec![pool(1, scale, chance)]),
    ("pool of chunks", |scale, chance| {
        vec![pool(chance.count(4, 64), scale, chance)]
    }),
    ("hash table", |scale, chance| {
        let recipe = (
            chance.log_uniform(8.0, 4000.0).min(scale.requests * 0.5),
            chance.happens(0.6),
            unit(chance),
        );
        let probability = share(recipe.0 / chance.log_uniform(0.03, 1.0), scale);
        vec![made(move || Doubling {
            probability,
            keys: recipe.0 as usize,
            in_blocks: recipe.1,
            unit: recipe.2,
            is_known: Vec::new(),
            known: 0,
            buckets: 0,
            held: Vec::new(),
        })]
    }),
    ("working set", |scale, chance| {
        let level = chance.log_uniform(2.0, 3000.0);
        vec![working_set(level, 0.3, scale, chance)]
    }),
    ("working set, heavy tail", |scale, chance| {
        let (alpha, most) = (chance.uniform(1.05, 1.6), chance.log_uniform(0.02, 0.5));
        let level = chance.log_uniform(5.0, 1000.0);
        let life = Life::Pareto {
            alpha,
            least: scale.seconds * most * chance.log_uniform(0.002, 0.05),
            most: scale.seconds * most,
        };
        vec![living(level, life, None, scale, chance)]
    }),
    ("entries on a wave", |scale, chance| {
        let life = Life::Fixed(scale.seconds * chance.log_uniform(0.01, 0.2));
        let wave = Wave {
            period: scale.seconds * chance.uniform(0.3, LONGEST_WAVE),
            offset: chance.unit(),
        };
        let level = chance.log_uniform(15.0, 2000.0);
        vec![living(level, life, Some(wave), scale, chance)]
    }),
    ("sessions", |scale, chance| {
        vec![sessions(0.0, scale, chance)]
    }),
    ("sessions", |scale, chance| {
        vec![sessions(0.0, scale, chance)]
    }),
    ("saw tooth", |scale, chance| {
        vec![saw_tooth(0, scale, chance)]
    }),
    ("saw tooth", |scale, chance| {
        vec![saw_tooth(0, scale, chance)]
    }),
    ("report at the end", |scale, chance| {
        vec![report(scale, chance)]
    }),
    ("report at the end", |scale, chance| {
        vec![report(scale, chance)]
    }),
    ("reloaded", |scale, chance| {
        let recipe = (
            scale.seconds * chance.log_uniform(0.03, 0.6),
            chance.count(2, 500),
            unit(chance),
        );
        vec![made(move || Reloaded {
            every: recipe.0,
            blocks: recipe.1,
            unit: recipe.2,
            held: Vec::new(),
        })]
    }),
    ("queue", |scale, chance| {
        vec![queue(chance.uniform(0.3, 0.9), scale, chance)]
    }),
    ("buffer", |scale, chance| {
        let times = chance.log_uniform(20.0, 3000.0);
        let how = *chance.pick(&[InPlace::LongestSoFar, InPlace::Fits]);
        vec![buffer(how, times, scale, chance)]
    }),
    ("transient", |_, chance| vec![traffic(chance)]),
];

/// The longest wave of a site's own, in runs.
pub const LONGEST_WAVE: f64 = 2.0;

fn made<B: Behaviour + 'static>(make: impl Fn() -> B + Send + Sync + 'static) -> Recipe {
    Box::new(move || Box::new(make()))
}

fn unit(chance: &mut Chance) -> u64 {
    *chance.pick(&[16, 24, 32, 40, 64, 100, 128, 200, 512, 1000])
}

/// The probability with which a request has to act, to act so often in the run.
fn share(times: f64, scale: &Scale) -> f64 {
    (times / scale.requests).min(1.0)
}

/// What comes all at once must not make up the log.
fn most_at_once(most: f64, scale: &Scale) -> u64 {
    most.min(scale.requests * 0.4) as u64
}

fn leaking(trigger: Trigger, batch: u64, unit: u64, is_drained: bool) -> Recipe {
    made(move || Leak {
        trigger,
        batch,
        unit,
        is_drained,
        blocks: Vec::new(),
    })
}

fn leak_of(times: f64, batch: u64, scale: &Scale, chance: &mut Chance, is_drained: bool) -> Recipe {
    let trigger = Trigger::Request(share(times, scale));
    leaking(trigger, batch, unit(chance), is_drained)
}

fn leak(scale: &Scale, chance: &mut Chance) -> Recipe {
    let blocks = chance.log_uniform(60.0, 20_000.0);
    leak_of(blocks, 1, scale, chance, false)
}

fn rare_leak(scale: &Scale, chance: &mut Chance) -> Recipe {
    let blocks = chance.uniform(12.0, 60.0);
    leak_of(blocks, 1, scale, chance, false)
}

fn table_of(blocks: u64, chance: &mut Chance) -> Recipe {
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
fn imported(scale: &Scale, chance: &mut Chance) -> Recipe {
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
fn cache(keys: f64, scale: &Scale, chance: &mut Chance) -> Recipe {
    cache_of(keys, f64::INFINITY, 1.0, 0.9, scale, chance)
}

/// As many look-ups as it holds entries come in at most `slowest` of the run.
fn cache_of(
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

fn pool(chunk: u64, scale: &Scale, chance: &mut Chance) -> Recipe {
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
fn working_set(level: f64, longest: f64, scale: &Scale, chance: &mut Chance) -> Recipe {
    let mean = scale.seconds * chance.log_uniform(0.001, longest);
    living(level, Life::Exponential { mean }, None, scale, chance)
}

fn living(
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
fn sessions(forgotten: f64, scale: &Scale, chance: &mut Chance) -> Recipe {
    let mean = scale.seconds * chance.log_uniform(0.003, 0.15);
    let life = Life::Exponential { mean };
    let group = *chance.pick(&[1, 1, 2, 3, 6]);
    let at_once = chance.log_uniform(1.0, 120.0);
    comes_and_goes(at_once, group, mean, life, None, forgotten, scale, chance)
}

#[allow(clippy::too_many_arguments)] // all that a working set is made of
fn comes_and_goes(
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

fn saw_tooth(kept: u64, scale: &Scale, chance: &mut Chance) -> Recipe {
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

fn report(scale: &Scale, chance: &mut Chance) -> Recipe {
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
fn queue(load: f64, scale: &Scale, chance: &mut Chance) -> Recipe {
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

fn buffer(how: InPlace, times: f64, scale: &Scale, chance: &mut Chance) -> Recipe {
    let (probability, unit) = (share(times, scale), unit(chance).max(64));
    made(move || Buffer {
        probability,
        how,
        unit,
        held: None,
    })
}

/// What every request allocates and frees again: most of what is in a log.
pub fn traffic(chance: &mut Chance) -> Recipe {
    let (times, unit) = (chance.between(1, 2), unit(chance));
    made(move || Transient { times, unit })
}
