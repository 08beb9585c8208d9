//! The source files that a file with debug information was compiled from.

use gimli::Unit;

use super::budget::Slice;

/// More files, or longer paths in all, are not kept.
const MOST_FILES: usize = 1 << 16;
const MOST_BYTES: usize = 16 << 20;

/// Collected unit by unit; each says which file it was made of, whether or not any line of it is called.
#[derive(Debug, Default)]
pub(super) struct SourceFiles {
    files: Vec<String>,
    bytes: usize,
    lacks_some: bool,
}

impl SourceFiles {
    pub(super) fn add(&mut self, unit: &Unit<Slice<'_>>) {
        // The name of a skeleton is in another file, and what `dwz` shares has none.
        self.lacks_some |= unit.dwo_id.is_some();
        let Some(name) = unit.name else { return };
        let length = name.len() + unit.comp_dir.map_or(0, |directory| directory.len());
        self.bytes = self.bytes.saturating_add(length);
        self.lacks_some |= self.bytes > MOST_BYTES || self.files.len() >= MOST_FILES;
        if !self.lacks_some {
            let name = name.to_string_lossy();
            let directory = unit.comp_dir.map(|directory| directory.to_string_lossy());
            self.files.push(path(directory.as_deref(), &name));
        }
    }

    /// The files, sorted, if they are all that there are.
    pub(super) fn all(mut self) -> Option<Vec<String>> {
        self.files.sort_unstable();
        (!self.lacks_some && !self.files.is_empty()).then_some(self.files)
    }
}

/// A path as line tables spell it.
fn path(directory: Option<&str>, name: &str) -> String {
    match directory {
        Some(directory) if !name.starts_with('/') => {
            let between = if directory.ends_with('/') { "" } else { "/" };
            format!("{directory}{between}{name}")
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_below_the_directory_of_the_compiler() {
        assert_eq!(path(Some("/src"), "net/a.c"), "/src/net/a.c");
        assert_eq!(path(Some("."), "a.c"), "./a.c");
        assert_eq!(path(Some("/"), "a.c"), "/a.c");
        assert_eq!(path(Some("/src"), "/other/a.c"), "/other/a.c");
        assert_eq!(path(None, "a.c"), "a.c");
    }
}
