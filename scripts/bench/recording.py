"""Measures what recording costs, and what reading a recording does, and prints the tables of the guide's chapter on speed.

    recording.py PROGRAM DIR RUNS COUNT

The recorder, and what the tools are measured with, lie in DIR as bench.sh has made them. COUNT is how many documents
CPython works on. Ways to record take turns, RUNS times, and the medians are taken; but for glibc's mtrace, which takes a
minute each time: it runs once.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

program, directory = sys.argv[1], Path(sys.argv[2])
runs, count = int(sys.argv[3]), sys.argv[4]
python = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else shutil.which("python3")
workload = [python, str(Path(__file__).with_name("workload.py")), "json", count]
records = directory / "recordings"
libraries = [Path("/lib/x86_64-linux-gnu"), Path("/lib/aarch64-linux-gnu"), Path("/lib64"), Path("/usr/lib")]
has_mtrace = any((library / "libc_malloc_debug.so.0").exists() for library in libraries)
has_heaptrack = bool(shutil.which("heaptrack"))
missed = []


def judge(target, is_met):
    if not is_met and target not in missed:
        missed.append(target)


def seconds(value):
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def run(command, environment=None, output=subprocess.DEVNULL):
    """Seconds that passed, and of CPU time, those of processes that were started counted in."""
    start = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output,
                               stderr=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
    _, status, usage = os.wait4(process.pid, 0)
    passed = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(f"failed: {command}")
    return passed, usage.ru_utime + usage.ru_stime


def ours(mode, log):
    return {"LD_PRELOAD": str(directory / "mtrace-recorder.so"), "MTRACE_RECORDER": str(log),
            "MTRACE_RECORDER_MODE": mode}


def lone(pattern):
    """The one file of that name, where the tool adds an ending of its own."""
    found = sorted(records.glob(pattern))
    return found[0] if found else None


class Way:
    """One way to run the workload."""

    def __init__(self, what, log=None, before=(), environment=None, most=None):
        self.what, self.log, self.before, self.environment, self.most = what, log, list(before), environment, most
        self.cpu, self.own, self.peaks, self.size = [], [], [], 0

    def measure(self):
        for old in records.glob(f"{self.log}*") if self.log else []:
            old.unlink()
        said = records / "said"
        with open(said, "wb") as out:
            _, cpu = run([*self.before, *workload, "-"], {"PYTHONMALLOC": "malloc", **(self.environment or {})}, out)
        # heaptrack's script writes to the same place, before and behind it.
        taken = json.loads(re.search(r'\{"seconds".*?\}', said.read_text())[0])
        self.cpu.append(cpu)
        self.own.append(taken["seconds"])
        self.peaks.append(taken["peak"])
        if self.log:
            log = lone(f"{self.log}*")
            self.size = log.stat().st_size if log else 0

    def median(self):
        return statistics.median(self.cpu)


def ways_to_record():
    ways = {
        "none": Way("not recorded"),
        "callers": Way("`--mode callers`", "callers", environment=ours("callers", records / "callers"), most=1.3),
        "events": Way("with stacks", "events", environment=ours("events", records / "events"), most=1.7),
        "summary": Way("`--mode summary`", "summary", environment=ours("summary", records / "summary"), most=1.9),
    }
    if has_heaptrack:
        ways["heaptrack"] = Way("heaptrack", "heaptrack", ["heaptrack", "-o", str(records / "heaptrack")])
        ways["raw"] = Way("`heaptrack --raw`", "raw", ["heaptrack", "--raw", "-o", str(records / "raw")])
    for turn in range(runs + 1):
        for way in ways.values():
            way.measure()
            if turn == 0:  # what was not in the page cache is now
                way.cpu, way.own, way.peaks = [], [], []
    if has_mtrace:
        log = records / "mtrace"
        ways["mtrace"] = Way("glibc's `mtrace()`, once", "mtrace", environment={
            "MALLOC_TRACE": str(log), "LD_PRELOAD": f"libc_malloc_debug.so.0 {directory / 'preload.so'}"})
        ways["mtrace"].measure()
    return ways


def show(run_of, *options):
    report = subprocess.run([program, "show", "--quiet", "--format", "json", *options, run_of], capture_output=True,
                            check=False).stdout
    return json.loads(report)["runs"][0]


def cost(ways):
    facts = show(records / "events")
    events, live = facts["records"], facts["live"]["blocks"]
    base, base_peak = ways["none"].median(), statistics.median(ways["none"].peaks)
    print(f"CPython with a malloc for each object, working on JSON: {events / 1e6:.1f} million events, {live:,} blocks live "
          "at the end.\n")
    print("| how | CPU time | of that not recorded | peak memory, over that not recorded | log | per event |")
    print("|---|---|---|---|---|---|")
    for name, way in ways.items():
        cpu = way.median()
        over = statistics.median(way.peaks) - base_peak
        memory = f"{base_peak / 2**20:.0f} MiB" if way is ways["none"] else f"{over / 2**20:.1f} MiB"
        if name == "summary":
            memory += f", {over / live:.0f} B a live block"
            judge("32 bytes of memory for a live block, in a summary", over <= 32 * live)
        elif way.most:
            judge("16 MiB of memory", over <= 16 << 20)
            judge("6 bytes an event", way.size <= 6 * events)
        log = f"{way.size / 1e6:.1f} MB" if way.log else "–"
        each = f"{way.size / events:.2f} B" if way.log else "–"
        print(f"| {way.what} | {seconds(cpu)} | {cpu / base:.2f} × | {memory} | {log} | {each} |", flush=True)
        if way.most:
            judge(f"{way.most} × the time of the program that is not recorded ({way.what})", cpu <= way.most * base)
            if has_heaptrack:
                judge(f"a third of heaptrack's time ({way.what})", cpu <= ways["heaptrack"].median() / 3)
    if not has_heaptrack:
        print("| heaptrack | is not installed | – | – | – | – |")
    if not has_mtrace:
        print("| glibc's `mtrace()` | has no libc_malloc_debug.so.0 here | – | – | – | – |")
    print()
    return events


def threads():
    what = [directory / "threads", 8, 1000000]
    environments = {"ours": ours("events", records / "threads.log"), "none": None}
    taken = {"none": [], "ours": [], "heaptrack": []}
    for _ in range(runs):
        for name, environment in environments.items():
            if environment and (records / "threads.log").exists():
                (records / "threads.log").unlink()
            taken[name].append(run(what, environment)[0])
        if has_heaptrack:
            taken["heaptrack"].append(run(["heaptrack", "-o", records / "threads.heaptrack", *what])[0])
    mine, none = statistics.median(taken["ours"]), statistics.median(taken["none"])
    size = (records / "threads.log").stat().st_size
    for old in records.glob("threads.*"):
        old.unlink()
    title = (f"8 threads that allocate at full speed, 16 million events, recorded with stacks; {seconds(none)} without; "
             f"log of {size / 16e6:.1f} B an event; against heaptrack")
    if not has_heaptrack:
        print(f"| {title} | {seconds(mine)} | is not installed | – |")
        return
    theirs = statistics.median(taken["heaptrack"])
    judge("the time of heaptrack with eight threads", mine <= theirs)
    print(f"| {title} | {seconds(mine)} | {seconds(theirs)} | {theirs / mine:.1f} × |", flush=True)


def medians(*commands):
    times = [[] for _ in commands]
    for turn in range(runs + 1):
        for command, of in zip(commands, times):
            taken = run(command)[0]
            if turn > 0:
                of.append(taken)
    return [statistics.median(of) for of in times]


def reading(events):
    text = records / "text.log"
    subprocess.run([program, "convert", "--to", "mtrace", records / "callers", "-o", text], check=True,
                   stderr=subprocess.DEVNULL)
    one = [program, "show", "--quiet", "--threads", "1"]
    stacks, callers, plain = medians([*one, records / "events"], [*one, records / "callers"], [*one, text])
    each = lambda taken: f"{seconds(taken)}, {taken / events * 1e9:.0f} ns an event"
    print(f"| reading a recording with stacks, one thread, against one without | {each(stacks)} | {each(callers)} "
          f"| {stacks / callers:.2f} × its time |")
    judge("twice the time for events with stacks", stacks <= 2 * callers)
    print(f"| reading a recording without stacks, one thread, against an mtrace log of the same events | {each(callers)} "
          f"| {each(plain)} | {plain / callers:.1f} × |", flush=True)
    judge("the speed of reading an mtrace log", callers <= plain)
    text.unlink()
    log = lone("heaptrack*")
    if not (has_heaptrack and shutil.which("heaptrack_print") and log):
        print("| reading a recording with stacks, all threads, against `heaptrack_print` | – | is not installed | – |")
        return
    mine, theirs = medians([program, "show", "--quiet", records / "events"], ["heaptrack_print", "-f", log])
    judge("faster than `heaptrack_print`", mine < theirs)
    print(f"| reading a recording with stacks, all threads, against `heaptrack_print` | {seconds(mine)} | {seconds(theirs)} "
          f"| {theirs / mine:.1f} × |", flush=True)


records.mkdir(exist_ok=True)
ways = ways_to_record()
events = cost(ways)
print("| what | mtrace-diff | compared with | ratio |")
print("|---|---|---|---|")
threads()
reading(events)
shutil.rmtree(records)
if missed:
    print(f"\nNot reached: {'; '.join(missed)}.")
