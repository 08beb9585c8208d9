"""Measures what bench.sh has made ready, and prints the table of the guide's chapter on speed.

    measure.py PROGRAM DIR TESTDATA RUNS [MTRACE_DO]

Every command is run RUNS times, those that are compared in turn, and the medians are taken. All files are in the page
cache: what is measured is the work, not the disk.
"""

import datetime
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

program, directory, testdata = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
runs = int(sys.argv[4])
mtrace_do = sys.argv[5] if len(sys.argv) > 5 else ""


def log(name):
    return directory / name / "mtrace.log"


def run(command, stdin=None):
    """Seconds, and the peak of resident memory in bytes."""
    source = open(stdin, "rb") if stdin else subprocess.DEVNULL
    start = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdin=source,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(f"failed: {command}")
    return seconds, usage.ru_maxrss * 1024


def medians(*groups):
    """The median time of each group of commands that belong together, all groups in turn."""
    for group in groups:
        for command in group:
            run(*command) if isinstance(command, tuple) else run(command)
    times = [[] for _ in groups]
    for _ in range(runs):
        for group, seconds in zip(groups, times):
            taken = [run(*command) if isinstance(command, tuple) else run(command) for command in group]
            seconds.append(sum(taken_seconds for taken_seconds, _ in taken))
    return [statistics.median(seconds) for seconds in times]


missed = []


def row(what, ours, theirs="–", ratio="–", target=None, is_met=True):
    """A line of the table. What was aimed at and not reached is told below it."""
    print(f"| {what} | {ours} | {theirs} | {ratio} |", flush=True)
    if not is_met and target not in missed:
        missed.append(target)


def seconds(value):
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def facts(path):
    """Records of a log, and the most blocks that were live at a time, counted in the plainest way."""
    live, peak, records = set(), 0, 0
    with open(path, "rb") as lines:
        for line in lines:
            fields = line.rsplit(None, 2)
            if fields[-2] in (b"-", b"<"):
                live.discard(fields[-1])
                records += 1
            elif len(fields) == 3 and fields[-1].startswith(b"0"):
                live.add(fields[-2])
                records += 1
                if len(live) > peak:
                    peak = len(live)
    return records, peak


def sizes(*names):
    size = sum(log(name).stat().st_size for name in names) / 1e6
    return f"{size:.0f} MB"


def against_mtrace():
    for name, what in [("cache0", "0.8 million live blocks"), ("json0", "few live blocks")]:
        ours, theirs, two = medians(
            [[program, "show", "--threads", "1", log(name)]],
            [["mtrace", log(name)]],
            [[program, "show", log(name)]],
        )
        rate = log(name).stat().st_size / ours / 1e9
        row(f"one log, {sizes(name)}, {what}; one thread, against `mtrace LOG`",
            f"{seconds(ours)} ({rate:.1f} GB/s)", seconds(theirs), f"{theirs / ours:.0f} ×",
            "60 times as fast as `mtrace LOG` on one thread", theirs / ours >= 60)
        row("the same log with one thread per core, against one thread",
            seconds(two), seconds(ours), f"{ours / two:.1f} ×")


def two_logs():
    pair = [directory / "cache0", directory / "cache1"]
    logs = [log("cache0"), log("cache1")]
    results = [directory / f"result{index}" for index in range(2)]
    old = [["mtrace", path] for path in logs]
    also = ""
    if mtrace_do:
        also = " + `mtrace_do.py` twice"
        for index, path in enumerate(logs):
            with open(results[index], "wb") as result:
                subprocess.run(["mtrace", path], stdout=result)
            old.append([sys.executable, mtrace_do, "-i", results[index], "-l", path,
                        "-m", pair[index] / "maps", "-o", directory / "old"])
    ours, theirs, counted = medians([[program, *pair]], old, [["wc", "-l", *logs]])
    what = f"two logs, {sizes('cache0', 'cache1')}, with symbols"
    row(f"{what}, against `mtrace` twice{also}", seconds(ours), seconds(theirs), f"{theirs / ours:.0f} ×",
        "100 times as fast as both old tools together", theirs / ours >= 100)
    row("the same, against `wc -l` of both", seconds(ours), seconds(counted),
        f"{ours / counted:.1f} × its time", "8 times the time of `wc -l`", ours <= 8 * counted)


def memory():
    names = ["cache1", "json0"]
    # First: a process begins with the peak of the one that started it.
    peaks = [run([program, "show", log(name)])[1] for name in names]
    for name, peak in zip(names, peaks):
        records, live = facts(log(name))
        bound = (32 << 20) + 64 * live
        row(f"peak memory, {sizes(name)}, {records / 1e6:.1f} million records, {live:,} blocks live at the peak; against 32 MiB + 64 B per live block",
            f"{peak / 2**20:.0f} MiB", f"{bound / 2**20:.0f} MiB", f"{100 * peak / bound:.0f} %",
            "32 MiB + 64 B per live block", peak <= bound)


