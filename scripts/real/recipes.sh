# Recipes: how each program is given an amount of work. Sourced by real-verdicts.sh, which runs each three times.
#
# A function is a workload; its name is the program, two underscores, and what it does. Its arguments are the amount of
# work, and the number of the run, for what is to differ by chance. It runs in an empty directory of its own,
# and traces one process by `traced`. `amount` is the first run's work. What is recorded is kept until the text
# of its function changes.

# shellcheck shell=bash disable=SC2016,SC2034,SC2154 # programs in quotes; what real-verdicts.sh reads and sets
declare -A amount

# Numbers of a line each, which no two runs have in the same order: COUNT SEED BOUND.
numbers() {
    awk -v n="$1" -v seed="$2" -v bound="$3" \
        'BEGIN { srand(seed); for (i = 0; i < n; i++) printf "%d key%d some text of line %d\n", i, rand() * bound, i }'
}

# A server in the foreground, given work by client.py: KIND WORK SEED PORT COMMAND...
served() {
    local kind=$1 work=$2 seed=$3 port=$4 tracing status=0
    shift 4
    traced "$@" &
    tracing=$!
    /usr/bin/python3 "$here/real/client.py" "$kind" "$port" "$work" "$seed" || status=$?
    [ ! -s "$into/pid" ] || kill -TERM "$(cat "$into/pid")"
    wait "$tracing" || true
    return "$status"
}

amount[bash__arrays]=500
bash__arrays() {
    traced /usr/bin/bash -c '
        RANDOM=$2
        declare -A bounded grows
        for ((i = 0; i < $1; i++)); do
            bounded[k$((RANDOM % 200))]="value $i"
            ((i % 5)) || grows[k$i]="value $i"
            text="${bounded[k3]}$i"
            [[ $text =~ ([0-9]+)$ ]] && last=${BASH_REMATCH[1]}
        done' bash "$1" "$2"
}

amount[curl__files]=400
curl__files() {
    echo hello >file
    for ((i = 0; i < $1; i++)); do printf 'url = "file://%s/file?%d"\noutput = "/dev/null"\n' "$PWD" "$i"; done >config
    traced /usr/bin/curl -s -K config
}

amount[gawk__bounded]=6000
gawk__bounded() {
    numbers "$1" "$2" 300 >input
    traced /usr/bin/gawk '{ count[$2]++; last = substr($0, 3, 9); n += split($0, part, " "); gsub(/e/, "E") }
        END { for (key in count) sum += count[key]; print sum, n, last }' input
}

amount[gawk__unique]=4000
gawk__unique() {
    numbers "$1" "$2" 300 >input
    traced /usr/bin/gawk '{ seen[$1] = $0; group[$2][$1 % 50]++ } END { print length(seen) }' input
}

git_history() { # COMMITS
    awk -v n="$1" 'BEGIN {
        for (i = 1; i <= n; i++) {
            printf "commit refs/heads/main\nmark :%d\ncommitter A <a@b> %d +0000\ndata 12\nmessage %04d\n", i, 1e9 + i, i % 10000
            if (i > 1) printf "from :%d\n", i - 1
            printf "M 644 inline dir%d/file%d\ndata <<END\nline %d\nEND\n\n", i % 7, i % 90, i
        } }'
}

amount[git__fast_import]=500
git__fast_import() {
    git init -q repository
    git_history "$1" >history
    cd repository && traced /usr/bin/git fast-import --quiet <../history
}

amount[git__log]=400
git__log() {
    git init -q repository
    git_history 2000 | git -C repository fast-import --quiet
    cd repository && traced /usr/bin/git log --stat -n "$1" main
}

amount[git__cat_file]=1500
git__cat_file() {
    git init -q repository
    git_history 300 | git -C repository fast-import --quiet
    git -C repository rev-list --objects main | cut -d' ' -f1 >objects
    for ((i = 0; i < $1; i += 100)); do shuf -n 100 --random-source=<(yes "$2$i") objects; done >wanted
    cd repository && traced /usr/bin/git cat-file --batch <../wanted
}

