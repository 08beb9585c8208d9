/*
 * Pair template-twice: C++. A template function is instantiated for two types of one size, and
 * code is inserted above it. One line of source is two sites, since each instance is a function.
 *
 *   pool_open<Session>   moves by 6 lines
 *   pool_open<Timer>     moves by 6 lines
 */
#include "pair.h"

struct Session {
    char peer[48];
};

struct Timer {
    char name[48];
};

#ifdef AFTER
SITE_FUNCTION static void heartbeat(unsigned tick)
{
    if (tick % 3 == 0)
        seen = seen + tick;
}

#endif
template <typename T> SITE_FUNCTION void pool_open()
{
    keep = std::malloc(sizeof(T));          /* LEAK 11 23, 31 47 */
}

int main()
{
    mtrace();
#ifdef AFTER
    heartbeat(3);
#endif
    REPEAT(11, 23)
        pool_open<Session>();
    REPEAT(31, 47)
        pool_open<Timer>();
    finish();
    return 0;
}