def small_captures():
    slowest = (0, "")
    for capture in sorted(path for path in testdata.iterdir() if (path / "run1").is_dir()):
        [taken] = medians([[program, capture / "run0", capture / "run1"]])
        slowest = max(slowest, (taken, capture.name))
    row("the captures in `testdata`, start to finish, the slowest", f"{seconds(slowest[0])} ({slowest[1]})",
        target="30 ms for the slowest capture", is_met=slowest[0] <= 0.03)


def symbolising():
    big = directory / "big" / "program"
    capture = directory / "big" / "capture"
    if not capture.exists():
        text = subprocess.run(["objdump", "-d", "-j", ".text", "--no-show-raw-insn", big],
                              capture_output=True, text=True, check=True).stdout.splitlines()
        behind_calls = [after.split(":")[0].strip() for line, after in zip(text, text[1:])
                        if "\tcall" in line and "\t" in after]
        chosen = behind_calls[:: len(behind_calls) // 1000][:1000]
        capture.mkdir()
        os.link(big, capture / "program")
        with open(capture / "mtrace.log", "w") as out, open(directory / "big" / "addresses", "w") as addresses:
            out.write("= Start\n")
            for index, address in enumerate(chosen):
                out.write(f"@ ./program:[0x{address}] + {0x1000 + 32 * index:#x} 0x18\n")
                addresses.write(f"{int(address, 16) - 1:#x}\n")
            out.write("= End\n")
    sections = subprocess.run(["size", "-A", big], capture_output=True, text=True, check=True).stdout
    dwarf = sum(int(line.split()[1]) for line in sections.splitlines() if line.startswith(".debug_"))
    ours = [program, "show", "--addressing", "relative", capture]
    tools = [tool for tool in ["addr2line", "llvm-addr2line"] if shutil.which(tool)]
    stdin = directory / "big" / "addresses"
    taken = medians([ours], *[[([tool, "-f", "-i", "-C", "-e", big], stdin)] for tool in tools])
    for tool, theirs in zip(tools, taken[1:]):
        row(f"1,000 addresses of a program with {dwarf / 1e6:.0f} MB of DWARF, against `{tool} -f -i -C`",
            seconds(taken[0]), seconds(theirs), f"{theirs / taken[0]:.1f} ×",
            f"faster than `{tool}`", theirs > taken[0])


def linear():
    whole = log("cache1")
    with open(whole, "rb") as source:
        text = source.read()
    costs = []
    for part in [4, 2, 1]:
        end = text.rfind(b"\n", 0, len(text) // part) + 1
        cut = directory / "cut.log"
        cut.write_bytes(text[:end])
        [taken] = medians([[program, "show", "--threads", "1", cut]])
        costs.append(taken / text.count(b"\n", 0, end) * 1e9)
        cut.unlink()
    row("time per record for a quarter, a half and the whole of a log", ", ".join(f"{cost:.0f}" for cost in costs) + " ns",
        target="the same time per record for a log of any length", is_met=max(costs) <= 1.25 * min(costs))


def sites():
    """Not recorded but made: no program at hand has 100,000 call sites. As programs do, these work in phases:
    10,000 records come from 500 sites, then others take their turn."""
    costs = []
    for count in [100, 1_000, 10_000, 100_000]:
        made = directory / "sites.log"
        random.seed(count)
        held = []
        with open(made, "w") as out:
            for number in range(4_000_000):
                if number % 10_000 == 0:
                    first = random.randrange(count)
                site = (first + random.randrange(500)) % count
                caller = f"@ /usr/bin/program:(function_{site}+1a)[{0x1000 + 16 * site:#x}]"
                if len(held) > 50_000 or (held and random.random() < 0.45):
                    at = random.randrange(len(held))
                    held[at], held[-1] = held[-1], held[at]
                    out.write(f"{caller} - {held.pop():#x}\n")
                else:
                    address = 0x5555_0000_0000 + 64 * number
                    held.append(address)
                    out.write(f"{caller} + {address:#x} {16 + number % 48:#x}\n")
        [taken] = medians([[program, "show", "--threads", "1", made]])
        costs.append(taken / 4_000_000 * 1e9)
        made.unlink()
    row("time per record with 100, 1,000, 10,000 and 100,000 call sites (generated logs, 4 million records)",
        ", ".join(f"{cost:.0f}" for cost in costs) + " ns",
        target="the same time per record for any number of call sites", is_met=max(costs) <= 1.25 * min(costs))


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    print(f"{datetime.date.today()}, {model}, {os.cpu_count()} cores, {gib:.0f} GiB; medians of {runs} runs.\n")


machine()
print("| what | mtrace-diff | compared with | ratio |")
print("|---|---|---|---|")
memory()
against_mtrace()
two_logs()
small_captures()
symbolising()
linear()
sites()
if missed:
    print(f"\nNot reached: {'; '.join(missed)}.")
