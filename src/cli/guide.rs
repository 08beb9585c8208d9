//! `mtrace-diff guide`.

use std::io::{self, IsTerminal};

use clap::Args;

use super::clean::{Escape, print};
use super::terminal::{Color, terminal_width};
use crate::error::{Error, Result, UsageError};
use crate::guide::{CHAPTERS, Chapter, render};
use crate::printable::printable;

/// Longer lines are read badly, however wide the terminal is.
const WIDEST: usize = 100;

/// For a file or a pipe.
const USUAL: usize = 80;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mtrace-diff guide
  mtrace-diff guide recording
  mtrace-diff guide --color always gate | less -R")]
pub(super) struct GuideArgs {
    /// The chapter, or the beginning of its name; without it, the list of chapters
    #[arg(value_name = "CHAPTER")]
    chapter: Option<String>,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    /// Fit the text to this many columns
    #[arg(long, value_name = "COLUMNS")]
    width: Option<u16>,
}

pub(super) fn guide(args: &GuideArgs) -> Result<()> {
    let color = args.color.is_on();
    let of_terminal = || terminal_width().filter(|_| io::stdout().is_terminal());
    let columns = match (args.width, of_terminal()) {
        (Some(given), _) => usize::from(given),
        (None, Some(terminal)) => usize::from(terminal).min(WIDEST),
        (None, None) => USUAL,
    };
    let text = match &args.chapter {
        Some(name) => render(chapter(name)?.text, columns, color),
        None => contents(),
    };
    print(Escape::Text, color, |out| {
        out.write_all(text.as_bytes())?;
        Ok::<(), Error>(())
    })
}

fn chapter(name: &str) -> Result<&'static Chapter> {
    Chapter::named(name).ok_or_else(|| {
        Error::Usage(UsageError::NoChapter {
            name: printable(name).into_owned(),
            chapters: CHAPTERS
                .iter()
                .map(|chapter| chapter.name)
                .collect::<Vec<_>>()
                .join(", "),
        })
    })
}

fn contents() -> String {
    let mut out = "Chapters of the guide:\n\n".to_owned();
    for Chapter { name, about, .. } in CHAPTERS {
        out += &format!("  {name:<18}{about}\n");
    }
    out + "\nmtrace-diff guide CHAPTER shows one. The beginning of its name is enough.\n"
}

#[cfg(test)]
mod tests {
    use super::super::options::Cli;
    use super::*;
    use clap::Parser;

    /// Commands of the `sh` blocks of a text, with the words that clap would get.
    fn commands(text: &str) -> Vec<Vec<&str>> {
        let blocks = text.split("```sh\n").skip(1);
        let blocks = blocks.filter_map(|block| block.split("```").next());
        let lines = blocks.flat_map(str::lines);
        let lines = lines.map(|line| line.split("  #").next().unwrap_or(line));
        let commands = lines.flat_map(|line| line.split(['|', '&', ';']));
        commands
            .map(|command| command.split_whitespace().collect::<Vec<_>>())
            .filter(|words| words.first() == Some(&"mtrace-diff"))
            .collect()
    }

    #[test]
    fn every_command_of_the_readme_and_the_guide_is_understood() {
        let texts = CHAPTERS.iter().map(|chapter| (chapter.name, chapter.text));
        let readme = ("README", include_str!("../../README.md"));
        let mut seen = 0;
        for (name, text) in texts.chain([readme]) {
            for words in commands(text) {
                seen += 1;
                let parsed = Cli::try_parse_from(&words);
                assert!(parsed.is_ok(), "{name}: {words:?}: {:?}", parsed.err());
            }
        }
        assert!(seen >= 15, "{seen}");
    }

    #[test]
    fn a_chapter_is_found_by_its_name_or_the_beginning_of_it() {
        let named = |name| Chapter::named(name).map(|chapter| chapter.name);
        assert_eq!(named("gate"), Some("gate"));
        assert_eq!(named("recording"), Some("recording"));
        assert_eq!(named("recording-"), Some("recording-format"));
        assert_eq!(named("Old"), Some("old-tools"));
        assert_eq!(named("中文"), Some("zh"));
        assert_eq!(named("g"), None, "gate or growth");
        assert_eq!(named(""), None);
        assert_eq!(named("nothing"), None);
    }
}