amount[git__check_ignore]=1500
git__check_ignore() {
    git init -q repository
    printf '*.o\nbuild*/\n!keep.o\n/dir*/x\n' >repository/.gitignore
    awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "dir%d/sub%d/file%d.o\n", i % 20, i % 3, i }' >paths
    cd repository || return
    traced /usr/bin/git check-ignore --no-index --stdin <../paths || true
}

amount[jq__stream]=800
jq__stream() {
    numbers "$1" "$2" 100 | awk '{ printf "{\"id\":%d,\"key\":\"%s\",\"list\":[1,2,{\"a\":null}]}\n", $1, $2 }' >input
    traced /usr/bin/jq -c '{id, key: (.key | ascii_upcase), n: (.list | length), t: (.key | test("9$"))}' input
}

amount[jq__gather]=700
jq__gather() {
    numbers "$1" "$2" 100 | awk '{ printf "{\"id\":%d,\"key\":\"%s\"}\n", $1, $2 }' >input
    traced /usr/bin/jq -n 'reduce inputs as $i ({}; .ids += [$i.id] | .keys[$i.key] = $i.id) | .ids | length' input
}

amount[lighttpd__requests]=2000
lighttpd__requests() {
    mkdir -p www/dir
    echo '<p>a' >www/a.html
    echo b >www/b.txt
    echo '<p>index' >www/index.html
    cat >config <<END
server.document-root = "$PWD/www"
server.port = 18481
server.bind = "127.0.0.1"
server.modules = ("mod_access", "mod_accesslog", "mod_indexfile", "mod_dirlisting", "mod_staticfile", "mod_expire", "mod_setenv")
dir-listing.activate = "enable"
accesslog.filename = "$PWD/access.log"
index-file.names = ("index.html")
mimetype.assign = (".html" => "text/html", ".txt" => "text/plain")
setenv.add-response-header = ("X-A" => "b")
END
    served http "$1" "$2" 18481 /usr/sbin/lighttpd -D -f config
}

amount[lua__tables]=4000
lua__tables() {
    cat >script.lua <<'END'
math.randomseed(tonumber(arg[2]))
local bounded, grows = {}, {}
for i = 1, tonumber(arg[1]) do
    bounded[math.random(300)] = { id = i, name = "name " .. i }
    if i % 10 == 0 then grows[#grows + 1] = "kept " .. i end
    local text = string.format("%d %s", i, string.rep("x", i % 50))
end
END
    traced /usr/bin/lua5.4 script.lua "$1" "$2"
}

amount[m4__define]=1500
m4__define() {
    awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "define(`m%d'\'', `$1-%d'\'')m%d(x)\npushdef(`p'\'', `q'\'')popdef(`p'\'')\n", i, i, i }' >input
    traced /usr/bin/m4 input
}

amount[mosquitto__messages]=1500
mosquitto__messages() {
    printf 'listener 18482 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type error\n' >config
    served mqtt "$1" "$2" 18482 /usr/sbin/mosquitto -c config
}

amount[nginx__requests]=600
nginx__requests() {
    mkdir -p www/dir logs tmp
    echo '<p>a' >www/a.html
    echo b >www/b.txt
    echo '<p>index' >www/index.html
    cat >config <<END
daemon off; master_process off; pid $PWD/pid; error_log $PWD/error.log;
events { worker_connections 64; }
http {
    access_log $PWD/access.log; client_body_temp_path $PWD/tmp; proxy_temp_path $PWD/tmp;
    fastcgi_temp_path $PWD/tmp; uwsgi_temp_path $PWD/tmp; scgi_temp_path $PWD/tmp;
    open_file_cache max=20 inactive=60s;
    server { listen 127.0.0.1:18483; root $PWD/www; gzip on; autoindex on; }
}
END
    served http "$1" "$2" 18483 /usr/sbin/nginx -c "$PWD/config" -e "$PWD/error.log"
}

amount[objdump__functions]=300
objdump__functions() {
    for ((i = 0; i < $1; i++)); do echo "int f$i(int a) { return a * $i + (a >> 3); }"; done >input.c
    cc -O1 -g -c input.c
    traced /usr/bin/objdump -d -S input.o
}

