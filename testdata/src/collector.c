/*
 * A batch collector, linked at a fixed address (-no-pie): `collector MINUTES MAPS`.
 * One binary for both runs. What it leaves behind after m minutes:
 *
 *   index_add      20 m blocks of 64 bytes
 *   name_copy      10 m blocks, through strdup in libc
 *   spool_keep     3 blocks of 100 bytes when m is 2 or less, none later  (GONE)
 *   retry_queue    m - 2 blocks of 500 bytes when m is above 2            (NEW)
 *   history_grow   1 block of 80 m bytes: it grows by realloc, in bytes only
 *   config_load    12 blocks of 16 bytes, the same in every run
 */
#include <mcheck.h>
#include <stdlib.h>
#include <string.h>

#include "save_maps.h"

static void *keep[4096];
static unsigned kept;

static void stash(void *block)
{
    keep[kept++ % 4096] = block;
}

__attribute__((noinline)) static void config_load(void)
{
    for (int i = 0; i < 12; i++)
        stash(malloc(16));                  /* SITE: config_load */
}

__attribute__((noinline)) static void index_add(void)
{
    stash(malloc(64));                      /* SITE: index_add */
}

__attribute__((noinline)) static void name_copy(void)
{
    stash(strdup("node-0001"));             /* SITE: name_copy, at strdup */
}

__attribute__((noinline)) static void spool_keep(void)
{
    stash(malloc(100));                     /* SITE: spool_keep */
}

__attribute__((noinline)) static void retry_queue(void)
{
    stash(calloc(5, 100));                  /* SITE: retry_queue */
}

static char *history;

__attribute__((noinline)) static void history_grow(unsigned minutes)
{
    history = realloc(history, 80 * minutes); /* SITE: history_grow */
    history[80 * minutes - 1] = 1;
}

__attribute__((noinline)) static void work(unsigned n)
{
    char *volatile scratch = malloc(n);     /* SITE: work, always freed */
    scratch[0] = 1;
    stash(NULL);
    free(scratch);
}

int main(int argc, char **argv)
{
    unsigned minutes = argc > 1 ? (unsigned)atoi(argv[1]) : 2;

    mtrace();
    config_load();
    for (unsigned minute = 1; minute <= minutes; minute++) {
        for (int i = 0; i < 20; i++)
            index_add();
        for (int i = 0; i < 10; i++)
            name_copy();
        for (unsigned i = 1; i <= 50; i++)
            work(i);
        history_grow(minute);
        if (minute > 2)
            retry_queue();
    }
    if (minutes <= 2)
        for (int i = 0; i < 3; i++)
            spool_keep();
    if (argc > 2)
        save_maps(argv[2]);
    muntrace();
    return 0;
}
