//! What the survivors of a run tell of a call site.

use super::doubt::{Doubt, Grade};
use super::drift::Drift;
use super::freed::Freed;
use super::length::more_of;
use super::longer::differs_as_a_leak;
use super::observed::Observed;
use super::outlived;
use super::parts::{BOUNDS, Parts, deviation, effective, scatter};
use super::queue;
use super::shape::{self, blocks};
use super::teeth;
use super::waiting::{self, Wait};
use super::work;
use crate::diff::finding::Trend;
use crate::trace::STEPS;

/// Where the second half of a run begins, and where what is born may still be at work.
const MIDDLE: usize = BOUNDS[2];
const AT_WORK: usize = BOUNDS[4];

/// A leak keeps so many blocks at least in the second half of a run,
const FEWEST_KEPT: f64 = 4.0;

/// or one fewer, if each part keeps one and all together so many.
const FEWEST_EVEN: f64 = 6.0;

/// That many fewer may be a leak, if three parts of the run have any, and all together so many.
const FEWEST_SPREAD: f64 = 2.0;
const FEWEST_OF_ALL: f64 = 4.0;

/// A site that never had as many blocks as a verdict asks for may be a leak if it had so many, if it has this share of them
/// still, if another run left another number ([`differs_as_a_leak`]), and if they came early by no more than so many standard
/// deviations: what is made when it is first needed, and kept, comes early.
const FEWEST_IN_ALL: f64 = 5.0;
const STILL_THERE: f64 = 0.8;
const EARLY_OF_FEWEST: f64 = 1.5;

/// It keeps them at so many steps of the second half: fewer are jumps, as a pool makes them.
const FEWEST_STEPS: usize = 3;

/// The third part keeps this share of the last one, or what is kept is only late: a report that is built at the end, or
/// blocks that live long and die.
const LATE: f64 = 0.3;

/// Where the part before keeps less than this share of the third one, what is kept may only be young.
const YOUNG: f64 = 0.6;

/// The floor of a leak rises by this share of what it keeps.
const RISE: f64 = 0.4;

/// By this share, where what is kept may only be young.
const RISE_OF_YOUNG: f64 = 0.5;

/// What rises by this share, but by no more than it goes up and down anyhow, may be a leak.
const RISE_IN_NOISE: f64 = 0.5;

/// Of the first half of a run, more than this share of what is left of the second one is left where nothing is replaced. Of
/// blocks that live as long as half a run, 0.4 is.
const OLD: f64 = 0.5;

/// Births that came early by so many standard deviations, and by this share of the run, may be those of what fills up.
const DRIFT: f64 = 1.8;
const OFFSET: f64 = 0.025;

/// Unless those after the first part came early by no more than this many: what filled up did so before.
const NO_DRIFT: f64 = 0.3;

/// Births that are as good as fewer than so many that come one by one are sure to be a leak only if no more than this share
/// of what is left was there at the start: a pool has most of it then.
const SURE: f64 = 14.0;
const HAD: f64 = 0.14;

/// Unless this share was, which is a table beside it.
const TABLE: f64 = 0.75;

/// Where what is left of the first half has less than this share of what is left of the second one, it may be young, unless
/// the third part has this share of the last one, and so many blocks: then it only began late.
const OLD_OF_SURE: f64 = 0.3;
const AS_OLD: f64 = 0.8;
const FEWEST_OLD: f64 = 12.0;

/// A longer run that left this share of what a leak would leave more takes away the doubt that it slows down.
const AS_MUCH: f64 = 0.9;

/// But not the doubt of births that came early by so many standard deviations: no chance explains that, and a cache that
/// hardly began to fill in a short run leaves more in a long one, too.
const NO_CHANCE: f64 = 3.0;

/// Births as few as those of a pool ([`SURE`]) that came early by this many are as likely those of a small cache.
const EARLY_OF_FEW: f64 = 1.0;

/// Births that came early by no more than so many may be even.
const MORE_DRIFT: f64 = 2.5;

