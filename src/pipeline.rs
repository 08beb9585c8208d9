//! The way from the runs that a plan names to a report.

use crate::diff::{join, refuse_judgement, refuse_merging, refuse_pass_of_too_few_counts, renamed};
use crate::error::{Error, GateError, Result, UsageError};
use crate::import::{import_all, settle, unused_beside_saved};
use crate::plan::Plan;
use crate::report::{Only, Report, Terms};
use crate::run::{
    Run, blamed, compared, strangers, told_apart, unlike, with_best_names, with_ends_compared,
    without_false_builds,
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
    let runs = with_ends_compared(name_callers(imported, &plan.search));
    refuse_judgement(&plan.gate, &runs)?;
    if let (Some(file), Some(last)) = (&plan.save, runs.last()) {
        saved::write(file, &saved::to_json(last)?)?;
    }
    if !plan.maps.is_empty() {
        let mut runs = runs.iter();
        runs.try_for_each(|run| refuse_merging(run, &plan.maps))?;
    }
    let runs = runs.into_iter().map(|run| renamed(run, &plan.maps));
    let runs = settle(runs.collect());
    let (runs, false_builds) = without_false_builds(runs);
    let of_runs = compared(&runs).into_iter().chain(false_builds);
    let mut warnings: Vec<Warning> = of_runs.map(Warning::from).collect();
    warnings.extend(unused_beside_saved(&plan.runs, &runs).map(Warning::from));
    let runs = with_best_names(runs);
    warnings.extend(plan.wrappers.unmatched(&runs));
    let runs = blamed(runs, &plan.wrappers);
    let runs = told_apart(runs);
    let all = runs.last().map_or(0, |run| run.live().blocks);
    let runs = runs.into_iter().map(|run| plan.filter.kept(run));
    let (mut runs, cut): (Vec<Run>, Vec<u64>) = runs.unzip();
    if plan.filter.is_set()
        && plan.gate.is_set()
        && runs.last().is_some_and(|run| run.sites.is_empty())
    {
        return Err(Error::Gate(GateError::NothingLeft {
            filter: plan.filter.to_string(),
        }));
    }
    warnings.extend(unlike(&runs).into_iter().map(Warning::from));
    let strangers = strangers(&runs);
    let sites = join(&mut runs, plan.by);
    let strangers = strangers.filter(|_| !sites.have_common_rows());
    warnings.extend(strangers.map(Warning::from));
    let terms = Terms {
        only: plan.filter.is_set().then(|| {
            let kept = runs.last().map_or(0, |run| run.live().blocks);
            Only {
                filter: plan.filter.to_string(),
                kept,
                all,
                cut: cut.last().copied().unwrap_or(0),
            }
        }),
        ..plan.terms()
    };
    let report = Report::new(runs, sites, terms, warnings);
    refuse_pass_of_too_few_counts(&plan.gate, &report.runs, report.verdict)?;
    Ok(report)
}
