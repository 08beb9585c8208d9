# Recipes: how each program is given an amount of work. Sourced by real-verdicts.sh, which runs each three times.
#
# A function is a workload; its name is the program, two underscores, and what it does. Its arguments are the amount of
# work, and the number of the run, for what is to differ by chance. It runs in an empty directory of its own,
# and traces one process by `traced`. `amount` is the first run's work. What is recorded is kept until the text
# of its function changes.

# shellcheck shell=bash disable=SC2016,SC2034,SC2154 # programs in quotes; what real-verdicts.sh reads and sets
declare -A amount

# Programs held back from tuning, in three sets (real-verdicts.sh).
held_back='curl git lighttpd m4 nginx openssl planted_glib planted_sqlite planted_yaml sqlite3 xmllint'
held_back_second='busybox dbus_daemon dot gnuplot lynx mawk ngircd planted_archive planted_events planted_jobs
    planted_microhttpd ruby tar tcpdump unbound xmlwf zsh'
held_back_third='bmake duk jimsh mruby ninja planted_chat planted_editor planted_gateway planted_scheduler privoxy
    tinyproxy'

# Numbers of a line each, which no two runs have in the same order: COUNT SEED BOUND.
numbers() {
    awk -v n="$1" -v seed="$2" -v bound="$3" \
        'BEGIN { srand(seed); for (i = 0; i < n; i++) printf "%d key%d some text of line %d\n", i, rand() * bound, i }'
}

# A server in the foreground, given work by client.py, or another CLIENT: KIND WORK SEED PORT COMMAND...
served() {
    local kind=$1 work=$2 seed=$3 port=$4 tracing status=0
    shift 4
    traced "$@" &
    tracing=$!
    /usr/bin/python3 "$here/real/${CLIENT:-client.py}" "$kind" "$port" "$work" "$seed" || status=$?
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

# Programs that came later.

amount[bc__bounded]=250
bc__bounded() {
    awk -v n="$1" -v seed="$2" 'BEGIN {
        srand(seed)
        print "define f(x) { auto y; y = x * x; return (y + 1); }\nscale = 10"
        for (i = 0; i < n; i++) printf "a[%d] = f(%d) / 7\nb = sqrt(a[%d] + %d)\n", rand() * 100, i, rand() * 100, i
    }' >input
    traced /usr/bin/bc -l input </dev/null
}

amount[bc__grows]=400
bc__grows() {
    awk -v n="$1" 'BEGIN {
        for (i = 0; i < n; i++) {
            printf "name_%c%c%c = %d / 3\na[%d] = %d\n", 97 + i % 26, 97 + i / 26 % 26, 97 + i / 676, i, i, i
            if (i % 4 == 0) printf "define f%c%c%c(x) { return (x + %d); }\n", 97 + i % 26, 97 + i / 26 % 26, 97 + i / 676, i
        }
    }' >input
    traced /usr/bin/bc -l input </dev/null
}

amount[busybox__awk]=1000
busybox__awk() {
    numbers "$1" "$2" 300 >input
    traced /usr/bin/busybox awk '{ count[$2]++; if (NR % 5 == 0) seen[$1] = $0; n += split($0, part, " "); gsub(/e/, "E") }
        END { for (key in count) sum += count[key]; print sum, n }' input
}

amount[busybox__ash]=1200
busybox__ash() {
    cat >script.sh <<'END'
i=0
while [ $i -lt $1 ]; do
    eval "bounded_$((i % 40))='value $i'"
    [ $((i % 5)) -ne 0 ] || eval "grows_$i='value $i'"
    [ $((i % 20)) -ne 0 ] || eval "f_$i() { echo \"\$1 $i\"; }"
    case "text $i" in *7) last=${i%7} ;; esac
    set -- "$1" "$i" more "words $i"
    alias a$((i % 10))="echo $i"
    i=$((i + 1))
done
END
    traced /usr/bin/busybox ash script.sh "$1"
}

amount[dash__variables]=1500
dash__variables() {
    cat >script.sh <<'END'
i=0
while [ $i -lt $1 ]; do
    eval "bounded_$((i % 40))='value $i'"
    [ $((i % 5)) -ne 0 ] || eval "grows_$i='value $i'"
    [ $((i % 20)) -ne 0 ] || eval "f_$i() { echo \"\$1 $i\"; }"
    case "text $i" in *7) last=${i%7} ;; esac
    i=$((i + 1))
done
END
    traced /usr/bin/dash script.sh "$1"
}