/// Births of the second half alone that came early by no more than this are even, if there are as many as so many that come
/// one by one. A cache that took a sixth of the run to fill has none left by then, and one that fills all along has births that
/// came early by more, unless it has few.
const LITTLE_DRIFT: f64 = 1.5;
const FEWEST_OF_HALF: f64 = 17.0;

/// Of what a queue had in the middle of a run, less than this share is left at its end.
const YOUNG_OF_QUEUE: f64 = 0.1;

/// Of what lived when the exit began to free things, what was born in the first half of the work has less than this share of the
/// rest: it was only young. A leak has as much.
const YOUNG_AT_THE_END: f64 = 0.2;

/// A queue that takes in more than it works off is left with more than it could have taken in while it was empty, by these shares
/// of all, in the last run and in the first one.
const TOO_MUCH: f64 = 0.08;
const TOO_MUCH_BEFORE: f64 = 0.06;

/// Where an exit freed what was waiting, it left at most this share of the most that ever was.
const LEFT_BY_EXIT: f64 = 0.1;

/// Births that are as good as so many equal ones are no jumps.
const HEAPS: f64 = 4.0;

/// At its pace, so many births should have come since the last one: it is over, as when a script has loaded its modules.
pub(super) const SILENT: f64 = 3.0;

/// That many, and it is no accident.
const MORE_SILENT: f64 = 5.0;

/// If the two steps with most births have this share of them, these are jumps.
const JUMPS: f64 = 0.6;

/// So much of what is left was there after the start: the rest does not matter.
const FILLED: f64 = 0.9;

/// So many steps are long enough for what comes at a pace of its own to be even.
const STRETCH: usize = 4;

/// The step at which the start of a run is over: a tenth of it.
const START: usize = 6;

/// The variance of counts from each to the next, as a share of their mean: 1 for what comes one by one, at any time.
pub(super) fn relative_variance(counts: &[f64]) -> Option<f64> {
    let mean = counts.iter().sum::<f64>() / counts.len() as f64;
    let squares = counts.windows(2).map(|pair| (pair[0] - pair[1]).powi(2));
    let variance = squares.sum::<f64>() / 2.0 / (counts.len() - 1) as f64;
    (mean > 0.0).then(|| variance / mean)
}

/// The step at which the end of a run began to free what a site had, and it got no more; the last step if it did not.
fn exit(live: &[f64; STEPS]) -> usize {
    let end = work::end_of_work(live);
    match live[end..].is_sorted_by(|a, b| a >= b) {
        true => end,
        false => STEPS - 1,
    }
}

/// What tells a leak from what only looks like one: the blocks of one run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Evidence {
    live: [f64; STEPS],
    /// The step at which the end of the run began to free things: what it frees beside a leak is no fall of its floor.
    end: usize,
    /// How many of those that live at the end were there at each step.
    alive: [f64; STEPS],
    /// What was kept of the births of each part.
    kept: Parts,
    /// Whether births came early: all of them, those after the first part, in which what fills soon is filled, and those of
    /// the second half.
    drift: [Drift; 3],
    /// Its first run kept as much of its first half as of its second one.
    first_keeps: bool,
    /// A longer run left as much more as a leak would.
    is_confirmed: bool,
    /// Its first run came to a level at which each block that came took the place of another.
    first_is_full: bool,
    /// Another run left another number, and fewer if it did less.
    differs_as_a_leak: bool,
    /// Its blocks are freed in the order in which they came; `None` where that is not known.
    is_in_order: Option<bool>,
    /// One of its runs is longer, and had more at its highest.
    longer_has_more: bool,
    /// The longer run had as much more at its highest as what goes on growing has.
    grows_with_the_length: bool,
    /// Survivors are older than any block became that was freed, and came all along.
    outlive_all: bool,
    /// How long the others waited that were freed, if they were freed in order.
    wait: Option<Wait>,
    /// It is a queue that takes in more than it works off in both runs, and had more in the longer one.
    is_overloaded: bool,
    /// What lived when the end of the run began to free things was young, and what was freed before that was not freed in
    /// order.
    is_young_at_the_end: bool,
}

