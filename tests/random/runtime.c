/* What the random programs call. Each allocation is told which site it was by the stamp after it: an
 * allocation of this library, whose size is the number of the site and of the function that main called.
 * So the log itself says what a caller is, whatever the compiler made of names, lines and inlining. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS 4096
static int count[SLOTS], drop[SLOTS], seen[SLOTS];
static int root;
static unsigned state = 12345;
static char letters[1024];

/* The file "counts": how often each site runs, and of how many of its blocks one is freed. */
__attribute__((constructor)) static void load(void)
{
    int file = open("counts", O_RDONLY);
    if (file < 0 || read(file, count, sizeof count) != sizeof count || read(file, drop, sizeof drop) != sizeof drop)
        _exit(9);
    close(file);
    memset(letters, 'x', sizeof letters - 1);
}

void stamp(int label)
{
    void *volatile block = malloc(1000000 + (size_t)label + 10000 * (size_t)root);
    free(block);
}

int dropped(int label)
{
    return drop[label] && ++seen[label] % drop[label] == 0;
}

void keep(int label, void *block)
{
    stamp(label);
    if (dropped(label))
        free(block);
}

int times(int label) { return count[label]; }
int yes(void) { return 1; }
void work(int number) { state += (unsigned)number; }
void *old_block(void) { return NULL; }
void enter(int number) { root = number; }

size_t some_size(void)
{
    state = state * 1103515245u + 12345u;
    return 16 + (state >> 16) % 400;
}

const char *text(size_t size) { return letters + sizeof letters - 1 - size; }

/* Saves the maps, without touching the heap. */
void finish(void)
{
    char buffer[4096];
    ssize_t n;
    int in = open("/proc/self/maps", O_RDONLY);
    int out = open("app.maps", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    while ((n = read(in, buffer, sizeof buffer)) > 0)
        if (write(out, buffer, (size_t)n) != n)
            _exit(8);
    close(in);
    close(out);
}
