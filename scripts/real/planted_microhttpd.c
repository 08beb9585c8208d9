/* A web service with libmicrohttpd, on one thread: planted_microhttpd PORT. A request's state is freed when it is over.
   Leaks: a response is not released after it is queued for each 10th request (it and its text stay), the state of a
   request for what is not there is forgotten (error path), and each 8th request adds a listener that nobody removes.
   No leaks: all other responses and states, a cache of 40 pages, the connections. */
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

struct state {
    char *path;
    int number;
};
struct listener {
    struct listener *next;
    char name[24];
};

static volatile sig_atomic_t is_over;
static int requests;
static struct listener *listeners;
static char *pages[40];

static void stop(int signal)
{
    (void)signal;
    is_over = 1;
}

static void ended(void *data, struct MHD_Connection *connection, void **of, enum MHD_RequestTerminationCode code)
{
    (void)data;
    (void)connection;
    (void)code;
    struct state *state = *of;
    if (!state || strncmp(state->path, "/none", 5) == 0)
        return; /* leak: the state of what is not there */
    free(state->path);
    free(state);
    *of = NULL;
}

static enum MHD_Result answer(void *data, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *upload, size_t *size, void **of)
{
    (void)data;
    (void)method;
    (void)version;
    (void)upload;
    (void)size;
    if (!*of) {
        struct state *state = malloc(sizeof *state);
        state->path = strdup(path);
        state->number = ++requests;
        *of = state;
        return MHD_YES;
    }
    struct state *state = *of;
    char **page = &pages[state->number * 7 % 40];
    free(*page); /* bounded: 40 pages */
    *page = malloc(100);
    int length = snprintf(*page, 100, "request %d for %s", state->number, path);
    struct MHD_Response *response = MHD_create_response_from_buffer(length, *page, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", "text/plain");
    enum MHD_Result result = MHD_queue_response(connection, strncmp(path, "/none", 5) ? 200 : 404, response);
    if (state->number % 10 != 0) /* leak: every 10th */
        MHD_destroy_response(response);
    if (state->number % 8 == 0) {
        struct listener *listener = calloc(1, sizeof *listener); /* leak: never trimmed */
        snprintf(listener->name, sizeof listener->name, "listener %d", state->number);
        listener->next = listeners;
        listeners = listener;
    }
    return result;
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 8080;
    signal(SIGTERM, stop);
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_ERROR_LOG, port, NULL, NULL, answer, NULL,
                                                 MHD_OPTION_NOTIFY_COMPLETED, ended, NULL, MHD_OPTION_END);
    if (!daemon)
        return 1;
    while (!is_over) {
        fd_set reading, writing, other;
        FD_ZERO(&reading);
        FD_ZERO(&writing);
        FD_ZERO(&other);
        int highest = 0;
        MHD_get_fdset(daemon, &reading, &writing, &other, &highest);
        struct timeval wait = {.tv_usec = 100000};
        select(highest + 1, &reading, &writing, &other, &wait);
        MHD_run(daemon);
    }
    MHD_stop_daemon(daemon);
    return 0;
}
