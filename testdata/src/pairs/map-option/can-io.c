/* Pair map-option, a file that changes its place: see app.c. */
#include "io.h"

#include "pair.h"

SITE_FUNCTION static void io_open(unsigned id)
{
    seen = id;
    keep = malloc(200);                     /* LEAK 11 23 */
}

void can_poll(unsigned id)
{
    scratch_use(1);
    io_open(id);
}
