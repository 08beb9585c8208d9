//! A log, read up to a moment of its run.

use std::io::Read;
use std::path::Path;

use super::credible::Credible;
use crate::capture::{CaptureSet, Moment, Reached};
use crate::error::{Error, Result, UsageError};
use crate::progress::Progress;
use crate::recording::Until;
use crate::run::Run;
use crate::trace::{FirstLines, LogIndex};
use crate::units::time;

type LogStream<'a> = Box<dyn Read + Send + 'a>;

/// Opens the log of a run as it was at the run's moment, and says which one that is; `None` for the end.
///
/// A log of glibc has no clock. So a time is taken for its share of the run's, and a share for one of the
/// log's records, which are counted first: the log is read twice.
pub(super) fn log_at<'a>(
    capture: &CaptureSet,
    progress: &'a Progress,
) -> Result<(LogStream<'a>, Option<Reached>)> {
    let duration_s = capture.duration_s();
    let Some(share) = share_of(&capture.path, capture.at, duration_s)? else {
        return Ok((open(capture, progress)?, None));
    };
    // What is read once more is not known to those who look at the progress.
    let Some(bytes) = capture.log_bytes() else {
        return Err(Error::Usage(UsageError::NoMoments {
            path: capture.path.clone(),
            reason: "its log comes through a pipe, which can be read only once",
        }));
    };
    let reading = |e| Error::io("read", &capture.log, e);
    progress.expect(Some(bytes));
    let index = LogIndex::new(open(capture, progress)?).map_err(reading)?;
    let of = index.records();
    let records = records_at(share, of);
    let silent = Progress::default();
    let lines = index.lines_of(records, open(capture, &silent)?);
    let log = FirstLines::new(open(capture, progress)?, lines.map_err(reading)?);
    let reached = Reached {
        at: capture.at,
        records: Some(records),
        of: Some(of),
        seconds: duration_s.map(|took| took * share),
        step: None,
    };
    Ok((Box::new(log), Some(reached)))
}

/// A log that comes through a pipe has to begin like one, or it may never end.
fn open<'a>(capture: &CaptureSet, progress: &'a Progress) -> Result<LogStream<'a>> {
    let log = capture.open_log(progress)?;
    Ok(match capture.log_bytes() {
        Some(_) => log,
        None => Box::new(Credible::new(log)),
    })
}

/// The moment of a recording, which has a clock; `duration` says how long it is, in microseconds.
pub(super) fn until(capture: &CaptureSet, duration: impl FnOnce() -> Result<u64>) -> Result<Until> {
    Ok(match capture.at {
        Moment::End => Until::End,
        Moment::Time(seconds) => Until::Time((seconds * 1e6) as u64),
        Moment::Share(share) => {
            if capture.log_bytes().is_none() {
                return Err(Error::Usage(UsageError::NoMoments {
                    path: capture.path.clone(),
                    reason: "its log comes through a pipe, which can be read only once",
                }));
            }
            Until::Time((duration()? as f64 * share) as u64)
        }
    })
}

/// A saved run at a moment: at the step of its curves that is nearest.
pub(super) fn saved_at(run: Run, at: Moment) -> Result<Run> {
    let path = run.facts.path.clone();
    let facts = &run.facts;
    let Some(share) = share_of(&path, at, facts.duration_s)? else {
        return Ok(run);
    };
    let of_curves = facts.duration_s.zip(facts.duration_of_curves());
    let share = of_curves.map_or(share, |(took, whole)| {
        facts.time_of_curves(took * share) / whole
    });
    run.at_step(at, share)
        .ok_or(Error::Usage(UsageError::NoMoments {
            path,
            reason: "the report was saved without the curves of its call sites",
        }))
}

/// Which share of a run its moment is; `None` if that is its end.
fn share_of(path: &Path, at: Moment, duration_s: Option<f64>) -> Result<Option<f64>> {
    let path = || path.to_path_buf();
    match (at, duration_s) {
        (Moment::End, _) => Ok(None),
        (Moment::Share(share), _) => Ok(Some(share)),
        (at @ Moment::Time(_), None) => Err(Error::Usage(UsageError::MomentWithoutTime {
            path: path(),
            at: at.to_string(),
        })),
        (at @ Moment::Time(seconds), Some(took)) if seconds > took => {
            Err(Error::Usage(UsageError::MomentBehindEnd {
                path: path(),
                at: at.to_string(),
                took: time(took),
                is_recorded: false,
            }))
        }
        (Moment::Time(seconds), Some(took)) => Ok(Some(seconds / took)),
    }
}

/// Whole records only, and at least one. A share is a decimal fraction, which binary ones miss by a hair.
fn records_at(share: f64, of: u64) -> u64 {
    const HAIR: f64 = 1e-6;
    let records = (share * of as f64 + HAIR).floor() as u64;
    records.clamp(1, of.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_of_whole_records() {
        assert_eq!(records_at(0.29, 100), 29);
        assert_eq!(records_at(0.4, 6864), 2745);
        assert_eq!(records_at(1.0, 7), 7);
        assert_eq!(records_at(0.001, 7), 1);
    }
}
