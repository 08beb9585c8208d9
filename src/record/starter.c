/* mtrace-starter: has glibc's mtrace(3) trace a program from its start to its end, without a change to it.
 *
 *   LD_PRELOAD="libc_malloc_debug.so.0 ./mtrace-starter.so" MALLOC_TRACE=/tmp/mtrace.%p ./app
 *
 * %p becomes the process id, so that every process has a log of its own. Beside a log, with .maps at the end of its
 * name, is a copy of /proc/self/maps, of the beginning, or of the end if the program came to one. Another one, with
 * .unfollowed at the end, has the process ids of forked children that could not begin a log; at an end without such
 * children it is removed.
 *
 * A log has the address that malloc returns to. So that this is a line of the program in C++, too, `operator new`
 * stands here, and goes on to malloc by a jump (a tail call): malloc then returns to the caller of `new`. What `new`
 * has to do where there is no memory left is done before malloc returns, see __libc_malloc below.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <mcheck.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define PER_THREAD static __thread __attribute__((tls_model("initial-exec")))

static char log_pattern[PATH_MAX]; /* a copy: some programs write over their environment */
static char log_setting[PATH_MAX + 16] = "MALLOC_TRACE=";
static char *const log_path = log_setting + sizeof "MALLOC_TRACE=" - 1;
static int is_tracing;
static dev_t log_device;
static ino_t log_inode;

static void say(const char *what) {
    char line[256];
    int size = snprintf(line, sizeof line, "mtrace-starter: %s\n", what);
    if (size > 0) (void)!write(2, line, (size_t)size);
}

/* ---- files ----------------------------------------------------------------------------------------------- */

/* A pattern as the name of a file that is not there yet: a program that runs another one keeps its id. */
static int fill_in(char *out, size_t size, const char *pattern) {
    const char *mark = strstr(pattern, "%p");
    int before = mark ? (int)(mark - pattern) : (int)strlen(pattern);
    struct stat s;
    for (int n = 0; n < 1000; n++) {
        int used = snprintf(out, size, "%.*s", before, pattern);
        if (mark && used >= 0 && (size_t)used < size)
            used += snprintf(out + used, size - (size_t)used, "%d%s", (int)getpid(), mark + 2);
        if (n > 0 && used >= 0 && (size_t)used < size) used += snprintf(out + used, size - (size_t)used, ".%d", n);
        if (used < 0 || (size_t)used >= size) return 0;
        if (stat(out, &s) != 0) return errno == ENOENT;
    }
    return 0;
}

/* What is loaded, without allocating anything. Under its name only when it is whole. */
static void save_maps(void) {
    char path[PATH_MAX + 16], new[PATH_MAX + 16], piece[4096];
    long size;
    snprintf(path, sizeof path, "%s.maps", log_path);
    snprintf(new, sizeof new, "%s.maps.new", log_path);
    int from = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    int to = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (from >= 0 && to >= 0) {
        while ((size = read(from, piece, sizeof piece)) > 0 && write(to, piece, (size_t)size) == size) {}
        if (size != 0 || rename(new, path) != 0) unlink(new);
    }
    if (from >= 0) close(from);
    if (to >= 0) close(to);
}

/* ---- children that have no log ------------------------------------------------------------------------------ */

/* How many, and their process ids as far as there is room. A child that is another user by then, or can open no more
 * files, can still write here. */
enum { ROOM = 1024 };
static uint32_t *unfollowed;

static int path_of_unfollowed(char *out, size_t size) {
    int used = snprintf(out, size, "%s.unfollowed", log_path);
    return used > 0 && (size_t)used < size;
}

static void prepare_unfollowed(void) {
    char path[PATH_MAX + 16];
    size_t size = ROOM * sizeof *unfollowed;
    unfollowed = NULL;
    if (!path_of_unfollowed(path, sizeof path)) return;
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) return;
    /* Not by ftruncate: without room on the disk, writing to the page would end the program. */
    if (posix_fallocate(file, 0, (off_t)size) == 0) {
        void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (page != MAP_FAILED) unfollowed = page;
    }
    close(file);
    if (!unfollowed) unlink(path);
}

static void note_unfollowed(uint32_t *of_parent) {
    if (!of_parent) return;
    uint32_t turn = __sync_add_and_fetch(of_parent, 1);
    if (turn < ROOM) of_parent[turn] = (uint32_t)getpid();
}

static void remove_unfollowed_if_none(void) {
    char path[PATH_MAX + 16];
    if (unfollowed && *unfollowed == 0 && path_of_unfollowed(path, sizeof path)) unlink(path);
}

/* ---- beginning and end ----------------------------------------------------------------------------------- */

static void begin(void) {
    struct stat s;
    if (!fill_in(log_path, PATH_MAX, log_pattern)) {
        say("the name of the log cannot be used; nothing is traced");
        return;
    }
    /* Not by setenv, which allocates; and what this process starts needs the pattern. */
    char *only[] = {log_setting, NULL}, **kept = environ;
    environ = only;
    mtrace();
    environ = kept;
    if (stat(log_path, &s) != 0) {
        say("mtrace() has not begun a log; either it cannot be written, or libc_malloc_debug.so.0 is not preloaded, "
            "which glibc 2.34 and newer need");
        return;
    }
    log_device = s.st_dev;
    log_inode = s.st_ino;
    is_tracing = 1;
    save_maps();
    prepare_unfollowed();
}