impl Evidence {
    /// `None` if it is not known which blocks survived.
    pub(super) fn of(run: &Observed<'_>) -> Option<Evidence> {
        let alive = blocks(run.survivors?);
        let evidence = Evidence::from(blocks(run.curve), alive);
        Some(match run.allocations {
            Some(all) => evidence.with_freed(run, all),
            None => evidence,
        })
    }

    /// With what the blocks tell that were freed, of a site that allocated so many.
    fn with_freed(self, run: &Observed<'_>, allocations: u64) -> Evidence {
        let (live, alive) = (&self.live, &self.alive);
        let guess = queue::is_in_order(live, alive, allocations);
        let allocations = allocations as f64;
        let Some(freed) = Freed::of(run, live) else {
            return Evidence {
                is_in_order: guess,
                ..self
            };
        };
        let is_in_order = waiting::are_in_order(&freed, alive);
        let by_the_end: f64 = freed.by_the_end().iter().sum();
        let at_work = allocations - live[STEPS - 1] - by_the_end;
        let kept = freed.kept(alive);
        let (early, late) = kept.split_at(kept.len() / 2);
        let [early, late] = [early, late].map(|born| born.iter().sum::<f64>());
        Evidence {
            is_in_order: is_in_order.or(guess),
            outlive_all: outlived::are_kept(&freed, alive, at_work),
            wait: match is_in_order {
                Some(true) => Wait::of(&freed, live, allocations),
                _ => None,
            },
            is_young_at_the_end: is_in_order == Some(false) && early < YOUNG_AT_THE_END * late,
            ..self
        }
    }

    /// Of a run of which the exit freed what the site had, as if it had not: `None` unless the site freed nothing before. What
    /// was live then are its survivors.
    pub(super) fn before_the_exit(run: &Observed<'_>) -> Option<Evidence> {
        let live = work::before_the_exit(&blocks(run.curve), run.allocations?)?;
        Some(Evidence::from(live, live))
    }

    fn from(live: [f64; STEPS], alive: [f64; STEPS]) -> Evidence {
        let mut evidence = Evidence {
            live,
            end: exit(&live),
            kept: Parts::rises(|step| alive[step - 1]),
            alive,
            drift: [Drift::default(); 3],
            first_keeps: false,
            is_confirmed: false,
            first_is_full: false,
            differs_as_a_leak: false,
            is_in_order: None,
            longer_has_more: false,
            grows_with_the_length: false,
            outlive_all: false,
            wait: None,
            is_overloaded: false,
            is_young_at_the_end: false,
        };
        evidence.drift = [BOUNDS[0], BOUNDS[1], MIDDLE].map(|from| evidence.drift_from(from));
        evidence
    }

    /// The same, of a site that has another run, too, and what that one tells.
    pub(super) fn beside(
        self,
        other: Option<Evidence>,
        first: &Observed<'_>,
        last: &Observed<'_>,
    ) -> Evidence {
        let Some(other) = other else {
            return self;
        };
        let records = first.records.zip(last.records);
        let length = records.map_or(1.0, |(first, last)| first as f64 / last.max(1) as f64);
        Evidence {
            drift: std::array::from_fn(|at| self.drift[at].and(other.drift[at], length)),
            first_keeps: other.keeps_enough() && other.keeps_from_the_start(),
            is_confirmed: self.is_confirmed(first, last),
            first_is_full: shape::is_full(&other.live, &other.alive),
            differs_as_a_leak: differs_as_a_leak(first, last),
            longer_has_more: queue::longer_has_more(first, last),
            grows_with_the_length: queue::grows_with_the_length(first, last),
            is_overloaded: self.is_overloaded_as(&other, first, last),
            ..self
        }
    }

    /// Whether this is a queue that takes in too much, and so is that of the first run, as far as that is known.
    fn is_overloaded_as(
        &self,
        other: &Evidence,
        first: &Observed<'_>,
        last: &Observed<'_>,
    ) -> bool {
        self.wait
            .is_some_and(|wait| wait.is_long && wait.spare <= -TOO_MUCH)
            && other.wait.is_none_or(|wait| wait.spare <= -TOO_MUCH_BEFORE)
            && queue::longer_has_clearly_more(first, last)
    }

