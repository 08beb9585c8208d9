//! Limits on growth, and whether they hold.

use std::fmt;
use std::str::FromStr;

use bytesize::ByteSize;

use super::site::Site;
use crate::units;

/// The most that a single site may grow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    Blocks(u64),
    Bytes(u64),
    /// Of the first run, in blocks or in bytes, whichever grew more.
    Percent(f64),
}

/// All limits of a comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gate {
    pub limits: Vec<Limit>,
    /// Fail if the last run freed any block twice.
    pub fail_on_double_free: bool,
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
    pub limits: Vec<Limit>,
}

impl Limit {
    /// Whether a site's growth is above this limit. A new site counts with its full size, and is
    /// above every percentage.
    pub fn is_exceeded_by(self, site: &Site) -> bool {
        let growth = site.growth;
        let above =
            |growth: i64, limit: u64| u64::try_from(growth).is_ok_and(|growth| growth > limit);
        match self {
            Limit::Blocks(limit) => above(growth.blocks, limit),
            Limit::Bytes(limit) => above(growth.bytes, limit),
            Limit::Percent(limit) => {
                let percent_exceeded = |percent: Option<f64>, growth: i64| match percent {
                    Some(percent) => percent > limit,
                    None => growth > 0,
                };
                percent_exceeded(growth.percent(site.first()), growth.blocks)
                    || percent_exceeded(growth.percent_of_bytes(site.first()), growth.bytes)
            }
        }
    }
}

impl Gate {
    /// The breaches among ranked sites, in their order; sites that are hidden are not judged.
    pub fn breaches(&self, sites: &[Site]) -> Vec<Breach> {
        let judged = sites
            .iter()
            .enumerate()
            .filter(|(_, site)| site.hidden.is_none());
        judged
            .filter_map(|(index, site)| {
                let exceeded = |limit: &Limit| limit.is_exceeded_by(site);
                let limits: Vec<Limit> = self.limits.iter().copied().filter(exceeded).collect();
                (!limits.is_empty()).then_some(Breach {
                    site: index,
                    limits,
                })
            })
            .collect()
    }

    /// `None` if there is nothing to judge by; `double_frees` are those of the last run.
    pub fn verdict(&self, breaches: &[Breach], double_frees: u64) -> Option<Verdict> {
        if self.limits.is_empty() && !self.fail_on_double_free {
            return None;
        }
        let fails = !breaches.is_empty() || (self.fail_on_double_free && double_frees > 0);
        Some(if fails { Verdict::Fail } else { Verdict::Pass })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Blocks(n) => f.write_str(&units::counted(*n, "block")),
            Limit::Bytes(n) => f.write_str(&units::bytes(*n)),
            Limit::Percent(p) => write!(f, "{p}%"),
        }
    }
}

/// `10` blocks, `4KiB` bytes, `5%` of the first run.
impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            format!(
                "'{text}' is no limit; write a number of blocks (10), a size (4KiB, 512B) or a percentage (5%)"
            )
        };
        let text = text.trim();
        if let Some(number) = text.strip_suffix('%') {
            let percent: f64 = number.trim().parse().map_err(|_| wrong())?;
            return match percent.is_finite() && percent >= 0.0 {
                true => Ok(Limit::Percent(percent)),
                false => Err(wrong()),
            };
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().map(Limit::Blocks).map_err(|_| wrong());
        }
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(wrong());
        }
        let size: ByteSize = text.parse().map_err(|_| wrong())?;
        Ok(Limit::Bytes(size.as_u64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_people_write_them() {
        let good = [
            ("10", Limit::Blocks(10)),
            ("0", Limit::Blocks(0)),
            ("4KiB", Limit::Bytes(4096)),
            ("4 KiB", Limit::Bytes(4096)),
            ("4kib", Limit::Bytes(4096)),
            ("512B", Limit::Bytes(512)),
            ("1MB", Limit::Bytes(1_000_000)),
            ("1.5MiB", Limit::Bytes(1_572_864)),
            ("5%", Limit::Percent(5.0)),
            ("0.5%", Limit::Percent(0.5)),
        ];
        for (text, limit) in good {
            assert_eq!(text.parse(), Ok(limit), "{text}");
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
        ] {
            assert!(text.parse::<Limit>().is_err(), "{text}");
        }
    }
}
