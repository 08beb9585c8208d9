//! Callers behind text of another writer.

use hashbrown::{HashMap, HashSet};

use super::block::CallerId;
use super::caller_list::Callers;
use super::line::Caller;
use super::parse::last_mark;

/// A caller as the log spells it.
#[derive(Debug)]
pub struct CallerEntry {
    pub text: Box<[u8]>,
    pub first_line: u64,
}

/// The callers of a log without what another writer put before them.
///
/// Of callers like `progress 10%@ ./app:[0x1]` or `./app:[0x12@ ./app:[0x1]`, another writer's text, or half a
/// line of another process, stands before a line of the log. Since a path can hold `@ ` too, a caller is only
/// parted where what is left is of a file that the log knows otherwise.
#[derive(Debug)]
pub struct Parted {
    pub callers: Callers,
    /// By the callers' numbers.
    pub is: Vec<CallerId>,
    /// The numbers of those that are another caller behind some text.
    pub glued: Vec<usize>,
}

impl Parted {
    /// `ids` are the numbers of all texts.
    pub fn new(entries: &[CallerEntry], ids: &HashMap<Box<[u8]>, CallerId>) -> Self {
        let parsed: Vec<Caller<'_>> = entries.iter().map(|e| Caller::parse(&e.text)).collect();
        let glued = glued(entries, &parsed);
        let mut callers = Callers::default();
        let own = |(number, caller)| (!glued.contains_key(&number)).then(|| callers.add(caller));
        let own: Vec<Option<CallerId>> = parsed.into_iter().enumerate().map(own).collect();
        let mut added = HashMap::new();
        let is = own.iter().enumerate().map(|(number, is)| match is {
            Some(is) => *is,
            None => {
                let (text, caller) = glued[&number];
                let known = ids.get(text).and_then(|id| own[id.0 as usize]);
                known.unwrap_or_else(|| *added.entry(text).or_insert_with(|| callers.add(caller)))
            }
        });
        let is = is.collect();
        let glued = glued.into_keys().collect();
        Parted { callers, is, glued }
    }
}

/// What stands behind the foreign text in callers that have some, by their numbers.
fn glued<'a>(
    entries: &'a [CallerEntry],
    parsed: &[Caller<'a>],
) -> HashMap<usize, (&'a [u8], Caller<'a>)> {
    let is_whole = |entry: &CallerEntry| last_mark(&entry.text).is_none();
    let (whole, marked): (Vec<usize>, Vec<usize>) =
        (0..entries.len()).partition(|number| is_whole(&entries[*number]));
    if marked.is_empty() {
        return HashMap::new();
    }
    let files: HashSet<&[u8]> = whole.iter().filter_map(|at| parsed[*at].file).collect();
    let behind = |number: usize| {
        let text = &entries[number].text;
        let text = &text[last_mark(text)?..];
        let text = text.strip_prefix(b"@ ").unwrap_or(text);
        let caller = Caller::parse(text);
        let is_known = files.contains(caller.file?);
        is_known.then_some((number, (text, caller)))
    };
    marked.into_iter().filter_map(behind).collect()
}
