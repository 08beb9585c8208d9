//! The words of a command line, before clap gets them.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use super::options::Cli;
use crate::error::{Error, InputError, UsageError};
use crate::printable::printable;

/// Puts the command before its options: `--threads 1 show run0` is `show --threads 1 run0`, which is
/// what clap understands.
pub(super) fn command_first(mut words: Vec<OsString>) -> Vec<OsString> {
    let cli = Cli::command();
    if let Some(at) = position(&cli, &words)
        && at > 1
    {
        let command = words.remove(at);
        words.insert(1, command);
    }
    words
}

/// Where the command is: the first word that is neither an option nor the value of one.
fn position(cli: &Command, words: &[OsString]) -> Option<usize> {
    let mut at = 1;
    while let Some(word) = words.get(at) {
        // Names of options and commands are ASCII; bytes of another word do not matter.
        let text = word.to_string_lossy();
        match text.strip_prefix('-') {
            Some("-") => return None,
            Some(name) if !name.is_empty() => at += 1 + usize::from(has_value_behind(cli, name)),
            _ => return cli.find_subcommand(&*text).map(|_| at),
        }
    }
    None
}

/// Whether the word behind an option is its value: of `--top` and `-o`, not of `--top=5`, `--all` or `-oDIR`.
fn has_value_behind(cli: &Command, name: &str) -> bool {
    let is_this = |arg: &&Arg| match name.strip_prefix('-') {
        Some(long) => arg.get_long() == Some(long),
        None => arg.get_short().is_some_and(|c| name.chars().eq([c])),
    };
    let commands = std::iter::once(cli).chain(cli.get_subcommands());
    let mut arguments = commands.flat_map(Command::get_arguments).filter(is_this);
    arguments
        .next()
        .is_some_and(|arg| arg.get_action().takes_values())
}

/// Letters that a word may differ in to be taken for a command that was mistyped.
const MISTAKES: usize = 2;

/// Whether a run that is not there was meant as a command, which makes it another error.
pub(super) fn meant_as_command(error: Error, runs: &[impl AsRef<Path>]) -> Error {
    let path = match &error {
        Error::Input(InputError::MissingRun { path }) => path,
        Error::Usage(UsageError::OneRun { path }) if !path.exists() => path,
        _ => return error,
    };
    let is_first = runs.first().is_some_and(|run| run.as_ref() == path);
    match closest(path.as_os_str()) {
        Some((command, 0)) => Error::Usage(UsageError::CommandBehind { command }),
        Some((command, mistakes)) if is_first && mistakes <= MISTAKES => {
            Error::Usage(UsageError::NoCommand {
                path: path.clone(),
                command,
            })
        }
        _ => error,
    }
}

/// What is wrong with words that clap does not know, where it would speak of the wrong one: a mistyped command before
/// options, or a program without `--` before it.
pub(super) fn mistaken(words: &[OsString]) -> Option<Error> {
    let first = Path::new(words.get(1)?);
    let cli = Cli::command();
    if first == Path::new("record") {
        return without_dashes(&cli, words);
    }
    let (command, mistakes) = closest(first.as_os_str())?;
    let is_meant = (1..=MISTAKES).contains(&mistakes) && !first.exists();
    is_meant.then(|| {
        Error::Usage(UsageError::NoCommand {
            path: first.to_path_buf(),
            command,
        })
    })
}

fn without_dashes(cli: &Command, words: &[OsString]) -> Option<Error> {
    let mut at = 2;
    loop {
        let word = words.get(at)?.to_string_lossy();
        match word.strip_prefix('-') {
            Some("-") => return None,
            Some(name) if !name.is_empty() => at += 1 + usize::from(has_value_behind(cli, name)),
            _ => break,
        }
    }
    let mut line: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    line[0] = "mtrace-diff".into();
    line.insert(at, "--".into());
    Some(Error::Usage(UsageError::NoDashes {
        line: printable(&line.join(" ")).into_owned(),
    }))
}

/// The command that a word is most like, and in how many letters it differs.
fn closest(word: &OsStr) -> Option<(String, usize)> {
    let word = word.to_str()?;
    let cli = Cli::command();
    let names = cli.get_subcommands().map(Command::get_name);
    let differ = |name: &str| strsim::osa_distance(word, name);
    let names = names.map(|name| (name.to_owned(), differ(name)));
    names.min_by_key(|(_, mistakes)| *mistakes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(line: &str) -> String {
        let words = command_first(line.split(' ').map(OsString::from).collect());
        words.join(OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn options_may_be_before_the_command() {
        for (given, expected) in [
            ("m --threads 1 show run0", "m show --threads 1 run0"),
            ("m --threads=1 -q show run0", "m show --threads=1 -q run0"),
            ("m -o run0 record -- ./app", "m record -o run0 -- ./app"),
            (
                "m --for 2m -orun0 record -- a",
                "m record --for 2m -orun0 -- a",
            ),
            ("m show run0 --all", "m show run0 --all"),
        ] {
            assert_eq!(ordered(given), expected);
        }
    }

    #[test]
    fn what_is_no_command_stays_where_it_is() {
        for line in [
            "m",
            "m --all",
            "m run0 show",
            "m --exe show run0 run1",
            "m -- show run0",
            "m - run1",
            "m --save",
        ] {
            assert_eq!(ordered(line), line);
        }
    }

    #[test]
    fn a_mistyped_command_is_recognised() {
        let of = |path: &str, runs: &[&str]| {
            meant_as_command(
                Error::Input(InputError::MissingRun { path: path.into() }),
                runs,
            )
            .to_string()
        };
        assert!(of("shwo", &["shwo", "run0"]).contains("'show'"));
        assert!(of("recrod", &["recrod"]).contains("'record'"));
        assert!(of("show", &["run0", "show"]).contains("mtrace-diff show"));
        for (path, runs) in [("run1", ["run0", "run1"]), ("shwo", ["run0", "shwo"])] {
            let text = of(path, &runs);
            assert!(
                text.contains("does not exist") && !text.contains("show"),
                "{text}"
            );
        }
    }
}
