//! A recorder of the tests' own, written from the guide alone, and what comes of what it writes.

use proptest::prelude::*;

use super::blocks::Damage;
use super::header::MAGIC;
use super::outcome::Root;
use super::*;
use crate::trace::Tally;

/// What is written into a block of the tests.
#[derive(Debug, Clone)]
enum Did {
    Allocated { slot: u64, size: u64, stack: u32 },
    Freed { slot: u64 },
    Later(u64),
}

/// How long a realloc takes that moves a large block, in microseconds.
const IN_REALLOC: u64 = 300;

/// Writes as the guide says, without the shorter forms that a recorder may use.
#[derive(Default)]
struct EventWriter {
    entries: Vec<u8>,
    last: u64,
}

impl EventWriter {
    fn number(&mut self, mut n: u64) {
        while n > 127 {
            self.entries.push((n % 128) as u8 + 128);
            n /= 128;
        }
        self.entries.push(n as u8);
    }

    fn signed(n: i128) -> u64 {
        match n < 0 {
            true => (-2 * n - 1) as u64,
            false => (2 * n) as u64,
        }
    }

    fn node(&mut self, up: u64, step: i128) {
        self.entries.push(4 + 8 * 2);
        self.number(up);
        self.number(EventWriter::signed(step));
    }

    fn step(&mut self, address: u64) -> u64 {
        let unit = address / 16;
        let step = EventWriter::signed(i128::from(unit) - i128::from(self.last));
        self.last = unit;
        step
    }

    fn allocated(&mut self, address: u64, size: u64, node: u32) {
        let step = self.step(address);
        self.entries.push(((step % 8) * 16) as u8 + 128);
        self.number(step / 8);
        self.number(u64::from(node));
        self.number(size);
    }

    fn freed(&mut self, address: u64) {
        let step = self.step(address);
        self.entries.push(2 + ((step % 16) * 8) as u8 + 128);
        self.number(step / 16);
    }

    fn reallocated(&mut self, old: u64, address: u64, size: u64, node: u32) {
        let begin = self.entries.len();
        self.freed(old);
        self.entries[begin] += 1;
        self.time(IN_REALLOC);
        let begin = self.entries.len();
        self.allocated(address, size, node);
        self.entries[begin] += 1;
    }

    fn time(&mut self, us: u64) {
        self.entries.push(4);
        self.number(us);
    }
}

fn check(data: &[u8]) -> u32 {
    let mut h: u64 = 0xcbf29ce484222325;
    for word in data.chunks(8) {
        let mut eight = [0; 8];
        eight[..word.len()].copy_from_slice(word);
        h ^= u64::from_le_bytes(eight);
        h = h.wrapping_mul(0x9e3779b97f4a7c15);
        h ^= h >> 32;
    }
    h as u32
}

fn head_of_block(entries: &[u8], first_node: u32, time: u64, is_whole: bool) -> Vec<u8> {
    let mut block = b"BLK1".to_vec();
    let (length, sum) = match is_whole {
        true => (entries.len() as u32, check(entries)),
        false => (0, 0),
    };
    block.extend(length.to_le_bytes());
    block.extend(sum.to_le_bytes());
    block.extend(first_node.to_le_bytes());
    block.extend(time.to_le_bytes());
    block.extend([0; 16]);
    block
}

/// A file with these blocks, the last of which stands in the window if `in_window`.
fn file(blocks: &[(Vec<u8>, u32, u64)], in_window: bool) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend(0x0102_0304u32.to_le_bytes());
    header.extend(1u16.to_le_bytes());
    header.extend(62u16.to_le_bytes());
    header.extend([8, 4, 0, 64]);
    header.extend(77u32.to_le_bytes());
    let (window, size) = (128u32, 1024u32);
    header.extend(window.to_le_bytes());
    header.extend(size.to_le_bytes());
    header.extend((window + size).to_le_bytes());
    let (last, whole) = match blocks.split_last() {
        Some((last, whole)) if in_window => (Some(last), whole),
        _ => (None, blocks),
    };
    let mut body = Vec::new();
    for (entries, first_node, time) in whole {
        body.extend(head_of_block(entries, *first_node, *time, true));
        body.extend(entries);
    }
    let at = u64::from(window + size) + body.len() as u64;
    header.extend(last.map_or(0, |last| last.0.len() as u32).to_le_bytes());
    header.extend(at.to_le_bytes());
    header.resize(window as usize, 0);
    if let Some((entries, first_node, time)) = last {
        header.extend(head_of_block(entries, *first_node, *time, false));
        header.extend(entries);
    }
    header.resize((window + size) as usize, 0);
    header.extend(body);
    header
}

