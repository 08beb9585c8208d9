/*
 * Pair swapped-functions: two functions of one shape swap their places in the file. Each leak is
 * then on the line number, and at the address, that the other one had.
 *
 *   table_load              stands above them: its line stays
 *   frame_copy, event_log   swap places
 */
#include "pair.h"

SITE_FUNCTION static void table_load(void)
{
    keep = malloc(32);                      /* LEAK 5 8 */
}

#ifdef AFTER
SITE_FUNCTION static void event_log(unsigned id)
{
    seen = id;
    keep = malloc(200);                     /* LEAK 31 47 */
}

SITE_FUNCTION static void frame_copy(unsigned id)
{
    seen = id;
    keep = malloc(200);                     /* LEAK 11 23 */
}
#else
SITE_FUNCTION static void frame_copy(unsigned id)
{
    seen = id;
    keep = malloc(200);                     /* LEAK 11 23 */
}

SITE_FUNCTION static void event_log(unsigned id)
{
    seen = id;
    keep = malloc(200);                     /* LEAK 31 47 */
}
#endif

int main(void)
{
    mtrace();
    REPEAT(5, 8)
        table_load();
    REPEAT(11, 23)
        frame_copy(i);
    REPEAT(31, 47)
        event_log(i);
    finish();
    return 0;
}
