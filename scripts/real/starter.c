/* Preloaded into a real program: traces it from its constructors to its destructors. Processes that it starts are not
   traced, or they would write over its log. */
#include <mcheck.h>
#include <stdlib.h>

__attribute__((constructor)) static void on(void)
{
    mtrace();
    unsetenv("LD_PRELOAD");
    unsetenv("MALLOC_TRACE");
}

__attribute__((destructor)) static void off(void)
{
    muntrace();
}
