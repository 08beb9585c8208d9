//! What a site asked for, as evidence of which site it is.

use crate::diff::few::Few;
use crate::trace::Sizes;

/// The sizes that a site of one run asked for, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum AskedFor {
    /// Nothing lives, and no log says what did.
    #[default]
    Unknown,
    /// What each of its callers asked for, each once; ascending.
    Each(Few<Sizes>),
    /// One block, once: a size that varies may have been any.
    Once(u64),
    /// Of live blocks, on average.
    Mean(f64),
}

/// What the sizes of two sites say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SizesAlike {
    Same,
    Other,
    /// Neither for their being one nor against it.
    Nothing,
}

impl AskedFor {
    /// Sizes go before the mean of live blocks, which are a part of them.
    pub(crate) fn new(sizes: Few<Sizes>, allocations: Option<u64>, mean: Option<f64>) -> Self {
        match (&*sizes, mean) {
            ([one], _) if allocations == Some(1) => AskedFor::Once(one.least()),
            ([_, ..], _) => AskedFor::Each(sizes),
            ([], Some(mean)) => AskedFor::Mean(mean),
            ([], None) => AskedFor::Unknown,
        }
    }

    /// Both are known, and the same.
    pub(crate) fn is_same(&self, other: &AskedFor) -> bool {
        self.compared(other) == SizesAlike::Same
    }

    /// Both are known, and no call can have made both.
    pub(crate) fn is_other(&self, other: &AskedFor) -> bool {
        self.compared(other) == SizesAlike::Other
    }

    /// Whether one of several copies of a call can have asked for this, if all together asked for `whole`.
    pub(crate) fn can_be_part_of(&self, whole: &AskedFor) -> bool {
        match (self.bounds(), whole.bounds()) {
            (Some(part), Some(whole)) => {
                (whole.least()..=whole.most()).contains(&part.least())
                    && part.most() <= whole.most()
            }
            _ => true,
        }
    }

    /// Between which all lie, where that is known.
    fn bounds(&self) -> Option<Sizes> {
        match self {
            AskedFor::Each(sizes) => sizes.iter().copied().reduce(Sizes::and),
            AskedFor::Once(size) => Some(Sizes::one(*size)),
            AskedFor::Mean(_) | AskedFor::Unknown => None,
        }
    }

    pub(crate) fn is_known(&self) -> bool {
        *self != AskedFor::Unknown
    }

    fn compared(&self, other: &AskedFor) -> SizesAlike {
        use AskedFor::*;
        match (self, other) {
            (Unknown, _) | (_, Unknown) => SizesAlike::Nothing,
            (Mean(a), Mean(b)) if a == b => SizesAlike::Same,
            (Mean(_), Mean(_)) => SizesAlike::Other,
            (Once(a), Once(b)) if a == b => SizesAlike::Same,
            (Once(_), Once(_)) => SizesAlike::Other,
            (Each(a), Each(b)) => of_callers(a, b),
            (Each(sizes), Once(size)) | (Once(size), Each(sizes)) => once(sizes, *size),
            (Each(sizes), Mean(mean)) | (Mean(mean), Each(sizes)) => of_mean(sizes, *mean),
            (Once(size), Mean(mean)) | (Mean(mean), Once(size)) => {
                of_mean(&[Sizes::one(*size)], *mean)
            }
        }
    }
}

/// A line that was split or joined has a part of the callers that it had.
fn of_callers(a: &[Sizes], b: &[Sizes]) -> SizesAlike {
    let can_be = |a: &Sizes| b.iter().any(|b| can_be_one_call(*a, *b));
    if a == b || (a.len() == b.len() && a.len() == 1 && can_be(&a[0])) {
        SizesAlike::Same
    } else if a.iter().any(can_be) {
        SizesAlike::Nothing
    } else {
        SizesAlike::Other
    }
}

/// One size is the same one in each run; bounds of one that varies are chance.
fn can_be_one_call(a: Sizes, b: Sizes) -> bool {
    a == b || (!a.is_one() && !b.is_one())
}

fn once(sizes: &[Sizes], size: u64) -> SizesAlike {
    let is_between = |sizes: &Sizes| (sizes.least()..=sizes.most()).contains(&size);
    match sizes {
        [one] if *one == Sizes::one(size) => SizesAlike::Same,
        sizes if sizes.iter().any(is_between) => SizesAlike::Nothing,
        _ => SizesAlike::Other,
    }
}

fn of_mean(sizes: &[Sizes], mean: f64) -> SizesAlike {
    let least = sizes.iter().map(|sizes| sizes.least()).min();
    let most = sizes.iter().map(|sizes| sizes.most()).max();
    match (least, most) {
        (Some(least), Some(most)) if least == most && least as f64 == mean => SizesAlike::Same,
        (Some(least), Some(most)) if (least as f64..=most as f64).contains(&mean) => {
            SizesAlike::Nothing
        }
        _ => SizesAlike::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(bounds: &[(u64, u64)]) -> AskedFor {
        let sizes = bounds.iter().map(|&(least, most)| Sizes::new(least, most));
        AskedFor::Each(sizes.collect::<Option<_>>().unwrap())
    }

    #[test]
    fn sizes_speak_where_they_are_known() {
        let fixed = each(&[(24, 24)]);
        assert!(fixed.is_same(&each(&[(24, 24)])));
        assert!(fixed.is_other(&each(&[(32, 32)])));
        // One that varies is none that does not; two that vary may be one.
        assert!(fixed.is_other(&each(&[(8, 90)])));
        assert!(each(&[(8, 90)]).is_same(&each(&[(20, 99)])));
        for unknown in [AskedFor::Unknown, each(&[(24, 24), (40, 40)])] {
            assert!(!fixed.is_same(&unknown) && !fixed.is_other(&unknown));
        }
        assert!(fixed.is_other(&each(&[(32, 32), (40, 40)])));
    }

    #[test]
    fn what_was_asked_for_once_may_vary() {
        let once = AskedFor::new(Few::One(Sizes::one(24)), Some(1), Some(24.0));
        assert!(once.is_same(&each(&[(24, 24)])) && once.is_other(&each(&[(32, 32)])));
        let varies = each(&[(8, 90)]);
        assert!(!once.is_same(&varies) && !once.is_other(&varies));
        assert!(once.is_other(&each(&[(30, 90)])));
        // Not a size between those of two calls.
        assert!(once.is_other(&each(&[(16, 16), (40, 40)])));
    }

    #[test]
    fn a_mean_lies_between_the_sizes() {
        let mean = AskedFor::new(Few::default(), None, Some(24.0));
        assert!(mean.is_same(&each(&[(24, 24)])) && mean.is_other(&each(&[(32, 90)])));
        let varies = each(&[(8, 90)]);
        assert!(!mean.is_same(&varies) && !mean.is_other(&varies));
        assert!(mean.is_other(&AskedFor::Mean(25.0)));
        assert!(!AskedFor::new(Few::default(), None, None).is_known());
    }
}
