/*
 * Pair renamed-function: a function is renamed, and nothing else. Its leak is on the same line of
 * the same file, but a function of another name is another function: one is gone, one is new.
 *
 *   packet_copy    is gone
 *   packet_clone   is new
 *   table_load, event_log   stay as they are
 */
#include "pair.h"

SITE_FUNCTION static void table_load(void)
{
    keep = malloc(32);                      /* LEAK 6 10 */
}

#ifdef AFTER
SITE_FUNCTION static void packet_clone(unsigned id)
#else
SITE_FUNCTION static void packet_copy(unsigned id)
#endif
{
    seen = id;
    keep = malloc(128);                     /* LEAK 14 -, - 29 */
}

SITE_FUNCTION static void event_log(void)
{
    keep = malloc(48);                      /* LEAK 35 52 */
}

int main(void)
{
    mtrace();
    REPEAT(6, 10)
        table_load();
    REPEAT(14, 29)
#ifdef AFTER
        packet_clone(i);
#else
        packet_copy(i);
#endif
    REPEAT(35, 52)
        event_log();
    finish();
    return 0;
}
