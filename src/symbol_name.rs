//! What names of symbols say.

/// What the linker puts before the number of a static function that has namesakes in other files.
const LTO_MARK: &str = ".lto_priv.";

/// A symbol without the number that the linker gave to it.
pub(crate) fn without_lto_number(symbol: &str) -> &str {
    symbol.split(LTO_MARK).next().unwrap_or(symbol)
}

/// A symbol without what compilers add to copies and parts of a function, which come and go with builds.
pub(crate) fn without_clone(symbol: &str) -> &str {
    const MARKS: [&str; 7] = [
        ".isra.",
        ".constprop.",
        ".part.",
        ".cold",
        LTO_MARK,
        ".llvm.",
        " [clone ",
    ];
    // A mangled name has no dot of its own.
    let of_mangled = symbol.starts_with("_Z").then(|| symbol.find('.')).flatten();
    let ends = MARKS.iter().filter_map(|mark| symbol.find(mark));
    let end = ends.chain(of_mangled).filter(|end| *end > 0).min();
    end.map_or(symbol, |end| &symbol[..end])
}

/// How long what is in front is if it only looks like a bracket: an arrow, or the sign of an operator.
pub(crate) fn operator_sign(before: &str, rest: &str) -> usize {
    const SIGNS: [&str; 14] = [
        "<=>", "<<=", ">>=", "->*", "<<", ">>", "<=", ">=", "->", "()", "[]", "<", ">", ",",
    ];
    let is_operator = before
        .strip_suffix("operator")
        .is_some_and(|before| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_'));
    let mut signs = SIGNS.iter().filter(|sign| is_operator || **sign == "->");
    signs
        .find(|sign| rest.starts_with(**sign))
        .map_or(0, |sign| sign.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_and_parts_are_the_function() {
        for (symbol, function) in [
            ("_ZL3fooi.isra.0", "_ZL3fooi"),
            ("_ZL3fooi.other.1", "_ZL3fooi"),
            ("foo.part.0", "foo"),
            ("f.constprop.0.cold", "f"),
            ("f(int) [clone .isra.0]", "f(int)"),
            ("main.loop", "main.loop"),
            ("libx.so", "libx.so"),
            (".cold", ".cold"),
        ] {
            assert_eq!(without_clone(symbol), function);
        }
    }
}
