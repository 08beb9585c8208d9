//! Whether the locale lets characters beyond ASCII be shown.

use std::env;
use std::ffi::OsString;

/// Whether only ASCII is to be written to standard output.
pub(super) fn needs_ascii(is_terminal: bool) -> bool {
    let values = ["LC_ALL", "LC_CTYPE", "LANG"].map(env::var_os);
    is_without_unicode(values, is_terminal)
}

/// The first one that is set and not empty counts, as everywhere. Where none is, a terminal is in the locale C, and
/// what is written elsewhere is UTF-8: a job of CI often has no locale, and its log is read on another machine.
fn is_without_unicode(values: [Option<OsString>; 3], is_terminal: bool) -> bool {
    let mut set = values
        .into_iter()
        .flatten()
        .filter(|value| !value.is_empty());
    match set.next() {
        Some(value) => {
            let value = value.to_string_lossy().to_lowercase();
            !(value.contains("utf-8") || value.contains("utf8"))
        }
        None => is_terminal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_one_that_is_set_counts() {
        for (values, in_terminal, in_pipe) in [
            (["", "", "en_US.UTF-8"], false, false),
            (["", "", "C.utf8"], false, false),
            (["", "", "C"], true, true),
            (["", "POSIX", "en_US.UTF-8"], true, true),
            (["de_DE.UTF-8", "C", "C"], false, false),
            (["C", "en_US.UTF-8", "en_US.UTF-8"], true, true),
            (["", "", "de_DE.ISO-8859-1"], true, true),
            (["", "", ""], true, false),
        ] {
            let values = values.map(|value| Some(OsString::from(value)));
            let of = |is_terminal| is_without_unicode(values.clone(), is_terminal);
            assert_eq!((of(true), of(false)), (in_terminal, in_pipe), "{values:?}");
        }
        assert!(is_without_unicode([None, None, None], true));
        assert!(!is_without_unicode([None, None, None], false));
    }
}
