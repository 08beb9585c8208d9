//! Logs as they come from the field: cut, torn, glued, compressed, piped, of other machines' habits.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::{
    compare, file_of, json, linked, live, mtrace_diff, output_of, site, stdout_of, testdata,
};
use serde_json::Value;
use tempfile::TempDir;

const RUN: &str = "armhf-glibc2.31/run1";

fn write(directory: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn show(path: &Path) -> Value {
    json(&["show", path.to_str().unwrap()])
}

fn codes(run: &Value) -> Vec<&str> {
    run["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w["code"].as_str().unwrap())
        .collect()
}

/// The document of a log of these lines, between the marks of a whole one.
fn lines(lines: &str) -> Value {
    let directory = TempDir::new().unwrap();
    show(&write(
        &directory,
        "m.log",
        format!("= Start\n{lines}= End\n").as_bytes(),
    ))
}

/// Each kind of damage: its lines, its name in `anomalies`, how often, the first line, and its warning.
#[test]
fn each_kind_of_damage_is_counted_with_its_first_line_and_has_one_warning() {
    let good = "@ ./a:[0x1] + 0x10 0x8\n@ ./a:[0x1] + 0x20 0x8\n@ ./a:[0x1] + 0x30 0x8\n";
    let long = "x".repeat(3_000_000);
    let cases = [
        (
            "foo\n".to_owned(),
            "malformed_lines",
            1,
            "malformed-lines",
            3,
        ),
        ("\n\n".to_owned(), "blank_lines", 2, "blank-lines", 3),
        (
            "@ ./a:[0x1] + 0x40 0x8\r\n".to_owned(),
            "carriage_returns",
            1,
            "carriage-returns",
            4,
        ),
        (
            "\0\0\0@ ./a:[0x1] + 0x40 0x8\n".to_owned(),
            "nul_bytes",
            1,
            "nul-bytes",
            4,
        ),
        (
            "50%@ ./a:[0x1] + 0x40 0x8\n".to_owned(),
            "interleaved_lines",
            1,
            "interleaved-lines",
            4,
        ),
        (
            "@ ./a:[0@ ./a:[0x1] + 0x40 0x8\n".to_owned(),
            "interleaved_lines",
            1,
            "interleaved-lines",
            4,
        ),
        (
            format!("{long}\n"),
            "overlong_lines",
            1,
            "overlong-lines",
            3,
        ),
        (
            format!("{long}@ ./a:[0x1] + 0x40 0x8\n"),
            "overlong_lines",
            1,
            "overlong-lines",
            4,
        ),
        ("= Start\n".to_owned(), "starts", 2, "several-starts", 3),
    ];
    for (damage, name, count, code, blocks) in cases {
        let document = lines(&format!("{good}{damage}"));
        let run = &document["runs"][0];
        let shown = &damage[..damage.len().min(40)];
        assert_eq!(run["anomalies"][name], count, "{shown}");
        let first = if name == "starts" { 1 } else { 5 };
        assert_eq!(run["anomalies"]["first_lines"][name], first, "{shown}");
        assert_eq!(
            codes(run).iter().filter(|c| **c == code).count(),
            1,
            "{shown}: {:?}",
            codes(run)
        );
        assert_eq!(run["live"]["blocks"], blocks, "{shown}");
    }
}

#[test]
fn a_whole_log_without_a_final_line_end_is_not_cut() {
    let directory = TempDir::new().unwrap();
    let whole = write(
        &directory,
        "m.log",
        b"= Start\n@ ./a:[0x1] + 0x10 0x8\n= End",
    );
    let run = &show(&whole)["runs"][0];
    assert_eq!(run["anomalies"]["truncated_tail"], false);
    assert_eq!(run["anomalies"]["missing_end"], false);
    let cut = write(
        &directory,
        "n.log",
        b"= Start\n@ ./a:[0x1] + 0x10 0x8\n@ ./a:[0x1] + 0x20 0x8",
    );
    let run = &show(&cut)["runs"][0];
    assert_eq!(run["live"]["blocks"], 1);
    assert_eq!(run["anomalies"]["first_lines"]["truncated_tail"], 3);
    assert!(codes(run).contains(&"truncated-tail") && !codes(run).contains(&"missing-end"));
}

#[test]
fn a_fork_that_wrote_two_heaps_into_one_log_is_said() {
    let half: String = (0..50)
        .map(|n| format!("@ ./a:[0x1] + {:#x} 0x8\n", 0x1000 + n * 0x20))
        .collect();
    let document = lines(&format!("{half}= Start\n{half}"));
    let run = &document["runs"][0];
    assert!(codes(run).contains(&"fork"), "{:?}", codes(run));
    let message = run["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|w| w["code"] == "fork")
        .unwrap();
    assert!(
        message["message"]
            .as_str()
            .unwrap()
            .contains("50 allocations at addresses that were live")
    );
}

#[test]
fn half_a_caller_of_another_process_is_no_module() {
    let document = lines("@ ./a:[0x1] + 0x10 0x8\n@ 0x1233] + 0x20 0x8\n@ ./a:[0x1] + 0x30 0x8\n");
    assert_eq!(document["sites"].as_array().unwrap().len(), 1);
    assert_eq!(document["runs"][0]["anomalies"]["malformed_lines"], 1);
}

#[test]
fn a_pass_on_damaged_figures_says_so() {
    let directory = TempDir::new().unwrap();
    let whole = write(
        &directory,
        "whole",
        b"= Start\n@ ./a:[0x1] + 0x10 0x8\n= End\n",
    );
    let torn = write(
        &directory,
        "torn",
        b"= Start\n@ ./a:[0x1] + 0x10 0x8\nfoo\n@ ./a:[0x1] - 0x99\n= End\n",
    );
    let text = stdout_of(
        mtrace_diff()
            .args([&whole, &torn])
            .args(["--fail-above", "5"]),
    );
    let last = text.lines().last().unwrap();
    assert!(
        last.starts_with("PASS ") && last.contains("figures of torn are partial"),
        "{last}"
    );
}

/// The log of a run, compressed by `compress`, in a directory with its maps and program.
fn packed(compress: impl Fn(&[u8]) -> Vec<u8>) -> TempDir {
    let directory = TempDir::new().unwrap();
    write(
        &directory,
        "log",
        &compress(&fs::read(file_of(RUN, ".log")).unwrap()),
    );
    for suffix in ["app1", ".maps"] {
        let file = file_of(RUN, suffix);
        fs::copy(&file, directory.path().join(file.file_name().unwrap())).unwrap();
    }
    directory
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_logs_are_read_as_they_are() {
    let plain = json(&["show", RUN]);
    for compress in [&gzip as &dyn Fn(&[u8]) -> Vec<u8>, &zstd, &xz] {
        let directory = packed(compress);
        let sysroot = testdata().join("armhf-glibc2.31/sysroot");
        let document = json(&[
            "show",
            directory.path().to_str().unwrap(),
            "--sysroot",
            sysroot.to_str().unwrap(),
        ]);
        assert_eq!(document["sites"], plain["sites"]);
        assert_eq!(document["runs"][0]["live"], plain["runs"][0]["live"]);
    }
}

#[test]
fn a_compressed_log_that_is_cut_gives_its_beginning() {
    // Addresses without order, so that the compressed log has several blocks.
    let lines = (0..60_000u64).map(|n| {
        format!(
            "@ ./a:[0x1] + {:#x} 0x8\n",
            n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        )
    });
    let log = lines.collect::<String>().into_bytes();
    let directory = TempDir::new().unwrap();
    for compress in [&gzip as &dyn Fn(&[u8]) -> Vec<u8>, &zstd, &xz] {
        let mut bytes = compress(&log);
        bytes.truncate(bytes.len() * 3 / 4);
        let document = show(&write(&directory, "m.log", &bytes));
        let run = &document["runs"][0];
        assert!(codes(run).contains(&"read-stopped"), "{:?}", codes(run));
        let records = run["records"].as_u64().unwrap();
        assert!((10_000..60_000).contains(&records), "{records}");
    }
}

/// Standard output of a command whose standard input is `bytes`.
fn piped(arguments: &[&str], bytes: &[u8]) -> String {
    let mut command = mtrace_diff();
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(bytes).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_log_from_standard_input() {
    let log = fs::read(file_of(RUN, ".log")).unwrap();
    let (exe, maps) = (file_of(RUN, "app1"), file_of(RUN, ".maps"));
    let files = [
        "--exe",
        exe.to_str().unwrap(),
        "--maps",
        maps.to_str().unwrap(),
        "--format",
        "json",
    ];
    for bytes in [log.clone(), gzip(&log)] {
        let text = piped(&[&["show", "-"], &files[..]].concat(), &bytes);
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            live(site(&document, "session_open")),
            [Some((1800, 460_800))]
        );
    }
    assert!(piped(&["show", "-"], &log).starts_with("stdin  no program"));
    let output = output_of(mtrace_diff().args(["-", "-"]).stdin(Stdio::null()));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("can only be one run's log"));
}

#[test]
fn a_log_from_a_fifo() {
    let directory = TempDir::new().unwrap();
    let fifo = directory.path().join("fifo");
    // mkfifo is in coreutils, which no machine with a shell lacks.
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let writer = {
        let fifo = fifo.clone();
        std::thread::spawn(move || {
            fs::write(fifo, b"= Start\n@ ./a:[0x1] + 0x10 0x8\n= End\n").unwrap()
        })
    };
    assert_eq!(show(&fifo)["runs"][0]["live"]["blocks"], 1);
    writer.join().unwrap();
    // One that lies in a capture directory, with nobody to write to it, is passed over.
    write(
        &directory,
        "m.log",
        b"= Start\n@ ./a:[0x1] + 0x10 0x8\n= End\n",
    );
    assert_eq!(show(directory.path())["runs"][0]["live"]["blocks"], 1);
}

#[test]
fn odd_things_in_a_directory_do_no_harm() {
    let directory = packed(<[u8]>::to_vec);
    let at = |name: &str| directory.path().join(name);
    std::os::unix::fs::symlink("loop", at("loop")).unwrap();
    std::os::unix::fs::symlink("/nowhere", at("nowhere")).unwrap();
    fs::create_dir(at("directory")).unwrap();
    write(
        &directory,
        "notes",
        b"int f(void)\n{\n    return base + 0x10;\n}\n",
    );
    write(
        &directory,
        "mtrace1.result",
        b"\nMemory not freed:\n-----------------\n",
    );
    assert_eq!(show(directory.path())["runs"][0]["records"], 6864);
}

#[test]
fn frees_and_allocations_that_went_wrong_are_listed() {
    let log = "@ ./a:[0x1] + 0x10 0x8\n@ ./a:[0x2] - 0x10\n@ ./a:[0x2] - 0x10\n@ ./a:[0x3] - 0x999\n\
               @ ./a:[0x4] + (nil) 0x7fffffff\n@ ./a:[0x1] + 0x20 0x8\n@ ./a:[0x5] ! 0x20 0x7fffffff\n@ ./a:[0x6] < 0x10\n@ ./a:[0x6] > 0x30 0x9\n";
    let document = lines(log);
    let run = &document["runs"][0];
    let counts = [
        "unknown_frees",
        "double_frees",
        "failed_allocations",
        "failed_reallocations",
    ]
    .map(|n| run["anomalies"][n].as_u64().unwrap());
    assert_eq!(counts, [3, 2, 1, 1]);
    let faults: Vec<(&str, u64, &str)> = run["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| {
            (
                f["kind"].as_str().unwrap(),
                f["first_line"].as_u64().unwrap(),
                f["address"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        faults,
        [
            ("double-free", 4, "0x2"),
            ("double-free", 9, "0x6"),
            ("free-of-unknown", 5, "0x3"),
            ("failed-allocation", 6, "0x4"),
            ("failed-reallocation", 8, "0x5"),
        ]
    );
    let directory = TempDir::new().unwrap();
    let path = write(
        &directory,
        "m.log",
        format!("= Start\n{log}= End\n").as_bytes(),
    );
    let clean = write(
        &directory,
        "clean.log",
        b"= Start\n@ ./a:[0x1] + 0x10 0x8\n= End\n",
    );
    let text = stdout_of(mtrace_diff().arg("show").arg(&path).arg("--errors"));
    assert_eq!(text.matches("double free").count(), 2, "{text}");
    assert!(
        text.contains("free of a block from before mtrace()") && text.contains("failed realloc"),
        "{text}"
    );
    let text = stdout_of(mtrace_diff().args([&clean, &path]));
    assert!(text.contains("m.log: 2 double frees, 1 failed allocation, 1 failed realloc, 1 free of blocks from before mtrace()"), "{text}");
    let gate = |runs: &[&Path]| {
        let output = output_of(mtrace_diff().args(runs).args(["--fail-on", "double-free"]));
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (status, text) = gate(&[&clean, &path]);
    assert_eq!(
        (status, text.lines().last()),
        (1, Some("FAIL 2 double frees in m.log"))
    );
    let (status, text) = gate(&[&path, &clean]);
    assert_eq!(
        (status, text.lines().last()),
        (0, Some("PASS no block was freed twice"))
    );
    let output = output_of(
        mtrace_diff()
            .arg("show")
            .arg(&path)
            .args(["--fail-on", "double-free"]),
    );
    assert_eq!(output.status.code(), Some(1));
}

/// A capture of glibc 2.36 as 2.34 would have written it: no Debian release has 2.34, whose log
/// differs in the number alone, which is the address itself (the lowest mapping of its module added).
fn as_2_34(set: &str, run: &str, keep_symbols: bool) -> TempDir {
    let source = testdata().join(set).join(run);
    let directory = TempDir::new().unwrap();
    let maps = fs::read_to_string(file_of(&format!("{set}/{run}"), ".maps")).unwrap();
    let lowest = |name: &str| {
        let base = name
            .rsplit('/')
            .next()
            .unwrap()
            .trim_start_matches("./")
            .to_owned();
        let stem = base.trim_end_matches(".1").to_owned();
        let line = maps
            .lines()
            .find(|line| {
                line.rsplit('/')
                    .next()
                    .is_some_and(|file| file.starts_with(&stem))
            })
            .unwrap();
        u64::from_str_radix(line.split('-').next().unwrap(), 16).unwrap()
    };
    let log = fs::read_to_string(file_of(&format!("{set}/{run}"), ".log")).unwrap();
    let absolute: String = log
        .lines()
        .map(|line| {
            let Some((before, after)) = line.split_once('[') else {
                return format!("{line}\n");
            };
            let (number, rest) = after.split_once(']').unwrap();
            let file = before.trim_start_matches("@ ").split(':').next().unwrap();
            let number =
                u64::from_str_radix(number.trim_start_matches("0x"), 16).unwrap() + lowest(file);
            let before = if keep_symbols {
                before.to_owned()
            } else {
                format!("@ {file}:")
            };
            format!("{before}[{number:#x}]{rest}\n")
        })
        .collect();
    write(&directory, "m.log", absolute.as_bytes());
    for entry in fs::read_dir(&source).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.ends_with(".log") && !name.ends_with(".result") {
            fs::copy(&path, directory.path().join(name)).unwrap();
        }
    }
    directory
}

#[test]
fn glibc_2_34_is_absolute_with_the_new_symbol_offsets() {
    let directory = as_2_34("armhf-glibc2.36", "run1", true);
    let document = show(directory.path());
    let run = &document["runs"][0];
    assert_eq!(run["addressing"], "absolute");
    let table = stdout_of(mtrace_diff().arg("show").arg(directory.path()));
    assert!(table.contains("absolute addresses (glibc 2.34)"), "{table}");
    assert_eq!(
        live(site(&document, "session_open")),
        [Some((1800, 460_800))]
    );
    assert!(
        run["addressing_reason"]
            .as_str()
            .unwrap()
            .contains("callers lie in code of their module")
    );
}

#[test]
fn threads_under_2_34_are_counted_by_queue_even_without_symbols() {
    // Only libc_malloc_debug.so.0 in the maps tells it from an older one, whose frees get lost.
    let directory = as_2_34("amd64-threads", "run1", false);
    let document = show(directory.path());
    assert_eq!(document["runs"][0]["addressing"], "absolute");
    assert_eq!(live(site(&document, "job_keep")), [Some((24, 768))]);
    assert_eq!(live(site(&document, "job_run")), [Some((0, 0))]);
    assert_eq!(document["runs"][0]["anomalies"]["unknown_frees"], 0);
}

#[test]
fn addressing_can_be_overruled() {
    let document = json(&["show", "armhf-glibc2.36/run0", "--addressing", "absolute"]);
    assert_eq!(document["runs"][0]["addressing"], "absolute");
    assert_eq!(
        document["runs"][0]["addressing_reason"],
        "as --addressing says"
    );
    assert!(codes(&document["runs"][0]).contains(&"other-maps"));
}

#[test]
fn evidence_that_contradicts_itself_is_said() {
    // Half of one log, half of the other: no process writes both.
    let absolute = fs::read_to_string(file_of("armhf-glibc2.31/run0", ".log")).unwrap();
    let relative = fs::read_to_string(file_of("armhf-glibc2.36/run0", ".log")).unwrap();
    let directory = TempDir::new().unwrap();
    let strdup = |log: &str, lines: usize| -> String {
        log.lines()
            .filter(|line| line.contains("__strdup"))
            .take(lines)
            .map(|line| format!("{line}\n"))
            .collect()
    };
    let log = format!(
        "= Start\n{}{}= End\n",
        strdup(&absolute, 5),
        strdup(&relative, 5)
    );
    let path = write(&directory, "m.log", log.as_bytes());
    let document = show(&path);
    assert!(
        codes(&document["runs"][0]).contains(&"addressing-mixed"),
        "{:?}",
        codes(&document["runs"][0])
    );
}

#[test]
fn maps_of_another_run_are_recognised() {
    let directory = packed(<[u8]>::to_vec);
    let maps = fs::read_to_string(file_of(RUN, ".maps")).unwrap();
    // The same files, all of them elsewhere, as address space randomisation puts them.
    let moved: String = maps
        .lines()
        .map(|line| {
            let (range, rest) = line.split_once(' ').unwrap();
            let part = |text: &str| u64::from_str_radix(text, 16).unwrap();
            let (start, end) = range.split_once('-').unwrap();
            format!(
                "{:08x}-{:08x} {rest}\n",
                part(start) ^ 0x0800_0000,
                part(end) ^ 0x0800_0000
            )
        })
        .filter(|line| !line.starts_with("f7"))
        .collect();
    write(&directory, "app1.maps", moved.as_bytes());
    let document = show(directory.path());
    assert!(
        codes(&document["runs"][0]).contains(&"other-maps"),
        "{:?}",
        codes(&document["runs"][0])
    );
}

#[test]
fn snapshots_of_one_process_are_united() {
    let directory = packed(<[u8]>::to_vec);
    let maps = fs::read_to_string(file_of(RUN, ".maps")).unwrap();
    // An early snapshot, before the libraries came; a late one, after the program's first page went.
    let early: String = maps
        .lines()
        .filter(|l| !l.contains("libsensors"))
        .map(|l| format!("{l}\r\n"))
        .collect();
    let late: String = maps
        .lines()
        .filter(|l| !l.contains("libc.so"))
        .map(|l| format!("{}\n", l.trim_end()))
        .collect();
    write(&directory, "app1.maps", early.as_bytes());
    let sysroot = testdata().join("armhf-glibc2.31/sysroot");
    let arguments = [
        "show",
        directory.path().to_str().unwrap(),
        "--sysroot",
        sysroot.to_str().unwrap(),
    ];
    assert!(codes(&json(&arguments)["runs"][0]).contains(&"outside-maps"));
    write(&directory, "late.maps", late.as_bytes());
    let document = json(&arguments);
    assert_eq!(live(site(&document, "frame_decode")), [Some((900, 43_200))]);
    assert_eq!(live(site(&document, "__strdup")), [Some((300, 3300))]);
    assert_eq!(codes(&document["runs"][0]), [""; 0]);
}

#[test]
fn the_build_of_another_run_is_not_believed_silently() {
    let app1 = file_of("armhf-glibc2.31/run1", "app1");
    let document = json(&[
        "show",
        "armhf-glibc2.31/run0",
        "--exe",
        app1.to_str().unwrap(),
    ]);
    let run = &document["runs"][0];
    let message = run["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|w| w["code"] == "module-does-not-fit");
    assert!(
        message.unwrap()["message"]
            .as_str()
            .unwrap()
            .contains("it is not the build that ran")
    );
    let (_link, other) = linked("armhf-glibc2.31/run0");
    let gate = |options: &[&str]| {
        let mut command = mtrace_diff();
        command.arg(&other).args(["armhf-glibc2.31/run0", "--exe"]);
        output_of(
            command
                .arg(&app1)
                .args(["--fail-above", "10"])
                .args(options),
        )
    };
    let text = String::from_utf8(gate(&[]).stdout).unwrap();
    assert!(text.contains("PASS") && text.contains("partial"), "{text}");
    assert_eq!(gate(&["--strict"]).status.code(), Some(2));
}

/// A program of another build beside the log: which of the two ran is not known.
#[test]
fn a_given_program_that_is_not_the_one_beside_the_log_is_said() {
    let app1 = file_of(RUN, "app1");
    let copy = packed(<[u8]>::to_vec);
    let run = copy.path().to_str().unwrap();
    let warned = |exe: &Path| {
        let document = json(&["show", run, "--exe", exe.to_str().unwrap()]);
        codes(&document["runs"][0]).contains(&"other-program")
    };
    assert!(!warned(&app1));
    assert!(warned(&file_of("armhf-glibc2.31/run0", "app0")));
}

#[test]
fn a_recorded_build_id_decides() {
    let directory = packed(<[u8]>::to_vec);
    let path = directory.path().to_str().unwrap().to_owned();
    let id = json(&["show", &path])["runs"][0]["build_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let manifest = |id: &str| {
        format!(
            "{{\"schema\": \"mtrace-diff-run/1\", \"duration_s\": 180, \"modules\": [{{\"path\": \"/opt/gateway/run1/app1\", \"build_id\": \"{id}\"}}]}}"
        )
    };
    write(&directory, "run.json", manifest(&id).as_bytes());
    let document = json(&["show", &path]);
    assert_eq!(document["runs"][0]["duration_s"], 180.0);
    assert_eq!(site(&document, "session_open")["module"], "app1");
    write(
        &directory,
        "run.json",
        manifest("0123456789abcdef").as_bytes(),
    );
    let document = json(&["show", &path]);
    assert!(
        codes(&document["runs"][0]).contains(&"module-refused"),
        "{:?}",
        codes(&document["runs"][0])
    );
    assert!(
        document["sites"]
            .as_array()
            .unwrap()
            .iter()
            .all(|s| s["function"] != "session_open")
    );
    let soon = "{\"schema\": \"mtrace-diff-run/1\", \"duration_s\": \"soon\"}";
    for bad in [soon, &manifest("797582f"), &manifest("build 7")] {
        write(&directory, "run.json", bad.as_bytes());
        let output = output_of(mtrace_diff().args(["show", &path]));
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{bad}: {error}");
        let says = error.contains("run.json' cannot be used as a run's facts");
        assert!(says, "{bad}: {error}");
    }
}

#[test]
fn two_builds_that_do_not_match_are_said() {
    // The two builds of the workflow, without their lines: joined by address, nothing fits.
    let bare = |run: &str| {
        let directory = TempDir::new().unwrap();
        let log = fs::read(file_of(&format!("armhf-glibc2.36/{run}"), ".log")).unwrap();
        let maps = fs::read(file_of(&format!("armhf-glibc2.36/{run}"), ".maps")).unwrap();
        write(&directory, "m.log", &log);
        write(&directory, "maps", &maps);
        directory
    };
    let (first, last) = (bare("run0"), bare("run1"));
    let document = json(&[
        first.path().to_str().unwrap(),
        last.path().to_str().unwrap(),
    ]);
    let codes: Vec<&Value> = document["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| &w["code"])
        .collect();
    // The library is the same in both, but nothing here says so.
    assert_eq!(codes, ["addresses-moved", "unsure-addresses"]);
    // Runs of different machines are no runs of one program.
    let document = json(&["armhf-glibc2.36/run0", "mips-glibc2.36/run1"]);
    assert_eq!(document["warnings"][0]["code"], "machines-differ");
    assert_eq!(compare("armhf-glibc2.36")["warnings"], Value::Array(vec![]));
}

#[test]
fn libraries_of_one_name_are_two_modules() {
    let document =
        lines("@ /lib/a/plugin.so:[0x1139] + 0x10 0x8\n@ /lib/b/plugin.so:[0x1139] + 0x20 0x8\n");
    let modules: Vec<&str> = document["sites"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["module"].as_str().unwrap())
        .collect();
    assert_eq!(modules, ["/lib/a/plugin.so", "/lib/b/plugin.so"]);
}

#[test]
fn an_old_glibcs_lost_frees_are_said() {
    let log =
        "@ ./a:(f+0x1)[0x1] + 0x10 0x8\n@ ./a:(f+0x1)[0x1] + 0x10 0x9\n@ ./a:(f+0x1)[0x2] - 0x10\n";
    let run = &lines(log)["runs"][0];
    assert!(codes(run).contains(&"frees-lost"));
    assert_eq!(
        run["live"]["blocks"], 0,
        "the first block's free is lost, the second's is there"
    );
    let run = &lines(&log.replace("(f+0x1)", "(f+1)"))["runs"][0].clone();
    assert_eq!(
        run["live"]["blocks"], 1,
        "from 2.34 the free is the first block's"
    );
}

#[test]
fn a_changed_byte_in_a_compressed_log_is_damage_and_not_judged() {
    let log = fs::read(file_of(RUN, ".log")).unwrap();
    let before = packed(zstd);
    let before = before.path().to_str().unwrap();
    let mut refused = 0;
    for compress in [&gzip as &dyn Fn(&[u8]) -> Vec<u8>, &zstd, &xz] {
        let good = compress(&log);
        for at in (good.len() / 4..good.len() - 40).step_by(good.len() / 8) {
            let mut bytes = good.clone();
            bytes[at] ^= 4;
            let directory = packed(|_| bytes.clone());
            let after = directory.path().to_str().unwrap();
            let output = mtrace_diff()
                .args([before, after, "--fail-above", "1000000"])
                .output()
                .unwrap();
            let error = String::from_utf8_lossy(&output.stderr);
            // Without a line to begin with, it is no log at all.
            assert_eq!(output.status.code(), Some(2), "byte {at}: {error}");
            refused += usize::from(error.contains("the log is damaged"));
        }
    }
    assert!(refused >= 10, "{refused}");
}
