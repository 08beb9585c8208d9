# Run inside gdb: compares the recorder's call stacks with gdb's own backtraces, at random allocations.
#
# COUNT is how many to compare, GAP how many allocations lie between two of them on average. REMOTE is where a
# program under qemu waits for gdb.
import os
import random

import gdb

COUNT = int(os.environ.get("COUNT", "1000"))
GAP = int(os.environ.get("GAP", "50"))
REMOTE = os.environ.get("REMOTE")
THUMB = 1 if os.environ.get("MACHINE") == "arm" else 0
DEPTH_REACHED = 2  # as the recorder's source numbers it, like these
FIRST_NODE = 4
NODES_OF_CHUNK = 1 << 14

for setting in (
    "pagination off",
    "confirm off",
    "backtrace past-main on",
    "backtrace past-entry on",
    "breakpoint pending on",
    "print thread-events off",
):
    gdb.execute("set " + setting)
random.seed(1)
seen = {"equal": 0, "different": 0}


def by_gdb(frame):
    """Return addresses, innermost first, without the recorder's own frames and those that gdb infers."""
    found = []
    # Behind the first function of a process gdb goes on with whatever lies there.
    while frame is not None and frame.pc() >= 4096:
        library = os.path.basename(gdb.solib_name(frame.pc()) or "")
        is_inferred = frame.type() in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME)
        if not is_inferred and "recorder" not in library:
            found.append(frame.pc())
        frame = frame.older()
    return found


def by_recorder(node):
    """Return addresses of a node, innermost first, and the root that they end at."""
    found = []
    while node >= FIRST_NODE:
        frame = gdb.parse_and_eval("tree.chunk[%d / %d][%d %% %d]" % (node, NODES_OF_CHUNK, node, NODES_OF_CHUNK))
        found.append(int(frame["pc"]) & ~THUMB)
        node = int(frame["parent"])
    return found, node


class AtAllocation(gdb.Breakpoint):
    def stop(self):
        frame = gdb.newest_frame()
        (ours, root), theirs = by_recorder(int(frame.read_var("node"))), by_gdb(frame)
        if root == DEPTH_REACHED:
            theirs = theirs[: len(ours)]
        is_equal = ours == theirs
        seen["equal" if is_equal else "different"] += 1
        if not is_equal and seen["different"] <= 5:
            print("gdb     ", [hex(pc) for pc in theirs])
            print("recorder", [hex(pc) for pc in ours])
        self.ignore_count = random.randrange(0, GAP * 2)
        return seen["equal"] + seen["different"] >= COUNT


AtAllocation("put_alloc")
if REMOTE:
    gdb.execute("target remote " + REMOTE)
    gdb.execute("continue")
else:
    gdb.execute("run")
print("stacks compared with gdb's: %(equal)d equal, %(different)d different" % seen)
gdb.execute("quit %d" % (0 if seen["equal"] and not seen["different"] else 1))
