/* mtrace-recorder: writes down what a program allocates and frees, with call stacks, threads and times.
 *
 *   $CC -shared -fPIC -O2 -o mtrace-recorder.so recorder.c -ldl
 *   MTRACE_RECORDER=/tmp/app.%p.mtr LD_PRELOAD=./mtrace-recorder.so ./app
 *
 * For a static program link recorder.o in, built with -DMTRACE_RECORDER_WRAP, and give the linker --wrap for
 * each function of the list at WRAPPED below.
 *
 * The format of the file is described in the guide (recording-format). Settings, all of the environment:
 *   MTRACE_RECORDER        the file to write; %p becomes the process id; empty: nothing is recorded
 *   MTRACE_RECORDER_MODE   events (default), callers (no stacks), summary (counts only, for long runs)
 *   MTRACE_RECORDER_DEPTH  frames of a stack, 64
 *   MTRACE_RECORDER_TABLE  unwind table made by `mtrace-diff unwind-table`
 *   MTRACE_RECORDER_UNWIND auto (default), table, frame-pointer, libgcc: how to walk stacks
 *   MTRACE_RECORDER_EVERY  seconds between two counts of the summary, 10; it counts more often at first
 *   MTRACE_RECORDER_MAX    size at which the file ends, in MiB; without it there is no limit
 *
 * Nothing in here may allocate, and nothing may wait for what the program itself could hold. So memory comes from
 * mmap, files are read and written by bare system calls, and of the C library only what is known to do neither
 * is called.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define HIDDEN __attribute__((visibility("hidden")))
#define EXPORT __attribute__((visibility("default")))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define COLD __attribute__((noinline, cold))
#define NOINLINE __attribute__((noinline))
#define INLINE inline __attribute__((always_inline))
/* What is preloaded has its place in every thread's first block; nothing is allocated for it. */
#define PER_THREAD static __thread __attribute__((tls_model("initial-exec")))

/* ---- machines ---------------------------------------------------------------------------------------- */

/* Registers of a caller: sp after the call has returned, the return address, and up to two registers that
 * can be a frame pointer, called A and B. The numbers are DWARF's. */
struct regs {
    uintptr_t sp, pc, a, b;
};

#if defined(__x86_64__)
#define MACHINE EM_X86_64
enum { DW_SP = 7, DW_A = 6, DW_RA = 16 };
#define HAS_A 1
#elif defined(__i386__)
#define MACHINE EM_386
enum { DW_SP = 4, DW_A = 5, DW_RA = 8 };
#define HAS_A 1
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
enum { DW_SP = 31, DW_A = 29, DW_RA = 30 };
#define HAS_A 1
#elif defined(__arm__)
#define MACHINE EM_ARM
enum { DW_SP = 13, DW_A = 7, DW_RA = 14 };
#define HAS_A 1
#elif defined(__riscv) && __riscv_xlen == 64
#define MACHINE EM_RISCV
enum { DW_SP = 2, DW_A = 8, DW_RA = 1 };
#define HAS_A 1
#elif defined(__mips__)
#define MACHINE EM_MIPS
enum { DW_SP = 29, DW_A = 30, DW_RA = 31 };
#define HAS_A 0
#elif defined(__powerpc64__)
#define MACHINE EM_PPC64
enum { DW_SP = 1, DW_A = 31, DW_RA = 65 };
#define HAS_A 0
#else
#define MACHINE EM_NONE
enum { DW_SP = -1, DW_A = -2, DW_RA = -3 };
#define HAS_A 0
#endif

#if defined(__arm__)
#define HAS_B 1
#define B_OF(x) ((x)->b)
#else
#define HAS_B 0
#define B_OF(x) ((uintptr_t)0)
#endif

/* The registers of whoever called the function that this stands in. */
#if defined(__x86_64__) || defined(__i386__)
#define CALLER(r)                                          \
    do {                                                   \
        uintptr_t *fp_ = __builtin_frame_address(0);       \
        (r).a = fp_[0];                                    \
        (r).pc = fp_[1];                                   \
        (r).sp = (uintptr_t)(fp_ + 2);                     \
        (r).b = 0;                                         \
    } while (0)
#elif defined(__aarch64__)
#define CALLER(r)                                          \
    do {                                                   \
        uintptr_t *fp_ = __builtin_frame_address(0);       \
        (r).a = fp_[0];                                    \
        (r).pc = code_address(fp_[1]);                     \
        (r).sp = (uintptr_t)__builtin_dwarf_cfa();         \
        (r).b = 0;                                         \
    } while (0)
#elif defined(__riscv)
#define CALLER(r)                                          \
    do {                                                   \
        uintptr_t *fp_ = __builtin_frame_address(0);       \
        (r).a = fp_[-2];                                   \
        (r).pc = fp_[-1];                                  \
        (r).sp = (uintptr_t)fp_;                           \
        (r).b = 0;                                         \
    } while (0)
#elif defined(__mips__)
#define CALLER(r)                                          \
    do {                                                   \
        (r).pc = (uintptr_t)__builtin_return_address(0);   \
        (r).sp = (uintptr_t)__builtin_dwarf_cfa();         \
        (r).a = (r).b = 0;                                 \
    } while (0)
#elif defined(__powerpc64__)
#define CALLER(r)                                          \
    do {                                                   \
        (r).pc = (uintptr_t)__builtin_return_address(0);   \
        (r).sp = *(uintptr_t *)__builtin_frame_address(0); \
        (r).a = (r).b = 0;                                 \
    } while (0)
#elif !defined(__arm__)
#define CALLER(r)                                          \
    do {                                                   \
        (r).pc = (uintptr_t)__builtin_return_address(0);   \
        (r).sp = (r).a = (r).b = 0;                        \
    } while (0)
#endif

/* A return address without what is no part of it: a signature on aarch64. */
static inline uintptr_t code_address(uintptr_t address) {
#if defined(__aarch64__)
    return address & (((uintptr_t)1 << 48) - 1);
#else
    return address;
#endif
}

/* A return address as an address in the code: without the mark of Thumb, or of MIPS' short instructions. */
static inline uintptr_t even(uintptr_t address) {
#if defined(__arm__) || defined(__mips__)
    return address & ~(uintptr_t)1;
#else
    return address;
#endif
}

/* ---- the file ---------------------------------------------------------------------------------------- */

#define WINDOW_SIZE 65536u
#define PAGE 4096u
/* So much room is left in a block for the longest record without a text. */
#define ROOM 96u

enum { FORMAT_VERSION = 1 };
enum { MODE_EVENTS = 0, MODE_SUMMARY = 1, MODE_CALLERS = 2 };

struct file_header {
    char magic[8];
    uint32_t byte_order;
    uint16_t version, machine;
    uint8_t word, shift, mode, depth;
    uint32_t pid;
    uint32_t window, window_size;
    uint32_t first_block;
    uint32_t length; /* of the block in the window, without its header */
    uint64_t at;     /* where in the file that block will stand */
    uint64_t started_realtime, started_monotonic;
    uint32_t stopped; /* why the recording ended before the program did */
    uint32_t lost;    /* events of signal handlers that came while the thread was in here */
    /* Behind a header of HEADER_SIZE, and only where that is mapped: processes that were forked and have no log. */
    uint32_t unfollowed, reserved;
};

#define HEADER_SIZE 72u


struct block_header {
    char magic[4];
    uint32_t length, check, first_node;
    uint64_t time; /* in microseconds since the start */
    uint64_t events;
    uint32_t thread, reserved;
};

enum { ALLOC = 0, REALLOC = 1, FREE = 2, REALLOC_BEGIN = 3, OTHER = 4 };
enum {
    O_TIME = 0, O_THREAD, O_NODE, O_MODULE, O_UNLOAD, O_FACT, O_END, O_FAILED, O_REALLOC_FAILED, O_ODD, O_COUNTS,
    O_STEP, O_THREAD_NEW, O_THREAD_END
};
enum { ROOT_WHOLE = 0, ROOT_CUT, ROOT_DEPTH, ROOT_CALLER, FIRST_NODE };
enum { STOP_DISK = 1, STOP_LIMIT, STOP_FILE_LOST, STOP_MEMORY };

static struct {
    volatile int state; /* 0 not begun, 1 on, 2 off */
    int is_plain; /* nothing is left to be found out, and it is no summary */
    int mode, depth, unwind;
    int fd;
    uint64_t inode, device;
    int is_pipe;
    uint64_t limit;
    uint64_t every_us;
    char path[PATH_MAX];
    char pattern[PATH_MAX];
    struct file_header *header;
    struct block_header *block;
    unsigned char *data; /* behind the block's header */
    uint32_t length;
    uint32_t pair_node[256];
    size_t pair_size[256];
    uintptr_t last; /* address, in units */
    uintptr_t last_node_pc;
    uint32_t thread;
    uint64_t at, events;
    uint64_t time_us;  /* as last written down */
    uint64_t start_ns, flushed_us, step_us, looked_us;
#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__)
    uint64_t ticks, ticks_max, seen_ticks;
    uint32_t until_ticks, ticks_every, busy, unlooked;
#else
    uint32_t until_clock, clock_every;
    int has_coarse;
    int64_t coarse;
#endif
    struct file_header own_header; /* where nothing can be mapped */
} rec;

enum { SHIFT = sizeof(void *) == 8 ? 4 : 3 };

static volatile unsigned char *fork_guard; /* 0 in a child that was forked past us */

/* ---- small things ------------------------------------------------------------------------------------ */

static void *map_memory(size_t size) {
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Sleeps while another thread holds it. A pthread mutex could be one that the program interposes. */
static volatile int lock_word;

static COLD void lock_wait(void) {
    int kept = errno;
    for (int i = 0; i < 100; i++) {
        if (!lock_word && __sync_bool_compare_and_swap(&lock_word, 0, 1)) return;
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
    }
    while (__atomic_exchange_n(&lock_word, 2, __ATOMIC_ACQUIRE) != 0) {
#ifdef SYS_futex
        syscall(SYS_futex, &lock_word, 128 /* WAIT, private */, 2, NULL, NULL, 0);
#elif defined(SYS_futex_time64)
        syscall(SYS_futex_time64, &lock_word, 128, 2, NULL, NULL, 0);
#else
        sched_yield();
#endif
    }
    errno = kept;
}

static COLD void lock_wake(void) {
    int kept = errno;
#ifdef SYS_futex
    syscall(SYS_futex, &lock_word, 129 /* WAKE, private */, 1, NULL, NULL, 0);
#elif defined(SYS_futex_time64)
    syscall(SYS_futex_time64, &lock_word, 129, 1, NULL, NULL, 0);
#endif
    errno = kept;
}

/* Whether this is the only thread, as glibc says since 2.32: then a lock need not be atomic. Nobody starts a thread or
 * waits for one while holding the lock, so the answer is the same when it is released. */
static const char never_alone;
static const char *is_alone = &never_alone;
#ifdef MTRACE_RECORDER_WRAP
extern const char __libc_single_threaded __attribute__((weak));
#endif

static inline void lock(void) {
    if (LIKELY(*is_alone)) {
        lock_word = 1;
        return;
    }
    int free_ = 0;
    if (UNLIKELY(!__atomic_compare_exchange_n(&lock_word, &free_, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
        lock_wait();
}

static inline void unlock(void) {
    if (LIKELY(*is_alone)) {
        lock_word = 0;
        return;
    }
    if (UNLIKELY(__atomic_exchange_n(&lock_word, 0, __ATOMIC_RELEASE) == 2)) lock_wake();
}

static int open_file(const char *path, int flags, int mode) {
#ifdef O_LARGEFILE
    flags |= O_LARGEFILE;
#endif
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
}

/* Of the calls that take an offset, this one alone takes it the same way on every machine. */
static long write_at(int fd, const void *data, size_t size, uint64_t at) {
    struct iovec part = {(void *)data, size};
    struct rlimit most;
    /* Writing behind what `ulimit -f` allows would end the program by a signal. */
    if (getrlimit(RLIMIT_FSIZE, &most) == 0 && most.rlim_cur != RLIM_INFINITY && at + size > most.rlim_cur) {
        errno = EFBIG;
        return -1;
    }
    return syscall(SYS_pwritev, fd, &part, 1, (unsigned long)at, (unsigned long)(at >> 16 >> 16));
}

static size_t text_length(const char *s) {
    size_t n = 0;
    while (s[n]) n++;
    return n;
}

static uint64_t number_of(const char *s, uint64_t otherwise) {
    if (!s || *s < '0' || *s > '9') return otherwise;
    uint64_t n = 0;
    while (*s >= '0' && *s <= '9' && n < 1000000000000u) n = n * 10 + (uint64_t)(*s++ - '0');
    return n;
}

static char *put_number(char *out, uint64_t n) {
    char digits[24];
    int i = 0;
    do digits[i++] = (char)('0' + n % 10);
    while (n /= 10);
    while (i) *out++ = digits[--i];
    return out;
}

static void complain(const char *what, const char *which) {
    const char *parts[] = {"mtrace-recorder: ", what, which ? ": " : "", which ? which : "", "\n"};
    enum { COUNT = sizeof parts / sizeof *parts };
    struct iovec line[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        line[i].iov_base = (void *)parts[i];
        line[i].iov_len = text_length(parts[i]);
    }
    (void)!syscall(SYS_writev, 2, line, COUNT);
}

/* ---- blocks of the file ------------------------------------------------------------------------------ */

/* Notices every changed bit, at a fraction of what a CRC takes on a machine without an instruction for it. */
static uint32_t check_of(const unsigned char *data, size_t length) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i += 8) {
        uint64_t word = 0;
        memcpy(&word, data + i, length - i < 8 ? length - i : 8);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    return (uint32_t)h;
}

/* What is still put after the recording has stopped: nobody reads it, but it has to be somewhere. */
static unsigned char nowhere[WINDOW_SIZE];

/* The window keeps what was whole. Whoever is in the middle of an entry goes on with it, elsewhere. */
static COLD void leave_window(void) {
    rec.header = &rec.own_header;
    rec.data = nowhere;
    rec.length = 0;
}

static COLD void stop_recording(int why) {
    rec.state = 2;
    if (rec.header) rec.header->stopped = (uint32_t)why;
    leave_window();
}

static int is_our_file(void) {
    struct stat s;
    return fstat(rec.fd, &s) == 0 && s.st_ino == rec.inode && s.st_dev == rec.device;
}

/* Keeps the descriptor away from those that programs count on getting. */
static int keep_high(int fd) {
    struct rlimit most;
    int from = 1000;
    if (getrlimit(RLIMIT_NOFILE, &most) == 0 && most.rlim_cur < 1100)
        from = most.rlim_cur > 64 ? (int)most.rlim_cur - 20 : 20;
    int high = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, from);
    if (high < 0) return fd;
    syscall(SYS_close, fd);
    return high;
}

/* A daemon may have closed all descriptors, and the number may be another file's by now. */
static COLD int find_file_again(void) {
    int fd = open_file(rec.path, O_WRONLY, 0);
    if (fd < 0) return 0;
    rec.fd = keep_high(fd);
    return is_our_file();
}

static int write_all(const void *from, size_t size, uint64_t at) {
    const char *data = from;
    if (!rec.is_pipe && !is_our_file() && !find_file_again()) {
        stop_recording(STOP_FILE_LOST);
        return 0;
    }
    while (size > 0) {
        long n;
        if (rec.is_pipe) n = syscall(SYS_write, rec.fd, data, size);
        else n = write_at(rec.fd, data, size, at);
        if (n <= 0) {
            if (n < 0 && errno == EINTR) continue;
            stop_recording(STOP_DISK);
            return 0;
        }
        data += n;
        size -= (size_t)n;
        at += (uint64_t)n;
    }
    return 1;
}

static void begin_block(void) {
    struct block_header *b = rec.block;
    memcpy(b->magic, "BLK1", 4);
    b->length = b->check = b->reserved = 0;
    b->time = rec.time_us;
    b->events = rec.events;
    b->thread = rec.thread;
    extern HIDDEN uint32_t mtrace_recorder_nodes(void);
    b->first_node = mtrace_recorder_nodes();
    memset(rec.pair_node, 0, sizeof rec.pair_node);
    rec.last = 0;
    rec.last_node_pc = 0;
    rec.length = 0;
}

static void write_block(void) {
    uint32_t size = (uint32_t)sizeof(struct block_header) + rec.length;
    rec.block->length = rec.length;
    rec.block->check = check_of(rec.data, rec.length);
    if (rec.limit && rec.at + size > rec.limit) return stop_recording(STOP_LIMIT);
    if (!write_all(rec.block, size, rec.at)) return;
    rec.at += size;
    /* In this order: a reader takes what is longer, the file or the end of the window. */
    rec.header->length = 0;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    rec.header->at = rec.at;
    begin_block();
    rec.flushed_us = rec.time_us;
}

/* Writes the block that is under way, and begins the next. */
static NOINLINE void flush_block(void) {
    int kept = errno;
    if (rec.state != 1) rec.length = 0;
    if (rec.length > 0) write_block();
    errno = kept;
}

static inline void make_room(uint32_t size) {
    if (UNLIKELY(rec.length + size > WINDOW_SIZE - sizeof(struct block_header))) flush_block();
}

static inline void put_byte(unsigned byte) { rec.data[rec.length++] = (unsigned char)byte; }

static inline void put(uint64_t n) {
    while (n >= 128) {
        put_byte((unsigned)(n & 127) | 128);
        n >>= 7;
    }
    put_byte((unsigned)n);
}

static inline uint64_t zigzag(intptr_t n) { return ((uint64_t)n << 1) ^ (uint64_t)(int64_t)(n >> (sizeof n * 8 - 1)); }

static inline void put_other(unsigned what) { put_byte(OTHER | what << 3); }

static void put_text(const char *text, size_t size) {
    put(size);
    memcpy(rec.data + rec.length, text, size);
    rec.length += (uint32_t)size;
}

/* What was put so far is whole: from here on it is there even if the process is killed. */
static inline void is_whole(void) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    rec.header->length = rec.length;
}

static void put_fact(const char *key, const char *value, size_t size) {
    if (size > 16384) size = 16384;
    make_room((uint32_t)size + ROOM);
    put_other(O_FACT);
    put_text(key, text_length(key));
    put_text(value, size);
    is_whole();
}

/* ---- time -------------------------------------------------------------------------------------------- */

/* Events ask whether the clock has to be looked at. A counter that goes on at a steady pace costs less to read; where
 * there is none, the kernel's coarse clock tells at least each of its ticks, unless that takes a system call. */
#if defined(__x86_64__) || defined(__i386__)
static inline uint64_t ticks_now(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}
static inline uint64_t ticks_a_second(void) { return 2000000000u; } /* or about that */
#define HAS_TICKS 1
#elif defined(__aarch64__)
static inline uint64_t ticks_now(void) {
    uint64_t t;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
    return t;
}
static inline uint64_t ticks_a_second(void) {
    uint64_t f;
    __asm__("mrs %0, cntfrq_el0" : "=r"(f));
    return f;
}
#define HAS_TICKS 1
#else
#define MOST_UNASKED 64
static int64_t coarse_now(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_MONOTONIC_COARSE, &t) != 0) return 0;
    return t.tv_nsec + (int64_t)t.tv_sec * 1000000000;
}
#define HAS_TICKS 0
#endif