amount[dbus_daemon__names]=180
dbus_daemon__names() {
    cat >config <<END
<busconfig>
  <type>session</type>
  <listen>tcp:host=127.0.0.1,port=18490,family=ipv4</listen>
  <auth>ANONYMOUS</auth><allow_anonymous/>
  <policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/><allow user="*"/></policy>
  <limit name="max_match_rules_per_connection">1000000</limit>
  <limit name="max_names_per_connection">1000000</limit>
</busconfig>
END
    served dbus "$1" "$2" 18490 /usr/bin/dbus-daemon --nofork --config-file="$PWD/config"
}

amount[dc__numbers]=300
dc__numbers() {
    awk -v n="$1" -v seed="$2" 'BEGIN {
        srand(seed); print "12k"
        for (i = 0; i < n; i++) {
            printf "%d 7 / d * v sx lx\n", i + 1
            if (i % 3) print "st"
            printf "[text %d] %d:a %d %d:b\n", i, i, i, rand() * 60
            if (i % 10 == 0) printf "%d Sy\n", i
        }
    }' >input
    traced /usr/bin/dc -f input
}

amount[dot__many]=60
dot__many() {
    for ((i = 1; i <= $1; i++)); do echo "graph g$i { a$i -- b; b -- c$((i % 7)) [label=\"text $i\"]; subgraph s { b; d } }"; done >input
    traced /usr/bin/dot -Tcanon -o out input
}

amount[ed__edits]=800
ed__edits() {
    awk -v n="$1" 'BEGIN {
        print "a\nfirst line\n."
        for (i = 0; i < n; i++) {
            printf "$a\nline %d of the text\n.\n", i
            if (i % 4 == 0) print "$s/line/text/"
            if (i % 7 == 0) print "1d\n0a\nanother first one\n."
        }
        print "Q"
    }' >input
    traced /usr/bin/ed -s <input
}

amount[gnuplot__variables]=400
gnuplot__variables() {
    awk -v n="$1" 'BEGIN {
        print "set terminal dumb; set output \"plots\""
        for (i = 0; i < n; i++) {
            printf "v%d = %d * 2.5\nb%d = sprintf(\"text %%d\", %d)\n", i, i, i % 20, i
            if (i % 5 == 0) printf "f%d(x) = x * %d + v%d\n", i, i, i
            if (i % 40 == 0) print "plot sin(x), x / 3 title \"third\""
            if (i % 9 == 0) printf "set label \"point %d\" at 1,%d\n", i, i
        }
    }' >input
    traced /usr/bin/gnuplot input
}

amount[ld__objects]=30
ld__objects() {
    for ((i = 0; i < $1; i++)); do
        printf '.globl f%d, g%d\nf%d: call f%d\n.section .text.s%d,"ax"\ng%d: ret\n.data\n.quad f%d\n.section .rodata.str,"aMS",@progbits,1\n.string "text %d"\n' \
            "$i" "$i" "$i" "$((i / 2))" "$i" "$i" "$i" "$i" | as -o "o$i.o" -
    done
    traced /usr/bin/ld -e f0 -o out o*.o
}

amount[lynx__dump]=400
lynx__dump() {
    { echo '<html><body>'
      for ((i = 0; i < $1; i++)); do
          echo "<p>text <b>$i</b> <a name='a$i' href='page$((i % 300)).html#x$i'>link $i</a>"
          ((i % 10)) || echo "<form action='do$i'><input name='f$i' value='v'></form><ul><li>one</ul>"
      done
      echo '</body></html>'; } >input.html
    traced /usr/bin/lynx -dump -nolist input.html
}

amount[make__targets]=250
make__targets() {
    { echo 'all:'
      for ((i = 0; i < $1; i++)); do
          printf 'V%d := $(subst a,b,name%d) $(V%d)\nall: t%d\nt%d: t%d.in common%d\n\t@echo making $@ from $^ $(V%d)\nt%d.in: ;\n' \
              "$i" "$i" "$((i % 9))" "$i" "$i" "$i" "$((i % 20))" "$((i % 9))" "$i"
      done
      for ((i = 0; i < 20; i++)); do echo "common$i: ;"; done; } >Makefile
    traced /usr/bin/make -n -r
}

amount[mawk__arrays]=90000
mawk__arrays() {
    numbers "$1" "$2" 300 >input
    traced /usr/bin/mawk '{ count[$2]++; if (NR % 4 == 0) seen[$1] = $0; n += split($0, part, " "); gsub(/e/, "E") }
        END { for (key in count) sum += count[key]; print sum, n }' input
}

amount[nasm__symbols]=150
nasm__symbols() {
    for ((i = 0; i < $1; i++)); do
        printf '%%define D%d %d\n%%macro m%d 1\n mov eax, %%1 + D%d\n%%endmacro\nglobal f%d\nf%d: m%d 3\n.in: jmp f%d\n' "$i" "$i" "$i" "$i" "$i" "$i" "$i" "$((i / 2))"
    done >input.asm
    traced /usr/bin/nasm -f elf64 -o out.o input.asm
}

