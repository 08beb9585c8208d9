//! Values of options that take more than a type of their own to read.

use std::result::Result;
use std::time::Duration;

use bytesize::ByteSize;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::capture::is_duration;
use crate::diff::Limit;
use crate::report::{FORMATS, Format};

/// A time as people write it. The parser's own list of units is longer than anybody needs.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text.trim());
    time.map_err(|_| "it is no time; write 90s, 2m, 1h or 1h30m".to_owned())
}

/// How long a run took: a time that something can be divided by.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let duration = time(text)?;
    match is_duration(duration.as_secs_f64()) {
        true => Ok(duration),
        false => Err("no run takes that long, or that short".to_owned()),
    }
}

pub(super) fn limit(text: &str) -> Result<Limit, String> {
    match text.trim() {
        "" => Err("there is no limit between two commas; write 10,4KiB".to_owned()),
        text => text.parse(),
    }
}

pub(super) fn memory(text: &str) -> Result<ByteSize, String> {
    let refused = || format!("'{text}' is not a size; give it a unit, such as 64MiB");
    match text.trim_end().ends_with(['B', 'b']) {
        true => text.parse().map_err(|_| refused()),
        // Without the B, M could be 10^6 or 2^20.
        false => Err(refused()),
    }
}

/// The formats that a comparison, or one run, can be written in.
pub(super) fn formats(of_one_run: bool) -> impl TypedValueParser<Value = Format> {
    let formats = FORMATS.iter();
    let formats = formats.filter(move |format| of_one_run || !format.lists_blocks);
    let values = formats.map(|format| match format.about {
        "" => PossibleValue::new(format.name),
        about => PossibleValue::new(format.name).help(about),
    });
    let parser = PossibleValuesParser::new(values);
    // The parser lets no other name pass.
    parser.map(|name| Format::named(&name).unwrap_or(FORMATS[0]))
}