fn to(until: Until) -> Replaying {
    Replaying {
        until,
        asked_at: None,
        ended_at: None,
        keep_blocks: false,
    }
}

fn read(file: &[u8]) -> Recording {
    replay(EventBlocks::open(file).unwrap().unwrap(), to(Until::End)).unwrap()
}

fn live(recording: &Recording) -> Vec<(u32, u64, Tally)> {
    let stacks = recording.stacks.iter();
    let mut live: Vec<_> = stacks.map(|s| (s.node, s.allocations, s.live)).collect();
    live.sort_unstable_by_key(|stack| stack.0);
    live
}

/// Two blocks of a program with two stacks: 3 blocks of 10 bytes, one of which is freed in the second block.
fn small() -> Vec<(Vec<u8>, u32, u64)> {
    let mut first = EventWriter::default();
    first.node(4, 0x1000);
    first.node(1, 0x20);
    for address in [0x100, 0x200, 0x300] {
        first.allocated(address, 10, 5);
    }
    let mut second = EventWriter::default();
    second.freed(0x200);
    second.time(500);
    second.allocated(0x200, 7, 4);
    vec![(first.entries, 4, 0), (second.entries, 6, 1000)]
}

const SMALL: [(u32, u64, Tally); 2] = [
    (
        4,
        1,
        Tally {
            blocks: 1,
            bytes: 7,
        },
    ),
    (
        5,
        3,
        Tally {
            blocks: 2,
            bytes: 20,
        },
    ),
];

#[test]
fn blocks_follow_each_other_and_the_window_comes_last() {
    for in_window in [false, true] {
        let recording = read(&file(&small(), in_window));
        assert_eq!(live(&recording), SMALL);
        assert_eq!(recording.damage, Damage::default());
        assert_eq!(recording.end_us, 1500);
        assert_eq!(recording.frames(5), (vec![5, 4], Root::Whole));
        assert_eq!(recording.nodes[5].pc, 0x1020);
    }
}

#[test]
fn a_block_that_was_written_but_not_noted_counts_once() {
    let mut file = file(&small(), true);
    let (entries, first_node, time) = small().remove(1);
    file.extend(head_of_block(&entries, first_node, time, true));
    file.extend(&entries);
    assert_eq!(live(&read(&file)), SMALL);
    // Killed in the middle of writing it: the window has it whole.
    for cut in 1..(40 + entries.len()) {
        let part = &file[..file.len() - cut];
        let recording = read(part);
        assert_eq!(live(&recording), SMALL, "{cut}");
        assert!(!recording.damage.is_cut, "{cut}");
    }
}

#[test]
fn a_copy_that_was_cut_says_so() {
    let whole = file(&small(), true);
    let first = read(&file(&small()[..1], false));
    let recording = read(&whole[..whole.len() - 1]);
    assert!(recording.damage.is_cut);
    assert_eq!(live(&recording).len(), live(&first).len());
    // In the header there is nothing to tell.
    for end in 0..72 {
        assert!(EventBlocks::open(&whole[..end]).unwrap().is_err(), "{end}");
    }
}

#[test]
fn a_flipped_bit_costs_its_block_alone() {
    let whole = file(&small(), false);
    let begin = 128 + 1024;
    let end_of_first = begin + 40 + small()[0].0.len();
    for at in begin + 40..end_of_first {
        for bit in 0..8 {
            let mut bad = whole.clone();
            bad[at] ^= 1 << bit;
            let recording = read(&bad);
            assert_eq!(recording.damage.bad_blocks, 1, "byte {at}");
            assert_eq!(recording.damage.first_at, Some(begin as u64));
            // What the second block allocated is there, and its free met nothing.
            assert_eq!(
                live(&recording),
                [(
                    4,
                    1,
                    Tally {
                        blocks: 1,
                        bytes: 7
                    }
                )]
            );
            assert_eq!(recording.unknown_frees, 1);
        }
    }
}