static COLD void prepare_clock(void) {
#if HAS_TICKS
    rec.ticks_max = ticks_a_second() / 4000;
    rec.ticks_every = rec.until_ticks = 1;
#else
    uint64_t start = now_ns();
    for (int i = 0; i < 64; i++) coarse_now();
    rec.has_coarse = now_ns() - start < 64 * 150;
    rec.clock_every = rec.until_clock = 1;
#endif
}

static COLD void summary_step(uint64_t us);

#define FIRST_STEP 100000u /* between two counts of a summary, in microseconds */

static void put_time(uint64_t us) {
    make_room(ROOM);
    if (us == rec.time_us) return;
    put_other(O_TIME);
    put(us - rec.time_us);
    rec.time_us = us;
}

static COLD void look_at_clock(void) {
    int kept = errno;
    uint64_t us = (now_ns() - rec.start_ns) / 1000;
#if HAS_TICKS
    rec.ticks = ticks_now();
    rec.unlooked = 0;
#else
    /* Rare events are stamped one by one; of frequent ones so many that a stamp is never old. */
    uint64_t since = us - rec.looked_us;
    uint32_t most = rec.has_coarse ? 1024 : MOST_UNASKED;
    if (since > 500) rec.clock_every = 1;
    else if (since < 200 && rec.clock_every < most) rec.clock_every *= 2;
    rec.until_clock = rec.clock_every;
    rec.coarse = coarse_now();
#endif
    rec.looked_us = us;
    if (rec.mode == MODE_SUMMARY) {
        /* There are no events whose time could be asked for, only counts: more often at first, so that a short run has
         * a course, too. */
        uint64_t step = us / 16 < FIRST_STEP ? FIRST_STEP : us / 16;
        if (us - rec.step_us >= (step < rec.every_us ? step : rec.every_us)) summary_step(us);
    } else {
        put_time(us);
        if (rec.is_pipe && us - rec.flushed_us > 500000) flush_block();
    }
    errno = kept;
}

#if HAS_TICKS
/* To read the counter takes about as long as all else that an event with its caller does. While events follow each other
 * without a pause, only one in `most` of them reads it, and so the first few after a pause can have the time before it.
 * After a pause, and so wherever events are rare, the first 2 << shift read it one by one, and the next ones with few
 * between them. */
static NOINLINE void look_at_ticks(unsigned shift, uint32_t most) {
    uint64_t now = ticks_now();
    int is_pause = now - rec.seen_ticks > rec.ticks_max;
    rec.seen_ticks = now;
    rec.unlooked += rec.ticks_every;
    rec.busy = is_pause ? 0 : rec.busy + rec.ticks_every;
    uint32_t every = rec.busy >> shift;
    rec.until_ticks = rec.ticks_every = every < 1 ? 1 : every < most ? every : most;
    if (UNLIKELY(now - rec.ticks > rec.ticks_max || rec.unlooked >= 1024)) look_at_clock();
}
#endif

static inline void keep_time(void) {
#if HAS_TICKS
    if (UNLIKELY(--rec.until_ticks == 0)) look_at_ticks(7, 16);
#else
    if (UNLIKELY(--rec.until_clock == 0 || (rec.has_coarse && coarse_now() != rec.coarse))) look_at_clock();
#endif
}

/* The events of a summary have no times: its counts may be written some events late. But of events that are rare, each is
 * looked at, or counts would be late by many seconds. */
static inline void keep_rough_time(void) {
#if HAS_TICKS
    if (UNLIKELY(--rec.until_ticks == 0)) look_at_ticks(0, 32);
#else
    keep_time();
#endif
}

/* ---- the tree of stacks ------------------------------------------------------------------------------ */

struct node {
    uintptr_t pc;
    uint32_t parent, next; /* in the chain of its hash */
};

/* Of the summary, beside the nodes: only it pays for them. They stand so in the file, too. */
struct counts {
    uint64_t bytes, allocations;
    uint32_t blocks, is_changed;
};

#define MOST_NODES (1u << 22)
#define NODES_OF_CHUNK (1u << 14)
#define COUNTS_OF_CHUNK (1u << 11)

static struct {
    struct node *chunk[MOST_NODES / NODES_OF_CHUNK];
    struct counts *counts[MOST_NODES / COUNTS_OF_CHUNK];
    uint32_t *heads;
    uint32_t heads_size; /* a power of two */
    uint32_t used;
    uint32_t first; /* nodes before this one are not found any more: modules have moved */
    uint32_t generation; /* raised whenever nodes are forgotten */
    uint32_t *changed, changed_used, changed_size;
} tree = {.used = FIRST_NODE, .first = FIRST_NODE};

HIDDEN uint32_t mtrace_recorder_nodes(void) { return tree.used; }

static inline struct node *node_at(uint32_t id) { return &tree.chunk[id / NODES_OF_CHUNK][id % NODES_OF_CHUNK]; }

static inline uint32_t hash_of(uint32_t parent, uintptr_t pc) {
    uint64_t h = ((uint64_t)pc ^ (uint64_t)parent << 40 ^ (uint64_t)parent) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32);
}

/* Room in the file for the counts of some nodes, mapped: however the process ends, the last counts are there. It is
 * written before it is mapped, since a disk that is full would be a fatal signal later. */
static struct counts *counts_in_file(uint32_t first_node) {
    static const char zeros[PAGE];
    const size_t size = COUNTS_OF_CHUNK * sizeof(struct counts);
    if (rec.header == &rec.own_header || (!is_our_file() && !find_file_again())) return NULL;
    flush_block();
    if (rec.state != 1) return NULL;
    long page = sysconf(_SC_PAGESIZE);
    uint64_t whole = page > 0 ? (uint64_t)page : PAGE;
    uint64_t begin = rec.at + sizeof(struct block_header);
    uint64_t counts = (begin + whole - 1) / whole * whole;
    if (rec.limit && counts + size > rec.limit) return NULL;
    struct block_header head = {"CNT1", (uint32_t)(counts - begin + size), 0, first_node, rec.time_us, rec.events, 0,
                                (uint32_t)(counts - begin)};
    void *p = MAP_FAILED;
    /* First the header: a reader that finds no more than a part of the rest knows what it is. */
    if (write_at(rec.fd, &head, sizeof head, rec.at) == (long)sizeof head) {
        uint64_t at = begin, end = counts + size;
        while (at < end) {
            size_t part = end - at < PAGE ? (size_t)(end - at) : PAGE;
            long n = write_at(rec.fd, zeros, part, at);
            if (n <= 0) break;
            at += (uint64_t)n;
        }
        if (at == end) p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, rec.fd, (off_t)counts);
    }
    if (p == MAP_FAILED) {
        (void)!ftruncate(rec.fd, (off_t)rec.at);
        return NULL;
    }
    rec.at = counts + size;
    rec.header->at = rec.at;
    return p;
}

static COLD int grow_counts(void) {
    uint32_t chunk = tree.used / COUNTS_OF_CHUNK;
    struct counts *counts = counts_in_file(chunk * COUNTS_OF_CHUNK);
    if (rec.state != 1) return 0;
    tree.counts[chunk] = counts ? counts : map_memory(COUNTS_OF_CHUNK * sizeof *counts);
    return tree.counts[chunk] != NULL;
}

static COLD int grow_tree(void) {
    if (tree.used >= MOST_NODES) return 0;
    if (tree.used >= tree.heads_size) {
        uint32_t size = tree.heads_size ? tree.heads_size * 2 : 1u << 12;
        uint32_t *heads = map_memory(size * sizeof *heads);
        if (!heads) return 0;
        if (tree.heads) munmap(tree.heads, tree.heads_size * sizeof *heads);
        tree.heads = heads;
        tree.heads_size = size;
        for (uint32_t id = tree.first; id < tree.used; id++) {
            struct node *n = node_at(id);
            uint32_t at = hash_of(n->parent, n->pc) & (size - 1);
            n->next = heads[at];
            heads[at] = id;
        }
    }
    uint32_t chunk = tree.used / NODES_OF_CHUNK;
    if (!tree.chunk[chunk]) tree.chunk[chunk] = map_memory(NODES_OF_CHUNK * sizeof(struct node));
    return tree.chunk[chunk] != NULL;
}

/* The node of a frame below another one, or 0 if it is new. */
static inline uint32_t known_node(uint32_t parent, uintptr_t pc) {
    if (UNLIKELY(tree.heads == NULL)) return 0;
    uint32_t id = tree.heads[hash_of(parent, pc) & (tree.heads_size - 1)];
    while (id) {
        struct node *n = node_at(id);
        if (n->pc == pc && n->parent == parent) break;
        id = n->next;
    }
    return id;
}

/* The node of a frame below another one; new ones are written down. Where there is no room, the parent. */
static uint32_t node_of(uint32_t parent, uintptr_t pc) {
    uint32_t id = known_node(parent, pc);
    if (LIKELY(id != 0)) return id;
    if (tree.used % NODES_OF_CHUNK == 0 || tree.used >= tree.heads_size || !tree.chunk[0])
        if (!grow_tree()) return parent;
    if (rec.mode == MODE_SUMMARY && !tree.counts[tree.used / COUNTS_OF_CHUNK])
        if (!grow_counts()) return parent;
    make_room(ROOM);
    put_other(O_NODE);
    put(tree.used - parent);
    put(zigzag((intptr_t)(pc - rec.last_node_pc)));
    rec.last_node_pc = pc;
    id = tree.used++;
    uint32_t at = hash_of(parent, pc) & (tree.heads_size - 1);
    *node_at(id) = (struct node){pc, parent, tree.heads[at]};
    tree.heads[at] = id;
    is_whole();
    return id;
}

/* Return addresses may mean something else from here on. */
static void forget_nodes(void) {
    tree.first = tree.used;
    tree.generation++;
    if (tree.heads) memset(tree.heads, 0, tree.heads_size * sizeof *tree.heads);
}

/* ---- modules ----------------------------------------------------------------------------------------- */

struct module {
    uintptr_t start, end; /* of all its mappings */
    uintptr_t bias;
    uintptr_t frames;     /* .eh_frame_hdr */
    const unsigned char *rows; /* its entry in the unwind table */
    uint64_t inode;
    uint32_t id;
    uint32_t generation;  /* in which it was last seen */
    uint32_t name_hash;
    int is_code;          /* without a file: made by the program itself */
};

#define MOST_MODULES 2048

static struct {
    struct module all[MOST_MODULES];
    uint32_t used, next_id, generation;
    volatile int is_stale; /* something was unloaded */
} modules;

/* Rules are found again by the return address alone. */
static volatile int module_lock_word;

static void module_lock(void) {
    while (__atomic_exchange_n(&module_lock_word, 1, __ATOMIC_ACQUIRE)) sched_yield();
}
static void module_unlock(void) { __atomic_store_n(&module_lock_word, 0, __ATOMIC_RELEASE); }

/* One line of /proc/self/maps. */
struct mapping {
    uintptr_t start, end;
    uint64_t offset, inode;
    int can_read, can_run;
    char *path; /* to its line end, which is overwritten by a NUL */
};

struct lines {
    int fd;
    size_t from, filled;
    char text[PATH_MAX + 512];
};

static char *next_line(struct lines *in) {
    for (;;) {
        char *begin = in->text + in->from;
        char *feed = memchr(begin, '\n', in->filled - in->from);
        if (feed) {
            *feed = 0;
            in->from = (size_t)(feed + 1 - in->text);
            return begin;
        }
        memmove(in->text, begin, in->filled - in->from);
        in->filled -= in->from;
        in->from = 0;
        if (in->filled == sizeof in->text) return NULL;
        long n = syscall(SYS_read, in->fd, in->text + in->filled, sizeof in->text - in->filled);
        if (n <= 0) return NULL;
        in->filled += (size_t)n;
    }
}

static char *hex(char *s, uint64_t *out) {
    uint64_t n = 0;
    for (;; s++) {
        unsigned c = (unsigned char)*s;
        if (c >= '0' && c <= '9') n = n << 4 | (c - '0');
        else if (c >= 'a' && c <= 'f') n = n << 4 | (c - 'a' + 10);
        else break;
    }
    *out = n;
    return s;
}

static int next_mapping(struct lines *in, struct mapping *m) {
    char *s = next_line(in);
    uint64_t n;
    if (!s) return 0;
    s = hex(s, &n);
    m->start = (uintptr_t)n;
    s = hex(s + (*s == '-'), &n);
    m->end = (uintptr_t)n;
    while (*s == ' ') s++;
    m->can_read = s[0] == 'r';
    m->can_run = s[0] && s[1] && s[2] == 'x';
    while (*s && *s != ' ') s++;
    while (*s == ' ') s++;
    s = hex(s, &m->offset);
    while (*s == ' ') s++;
    while (*s && *s != ' ') s++; /* device */
    while (*s == ' ') s++;
    m->inode = number_of(s, 0);
    while (*s >= '0' && *s <= '9') s++;
    while (*s == ' ') s++;
    m->path = s;
    return 1;
}

static int open_maps(struct lines *in) {
    in->from = in->filled = 0;
    in->fd = open_file("/proc/self/maps", O_RDONLY, 0);
    return in->fd >= 0;
}

static void close_maps(struct lines *in) { syscall(SYS_close, in->fd); }

/* ---- rules: how to get from a frame to its caller ---------------------------------------------------- */

/* As in the unwind table; its chapter of the guide says what the numbers mean. */
struct rule {
    uint8_t cfa, ra, a, b;
    int32_t cfa_at, ra_at, a_at, b_at;
};
enum { CFA_UNKNOWN = 0, CFA_SP, CFA_A, CFA_B, CFA_AT_SP, CFA_AT_A, CFA_AT_B, CFA_OUTERMOST };
enum { SAME = 0, AT_CFA, AT_SP, AT_A, AT_B, LOST };

static const struct rule unknown_rule = {.cfa = CFA_UNKNOWN};

#define FIRST_SLOTS (1u << 11)
#define MOST_SLOTS (1u << 16)
#define PAIRS 4

/* What is known of a return address: all that an event asks for, in one line of the processor's cache. The rule is
 * filled in once and not changed while it is in use, so a reader needs no lock; the nodes are for who holds it. */
struct rule_slot {
    uintptr_t pc;
    struct rule rule;
    uint8_t quick; /* the usual rule, by the CFA's register: then A is where `a_at` says, if it is not the same */
    uint8_t turn;
    struct {
        uint32_t parent, node;
    } known[PAIRS]; /* its nodes below some parents, the latest ones */
} __attribute__((aligned(64)));

struct rule_cache {
    uint32_t size, used;
    struct rule_slot slots[];
};

static struct {
    struct rule_cache *volatile cache;
    struct rule_cache *spare; /* of the same size */
    const unsigned char *table; /* the file of --unwind-table, mapped */
    size_t table_size;
} rules;

/* Call-frame information as the compiler left it in the program, while it is mapped anyway. */
#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__) || defined(__riscv) || defined(__mips__) \
    || defined(__arm__)

struct bytes {
    const unsigned char *at, *end;
};

static unsigned take(struct bytes *b) { return b->at < b->end ? *b->at++ : 0; }

static uint64_t take_uleb(struct bytes *b) {
    uint64_t n = 0;
    unsigned byte, shift = 0;
    do {
        byte = take(b);
        if (shift < 64) n |= (uint64_t)(byte & 127) << shift;
        shift += 7;
    } while (byte & 128);
    return n;
}

static int64_t take_sleb(struct bytes *b) {
    uint64_t n = 0;
    unsigned byte, shift = 0;
    do {
        byte = take(b);
        if (shift < 64) n |= (uint64_t)(byte & 127) << shift;
        shift += 7;
    } while (byte & 128);
    if (shift < 64 && byte & 64) n |= ~(uint64_t)0 << shift;
    return (int64_t)n;
}

static uint64_t take_fixed(struct bytes *b, unsigned size) {
    unsigned char raw[8] = {0};
    if ((size_t)(b->end - b->at) < size) {
        b->at = b->end;
        return 0;
    }
    memcpy(raw, b->at, size);
    b->at += size;
    if (size == 2) { uint16_t n; memcpy(&n, raw, 2); return n; }
    if (size == 4) { uint32_t n; memcpy(&n, raw, 4); return n; }
    uint64_t n;
    memcpy(&n, raw, 8);
    return n;
}

/* An address as .eh_frame encodes them; `base` is what DW_EH_PE_datarel counts from. */
static uintptr_t take_encoded(struct bytes *b, unsigned encoding, uintptr_t base) {
    uintptr_t here = (uintptr_t)b->at;
    uint64_t n;
    if (encoding == 0xff) return 0;
    switch (encoding & 15) {
    case 0: n = take_fixed(b, sizeof(void *)); break;
    case 1: n = take_uleb(b); break;
    case 2: n = take_fixed(b, 2); break;
    case 3: n = take_fixed(b, 4); break;
    case 4: n = take_fixed(b, 8); break;
    case 9: n = (uint64_t)take_sleb(b); break;
    case 10: n = (uint64_t)(int64_t)(int16_t)take_fixed(b, 2); break;
    case 11: n = (uint64_t)(int64_t)(int32_t)take_fixed(b, 4); break;
    case 12: n = take_fixed(b, 8); break;
    default: return 0;
    }
    switch (encoding & 0x70) {
    case 0x10: n += here; break;
    case 0x30: n += base; break;
    }
    return (uintptr_t)n;
}

struct cie {
    uint64_t code_factor;
    int64_t data_factor;
    unsigned address_encoding, has_data, is_signal;
    struct bytes program;
};

static int read_cie(struct bytes b, struct cie *cie) {
    unsigned version = take(&b);
    if (version != 1 && version != 3) return 0;
    const char *augmentation = (const char *)b.at;
    while (b.at < b.end && take(&b)) {}
    cie->code_factor = take_uleb(&b);
    cie->data_factor = take_sleb(&b);
    if (version == 1) take(&b);
    else take_uleb(&b);
    cie->address_encoding = 0;
    cie->is_signal = 0;
    cie->has_data = augmentation[0] == 'z';
    if (cie->has_data) {
        uint64_t size = take_uleb(&b);
        const unsigned char *program = b.at + size;
        for (const char *s = augmentation + 1; *s; s++) {
            if (*s == 'R') cie->address_encoding = take(&b);
            else if (*s == 'L') take(&b);
            else if (*s == 'P') {
                unsigned encoding = take(&b);
                take_encoded(&b, encoding, 0);
            } else if (*s == 'S') cie->is_signal = 1;
            else if (*s != 'B') break;
        }
        b.at = program;
    } else if (augmentation[0]) return 0;
    cie->program = b;
    return b.at <= b.end;
}

/* The part of a row that walking needs. */
struct row {
    struct rule rule;
    int ra_undefined;
};

/* An expression like `register + n`, or what lies there. Others stand in no function that calls. */
static int simple_expression(struct bytes b, int *reg, int32_t *offset, int *is_loaded) {
    unsigned op = take(&b);
    if (op < 0x70 || op > 0x8f) return 0;
    *reg = (int)op - 0x70;
    *offset = (int32_t)take_sleb(&b);
    *is_loaded = 0;
    if (b.at == b.end) return 1;
    *is_loaded = 1;
    return take(&b) == 0x06 && b.at == b.end;
}

