//! When the blocks were born that are live at the end of a run.
//!
//! The curve of a call site is the same whether it keeps what it allocates or replaces it all the time. Its survivors tell
//! the two apart: those of a leak were born all along, those of a table at the start, and those of what comes and goes
//! just before the end.

use hashbrown::HashMap;

use super::block::{Block, CallerId, Stretch, Tally};
use super::changes::Steps;
use super::curve::{Curve, CurveWriter, STEPS};

/// Counts survivors by caller and by the stretch in which they were born.
#[derive(Debug, Default)]
pub struct Survivors(HashMap<(CallerId, Stretch), Tally>);

impl Survivors {
    #[inline]
    pub fn note(&mut self, block: Block) {
        let born = self.0.entry((block.caller, block.born)).or_default();
        born.add(Tally {
            blocks: 1,
            bytes: block.size,
        });
    }

    pub fn absorb(&mut self, other: Survivors) {
        for (key, born) in other.0 {
            self.0.entry(key).or_default().add(born);
        }
    }

    /// For each of so many callers, by [`CallerId`]: how many of those that live at the end were there at each step of a
    /// run of so many lines.
    pub fn curves(self, callers: usize, lines: u64) -> Vec<Curve> {
        let steps = Steps::new(lines);
        let mut births: Vec<((CallerId, Stretch), Tally)> = self.0.into_iter().collect();
        births.sort_unstable_by_key(|(key, _)| *key);
        let mut births = births.into_iter().peekable();
        let mut writer = CurveWriter::default();
        let callers = (0..callers as u32).map(CallerId);
        let curve = |caller| {
            let mut born = [Tally::default(); STEPS];
            while let Some(((_, stretch), tally)) = births.next_if(|((of, _), _)| *of == caller) {
                born[steps.of(u32::from(stretch))].add(tally);
            }
            let mut alive = Tally::default();
            for (step, born) in born.into_iter().enumerate() {
                alive.add(born);
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
        let outcome = trace.settle(Reuse::FreeLoggedLate);
        let survivors = outcome.survivors();
        // The end of both is what is live.
        for (survivors, curve) in survivors.iter().zip(outcome.curves()) {
            assert_eq!(survivors.points()[STEPS - 1], curve.points()[STEPS - 1]);
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
        let of = survivors(&log);
        let blocks = |curve: &Curve| curve.points().map(|point| point.blocks);
        let by_size = |size: u64| {
            let has = |curve: &&Curve| {
                let end = curve.points()[STEPS - 1];
                end.blocks > 0 && end.bytes == end.blocks * size
            };
            blocks(of.iter().find(has).unwrap())
        };
        let leak = by_size(8);
        assert_eq!(leak[STEPS - 1], kept);
        for (step, alive) in leak.into_iter().enumerate() {
            let even = kept as f64 * (step + 1) as f64 / STEPS as f64;
            assert!(
                (alive as f64 - even).abs() <= kept as f64 / 40.0,
                "{step} {alive}"
            );
        }
        assert_eq!(by_size(16)[0], 640);
        assert_eq!(by_size(24)[0], 100);
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
