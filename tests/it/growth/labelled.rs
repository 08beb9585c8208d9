//! Logs of simulated programs in which the kind of every call site is known beforehand.
//!
//! A site is planned first, as the lives of its blocks on a time axis from 0 to 1. All plans are then
//! played in one log. Time in a log is the number of records, so filler sites act whenever the planned
//! ones leave a gap: a change planned for 40 % of the run is then found at about 40 % of the records.

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::io::Write as _;

/// A call site that allocates, and what its growth means.
#[derive(Debug, Clone)]
pub(super) struct Case {
    /// Its address in the log.
    pub caller: u64,
    /// leak, startup, plateau, burst, noise, steady or shutdown.
    pub label: &'static str,
    /// The parameters, for messages.
    pub about: String,
}

/// A log and the kinds of all sites that allocate in it.
#[derive(Debug, Clone)]
pub(super) struct Labelled {
    pub log: Vec<u8>,
    pub cases: Vec<Case>,
}

/// One run of one simulated program, the same for the same seed.
pub(super) fn labelled(seed: u64) -> Labelled {
    let mut rng = Rng(seed);
    loop {
        let sites = program(&mut rng);
        let events = events_of(&sites);
        let total = length(&mut rng, &events);
        // By chance all sites can be busy ones. Such a log would be too long, so it is drawn again.
        if total < 58_500.0 {
            return play(&mut rng, sites, events, total);
        }
    }
}

/// The plans of all sites of a program.
fn program(rng: &mut Rng) -> Vec<Site> {
    let mut sites = Vec::new();
    // Every way to leak once. The rare leak needs thousands of records, so it is never drawn again.
    for way in 0..8 {
        sites.push(leak(rng, way));
    }
    for _ in 0..2 {
        let way = rng.int(2, 7);
        sites.push(leak(rng, way));
    }
    for extra in 0..7 {
        let way = if extra < 4 { extra } else { rng.int(0, 3) };
        sites.push(plateau(rng, way));
    }
    for extra in 0..7 {
        let way = if extra < 4 { extra } else { rng.int(0, 3) };
        sites.push(burst(rng, way));
    }
    for way in 0..3 {
        sites.push(startup(rng, way));
    }
    for way in 0..2 {
        sites.push(shutdown(rng, way));
        sites.push(steady(rng, way));
    }
    sites.push(noise(rng));
    for _ in 0..2 {
        sites.push(filler(rng));
    }
    // Otherwise the order of the addresses would tell the kinds.
    rng.shuffle(&mut sites);
    sites
}

/// splitmix64: small, and good enough to vary parameters.
#[derive(Debug)]
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// At least 0 and below 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Both ends included.
    fn int(&mut self, low: usize, high: usize) -> usize {
        low + (self.next() % (high - low + 1) as u64) as usize
    }

    /// Small and large values alike: each decade is as likely as the next.
    fn log(&mut self, low: f64, high: f64) -> f64 {
        self.range(low.ln(), high.ln()).exp()
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Nearly normal, with mean 0 and deviation 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.int(0, last));
        }
    }
}

/// A block from its allocation to its free. One that is kept dies at infinity.
#[derive(Debug, Clone)]
struct Life {
    born: f64,
    /// When it goes through realloc.
    moves: Vec<f64>,
    dies: f64,
}

#[derive(Debug, Clone, Copy)]
enum Victim {
    Oldest,
    Any,
    Newest,
}

impl Victim {
    fn random(rng: &mut Rng) -> Self {
        [Self::Oldest, Self::Any, Self::Newest][rng.int(0, 2)]
    }

    /// What a cache throws out. The newest would leave the rest as old as a kept block.
    fn of_cache(rng: &mut Rng) -> Self {
        [Self::Oldest, Self::Any][rng.int(0, 1)]
    }
}

#[derive(Debug)]
struct Site {
    label: &'static str,
    about: String,
    lives: Vec<Life>,
    /// The smallest and the largest block.
    sizes: (usize, usize),
    /// Most blocks at a time of a filler. A planned site has none.
    filler: Option<usize>,
}

/// The plan of one site while it is made.
#[derive(Debug, Default)]
struct Plan {
    lives: Vec<Life>,
    /// Blocks that may still be freed, by age.
    live: Vec<usize>,
}

impl Plan {
    fn keep(&mut self, born: f64) {
        self.lives.push(Life {
            born,
            moves: Vec::new(),
            dies: f64::INFINITY,
        });
    }

    fn add(&mut self, born: f64) {
        self.live.push(self.lives.len());
        self.keep(born);
    }

    fn free(&mut self, rng: &mut Rng, dies: f64, victim: Victim) {
        if self.live.is_empty() {
            return;
        }
        let last = self.live.len() - 1;
        let index = match victim {
            Victim::Oldest => 0,
            Victim::Any => rng.int(0, last),
            Victim::Newest => last,
        };
        let life = self.live.remove(index);
        self.lives[life].dies = dies;
    }

