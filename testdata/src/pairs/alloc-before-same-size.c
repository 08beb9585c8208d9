/*
 * Pair alloc-before-same-size: as alloc-before, but both allocations have one size. The new one
 * takes the place of other statements, and code is inserted above the function. So only the line
 * counted from the function's declaration tells which is which: it stays for the old one.
 *
 *   session_open, last line   leaks in both; it moves with its function, by 6 lines
 *   session_open, before it   is new
 */
#include "pair.h"

#ifdef AFTER
SITE_FUNCTION static void heartbeat(unsigned tick)
{
    if (tick % 3 == 0)
        seen = seen + tick;
}

#endif
SITE_FUNCTION static void session_open(unsigned id)
{
#ifdef AFTER
    if (id % 2 == 0)
        keep = malloc(128);                 /* LEAK - 14 */
    seen = id;
#else
    seen = id;
    seen = id + 1;
    seen = id + 2;
#endif
    keep = malloc(128);                     /* LEAK 13 27 */
}

int main(void)
{
    mtrace();
#ifdef AFTER
    heartbeat(3);
#endif
    REPEAT(13, 27)
        session_open(i);
    finish();
    return 0;
}
