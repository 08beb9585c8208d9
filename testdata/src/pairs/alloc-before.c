/*
 * Pair alloc-before: a second allocation is added in the function, before the one that leaked.
 * The new one leaks too. Sizes tell the two apart, and order alone would not: the first of the
 * earlier version is the second of the later one.
 *
 *   session_open, 256 bytes   leaks in both, and moves by 3 lines
 *   session_open, 48 bytes    is new; no line of the earlier version that leaks has its number
 */
#include "pair.h"

SITE_FUNCTION static void session_open(unsigned id)
{
    seen = id;
#ifdef AFTER
    /* Every other session has a header. */
    if (id % 2 == 0)
        keep = malloc(48);                  /* LEAK - 12 */
#endif
    keep = malloc(256);                     /* LEAK 11 23 */
}

int main(void)
{
    mtrace();
    REPEAT(11, 23)
        session_open(i);
    finish();
    return 0;
}
