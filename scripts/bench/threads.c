/* Threads that allocate at full speed, three calls deep: threads COUNT ROUNDS. Each holds 1,000 blocks, and frees one
 * at random for each that it allocates. */
#include <pthread.h>
#include <stdlib.h>

static long rounds;

static __attribute__((noinline)) void *inner(size_t size) {
    char *p = malloc(size);
    p[0] = 1;
    return p;
}

static __attribute__((noinline)) void *outer(size_t size) {
    char *p = inner(size + 1);
    p[1] = 2;
    return p;
}

static void *work(void *unused) {
    void *held[1000] = {0};
    unsigned random = 1;
    for (long i = 0; i < rounds; i++) {
        random = random * 1103515245u + 12345;
        unsigned at = (random >> 16) % 1000;
        free(held[at]);
        held[at] = i % 2 ? outer(16 + at % 200) : inner(16 + at % 200);
    }
    for (int i = 0; i < 1000; i++) free(held[i]);
    return unused;
}

int main(int argc, char **argv) {
    pthread_t threads[64];
    int count = argc > 2 ? atoi(argv[1]) : 8;
    rounds = argc > 2 ? atol(argv[2]) : 1000000;
    for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
    return 0;
}
