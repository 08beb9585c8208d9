//! The guide, a chapter per module: the same text that `mtrace-diff guide CHAPTER` shows in a terminal.

mod render;

pub(crate) use render::render;

/// A chapter of the guide.
#[derive(Debug, Clone, Copy)]
pub struct Chapter {
    /// What it is asked for by.
    pub name: &'static str,
    /// What it is about, in a line.
    pub about: &'static str,
    /// Its text, in Markdown.
    pub text: &'static str,
}

/// Targets of links between chapters, for rustdoc. Of two definitions the first one counts: here links lead to modules, and
/// elsewhere to files, as the chapters themselves have it.
macro_rules! chapter_links {
    () => {
        concat!(
            "[recording]: crate::guide::recording\n",
            "[capture]: crate::guide::capture\n",
            "[reading]: crate::guide::reading\n",
            "[growth]: crate::guide::growth\n",
            "[gate]: crate::guide::gate\n",
            "[baselines]: crate::guide::baselines\n",
            "[matching]: crate::guide::matching\n",
            "[old-tools]: crate::guide::old_tools\n",
            "[limits]: crate::guide::limits\n",
            "[speed]: crate::guide::speed\n",
            "[trust]: crate::guide::trust\n",
            "[formats]: crate::guide::formats\n",
            "[recording-format]: crate::guide::recording_format\n",
            "[unwind-tables]: crate::guide::unwind_tables\n",
        )
    };
}

/// The chapters, and each of them as a page of this documentation.
macro_rules! chapters {
    ($($name:literal $module:ident $file:literal $about:literal)*) => {
        $(
            #[doc = chapter_links!()]
            #[doc = ""]
            #[doc = include_str!($file)]
            // Other brackets stand for themselves: rustdoc is not the only reader.
            #[allow(rustdoc::broken_intra_doc_links)]
            pub mod $module {}
        )*

        /// The chapters, in the order in which a person might read them.
        pub const CHAPTERS: &[Chapter] = &[$(
            Chapter { name: $name, about: $about, text: include_str!($file) },
        )*];
    };
}

chapters! {
    "recording" recording "recording.md" "record a program unchanged, here or on a board"
    "capture" capture "capture.md" "glibc's own mtrace(), and logs that you already have"
    "reading" reading "reading.md" "the table, and every option"
    "stacks" stacks "stacks.md" "which line a row names, its callers, and leaks behind wrappers"
    "growth" growth "growth.md" "verdicts, rates, and how long the memory lasts"
    "gate" gate "gate.md" "fail a CI job"
    "baselines" baselines "baselines.md" "a few KB that replace a run"
    "matching" matching "matching.md" "how call sites are matched between builds"
    "old-tools" old_tools "old-tools.md" "mtrace(1) and mtrace_do.py, and what they get wrong"
    "limits" limits "limits.md" "known limits, and what to do about them"
    "speed" speed "speed.md" "measurements"
    "trust" trust "trust.md" "what it was tested against"
    "formats" formats "formats.md" "JSON, and where the other formats are described"
    "recording-format" recording_format "recording-format.md" "the file that the recorder writes"
    "unwind-tables" unwind_tables "unwind-tables.md" "the file that the recorder walks stacks by"
    "code" code "code.md" "how the source is laid out"
    "zh" zh "zh.md" "中文说明"
}

impl Chapter {
    /// The chapter of this name, or the only one whose name begins like this.
    pub(crate) fn named(name: &str) -> Option<&'static Chapter> {
        let name = name.trim().to_lowercase();
        let name = name.strip_suffix(".md").unwrap_or(&name);
        let name = match name {
            "中文" | "中文说明" => "zh",
            name => name,
        };
        let exact = CHAPTERS.iter().find(|chapter| chapter.name == name);
        exact.or_else(|| {
            let mut alike = CHAPTERS
                .iter()
                .filter(|chapter| !name.is_empty() && chapter.name.starts_with(name));
            let only = alike.next()?;
            alike.next().is_none().then_some(only)
        })
    }
}
