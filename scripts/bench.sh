#!/usr/bin/env bash
# Measures whole commands on real logs and prints the tables of the guide's chapter on speed.
#
#   scripts/bench.sh [DIR]     DIR keeps the logs for the next time; without it they go when it is done
#
# Needs 3 GB of disk, mtrace(1), addr2line, objdump, g++, and a python3 and libc_malloc_debug.so.0 of
# glibc 2.34 or newer. RUNS is how often each command is measured (5); the medians are shown. MTRACE_DO names
# the old mtrace_do.py, and heaptrack is another tool to compare with: without them their rows are left out.
#
# PARTS is what to measure, of "reading recording". COUNT is how many documents are worked on where the cost of
# recording is measured (107000, 15 million events). MTRACE_DIFF names a program that is built already.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")

if [ $# -gt 0 ]; then
    mkdir -p "$1"
    dir=$(cd "$1" && pwd)
else
    dir=$(mktemp -d)
    trap 'rm -rf "$dir"' EXIT
fi

say() { printf '%s\n' "$*" >&2; }

program=${MTRACE_DIFF:-}
if [ ! "$program" ]; then
    say "building mtrace-diff"
    cargo build --release --quiet --locked --manifest-path "$root/Cargo.toml"
    program=$(cargo metadata --no-deps --format-version 1 --manifest-path "$root/Cargo.toml" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/release/mtrace-diff
fi

preload() {
    [ -e "$dir/preload.so" ] || cc -O1 -shared -fPIC -o "$dir/preload.so" "$here/bench/preload.c"
}

# Debian's, where there is one: another python3 may be built without symbols for its functions.
python=$([ -x /usr/bin/python3 ] && echo /usr/bin/python3 || command -v python3)

record() { # NAME WHAT COUNT
    [ -e "$dir/$1/done" ] && return
    say "recording $1"
    rm -rf "${dir:?}/$1"
    mkdir -p "$dir/$1"
    cp "$(readlink -f "$python")" "$dir/$1/"
    preload
    PYTHONMALLOC=malloc MALLOC_TRACE="$dir/$1/mtrace.log" LD_PRELOAD="libc_malloc_debug.so.0 $dir/preload.so" \
        "$python" "$here/bench/workload.py" "$2" "$3" "$dir/$1/maps"
    if [ ! -s "$dir/$1/mtrace.log" ]; then
        say "no log was written: is there a libc_malloc_debug.so.0 (Debian's libc6, glibc 2.34 or newer)?"
        exit 1
    fi
    : >"$dir/$1/done"
}

reading() {
    local units=64
    record cache0 cache 160000
    record cache1 cache 240000
    record json0 json 48000

    if [ ! -e "$dir/big/done" ]; then
        say "compiling a program of $units units"
        mkdir -p "$dir/big"
        seq 0 $((units - 1)) | xargs -P "$(nproc)" -I{} \
            g++ -std=c++17 -g -O1 -DUNIT={} -c -o "$dir/big/unit{}.o" "$here/bench/unit.cc"
        g++ -o "$dir/big/program" "$dir"/big/unit*.o
        rm "$dir"/big/unit*.o
        : >"$dir/big/done"
    fi

    python3 "$here/bench/measure.py" "$program" "$dir" "$root/testdata" "${RUNS:-5}" "${MTRACE_DO:-}"
}

recording() {
    say "measuring what recording costs"
    preload
    # As the program's build script has it.
    cc -std=gnu99 -shared -fPIC -O2 -o "$dir/mtrace-recorder.so" "$root/src/record/recorder.c" -ldl
    cc -O2 -pthread -o "$dir/threads" "$here/bench/threads.c"
    python3 "$here/bench/recording.py" "$program" "$dir" "${RUNS:-5}" "${COUNT:-107000}"
}

for part in ${PARTS:-reading recording}; do
    case $part in
    reading | recording) "$part" ;;
    *) say "PARTS is of: reading recording" && exit 1 ;;
    esac
    echo
done