    /// Follows a level through a part of the run. `churn` tells how many blocks a whole run at the
    /// pace of this moment would replace.
    fn follow(
        &mut self,
        rng: &mut Rng,
        (from, to): (f64, f64),
        level: &dyn Fn(f64) -> f64,
        churn: &dyn Fn(f64) -> f64,
        victim: Victim,
    ) {
        #[derive(Clone, Copy)]
        enum Act {
            Add,
            Free,
            Replace,
        }
        let steps = ((to - from) * 500.0).ceil().max(1.0) as usize;
        let step = (to - from) / steps as f64;
        let mut due = 0.0;
        for index in 0..steps {
            let start = from + step * index as f64;
            let want = level(start + step).round().max(0.0) as usize;
            let have = self.live.len();
            let mut acts = vec![Act::Add; want.saturating_sub(have)];
            acts.extend(vec![Act::Free; have.saturating_sub(want)]);
            due += churn(start) * step * rng.range(0.5, 1.5);
            while due >= 1.0 {
                due -= 1.0;
                acts.push(Act::Replace);
            }
            rng.shuffle(&mut acts);
            let mut times: Vec<f64> = acts.iter().map(|_| start + step * rng.unit()).collect();
            times.sort_by(f64::total_cmp);
            for (act, time) in acts.into_iter().zip(times) {
                match act {
                    Act::Add => self.add(time),
                    Act::Free => self.free(rng, time, victim),
                    Act::Replace if self.live.is_empty() => {}
                    Act::Replace => {
                        self.free(rng, time, victim);
                        self.add(time);
                    }
                }
            }
        }
    }

    /// Blocks that are soon freed, all of them before the end.
    fn temporary(&mut self, rng: &mut Rng, count: usize, life: f64, rate: &dyn Fn(f64) -> f64) {
        for born in spread(rng, count, rate) {
            let born = born.min(0.998);
            let dies = (born + rng.exponential(life)).min(0.999);
            self.keep(born);
            if let Some(last) = self.lives.last_mut() {
                last.dies = dies;
            }
        }
    }

    /// Some sites also have short-lived blocks, in a part of the run only.
    fn some_temporary(&mut self, rng: &mut Rng, about: &mut String, blocks: f64) {
        if rng.chance(0.5) {
            return;
        }
        let count = rng.log(20.0, 500.0) as usize;
        // Few at a time, so that they do not hide the level.
        let life = rng.range(0.1, 1.0) * (blocks * 0.01 + 0.2) / count as f64;
        let (from, to) = busy(rng);
        self.temporary(rng, count, life, &|t| f64::from(t >= from && t < to));
        about.push_str(&format!(
            ", {count} temporary from {from:.2} to {to:.2} of the run"
        ));
    }

    fn site(mut self, rng: &mut Rng, label: &'static str, mut about: String, moving: bool) -> Site {
        if moving {
            for life in &mut self.lives {
                let mut time = life.born;
                for _ in 0..rng.int(1, 3) {
                    time += rng.exponential(0.0005).min(0.001);
                    if time < life.dies.min(1.0) {
                        life.moves.push(time);
                    }
                }
            }
            about.push_str(", grown by realloc");
        }
        let low = rng.log(8.0, 4096.0) as usize;
        let high = if rng.chance(0.6) {
            low
        } else {
            (low as f64 * rng.range(1.1, 4.0)) as usize
        };
        about.push_str(&format!(", {low} to {high} bytes"));
        Site {
            label,
            about,
            lives: self.lives,
            sizes: (low, high),
            filler: None,
        }
    }
}

/// The part of the run in which a site does something.
fn busy(rng: &mut Rng) -> (f64, f64) {
    let from = if rng.chance(0.5) {
        0.0
    } else {
        rng.range(0.05, 0.5)
    };
    let to = if rng.chance(0.5) {
        1.0
    } else {
        rng.range(from + 0.2, 1.0)
    };
    (from, to)
}

/// Times of events at a rate that changes. One from each of `count` equal shares of the whole: chance
/// moves an event, but never leaves the end of the run without one.
fn spread(rng: &mut Rng, count: usize, rate: &dyn Fn(f64) -> f64) -> Vec<f64> {
    const BINS: usize = 1000;
    let rates: Vec<f64> = (0..BINS)
        .map(|bin| rate((bin as f64 + 0.5) / BINS as f64))
        .collect();
    let whole: f64 = rates.iter().sum();
    let (mut bin, mut before) = (0, 0.0);
    (0..count)
        .map(|index| {
            let target = (index as f64 + rng.unit()) / count as f64 * whole;
            while bin + 1 < BINS && before + rates[bin] <= target {
                before += rates[bin];
                bin += 1;
            }
            let part = ((target - before) / rates[bin].max(1e-9)).clamp(0.0, 1.0);
            (bin as f64 + part) / BINS as f64
        })
        .collect()
}

/// A walk that is always pulled back to 0, within -1 and 1, one value for each 500th of the run.
fn wander(rng: &mut Rng, memory: f64) -> Vec<f64> {
    let pull = 1.0 / (memory * 500.0).max(1.0);
    // Makes the deviation 0.4 whatever the memory is.
    let kick = 0.4 * (pull * (2.0 - pull)).sqrt();
    let mut value = 0.0;
    (0..=500)
        .map(|_| {
            value = (value * (1.0 - pull) + kick * rng.normal()).clamp(-1.0, 1.0);
            value
        })
        .collect()
}

