//! The order of sites: total, so that the same input always prints the same table.

use std::cmp::{Ordering, Reverse};

use super::growth::Growth;
use super::judged::Site;

/// What sites are ranked by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SortBy {
    /// Growth in live blocks, the largest first.
    #[default]
    Blocks,
    /// Growth in live bytes, the largest first.
    Bytes,
    /// Of the first run's blocks; new sites come first.
    Percent,
    /// The name that the row has, from A to Z.
    Name,
}

/// Hidden sites come last, so that showing them moves no rank.
pub(super) fn by_rank(a: &Site, b: &Site, by: SortBy) -> Ordering {
    let hidden = a.hidden.is_some().cmp(&b.hidden.is_some());
    hidden
        .then_with(|| compare(a, b, by))
        .then_with(|| by_name(a, b))
}

fn compare(a: &Site, b: &Site, by: SortBy) -> Ordering {
    let key = |site: &Site| {
        let Growth { blocks, bytes } = site.growth;
        (Reverse(blocks), Reverse(bytes))
    };
    match by {
        SortBy::Blocks => key(a).cmp(&key(b)),
        SortBy::Bytes => {
            let by_bytes = b.growth.bytes.cmp(&a.growth.bytes);
            by_bytes.then_with(|| key(a).cmp(&key(b)))
        }
        SortBy::Percent => {
            let percent = |site: &Site| match site.growth.shown_percent(site.first()) {
                Some(percent) => percent,
                None if site.growth.blocks > 0 => f64::INFINITY,
                None => 0.0,
            };
            let by_percent = percent(b).total_cmp(&percent(a));
            by_percent.then_with(|| key(a).cmp(&key(b)))
        }
        SortBy::Name => Ordering::Equal,
    }
}

/// By function, then by place; the key itself settles what is left.
fn by_name(a: &Site, b: &Site) -> Ordering {
    // Sites without a name come after all that have one.
    fn name(site: &Site) -> (bool, Option<&str>) {
        (site.at.function().is_none(), site.at.function())
    }
    let by_key = name(a).cmp(&name(b)).then_with(|| a.at.key.cmp(&b.at.key));
    by_key.then_with(|| a.part().cmp(&b.part()))
}
