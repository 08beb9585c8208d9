/* What a recorder meets in real programs, one scene for each argument. What each leaves stands beside it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define APART __attribute__((noinline, noipa))

static void *kept[4096];
static int kept_used;

APART static void keep(void *p) { kept[kept_used++] = p; }

/* A wrapper, as most programs have one. */
APART static void *xmalloc(size_t size) {
    void *p = malloc(size);
    if (!p) abort();
    memset(p, 1, size);
    return p;
}

APART static void session_open(void) { keep(xmalloc(48)); }   /* session */
APART static void cache_fill(void) { keep(xmalloc(100)); }    /* cache */
APART static void scratch(void) { free(xmalloc(1000)); }      /* scratch */

/* 10 sessions of 48 bytes, 3 caches of 100; 5 blocks that were freed. */
static void count(void) {
    for (int i = 0; i < 10; i++) session_open();
    for (int i = 0; i < 3; i++) cache_fill();
    for (int i = 0; i < 5; i++) scratch();
}

/* One block of each way to get memory, 12 in all. */
static void ways(void) {
    void *p = NULL;
    keep(malloc(1));                   /* malloc */
    keep(calloc(2, 8));                /* calloc */
    keep(realloc(NULL, 3));            /* realloc-new */
    keep(realloc(malloc(4), 5000));    /* realloc-moved */
    keep(reallocarray(NULL, 3, 20));   /* reallocarray */
    keep(memalign(64, 6));             /* memalign */
    keep(aligned_alloc(64, 64));       /* aligned_alloc */
    if (posix_memalign(&p, 128, 7)) abort(); /* posix_memalign */
    keep(p);
    keep(valloc(8));                   /* valloc */
    keep(pvalloc(9));                  /* pvalloc */
    keep(strdup("twelve chars"));      /* strdup */
    if (asprintf((char **)&p, "%d", 12345) < 0) abort(); /* asprintf */
    keep(p);
    /* A failure, a failed realloc that leaves its block, and a realloc that frees. */
    volatile size_t huge = (size_t)-1 / 2;
    if (malloc(huge)) abort();
    p = malloc(11);                    /* survivor */
    if (realloc(p, huge)) abort();
    keep(p);
    if (realloc(malloc(12), 0)) abort();
}

static void *thread_of_leaks(void *unused) {
    for (int i = 0; i < 100; i++) __atomic_store_n(&kept[__atomic_fetch_add(&kept_used, 1, __ATOMIC_RELAXED)], malloc(16), __ATOMIC_RELAXED); /* in-thread */
    return unused;
}

static void *thread_of_frees(void *blocks) {
    for (void **p = blocks; *p; p++) free(*p);
    return NULL;
}

/* 8 threads leave 100 blocks of 16 bytes each; 1,000 blocks are freed in threads that did not make them. */
static void threads(void) {
    pthread_t t[8];
    static void *blocks[8][126];
    for (int i = 0; i < 8; i++) pthread_create(&t[i], NULL, thread_of_leaks, NULL);
    for (int i = 0; i < 8; i++) pthread_join(t[i], NULL);
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 125; j++) blocks[i][j] = malloc(32); /* for-thread */
        pthread_create(&t[i], NULL, thread_of_frees, blocks[i]);
    }
    for (int i = 0; i < 8; i++) pthread_join(t[i], NULL);
}

/* 2 sessions; the child has 3 of its own and frees none; what is executed leaves none of ours. */
static void forks(void) {
    session_open();
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 3; i++) session_open();
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    pid = vfork();
    if (pid == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    waitpid(pid, NULL, 0);
    session_open();
}

/* 7 sessions, then no orderly end. */
static void killed(void) {
    for (int i = 0; i < 7; i++) session_open();
    kill(getpid(), SIGKILL);
}

static void left(void) {
    for (int i = 0; i < 4; i++) session_open();
    _exit(5);
}

/* 5,000 sessions' worth of events before and after all descriptors were closed and one of them taken. */
static void descriptors(const char *file) {
    for (int i = 0; i < 30000; i++) scratch();
    for (int fd = 3; fd < 2048; fd++) close(fd);
    FILE *own[40];
    for (int i = 0; i < 40; i++) own[i] = fopen(file, "w");
    fputs("its own", own[0]);
    for (int i = 0; i < 30000; i++) scratch();
    for (int i = 0; i < 40; i++) fclose(own[i]);
    session_open();
}

