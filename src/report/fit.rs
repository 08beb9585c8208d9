//! Names of functions that have to fit.

use super::glyphs::Glyphs;
use super::names::INLINED;
use super::text::{cut_end, width};
use crate::symbol_name::operator_sign;

/// A name in so many columns: what a function returns goes first, then template arguments, then parameters, then the
/// namespaces, and the function's own name last.
pub(super) fn fit(name: &str, columns: usize, glyphs: Glyphs) -> String {
    let whole = glyphs.text(name).into_owned();
    if width(&whole) <= columns || whole.starts_with('?') {
        return cut_end(&whole, columns, glyphs);
    }
    let inlined = glyphs.text(INLINED);
    let ellipsis = glyphs.ellipsis();
    let arguments = |part: &str| emptied(without_return(part), '<', ellipsis);
    let parameters = |part: &str| emptied(&arguments(part), '(', ellipsis);
    let steps: [&dyn Fn(&str) -> String; 4] = [
        &|part| without_return(part).to_owned(),
        &arguments,
        &parameters,
        &|part| {
            let name = parameters(part);
            match name.replace(&format!("({ellipsis})"), "") {
                bare if bare.is_empty() => name,
                bare => bare,
            }
        },
    ];
    let mut shortest = String::new();
    for step in steps {
        shortest = whole
            .split(&*inlined)
            .map(step)
            .collect::<Vec<_>>()
            .join(&inlined);
        if width(&shortest) <= columns {
            return shortest;
        }
    }
    if shortest.contains(&*inlined) {
        return cut_callers(&shortest, columns, glyphs);
    }
    let mut tails = outer(&shortest, "::").into_iter().map(|at| &shortest[at..]);
    match tails.find(|tail| width(ellipsis) + width(tail) <= columns) {
        Some(tail) => format!("{ellipsis}{tail}"),
        None => {
            let last = outer(&shortest, "::").last().map_or(0, |at| at + 2);
            cut_end(&shortest[last..], columns, glyphs)
        }
    }
}

/// A function and those it is inlined into, cut at the end; of a caller of which no letter has room, no arrow is left.
fn cut_callers(name: &str, columns: usize, glyphs: Glyphs) -> String {
    let inlined = glyphs.text(INLINED);
    let a_letter = width(&inlined) + 1 + width(glyphs.ellipsis());
    let mut whole = name.match_indices(&*inlined).map(|(at, _)| &name[..at]);
    let fits_alone = |name: &&str| (width(name)..width(name) + a_letter).contains(&columns);
    match whole.find(fits_alone) {
        Some(name) => name.to_owned(),
        None => cut_end(name, columns, glyphs),
    }
}

/// The same, but of template arguments as much is kept as has room, in place of namespaces and parameters: two instances of
/// a template else look the same. `None` if there is no such way.
pub(super) fn fit_apart(name: &str, columns: usize, glyphs: Glyphs) -> Option<String> {
    let whole = glyphs.text(name).into_owned();
    let ellipsis = glyphs.ellipsis();
    if whole.contains(&*glyphs.text(INLINED)) || !whole.contains('<') {
        return None;
    }
    let whole = without_return(&whole).to_owned();
    let bare = emptied(&whole, '(', ellipsis).replace(&format!("({ellipsis})"), "");
    let short = without_namespaces(&bare);
    let tails = |name: &str| -> Vec<String> {
        let ends = outer(name, "::").into_iter();
        ends.map(|at| format!("{ellipsis}{}", &name[at..]))
            .collect()
    };
    let mut ways = [whole.clone(), bare.clone()]
        .into_iter()
        .chain(Some(short))
        .chain(tails(&whole))
        .chain(tails(&bare))
        .filter(|way| way.contains('<'));
    ways.find(|way| width(way) <= columns)
}

/// `a::Set<b::Item>::add` as `Set<Item>::add`: what is left of each `::` goes, but for the template that a function is of.
fn without_namespaces(name: &str) -> String {
    let mut out = String::new();
    let mut word = 0;
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("::") {
            // What ends with its arguments is no namespace.
            match out.ends_with('>') {
                true => out.push_str("::"),
                false => out.truncate(word),
            }
            rest = after;
            word = out.len();
            continue;
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
        if !(c.is_alphanumeric() || c == '_') {
            word = out.len();
        }
    }
    out
}

/// Where a text stands in a name, but for what is in brackets.
fn outer(name: &str, text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    walk(name, |at, depth, _| {
        if depth == 0 && name[at..].starts_with(text) {
            found.push(at);
        }
    });
    found
}

/// Goes through a name: each character's place, and how deep in brackets it is, an opening one and a closing one not
/// counting as within.
fn walk(name: &str, mut see: impl FnMut(usize, usize, char)) {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(c) = name[at..].chars().next() {
        let word = operator_sign(&name[..at], &name[at..]);
        if word > 0 {
            see(at, depth, 'o');
            at += word;
            continue;
        }
        if matches!(c, '>' | ')' | ']' | '}') {
            depth = depth.saturating_sub(1);
        }
        see(at, depth, c);
        if matches!(c, '<' | '(' | '[' | '{') {
            depth += 1;
        }
        at += c.len_utf8();
    }
}

