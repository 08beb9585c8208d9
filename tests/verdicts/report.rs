//! Precision and recall of the verdict `leak`, over all and by class.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::judge::{Judged, WAYS, calls_leak};
use crate::truth::Label;

/// Of a hundred call sites of a program that leaks, so many do: a guess that makes figures comparable to what a user
/// sees, since in the labelled set a third of them leak.
const LEAKING_OF_100: f64 = 3.0;

/// Sites that have a label that can be known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Score {
    pub leaks: usize,
    pub others: usize,
    /// Leaks that are called so.
    pub found: usize,
    /// Others that are called so.
    pub wrong: usize,
}

impl Score {
    fn add(&mut self, is_leak: bool, is_called: bool) {
        let (all, called) = match is_leak {
            true => (&mut self.leaks, &mut self.found),
            false => (&mut self.others, &mut self.wrong),
        };
        *all += 1;
        *called += usize::from(is_called);
    }

    pub(crate) fn precision(self) -> f64 {
        share(self.found, self.found + self.wrong)
    }

    pub(crate) fn recall(self) -> f64 {
        share(self.found, self.leaks)
    }

    /// Which share of the sites that are called leaks is one, where so many in a hundred are.
    pub(crate) fn precision_at(self, in_100: f64) -> f64 {
        let found = in_100 * self.recall();
        let wrong = (100.0 - in_100) * share(self.wrong, self.others.max(1));
        if found + wrong == 0.0 {
            return 1.0;
        }
        found / (found + wrong)
    }
}

/// 1 of nothing: no call was wrong, none was missed.
fn share(part: usize, of: usize) -> f64 {
    if of == 0 {
        1.0
    } else {
        part as f64 / of as f64
    }
}

#[derive(Default)]
pub(crate) struct Report {
    programs: usize,
    sites: usize,
    pub scores: [Score; 2],
    /// The same of each word that says leak, however sure.
    pub words: [BTreeMap<String, Score>; 2],
    classes: BTreeMap<String, [Score; 2]>,
    /// By kind and label, how often each verdict was given without durations.
    kinds: BTreeMap<(Label, String), BTreeMap<String, usize>>,
    /// Verdicts on sites that are at rest, without durations.
    pub at_rest: BTreeMap<String, usize>,
    pub at_rest_wrong: [usize; 2],
    faults: Vec<String>,
}

