/*
 * Pair renamed-library: libfoo.so.1.2 becomes libfoo.so.1.3 (file and soname).
 *
 *   foo_open   its line stays
 *   foo_note   static, so no dynamic symbol names it; it moves by 6 lines
 */
#include "foo.h"

#include "pair.h"

SITE_FUNCTION void foo_open(unsigned id)
{
    seen = id;
    scratch_use(1);
    keep = malloc(256);                     /* LEAK 11 23 */
}

#ifdef AFTER
SITE_FUNCTION static void heartbeat(unsigned tick)
{
    if (tick % 3 == 0)
        seen = seen + tick;
}

#endif
SITE_FUNCTION static void foo_note(void)
{
    keep = malloc(48);                      /* LEAK 31 48 */
}

SITE_FUNCTION void foo_log(void)
{
#ifdef AFTER
    heartbeat(3);
#endif
    foo_note();
}
