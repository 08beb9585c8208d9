/*
 * Pair renamed-library, the program: it is linked with each version of the library.
 *
 *   table_load   the same line in the same function of the program
 */
#include "foo.h"

#include "pair.h"

SITE_FUNCTION static void table_load(void)
{
    keep = malloc(32);                      /* LEAK 6 14 */
}

int main(void)
{
    mtrace();
    REPEAT(6, 14)
        table_load();
    REPEAT(11, 23)
        foo_open(i);
    REPEAT(31, 48)
        foo_log();
    finish();
    return 0;
}
