//! When the blocks were born that are live at the end of a run.
//!
//! The curve of a call site is the same whether it keeps what it allocates or replaces it all the time. Its survivors tell
//! the two apart: those of a leak were born all along, those of a table at the start, and those of what comes and goes
//! just before the end.

use super::block::{Block, CallerId, Tally};
use super::changes::Steps;
use super::curve::{Curve, CurveWriter, STEPS};
use super::key_counts::KeyCounts;
use super::stop::Length;

/// Survivors by caller and by the stretch in which they were born: of each, how many there are, in any number of parts.
#[derive(Debug, Default)]
pub(crate) struct Survivors(Vec<(u64, u32)>);

impl Survivors {
    /// The caller and the stretch in one number.
    pub(super) fn key(block: Block) -> u64 {
        u64::from(block.caller.0) << 8 | u64::from(block.born)
    }

    /// Of blocks that were counted by their [`key`](Self::key).
    pub(super) fn of(counts: KeyCounts<u64>) -> Survivors {
        Survivors(counts.finish())
    }

    pub(crate) fn absorb(&mut self, other: Survivors) {
        match self.0.is_empty() {
            true => *self = other,
            false => self.0.extend(other.0),
        }
    }

    /// For each of so many callers, by [`CallerId`]: how many of those that live at the end were there at each step of a
    /// run of this length. Their bytes are not kept.
    pub(crate) fn curves(mut self, callers: usize, length: Length) -> Vec<Curve> {
        let steps = Steps::new(length);
        self.0.sort_unstable();
        let mut births = self.0.into_iter().peekable();
        let mut writer = CurveWriter::default();
        let callers = (0..callers as u32).map(CallerId);
        let curve = |caller: CallerId| {
            let mut born = [0_u64; STEPS];
            while let Some((key, count)) =
                births.next_if(|(key, _)| key >> 8 == u64::from(caller.0))
            {
                born[steps.of(key as u32 & 0xff)] += u64::from(count);
            }
            let mut alive = Tally::default();
            for (step, born) in born.into_iter().enumerate() {
                alive.blocks += born;
                writer.push(step as u8, alive);
            }
            writer.finish()
        };
        callers.map(curve).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ReplayOptions, Reuse, replay};
    use super::*;

    fn survivors(log: &str) -> Vec<Curve> {
        let trace = replay(log.as_bytes(), ReplayOptions::default()).unwrap();
        let outcome = trace.under(Reuse::FreeLoggedLate);
        let survivors = outcome.survivors();
        // The end of both is what is live.
        for (survivors, curve) in survivors.iter().zip(outcome.curves()) {
            let end = |curve: &Curve| curve.points()[STEPS - 1].blocks;
            assert_eq!(end(survivors), end(&curve));
        }
        survivors
    }

    /// One caller fills a table at the start, one keeps a block in every round, and one has a hundred blocks and allocates
    /// and frees all the time.
    #[test]
    fn they_tell_a_leak_from_what_comes_and_goes() {
        let mut log = String::new();
        for place in 0..640 {
            log.push_str(&format!(
                "@ a:[0x3] + {:#x} 0x10\n",
                0x30_0000 + place * 0x20
            ));
        }
        for place in 0..100 {
            log.push_str(&format!(
                "@ a:[0x2] + {:#x} 0x18\n",
                0x20_0000 + place * 0x20
            ));
        }
        let kept = 6_000;
        for round in 0..kept {
            log.push_str(&format!(
                "@ a:[0x1] + {:#x} 0x8\n",
                0x1000_0000 + round * 0x20
            ));
            for _ in 0..5 {
                log.push_str("@ a:[0x2] + 0x9000 0x18\n@ a:[0x2] - 0x9000\n");
            }
        }
        // In the order in which they first allocate.
        let of = survivors(&log);
        let blocks = |index: usize| of[index].points().map(|point| point.blocks);
        let leak = blocks(2);
        assert_eq!(leak[STEPS - 1], kept);
        for (step, alive) in leak.into_iter().enumerate() {
            let even = kept as f64 * (step + 1) as f64 / STEPS as f64;
            assert!(
                (alive as f64 - even).abs() <= kept as f64 / 40.0,
                "{step} {alive}"
            );
        }
        assert_eq!(blocks(0)[0], 640);
        assert_eq!(blocks(1)[0], 100);
    }

    /// What is replaced was born when its place was filled last.
    #[test]
    fn what_is_replaced_is_as_young_as_the_last_round() {
        let mut log = String::new();
        for round in 0..100 {
            for place in 0..100 {
                let address = 0x1_0000 + place * 0x20;
                if round > 0 {
                    log.push_str(&format!("@ a:[0x2] - {address:#x}\n"));
                }
                log.push_str(&format!("@ a:[0x1] + {address:#x} 0x8\n"));
            }
        }
        let replaced = &survivors(&log)[0].points();
        assert_eq!(replaced[STEPS - 1].blocks, 100);
        assert_eq!(replaced[STEPS - 3].blocks, 0);
    }
}
