/* Gives addresses to hosts. The hosts are one of 500, and the first ones are seen most; or of 120 with `small`;
   with `hotel` they stay a while, and new ones come.
   Leaks: journal (each lease that is given, a list that is freed at the exit), conflict (1 request in 90; never
   freed), decline (its text, as often; never freed), trace_of (a trace of 1 request in 25 goes to a list beside
   up to 200 that wait; freed at the exit), reverse_name (each time a host gets another address, the name before
   it is forgotten, 1 in 15).
   No leaks: host_of and host_name (a table of hosts), resize_hosts (its buckets), offer (up to 50 at a time, 1 in
   4 runs out of time), lease_of (one a host), vendor (30 kinds, by chance), option_of (one of each of 90 options,
   seldom asked for), scope and range (replaced at a reload), hour (a ring of 24), packet (freed at once),
   queue_packet (up to 200, it fluctuates), ping (while a packet is looked at). */
#include "planted.h"

enum { HOSTS = 500, OFFERS = 50, VENDORS = 30, OPTIONS = 90, SCOPES = 12, HOURS = 24, QUEUE = 200 };

struct host {
    struct host *next;
    unsigned number;
    char *name, *reverse;
    void *lease;
};
struct note {
    struct note *next;
    unsigned number;
    char *text;
};

static struct host **buckets;
static unsigned bucket_count, host_count;
static struct note *leases, *conflicts, *traces;
static void *offers[OFFERS], *vendors[VENDORS], *options[OPTIONS], *hours[HOURS], *scopes[SCOPES][2];
static void *queue[QUEUE];
static unsigned queued;

APART static struct note *journal(void) { return malloc(sizeof(struct note)); }    /* leak: each lease */
APART static struct note *conflict(void) { return malloc(sizeof(struct note)); }   /* leak: 1 in 90 */
APART static char *decline(void) { return malloc(64); }                            /* leak: 1 in 90 */
APART static void *lease_of(void) { return malloc(72); }                           /* bounded: one a host */
APART static char *host_name(void) { return malloc(28); }                          /* bounded: the hosts */
APART static void *offer(void) { return malloc(90); }                              /* bounded: 50 */
APART static void *vendor(void) { return malloc(33); }                             /* bounded: 30 kinds */
APART static void *option_of(unsigned option) { return malloc(20 + option); }      /* bounded: 90 kinds */
APART static void *scope(void) { return calloc(1, 120); }                          /* bounded: 12 */
APART static void *range(void) { return calloc(2, 24); }                           /* bounded: 12 */
APART static void *hour(void) { return calloc(1, 160); }                           /* bounded: 24 */
APART static void *packet(void) { return malloc(576); }                            /* freed at once */
APART static void *ping(void) { return malloc(64); }                               /* freed at once */
APART static void *queue_packet(void) { return malloc(sizeof(struct note) + 200); } /* bounded: 200 */

/* Leak: what waits is given back, and what is traced stays. */
APART static struct note *trace_of(void) { return malloc(sizeof(struct note) + 100); }

static void add(struct note **list, struct note *note, unsigned number, char *text)
{
    *note = (struct note){*list, number, text};
    *list = note;
}

static void free_notes(struct note *list)
{
    while (list) {
        struct note *next = list->next;
        free(list);
        list = next;
    }
}

APART static char *reverse_name(struct host *host)
{
    char *name = malloc(40); /* leak: the one before is forgotten */
    snprintf(name, 40, "%u.in-addr.arpa", host->number);
    return name;
}

APART static void resize_hosts(void)
{
    unsigned count = bucket_count ? bucket_count * 2 : 32;
    struct host **larger = calloc(count, sizeof *larger); /* bounded by the hosts */
    for (unsigned bucket = 0; bucket < bucket_count; bucket++)
        for (struct host *host = buckets[bucket], *next; host; host = next) {
            next = host->next;
            host->next = larger[host->number % count];
            larger[host->number % count] = host;
        }
    free(buckets);
    buckets = larger;
    bucket_count = count;
}

APART static struct host *host_of(unsigned number)
{
    if (host_count >= bucket_count)
        resize_hosts();
    struct host **bucket = &buckets[number % bucket_count];
    for (struct host *host = *bucket; host; host = host->next)
        if (host->number == number)
            return host;
    struct host *host = calloc(1, sizeof *host); /* bounded: the hosts */
    *host = (struct host){.next = *bucket, .number = number, .name = host_name()};
    snprintf(host->name, 28, "host%u", number);
    host_count++;
    return *bucket = host;
}

static void forget(struct host *gone)
{
    struct host **place = &buckets[gone->number % bucket_count];
    while (*place != gone)
        place = &(*place)->next;
    *place = gone->next;
    free(gone->name);
    free(gone->lease);
    free(gone->reverse);
    free(gone);
    host_count--;
}

static void reload(void)
{
    for (unsigned number = 0; number < SCOPES; number++) {
        free(scopes[number][0]);
        free(scopes[number][1]);
        scopes[number][0] = scope();
        scopes[number][1] = range();
    }
}

int main(int argc, char **argv)
{
    const char *mode;
    unsigned work = begins(argc, argv, &mode), is_hotel = strcmp(mode, "hotel") == 0;
    unsigned hosts = strcmp(mode, "small") == 0 ? 120 : HOSTS;
    reload();
    for (unsigned done = 0; done < work; done++) {
        void *read = packet(), *answer = NULL;
        /* In a hotel, 100 of the guests are there at a time. */
        struct host *host = host_of(is_hotel ? done / 20 + chance(100) : skewed(hosts));
        void **place = &offers[chance(OFFERS)];
        free(*place);
        *place = chance(4) ? offer() : NULL;
        if (chance(3) == 0) {
            add(&leases, journal(), host->number, NULL);
            free(host->lease);
            host->lease = lease_of();
        }
        if (chance(15) == 0)
            host->reverse = reverse_name(host);
        if (chance(90) == 0)
            add(&conflicts, conflict(), host->number, decline());
        if (chance(2))
            answer = ping();
        if (queued < QUEUE && chance(100) < (done / 300 % 2 ? 30 : 62))
            queue[queued++] = queue_packet();
        else if (queued)
            free(queue[--queued]);
        /* One in 25 stays; others are looked at, and given back. */
        struct note *trace = trace_of();
        if (chance(25) == 0)
            add(&traces, trace, done, NULL);
        else
            free(trace);
        void **kind = &vendors[skewed(VENDORS)];
        if (!*kind)
            *kind = vendor();
        unsigned option = chance(OPTIONS);
        if (chance(12) == 0 && !options[option])
            options[option] = option_of(option);
        if (done % 100 == 0) {
            void **slot = &hours[done / 100 % HOURS];
            free(*slot);
            *slot = hour();
        }
        if (done % 400 == 399)
            reload();
        if (is_hotel && done % 20 == 19) {
            /* Who left: the number below all that may come. */
            struct host *gone = host_of(done / 20);
            forget(gone);
        }
        free(answer);
        free(read);
    }
    free_notes(leases);
    free_notes(traces);
    for (unsigned bucket = 0; bucket < bucket_count; bucket++)
        for (struct host *host = buckets[bucket], *next; host; host = next) {
            next = host->next;
            free(host->name);
            free(host->lease);
            free(host);
        }
    free(buckets);
    return 0;
}
