#!/usr/bin/env bash
# Draws the README's picture, src/guide/table.svg, from what the program prints of a capture in testdata.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${MTRACE_DIFF:-target/release/mtrace-diff}
[ -x "$program" ] || cargo build --release --locked --quiet
program=$(realpath "$program")
command=(mtrace-diff run0 run1)
(cd testdata/armhf-glibc2.31 && LC_ALL=C.UTF-8 "$program" --color always "${command[@]:1}") |
    python3 scripts/picture/svg.py "${command[*]}" >src/guide/table.svg
