/* For a recorder that may not write behind its own memory: `gcc -include guarded_maps.h … recorder.c`.
 *
 * Each of its mappings ends at a page that nobody may touch, and none that it gives back is ever used again, so
 * whoever writes too far, or keeps a pointer too long, is ended by SIGSEGV there and then. */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

enum { GUARD = 4096 };

static void *guarded_mmap(void *at, size_t size, int access, int flags, int fd, long offset) {
    size_t whole = (size + GUARD - 1) & ~(size_t)(GUARD - 1);
    (void)at;
    char *base = mmap(NULL, whole + GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mmap(base, whole, access, flags | MAP_FIXED, fd, offset) == MAP_FAILED) return MAP_FAILED;
    /* What is no file ends just before the guard, as far as words have to be aligned. */
    return flags & MAP_ANONYMOUS ? base + ((whole - size) & ~(size_t)7) : base;
}

static int guarded_munmap(void *at, size_t size) {
    uintptr_t base = (uintptr_t)at & ~(uintptr_t)(GUARD - 1);
    return mprotect((void *)base, (uintptr_t)at + size - base, PROT_NONE);
}

#define mmap guarded_mmap
#define munmap guarded_munmap
