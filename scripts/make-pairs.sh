#!/usr/bin/env bash
# Makes the pairs of builds in testdata/pairs/ anew, from the sources in testdata/src/pairs.
#
#   scripts/make-pairs.sh            all of them
#   scripts/make-pairs.sh PAIR...    some
#
# A pair is two programs from two versions of a source, with the log and the maps of each in run0
# and run1. What is the same call site in both is written in its truth.json, by hand from the
# sources (testdata/src/pairs/pair.h says how these are two versions in one). This script never
# writes a truth.json; it checks it, each time, in four ways:
#
#   - the sites are those of the LEAK comments in the sources, and no number of blocks is there
#     twice;
#   - every caller with live blocks, found in the log by awk and named by addr2line, stands on a
#     line whose LEAK comment has that number for that run;
#   - no other number is in truth.json, and none is missing;
#   - mtrace(1) finds as many live blocks.
#
# It needs an amd64 machine with glibc 2.34 or newer and Debian's packages: gcc g++ binutils
# libc-bin libc-devtools jq. Addresses differ between compilers; the counts do not.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
src=$top/testdata/src
work=/tmp/pairs                         # a fixed place: it shows in the maps
rm -rf "$work"
mkdir -p "$work/include"
trap 'rm -rf "$work"' EXIT
cp "$src/save_maps.h" "$src/pairs/pair.h" "$work/include/"

# version N FROM TO: one version of a source: its lines for run N, without the directives on AFTER.
version() {
    mkdir -p "$(dirname "$3")"
    awk -v after="$1" '
        /^#ifn?def AFTER$/ { inside = 1; wanted = ($1 == "#ifdef") == after; next }
        inside && /^#else$/ { wanted = !wanted; next }
        inside && /^#endif$/ { inside = 0; next }
        !inside || wanted' "$src/pairs/$2" >"$3"
}

# versions FILE...: both versions of sources, below src0 and src1 of the pair.
versions() {
    local file n
    for n in 0 1; do
        for file; do
            version $n "$file" "$work/$pair/src$n/${file#"$pair"/}"
        done
    done
}

# build N COMPILER ARGUMENT...: compiles in the sources of run N; the program or library goes where
# -o says, with unstripped ones in ../bin$N. Paths in it begin with what `place` says, or /src.
build() {
    local n=$1 compiler=$2 define=()
    shift 2
    mkdir -p "$work/$pair/bin$n"
    [ "$n" = 0 ] || define=(-DAFTER)
    (cd "$work/$pair/src$n" && $compiler -g -Wall -Wextra ${define[@]+"${define[@]}"} \
        -Wl,--build-id -I"$work/include" -ffile-prefix-map="$work/include=/src" \
        -ffile-prefix-map="$work/$pair/src$n=${place[n]}" "$@")
}

# both ARGUMENT...: compiles both versions into app.
both() {
    build 0 "$@" -o ../bin0/app
    build 1 "$@" -o ../bin1/app
}

# run N STRIP ARGUMENT...: puts the files of run N into its directory, stripped by the command STRIP
# if that is not empty, and runs it there.
run() {
    local n=$1 strip=$2 file
    local dir=$work/$pair/run$n
    shift 2
    mkdir -p "$dir"
    cp "$work/$pair/bin$n/"* "$dir/"
    for file in "$dir"/*; do
        [ -z "$strip" ] || $strip "$file"
    done
    (cd "$dir" && MALLOC_TRACE=mtrace.log LD_PRELOAD=libc_malloc_debug.so.0 ./app "$@")
}

# fail TEXT: says what is wrong with the pair, and ends.
fail() {
    echo "$pair: $1" >&2
    exit 1
}

# live LOG: "CALLER BLOCKS" of every caller with live blocks.
live() {
    awk '$1 == "@" && $3 == "+" { who[$4] = $2 }
         $1 == "@" && $3 == "-" { delete who[$4] }
         END { for (block in who) blocks[who[block]]++
               for (caller in blocks) print caller, blocks[caller] }' "$1"
}

# name N CALLER: functions and lines of a caller of run N, innermost first, by the unstripped files.
name() {
    local module=${2%:*} address=${2##*[}
    module=${module##*/}
    addr2line -f -i -e "$work/$pair/bin$1/$module" "$(printf '0x%x' $((${address%]} - 1)))" |
        sed 's/ (discriminator [0-9]*)$//'
}

# leaks N FILE...: the numbers of run N in the LEAK comments of files, or with N "01" both, joined.
leaks() {
    local n=$1
    shift
    { grep -ho 'LEAK [-0-9][^*]*' "$@" || true; } | sed 's/^LEAK //' | tr ',' '\n' |
        awk -v n="$n" '{ print n == "01" ? $1 " " $2 : n == 0 ? $1 : $2 }'
}

