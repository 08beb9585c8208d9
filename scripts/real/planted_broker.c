/* A message broker: topics, subscribers that come and go, retained messages, receipts. Modes: `uniform` and
   `skewed` say how popular the topics are; `busy` also keeps an audit of each message.
   Leaks, by the function that allocates: note_receipt (1 message in 6; a list that is freed at the exit),
   dead_letter (1 in 150, never freed), last_will (a client that is cut off, 1 in 80, never freed), audit (each
   message of the mode `busy`; freed at the exit), remember_name (the names that guests took, each once; 900 are
   loaded at the start; freed at the exit; 1 in 40).
   No leaks: topic_of and topic_name (a table of 160 topics), resize_topics (its slots), retain (one a topic,
   replaced), join (up to 60 subscribers), queue_of (their queues), enqueue (up to 12 waiting each), minute (a
   ring of 40), acl_entry and acl_text (replaced at each 500th message), match (a cache of 64 that is replaced),
   plug_in (90 blocks when half of the work is done), report_line (the report at the end). */
#include "planted.h"

struct item {
    struct item *next;
    char text[48];
};
struct topic {
    char *name;
    char *retained;
    unsigned messages;
};
struct subscriber {
    unsigned number, waiting;
    void **queue;
};

enum { TOPICS = 160, SUBSCRIBERS = 60, WAITING = 12, MINUTES = 40, RULES = 45, MATCHES = 64, NAMES = 900 };

static struct topic **topics;
static unsigned topic_slots, topic_count;
static struct topic *of_kind[TOPICS];
static struct subscriber *subscribers[SUBSCRIBERS];
static struct item *receipts, *letters, *names, *audits;
static void *wills, *minutes[MINUTES], *matches[MATCHES], *plugged[90];
static char *rules[RULES][2];

static void push(struct item **list, struct item *item, unsigned number)
{
    snprintf(item->text, sizeof item->text, "number %u", number);
    item->next = *list;
    *list = item;
}

static void free_list(struct item *list)
{
    while (list) {
        struct item *next = list->next;
        free(list);
        list = next;
    }
}

APART static void note_receipt(unsigned number) { push(&receipts, malloc(sizeof(struct item)), number); } /* leak */
APART static void dead_letter(unsigned number) { push(&letters, malloc(sizeof(struct item) + 64), number); } /* leak */
APART static void audit(unsigned number) { push(&audits, malloc(sizeof(struct item)), number); }          /* leak */
APART static void remember_name(unsigned number) { push(&names, calloc(1, sizeof(struct item)), number); } /* leak */

APART static void last_will(const char *name)
{
    void **will = malloc(80); /* leak */
    *will = wills;
    wills = will;
    snprintf((char *)(will + 1), 60, "%s is gone", name);
}

APART static void resize_topics(void)
{
    topic_slots = topic_slots ? topic_slots * 2 : 16;
    topics = realloc(topics, topic_slots * sizeof *topics); /* bounded by the topics */
}

APART static char *topic_name(unsigned kind)
{
    char *name = malloc(30); /* bounded: 160 */
    snprintf(name, 30, "building/floor/%u", kind);
    return name;
}

APART static struct topic *topic_of(unsigned kind)
{
    if (!of_kind[kind]) {
        if (topic_count == topic_slots)
            resize_topics();
        struct topic *topic = calloc(1, sizeof *topic); /* bounded: 160 */
        topic->name = topic_name(kind);
        topics[topic_count++] = of_kind[kind] = topic;
    }
    return of_kind[kind];
}

APART static void retain(struct topic *topic, unsigned length)
{
    free(topic->retained);
    topic->retained = malloc(length); /* bounded: one a topic */
    memset(topic->retained, 'r', length);
}

APART static void *enqueue(unsigned number)
{
    char *copy = malloc(24 + number % 50); /* bounded: 12 waiting for each subscriber */
    snprintf(copy, 24, "message %u", number);
    return copy;
}

APART static void **queue_of(void) { return calloc(WAITING, sizeof(void *)); } /* bounded, as the subscribers */

static void drain(struct subscriber *subscriber)
{
    while (subscriber->waiting)
        free(subscriber->queue[--subscriber->waiting]);
}

APART static struct subscriber *join(unsigned number)
{
    struct subscriber *subscriber = calloc(1, sizeof *subscriber); /* bounded: 60 */
    subscriber->number = number;
    subscriber->queue = queue_of();
    return subscriber;
}

static void leave(struct subscriber **place)
{
    drain(*place);
    free((*place)->queue);
    free(*place);
    *place = NULL;
}

APART static void *minute(void) { return calloc(1, 96); }              /* bounded: a ring of 40 */
APART static void *match(void) { return malloc(56); }                  /* bounded: 64 */
APART static void *plug_in(unsigned part) { return malloc(32 + part); } /* once: 90 */
APART static char *acl_text(void) { return malloc(25); }               /* bounded: 45 */
APART static char *acl_entry(void) { return malloc(40); }              /* bounded: 45 */
APART static char *report_line(void) { return malloc(70); }            /* at the end: one a topic */

static void reload(void)
{
    for (unsigned rule = 0; rule < RULES; rule++) {
        free(rules[rule][0]);
        free(rules[rule][1]);
        rules[rule][0] = acl_entry();
        rules[rule][1] = acl_text();
    }
}

int main(int argc, char **argv)
{
    const char *mode;
    unsigned work = begins(argc, argv, &mode);
    int is_skewed = strcmp(mode, "skewed") == 0, is_busy = strcmp(mode, "busy") == 0;
    for (unsigned name = 0; name < NAMES; name++)
        remember_name(name);
    for (unsigned done = 0; done < work; done++) {
        if (done % 500 == 0)
            reload();
        struct topic *topic = topic_of(is_skewed ? skewed(TOPICS) : chance(TOPICS));
        topic->messages++;
        if (chance(4) == 0)
            retain(topic, 20 + chance(100));
        struct subscriber **place = &subscribers[chance(SUBSCRIBERS)];
        if (!*place) {
            *place = join(done);
        } else if (chance(10) == 0) {
            if (chance(8) == 0)
                last_will(topic->name);
            leave(place);
        } else if ((*place)->waiting < WAITING) {
            (*place)->queue[(*place)->waiting++] = enqueue(done);
        } else {
            drain(*place);
        }
        if (chance(6) == 0)
            note_receipt(done);
        if (chance(150) == 0)
            dead_letter(done);
        if (chance(40) == 0)
            remember_name(done);
        if (is_busy)
            audit(done);
        void **cached = &matches[chance(MATCHES)];
        if (chance(3) == 0) {
            free(*cached);
            *cached = match();
        }
        if (done % 60 == 59) {
            void **slot = &minutes[done / 60 % MINUTES];
            free(*slot);
            *slot = minute();
        }
        if (done == work / 2)
            for (unsigned part = 0; part < 90; part++)
                plugged[part] = plug_in(part);
    }
    char *lines[TOPICS];
    for (unsigned kind = 0; kind < topic_count; kind++) {
        lines[kind] = report_line();
        snprintf(lines[kind], 70, "%s: %u", topics[kind]->name, topics[kind]->messages);
    }
    for (unsigned kind = 0; kind < topic_count; kind++) {
        puts(lines[kind]);
        free(lines[kind]);
        free(topics[kind]->name);
        free(topics[kind]->retained);
        free(topics[kind]);
    }
    free(topics);
    free_list(receipts);
    free_list(names);
    free_list(audits);
    for (unsigned place = 0; place < SUBSCRIBERS; place++)
        if (subscribers[place])
            leave(&subscribers[place]);
    return 0;
}