static int is_b(int reg) {
#if defined(__arm__)
    return reg == 11;
#else
    (void)reg;
    return 0;
#endif
}

static void set_register(struct row *row, int reg, unsigned how, int32_t at) {
    if (reg == DW_RA) {
        row->rule.ra = (uint8_t)how;
        row->rule.ra_at = at;
        row->ra_undefined = how == LOST;
    } else if (reg == DW_A) {
        row->rule.a = (uint8_t)how;
        row->rule.a_at = at;
    } else if (is_b(reg)) {
        row->rule.b = (uint8_t)how;
        row->rule.b_at = at;
    }
}

static void set_cfa(struct row *row, int reg, int32_t at, int is_loaded) {
    unsigned how = reg == DW_SP ? CFA_SP : reg == DW_A ? CFA_A : is_b(reg) ? CFA_B : CFA_UNKNOWN;
    if (how != CFA_UNKNOWN && is_loaded) how += CFA_AT_SP - CFA_SP;
    row->rule.cfa = (uint8_t)how;
    row->rule.cfa_at = at;
}

static void set_by_expression(struct row *row, int reg, struct bytes expression) {
    int base, is_loaded;
    int32_t at;
    unsigned how = LOST;
    if (simple_expression(expression, &base, &at, &is_loaded) && !is_loaded)
        how = base == DW_SP ? AT_SP : base == DW_A ? AT_A : is_b(base) ? AT_B : LOST;
    set_register(row, reg, how, at);
    if (reg == DW_RA && how == LOST) row->rule.cfa = CFA_UNKNOWN;
}

/* Runs instructions up to `wanted`; `first` is what DW_CFA_restore goes back to. 0 if it is too odd. */
static int run_program(struct bytes b, const struct cie *cie, uintptr_t pc, uintptr_t wanted, struct row *row,
                       const struct row *first) {
    struct row saved[8];
    int depth = 0, cfa_reg = DW_SP;
    while (b.at < b.end) {
        unsigned op = take(&b), low = op & 63;
        int reg;
        switch (op & 0xc0) {
        case 0x40:
            pc += (uintptr_t)(low * cie->code_factor);
            if (pc > wanted) return 1;
            continue;
        case 0x80: {
            int64_t at = (int64_t)take_uleb(&b) * cie->data_factor;
            set_register(row, (int)low, AT_CFA, (int32_t)at);
            continue;
        }
        case 0xc0:
            if (!first) return 0;
            if ((int)low == DW_RA) row->rule.ra = first->rule.ra, row->rule.ra_at = first->rule.ra_at;
            if ((int)low == DW_A) row->rule.a = first->rule.a, row->rule.a_at = first->rule.a_at;
            if (is_b((int)low)) row->rule.b = first->rule.b, row->rule.b_at = first->rule.b_at;
            continue;
        }
        switch (op) {
        case 0x00: break;
        case 0x01: pc = take_encoded(&b, cie->address_encoding, 0); if (pc > wanted) return 1; break;
        case 0x02: pc += (uintptr_t)(take_fixed(&b, 1 + 0) * cie->code_factor); if (pc > wanted) return 1; break;
        case 0x03: pc += (uintptr_t)(take_fixed(&b, 2) * cie->code_factor); if (pc > wanted) return 1; break;
        case 0x04: pc += (uintptr_t)(take_fixed(&b, 4) * cie->code_factor); if (pc > wanted) return 1; break;
        case 0x05: reg = (int)take_uleb(&b); set_register(row, reg, AT_CFA, (int32_t)((int64_t)take_uleb(&b) * cie->data_factor)); break;
        case 0x06:
            reg = (int)take_uleb(&b);
            if (!first) return 0;
            if (reg == DW_RA) row->rule.ra = first->rule.ra, row->rule.ra_at = first->rule.ra_at;
            if (reg == DW_A) row->rule.a = first->rule.a, row->rule.a_at = first->rule.a_at;
            break;
        case 0x07: set_register(row, (int)take_uleb(&b), LOST, 0); break;
        case 0x08: reg = (int)take_uleb(&b); set_register(row, reg, SAME, 0); break;
        case 0x09: reg = (int)take_uleb(&b); take_uleb(&b); set_register(row, reg, LOST, 0); break;
        case 0x0a:
            if (depth == 8) return 0;
            saved[depth++] = *row;
            break;
        case 0x0b:
            if (depth == 0) return 0;
            *row = saved[--depth];
            break;
        case 0x0c: cfa_reg = (int)take_uleb(&b); set_cfa(row, cfa_reg, (int32_t)take_uleb(&b), 0); break;
        case 0x0d: cfa_reg = (int)take_uleb(&b); set_cfa(row, cfa_reg, row->rule.cfa_at, 0); break;
        case 0x0e: row->rule.cfa_at = (int32_t)take_uleb(&b); break;
        case 0x0f: case 0x10: case 0x16: {
            reg = op == 0x0f ? 0 : (int)take_uleb(&b);
            uint64_t size = take_uleb(&b);
            if (size > (uint64_t)(b.end - b.at)) return 0;
            struct bytes expression = {b.at, b.at + size};
            b.at += size;
            if (op == 0x10) set_by_expression(row, reg, expression);
            else if (op == 0x16) set_register(row, reg, LOST, 0);
            else {
                int base, is_loaded;
                int32_t at;
                if (simple_expression(expression, &base, &at, &is_loaded)) set_cfa(row, base, at, is_loaded);
                else row->rule.cfa = CFA_UNKNOWN;
            }
            break;
        }
        case 0x11: reg = (int)take_uleb(&b); set_register(row, reg, AT_CFA, (int32_t)(take_sleb(&b) * cie->data_factor)); break;
        case 0x12: cfa_reg = (int)take_uleb(&b); set_cfa(row, cfa_reg, (int32_t)(take_sleb(&b) * cie->data_factor), 0); break;
        case 0x13: row->rule.cfa_at = (int32_t)(take_sleb(&b) * cie->data_factor); break;
        case 0x14: reg = (int)take_uleb(&b); take_uleb(&b); set_register(row, reg, LOST, 0); break;
        case 0x15: reg = (int)take_uleb(&b); take_sleb(&b); set_register(row, reg, LOST, 0); break;
        case 0x2d: break; /* return addresses are signed from here on: the signature is taken off anyway */
        case 0x2e: take_uleb(&b); break;
        default: return 0;
        }
    }
    return 1;
}

static struct rule rule_of_frames(const struct module *m, uintptr_t pc) {
    struct bytes hdr = {(const unsigned char *)m->frames, (const unsigned char *)m->end};
    if (take(&hdr) != 1) return unknown_rule;
    unsigned frames_encoding = take(&hdr), count_encoding = take(&hdr), table_encoding = take(&hdr);
    take_encoded(&hdr, frames_encoding, m->frames);
    uintptr_t count = take_encoded(&hdr, count_encoding, m->frames);
    if (table_encoding != 0x3b || count == 0) return unknown_rule;
    if (count > (uintptr_t)(hdr.end - hdr.at) / 8) return unknown_rule;
    const unsigned char *table = hdr.at;
    int32_t entry[2];
    uintptr_t low = 0, high = count;
    while (high - low > 1) {
        uintptr_t middle = low + (high - low) / 2;
        memcpy(entry, table + middle * 8, 8);
        if (m->frames + (uintptr_t)(intptr_t)entry[0] <= pc) low = middle;
        else high = middle;
    }
    memcpy(entry, table + low * 8, 8);
    uintptr_t at = m->frames + (uintptr_t)(intptr_t)entry[1];
    if (at < m->start || at + 8 > m->end) return unknown_rule;
    struct bytes fde = {(const unsigned char *)at, (const unsigned char *)m->end};
    uint64_t length = take_fixed(&fde, 4);
    if (length == 0 || length > (uint64_t)(fde.end - fde.at)) return unknown_rule;
    fde.end = fde.at + length;
    uintptr_t cie_at = (uintptr_t)fde.at;
    cie_at -= (uintptr_t)take_fixed(&fde, 4);
    if (cie_at < m->start || cie_at + 8 > m->end) return unknown_rule;
    struct bytes c = {(const unsigned char *)cie_at, (const unsigned char *)m->end};
    uint64_t cie_length = take_fixed(&c, 4);
    if (cie_length < 4 || cie_length > (uint64_t)(c.end - c.at)) return unknown_rule;
    c.end = c.at + cie_length;
    take_fixed(&c, 4);
    struct cie cie;
    if (!read_cie(c, &cie)) return unknown_rule;
    uintptr_t start = take_encoded(&fde, cie.address_encoding, 0);
    uintptr_t size = take_encoded(&fde, cie.address_encoding & 15, 0);
    if (pc < start || pc - start >= size) return unknown_rule;
    if (cie.has_data) {
        uint64_t skip = take_uleb(&fde);
        if (skip > (uint64_t)(fde.end - fde.at)) return unknown_rule;
        fde.at += skip;
    }
    struct row row = {.rule = {.cfa = CFA_UNKNOWN}};
    if (!run_program(cie.program, &cie, 0, UINTPTR_MAX, &row, NULL)) return unknown_rule;
    struct row first = row;
    if (!run_program(fde, &cie, start, pc, &row, &first)) return unknown_rule;
    if (row.ra_undefined) row.rule.cfa = CFA_OUTERMOST;
    if (cie.is_signal) row.rule.cfa = CFA_UNKNOWN;
    return row.rule;
}
#else
static struct rule rule_of_frames(const struct module *m, uintptr_t pc) {
    (void)m;
    (void)pc;
    return unknown_rule;
}
#endif

/* ---- the unwind table of the host -------------------------------------------------------------------- */

static uint32_t u32_at(const unsigned char *p) {
    uint32_t n;
    memcpy(&n, p, 4);
    return n;
}

/* Whether `count` things of `size` bytes lie within the table at an offset. */
static int in_table(uint32_t offset, uint64_t count, uint64_t size) {
    return offset <= rules.table_size && count * size <= rules.table_size - offset;
}

static COLD void open_table(const char *path) {
    struct stat s;
    int fd = open_file(path, O_RDONLY, 0);
    if (fd < 0 || fstat(fd, &s) != 0 || s.st_size < 64) {
        complain("the unwind table cannot be read; stacks may be cut", path);
        if (fd >= 0) syscall(SYS_close, fd);
        return;
    }
    const unsigned char *t = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    syscall(SYS_close, fd);
    if (t == MAP_FAILED) return;
    uint16_t version, machine;
    memcpy(&version, t + 12, 2);
    memcpy(&machine, t + 14, 2);
    int is_good = memcmp(t, "MTDUNW1\n", 8) == 0 && u32_at(t + 8) == 0x01020304 && version == 1 && machine == MACHINE
        && u32_at(t + 28) <= (uint64_t)s.st_size;
    if (!is_good) {
        complain("this is no unwind table for this machine; stacks may be cut", path);
        munmap((void *)t, (size_t)s.st_size);
        return;
    }
    rules.table_size = u32_at(t + 28);
    rules.table = t;
}

/* The entry of a module, by its build id, else by name and size. */
static const unsigned char *entry_of(const unsigned char *id, size_t id_size, const char *name, uint64_t size) {
    const unsigned char *t = rules.table;
    if (!t) return NULL;
    uint32_t count = u32_at(t + 20), at = u32_at(t + 24);
    if (!in_table(at, count, 56)) return NULL;
    for (const unsigned char *e = t + at; count > 0; count--, e += 56) {
        uint32_t e_id = u32_at(e), e_id_size = u32_at(e + 4), e_name = u32_at(e + 8), e_name_size = u32_at(e + 12);
        if (!in_table(e_id, e_id_size, 1) || !in_table(e_name, e_name_size, 1)) continue;
        uint32_t n = u32_at(e + 32), m = u32_at(e + 44);
        if (n == 0 || m == 0 || !in_table(u32_at(e + 36), n, 4) || !in_table(u32_at(e + 40), n, 2)
            || !in_table(u32_at(e + 48), m, 20)) continue;
        if (e_id_size > 0 && id_size > 0) {
            if (e_id_size == id_size && memcmp(t + e_id, id, id_size) == 0) return e;
        } else {
            uint64_t e_size = u32_at(e + 16) | (uint64_t)u32_at(e + 20) << 32;
            if (e_size == size && e_name_size == text_length(name) && memcmp(t + e_name, name, e_name_size) == 0) return e;
        }
    }
    return NULL;
}

static struct rule rule_of_table(const struct module *m, uintptr_t pc) {
    const unsigned char *t = rules.table, *e = m->rows;
    uint64_t base = u32_at(e + 24) | (uint64_t)u32_at(e + 28) << 32;
    uint64_t x = (uint64_t)(pc - m->bias) - base;
    const unsigned char *pcs = t + u32_at(e + 36), *of = t + u32_at(e + 40), *all = t + u32_at(e + 48);
    uint32_t low = 0, high = u32_at(e + 32);
    if (x > 0xffffffffu || x < u32_at(pcs)) return unknown_rule;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (u32_at(pcs + middle * 4) <= x) low = middle;
        else high = middle;
    }
    uint16_t index;
    memcpy(&index, of + low * 2, 2);
    if (index >= u32_at(e + 44)) return unknown_rule;
    struct rule rule;
    const unsigned char *r = all + index * 20u;
    uint8_t how[4];
    memcpy(how, r, 4);
    if (how[0] & 0x80) return unknown_rule; /* the frame of a signal */
    rule.cfa = how[0] & 15;
    rule.ra = how[1];
    rule.a = how[2];
    rule.b = how[3];
    memcpy(&rule.cfa_at, r + 4, 16);
    return rule;
}

/* ---- reading the modules ----------------------------------------------------------------------------- */

struct facts {
    uintptr_t bias, frames;
    unsigned char id[64];
    size_t id_size;
};

/* What the program headers say of a file that is mapped from its beginning at `start`. */
static void read_headers(uintptr_t start, uintptr_t end, struct facts *f) {
    const ElfW(Ehdr) *h = (const void *)start;
    f->bias = start;
    f->frames = 0;
    f->id_size = 0;
    if (end - start < sizeof *h || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0) return;
    if (h->e_phentsize != sizeof(ElfW(Phdr)) || h->e_phoff > end - start
        || h->e_phnum > (end - start - h->e_phoff) / sizeof(ElfW(Phdr))) return;
    const ElfW(Phdr) *p = (const void *)(start + h->e_phoff);
    uintptr_t first = UINTPTR_MAX;
    for (int i = 0; i < h->e_phnum; i++)
        if (p[i].p_type == PT_LOAD && p[i].p_vaddr - p[i].p_offset < first && p[i].p_offset < PAGE)
            first = (uintptr_t)(p[i].p_vaddr - p[i].p_offset);
    if (first == UINTPTR_MAX) first = 0;
    f->bias = start - first;
    for (int i = 0; i < h->e_phnum; i++) {
        uintptr_t at = f->bias + (uintptr_t)p[i].p_vaddr, size = (uintptr_t)p[i].p_memsz;
        if (at < start || at > end || size > end - at) continue;
        if (p[i].p_type == PT_GNU_EH_FRAME && size >= 12) f->frames = at;
        if (p[i].p_type != PT_NOTE || f->id_size) continue;
        while (size > sizeof(ElfW(Nhdr))) {
            const ElfW(Nhdr) *n = (const void *)at;
            uintptr_t name = (n->n_namesz + 3u) & ~3u, desc = (n->n_descsz + 3u) & ~3u;
            uintptr_t whole = sizeof *n + name + desc;
            if (whole > size) break;
            const char *text = (const char *)(n + 1);
            if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4 && memcmp(text, "GNU", 4) == 0
                && n->n_descsz <= sizeof f->id) {
                f->id_size = n->n_descsz;
                memcpy(f->id, text + name, f->id_size);
            }
            at += whole;
            size -= whole;
        }
    }
}

static const char *base_name(const char *path) {
    const char *base = path;
    for (; *path; path++)
        if (*path == '/') base = path + 1;
    return base;
}

static uint32_t text_hash(const char *s) {
    uint32_t h = 2166136261u;
    for (; *s; s++) h = (h ^ (unsigned char)*s) * 16777619u;
    return h;
}

static void write_module(const struct module *m, const struct facts *f, const char *path) {
    size_t size = text_length(path);
    if (size > PATH_MAX) size = PATH_MAX;
    make_room((uint32_t)(size + f->id_size) + ROOM);
    put_other(O_MODULE);
    put(m->id);
    put(m->start);
    put(m->end - m->start);
    put(m->bias);
    put_byte(m->rows ? 1 : m->frames ? 2 : 0);
    put_text((const char *)f->id, f->id_size);
    put_text(path, size);
    is_whole();
}

/* A file's mappings, from its first to its last, as they stand in the maps one after the other. */
static void note_module(uintptr_t start, uintptr_t end, uintptr_t readable_end, uint64_t inode, const char *path) {
    uint32_t hash = text_hash(path);
    for (uint32_t i = 0; i < modules.used; i++) {
        struct module *m = &modules.all[i];
        if (m->start == start && m->inode == inode && m->name_hash == hash) {
            m->end = end > m->end ? end : m->end;
            m->generation = modules.generation;
            return;
        }
    }
    if (modules.used == MOST_MODULES) return;
    struct facts f = {.bias = 0};
    struct module *m = &modules.all[modules.used];
    *m = (struct module){.start = start, .end = end, .inode = inode, .name_hash = hash};
    m->id = modules.next_id++;
    m->generation = modules.generation;
    m->is_code = path[0] == 0;
    if (!m->is_code) {
        read_headers(start, readable_end, &f);
        struct stat s;
        s.st_size = 0;
        if (rules.table && path[0] == '/') (void)stat(path, &s);
        m->rows = entry_of(f.id, f.id_size, base_name(path), (uint64_t)s.st_size);
    }
    m->bias = f.bias;
    m->frames = f.frames;
    write_module(m, &f, path);
    __atomic_store_n(&modules.used, modules.used + 1, __ATOMIC_RELEASE);
}

static size_t bytes_of_rules(uint32_t size) { return sizeof(struct rule_cache) + size * sizeof(struct rule_slot); }

static inline uint32_t rule_place(const struct rule_cache *cache, uintptr_t pc) {
    return (uint32_t)(((uint64_t)pc * 0x9e3779b97f4a7c15u) >> 40) & (cache->size - 1);
}

/* The slot of a return address, or the free one where it belongs. */
static inline struct rule_slot *slot_of(struct rule_cache *cache, uintptr_t pc) {
    uint32_t at = rule_place(cache, pc);
    for (;;) {
        uintptr_t known = __atomic_load_n(&cache->slots[at].pc, __ATOMIC_ACQUIRE);
        if (LIKELY(known == pc) || known == 0) return &cache->slots[at];
        at = (at + 1) & (cache->size - 1);
    }
}

/* Both locks are held, as another thread may be about to note a node in what becomes empty here. */
static void drop_rules(void) {
    struct rule_cache *old = rules.cache;
    struct rule_cache *fresh = rules.spare;
    uint32_t size = old ? old->size : FIRST_SLOTS;
    if (fresh) memset(fresh, 0, bytes_of_rules(size));
    else fresh = map_memory(bytes_of_rules(size));
    if (fresh) fresh->size = size;
    rules.spare = old;
    __atomic_store_n(&rules.cache, fresh, __ATOMIC_RELEASE);
}

