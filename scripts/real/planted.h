/* Random numbers for planted services: the same seed gives the same ones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APART __attribute__((noinline))

static unsigned long long random_state;

static inline unsigned chance(unsigned below)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(random_state >> 33) % below;
}

/* A kind below COUNT, which is at most 4096: the second is half as popular as the first, the third a third. */
static inline unsigned skewed(unsigned count)
{
    static double sums[4097];
    if (sums[1] == 0)
        for (unsigned kind = 1; kind <= 4096; kind++)
            sums[kind] = sums[kind - 1] + 1.0 / kind;
    double wanted = chance(1u << 30) / (double)(1u << 30) * sums[count];
    unsigned low = 0, high = count - 1;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (sums[middle + 1] > wanted)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Work, seed and a mode of the command line. */
static inline unsigned begins(int argc, char **argv, const char **mode)
{
    *mode = argc > 3 ? argv[3] : "";
    random_state = argc > 2 ? strtoull(argv[2], NULL, 10) * 7919 + 17 : 17;
    for (const char *letter = *mode; *letter; letter++)
        random_state = random_state * 31 + (unsigned char)*letter;
    for (int i = 0; i < 8; i++)
        chance(2);
    return argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000;
}
