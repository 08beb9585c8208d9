//! Options on call stacks.

use clap::Args;

use crate::report::{Options, StackView};
use crate::run::{Filter, FramePattern, Pattern, Wrappers};

#[derive(Debug, Args)]
#[command(next_help_heading = "Call stacks")]
pub(super) struct StackArgs {
    /// Treat this function as an allocation wrapper and show its callers instead; `*` matches any text; can
    /// be repeated
    ///
    /// Give the name without arguments: `pool_get`, `Arena::*`, `my_*alloc`. Well-known wrappers such as
    /// `operator new` and `strdup`, and those detected in the data, are skipped anyway.
    #[arg(long, value_name = "PATTERN")]
    pub wrapper: Vec<Pattern>,
    /// Show the immediate caller of the allocator, even if it is a wrapper, as a glibc log does
    ///
    /// Functions named by --wrapper are still skipped.
    #[arg(long)]
    pub no_wrappers: bool,
    /// Show the callers of each row as a tree, largest growth first
    #[arg(long)]
    pub stacks: bool,
    /// Merge branches of the tree that have less than this share of the row's growth
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "5%")]
    pub stack_share: f64,
    /// Look at this many callers of each line, nearest first
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = callers)]
    pub callers: usize,
    /// Keep only what was allocated by this function or the functions it calls, and cut caller trees off
    /// there; `*` matches any text
    #[arg(long, value_name = "FUNCTION")]
    pub under: Option<Pattern>,
    /// Keep only stacks that have a frame whose function, file or module matches this regular expression
    #[arg(long, value_name = "REGEX")]
    pub focus: Option<FramePattern>,
    /// Remove frames whose function, file or module matches this regular expression
    ///
    /// Their allocations count towards their callers.
    #[arg(long, value_name = "REGEX")]
    pub hide: Option<FramePattern>,
}

fn callers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("it is a number of functions, from 1".to_owned()),
        Ok(callers) => Ok(callers),
    }
}

/// From 0% to 100%, as a fraction.
fn share(text: &str) -> Result<f64, String> {
    let number = text
        .strip_suffix('%')
        .and_then(|number| number.trim().parse::<f64>().ok());
    match number {
        Some(percent) if (0.0..=100.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("write it as a percentage of the row, such as 5%".to_owned()),
    }
}

impl StackArgs {
    pub(super) fn wrappers(&self) -> Wrappers {
        Wrappers {
            given: self.wrapper.clone(),
            only_given: self.no_wrappers,
            hidden: self.hide.clone(),
        }
    }

    pub(super) fn filter(&self) -> Filter {
        Filter {
            under: self.under.clone(),
            focus: self.focus.clone(),
        }
    }

    /// The options of a report, with those on stacks.
    pub(super) fn options(&self, options: Options) -> Options {
        let view = StackView {
            share: self.stack_share,
        };
        Options {
            stacks: self.stacks.then_some(view),
            ..options
        }
    }
}