fn at(values: &[f64], time: f64) -> f64 {
    values[((time * 500.0).round() as usize).min(values.len() - 1)]
}

fn never(_: f64) -> f64 {
    0.0
}

/// Allocates to the end and never frees some of it.
fn leak(rng: &mut Rng, way: usize) -> Site {
    if way == 4 {
        return leak_under_churn(rng);
    }
    let start = rng.range(0.0, 0.05);
    let (name, rate): (String, Box<dyn Fn(f64) -> f64>) = match way {
        0 => ("steady".into(), Box::new(|_| 1.0)),
        1 => ("rare".into(), Box::new(|_| 1.0)),
        2 => {
            let bins = rng.int(20, 60);
            // Never quite nothing, since a leak that stops is another kind.
            let rates: Vec<f64> = (0..bins).map(|_| 0.1 + rng.exponential(1.0)).collect();
            (
                format!("noisy in {bins} parts"),
                Box::new(move |t| rates[((t * bins as f64) as usize).min(bins - 1)]),
            )
        }
        3 => {
            // At most an eighth of the run, so that the last quarter always has two bursts.
            let period = rng.range(0.03, 0.12);
            let duty = rng.range(0.15, 0.7);
            let phase = rng.unit();
            (
                format!("in bursts every {period:.3} of the run for {duty:.2} of the time"),
                Box::new(move |t| f64::from((t / period + phase).fract() < duty)),
            )
        }
        5 => {
            let late = rng.range(0.3, 0.6);
            (
                format!("from {late:.2} of the run"),
                Box::new(move |t| f64::from(t >= late)),
            )
        }
        6 => {
            let bend = rng.range(0.5, 2.0);
            (
                format!("slowing to 40 % with power {bend:.2}"),
                Box::new(move |t| 1.0 - 0.6 * t.powf(bend)),
            )
        }
        _ => ("by realloc".into(), Box::new(|_| 1.0)),
    };
    let rate = move |t: f64| if t < start { 0.0 } else { rate(t) };
    let (kept, share) = if way == 1 {
        (rng.int(8, 9), rng.log(0.002, 0.01))
    } else {
        let kept = rng.log(16.0, 500.0);
        let share = if rng.chance(0.25) {
            1.0
        } else {
            // Bounded by the records one site may have.
            rng.log(kept / (kept + 700.0), 1.0)
        };
        (kept as usize, share)
    };
    let freed = (kept as f64 / share) as usize - kept;
    let mut plan = Plan::default();
    for time in spread(rng, kept, &rate) {
        plan.keep(time);
    }
    // A leak of few blocks has few others alive with it. Otherwise no one could see it.
    let most = (kept as f64 * 0.03 + 0.3) / freed.max(1) as f64;
    let life = rng.range(0.05, 1.0) * most.min(0.02);
    plan.temporary(rng, freed, life, &rate);
    let about = format!("{name}: {kept} kept and {freed} freed, none before {start:.3}");
    plan.site(rng, "leak", about, way == 7)
}

/// A leak hidden in a large live set that is replaced all the time.
fn leak_under_churn(rng: &mut Rng) -> Site {
    let live = rng.log(100.0, 300.0).round();
    let width = live * 0.1;
    // Below this the noise of the live set is as large as the leak.
    let kept = rng.log((3.0 * width).max(60.0), 2000.0) as usize;
    let churn = rng.log(400.0, 2000.0).round();
    let walk = wander(rng, 0.01);
    let filled = rng.range(0.005, 0.03);
    let victim = Victim::of_cache(rng);
    let mut plan = Plan::default();
    plan.follow(
        rng,
        (0.0, 1.0),
        &|t| (live + width * at(&walk, t)) * (t / filled).min(1.0),
        &|_| churn,
        victim,
    );
    for time in spread(rng, kept, &|_| 1.0) {
        plan.keep(time);
    }
    let about = format!(
        "under churn: {kept} kept, {live} +- {width:.0} live, {churn} replaced, {victim:?} first"
    );
    plan.site(rng, "leak", about, false)
}

/// All of it in the first part of the run.
fn startup(rng: &mut Rng, way: usize) -> Site {
    let blocks = rng.log(8.0, 250.0).round();
    // Leaves time to be late, since the whole program is busy now.
    let end = rng.range(0.01, 0.09);
    let mut plan = Plan::default();
    let mut about = format!("{blocks} in the first {end:.3}");
    match way {
        0 => {
            for time in spread(rng, blocks as usize, &|t| f64::from(t < end)) {
                plan.keep(time.min(end));
            }
        }
        1 => {
            // As tables that are loaded one after the other.
            let parts = rng.int(2, 4) as f64;
            plan.follow(
                rng,
                (0.0, end),
                &|t| blocks * (t / end * parts).ceil().min(parts) / parts,
                &never,
                Victim::Any,
            );
            about.push_str(&format!(", in {parts} parts"));
        }
        _ => {
            plan.follow(
                rng,
                (0.0, end),
                &|t| blocks * (t / end).sqrt(),
                &never,
                Victim::Any,
            );
            let count = rng.log(30.0, 600.0) as usize;
            let life = rng.range(0.1, 1.0) * (blocks * 0.02 + 0.3) / count as f64;
            let (from, to) = busy(rng);
            plan.temporary(rng, count, life, &|t| f64::from(t >= from && t < to));
            about.push_str(&format!(
                ", {count} temporary from {from:.2} to {to:.2} of the run"
            ));
        }
    }
    let moving = rng.chance(0.2);
    plan.site(rng, "startup", about, moving)
}

