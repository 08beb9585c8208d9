//! How much of a call site was live at each of 64 equal steps of a run.

use std::sync::Arc;

use super::block::Tally;
use super::varint::{self, unzigzag, zigzag};

/// Steps of a curve.
pub const STEPS: usize = 64;

/// What was live at each step: kept where it changes, as most sites of a big program do little, and as small
/// figures, as most changes are. A big log has a curve for each of a million callers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Curve(Encoded);

/// Bytes of the changes. Those of a caller that did little need no memory of their own, and all others are
/// shared by whoever has a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Encoded {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Arc<[u8]>),
}

const SHORT: usize = 22;

impl Default for Encoded {
    fn default() -> Self {
        Encoded::Short {
            length: 0,
            bytes: [0; SHORT],
        }
    }
}

impl Encoded {
    fn bytes(&self) -> &[u8] {
        match self {
            Encoded::Short { length, bytes } => &bytes[..usize::from(*length)],
            Encoded::Long(bytes) => bytes,
        }
    }

    fn of(text: &[u8]) -> Self {
        match u8::try_from(text.len()) {
            Ok(length) if text.len() <= SHORT => {
                let mut bytes = [0; SHORT];
                bytes[..text.len()].copy_from_slice(text);
                Encoded::Short { length, bytes }
            }
            _ => Encoded::Long(text.into()),
        }
    }
}

/// Writes one curve after the other.
#[derive(Debug, Default)]
pub(crate) struct CurveWriter {
    bytes: Vec<u8>,
    last: Tally,
}

impl CurveWriter {
    /// Goes on with what is live from a step on; steps come in order, each once.
    pub(crate) fn push(&mut self, step: u8, live: Tally) {
        if live == self.last {
            return;
        }
        self.bytes.push(step);
        let rise = |from: u64, to: u64| zigzag(to.wrapping_sub(from));
        varint::write(&mut self.bytes, rise(self.last.blocks, live.blocks));
        varint::write(&mut self.bytes, rise(self.last.bytes, live.bytes));
        self.last = live;
    }

    /// The curve; the next one begins.
    pub(crate) fn finish(&mut self) -> Curve {
        let curve = Curve(Encoded::of(&self.bytes));
        self.bytes.clear();
        self.last = Tally::default();
        curve
    }
}

/// The steps at which what is live changes, each with what is live from there on.
#[derive(Debug, Clone)]
pub struct Changes<'a> {
    bytes: &'a [u8],
    live: Tally,
}

impl Iterator for Changes<'_> {
    type Item = (u8, Tally);

    fn next(&mut self) -> Option<(u8, Tally)> {
        let (step, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        let live = &mut self.live;
        for figure in [&mut live.blocks, &mut live.bytes] {
            let rise = unzigzag(varint::read(&mut self.bytes));
            *figure = figure.wrapping_add(rise);
        }
        Some((*step, *live))
    }
}

impl Curve {
    /// The curve with these values.
    pub fn of(points: &[Tally; STEPS]) -> Self {
        let mut writer = CurveWriter::default();
        for (step, live) in points.iter().enumerate() {
            writer.push(step as u8, *live);
        }
        writer.finish()
    }

    /// The steps at which what is live changes, each with what is live from there on.
    pub fn changes(&self) -> Changes<'_> {
        Changes {
            bytes: self.0.bytes(),
            live: Tally::default(),
        }
    }

    /// The curve with these changes; `None` if they are none of a curve.
    pub fn from_changes(changes: &[(u8, Tally)]) -> Option<Self> {
        let in_order = changes.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let in_range = changes.iter().all(|(step, _)| usize::from(*step) < STEPS);
        let mut writer = CurveWriter::default();
        (in_order && in_range).then(|| {
            let changes = changes.iter();
            changes.for_each(|(step, live)| writer.push(*step, *live));
            writer.finish()
        })
    }

    /// What was live at the end of each step.
    pub fn points(&self) -> [Tally; STEPS] {
        let mut points = [Tally::default(); STEPS];
        let (mut at, mut live) = (0, Tally::default());
        for (step, next) in self.changes() {
            points[at..usize::from(step)].fill(live);
            (at, live) = (step.into(), next);
        }
        points[at..].fill(live);
        points
    }

    /// Adds to what is known of a sum: a part of it would be a wrong curve.
    pub(crate) fn add_known(sum: &mut Option<Curve>, other: Option<&Curve>) {
        *sum = match (sum.take(), other) {
            (Some(mut sum), Some(other)) => {
                sum.add(other);
                Some(sum)
            }
            _ => None,
        };
    }

    /// The sum of both at each step.
    pub fn add(&mut self, other: &Curve) {
        if self.0.bytes().is_empty() {
            *self = other.clone();
        } else if !other.0.bytes().is_empty() {
            let mut points = self.points();
            for (point, other) in points.iter_mut().zip(other.points()) {
                point.add(other);
            }
            *self = Curve::of(&points);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(blocks: u64, bytes: u64) -> Tally {
        Tally { blocks, bytes }
    }

    #[test]
    fn a_curve_gives_back_what_it_was_made_of() {
        let curves: [Vec<(u8, Tally)>; 4] = [
            Vec::new(),
            vec![(63, tally(1, 0))],
            vec![(0, tally(3, 96)), (7, tally(0, 0)), (8, tally(1, u64::MAX))],
            (0..64).map(|n| (n, tally(u64::MAX >> n, 1 << n))).collect(),
        ];
        for changes in curves {
            let curve = Curve::from_changes(&changes).unwrap();
            assert_eq!(curve.changes().collect::<Vec<_>>(), changes);
            let mut points = [Tally::default(); STEPS];
            for (step, live) in &changes {
                points[usize::from(*step)..].fill(*live);
            }
            assert_eq!(curve.points(), points);
            assert_eq!(Curve::of(&points), curve);
        }
    }

    #[test]
    fn steps_out_of_order_or_range_are_no_curve() {
        let live = tally(1, 8);
        for steps in [[5, 5], [5, 4], [5, 64]] {
            assert_eq!(
                Curve::from_changes(&steps.map(|step| (step, live))).map(|_| steps),
                None
            );
        }
    }

    #[test]
    fn a_curve_of_few_changes_takes_no_more_than_a_vec() {
        assert!(size_of::<Option<Curve>>() <= size_of::<Vec<u8>>());
    }
}
