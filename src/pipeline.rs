//! The way from the runs that a plan names to a report.

use crate::diff::{join, refuse_judgement, renamed};
use crate::error::{Error, Result};
use crate::import::{Imported, import_all};
use crate::plan::Plan;
use crate::report::Report;
use crate::run::{Run, compared, told_apart, without_false_builds};
use crate::saved;
use crate::symbols::{RunToName, name_callers};

/// Compares two or more runs.
pub fn compare(plan: &Plan) -> Result<Report> {
    if let [only] = plan.runs.as_slice() {
        return Err(Error::OneRun {
            path: only.path.clone(),
        });
    }
    report(plan)
}

/// Lists what one run left.
pub fn show(plan: &Plan) -> Result<Report> {
    report(plan)
}

fn report(plan: &Plan) -> Result<Report> {
    plan.check()?;
    let imported = import_all(&plan.runs, plan.save.as_deref(), plan.reading())?;
    let runs = named(imported, plan);
    refuse_judgement(&plan.gate, &runs)?;
    if let (Some(file), Some(last)) = (&plan.save, runs.last()) {
        saved::write(file, &saved::to_json(last)?)?;
    }
    let runs = runs.into_iter().map(|run| renamed(run, &plan.maps));
    let runs = saved::settle(runs.collect());
    let (runs, false_builds) = without_false_builds(runs);
    let mut warnings = compared(&runs);
    warnings.extend(false_builds);
    let mut runs = told_apart(runs);
    let sites = join(&mut runs, plan.by);
    Ok(Report::new(runs, sites, plan.terms(), warnings))
}

/// Names what was read, in the order of the runs: each file is opened once, whichever runs use it.
fn named(imported: Vec<Imported>, plan: &Plan) -> Vec<Run> {
    let placed = imported.iter().filter_map(|run| match run {
        Imported::Placed(run) => Some(run.to_name()),
        Imported::Whole(_) => None,
    });
    let to_name: Vec<RunToName<'_>> = placed.collect();
    let mut names = name_callers(&to_name, &plan.search).into_iter();
    let named = imported.into_iter().filter_map(|run| match run {
        Imported::Placed(run) => Some(run.named(names.next()?)),
        Imported::Whole(run) => Some(*run),
    });
    named.collect()
}
