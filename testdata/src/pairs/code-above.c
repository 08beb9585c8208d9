/*
 * Pair code-above: code is inserted above two functions, so that their lines and addresses move.
 *
 *   config_load    stands above the new code: its line stays
 *   session_open   moves by 6 lines
 *   event_log      moves by 6 lines
 */
#include "pair.h"

SITE_FUNCTION static void config_load(void)
{
    keep = malloc(16);                      /* LEAK 5 8 */
}

#ifdef AFTER
SITE_FUNCTION static void heartbeat(unsigned tick)
{
    if (tick % 3 == 0)
        seen = seen + tick;
}

#endif
SITE_FUNCTION static void session_open(unsigned id)
{
    seen = id;
    keep = malloc(256);                     /* LEAK 11 23 */
}

SITE_FUNCTION static void event_log(void)
{
    keep = malloc(48);                      /* LEAK 31 47 */
}

int main(void)
{
    mtrace();
    REPEAT(5, 8)
        config_load();
#ifdef AFTER
    heartbeat(3);
#endif
    REPEAT(11, 23)
        session_open(i);
    REPEAT(31, 47)
        event_log();
    finish();
    return 0;
}
