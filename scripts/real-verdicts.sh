#!/usr/bin/env bash
# Precision and recall of the verdict `leak`, on call sites of real programs under mtrace(3).
#
#   scripts/real-verdicts.sh                every program
#   scripts/real-verdicts.sh git jq         these
#   scripts/real-verdicts.sh --wrong        what is judged wrong of the programs to tune on, with its curves
#   scripts/real-verdicts.sh --labels       how many call sites of each workload leak, and where; no verdicts
#   KEEP=DIR scripts/real-verdicts.sh       where recordings are kept for the next time; else in /tmp
#
# Each workload (scripts/real/recipes.sh) runs with some work, with one and a half times as much, and with four times
# as much. The first two are compared as a user would; the third tells what is true: what goes on growing in proportion
# to the work is a leak (tests/verdicts/real.rs).
#
# Three sets of programs are held back: of these only the totals are shown. The first set is every second one by name
# of the 22 programs that were there first, the second set of those that came next, the third set of those that came
# last. All are listed in scripts/real/recipes.sh, so that a program that is added changes none.
#
# It needs Debian's bash, bc, binutils, bison, bmake, busybox, curl, dash, dbus-daemon, dc, duktape, ed, expat, gawk,
# git, gnuplot-nox, graphviz, haproxy, jimsh, jq, libxml2-utils, lighttpd, lua5.4, lynx, m4, make, mawk, mksh,
# mosquitto, mruby, nasm, newlisp, nginx, ngircd, ninja-build, perl, php-cli, privoxy, python3, ruby, sed, sqlite3,
# tar, tcc, tcl, tcpdump, tidy, tinyproxy, tmux, unbound, universal-ctags, vim, xsltproc, zsh and gcc, g++,
# libarchive-dev, libcurl4-openssl-dev, libevent-dev, libexpat1-dev, libglib2.0-dev, libjansson-dev, libmicrohttpd-dev,
# libncurses-dev, libpcre2-dev, libsqlite3-dev, libxml2-dev, libyaml-dev, pkgconf, zlib1g-dev; what is not there is
# left out, and said so. The ports 18481 to 18483, 18486, 18487 and 18490 to 18495 of this machine have to be free.
# shellcheck disable=SC2317 # called by recipes
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD/scripts
dir=${KEEP:-${TMPDIR:-/tmp}/mtrace-diff-real-verdicts}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

case "${1-}" in
--wrong) export WRONG=1 && shift ;;
--classes) export CLASSES=1 && shift ;;
--labels) export LABELS=1 && shift ;;
-*)
    echo "real-verdicts.sh: there is no option '$1': --wrong, --classes and --labels are all there is" >&2
    exit 2
    ;;
esac

# shellcheck source-path=SCRIPTDIR source=real/recipes.sh
source "$here/real/recipes.sh"

say() { printf '%s\n' "$*" >&2; }

# A program of our own, where what it uses is there: NAME PKG-CONFIG-NAME
planted() {
    local source flags='' compiler=cc
    source=$(echo "$here/real/planted_$1".c*)
    [ "$dir/planted_$1" -ot "$source" ] || [ "$dir/planted_$1" -ot "$here/real/planted.h" ] || return 0
    case $source in *.cc) compiler=c++ ;; esac
    # shellcheck disable=SC2086 # names and flags are several words
    if [ -n "$2" ] && ! flags=$(pkg-config --cflags --libs $2 2>/dev/null); then return 0; fi
    # shellcheck disable=SC2086
    "$compiler" -O1 -g -fno-builtin-malloc -o "$dir/planted_$1" "$source" $flags
}
[ "$dir/starter.so" -nt "$here/real/starter.c" ] || cc -O1 -shared -fPIC -o "$dir/starter.so" "$here/real/starter.c"
planted archive libarchive
planted broker ''
planted chat ''
planted curl libcurl
planted dhcp ''
planted editor ''
planted events libevent
planted expat expat
planted feeds jansson
planted gateway ''
planted glib gio-2.0
planted jobs ''
planted libc ''
planted menus 'menuw formw panelw ncursesw'
planted metrics zlib
planted microhttpd libmicrohttpd
planted scheduler libpcre2-8
planted sqlite sqlite3
planted tracker ''
planted xml libxml-2.0
planted yaml yaml-0.1

# Runs a program under mtrace(3), and notes how long it took, and while it runs, its process.
traced() {
    local began status=0
    if [ ! -x "$1" ]; then
        touch "$into/missing"
        return
    fi
    began=$(date +%s%N)
    # Standard input of what is in the background would be empty.
    env LD_PRELOAD="libc_malloc_debug.so.0 $dir/starter.so" MALLOC_TRACE="$into/mtrace.log" "$@" \
        <&0 >"$into/out" 2>&1 &
    echo $! >"$into/pid"
    wait $! || status=$?
    echo "$(($(date +%s%N) - began))" >"$into/nanoseconds"
    rm "$into/pid"
    return "$status"
}

workloads=$(declare -F | awk '{ print $3 }' | grep __ | LC_ALL=C sort)
for workload in $workloads; do
    program=${workload%%__*}
    case " $* " in *" $program "*) ;; *) [ $# -eq 0 ] || continue ;; esac
    recipe=$(declare -f "$workload"; echo "${amount[$workload]}")
    case $recipe in *served*) recipe+=$(declare -f served; cat "$here/real/client.py") ;; esac
    case $recipe in *packets.py*) recipe+=$(cat "$here/real/packets.py") ;; esac
    case $recipe in *git_history*) recipe+=$(declare -f git_history) ;; esac
    case $recipe in *asks.py*) recipe+=$(cat "$here/real/asks.py") ;; esac
    case $recipe in *planted_*) recipe+=$(cat "$here/real/${program}".c*) ;; esac
    case $recipe in *planted.h*) recipe+=$(cat "$here/real/planted.h") ;; esac
    mark=$(printf %s "$recipe" | cksum)
    [ "$(cat "$dir/$workload/done" 2>/dev/null)" != "$mark" ] || continue
    say "recording $workload"
    rm -rf "${dir:?}/$workload"
    number=0
    for percent in 100 150 400; do
        into=$dir/$workload/$percent
        mkdir -p "$into/work"
        number=$((number + 1))
        work=$((amount[$workload] * percent / 100))
        (cd "$into/work" && "$workload" "$work" "$number") >"$into/recipe.out" 2>&1 || say "$workload failed, see $into"
        rm -rf "$into/work"
        if [ -e "$into/missing" ]; then
            say "left out: $workload, whose program is not installed"
            rm -rf "${dir:?}/$workload"
            break
        fi
    done
    [ ! -d "$dir/$workload" ] || echo "$mark" >"$dir/$workload/done"
done

programs=$(for workload in $workloads; do echo "${workload%%__*}"; done | uniq)
export HELD_BACK=$held_back HELD_BACK_SECOND=$held_back_second HELD_BACK_THIRD=$held_back_third
REAL_VERDICTS=$dir ALL_PROGRAMS=$programs PROGRAMS="$*" exec cargo test --locked --quiet --test verdicts