/// Grows for a part of the run and is level after it.
fn plateau(rng: &mut Rng, way: usize) -> Site {
    let mut plan = Plan::default();
    let (mut about, blocks) = match way {
        0 => {
            let bound = rng.log(15.0, 300.0).round();
            let full = rng.range(0.05, 0.5).max(bound / 1200.0);
            let power = rng.range(0.6, 1.6);
            let pace = bound / full * rng.range(0.3, 1.2);
            let victim = Victim::of_cache(rng);
            plan.follow(
                rng,
                (0.0, 1.0),
                &|t| bound * (t / full).min(1.0).powf(power),
                &|t| if t < full { 0.0 } else { pace },
                victim,
            );
            (
                format!(
                    "cache of {bound}, full at {full:.2}, then {pace:.0} a run, {victim:?} first"
                ),
                bound,
            )
        }
        1 => {
            let bound = rng.log(25.0, 400.0).round();
            let constant = rng.range(0.05, 0.2);
            let churn = if rng.chance(0.5) {
                rng.log(50.0, 500.0).round()
            } else {
                0.0
            };
            let victim = Victim::of_cache(rng);
            plan.follow(
                rng,
                (0.0, 1.0),
                &|t| bound * (1.0 - (-t / constant).exp()),
                &|_| churn,
                victim,
            );
            (
                format!("exponential to {bound}, constant {constant:.2}, {churn} replaced"),
                bound,
            )
        }
        2 => {
            let first = rng.log(4.0, 50.0).round();
            let mut times: Vec<f64> = (0..rng.int(2, 3)).map(|_| rng.range(0.04, 0.58)).collect();
            times.sort_by(f64::total_cmp);
            let doubled = |t: f64| times.iter().filter(|time| **time <= t).count() as i32;
            plan.follow(
                rng,
                (0.0, 1.0),
                &|t| first * 2_f64.powi(doubled(t)),
                &never,
                Victim::Any,
            );
            (
                format!("pool of {first}, doubled at {times:.2?}"),
                first * 2_f64.powi(doubled(1.0)),
            )
        }
        _ => {
            // Entries come at one pace, so each doubling takes twice as long as the one before.
            let first = rng.int(2, 5);
            let doublings = rng.int(4, 6) as i32;
            let last = rng.range(0.2, 0.58);
            let moved = rng.chance(0.5);
            for _ in 0..first {
                plan.add(0.001 * rng.unit());
            }
            for index in 1..=doublings {
                let time = last * 0.5_f64.powi(doublings - index);
                for old in 0..plan.live.len() {
                    let time = time + 1e-6 * old as f64;
                    plan.add(time);
                    if moved {
                        plan.add(time);
                        plan.free(rng, time, Victim::Oldest);
                    }
                }
            }
            let bound = plan.live.len();
            (
                format!("table of {first}, doubled to {bound} until {last:.2}, moved: {moved}"),
                bound as f64,
            )
        }
    };
    plan.some_temporary(rng, &mut about, blocks);
    let moving = rng.chance(0.1);
    plan.site(rng, "plateau", about, moving)
}

/// Level but for a few events.
fn burst(rng: &mut Rng, way: usize) -> Site {
    if way == 3 {
        return peaks(rng);
    }
    let blocks = rng.log(16.0, 400.0).round();
    let filled = rng.range(0.003, 0.05);
    let churn = if rng.chance(0.4) {
        rng.log(50.0, 500.0).round()
    } else {
        0.0
    };
    let victim = Victim::random(rng);
    let mut plan = Plan::default();
    let mut about = match way {
        0 => {
            let share = rng.range(0.3, 1.0);
            let time = rng.range(0.15, 0.85);
            let slow = rng.range(0.0, 0.01);
            plan.follow(
                rng,
                (0.0, 1.0),
                &|t| {
                    let base = (1.0 - share) * (t / filled).min(1.0);
                    blocks * (base + share * ((t - time) / slow.max(1e-6)).clamp(0.0, 1.0))
                },
                &|_| churn,
                victim,
            );
            format!("{share:.2} of {blocks} at {time:.2} of the run")
        }
        1 => {
            let shares = (rng.range(0.3, 0.5), rng.range(0.3, 0.5));
            let first = rng.range(0.15, 0.7);
            let second = rng.range(first + 0.1, 0.85);
            plan.follow(
                rng,
                (0.0, 1.0),
                &|t| {
                    let base = (1.0 - shares.0 - shares.1) * (t / filled).min(1.0);
                    let jumps =
                        shares.0 * f64::from(t >= first) + shares.1 * f64::from(t >= second);
                    blocks * (base + jumps)
                },
                &|_| churn,
                victim,
            );
            format!(
                "{:.2} of {blocks} at {first:.2} and {:.2} at {second:.2} of the run",
                shares.0, shares.1
            )
        }
        _ => {
            // A new configuration is loaded whole before the smaller old one is freed.
            let old = blocks * rng.range(0.2, 0.7);
            let time = rng.range(0.15, 0.85);
            let level = |t: f64| old * (t / filled).min(1.0);
            plan.follow(rng, (0.0, time), &level, &|_| churn, victim);
            let olds = plan.live.len();
            for index in 0..blocks as usize {
                plan.add(time + 1e-6 * index as f64);
            }
            for index in 0..olds {
                plan.free(rng, time + 1e-3 + 1e-6 * index as f64, Victim::Oldest);
            }
            let from = time + 2e-3;
            plan.follow(rng, (from, 1.0), &|_| blocks, &|_| churn, victim);
            format!("reload of {olds} as {blocks} at {time:.2} of the run")
        }
    };
    about.push_str(&format!(", {churn} replaced, {victim:?} first"));
    plan.some_temporary(rng, &mut about, blocks);
    let moving = rng.chance(0.1);
    plan.site(rng, "burst", about, moving)
}