amount[ngircd__channels]=150
ngircd__channels() {
    cat >config <<END
[Global]
Name = irc.example.net
AdminEMail = a@example.net
Info = test
Listen = 127.0.0.1
Ports = 18491
ServerUID = 0
ServerGID = 0
MotdPhrase = none
[Limits]
MaxJoins = 0
MaxPenaltyTime = 0
MaxConnectionsIP = 0
MaxConnections = 0
[Options]
DNS = no
Ident = no
PAM = no
END
    served irc "$1" "$2" 18491 /usr/sbin/ngircd -n -f "$PWD/config"
}

amount[php__grows]=700
php__grows() {
    cat >script.php <<'END'
<?php
[, $n, $seed] = $argv; mt_srand((int)$seed);
class Node { public $other; public $data; function __construct($data) { $this->data = $data; } }
$listeners = []; $sessions = []; $bounded = []; gc_disable();
for ($i = 0; $i < $n; $i++) {
    $bounded["key" . mt_rand(0, 200)] = ["id" => $i, "name" => "name $i"];
    $sessions[$i] = str_repeat("x", mt_rand(1, 60)); unset($sessions[$i - 25]);
    if ($i % 10 == 0) $listeners[] = function () use ($i) { return $i; };
    if ($i % 15 == 0) { $a = new Node("a $i"); $b = new Node("b $i"); $a->other = $b; $b->other = $a; }
    $text = json_encode(["i" => $i, "list" => [1, "$i"]]);
    preg_match('/(\d+)/', $text, $found);
    json_decode($text);
}
END
    USE_ZEND_ALLOC=0 traced /usr/bin/php -n script.php "$1" "$2"
}

amount[php__bounded]=500
php__bounded() {
    cat >script.php <<'END'
<?php
[, $n, $seed] = $argv; mt_srand((int)$seed);
$ring = new SplQueue(); $heap = new SplMinHeap(); $batch = [];
for ($i = 0; $i < $n; $i++) {
    $ring->enqueue("entry $i"); if (count($ring) > 40) $ring->dequeue();
    $heap->insert([mt_rand(), $i]); if (count($heap) > 100) $heap->extract();
    $batch[] = ["row" => $i, "text" => "text $i"];
    if (count($batch) == 100) { $sum = array_sum(array_column($batch, "row")); $batch = []; }
    $date = (new DateTime("@" . ($i * 1000)))->format("Y-m-d");
    usort($batch, fn($a, $b) => strcmp($a["text"], $b["text"]));
    $file = fopen("php://memory", "w+"); fwrite($file, $date); fclose($file);
    $text = implode(",", array_map(fn($x) => $x * 2, range(1, 1 + $i % 9)));
}
END
    USE_ZEND_ALLOC=0 traced /usr/bin/php -n script.php "$1" "$2"
}

amount[readelf__files]=12
readelf__files() {
    for ((i = 0; i < 20; i++)); do echo "int f$i(int a) { return a * $i; } int v$i = $i;"; done >input.c
    cc -g -c input.c
    for ((i = 0; i < $1; i++)); do cp input.o "o$i.o"; done
    traced /usr/bin/readelf -aW --debug-dump=info,abbrev,line o*.o
}

amount[ruby__grows]=1500
ruby__grows() {
    cat >script.rb <<'END'
n, seed = ARGV.map(&:to_i); srand seed
listeners, sessions, bounded = [], {}, {}
n.times do |i|
  bounded[rand(200)] = { id: i, name: "name of number #{i} " + "x" * (i % 50) }
  sessions[i] = "session number #{i} " + "y" * rand(60); sessions.delete(i - 30)
  listeners << ->(x) { x + i } if i % 5 == 0
  listeners << ("kept for ever, number %d, and longer than is embedded" % i) if i % 8 == 0
  "name_#{i}".to_sym if i % 3 == 0
  Object.class_eval "def method_#{i}(a) = a + #{i}" if i % 30 == 0
  "text #{i}" =~ /(\d+)$/
end
END
    traced /usr/bin/ruby --disable-gems script.rb "$1" "$2"
}

amount[ruby__bounded]=1500
ruby__bounded() {
    cat >script.rb <<'END'
n, seed = ARGV.map(&:to_i); srand seed
cache, batch = {}, []
n.times do |i|
  key = rand(400)
  cache[key] = cache.delete(key) || ("a value that is longer than what is embedded, number #{i}")
  cache.shift if cache.size > 120
  batch << { id: i, text: "text #{i}" * 5 }
  batch = [] if batch.size == 80
  batch.sort_by { |one| one[:text] } if i % 20 == 0
  "text #{i} with digits".gsub(/\d+/) { |found| found * 2 }
end
END
    traced /usr/bin/ruby --disable-gems script.rb "$1" "$2"
}

