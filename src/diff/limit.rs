//! A limit on growth, as people write it.

use std::fmt;
use std::str::FromStr;

use bytesize::ByteSize;

use super::judged::Measurement;
use super::rate::Rate;
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
pub(crate) fn grouped_number(limits: &[Limit]) -> Option<String> {
    let digits = |limit: &Limit| match limit.kind {
        LimitKind::Blocks(_) => limit.text.len(),
        _ => 0,
    };
    let is_one = |pair: &&[Limit]| matches!(digits(&pair[0]), 1..=3) && digits(&pair[1]) == 3;
    let pair = limits.windows(2).find(is_one)?;
    Some(format!("{},{}", pair[0].text, pair[1].text))
}

impl Limit {
    /// Whether it takes the bytes of every run, and not of the first and the last alone.
    pub(crate) fn is_rate_of_bytes(&self) -> bool {
        matches!(self.kind, LimitKind::RateOfBytes { .. })
    }

    /// Whether it can only be judged by bytes.
    pub(crate) fn is_of_bytes(&self) -> bool {
        matches!(self.kind, LimitKind::Bytes(_))
    }

    /// Whether a site's growth is above this limit. A new site counts with its full size, and is
    /// above every percentage.
    pub(crate) fn is_exceeded_by(&self, site: &Measurement, strict_rates: bool) -> bool {
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
    pub(crate) fn is_by_time(&self) -> bool {
        let by_time = |per| per == Per::Minute;
        match self.kind {
            LimitKind::Rate { per, .. } | LimitKind::RateOfBytes { per, .. } => by_time(per),
            LimitKind::Blocks(_) | LimitKind::Bytes(_) | LimitKind::Percent(_) => false,
        }
    }
}

impl Per {
    fn of(self, site: &Measurement, strict_rates: bool) -> Option<Rate> {
        match self {
            Per::Minute if strict_rates => site.rates.steepest_per_minute,
            Per::Minute => site.rates.surely_per_minute,
            Per::Run => site.rates.steepest_per_run,
        }
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