/// Goes up and down again. Only one peak leaves blocks behind, since one that each leaves some is a leak.
fn peaks(rng: &mut Rng) -> Site {
    let base = rng.log(6.0, 80.0).round();
    let filled = rng.range(0.003, 0.05);
    let count = rng.int(1, 4);
    let slot = 0.65 / count as f64;
    let peaks: Vec<(f64, f64, f64, f64)> = (0..count)
        .map(|index| {
            let length = rng.range(0.01, 0.06);
            let start = 0.15 + slot * index as f64 + rng.range(0.0, slot - length);
            let height = (base * rng.range(0.6, 4.0)).max(8.0);
            let edge = length * rng.range(0.05, 0.5);
            (start, length, height, edge)
        })
        .collect();
    let keeper = rng.int(0, count - 1);
    let left = (peaks[keeper].2 * rng.range(0.05, 0.4)).max(1.0).round();
    let level = |t: f64| {
        let mut level = base * (t / filled).min(1.0);
        for (index, (start, length, height, edge)) in peaks.iter().enumerate() {
            let up = ((t - start) / edge).clamp(0.0, 1.0);
            let down = ((start + length - t) / edge).clamp(0.0, 1.0);
            let peak = height * up.min(down);
            let rest = if index == keeper { left * up } else { 0.0 };
            level += peak.max(rest);
        }
        level
    };
    let victim = Victim::random(rng);
    let mut plan = Plan::default();
    plan.follow(rng, (0.0, 1.0), &level, &never, victim);
    let shown: Vec<String> = peaks
        .iter()
        .map(|(start, length, height, _)| format!("{height:.0} at {start:.2} for {length:.2}"))
        .collect();
    let mut about = format!(
        "{base} and peaks of {}, {left} left by number {keeper}, {victim:?} first",
        shown.join(", ")
    );
    plan.some_temporary(rng, &mut about, base);
    plan.site(rng, "burst", about, false)
}

/// Fluctuates around a level that it has from the beginning.
fn steady(rng: &mut Rng, way: usize) -> Site {
    let mean = rng.log(30.0, 200.0).round();
    let width = mean * rng.range(0.08, 0.25);
    let churn = rng.log(50.0, 800.0).round();
    let filled = rng.range(0.003, 0.02);
    let victim = Victim::random(rng);
    let (name, shape): (String, Box<dyn Fn(f64) -> f64>) = if way == 0 {
        let memory = rng.range(0.004, 0.02);
        let walk = wander(rng, memory);
        // The walk may end anywhere. It comes back to the mean, or the end would look like a trend.
        (
            format!("walk with memory {memory:.3}"),
            Box::new(move |t| at(&walk, t) * ((1.0 - t) * 40.0).min(1.0)),
        )
    } else {
        // Whole waves, so that it ends where it began.
        let waves = rng.int(6, 20) as f64;
        (
            format!("{waves} waves"),
            Box::new(move |t| (TAU * waves * t).sin()),
        )
    };
    let mut plan = Plan::default();
    plan.follow(
        rng,
        (0.0, 1.0),
        &|t| (mean + width * shape(t)) * (t / filled).min(1.0),
        &|_| churn,
        victim,
    );
    let about = format!("{name} around {mean} +- {width:.0}, {churn} replaced, {victim:?} first");
    plan.site(rng, "steady", about, false)
}

/// Level until the program ends and frees a part.
fn shutdown(rng: &mut Rng, way: usize) -> Site {
    let blocks = rng.log(10.0, 250.0).round();
    let share = rng.range(0.1, 0.6);
    // Early enough to be done by 3 % even while the other sites start too.
    let filled = rng.range(0.001, 0.005);
    let start = rng.range(0.982, 0.995);
    let churn = if way == 0 {
        0.0
    } else {
        rng.log(50.0, 600.0).round()
    };
    let victim = Victim::random(rng);
    let level = |t: f64| blocks * (t / filled).min(1.0);
    let mut plan = Plan::default();
    plan.follow(rng, (0.0, start), &level, &|_| churn, victim);
    plan.follow(
        rng,
        (start, 0.999),
        &|t| blocks * (1.0 - share * (t - start) / (0.999 - start)),
        &never,
        victim,
    );
    let mut about =
        format!("{blocks}, {share:.2} freed from {start:.3}, {churn} replaced, {victim:?} first");
    if way == 0 {
        plan.some_temporary(rng, &mut about, blocks);
    }
    plan.site(rng, "shutdown", about, false)
}

