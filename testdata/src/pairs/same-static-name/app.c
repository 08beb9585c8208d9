/*
 * Pair same-static-name: reader.c and writer.c have a static function buffer_grow each. Both
 * leak, and both move: in the later version that of reader.c is on the very line number that
 * that of writer.c was on.
 */
#include "poll.h"

#include "pair.h"

int main(void)
{
    mtrace();
    REPEAT(11, 23)
        reader_poll(i);
    REPEAT(31, 47)
        writer_poll(i);
    finish();
    return 0;
}
