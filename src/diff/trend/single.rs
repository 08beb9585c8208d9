//! What one run tells by itself.

use super::doubt::Grade;
use super::evidence::Evidence;
use super::longer::has_no_more_in_other_work;
use super::observed::{Observed, both};
use super::shape;
use super::work::{self, GrowsByBytes, grows_by_bytes};
use crate::diff::finding::Trend;
use crate::trace::Curve;

/// The verdict on one run.
pub fn trend_of(run: &Observed<'_>) -> Trend {
    by_bytes(run).unwrap_or_else(|| of_blocks(run))
}

/// The verdict on its bytes, if its blocks are as many as they were, and grow.
pub(super) fn by_bytes(run: &Observed<'_>) -> Option<Trend> {
    let [blocks, bytes] = both(run.curve);
    let grows = grows_by_bytes(&blocks, &bytes)?;
    (!of_blocks(run).is_growth()).then_some(match grows {
        GrowsByBytes::ToTheEnd => Trend::Leak,
        GrowsByBytes::UntilTheExit => Trend::Grows,
    })
}

/// The verdict on its blocks: by what survived, or by the shape of its curve where that is not known.
pub(super) fn of_blocks(run: &Observed<'_>) -> Trend {
    of_blocks_beside(None, run)
}

/// The same, where another run tells more of the pace at which it keeps them.
pub(super) fn of_blocks_beside(first: Option<&Observed<'_>>, last: &Observed<'_>) -> Trend {
    match evidence_beside(first, last) {
        Some(evidence) => match evidence.trend() {
            Trend::Shutdown if kept_until_the_exit(first, last) => Trend::Grows,
            trend => trend,
        },
        None => of_shape(last.curve),
    }
}

/// Whether a site that freed nothing before the exit kept blocks as a leak does until then: what was live when the work ended
/// are its survivors.
fn kept_until_the_exit(first: Option<&Observed<'_>>, last: &Observed<'_>) -> bool {
    let Some(evidence) = Evidence::before_the_exit(last) else {
        return false;
    };
    let evidence = match first {
        Some(first) => evidence.beside(Evidence::before_the_exit(first), first, last),
        None => evidence,
    };
    let is_a_table = first.is_some_and(|first| has_no_more_in_other_work(first, last));
    !is_a_table && evidence.grade() == Grade::Leak
}

fn of_shape(curve: &Curve) -> Trend {
    match shape::trend_of(curve) {
        Trend::Shutdown if work::grew_until_the_exit(&shape::blocks(curve)) => Trend::Grows,
        trend => trend,
    }
}

pub(super) fn evidence_beside(
    first: Option<&Observed<'_>>,
    last: &Observed<'_>,
) -> Option<Evidence> {
    let evidence = Evidence::of(last)?;
    Some(match first {
        Some(first) => evidence.beside(Evidence::of(first), first, last),
        None => evidence,
    })
}

/// Whether a run has come to its level before its end: what grows to the end of a longer run has no such level.
pub(crate) fn became_level(run: &Observed<'_>) -> bool {
    matches!(trend_of(run), Trend::Startup | Trend::Plateau)
}

#[cfg(test)]
mod tests {
    use super::{Observed, Trend, trend_of};
    use crate::trace::{Curve, STEPS, Tally};

    fn trend(level: impl Fn(usize) -> u64) -> Trend {
        let points: [Tally; STEPS] = std::array::from_fn(|step| Tally {
            blocks: level(step),
            bytes: 48 * level(step),
        });
        trend_of(&Observed::bare(&Curve::of(&points)))
    }

    /// As a summary has it that is counted ten times, and no survivors: the exit frees all at the last step.
    #[test]
    fn stairs_that_the_exit_ends_grow() {
        let stairs = |step: usize| match step {
            ..=5 | 63 => 0,
            _ => 236 * (step as u64 / 6),
        };
        assert_eq!(trend(stairs), Trend::Grows);
        let table = |step: usize| if step < 63 { 3000 } else { 0 };
        assert_eq!(trend(table), Trend::Shutdown);
        let bound = |step: usize| stairs(step.min(36)).min(stairs(step));
        assert_eq!(trend(bound), Trend::Shutdown);
    }

    /// Too few for the floor of a curve to tell.
    #[test]
    fn what_the_exit_frees_is_judged_as_if_it_had_lived() {
        let curve = |until: usize, each: usize| {
            Curve::of(&std::array::from_fn(|step| Tally {
                blocks: if step <= until { (step + 4) / each } else { 0 } as u64,
                bytes: 0,
            }))
        };
        let nothing = Curve::default();
        let run = |curve, allocations, records| Observed {
            survivors: Some(&nothing),
            allocations: Some(allocations),
            records: Some(records),
            ..Observed::bare(curve)
        };
        let nine = curve(59, 7);
        assert_eq!(trend_of(&run(&nine, 9, 10_000)), Trend::Grows);
        let others = trend_of(&run(&nine, 30, 10_000));
        assert_eq!(others, Trend::Shutdown, "some were freed before");
        let both = |records| {
            let runs = [run(&nine, 9, 10_000), run(&nine, 9, records)];
            crate::diff::trend::judge_runs(&runs).unwrap().trend
        };
        assert_eq!(both(10_000), Trend::Grows);
        assert_eq!(both(12_000), Trend::Shutdown, "as many in a longer run");
    }
}
