//! Which source file of one run is which of another.

use std::collections::{BTreeMap, BTreeSet};

use super::candidate::Candidate;
use crate::diff::files::pair_files;
use crate::diff::site::ModuleKey;

/// Files of the old run by their paths in the new one.
#[derive(Debug, Default)]
pub struct Files {
    by_new: BTreeMap<ModuleKey, BTreeMap<String, String>>,
    /// Those with another name: what says so is less than a path.
    renamed: BTreeMap<(ModuleKey, String), String>,
    old: BTreeSet<(ModuleKey, String)>,
}

impl Files {
    pub fn new(old: &[Candidate], new: &[Candidate]) -> Self {
        let (old, new) = (files_of(old), files_of(new));
        let mut files = Files::default();
        for (module, new) in &new {
            let Some(old) = old.get(module) else { continue };
            for (old, new) in pair_files(old, new) {
                let by_new = files.by_new.entry((*module).clone()).or_default();
                by_new.insert(new.to_owned(), old.to_owned());
                files.old.insert(((*module).clone(), old.to_owned()));
            }
        }
        files
    }

    pub fn all(&self) -> impl Iterator<Item = (ModuleKey, String, String)> + '_ {
        self.by_new.iter().flat_map(|(module, files)| {
            let pair = |(new, old): (&String, &String)| (module.clone(), old.clone(), new.clone());
            files.iter().map(pair)
        })
    }

    /// The old path of a new file; its own if it has none.
    pub fn old_path<'a>(&'a self, module: &ModuleKey, file: &'a str) -> &'a str {
        let files = self.by_new.get(module);
        let old = files.and_then(|files| files.get(file));
        let renamed = || self.renamed.get(&(module.clone(), file.to_owned()));
        old.or_else(renamed).map_or(file, String::as_str)
    }

    pub fn add_renamed(&mut self, module: &ModuleKey, old: &str, new: &str) {
        let new = (module.clone(), new.to_owned());
        self.renamed.insert(new, old.to_owned());
    }

    pub fn is_renamed(&self, module: &ModuleKey, new: &str) -> bool {
        self.renamed.contains_key(&(module.clone(), new.to_owned()))
    }

    pub fn lives_on(&self, module: &ModuleKey, old: &str) -> bool {
        self.old.contains(&(module.clone(), old.to_owned()))
    }

    pub fn was_there(&self, module: &ModuleKey, new: &str) -> bool {
        let files = self.by_new.get(module);
        files.is_some_and(|files| files.contains_key(new))
    }
}

/// The files of each module that its sites are in.
pub fn files_of(sites: &[Candidate]) -> BTreeMap<&ModuleKey, BTreeSet<&str>> {
    let mut files: BTreeMap<&ModuleKey, BTreeSet<&str>> = BTreeMap::new();
    for site in sites {
        if let Some(module) = &site.module {
            let of_site = site.chain.iter().filter_map(|step| step.file.as_deref());
            files.entry(module).or_default().extend(of_site);
        }
    }
    files
}
