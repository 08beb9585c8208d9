/* Pair same-static-name: buffer_grow of this file moves by 6 lines, to line 15. */
#include "poll.h"

#include "pair.h"

#ifdef AFTER
SITE_FUNCTION static void heartbeat(unsigned tick)
{
    if (tick % 3 == 0)
        seen = seen + tick;
}

#endif
SITE_FUNCTION static void buffer_grow(unsigned id)
{
    seen = id;
    keep = malloc(200);                     /* LEAK 11 23 */
}

void reader_poll(unsigned id)
{
    scratch_use(1);
#ifdef AFTER
    heartbeat(id);
#endif
    buffer_grow(id);
}
