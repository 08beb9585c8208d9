/* Passes requests on to other services. Modes: `zipf` draws 400 clients by popularity, `even` 250 of them evenly,
   `slow` 60 clients, and loses little.
   Leaks: trace_span (1 request in 3, or 1 in 120 with `slow`; a list freed at the exit), header_block (the error
   path of 1 in 40 forgets it, and 1 in 250 with `slow`; never freed), billing (each 5th request; an array of
   pages of 16, each page freed at the exit), bill_text (what each of these points to; freed at the exit), watcher
   (each reload adds three and removes one; freed at the exit), stale_certificate (a renewed certificate is kept
   on a list beside the 64 that are in use; 1 in 30; freed at the exit).
   No leaks: client_of, quota_of (a table of clients), resize_clients, connection (up to 100 come and go), buffer
   (a pool of up to 6 that are kept), route and route_text (25, replaced at a reload), answer_of (a cache of 120
   answers in place), answer_body (these change their size), breaker (30 services, seldom met), second (a ring of
   50), token (expires after 200 requests), retry (up to 30 at a time), module_part (60 when half of the work is
   done). */
#include "planted.h"

enum { CLIENTS = 400, CONNECTIONS = 100, POOL = 6, ROUTES = 25, ANSWERS = 120, SERVICES = 30, SECONDS = 50 };
enum { TOKENS = 200, RETRIES = 30, PAGE = 16, CERTIFICATES = 64 };

struct link {
    struct link *next;
    unsigned number;
};
struct answer {
    unsigned key;
    char *body;
};
struct page {
    struct page *next;
    char *bills[PAGE];
    unsigned used;
};

static void **clients, *quota[CLIENTS], *of_client[CLIENTS], *connections[CONNECTIONS], *pool[POOL];
static void *routes[ROUTES][2], *breakers[SERVICES], *seconds[SECONDS], *tokens[TOKENS], *retries[RETRIES], *parts[60];
static struct link *certificates[CERTIFICATES];
static unsigned client_slots, client_count, pooled;
static struct answer *answers[ANSWERS];
static struct link *spans, *watchers, *stale;
static struct page *pages;

APART static struct link *trace_span(void) { return malloc(sizeof(struct link) + 80); }       /* leak */
APART static void *header_block(void) { return malloc(256); }                                 /* leak: error path */
APART static struct page *billing(void) { return calloc(1, sizeof(struct page)); }            /* leak: 1 in 80 */
APART static char *bill_text(void) { return malloc(36); }                                     /* leak: 1 in 5 */
APART static struct link *watcher(void) { return malloc(sizeof(struct link)); }               /* leak: 2 a reload */
APART static struct link *stale_certificate(void) { return calloc(1, sizeof(struct link) + 900); } /* leak: 1 in 30 */
APART static void *client_of(void) { return malloc(96); }                                     /* bounded: the clients */
APART static void *quota_of(void) { return calloc(4, 8); }                                    /* bounded: the clients */
APART static void *connection(void) { return calloc(1, 320); }                                /* bounded: 100 */
APART static void *buffer(void) { return malloc(1024); }                                      /* bounded: 6 + 8 */
APART static void *route(void) { return malloc(48); }                                         /* bounded: 25 */
APART static void *route_text(unsigned number) { return malloc(20 + number); }                /* bounded: 25 */
APART static struct answer *answer_of(void) { return malloc(sizeof(struct answer)); }         /* bounded: 120 */
APART static void *breaker(void) { return malloc(40); }                                       /* bounded: 30 */
APART static void *second(void) { return calloc(1, 56); }                                     /* bounded: 50 */
APART static void *token(void) { return malloc(44); }                                         /* bounded: 200 */
APART static void *retry(void) { return malloc(150); }                                        /* bounded: 30 */
APART static void *module_part(unsigned part) { return malloc(200 + part); }                  /* once: 60 */

APART static char *answer_body(char *body, unsigned size)
{
    body = realloc(body, size); /* bounded: 120 of up to 600 bytes */
    memset(body, 'a', size);
    return body;
}

