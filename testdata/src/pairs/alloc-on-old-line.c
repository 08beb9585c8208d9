/*
 * Pair alloc-on-old-line: as alloc-before, but the new allocation is one line, so it has the very
 * number of the line that leaked before. To match equal numbers first would join two leaks that
 * have nothing to do with one another.
 *
 *   session_open, 256 bytes   leaks in both, and moves by a line
 *   session_open, 48 bytes    is new, on the number that the other one had
 */
#include "pair.h"

SITE_FUNCTION static void session_open(unsigned id)
{
    seen = id;
#ifdef AFTER
    if (id % 2 == 0) keep = malloc(48);     /* LEAK - 12 */
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