impl Report {
    pub(crate) fn of<'a>(judged: impl Iterator<Item = &'a Judged>) -> Report {
        let mut report = Report::default();
        let mut seed = None;
        for site in judged {
            report.programs += usize::from(seed.replace(site.seed) != Some(site.seed));
            report.add(site);
        }
        report
    }

    fn add(&mut self, site: &Judged) {
        self.sites += 1;
        let verdicts = self
            .kinds
            .entry((site.label, site.kind.clone()))
            .or_default();
        *verdicts.entry(site.verdicts[0].clone()).or_default() += 1;
        if site.is_at_rest && site.label != Label::Leak {
            *self.at_rest.entry(site.verdicts[0].clone()).or_default() += 1;
        }
        if !site.label.is_decidable() {
            return;
        }
        let is_leak = site.label == Label::Leak;
        let called = [0, 1].map(|way| calls_leak(&site.verdicts[way]));
        for (way, called) in called.into_iter().enumerate() {
            self.scores[way].add(is_leak, called);
            if called {
                let of_word = self.words[way].entry(site.verdicts[way].clone());
                of_word.or_default().add(is_leak, true);
            }
            self.at_rest_wrong[way] += usize::from(site.is_at_rest && !is_leak && called);
            for class in &site.classes {
                self.classes.entry(class.clone()).or_default()[way].add(is_leak, called);
            }
        }
        if called.iter().any(|called| *called != is_leak) {
            let said = format!("{} / {}", site.verdicts[0], site.verdicts[1]);
            let is = if is_leak { "a leak" } else { "no leak" };
            self.faults.push(format!(
                "  seed {}: {is}, called {said}: {}",
                site.seed, site.text
            ));
        }
    }

    /// How many sites have this label, and how many of them are called leak.
    fn count(&self, label: Label) -> (usize, usize) {
        let kinds = self.kinds.iter().filter(|((of, _), _)| *of == label);
        called(kinds.flat_map(|(_, verdicts)| verdicts))
    }

    /// The figures that matter most.
    pub(crate) fn totals(&self, name: &str) -> String {
        let (few, between) = (self.count(Label::TooFew), self.count(Label::Between));
        let later = self.count(Label::StopsLater);
        let mut text = format!(
            "\n{name}: {} programs, {} sites; {} leak, {} do not\n",
            self.programs, self.sites, self.scores[0].leaks, self.scores[0].others,
        );
        writeln!(
            text,
            "  undecidable        {} that leaked too few blocks to show it, {} of them called leak; {} that stop only \
             after the run, {}; {} that neither stop nor go on in proportion, {}",
            few.0, few.1, later.0, later.1, between.0, between.1,
        )
        .unwrap();
        for ((way, score), words) in WAYS.iter().zip(self.scores).zip(&self.words) {
            writeln!(
                text,
                "  {way:<18} leak precision {:7.3} % ({} wrong of {})  recall {:7.3} % ({} missed of {})",
                100.0 * score.precision(),
                score.wrong,
                score.wrong + score.found,
                100.0 * score.recall(),
                score.leaks - score.found,
                score.leaks,
            )
            .unwrap();
            for (word, of_word) in words {
                writeln!(
                    text,
                    "  {:<18} of those called {word:<5} {:7.3} % are one ({} wrong of {})",
                    "",
                    100.0 * of_word.precision(),
                    of_word.wrong,
                    of_word.wrong + of_word.found,
                )
                .unwrap();
            }
            writeln!(
                text,
                "  {:<18} if {LEAKING_OF_100} sites in 100 leak, {:.1} % of those called leak are one",
                "",
                100.0 * score.precision_at(LEAKING_OF_100),
            )
            .unwrap();
        }
        writeln!(
            text,
            "  sites at rest      {}; called leak: {} without durations, {} with them; called {}",
            self.at_rest.values().sum::<usize>(),
            self.at_rest_wrong[0],
            self.at_rest_wrong[1],
            counted(&self.at_rest),
        )
        .unwrap();
        text
    }

    /// By class and by kind.
    pub(crate) fn details(&self) -> String {
        let mut text = String::from("  by class, without / with durations\n");
        for (class, [without, with]) in &self.classes {
            writeln!(
                text,
                "    {class:<32} precision {:6.2} / {:6.2} %  recall {:6.2} / {:6.2} %  ({} leaks, {} others)",
                100.0 * without.precision(),
                100.0 * with.precision(),
                100.0 * without.recall(),
                100.0 * with.recall(),
                without.leaks,
                without.others
            )
            .unwrap();
        }
        let mut before = None;
        for ((label, kind), verdicts) in &self.kinds {
            if before.replace(*label) != Some(*label) {
                writeln!(text, "  {}, by kind, without durations", heading(*label)).unwrap();
            }
            let (all, leaks) = called(verdicts.iter());
            let called = format!("{leaks} of {all}");
            writeln!(
                text,
                "    {kind:<32} called leak {called:>12}: {}",
                counted(verdicts)
            )
            .unwrap();
        }
        text
    }

    /// What is judged wrong, each with its curves.
    pub(crate) fn faults(&self) -> String {
        self.faults.join("")
    }
}

fn heading(label: Label) -> &'static str {
    match label {
        Label::Leak => "leaks",
        Label::NoLeak => "no leaks",
        Label::TooFew => "undecidable, as it leaked too few blocks to show it",
        Label::StopsLater => "undecidable, as it stops only after the run",
        Label::Between => "undecidable, as it neither stops nor goes on in proportion",
    }
}

/// How many verdicts there are, and how many of them say leak.
fn called<'a>(verdicts: impl Iterator<Item = (&'a String, &'a usize)>) -> (usize, usize) {
    verdicts.fold((0, 0), |(all, leaks), (verdict, count)| {
        (
            all + count,
            leaks + count * usize::from(calls_leak(verdict)),
        )
    })
}

/// The most frequent first.
fn counted(verdicts: &BTreeMap<String, usize>) -> String {
    let mut sorted: Vec<_> = verdicts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let words = sorted
        .iter()
        .map(|(verdict, count)| format!("{verdict} {count}"));
    words.collect::<Vec<_>>().join(", ")
}