static void end(void *unused) {
    (void)unused;
    if (!is_tracing) return;
    is_tracing = 0;
    save_maps();
    remove_unfollowed_if_none();
    muntrace();
}

/* Of the threads of a parent, only the one that forked is in the child. If another one was amid a line of the log,
 * the child would wait for it for ever, once it traces again. */
static int has_threads;

static void before_fork(void) {
    struct stat s;
    has_threads = stat("/proc/self/task", &s) != 0 || s.st_nlink != 3;
}

/* Ends the copy of the parent's log that a child has. What is not written yet is the parent's, and with the descriptor
 * closed it goes nowhere. There may be none left to open, and no /dev/null. */
static int leave_log_of_parent(void) {
    struct stat s;
    int log = 0;
    while (log < 1024 && (fstat(log, &s) != 0 || s.st_dev != log_device || s.st_ino != log_inode)) log++;
    if (log == 1024) return 0; /* a daemon closed it, and the number may be another file's */
    close(log);
    muntrace();
    return 1;
}

/* A child gets a log of its own. */
static void after_fork_in_child(void) {
    uint32_t *of_parent = unfollowed;
    if (!is_tracing) return;
    is_tracing = 0;
    unfollowed = NULL;
    if (leave_log_of_parent() && !has_threads) begin();
    if (!is_tracing) note_unfollowed(of_parent);
    if (of_parent) munmap(of_parent, ROOM * sizeof *of_parent);
}

/* ---- new ------------------------------------------------------------------------------------------------- */

/* 32-bit ARM cannot throw through the C library's functions. There, and with a glibc whose malloc does not come by
 * here, `new` is passed on, and logs name it. */
static void *(*next_malloc)(size_t), *(*next_memalign)(size_t, size_t);
static void *(*libc_malloc)(size_t), *(*libc_memalign)(size_t, size_t);

enum { NO_NEW, NEW, NEW_NOTHROW, ARRAY_NOTHROW, NEW_ALIGNED, NEW_ALIGNED_NOTHROW, ARRAY_ALIGNED_NOTHROW };

/* The `new` whose jump led to malloc; and for the probe, whether it led here. */
PER_THREAD int asked_by;
PER_THREAD const void *tag, *asked_from;
static volatile int has_come_by;

#if defined(__LP64__)
#define N "m"
#define SYMBOL(before, after) before##m##after
#else
#define N "j"
#define SYMBOL(before, after) before##j##after
#endif

static const char *const names[] = {"", "_Znw" N, "_Znw" N "RKSt9nothrow_t", "_Zna" N "RKSt9nothrow_t",
                                    "_Znw" N "St11align_val_t", "_Znw" N "St11align_val_tRKSt9nothrow_t",
                                    "_Zna" N "St11align_val_tRKSt9nothrow_t"};

/* The C++ library's own function. A plug-in that is loaded for itself alone brings the library along, and then only
 * the plug-in's own scope has it. */
static void *find_new(const char *name, const void *caller) {
    static void *library;
    Dl_info place;
    void *found = dlsym(RTLD_NEXT, name);
    if (!found && library) found = dlsym(library, name);
    if (found || !dladdr(caller, &place) || !place.dli_fname) return found;
    void *plugin = dlopen(place.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (!plugin) return NULL;
    found = dlsym(plugin, name);
    if (found && dladdr(found, &place) && place.dli_fname) library = dlopen(place.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    dlclose(plugin);
    return found;
}

static void *pass_on(int kind, size_t size, size_t to, const void *of, const void *caller) {
    void *real = find_new(names[kind], caller);
    if (!real) return kind < NEW_ALIGNED ? malloc(size) : memalign(to, size);
    switch (kind) {
    case NEW: return ((void *(*)(size_t))real)(size);
    case NEW_NOTHROW:
    case ARRAY_NOTHROW: return ((void *(*)(size_t, const void *))real)(size, of);
    case NEW_ALIGNED: return ((void *(*)(size_t, size_t))real)(size, to);
    default: return ((void *(*)(size_t, size_t, const void *))real)(size, to, of);
    }
}

/* There was no memory for a `new`: the library's own calls the new-handler, and throws in the end. What it gets
 * nevertheless is given back, since it is in the log as the library's. */
static void *without_memory(int kind, size_t size, size_t to) {
    const void *of = tag, *caller = asked_from;
    for (;;) {
        void *p = pass_on(kind, size, to, of, caller);
        if (!p) return NULL;
        free(p);
        p = kind < NEW_ALIGNED ? libc_malloc(size) : libc_memalign(to, size);
        if (p) return p;
    }
}

/* glibc's tracing malloc comes by here for its memory, and does not know yet what it will log. */
EXPORT void *__libc_malloc(size_t size);
EXPORT void *__libc_malloc(size_t size) {
    static volatile int is_looking;
    int kind = asked_by;
    asked_by = NO_NEW;
    has_come_by = 1;
    if (!libc_malloc) {
        if (is_looking) return NULL; /* dlsym asks for memory itself, and can do without */
        is_looking = 1;
        libc_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "__libc_malloc");
        is_looking = 0;
        if (!libc_malloc) return NULL;
    }
    void *p = libc_malloc(size);
    return p || kind == NO_NEW ? p : without_memory(kind, size, 0);
}

EXPORT void *__libc_memalign(size_t to, size_t size);
EXPORT void *__libc_memalign(size_t to, size_t size) {
    int kind = asked_by;
    asked_by = NO_NEW;
    if (!libc_memalign) libc_memalign = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "__libc_memalign");
    if (!libc_memalign) return NULL;
    void *p = libc_memalign(to, size);
    return p || kind == NO_NEW ? p : without_memory(kind, size, to);
}

