#!/usr/bin/env bash
# Makes the capture sets in testdata/ anew, from the sources in testdata/src.
#
#   scripts/make-testdata.sh            all of them
#   scripts/make-testdata.sh SET...     some: armhf-glibc2.31 armhf-glibc2.36 armhf-static
#                                       mips-glibc2.36 aarch64-glibc2.36 s390x-glibc2.36
#                                       amd64-nonpie amd64-cxx amd64-threads
#
# It needs Debian's packages (bookworm): gcc g++ libc-bin
# gcc-arm-linux-gnueabihf libc6-armhf-cross libc6-dev-armhf-cross
# gcc-mips-linux-gnu libc6-mips-cross libc6-dev-mips-cross gcc-aarch64-linux-gnu
# libc6-dev-arm64-cross gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user; the glibc 2.31
# for armhf is bullseye's package of that name, fetched from the mirror that apt uses.
# Addresses in the logs differ from one making to the next (and between
# compilers); the counts are those of the sources and do not.
#
# MTRACE_DO=/path/to/mtrace_do.py also makes result0.log and result1.log, as
# the old workflow did; without it they are left as they are.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
src=$top/testdata/src
work=/tmp/mtrace-diff-testdata          # a fixed place: it shows in maps of native programs
rm -rf "$work"
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT

prefix_map=-ffile-prefix-map=$src=/src
debug="-g $prefix_map -Wall -Wextra"

# pool_package NAME_VERSION_ARCH: fetches one package file of cross-toolchain-base, checked.
pool_package() {
    local site
    site=$(apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' |
        awk '$2 !~ /security|updates/ { print $1; exit }')
    curl -sSfL -o "$work/$1.deb" "${site%/}/pool/main/c/cross-toolchain-base/$1.deb"
    echo "$2  $work/$1.deb" | sha256sum --check --quiet
    dpkg -x "$work/$1.deb" "$work/glibc2.31"
}

# fetch_glibc231: bullseye's glibc for armhf, unpacked, its linker script pointed at itself.
fetch_glibc231() {
    [ -d "$work/glibc2.31" ] && return
    pool_package libc6-armhf-cross_2.31-9cross4_all \
        4895ed1617de67ba831836f2f9ecab7878075267b34472328442ebd45268ecb2
    pool_package libc6-dev-armhf-cross_2.31-9cross4_all \
        d4131c12320cea918d4c16860cfb5d227182189bfed0faf8ff1bf07f3dda17fe
    sed -i "s|/usr/arm-linux-gnueabihf/lib/|$work/glibc2.31/usr/arm-linux-gnueabihf/lib/|g" \
        "$work/glibc2.31/usr/arm-linux-gnueabihf/lib/libc.so"
}

# place SET RUN FILE...: puts files into testdata/SET/RUN, which starts empty but for old results.
place() {
    local to=$top/testdata/$1/$2
    shift 2
    mkdir -p "$to"
    cp -P "$@" "$to/"
}

# old_results SET N LOG MAPS: what the old workflow would have left beside the capture.
old_results() {
    local to=$top/testdata/$1/run$2
    mtrace "$to/$3" >"$to/mtrace$2.result" || true
    if [ -n "${MTRACE_DO:-}" ]; then
        python3 "$MTRACE_DO" -i "$to/mtrace$2.result" -m "$to/$4" -l "$to/$3" -o "$to/result$2.log" >/dev/null
        sed -i "s/b'\([^']*\)'/\1/" "$to/result$2.log"
    fi
}

# gateway SET ROOT CC QEMU PRELOAD: the workflow's own case, two builds, in the emulated root ROOT.
gateway() {
    local set=$1 root=$2 cc=$3 qemu=$4 preload=$5 n minutes
    local lib=$root/opt/gateway/lib
    mkdir -p "$lib"
    $cc -O0 $debug -shared -fPIC -Wl,-soname,libsensors.so.1 -o "$lib/libsensors.so.1.4" "$src/sensors.c"
    ln -sf libsensors.so.1.4 "$lib/libsensors.so.1"
    $cc -O0 $debug -shared -fPIC -o "$lib/plugin.so" "$src/plugin.c"
    for n in 0 1; do
        minutes=$((n + 2))
        local run=$root/opt/gateway/run$n
        mkdir -p "$run"
        $cc -O0 $debug -DRUN_MINUTES=$minutes -pie -fPIE -o "$run/app$n" "$src/gateway.c" \
            "$lib/libsensors.so.1" -ldl -Wl,-rpath,/opt/gateway/lib
        (cd "$run" && QEMU_LD_PREFIX=$root $qemu ${preload:+-E LD_PRELOAD=$preload} \
            -E MALLOC_TRACE="mtrace$n.log" "./app$n" "app$n.maps" /opt/gateway/lib/plugin.so)
        # Paths as the target has them: the emulated root's own prefix is cut.
        sed -i "s|$root/|/|" "$run/app$n.maps"
        place "$set" "run$n" "$run/app$n" "$run/mtrace$n.log" "$run/app$n.maps"
        old_results "$set" $n "mtrace$n.log" "app$n.maps"
    done
    rm -rf "$top/testdata/$set/sysroot"
    mkdir -p "$top/testdata/$set/sysroot/opt/gateway/lib"
    cp -P "$lib"/libsensors.so.* "$top/testdata/$set/sysroot/opt/gateway/lib/"
}

