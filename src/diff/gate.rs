//! Limits on growth, and whether they hold.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use bytesize::ByteSize;

use super::column::Column;
use super::judged::{Reading, Site};
use super::rate::Rate;
use super::together::{Likeness, Together};
use crate::units;

/// The most that a single site may grow, and how the user wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    kind: LimitKind,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum LimitKind {
    Blocks(u64),
    Bytes(u64),
    /// Of the first run, in blocks or in bytes, whichever grew more.
    Percent(f64),
    Rate {
        blocks: f64,
        per: Per,
    },
    RateOfBytes {
        bytes: f64,
        per: Per,
    },
}

/// What growth is measured over.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Per {
    Minute,
    /// From a run to the next.
    Run,
}

/// Two limits that look like one number with its thousands apart: nobody gives two limits of blocks together.
pub fn grouped_number(limits: &[Limit]) -> Option<String> {
    let digits = |limit: &Limit| match limit.kind {
        LimitKind::Blocks(_) => limit.text.len(),
        _ => 0,
    };
    let is_one = |pair: &&[Limit]| matches!(digits(&pair[0]), 1..=3) && digits(&pair[1]) == 3;
    let pair = limits.windows(2).find(is_one)?;
    Some(format!("{},{}", pair[0].text, pair[1].text))
}

/// All limits of a comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gate {
    pub limits: Vec<Limit>,
    /// Fail if the last run freed any block twice.
    pub fail_on_double_free: bool,
    /// Refuse to judge figures that are known to be partial.
    pub strict: bool,
    /// Judge rates by time as they are, not by what they come to at least.
    pub strict_rates: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Fail,
}

/// A site that grew above limits: an index into the ranked sites, and which limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Breach {
    pub site: usize,
    /// It is above them only if the site was another one before, which is as likely.
    pub unsure: bool,
    /// It is above them by what it held until the end of its program freed it.
    pub until_exit: bool,
    pub limits: Vec<Limit>,
    /// Where only this site and others like it are above them together: all of these.
    pub together: Option<Together>,
}

/// What a gate finds.
#[derive(Debug, Default)]
pub struct Judgement {
    /// In the order of the sites.
    pub breaches: Vec<Breach>,
    /// Sites that are above a limit together, but for what a few of them lost.
    pub offset: Vec<Likeness>,
}

impl Limit {
    /// Whether it takes the bytes of every run, and not of the first and the last alone.
    pub fn is_rate_of_bytes(&self) -> bool {
        matches!(self.kind, LimitKind::RateOfBytes { .. })
    }

    /// Whether it can only be judged by bytes.
    pub fn is_of_bytes(&self) -> bool {
        matches!(self.kind, LimitKind::Bytes(_))
    }

    /// Whether a site's growth is above this limit. A new site counts with its full size, and is
    /// above every percentage.
    fn is_exceeded_by(&self, site: &Reading, strict_rates: bool) -> bool {
        let growth = site.growth;
        let above =
            |growth: i64, limit: u64| u64::try_from(growth).is_ok_and(|growth| growth > limit);
        match self.kind {
            LimitKind::Blocks(limit) => above(growth.blocks, limit),
            LimitKind::Bytes(limit) => growth.bytes.is_some_and(|bytes| above(bytes, limit)),
            LimitKind::Percent(limit) => {
                let percent_exceeded = |percent: Option<f64>, growth: i64| match percent {
                    Some(percent) => percent > limit,
                    None => growth > 0,
                };
                percent_exceeded(growth.percent(site.first), growth.blocks)
                    || growth.bytes.is_some_and(|bytes| {
                        percent_exceeded(growth.percent_of_bytes(site.first), bytes)
                    })
            }
            LimitKind::Rate { blocks, per } => per
                .of(site, strict_rates)
                .is_some_and(|rate| rate.blocks > blocks),
            LimitKind::RateOfBytes { bytes, per } => {
                let rate = per.of(site, strict_rates).and_then(|rate| rate.bytes);
                rate.is_some_and(|rate| rate > bytes)
            }
        }
    }

    /// Whether it is a rate by time.
    pub fn is_by_time(&self) -> bool {
        let by_time = |per| per == Per::Minute;
        match self.kind {
            LimitKind::Rate { per, .. } | LimitKind::RateOfBytes { per, .. } => by_time(per),
            LimitKind::Blocks(_) | LimitKind::Bytes(_) | LimitKind::Percent(_) => false,
        }
    }
}