amount[openssl__verify]=60
openssl__verify() {
    openssl req -x509 -newkey rsa:1024 -nodes -subj /CN=ca -keyout key -out ca.pem -days 9999 2>keygen.out
    local certificates=()
    for ((i = 0; i < $1; i++)); do certificates+=(ca.pem); done
    traced /usr/bin/openssl verify -CAfile ca.pem "${certificates[@]}"
}

amount[perl__bounded]=3000
perl__bounded() {
    cat >script.pl <<'END'
use strict; use warnings; use POSIX qw(floor strftime); use Data::Dumper; use Encode; use List::Util qw(sum);
my ($n, $seed) = @ARGV; srand $seed;
my (%bounded, @ring);
for my $i (1 .. $n) {
    $bounded{"key" . int rand 300} = { id => $i, name => "name $i" };
    push @ring, "entry $i"; shift @ring if @ring > 50;
    my $text = encode("UTF-8", join ",", map { $_ * 2 } 1 .. $i % 9);
    my ($digits) = $text =~ /(\d+),/;
    local $Data::Dumper::Terse = 1; my $dump = Dumper([$i, { a => $i }]) if $i % 10 == 0;
}
END
    traced /usr/bin/perl script.pl "$1" "$2"
}

amount[perl__grows]=3000
perl__grows() {
    cat >script.pl <<'END'
use strict; use warnings; use POSIX (); use Time::Local; use File::Spec; use Text::Wrap;
my ($n, $seed) = @ARGV; srand $seed;
my (%sessions, @lost, %late);
for my $i (1 .. $n) {
    $sessions{$i} = { id => $i, data => "x" x int rand 40 };
    delete $sessions{$i - 20};
    if ($i % 15 == 0) { my $a = { id => $i }; my $b = { of => $a }; $a->{to} = $b; } # a circle: leaks
    if ($i == int($n / 2)) { require File::Temp; require Storable; %late = map { $_ => [$_] } 1 .. 100; }
}
END
    traced /usr/bin/perl script.pl "$1" "$2"
}

amount[python__bounded]=1500
python__bounded() {
    cat >script.py <<'END'
import json, random, re, sqlite3, sys, xml.etree.ElementTree, zlib
from functools import lru_cache
n, seed = int(sys.argv[1]), int(sys.argv[2])
random.seed(seed)
@lru_cache(maxsize=128)
def squared(x): return {"x": x, "y": [x * x]}
database = sqlite3.connect(":memory:")
database.execute("create table t(id integer primary key, name text)")
ring = []
for i in range(n):
    squared(random.randrange(500))
    text = json.dumps({"id": i, "list": [i, str(i), None], "nested": {"a": 1.5}})
    ring.append(json.loads(text))
    if len(ring) > 40: ring.pop(0)
    zlib.decompress(zlib.compress(text.encode()))
    database.execute("insert or replace into t values(?, ?)", (i % 100, text))
    xml.etree.ElementTree.fromstring("<a b='%d'><c>text</c></a>" % i)
    re.sub(r"\d+", "#", text)
END
    PYTHONMALLOC=malloc traced /usr/bin/python3 script.py "$1" "$2"
}

amount[python__grows]=1500
python__grows() {
    cat >script.py <<'END'
import collections, datetime, decimal, logging, random, sqlite3, sys, threading
n, seed = int(sys.argv[1]), int(sys.argv[2])
random.seed(seed)
listeners, pending = [], collections.deque()
databases = []
for i in range(n):
    pending.append({"id": i, "at": datetime.datetime(2020, 1, 1) + datetime.timedelta(seconds=i)})
    if len(pending) > random.randrange(5, 60): pending.popleft()
    if i % 9 == 0: listeners.append(lambda i=i: i)
    if i % 60 == 0: databases.append(sqlite3.connect(":memory:"))
    str(decimal.Decimal(i) / 7)
END
    PYTHONMALLOC=malloc traced /usr/bin/python3 script.py "$1" "$2"
}