/// A few blocks that come and go.
fn noise(rng: &mut Rng) -> Site {
    let most = rng.int(1, 5);
    let events = rng.log(40.0, 1500.0) as usize;
    let (from, to) = busy(rng);
    let mut plan = Plan::default();
    for time in spread(rng, events, &|t| f64::from(t >= from && t < to)) {
        let live = plan.live.len();
        if live == 0 || (live < most && rng.chance(0.5)) {
            plan.add(time);
        } else {
            plan.free(rng, time, Victim::Any);
        }
    }
    // A site with nothing at the end would not be asked about.
    if plan.live.is_empty() {
        plan.add(to.min(0.9999));
    }
    let about = format!("up to {most} in {events} events from {from:.2} to {to:.2} of the run");
    plan.site(rng, "noise", about, false)
}

/// Noise that acts when the planned sites have nothing to do.
fn filler(rng: &mut Rng) -> Site {
    let most = rng.int(2, 5);
    let about = format!("up to {most} all the time");
    Site {
        filler: Some(most),
        ..Plan::default().site(rng, "noise", about, false)
    }
}

#[derive(Debug, Clone, Copy)]
struct Block {
    address: u64,
    size: usize,
}

/// Gives out addresses: a freed block of the same class first, else the end of the heap.
#[derive(Debug)]
struct Heap {
    top: u64,
    freed: BTreeMap<usize, Vec<u64>>,
}

impl Heap {
    /// The whole chunk, with its header, as glibc rounds it.
    fn class(size: usize) -> usize {
        (size + 8).next_multiple_of(16).max(32)
    }

    fn allocate(&mut self, size: usize) -> Block {
        let class = Self::class(size);
        let reused = self.freed.get_mut(&class).and_then(Vec::pop);
        let address = reused.unwrap_or_else(|| {
            let address = self.top;
            self.top += class as u64;
            address
        });
        Block { address, size }
    }

    fn free(&mut self, block: Block) {
        let class = Self::class(block.size);
        self.freed.entry(class).or_default().push(block.address);
    }
}

/// The log while it is written.
#[derive(Debug)]
struct Recorder {
    log: Vec<u8>,
    heap: Heap,
    records: usize,
}

impl Recorder {
    fn record(&mut self, caller: u64, rest: std::fmt::Arguments<'_>) {
        // Writing to memory cannot fail.
        let _ = writeln!(self.log, "@ ./app:[{caller:#x}] {rest}");
        self.records += 1;
    }

    fn allocate(&mut self, caller: u64, size: usize) -> Block {
        let block = self.heap.allocate(size);
        self.record(caller, format_args!("+ {:#x} {size:#x}", block.address));
        block
    }

    fn free(&mut self, caller: u64, block: Block) {
        self.record(caller, format_args!("- {:#x}", block.address));
        self.heap.free(block);
    }

    fn reallocate(&mut self, caller: u64, old: Block, size: usize) -> Block {
        self.record(caller, format_args!("< {:#x}", old.address));
        let new = if Heap::class(old.size) == Heap::class(size) {
            Block { size, ..old }
        } else {
            let new = self.heap.allocate(size);
            self.heap.free(old);
            new
        };
        self.record(caller, format_args!("> {:#x} {size:#x}", new.address));
        new
    }
}

/// How late a record may be, as a part of the run.
const LATE: f64 = 0.015;

#[derive(Debug, Clone, Copy)]
enum What {
    Allocate,
    Reallocate,
    Free,
}

/// When, which site, which of its lives, and what.
type Event = (f64, usize, usize, What);

/// What all sites do, by time.
fn events_of(sites: &[Site]) -> Vec<Event> {
    let mut events = Vec::new();
    for (site, plan) in sites.iter().enumerate() {
        for (life, lived) in plan.lives.iter().enumerate() {
            events.push((lived.born, site, life, What::Allocate));
            for time in &lived.moves {
                events.push((*time, site, life, What::Reallocate));
            }
            if lived.dies.is_finite() {
                events.push((lived.dies, site, life, What::Free));
            }
        }
    }
    // Stable, so that a block that is freed at once is still allocated first.
    events.sort_by(|a, b| a.0.total_cmp(&b.0));
    events
}

/// The records a log of these events needs.
fn length(rng: &mut Rng, events: &[Event]) -> f64 {
    // A log that is too short for the rush of the start would be late with all that follows it.
    let (mut planned, mut unhurried) = (0.0, 0.0_f64);
    for (time, _, _, what) in events {
        planned += if matches!(what, What::Reallocate) {
            2.0
        } else {
            1.0
        };
        unhurried = unhurried.max(planned / (time + LATE));
    }
    (planned * rng.range(1.1, 1.25))
        .max(unhurried)
        .max(30_500.0)
}