# check_run N: holds the log of run N against the comments in the sources and against truth.json.
check_run() {
    local n=$1 caller count named where line found="" total=0
    local dir=$work/$pair
    local -A sites=()
    while read -r caller count; do
        named=$(name "$n" "$caller")
        sites[$named]=$((${sites[$named]:-0} + count))
        total=$((total + count))
    done < <(live "$dir/run$n/mtrace.log")
    for named in "${!sites[@]}"; do
        count=${sites[$named]}
        where=$(sed -n 2p <<<"$named")
        line=${where##*:}
        where=$dir/src$n/${where#"${place[n]}/"}
        where=${where%:*}
        [ -f "$where" ] || fail "run$n: $count blocks of $named, which is no source of the pair"
        sed -n "${line}p" "$where" >"$dir/line"
        leaks "$n" "$dir/line" | grep -qx "$count" ||
            fail "run$n: $count blocks of $named, but the line is: $(cat "$dir/line")"
        found+="$count"$'\n'
    done
    [ "$(jq ".sites[].blocks[$n] | numbers" "$truth" | sort)" = "$(printf %s "$found" | sort)" ] ||
        fail "run$n: truth.json has not the numbers of the log: $(echo $found)"
    [ "$( (mtrace "$dir/run$n/mtrace.log" || true) | grep -c '^0x')" = "$total" ] ||
        fail "run$n: mtrace does not find $total live blocks"
}

# check: holds truth.json against the sources and the logs.
check() {
    local all
    truth=$top/testdata/pairs/$pair/truth.json
    all=$(jq -r '.sites[].blocks | map(. // "-") | join(" ")' "$truth" | sort)
    [ "$all" = "$(leaks 01 $(find "$work/$pair"/src[01] -type f) | sort -u)" ] ||
        fail "truth.json has not the sites of the sources"
    jq -e '[.sites[].blocks[] | numbers] | length == (unique | length)' "$truth" >/dev/null ||
        fail "a number of blocks is there twice"
    check_run 0
    check_run 1
}

# keep: the checked runs go to their place.
keep() {
    local n to
    for n in 0 1; do
        to=$top/testdata/pairs/$pair/run$n
        if grep -rqaF -e "$top" -e "$work/$pair/src" -e "$work/include" "$work/$pair/run$n"; then
            fail "run$n holds a path of this machine"
        fi
        rm -rf "$to"
        cp -r "$work/$pair/run$n" "$to"
    done
}

# plain STRIP COMPILER ARGUMENT...: the usual pair, of the one file PAIR.c.
plain() {
    local strip=$1
    shift
    versions "$pair.c"
    both "$@" "$pair.c"
    run 0 "$strip"
    run 1 "$strip"
}

# argument ARGUMENT...: a pair of one program, which has an argument in the later run.
argument() {
    versions "$pair.c"
    build 0 gcc -O1 "$@" "$pair.c" -o ../bin0/app
    cp -r "$work/$pair/bin0" "$work/$pair/bin1"
    run 0 ""
    run 1 "" more
}

make_code_above() { plain "" gcc -O1; }
make_line_inside() { plain "" gcc -O1; }
make_renamed_function() { plain "" gcc -O1; }
make_stripped() { plain "strip -g" gcc -O1; }
make_inlined_twice() { plain "" gcc -O1; }
make_two_on_a_line() { plain "" gcc -O1; }
make_same_build() { argument; }
make_no_build_id() { argument -Wl,--build-id=none; }

# At -O0 the code lies in the order of the source: what is inserted first is first by address too,
# and what stands before a change does not move.
make_alloc_before() { plain "" gcc -O0; }
make_alloc_before_same_size() { plain "" gcc -O0; }
make_alloc_on_old_line() { plain "" gcc -O0; }
make_adjacent_lines() { plain "" gcc -O0; }
make_swapped_functions() { plain "" gcc -O0; }
make_stripped_all() { plain strip gcc -O0; }

make_O0_O2() {
    versions "$pair.c"
    build 0 gcc -O0 "$pair.c" -o ../bin0/app
    build 1 gcc -O2 "$pair.c" -o ../bin1/app
    run 0 ""
    run 1 ""
}

make_template_twice() {
    versions "$pair.cc"
    both g++ -O1 "$pair.cc"
    run 0 ""
    run 1 ""
}

make_moved_file() {
    versions "$pair"/{gateway.c,sessions.c,sessions.h}
    both gcc -O1 gateway.c sessions.c
    run 0 ""
    run 1 ""
}

make_same_static_name() {
    versions "$pair"/{app.c,reader.c,writer.c,poll.h}
    both gcc -O1 app.c reader.c writer.c
    run 0 ""
    run 1 ""
}

make_renamed_library() {
    local n library
    versions "$pair"/{app.c,foo.c,foo.h}
    for n in 0 1; do
        library=libfoo.so.1.$((n + 2))
        build $n gcc -O1 -shared -fPIC -Wl,-soname,$library foo.c -o ../bin$n/$library
        build $n gcc -O1 app.c ../bin$n/$library -Wl,-rpath,'$ORIGIN' -o ../bin$n/app
        run $n ""
    done
}

make_other_directory() {
    place=(/build/a /builds/job7)
    versions "$pair"/src/{app.c,io.h,net/io.c,disk/io.c}
    both gcc -O1 -Isrc src/app.c src/net/io.c src/disk/io.c
    run 0 ""
    run 1 ""
}

make_map_option() {
    local n
    versions "$pair"/{app.c,io.h}
    version 0 "$pair/can-io.c" "$work/$pair/src0/drivers/can/io.c"
    version 0 "$pair/lin-io.c" "$work/$pair/src0/drivers/lin/io.c"
    version 1 "$pair/can-io.c" "$work/$pair/src1/bus/fast/io.c"
    version 1 "$pair/lin-io.c" "$work/$pair/src1/bus/slow/io.c"
    build 0 gcc -O1 -I. app.c drivers/can/io.c drivers/lin/io.c -o ../bin0/app
    build 1 gcc -O1 -I. app.c bus/slow/io.c bus/fast/io.c -o ../bin1/app
    for n in 0 1; do
        run $n ""
    done
}

pairs=("$@")
[ ${#pairs[@]} -gt 0 ] || pairs=(code-above line-inside
    alloc-before alloc-before-same-size alloc-on-old-line adjacent-lines
    renamed-function moved-file O0-O2 stripped stripped-all same-build no-build-id
    template-twice inlined-twice renamed-library other-directory map-option
    same-static-name two-on-a-line swapped-functions)
for pair in "${pairs[@]}"; do
    echo "== $pair"
    place=(/src /src)
    "make_$(echo "$pair" | tr - _)"
    check
    keep
done
