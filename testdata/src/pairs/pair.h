/*
 * What the programs of the pairs share.
 *
 * scripts/make-pairs.sh writes two versions of each source: the lines between `#ifdef AFTER` and
 * `#endif` are in the later version only, those after `#else` or `#ifndef AFTER` in the earlier
 * one only, and the directives are in neither. So lines really move from one to the other.
 *
 * A comment `LEAK 11 23` stands on each line that leaks: 11 blocks in the earlier program, 23 in
 * the later one, `-` where the version has no such line. A line that is several sites has an
 * entry for each, with commas between them.
 */
#ifndef PAIR_H
#define PAIR_H

#include <mcheck.h>
#include <stdlib.h>

#include "save_maps.h"

#ifdef AFTER
#define PICK(before, after) (after)
#else
#define PICK(before, after) (before)
#endif

/* Repeats what follows, `before` times in the earlier program and `after` times in the later. */
#define REPEAT(before, after) for (unsigned i = 0; i < PICK(before, after); i++)

/* Such a function stays one function, with its own name. */
#define SITE_FUNCTION __attribute__((noinline, noclone))

/* The block that was kept before is lost. */
static void *volatile keep __attribute__((unused));

/* Something to do for code that only takes up room. */
static volatile unsigned seen __attribute__((unused));

/* Blocks that are freed as they should be. */
SITE_FUNCTION static void scratch_use(unsigned times)
{
    while (times-- > 0) {
        void *volatile block = malloc(40);
        free(block);
    }
}

/* What every program ends with. */
static inline void finish(void)
{
    scratch_use(9);
    save_maps("app.maps");
    muntrace();
}

#endif
