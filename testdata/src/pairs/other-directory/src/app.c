/*
 * Pair other-directory: the same sources, compiled in /build/a/src and in /builds/job7/src. No
 * line moves, and all paths agree from the right.
 *
 *   table_load               in src/app.c
 *   io_open in net/io.c      two static functions of one name, on one line number, in two files
 *   io_open in disk/io.c     of one name: the longer agreement from the right tells them apart
 */
#include "io.h"

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
        net_poll(i);
    REPEAT(31, 47)
        disk_poll(i);
    finish();
    return 0;
}
