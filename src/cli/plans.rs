//! From options to the library's plain types.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::slice::from_ref;

use super::locale::needs_ascii;
use super::options::{
    AddressingKind, By, CaptureArgs, CompareArgs, FailOn, GateArgs, ShowArgs, Sort, ViewArgs,
};
use super::stacks::StackArgs;
use super::terminal::terminal_width;
use crate::capture::{Moment, RunInput};
use crate::diff::{Gate, Grouping, Limit, SortBy, grouped_number};
use crate::error::{Error, FileFlag, Result, UsageError};
use crate::plan::Plan;
use crate::report::Options;
use crate::run::Addressing;
use crate::symbols::SearchPath;

impl CompareArgs {
    pub(super) fn plan(&self) -> Result<Plan> {
        if let Some(text) = grouped_number(&self.fail_above) {
            return Err(Error::Usage(UsageError::GroupedNumber { text }));
        }
        Ok(Plan {
            gate: self.gate.gate(self.fail_above.clone()),
            ..plan(&self.runs, &self.capture, &self.view, &self.stacks)?
        })
    }
}

impl ShowArgs {
    pub(super) fn plan(&self) -> Result<Plan> {
        Ok(Plan {
            gate: self.gate.gate(Vec::new()),
            keep_blocks: self.format.lists_blocks,
            ..plan(from_ref(&self.run), &self.capture, &self.view, &self.stacks)?
        })
    }
}

/// What both commands have in common.
fn plan(
    runs: &[PathBuf],
    capture: &CaptureArgs,
    view: &ViewArgs,
    stacks: &StackArgs,
) -> Result<Plan> {
    Ok(Plan {
        runs: capture.inputs(runs)?,
        search: capture.search(),
        sort: view.sort(),
        by: view.by(),
        wrappers: stacks.wrappers(),
        filter: stacks.filter(),
        callers: Some(stacks.callers),
        maps: capture.map.clone(),
        addressing: capture.addressing(),
        memory: view.memory.map(|size| size.as_u64()),
        save: view.save.clone(),
        ..Plan::default()
    })
}

impl GateArgs {
    fn gate(&self, limits: Vec<Limit>) -> Gate {
        Gate {
            limits,
            fail_on_double_free: self.fail_on.contains(&FailOn::DoubleFree),
            strict: self.strict,
            strict_rates: self.strict_rates,
        }
    }
}

impl CaptureArgs {
    fn inputs(&self, runs: &[PathBuf]) -> Result<Vec<RunInput>> {
        let count = runs.len();
        runs.iter()
            .enumerate()
            .map(|(index, given)| {
                let (path, at) = Moment::split(given).map_err(|reason| {
                    Error::Usage(UsageError::BadMoment {
                        path: given.clone(),
                        reason,
                    })
                })?;
                Ok(RunInput {
                    path,
                    at,
                    log: of_run(FileFlag::Log, &self.log, index, count)?,
                    exe: of_run(FileFlag::Exe, &self.exe, index, count)?,
                    maps: of_run(FileFlag::Maps, &self.maps, index, count)?,
                    sysroot: of_run(FileFlag::Sysroot, &self.sysroot, index, count)?,
                    duration_s: of_run(FileFlag::Duration, &self.duration, index, count)?
                        .map(|duration| duration.as_secs_f64()),
                })
            })
            .collect()
    }

    fn addressing(&self) -> Option<Addressing> {
        self.addressing.map(|kind| match kind {
            AddressingKind::Absolute => Addressing::Absolute,
            AddressingKind::Relative => Addressing::Relative,
        })
    }

    fn search(&self) -> SearchPath {
        SearchPath {
            debug_dirs: self.debug_dir.clone(),
        }
    }
}

/// A flag's value for one run: given once for all, or once a run.
fn of_run<T: Clone>(flag: FileFlag, values: &[T], index: usize, runs: usize) -> Result<Option<T>> {
    match values.len() {
        0 => Ok(None),
        1 => Ok(Some(values[0].clone())),
        n if n == runs => Ok(Some(values[index].clone())),
        given => Err(Error::Usage(UsageError::FlagCount { flag, given, runs })),
    }
}

impl ViewArgs {
    fn sort(&self) -> SortBy {
        match self.sort {
            Sort::Blocks => SortBy::Blocks,
            Sort::Bytes => SortBy::Bytes,
            Sort::Percent => SortBy::Percent,
            Sort::Name => SortBy::Name,
        }
    }

    fn by(&self) -> Grouping {
        match self.by {
            By::Address => Grouping::Address,
            By::Line => Grouping::Line,
            By::Function => Grouping::Function,
            By::File => Grouping::File,
            By::Module => Grouping::Module,
            By::Stack => Grouping::Stack,
            By::Size => Grouping::Size,
        }
    }

    pub(super) fn options(&self) -> Options {
        let is_terminal = io::stdout().is_terminal();
        let width = self
            .width
            .or_else(|| is_terminal.then(terminal_width).flatten());
        Options {
            top: self.top,
            all: self.all,
            inlines: self.inlines,
            trend: !self.no_trend,
            stacks: None,
            explain: self.explain,
            width: width.map(usize::from),
            color: self.color.is_on(),
            ascii: self.ascii || needs_ascii(is_terminal),
            full_names: self.full_names,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_given_once_for_all_runs_or_once_a_run() {
        let files: Vec<PathBuf> = ["a", "b"].map(PathBuf::from).to_vec();
        let of = |values: &[PathBuf], index| of_run(FileFlag::Log, values, index, 2);
        assert_eq!(of(&[], 1).unwrap(), None);
        assert_eq!(of(&files[..1], 1).unwrap(), Some("a".into()));
        assert_eq!(of(&files, 1).unwrap(), Some("b".into()));
        assert!(of_run(FileFlag::Log, &files, 0, 3).is_err());
    }
}
