//! Options on call stacks.

use clap::Args;

use crate::report::{Options, StackView};
use crate::run::{Filter, FramePattern, Pattern, Wrappers};

#[derive(Debug, Args)]
#[command(next_help_heading = "Call stacks")]
pub struct StackArgs {
    /// A function that allocates for its callers, so that these are shown instead; `*` stands for any text, can be
    /// repeated
    ///
    /// Its name without arguments: `pool_get`, `Arena::*`, `my_*alloc`. The functions that are known to do so, as
    /// `operator new` and `strdup` are, and those that are found in the data are passed over without it.
    #[arg(long, value_name = "PATTERN")]
    pub wrapper: Vec<Pattern>,
    /// Show the immediate caller of the allocator, wrapper or not, as a log of glibc has it
    ///
    /// Functions that --wrapper names are passed over still.
    #[arg(long)]
    pub no_wrappers: bool,
    /// Show the callers of each row as a tree, those through which it grew most first
    #[arg(long)]
    pub stacks: bool,
    /// Sum up branches of the tree that have less of the row's growth than this
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "5%")]
    pub stack_share: f64,
    /// Look at so many callers of a line, the nearest ones
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = callers)]
    pub callers: usize,
    /// Keep what was allocated below this function, and show its callers up to there; `*` stands for any text
    #[arg(long, value_name = "FUNCTION")]
    pub under: Option<Pattern>,
    /// Keep stacks with a frame whose function, file or module has this regular expression in it
    #[arg(long, value_name = "REGEX")]
    pub focus: Option<FramePattern>,
    /// Take frames whose function, file or module has this regular expression in it out of the stacks
    ///
    /// What was allocated in them counts for their callers.
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
    pub fn wrappers(&self) -> Wrappers {
        Wrappers {
            given: self.wrapper.clone(),
            only_given: self.no_wrappers,
            hidden: self.hide.clone(),
        }
    }

    pub fn filter(&self) -> Filter {
        Filter {
            under: self.under.clone(),
            focus: self.focus.clone(),
        }
    }

    /// The options of a report, with those on stacks.
    pub fn options(&self, options: Options) -> Options {
        let view = StackView {
            share: self.stack_share,
        };
        Options {
            stacks: self.stacks.then_some(view),
            ..options
        }
    }
}
