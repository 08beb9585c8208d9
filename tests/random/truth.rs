//! What the logs themselves say about each row, and how a report compares with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::model::Label;

/// A site, and the function that main called when it ran: what is inlined into two functions is
/// a site in each.
pub(crate) type Atom = (Label, u64);

/// Of each caller of a run (module, address in its file): the atoms that allocated there, with how many times.
pub(crate) type Callers = BTreeMap<(String, u64), BTreeMap<Atom, u64>>;

const FIRST_STAMP: u64 = 1_000_000;
const ROOT: u64 = 10_000;

/// Reads a log of one thread in which a stamp follows each allocation.
pub(crate) fn callers(run: &Path, pie: bool) -> Callers {
    let log = fs::read(run.join("mtrace.log")).unwrap();
    let log = String::from_utf8_lossy(&log);
    let mut callers = Callers::new();
    let mut waiting: Vec<(String, u64)> = Vec::new();
    for line in log.lines() {
        // @ ./app:(f+0x1)[0x1234] + 0x55… 0x18
        let Some((_, rest)) = line.split_once("@ ") else {
            continue;
        };
        let (place, what) = rest.rsplit_once("] ").unwrap();
        let mut what = what.split(' ');
        if !matches!(what.next(), Some("+" | ">")) {
            continue;
        }
        let size = what.nth(1).unwrap_or("0").trim_start_matches("0x");
        let size = u64::from_str_radix(size, 16).unwrap();
        let (module, address) = place.rsplit_once("[0x").unwrap();
        let module = module.split(':').next().unwrap();
        let module = module.rsplit('/').next().unwrap().to_owned();
        let mut address = u64::from_str_radix(address, 16).unwrap();
        if module == "app" && !pie {
            address += 0x40_0000;
        }
        if module == "libkeep.so" && size >= FIRST_STAMP {
            let number = size - FIRST_STAMP;
            let atom = ((number % ROOT) as Label, number / ROOT);
            for caller in waiting.drain(..) {
                *callers.entry(caller).or_default().entry(atom).or_default() += 1;
            }
        } else {
            waiting.push((module, address));
        }
    }
    assert!(!callers.is_empty(), "{}", run.display());
    callers
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// Of each run; empty where the row has none in it.
    pub atoms: [BTreeSet<Atom>; 2],
    pub function: String,
    pub place: String,
    pub matched_by: String,
    pub marked: bool,
}

impl Row {
    pub(crate) fn is_joined(&self) -> bool {
        self.atoms.iter().all(|atoms| !atoms.is_empty())
    }

    pub(crate) fn is_right(&self) -> bool {
        !self.atoms[0].is_disjoint(&self.atoms[1])
    }

    pub(crate) fn labels(&self, run: usize) -> BTreeSet<Label> {
        self.atoms[run].iter().map(|atom| atom.0).collect()
    }
}

/// The rows of a report that allocated for a site. Panics where its counts are not those of the log.
pub(crate) fn rows(document: &Value, callers: &[Callers; 2]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut seen = [0, 0];
    for site in document["sites"].as_array().unwrap() {
        let module = site["module"].as_str().unwrap_or_default();
        let module = module.rsplit('/').next().unwrap().to_owned();
        let mut row = Row {
            function: site["function"].as_str().unwrap_or("?").to_owned(),
            place: format!("{}:{}", site["file"].as_str().unwrap_or("?"), site["line"]),
            matched_by: site["matched_by"].as_str().unwrap_or_default().to_owned(),
            marked: is_marked(site),
            ..Row::default()
        };
        for run in 0..2 {
            let figures = &site["runs"][run];
            let mut expected = 0;
            for address in figures["addresses"].as_array().into_iter().flatten() {
                let address = address.as_str().unwrap().trim_start_matches("0x");
                let address = u64::from_str_radix(address, 16).unwrap();
                if let Some(atoms) = callers[run].get(&(module.clone(), address)) {
                    seen[run] += 1;
                    expected += atoms.values().sum::<u64>();
                    row.atoms[run].extend(atoms.keys());
                }
            }
            if expected > 0 {
                assert_eq!(figures["allocations"], expected, "allocations: {site:#}");
            }
        }
        if row.atoms.iter().any(|atoms| !atoms.is_empty()) {
            rows.push(row);
        }
    }
    for run in 0..2 {
        assert_eq!(
            seen[run],
            callers[run].len(),
            "a caller of run {run} is in no row, or in two"
        );
    }
    rows
}

