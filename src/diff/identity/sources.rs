//! Which source file of one run is which of another.

use std::collections::{BTreeMap, BTreeSet};

use super::candidate::Candidate;
use super::known::Known;
use crate::diff::files::FilePairs;
use crate::diff::module_key::{ModuleKey, SourceFile};
use crate::run::Text;

/// A file whose path changed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RenamedFile {
    /// As the earlier runs call it.
    pub module: ModuleKey,
    pub old: String,
    pub new: String,
}

/// Files of the old run by their paths in the new one.
#[derive(Debug, Default)]
pub(super) struct PairedFiles {
    by_new: BTreeMap<ModuleKey, BTreeMap<String, String>>,
    /// Those with another name: what says so is less than a path.
    renamed: BTreeMap<SourceFile, String>,
    old: BTreeSet<SourceFile>,
    /// New files that may be others than what they are paired with.
    doubtful: BTreeSet<SourceFile>,
    /// Modules of which all files are known, of both runs.
    known: BTreeSet<ModuleKey>,
}

impl PairedFiles {
    pub(super) fn new(old: Known<'_>, new: Known<'_>) -> Self {
        let (old_sources, new_sources) = (old.sources(), new.sources());
        let (old, new) = (files_of(old.sites), files_of(new.sites));
        let mut files = PairedFiles::default();
        for (module, new) in new {
            let Some(old) = old.get(module) else { continue };
            let mut pairs = FilePairs::new(old.clone(), new);
            if let (Some(old), Some(new)) = (old_sources.get(module), new_sources.get(module)) {
                files.known.insert(module.clone());
                pairs.add_quiet(texts(old), texts(new));
            }
            for pair in pairs.pairs() {
                let by_new = files.by_new.entry(module.clone()).or_default();
                by_new.insert(pair.new.to_owned(), pair.old.to_owned());
                files.old.insert(SourceFile::new(module, pair.old));
                if pair.unsure {
                    files.doubtful.insert(SourceFile::new(module, pair.new));
                }
            }
        }
        files
    }

    pub(super) fn all(&self) -> impl Iterator<Item = RenamedFile> + '_ {
        self.by_new.iter().flat_map(|(module, files)| {
            let pair = |(new, old): (&String, &String)| RenamedFile {
                module: module.clone(),
                old: old.clone(),
                new: new.clone(),
            };
            files.iter().map(pair)
        })
    }

    /// The old path of a new file; its own if it has none.
    pub(super) fn old_path<'a>(&'a self, module: &ModuleKey, file: &'a str) -> &'a str {
        let files = self.by_new.get(module);
        let old = files.and_then(|files| files.get(file));
        let renamed = || self.renamed.get(&SourceFile::new(module, file));
        old.or_else(renamed).map_or(file, String::as_str)
    }

    pub(super) fn add_renamed(&mut self, file: RenamedFile) {
        let new = SourceFile::new(&file.module, &file.new);
        self.renamed.insert(new, file.old);
    }

    pub(super) fn is_renamed(&self, module: &ModuleKey, new: &str) -> bool {
        self.renamed.contains_key(&SourceFile::new(module, new))
    }

    pub(super) fn lives_on(&self, module: &ModuleKey, old: &str) -> bool {
        self.old.contains(&SourceFile::new(module, old))
    }

    /// Whether it is known of every file of a module if it is there.
    pub(super) fn knows(&self, module: &ModuleKey) -> bool {
        self.known.contains(module)
    }

    /// Whether a site lies in a file that may be another than the one that it is taken for.
    pub(super) fn is_doubtful(&self, new: &Candidate) -> bool {
        let Some(module) = &new.module else {
            return false;
        };
        let mut files = new.chain.iter().filter_map(|step| step.file.as_deref());
        let is_doubtful = |file: &str| self.doubtful.contains(&SourceFile::new(module, file));
        !self.doubtful.is_empty() && files.any(is_doubtful)
    }

    pub(super) fn was_there(&self, module: &ModuleKey, new: &str) -> bool {
        let files = self.by_new.get(module);
        files.is_some_and(|files| files.contains_key(new))
    }
}

fn texts(files: &BTreeSet<Text>) -> impl Iterator<Item = &str> {
    files.iter().map(|file| &**file)
}

/// The files of each module that its sites are in.
pub(crate) fn files_of(sites: &[Candidate]) -> BTreeMap<&ModuleKey, BTreeSet<&str>> {
    let mut files: BTreeMap<&ModuleKey, BTreeSet<&str>> = BTreeMap::new();
    for site in sites {
        if let Some(module) = &site.module {
            let of_site = site.chain.iter().filter_map(|step| step.file.as_deref());
            files.entry(module).or_default().extend(of_site);
        }
    }
    files
}
