//! What a user looks for in stacks.

use std::fmt;
use std::str::FromStr;

use regex_lite::Regex;

use super::{Call, Run};

/// A regular expression for what frames say: function, file and module.
#[derive(Debug, Clone)]
pub struct FramePattern(Regex);

impl FromStr for FramePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Regex::new(text) {
            Ok(pattern) => Ok(FramePattern(pattern)),
            Err(error) => Err(format!(
                "{error}; it is a regular expression, as in 'net_.*|/poll\\.c'"
            )),
        }
    }
}

impl fmt::Display for FramePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl FramePattern {
    /// Whether a function of a stack fits.
    pub fn fits(&self, run: &Run, call: Call) -> bool {
        let frame = run.frame_of(call);
        let function = frame.and_then(|frame| frame.function.as_deref());
        let file = frame.and_then(|frame| frame.file.as_deref());
        let module = run.module_of(run.location(call.at));
        let module = module.map(|module| &*module.label.name);
        let mut texts = [function, file, module].into_iter().flatten();
        texts.any(|text| self.0.is_match(text))
    }
}