#[test]
fn a_moment_is_exact() {
    let file = file(&small(), false);
    let until = |us| {
        let blocks = EventBlocks::open(&file[..]).unwrap().unwrap();
        replay(blocks, to(Until::Time(us))).unwrap()
    };
    let at = |us| live(&until(us));
    // Nothing happens between 1000 and 1499, yet the run goes on.
    assert_eq!(until(1499).end_us, 1499);
    assert_eq!(until(9000).end_us, 1500);
    let three = [(
        5,
        3,
        Tally {
            blocks: 3,
            bytes: 30,
        },
    )];
    assert_eq!(at(999), three);
    assert_eq!(
        at(1499),
        [(
            5,
            3,
            Tally {
                blocks: 2,
                bytes: 20
            }
        )]
    );
    assert_eq!(at(1500), SMALL);
    assert_eq!(
        duration_of(EventBlocks::open(&file[..]).unwrap().unwrap(), None),
        1500
    );
}

#[test]
fn a_block_that_is_being_moved_is_there() {
    // Short runs are divided by their allocations, too, long ones by time.
    for between in [700, 70_000] {
        let mut block = EventWriter::default();
        block.node(4, 0x1000);
        block.allocated(0x100, 10, 4);
        for old in 1..=100 {
            block.time(between);
            block.reallocated(old * 0x100, (old + 1) * 0x100, 10 + old, 4);
        }
        let file = file(&[(block.entries, 4, 0)], false);
        let recording = read(&file);
        let one = |bytes| [(4, 101, Tally { blocks: 1, bytes })];
        assert_eq!(live(&recording), one(110));
        let curve = recording.stacks[0].curve.as_ref().unwrap().points();
        assert!(curve.iter().all(|live| live.blocks == 1), "{curve:?}");
        let blocks = EventBlocks::open(&file[..]).unwrap().unwrap();
        let in_the_50th = 50 * (between + IN_REALLOC) - IN_REALLOC / 2;
        let moving = replay(blocks, to(Until::Time(in_the_50th))).unwrap();
        assert_eq!(
            moving.stacks[0].live,
            Tally {
                blocks: 1,
                bytes: 59
            }
        );
    }
}

/// One block a second comes, and goes ten seconds later, as time goes and not allocations: a part of these 64 seconds is four
/// times 2^18 microseconds.
#[test]
fn blocks_live_as_long_as_their_time_says() {
    let mut block = EventWriter::default();
    block.node(4, 0x1000);
    for second in 1..=64 {
        block.time(1_000_000);
        if second > 10 {
            block.freed((second - 10) * 0x100);
        }
        block.allocated(second * 0x100, 10, 4);
    }
    let recording = read(&file(&[(block.entries, 4, 0)], false));
    let lives = recording.stacks[0].lives.as_ref().unwrap();
    let ages: Vec<u8> = lives.iter().map(|life| life.died - life.born).collect();
    assert!(ages.iter().all(|age| (9..=10).contains(age)), "{ages:?}");
    assert_eq!(lives.iter().map(|life| life.blocks).sum::<u64>(), 54);
}

/// A block at every 51st allocation, and a pause that is as long as all else.
#[test]
fn a_pause_of_a_short_run_is_half_as_long() {
    let after_a_quarter = |usual: u64| {
        let mut block = EventWriter::default();
        block.node(4, 0x1000);
        block.node(1, 0x20);
        for kept in 1..=640 {
            block.time(if kept == 320 { 640 * usual } else { usual });
            block.allocated(kept * 0x100, 10, 4);
            for _ in 0..50 {
                block.allocated(0x10, 10, 5);
                block.freed(0x10);
            }
        }
        let recording = read(&file(&[(block.entries, 4, 0)], false));
        recording.stacks[0].curve.as_ref().unwrap().points()[crate::trace::STEPS / 4].blocks
    };
    // 17 of 64 steps: by time alone it is the 340th of 1279 parts, within the pause; else (k / 1279 + k / 640) / 2 is as much.
    assert_eq!(after_a_quarter(10_000), 319);
    let short = after_a_quarter(100);
    assert!(short.abs_diff(227) <= 4, "{short}");
}