amount[sed__hold]=1500
sed__hold() {
    numbers "$1" "$2" 300 >input
    traced /usr/bin/sed -n -e 's/key\([0-9]*\)/<\1>/;H' -e '/00 /{x;s/\n/,/g;x}' -e '${x;p}' input
}

amount[sed__script]=300
sed__script() {
    for ((i = 0; i < $1; i++)); do printf 's/word%d\\([a-z]*\\)/new\\1%d/g\n/^x%d/{\nn\ny/abc/def/\n}\n' "$i" "$i" "$i"; done >script
    numbers 50 "$2" 100 >input
    traced /usr/bin/sed -f script input
}

amount[tar__links]=600
tar__links() {
    mkdir -p in/a
    (cd in/a && seq "$1" | xargs touch)
    cp -rl in/a other
    traced /usr/bin/tar -cf out.tar in
}

amount[tar__extract]=400
tar__extract() {
    mkdir in out
    (cd in && seq "$1" | sed 's/^/d/' | xargs mkdir && seq "$1" | sed 's/.*/d&\/f/' | xargs touch)
    tar -C in -cf in.tar .
    traced /usr/bin/tar -C out -xf in.tar
}

amount[tcc__functions]=1500
tcc__functions() {
    for ((i = 0; i < $1; i++)); do
        echo "#define M$i(x) ((x) + $i)"
        echo "struct s$i { int a, b; }; int f$i(int a) { struct s$i s = { a, M$i(3) }; return s.a ? s.b : f$((i > 0 ? i - 1 : 0))(a); }"
    done >input.c
    traced /usr/bin/tcc -nostdinc -c -o out.o input.c
}

amount[tcpdump__hosts]=1500
tcpdump__hosts() {
    /usr/bin/python3 "$here/real/packets.py" "$1" "$2" 1000000 >packets
    traced /usr/bin/tcpdump -n -r packets
}

amount[tcpdump__flows]=1500
tcpdump__flows() {
    /usr/bin/python3 "$here/real/packets.py" "$1" "$2" 40 >packets
    traced /usr/bin/tcpdump -n -v -e -S -r packets
}

amount[tmux__server]=100
tmux__server() {
    unset TMUX
    echo 'set -g history-limit 300' >config
    traced /usr/bin/tmux -f config -S "$PWD/socket" -D &
    local tracing=$! i
    for ((i = 0; i < 100; i++)); do [ ! -S socket ] || break; sleep 0.05; done
    {
        for ((i = 0; i < $1; i++)); do
            echo "set-environment -g name$i value$i"
            echo "set-option -g @option$((i % 30)) 'value $i'"
            echo "set-buffer 'text $i'"
            ((i % 4)) || echo "bind-key -T table$((i / 40)) M-$((i % 10)) display-message 'text $i'"
            ((i % 6)) || echo "set-hook -ga alert-silence 'display-message text$i'"
        done
    } >commands
    /usr/bin/tmux -S "$PWD/socket" new-session -d -x 80 -y 24 "seq 1 $(($1 * 8)); sleep 60"
    # Line by line: all of a file would be read before any of it is done.
    /usr/bin/tmux -S "$PWD/socket" -C attach <commands >attached
    /usr/bin/tmux -S "$PWD/socket" kill-server
    wait "$tracing" || true
}

amount[unbound__names]=1200
unbound__names() {
    cat >config <<END
server:
    interface: 127.0.0.1@18486
    do-daemonize: no
    chroot: ""
    username: ""
    directory: "$PWD"
    pidfile: ""
    use-syslog: no
    num-threads: 1
    module-config: "iterator"
    do-not-query-localhost: no
    do-ip6: no
    msg-cache-size: 60k
    msg-cache-slabs: 1
    rrset-cache-size: 60k
    rrset-cache-slabs: 1
    infra-cache-slabs: 1
    key-cache-slabs: 1
    outgoing-range: 32
    num-queries-per-thread: 16
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@18487
remote-control:
    control-enable: no
END
    served dns "$1" "$2" 18486 /usr/sbin/unbound -d -c "$PWD/config"
}

amount[vim__edits]=400
vim__edits() {
    cat >script.vim <<'END'
set nocompatible undolevels=100000 noswapfile viminfo=
let s:bounded = {}
let s:list = []
let s:i = 0
while s:i < $AMOUNT
    let s:i += 1
    call append('$', 'line ' . s:i)
    execute 'normal! Gccchanged ' . s:i . "\<Esc>"
    let s:bounded['key' . (s:i % 50)] = ['value', s:i]
    if s:i % 5 == 0 | call add(s:list, 'kept ' . s:i) | endif
    if s:i % 20 == 0 | execute 'function! F' . s:i . '(a)' . "\nreturn a:a\nendfunction" | endif
    if s:i % 10 == 0 | execute 'nnoremap x' . s:i . ' :echo ' . s:i . '<CR>' | endif
    call substitute('text ' . s:i, '\d\+', 'n', '')
endwhile
qa!
END
    AMOUNT=$1 traced /usr/bin/vim -es -u NONE -S script.vim </dev/null
}

