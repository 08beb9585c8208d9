//! The names of runs, as far as there is room above a column: each still another.

use super::glyphs::Glyphs;
use super::text::{cut_end, cut_middle, width};

/// Short names for runs, in their order, each of at most so many columns.
pub(super) fn heads(names: &[&str], columns: usize) -> Vec<String> {
    let cut = |name: &&str| cut_middle(name, columns, Glyphs::Unicode);
    let own = names.iter().map(|name| own_part(name, names, columns));
    let numbered = names.iter().enumerate().map(|(index, name)| {
        let number = format!(" #{}", index + 1);
        cut_end(
            name,
            columns.saturating_sub(width(&number)),
            Glyphs::Unicode,
        ) + &number
    });
    let ways = [names.iter().map(cut).collect(), own.collect()];
    let mut ways = ways.into_iter();
    ways.find(|heads: &Vec<String>| are_different(heads))
        .unwrap_or_else(|| numbered.collect())
}

fn are_different(heads: &[String]) -> bool {
    let mut others = heads.iter().enumerate();
    others.all(|(index, head)| !heads[..index].contains(head))
}

/// A name from the place where the names begin to differ, and a little before it.
fn own_part(name: &str, names: &[&str], columns: usize) -> String {
    if width(name) <= columns {
        return name.to_owned();
    }
    let is_shared = |(at, c): &(usize, char)| {
        names.iter().all(|other| {
            other[..]
                .get(*at..)
                .is_some_and(|rest| rest.starts_with(*c))
        })
    };
    let shared = name.char_indices().take_while(is_shared);
    let shared: Vec<usize> = shared.map(|(at, _)| at).collect();
    // A few letters before it, for the name to be recognised.
    let from = shared.len().saturating_sub(columns / 4);
    match shared.get(from) {
        Some(0) | None => cut_end(name, columns, Glyphs::Unicode),
        Some(at) => cut_end(&format!("…{}", &name[*at..]), columns, Glyphs::Unicode),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_tell_runs_apart() {
        assert_eq!(heads(&["run0", "run1"], 16), ["run0", "run1"]);
        let logs = ["board-7-before-the-fix.log", "board-7-behind-the-fix.log"];
        assert_eq!(heads(&logs, 16), ["…7-before-the-f…", "…7-behind-the-f…"]);
        let far = [
            "mtrace-of-the-gateway-l10-night.log",
            "mtrace-of-the-gateway-l11-night.log",
        ];
        assert_eq!(heads(&far, 16), ["…y-l10-night.log", "…y-l11-night.log"]);
        for names in [
            [
                "a long name of a run (2) and more",
                "a long name of a run (3) and more",
                "b",
            ],
            [
                "程序程序程序程序程序一程序程序",
                "程序程序程序程序程序二程序程序",
                "程",
            ],
            // Two of them differ in one place, and the third one in another.
            [
                "aaaaaaaaaaaaaaaaaaaaaaaa1aaaaaaaaaaaaaaaaaaaaaaaaa",
                "aaaaaaaaaaaaaaaaaaaaaaaa2aaaaaaaaaaaaaaaaaaaaaaaaa",
                "baaaaaaaaaaaaaaaaaaaaaaa2aaaaaaaaaaaaaaaaaaaaaaaaa",
            ],
        ] {
            let heads = heads(&names, 16);
            assert!(are_different(&heads), "{heads:?}");
            assert!(heads.iter().all(|head| width(head) <= 16), "{heads:?}");
        }
    }
}