/// Of a program that was ended, the log tells nothing of its last quiet time.
#[test]
fn a_program_is_quiet_until_it_is_ended() {
    let mut block = EventWriter::default();
    block.node(4, 0x1000);
    for kept in 1..=100 {
        block.time(5_000);
        block.allocated(kept * 0x100, 10, 4);
    }
    let read = |entries: &[u8], ended_at, until| {
        let file = file(&[(entries.to_vec(), 4, 0)], false);
        let blocks = EventBlocks::open(&file[..]).unwrap().unwrap();
        let how = Replaying {
            ended_at,
            ..to(until)
        };
        let recording = replay(blocks, how).unwrap();
        let curve = recording.stacks[0].curve.as_ref().unwrap().points();
        (recording.end_us, curve[crate::trace::STEPS / 2].blocks)
    };
    let entries = block.entries.clone();
    // The log ends after half a second.
    let half = read(&entries, None, Until::End);
    assert_eq!(half.0, 500_000);
    assert!(half.1.abs_diff(51) <= 1, "{half:?}");
    assert_eq!(
        read(&entries, Some(2_000_000), Until::End),
        (2_000_000, 100)
    );
    assert_eq!(
        read(&entries, Some(2_000_000), Until::Time(1_200_000)),
        (1_200_000, 100)
    );
    // One that tells of its exit needs no such word.
    block.entries.extend([4 + 8 * 6, 0]);
    assert_eq!(read(&block.entries, Some(2_000_000), Until::End), half);
}

fn did() -> impl Strategy<Value = Did> {
    prop_oneof![
        (0..40u64, 0..5000u64, 4..8u32).prop_map(|(slot, size, stack)| Did::Allocated {
            slot,
            size,
            stack
        }),
        (0..40u64).prop_map(|slot| Did::Freed { slot }),
        (1..5000u64).prop_map(Did::Later),
    ]
}