make_armhf_glibc2_31() {
    fetch_glibc231
    local libs=$work/glibc2.31/usr/arm-linux-gnueabihf/lib root=$work/root231
    mkdir -p "$root"
    cp -aL "$libs" "$root/lib"
    gateway armhf-glibc2.31 "$root" \
        "arm-linux-gnueabihf-gcc -mthumb -B$libs -L$libs -Wl,-rpath-link,$libs" qemu-arm ""
}

make_armhf_glibc2_36() {
    local root=$work/root236
    mkdir -p "$root"
    cp -aL /usr/arm-linux-gnueabihf/lib "$root/lib"
    gateway armhf-glibc2.36 "$root" "arm-linux-gnueabihf-gcc -mthumb" qemu-arm \
        /lib/libc_malloc_debug.so.0
}

# Big-endian ELF32.
make_mips_glibc2_36() {
    local root=$work/rootmips
    mkdir -p "$root"
    cp -aL /usr/mips-linux-gnu/lib "$root/lib"
    gateway mips-glibc2.36 "$root" mips-linux-gnu-gcc qemu-mips /lib/libc_malloc_debug.so.0
}

# native SET NAME CC ARGUMENT0 ARGUMENT1: one program of this machine, run twice.
native() {
    local set=$1 name=$2 cc=$3 n argument
    local dir=$work/$set
    mkdir -p "$dir"
    $cc -o "$dir/$name"
    for n in 0 1; do
        argument=$([ $n = 0 ] && echo "$4" || echo "$5")
        (cd "$dir" && MALLOC_TRACE="$dir/mtrace.log" LD_PRELOAD=libc_malloc_debug.so.0 \
            "./$name" "$argument" "$name.maps")
        place "$set" "run$n" "$dir/$name" "$dir/mtrace.log" "$dir/$name.maps"
    done
}

make_amd64_nonpie() {
    native amd64-nonpie collector "gcc -O1 $debug -no-pie $src/collector.c" 2 3
}

make_amd64_cxx() {
    native amd64-cxx sessions "g++ -O2 $debug $src/sessions.cc" 2 3
}

make_amd64_threads() {
    native amd64-threads workers "gcc -O1 $debug -pthread $src/workers.c" 200 300
}

# A static program of glibc 2.31: absolute addresses, no module name in any line.
make_armhf_static() {
    fetch_glibc231
    local libs=$work/glibc2.31/usr/arm-linux-gnueabihf/lib n
    local dir=$work/armhf-static
    mkdir -p "$dir"
    arm-linux-gnueabihf-gcc -mthumb -O1 $debug -static -B"$libs" -L"$libs" -o "$dir/collector" "$src/collector.c"
    for n in 0 1; do
        (cd "$dir" && qemu-arm -E MALLOC_TRACE=mtrace.log ./collector $((n + 2)) collector.maps)
        place armhf-static "run$n" "$dir/collector" "$dir/mtrace.log" "$dir/collector.maps"
    done
}

# emulated SET TRIPLE QEMU: the collector for another machine, with that machine's cross glibc.
emulated() {
    local set=$1 triple=$2 qemu=$3 n
    local dir=$work/$set root=$work/root-$2
    mkdir -p "$dir" "$root"
    cp -aL "/usr/$triple/lib" "$root/lib"
    "$triple-gcc" -O1 $debug -o "$dir/collector" "$src/collector.c"
    for n in 0 1; do
        (cd "$dir" && QEMU_LD_PREFIX=$root $qemu -E LD_PRELOAD=/lib/libc_malloc_debug.so.0 \
            -E MALLOC_TRACE=mtrace.log ./collector $((n + 2)) collector.maps)
        sed -i "s|$root/|/|" "$dir/collector.maps"
        place "$set" "run$n" "$dir/collector" "$dir/mtrace.log" "$dir/collector.maps"
    done
}

make_aarch64_glibc2_36() {
    emulated aarch64-glibc2.36 aarch64-linux-gnu qemu-aarch64
}

# Big-endian ELF64.
make_s390x_glibc2_36() {
    emulated s390x-glibc2.36 s390x-linux-gnu qemu-s390x
}

sets=("$@")
[ ${#sets[@]} -gt 0 ] || sets=(armhf-glibc2.31 armhf-glibc2.36 armhf-static mips-glibc2.36
    aarch64-glibc2.36 s390x-glibc2.36
    amd64-nonpie amd64-cxx amd64-threads)
for set in "${sets[@]}"; do
    echo "== $set"
    "make_$(echo "$set" | tr .- __)"
done