    /// Whether the last run did more, and left as much more as a leak would: by its records, whatever time it took.
    fn is_confirmed(&self, first: &Observed<'_>, last: &Observed<'_>) -> bool {
        let [first, last] = [first, last].map(|run| run.by_records());
        let more = more_of(&first, &last, false, || self.all_kept());
        more.is_some_and(|more| more.left >= AS_MUCH * more.expected)
    }

    fn drift_from(&self, from: usize) -> Drift {
        let births: Vec<f64> = (from..AT_WORK).map(|step| self.born_at(step)).collect();
        let dispersion = relative_variance(&births).unwrap_or(1.0).max(1.0);
        Drift::of(&births, dispersion)
    }

    /// The verdict on the run.
    pub(super) fn trend(&self) -> Trend {
        match self.grade() {
            Grade::Leak => return Trend::Leak,
            Grade::MayLeak(_) => return Trend::MayLeak,
            Grade::None(_) if self.most() < shape::FEWEST_BLOCKS as f64 => return Trend::Noise,
            Grade::None(_) => {}
        }
        let grew = work::grew_until_the_exit(&self.live) && !self.is_young_at_the_end;
        let is_queue = || self.is_draining_queue() || self.is_overloaded;
        if !self.is_bounded() && (grew || self.is_freed() && is_queue()) {
            return Trend::Grows;
        }
        match shape::trend_of_blocks(&self.live) {
            Trend::Shutdown => Trend::Shutdown,
            // What came and went in between is no growth.
            _ if self.alive[START] >= FILLED * self.live[STEPS - 1] => Trend::Startup,
            // It only looks like one.
            Trend::Leak => Trend::Plateau,
            other => other,
        }
    }

    /// Whether the exit freed what the site had.
    fn is_freed(&self) -> bool {
        self.live[STEPS - 1] <= LEFT_BY_EXIT * self.most()
    }

    fn most(&self) -> f64 {
        self.live.iter().fold(0.0_f64, |most, live| most.max(*live))
    }

    /// Whether it goes on keeping blocks. Where no block is kept for long, a floor that rises all along may still be a leak:
    /// a queue that fills faster than it is worked off.
    pub(super) fn grade(&self) -> Grade {
        match self.grade_of_kept() {
            _ if self.is_bounded() => Grade::None(Doubt::Full),
            Grade::None(Doubt::Few | Doubt::Late | Doubt::Level) if self.is_queue() => {
                Grade::MayLeak(Doubt::Late)
            }
            Grade::None(_) if teeth::keep_some_each(&self.live, &self.alive, self.end) => {
                Grade::MayLeak(Doubt::Late)
            }
            Grade::None(doubt) if self.outlive_all => Grade::MayLeak(doubt),
            Grade::MayLeak(Doubt::Late | Doubt::Level) if self.outlive_all => Grade::Leak,
            grade => grade,
        }
    }

    /// Whether the oldest block is freed first, and yet nothing waits: it makes room, or its time is over.
    fn is_bounded(&self) -> bool {
        !self.outlive_all && self.wait.is_some_and(|wait| !wait.is_of_a_queue)
    }

    fn is_queue(&self) -> bool {
        // What is waiting in the middle is worked off before the end, and not freed by the exit.
        let is_worked_off = self.alive[MIDDLE] < YOUNG_OF_QUEUE * self.live[MIDDLE]
            && work::end_of_work(&self.live) == STEPS - 1;
        let is_steady = || {
            self.is_in_order == Some(true)
                && self.longer_has_more
                && queue::rises_to_the_end(&self.live)
        };
        self.most() >= queue::LEAST
            && self.is_in_order != Some(false)
            && (work::rises_all_along(&self.live)
                || self.is_overloaded && !self.is_freed()
                || is_worked_off && (self.is_draining_queue() || is_steady()))
    }

