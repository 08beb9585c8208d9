//! The shipped captures against what their sources say: see the head of each file in testdata/src.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::Path;

use crate::common::{compare, file_of, json, line_of, live, mtrace_diff, site, stdout_of};
use serde_json::Value;

/// The gateway, in every build and on every glibc: minutes 2 and 3.
fn check_gateway(set: &str) -> Value {
    let document = compare(set);
    let expected = [
        ("session_open", "gateway.c", "LEAK: session_open", 600, 256),
        ("frame_decode", "sensors.c", "LEAK: frame_decode", 300, 48),
    ];
    for (rank, (function, source, mark, a_minute, size)) in expected.into_iter().enumerate() {
        let site = site(&document, function);
        let figures = |minutes: u64| Some((a_minute * minutes, a_minute * minutes * size));
        assert_eq!(live(site), [figures(2), figures(3)], "{set} {function}");
        assert_eq!(site["file"], format!("/src/{source}"));
        assert_eq!(site["line"], line_of(source, mark), "{set} {function}");
        assert_eq!(site["rank"], rank as u64 + 1);
        assert_eq!(site["change"], "grown");
        assert_eq!(site["growth"]["percent"], 50.0);
    }
    // "event 0000" and its zero byte, through strdup in libc: no line without libc's own sources.
    let event = site(&document, "__strdup");
    assert_eq!(
        live(event),
        [Some((200, 2200)), Some((300, 3300))],
        "{set} strdup"
    );
    assert_eq!(event["module"], "libc.so.6");
    assert_eq!(event["named_by"], "log");
    assert_eq!(site(&document, "session_open")["named_by"], "dwarf");
    let table = site(&document, "table_load");
    assert_eq!(live(table), [Some((500, 16000)), Some((500, 16000))]);
    assert_eq!(table["change"], "same");
    assert_eq!(table["line"], line_of("gateway.c", "start-up: never freed"));
    let cache = site(&document, "cache_touch");
    assert_eq!(live(cache), [Some((0, 0)), Some((0, 0))]);
    // Touched every third tick of 600 a minute.
    assert_eq!(cache["runs"][0]["allocations"], 400);
    assert_eq!(cache["runs"][1]["frees"], 600);
    assert_eq!(document["total"]["growth"]["blocks"], 1000);
    assert_eq!(
        document["total"]["growth"]["bytes"],
        600 * 256 + 300 * 48 + 100 * 11
    );
    document
}

fn check_run(document: &Value, addressing: &str, arch: &str) {
    for (index, run) in document["runs"].as_array().unwrap().iter().enumerate() {
        assert_eq!(run["addressing"], addressing);
        assert_eq!(run["arch"], arch);
        assert_eq!(run["name"], format!("run{index}"));
        assert_eq!(run["anomalies"]["starts"], 1);
        assert_eq!(run["anomalies"]["missing_end"], false);
        assert_eq!(run["anomalies"]["malformed_lines"], 0);
        assert_eq!(run["anomalies"]["unknown_frees"], 0);
        assert_eq!(run["warnings"], Value::Array(vec![]), "{arch}");
    }
}

#[test]
fn the_classic_workflow_on_armhf_with_absolute_addresses() {
    check_run(&check_gateway("armhf-glibc2.31"), "absolute", "armhf");
}

#[test]
fn the_same_with_relative_addresses() {
    check_run(&check_gateway("armhf-glibc2.36"), "relative", "armhf");
}

#[test]
fn the_same_on_a_big_endian_target() {
    check_run(&check_gateway("mips-glibc2.36"), "relative", "mips");
}

#[test]
fn one_place_has_different_addresses_in_two_builds() {
    let document = compare("armhf-glibc2.31");
    let site = site(&document, "session_open");
    let addresses = |run: usize| site["runs"][run]["addresses"].as_array().unwrap().clone();
    // As result0.log and result1.log have them (0x87d, 0x8c5), with the Thumb bit cleared.
    let of_script = |run: usize, count: &str| {
        let name = format!("result{run}.log");
        let text = std::fs::read_to_string(
            crate::common::testdata().join(format!("armhf-glibc2.31/run{run}/{name}")),
        )
        .unwrap();
        let line = text
            .lines()
            .find(|line| line.split_whitespace().nth(1) == Some(count))
            .unwrap();
        let offset = line
            .split_whitespace()
            .last()
            .unwrap()
            .trim_start_matches("0x")
            .to_owned();
        format!("{:#x}", u64::from_str_radix(&offset, 16).unwrap() & !1)
    };
    assert_eq!(addresses(0), [of_script(0, "1200")]);
    assert_eq!(addresses(1), [of_script(1, "1800")]);
    assert_ne!(addresses(0), addresses(1));
}

