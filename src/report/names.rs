//! C++ names as people write them.
//!
//! Only what a person reads is changed here. Whatever is compared, saved or handed to programs keeps the whole name.

use std::borrow::Cow;

use crate::symbol_name::operator_sign;

/// Between a function and the one it is inlined into.
pub(super) const INLINED: &str = " ← ";

/// Deeper names are left as they are.
const DEEPEST: usize = 48;

/// Namespaces and tags that only versions of a library tell apart.
const VERSIONS: [(&str, &str); 5] = [
    ("::__cxx11::", "::"),
    ("::__1::", "::"),
    ("::__ndk1::", "::"),
    ("::_V2::", "::"),
    ("[abi:cxx11]", ""),
];

/// Templates of std, and what their last arguments are where nobody says otherwise; `$0` is the first argument.
const DEFAULTS: [(&[&str], &[&str]); 8] = [
    (
        &[
            "vector",
            "list",
            "deque",
            "forward_list",
            "_Vector_base",
            "_List_base",
            "_Deque_base",
            "_Fwd_list_base",
        ],
        &["std::allocator<$0>"],
    ),
    (
        &["set", "multiset"],
        &["std::less<$0>", "std::allocator<$0>"],
    ),
    (
        &["map", "multimap"],
        &["std::less<$0>", "std::allocator<std::pair<$0 const, $1>>"],
    ),
    (
        &["unordered_set", "unordered_multiset"],
        &["std::hash<$0>", "std::equal_to<$0>", "std::allocator<$0>"],
    ),
    (
        &["unordered_map", "unordered_multimap"],
        &[
            "std::hash<$0>",
            "std::equal_to<$0>",
            "std::allocator<std::pair<$0 const, $1>>",
        ],
    ),
    (&["unique_ptr"], &["std::default_delete<$0>"]),
    (&["queue", "stack"], &["std::deque<$0>"]),
    (
        &[
            "basic_string",
            "basic_string_view",
            "basic_ios",
            "basic_istream",
            "basic_ostream",
            "basic_iostream",
            "basic_streambuf",
            "basic_filebuf",
            "basic_ifstream",
            "basic_ofstream",
            "basic_fstream",
            "basic_stringbuf",
            "basic_istringstream",
            "basic_ostringstream",
            "basic_stringstream",
        ],
        &["std::char_traits<$0>", "std::allocator<$0>"],
    ),
];

/// What a `basic_` name is called with such characters.
const CHARACTERS: [(&str, &str); 5] = [
    ("char", ""),
    ("wchar_t", "w"),
    ("char8_t", "u8"),
    ("char16_t", "u16"),
    ("char32_t", "u32"),
];

/// A name as people write it: `std::string` for all that a compiler makes of it, without default arguments.
pub(super) fn readable(name: &str) -> Cow<'_, str> {
    let is_plain = !name.contains('<') && !VERSIONS.iter().any(|(from, _)| name.contains(from));
    if is_plain {
        return Cow::Borrowed(name);
    }
    let name = VERSIONS
        .iter()
        .fold(name.to_owned(), |name, (from, to)| name.replace(from, to));
    let written = |part: &str| simplified(part).unwrap_or_else(|| part.to_owned());
    Cow::Owned(
        name.split(INLINED)
            .map(written)
            .collect::<Vec<_>>()
            .join(INLINED),
    )
}

