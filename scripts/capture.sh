#!/bin/sh
# Does on a target what `mtrace-diff record` does on the developer's machine: runs a program under the recorder, and
# leaves a directory that mtrace-diff reads. It asks for no more than a POSIX shell and the tools of busybox.
#
# No process but the program's own may be recorded, so LD_PRELOAD is set in its last shell alone. The program has to
# be in the foreground: a shell without a terminal starts what is in the background with SIGINT ignored, and nothing
# can undo that. So program and supervisor are the two ends of a pipeline, which carries nothing.
set -u

usage() {
    cat <<'END'
Usage: capture.sh [OPTIONS] -- PROGRAM [ARGUMENTS]

Run a program and record what it allocates, into a directory for mtrace-diff.

  -o DIR      the directory to make; it must be empty, or not there yet
  -f TIME     end the program after this time: 90s, 2m, 1h
  -s SIGNAL   how it is asked to end: TERM (default), INT, HUP, QUIT, USR1, USR2
  -g TIME     how long it may take to end before it is killed, 10s
  -r FILE     the recorder; mtrace-recorder.so beside this script
  -t FILE     the table of `mtrace-diff unwind-table`, for whole call stacks
  -m MODE     events (default), callers (no stacks), summary (counts only)
  -M MIB      end the log at this size; the program goes on
  -T          write a tar archive of the directory to standard output when done; without -o the directory is a
              temporary one. What the program prints goes to standard error then.

Ctrl-C ends the program, too: SIGNAL follows a second later. Exit status: that of the program where it ended by
itself; 0 where it was ended as asked; 2 if nothing could be recorded.

  ./capture.sh -f 2m -o /mnt/run0 -- /usr/bin/app -c app.conf
  mkdir run0 && ssh target /opt/capture.sh -T -f 2m -- /usr/bin/app | tar -xf - -C run0

The archive is made when the run is over, since tar says how large a file is before the file itself: until then the
log needs room on the target, in DIR or in TMPDIR (/tmp). Where that is memory, -M bounds it.

The recorder's other settings are taken from the environment: MTRACE_RECORDER_DEPTH, _EVERY and _UNWIND.
END
}

say() { printf '%s\n' "capture.sh: $*" >&2; }
fail() {
    say "$*"
    exit 2
}

# ---- numbers, times and files --------------------------------------------------------------------------------------

# A whole number without leading zeros, which arithmetic would take for octal; nothing if it is none.
number() {
    n=$1
    while [ "${n#0}" != "$n" ] && [ ${#n} -gt 1 ]; do n=${n#0}; done
    case $n in '' | *[!0-9]* | ???????*) return 1 ;; esac
    echo "$n"
}

# 90s, 2m, 1h or 90 in seconds.
seconds() {
    count=${1%[smhd]}
    count=$(number "$count") || fail "'$1' is no time; give one like 90s, 2m or 1h"
    [ "$count" -gt 0 ] || fail "a time must be longer than nothing"
    case $1 in
    *m) echo $((count * 60)) ;;
    *h) echo $((count * 3600)) ;;
    *d) echo $((count * 86400)) ;;
    *) echo "$count" ;;
    esac
}