/* Reads the maps, and writes down what is new and what is gone. Both locks are held. */
static COLD void read_modules(void) {
    static struct lines in; /* under the lock, and too large for some stacks */
    static char path[PATH_MAX];
    if (!open_maps(&in)) return;
    struct mapping m;
    modules.generation++;
    uintptr_t start = 0, end = 0, readable_end = 0;
    uint64_t inode = 0;
    int has_code = 0;
    path[0] = 0;
    for (;;) {
        int more = next_mapping(&in, &m);
        int is_same = more && start && m.path[0] == '/' && m.inode == inode && m.offset != 0 && strcmp(path, m.path) == 0;
        if (is_same) {
            if (m.can_read && m.start == readable_end) readable_end = m.end;
            end = m.end;
            has_code |= m.can_run;
            continue;
        }
        if (start && has_code) note_module(start, end, readable_end, inode, path);
        if (!more) break;
        start = m.start;
        end = m.end;
        readable_end = m.can_read ? m.end : m.start;
        inode = m.inode;
        has_code = m.can_run;
        size_t size = text_length(m.path);
        if (size >= sizeof path) size = sizeof path - 1;
        memcpy(path, m.path, size);
        path[size] = 0;
    }
    close_maps(&in);
    int is_gone = 0;
    for (uint32_t i = 0; i < modules.used;) {
        struct module *one = &modules.all[i];
        if (one->generation == modules.generation) {
            i++;
            continue;
        }
        make_room(ROOM);
        put_other(O_UNLOAD);
        put(one->id);
        is_whole();
        is_gone = 1;
        *one = modules.all[modules.used - 1];
        __atomic_store_n(&modules.used, modules.used - 1, __ATOMIC_RELEASE);
    }
    if (is_gone) {
        forget_nodes();
        drop_rules();
    }
}

static struct module *module_at(uintptr_t pc) {
    for (uint32_t i = 0; i < modules.used; i++) {
        struct module *m = &modules.all[i];
        if (pc >= m->start && pc < m->end) return m;
    }
    return NULL;
}

/* Programs with few call sites do with a small table. The old one stays: somebody may be reading it. */
static COLD int grow_rules(void) {
    struct rule_cache *old = rules.cache;
    if (old->size >= MOST_SLOTS) return 0;
    struct rule_cache *grown = map_memory(bytes_of_rules(old->size * 2));
    if (!grown) return 0;
    grown->size = old->size * 2;
    grown->used = old->used;
    for (uint32_t i = 0; i < old->size; i++)
        if (old->slots[i].pc) *slot_of(grown, old->slots[i].pc) = old->slots[i];
    rules.spare = NULL;
    __atomic_store_n(&rules.cache, grown, __ATOMIC_RELEASE);
    return 1;
}

/* Finds the rule of a return address that is met for the first time. */
static COLD struct rule new_rule(uintptr_t pc, struct rule_slot **slot) {
    module_lock();
    uintptr_t look_up = even(pc) - 1;
    struct module *m = module_at(look_up);
    if (!m) {
        lock();
        read_modules();
        unlock();
        m = module_at(look_up);
    }
    struct rule rule = unknown_rule;
    if (m && m->rows) rule = rule_of_table(m, look_up);
    if (m && rule.cfa == CFA_UNKNOWN && m->frames) rule = rule_of_frames(m, look_up);
    *slot = NULL;
    if (rules.cache) {
        if (rules.cache->used >= rules.cache->size / 2) {
            lock();
            if (!grow_rules()) drop_rules();
            unlock();
        }
        struct rule_cache *cache = rules.cache;
        if (cache) {
            struct rule_slot *one = *slot = slot_of(cache, pc);
            if (!one->pc) {
                cache->used++;
                one->rule = rule;
                int is_usual = rule.ra == AT_CFA && (rule.a == SAME || rule.a == AT_CFA) && !HAS_B;
                one->quick = is_usual && (rule.cfa == CFA_SP || rule.cfa == CFA_A) ? rule.cfa : 0;
                __atomic_store_n(&one->pc, pc, __ATOMIC_RELEASE);
            }
        }
    }
    module_unlock();
    return rule;
}

static inline struct rule_slot *known_rule(uintptr_t pc) {
    struct rule_cache *cache = __atomic_load_n(&rules.cache, __ATOMIC_ACQUIRE);
    if (UNLIKELY(cache == NULL)) return NULL;
    struct rule_slot *known = slot_of(cache, pc);
    return LIKELY(known->pc == pc) ? known : NULL;
}

/* ---- threads and their stacks ------------------------------------------------------------------------ */

#define MOST_FRAMES 256

struct frame {
    uintptr_t pc, sp, a;
    /* Where what leads to the caller was read from; NULL where it was not read. */
    const uintptr_t *ra_at, *a_at, *cfa_at;
    struct rule_slot *slot; /* or NULL */
    uint32_t node;
    /* Whether what lies outwards depends on A and B here: in code without frame pointers they seldom matter. Until the
     * callers are known: whether this frame's own rule uses them, or leaves them as they are. */
    uint8_t needs_a, keeps_a, needs_b, keeps_b;
#if HAS_B
    uintptr_t b;
    const uintptr_t *b_at;
#endif
};

/* A walk that was made before, as programs come to the same call with the same stack again and again. To compare what
 * the walk read from memory then is faster than to walk: nothing has to be read to find out what to read next. */
#define MOST_SEEN 12
#define PATHS 1024 /* in pairs; 256 KiB a thread */

/* A word of the stack that is as it was read, or not. */
struct seen {
    const uintptr_t *at;
    uintptr_t value;
};

struct path {
    uintptr_t pc, sp, a;       /* of the caller that it begins at */
    uintptr_t join_sp, join_a; /* of the frame in `frames` where it ends */
    uint32_t join, join_node;  /* its index and node */
    uint32_t node, generation;
    uint32_t seen_count;
    uint8_t needs_a, needs_b;
#if HAS_B
    uintptr_t b, join_b;
#endif
    struct seen seen[MOST_SEEN];
} __attribute__((aligned(64)));

struct thread {
    uint32_t number;
    uint32_t generation; /* of the nodes in its frames */
    uintptr_t low, high; /* the mapping that its stack is in */
    uint32_t count, root;
    uintptr_t realloc_of;
    struct frame frames[MOST_FRAMES]; /* of the last stack that was walked, outermost first */
    struct frame fresh[MOST_FRAMES];  /* of the one that is walked, innermost first: the stack itself can be small */
    struct thread *next;
    uint32_t joined; /* how many of these were there already before that walk */
    uint32_t found;  /* the node of the stack that was taken, if a path told it; else 0 */
    uint32_t turn;
    uint16_t seen_end[MOST_FRAMES];
    struct seen seen[MOST_FRAMES * (2 + HAS_B)]; /* of `frames`: those before seen_end[i] are of frame i and outwards */
    struct path paths[PATHS];
};

PER_THREAD struct thread *this_thread;
PER_THREAD int is_inside; /* in here, or in an allocator that was called from here */
PER_THREAD uintptr_t new_caller;

static struct thread *unused_threads;
static uint32_t threads;
static pthread_key_t thread_key;
static int has_thread_key;

#pragma weak pthread_key_create
#pragma weak pthread_setspecific
#pragma weak pthread_atfork
/* What glibc has of it in its library on every machine; of the other one there is only an archive on newer machines. */
extern int __register_atfork(void (*)(void), void (*)(void), void (*)(void), void *) __attribute__((weak));

static void thread_ends(void *of) {
    struct thread *t = of;
    is_inside++;
    this_thread = NULL;
    lock();
    if (rec.state == 1) {
        make_room(ROOM);
        put_other(O_THREAD_END);
        put(t->number);
        is_whole();
    }
    t->next = unused_threads;
    unused_threads = t;
    unlock();
    is_inside--;
}

static COLD struct thread *new_thread(void) {
    lock();
    struct thread *t = unused_threads;
    if (t) unused_threads = t->next;
    uint32_t number = threads++;
    if (rec.state == 1) {
        make_room(ROOM);
        put_other(O_THREAD_NEW);
        put(number);
#ifdef SYS_gettid
        put((uint64_t)syscall(SYS_gettid));
#else
        put(0);
#endif
        is_whole();
    }
    unlock();
    if (!t) t = map_memory(sizeof *t);
    if (!t) return NULL;
    t->number = number;
    t->low = t->high = 0;
    t->count = 0;
    t->realloc_of = 0;
    this_thread = t;
    if (has_thread_key) pthread_setspecific(thread_key, t);
    return t;
}

/* The readable memory around a stack pointer. Other threads may change the maps while they are read, and under qemu a
 * mapping can be missing then: hence more than one look. */
static COLD void find_stack(struct thread *t, uintptr_t sp) {
    struct lines *in = map_memory(sizeof *in);
    t->low = t->high = 0;
    if (!in) return;
    for (int i = 0; i < 3 && !t->high && open_maps(in); i++) {
        struct mapping m;
        while (next_mapping(in, &m)) {
            if (sp < m.start || sp >= m.end) continue;
            if (m.can_read) {
                t->low = m.start;
                t->high = m.end;
            }
            break;
        }
        close_maps(in);
    }
    munmap(in, sizeof *in);
}

static inline int is_on_stack(const struct thread *t, uintptr_t at) {
    return at >= t->low && at <= t->high - sizeof(uintptr_t) && at % sizeof(uintptr_t) == 0;
}

/* One step outwards: from a frame to the registers of its caller, and where they were read from. */
enum step { STEP_ON, STEP_WHOLE, STEP_CUT };

static inline int load(const struct thread *t, unsigned how, int32_t at, const struct frame *f, uintptr_t cfa,
                       uintptr_t *value, const uintptr_t **from) {
    uintptr_t base;
    switch (how) {
    case SAME: *from = NULL; return 1;
    case AT_CFA: base = cfa; break;
    case AT_SP: base = f->sp; break;
    case AT_A: base = f->a; break;
    case AT_B: base = B_OF(f); break;
    default: *value = 0; *from = NULL; return 1;
    }
    base += (uintptr_t)(intptr_t)at;
    if (UNLIKELY(!is_on_stack(t, base))) return 0;
    *from = (const uintptr_t *)base;
    *value = **from;
    return 1;
}

static enum step step_by_rule(struct thread *t, struct frame *f, struct regs *out) {
    const struct rule rule = f->slot ? f->slot->rule : new_rule(f->pc, &f->slot);
    uintptr_t cfa;
    f->cfa_at = f->ra_at = f->a_at = NULL;
#if HAS_B
    f->b_at = NULL;
#endif
    f->needs_a = rule.cfa == CFA_A || rule.cfa == CFA_AT_A || rule.ra == AT_A || rule.a == AT_A || rule.b == AT_A;
    f->needs_b = rule.cfa == CFA_B || rule.cfa == CFA_AT_B || rule.ra == AT_B || rule.a == AT_B || rule.b == AT_B;
    f->keeps_a = rule.a == SAME;
    f->keeps_b = rule.b == SAME;
    switch (rule.cfa) {
    case CFA_SP: cfa = f->sp; break;
    case CFA_A: cfa = f->a; break;
    case CFA_B: cfa = B_OF(f); break;
    case CFA_AT_SP: case CFA_AT_A: case CFA_AT_B: {
        uintptr_t at = rule.cfa == CFA_AT_SP ? f->sp : rule.cfa == CFA_AT_A ? f->a : B_OF(f);
        at += (uintptr_t)(intptr_t)rule.cfa_at;
        if (!is_on_stack(t, at)) return STEP_CUT;
        f->cfa_at = (const uintptr_t *)at;
        cfa = *f->cfa_at - (uintptr_t)(intptr_t)rule.cfa_at;
        break;
    }
    case CFA_OUTERMOST: return STEP_WHOLE;
    default: return STEP_CUT;
    }
    cfa += (uintptr_t)(intptr_t)rule.cfa_at;
    /* Stacks grow downwards; so a wrong rule cannot make this go on for ever. */
    if (UNLIKELY(cfa <= f->sp || cfa > t->high)) return STEP_CUT;
    out->sp = cfa;
    out->a = f->a;
    out->b = B_OF(f);
    if (UNLIKELY(rule.ra == SAME || rule.ra == LOST)) return STEP_CUT;
    if (!load(t, rule.ra, rule.ra_at, f, cfa, &out->pc, &f->ra_at)) return STEP_CUT;
    if (!load(t, rule.a, rule.a_at, f, cfa, &out->a, &f->a_at)) return STEP_CUT;
#if HAS_B
    if (!load(t, rule.b, rule.b_at, f, cfa, &out->b, &f->b_at)) return STEP_CUT;
#endif
    out->pc = code_address(out->pc);
    return out->pc == 0 ? STEP_WHOLE : STEP_ON;
}

static inline enum step step_out(struct thread *t, struct frame *f, struct regs *out) {
    const struct rule_slot *known = f->slot = known_rule(f->pc);
    if (UNLIKELY(!known || !known->quick)) return step_by_rule(t, f, out);
    /* Few branches, as no processor foretells how the next function keeps its registers. */
    const struct rule *rule = &known->rule;
    uintptr_t cfa = (known->quick == CFA_A ? f->a : f->sp) + (uintptr_t)(intptr_t)rule->cfa_at;
    int is_same = rule->a == SAME;
    f->needs_a = known->quick == CFA_A;
    f->keeps_a = (uint8_t)is_same;
    f->needs_b = f->keeps_b = 0;
    uintptr_t ra_at = cfa + (uintptr_t)(intptr_t)rule->ra_at;
    uintptr_t a_at = cfa + (uintptr_t)(intptr_t)(is_same ? rule->ra_at : rule->a_at);
    if (UNLIKELY(cfa <= f->sp || cfa > t->high || !is_on_stack(t, ra_at) || !is_on_stack(t, a_at))) return STEP_CUT;
    uintptr_t a = *(const uintptr_t *)a_at;
    f->cfa_at = NULL;
    f->ra_at = (const uintptr_t *)ra_at;
    f->a_at = is_same ? NULL : (const uintptr_t *)a_at;
    out->sp = cfa;
    out->a = is_same ? f->a : a;
    out->pc = code_address(*f->ra_at);
    return UNLIKELY(out->pc == 0) ? STEP_WHOLE : STEP_ON;
}

/* The innermost frame, from `at` outwards, whose caller is not what it was when it was read from memory; 0 if all are. */
static inline int first_changed(const struct thread *t, int at) {
    for (; at > 0; at--) {
        const struct frame *f = &t->frames[at], *caller = f - 1;
        if (UNLIKELY(code_address(*f->ra_at) != caller->pc)) break;
        if (f->a_at && UNLIKELY(*f->a_at != caller->a)) break;
#if HAS_B
        if (f->b_at && UNLIKELY(*f->b_at != caller->b)) break;
#endif
    }
    return at;
}

static inline int is_as_seen(const struct seen *seen, uint32_t count) {
    uintptr_t differs = 0;
    for (uint32_t i = 0; i < count; i++) differs |= *seen[i].at ^ seen[i].value;
    return !differs;
}

/* Keeps in a row what `first_changed` looks at, so that most often nothing else has to be read. */
static inline void keep_seen(struct thread *t, int from) {
    uint32_t n = from > 0 ? t->seen_end[from - 1] : 0;
    for (int i = from; i < (int)t->count; i++) {
        const struct frame *f = &t->frames[i];
        if (i > 0) {
            t->seen[n++] = (struct seen){f->ra_at, f->cfa_at ? 1 : *f->ra_at};
            if (f->a_at) t->seen[n++] = (struct seen){f->a_at, *f->a_at};
#if HAS_B
            if (f->b_at) t->seen[n++] = (struct seen){f->b_at, *f->b_at};
#endif
        }
        t->seen_end[i] = (uint16_t)n;
    }
}

/* Once the callers of a frame are known, what it need not be compared by is forgotten. */
static inline void see_needs(struct thread *t, int at) {
    static const uintptr_t never = 0; /* no return address is equal to it */
    struct frame *f = &t->frames[at];
    int a = at > 0 && f[-1].needs_a, b = at > 0 && f[-1].needs_b;
    f->needs_a |= f->keeps_a && a;
    f->needs_b |= f->keeps_b && b;
    if (!a) f->a_at = NULL;
#if HAS_B
    if (!b) f->b_at = NULL;
#endif
    if (UNLIKELY(f->cfa_at != NULL)) f->ra_at = &never;
}

/* The first of the two places for a path. */
static inline struct path *paths_at(struct thread *t, uintptr_t pc, uintptr_t sp) {
    return &t->paths[((uint64_t)(pc ^ sp << 20) * 0x9e3779b97f4a7c15u >> 40) % PATHS & ~(size_t)1];
}

/* Whether a walk would go along this path. Frames inwards of where it joins may be of another stack by now. */
static inline int is_path(const struct thread *t, const struct path *p, const struct regs *from) {
    if (p->pc != from->pc || p->sp != from->sp || (p->needs_a && p->a != from->a)) return 0;
    if (p->join >= t->count || p->generation != tree.generation) return 0;
    const struct frame *join = &t->frames[p->join];
    if (join->node != p->join_node || join->sp != p->join_sp || (join->needs_a && join->a != p->join_a)) return 0;
#if HAS_B
    if ((p->needs_b && p->b != from->b) || (join->needs_b && p->join_b != join->b)) return 0;
#endif
    return is_as_seen(p->seen, p->seen_count) && is_as_seen(t->seen, t->seen_end[p->join]);
}

static inline int find_path(struct thread *t, const struct regs *from) {
    const struct path *p = paths_at(t, from->pc, from->sp);
    if (!is_path(t, p, from) && !is_path(t, ++p, from)) return 0;
    t->found = p->node;
    return 1;
}

static inline int see(struct path *p, const uintptr_t *at) {
    if (!at) return 1;
    if (p->seen_count == MOST_SEEN) return 0;
    p->seen[p->seen_count].at = at;
    p->seen[p->seen_count++].value = *at;
    return 1;
}

/* Keeps the walk that was made last. A path to the root has nothing to join. */
static void keep_path(struct thread *t, const struct regs *from, uint32_t node) {
    if (t->joined == 0 || t->joined == t->count) return;
    const struct frame *join = &t->frames[t->joined - 1];
    struct path *p = paths_at(t, from->pc, from->sp) + (t->turn++ & 1);
    p->pc = 0;
    p->seen_count = 0;
    for (uint32_t i = t->joined; i < t->count; i++) {
        const struct frame *f = &t->frames[i];
        if (f->cfa_at || !see(p, f->ra_at) || !see(p, f->a_at)) return;
#if HAS_B
        if (!see(p, f->b_at)) return;
#endif
    }
    p->sp = from->sp;
    p->needs_a = t->frames[t->count - 1].needs_a;
    p->needs_b = t->frames[t->count - 1].needs_b;
    p->a = from->a;
    p->join_sp = join->sp;
    p->join_a = join->a;
    p->join = t->joined - 1;
    p->join_node = join->node;
    p->node = node;
    p->generation = tree.generation;
#if HAS_B
    p->b = from->b;
    p->join_b = join->b;
#endif
    p->pc = from->pc;
}