#[test]
fn the_loader_is_hidden_counted_and_back_with_all() {
    let document = compare("armhf-glibc2.31");
    let hidden: Vec<&Value> = document["sites"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|s| s["hidden"] == "loader")
        .collect();
    assert_eq!(hidden.len(), 4);
    assert!(hidden.iter().all(|s| s["module"] == "ld-linux-armhf.so.3"));
    let table = |arguments: &[&str]| {
        stdout_of(
            mtrace_diff()
                .args(["armhf-glibc2.31/run0", "armhf-glibc2.31/run1"])
                .args(arguments),
        )
    };
    assert!(!table(&[]).contains("ld-linux-armhf.so.3"));
    assert!(table(&[]).contains("4 sites of the dynamic loader left out"));
    assert_eq!(table(&["--all"]).matches("ld-linux-armhf.so.3").count(), 4);
}

/// The collector: minutes 2 and 3.
fn check_collector(set: &str, strdup: &str) -> Value {
    let document = compare(set);
    let expected = [
        ("index_add", [Some((40, 2560)), Some((60, 3840))], "grown"),
        (strdup, [Some((20, 200)), Some((30, 300))], "grown"),
        ("retry_queue", [None, Some((1, 500))], "new"),
        ("history_grow", [Some((1, 160)), Some((1, 240))], "grown"),
        ("config_load", [Some((12, 192)), Some((12, 192))], "same"),
        ("spool_keep", [Some((3, 300)), None], "gone"),
    ];
    for (rank, (function, figures, change)) in expected.into_iter().enumerate() {
        let site = site(&document, function);
        assert_eq!(live(site), figures, "{set} {function}");
        assert_eq!(site["change"], change, "{set} {function}");
        // work() leaves nothing, and has no growth like config_load: it sorts by name between them.
        assert_eq!(
            site["rank"],
            rank as u64 + if function == "spool_keep" { 2 } else { 1 },
            "{set} {function}"
        );
        if function != strdup {
            assert_eq!(
                site["line"],
                line_of("collector.c", &format!("SITE: {function}"))
            );
        }
    }
    let history = site(&document, "history_grow");
    assert_eq!(history["runs"][1]["allocations"], 3);
    assert_eq!(history["runs"][1]["frees"], 2);
    let work = site(&document, "work");
    assert_eq!(work["runs"][1]["allocations"], 150);
    assert_eq!(live(work)[1], Some((0, 0)));
    document
}

#[test]
fn a_program_at_a_fixed_address() {
    let document = json(&["amd64-nonpie/run0", "amd64-nonpie/run1"]);
    let site = site(&document, "index_add");
    let address = site["runs"][0]["addresses"][0].as_str().unwrap();
    let address = u64::from_str_radix(address.trim_start_matches("0x"), 16).unwrap();
    assert!(
        (0x40_1000..0x40_2000).contains(&address),
        "{address:#x} is no link-time address"
    );
    assert_eq!(document["runs"][0]["addressing"], "relative");
}

#[test]
fn a_program_at_a_fixed_address_has_the_figures_of_its_source() {
    // strdup is named by the log, or by libc's own symbols where this machine's libc is the one.
    let document = compare("amd64-nonpie");
    let strdup = document["sites"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["module"] == "libc.so.6")
        .unwrap();
    let name = strdup["function"].as_str().unwrap().to_owned();
    assert!(name.ends_with("strdup"), "{name}");
    check_collector("amd64-nonpie", &name);
}

#[test]
fn a_static_program_whose_log_names_no_module() {
    let document = check_collector("armhf-static", "strdup");
    check_run(&document, "absolute", "armhf");
    assert!(
        document["sites"]
            .as_array()
            .unwrap()
            .iter()
            .all(|s| s["module"] == "collector")
    );
}

#[test]
fn a_64_bit_target_of_either_byte_order() {
    for (set, arch) in [
        ("aarch64-glibc2.36", "aarch64"),
        ("s390x-glibc2.36", "s390x"),
    ] {
        check_run(&check_collector(set, "__strdup"), "relative", arch);
    }
}

