/*
 * Pair two-on-a-line: two calls of malloc stand on one line, and code is inserted above. Several
 * addresses of one line are one site.
 *
 *   link_open      two blocks a call; moves by 6 lines
 *   session_open   one block a call; moves by 6 lines
 */
#include "pair.h"

static void *volatile keep_too;

#ifdef AFTER
SITE_FUNCTION static void heartbeat(unsigned tick)
{
    if (tick % 3 == 0)
        seen = seen + tick;
}

#endif
SITE_FUNCTION static void link_open(void)
{
    keep = malloc(64); keep_too = malloc(96); /* LEAK 10 26 */
}

SITE_FUNCTION static void session_open(unsigned id)
{
    seen = id;
    keep = malloc(256);                     /* LEAK 31 47 */
}

int main(void)
{
    mtrace();
#ifdef AFTER
    heartbeat(3);
#endif
    REPEAT(5, 13)
        link_open();
    REPEAT(31, 47)
        session_open(i);
    finish();
    return 0;
}
