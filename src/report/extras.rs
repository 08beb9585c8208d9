//! What a row says beside its figures: how fast it grows, along which curve, and what that means.

use super::Report;
use super::grid::Extra;
use super::verdict::words;
use crate::diff::{Column, Rate, Site};
use crate::trace::{Curve, STEPS};
use crate::units::{bytes, rate};

/// Characters of a curve.
const CURVE: usize = 16;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Which extras a table has.
#[derive(Debug, Clone, Copy)]
pub struct Extras<'a> {
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
    pub fn of(report: &'a Report, trend: bool) -> Self {
        let columns = &report.columns;
        let per_minute = |site: &Site| Unit::Minute.of(site, columns);
        let has_time = columns.iter().all(|column| column.duration_s.is_some())
            && report.sites.iter().any(|site| per_minute(site).is_some());
        let curve = |site: &Site| last_curve(site).is_some();
        Extras {
            columns,
            rates: match report.runs.len() {
                _ if has_time => Some(Unit::Minute),
                3.. => Some(Unit::Run),
                _ => None,
            },
            fit: report.runs.len() > 2,
            trend: trend && report.sites.iter().any(curve),
            verdict: report.sites.iter().any(|site| site.trend.is_some()),
        }
    }

    pub fn head(self) -> Vec<&'static str> {
        let rates = match self.rates {
            Some(Unit::Minute) => &["blocks/min", "bytes/min"][..],
            Some(Unit::Run) => &["blocks/run", "bytes/run"],
            None => &[],
        };
        let trend = self.trend.then_some("curve");
        let verdict = self.verdict.then_some("verdict");
        let heads = verdict.into_iter().chain(trend);
        let fit = self.fit.then_some("fit");
        heads.chain(rates.iter().copied()).chain(fit).collect()
    }

    pub fn cells(self, site: &Site) -> Vec<Extra> {
        let mut cells = Vec::new();
        if self.verdict {
            let column = words(site);
            let phrase = column.clone();
            cells.push(Extra { column, phrase });
        }
        if self.trend {
            let column = last_curve(site).map_or_else(String::new, sparkline);
            let phrase = column.clone();
            cells.push(Extra { column, phrase });
        }
        if let Some(unit) = self.rates {
            let of = unit.of(site, self.columns);
            for text in [
                of.map(|of| rate(of.blocks)),
                of.and_then(|of| of.bytes).map(signed),
            ] {
                let column = text.unwrap_or_default();
                cells.push(Extra {
                    phrase: match column.is_empty() {
                        true => String::new(),
                        false => format!("{column}/{}", unit.name()),
                    },
                    column,
                });
            }
        }
        if self.fit {
            let fit = self.rates.and_then(|unit| unit.of(site, self.columns)?.fit);
            let column = fit.map_or_else(String::new, |fit| format!("{fit:.2}"));
            cells.push(Extra {
                phrase: match column.is_empty() {
                    true => String::new(),
                    false => format!("fit {column}"),
                },
                column,
            });
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

/// Live blocks along the run, each character the most of its part, against the most of all.
fn sparkline(curve: &Curve) -> String {
    let points = curve.points().map(|point| point.blocks);
    let most = points.iter().copied().max().unwrap_or(0).max(1);
    let bar = |part: &[u64]| {
        let live = u128::from(part.iter().copied().max().unwrap_or(0));
        let height = (live * (BARS.len() as u128 - 1)).div_ceil(u128::from(most));
        BARS[height as usize]
    };
    points.chunks(STEPS / CURVE).map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Tally;

    #[test]
    fn a_curve_is_drawn_against_its_own_most() {
        let points = std::array::from_fn(|step| Tally {
            blocks: if step < 32 { 0 } else { 100 },
            bytes: 0,
        });
        assert_eq!(sparkline(&Curve::of(&points)), "▁▁▁▁▁▁▁▁████████");
        assert_eq!(sparkline(&Curve::default()), "▁".repeat(16));
    }

    #[test]
    fn a_rate_keeps_its_sign() {
        assert_eq!(signed(153_600.0), "+150.0 KiB");
        assert_eq!(signed(-12.4), "-12 B");
        assert_eq!(signed(0.2), "0 B");
    }
}
