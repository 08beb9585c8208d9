/*
 * Pair same-build: one program with a build id, run twice; with an argument it does more.
 *
 *   session_open   one block a call
 *   link_open      two blocks a call, from two calls of malloc on one line: one site
 */
#include "pair.h"

static void *volatile keep_too;

SITE_FUNCTION static void session_open(unsigned id)
{
    seen = id;
    keep = malloc(256);                     /* LEAK 11 23 */
}

SITE_FUNCTION static void link_open(void)
{
    keep = malloc(64); keep_too = malloc(96); /* LEAK 10 26 */
}

int main(int argc, char **argv)
{
    int later = argc > 1 && argv[1] != NULL;

    mtrace();
    for (unsigned i = 0; i < (later ? 23 : 11); i++)
        session_open(i);
    for (unsigned i = 0; i < (later ? 13 : 5); i++)
        link_open();
    finish();
    return 0;
}
