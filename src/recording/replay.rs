//! Replaying a recording: what each stack allocated, and what of it is live at the end.

use std::io::{self, Read};

use hashbrown::HashMap;

use super::blocks::{Damage, EventBlock, EventBlocks, LastCounts};
use super::clock::{Clock, Gone};
use super::events::{Malformed, RecordedEvent, decode};
use super::header::{Header, Mode};
use super::loaded::Loaded;
use super::outcome::{LoadedModule, ProcessEnd, Recording, StackCounts, StackNode};
use super::programs::Programs;
use crate::trace::{
    AddressTable, Block, CallerId, Delta, Fault, FaultKind, Held, Length, LiveCounts, Occurrences,
    SizesSeen, Tally, Timeline,
};

/// As many nodes as a recorder makes.
const MOST_NODES: u32 = 1 << 22;
const MOST_FACTS: usize = 256;
/// More bytes than an address can tell apart, and more allocations than there is time for.
const MOST_COUNTED: u64 = 1 << 48;

const MOST_THREADS: usize = 1 << 20;

/// When to look at a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    End,
    /// Microseconds since its start.
    Time(u64),
}

/// How a recording is replayed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replaying {
    pub until: Until,
    /// When the program was asked to end, in microseconds, if it did so by itself then.
    pub asked_at: Option<u64>,
    /// When the program was ended, in microseconds, where its log does not tell: it may have been quiet for long by then.
    pub ended_at: Option<u64>,
    pub keep_blocks: bool,
}

/// Replays a recording up to a moment.
pub(crate) fn replay(mut blocks: EventBlocks<impl Read>, how: Replaying) -> io::Result<Recording> {
    let until = match how.until {
        Until::End => u64::MAX,
        Until::Time(us) => us,
    };
    let (clock, first) = Clock::of(&mut blocks, until, how.asked_at, how.ended_at);
    let mut replay = RecordingReplay::new(blocks.header.clone(), until, clock);
    let mut first = first.into_iter();
    while !replay.is_over
        && let Some(block) = first.next().or_else(|| blocks.next())
    {
        replay.block(&block, &mut blocks.damage);
    }
    replay.last_counts(&blocks.last_counts);
    Ok(replay.finish(blocks.damage, how))
}

/// A curve of fewer counts than these would show a run that does nothing and jumps.
const FEWEST_ROUNDS: u32 = 8;

struct RecordingReplay {
    recording: Recording,
    until: u64,
    is_over: bool,
    table: AddressTable,
    timeline: Timeline,
    /// How often a summary was counted, and when the last time.
    rounds: u32,
    counted_at: Option<u64>,
    /// The index in `stacks` plus 1, by node.
    index: Vec<u32>,
    /// What each thread has given to realloc, until the thread goes on. In the curves it is there until then: a block that is
    /// being moved is not gone.
    moving: HashMap<u32, (u64, Block)>,
    faults: HashMap<(FaultKind, u32), Occurrences>,
    thread: u32,
    clock: Clock,
    gone: Gone,
    loaded: Loaded,
    /// The block that is read counts more than there can be.
    is_incredible: bool,
}

impl RecordingReplay {
    fn new(header: Header, until: u64, clock: Clock) -> Self {
        let root = StackNode {
            parent: 0,
            pc: 0,
            module: None,
        };
        RecordingReplay {
            recording: Recording {
                header,
                facts: Vec::new(),
                programs: Programs::default(),
                modules: Vec::new(),
                nodes: vec![root; Recording::ROOTS as usize],
                stacks: Vec::new(),
                faults: Vec::new(),
                unknown_frees: 0,
                events: 0,
                end_us: 0,
                ended: ProcessEnd::WithoutExit,
                lacks_last_counts: false,
                threads: 1,
                damage: Damage::default(),
                blocks: Vec::new(),
            },
            until,
            is_over: false,
            table: AddressTable::default(),
            timeline: Timeline::default(),
            rounds: 0,
            counted_at: None,
            index: Vec::new(),
            moving: HashMap::new(),
            faults: HashMap::new(),
            thread: 0,
            clock,
            gone: Gone::default(),
            loaded: Loaded::default(),
            is_incredible: false,
        }
    }

    fn block(&mut self, block: &EventBlock, damage: &mut Damage) {
        if block.first_node > MOST_NODES {
            damage.bad_blocks += 1;
            return;
        }
        self.thread = block.thread;
        self.at_time(block.time);
        let header = self.recording.header.clone();
        let decoded = decode(block, &header, |event| {
            if !self.is_over {
                self.event(event);
            }
        });
        if decoded == Err(Malformed) || std::mem::take(&mut self.is_incredible) {
            damage.bad_blocks += 1;
        }
    }

    fn at_time(&mut self, time: u64) {
        if time > self.until {
            self.is_over = true;
            return;
        }
        // Threads wait for each other, so time never goes back; a damaged file's may.
        self.gone.time = self.gone.time.max(time);
        self.go_on();
    }

