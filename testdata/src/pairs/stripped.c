/*
 * Pair stripped: no debug information in either program, only symbols (strip -g). Code is
 * inserted above two functions, and a statement inside one of them. The order of the allocations
 * within each function stays.
 *
 *   config_load               stands above the new code
 *   frame_decode, 256 bytes   the first call of malloc by address, its offset moves by 16 bytes
 *   frame_decode, 64 bytes    the second one by address (-O1 puts it last), its offset moves too
 *   session_open              moves with its function
 */
#include "pair.h"

SITE_FUNCTION static void config_load(void)
{
    keep = malloc(16);                      /* LEAK 3 7 */
}

#ifdef AFTER
SITE_FUNCTION static void heartbeat(unsigned tick)
{
    if (tick % 3 == 0)
        seen = seen + tick;
}

#endif
SITE_FUNCTION static void frame_decode(unsigned id)
{
    if (id % 2 == 0)
        keep = malloc(64);                  /* LEAK 5 10 */
#ifdef AFTER
    seen = seen + id * 3;
#endif
    keep = malloc(256);                     /* LEAK 9 19 */
}

SITE_FUNCTION static void session_open(unsigned id)
{
    seen = id;
    keep = malloc(128);                     /* LEAK 30 44 */
}

int main(void)
{
    mtrace();
    REPEAT(3, 7)
        config_load();
#ifdef AFTER
    heartbeat(3);
#endif
    REPEAT(9, 19)
        frame_decode(i);
    REPEAT(30, 44)
        session_open(i);
    finish();
    return 0;
}
