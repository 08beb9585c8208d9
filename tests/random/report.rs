//! Precision and recall, over all and by class.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::pair::PairResult;
use crate::truth::{Group, Score};

#[derive(Default)]
pub(crate) struct Report {
    pairs: usize,
    groups: BTreeMap<Group, Score>,
    classes: BTreeMap<String, Score>,
    faults: Vec<String>,
    /// Pairs that could not be made or whose figures are wrong.
    pub broken: Vec<String>,
}

impl Report {
    pub(crate) fn of<'a>(results: impl Iterator<Item = &'a PairResult>) -> Report {
        let mut report = Report::default();
        for result in results {
            report.pairs += 1;
            if let Some(why) = &result.broken {
                report.broken.push(format!("  seed {}: {why}", result.seed));
            }
            let mut faults = Vec::new();
            for judged in &result.judged {
                report
                    .groups
                    .entry(judged.group)
                    .or_default()
                    .add(&judged.score);
                if judged.group == Group::Decidable {
                    for class in &judged.classes {
                        report
                            .classes
                            .entry(class.clone())
                            .or_default()
                            .add(&judged.score);
                    }
                    if let Some(text) = &judged.text {
                        let classes: Vec<&str> =
                            judged.classes.iter().map(String::as_str).collect();
                        faults.push(format!("    {text} [{}]", classes.join(", ")));
                    }
                }
            }
            if !faults.is_empty() {
                report.faults.push(format!(
                    "  seed {}: {}\n{}",
                    result.seed,
                    result.what,
                    faults.join("\n")
                ));
            }
        }
        report
    }

    pub(crate) fn group(&self, group: Group) -> Score {
        self.groups.get(&group).copied().unwrap_or_default()
    }

    /// The figures, and with `faults` what each is about.
    pub(crate) fn text(&self, name: &str, faults: bool) -> String {
        let mut text = format!("\n{name}: {} pairs\n", self.pairs);
        let mut line = |name: &str, score: &Score| {
            writeln!(
                text,
                "  {name:<28} precision {:7.3} % ({} wrong of {})  recall {:7.3} % ({} missed of {})  {} marked, {} of the wrong",
                100.0 * score.precision(),
                score.joined - score.right,
                score.joined,
                100.0 * score.recall(),
                score.wanted - score.found,
                score.wanted,
                score.marked,
                score.wrong_marked
            )
            .unwrap();
        };
        for (group, score) in &self.groups {
            line(&format!("{group:?}"), score);
        }
        for (class, score) in &self.classes {
            line(class, score);
        }
        if !self.broken.is_empty() {
            writeln!(text, "broken:\n{}", self.broken.join("\n")).unwrap();
        }
        if faults && !self.faults.is_empty() {
            writeln!(text, "faults:\n{}", self.faults.join("\n")).unwrap();
        }
        text
    }
}
