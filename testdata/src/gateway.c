/*
 * A small telemetry gateway, the program of the classic mtrace workflow:
 * built twice (RUN_MINUTES=2 as app0, RUN_MINUTES=3 as app1) and traced from
 * the first line of main() to muntrace().
 *
 * Time is simulated: a minute is 600 ticks, and nothing sleeps.
 *
 * What it leaves behind, per build (minutes = RUN_MINUTES):
 *
 *   session_open   one block of 256 bytes a tick        600 a minute
 *   frame_decode   one block of 48 bytes every 2 ticks   300 a minute  (libsensors.so.1)
 *   log_event      one strdup of 11 bytes every 6 ticks  100 a minute  (stands at strdup in libc)
 *   table_load     500 blocks of 32 bytes, at start-up: the same in both
 *   cache_touch    fills 64 entries in the first minute, freed before muntrace()
 *   main           one plug-in stays open: blocks of the dynamic loader
 */
#include <dlfcn.h>
#include <mcheck.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "save_maps.h"
#include "sensors.h"

#ifndef RUN_MINUTES
#error "build with -DRUN_MINUTES=2 or -DRUN_MINUTES=3"
#endif

enum { TICKS_PER_MINUTE = 600, TABLE_SIZE = 500, CACHE_SIZE = 64 };

#if RUN_MINUTES > 2
/* Only in the longer build: it moves every address below it. */
static unsigned heartbeats;

static void heartbeat(unsigned tick)
{
    if (tick % TICKS_PER_MINUTE == 0)
        heartbeats++;
}
#endif

struct session {
    unsigned id;
    char buffer[252];
};

static struct session *last_session;

static void session_open(unsigned id)
{
    struct session *session = malloc(sizeof *session); /* LEAK: session_open */
    if (!session)
        return;
    session->id = id;
    last_session = session;                 /* the former session is lost */
}

static char *last_event;

static void log_event(unsigned tick)
{
    char text[16];
    snprintf(text, sizeof text, "event %04u", tick % 10000);
    last_event = strdup(text);              /* LEAK: log_event, at strdup */
}

static char *table[TABLE_SIZE];

static void table_load(void)
{
    for (int i = 0; i < TABLE_SIZE; i++)
        table[i] = malloc(32);              /* start-up: never freed */
}

static char *cache[CACHE_SIZE];

static void cache_touch(unsigned n)
{
    unsigned slot = n % CACHE_SIZE;
    free(cache[slot]);
    cache[slot] = malloc(40 + slot);        /* a cache that fills, then turns over */
}

static void cache_drop(void)
{
    for (int i = 0; i < CACHE_SIZE; i++)
        free(cache[i]);
}

static void message_build(unsigned tick)
{
    char *message = malloc(24);
    if (tick % 10 == 0)
        message = realloc(message, 2000);
    free(message);
}

int main(int argc, char **argv)
{
    unsigned checksum = 0;

    mtrace();
    table_load();
    void *plugin = argc > 2 ? dlopen(argv[2], RTLD_NOW) : NULL;
    for (unsigned tick = 0; tick < RUN_MINUTES * TICKS_PER_MINUTE; tick++) {
#if RUN_MINUTES > 2
        heartbeat(tick);
#endif
        session_open(tick);
        if (tick % 2 == 0) {
            checksum += sensors_poll(tick);
            message_build(tick);
        }
        if (tick % 3 == 0)
            cache_touch(tick / 3);
        if (tick % 6 == 0)
            log_event(tick);
    }
    cache_drop();
    if (argc > 1)
        save_maps(argv[1]);
    muntrace();
    return plugin != NULL && checksum == 1 ? 1 : 0;
}
