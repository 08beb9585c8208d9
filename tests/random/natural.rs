//! Which sites the sources do not tell apart.
//!
//! A person who has both versions of a function, without the numbers that this harness gave to its
//! sites, sees calls in an order, at lines counted from the head of the function, each with a size (a
//! number, or one that varies). A site is *decidable* if the natural reading of the two lists is the
//! truth. A reading keeps the order, pairs equal sizes, as many as possible, and of such readings
//! those with the most lines that did not move; if a site has one partner in all of them, and that is
//! the true one, it is decidable. So is one whose size no other site of the function has, in both
//! versions: that tells even where the order changed; and each site of a function whose list has
//! only other sizes, but as many sites, in the same order.
//!
//! A site is *contested* if it is decidable, but the calls stand at just the lines where they stood, and it
//! at another of them: its size says one thing, its line the other, as when two calls of
//! unequal sizes were swapped. Two that changed their sizes look the same in a binary and a log.
//!
//! What is left is undecidable: two calls of one size that were swapped, one replaced by another, one
//! inserted beside its equal. Without lines the list of a function is what its symbol holds, in the
//! order of the addresses.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Function, Label, Program, Site};
use crate::render::Sources;

/// A call as a person sees it; the label is what nobody sees.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub label: Label,
    /// `None` varies.
    pub size: Option<usize>,
    /// Counted from the head of the function; without lines, the place in the order.
    pub line: usize,
    /// The line at which its statement begins, by which debug information can call it as well.
    pub statement: usize,
}

/// What the sources do not tell, or not with one voice.
#[derive(Default, Debug)]
pub(crate) struct Doubts {
    pub undecidable: BTreeSet<Label>,
    pub contested: BTreeSet<Label>,
}

impl Doubts {
    fn add(&mut self, one: &[Call], two: &[Call], lines: bool) {
        self.undecidable.extend(of_function(one, two, lines));
        self.contested.extend(contested(one, two));
    }
}

/// The doubts about sites where both builds have lines.
pub(crate) fn with_lines(before: (&Program, &Sources), after: (&Program, &Sources)) -> Doubts {
    let calls = |(_, sources): (&Program, &Sources), function: &Function| -> Vec<Call> {
        let of = |site: &&Site| Call {
            label: site.label,
            size: site.fixed_size(),
            line: sources.lines[&site.label].call,
            statement: sources.lines[&site.label].statement,
        };
        function.sites().iter().map(of).collect()
    };
    let mut doubts = Doubts::default();
    for function in before.0.functions() {
        if let Some(then) = after.0.functions().find(|f| f.id == function.id) {
            let one = calls(before, function);
            doubts.add(&one, &calls(after, then), true);
        }
    }
    doubts
}

/// The symbols of a module by address, and the site of each call in it.
pub(crate) type Module<'a> = (&'a BTreeMap<u64, String>, &'a [(u64, Label)]);

/// The doubts about the sites of a module without lines: what is known is the symbol that holds a
/// call, and the order of the calls in it. Symbols that are there twice, or in one build only, tell nothing.
pub(crate) fn without_lines(programs: [&Program; 2], modules: [Module; 2]) -> Doubts {
    let [before, after] = [0, 1].map(|run| {
        let (symbols, places) = modules[run];
        let mut calls: BTreeMap<&str, Vec<Call>> = BTreeMap::new();
        for &(address, label) in places {
            let Some((_, name)) = symbols.range(..address).next_back() else {
                continue;
            };
            let size = programs[run].functions().flat_map(Function::sites);
            let size = size
                .into_iter()
                .find(|s| s.label == label)
                .and_then(Site::fixed_size);
            let calls = calls.entry(name).or_default();
            if calls.last().is_none_or(|call| call.label != label) {
                calls.push(Call {
                    label,
                    size,
                    line: calls.len(),
                    statement: calls.len(),
                });
            }
        }
        calls
    });
    let twice = |name: &str| {
        modules
            .iter()
            .any(|(symbols, _)| symbols.values().filter(|n| *n == name).count() > 1)
    };
    let mut doubts = Doubts::default();
    for (name, one) in &before {
        match after.get(name) {
            Some(two) if !twice(name) => doubts.add(one, two, false),
            _ => doubts.undecidable.extend(one.iter().map(|call| call.label)),
        }
    }
    for (name, two) in &after {
        if twice(name) || !before.contains_key(name) {
            doubts.undecidable.extend(two.iter().map(|call| call.label));
        }
    }
    doubts
}

/// The labels that stand at a line where another call stood, though the lines of the calls are the same.
pub(crate) fn contested(one: &[Call], two: &[Call]) -> BTreeSet<Label> {
    let lines = |calls: &[Call]| calls.iter().map(|c| c.line).collect::<Vec<_>>();
    let statements = |calls: &[Call]| calls.iter().map(|c| c.statement).collect::<Vec<_>>();
    if lines(one) != lines(two) && statements(one) != statements(two) {
        return BTreeSet::new();
    }
    let pairs = one.iter().zip(two).filter(|(a, b)| a.label != b.label);
    pairs.flat_map(|(a, b)| [a.label, b.label]).collect()
}

