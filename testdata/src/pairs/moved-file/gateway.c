/*
 * Pair moved-file: session_open moves from this file to the end of sessions.c.
 *
 *   table_load     stands above it: its line stays
 *   session_open   is here in the earlier version only
 *   event_log      stands below it, and moves up
 */
#include "pair.h"
#include "sessions.h"

SITE_FUNCTION static void table_load(void)
{
    keep = malloc(32);                      /* LEAK 5 9 */
}

#ifndef AFTER
SITE_FUNCTION void session_open(unsigned id)
{
    seen = id;
    keep = malloc(256);                     /* LEAK 13 26 */
}

#endif
SITE_FUNCTION static void event_log(void)
{
    keep = malloc(48);                      /* LEAK 36 53 */
}

int main(void)
{
    mtrace();
    REPEAT(5, 9)
        table_load();
    REPEAT(13, 26)
        session_open(i);
    REPEAT(36, 53)
        event_log();
    REPEAT(7, 16)
        session_note();
    finish();
    return 0;
}
