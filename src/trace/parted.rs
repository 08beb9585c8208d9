//! Callers behind text of another writer.

use hashbrown::{HashMap, HashSet};

use super::block::CallerId;
use super::caller_list::Callers;
use super::caller_texts::Texts;
use super::line::{LogCaller, last_mark};

/// The callers of a log without what another writer put before them.
///
/// Of callers like `progress 10%@ ./app:[0x1]` or `./app:[0x12@ ./app:[0x1]`, another writer's text, or half a
/// line of another process, stands before a line of the log. Since a path can hold `@ ` too, a caller is only
/// parted where what is left is of a file that the log knows otherwise.
#[derive(Debug)]
pub(super) struct Parted {
    pub callers: Callers,
    /// By the callers' numbers.
    pub is: Vec<CallerId>,
    /// The numbers of those that are another caller behind some text.
    pub glued: Vec<usize>,
}

impl Parted {
    pub(super) fn new(texts: &Texts) -> Self {
        let is_marked = |number: &usize| last_mark(texts.text(*number as u32)).is_some();
        let marked: Vec<usize> = (0..texts.len()).filter(is_marked).collect();
        // There can be a million of them, which are kept only where they tell of others.
        let parsed: Vec<LogCaller<'_>> = match marked.is_empty() {
            true => Vec::new(),
            false => texts.iter().map(LogCaller::parse).collect(),
        };
        let glued = glued(texts, &marked, &parsed);
        let mut callers = Callers::default();
        let own = (0..texts.len()).map(|number| {
            let parsed = parsed.get(number).copied();
            let caller = parsed.unwrap_or_else(|| LogCaller::parse(texts.text(number as u32)));
            (!glued.contains_key(&number)).then(|| callers.add(caller))
        });
        let own: Vec<Option<CallerId>> = own.collect();
        let mut added = HashMap::new();
        let is = own.iter().enumerate().map(|(number, is)| match is {
            Some(is) => *is,
            None => {
                let (text, caller) = glued[&number];
                let known = texts.find(texts.hash(text), text);
                let known = known.and_then(|number| own[number as usize]);
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
    texts: &'a Texts,
    marked: &[usize],
    parsed: &[LogCaller<'a>],
) -> HashMap<usize, (&'a [u8], LogCaller<'a>)> {
    let mut is_whole = vec![true; parsed.len()];
    marked.iter().for_each(|number| is_whole[*number] = false);
    let whole = parsed.iter().zip(is_whole).filter(|(_, is)| *is);
    let files: HashSet<&[u8]> = whole.filter_map(|(caller, _)| caller.file).collect();
    let behind = |&number: &usize| {
        let text = texts.text(number as u32);
        let text = &text[last_mark(text)?..];
        let text = text.strip_prefix(b"@ ").unwrap_or(text);
        let caller = LogCaller::parse(text);
        let is_known = files.contains(caller.file?);
        is_known.then_some((number, (text, caller)))
    };
    marked.iter().filter_map(behind).collect()
}