#[test]
fn inlined_allocators_show_as_the_callers_own_line() {
    let document = compare("amd64-cxx");
    let expected = [
        (
            "fleet::Registry<fleet::Session>::open()",
            "Registry<T>::open",
            40,
            72,
        ),
        (
            "fleet::Registry<fleet::Timer>::open()",
            "Registry<T>::open",
            15,
            24,
        ),
        ("fleet::remember(int)", "remember", 10, 24),
        ("fleet::frame_buffer()", "frame_buffer", 5, 128),
    ];
    for (rank, (function, mark, a_minute, size)) in expected.into_iter().enumerate() {
        let site = site(&document, function);
        let figures = |minutes: u64| Some((a_minute * minutes, a_minute * minutes * size));
        assert_eq!(live(site), [figures(2), figures(3)], "{function}");
        assert_eq!(site["file"], "/src/sessions.cc");
        assert_eq!(
            site["line"],
            line_of("sessions.cc", &format!("SITE: {mark}")),
            "{function}"
        );
        assert_eq!(site["rank"], rank as u64 + 1);
    }
    let frames = site(&document, "fleet::remember")["frames"]
        .as_array()
        .unwrap()
        .clone();
    assert!(
        frames.len() > 3,
        "the chain through std::list is short: {frames:#?}"
    );
    assert!(
        frames
            .iter()
            .any(|f| f["file"].as_str().unwrap().ends_with("new_allocator.h"))
    );
    assert!(
        frames[..frames.len() - 1]
            .iter()
            .all(|f| f["inlined"] == true)
    );
    assert_eq!(frames.last().unwrap()["inlined"], false);
}

#[test]
fn threads_that_overtake_each_other_are_counted_right() {
    let document = compare("amd64-threads");
    let kept = site(&document, "job_keep");
    // 8 workers, rounds / 100 blocks each: 200 and 300 rounds.
    assert_eq!(live(kept), [Some((16, 512)), Some((24, 768))]);
    let run = site(&document, "job_run");
    assert_eq!(live(run), [Some((0, 0)), Some((0, 0))]);
    assert_eq!(run["runs"][0]["allocations"], 1600);
    assert_eq!(run["runs"][1]["frees"], 2400);
    for anomalies in [
        &document["runs"][0]["anomalies"],
        &document["runs"][1]["anomalies"],
    ] {
        assert!(
            anomalies["live_address_reused"].as_u64().unwrap() > 100,
            "the capture shows no overtaking"
        );
        assert_eq!(anomalies["unknown_frees"], 0);
    }
}

/// What each caller of a log allocated, and how much of that was freed: counted line by line, with a queue of
/// owners at each address. Callers that only free are left out.
fn counted_by_caller(log: &Path) -> Vec<(u64, u64)> {
    let text = fs::read_to_string(log).unwrap();
    let mut owners: BTreeMap<&str, VecDeque<&str>> = BTreeMap::new();
    let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("@ ")) {
        let mut fields = line.rsplitn(4, ' ');
        let (last, before) = (fields.next().unwrap(), fields.next().unwrap());
        if before == "-" || before == "<" {
            let owner = owners.get_mut(last).and_then(VecDeque::pop_front);
            counts.entry(owner.unwrap()).or_default().1 += 1;
        } else {
            let caller = line.split([' ']).nth(1).unwrap();
            owners.entry(before).or_default().push_back(caller);
            counts.entry(caller).or_default().0 += 1;
        }
    }
    counts.into_values().collect()
}

#[test]
fn allocations_and_frees_of_every_caller_are_those_of_the_log() {
    for set in [
        "armhf-glibc2.31",
        "amd64-nonpie",
        "amd64-threads",
        "amd64-cxx",
    ] {
        let runs = ["run0", "run1"].map(|run| format!("{set}/{run}"));
        let document = json(&["--by", "address", &runs[0], &runs[1]]);
        for (index, run) in runs.iter().enumerate() {
            let sites = document["sites"].as_array().unwrap().iter();
            let of_site = |site: &Value| {
                let run = &site["runs"][index];
                Some((run["allocations"].as_u64()?, run["frees"].as_u64()?))
            };
            let mut shown: Vec<(u64, u64)> = sites.filter_map(of_site).collect();
            let mut counted = counted_by_caller(&file_of(run, ".log"));
            shown.sort_unstable();
            counted.sort_unstable();
            assert_eq!(shown, counted, "{run}");
            let live: u64 = counted.iter().map(|(got, freed)| got - freed).sum();
            assert_eq!(document["runs"][index]["live"]["blocks"], live, "{run}");
        }
    }
}

