//! Whether limits on growth hold.

use std::collections::BTreeSet;

use super::column::Column;
use super::judged::{Measurement, Site};
use super::limit::Limit;
use super::together::Together;

/// All limits of a comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gate {
    /// A site fails that is above any of them.
    pub limits: Vec<Limit>,
    /// Fail if the last run freed any block twice.
    pub fail_on_double_free: bool,
    /// Refuse to judge figures that are known to be partial.
    pub strict: bool,
    /// Judge rates by time as they are, not by what they come to at least.
    pub strict_rates: bool,
}

/// What the gate says of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// No site grew above a limit.
    Pass,
    /// A site grew above a limit, or the last run freed a block twice and that was to fail.
    Fail,
}

/// A site that grew above limits: an index into the ranked sites, and which limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Breach {
    /// Its index in [`Report::sites`](crate::Report::sites).
    pub site: usize,
    /// It is above them only if the site was another one before, which is as likely.
    pub unsure: bool,
    /// It is above them by what it held until the end of its program freed it.
    pub until_exit: bool,
    /// Those that it is above, in the order in which they were given.
    pub limits: Vec<Limit>,
    /// By what it is above them.
    pub measurement: Measurement,
    /// Where only this site and others like it are above them together: all of these.
    pub together: Option<Together>,
}

/// What a gate finds.
#[derive(Debug, Default)]
pub(crate) struct Breaches {
    /// In the order of the sites.
    pub breaches: Vec<Breach>,
    /// Sites that are above a limit together, but for what a few of them lost.
    pub offset: Vec<Together>,
}

impl Gate {
    /// What ranked sites breach. What is hidden did not grow. Of sites that are alike none need be above a limit for all
    /// of them to be.
    pub(crate) fn breaches(
        &self,
        sites: &[Site],
        columns: &[Column],
        alike: impl FnOnce() -> Vec<Together>,
    ) -> Breaches {
        if self.limits.is_empty() {
            return Breaches::default();
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
            let mut limits = self.exceeded(&together.measurement);
            let mut until_exit = false;
            if let Some(held) = together.held.as_ref().filter(|_| limits.is_empty()) {
                limits = self.exceeded(held);
                until_exit = !limits.is_empty();
            }
            let others = together.others.take().filter(|_| limits.is_empty());
            if let Some(others) = others {
                let exceeded = self.exceeded(&others);
                match self.strict {
                    true => (limits, together.measurement) = (exceeded, others),
                    // One thing of a site is enough to say.
                    false if !exceeded.is_empty() && !is_named(&offset, site) => {
                        offset.push(Together {
                            others: Some(others),
                            ..together.clone()
                        });
                    }
                    false => {}
                }
            }
            if limits.is_empty() {
                continue;
            }
            told.extend(&together.sites);
            let held = together.held.as_ref().filter(|_| until_exit);
            breaches.push(Breach {
                site,
                unsure: false,
                until_exit,
                limits,
                measurement: held.unwrap_or(&together.measurement).clone(),
                together: Some(together),
            });
        }
        breaches.sort_by_key(|breach| breach.site);
        Breaches { breaches, offset }
    }

    fn breaches_of_each(&self, sites: &[Site], columns: &[Column]) -> Vec<Breach> {
        let judged = sites
            .iter()
            .enumerate()
            .filter(|(_, site)| site.hidden.is_none());
        judged
            .filter_map(|(index, site)| {
                let breach = |measurement: &Measurement| {
                    let limits = self.exceeded(measurement);
                    (!limits.is_empty()).then_some(Breach {
                        site: index,
                        unsure: false,
                        until_exit: false,
                        limits,
                        measurement: measurement.clone(),
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
                breach(&site.measurement(columns))
                    .or_else(held)
                    .or_else(worst)
            })
            .collect()
    }

    fn exceeded(&self, measurement: &Measurement) -> Vec<Limit> {
        let limits = self.limits.iter();
        let exceeded = limits.filter(|limit| limit.is_exceeded_by(measurement, self.strict_rates));
        exceeded.cloned().collect()
    }

    /// How many sites are above a limit by their rate, and by no more than chance can be.
    pub(crate) fn above_by_chance(&self, sites: &[Site], columns: &[Column]) -> usize {
        if self.strict_rates || self.limit_by_time().is_none() {
            return 0;
        }
        let by_chance = |site: &&Site| {
            let measurement = site.measurement(columns);
            let mut limits = self.limits.iter().filter(|limit| limit.is_by_time());
            limits.any(|limit| {
                limit.is_exceeded_by(&measurement, true)
                    && !limit.is_exceeded_by(&measurement, false)
            })
        };
        let shown = sites.iter().filter(|site| site.hidden.is_none());
        shown.filter(by_chance).count()
    }

    /// The sites that were above a limit until the end of the last run freed what they held, and did not grow all along, by
    /// their indexes.
    pub(crate) fn held_above(&self, sites: &[Site], columns: &[Column]) -> Vec<usize> {
        if self.limits.is_empty() {
            return Vec::new();
        }
        let is_above = |site: &Site| {
            let held = site.held_anyway(columns);
            held.is_some_and(|held| !self.exceeded(&held).is_empty())
        };
        let sites = sites.iter().enumerate();
        let above = sites.filter(|(_, site)| site.hidden.is_none() && is_above(site));
        above.map(|(index, _)| index).collect()
    }

    /// A limit that needs the runs' times.
    pub(crate) fn limit_by_time(&self) -> Option<&Limit> {
        self.limits.iter().find(|limit| limit.is_by_time())
    }

    /// Whether there is anything to judge by.
    pub fn is_set(&self) -> bool {
        !self.limits.is_empty() || self.fail_on_double_free
    }

    /// `None` if there is nothing to judge by; `double_frees` are those of the last run, those with it that may be
    /// one.
    pub fn decision(&self, breaches: &[Breach], double_frees: u64) -> Option<Decision> {
        if !self.is_set() {
            return None;
        }
        let fails = !breaches.is_empty() || (self.fail_on_double_free && double_frees > 0);
        Some(if fails {
            Decision::Fail
        } else {
            Decision::Pass
        })
    }
}

fn is_named(offset: &[Together], site: usize) -> bool {
    offset
        .iter()
        .any(|named| named.sites.first() == Some(&site))
}
