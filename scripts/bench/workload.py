"""What the benchmark records: CPython with every object in a block of its own (PYTHONMALLOC=malloc).

    workload.py cache COUNT MAPS   a cache of 60,000 records that are replaced at random: 0.8 million live blocks
    workload.py json COUNT MAPS    documents written and read again, one in ten kept: few live blocks

Both keep one record in ten for ever, so a longer run leaks more. MAPS gets a copy of the process's maps; `-`: the program
is not recorded by mtrace(3), and writes what it took, as JSON: seconds of CPU time, and peak of resident memory in bytes.
"""

import ctypes
import json
import os
import random
import sys


def record(number):
    return {
        "id": number,
        "name": "unit %d" % number,
        "values": [number * 0.5, number * 2.0, str(number)],
        "nested": {"a": [number, -number], "b": None},
    }


def cache(count):
    random.seed(7)
    slots = [None] * 60000
    kept = []
    for number in range(count):
        slots[random.randrange(len(slots))] = record(number)
        if number % 8 == 0:
            json.loads(json.dumps(slots[random.randrange(len(slots))]))
        if number % 10 == 0:
            kept.append("kept %d" % number)
    return slots, kept


def documents(count):
    kept = []
    for number in range(count):
        document = json.loads(json.dumps(record(number)))
        if number % 10 == 0:
            kept.append(document)
    return kept


what, count, maps = sys.argv[1:]
held = {"cache": cache, "json": documents}[what](int(count))
if maps == "-":
    with open("/proc/self/status") as source:
        peak = next(int(line.split()[1]) * 1024 for line in source if line.startswith("VmHWM:"))
    used = os.times()
    json.dump({"seconds": used.user + used.system, "peak": peak}, sys.stdout)
    sys.stdout.flush()
    os._exit(0)
with open("/proc/self/maps") as source, open(maps, "w") as target:
    target.write(source.read())
ctypes.CDLL(None).trace_off()
os._exit(0)
