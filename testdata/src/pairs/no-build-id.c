/*
 * Pair no-build-id: one source, linked with --build-id=none, run twice; with an argument it does
 * more. The programs are equal to the byte, but without a build id nothing says so.
 *
 *   session_open, event_log   the same line in the same function
 */
#include "pair.h"

SITE_FUNCTION static void session_open(unsigned id)
{
    seen = id;
    keep = malloc(256);                     /* LEAK 11 23 */
}

SITE_FUNCTION static void event_log(void)
{
    keep = malloc(48);                      /* LEAK 32 45 */
}

int main(int argc, char **argv)
{
    int later = argc > 1 && argv[1] != NULL;

    mtrace();
    for (unsigned i = 0; i < (later ? 23 : 11); i++)
        session_open(i);
    for (unsigned i = 0; i < (later ? 45 : 32); i++)
        event_log();
    finish();
    return 0;
}
