//! What the names of functions say of what they are given.

use std::borrow::Cow;

use super::pattern::plain_name;
use crate::symbol_name::without_clone;

/// Whether a wrapper's caller says how large a block is to be.
pub(super) fn is_given_a_size(wrapper: &str) -> bool {
    let name = plain_name(wrapper);
    name.contains("alloc") || name.contains("Alloc") || name.starts_with("operator new")
}

/// Whether a function only hands a list of arguments on, to one that takes a `va_list`: that one is told by its name,
/// which is that of a known one or its caller's with a `v`, or by its parameters.
pub(super) fn hands_a_list_on(own: &str, called: &str) -> bool {
    if called.contains("va_list") {
        return true;
    }
    let (own, called) = (plain_name(own), plain_name(called));
    let known = ["vprintf", "vasprintf", "vmprintf", "VMPrintf"];
    if known.iter().any(|known| called.contains(known)) {
        return true;
    }
    let mut letters = called.char_indices();
    letters.any(|(at, letter)| {
        let rest = || [&called[..at], &called[at + 1..]].concat();
        matches!(letter, 'v' | 'V') && rest().trim_end_matches('_') == own
    })
}

/// Whether a function copies an object, by its name: `Session::Session(Session const&)`.
pub(crate) fn is_copy_constructor(function: &str) -> bool {
    let name = without_parameters(function);
    let parameters = function[name.len()..].trim_start_matches('(');
    let Some((class, own)) = name.rsplit_once("::") else {
        return false;
    };
    let plain = plain_name(class);
    let is_constructor = plain.rsplit("::").next() == Some(own);
    is_constructor && parameters.trim_end_matches(')').strip_suffix(" const&") == Some(class)
}

/// The name that all instances of a template have; of another function, its own.
pub(super) fn of_all_instances(function: &str) -> Cow<'_, str> {
    let function = without_clone(function);
    let name = without_parameters(function);
    let is_template = name.contains('<') && !name.contains("operator");
    match is_template {
        true => Cow::Owned(plain_name(function)),
        false => Cow::Borrowed(function),
    }
}

fn without_parameters(function: &str) -> &str {
    let mut depth = 0_usize;
    for (at, letter) in function.char_indices().rev() {
        match letter {
            ')' => depth += 1,
            '(' if depth == 1 => return &function[..at],
            '(' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    function
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_a_va_list_is_told_by_its_name() {
        for (own, called) in [
            ("format", "vasprintf"),
            ("format", "vformat"),
            ("strbuf_addf", "strbuf_vaddf"),
            ("log_text", "log_text_v"),
            ("g_strdup_printf", "g_strdup_vprintf"),
            (
                "Log::say(char const*, ...)",
                "Log::write(char const*, __va_list_tag*)",
            ),
        ] {
            assert!(hands_a_list_on(own, called), "{own} {called}");
        }
        for (own, called) in [
            ("greet", "asprintf"),
            ("format", "value_format"),
            ("save", "strdup"),
            ("say", "vsay_it"),
        ] {
            assert!(!hands_a_list_on(own, called), "{own} {called}");
        }
    }

    #[test]
    fn instances_of_a_template_have_one_name() {
        for (function, name) in [
            ("Node* make<Node>(int)", "make"),
            ("Pool<int>::take(unsigned long)", "Pool::take"),
            (
                "load(std::vector<int> const&)",
                "load(std::vector<int> const&)",
            ),
            ("xmalloc.constprop.0", "xmalloc"),
            ("A::operator<(A const&)", "A::operator<(A const&)"),
        ] {
            assert_eq!(of_all_instances(function), name, "{function}");
        }
    }

    #[test]
    fn a_copy_constructor_takes_its_own_class() {
        assert!(is_copy_constructor("Session::Session(Session const&)"));
        assert!(is_copy_constructor(
            "app::Array<int>::Array(app::Array<int> const&)"
        ));
        for other in [
            "Session::Session(Peer const&)",
            "Session::Session()",
            "Session::open(Session const&)",
            "open(Session const&)",
        ] {
            assert!(!is_copy_constructor(other), "{other}");
        }
    }

    #[test]
    fn a_size_is_given_to_what_allocates() {
        assert!(is_given_a_size("xmalloc") && is_given_a_size("operator new(unsigned long)"));
        assert!(is_given_a_size("uPoolAlloc") && !is_given_a_size("xstrdup"));
    }
}
