/*
 * Pair moved-file, the other file.
 *
 *   session_note   is here in both versions, and its line stays
 *   session_open   is here in the later version only
 */
#include "pair.h"
#include "sessions.h"

SITE_FUNCTION void session_note(void)
{
    scratch_use(2);
    keep = malloc(80);                      /* LEAK 7 16 */
}
#ifdef AFTER

SITE_FUNCTION void session_open(unsigned id)
{
    seen = id;
    keep = malloc(256);                     /* LEAK 13 26 */
}
#endif
