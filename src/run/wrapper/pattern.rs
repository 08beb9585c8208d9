//! Names of functions as people write them, and patterns for them.

use std::fmt;
use std::str::FromStr;

use crate::symbol_name::{operator_sign, without_clone};

/// A function's name in which a `*` stands for any text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Whether a function as it is shown, or without its arguments, is what the pattern stands for.
    pub(crate) fn fits(&self, function: &str) -> bool {
        fits(&self.0, function) || fits(&self.0, &plain_name(function))
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text.chars().any(|c| c != '*') {
            true => Ok(Pattern(text.to_owned())),
            false => {
                Err("a pattern has to name a part of a function, as in 'pool_*alloc'".to_owned())
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a name is what a pattern stands for.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return name.ends_with(part);
        }
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// A function without parameters, template arguments and what a template returns, and without what compilers add to
/// copies: `std::vector::push_back`, `operator new`, `xmalloc`.
pub(crate) fn plain_name(function: &str) -> String {
    let function = without_clone(function);
    // As glibc calls its own functions by other symbols.
    let function = function.strip_prefix("__GI_").unwrap_or(function);
    let mut plain = String::with_capacity(function.len());
    let mut rest = function;
    let mut depth = 0_usize;
    while let Some(c) = rest.chars().next() {
        let sign = operator_sign(&plain, rest);
        if depth == 0 && sign > 0 && plain.ends_with("operator") {
            plain.push_str(&rest[..sign]);
            rest = &rest[sign..];
            continue;
        }
        if depth == 0
            && let Some(after) = rest.strip_prefix(ANONYMOUS)
        {
            plain.push_str(ANONYMOUS);
            rest = after;
            continue;
        }
        match c {
            '(' | '<' | '[' => depth += 1,
            ')' | '>' | ']' => depth = depth.saturating_sub(1),
            c if depth == 0 => plain.push(c),
            _ => {}
        }
        rest = &rest[c.len_utf8()..];
    }
    let plain = plain.trim_end_matches(" const").trim();
    let end = plain.find("operator").unwrap_or(plain.len());
    let plain = match plain[..end].rfind(' ') {
        // What a template returns; of an anonymous namespace, the blank is the name's.
        Some(blank) if !plain[..end].contains(ANONYMOUS) => &plain[blank + 1..],
        _ => plain,
    };
    match plain.is_empty() {
        true => function.to_owned(),
        false => plain.to_owned(),
    }
}

const ANONYMOUS: &str = "(anonymous namespace)";

/// A function without its scopes as well, as overloads and functions that moved to another scope have it in common. `None` of
/// operators, of lambdas, and of what the C++ library has.
pub(crate) fn unscoped_name(function: &str) -> Option<String> {
    let plain = plain_name(function);
    let is_library = ["std::", "__gnu_cxx::"]
        .iter()
        .any(|scope| plain.starts_with(scope));
    let name = plain.rsplit("::").next().filter(|_| !is_library)?;
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(is_name)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(fits("x*alloc", "xalloc") && fits("x*alloc", "xmemalloc"));
        assert!(!fits("x*alloc", "xallocator") && !fits("x*alloc", "malloc"));
        assert!(fits("a*b*c", "a1b2c") && !fits("a*b*c", "a1c2b"));
        assert!(fits("abc", "abc") && !fits("abc", "abcd") && fits("abc*", "abc"));
    }

    #[test]
    fn a_plain_name_has_no_arguments() {
        for (function, plain) in [
            ("xmalloc", "xmalloc"),
            ("__GI___strdup", "__strdup"),
            ("xmalloc.constprop.0", "xmalloc"),
            ("operator new(unsigned long)", "operator new"),
            (
                "operator new[](unsigned long, std::nothrow_t const&)",
                "operator new",
            ),
            (
                "std::vector<int, std::allocator<int> >::push_back(int const&)",
                "std::vector::push_back",
            ),
            (
                "void std::vector<int>::_M_realloc_insert<int>(int&&)",
                "std::vector::_M_realloc_insert",
            ),
            ("int* std::copy<int*>(int*)", "std::copy"),
            ("Pool::operator()(int) const", "Pool::operator()"),
            (
                "std::map<int, A>::operator[](int&&)",
                "std::map::operator[]",
            ),
            ("bool operator< <A>(A const&)", "operator<"),
            (
                "(anonymous namespace)::open(int)",
                "(anonymous namespace)::open",
            ),
            ("operators::open(int)", "operators::open"),
        ] {
            assert_eq!(plain_name(function), plain, "{function}");
        }
    }

    #[test]
    fn a_pattern_names_something() {
        assert!("**".parse::<Pattern>().is_err() && "".parse::<Pattern>().is_err());
        let pattern: Pattern = "Pool::get*".parse().unwrap();
        assert!(pattern.fits("Pool::get<int>(int)") && !pattern.fits("Pool::put(int)"));
    }
}