#[test]
fn the_order_of_runs_is_the_order_given() {
    let document = json(&["armhf-glibc2.31/run1", "armhf-glibc2.31/run0"]);
    let site = site(&document, "session_open");
    assert_eq!(site["growth"]["blocks"], -600);
    assert_eq!(site["change"], "shrunk");
    assert_eq!(document["total"]["growth"]["blocks"], -1000);
}

#[test]
fn more_than_two_runs_keep_their_order() {
    let runs = [
        "armhf-glibc2.31/run0",
        "armhf-glibc2.31/run1",
        "armhf-glibc2.31/run1/mtrace1.log",
    ];
    let document = json(&runs);
    assert_eq!(live(site(&document, "session_open")).len(), 3);
    assert_eq!(document["runs"].as_array().unwrap().len(), 3);
}

#[test]
fn one_run_has_no_growth() {
    let document = json(&["show", "armhf-glibc2.31/run1"]);
    assert_eq!(document["schema"], "mtrace-diff/1");
    let site = site(&document, "session_open");
    assert_eq!(live(site), [Some((1800, 460_800))]);
    assert!(
        site["growth"].is_null()
            && site["change"].is_null()
            && document["total"]["growth"].is_null()
    );
    assert!(document["gate"]["verdict"].is_null());
    assert_eq!(
        document["runs"][0]["records"],
        records("armhf-glibc2.31/run1")
    );
}

/// Lines of a log that are no marks.
fn records(run: &str) -> u64 {
    let log = std::fs::read(file_of(run, ".log")).unwrap();
    log.split(|&b| b == b'\n')
        .filter(|line| line.starts_with(b"@ "))
        .count() as u64
}

#[test]
fn sorting_by_each_key() {
    let order = |sort: &str| -> Vec<String> {
        let document = json(&["amd64-nonpie/run0", "amd64-nonpie/run1", "--sort", sort]);
        let names = document["sites"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["function"].as_str().unwrap().to_owned());
        names.filter(|name| !name.ends_with("strdup")).collect()
    };
    // Growth from the source: index_add +20 blocks +1280 bytes, retry_queue +1 +500 (new),
    // history_grow 0 +80, config_load and work 0 0, spool_keep -3 -300 (gone).
    for key in ["blocks", "bytes"] {
        let expected = [
            "index_add",
            "retry_queue",
            "history_grow",
            "config_load",
            "work",
            "spool_keep",
        ];
        assert_eq!(order(key), expected, "{key}");
    }
    assert_eq!(
        order("percent"),
        [
            "retry_queue",
            "index_add",
            "history_grow",
            "config_load",
            "work",
            "spool_keep"
        ]
    );
    assert_eq!(
        order("name"),
        [
            "config_load",
            "history_grow",
            "index_add",
            "retry_queue",
            "spool_keep",
            "work"
        ]
    );
}

#[test]
fn the_listing_of_mtrace_do_is_the_scripts() {
    for run in 0..2 {
        let directory = format!("armhf-glibc2.31/run{run}");
        let ours = stdout_of(mtrace_diff().args(["show", &directory, "--format", "mtrace-do"]));
        let path = crate::common::testdata()
            .join(&directory)
            .join(format!("result{run}.log"));
        // The script pads to a width that counts Python's b'…' in; the fields are the same.
        let theirs = std::fs::read_to_string(path)
            .unwrap()
            .replace("b'", "")
            .replace('\'', "");
        let fields = |text: &str| -> Vec<Vec<String>> {
            text.lines()
                .map(|line| line.split_whitespace().map(str::to_owned).collect())
                .collect()
        };
        assert_eq!(fields(&ours), fields(&theirs));
        assert!(fields(&ours).len() > 4);
    }
}

/// Every byte of what is printed is the same with any number of threads.
#[test]
fn the_number_of_threads_changes_nothing() {
    for set in ["armhf-glibc2.31", "amd64-cxx", "amd64-threads"] {
        let runs = ["run0", "run1"].map(|run| crate::common::testdata().join(set).join(run));
        let with = |threads: &str| {
            let mut command = mtrace_diff();
            command.args(["--all", "--format", "json", "--threads", threads]);
            stdout_of(command.args(&runs))
        };
        let alone = with("1");
        for threads in ["2", "3", "16"] {
            assert_eq!(with(threads), alone, "{set}, {threads} threads");
        }
    }
}