amount[xmlwf__files]=200
xmlwf__files() {
    for ((i = 0; i < $1; i++)); do
        echo "<!DOCTYPE r [<!ENTITY e$i 'text'>]><r id='$i'><a b='c'>text $i &e$i;</a><b xmlns:n='urn:n' n:d='e'/></r>" >"f$i.xml"
    done
    traced /usr/bin/xmlwf -n f*.xml
}

amount[xsltproc__files]=50
xsltproc__files() {
    cat >style.xsl <<'END'
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:key name="k" match="e" use="@id"/>
<xsl:template match="/r"><out><xsl:apply-templates select="e"><xsl:sort select="k"/></xsl:apply-templates></out></xsl:template>
<xsl:template match="e"><xsl:variable name="v" select="concat(k, @id)"/><f n="{$v}"><xsl:value-of select="key('k', '3')/k"/></f></xsl:template>
</xsl:stylesheet>
END
    awk -v n="$1" 'BEGIN {
        for (i = 0; i < n; i++) {
            file = "f" i ".xml"
            print "<r>" >file
            for (j = 0; j < 5; j++) printf "<e id=\"%d\"><k>key%d</k><l%d/></e>\n", j, (i + j * 7) % 90, i >file
            print "</r>" >file
            close(file)
        }
    }'
    traced /usr/bin/xsltproc -o out.xml style.xsl f*.xml
}

