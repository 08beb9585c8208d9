/*
 * Pair O0-O2: one source, compiled with -O0 and with -O2.
 *
 *   session_open   the same line in the same function
 *   buffer_new     at -O0 a function of its own; at -O2 inlined into frame_open, its only caller.
 *                  It is one line of source that allocates, so it must be one row. The chain of
 *                  inlined calls differs, so this is not the match by line; the next rule, the
 *                  same function and file, holds (with a distance of no lines): moved-line.
 */
#include "pair.h"

static inline void buffer_new(unsigned size)
{
    seen = size;
    keep = malloc(size);                    /* LEAK 15 28 */
}

SITE_FUNCTION static void frame_open(unsigned id)
{
    buffer_new(512 + id % 2);
    seen = id;
}

SITE_FUNCTION static void session_open(unsigned id)
{
    seen = id;
    keep = malloc(256);                     /* LEAK 11 23 */
}

int main(void)
{
    mtrace();
    REPEAT(15, 28)
        frame_open(i);
    REPEAT(11, 23)
        session_open(i);
    finish();
    return 0;
}
