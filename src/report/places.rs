//! Source paths of a table, without the directory that most of them share.

use std::collections::BTreeMap;

/// The directory that is taken off the paths of a table, with its slash at the end; empty if there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sources(String);

impl Sources {
    /// The one that all files share; if that says little, as `/` or `/usr` do, the one that saves most.
    pub(super) fn of<'a>(files: impl IntoIterator<Item = &'a str>) -> Self {
        // Files below each directory.
        let mut below: BTreeMap<&str, usize> = BTreeMap::new();
        let mut all = 0;
        for file in files {
            all += 1;
            let ends = file.match_indices('/').map(|(at, _)| &file[..=at]);
            for directory in ends.filter(|directory| *directory != "/") {
                *below.entry(directory).or_default() += 1;
            }
        }
        let names = |directory: &str| directory.matches('/').count();
        let shared = below.iter().filter(|(_, files)| **files == all);
        let shared = shared
            .map(|(directory, _)| *directory)
            .max_by_key(|directory| directory.len());
        let is_enough = |directory: &&str| names(directory) > 2;
        let saved = |(directory, files): &(&&str, &usize)| directory.len() * **files;
        let most = below
            .iter()
            .filter(|(_, files)| **files * 2 > all)
            .max_by_key(saved);
        let chosen = shared
            .filter(is_enough)
            .or(most.map(|(directory, _)| *directory));
        Sources(chosen.unwrap_or_default().to_owned())
    }

    /// What is left of a path.
    pub(super) fn short<'a>(&self, path: &'a str) -> &'a str {
        path.strip_prefix(&self.0)
            .filter(|rest| !rest.is_empty())
            .unwrap_or(path)
    }

    /// `sources in /src/`
    pub(super) fn text(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| format!("sources in {}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_share_is_taken_off_or_else_what_most_share() {
        for (files, expected) in [
            (&["/src/a.c", "/src/b.c"][..], "/src/"),
            (
                &["/home/me/app/net/a.c", "/home/me/app/b.c"],
                "/home/me/app/",
            ),
            (
                &["/src/a.c", "/src/b.c", "/usr/include/c++/12/bits/x.h"],
                "/src/",
            ),
            (
                &["/opt/app/src/net/a.c", "/opt/app/src/b.c", "/opt/lib/c.c"],
                "/opt/app/src/",
            ),
            (&["src/a.c", "src/b.c"], "src/"),
            (&["/src/a.c"], "/src/"),
            (&["/a/x.c", "/b/y.c"], ""),
            (&["a.c", "b.c"], ""),
            (&["/a.c"], ""),
            (&[], ""),
        ] {
            assert_eq!(Sources::of(files.iter().copied()).0, expected, "{files:?}");
        }
    }

    #[test]
    fn a_path_of_elsewhere_stays_whole() {
        let sources = Sources("/src/".to_owned());
        assert_eq!(sources.short("/src/net/a.c:3"), "net/a.c:3");
        assert_eq!(sources.short("/srcs/a.c:3"), "/srcs/a.c:3");
        assert_eq!(Sources::default().short("/src/a.c:3"), "/src/a.c:3");
        assert_eq!(sources.text().as_deref(), Some("sources in /src/"));
        assert_eq!(Sources::default().text(), None);
    }
}