impl Per {
    fn of(self, site: &Reading, strict_rates: bool) -> Option<Rate> {
        match self {
            Per::Minute if strict_rates => site.rates.steepest_per_minute,
            Per::Minute => site.rates.surely_per_minute,
            Per::Run => site.rates.steepest_per_run,
        }
    }
}

impl Gate {
    /// What ranked sites breach. What is hidden did not grow. Of sites that are alike none need be above a limit for all
    /// of them to be.
    pub fn judge(
        &self,
        sites: &[Site],
        columns: &[Column],
        alike: impl FnOnce() -> Vec<Together>,
    ) -> Judgement {
        if self.limits.is_empty() {
            return Judgement::default();
        }
        let mut breaches = self.breaches_of_each(sites, columns);
        let mut offset = Vec::new();
        let mut told: BTreeSet<usize> = breaches.iter().map(|breach| breach.site).collect();
        for mut together in alike() {
            let Some(&site) = together.sites.first() else {
                continue;
            };
            if together.sites.iter().any(|site| told.contains(site)) {
                continue;
            }
            let mut limits = self.exceeded(&together.reading);
            let mut until_exit = false;
            if let Some(held) = together.held.as_ref().filter(|_| limits.is_empty()) {
                limits = self.exceeded(held);
                until_exit = !limits.is_empty();
            }
            let others = together.others.take().filter(|_| limits.is_empty());
            if let Some(others) = others {
                let exceeded = self.exceeded(&others);
                match self.strict {
                    true => (limits, together.reading) = (exceeded, others),
                    false if !exceeded.is_empty() => offset.push(together.likeness.clone()),
                    false => {}
                }
            }
            if limits.is_empty() {
                continue;
            }
            told.extend(&together.sites);
            breaches.push(Breach {
                site,
                unsure: false,
                until_exit,
                limits,
                together: Some(together),
            });
        }
        breaches.sort_by_key(|breach| breach.site);
        Judgement { breaches, offset }
    }

    fn breaches_of_each(&self, sites: &[Site], columns: &[Column]) -> Vec<Breach> {
        let judged = sites
            .iter()
            .enumerate()
            .filter(|(_, site)| site.at.hidden.is_none());
        judged
            .filter_map(|(index, site)| {
                let breach = |reading: &Reading| {
                    let limits = self.exceeded(reading);
                    (!limits.is_empty()).then_some(Breach {
                        site: index,
                        unsure: false,
                        until_exit: false,
                        limits,
                        together: None,
                    })
                };
                // A leak must not pass because the end of the program freed it,
                let held = || {
                    let anyway = || site.held_anyway(columns).filter(|_| self.strict);
                    let held = site.held.as_deref().and_then(breach);
                    Some(Breach {
                        until_exit: true,
                        ..held.or_else(|| breach(&anyway()?))?
                    })
                };
                // nor because it may be another site.
                let worst = || {
                    Some(Breach {
                        unsure: true,
                        ..breach(site.worst.as_deref()?)?
                    })
                };
                breach(&site.reading(columns)).or_else(held).or_else(worst)
            })
            .collect()
    }

    fn exceeded(&self, reading: &Reading) -> Vec<Limit> {
        let limits = self.limits.iter();
        let exceeded = limits.filter(|limit| limit.is_exceeded_by(reading, self.strict_rates));
        exceeded.cloned().collect()
    }

    /// How many sites are above a limit by their rate, and by no more than chance can be.
    pub fn above_by_chance(&self, sites: &[Site], columns: &[Column]) -> usize {
        if self.strict_rates || self.limit_by_time().is_none() {
            return 0;
        }
        let by_chance = |site: &&Site| {
            let reading = site.reading(columns);
            let mut limits = self.limits.iter().filter(|limit| limit.is_by_time());
            limits.any(|limit| {
                limit.is_exceeded_by(&reading, true) && !limit.is_exceeded_by(&reading, false)
            })
        };
        let shown = sites.iter().filter(|site| site.at.hidden.is_none());
        shown.filter(by_chance).count()
    }

    /// How many sites were above a limit until the end of the last run freed what they held, and did not grow all along.
    pub fn held_above(&self, sites: &[Site], columns: &[Column]) -> usize {
        if self.limits.is_empty() {
            return 0;
        }
        let is_above = |site: &&Site| {
            let held = site.held_anyway(columns);
            held.is_some_and(|held| !self.exceeded(&held).is_empty())
        };
        let shown = sites.iter().filter(|site| site.at.hidden.is_none());
        shown.filter(is_above).count()
    }