#if defined(__powerpc64__)
/* The ABI has a chain of frames, whatever the function: no rules are needed. */
static void walk(struct thread *t, const struct regs *from) {
    uint32_t n = 0;
    struct frame *fresh = t->fresh;
    uintptr_t sp = from->sp, pc = from->pc;
    while (n < MOST_FRAMES && pc) {
        fresh[n++] = (struct frame){.pc = pc, .sp = sp};
        if (!is_on_stack(t, sp)) break;
        uintptr_t up = *(uintptr_t *)sp;
        if (up <= sp || !is_on_stack(t, up + 16)) break;
        pc = *(uintptr_t *)(up + 16);
        sp = up;
    }
    for (uint32_t i = 0; i < n; i++) t->frames[i] = fresh[n - 1 - i];
    t->count = n;
    t->root = ROOT_WHOLE;
}
#else
/* Walks the stack of a caller into `t->frames`. It stops where it meets the last stack of this thread: what lies
 * outwards of a frame follows from the registers there and from memory, and that is compared. */
static void walk(struct thread *t, const struct regs *from) {
    struct frame *fresh = t->fresh;
    struct regs r = *from;
    int last = (int)t->count - 1, n = 0, kept = 0;
    uint32_t root = ROOT_DEPTH;
    if (find_path(t, from)) return;
    for (;;) {
        while (last >= 0 && t->frames[last].sp < r.sp) last--;
        if (last >= 0) {
            const struct frame *known = &t->frames[last];
            if (known->sp == r.sp && known->pc == r.pc && (!known->needs_a || known->a == r.a)
                && (!known->needs_b || B_OF(known) == r.b)) {
                int changed = first_changed(t, last);
                if (changed == 0) {
                    kept = last + 1;
                    root = t->root;
                    break;
                }
                last = changed - 1;
            }
        }
        if (n == MOST_FRAMES) break;
        struct frame *f = &fresh[n++];
        f->pc = r.pc;
        f->sp = r.sp;
        f->a = r.a;
#if HAS_B
        f->b = r.b;
#endif
        f->node = 0;
        enum step step = step_out(t, f, &r);
        if (step == STEP_ON) continue;
        root = step == STEP_WHOLE ? ROOT_WHOLE : ROOT_CUT;
        break;
    }
    int first = kept;
    if (kept + n > MOST_FRAMES) {
        /* The outermost of a very deep stack are left out. */
        int over = kept + n - MOST_FRAMES;
        memmove(t->frames, t->frames + over, (size_t)(kept - over) * sizeof *t->frames);
        kept -= over;
        for (int i = 0; i < kept; i++) t->frames[i].node = 0;
        root = ROOT_DEPTH;
        first = 0;
    }
    for (int i = 0; i < n; i++) {
        t->frames[kept + i] = fresh[n - 1 - i];
        see_needs(t, kept + i);
    }
    t->count = (uint32_t)(kept + n);
    t->root = root;
    t->joined = (uint32_t)kept;
    keep_seen(t, first);
}
#endif

/* Frame pointers, for programs that keep them everywhere and have no other means. */
static void walk_frame_pointers(struct thread *t, const struct regs *from) {
    struct frame *fresh = t->fresh;
    int n = 0;
    uintptr_t pc = from->pc, fp = from->a;
    while (n < MOST_FRAMES && pc) {
        fresh[n].pc = pc;
        fresh[n++].node = 0;
        uintptr_t next;
#if defined(__riscv)
        if (!is_on_stack(t, fp - 16) || !is_on_stack(t, fp - 8)) break;
        next = ((uintptr_t *)fp)[-2];
        pc = ((uintptr_t *)fp)[-1];
#else
        if (!is_on_stack(t, fp) || !is_on_stack(t, fp + sizeof fp)) break;
        next = ((uintptr_t *)fp)[0];
        pc = code_address(((uintptr_t *)fp)[1]);
#endif
        if (next <= fp && next != 0) break;
        fp = next;
    }
    for (int i = 0; i < n; i++) t->frames[i] = fresh[n - 1 - i];
    t->count = (uint32_t)n;
    t->root = n == MOST_FRAMES ? ROOT_DEPTH : pc == 0 || fp == 0 ? ROOT_WHOLE : ROOT_CUT;
}

/* libgcc's own unwinder: slow, but on 32-bit ARM it reads what the program carries with it. */
struct unwind_context;
typedef int (*unwind_step)(struct unwind_context *, void *);
static int (*libgcc_backtrace)(unwind_step, void *);
static uintptr_t (*libgcc_ip)(struct unwind_context *);
#if defined(__arm__)
static int (*libgcc_get)(struct unwind_context *, int, uint32_t, int, void *);
#endif

struct collected {
    struct frame *frames;
    int n, is_outside;
    uintptr_t first;
};

static int collect(struct unwind_context *context, void *to) {
    struct collected *c = to;
    uintptr_t pc;
#if defined(__arm__)
    uint32_t value = 0;
    libgcc_get(context, 0, 15, 0, &value);
    pc = value;
#else
    pc = libgcc_ip(context);
#endif
    /* Frames of this file come first. */
    if (!c->is_outside && even(pc) != even(c->first)) return 0;
    if (!c->is_outside) pc = c->first;
    c->is_outside = 1;
    if (pc == 0 || c->n == MOST_FRAMES) return 5;
    c->frames[c->n++].pc = pc;
    return 0;
}

static void walk_libgcc(struct thread *t, const struct regs *from) {
    struct collected c;
    c.frames = t->fresh;
    c.n = c.is_outside = 0;
    c.first = from->pc;
    libgcc_backtrace(collect, &c);
    if (c.n == 0) c.frames[c.n++].pc = from->pc;
    for (int i = 0; i < c.n; i++) {
        t->frames[i].pc = c.frames[c.n - 1 - i].pc;
        t->frames[i].node = 0;
    }
    t->count = (uint32_t)c.n;
    t->root = ROOT_CUT;
}

enum { UNWIND_RULES = 0, UNWIND_FRAME_POINTER, UNWIND_LIBGCC, UNWIND_NOT };

/* Outside of the lock: only the thread's own stack is looked at. */
static void take_stack(struct thread *t, const struct regs *from) {
    t->found = 0;
    if (UNLIKELY(modules.is_stale)) {
        module_lock();
        if (modules.is_stale) {
            modules.is_stale = 0;
            lock();
            read_modules();
            unlock();
        }
        module_unlock();
    }
    if (from->sp == 0 || rec.unwind == UNWIND_NOT) {
        t->count = 0;
        return;
    }
    if (UNLIKELY(t->generation != tree.first)) {
        t->generation = tree.first;
        t->count = 0;
    }
    if (UNLIKELY(from->sp < t->low || from->sp >= t->high)) {
        /* The main thread's stack grows into the memory below. */
        find_stack(t, from->sp);
        t->count = 0;
    }
    if (rec.unwind == UNWIND_RULES) walk(t, from);
    else if (rec.unwind == UNWIND_FRAME_POINTER) walk_frame_pointers(t, from);
    else walk_libgcc(t, from);
}

/* The node of a frame below another one. Most have been met below it before, and lately. */
static inline uint32_t node_of_frame(uint32_t parent, const struct frame *f) {
    struct rule_slot *slot = f->slot;
    if (UNLIKELY(!slot || slot->pc != f->pc)) return node_of(parent, f->pc);
    for (unsigned i = 0; i < PAIRS; i++)
        if (slot->known[i].parent == parent && slot->known[i].node >= tree.first) return slot->known[i].node;
    uint32_t node = node_of(parent, f->pc);
    if (node != parent) {
        unsigned at = slot->turn++ % PAIRS;
        slot->known[at].parent = parent;
        slot->known[at].node = node;
    }
    return node;
}

/* Callers whose nodes were asked for lately. */
static struct caller {
    uintptr_t pc;
    uint32_t node, generation;
} callers[256];

/* No rule is looked for here that would tell of a module that is new. */
static COLD uint32_t new_caller_node(uintptr_t pc, struct caller *c) {
    int kept = errno;
    if (!known_node(ROOT_CALLER, pc) && !module_at(even(pc) - 1)) read_modules();
    uint32_t node = node_of(ROOT_CALLER, pc);
    if (node != ROOT_CALLER) *c = (struct caller){pc, node, tree.generation};
    errno = kept;
    return node;
}

/* The node of a caller without its stack. */
static inline uint32_t caller_node(uintptr_t pc) {
    struct caller *c = &callers[(uint64_t)pc * 0x9e3779b97f4a7c15u >> 56];
    if (LIKELY(c->pc == pc && c->generation == tree.generation)) return c->node;
    return new_caller_node(pc, c);
}

/* The node of the stack that was taken. Under the lock. */
static uint32_t stack_node(struct thread *t, const struct regs *from) {
    if (LIKELY(t->found != 0)) return t->found;
    if (t->count == 0) return caller_node(from->pc);
    if (UNLIKELY(t->generation != tree.first)) {
        for (uint32_t i = 0; i < t->count; i++) t->frames[i].node = 0;
        t->generation = tree.first;
    }
    uint32_t depth = (uint32_t)rec.depth, first = 0, parent = t->root;
    if (UNLIKELY(t->count > depth)) {
        first = t->count - depth;
        parent = ROOT_DEPTH;
        for (uint32_t i = first; i < t->count; i++) parent = node_of_frame(parent, &t->frames[i]);
        return parent;
    }
    /* From the innermost frame whose node is known. */
    uint32_t i = t->count;
    while (i > 0 && t->frames[i - 1].node == 0) i--;
    if (i > 0) parent = t->frames[i - 1].node;
    for (; i < t->count; i++) parent = t->frames[i].node = node_of_frame(parent, &t->frames[i]);
    if (rec.unwind == UNWIND_RULES) keep_path(t, from, parent);
    return parent;
}

/* ---- the summary: blocks that are live, and what of each stack is ------------------------------------ */

/* Small blocks lie close together, and what is allocated and freed one after the other is close together, too. So
 * each stretch of the heap has a sheet with a place for each block that could begin there, which takes a tenth of
 * the blocks' own memory and no search. Larger blocks, and what does not fit on a sheet, are in tables. */
#define PLACES 128
#define PLACE_SHIFT (SHIFT + 1) /* no allocator makes smaller blocks often */
#define SMALL 256

struct sheet {
    union {
        uint32_t place[PLACES]; /* node (22 bits), size (8), where in the place it begins (2); 0: no block */
        struct sheet *next;     /* of one that is not in use */
    };
};

struct sheet_of {
    uintptr_t stretch;
    struct sheet *sheet;
    uint32_t used;
};

static struct {
    struct sheet_of *all; /* by hash, half full at most */
    uint32_t size, used;
    struct sheet *unused, *fresh;
    uint32_t fresh_left;
} sheets;

struct slot {
    uintptr_t address;   /* 0: free */
    uint32_t node, size; /* HUGE: the true one is in the table of these */
};

#define HUGE UINT32_MAX

/* Blocks of 4 GiB and more, which are few. */
static struct {
    struct huge {
        uintptr_t address;
        size_t size;
    } *all;
    size_t used, room;
} huge;

/* A block that was taken out. */
struct block {
    uintptr_t address;
    uint32_t node; /* 0: there was none */
    size_t size;
};

static COLD int put_huge(uintptr_t address, size_t size) {
    if (huge.used == huge.room) {
        size_t room = huge.room ? huge.room * 2 : PAGE / sizeof *huge.all;
        struct huge *all = map_memory(room * sizeof *all);
        if (!all) return 0;
        if (huge.all) {
            memcpy(all, huge.all, huge.used * sizeof *all);
            munmap(huge.all, huge.room * sizeof *all);
        }
        huge.all = all;
        huge.room = room;
    }
    huge.all[huge.used++] = (struct huge){address, size};
    return 1;
}

static COLD size_t take_huge(uintptr_t address) {
    for (size_t i = huge.used; i-- > 0;) {
        if (huge.all[i].address != address) continue;
        size_t size = huge.all[i].size;
        huge.all[i] = huge.all[--huge.used];
        return size;
    }
    return HUGE;
}

#define PARTS 64

/* Parts grow one at a time, so that little is there twice. */
static struct part {
    struct slot *slots;
    uint32_t size, used;
} parts[PARTS];

/* How many blocks of each hash are in a part, 255 for all above: most addresses are in none, and need not be looked for. */
static uint8_t in_parts[1 << 15];

static inline uint8_t *in_parts_of(uint64_t hash) { return &in_parts[hash >> 16 & (sizeof in_parts - 1)]; }

static inline uint64_t mixed(uintptr_t n) {
    uint64_t h = (uint64_t)n * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

static inline uint64_t address_hash(uintptr_t address) { return mixed(address >> SHIFT); }

static inline uint32_t home_of(const struct part *p, uint64_t hash) {
    return (uint32_t)(((uint64_t)(uint32_t)hash * p->size) >> 32);
}

static COLD int grow_part(struct part *p) {
    uint32_t size = p->size ? p->size + p->size / 2 : PAGE / sizeof(struct slot);
    struct part grown = {map_memory(size * sizeof(struct slot)), size, p->used};
    if (!grown.slots) return 0;
    for (uint32_t i = 0; i < p->size; i++) {
        if (!p->slots[i].address) continue;
        uint32_t at = home_of(&grown, address_hash(p->slots[i].address));
        while (grown.slots[at].address)
            if (++at == size) at = 0;
        grown.slots[at] = p->slots[i];
    }
    if (p->slots) munmap(p->slots, p->size * sizeof(struct slot));
    *p = grown;
    return 1;
}

static inline struct sheet_of *sheet_at(uintptr_t stretch) {
    uint32_t at = (uint32_t)mixed(stretch) & (sheets.size - 1);
    while (sheets.all[at].stretch && sheets.all[at].stretch != stretch) at = (at + 1) & (sheets.size - 1);
    return &sheets.all[at];
}

static COLD int grow_sheets(void) {
    struct sheet_of *old = sheets.all;
    uint32_t old_size = sheets.size, size = old_size ? old_size * 2 : 4096;
    struct sheet_of *all = map_memory(size * sizeof *all);
    if (!all) return 0;
    sheets.all = all;
    sheets.size = size;
    sheets.used = 0;
    for (uint32_t i = 0; i < old_size; i++) {
        if (!old[i].sheet) continue;
        *sheet_at(old[i].stretch) = old[i];
        sheets.used++;
    }
    if (old) munmap(old, old_size * sizeof *old);
    return 1;
}

/* The sheet of a stretch, which it may get now. */
static struct sheet_of *sheet_for(uintptr_t stretch) {
    if (UNLIKELY(sheets.used >= sheets.size / 2) && !grow_sheets()) return NULL;
    struct sheet_of *of = sheet_at(stretch);
    if (LIKELY(of->sheet != NULL)) return of;
    struct sheet *sheet = sheets.unused;
    if (sheet) {
        sheets.unused = sheet->next;
        sheet->next = NULL;
    } else {
        if (sheets.fresh_left == 0) {
            sheets.fresh = map_memory(256 * sizeof *sheet);
            if (!sheets.fresh) return NULL;
            sheets.fresh_left = 256;
        }
        sheet = &sheets.fresh[--sheets.fresh_left];
    }
    if (!of->stretch) sheets.used++;
    *of = (struct sheet_of){stretch, sheet, 0};
    return of;
}

static inline uint32_t place_in(uintptr_t address) { return (uint32_t)(address >> PLACE_SHIFT) & (PLACES - 1); }
static inline uintptr_t stretch_in(uintptr_t address) { return address >> PLACE_SHIFT >> 7; }
static inline uint32_t begins_in(uintptr_t address) { return (uint32_t)(address >> (SHIFT - 1)) & 3; }

/* Whether it can have a place on a sheet. */
static inline int is_small(uintptr_t address, size_t size) {
    return size < SMALL && (address & ((1u << (SHIFT - 1)) - 1)) == 0;
}

static inline struct counts *counts_of(uint32_t node) {
    struct counts *of = tree.counts[node / COUNTS_OF_CHUNK];
    if (UNLIKELY(!of)) return NULL;
    of += node % COUNTS_OF_CHUNK;
    if (UNLIKELY(!of->is_changed)) {
        if (tree.changed_used == tree.changed_size) {
            uint32_t size = tree.changed_size ? tree.changed_size * 2 : 4096;
            uint32_t *changed = map_memory(size * sizeof *changed);
            if (!changed) return of;
            if (tree.changed) {
                memcpy(changed, tree.changed, tree.changed_used * sizeof *changed);
                munmap(tree.changed, tree.changed_size * sizeof *changed);
            }
            tree.changed = changed;
            tree.changed_size = size;
        }
        tree.changed[tree.changed_used++] = node;
        of->is_changed = 1;
    }
    return of;
}

static void block_ends(uint32_t node, size_t size) {
    struct counts *c = counts_of(node);
    if (!c) return;
    c->blocks--;
    c->bytes -= size;
}

/* Takes a block out, and says what it was; `node` is 0 if there was none. */
static struct block summary_free(uintptr_t address) {
    struct block was = {0, 0, 0};
    if (LIKELY(sheets.size != 0)) {
        struct sheet_of *of = sheet_at(stretch_in(address));
        uint32_t *place = of->sheet ? &of->sheet->place[place_in(address)] : NULL;
        if (place && *place && (*place & 3) == begins_in(address)) {
            was = (struct block){address, *place >> 10, *place >> 2 & (SMALL - 1)};
            *place = 0;
            if (--of->used == 0) {
                of->sheet->next = sheets.unused;
                sheets.unused = of->sheet;
                of->sheet = NULL;
            }
            block_ends(was.node, was.size);
            return was;
        }
    }
    uint64_t hash = address_hash(address);
    struct part *p = &parts[hash >> 58];
    if (!*in_parts_of(hash) || !p->slots) return was;
    uint32_t at = home_of(p, hash);
    while (p->slots[at].address != address) {
        if (!p->slots[at].address) return was;
        if (++at == p->size) at = 0;
    }
    was = (struct block){address, p->slots[at].node, p->slots[at].size};
    if (UNLIKELY(was.size == HUGE)) was.size = take_huge(address);
    block_ends(was.node, was.size);
    /* What stands behind moves up, so that no gap cuts it off from its place. */
    uint32_t gap = at;
    for (;;) {
        if (++at == p->size) at = 0;
        if (!p->slots[at].address) break;
        uint32_t home = home_of(p, address_hash(p->slots[at].address));
        uint32_t from_home = at >= home ? at - home : at + p->size - home;
        uint32_t from_gap = at >= gap ? at - gap : at + p->size - gap;
        if (from_home >= from_gap) {
            p->slots[gap] = p->slots[at];
            gap = at;
        }
    }
    p->slots[gap].address = 0;
    p->used--;
    if (*in_parts_of(hash) < 255) --*in_parts_of(hash);
    return was;
}

/* A block at an address that holds none: of one whose free was not seen, the caller has taken leave. */
static int summary_put(uintptr_t address, size_t size, uint32_t node) {
    if (is_small(address, size)) {
        struct sheet_of *of = sheet_for(stretch_in(address));
        uint32_t *place = of ? &of->sheet->place[place_in(address)] : NULL;
        if (LIKELY(place && *place == 0)) {
            *place = node << 10 | (uint32_t)size << 2 | begins_in(address);
            of->used++;
            return 1;
        }
    }
    uint64_t hash = address_hash(address);
    struct part *p = &parts[hash >> 58];
    if (p->used >= p->size - p->size / 4 || !p->slots)
        if (!grow_part(p)) return 0;
    uint32_t at = home_of(p, hash);
    while (p->slots[at].address)
        if (++at == p->size) at = 0;
    if (UNLIKELY(size >= HUGE) && !put_huge(address, size)) return 0;
    p->slots[at] = (struct slot){address, node, size < HUGE ? (uint32_t)size : HUGE};
    p->used++;
    if (*in_parts_of(hash) < 255) ++*in_parts_of(hash);
    return 1;
}

/* Most blocks are small and come to a place that is empty, on a sheet that is there. */
static inline int summary_put_small(uintptr_t address, size_t size, uint32_t node) {
    if (!is_small(address, size) || UNLIKELY(!sheets.size)) return 0;
    struct sheet_of *of = sheet_at(stretch_in(address));
    if (UNLIKELY(!of->sheet)) return 0;
    uint32_t *place = &of->sheet->place[place_in(address)];
    if (UNLIKELY(*place || *in_parts_of(address_hash(address)))) return 0;
    *place = node << 10 | (uint32_t)size << 2 | begins_in(address);
    of->used++;
    return 1;
}

static void summary_alloc(uintptr_t address, size_t size, uint32_t node) {
    if (!summary_put_small(address, size, node)) {
        summary_free(address); /* what is there no more, though its free was not seen */
        if (!summary_put(address, size, node)) return stop_recording(STOP_MEMORY);
    }
    struct counts *c = counts_of(node);
    if (!c) return;
    c->blocks++;
    c->bytes += size;
    c->allocations++;
}

/* Frees of blocks whose allocation was not seen: with many of these, something allocates past us. */
static struct {
    uint64_t count, told;
} unknown_frees;

#define MANY_UNKNOWN 100

static COLD void tell_unknown_frees(void) {
    char text[24];
    put_fact("unknown-frees", text, (size_t)(put_number(text, unknown_frees.count) - text));
    unknown_frees.told = unknown_frees.count;
}

static struct block summary_release(uintptr_t address) {
    struct block was = summary_free(address);
    if (UNLIKELY(was.node == 0 && was.address == 0) && ++unknown_frees.count == MANY_UNKNOWN) tell_unknown_frees();
    return was;
}

/* Writes the counts that have changed since the last time. */
static COLD void summary_step(uint64_t us) {
    put_time(us);
    for (uint32_t i = 0; i < tree.changed_used; i++) {
        uint32_t node = tree.changed[i];
        struct counts *c = &tree.counts[node / COUNTS_OF_CHUNK][node % COUNTS_OF_CHUNK];
        make_room(ROOM);
        put_other(O_COUNTS);
        put(node);
        put(c->blocks);
        put(c->bytes);
        put(c->allocations);
        c->is_changed = 0;
    }
    tree.changed_used = 0;
    if (unknown_frees.count >= MANY_UNKNOWN && unknown_frees.count != unknown_frees.told) tell_unknown_frees();
    make_room(ROOM);
    put_other(O_STEP);
    is_whole();
    flush_block();
    rec.step_us = rec.time_us;
}

/* ---- events ------------------------------------------------------------------------------------------ */

static INLINE void begin_event(const struct thread *t) {
    make_room(ROOM);
    keep_time();
    uint32_t number = t ? t->number : 0;
    if (UNLIKELY(rec.thread != number)) {
        rec.thread = number;
        put_other(O_THREAD);
        put(number);
    }
    rec.events++;
}

static INLINE uint64_t step_to(uintptr_t address) {
    if (UNLIKELY(address & ((1u << SHIFT) - 1))) {
        put_other(O_ODD);
        put_byte((unsigned)(address & ((1u << SHIFT) - 1)));
    }
    uintptr_t unit = address >> SHIFT;
    uint64_t step = zigzag((intptr_t)(unit - rec.last));
    rec.last = unit;
    return step;
}

/* The first byte of an event, and behind it the rest of its step. Most of these take none to four bytes, but how many no
 * processor can guess: so they are written without a branch. */
static inline unsigned char *put_first(unsigned char *at, unsigned first, uint64_t rest) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (LIKELY(rest < 1u << 28)) {
        uint32_t n = (uint32_t)rest, bits = 31 - (uint32_t)__builtin_clz(n << 1 | 1);
        uint32_t more = (bits * 9 + 63) / 64; /* as bits / 7, rounded up */
        uint64_t bytes = (n & 0x7f) | (n & 0x3f80) << 1 | (n & 0x1fc000) << 2 | (uint64_t)(n & 0xfe00000) << 3;
        bytes = bytes << 8 | first | (0x80808080u & (((uint64_t)1 << 8 * more) - 1));
        memcpy(at, &bytes, sizeof bytes);
        return at + 1 + more;
    }
#endif
    *at++ = (unsigned char)(first | (rest ? 128u : 0));
    for (; rest >= 128; rest >>= 7) *at++ = (unsigned char)((rest & 127) | 128);
    if (rest) *at++ = (unsigned char)rest;
    return at;
}

