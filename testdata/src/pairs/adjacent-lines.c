/*
 * Pair adjacent-lines: a function leaks on two lines, one below the other, and moves by one line.
 * So the first has now the number that the second had. To match equal numbers first would join
 * the first with the second, and show the others as gone and new.
 *
 *   session_open, 64 bytes    moves by a line
 *   session_open, 256 bytes   moves by a line
 */
#include "pair.h"

#ifdef AFTER
/* Opens a session; every other one has a peer. */
#endif
SITE_FUNCTION static void session_open(unsigned id)
{
    if (id % 2 == 0) keep = malloc(64);     /* LEAK 5 11 */
    keep = malloc(256);                     /* LEAK 10 21 */
}

int main(void)
{
    mtrace();
    REPEAT(10, 21)
        session_open(i);
    finish();
    return 0;
}