# Hundredths of a second, of a clock that nobody sets.
now() {
    read -r up _ </proc/uptime
    hundredths=1${up#*.}
    echo $((${up%.*} * 100 + hundredths - 100))
}

absolute() {
    case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$PWD/${1#./}" ;;
    esac
}

# The size in KiB, without stat, which busybox may not have.
size() {
    bytes=$(wc -c <"$1")
    echo $(((bytes + 1023) / 1024))
}

# Bytes of a file as decimal numbers: FILE FROM COUNT. Nothing where there is no tool for it.
bytes() {
    od -A n -v -t u1 -j "$2" -N "$3" "$1" 2>/dev/null || hexdump -v -s "$2" -n "$3" -e '1/1 "%u "' "$1" 2>/dev/null
}

# ---- what can be recorded ------------------------------------------------------------------------------------------

find_program() {
    case $1 in
    */*)
        [ -e "$1" ] || fail "there is no program '$1'; check the name, or give its path"
        absolute "$1"
        return
        ;;
    esac
    old=$IFS
    IFS=:
    set -f
    for directory in $PATH; do
        if [ -f "${directory:-.}/$1" ] && [ -x "${directory:-.}/$1" ]; then
            absolute "${directory:-.}/$1"
            return
        fi
    done
    IFS=$old
    fail "there is no program '$1' in PATH; check the name, or give its path"
}

# A number of `$2` bytes at offset `$1` in what follows, in the file's byte order.
field() {
    from=$1 count=$2
    shift $((from + 2))
    value=0
    if [ "$data" = 2 ]; then
        while [ "$count" -gt 0 ]; do
            value=$((value * 256 + $1)) count=$((count - 1))
            shift
        done
    else
        scale=1
        while [ "$count" -gt 0 ]; do
            value=$((value + $1 * scale)) scale=$((scale * 256)) count=$((count - 1))
            shift
        done
    fi
}

# What an ELF file is for, as words to compare; nothing for other files.
machine_of() {
    # shellcheck disable=SC2046 # one word a byte
    set -- $(bytes "$1" 0 20)
    [ $# -eq 20 ] && [ "$1 $2 $3 $4" = "127 69 76 70" ] && echo "$5 $6 ${19} ${20}"
}

# Whether an ELF file asks for a dynamic loader (PT_INTERP).
has_loader() {
    # shellcheck disable=SC2046
    set -- "$1" $(bytes "$1" 0 64)
    [ $# -eq 65 ] || return 0
    file=$1
    shift
    class=$5 data=$6
    if [ "$class" = 2 ]; then
        # The upper half of an offset in a file of that size is 0.
        if [ "$data" = 2 ]; then field 36 4 "$@"; else field 32 4 "$@"; fi
        at=$value
        field 54 2 "$@"
        each=$value
        field 56 2 "$@"
    else
        field 28 4 "$@"
        at=$value
        field 42 2 "$@"
        each=$value
        field 44 2 "$@"
    fi
    headers=$value
    [ "$each" -ge 32 ] || return 0
    while [ "$headers" -gt 0 ]; do
        # shellcheck disable=SC2046
        set -- $(bytes "$file" "$at" 4)
        [ $# -eq 4 ] || return 0
        field 0 4 "$@"
        [ "$value" -ne 3 ] || return 0
        at=$((at + each)) headers=$((headers - 1))
    done
    return 1
}

check_program() {
    [ ! -d "$program" ] || fail "'$program' cannot be recorded: it is a directory"
    [ -x "$program" ] || fail "'$program' cannot be recorded: it is not executable; 'chmod +x' makes it so"
    if { [ -u "$program" ] || [ -g "$program" ]; } && [ "$(id -u)" != 0 ]; then
        fail "'$program' cannot be recorded: it runs as another user (set-user-id), and the dynamic loader takes no" \
            "recorder into such programs; run this script as that user"
    fi
    machine=$(machine_of "$program") || return 0 # a script: what it runs is recorded
    own=$(machine_of "$recorder") || fail "'$recorder' is no recorder: it is no shared library"
    [ "$machine" = "$own" ] || fail "'$program' and the recorder '$recorder' are for different machines; build a" \
        "recorder with the compiler of the program, mtrace-diff recorder --build COMPILER -o DIR, and give it by -r"
    has_loader "$program" || fail "'$program' cannot be recorded: it is linked statically, so nothing can be loaded" \
        "into it; link the recorder in: 'mtrace-diff recorder --source' says how at its top"
}

check_recorder() {
    [ -f "$recorder" ] || fail "there is no recorder '$recorder'; build one with 'mtrace-diff recorder --build" \
        "COMPILER -o DIR', copy it beside this script, or say where it is by -r"
    [ -r "$recorder" ] || fail "the recorder '$recorder' cannot be read; 'chmod +r' makes it so"
    # The dynamic loader takes both for the end of the name.
    case $recorder in
    *[:\ ]*) fail "the recorder's path '$recorder' has a blank or a colon, which LD_PRELOAD cannot hold; move it" ;;
    esac
}

prepare() {
    case $(absolute "$output") in
    *%p*) fail "the directory's path '$output' has %p in it, which the recorder takes for the process id; give another" ;;
    esac
    mkdir -p -- "$output" 2>/dev/null || fail "'$output' cannot be made; give another directory by -o"
    for entry in "$output"/* "$output"/.[!.]* "$output"/..?*; do
        if [ -e "$entry" ] || [ -h "$entry" ]; then
            fail "the directory '$output' is not empty, and a recording must not mix with other files; give another one"
        fi
    done
    output=$(cd -- "$output" && pwd -P) || fail "'$output' cannot be entered"
    [ -z "$archive" ] || tar -c -f /dev/null -C "$output" . 2>/dev/null ||
        fail "this machine's tar cannot make archives; leave out -T, give -o DIR, and fetch it with 'scp -r'"
    state=$output/.capture
    if ! mkdir "$state" || ! echo >"$state/running"; then fail "'$output' cannot be written to"; fi
    # A program that changes its user has to make logs as that one.
    [ "$(id -u)" != 0 ] || chmod go+w,+t "$output"
}

# ---- the program ---------------------------------------------------------------------------------------------------

# Its shell notes how it ended, in the name of a file: the log may have left no room for another. What that shell says
# of signals is of no use to anyone.
run() {
    trap : INT TERM HUP
    exec 5>&2 2>/dev/null
    # shellcheck disable=SC2016 # for the shell that becomes the program
    sh -c '
        exec 2>&5 5>&-
        state=$1 preload=$2
        shift 2
        echo $$ $PPID >"$state/pid" || exit
        LD_PRELOAD=$preload
        export LD_PRELOAD
        exec "$@"' "${0##*/}" "$state" "$preload" "$@"
    mv "$state/running" "$state/ended.$?.$(now)"
}

# Processes with a log that are still there, but for the program itself: the log is mapped while they run.
running() {
    others=
    for log in "$output"/recording.*; do
        pid=${log##*/recording.}
        pid=${pid%%.*}
        [ "$pid" != "$main" ] || continue
        if grep -q "/recording\.$pid" "/proc/$pid/maps" 2>/dev/null; then others="$others $pid"; fi
    done
    [ -n "$others" ]
}

signal_all() {
    [ ! -e "$state/running" ] || kill -s "$1" "$main" 2>/dev/null
    for pid in $others; do kill -s "$1" "$pid" 2>/dev/null; done
}

# What is in hundredths.
in_seconds() { printf '%s.%s%s' $(($1 / 100)) $(($1 % 100 / 10)) $(($1 % 10)); }

# Waits until no process is left, and ends them when their time is over.
follow() {
    begin=$(now)
    # Processes can begin later, and their recordings tell when.
    began=$(date +%s 2>/dev/null)
    asked='' killed='' alone='' main='' keeper='' others='' stop='' told='' told_at=''
    tick=1 short=0.1
    sleep $short 2>/dev/null || short=1
    while :; do
        if [ -z "$main" ] && [ -s "$state/pid" ]; then read -r main keeper <"$state/pid"; fi
        time=$(now)
        # A daemon leaves its work to a child, and is gone at once.
        if [ ! -e "$state/running" ] || { [ -n "$keeper" ] && ! kill -0 "$keeper" 2>/dev/null; }; then
            running || break
            [ -n "$asked" ] || alone=yes
        fi
        # Whoever ends the script itself wants this to end, too.
        kill -0 $$ 2>/dev/null || stop=yes
        [ -z "$limit" ] || [ $((time - begin)) -lt $((limit * 100)) ] || stop=yes
        if [ -n "$asked" ]; then
            if [ $((time - asked)) -ge $((grace * 100)) ]; then
                running
                [ ! -e "$state/running" ] || killed="$killed $main"
                killed="$killed $others"
                signal_all KILL
            fi
        elif [ -n "$stop" ] && [ -n "$main" ]; then
            # Ctrl-C went to the program as well: it has a second to end by itself.
            told_at=${told_at:-$time}
            if [ -z "$told" ] || [ $((time - told_at)) -ge 100 ]; then
                signal_all "$signal"
                asked=$time
            fi
        fi
        # What is short is looked at often; a long run is left in peace.
        tick=$short
        if [ $((time - begin)) -ge 1000 ] && [ -z "$asked" ]; then tick=1; fi
        if [ "$tick" = 1 ] && [ -n "$limit" ] && [ $((time - begin + 100)) -gt $((limit * 100)) ]; then tick=$short; fi
        sleep $tick
    done
    status=1 ended=$time
    for note in "$state"/ended.*; do
        [ -e "$note" ] || continue
        note=${note##*/ended.}
        status=${note%.*}
        [ -n "$alone$asked" ] || ended=${note#*.}
    done
    took=$((ended - begin))
    [ "$took" -gt 0 ] || took=1
    duration=$(in_seconds $took)
    [ -z "$asked" ] || asked_after=$(in_seconds $((told_at - begin)))
}

# ---- the capture ---------------------------------------------------------------------------------------------------

is_log() { [ "$(dd if="$1" bs=8 count=1 2>/dev/null)" = MTDREC1 ]; }

# The log of the program: of several that one process wrote, running one program after the other, the last.
find_log() {
    own='' own_turn=-1 largest='' most=-1
    for log in "$output"/recording.*; do
        [ -f "$log" ] || continue
        if ! is_log "$log"; then
            rm -f "$log" # it has not come as far as a header
            continue
        fi
        kib=$(size "$log")
        if [ "$kib" -gt "$most" ]; then largest=$log most=$kib; fi
        name=${log##*/recording.}
        turn=0
        case $name in *.*) turn=${name#*.} ;; esac
        if [ "${name%%.*}" = "$main" ] && [ "$turn" -gt "$own_turn" ]; then own=$log own_turn=$turn; fi
    done
    chosen=${own:-$largest}
    if [ -n "$alone" ] && [ -n "$own" ]; then find_daemon; fi
    [ -n "$chosen" ]
}

# A daemon leaves its work to a child. Another program is the daemon only of a shell: what else starts one did work of
# its own.
find_daemon() {
    of=$(program_of "$own")
    case ${of##*/} in
    ash | bash | busybox | chroot | chrt | dash | env | gosu | ionice | ksh | mksh | nice | nohup | numactl) of='' ;;
    runuser | setarch | setpriv | setsid | sh | stdbuf | su | su-exec | sudo | taskset | tini | timeout) of='' ;;
    toybox | unshare | xargs | zsh) of='' ;;
    esac
    most=$(size "$own")
    for log in "$output"/recording.*; do
        if [ ! -f "$log" ] || [ "$(size "$log")" -le "$most" ]; then continue; fi
        if [ -z "$of" ] || [ "$(program_of "$log")" = "$of" ]; then
            chosen=$log
            most=$(size "$log")
        fi
    done
    [ "$chosen" = "$own" ] || say "the program went to the background; what it did there is the run"
}

put_children() {
    children=0
    for log in "$output"/recording.*; do
        if [ "$log" = "$chosen" ] || [ ! -f "$log" ]; then continue; fi
        pid=${log##*/recording.}
        directory=$output/child-${pid%%.*}
        number=1
        while [ -e "$directory" ]; do
            number=$((number + 1))
            directory=$output/child-${pid%%.*}.$number
        done
        mkdir "$directory" && mv "$log" "$directory/recording" && children=$((children + 1))
    done
}

# The path of the executable, which is among the facts at a log's beginning. A fact is a comma (its tag), a length, its
# name, a length, and its text. The command stands before it and can look like it, so the last one before the kernel's
# release is taken.
program_of() {
    dd if="$1" bs=4096 count=40 2>/dev/null | LC_ALL=C tr -cs '\040-\176\200-\377' '\n' | LC_ALL=C sed -n '
        :again
        /,$/{
            n
            /^program.\{0,1\}$/{
                N
                s/\n//
            }
            /^program.\{0,1\}\//{
                s,^program[^/]*/,/,
                s/,$//
                h
                n
            }
            /^kernel/{
                x
                p
                q
            }
            b again
        }'
}

# The next build will overwrite it.
copy_program() {
    path=$(program_of "$output/recording")
    if [ ! -f "$path" ]; then
        say "the executable '$path' is not to be found; put a copy of it into the directory"
        return
    fi
    name=${path##*/}
    [ ! -e "$output/$name" ] || name=program
    if ! cp "$path" "$output/$name"; then
        rm -f "$output/$name"
        say "'$path' cannot be copied; put a copy of it into the directory"
    fi
}

# A word as JSON has it. Line ends and tabs are kept, other control characters are of no use to anyone.
quoted() {
    tab=$(printf '\t')
    printf '"'
    printf '%s' "$1" | LC_ALL=C sed -e 's/[\\"]/\\&/g' -e "s/$tab/\\\\t/g" -e '$!s/$/\\n/' |
        tr -d '\n' | LC_ALL=C tr '\001-\037\177' '?'
    printf '"'
}

run_facts() {
    printf '{\n  "schema": "mtrace-diff-run/1",\n  "duration_s": %s,\n  "command": [' "$duration"
    comma=
    for word; do
        printf '%s\n    ' "$comma"
        quoted "$word"
        comma=,
    done
    printf '\n  ],\n  "ended": "%s"' "$how"
    [ -z "$asked" ] || printf ',\n  "asked_after_s": %s' "$asked_after"
    [ -z "$began" ] || printf ',\n  "started_unix_s": %s' "$began"
    case $how.$status in
    # It ended by itself, or crashed when it was asked to end.
    itself.* | asked.13[2-7] | asked.139) printf ',\n  "exit_status": %s' "$status" ;;
    esac
    printf '\n}\n'
}

tell() {
    case $how in
    killed) ending="it had to be killed" ;;
    asked) ending="it was ended" ;;
    *)
        ending="the program ended"
        [ "$status" -eq 0 ] || ending="$ending with exit status $status"
        [ "$status" -le 128 ] || ending="signal $((status - 128)) ended the program"
        ;;
    esac
    say "${shown:-the program}: recorded for $duration s, $ending; the log has $(size "$output/recording") KiB"
    [ "$children" -eq 0 ] ||
        say "logs of other processes that it started, or of programs that it was before: $children, in child-*"
}

