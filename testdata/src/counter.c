/* An independent count of what is live: `gcc -shared -fPIC counter.c`, preloaded behind the recorder.
 *
 * It knows nothing of stacks, logs or modes: one table of addresses and sizes under one lock, and two figures in
 * the file COUNTER.<process id>, which are right at any moment, so also when the program is killed. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

enum { PLACES = 1 << 21 };
static struct { uintptr_t address; size_t size; } table[PLACES]; /* address 1: was used */
static struct figures { uint64_t blocks, bytes; } early, *now = &early;
static volatile int is_locked;

static void lock(void) { while (__atomic_exchange_n(&is_locked, 1, __ATOMIC_ACQUIRE)) sched_yield(); }
static void unlock(void) { __atomic_store_n(&is_locked, 0, __ATOMIC_RELEASE); }

static size_t home(uintptr_t address) { return (size_t)((address >> 4) * 0x9e3779b97f4a7c15u >> 43); }

static void add(void *p, size_t size) {
    if (!p) return;
    lock();
    size_t at = home((uintptr_t)p);
    while (table[at].address > 1) at = (at + 1) % PLACES;
    table[at].address = (uintptr_t)p;
    table[at].size = size;
    now->blocks++;
    now->bytes += size;
    unlock();
}

/* The size of a block that is known, which it is no more; else -1. */
static size_t take(void *p) {
    size_t size = (size_t)-1;
    lock();
    for (size_t at = home((uintptr_t)p); table[at].address; at = (at + 1) % PLACES) {
        if (table[at].address != (uintptr_t)p) continue;
        size = table[at].size;
        table[at].address = 1;
        now->blocks--;
        now->bytes -= size;
        break;
    }
    unlock();
    return size;
}

void *malloc(size_t n) { void *p = __libc_malloc(n); add(p, n); return p; }
void *calloc(size_t n, size_t m) { void *p = __libc_calloc(n, m); add(p, n * m); return p; }
void *memalign(size_t to, size_t n) { void *p = __libc_memalign(to, n); add(p, n); return p; }
void free(void *p) { int kept = errno; if (p) take(p); errno = kept; __libc_free(p); }
void *realloc(void *old, size_t n) {
    size_t before = old ? take(old) : (size_t)-1;
    void *p = __libc_realloc(old, n);
    if (p) add(p, n);
    else if (n && before != (size_t)-1) add(old, before);
    return p;
}

static void begin(void) {
    char path[4096];
    const char *name = getenv("COUNTER");
    if (!name) return;
    snprintf(path, sizeof path, "%s.%d", name, (int)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || ftruncate(fd, sizeof *now) != 0) abort();
    struct figures *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared == MAP_FAILED) abort();
    *shared = *now;
    now = shared;
}

/* A child starts with nothing, as in its recording. */
static void in_child(void) {
    is_locked = 0;
    memset(table, 0, sizeof table);
    early = (struct figures){0, 0};
    now = &early;
    begin();
}

__attribute__((constructor)) static void on_start(void) {
    pthread_atfork(lock, unlock, in_child);
    begin();
}
