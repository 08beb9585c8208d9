//! What a call site truly does, from what the program truly kept: it runs on to four times the work, and
//! where the floor goes on rising in proportion, the site leaks.
//!
//! A floor is the least that is live over a window. The first window is the run itself without its start; three more
//! follow it, each as long as the run, or as a wave of the load where that is longer.

/// Floors of the run, and of the three windows that follow.
pub(crate) const WINDOWS: usize = 4;

/// A leak has to have leaked so many blocks in the run that is judged, or nobody can know.
const FEWEST: i64 = 5;

/// And so many, where the site holds more than that beside them.
const FEWEST_BESIDE: i64 = 12;

/// So many blocks more, from the window after the run to the last one, are growth, not chance.
const LEAST_RISE: i64 = 10;

/// And where no block is known to be lost, the rise is this part of the level: floors of simulated working sets move
/// by chance, and those of real programs less.
pub(crate) const LEAST_PART: i64 = 5;
pub(crate) const LEAST_PART_OF_REAL: i64 = 50;

/// What rises by less than one sixth of that has not risen.
const LITTLE: i64 = 6;

/// What leaks has at least this share of its mean pace in each window, and of its pace in the run.
const STEADY: f64 = 0.5;

/// What is bound to end has at most this share of the run's pace when four times the work is done.
const SLOW: f64 = 0.25;

/// What was lost has no level that moves.
const NO_FLOOR: i64 = i64::MAX >> 32;

/// Growth in bytes is in blocks of this size, at the least.
pub(crate) const BYTES_A_STEP: i64 = 64;

/// What is counted of a site while the program runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Course {
    pub blocks: i64,
    pub bytes: i64,
    /// Blocks that the program lost for ever.
    pub lost: u64,
    /// How often a block became larger where it is.
    pub resized: u64,
    /// The line of its last change.
    pub last_change: u64,
    /// The lines in which its blocks came, as long as none has gone.
    births: Vec<u64>,
    has_freed: bool,
    floors: Vec<Floor>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Floor {
    blocks: i64,
    bytes: i64,
    /// When the window began.
    lost: i64,
}

impl Course {
    pub(crate) fn changes(&mut self, line: u64, blocks: i64, bytes: i64) {
        self.blocks += blocks;
        self.bytes += bytes;
        self.last_change = line;
        if blocks > 0 && !self.has_freed {
            self.births.push(line);
        } else {
            self.has_freed = true;
            self.births = Vec::new();
        }
        if let Some(floor) = self.floors.last_mut() {
            floor.blocks = floor.blocks.min(self.blocks);
            floor.bytes = floor.bytes.min(self.bytes);
        }
    }

    /// How many were lost when the run was over, of one that goes on.
    pub(crate) fn lost_in_run(&self) -> Option<i64> {
        Some(self.floors.get(1)?.lost)
    }

    /// Of a site that begins when so many windows have begun.
    pub(crate) fn after_windows(windows: usize) -> Self {
        let nothing = Floor {
            blocks: 0,
            bytes: 0,
            lost: 0,
        };
        Course {
            floors: vec![nothing; windows],
            ..Course::default()
        }
    }

