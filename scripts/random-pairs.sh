#!/usr/bin/env bash
# Precision and recall of finding call sites again, on random pairs of builds (tests/random).
#
#   scripts/random-pairs.sh                 seeds 1 to 200
#   scripts/random-pairs.sh 12 300-400      these
#   KEEP=DIR scripts/random-pairs.sh 12     leaves sources, programs and logs in DIR/12, and takes what is there
#
# Even seeds are for tuning the rule, odd ones are held back to say how good it is: of these only the
# figures are shown. tests/random/natural.rs says what Decidable, Contested and Undecidable are; Limit is what
# the README names as limits (a function that was renamed, a call that went to another function).
# It needs an amd64 machine with glibc 2.35 or newer, gcc, g++ and binutils.
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -gt 0 ] || set -- 1-200
RANDOM_PAIRS="$*" exec cargo test --locked --quiet --test random