amount[zsh__functions]=600
zsh__functions() {
    cat >script.zsh <<'END'
typeset -A bounded grows
n=$1
for ((i = 0; i < n; i++)); do
    bounded[k$((i % 50))]="value $i"
    ((i % 5)) || grows[k$i]="value $i"
    ((i % 20)) || eval "f_$i() { print \$1 $i }"
    ((i % 10)) || alias a$i="print $i"
    text="text $i of words" list=(${=text}) text=${text//1/one}
    print -s "command $i"
done
END
    traced /usr/bin/zsh -f script.zsh "$1"
}

amount[planted_archive__uploads]=300
planted_archive__uploads() { traced "$dir/planted_archive" "$1"; }

amount[planted_curl__requests]=300
planted_curl__requests() { traced "$dir/planted_curl" "$1"; }

amount[planted_events__messages]=1200
planted_events__messages() { traced "$dir/planted_events" "$1"; }

amount[planted_expat__messages]=800
planted_expat__messages() { traced "$dir/planted_expat" "$1"; }

amount[planted_jobs__jobs]=16000
planted_jobs__jobs() { traced "$dir/planted_jobs" "$1"; }

amount[planted_menus__screens]=600
planted_menus__screens() { traced "$dir/planted_menus" "$1"; }

amount[planted_microhttpd__requests]=800
planted_microhttpd__requests() { served http "$1" "$2" 18492 "$dir/planted_microhttpd" 18492; }

# Programs that came last, with the third set.

amount[bison__rules]=120
bison__rules() {
    { echo '%token A B C'
      for ((i = 0; i < $1; i++)); do echo "%token T$i \"text $i\""; done
      echo '%%'
      for ((i = 0; i < $1; i++)); do
          echo "r$i: T$i r$(((i + 1) % $1)) { \$\$ = $i; } | A '$((i % 10))' | B C T$i ;"
      done
      echo '%%'; } >input.y
    traced /usr/bin/bison -Wnone -o out.c input.y
}

amount[bmake__targets]=150
bmake__targets() {
    { for ((i = 0; i < $1; i++)); do
          printf 'V%d = name%d ${V%d:S/a/b/}\nall: t%d\n' "$i" "$i" "$(((i + 1) % 9 + $1))" "$i"
          printf 't%d: t%d.in common%d\n\t@echo making ${.TARGET} from ${.ALLSRC} ${V%d:M*e*}\nt%d.in:\n' \
              "$i" "$i" "$((i % 20))" "$i" "$i"
      done
      for ((i = 0; i < 20; i++)); do echo "common$i:"; done; } >Makefile
    traced /usr/bin/bmake -n -r all
}

amount[ctags__files]=120
ctags__files() {
    for ((i = 0; i < $1; i++)); do
        echo "struct s$((i % 30)) { int a$((i % 50)); char *name; }; enum e$i { ONE$i, TWO$i };"
        echo "static int f$i(int a, char *b) { return a + $i; } int v$((i % 70)); typedef struct s$((i % 30)) t$i;"
    done | split -l 2 -a 4 --additional-suffix=.c - f
    traced /usr/bin/ctags -f tags --sort=no f*.c
}

amount[duk__tables]=1000
duk__tables() {
    cat >script.js <<'END_OF_SCRIPT'
var n = AMOUNT, seed = SEED;
function chance(below) { seed = (seed * 16807) % 2147483647; return seed % below; }
var users = {}, ring = [], undo = [], handlers = [];
for (var i = 0; i < n; i++) {
    users['user' + chance(60)] = { at: i, name: 'name ' + i };
    ring[i % 60] = { text: 'entry ' + i };
    if (i % 6 === 0) undo.push({ edit: i, before: 'text ' + i });
    if (i % 40 === 0) handlers.push(function () { return i; });
    JSON.parse(JSON.stringify({ a: [i, null], b: { c: 'x' } }));
    /([0-9]+)$/.exec('number ' + i);
}
END_OF_SCRIPT
    sed -i "s/AMOUNT/$1/; s/SEED/$(($2 * 7919))/" script.js
    traced /usr/bin/duk script.js
}

amount[haproxy__requests]=400
haproxy__requests() {
    cat >config <<END_OF_CONFIG
global
    nbthread 1
    httpclient.ssl.verify none
defaults
    mode http
    timeout client 9s
    timeout connect 9s
    timeout server 9s
frontend web
    bind 127.0.0.1:18494
    stick-table type string size 200 expire 60s store http_req_cnt
    http-request track-sc0 path
    http-request capture req.hdr(X-Number) len 20
    http-response set-header X-Count %[sc_http_req_cnt(0)]
    http-request return status 404 if { path_beg /none }
    http-request return status 200 content-type text/plain lf-string "for %[path]\n"
END_OF_CONFIG
    served http "$1" "$2" 18494 /usr/sbin/haproxy -db -dMno-cache -f config
}

amount[jimsh__kinds]=1500
jimsh__kinds() {
    cat >script.tcl <<'END_OF_SCRIPT'
lassign $argv n seed
set state [expr {$seed * 7919}]
proc chance {below} { global state; set state [expr {($state * 16807) % 2147483647}]; return [expr {$state % $below}] }
for {set i 0} {$i < $n} {incr i} {
    set user(u[chance 250]) "seen at $i"
    set ring([expr {$i % 50}]) [list $i "text $i"]
    if {$i % 9 == 0} { lappend history "edit $i" }
    if {$i % 50 == 0} { proc handler$i {a} { return $a$a } }
    regexp {([0-9]+)$} "text $i" all last
    dict set counts [chance 30] $i
}
END_OF_SCRIPT
    traced /usr/bin/jimsh script.tcl "$1" "$2"
}

amount[mksh__variables]=400
mksh__variables() {
    cat >script.sh <<'END_OF_SCRIPT'
RANDOM=$2
i=0
while ((i < $1)); do
    eval "kind_$((RANDOM % 120))='value $i'"
    ring[i % 40]="entry $i"
    ((i % 5)) || eval "grows_$i='value $i'"
    ((i % 25)) || eval "f_$i() { echo \$1 $i; }"
    case "text $i" in *7) last=${i%7} ;; esac
    i=$((i + 1))
done
END_OF_SCRIPT
    traced /usr/bin/mksh script.sh "$1" "$2"
}

amount[mruby__kinds]=1500
mruby__kinds() {
    cat >script.rb <<'END_OF_SCRIPT'
n = AMOUNT
$state = SEED
def chance(below)
  $state = ($state * 16807) % 2147483647
  $state % below
end
users, ring, history = {}, [], []
n.times do |i|
  users["user of the number #{chance(300)}"] = "seen for the last time at #{i}"
  ring[i % 50] = { id: i, text: "an entry of the ring that is long enough, #{i}" }
  history << "a change that is not forgotten, number #{i}" if i % 7 == 0
  "name_#{chance(200)}_of_a_symbol".to_sym
  "text #{i}".split(" ").map { |part| part * 2 }.join(",")
end
END_OF_SCRIPT
    sed -i "s/AMOUNT/$1/; s/SEED/$(($2 * 7919))/" script.rb
    traced /usr/bin/mruby script.rb
}

