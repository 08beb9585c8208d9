#!/usr/bin/env bash
# All that a change has to pass: formatting, lints, documentation, and the tests as the README has
# them. A test whose tools are missing is ignored and says what it needs.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; "$@"; }

step cargo fmt --check
step cargo clippy --all-targets --locked -- -D warnings
RUSTDOCFLAGS="-D warnings" step cargo doc --no-deps --locked --quiet
step bash -n scripts/make-testdata.sh
step bash -n scripts/bench.sh
step bash -n scripts/make-pairs.sh
step bash -n scripts/random-pairs.sh
step bash -n scripts/picture.sh
step bash -n scripts/check-stacks.sh
step bash -n scripts/capture.sh
if command -v shellcheck >/dev/null; then
    step shellcheck scripts/capture.sh scripts/check-stacks.sh
fi
step cargo test --locked
