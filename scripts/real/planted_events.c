/* An event loop with libevent: peers over pairs of buffers, that reconnect, and timers.
   Leaks: the buffer for what a peer has sent is forgotten when it reconnects (each 15th message), a callback is added
   to a buffer that lives as long as the program (each 6th), and a timer of a deadline that was met is not freed (each
   20th); the headers kept for a report are never cleared (each 4th).
   No leaks: the peers, which are freed when they reconnect, 25 timers that are used in turn, a queue of up to 70
   answers, and a base. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

static struct event_base *base;
static struct bufferevent *peer[2];
static struct evbuffer *received;
static int arrived;

static void changed(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *data)
{
    (void)buffer;
    (void)info;
    ++*(int *)data;
}

static void reads(struct bufferevent *of, void *data)
{
    (void)data;
    evbuffer_add_buffer(received, bufferevent_get_input(of));
    arrived = 1;
}

static void timed_out(evutil_socket_t descriptor, short what, void *data)
{
    (void)descriptor;
    (void)what;
    (void)data;
}

static void reconnect(void)
{
    for (int side = 0; side < 2; side++)
        if (peer[side])
            bufferevent_free(peer[side]);
    bufferevent_pair_new(base, 0, peer);
    bufferevent_setcb(peer[1], reads, NULL, NULL, NULL);
    bufferevent_enable(peer[1], EV_READ);
    bufferevent_enable(peer[0], EV_WRITE);
    received = evbuffer_new(); /* leak: the one before, with what is in it */
}

int main(int argc, char **argv)
{
    int left = argc > 1 ? atoi(argv[1]) : 1200;
    base = event_base_new();
    struct evbuffer *shared = evbuffer_new();
    struct evkeyvalq headers;
    TAILQ_INIT(&headers);
    struct event *timers[25] = {0};
    char *answers[70] = {0};
    int changes = 0;
    struct timeval later = {.tv_sec = 1000};
    reconnect();
    for (int done = 1; done <= left; done++) {
        char text[60];
        snprintf(text, sizeof text, "message %d", done);
        arrived = 0;
        bufferevent_write(peer[0], text, strlen(text));
        while (!arrived)
            event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
        if (done % 15 == 0)
            reconnect();
        if (done % 6 == 0)
            evbuffer_add_cb(shared, changed, &changes); /* leak: never removed */
        if (done % 90 == 0) {
            evbuffer_add(shared, "x", 1);
            evbuffer_drain(shared, 1);
        }
        struct event **timer = &timers[done % 25]; /* bounded: 25 */
        if (*timer)
            event_free(*timer);
        *timer = evtimer_new(base, timed_out, NULL);
        event_add(*timer, &later);
        if (done % 20 == 0) {
            struct event *deadline = evtimer_new(base, timed_out, NULL); /* leak: met, and not freed */
            event_add(deadline, &later);
            event_del(deadline);
        }
        if (done % 4 == 0)
            evhttp_add_header(&headers, "X-Number", text); /* leak: never cleared */
        free(answers[done * 31 % 70]); /* bounded: 70 */
        answers[done * 31 % 70] = strdup(text);
    }
    return 0;
}
