/* What scripts/capture.sh is tried on. The first argument says how to end; 5 blocks of 24 bytes stay in any case. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t is_over;

static void end(int signal) { is_over = signal; }

/* Volatile, so that no call is optimised away. */
static void *volatile kept;

__attribute__((noinline)) static void keep(int blocks, int size) {
    for (int i = 0; i < blocks; i++) kept = malloc(size);
}

__attribute__((noinline)) static void keep_last(void) { kept = malloc(1000); }

static int is(const char *a, const char *b) { return strcmp(a, b) == 0; }

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "";
    /* By hand: stdio would allocate a buffer. */
    if (write(1, "on stdout\n", 10) < 0) return 9;
    if (is(how, "read")) {
        char line[3] = "";
        return read(0, line, 2) == 2 ? atoi(line) : 9;
    }
    keep(5, 24);
    if (is(how, "exit")) return atoi(argv[2]);
    if (is(how, "abort")) abort();
    if (is(how, "usr1") || is(how, "int")) {
        signal(is(how, "int") ? SIGINT : SIGUSR1, end);
        while (!is_over) usleep(1000);
        keep_last();
        return 3;
    }
    if (is(how, "ignore")) signal(SIGTERM, SIG_IGN);
    if (is(how, "fork")) {
        if (fork() == 0) {
            keep(2, 100);
            return 0;
        }
        wait(NULL);
        return 0;
    }
    if (is(how, "many")) {
        for (int i = 0; i < 400000; i++) {
            kept = malloc(i % 5000);
            free(kept);
        }
        return 0;
    }
    /* As one program it has one block more than as the next. */
    if (is(how, "exec")) keep_last();
    if (is(how, "exec")) execl(argv[0], argv[0], "exit", "4", NULL);
    if (is(how, "daemon")) {
        if (fork() != 0) return 0;
        keep(30000, 48);
    }
    for (;;) pause();
}