/// The labels that are undecidable in two versions of one list of calls.
pub(crate) fn of_function(one: &[Call], two: &[Call], lines: bool) -> BTreeSet<Label> {
    let order = |calls: &[Call]| calls.iter().map(|c| c.label).collect::<Vec<_>>();
    let mut unclear = BTreeSet::new();
    if order(one) == order(two) {
        return unclear;
    }
    let unique =
        |calls: &[Call], size: Option<usize>| calls.iter().filter(|c| c.size == size).count() == 1;
    let partners = readings(one, two, lines);
    for (i, call) in one.iter().enumerate() {
        let truth = two.iter().position(|c| c.label == call.label);
        let by_size = truth.is_some_and(|j| {
            two[j].size == call.size && unique(one, call.size) && unique(two, call.size)
        });
        let by_reading = partners[i].len() == 1 && partners[i].contains(&truth);
        if !by_size && !by_reading && !between(one, two, &partners, i, truth) {
            unclear.insert(call.label);
        }
    }
    // A new site is as unclear as the old one that a reading takes it for, or in whose place it stands.
    for (j, call) in two.iter().enumerate() {
        let is_new = one.iter().all(|c| c.label != call.label);
        let taken = partners
            .iter()
            .enumerate()
            .any(|(i, partners)| partners.contains(&Some(j)) && one[i].label != call.label);
        let gone_beside = one.iter().any(|c| unclear.contains(&c.label));
        if is_new && (taken || gone_beside) {
            unclear.insert(call.label);
        }
    }
    // Where one went and another came between the same neighbours, it may be one that changed.
    let gone = one
        .iter()
        .enumerate()
        .filter(|(_, c)| two.iter().all(|d| d.label != c.label));
    for (i, call) in gone {
        let previous = one[..i]
            .iter()
            .rev()
            .find_map(|c| two.iter().position(|d| d.label == c.label));
        let next = one[i + 1..]
            .iter()
            .find_map(|c| two.iter().position(|d| d.label == c.label));
        let from = previous.map_or(0, |j| j + 1);
        let to = next.unwrap_or(two.len());
        for other in two.get(from..to).unwrap_or_default() {
            if one.iter().all(|c| c.label != other.label) {
                unclear.insert(call.label);
                unclear.insert(other.label);
            }
        }
    }
    unclear
}

/// Whether a call whose size changed is the only one between two that are clear, in both versions.
fn between(
    one: &[Call],
    two: &[Call],
    partners: &[BTreeSet<Option<usize>>],
    i: usize,
    truth: Option<usize>,
) -> bool {
    let Some(j) = truth else {
        return false;
    };
    let clear = |i: usize, j: usize| {
        one[i].label == two[j].label && partners[i].len() == 1 && partners[i].contains(&Some(j))
    };
    let taken = partners.iter().any(|partners| partners.contains(&Some(j)));
    let before = (i == 0 && j == 0) || (i > 0 && j > 0 && clear(i - 1, j - 1));
    let last = (i + 1 == one.len(), j + 1 == two.len());
    let after = last == (true, true) || (last == (false, false) && clear(i + 1, j + 1));
    !taken && before && after
}

/// For each of `one`, its partners over all best readings (`None`: gone).
fn readings(one: &[Call], two: &[Call], lines: bool) -> Vec<BTreeSet<Option<usize>>> {
    type Score = (usize, usize);
    let (n, m) = (one.len(), two.len());
    let weight = |i: usize, j: usize| -> Option<Score> {
        (one[i].size == two[j].size).then(|| (1, usize::from(lines && one[i].line == two[j].line)))
    };
    let add = |a: Score, b: Score| (a.0 + b.0, a.1 + b.1);
    let mut head = vec![vec![(0, 0); m + 1]; n + 1];
    let mut tail = vec![vec![(0, 0); m + 1]; n + 1];
    for i in 1..=n {
        for j in 1..=m {
            let pair = weight(i - 1, j - 1).map_or((0, 0), |w| add(head[i - 1][j - 1], w));
            head[i][j] = pair.max(head[i - 1][j]).max(head[i][j - 1]);
        }
    }
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            let pair = weight(i, j).map_or((0, 0), |w| add(tail[i + 1][j + 1], w));
            tail[i][j] = pair.max(tail[i + 1][j]).max(tail[i][j + 1]);
        }
    }
    let best = head[n][m];
    (0..n)
        .map(|i| {
            let pairs = (0..m).filter(|&j| {
                weight(i, j).is_some_and(|w| add(add(head[i][j], w), tail[i + 1][j + 1]) == best)
            });
            let mut partners: BTreeSet<Option<usize>> = pairs.map(Some).collect();
            if (0..=m).any(|j| add(head[i][j], tail[i + 1][j]) == best) {
                partners.insert(None);
            }
            partners
        })
        .collect()
}