/// `std::list<…>::push_back(int)`: what is in the outermost brackets of a kind is left out.
fn emptied(name: &str, open: char, ellipsis: &str) -> String {
    let close = if open == '<' { '>' } else { ')' };
    let (mut out, mut copied, mut opened) = (String::new(), 0, None);
    // Those of another kind do not count, but what is in them is not looked at either, unless templates are.
    let mut level = 0;
    walk(name, |at, depth, c| {
        if c == open && opened.is_none() && (depth == 0 || open == '<') {
            (opened, level) = (Some(at), depth);
        } else if c == close
            && depth == level
            && let Some(from) = opened.take()
        {
            let inner = &name[from + 1..at];
            if !matches!(inner, "" | "anonymous namespace") {
                out.push_str(&name[copied..=from]);
                out.push_str(ellipsis);
                copied = at;
            }
        }
    });
    out.push_str(&name[copied..]);
    out
}

/// A template function's name begins with what it returns.
fn without_return(name: &str) -> &str {
    let parameters = outer(name, "(").into_iter();
    let mut parameters = parameters.filter(|at| !name[*at..].starts_with("(anonymous namespace)"));
    let Some(end) = parameters.next_back() else {
        return name;
    };
    let end = outer(name, "operator")
        .first()
        .map_or(end, |at| end.min(*at));
    let start = outer(name, " ").into_iter().rfind(|at| *at < end);
    start.map_or(name, |at| &name[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::super::names::readable;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_arrow_has_a_caller_behind_it() {
        let fitted = |columns| fit("Polygon::Polygon ← make_shape", columns, Glyphs::Unicode);
        // 16 columns are the first name, 19 its arrow, and 24 a part of the caller.
        assert_eq!(fitted(24), "Polygon::Polygon ← make…");
        for columns in 16..=20 {
            assert_eq!(fitted(columns), "Polygon::Polygon");
        }
    }

    #[test]
    fn template_arguments_are_cut_first_then_parameters() {
        let name = "void fleet::Cache<fleet::Session, int>::insert(std::vector<int> const&, long)";
        for (columns, expected) in [
            (80, name),
            (75, &name[5..]),
            (70, "fleet::Cache<…>::insert(std::vector<…> const&, long)"),
            (26, "fleet::Cache<…>::insert(…)"),
            (23, "fleet::Cache<…>::insert"),
            (22, "…::Cache<…>::insert"),
            (12, "…::insert"),
            (6, "insert"),
            (5, "inse…"),
        ] {
            assert_eq!(fit(name, columns, Glyphs::Unicode), expected);
        }
        assert_eq!(
            fit(name, 34, Glyphs::Ascii),
            "fleet::Cache<...>::insert(...)"
        );
        for (name, columns, expected) in [
            (
                "(anonymous namespace)::Deep<int>::call(int)",
                42,
                "(anonymous namespace)::Deep<…>::call(int)",
            ),
            ("operator new(unsigned long)", 20, "operator new(…)"),
            (
                "a::Set<int>::operator<(a::Set<int> const&)",
                34,
                "a::Set<…>::operator<(…)",
            ),
            (
                "f<aaaaaaaaaa>(int) ← g<bbbbbbbbbb>(int)",
                25,
                "f<…>(int) ← g<…>(int)",
            ),
            ("? (no symbol table in it)", 12, "? (no symbo…"),
            ("session_open", 8, "session…"),
            ("(no name at all)", 8, "(…)"),
        ] {
            assert_eq!(fit(name, columns, Glyphs::Unicode), expected);
        }
    }

    #[test]
    fn instances_of_a_template_are_told_apart() {
        let name = "void fleet::Registry<fleet::Session>::open(int)";
        for (columns, expected) in [
            (47, Some("fleet::Registry<fleet::Session>::open(int)")),
            (40, Some("fleet::Registry<fleet::Session>::open")),
            (36, Some("Registry<Session>::open")),
            (24, Some("Registry<Session>::open")),
            (22, None),
        ] {
            let cut = fit_apart(name, columns, Glyphs::Unicode);
            assert_eq!(cut.as_deref(), expected, "{columns}");
        }
        assert_eq!(fit_apart("a::open", 3, Glyphs::Unicode), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_name_fits(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "f", "std::", "vector", "basic_string", "char", "operator", "<", ">", "(", ")", "{", "}", "[", "]",
                    "->", ", ", " ", "::", "程序", "~", " ← ", "(anonymous namespace)", "std::allocator<char>",
                ]),
                0..24,
            ),
            columns in 3_usize..40,
        ) {
            let name = readable(&parts.concat()).into_owned();
            prop_assert_eq!(readable(&name), name.as_str());
            for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
                let fitted = fit(&name, columns, glyphs);
                prop_assert!(width(&fitted) <= columns, "{}", fitted);
                let apart = fit_apart(&name, columns, glyphs);
                prop_assert!(apart.is_none_or(|apart| width(&apart) <= columns));
                prop_assert!(glyphs == Glyphs::Unicode || fitted.is_ascii());
            }
        }
    }
}