/// Whether the report says that the row rests on less than an equal line.
fn is_marked(site: &Value) -> bool {
    !matches!(site["matched_by"].as_str(), Some("address" | "line"))
        || site["unsure"] == true
        || site["sure"] == false
}

/// How sites fare: those that the sources tell, those of which line and size say different things, those
/// that the README names as its limits, and those that nothing tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    Decidable,
    Contested,
    Limit,
    Undecidable,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Score {
    pub joined: usize,
    pub right: usize,
    /// Joins that could be had, and those of them that are there.
    pub wanted: usize,
    pub found: usize,
    /// Joined rows that are marked, and wrong ones.
    pub marked: usize,
    pub wrong_marked: usize,
}

impl Score {
    pub(crate) fn add(&mut self, other: &Score) {
        self.joined += other.joined;
        self.right += other.right;
        self.wanted += other.wanted;
        self.found += other.found;
        self.marked += other.marked;
        self.wrong_marked += other.wrong_marked;
    }

    pub(crate) fn precision(&self) -> f64 {
        share(self.right, self.joined)
    }

    pub(crate) fn recall(&self) -> f64 {
        share(self.found, self.wanted)
    }
}

pub(crate) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}

/// What a comparison came to, a verdict a row or a group of rows.
pub(crate) struct Verdict {
    pub labels: BTreeSet<Label>,
    pub score: Score,
    pub text: Option<String>,
}

/// Judges each joined row, and each group of rows that share sites: as many of a group could be joined as
/// the largest matching has.
pub(crate) fn judge(rows: &[Row]) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for row in rows.iter().filter(|row| row.is_joined()) {
        let right = row.is_right();
        let (before, after) = (row.labels(0), row.labels(1));
        let text = (!right).then(|| {
            format!(
                "WRONG {} {} ({}): run0 has {before:?}, run1 has {after:?}",
                row.function, row.place, row.matched_by
            )
        });
        // A right join is about what both have; a wrong one about all.
        let labels = if right {
            before.intersection(&after).copied().collect()
        } else {
            before.union(&after).copied().collect()
        };
        verdicts.push(Verdict {
            labels,
            score: Score {
                joined: 1,
                right: usize::from(right),
                marked: usize::from(row.marked),
                wrong_marked: usize::from(!right && row.marked),
                ..Score::default()
            },
            text,
        });
    }
    let sides: [Vec<usize>; 2] = [0, 1].map(|run| {
        (0..rows.len())
            .filter(|&r| !rows[r].atoms[run].is_empty())
            .collect()
    });
    let edges: BTreeMap<usize, Vec<usize>> = sides[0]
        .iter()
        .map(|&a| {
            let shares = |&b: &usize| !rows[a].atoms[0].is_disjoint(&rows[b].atoms[1]);
            (a, sides[1].iter().copied().filter(shares).collect())
        })
        .collect();
    // The rows that are joined rightly first, so that what is missing shows as missing.
    let mut partner: BTreeMap<usize, usize> = edges
        .iter()
        .filter(|(a, bs)| bs.contains(a))
        .map(|(a, _)| (*a, *a))
        .collect();
    let found: BTreeSet<usize> = partner.keys().copied().collect();
    for &a in edges.keys() {
        if !found.contains(&a) {
            augment(a, &edges, &mut partner, &mut BTreeSet::new());
        }
    }
    // `partner` maps rows of run 1 to rows of run 0.
    for (&b, &a) in &partner {
        let is_found = found.contains(&b);
        // A row that is joined rightly stands for itself, however the matching went round it.
        let a = if is_found { b } else { a };
        let labels = rows[a].atoms[0]
            .intersection(&rows[b].atoms[1])
            .map(|atom| atom.0)
            .collect();
        let text = (!is_found).then(|| {
            format!(
                "MISSED {} {} is {} {}: {labels:?}",
                rows[a].function, rows[a].place, rows[b].function, rows[b].place
            )
        });
        verdicts.push(Verdict {
            labels,
            score: Score {
                wanted: 1,
                found: usize::from(is_found),
                ..Score::default()
            },
            text,
        });
    }
    verdicts
}

fn augment(
    a: usize,
    edges: &BTreeMap<usize, Vec<usize>>,
    partner: &mut BTreeMap<usize, usize>,
    seen: &mut BTreeSet<usize>,
) -> bool {
    for &b in &edges[&a] {
        if seen.insert(b) {
            let free = match partner.get(&b).copied() {
                None => true,
                Some(other) => augment(other, edges, partner, seen),
            };
            if free {
                partner.insert(b, a);
                return true;
            }
        }
    }
    false
}
