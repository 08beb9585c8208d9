/* Reads messages of JSON with jansson, and keeps some. Modes: `many` takes messages of 250 sources, else they are
   of 40.
   Leaks: title_of (1 message in 14 is starred, in a list that is freed at the exit, as are the documents, which a
   star refers to, with all that jansson allocates for them), a document whose type is unknown (1 in 90, never
   freed: it is not decreased), etag_of (forgotten when a source answers "not modified", 1 in 20, never freed),
   warning (1 in 130, a list that is freed at the exit), dumped text (json_dumps, 1 in 60, is not freed).
   No leaks: source_of and resize_sources (a table of the sources), tag_of (a table of 200 tags, skewed), unread
   (up to 150 wait), digest (replaced each 100th message), author_of (70 authors, drawn from a part of the
   messages), day (a ring of 31), filter (30, replaced at a reload), body (freed at once), and what jansson
   allocates for documents that are freed. */
#include <jansson.h>

#include "planted.h"

enum { SOURCES = 250, TAGS = 200, UNREAD = 150, AUTHORS = 70, DAYS = 31, FILTERS = 30 };

struct star {
    struct star *next;
    char *title;
    json_t *document;
};
struct source {
    unsigned number, messages;
    char *etag;
};

static struct source **sources, *of_number[SOURCES];
static unsigned source_count, source_room;
static struct star *stars, *warnings;
static void *tags[TAGS], *unread[UNREAD], *authors[AUTHORS], *days[DAYS], *filters[FILTERS], *digest;

APART static char *title_of(void) { return malloc(50); }                            /* leak: 1 in 14 */
APART static struct star *star(void) { return malloc(sizeof(struct star)); }        /* leak: 1 in 14 */
APART static struct star *warning(void) { return calloc(1, sizeof(struct star)); }  /* leak: 1 in 130 */
APART static char *etag_of(void) { return malloc(34); }                             /* leak: 1 in 20 */
APART static void *tag_of(unsigned tag) { return malloc(6 + tag % 30); }            /* bounded: 200 */
APART static void *unread_of(void) { return malloc(44); }                           /* bounded: 150 */
APART static void *digest_of(void) { return malloc(2000); }                         /* bounded: 1 */
APART static void *author_of(void) { return malloc(60); }                           /* bounded: 70 */
APART static void *day(void) { return calloc(1, 120); }                             /* bounded: 31 */
APART static void *filter(void) { return malloc(72); }                              /* bounded: 30 */
APART static char *body(void) { return malloc(400); }                               /* freed at once */

APART static void resize_sources(void)
{
    source_room = source_room ? source_room + source_room / 2 : 10;
    sources = realloc(sources, source_room * sizeof *sources); /* bounded by the sources */
}

APART static struct source *source_of(unsigned number)
{
    if (!of_number[number]) {
        if (source_count == source_room)
            resize_sources();
        of_number[number] = sources[source_count++] = calloc(1, sizeof(struct source)); /* bounded: the sources */
        of_number[number]->number = number;
    }
    return of_number[number];
}

static void reload(void)
{
    for (unsigned number = 0; number < FILTERS; number++) {
        free(filters[number]);
        filters[number] = filter();
    }
}

int main(int argc, char **argv)
{
    const char *mode;
    unsigned work = begins(argc, argv, &mode);
    unsigned count = strcmp(mode, "many") == 0 ? SOURCES : 40;
    for (unsigned done = 0; done < work; done++) {
        if (done % 300 == 0)
            reload();
        struct source *source = source_of(chance(count));
        source->messages++;
        char *text = body();
        int is_unknown = chance(90) == 0;
        snprintf(text, 400,
                 "{\"type\": \"%s\", \"title\": \"number %u\", \"tags\": [%u, %u], \"of\": {\"source\": %u}}",
                 is_unknown ? "odd" : "entry", done, skewed(TAGS), chance(9), source->number);
        json_t *document = json_loads(text, 0, NULL);
        free(text);
        if (strcmp(json_string_value(json_object_get(document, "type")), "odd") == 0)
            continue; /* leak: the document */

        unsigned tag = json_integer_value(json_array_get(json_object_get(document, "tags"), 0));
        if (!tags[tag])
            tags[tag] = tag_of(tag);
        if (chance(20) == 0)
            source->etag = etag_of(); /* leak: the one before */
        if (chance(14) == 0) {
            struct star *made = star();
            *made = (struct star){stars, title_of(), json_incref(document)};
            snprintf(made->title, 50, "%s", json_string_value(json_object_get(document, "title")));
            stars = made;
        }
        if (chance(130) == 0) {
            struct star *made = warning();
            made->next = warnings;
            warnings = made;
        }
        if (chance(60) == 0) {
            char *dumped = json_dumps(document, JSON_COMPACT); /* leak */
            if (dumped[0] != '{')
                return 1;
        }
        void **place = &unread[chance(UNREAD)];
        free(*place);
        *place = chance(3) ? unread_of() : NULL;
        unsigned author = chance(AUTHORS);
        if (chance(8) == 0 && !authors[author])
            authors[author] = author_of();
        if (done % 100 == 0) {
            free(digest);
            digest = digest_of();
        }
        if (done % 25 == 0) {
            void **slot = &days[done / 25 % DAYS];
            free(*slot);
            *slot = day();
        }
        json_decref(document);
    }
    for (struct star *one = stars, *next; one; one = next) {
        next = one->next;
        json_decref(one->document);
        free(one->title);
        free(one);
    }
    for (struct star *one = warnings, *next; one; one = next) {
        next = one->next;
        free(one);
    }
    for (unsigned number = 0; number < source_count; number++)
        free(sources[number]);
    free(sources);
    return 0;
}
