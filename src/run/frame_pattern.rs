//! What a user looks for in stacks.

use std::fmt;
use std::str::FromStr;

use regex_lite::Regex;

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
    pub(super) fn fits_any<'a>(&self, mut texts: impl Iterator<Item = &'a str>) -> bool {
        texts.any(|text| self.0.is_match(text))
    }
}