    /// A queue that grows although it is worked off for a time.
    fn is_draining_queue(&self) -> bool {
        self.grows_with_the_length
            && self.most() >= queue::LEAST
            && queue::is_high_in_the_end(&self.live)
    }

    /// Whether blocks were kept all along the second half, as a leak keeps them.
    fn grade_of_kept(&self) -> Grade {
        // One thing may speak against it, if only by a little.
        let mut doubt = None;
        if self.most() < shape::FEWEST_BLOCKS as f64 {
            return match self.are_as_even_as_few_can_be() {
                true => Grade::MayLeak(Doubt::Few),
                false => Grade::None(Doubt::Few),
            };
        }
        if !self.keeps_enough() {
            match self.keeps_a_few() {
                true => doubt = Some(Doubt::Few),
                false => return Grade::None(Doubt::Few),
            }
        }
        if !self.kept.are_steady(self.dispersion()) {
            match self.may_be_steady() {
                true => doubt = doubt.or(Some(Doubt::Slows)),
                false => return Grade::None(Doubt::Slows),
            }
        }
        match () {
            () if self.is_late() => return Grade::None(Doubt::Late),
            () if self.is_over(MORE_SILENT) => return Grade::None(Doubt::Over),
            () if self.jumps() => return Grade::None(Doubt::Jumps),
            () if shape::is_full(&self.live, &self.alive) => return Grade::None(Doubt::Full),
            () => {}
        }
        if self.first_is_full {
            doubt = doubt.or(Some(Doubt::FullBefore));
        }
        if self.is_over(SILENT) {
            doubt = doubt.or(Some(Doubt::Over));
        }
        if !self.floor_rises() {
            match doubt.is_none() && (self.floor_may_rise() || self.first_keeps) {
                true => doubt = Some(Doubt::Level),
                false => return Grade::None(Doubt::Level),
            }
        }
        match doubt.or_else(|| self.weakness()) {
            None => Grade::Leak,
            Some(doubt) => Grade::MayLeak(doubt),
        }
    }

    /// What was kept of the births of a whole run.
    pub(super) fn all_kept(&self) -> f64 {
        let parts = (AT_WORK - BOUNDS[0]) as f64;
        self.kept.0.iter().sum::<f64>() * STEPS as f64 / parts
    }

    /// What was kept of the births of the first half of a run.
    pub(super) fn old_kept(&self) -> f64 {
        let [first, second, ..] = self.kept.0;
        first + second
    }

    fn keeps_enough(&self) -> bool {
        let [_, _, third, last] = self.kept.0;
        let is_even = || {
            let each = self.kept.0.iter().all(|kept| *kept >= 1.0);
            each && self.kept.0.iter().sum::<f64>() >= FEWEST_EVEN
        };
        let kept = self.kept.late();
        let is_enough = kept >= FEWEST_KEPT || (kept >= FEWEST_KEPT - 1.0 && is_even());
        let steps = (MIDDLE..AT_WORK).filter(|step| self.born_at(*step) > 0.0);
        is_enough && third > 0.0 && last > 0.0 && steps.count() >= FEWEST_STEPS
    }

    /// What makes it less than sure that it is a leak, where nothing speaks against it.
    fn weakness(&self) -> Option<Doubt> {
        let [first, second, third, last] = self.kept.0;
        let [all, late, _] = self.drift;
        // Not if what filled up did so in the first part, and what follows is even.
        let is_early = |drift: Drift| drift.deviations() < -DRIFT && drift.offset() < -OFFSET;
        let births = (self.kept.0.iter().sum::<f64>() / self.dispersion()).max(late.births());
        let had = self.alive[BOUNDS[0]] / self.alive[STEPS - 1];
        let is_young = first + second < OLD_OF_SURE * (third + last)
            && (third < AS_OLD * last || third < FEWEST_OLD);
        let is_made_up_for = self.is_confirmed && all.deviations() > -NO_CHANCE;
        match () {
            () if is_young => Some(Doubt::Late),
            () if is_early(all) && late.deviations() < -NO_DRIFT && !is_made_up_for => {
                Some(Doubt::Slows)
            }
            () if births < SURE && (HAD..TABLE).contains(&had) => Some(Doubt::Few),
            () if births < SURE && all.deviations() < -EARLY_OF_FEW => Some(Doubt::Slows),
            () => None,
        }
    }

