/* Preloaded into a program of the benchmark: records from its first allocation on, and lets the
   program end the recording, so that what it then holds is live in the log. */
#include <mcheck.h>

void trace_off(void)
{
    muntrace();
}

__attribute__((constructor)) static void trace_on(void)
{
    mtrace();
}