#define JUMP(kind, next)                                                            \
    asked_by = kind;                                                                \
    asked_from = __builtin_return_address(0);                                       \
    return next

EXPORT void *SYMBOL(_Znw, )(size_t size);
EXPORT void *SYMBOL(_Znw, )(size_t size) {
    if (size == 0) size = 1;
    if (!next_malloc) return pass_on(NEW, size, 0, NULL, __builtin_return_address(0));
    JUMP(NEW, next_malloc(size));
}

/* The library's own goes by the `new` above, but not by a jump. A program that has a `new` or a `new[]` of its own wants
 * that. */
static int is_replaced(int kind) {
    Dl_info place;
    if (dlsym(RTLD_DEFAULT, names[NEW]) != (void *)SYMBOL(_Znw, )) return 1;
    if (kind != ARRAY_NOTHROW && kind != ARRAY_ALIGNED_NOTHROW) return 0;
    void *array = dlsym(RTLD_DEFAULT, "_Zna" N);
    return array && dladdr(array, &place) && place.dli_fname && !strstr(place.dli_fname, "/libstdc++.") &&
           !strstr(place.dli_fname, "/libc++");
}

#define NOTHROW(function, kind)                                                                                \
    EXPORT void *function(size_t size, const void *of);                                                        \
    EXPORT void *function(size_t size, const void *of) {                                                       \
        if (size == 0) size = 1;                                                                               \
        if (!next_malloc || is_replaced(kind)) return pass_on(kind, size, 0, of, __builtin_return_address(0)); \
        tag = of;                                                                                              \
        JUMP(kind, next_malloc(size));                                                                         \
    }

NOTHROW(SYMBOL(_Znw, RKSt9nothrow_t), NEW_NOTHROW)
NOTHROW(SYMBOL(_Zna, RKSt9nothrow_t), ARRAY_NOTHROW)

#define ALIGNED_NOTHROW(function, kind)                                                                          \
    EXPORT void *function(size_t size, size_t to, const void *of);                                               \
    EXPORT void *function(size_t size, size_t to, const void *of) {                                              \
        if (size == 0) size = 1;                                                                                 \
        if (!next_memalign || is_replaced(kind)) return pass_on(kind, size, to, of, __builtin_return_address(0)); \
        tag = of;                                                                                                \
        JUMP(kind, next_memalign(to, size));                                                                     \
    }

ALIGNED_NOTHROW(SYMBOL(_Znw, St11align_val_tRKSt9nothrow_t), NEW_ALIGNED_NOTHROW)
ALIGNED_NOTHROW(SYMBOL(_Zna, St11align_val_tRKSt9nothrow_t), ARRAY_ALIGNED_NOTHROW)

EXPORT void *SYMBOL(_Znw, St11align_val_t)(size_t size, size_t to);
EXPORT void *SYMBOL(_Znw, St11align_val_t)(size_t size, size_t to) {
    if (size == 0) size = 1;
    if (!next_memalign) return pass_on(NEW_ALIGNED, size, to, NULL, __builtin_return_address(0));
    JUMP(NEW_ALIGNED, next_memalign(to, size));
}

/* ---- the environment ------------------------------------------------------------------------------------- */

static void find_next(void) {
#if !defined(__arm__)
    /* Not by dlsym: it does not see those of libc_malloc_debug.so.0, whose versions are for old programs. */
    void *(*volatile found)(size_t) = malloc;
    has_come_by = 0;
    free(found(1));
    if (!has_come_by) return;
    next_malloc = found;
    next_memalign = memalign;
#endif
}

__attribute__((constructor)) static void on_start(void) {
    extern int __cxa_atexit(void (*)(void *), void *, void *);
    const char *pattern = getenv("MALLOC_TRACE");
    if (!pattern || !*pattern || strlen(pattern) >= sizeof log_pattern - 64) return;
    strcpy(log_pattern, pattern);
    find_next();
    /* Of no library, so that it is run behind the destructors of them all. */
    __cxa_atexit(end, NULL, NULL);
    pthread_atfork(before_fork, NULL, after_fork_in_child);
    begin();
}
