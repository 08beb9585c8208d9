//! What a simulated program has to do with: a heap, a clock, alarms, and the log of it all.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{BufWriter, Write};

use crate::chance::Chance;
use crate::truth::Course;

/// A block that the program holds.
#[derive(Debug)]
pub(crate) struct Block {
    address: u64,
    pub size: u64,
}

/// Frees are logged with their caller, too, which is a line that allocates nothing.
const FREES_AT: u64 = 0x40;
/// No block of a simulated program is larger.
const SPACING: u64 = 1 << 28;

/// Where a site's calls return to, by its index.
pub(crate) fn return_address(site: usize) -> u64 {
    0x1_1000 + 0x80 * site as u64
}

/// Events come to parts of sites; which of them it is now is set before each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Whose {
    pub site: usize,
    pub part: usize,
}

pub(crate) struct World<'a> {
    /// Since the start of the program, in seconds.
    pub now: f64,
    /// When this run is over.
    pub end: f64,
    /// Of the part that is at work.
    pub chance: Chance,
    pub whose: Whose,
    pub courses: Vec<Course>,
    log: Option<BufWriter<&'a mut dyn Write>>,
    pub lines: u64,
    vacant: Vec<u64>,
    heap_end: u64,
    /// Time in microseconds, a number that keeps their order, whose, and what for.
    alarms: BinaryHeap<Reverse<(u64, u64, Whose, u64)>>,
    set: u64,
}

impl<'a> World<'a> {
    pub(crate) fn new(end: f64, sites: usize, log: Option<&'a mut dyn Write>) -> Self {
        let mut world = World {
            now: 0.0,
            end,
            chance: Chance::new(0, 0),
            whose: Whose::default(),
            courses: (0..sites).map(|_| Course::default()).collect(),
            log: log.map(|log| BufWriter::with_capacity(1 << 16, log)),
            lines: 0,
            vacant: Vec::new(),
            heap_end: 0,
            alarms: BinaryHeap::new(),
            set: 0,
        };
        world.say(format_args!("= Start"));
        world
    }

    fn say(&mut self, line: std::fmt::Arguments) {
        if let Some(log) = &mut self.log {
            writeln!(log, "{line}").unwrap();
        }
    }

    fn caller(&self) -> u64 {
        return_address(self.whose.site)
    }

    fn course(&mut self) -> &mut Course {
        &mut self.courses[self.whose.site]
    }

    /// Addresses of freed blocks come again, the last one first, as in malloc's own lists.
    fn place(&mut self) -> u64 {
        self.vacant.pop().unwrap_or_else(|| {
            self.heap_end += 1;
            self.heap_end
        }) * SPACING
    }

    pub(crate) fn alloc(&mut self, size: u64) -> Block {
        let (caller, address) = (self.caller(), self.place());
        self.say(format_args!(
            "@ ./app:[{caller:#x}] + {address:#x} {size:#x}"
        ));
        self.lines += 1;
        let line = self.lines;
        self.course().changes(line, 1, size as i64);
        Block { address, size }
    }

    pub(crate) fn free(&mut self, block: Block) {
        let (caller, address) = (self.caller() + FREES_AT, block.address);
        self.say(format_args!("@ ./app:[{caller:#x}] - {address:#x}"));
        self.lines += 1;
        let line = self.lines;
        self.course().changes(line, -1, -(block.size as i64));
        self.vacant.push(address / SPACING);
    }

    pub(crate) fn realloc(&mut self, block: &mut Block, size: u64) {
        let (caller, old, new) = (self.caller(), block.address, self.place());
        self.say(format_args!("@ ./app:[{caller:#x}] < {old:#x}"));
        self.say(format_args!("@ ./app:[{caller:#x}] > {new:#x} {size:#x}"));
        self.lines += 2;
        let (line, grows) = (self.lines, size as i64 - block.size as i64);
        self.course().changes(line, 0, grows);
        self.course().resized += u64::from(grows > 0);
        self.vacant.push(old / SPACING);
        *block = Block { address: new, size };
    }

    /// A block that nothing will ever look at again, though the end of the program may free it.
    pub(crate) fn count_lost(&mut self) {
        self.course().lost += 1;
    }

    pub(crate) fn wake_in(&mut self, seconds: f64, what_for: u64) {
        let at = ((self.now + seconds) * 1e6) as u64;
        self.set += 1;
        self.alarms
            .push(Reverse((at, self.set, self.whose, what_for)));
    }

    /// The next alarm before this time.
    pub(crate) fn alarm(&mut self, before: f64) -> Option<(f64, Whose, u64)> {
        let Reverse((at, ..)) = self.alarms.peek()?;
        let at = *at as f64 / 1e6;
        if at >= before {
            return None;
        }
        let Reverse((_, _, whose, what_for)) = self.alarms.pop()?;
        Some((at, whose, what_for))
    }

    /// The log's last line, where the program comes to write it.
    pub(crate) fn close(&mut self, is_whole: bool) {
        if is_whole {
            self.say(format_args!("= End"));
        }
        if let Some(log) = &mut self.log {
            log.flush().unwrap();
        }
    }
}