    #[inline]
    fn event(&mut self, event: RecordedEvent<'_>) {
        match event {
            RecordedEvent::Allocated {
                address,
                size,
                node,
                ..
            } => self.allocated(address, size, node),
            RecordedEvent::Freed {
                address,
                by_realloc,
            } => self.freed(address, by_realloc),
            RecordedEvent::Time(time) => self.at_time(time),
            RecordedEvent::Thread(thread) => self.thread = thread,
            other => self.rare(other),
        }
    }

    fn rare(&mut self, event: RecordedEvent<'_>) {
        let recording = &mut self.recording;
        match event {
            RecordedEvent::StackNode { id, parent, pc } => self.node(id, parent, pc),
            RecordedEvent::LoadedModule {
                id,
                start,
                size,
                bias,
                build_id,
                path,
            } => {
                let module = LoadedModule {
                    start,
                    size,
                    bias,
                    build_id: build_id.to_vec(),
                    path: path.to_vec(),
                };
                self.loaded.load(id, module);
            }
            RecordedEvent::Unloaded(id) => self.loaded.unload(id),
            RecordedEvent::Fact {
                key: b"unknown-frees",
                value,
            } => {
                let count = String::from_utf8_lossy(value).parse();
                recording.unknown_frees = count.unwrap_or(recording.unknown_frees);
            }
            RecordedEvent::Fact { key, value } if recording.programs.note(key, value) => {}
            RecordedEvent::Fact { key, value } if recording.facts.len() < MOST_FACTS => {
                let key = String::from_utf8_lossy(key).into_owned();
                recording.facts.push((key, value.to_vec()));
            }
            RecordedEvent::End => recording.ended = ProcessEnd::Exit,
            RecordedEvent::Failed { node, .. } => self.fault(FaultKind::FailedAllocation, node),
            RecordedEvent::ReallocFailed { node, .. } => self.realloc_failed(node),
            RecordedEvent::Counts {
                node,
                blocks,
                bytes,
                allocations,
            } => self.counts(node, Tally { blocks, bytes }, allocations),
            RecordedEvent::ThreadBegins { number, .. } => {
                let threads = (number as usize).saturating_add(1);
                recording.threads = recording.threads.max(threads.min(MOST_THREADS));
            }
            _ => {}
        }
    }

    /// The place of a node in `stacks`, a new one if it allocates for the first time.
    #[inline]
    fn stack(&mut self, node: u32) -> Option<CallerId> {
        match self.index.get(node as usize) {
            Some(&index) if index > 0 => Some(CallerId(index - 1)),
            _ => self.new_stack(node),
        }
    }

    #[cold]
    fn new_stack(&mut self, node: u32) -> Option<CallerId> {
        if node > MOST_NODES {
            return None;
        }
        let at = node as usize;
        if at >= self.index.len() {
            self.index.resize(at + 1, 0);
        }
        let stacks = &mut self.recording.stacks;
        stacks.push(StackCounts {
            node,
            allocations: 0,
            live: Tally::default(),
            sizes: SizesSeen::default(),
            curve: None,
            survivors: None,
            lives: None,
            live_sizes: None,
        });
        self.index[at] = stacks.len() as u32;
        Some(CallerId(stacks.len() as u32 - 1))
    }

    #[inline]
    fn allocated(&mut self, address: u64, size: u64, node: u32) {
        self.recording.events += 1;
        self.gone.allocations += 1;
        if self.clock.counts_allocations() {
            self.go_on();
        }
        self.moved();
        let Some(caller) = self.stack(node) else {
            return;
        };
        let stack = &mut self.recording.stacks[caller.0 as usize];
        stack.allocations += 1;
        stack.sizes.note(size, true);
        let born = self.timeline.stretch();
        let block = Block { caller, size, born };
        self.begins(address, block);
    }

    /// The curves go on to where the run is; gives where that is.
    fn go_on(&mut self) -> u64 {
        let now = self.clock.at(self.gone);
        let by = self.timeline.reach(now);
        if by > 0 {
            self.table.coarsen(by);
            for (_, block) in self.moving.values_mut() {
                block.born = block.born.checked_shr(by).unwrap_or(0);
            }
        }
        now
    }

    fn begins(&mut self, address: u64, block: Block) {
        self.timeline.note(block.caller, Delta::begins(block));
        self.put(address, block);
    }

    #[inline]
    fn freed(&mut self, address: u64, by_realloc: bool) {
        self.recording.events += 1;
        self.moved();
        self.table.tidy();
        match self.table.free(address) {
            Held::Live(block) if by_realloc => {
                self.moving.insert(self.thread, (address, block));
            }
            Held::Live(block) => self.timeline.ends(block),
            Held::Nothing | Held::Mark => self.recording.unknown_frees += 1,
        }
    }

    /// What the thread gave to realloc, if it did so last, is gone.
    #[inline]
    fn moved(&mut self) {
        if !self.moving.is_empty()
            && let Some((_, block)) = self.moving.remove(&self.thread)
        {
            self.timeline.ends(block);
        }
    }

