//! What a row says beside its figures: how fast it grows, along which curve, and what that means.

use super::Report;
use super::grid::{Heading, Kind};
use super::sentence::signed_with_error;
use crate::diff::{Column, Rate, Site};
use crate::trace::{Curve, STEPS};
use crate::units::bytes;

/// Characters of a curve.
const CURVE: usize = 16;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The bar of a level curve.
const LEVEL: char = '▄';

/// Which extras a table has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extras<'a> {
    columns: &'a [Column],
    /// Of which unit, if of any.
    rates: Option<Unit>,
    /// How well the runs lie on a line, where there are enough of them.
    fit: bool,
    trend: bool,
    verdict: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Minute,
    /// From run to run, where there are more than two: of two, it is the growth itself.
    Run,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Minute => "min",
            Unit::Run => "run",
        }
    }

    fn of(self, site: &Site, columns: &[Column]) -> Option<Rate> {
        let rates = site.rates(columns);
        match self {
            Unit::Minute => rates.per_minute,
            Unit::Run => rates.per_run,
        }
    }
}

impl<'a> Extras<'a> {
    /// Those that the rows of a table have.
    pub(super) fn of<'b>(
        report: &'a Report,
        rows: impl Iterator<Item = &'b Site> + Clone,
        trend: bool,
    ) -> Self {
        let columns = &report.columns;
        let per_minute = |site: &Site| Unit::Minute.of(site, columns).is_some();
        let has_time = columns.iter().all(|column| column.duration_s.is_some())
            && report.sites.iter().any(per_minute);
        let mut with_curve = rows.clone().filter(|site| last_curve(site).is_some());
        let mut with_verdict = rows.filter(|site| site.trend.is_some());
        Extras {
            columns,
            rates: match report.runs.len() {
                _ if has_time => Some(Unit::Minute),
                3.. => Some(Unit::Run),
                _ => None,
            },
            fit: report.runs.len() > 2,
            trend: trend && with_curve.next().is_some(),
            verdict: with_verdict.next().is_some(),
        }
    }

    /// Whether rows have a verdict.
    pub(super) fn has_verdict(self) -> bool {
        self.verdict
    }

    /// Whether curves are drawn.
    pub(super) fn has_trend(self) -> bool {
        self.trend
    }

    /// The columns behind the figures.
    pub(super) fn head(self) -> Vec<Heading> {
        let knows_bytes = self
            .columns
            .iter()
            .all(|column| column.nothing.bytes.is_some());
        // Of the two rates, that of bytes says how long memory lasts.
        let blocks = if knows_bytes {
            Kind::Spare
        } else {
            Kind::Figure
        };
        let rates = self.rates.map(Unit::name).into_iter().flat_map(|unit| {
            let heads = [("blocks", blocks), ("bytes", Kind::Figure)];
            heads.map(|(of, kind)| Heading::new(format!("{of}/{unit}"), kind))
        });
        let fit = self.fit.then(|| Heading::new("fit", Kind::Spare));
        let trend = self.trend.then(|| Heading::new("curve", Kind::Curve));
        rates.chain(fit).chain(trend).collect()
    }

    /// Their texts.
    pub(super) fn cells(self, site: &Site) -> Vec<String> {
        let mut cells = Vec::new();
        if let Some(unit) = self.rates {
            let of = unit.of(site, self.columns);
            cells.push(of.map(signed_with_error).unwrap_or_default());
            cells.push(of.and_then(|of| of.bytes).map(signed).unwrap_or_default());
        }
        if self.fit {
            let fit = self.rates.and_then(|unit| unit.of(site, self.columns)?.fit);
            cells.push(fit.map_or_else(String::new, |fit| format!("{fit:.2}")));
        }
        if self.trend {
            let curve = last_curve(site);
            cells.push(curve.map_or_else(String::new, |curve| sparkline(curve, site.by_bytes)));
        }
        cells
    }
}

/// `+150.0 KiB`, of any fraction of a byte.
fn signed(figure: f64) -> String {
    let sign = match figure {
        f if f >= 0.5 => "+",
        f if f <= -0.5 => "-",
        _ => "",
    };
    format!("{sign}{}", bytes(figure.abs().round() as u64))
}

fn last_curve(site: &Site) -> Option<&Curve> {
    site.at.runs.last()?.as_ref()?.curve.as_ref()
}

/// What is live along the run, each character the most of its part, against the most of all. Where all are the same, the
/// line is in the middle: a row of full bars would look like the most that there is.
fn sparkline(curve: &Curve, by_bytes: bool) -> String {
    let points = curve
        .points()
        .map(|point| if by_bytes { point.bytes } else { point.blocks });
    let most = points.iter().copied().max().unwrap_or(0);
    let bar = |part: &[u64]| {
        let live = u128::from(part.iter().copied().max().unwrap_or(0));
        let height = (live * (BARS.len() as u128 - 1)).div_ceil(u128::from(most.max(1)));
        BARS[height as usize]
    };
    let bars: Vec<char> = points.chunks(STEPS / CURVE).map(bar).collect();
    match bars.iter().all(|bar| *bar == bars[0]) && most > 0 {
        true => LEVEL.to_string().repeat(CURVE),
        false => bars.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Tally;

    #[test]
    fn a_curve_is_drawn_against_its_own_most() {
        let of = |live: fn(u64) -> u64| {
            let point = |step: usize| Tally {
                blocks: live(step as u64),
                bytes: 1 << step.min(40),
            };
            Curve::of(&std::array::from_fn(point))
        };
        assert_eq!(
            sparkline(&of(|step| step / 32 * 100), false),
            "▁▁▁▁▁▁▁▁████████"
        );
        assert_eq!(sparkline(&of(|_| 100), false), "▄".repeat(16));
        assert_eq!(sparkline(&of(|_| 100), true), "▂▂▂▂▂▂▂▂▂▅██████");
        assert_eq!(sparkline(&Curve::default(), false), "▁".repeat(16));
    }

    #[test]
    fn a_rate_keeps_its_sign() {
        assert_eq!(signed(153_600.0), "+150.0 KiB");
        assert_eq!(signed(-12.4), "-12 B");
        assert_eq!(signed(0.2), "0 B");
    }
}