/// `None` where brackets do not match, as in what is no name.
fn simplified(name: &str) -> Option<String> {
    // Level by level: what stands before a bracket, and the arguments that are whole.
    struct Level {
        open: char,
        arguments: Vec<String>,
        text: String,
    }
    let level = |open| Level {
        open,
        arguments: Vec::new(),
        text: String::new(),
    };
    let mut levels = vec![level(' ')];
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let depth = levels.len();
        let current = levels.last_mut()?;
        let word = operator_sign(&current.text, rest);
        let taken = match (c, current.open) {
            _ if word > 0 => {
                current.text.push_str(&rest[..word]);
                word
            }
            ('<' | '(' | '[' | '{', _) => {
                if depth > DEEPEST {
                    return None;
                }
                levels.push(level(c));
                1
            }
            ('>', '<') | (')', '(') | (']', '[') | ('}', '{') => {
                let mut closed = levels.pop()?;
                closed.arguments.push(closed.text.trim().to_owned());
                let outer = levels.last_mut()?;
                match c {
                    '>' => close(&mut outer.text, closed.arguments),
                    _ => {
                        let inner = closed.arguments.join(", ");
                        outer.text.extend([closed.open]);
                        outer.text.push_str(&inner);
                        outer.text.push(c);
                    }
                }
                1
            }
            (')' | ']' | '}', _) => return None,
            (',', open) if open != ' ' => {
                let argument = std::mem::take(&mut current.text);
                current.arguments.push(argument.trim().to_owned());
                1
            }
            _ => {
                current.text.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    let last = levels.pop()?;
    levels.is_empty().then_some(last.text)
}

/// Puts template arguments behind their template.
fn close(text: &mut String, mut arguments: Vec<String>) {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let start = text.rfind(|c: char| !is_of_name(c)).map_or(0, |at| {
        at + text[at..].chars().next().map_or(1, char::len_utf8)
    });
    let template = text[start..].strip_prefix("std::").unwrap_or("");
    drop_defaults(template, &mut arguments);
    let characters = CHARACTERS
        .iter()
        .find(|(character, _)| arguments == [*character]);
    if let (Some(name), Some((_, prefix))) = (template.strip_prefix("basic_"), characters) {
        let whole = format!("std::{prefix}{name}");
        text.truncate(start);
        text.push_str(&whole);
        return;
    }
    *text = format!("{}<{}>", text.trim_end(), arguments.join(", "));
}

/// Drops arguments from the end while they are what they would be anyhow.
fn drop_defaults(template: &str, arguments: &mut Vec<String>) {
    let Some((_, defaults)) = DEFAULTS.iter().find(|(names, _)| names.contains(&template)) else {
        return;
    };
    // A map has two arguments of its own, all others have one.
    let own = if defaults.last().is_some_and(|last| last.contains("$1")) {
        2
    } else {
        1
    };
    while arguments.len() > own {
        let at = arguments.len() - 1;
        let Some(default) = defaults.get(at - own) else {
            return;
        };
        let with = |first: &str| {
            let text = default
                .replace("$0 const", first)
                .replace("$0", &arguments[0]);
            text.replace("$1", arguments.get(1).map_or("", String::as_str))
        };
        let (behind, before) = (
            format!("{} const", arguments[0]),
            format!("const {}", arguments[0]),
        );
        if arguments[at] != with(&behind) && arguments[at] != with(&before) {
            return;
        }
        arguments.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRING: &str =
        "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";

    #[test]
    fn names_of_std_read_as_they_are_written() {
        let map = format!(
            "std::map<{STRING}, int, std::less<{STRING} >, std::allocator<std::pair<{STRING} const, int> > >::at"
        );
        for (name, expected) in [
            (STRING, "std::string"),
            (
                "std::__1::basic_string<wchar_t, std::__1::char_traits<wchar_t>, std::__1::allocator<wchar_t>>",
                "std::wstring",
            ),
            (
                "std::basic_string_view<char, std::char_traits<char> >",
                "std::string_view",
            ),
            (
                "std::__cxx11::basic_stringstream<char, std::char_traits<char>, std::allocator<char> >",
                "std::stringstream",
            ),
            (&map, "std::map<std::string, int>::at"),
            (
                "f(std::vector<int, std::allocator<int> > const&)",
                "f(std::vector<int> const&)",
            ),
            (
                "std::unique_ptr<A<B>, std::default_delete<A<B> > >",
                "std::unique_ptr<A<B>>",
            ),
            (
                "std::unordered_map<int, X, std::hash<int>, std::equal_to<int>, std::allocator<std::pair<int const, X> > >",
                "std::unordered_map<int, X>",
            ),
            (
                "std::unordered_set<int, std::hash<int>, Mine, std::allocator<int> >",
                "std::unordered_set<int, std::hash<int>, Mine>",
            ),
            (
                "std::queue<int, std::deque<int, std::allocator<int> > >",
                "std::queue<int>",
            ),
            (
                "std::chrono::_V2::system_clock::now()",
                "std::chrono::system_clock::now()",
            ),
            ("name[abi:cxx11](int)", "name(int)"),
            (
                "grab<std::vector<int, std::allocator<int> > > ← g<std::set<int, std::less<int>, std::allocator<int> > >:12",
                "grab<std::vector<int>> ← g<std::set<int>>:12",
            ),
        ] {
            assert_eq!(readable(name), expected);
        }
    }

    #[test]
    fn what_is_said_on_purpose_stays() {
        for name in [
            "std::vector<int, Arena<int>>",
            "std::pair<int, std::less<int>>",
            "std::map<int, X, std::less<int>, Arena<int>>",
            "mine::vector<int, std::allocator<int>>",
            "std::vector<int, std::allocator<long>>",
            "std::basic_string<Unit>",
            "operator<<(int)",
            "a::operator<(b const&)",
            "a::operator-><int>()",
            "a::operator()<int>(b)",
            "f(int) const -> long",
            "(anonymous namespace)::f<1>()",
            "f<{lambda(int)#1}>",
            "f<(a)1>(x)",
            "a > b < c",
            "f<<<",
            "f(]",
            "? (no <symbols>",
        ] {
            assert_eq!(readable(name), name);
        }
        let deep = "f<".repeat(500) + &">".repeat(500);
        assert_eq!(readable(&deep), deep);
    }
}