amount[newlisp__lists]=2500
newlisp__lists() {
    cat >script.lsp <<'END_OF_SCRIPT'
(seed SEED)
(new Tree 'Users)
(setq ring (array 50) edits '())
(for (i 1 AMOUNT)
  (Users (string "user" (rand 300)) (list i (string "name " i)))
  (setf (ring (% i 50)) (string "entry " i))
  (if (= 0 (% i 8)) (push (string "edit " i) edits))
  (if (= 0 (% i 30)) (set (sym (string "s" i)) i))
  (regex "([0-9]+)" (string "text " i)))
(exit)
END_OF_SCRIPT
    sed -i "s/AMOUNT/$1/; s/SEED/$2/" script.lsp
    traced /usr/bin/newlisp script.lsp
}

amount[ninja__edges]=250
ninja__edges() {
    { printf 'rule cc\n  command = cc $flags -c $in -o $out\n  description = making $out\n'
      for ((i = 0; i < $1; i++)); do
          printf 'build o%d.o: cc f%d.c | header%d.h\n  flags = -O%d\n' "$i" "$i" "$((i % 60))" "$((i % 3))"
      done; } >build.ninja
    for ((i = 0; i < $1; i++)); do echo "f$i.c"; echo "header$((i % 60)).h"; done | xargs touch
    traced /usr/bin/ninja -n
}

amount[privoxy__pages]=120
privoxy__pages() {
    cat >config <<END_OF_CONFIG
confdir /etc/privoxy
logdir $PWD
logfile log
actionsfile $PWD/block.action
listen-address 127.0.0.1:18493
END_OF_CONFIG
    printf '{+block{example}}\n.example\n' >block.action
    CLIENT=asks.py served proxy "$1" "$2" 18493 /usr/sbin/privoxy --no-daemon config
}

amount[tidy__files]=60
tidy__files() {
    for ((i = 0; i < $1; i++)); do
        echo "<html><body><p id=a$i>text <b>$i<i>x</b></i><table><td>$((i % 9))<custom$((i % 40))>y</table><ul><li>one"
    done | split -l 1 -a 3 --additional-suffix=.html - f
    traced /usr/bin/tidy -q -o out f*.html || true
}

amount[tinyproxy__pages]=250
tinyproxy__pages() {
    cat >config <<END_OF_CONFIG
Port 18495
Listen 127.0.0.1
Timeout 60
MaxClients 20
StatHost "p.p"
Filter "$PWD/filter"
LogLevel Error
LogFile "$PWD/log"
END_OF_CONFIG
    for ((i = 0; i < 40; i++)); do echo "blocked$i"; done >filter
    echo example >>filter
    CLIENT=asks.py served proxy "$1" "$2" 18495 /usr/bin/tinyproxy -d -c "$PWD/config"
}

# Services of our own. Their heads say what leaks.
amount[planted_broker__uniform]=3000
planted_broker__uniform() { traced "$dir/planted_broker" "$1" "$2" uniform; }

amount[planted_broker__skewed]=5000
planted_broker__skewed() { traced "$dir/planted_broker" "$1" "$2" skewed; }

amount[planted_broker__busy]=2500
planted_broker__busy() { traced "$dir/planted_broker" "$1" "$2" busy; }

amount[planted_chat__uniform]=3000
planted_chat__uniform() { traced "$dir/planted_chat" "$1" "$2" uniform; }

amount[planted_chat__skewed]=7000
planted_chat__skewed() { traced "$dir/planted_chat" "$1" "$2" skewed; }

amount[planted_dhcp__popular]=20000
planted_dhcp__popular() { traced "$dir/planted_dhcp" "$1" "$2" popular; }

amount[planted_dhcp__small]=5000
planted_dhcp__small() { traced "$dir/planted_dhcp" "$1" "$2" small; }

amount[planted_dhcp__hotel]=5000
planted_dhcp__hotel() { traced "$dir/planted_dhcp" "$1" "$2" hotel; }

amount[planted_editor__short]=10000
planted_editor__short() { traced "$dir/planted_editor" "$1" "$2" short; }

amount[planted_editor__long]=9000
planted_editor__long() { traced "$dir/planted_editor" "$1" "$2" long; }

amount[planted_feeds__few]=1500
planted_feeds__few() { traced "$dir/planted_feeds" "$1" "$2" few; }

amount[planted_feeds__many]=2500
planted_feeds__many() { traced "$dir/planted_feeds" "$1" "$2" many; }

amount[planted_gateway__zipf]=15000
planted_gateway__zipf() { traced "$dir/planted_gateway" "$1" "$2" zipf; }

amount[planted_gateway__even]=4000
planted_gateway__even() { traced "$dir/planted_gateway" "$1" "$2" even; }

amount[planted_gateway__slow]=6000
planted_gateway__slow() { traced "$dir/planted_gateway" "$1" "$2" slow; }

amount[planted_metrics__early]=4000
planted_metrics__early() { traced "$dir/planted_metrics" "$1" "$2" early; }

amount[planted_metrics__late]=12000
planted_metrics__late() { traced "$dir/planted_metrics" "$1" "$2" late; }

amount[planted_metrics__burst]=5000
planted_metrics__burst() { traced "$dir/planted_metrics" "$1" "$2" burst; }

amount[planted_scheduler__few]=4000
planted_scheduler__few() { traced "$dir/planted_scheduler" "$1" "$2" few; }

amount[planted_scheduler__many]=8000
planted_scheduler__many() { traced "$dir/planted_scheduler" "$1" "$2" many; }

amount[planted_scheduler__calm]=7000
planted_scheduler__calm() { traced "$dir/planted_scheduler" "$1" "$2" calm; }

amount[planted_tracker__half]=6000
planted_tracker__half() { traced "$dir/planted_tracker" "$1" "$2" half; }

amount[planted_tracker__first]=6000
planted_tracker__first() { traced "$dir/planted_tracker" "$1" "$2" first; }

amount[planted_tracker__second]=12000
planted_tracker__second() { traced "$dir/planted_tracker" "$1" "$2" second; }

# More of the programs to tune on: tables of kinds, whose popularity is skewed.
amount[bash__kinds]=320
bash__kinds() {
    traced /usr/bin/bash -c '
        RANDOM=$2
        declare -A users hosts
        for ((i = 0; i < $1; i++)); do
            users[user$((RANDOM % 40 * (RANDOM % 40) / 40))]="seen at $i"
            ((i % 3)) || hosts[host$((RANDOM % 25))]=$i
            ring[i % 40]="entry $i"
            if ((i == $1 / 2)); then eval "late() { echo \$1; }; more() { late \$2; }"; fi
        done' bash "$1" "$2"
}

amount[gawk__kinds]=9000
gawk__kinds() {
    numbers "$1" "$2" 300 >input
    traced /usr/bin/gawk -v seed="$2" 'BEGIN { srand(seed) }
        { user = int(exp(rand() * log(400))); last[user] = $2 " at " NR; ring[NR % 60] = $0; type[$2 % 7][user % 20]++ }
        END { for (user in last) print user, last[user] }' input
}

amount[lua__kinds]=3000
lua__kinds() {
    cat >script.lua <<'END_OF_SCRIPT'
math.randomseed(tonumber(arg[2]))
local n, users, hosts, ring, undo = tonumber(arg[1]), {}, {}, {}, {}
for i = 1, n do
    local user = math.floor(math.exp(math.random() * math.log(300)))
    users["user" .. user] = users["user" .. user] or { name = "user " .. user, first = i }
    hosts["host" .. math.random(120)] = i
    ring[i % 50] = { at = i, text = "entry " .. i }
    if i % 9 == 0 then undo[#undo + 1] = { edit = i } end
    if i == n // 2 then late = {} for part = 1, 80 do late[part] = { part } end end
end
END_OF_SCRIPT
    traced /usr/bin/lua5.4 script.lua "$1" "$2"
}

amount[perl__kinds]=3000
perl__kinds() {
    cat >script.pl <<'END_OF_SCRIPT'
use strict; use warnings;
my ($n, $seed) = @ARGV; srand $seed;
my (%users, %hosts, @ring, %sessions, @minutes);
for my $i (1 .. $n) {
    my $user = int exp(rand() * log 300);
    $users{"user$user"} ||= { name => "user $user", first => $i };
    $hosts{"host" . int rand 120}[$i % 5] = $i;
    $ring[$i % 50] = { at => $i };
    $sessions{$i} = [$user]; delete $sessions{$i - 30};
    $minutes[$i / 60 % 30] = "minute $i" if $i % 60 == 0;
}
END_OF_SCRIPT
    traced /usr/bin/perl script.pl "$1" "$2"
}

amount[python__kinds]=2500
python__kinds() {
    cat >script.py <<'END_OF_SCRIPT'
import collections, math, random, sys
n, seed = int(sys.argv[1]), int(sys.argv[2])
random.seed(seed)
class User:
    def __init__(self, name, at): self.name, self.at, self.seen = name, at, {}
users, hosts, minutes, waiting = {}, collections.OrderedDict(), collections.deque(maxlen=30), []
for i in range(n):
    kind = int(math.exp(random.random() * math.log(250)))
    user = users.get(kind) or User("user %d" % kind, i)
    users[kind] = user
    user.seen[random.randrange(6)] = "at %d" % i
    hosts["host %d" % random.randrange(200)] = [i]
    if len(hosts) > 90: hosts.popitem(last=False)
    if i % 40 == 0: minutes.append({"minute": i, "users": len(users)})
    waiting.append((i, str(i)))
    if len(waiting) > random.randrange(10, 200): del waiting[: len(waiting) // 2]
END_OF_SCRIPT
    PYTHONMALLOC=malloc traced /usr/bin/python3 script.py "$1" "$2"
}