static INLINE void put_alloc_event(struct thread *t, unsigned kind, uintptr_t address, size_t size, uint32_t node) {
    begin_event(t);
    uint64_t step = step_to(address);
    uint32_t slot = (node * 0x9e3779b1u ^ (uint32_t)size * 0x85ebca6bu) >> 24;
    uint32_t is_hit = rec.pair_node[slot] == node && rec.pair_size[slot] == size;
    unsigned char *from = rec.data + rec.length;
    unsigned char *at = put_first(from, kind | is_hit << 3 | (unsigned)(step & 7) << 4, step >> 3);
    *at = (unsigned char)slot;
    rec.length += (uint32_t)(at - from) + is_hit;
    if (UNLIKELY(!is_hit)) {
        rec.pair_node[slot] = node;
        rec.pair_size[slot] = size;
        put(node);
        put(size);
    }
    is_whole();
}

static INLINE void put_free_event(struct thread *t, unsigned kind, uintptr_t address) {
    begin_event(t);
    uint64_t step = step_to(address);
    unsigned char *from = rec.data + rec.length;
    rec.length += (uint32_t)(put_first(from, kind | (unsigned)(step & 15) << 3, step >> 4) - from);
    is_whole();
}

static inline void put_alloc(struct thread *t, unsigned kind, uintptr_t address, size_t size, uint32_t node) {
    if (rec.mode == MODE_SUMMARY) {
        keep_rough_time();
        summary_alloc(address, size, node);
    } else put_alloc_event(t, kind, address, size, node);
}

static inline void put_free(struct thread *t, unsigned kind, uintptr_t address) {
    if (rec.mode == MODE_SUMMARY) {
        keep_rough_time();
        summary_release(address);
    } else put_free_event(t, kind, address);
}

static void put_failed(struct thread *t, unsigned what, size_t size, uint32_t node) {
    begin_event(t);
    put_other(what);
    put(node);
    put(size);
    is_whole();
}

/* ---- beginning and end ------------------------------------------------------------------------------- */

static COLD void new_file_of_child(void);

/* What was allocated before there was an environment to say where the log goes. */
static struct {
    uintptr_t address, pc;
    size_t size;
} early[512];
static uint32_t early_used;

static volatile int has_seen_malloc;

/* A program that has a malloc of its own calls that, and not the one here, unless its own goes on to it. */
static COLD void note_malloc(void) {
    lock();
    if (rec.state == 1 && !has_seen_malloc) put_fact("allocates-by", "malloc", 6);
    has_seen_malloc = 1;
    rec.is_plain = rec.mode != MODE_SUMMARY;
    unlock();
}

static COLD void put_file_facts(void) {
    static char text[4096]; /* of one thread at a time; the stack can be small */
    struct utsname u;
    int fd = open_file("/proc/self/cmdline", O_RDONLY, 0);
    if (fd >= 0) {
        long n = syscall(SYS_read, fd, text, sizeof text);
        syscall(SYS_close, fd);
        if (n > 0) put_fact("command", text, (size_t)n);
    }
    long n = syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", text, sizeof text);
    if (n > 0) put_fact("program", text, (size_t)n);
    if (uname(&u) == 0) {
        put_fact("kernel", u.release, text_length(u.release));
        put_fact("host", u.nodename, text_length(u.nodename));
    }
#if defined(__GLIBC__)
    const char *(*version)(void) = (const char *(*)(void))dlsym(RTLD_DEFAULT, "gnu_get_libc_version");
    if (version) put_fact("glibc", version(), text_length(version()));
#endif
    const char *ways[] = {rules.table ? "table" : "call-frame information", "frame pointers", "libgcc", "caller only"};
    const char *way = ways[rec.mode == MODE_CALLERS ? UNWIND_NOT : rec.unwind];
    put_fact("unwind", way, text_length(way));
}

static COLD int make_window(void) {
    size_t head = PAGE + WINDOW_SIZE;
    static const char zeros[PAGE];
    for (size_t at = 0; at < head; at += PAGE)
        if (write_at(rec.fd, zeros, PAGE, at) != PAGE) return 0;
    void *p = mmap(NULL, head, PROT_READ | PROT_WRITE, MAP_SHARED, rec.fd, 0);
    if (p == MAP_FAILED) return 0;
    rec.header = p;
    rec.block = (struct block_header *)((char *)p + PAGE);
    return 1;
}

static COLD void fill_header(int has_window) {
    struct timespec real;
    struct file_header *h = rec.header;
    clock_gettime(CLOCK_REALTIME, &real);
    rec.start_ns = now_ns();
    memcpy(h->magic, "MTDREC1\n", 8);
    h->byte_order = 0x01020304;
    h->version = FORMAT_VERSION;
    h->machine = MACHINE;
    h->word = sizeof(void *);
    h->shift = SHIFT;
    h->mode = (uint8_t)rec.mode;
    h->depth = (uint8_t)(rec.mode == MODE_CALLERS ? 1 : rec.depth);
    h->pid = (uint32_t)getpid();
    h->window = has_window ? PAGE : 0;
    h->window_size = has_window ? WINDOW_SIZE : 0;
    h->first_block = has_window ? PAGE + WINDOW_SIZE : HEADER_SIZE;
    h->length = 0;
    h->at = rec.at = h->first_block;
    h->started_realtime = (uint64_t)real.tv_sec * 1000000000u + (uint64_t)real.tv_nsec;
    h->started_monotonic = rec.start_ns;
    h->stopped = h->lost = h->unfollowed = 0;
}

/* Opens the log. A name that is taken already gets a number: a program that runs another one keeps its id. */
static COLD int open_log(void) {
    char *out = rec.path, *end = rec.path + sizeof rec.path - 40;
    const char *p = rec.pattern;
    if (*p != '/') {
        /* The program may go elsewhere before the file has to be found again. */
        long n = syscall(SYS_getcwd, out, sizeof rec.path - 64);
        if (n > 1) {
            out += n - 1;
            *out++ = '/';
        }
    }
    for (; *p && out < end; p++) {
        if (p[0] == '%' && p[1] == 'p') {
            out = put_number(out, (uint64_t)getpid());
            p++;
        } else *out++ = *p;
    }
    *out = 0;
    struct stat s;
    int is_there = stat(rec.path, &s) == 0;
    rec.is_pipe = is_there && !S_ISREG(s.st_mode);
    int fd = -1;
    if (rec.is_pipe) fd = open_file(rec.path, O_WRONLY, 0);
    else {
        for (uint64_t n = 1; n < 1000; n++) {
            fd = open_file(rec.path, O_RDWR | O_CREAT | O_EXCL, 0644);
            if (fd >= 0 || errno != EEXIST) break;
            char *tail = out;
            *tail++ = '.';
            tail = put_number(tail, n);
            *tail = 0;
        }
    }
    if (fd < 0) {
        complain("the log cannot be written; nothing is recorded", rec.path);
        return 0;
    }
    rec.fd = keep_high(fd);
    if (fstat(rec.fd, &s) != 0) return 0;
    rec.inode = s.st_ino;
    rec.device = s.st_dev;
    int has_window = !rec.is_pipe && make_window();
    if (!has_window) {
        rec.header = &rec.own_header;
        rec.block = map_memory(WINDOW_SIZE);
        if (!rec.block) return 0;
    }
    rec.data = (unsigned char *)(rec.block + 1);
    fill_header(has_window);
    rec.time_us = rec.flushed_us = rec.step_us = rec.looked_us = rec.events = 0;
    rec.thread = 0;
    prepare_clock();
    rec.state = 1;
    if (!has_window && !write_all(rec.header, HEADER_SIZE, 0)) {
        complain("the log cannot be written; nothing is recorded", rec.path);
        return 0;
    }
    begin_block();
    return 1;
}

static int same_text(const char *a, const char *b) { return a && strcmp(a, b) == 0; }

static COLD void before_fork(void) {
    is_inside++;
    module_lock();
    lock();
}

static COLD void after_fork_in_parent(void) {
    unlock();
    module_unlock();
    is_inside--;
}

static COLD void go_on_in_child(void) {
    lock_word = 0;
    module_lock_word = 0;
    if (fork_guard) *fork_guard = 1;
    new_file_of_child();
}

static COLD void after_fork_in_child(void) {
    go_on_in_child();
    is_inside--;
}

/* A child that was made without fork(), as by clone(). */
static COLD void after_other_fork(void) {
    is_inside++;
    go_on_in_child();
    is_inside--;
}

static void forget_blocks(void) {
    /* Sheets that were in use are lost to the child: it would take as long to collect them as to get new ones. */
    if (sheets.all) munmap(sheets.all, sheets.size * sizeof *sheets.all);
    memset(&sheets, 0, sizeof sheets);
    if (huge.all) munmap(huge.all, huge.room * sizeof *huge.all);
    memset(&huge, 0, sizeof huge);
    memset(&unknown_frees, 0, sizeof unknown_frees);
    for (int i = 0; i < PARTS; i++) {
        if (parts[i].slots) munmap(parts[i].slots, parts[i].size * sizeof(struct slot));
        parts[i] = (struct part){NULL, 0, 0};
    }
    memset(in_parts, 0, sizeof in_parts);
}

/* A forked child goes on in a log of its own. The parent's window is left alone. Where the child can have no log, as it may
 * be another user by now, nobody but the parent's log can say that it is not recorded. */
static COLD void new_file_of_child(void) {
    uint32_t parent = rec.header ? rec.header->pid : 0;
    struct file_header *of_parent = rec.header == &rec.own_header ? NULL : rec.header;
    char text[24];
    if (rec.state != 1) return;
    leave_window();
    syscall(SYS_close, rec.fd);
    tree.used = tree.first = FIRST_NODE;
    tree.generation++;
    if (tree.heads) memset(tree.heads, 0, tree.heads_size * sizeof *tree.heads);
    tree.changed_used = 0;
    has_seen_malloc = rec.is_plain = 0;
    forget_blocks();
    for (unsigned i = 0; i < MOST_NODES / COUNTS_OF_CHUNK; i++) {
        /* They may be the parent's file. */
        if (tree.counts[i]) munmap(tree.counts[i], COUNTS_OF_CHUNK * sizeof(struct counts));
        tree.counts[i] = NULL;
    }
    modules.used = 0;
    if (this_thread) {
        this_thread->count = 0;
        this_thread->number = 0;
    }
    threads = 1;
    int is_open = open_log();
    if (of_parent) {
        if (!is_open) __sync_fetch_and_add(&of_parent->unfollowed, 1);
        munmap(of_parent, PAGE + WINDOW_SIZE);
    }
    if (!is_open) {
        rec.state = 2;
        return;
    }
    put_fact("forked-from", text, (size_t)(put_number(text, parent) - text));
    put_file_facts();
    read_modules();
    drop_rules();
}

extern char **environ;

#ifndef MTRACE_RECORDER_WRAP
static COLD void find_exec(void);

/* What a program needs in its environment to be recorded, each as `NAME=value`; the first is LD_PRELOAD. A copy, as
 * some programs write over their environment. */
#define MOST_SETTINGS 8
static struct {
    char *all[MOST_SETTINGS];
    unsigned count; /* 0: this was not preloaded, and nothing is handed on */
    char *own_path; /* what names this file in LD_PRELOAD */
    size_t own_path_size;
} settings;

static const char *base_of(const char *path, size_t size) {
    const char *base = path;
    for (size_t i = 0; i < size; i++)
        if (path[i] == '/') base = path + i + 1;
    return base;
}

/* The part of a list, as LD_PRELOAD is one, that is `wanted`, or is called so behind its directory. */
static const char *part_of(const char *list, const char *wanted, size_t size, int by_base, size_t *part_size) {
    for (const char *s = list; *s;) {
        const char *begin = s;
        while (*s && *s != ':' && *s != ' ') s++;
        const char *from = by_base ? base_of(begin, (size_t)(s - begin)) : begin;
        *part_size = (size_t)(s - begin);
        if ((size_t)(s - from) == size && memcmp(from, wanted, size) == 0) return begin;
        if (*s) s++;
    }
    return NULL;
}

static COLD void keep_settings(void) {
    static const char *const names[MOST_SETTINGS] = {
        "LD_PRELOAD", "MTRACE_RECORDER", "MTRACE_RECORDER_MODE", "MTRACE_RECORDER_DEPTH", "MTRACE_RECORDER_TABLE",
        "MTRACE_RECORDER_UNWIND", "MTRACE_RECORDER_EVERY", "MTRACE_RECORDER_MAX"};
    Dl_info own;
    size_t size = 0, library_size = 0;
    const char *preload = getenv(names[0]), *library = NULL;
    if (preload && dladdr(&settings, &own) && own.dli_fname) {
        const char *base = base_of(own.dli_fname, text_length(own.dli_fname));
        library = part_of(preload, base, text_length(base), 1, &library_size);
    }
    if (!library) return;
    for (unsigned i = 0; i < MOST_SETTINGS; i++) {
        const char *value = getenv(names[i]);
        if (value) size += text_length(names[i]) + text_length(value) + 2;
    }
    char *out = map_memory(size);
    if (!out) return;
    for (unsigned i = 0; i < MOST_SETTINGS; i++) {
        const char *value = getenv(names[i]);
        if (!value) continue;
        size_t name = text_length(names[i]), all = text_length(value) + 1;
        settings.all[settings.count++] = out;
        if (i == 0) settings.own_path = out + name + 1 + (library - preload);
        memcpy(out, names[i], name);
        out[name] = '=';
        memcpy(out + name + 1, value, all);
        out += name + 1 + all;
    }
    settings.own_path_size = library_size;
}
#endif