proptest! {
    /// The twin: a map from addresses to blocks.
    #[test]
    fn it_does_what_a_map_does(
        steps in prop::collection::vec(prop::collection::vec(did(), 0..60), 1..6),
        in_window: bool,
    ) {
        let mut twin = std::collections::BTreeMap::new();
        let mut allocations = std::collections::BTreeMap::new();
        let mut blocks = Vec::new();
        let mut time = 0;
        for (index, steps) in steps.iter().enumerate() {
            let mut writer = EventWriter::default();
            let begin = time;
            if index == 0 {
                (0..4).for_each(|stack| writer.node(4 + stack, 64));
            }
            writer.time(0);
            for did in steps {
                match *did {
                    Did::Allocated { slot, size, stack } => {
                        writer.allocated(0x7f00_0000_0000 + slot * 48, size, stack);
                        twin.insert(slot, (stack, size));
                        *allocations.entry(stack).or_insert(0) += 1;
                    }
                    Did::Freed { slot } => {
                        writer.freed(0x7f00_0000_0000 + slot * 48);
                        twin.remove(&slot);
                    }
                    Did::Later(us) => {
                        writer.time(us);
                        time += us;
                    }
                }
            }
            let first_node = if index == 0 { 4 } else { 8 };
            blocks.push((writer.entries, first_node, begin));
        }
        let recording = read(&file(&blocks, in_window && blocks[blocks.len() - 1].0.len() < 900));
        let mut expected = std::collections::BTreeMap::new();
        for (stack, count) in allocations {
            expected.insert(stack, (count, Tally::default()));
        }
        for (stack, size) in twin.into_values() {
            let live = &mut expected.get_mut(&stack).unwrap().1;
            live.add(Tally { blocks: 1, bytes: size });
        }
        let expected: Vec<_> = expected.into_iter().map(|(s, (n, live))| (s, n, live)).collect();
        prop_assert_eq!(live(&recording), expected);
        prop_assert_eq!(recording.end_us, time);
        prop_assert_eq!(&recording.damage, &Damage::default());
        for stack in &recording.stacks {
            let last = stack.curve.as_ref().unwrap().points()[crate::trace::STEPS - 1];
            prop_assert_eq!(last, stack.live);
        }
    }

    /// However a summary is cut, what is read of a stack was its count at some time; and if it was not the last one, that
    /// is said. A changed byte of what has a check costs its block, and any other one comes to an end, too.
    #[test]
    fn a_summary_has_counts_that_were_written(
        steps in prop::collection::vec(prop::collection::vec((0..6usize, 1..50u64, 0..60u64), 0..12), 1..5),
        since in prop::collection::vec((0..6usize, 1..50u64, 0..60u64), 0..6),
        (padding, has_places) in (0..4usize, any::<bool>()),
        (at, change, is_cut) in (any::<prop::sample::Index>(), any::<u8>(), any::<bool>()),
    ) {
        let mut counts = vec![(0, Tally::default()); 6];
        let mut written = vec![Vec::new(); 6];
        let mut count = |node: usize, taken: u64, freed: u64| {
            let (allocations, live) = &mut counts[node];
            *allocations += taken;
            live.blocks = (live.blocks + taken).saturating_sub(freed);
            live.bytes = live.blocks * (16 + node as u64);
            written[node].push((*allocations, *live));
            (*allocations, *live)
        };
        let mut blocks = vec![(EventWriter::default(), 4)];
        (0..6).for_each(|stack| blocks[0].0.node(4 + stack, 64));
        for step in &steps {
            let mut writer = EventWriter::default();
            writer.time(100_000);
            for &(node, taken, freed) in step {
                let (allocations, live) = count(node, taken, freed);
                writer.entries.push(4 + 8 * 10);
                for number in [4 + node as u64, live.blocks, live.bytes, allocations] {
                    writer.number(number);
                }
            }
            writer.entries.push(4 + 8 * 11);
            blocks.push((writer, 10));
        }
        // Of what came later, only the places tell.
        for &(node, taken, freed) in since.iter().filter(|_| has_places) {
            count(node, taken, freed);
        }
        let time_of = |index: usize| index.saturating_sub(1) as u64 * 100_000;
        let blocks: Vec<_> = blocks.into_iter().enumerate()
            .map(|(index, (writer, first_node))| (writer.entries, first_node, time_of(index)))
            .collect();
        let mut whole = file(&blocks, false);
        whole[18] = 1;
        let behind_first = 128 + 1024 + 40 + blocks[0].0.len();
        let mut checked = Vec::new();
        checked.push(behind_first - blocks[0].0.len()..behind_first);
        let mut end = behind_first;
        if has_places {
            let mut places = b"CNT1".to_vec();
            places.extend((padding as u32 * 8 + 10 * 24).to_le_bytes());
            places.extend([0; 4]);
            places.extend([0; 24]);
            places.extend((padding as u32 * 8).to_le_bytes());
            // Nodes 0 to 3 are no frames; they have places.
            places.resize(40 + padding * 8 + 4 * 24, 0);
            for (allocations, live) in &counts {
                places.extend(live.bytes.to_le_bytes());
                places.extend(allocations.to_le_bytes());
                places.extend((live.blocks as u32).to_le_bytes());
                places.extend([7; 4]);
            }
            let at = u64::from_le_bytes(whole[40..48].try_into().unwrap()) + places.len() as u64;
            whole[40..48].copy_from_slice(&at.to_le_bytes());
            end += places.len();
            whole.splice(behind_first..behind_first, places);
        }
        for (entries, ..) in &blocks[1..] {
            checked.push(end + 40..end + 40 + entries.len());
            end += 40 + entries.len();
        }
        prop_assert_eq!(end, whole.len());

        let figures = |recording: &Recording| -> Vec<_> {
            live(recording).into_iter().map(|(node, n, live)| ((node as usize).wrapping_sub(4), (n, live))).collect()
        };
        let last: Vec<_> = counts.iter().copied().enumerate().filter(|(_, (n, _))| *n > 0).collect();
        let recording = read(&whole);
        prop_assert_eq!(&recording.damage, &Damage::default());
        prop_assert_eq!(recording.lacks_last_counts, !has_places);
        prop_assert_eq!(&figures(&recording), &last);

        let at = at.index(whole.len());
        match is_cut {
            true => whole.truncate(at),
            false => whole[at] ^= change.max(1),
        }
        let Ok(Ok(damaged)) = EventBlocks::open(&whole[..]) else {
            return Ok(());
        };
        let recording = replay(damaged, to(Until::End)).unwrap();
        if is_cut || checked.iter().any(|range| range.contains(&at)) {
            let figures = figures(&recording);
            for (node, figure) in &figures {
                let is_written = written.get(*node).is_some_and(|written| written.contains(figure));
                prop_assert!(is_written, "{node}: {figure:?} is none of {written:?}");
            }
            let is_said = recording.lacks_last_counts || recording.damage != Damage::default();
            prop_assert!(is_said || figures == last, "{figures:?} for {last:?}");
        }
    }

    /// Whatever a file holds, reading comes to an end.
    #[test]
    fn any_bytes_are_read(mut bytes in prop::collection::vec(any::<u8>(), 0..400), at in 0..200usize) {
        let mut whole = file(&small(), true);
        let at = at.min(whole.len());
        whole.splice(at..at, bytes.drain(..));
        if let Ok(Ok(blocks)) = EventBlocks::open(&whole[..]) {
            let _ = replay(
                blocks,
                Replaying {
                    keep_blocks: true,
                    ..to(Until::End)
                },
            );
        }
    }
}
