#!/usr/bin/env bash
# Fuzzes what reads foreign bytes: scripts/fuzz.sh SECONDS [log|maps|capture|saved|identity|compressed|recording]...
#
# It needs a nightly toolchain and cargo-fuzz (cargo install cargo-fuzz). Inputs begin with the ones in
# testdata/fuzz and the shipped captures; what is found goes to tests/fuzz/artifacts. An input that was
# found and mended belongs into testdata/fuzz/TARGET, where `cargo test` replays it.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?how many seconds for each target}
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(log maps capture saved identity compressed recording)

# little16 N: N as two bytes, the lower one first.
little16() { printf "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $(($1 >> 8)))"; }

seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
mkdir -p "$seeds"/{log,maps,capture,saved,identity,compressed,recording}
for run in testdata/*-*/run?; do
    name=$(echo "$run" | tr / -)
    log=$(ls "$run"/mtrace*.log)
    maps=$(ls "$run"/*.maps)
    head -n 60 "$log" >"$seeds/log/$name"
    cp "$maps" "$seeds/maps/$name"
    elf=$(find "$run" -type f -perm -u+x -size -60k)
    [ -n "$elf" ] || continue
    head -n 40 "$log" >"$seeds/head"
    # Libraries of this machine would be read again for every input.
    sed 's|/usr/lib/|/usr/lob/|' "$maps" >"$seeds/elsewhere"
    {
        little16 "$(stat -c %s "$seeds/head")"
        little16 "$(stat -c %s "$seeds/elsewhere")"
        cat "$seeds/head" "$seeds/elsewhere" "$elf"
    } >"$seeds/capture/$name"
done

for target in "${targets[@]}"; do
    mkdir -p "tests/fuzz/corpus/$target" "testdata/fuzz/$target"
    cargo +nightly fuzz run --fuzz-dir tests/fuzz "$target" "tests/fuzz/corpus/$target" \
        "testdata/fuzz/$target" "$seeds/$target" -- \
        -max_total_time="$seconds" -max_len=70000 -rss_limit_mb=2048 -timeout=10 -print_final_stats=1
done
