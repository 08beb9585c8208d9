/*
 * Pair stripped-all: both programs have no symbols at all (strip), and their build ids differ.
 * One function gets larger, and what stands behind it moves.
 *
 *   session_open   stands before it: the same link-time address
 *   frame_copy     stands before it: the same link-time address
 *   event_log      stands behind it: another address, and nothing else is known of it. It is the
 *                  same line of source, but nobody can know: gone and new.
 */
#include "pair.h"

SITE_FUNCTION static void session_open(unsigned id)
{
    seen = id;
    keep = malloc(256);                     /* LEAK 8 17 */
}

SITE_FUNCTION static void frame_copy(void)
{
    keep = malloc(128);                     /* LEAK 21 38 */
}

SITE_FUNCTION static void report(unsigned id)
{
    seen = id;
#ifdef AFTER
    for (unsigned i = 0; i < 3; i++)
        seen = seen * 5 + i;
    if (seen > 1000)
        seen = 0;
#endif
}

SITE_FUNCTION static void event_log(void)
{
    keep = malloc(48);                      /* LEAK 41 -, - 59 */
}

int main(void)
{
    mtrace();
    REPEAT(8, 17)
        session_open(i);
    REPEAT(21, 38)
        frame_copy();
    report(1);
    REPEAT(41, 59)
        event_log();
    finish();
    return 0;
}
