/*
 * Pair inlined-twice: a wrapper is inlined into two callers, and code is inserted above it. One
 * line of source is two sites, since a wrapper's line is a site in each of its callers.
 *
 *   buffer_new in session_open   moves by 6 lines
 *   buffer_new in frame_open     moves by 6 lines; the call of it moves by 7
 */
#include "pair.h"

#ifdef AFTER
SITE_FUNCTION static void heartbeat(unsigned tick)
{
    if (tick % 3 == 0)
        seen = seen + tick;
}

#endif
__attribute__((always_inline)) static inline void buffer_new(unsigned size)
{
    seen = size;
    keep = malloc(size);                    /* LEAK 11 23, 31 47 */
}

SITE_FUNCTION static void session_open(void)
{
    buffer_new(200);
}

SITE_FUNCTION static void frame_open(unsigned id)
{
    seen = id;
#ifdef AFTER
    seen = seen + 1;
#endif
    buffer_new(200);
}

int main(void)
{
    mtrace();
#ifdef AFTER
    heartbeat(3);
#endif
    REPEAT(11, 23)
        session_open();
    REPEAT(31, 47)
        frame_open(i);
    finish();
    return 0;
}