static COLD void begin(void) {
    if (!environ) return; /* too early */
    is_inside++;
#ifdef MTRACE_RECORDER_WRAP
    if (&__libc_single_threaded) is_alone = &__libc_single_threaded;
#endif
    lock();
    if (rec.state != 0) goto out;
    rec.state = 2;
    const char *pattern = getenv("MTRACE_RECORDER"), *mode = getenv("MTRACE_RECORDER_MODE");
    if (!pattern || !*pattern || text_length(pattern) >= sizeof rec.pattern - 64) goto out;
    memcpy(rec.pattern, pattern, text_length(pattern) + 1);
#ifndef MTRACE_RECORDER_WRAP
    keep_settings();
    find_exec();
#endif
    rec.mode = same_text(mode, "summary") ? MODE_SUMMARY : same_text(mode, "callers") ? MODE_CALLERS : MODE_EVENTS;
    uint64_t depth = number_of(getenv("MTRACE_RECORDER_DEPTH"), 64);
    rec.depth = depth < 1 ? 1 : depth > 255 ? 255 : (int)depth;
    rec.limit = number_of(getenv("MTRACE_RECORDER_MAX"), 0) << 20;
    rec.every_us = number_of(getenv("MTRACE_RECORDER_EVERY"), 10) * 1000000u;
    const char *table = getenv("MTRACE_RECORDER_TABLE"), *unwind = getenv("MTRACE_RECORDER_UNWIND");
    if (table && *table) open_table(table);
    if (rec.mode == MODE_CALLERS) rec.unwind = UNWIND_NOT;
    else if (same_text(unwind, "frame-pointer") && HAS_A) rec.unwind = UNWIND_FRAME_POINTER;
#if defined(__arm__)
    /* Without a table there is only what the program carries for exceptions. */
    else if (same_text(unwind, "libgcc") || !rules.table) rec.unwind = UNWIND_LIBGCC;
#else
    else if (same_text(unwind, "libgcc")) rec.unwind = UNWIND_LIBGCC;
#endif
    if (rec.unwind == UNWIND_LIBGCC) {
        libgcc_backtrace = (int (*)(unwind_step, void *))dlsym(RTLD_DEFAULT, "_Unwind_Backtrace");
        libgcc_ip = (uintptr_t (*)(struct unwind_context *))dlsym(RTLD_DEFAULT, "_Unwind_GetIP");
#if defined(__arm__)
        libgcc_get = (int (*)(struct unwind_context *, int, uint32_t, int, void *))dlsym(RTLD_DEFAULT, "_Unwind_VRS_Get");
        if (!libgcc_get) libgcc_backtrace = NULL;
#else
        if (!libgcc_ip) libgcc_backtrace = NULL;
#endif
        if (!libgcc_backtrace) rec.unwind = UNWIND_NOT;
    }
    unsigned char *guard = map_memory(PAGE);
#ifdef MADV_WIPEONFORK
    if (guard && madvise(guard, PAGE, MADV_WIPEONFORK) == 0) {
        *guard = 1;
        fork_guard = guard;
    }
#endif
    static unsigned char no_guard = 1;
    if (!fork_guard) fork_guard = &no_guard;
    /* Before the recording is on: musl's allocate here, and that is no event of the program that was lost. */
    if (pthread_key_create && pthread_setspecific) has_thread_key = pthread_key_create(&thread_key, thread_ends) == 0;
    if (__register_atfork) __register_atfork(before_fork, after_fork_in_parent, after_fork_in_child, NULL);
    else if (pthread_atfork) pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    rec.state = 1;
    if (!open_log()) {
        rec.state = 2;
        goto out;
    }
    put_file_facts();
    drop_rules();
    read_modules();
    struct thread *t = map_memory(sizeof *t);
    if (t) {
        t->number = threads++;
        this_thread = t;
        if (has_thread_key) pthread_setspecific(thread_key, t);
    }
    for (uint32_t i = 0; i < early_used; i++)
        put_alloc(t, ALLOC, early[i].address, early[i].size, node_of(ROOT_CALLER, early[i].pc));
out:
    unlock();
    is_inside--;
}

__attribute__((constructor)) static void on_start(void) {
    if (rec.state == 0) begin();
}

__attribute__((destructor)) static void on_exit_(void) {
    is_inside++;
    lock();
    if (rec.state == 1) {
        make_room(ROOM);
        look_at_clock();
        if (rec.mode == MODE_SUMMARY) summary_step(rec.looked_us);
        put_other(O_END);
        put(0);
        is_whole();
        flush_block();
    }
    unlock();
    is_inside--;
}

/* ---- the functions that programs call ---------------------------------------------------------------- */

/* WRAPPED: malloc calloc realloc reallocarray free cfree memalign aligned_alloc posix_memalign valloc pvalloc */
#ifdef MTRACE_RECORDER_WRAP
#define NAME(f) __wrap_##f
extern void *__real_malloc(size_t), *__real_calloc(size_t, size_t), *__real_realloc(void *, size_t);
extern void *__real_memalign(size_t, size_t);
extern void __real_free(void *);
#define real_malloc __real_malloc
#define real_calloc __real_calloc
#define real_realloc __real_realloc
#define real_memalign __real_memalign
#define real_free __real_free
#define is_resolved() 1
static inline void resolve(void) {}
static inline int is_in_pool(const void *p) { (void)p; return 0; }
static inline void *from_pool(size_t size) { (void)size; return NULL; }
static inline size_t pool_size_of(const void *p) { (void)p; return 0; }
#else
#define NAME(f) f
static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void *(*real_memalign)(size_t, size_t);
static void (*real_free)(void *);
static volatile int is_resolving;
#define is_resolved() (real_free != NULL)

/* dlsym itself may ask for memory; it gets some of this, and never gives it back. */
static char pool[32768] __attribute__((aligned(16)));
static size_t pool_used;

static int is_in_pool(const void *p) { return (const char *)p >= pool && (const char *)p < pool + sizeof pool; }

static void *from_pool(size_t size) {
    size_t whole = ((size + 15) & ~(size_t)15) + 16;
    size_t at = __sync_fetch_and_add(&pool_used, whole);
    if (whole < size || at + whole > sizeof pool) return NULL;
    *(size_t *)(pool + at) = size;
    return pool + at + 16;
}

static size_t pool_size_of(const void *p) { return *(const size_t *)((const char *)p - 16); }

static COLD void resolve(void) {
    if (is_resolving) return;
    is_resolving = 1;
    real_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    real_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    real_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    real_memalign = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "memalign");
    __atomic_store_n(&real_free, (void (*)(void *))dlsym(RTLD_NEXT, "free"), __ATOMIC_RELEASE);
    const char *alone = dlsym(RTLD_DEFAULT, "__libc_single_threaded");
    if (alone) is_alone = alone;
    is_resolving = 0;
}
#endif

/* An event that comes while the thread is in here is lost: a signal handler's. But uClibc's allocator calls itself, in
 * functions of some hundred instructions, and that is no event of the program. */
static COLD void lose_event(uintptr_t from) {
    const uintptr_t of_allocator[] = {(uintptr_t)real_malloc, (uintptr_t)real_calloc, (uintptr_t)real_realloc,
                                      (uintptr_t)real_memalign};
    for (size_t i = 0; i < sizeof of_allocator / sizeof *of_allocator; i++)
        if (from - of_allocator[i] < 2560) return;
    __sync_fetch_and_add(&rec.own_header.lost, 1);
    if (rec.header) rec.header->lost = rec.own_header.lost;
}

/* Whether an event of this thread is to be recorded now. */
static inline int is_on(uintptr_t from) {
    if (LIKELY(rec.state == 1)) {
        if (LIKELY(!is_inside)) {
            if (LIKELY(*fork_guard)) return 1;
            after_other_fork();
            return rec.state == 1;
        }
        lose_event(from);
    }
    return 0;
}

static inline struct thread *own_thread(void) {
    struct thread *t = this_thread;
    return LIKELY(t != NULL) ? t : new_thread();
}

static void note_early(void *p, size_t size, const struct regs *from) {
    if (rec.state != 0 || !p || is_inside) return;
    uint32_t at = __sync_fetch_and_add(&early_used, 1);
    if (at >= 512) {
        early_used = 512;
        return;
    }
    early[at].address = (uintptr_t)p;
    early[at].size = size;
    early[at].pc = from->pc;
}

static void forget_early(const void *p) {
    for (uint32_t i = 0; i < early_used && rec.state == 0; i++) {
        if (early[i].address != (uintptr_t)p) continue;
        early[i] = early[--early_used];
        return;
    }
}

/* Where a `new` called malloc, its caller is the one to name; with stacks it is the next frame anyway. */
static inline struct regs caller_of(const struct regs *from) {
    struct regs r = *from;
    if (UNLIKELY(new_caller)) {
        r.pc = new_caller;
        new_caller = 0;
    }
    return r;
}

static INLINE void after_alloc(struct thread *t, unsigned kind, void *p, size_t size, const struct regs *from) {
    lock();
    if (LIKELY(rec.state == 1)) {
        uint32_t node = stack_node(t, from);
        if (LIKELY(p != NULL)) put_alloc(t, kind, (uintptr_t)p, size, node);
        else if (rec.mode != MODE_SUMMARY) put_failed(t, kind == ALLOC ? O_FAILED : O_REALLOC_FAILED, size, node);
    }
    unlock();
}

enum how { BY_MALLOC, BY_CALLOC, BY_MEMALIGN };

static void *call_real(enum how how, size_t a, size_t b) {
    switch (how) {
    case BY_MALLOC: return real_malloc(a);
    case BY_CALLOC: return real_calloc(a, b);
    default: return real_memalign(a, b);
    }
}

static inline void *allocate(enum how how, size_t a, size_t b, size_t size, const struct regs *from) {
    if (UNLIKELY(!is_resolved())) {
        resolve();
        if (!is_resolved()) {
            void *p = from_pool(size); /* which holds zeros */
            if (!p) errno = ENOMEM;
            return p;
        }
    }
    if (UNLIKELY(rec.state == 0) && !is_inside) begin();
    if (UNLIKELY(!is_on(from->pc))) {
        void *p = call_real(how, a, b);
        if (UNLIKELY(rec.state == 0)) note_early(p, size, from);
        return p;
    }
    is_inside = 1;
    if (UNLIKELY(!has_seen_malloc) && how != BY_MEMALIGN) note_malloc();
    struct regs caller = caller_of(from);
    struct thread *t = own_thread();
    void *p;
    if (UNLIKELY(!t)) p = call_real(how, a, b);
    else {
        take_stack(t, &caller);
        p = call_real(how, a, b);
        int kept = errno;
        after_alloc(t, ALLOC, p, size, &caller);
        errno = kept;
    }
    is_inside = 0;
    return p;
}

static inline void *reallocate(void *old, size_t size, const struct regs *from) {
    if (UNLIKELY(is_in_pool(old))) {
        void *p = allocate(BY_MALLOC, size, 0, size, from);
        if (p) memcpy(p, old, pool_size_of(old) < size ? pool_size_of(old) : size);
        return p;
    }
    if (!old) {
        if (UNLIKELY(!is_resolved())) return allocate(BY_MALLOC, size, 0, size, from);
    }
    if (UNLIKELY(rec.state == 0) && !is_inside) begin();
    if (UNLIKELY(!is_on(from->pc))) {
        if (UNLIKELY(rec.state == 0) && old) forget_early(old);
        void *p = real_realloc(old, size);
        if (UNLIKELY(rec.state == 0)) note_early(p, size, from);
        return p;
    }
    is_inside = 1;
    struct regs caller = caller_of(from);
    struct thread *t = own_thread();
    void *p;
    int is_move = old && size > 0; /* without a size it is a free, and an allocation if something comes back */
    if (UNLIKELY(!t)) p = real_realloc(old, size);
    else {
        take_stack(t, &caller);
        if (old && rec.mode != MODE_SUMMARY) {
            lock();
            if (rec.state == 1) put_free(t, is_move ? REALLOC_BEGIN : FREE, (uintptr_t)old);
            unlock();
        }
        struct block before = {0, 0, 0};
        if (old && rec.mode == MODE_SUMMARY) {
            /* Taken out before another thread can get the address; put back if nothing came of it. */
            lock();
            before = summary_release((uintptr_t)old);
            unlock();
        }
        p = real_realloc(old, size);
        int kept = errno;
        if (p || size > 0) after_alloc(t, is_move ? REALLOC : ALLOC, p, size, &caller);
        if (!p && size > 0 && before.address) {
            lock();
            summary_alloc(before.address, before.size, before.node);
            struct counts *c = counts_of(before.node);
            if (c) c->allocations--;
            unlock();
        }
        errno = kept;
    }
    is_inside = 0;
    return p;
}

static NOINLINE void release(void *p, uintptr_t from) {
    if (!p || is_in_pool(p)) return;
    if (UNLIKELY(!is_resolved())) {
        resolve();
        if (!is_resolved()) return;
    }
    if (LIKELY(is_on(from))) {
        is_inside = 1;
        int kept = errno;
        struct thread *t = own_thread();
        lock();
        if (LIKELY(rec.state == 1)) put_free(t, FREE, (uintptr_t)p);
        unlock();
        errno = kept;
        real_free(p);
        is_inside = 0;
        return;
    }
    if (UNLIKELY(rec.state == 0)) forget_early(p);
    real_free(p);
}

/* What most events need: the thread, if it is known and there is nothing else to be asked. */
static inline struct thread *plain_thread(void) {
    if (LIKELY(rec.state == 1 && rec.is_plain && !is_inside && !modules.is_stale && *fork_guard)) return this_thread;
    return NULL;
}

static NOINLINE void *any_malloc(size_t size, const struct regs *from) {
    return allocate(BY_MALLOC, size, 0, size, from);
}

static NOINLINE void *stack_malloc(struct thread *t, size_t size, const struct regs *from) {
    is_inside = 1;
    take_stack(t, from);
    void *p = real_malloc(size);
    int kept = errno;
    after_alloc(t, ALLOC, p, size, from);
    errno = kept;
    is_inside = 0;
    return p;
}

/* As `allocate` and `release` do it, in the order that takes least. What is seldom called from here keeps errno itself. */
static INLINE void *quick_malloc(size_t size, const struct regs *from) {
    struct thread *t = plain_thread();
    if (UNLIKELY(!t || rec.unwind != UNWIND_NOT || new_caller)) {
        struct regs copy = *from; /* so that the other way needs none in memory */
        return LIKELY(t && !new_caller) ? stack_malloc(t, size, &copy) : any_malloc(size, &copy);
    }
    is_inside = 1;
    void *p = real_malloc(size);
    lock();
    if (LIKELY(rec.state == 1)) {
        uint32_t node = caller_node(from->pc);
        if (LIKELY(p != NULL)) put_alloc_event(t, ALLOC, (uintptr_t)p, size, node);
        else put_failed(t, O_FAILED, size, node);
    }
    unlock();
    is_inside = 0;
    return p;
}

static INLINE void quick_free(void *p, uintptr_t from) {
    struct thread *t = plain_thread();
    if (UNLIKELY(!t || !p || is_in_pool(p))) return release(p, from);
    is_inside = 1;
    lock();
    if (LIKELY(rec.state == 1)) put_free_event(t, FREE, (uintptr_t)p);
    unlock();
    real_free(p);
    is_inside = 0;
}

static inline int multiplies(size_t a, size_t b, size_t *product) {
    *product = a * b;
    return b == 0 || *product / b == a;
}

static size_t page_size(void) {
    long size = sysconf(_SC_PAGESIZE);
    return size > 0 ? (size_t)size : PAGE;
}

static void *body_calloc(size_t n, size_t each, const struct regs *r) {
    size_t size;
    if (!multiplies(n, each, &size)) {
        errno = ENOMEM;
        return NULL;
    }
    return allocate(BY_CALLOC, n, each, size, r);
}

static void *body_realloc(void *p, size_t size, const struct regs *r) { return reallocate(p, size, r); }

static void *body_reallocarray(void *p, size_t n, size_t each, const struct regs *r) {
    size_t size;
    if (!multiplies(n, each, &size)) {
        errno = ENOMEM;
        return NULL;
    }
    return reallocate(p, size, r);
}

static void *body_memalign(size_t to, size_t size, const struct regs *r) {
    return allocate(BY_MEMALIGN, to, size, size, r);
}

static int body_posix_memalign(void **out, size_t to, size_t size, const struct regs *r) {
    if (to % sizeof(void *) || to == 0 || (to & (to - 1))) return EINVAL;
    int kept = errno;
    void *p = allocate(BY_MEMALIGN, to, size, size, r);
    errno = kept;
    if (!p) return ENOMEM;
    *out = p;
    return 0;
}

static void *body_valloc(size_t size, const struct regs *r) {
    return allocate(BY_MEMALIGN, page_size(), size, size, r);
}

static void *body_pvalloc(size_t size, const struct regs *r) {
    size_t page = page_size(), whole = (size + page - 1) & ~(page - 1);
    return allocate(BY_MEMALIGN, page, whole < size ? size : whole, size, r); /* counted as it was asked for */
}

#if defined(__arm__)
/* The compiler's own beginning of a function may use r7 and r11 before anything in C can read them. So these few
 * instructions save them, and give the place to a function in C as its fourth argument. */
struct saved {
    uintptr_t r7, r11, ip, lr;
};

static inline struct regs regs_of(const struct saved *s) {
    return (struct regs){(uintptr_t)(s + 1), s->lr, s->r7, s->r11};
}

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#ifdef __thumb__
#define FUNCTION_MODE ".thumb\n.thumb_func\n"
#else
#define FUNCTION_MODE ".arm\n"
#endif

#define ENTRY(name)                                                                          \
    __asm__(".text\n.balign 4\n.globl " TEXT(NAME(name)) "\n.type " TEXT(NAME(name)) ", %function\n" \
            FUNCTION_MODE TEXT(NAME(name)) ":\n"                                             \
            ".fnstart\n.save {r7, r11, ip, lr}\n"                                            \
            "push {r7, r11, ip, lr}\n"                                                       \
            "mov r3, sp\n"                                                                   \
            "bl mtrace_recorder_" #name "\n"                                                 \
            "pop {r7, r11, ip, pc}\n"                                                        \
            ".fnend\n.size " TEXT(NAME(name)) ", . - " TEXT(NAME(name)) "\n");

ENTRY(malloc)
ENTRY(calloc)
ENTRY(realloc)
ENTRY(reallocarray)
ENTRY(memalign)
ENTRY(aligned_alloc)
ENTRY(posix_memalign)
ENTRY(valloc)
ENTRY(pvalloc)

#define BODY(type, name, parameters, call)                               \
    HIDDEN type mtrace_recorder_##name parameters;                       \
    __attribute__((used)) HIDDEN type mtrace_recorder_##name parameters { \
        struct regs r = regs_of(s);                                      \
        return call;                                                     \
    }
#define UNUSED __attribute__((unused))
BODY(void *, malloc, (size_t a, size_t UNUSED b, size_t UNUSED c, struct saved *s), quick_malloc(a, &r))
BODY(void *, calloc, (size_t a, size_t b, size_t UNUSED c, struct saved *s), body_calloc(a, b, &r))
BODY(void *, realloc, (void *a, size_t b, size_t UNUSED c, struct saved *s), body_realloc(a, b, &r))
BODY(void *, reallocarray, (void *a, size_t b, size_t c, struct saved *s), body_reallocarray(a, b, c, &r))
BODY(void *, memalign, (size_t a, size_t b, size_t UNUSED c, struct saved *s), body_memalign(a, b, &r))
BODY(void *, aligned_alloc, (size_t a, size_t b, size_t UNUSED c, struct saved *s), body_memalign(a, b, &r))
BODY(int, posix_memalign, (void **a, size_t b, size_t c, struct saved *s), body_posix_memalign(a, b, c, &r))
BODY(void *, valloc, (size_t a, size_t UNUSED b, size_t UNUSED c, struct saved *s), body_valloc(a, &r))
BODY(void *, pvalloc, (size_t a, size_t UNUSED b, size_t UNUSED c, struct saved *s), body_pvalloc(a, &r))
#else
#define BODY(type, name, parameters, call)             \
    EXPORT type NAME(name) parameters;                 \
    NOINLINE EXPORT type NAME(name) parameters {       \
        struct regs r;                                 \
        CALLER(r);                                     \
        return call;                                   \
    }
