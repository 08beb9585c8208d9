//! A moment of a run, as it is given behind the run: `run1@2m`, `run1@40%`.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::manifest::is_duration;

/// When to look at what is live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Moment {
    /// When its program ended.
    #[default]
    End,
    /// So many seconds after the start.
    Time(f64),
    /// After this share of the run's records, from 0 to 1.
    Share(f64),
}

/// The moment at which a run was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reached {
    /// As it was asked for.
    pub at: Moment,
    /// The records up to there, where they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// Those of the whole log; a recording is read no further than to the moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// Since the start, where the run's time is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Which step of the run's curves stands for it, from 1, where no more is known; then the records are
    /// those of the step, nearly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
}

impl Moment {
    /// Takes apart `run1@2m`. A file or directory of that very name is meant as it stands, and so is a path
    /// without a moment behind it; an error is a reason for people, where the run is there and the moment is none.
    pub fn split(given: &Path) -> Result<(PathBuf, Moment), String> {
        let whole = || (given.to_path_buf(), Moment::End);
        let text = given.as_os_str().as_bytes();
        let Some(at) = memchr::memrchr(b'@', text) else {
            return Ok(whole());
        };
        let (path, moment) = (Path::new(OsStr::from_bytes(&text[..at])), &text[at + 1..]);
        let has_slash = moment.contains(&b'/');
        if given.symlink_metadata().is_ok() || path.as_os_str().is_empty() || has_slash {
            return Ok(whole());
        }
        let is_run = || path.as_os_str() == "-" || path.exists();
        match String::from_utf8_lossy(moment).parse() {
            Ok(moment) => Ok((path.to_path_buf(), moment)),
            Err(reason) if is_run() => Err(reason),
            Err(_) => Ok(whole()),
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let reason = || {
            format!(
                "'{text}' is no moment of a run; write a time (90s, 2m, 1h30m) or a share of the run (40%)"
            )
        };
        if let Some(number) = text.strip_suffix('%') {
            let percent: f64 = number.trim().parse().map_err(|_| reason())?;
            let is_share = percent > 0.0 && percent <= 100.0;
            return is_share
                .then_some(Moment::Share(percent / 100.0))
                .ok_or_else(|| {
                    format!(
                        "{text} of a run is no moment of it; write a share above 0% and up to 100%"
                    )
                });
        }
        let seconds = humantime::parse_duration(text)
            .map_err(|_| reason())?
            .as_secs_f64();
        is_duration(seconds)
            .then_some(Moment::Time(seconds))
            .ok_or_else(reason)
    }
}

impl TryFrom<String> for Moment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// As exactly as it is known, unlike what people are shown.
impl From<Moment> for String {
    fn from(moment: Moment) -> String {
        match moment {
            Moment::End => "100%".to_owned(),
            Moment::Share(share) => format!("{}%", share * 100.0),
            Moment::Time(seconds) => {
                humantime::format_duration(Duration::from_secs_f64(seconds)).to_string()
            }
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::End => f.write_str("the end"),
            Moment::Share(share) => write!(f, "{}%", (share * 1e8).round() / 1e6),
            Moment::Time(seconds) => {
                // Nanoseconds are noise of the way from text to seconds.
                let time = Duration::from_millis((seconds * 1e3).round() as u64);
                write!(
                    f,
                    "{}",
                    humantime::format_duration(time)
                        .to_string()
                        .replace(' ', "")
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let split = |text: &str| Moment::split(Path::new(text));
        let run = |path: &str, moment| Ok((PathBuf::from(path), moment));
        assert_eq!(split("run1@2m"), run("run1", Moment::Time(120.0)));
        assert_eq!(split("a@b/run1@90s"), run("a@b/run1", Moment::Time(90.0)));
        assert_eq!(split("run1@40%"), run("run1", Moment::Share(0.4)));
        assert_eq!(split("-@50%"), run("-", Moment::Share(0.5)));
        // Without a moment behind it, an @ is a part of the name.
        for path in ["run1", "me@host/run1", "me@host", "@2m", "run@"] {
            assert_eq!(split(path), run(path, Moment::End), "{path}");
        }
        // Where the run is there, what stands behind it was meant as a moment.
        for text in [
            "src@2x", "src@", "src@101%", "src@0%", "src@-1%", "src@0s", "src@NaN%",
        ] {
            assert!(split(text).is_err(), "{text}");
        }
    }

    #[test]
    fn moments_are_saved_as_exactly_as_they_are_known() {
        for text in ["2m", "1h30m", "150us", "40%", "0.000001%", "33.3%"] {
            let moment: Moment = text.parse().unwrap();
            assert_eq!(String::from(moment).parse(), Ok(moment), "{text}");
        }
    }

    #[test]
    fn moments_are_written_as_they_were_given() {
        for text in ["2m", "90s", "1h30m", "40%", "33.3%", "100%"] {
            let moment: Moment = text.parse().unwrap();
            let text = if text == "90s" { "1m30s" } else { text };
            assert_eq!(moment.to_string(), text);
        }
    }
}