/// Plays all plans into one log.
fn play(rng: &mut Rng, sites: Vec<Site>, events: Vec<Event>, total: f64) -> Labelled {
    let callers: Vec<(u64, u64)> = (0..sites.len() as u64)
        .map(|site| {
            let base = 0x1100 + site * 0x80;
            (base + rng.next() % 0x40, base + 0x40 + rng.next() % 0x40)
        })
        .collect();
    let mut recorder = Recorder {
        log: b"= Start\n".to_vec(),
        heap: Heap {
            top: 0x5555_0000_02a0 + ((rng.next() % 0x1000_0000) << 12),
            freed: BTreeMap::new(),
        },
        records: 0,
    };
    let mut blocks: Vec<Vec<Option<Block>>> = sites
        .iter()
        .map(|site| vec![None; site.lives.len()])
        .collect();
    let fillers: Vec<(usize, usize)> = sites
        .iter()
        .enumerate()
        .filter_map(|(index, site)| Some((index, site.filler?)))
        .collect();

    let size_of = |rng: &mut Rng, site: usize| rng.int(sites[site].sizes.0, sites[site].sizes.1);
    let fill = |rng: &mut Rng,
                recorder: &mut Recorder,
                blocks: &mut Vec<Vec<Option<Block>>>,
                until: f64| {
        while (recorder.records as f64) < until {
            let (site, most) = fillers[rng.int(0, fillers.len() - 1)];
            let live = blocks[site].len();
            if live < 2 || (live < most && rng.chance(0.5)) {
                let size = size_of(rng, site);
                let block = recorder.allocate(callers[site].0, size);
                blocks[site].push(Some(block));
            } else if let Some(block) = blocks[site].swap_remove(rng.int(0, live - 1)) {
                recorder.free(callers[site].1, block);
            }
        }
    };
    for (time, site, life, what) in events {
        fill(rng, &mut recorder, &mut blocks, time * total);
        let (caller, freer) = callers[site];
        let block = blocks[site][life].take();
        blocks[site][life] = match (what, block) {
            (What::Allocate, _) => {
                let size = size_of(rng, site);
                Some(recorder.allocate(caller, size))
            }
            (What::Reallocate, Some(block)) => {
                let size = (block.size as f64 * rng.range(1.1, 2.0)) as usize + 1;
                Some(recorder.reallocate(caller, block, size))
            }
            (What::Free, Some(block)) => {
                recorder.free(freer, block);
                None
            }
            (_, None) => None,
        };
    }
    fill(rng, &mut recorder, &mut blocks, total);
    recorder.log.extend_from_slice(b"= End\n");

    let cases = sites
        .into_iter()
        .zip(callers)
        .map(|(site, (caller, _))| Case {
            caller,
            label: site.label,
            about: format!("{}: {}", site.label, site.about),
        })
        .collect();
    Labelled {
        log: recorder.log,
        cases,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot go on fails

    use std::collections::{BTreeMap, BTreeSet};

    use super::{Labelled, labelled};

    const SEEDS: u64 = 24;
    const POINTS: usize = 400;

    /// What a log tells of one site.
    #[derive(Debug, Default, Clone)]
    struct Seen {
        live: usize,
        most: usize,
        /// Live blocks after each 400th of the records.
        curve: Vec<f64>,
        /// When the blocks that are there at the end came, from 0 to 1.
        survivors: Vec<f64>,
    }

    impl Seen {
        fn part(&self, from: f64, to: f64) -> &[f64] {
            &self.curve[(from * POINTS as f64) as usize..(to * POINTS as f64) as usize]
        }

        fn mean(&self, from: f64, to: f64) -> f64 {
            let part = self.part(from, to);
            part.iter().sum::<f64>() / part.len() as f64
        }

        fn bounds(&self, from: f64, to: f64) -> (f64, f64) {
            self.part(from, to)
                .iter()
                .fold((f64::INFINITY, 0.0), |(low, high), count| {
                    (count.min(low), count.max(high))
                })
        }
    }

    struct Replayed {
        records: usize,
        sites: BTreeMap<u64, Seen>,
        /// The frees of each caller, which must be apart from the allocations.
        freers: BTreeSet<u64>,
    }

    fn hex(text: &str) -> u64 {
        u64::from_str_radix(text.strip_prefix("0x").unwrap(), 16).unwrap()
    }

    /// Replays a log and fails where a real allocator could not have written it.
    fn replay(run: &Labelled) -> Replayed {
        let text = str::from_utf8(&run.log).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.first(), Some(&"= Start"));
        assert_eq!(lines.last(), Some(&"= End"));
        let lines = &lines[1..lines.len() - 1];
        let mut sites: BTreeMap<u64, Seen> = run
            .cases
            .iter()
            .map(|case| (case.caller, Seen::default()))
            .collect();
        assert_eq!(sites.len(), run.cases.len(), "one case for each caller");
        let mut freers = BTreeSet::new();
        let mut live: BTreeMap<u64, (u64, u64, usize)> = BTreeMap::new();
        let mut moving = None;
        let mut sampled = 0;
        for (index, line) in lines.iter().enumerate() {
            let fields: Vec<&str> = line.split(' ').collect();
            assert_eq!(fields[0], "@");
            let place = fields[1].strip_prefix("./app:[").unwrap();
            let caller = hex(place.strip_suffix(']').unwrap());
            let address = hex(fields[3]);
            let opens = matches!(fields[2], "+" | ">");
            assert_eq!(moving.is_some(), fields[2] == ">", "{line}");
            if opens {
                let size = hex(fields[4]);
                assert!(moving.take().is_none_or(|mover| mover == caller), "{line}");
                assert_eq!(address % 16, 0, "{line}");
                let before = live.range(..address + size).next_back();
                assert!(
                    before.is_none_or(|(start, (size, ..))| start + size <= address),
                    "{line}"
                );
                live.insert(address, (size, caller, index));
                let site = sites.get_mut(&caller).unwrap();
                site.live += 1;
                site.most = site.most.max(site.live);
            } else {
                assert!(matches!(fields[2], "-" | "<"), "{line}");
                let (_, owner, _) = live.remove(&address).unwrap();
                sites.get_mut(&owner).unwrap().live -= 1;
                if fields[2] == "<" {
                    moving = Some(caller);
                } else {
                    freers.insert(caller);
                }
            }
            // Between the two lines of a pair a block is only in flight.
            while moving.is_none() && sampled * lines.len() < (index + 1) * POINTS {
                sampled += 1;
                for site in sites.values_mut() {
                    site.curve.push(site.live as f64);
                }
            }
        }
        for (_, owner, index) in live.into_values() {
            let time = index as f64 / lines.len() as f64;
            sites.get_mut(&owner).unwrap().survivors.push(time);
        }
        Replayed {
            records: lines.len(),
            sites,
            freers,
        }
    }

    fn check(label: &str, seen: &Seen) {
        let end = seen.live as f64;
        assert!(end >= 1.0);
        // Temporary blocks and rounding.
        let slack = |level: f64| level * 0.1 + 3.0;
        let level_in = |from: f64, to: f64| {
            let (low, high) = seen.bounds(from, to);
            assert!(high - low <= slack(high), "{from} to {to}: {low} to {high}");
        };
        match label {
            "leak" => {
                // Means, since the last value of a churning set is by chance.
                assert!(seen.mean(0.75, 1.0) > seen.mean(0.5, 0.75));
                assert!(seen.survivors.iter().any(|time| *time > 0.75));
            }
            "startup" => {
                assert!(seen.survivors.iter().all(|time| *time < 0.11));
                assert!(end >= 8.0);
            }
            "plateau" => {
                level_in(0.63, 1.0);
                assert!(seen.mean(0.01, 0.02) < 0.75 * end);
            }
            "burst" => {
                let (low, high) = seen.bounds(0.12, 0.9);
                assert!(high - low >= 0.25 * end);
                level_in(0.9, 1.0);
            }
            "noise" => assert!(seen.most <= 5),
            "steady" => {
                let mean = seen.mean(0.06, 1.0);
                for quarter in [(0.06, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0)] {
                    let part = seen.mean(quarter.0, quarter.1);
                    assert!((part - mean).abs() <= slack(mean), "{part} {mean}");
                }
                assert!((end - mean).abs() <= slack(mean), "{end} {mean}");
            }
            "shutdown" => {
                level_in(0.03, 0.98);
                let level = seen.mean(0.03, 0.98);
                assert!(end < 0.95 * level + 1.0, "{end} {level}");
                assert!(end > 0.35 * level, "{end} {level}");
            }
            other => panic!("no such label: {other}"),
        }
    }

    #[test]
    fn the_log_of_every_site_shows_what_its_label_says() {
        let mut failed = Vec::new();
        for seed in 0..SEEDS {
            let run = labelled(seed);
            let replayed = replay(&run);
            assert!(
                (30_000..=60_000).contains(&replayed.records),
                "seed {seed}: {} records",
                replayed.records
            );
            for case in &run.cases {
                assert!(!replayed.freers.contains(&case.caller));
                let seen = replayed.sites[&case.caller].clone();
                assert_eq!(seen.curve.len(), POINTS);
                if std::panic::catch_unwind(|| check(case.label, &seen)).is_err() {
                    failed.push(format!("seed {seed} {:#x} {}", case.caller, case.about));
                }
            }
        }
        assert!(failed.is_empty(), "{failed:#?}");
    }

    #[test]
    fn a_set_has_all_labels_in_the_intended_shares() {
        let mut counts = BTreeMap::new();
        let mut cases = 0;
        for seed in 0..8 {
            let run = labelled(seed);
            let labels: BTreeSet<&str> = run.cases.iter().map(|case| case.label).collect();
            assert_eq!(labels.len(), 7, "seed {seed}: {labels:?}");
            cases += run.cases.len();
            for case in run.cases {
                *counts.entry(case.label).or_insert(0) += 1;
            }
        }
        assert!(cases >= 240);
        let percent = |label: &str| counts[label] * 100 / cases;
        assert!((27..=33).contains(&percent("leak")), "{counts:?}");
        assert!((18..=23).contains(&percent("plateau")), "{counts:?}");
        assert!((18..=23).contains(&percent("burst")), "{counts:?}");
    }

    #[test]
    fn a_seed_makes_one_log() {
        assert_eq!(labelled(7).log, labelled(7).log);
        assert_ne!(labelled(7).log, labelled(8).log);
    }
}
