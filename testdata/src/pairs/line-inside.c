/*
 * Pair line-inside: one line is inserted inside a function, before its leak.
 *
 *   table_load     stands above it: its line stays
 *   session_open   has the new line: the function stays, its leak moves by a line
 *   event_log      stands below it, and moves by a line with its function
 */
#include "pair.h"

SITE_FUNCTION static void table_load(void)
{
    keep = malloc(32);                      /* LEAK 4 9 */
}

SITE_FUNCTION static void session_open(unsigned id)
{
    void *volatile greeting = malloc(24);
    seen = id;
    free(greeting);
#ifdef AFTER
    seen = seen + 1;
#endif
    keep = malloc(256);                     /* LEAK 12 25 */
}

SITE_FUNCTION static void event_log(void)
{
    keep = malloc(48);                      /* LEAK 33 50 */
}

int main(void)
{
    mtrace();
    REPEAT(4, 9)
        table_load();
    REPEAT(12, 25)
        session_open(i);
    REPEAT(33, 50)
        event_log();
    finish();
    return 0;
}
