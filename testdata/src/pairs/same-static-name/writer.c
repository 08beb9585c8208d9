/* Pair same-static-name: buffer_grow of this file moves by 5 lines, from line 15. */
#include "poll.h"

#include "pair.h"

static unsigned width(unsigned id)
{
    unsigned odd = id % 2;
    return odd + 200;
}

#ifdef AFTER
static unsigned height(unsigned id)
{
    return id % 3;
}

#endif
SITE_FUNCTION static void buffer_grow(unsigned id)
{
    seen = id;
    keep = malloc(200);                     /* LEAK 31 47 */
}

void writer_poll(unsigned id)
{
    seen = width(id);
#ifdef AFTER
    seen = height(id);
#endif
    buffer_grow(id);
}
