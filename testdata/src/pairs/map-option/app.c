/*
 * Pair map-option: a tree of sources is laid out anew, and no line moves.
 *
 *   earlier              later
 *   drivers/can/io.c     bus/fast/io.c      (here: can-io.c)
 *   drivers/lin/io.c     bus/slow/io.c      (here: lin-io.c)
 *
 * Each has a static function io_open that leaks on one line number, with one size. From the right
 * the paths agree in nothing but the file's name, which is that of both, and the later program
 * is linked in the other order. Only --map says which is which.
 */
#include "io.h"

#include "pair.h"

int main(void)
{
    mtrace();
    REPEAT(11, 23)
        can_poll(i);
    REPEAT(31, 47)
        lin_poll(i);
    finish();
    return 0;
}