nothing() {
    rmdir "$output" 2>/dev/null
    say "nothing was recorded of '$program' (exit status $status):" \
        "the dynamic loader did not load the recorder, or the program ended before it began"
    say "what the loader says stands above. 'wrong ELF class', or 'cannot open' though the file is there: the recorder" \
        "is for another machine or C library; build it with the compiler of the program, mtrace-diff recorder" \
        "--build COMPILER -o DIR. 'failed to map': the recorder lies on a file system that is mounted noexec; move it." \
        "If it says nothing, the program may be static, or '$output' may have no room for the log"
}

# The other end of the pipeline. Its exit status is the script's.
supervise() {
    trap 'stop=yes' TERM HUP
    trap 'stop=yes told=yes' INT
    follow
    rm -rf "$state"
    [ "$(id -u)" != 0 ] || chmod go-w,-t "$output"
    if ! find_log; then
        nothing
        return 2
    fi
    put_children
    pid=${chosen##*/recording.}
    pid=${pid%%.*}
    mv "$chosen" "$output/recording"
    how=itself
    [ -z "$asked$stop" ] || how=asked
    # What the program left behind may have had to be killed, and not itself.
    case "$killed " in *" $pid "*) how=killed ;; esac
    # Under its name only when it is whole.
    if ! run_facts "$@" >"$output/run.json.new" || ! mv "$output/run.json.new" "$output/run.json"; then
        rm -f "$output/run.json.new"
        say "there is no room for run.json; the run lasted $duration s"
    fi
    copy_program
    tell
    if [ -n "$archive" ] && ! tar -c -f - -C "$output" .; then
        say "the archive is cut; what was recorded is in '$output'"
        return 2
    fi
    [ -z "$temporary" ] || rm -rf "$output"
    [ "$how" = itself ] || status=0
    return "$status"
}