    fn realloc_failed(&mut self, node: u32) {
        self.fault(FaultKind::FailedReallocation, node);
        if let Some((address, block)) = self.moving.remove(&self.thread) {
            self.put(address, block);
        }
    }

    /// A block is where it was, too, if it was not moved, or not yet.
    fn put(&mut self, address: u64, block: Block) {
        // Where one is live already its free was lost, in a signal handler.
        if let Held::Live(gone) = self.table.put(address, block) {
            self.timeline.ends(gone);
        }
    }

    fn fault(&mut self, kind: FaultKind, node: u32) {
        self.recording.events += 1;
        let event = self.recording.events;
        self.faults.entry((kind, node)).or_default().note(event);
    }

    fn counts(&mut self, node: u32, live: Tally, allocations: u64) {
        if live.blocks.max(live.bytes).max(allocations) > MOST_COUNTED {
            self.is_incredible = true;
            return;
        }
        let Some(caller) = self.stack(node) else {
            return;
        };
        if self.counted_at != Some(self.gone.time) {
            self.counted_at = Some(self.gone.time);
            self.rounds += 1;
        }
        let stack = &mut self.recording.stacks[caller.0 as usize];
        self.timeline.note(caller, Delta::between(stack.live, live));
        let more = allocations.saturating_sub(stack.allocations);
        self.recording.events = self.recording.events.saturating_add(more);
        stack.live = live;
        stack.allocations = allocations;
    }

    /// What has changed since the counts of a summary were written down the last time.
    fn last_counts(&mut self, last: &LastCounts) {
        let recording = &mut self.recording;
        if self.is_over || recording.header.mode != Mode::Summary {
            return;
        }
        let has_all = last.places >= recording.nodes.len();
        recording.lacks_last_counts = recording.ended == ProcessEnd::WithoutExit && !has_all;
        for count in &last.all {
            let known = self.index.get(count.node as usize).copied();
            let known =
                known.and_then(|index| self.recording.stacks.get(index.checked_sub(1)? as usize));
            // Older ones are what a device that lost its power had not written yet.
            if known.is_none_or(|known| known.allocations <= count.allocations) {
                let live = Tally {
                    blocks: count.blocks,
                    bytes: count.bytes,
                };
                self.counts(count.node, live, count.allocations);
            }
        }
    }

    fn node(&mut self, id: u32, parent: u32, pc: u64) {
        if id >= MOST_NODES {
            return;
        }
        let nodes = &mut self.recording.nodes;
        // What a lost block defined has no parents: its stacks end there.
        let lost = StackNode {
            parent: u32::MAX,
            pc: 0,
            module: None,
        };
        if id as usize >= nodes.len() {
            nodes.resize(id as usize + 1, lost);
        }
        let module = self.loaded.index_at(pc);
        nodes[id as usize] = StackNode { parent, pc, module };
    }

    fn finish(mut self, damage: Damage, how: Replaying) -> Recording {
        let end = match (self.is_over, self.recording.ended) {
            (true, _) => self.until,
            (false, ProcessEnd::Exit) => self.gone.time,
            (false, ProcessEnd::WithoutExit) => {
                let ended = how.ended_at.unwrap_or(0).min(self.until);
                self.gone.time.max(ended)
            }
        };
        self.gone.time = end;
        let end_of_curves = self.go_on();
        for (address, block) in std::mem::take(&mut self.moving).into_values() {
            self.put(address, block);
        }
        let recording = &mut self.recording;
        recording.end_us = end;
        recording.damage = damage;
        recording.modules = self.loaded.modules;
        if recording.header.mode != Mode::Summary {
            let stacks = recording.stacks.len();
            let mut counts = LiveCounts::of(self.table.iter().map(|(_, block)| block));
            let length = Length::of(end_of_curves.saturating_add(1));
            let survivors = counts.take_births().curves(stacks, length);
            let (live, sizes) = (counts.live(stacks), counts.into_sizes(stacks));
            let all = survivors.into_iter().zip(live).zip(sizes);
            for (stack, ((survivors, live), sizes)) in recording.stacks.iter_mut().zip(all) {
                stack.live = live;
                stack.live_sizes = Some(sizes);
                stack.survivors = Some(survivors);
            }
        }
        let has_blocks = recording.header.mode != Mode::Summary;
        let curves = self.timeline.finish(end_of_curves, recording.stacks.len());
        for (stack, (curve, lives)) in recording.stacks.iter_mut().zip(curves) {
            stack.curve = (has_blocks || self.rounds >= FEWEST_ROUNDS).then_some(curve);
            stack.lives = has_blocks.then_some(lives);
        }
        if how.keep_blocks {
            recording.blocks = self.table.iter().collect();
            recording
                .blocks
                .sort_unstable_by_key(|(address, _)| *address);
        }
        recording.faults = Fault::sorted(self.faults);
        self.recording
    }
}