    /// Whether chance can explain that what is kept becomes less.
    fn may_be_steady(&self) -> bool {
        let [all, _, half] = self.drift;
        // What fills up slows down to the end; what only filled at first does not. A shorter run may have been filling still.
        let is_even =
            |half: Drift| half.deviations() > -LITTLE_DRIFT && half.births() >= FEWEST_OF_HALF;
        let is_even_in_the_end = is_even(half) || is_even(self.drift_from(MIDDLE));
        (all.deviations() > -MORE_DRIFT || is_even_in_the_end) && effective(self.births()) >= HEAPS
    }

    /// Too few for any other verdict, but all still there and spread over the run.
    fn are_as_even_as_few_can_be(&self) -> bool {
        self.differs_as_a_leak
            && self.most() >= FEWEST_IN_ALL
            && self.kept.0.iter().sum::<f64>() >= STILL_THERE * self.most()
            && (self.keeps_a_few() || self.keeps_one_late())
            && self.drift[0].deviations() > -EARLY_OF_FEWEST
    }

    /// Fewer still, but not of one part of the run, nor all of its first half.
    fn keeps_one_late(&self) -> bool {
        self.kept.late() >= 1.0
            && self.kept.0.iter().sum::<f64>() >= FEWEST_OF_ALL
            && self.parts_that_keep() >= 2
    }

    fn parts_that_keep(&self) -> usize {
        self.kept.0.iter().filter(|kept| **kept >= 1.0).count()
    }

    /// Too few to be sure, but spread over the run.
    fn keeps_a_few(&self) -> bool {
        self.kept.late() >= FEWEST_SPREAD
            && self.kept.0.iter().sum::<f64>() >= FEWEST_OF_ALL
            && self.parts_that_keep() >= 3
    }

    fn born_at(&self, step: usize) -> f64 {
        self.alive[step] - self.alive[step - 1]
    }