BODY(void *, malloc, (size_t size), quick_malloc(size, &r))
BODY(void *, calloc, (size_t n, size_t each), body_calloc(n, each, &r))
BODY(void *, realloc, (void *p, size_t size), body_realloc(p, size, &r))
BODY(void *, reallocarray, (void *p, size_t n, size_t each), body_reallocarray(p, n, each, &r))
BODY(void *, memalign, (size_t to, size_t size), body_memalign(to, size, &r))
BODY(void *, aligned_alloc, (size_t to, size_t size), body_memalign(to, size, &r))
BODY(int, posix_memalign, (void **out, size_t to, size_t size), body_posix_memalign(out, to, size, &r))
BODY(void *, valloc, (size_t size), body_valloc(size, &r))
BODY(void *, pvalloc, (size_t size), body_pvalloc(size, &r))
#endif

EXPORT void NAME(free)(void *p);
EXPORT void NAME(free)(void *p) { quick_free(p, (uintptr_t)__builtin_return_address(0)); }
EXPORT void NAME(cfree)(void *p);
EXPORT void NAME(cfree)(void *p) { release(p, (uintptr_t)__builtin_return_address(0)); }

#ifndef MTRACE_RECORDER_WRAP
/* What was loaded at these addresses may be something else soon. */
EXPORT int dlclose(void *handle) {
    static int (*real_dlclose)(void *);
    if (!real_dlclose) real_dlclose = (int (*)(void *))dlsym(RTLD_NEXT, "dlclose");
    int result = real_dlclose ? real_dlclose(handle) : -1;
    modules.is_stale = 1;
    return result;
}

/* A program that ends by _exit runs no destructors. A child of vfork has its parent's memory but not its log, and a signal
 * handler may have come while the thread is in here. */
static COLD __attribute__((noreturn)) void end_at_once(int status) {
    if (rec.state == 1 && !is_inside && rec.header && (uint32_t)syscall(SYS_getpid) == rec.header->pid) on_exit_();
    for (;;) syscall(SYS_exit_group, status);
}

EXPORT __attribute__((noreturn)) void _exit(int status) { end_at_once(status); }
EXPORT __attribute__((noreturn)) void _Exit(int status) { end_at_once(status); }

/* The C++ library's own function. A plug-in that is loaded for itself alone brings the library along, and then only
 * the plug-in's own scope has it. The library stays loaded from then on, since it is called again. */
static COLD void *find_new(const char *symbol, void *caller) {
    static void *library;
    Dl_info place, own;
    void *found = dlsym(RTLD_NEXT, symbol);
    /* `new[]` in that library calls `new` here, so it is not always the plug-in that calls. */
    if (!found && library) found = dlsym(library, symbol);
    if (found || !dladdr(caller, &place) || !place.dli_fname) return found;
    if (dladdr(pool, &own) && own.dli_fbase == place.dli_fbase) return NULL;
    void *plugin = dlopen(place.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (!plugin) return NULL;
    found = dlsym(plugin, symbol);
    if (found && dladdr(found, &place) && place.dli_fname) library = dlopen(place.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    dlclose(plugin);
    return found;
}

/* `new`, only to know its caller where stacks are not walked. Elsewhere it is passed on, without a frame. */
#define NEW(symbol, parameters, arguments, otherwise)                                           \
    EXPORT void *symbol parameters;                                                             \
    EXPORT void *symbol parameters {                                                            \
        static void *(*real) parameters;                                                        \
        if (UNLIKELY(!real)) {                                                                  \
            uintptr_t kept = new_caller; /* looking for it can ask for memory */                \
            new_caller = 0;                                                                     \
            real = (void *(*)parameters)find_new(#symbol, __builtin_return_address(0));         \
            new_caller = kept;                                                                  \
            if (!real) return otherwise;                                                        \
        }                                                                                       \
        if (LIKELY(rec.unwind != UNWIND_NOT || rec.state != 1 || is_inside)) return real arguments; \
        if (!new_caller) new_caller = (uintptr_t)__builtin_return_address(0); /* or that of `new[]` */ \
        void *p = real arguments;                                                               \
        new_caller = 0;                                                                         \
        return p;                                                                               \
    }
#if defined(__LP64__)
NEW(_Znwm, (size_t n), (n), malloc(n))
NEW(_Znam, (size_t n), (n), malloc(n))
NEW(_ZnwmRKSt9nothrow_t, (size_t n, const void *x), (n, x), malloc(n))
NEW(_ZnamRKSt9nothrow_t, (size_t n, const void *x), (n, x), malloc(n))
NEW(_ZnwmSt11align_val_t, (size_t n, size_t to), (n, to), aligned_alloc(to, n))
NEW(_ZnamSt11align_val_t, (size_t n, size_t to), (n, to), aligned_alloc(to, n))
NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t n, size_t to, const void *x), (n, to, x), aligned_alloc(to, n))
NEW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t n, size_t to, const void *x), (n, to, x), aligned_alloc(to, n))
#else
NEW(_Znwj, (size_t n), (n), malloc(n))
NEW(_Znaj, (size_t n), (n), malloc(n))
NEW(_ZnwjRKSt9nothrow_t, (size_t n, const void *x), (n, x), malloc(n))
NEW(_ZnajRKSt9nothrow_t, (size_t n, const void *x), (n, x), malloc(n))
NEW(_ZnwjSt11align_val_t, (size_t n, size_t to), (n, to), aligned_alloc(to, n))
NEW(_ZnajSt11align_val_t, (size_t n, size_t to), (n, to), aligned_alloc(to, n))
NEW(_ZnwjSt11align_val_tRKSt9nothrow_t, (size_t n, size_t to, const void *x), (n, to, x), aligned_alloc(to, n))
NEW(_ZnajSt11align_val_tRKSt9nothrow_t, (size_t n, size_t to, const void *x), (n, to, x), aligned_alloc(to, n))
#endif
#endif

/* ---- programs that are started ----------------------------------------------------------------------- */

#ifndef MTRACE_RECORDER_WRAP
/* What starts a program puts the recorder into its environment, where that has no place for it, so that it is recorded, too.
 * And it is written down, since not every program takes a recorder: what left no recording of its own was not recorded.
 * Much of this runs in children of vfork(), which have the memory of their parent, and in handlers of signals. */
static struct {
    int (*execve)(const char *, char *const *, char *const *);
    int (*execvpe)(const char *, char *const *, char *const *);
    int (*execvp)(const char *, char *const *); /* of C libraries without the other one */
    int (*fexecve)(int, char *const *, char *const *);
    int (*execveat)(int, const char *, char *const *, char *const *, int);
    int (*posix_spawn)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const *,
                       char *const *);
    int (*posix_spawnp)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const *,
                        char *const *);
    int (*system)(const char *);
    FILE *(*popen)(const char *, const char *);
    volatile int is_found;
} real;

static COLD void find_exec(void) {
    if (real.is_found) return;
    *(void **)&real.execve = dlsym(RTLD_NEXT, "execve");
    *(void **)&real.execvpe = dlsym(RTLD_NEXT, "execvpe");
    if (!real.execvpe) *(void **)&real.execvp = dlsym(RTLD_NEXT, "execvp");
    *(void **)&real.fexecve = dlsym(RTLD_NEXT, "fexecve");
    *(void **)&real.execveat = dlsym(RTLD_NEXT, "execveat");
    *(void **)&real.posix_spawn = dlsym(RTLD_NEXT, "posix_spawn");
    *(void **)&real.posix_spawnp = dlsym(RTLD_NEXT, "posix_spawnp");
    *(void **)&real.system = dlsym(RTLD_NEXT, "system");
    *(void **)&real.popen = dlsym(RTLD_NEXT, "popen");
    real.is_found = 1;
}

/* The value of an entry of an environment, if the entry is of that name. */
static const char *value_in(const char *entry, const char *name, size_t size) {
    return strncmp(entry, name, size) == 0 && entry[size] == '=' ? entry + size + 1 : NULL;
}

static const char *value_of(char *const *envp, const char *name) {
    size_t size = text_length(name);
    for (; envp && *envp; envp++) {
        const char *value = value_in(*envp, name, size);
        if (value) return value;
    }
    return NULL;
}

/* An empty MTRACE_RECORDER says that a program is not to be recorded. */
static int is_switched_off(char *const *envp) {
    const char *pattern = value_of(envp, "MTRACE_RECORDER");
    return pattern && !*pattern;
}

static int has_library(char *const *envp) {
    const char *preload = value_of(envp, "LD_PRELOAD");
    size_t size;
    return preload && part_of(preload, settings.own_path, settings.own_path_size, 0, &size);
}

/* The most that an environment takes with the recorder's own entries; 0 where it is to stay as it is. */
static size_t room_for(char *const *envp, size_t *entries) {
    *entries = 0;
    if (settings.count == 0 || is_switched_off(envp)) return 0;
    while (envp && envp[*entries]) ++*entries;
    const char *preload = value_of(envp, "LD_PRELOAD");
    size_t text = sizeof "LD_PRELOAD=:" + settings.own_path_size + (preload ? text_length(preload) : 0);
    return (*entries + MOST_SETTINGS + 1) * sizeof *envp + text;
}

static char **fill_environment(void *room, char *const *envp, size_t entries) {
    char **all = room, **out = all, *text = (char *)room + (entries + MOST_SETTINGS + 1) * sizeof *all;
    const char *preload = value_of(envp, "LD_PRELOAD");
    int has_own = has_library(envp);
    for (size_t i = 0; i < entries; i++)
        if (has_own || !value_in(envp[i], "LD_PRELOAD", 10)) *out++ = envp[i];
    if (!has_own) {
        *out++ = text;
        memcpy(text, "LD_PRELOAD=", 11);
        memcpy(text += 11, settings.own_path, settings.own_path_size);
        text += settings.own_path_size;
        if (preload && *preload) *text++ = ':';
        else preload = "";
        memcpy(text, preload, text_length(preload) + 1);
    }
    for (unsigned i = 1; i < settings.count; i++) {
        size_t size = (size_t)(strchr(settings.all[i], '=') - settings.all[i]);
        int is_there = 0;
        for (size_t j = 0; j < entries && !is_there; j++) is_there = value_in(envp[j], settings.all[i], size) != NULL;
        if (!is_there) *out++ = settings.all[i];
    }
    *out = NULL;
    return all;
}

/* Writes down that this process goes on as a program, or that another one, `pid`, was started with it. A second time
 * without a path: nothing came of it. */
static COLD void note_program(pid_t pid, const char *path) {
    char text[1024], *out = text; /* some stacks are small */
    if (rec.state != 1 || is_inside) return;
    if (!*fork_guard) after_other_fork();
    is_inside++;
    int kept = errno;
    lock();
    /* What vfork() made has this memory, but files of its own, which it may have closed. */
    int fd = rec.fd;
    pid_t own = (pid_t)rec.header->pid, self = (pid_t)syscall(SYS_getpid);
    int has_room = rec.length + sizeof text + ROOM <= WINDOW_SIZE - sizeof(struct block_header);
    if (rec.state == 1 && (self == own || has_room || is_our_file())) {
        if (pid == 0 && self != own) pid = self;
        if (pid != 0) {
            out = put_number(out, pid < 0 ? 0 : (uint64_t)pid);
            *out++ = ' ';
        }
        for (; *path && out < text + sizeof text; path++) *out++ = *path;
        if (self == own) look_at_clock();
        put_fact(pid == 0 ? "executes" : "starts", text, (size_t)(out - text));
        if (pid == 0 && rec.header == &rec.own_header) {
            /* Nobody else would write what is left. */
            if (rec.mode == MODE_SUMMARY) summary_step(rec.looked_us);
            flush_block();
        }
        rec.fd = self == own ? rec.fd : fd;
    }
    unlock();
    errno = kept;
    is_inside--;
}

struct start {
    enum { BY_EXECVE, BY_EXECVPE, BY_FEXECVE, BY_EXECVEAT, BY_SPAWN, BY_SPAWNP } by;
    int fd, flags;
    const char *path;
    char *const *argv;
    pid_t *pid;
    const posix_spawn_file_actions_t *actions;
    const posix_spawnattr_t *attributes;
};

static int call_start(const struct start *s, char *const *envp) {
    int is_missing = 0, result = -1;
    switch (s->by) {
    case BY_EXECVE: return real.execve ? real.execve(s->path, s->argv, envp) : (int)syscall(SYS_execve, s->path, s->argv, envp);
    case BY_EXECVPE:
        if (real.execvpe) return real.execvpe(s->path, s->argv, envp);
        if (real.execvp) return real.execvp(s->path, s->argv);
        break;
    case BY_FEXECVE: if (real.fexecve) return real.fexecve(s->fd, s->argv, envp); break;
    case BY_EXECVEAT:
        if (real.execveat) return real.execveat(s->fd, s->path, s->argv, envp, s->flags);
#ifdef SYS_execveat
        return (int)syscall(SYS_execveat, s->fd, s->path, s->argv, envp, s->flags);
#endif
        break;
    case BY_SPAWN:
        is_missing = !real.posix_spawn;
        if (!is_missing) result = real.posix_spawn(s->pid, s->path, s->actions, s->attributes, s->argv, envp);
        return is_missing ? ENOSYS : result;
    case BY_SPAWNP:
        is_missing = !real.posix_spawnp;
        if (!is_missing) result = real.posix_spawnp(s->pid, s->path, s->actions, s->attributes, s->argv, envp);
        return is_missing ? ENOSYS : result;
    }
    errno = ENOSYS;
    return -1;
}

/* The file behind a descriptor. */
static const char *path_of(int fd, char *out, size_t size) {
    char link[48] = "/proc/self/fd/";
    *put_number(link + 14, (uint64_t)(fd < 0 ? 0 : fd)) = 0;
    long n = syscall(SYS_readlinkat, AT_FDCWD, link, out, size - 1);
    out[n > 0 ? n : 0] = 0;
    return n > 0 ? out : "a file";
}

static int note_and_start(const struct start *s, char *const *envp) {
    const char *path = s->path;
    char of_fd[256];
    if (s->by >= BY_SPAWN) {
        struct start with_pid = *s;
        pid_t pid = -1;
        with_pid.pid = &pid;
        int result = call_start(&with_pid, envp);
        if (result != 0) return result;
        if (s->pid) *s->pid = pid;
        note_program(pid, path ? path : "");
        return 0;
    }
    if (s->by == BY_FEXECVE || (s->by == BY_EXECVEAT && path && !*path)) path = path_of(s->fd, of_fd, sizeof of_fd);
    note_program(0, path ? path : "");
    int result = call_start(s, envp);
    note_program(0, "");
    return result;
}

/* A program with many entries in its environment gets memory of its own, which a child of vfork() leaves behind. */
static NOINLINE int start_program(const struct start *s, char *const *envp) {
    if (!real.is_found) find_exec();
    size_t entries, size = room_for(envp, &entries);
    if (size == 0) return note_and_start(s, envp);
    int is_large = size > 4096; /* some stacks are small */
    void *room = is_large ? map_memory(size) : __builtin_alloca(size);
    if (!room) return note_and_start(s, envp);
    int result = note_and_start(s, fill_environment(room, envp, entries));
    if (is_large) {
        int kept = errno;
        munmap(room, size);
        errno = kept;
    }
    return result;
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[]) {
    return start_program(&(struct start){.by = BY_EXECVE, .path = path, .argv = argv}, envp);
}

EXPORT int execv(const char *path, char *const argv[]) {
    return start_program(&(struct start){.by = BY_EXECVE, .path = path, .argv = argv}, environ);
}

EXPORT int execvpe(const char *name, char *const argv[], char *const envp[]) {
    return start_program(&(struct start){.by = BY_EXECVPE, .path = name, .argv = argv}, envp);
}

EXPORT int execvp(const char *name, char *const argv[]) {
    return start_program(&(struct start){.by = BY_EXECVPE, .path = name, .argv = argv}, environ);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[]) {
    return start_program(&(struct start){.by = BY_FEXECVE, .fd = fd, .argv = argv}, envp);
}

EXPORT int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags);
EXPORT int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags) {
    return start_program(&(struct start){.by = BY_EXECVEAT, .fd = fd, .path = path, .argv = argv, .flags = flags}, envp);
}

/* Arguments that are given one by one, up to a NULL; behind it `execle` has the environment. */
#define LISTED(how, name, first, otherwise, last)                                     \
    va_list counted, given;                                                           \
    size_t count = 1;                                                                 \
    va_start(counted, first);                                                         \
    while (va_arg(counted, char *)) count++;                                          \
    va_end(counted);                                                                  \
    char **argv = __builtin_alloca((count + 1) * sizeof *argv);                       \
    va_start(given, first);                                                           \
    argv[0] = (char *)first;                                                          \
    for (size_t i = 1; i <= count; i++) argv[i] = va_arg(given, char *);              \
    char *const *envp = otherwise;                                                    \
    last;                                                                             \
    va_end(given);                                                                    \
    return start_program(&(struct start){.by = how, .path = name, .argv = argv}, envp)

EXPORT int execl(const char *path, const char *first, ...) { LISTED(BY_EXECVE, path, first, environ, (void)0); }
EXPORT int execlp(const char *name, const char *first, ...) { LISTED(BY_EXECVPE, name, first, environ, (void)0); }
EXPORT int execle(const char *path, const char *first, ...) {
    LISTED(BY_EXECVE, path, first, NULL, envp = va_arg(given, char *const *));
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]) {
    return start_program(&(struct start){.by = BY_SPAWN, .path = path, .argv = argv, .pid = pid, .actions = actions,
                                         .attributes = attributes}, envp);
}

EXPORT int posix_spawnp(pid_t *pid, const char *name, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]) {
    return start_program(&(struct start){.by = BY_SPAWNP, .path = name, .argv = argv, .pid = pid, .actions = actions,
                                         .attributes = attributes}, envp);
}

/* The C library's own call of a shell does not come by here. Where the program has cleared its environment, nothing is
 * in it, and the shell is not recorded; which process it is, nobody says. */
static void note_shell(void) {
    if (settings.count > 0 && (!has_library(environ) || !value_of(environ, "MTRACE_RECORDER")))
        note_program(-1, "/bin/sh");
}

EXPORT int system(const char *command) {
    if (!real.is_found) find_exec();
    if (command) note_shell();
    return real.system ? real.system(command) : -1;
}

EXPORT FILE *popen(const char *command, const char *mode) {
    if (!real.is_found) find_exec();
    note_shell();
    return real.popen ? real.popen(command, mode) : NULL;
}
#endif
