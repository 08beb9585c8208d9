//! Functions that allocate for whoever calls them: those that are known, those that the data shows, and those that
//! the user names.

mod known;
mod learned;
mod pattern;
mod signature;
mod table;

pub(crate) use known::{
    does_its_own_work, is_library_wrapper, is_namesake, is_runtime, is_well_known, is_wrapper,
};
pub(super) use learned::{Learned, learn};
pub use pattern::Pattern;
pub(crate) use pattern::{plain_name, unscoped_name};
pub(super) use signature::is_copy_constructor;

use super::{FramePattern, Run};
use crate::warning::Warning;

/// What the user says of wrappers.
#[derive(Debug, Clone, Default)]
pub struct Wrappers {
    /// Functions that are wrappers whatever else is known of them.
    pub given: Vec<Pattern>,
    /// Neither the table nor the data counts: a row is the immediate caller, as a log of glibc has it.
    pub only_given: bool,
    /// Frames that no stack has.
    pub hidden: Option<FramePattern>,
}

impl Wrappers {
    /// A pattern of the user's that no function of any run fits is most likely mistyped.
    pub(crate) fn unmatched(&self, runs: &[Run]) -> Vec<Warning> {
        let fits = |pattern: &Pattern| {
            let places = runs.iter().flat_map(|run| &run.locations);
            let frames = places.flat_map(|place| place.frames());
            let mut names = frames.filter_map(|frame| frame.function.as_deref());
            names.any(|function| pattern.fits(function))
        };
        let unmatched = self.given.iter().filter(|pattern| !fits(pattern));
        let warning = |pattern: &Pattern| Warning::NoSuchWrapper {
            pattern: pattern.to_string(),
        };
        unmatched.map(warning).collect()
    }
}
