/* Leaks behind wrappers. Takes how often it leaks; so many blocks of each kind are live at its end.

   Compiled with -DSECOND it is a later build of the same source: lines moved, a call was put between session_open() and
   its wrapper, and ui_add() is inlined into its caller. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef PLUGIN
#include <dlfcn.h>
#endif
#ifdef MTRACE
#include <mcheck.h>
#endif

#define NOINLINE __attribute__((noinline))
#define INLINE static inline __attribute__((always_inline))

static void *kept[1 << 20];
static int blocks;

static void keep(void *block) { kept[blocks++] = block; }

/* Known by their names. */
NOINLINE void *xmalloc(size_t size)
{
    void *block = malloc(size);
    if (block == NULL)
        abort();
    return block;
}

NOINLINE char *xstrdup(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(xmalloc(size), text, size);
}

INLINE void *xcalloc(size_t n, size_t size)
{
    void *block = calloc(n, size);
    if (block == NULL)
        abort();
    return block;
}

/* Found by what its callers ask for. */
NOINLINE void *mem_take(size_t size)
{
    void *block = malloc(size);
    memset(block, 0, size);
    return block;
}

/* One size, whoever calls it: no wrapper, but what leaks. */
NOINLINE void *timer_new(void)
{
    return memset(malloc(40), 0, 40); /* timer */
}

#ifdef SECOND
/* A comment that moves all lines below,
   put in between the two builds. */
NOINLINE static char *session_name(const char *peer)
{
    char name[64];
    snprintf(name, sizeof name, "%s", peer);
    return xstrdup(name); /* second-name */
}
#endif

struct session {
    char *name;
    void *in, *out;
};

NOINLINE static void session_open(int number)
{
    char peer[32];
    snprintf(peer, sizeof peer, "peer-%d", number);
    struct session *session = xmalloc(sizeof *session); /* session */
    keep(session);
#ifdef SECOND
    session->name = session_name(peer);
#else
    session->name = xstrdup(peer); /* first-name */
#endif
    keep(session->name);
    session->in = xcalloc(4, 25); /* in */
    session->out = xcalloc(4, 25); /* out */
    keep(session->in);
    keep(session->out);
}

NOINLINE static void net_add(void) { keep(mem_take(48)); /* net */ }
#ifdef SECOND
INLINE
#else
NOINLINE static
#endif
void ui_add(void) { keep(mem_take(72)); /* ui */ }
NOINLINE static void log_add(void) { keep(mem_take(88)); /* log */ }
NOINLINE static void on_timer(void) { keep(timer_new()); /* on_timer */ }
NOINLINE static void on_poll(void) { keep(timer_new()); /* on_poll */ }

NOINLINE static void walk(int depth)
{
    if (depth == 0)
        keep(xmalloc(16)); /* leaf */
    else
        walk(depth - 1);
    __asm__ volatile("");
}

int main(int argc, char **argv)
{
    int times = argc > 1 ? atoi(argv[1]) : 10;
#ifdef PLUGIN
    void *(*plugin_add)(void) = (void *(*)(void))dlsym(dlopen(argv[2], RTLD_NOW), "plugin_add");
#endif
#ifdef MTRACE
    mtrace();
#endif
    for (int i = 0; i < times; i++) {
        session_open(i);
        net_add();
        ui_add();
        log_add();
        on_timer();
        on_poll();
        walk(i % 5);
#ifdef PLUGIN
        keep(plugin_add());
#endif
    }
#ifdef MTRACE
    muntrace();
#endif
    return blocks == 0;
}