    /// In blocks and bytes, for people.
    pub(crate) fn floors(&self) -> String {
        let floors = self.floors.iter();
        let words = floors.map(|floor| format!("{} ({} B)", floor.blocks, floor.bytes));
        words.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn next_window(&mut self) {
        self.floors.push(Floor {
            blocks: self.blocks,
            bytes: self.bytes,
            lost: self.lost as i64,
        });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Label {
    Leak,
    NoLeak,
    /// It leaks, but has leaked so little that the runs cannot show it.
    TooFew,
    /// It stops only when the run is over: until then its log is that of a leak.
    StopsLater,
    /// It slows down, and neither stops nor goes on in proportion within four times the work.
    Between,
}

impl Label {
    pub(crate) fn is_decidable(self) -> bool {
        matches!(self, Label::Leak | Label::NoLeak)
    }
}

/// So many blocks, and none of them freed, show whether they come evenly.
const EVEN: usize = 12;

/// What comes evenly has at least these shares of its mean in each quarter of the run, and in the last.
const EACH_QUARTER: f64 = 0.5;
const LAST_QUARTER: f64 = 0.75;

/// Whether a site that does not leak looks like one that does in both runs, which have so many lines: it only grows,
/// and evenly to the end.
pub(crate) fn looks_like_a_leak(last: &Course, first: &Course, lines: [u64; 2]) -> bool {
    let has_few = !first.has_freed && first.births.len() < EVEN;
    last.births.len() >= EVEN
        && grows_evenly(last, lines[0])
        && (has_few || grows_evenly(first, lines[1]))
}

fn grows_evenly(course: &Course, lines: u64) -> bool {
    let mut quarters = [0.0; 4];
    for line in &course.births {
        quarters[((line - 1) * 4 / lines.max(1)).min(3) as usize] += 1.0;
    }
    let mean = course.births.len() as f64 / 4.0;
    let is_even = quarters
        .iter()
        .all(|quarter| *quarter >= EACH_QUARTER * mean);
    mean > 0.0 && is_even && quarters[3] >= LAST_QUARTER * mean
}

/// What was done in a window: requests, and seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Work {
    pub requests: f64,
    pub seconds: f64,
}

/// The label of a site, and whether it is one of bytes alone; `in_run` is what the run that is judged showed.
/// Floors that rise by less than one `least_part` of the level do not.
pub(crate) fn label(
    in_run: &Course,
    course: &Course,
    work: &[Work; WINDOWS],
    least_part: i64,
) -> (Label, bool) {
    let of = |what: fn(&Floor) -> i64| -> Vec<i64> { course.floors.iter().map(what).collect() };
    if course.lost > 0 {
        // Better than any floor: these blocks are gone for good, and the others are not.
        let lost = in_run.lost as i64;
        let label = match best(lost, &of(|floor| floor.lost), NO_FLOOR, work) {
            Label::NoLeak | Label::Between => Label::TooFew,
            Label::Leak if lost < FEWEST_BESIDE && in_run.blocks > 2 * lost => Label::TooFew,
            label => label,
        };
        return (label, false);
    }
    let floors = of(|floor| floor.blocks);
    let by_blocks = best(floors[1] - floors[0], &floors, least_part, work);
    if by_blocks != Label::NoLeak {
        return (by_blocks, false);
    }
    let floors = of(|floor| floor.bytes / BYTES_A_STEP);
    let by_bytes = best(floors[1] - floors[0], &floors, least_part, work);
    // Sizes that vary let bytes go up and down. What grows in bytes alone grows in place, or is copied to a larger
    // block each time, and soon has doubled.
    let grows_in_place = in_run.resized >= FEWEST as u64;
    match by_bytes {
        _ if grows_in_place => (by_bytes, true),
        Label::Leak if floors[WINDOWS - 1] >= 2 * floors[1] => (by_bytes, true),
        _ => (by_blocks, false),
    }
}

/// Whether a rise to a level is none.
pub(crate) fn is_little(rise: i64, level: i64, least_part: i64) -> bool {
    rise <= 2 || rise * LITTLE * least_part <= level
}

fn level(floors: &[i64]) -> i64 {
    floors.iter().copied().max().unwrap_or(0)
}

/// Some sites go with the requests and some with the clock. Whichever fits better is taken.
fn best(in_run: i64, floors: &[i64], least_part: i64, work: &[Work; WINDOWS]) -> Label {
    let by_requests = labelled(in_run, floors, least_part, &work.map(|work| work.requests));
    let by_time = labelled(in_run, floors, least_part, &work.map(|work| work.seconds));
    match (by_requests, by_time) {
        (Label::Between, other) | (other, Label::Between) => other,
        // What leaks by one measure is not freed by the other.
        _ => by_requests.min(by_time),
    }
}

fn labelled(in_run: i64, floors: &[i64], least_part: i64, work: &[f64; WINDOWS]) -> Label {
    let rises = [floors[2] - floors[1], floors[3] - floors[2]];
    let rise = rises[0] + rises[1];
    // What is added to a window's floor was done in the window before.
    let paces = [rises[0] as f64 / work[1], rises[1] as f64 / work[2]];
    let pace = rise as f64 / (work[1] + work[2]);
    let in_run_pace = in_run as f64 / work[0];
    let is_steady = paces.iter().all(|one| *one >= STEADY * pace);
    let is_growth = rise >= LEAST_RISE && rise * least_part >= level(floors);
    if is_growth && is_steady && pace >= STEADY * in_run_pace {
        return if in_run >= FEWEST {
            Label::Leak
        } else {
            Label::TooFew
        };
    }
    // A high-water mark rises by a block or two for ever, and a floor of many moves a little.
    let is_little = is_little(rise, level(floors), least_part);
    if is_little || pace <= SLOW * in_run_pace {
        Label::NoLeak
    } else {
        Label::Between
    }
}
