//! The kinds of call sites, with parameters drawn to fit a run. What a site is called says what it was made to be;
//! what it truly is, `truth` finds out.

use crate::behaviour::*;
use crate::bounded::*;
use crate::chance::Chance;
use crate::flowing::*;
use crate::parts::*;
use crate::program::{Recipe, Scale};

type Kind = (&'static str, fn(&Scale, &mut Chance) -> Vec<Recipe>);

pub(crate) const LEAKS: &[Kind] = &[
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

pub(crate) const OTHERS: &[Kind] = &[
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
pub(crate) const LONGEST_WAVE: f64 = 2.0;