amount[python__imports]=200
python__imports() {
    cat >script.py <<'END'
import argparse, asyncio, ctypes, email.message, http.client, multiprocessing, sys, unittest, urllib.request, xml.dom.minidom
n = int(sys.argv[1])
seen, messages = {}, []
for i in range(n):
    message = email.message.EmailMessage()
    message["Subject"] = "number %d" % i
    seen[i % 30] = message.as_string()
    if i % 4 == 0: messages.append(message)
    xml.dom.minidom.parseString("<a><b>%d</b></a>" % i).unlink()
    if i == n // 3: import decimal, difflib, tarfile
END
    PYTHONMALLOC=malloc traced /usr/bin/python3 script.py "$1" "$2"
}

amount[sqlite3__memory]=1500
sqlite3__memory() {
    { echo 'create table t(id integer primary key, name text, value real); create index i on t(name);'
      numbers "$1" "$2" 200 | awk '{ printf "insert into t values(%d, '\''%s'\'', %d.5);\n", $1, $2, $1 }'; } >input
    traced /usr/bin/sqlite3 :memory: <input
}

amount[sqlite3__file]=600
sqlite3__file() {
    { echo 'create table t(id integer primary key, name text); pragma cache_size = 50; begin;'
      numbers 2000 1 500 | awk '{ printf "insert into t values(%d, '\''%s'\'');\n", $1, $2 }'
      echo 'commit;'; } | sqlite3 file.db
    numbers "$1" "$2" 2000 | awk '{ printf "select count(*), max(name) from t where id > %d group by name limit 3;\n", substr($2, 4) }' >input
    traced /usr/bin/sqlite3 file.db <input
}

amount[tclsh__commands]=2000
tclsh__commands() {
    cat >script.tcl <<'END'
lassign $argv n seed
expr srand($seed)
for {set i 0} {$i < $n} {incr i} {
    set bounded([expr {int(rand() * 200)}]) "value $i"
    if {$i % 8 == 0} { lappend grows "kept $i" }
    regexp {([0-9]+)$} "text $i" all last
    if {$i % 40 == 0} { proc p$i {a} { return $a$a } }
}
END
    traced /usr/bin/tclsh script.tcl "$1" "$2"
}

amount[xmllint__files]=250
xmllint__files() {
    for ((i = 0; i < $1; i++)); do
        echo "<r id='$i'><a b='c'>text $i</a><!-- note --><b xmlns:n='urn:n' n:d='e'/></r>" >"f$i.xml"
    done
    traced /usr/bin/xmllint --noout --xpath 'count(//a)' f*.xml
}

amount[xmllint__shell]=200
xmllint__shell() {
    { echo '<r>'; numbers 40 1 90 | awk '{ printf "<e id=\"%d\"><k>%s</k></e>\n", $1, $2 }'; echo '</r>'; } >input.xml
    for ((i = 0; i < $1; i++)); do
        printf 'xpath count(//e[@id > %d])\ncd //e[%d]\nls\ncd /\n' "$((i % 40))" "$((1 + i % 40))"
    done >commands
    traced /usr/bin/xmllint --shell input.xml <commands
}

amount[xmllint__tree]=800
xmllint__tree() {
    { echo '<r>'; numbers "$1" "$2" 90 | awk '{ printf "<e id=\"%d\"><k>%s</k></e>\n", $1, $2 }'; echo '</r>'; } >input.xml
    traced /usr/bin/xmllint --noout --c14n input.xml
}

# Programs of our own, that use a library as programs do, and forget some of what it gives them. Their sources
# say what.
amount[planted_glib__requests]=1200
planted_glib__requests() { traced "$dir/planted_glib" "$1"; }

amount[planted_libc__requests]=500
planted_libc__requests() { traced "$dir/planted_libc" "$1"; }

amount[planted_sqlite__requests]=1000
planted_sqlite__requests() { traced "$dir/planted_sqlite" "$1" file.db; }

amount[planted_xml__requests]=600
planted_xml__requests() { traced "$dir/planted_xml" "$1"; }

amount[planted_yaml__requests]=600
planted_yaml__requests() { traced "$dir/planted_yaml" "$1"; }