    fn births(&self) -> impl Iterator<Item = f64> + '_ {
        (BOUNDS[0]..AT_WORK).map(|step| self.born_at(step))
    }

    /// How many times as much births vary from step to step as if they came one by one, but no less than these do.
    pub(super) fn dispersion(&self) -> f64 {
        self.variance().unwrap_or(1.0).max(1.0)
    }

    /// How many times as much births vary from step to step as if they came one by one; `None` if there are none.
    fn variance(&self) -> Option<f64> {
        relative_variance(&self.births().collect::<Vec<_>>())
    }

    /// The same from one stretch of several steps to the next: what comes at a pace of its own is even over some time, and
    /// batches are as uneven as they are.
    pub(super) fn variance_of_stretches(&self) -> Option<f64> {
        let births: Vec<f64> = self.births().collect();
        let stretches = births.chunks_exact(STRETCH);
        relative_variance(&stretches.map(|of| of.iter().sum()).collect::<Vec<_>>())
    }

    /// Whether nothing was kept for so long before the end that it is no accident.
    fn is_over(&self, silent_for: f64) -> bool {
        let births: Vec<f64> = self.births().collect();
        let silent = births.iter().rev().take_while(|births| **births <= 0.0);
        let pace = effective(births.iter().copied()) / births.len() as f64;
        silent.count() as f64 * pace > silent_for
    }

    fn is_late(&self) -> bool {
        let [first, second, third, last] = self.kept.0;
        third < LATE * last && first + second < YOUNG * third
    }

    /// Whether most of what was kept, or most of the rise, came in a step or two.
    fn jumps(&self) -> bool {
        // Of few blocks, two steps have a good share by chance; births near the end are at work.
        let are_many = self.kept.late() >= 2.0 * FEWEST_KEPT;
        let mut births: Vec<f64> = (MIDDLE..AT_WORK - 4)
            .map(|step| self.born_at(step))
            .collect();
        births.sort_unstable_by(|a, b| b.total_cmp(a));
        let all = births.iter().sum::<f64>();
        let two = births[0] + births[1];
        let at_once = two >= (JUMPS * all).max(FEWEST_KEPT) && effective(self.births()) < HEAPS;
        (are_many && at_once) || shape::is_staircase(&self.live)
    }

    /// The level below which it never falls rises with what is kept. Blocks that live long and are replaced have
    /// survivors of all ages, and stand level.
    fn floor_rises(&self) -> bool {
        let [first, second, third, last] = self.kept.0;
        if self.keeps_from_the_start() || self.live[..=self.end] == self.alive[..=self.end] {
            return true;
        }
        let rise = self.rise_of_floor();
        let noise = 2.0 * 2.0_f64.sqrt() * scatter(&self.live[MIDDLE - 4..=self.end]);
        let earlier = first.min(second);
        // Survivors as old as the run are no matter of a long life.
        let is_of_all_ages = earlier >= RISE * third
            && third >= RISE * last.min(2.0 * second)
            && self.kept.0.iter().sum::<f64>() >= 2.0 * FEWEST_KEPT
            && first + second >= RISE * self.kept.late();
        let is_young = second + deviation(second, YOUNG, third) < YOUNG * third;
        if is_young && !is_of_all_ages {
            return rise >= RISE_OF_YOUNG * self.kept.late() && rise >= noise;
        }
        // The last part has what is still at work; the third one tells how much was kept.
        let expected = RISE * (2.0 * third).min(self.kept.late());
        rise >= expected - noise && (earlier >= RISE * third || expected >= noise)
    }

    /// Whether as much is left of the first half as of the second one: had its blocks been replaced, less would be.
    fn keeps_from_the_start(&self) -> bool {
        let [first, second, third, last] = self.kept.0;
        let (early, late) = (first + second, third + last);
        let is_as_much = |early: f64, late: f64| early >= OLD * late + deviation(early, OLD, late);
        is_as_much(early, late) && first >= OLD * second - deviation(first, OLD, second)
    }

    /// From the middle of the run to the end of its work.
    fn rise_of_floor(&self) -> f64 {
        self.rise_of_floor_to(self.end)
    }

    fn rise_of_floor_to(&self, end: usize) -> f64 {
        let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
        least(&self.live[end - 7..=end]) - least(&self.live[MIDDLE - 4..MIDDLE + 4])
    }

    fn floor_may_rise(&self) -> bool {
        let third = self.kept.0[2];
        self.rise_of_floor_to(STEPS - 1) >= RISE_IN_NOISE * (2.0 * third).min(self.kept.late())
    }
}

#[cfg(test)]
mod tests {
    use super::{Observed, STEPS, Trend};
    use crate::diff::trend::trend_of;
    use crate::trace::{Curve, Tally};

    /// Of a cache of so many keys, most of which come in the first `fills_in` steps, and of a leak that comes to so many.
    fn trend(keys: f64, fills_in: f64, leaked: f64) -> Trend {
        let curve = Curve::of(&std::array::from_fn(|step| {
            let steps = step as f64 + 1.0;
            let filled = keys * (1.0 - (-steps / fills_in).exp());
            Tally {
                blocks: (filled + leaked * steps / STEPS as f64).round() as u64,
                bytes: 0,
            }
        }));
        trend_of(&Observed {
            survivors: Some(&curve),
            ..Observed::bare(&curve)
        })
    }

    #[test]
    fn a_leak_beside_a_cache_that_filled_in_the_first_half_may_be_one() {
        assert_eq!(trend(200.0, 10.0, 25.0), Trend::MayLeak);
        assert_eq!(trend(200.0, 12.0, 40.0), Trend::MayLeak);
        for fills_in in [10.0, 20.0, 40.0] {
            let trend = trend(1000.0, fills_in, 0.0);
            assert_eq!(trend, Trend::Plateau, "{fills_in}");
        }
    }
}
