//! What is there though it does not allocate: modules, files, calls; and namesakes that nothing tells apart.

use super::*;
use crate::run::{CodeFingerprint, ModuleLabel};

fn mapped(names: &[&str]) -> Inventory {
    Inventory {
        mapped: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..Inventory::default()
    }
}

#[test]
fn a_module_that_is_in_both_runs_was_not_renamed() {
    let old = [at("init", "/s/audio/plugin.c", 1, 5).in_module("libaudio.so")];
    let new = [at("init", "/s/video/plugin.c", 1, 8).in_module("libvideo.so")];
    let found = |before: &Inventory, after: &Inventory| {
        let found = match_known((&old, before), (&new, after)).sites.remove(0);
        found.map(|found| (found.by, found.rivals))
    };
    let (audio, video) = (mapped(&["libaudio.so"]), mapped(&["libvideo.so"]));
    let both = mapped(&["libaudio.so", "libvideo.so"]);
    assert_eq!(found(&both, &both), None);
    assert_eq!(found(&audio, &both), None);
    assert_eq!(found(&both, &video), None);
    // One went and another came: functions and names of files are those of any plug-in.
    assert_eq!(found(&audio, &video), Some((Renamed, vec![None])));
    assert_eq!(
        found(&Inventory::default(), &video),
        Some((Renamed, vec![None]))
    );
    // A version is one.
    let of = |version: &str| [at("f", "/s/a.c", 1, 5).in_module(version)];
    let (old, new) = (of("libx.so.1"), of("libx.so.2"));
    let found = match_known(
        (&old, &mapped(&["libx.so.1"])),
        (&new, &mapped(&["libx.so.2"])),
    );
    let rivals = found.sites[0].as_ref().map(|found| found.rivals.clone());
    assert_eq!(rivals, Some(vec![]));
}

#[test]
fn a_file_that_is_in_both_builds_was_not_renamed() {
    let label = || ModuleLabel {
        role: Role::Program,
        name: "app".into(),
    };
    let made_of = |files: &[&str]| Inventory {
        sources: [(label(), files.iter().map(|file| (*file).into()).collect())].into(),
        ..Inventory::default()
    };
    let static_in = |file: &str, line| [at("state_new", file, 1, line).local()];
    let found = |old: &[Candidate], before: &Inventory, new: &[Candidate], after: &Inventory| {
        let found = match_known((old, before), (new, after)).sites.remove(0);
        found.map(|found| (found.by, found.rivals))
    };
    let both = made_of(&["/s/audio/init.c", "/s/video/init.c", "/s/m.c"]);
    let audio = static_in("/s/audio/init.c", 3);
    for line in [3, 5] {
        let video = static_in("/s/video/init.c", line);
        assert_eq!(found(&audio, &both, &video, &both), None);
    }
    // One went and the other came.
    let (only_audio, only_video) = (
        made_of(&["/s/audio/init.c", "/s/m.c"]),
        made_of(&["/s/video/init.c", "/s/m.c"]),
    );
    assert_eq!(
        found(
            &audio,
            &only_audio,
            &static_in("/s/video/init.c", 5),
            &only_video
        ),
        Some((MovedLine, vec![None]))
    );
    // Names that are alike: sure only if neither file can be where the other is.
    let (old, new) = (static_in("/s/a.c", 3), static_in("/s/a_v2.c", 3));
    let (a, a_v2) = (made_of(&["/s/a.c"]), made_of(&["/s/a_v2.c"]));
    let both = made_of(&["/s/a.c", "/s/a_v2.c"]);
    assert_eq!(found(&old, &a, &new, &a_v2), Some((Renamed, vec![])));
    assert_eq!(found(&old, &both, &new, &both), None);
    let unknown = Inventory::default();
    assert_eq!(
        found(&old, &unknown, &new, &a_v2),
        Some((Renamed, vec![None]))
    );
}

#[test]
fn one_name_at_two_paths_that_both_runs_have_is_two_modules() {
    let of = |path: &str, line| {
        let mut site = at("init", "/s/plugin.c", 1, line).in_module("plugin.so");
        site.module_path = Some(path.into());
        [site]
    };
    let (old, new) = (of("/opt/a/plugin.so", 5), of("/opt/b/plugin.so", 5));
    let rivals = |inventory: &Inventory| {
        let found = match_known((&old, inventory), (&new, inventory))
            .sites
            .remove(0);
        found.map(|found| found.rivals)
    };
    let both = mapped(&["plugin.so", "/opt/a/plugin.so", "/opt/b/plugin.so"]);
    assert_eq!(rivals(&both), Some(vec![None]));
    assert_eq!(rivals(&mapped(&["plugin.so"])), Some(vec![]));
}

#[test]
fn a_call_of_an_unchanged_function_is_where_it_was() {
    let code = |size, lines, last_line| CodeFingerprint {
        size,
        lines,
        last_line,
        has_namesake: false,
    };
    let found = |old: Candidate, new: Candidate| {
        let found = match_sites(&[old], &[new]).sites.remove(0);
        found.map(|found| (found.by, found.rivals))
    };
    let call = |declared, line, code| at("handle", "/s/a.c", declared, line).made_of(code);
    let same = code(80, Some(0xabc), Some(9));
    // Another call, quiet before, though the function as a whole moved.
    assert_eq!(found(call(1, 5, same), call(1, 8, same)), None);
    assert_eq!(found(call(1, 5, same), call(4, 11, same)), None);
    assert_eq!(
        found(call(1, 5, same), call(4, 8, same)),
        Some((MovedLine, vec![]))
    );
    // Compiled in another way, as long as before in the source.
    let other = code(96, Some(0xdef), Some(9));
    assert_eq!(
        found(call(1, 5, same), call(1, 8, other)),
        Some((MovedLine, vec![None]))
    );
    // A line was added.
    let longer = code(96, Some(0xdef), Some(10));
    assert_eq!(
        found(call(1, 5, same), call(1, 8, longer)),
        Some((MovedLine, vec![]))
    );
    // Inlined, too.
    let inlined = |line| call(1, 2, same).inlined_into("f", 5, line);
    assert_eq!(found(inlined(7), inlined(9)), None);
    // Without lines, a function of equal size may be unchanged.
    let call = |at, size| by_symbol("f", 0x100, at).made_of(code(size, None, None));
    let by = FunctionOrder;
    assert_eq!(
        found(call(0x110, 80), call(0x130, 80)),
        Some((by, vec![None]))
    );
    assert_eq!(found(call(0x110, 80), call(0x130, 99)), Some((by, vec![])));
    assert_eq!(found(call(0x110, 80), call(0x110, 80)), Some((by, vec![])));
}

#[test]
fn a_symbol_of_several_functions_names_none_for_sure() {
    let code = |has_namesake| CodeFingerprint {
        size: 80,
        has_namesake,
        ..CodeFingerprint::default()
    };
    let rivals = |has_namesake| {
        let site = || [by_symbol("alloc", 0x100, 0x110).made_of(code(has_namesake))];
        let other = by_symbol("g", 0x200, 0x210);
        let found = match_sites(&site(), &[site().to_vec(), vec![other]].concat());
        found.sites[0].as_ref().map(|found| found.rivals.clone())
    };
    assert_eq!(rivals(true), Some(vec![None]));
    assert_eq!(rivals(false), Some(vec![]));
}