/* Two libraries take turns; each leaves 20 blocks, and may be where the other was. */
static void plugins(const char *first, const char *second) {
    for (int i = 0; i < 40; i++) {
        void *library = dlopen(i % 2 ? second : first, RTLD_NOW);
        if (!library) abort();
        keep(((void *(*)(void))dlsym(library, "plugin_make"))());
        dlclose(library);
    }
}

static void on_signal(int unused) {
    (void)unused;
    free(malloc(10));
}

/* Handlers that allocate, which no program should have: nothing may hang or break. 1 session. */
static void signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 200; i++) {
        scratch();
        raise(SIGUSR1);
    }
    session_open();
}

APART static void deep(int n) {
    if (n == 0) session_open();
    else deep(n - 1);
    __asm__ volatile("");
}

/* Waits until it is told to end; 2 sessions, and 1 more when it is. */
static volatile sig_atomic_t is_over;
/* 20 million blocks come and go at one place, and nothing else happens. 1 session. */
static void steady(void) {
    session_open();
    for (int i = 0; i < 20000000; i++) scratch();
}

APART static void *leaf(unsigned path) { return malloc(path % 600 + 1); } /* leaf */

APART static void *go_right(unsigned path, unsigned further);
APART static void *go_left(unsigned path, unsigned further) {
    void *p = !further ? leaf(path) : (path >> further & 1 ? go_right : go_left)(path, further - 1);
    __asm__ volatile("" : "+r"(p)); /* so that it stays a call */
    return p;
}
APART static void *go_right(unsigned path, unsigned further) {
    void *p = !further ? leaf(path) : (path >> further & 1 ? go_right : go_left)(path, further - 1);
    __asm__ volatile("" : "+r"(p));
    return p;
}

/* 2^bits blocks by way of as many stacks, each of its own number modulo 600, and 1, bytes; even ones are freed. */
static void stacks(unsigned bits) {
    static void *blocks[1 << 18];
    for (unsigned i = 0; i < 1u << bits; i++) blocks[i] = go_left(i, bits);
    for (unsigned i = 0; i < 1u << bits; i += 2) free(blocks[i]);
}

static struct {
    unsigned char below[32768];
    char stack[8192];
} narrow_;
static ucontext_t wide, narrow_place;
static void on_narrow_stack(void) {
    for (int i = 0; i < 100; i++) session_open();
    setcontext(&wide);
}

/* 100 sessions from a stack of 8 KiB, and what lies below it stays as it was, or the exit status is 9. */
static void narrow(void) {
    memset(narrow_.below, 'x', sizeof narrow_.below);
    getcontext(&narrow_place);
    narrow_place.uc_stack.ss_sp = narrow_.stack;
    narrow_place.uc_stack.ss_size = sizeof narrow_.stack;
    makecontext(&narrow_place, on_narrow_stack, 0);
    swapcontext(&wide, &narrow_place);
    for (unsigned i = 0; i < sizeof narrow_.below; i++)
        if (narrow_.below[i] != 'x') _exit(9);
}

static void end(int unused) {
    (void)unused;
    is_over = 1;
}
static void daemon_(void) {
    signal(SIGTERM, end);
    session_open();
    session_open();
    while (!is_over) usleep(1000);
    session_open();
}

int main(int argc, char **argv) {
    const char *scene = argc > 1 ? argv[1] : "";
    if (!strcmp(scene, "count")) count();
    else if (!strcmp(scene, "ways")) ways();
    else if (!strcmp(scene, "threads")) threads();
    else if (!strcmp(scene, "forks")) forks();
    else if (!strcmp(scene, "killed")) killed();
    else if (!strcmp(scene, "left")) left();
    else if (!strcmp(scene, "descriptors")) descriptors(argv[2]);
    else if (!strcmp(scene, "plugins")) plugins(argv[2], argv[3]);
    else if (!strcmp(scene, "signals")) signals();
    else if (!strcmp(scene, "steady")) steady();
    else if (!strcmp(scene, "stacks")) stacks(atoi(argv[2]));
    else if (!strcmp(scene, "deep")) deep(1000);
    else if (!strcmp(scene, "narrow")) narrow();
    else if (!strcmp(scene, "daemon")) daemon_();
    else if (!strcmp(scene, "stubborn")) {
        signal(SIGTERM, SIG_IGN);
        session_open();
        for (;;) pause();
    } else return 7;
    return 0;
}
