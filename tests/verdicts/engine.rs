//! Runs a program: what it allocates and frees, in order.

use std::io::Write;

use crate::behaviour::{Behaviour, ROUNDS};
use crate::chance::Chance;
use crate::load::{Arrivals, Shape};
use crate::program::{End, Program};
use crate::truth::{Course, WINDOWS, Work};
use crate::world::{Whose, World};

/// One run of a program.
pub(crate) struct Run {
    pub seconds: f64,
    pub rate: f64,
    pub shape: Shape,
    /// A run differs from another by chance, too.
    pub seed: u64,
    pub end: End,
}

/// What a run showed.
pub(crate) struct Outcome {
    /// By site, when all work was done and nothing freed for the end.
    pub done: Vec<Course>,
    /// By site, at the end of the log.
    pub ended: Vec<Course>,
    /// Lines of the log until all work was done.
    pub lines: u64,
}

pub(crate) fn first_run(program: &Program) -> Run {
    let seconds = program.first_seconds();
    Run {
        seconds,
        rate: program.last_rate() / program.pace,
        shape: program.load.shape(seconds, program.scale.seconds),
        seed: program.seed * 2,
        end: program.end,
    }
}

pub(crate) fn last_run(program: &Program) -> Run {
    let seconds = program.scale.seconds;
    Run {
        seconds,
        rate: program.last_rate(),
        shape: program.load.shape(seconds, seconds),
        seed: program.seed * 2 + 1,
        end: program.end,
    }
}

struct Machine<'a> {
    world: World<'a>,
    /// By site and part, each with its own chance.
    parts: Vec<(Whose, Box<dyn Behaviour>, Chance)>,
    /// Where a site's first part is.
    first_part: Vec<usize>,
}

impl<'a> Machine<'a> {
    fn new(program: &Program, seed: u64, end: f64, log: Option<&'a mut dyn Write>) -> Self {
        let mut parts = Vec::new();
        let mut first_part = Vec::new();
        for (site, spec) in program.sites.iter().enumerate() {
            first_part.push(parts.len());
            for (part, recipe) in spec.parts.iter().enumerate() {
                let chance = Chance::new(seed, 1 + parts.len() as u64);
                parts.push((Whose { site, part }, recipe(), chance));
            }
        }
        Machine {
            world: World::new(end, program.sites.len(), log),
            parts,
            first_part,
        }
    }

    fn each(&mut self, mut act: impl FnMut(&mut dyn Behaviour, &mut World)) {
        for index in 0..self.parts.len() {
            self.one(index, &mut act);
        }
    }

    fn one(&mut self, index: usize, act: &mut impl FnMut(&mut dyn Behaviour, &mut World)) {
        let (whose, part, chance) = &mut self.parts[index];
        self.world.whose = *whose;
        std::mem::swap(&mut self.world.chance, chance);
        act(part.as_mut(), &mut self.world);
        std::mem::swap(&mut self.world.chance, chance);
    }

    fn start(&mut self, seconds: f64) {
        for round in 0..ROUNDS {
            self.world.now = seconds * round as f64 / ROUNDS as f64;
            self.each(|part, world| part.start(round, world));
        }
    }

    /// Alarms until then.
    fn wait(&mut self, until: f64) {
        while let Some((at, whose, what_for)) = self.world.alarm(until) {
            self.world.now = at;
            let index = self.first_part[whose.site] + whose.part;
            self.one(index, &mut |part, world| part.wake(what_for, world));
        }
        self.world.now = until;
    }
}

/// Requests wait until the program has started.
fn arrivals(run: &Run) -> Arrivals {
    Arrivals::new(run.shape, run.rate, Chance::new(run.seed, 0))
}

/// Runs it, and writes its log.
pub(crate) fn execute(program: &Program, run: &Run, log: &mut dyn Write) -> Outcome {
    let mut machine = Machine::new(program, run.seed, run.seconds, Some(log));
    let mut arrivals = arrivals(run);
    machine.start(program.start);
    loop {
        let at = arrivals.next();
        if at >= run.seconds {
            break;
        }
        machine.wait(at.max(program.start));
        machine.each(|part, world| part.request(world));
    }
    machine.wait(run.seconds);
    machine.each(|part, world| part.finish(world));
    let (done, lines) = (machine.world.courses.clone(), machine.world.lines);
    let is_exit = run.end == End::Exit;
    if is_exit {
        machine.each(|part, world| part.exit(world));
    }
    machine.world.close(is_exit);
    Outcome {
        done,
        ended: machine.world.courses,
        lines,
    }
}

/// The first window begins when this share of the run is over, or the program has started.
const FIRST_WINDOW: f64 = 0.05;

/// The same run, going on and on: what each site did, and how much work was done in each window.
pub(crate) fn go_on(program: &Program, run: &Run) -> (Vec<Course>, [Work; WINDOWS]) {
    let window = run.seconds.max(1.1 * longest_wave(program, run));
    let begins: Vec<f64> = (0..=WINDOWS)
        .map(|number| match number {
            0 => program.start.max(FIRST_WINDOW * run.seconds) * 1.001,
            number => run.seconds + window * (number - 1) as f64,
        })
        .collect();
    let end = begins[WINDOWS];
    let mut machine = Machine::new(program, run.seed, end, None);
    let mut arrivals = arrivals(run);
    machine.start(program.start);
    let mut work = [Work::default(); WINDOWS];
    let (mut requests, mut next) = (0, 0);
    loop {
        let at = arrivals.next();
        while next <= WINDOWS && at >= begins[next] {
            machine.wait(begins[next]);
            if next > 0 {
                work[next - 1] = Work {
                    requests: requests as f64,
                    seconds: begins[next] - if next == 1 { 0.0 } else { begins[next - 1] },
                };
                requests = 0;
            }
            if next < WINDOWS {
                machine
                    .world
                    .courses
                    .iter_mut()
                    .for_each(Course::next_window);
            }
            next += 1;
        }
        if at >= end {
            break;
        }
        machine.wait(at.max(program.start));
        requests += 1;
        machine.each(|part, world| part.request(world));
    }
    (machine.world.courses, work)
}

/// Floors are only comparable over whole waves.
fn longest_wave(program: &Program, run: &Run) -> f64 {
    run.shape
        .period()
        .max(crate::kinds::LONGEST_WAVE * program.scale.seconds)
}
