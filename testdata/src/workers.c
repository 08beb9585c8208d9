/*
 * Eight threads on one arena: `workers ROUNDS MAPS`.
 *
 * From glibc 2.34 free() releases a block before it logs the release, so
 * another thread can log the same address as allocated first. What is left
 * after n rounds of each of the 8 threads:
 *
 *   job_keep    8 * (n / 100) blocks of 32 bytes
 *   job_run     nothing: every block is freed by the thread that made it
 */
#include <malloc.h>
#include <mcheck.h>
#include <pthread.h>
#include <stdlib.h>

#include "save_maps.h"

enum { WORKERS = 8 };

static unsigned rounds;
static void *volatile kept[WORKERS];
static pthread_barrier_t start;

__attribute__((noinline)) static void job_keep(unsigned worker)
{
    kept[worker] = malloc(32);              /* SITE: job_keep */
}

__attribute__((noinline)) static void job_run(unsigned size)
{
    char *volatile block = malloc(size);    /* SITE: job_run */
    free(block);
}

static void *worker(void *argument)
{
    unsigned me = (unsigned)(size_t)argument;
    pthread_barrier_wait(&start);
    for (unsigned i = 1; i <= rounds; i++) {
        job_run(2000);
        if (i % 100 == 0)
            job_keep(me);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[WORKERS];

    rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 200;
    mallopt(M_ARENA_MAX, 1);
    pthread_barrier_init(&start, NULL, WORKERS);
    mtrace();
    for (size_t i = 0; i < WORKERS; i++)
        pthread_create(&threads[i], NULL, worker, (void *)i);
    for (size_t i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    if (argc > 2)
        save_maps(argv[2]);
    muntrace();
    return 0;
}
