#!/usr/bin/env bash
# Compares the recorder's call stacks with gdb's backtraces at random allocations.
#
#   scripts/check-stacks.sh COUNT PROGRAM [ARGUMENTS]...                 on this machine
#   scripts/check-stacks.sh COUNT --arm SYSROOT PROGRAM [ARGUMENTS]...   32-bit ARM, under qemu-arm
#   scripts/check-stacks.sh COUNT --aarch64 SYSROOT PROGRAM [ARGUMENTS]...
#
# The last two need gdb-multiarch, qemu, a cross compiler, and a sysroot with the debug files of its libraries below
# usr/lib/debug. 32-bit ARM gets an unwind table; aarch64 gets one if TABLE is set, and else does without, as there.
# MTRACE_DIFF names the program, if it is not target/debug/mtrace-diff.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
export COUNT=$1
shift
diff=${MTRACE_DIFF:-$here/target/debug/mtrace-diff}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build() { "$1" -std=gnu99 -shared -fPIC -O2 -g -o "$work/recorder.so" "$here/src/record/recorder.c" -ldl; }

case $1 in
--arm) machine=arm compiler=arm-linux-gnueabihf-gcc TABLE=yes ;;
--aarch64) machine=aarch64 compiler=aarch64-linux-gnu-gcc ;;
*)
    build "${CC:-gcc}"
    gdb -q -batch -ex "set startup-with-shell off" \
        -ex "set environment LD_PRELOAD $work/recorder.so" \
        -ex "set environment MTRACE_RECORDER $work/log" \
        -x "$here/scripts/stacks/compare.py" --args "$@"
    exit
    ;;
esac

sysroot=$2
shift 2
build "$compiler"
settings=(-E LD_PRELOAD="$work/recorder.so" -E MTRACE_RECORDER="$work/log")
if [ "${TABLE:-}" ]; then
    "$diff" unwind-table -o "$work/table" "$1" --sysroot "$sysroot" --debug-dir "$sysroot/usr/lib/debug"
    settings+=(-E MTRACE_RECORDER_TABLE="$work/table")
fi
export MACHINE=$machine REMOTE=:4321
"qemu-$machine" -g "${REMOTE#:}" -L "$sysroot" "${settings[@]}" "$@" &
sleep 1
gdb-multiarch -q -batch -ex "set sysroot $sysroot" -ex "set debug-file-directory $sysroot/usr/lib/debug" \
    -ex "set solib-search-path $work" -x "$here/scripts/stacks/compare.py" "$1"