APART static void resize_clients(void)
{
    client_slots = client_slots ? client_slots * 2 : 8;
    clients = realloc(clients, client_slots * sizeof *clients); /* bounded by the clients */
}

static void add(struct link **list, struct link *link, unsigned number)
{
    *link = (struct link){*list, number};
    *list = link;
}

static void free_links(struct link *list)
{
    while (list) {
        struct link *next = list->next;
        free(list);
        list = next;
    }
}

static void replace(void **place, void *with)
{
    free(*place);
    *place = with;
}

static void reload(unsigned done)
{
    for (unsigned number = 0; number < ROUTES; number++) {
        replace(&routes[number][0], route());
        replace(&routes[number][1], route_text(number));
    }
    for (unsigned one = 0; one < 3; one++)
        add(&watchers, watcher(), done);
    struct link *removed = watchers;
    watchers = removed->next;
    free(removed);
}

static void bill(unsigned number)
{
    if (!pages || pages->used == PAGE) {
        struct page *page = billing();
        page->next = pages;
        pages = page;
    }
    char *text = bill_text();
    snprintf(text, 36, "bill of request %u", number);
    pages->bills[pages->used++] = text;
}

int main(int argc, char **argv)
{
    const char *mode;
    unsigned work = begins(argc, argv, &mode);
    int is_slow = strcmp(mode, "slow") == 0, is_even = strcmp(mode, "even") == 0;
    for (unsigned number = 0; number < CERTIFICATES; number++)
        certificates[number] = stale_certificate();
    for (unsigned done = 0; done < work; done++) {
        if (done % 150 == 0)
            reload(done);
        unsigned client = is_slow ? chance(60) : is_even ? chance(250) : skewed(CLIENTS);
        if (!of_client[client]) {
            if (client_count == client_slots)
                resize_clients();
            clients[client_count++] = of_client[client] = client_of();
            quota[client] = quota_of();
        }
        void **open = &connections[chance(CONNECTIONS)];
        replace(open, chance(3) ? connection() : NULL);

        void *headers = header_block(), *used[8];
        unsigned in_use = chance(20) ? 1 : 1 + chance(8);
        for (unsigned one = 0; one < in_use; one++)
            used[one] = pooled ? pool[--pooled] : buffer();
        memset(used[0], 'h', 1024);
        if (chance(is_slow ? 120 : 3) == 0)
            add(&spans, trace_span(), done);
        if (done % 5 == 0)
            bill(done);
        unsigned service = chance(SERVICES);
        if (chance(30) == 0 && !breakers[service])
            breakers[service] = breaker();
        if (chance(30) == 0) {
            struct link **current = &certificates[chance(CERTIFICATES)];
            add(&stale, *current, done);
            *current = stale_certificate();
        }
        struct answer **answer = &answers[chance(ANSWERS)];
        if (!*answer) {
            *answer = answer_of();
            (*answer)->body = NULL;
        }
        (*answer)->key = done;
        if (chance(3) == 0)
            (*answer)->body = answer_body((*answer)->body, 100 + (answer - answers) * 4 + chance(40));
        replace(&tokens[done % TOKENS], token());
        void **again = &retries[chance(RETRIES)];
        if (chance(5) == 0)
            replace(again, *again ? NULL : retry());
        if (done % 40 == 0)
            replace(&seconds[done / 40 % SECONDS], second());
        if (done == work / 2)
            for (unsigned part = 0; part < 60; part++)
                parts[part] = module_part(part);
        while (in_use) {
            in_use--;
            if (pooled < POOL)
                pool[pooled++] = used[in_use];
            else
                free(used[in_use]);
        }
        if (chance(is_slow ? 250 : 40) == 0)
            continue; /* leak: the headers */
        free(headers);
    }
    free_links(spans);
    free_links(watchers);
    free_links(stale);
    for (unsigned number = 0; number < CERTIFICATES; number++)
        free(certificates[number]);
    while (pages) {
        struct page *next = pages->next;
        while (pages->used)
            free(pages->bills[--pages->used]);
        free(pages);
        pages = next;
    }
    for (unsigned number = 0; number < client_count; number++)
        free(clients[number]);
    free(clients);
    return 0;
}
