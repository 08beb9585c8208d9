//! The way from the runs that a plan names to a report.

use crate::diff::{
    join, refuse_judgement, refuse_nothing_left, refuse_pass_of_too_few_counts, renamed,
};
use crate::error::{Error, Result, UsageError};
use crate::import::{import_all, settled, unused_beside_saved};
use crate::plan::Plan;
use crate::report::Report;
use crate::run::{
    blamed, compared, ends_compared, told_apart, with_best_names, without_false_builds,
};
use crate::saved;
use crate::symbols::name_callers;
use crate::warning::Warning;

/// Compares two or more runs.
pub fn compare(plan: &Plan) -> Result<Report> {
    if let [only] = plan.runs.as_slice() {
        return Err(Error::Usage(UsageError::OneRun {
            path: only.path.clone(),
        }));
    }
    report(plan)
}

/// Lists what one run left; of several runs it is a comparison.
pub fn show(plan: &Plan) -> Result<Report> {
    report(plan)
}

fn report(plan: &Plan) -> Result<Report> {
    plan.check()?;
    let imported = import_all(&plan.runs, plan.save.as_deref(), plan.reading())?;
    let named = name_callers(imported, &plan.search, plan.save.is_some());
    let ends = ends_compared(&named);
    refuse_judgement(&plan.gate, &named, &ends)?;
    if let (Some(file), Some(last)) = (&plan.save, named.last()) {
        saved::write(file, &saved::to_json(last)?)?;
    }
    let settled = settled(renamed(named, &plan.maps)?);
    let of_runs = compared(&settled).into_iter().map(Warning::from);
    let (runs, false_builds) = without_false_builds(settled);
    let runs = told_apart(with_best_names(runs));
    let of_names = unused_beside_saved(&plan.runs, &runs).map(Warning::from);
    let warnings = of_runs
        .chain(false_builds.map(Warning::from))
        .chain(of_names)
        .chain(plan.wrappers.unmatched(&runs))
        .collect();
    let kept = plan.filter.kept(blamed(runs, &plan.wrappers));
    refuse_nothing_left(&plan.gate, &kept)?;
    let report = Report::new(join(kept, plan.by), plan.terms(), warnings, ends);
    refuse_pass_of_too_few_counts(&plan.gate, &report.runs, report.decision)?;
    Ok(report)
}