# ---- the command line ----------------------------------------------------------------------------------------------

output='' limit='' signal=TERM grace=10 table='' mode=events most_log='' archive='' temporary=''
here=$(cd -- "$(dirname -- "$0")" && pwd -P)
recorder=$here/mtrace-recorder.so
while getopts :o:f:s:g:r:t:m:M:Th option; do
    case $option in
    o) output=$OPTARG ;;
    f) limit=$(seconds "$OPTARG") || exit ;;
    s)
        signal=$(printf '%s' "$OPTARG" | tr '[:lower:]' '[:upper:]')
        signal=${signal#SIG}
        case $signal in
        TERM | INT | HUP | QUIT | USR1 | USR2) ;;
        *) fail "the signal '$OPTARG' is none of TERM, INT, HUP, QUIT, USR1 and USR2" ;;
        esac
        ;;
    g) grace=$(seconds "$OPTARG") || exit ;;
    r) recorder=$(absolute "$OPTARG") ;;
    t)
        [ -r "$OPTARG" ] || fail "the table '$OPTARG' cannot be read; 'mtrace-diff unwind-table' makes one"
        table=$(absolute "$OPTARG")
        ;;
    m)
        mode=$OPTARG
        case $mode in
        events | callers | summary) ;;
        *) fail "the mode '$mode' is none of events, callers and summary" ;;
        esac
        ;;
    M)
        most_log=$(number "$OPTARG") || most_log=0
        [ "$most_log" -gt 0 ] || fail "'$OPTARG' is no number of MiB for -M"
        ;;
    T) archive=yes ;;
    h)
        usage
        exit 0
        ;;
    :) fail "-$OPTARG needs a value; -h shows all options" ;;
    *) fail "there is no option -$OPTARG; -h shows all" ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || fail "no program is given; it stands behind '--': capture.sh -o run0 -- ./app"
[ -n "$output$archive" ] || fail "say where to: -o DIR, or -T for an archive on standard output"
[ -z "$archive" ] || [ ! -t 1 ] || fail "standard output is a terminal, and -T writes an archive to it; use a pipe"

program=$(find_program "$1") || exit
check_recorder
check_program
shown=$output
if [ -z "$output" ]; then
    output=${TMPDIR:-/tmp}/mtrace-capture.$$
    temporary=yes
fi
prepare

preload=$recorder${LD_PRELOAD:+:$LD_PRELOAD}
export MTRACE_RECORDER="$output/recording.%p" MTRACE_RECORDER_MODE="$mode"
# As record does it, what others have set does not count.
unset MTRACE_RECORDER_TABLE MTRACE_RECORDER_MAX
[ -z "$table" ] || export MTRACE_RECORDER_TABLE="$table"
[ -z "$most_log" ] || export MTRACE_RECORDER_MAX="$most_log"

name=$1
shift
trap : INT
if [ -n "$archive" ]; then exec 4>&2; else exec 4>&1; fi
{ run "$program" "$@" >&4 4>&-; } | supervise "$name" "$@" </dev/null 4>&-