    /// A limit that needs the runs' times.
    pub fn limit_by_time(&self) -> Option<&Limit> {
        self.limits.iter().find(|limit| limit.is_by_time())
    }

    /// Whether there is anything to judge by.
    pub fn is_set(&self) -> bool {
        !self.limits.is_empty() || self.fail_on_double_free
    }

    /// `None` if there is nothing to judge by; `double_frees` are those of the last run, those with it that may be
    /// one.
    pub fn verdict(&self, breaches: &[Breach], double_frees: u64) -> Option<Verdict> {
        if !self.is_set() {
            return None;
        }
        let fails = !breaches.is_empty() || (self.fail_on_double_free && double_frees > 0);
        Some(if fails { Verdict::Fail } else { Verdict::Pass })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            LimitKind::Blocks(n) => f.write_str(&units::counted(n, "block")),
            _ => f.write_str(&self.text),
        }
    }
}

/// `10` blocks, `4KiB` bytes, `5%` of the first run.
impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let kind = parse_kind(text).ok_or_else(|| {
            format!(
                "'{text}' is no limit; write a number of blocks (10), a size with its unit (512B, 4KiB, 1MB), a \
                 percentage (5%), or a rate (100/min, 64KiB/h, 10/run)"
            )
        })?;
        let text = text.to_owned();
        Ok(Limit { kind, text })
    }
}

fn parse_kind(text: &str) -> Option<LimitKind> {
    if let Some((amount, unit)) = text.rsplit_once('/') {
        let (per, units_in_it) = match unit.trim() {
            "s" => (Per::Minute, 60.0),
            "min" => (Per::Minute, 1.0),
            "h" => (Per::Minute, 1.0 / 60.0),
            "run" => (Per::Run, 1.0),
            _ => return None,
        };
        return match parse_kind(amount.trim())? {
            LimitKind::Blocks(blocks) => Some(LimitKind::Rate {
                blocks: blocks as f64 * units_in_it,
                per,
            }),
            LimitKind::Bytes(bytes) => Some(LimitKind::RateOfBytes {
                bytes: bytes as f64 * units_in_it,
                per,
            }),
            _ => None,
        };
    }
    if let Some(number) = text.strip_suffix('%') {
        let percent: f64 = number.trim().parse().ok()?;
        return (percent.is_finite() && percent >= 0.0).then_some(LimitKind::Percent(percent));
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().map(LimitKind::Blocks).ok();
    }
    // Without the B, K could be 1000 or 1024.
    if !text.starts_with(|c: char| c.is_ascii_digit()) || !text.ends_with(['B', 'b']) {
        return None;
    }
    let size: ByteSize = text.parse().ok()?;
    Some(LimitKind::Bytes(size.as_u64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_people_write_them() {
        let good = [
            ("10", LimitKind::Blocks(10)),
            ("0", LimitKind::Blocks(0)),
            ("4KiB", LimitKind::Bytes(4096)),
            ("4 KiB", LimitKind::Bytes(4096)),
            ("4kib", LimitKind::Bytes(4096)),
            ("512B", LimitKind::Bytes(512)),
            ("1MB", LimitKind::Bytes(1_000_000)),
            ("1.5MiB", LimitKind::Bytes(1_572_864)),
            ("5%", LimitKind::Percent(5.0)),
            ("0.5%", LimitKind::Percent(0.5)),
            (
                "100/min",
                LimitKind::Rate {
                    blocks: 100.0,
                    per: Per::Minute,
                },
            ),
            (
                "1KiB/s",
                LimitKind::RateOfBytes {
                    bytes: 61_440.0,
                    per: Per::Minute,
                },
            ),
            (
                "120 / h",
                LimitKind::Rate {
                    blocks: 2.0,
                    per: Per::Minute,
                },
            ),
            (
                "3/run",
                LimitKind::Rate {
                    blocks: 3.0,
                    per: Per::Run,
                },
            ),
        ];
        for (text, limit) in good {
            assert_eq!(parse_kind(text), Some(limit), "{text}");
        }
        for text in [
            "",
            "-1",
            "ten",
            "5%%",
            "-5%",
            "NaN%",
            "inf%",
            "4XiB",
            "99999999999999999999",
            "KiB",
            "4K",
            "4KiB/day",
            "5%/min",
            "1/2/min",
            "/min",
            "4Ki",
        ] {
            assert!(text.parse::<Limit>().is_err(), "{text}");
        }
    }
}
