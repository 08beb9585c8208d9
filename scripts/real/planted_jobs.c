/* A queue of jobs with a cache and a table of its own, without any library.
   Leaks, by the function that allocates: log_line (each job), note_retry (one in 20), rare_event (one in 1000),
   subscribe (listeners are added at each reconnect, one in 12, and never removed), connection_of (the one before a
   reconnect is forgotten, with its name), failed_job (the error path of one in 30 forgets its copy), grow_history (one
   buffer grows by 100 bytes at each 10th job, in bytes alone).
   No leaks: new_job (up to 80 wait), cached (a bound of 400, reached late), resize_table (doubles with the keys, of
   which there are 3000 at most), begin_batch and row_of (given back at every 250th job), session_of (expire after 150
   jobs), high_water (a pool of free buffers that grows to 50 and stays). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APART __attribute__((noinline))

struct line {
    struct line *next;
    char text[40];
};
struct entry {
    int key;
    char *value;
};
struct session {
    int began;
    char data[60];
};
struct connection {
    char *name;
    int number;
};

static struct line *log_lines, *retries, *events, *listeners;
static struct entry *cache[400];
static void *waiting[80], *rows[250], **table, *pool[50];
static int table_size, table_used, pooled;
static struct session *sessions[150];
static char *history;
static size_t history_size;
static struct connection *connection;
static unsigned seen[3000];

static unsigned chance(void)
{
    static unsigned state = 12345;
    state = state * 1103515245 + 12345;
    return state >> 8;
}

static struct line *add(struct line *line, struct line **to)
{
    snprintf(line->text, sizeof line->text, "line");
    line->next = *to;
    return *to = line;
}

APART static void log_line(void) { add(malloc(sizeof(struct line)), &log_lines); }                /* leak: each job */
APART static void note_retry(void) { add(calloc(1, sizeof(struct line)), &retries); }             /* leak: 1 in 20 */
APART static void rare_event(void) { add(malloc(sizeof(struct line) + 500), &events); }           /* leak: 1 in 1000 */
APART static void subscribe(void) { add(malloc(sizeof(struct line)), &listeners); }               /* leak: 1 in 12 */
APART static char *name_of(void) { return strdup("a connection to somewhere"); }                  /* leak: 1 in 12 */
APART static void *new_job(int size) { return malloc(size); }                                     /* bounded */
APART static void *row_of(int number) { return malloc(30 + number % 7); }                         /* a batch */
APART static void *high_water(void) { return malloc(256); }                                       /* a pool */
APART static void *begin_batch(void) { return calloc(1, 2000); }                                  /* a batch */

APART static void connection_of(int number)
{
    struct connection *next = malloc(sizeof *next); /* leak: the one before is forgotten, 1 in 12 */
    next->name = name_of();
    next->number = number;
    connection = next;
}

APART static int failed_job(int number)
{
    char *copy = malloc(120);
    snprintf(copy, 120, "job %d", number);
    if (number % 30 == 0)
        return -1; /* leak: the error path */
    int length = strlen(copy);
    free(copy);
    return length;
}

APART static void grow_history(void)
{
    history_size += 100;
    history = realloc(history, history_size); /* leak: bytes alone */
    memset(history + history_size - 100, 'h', 100);
}

APART static void cached(int key)
{
    struct entry **place = &cache[key % 400];
    if (*place && (*place)->key == key)
        return;
    if (*place) {
        free((*place)->value);
        free(*place);
    }
    *place = malloc(sizeof **place); /* bounded: 400, reached late */
    (*place)->key = key;
    (*place)->value = malloc(20 + key % 90);
}

APART static void resize_table(void)
{
    table_size = table_size ? table_size * 2 : 16;
    table = realloc(table, table_size * sizeof *table); /* bounded by the keys */
}

APART static void session_of(int number)
{
    struct session **place = &sessions[number % 150];
    free(*place);
    *place = malloc(sizeof **place); /* bounded: expires after 150 */
    (*place)->began = number;
}

int main(int argc, char **argv)
{
    int left = argc > 1 ? atoi(argv[1]) : 6000;
    char *batch = NULL;
    for (int done = 1; done <= left; done++) {
        log_line();
        if (done % 20 == 0)
            note_retry();
        if (done % 1000 == 0)
            rare_event();
        if (done % 12 == 0) {
            connection_of(done);
            subscribe();
        }
        failed_job(done);
        if (done % 10 == 0)
            grow_history();
        void **place = &waiting[chance() % 80];
        free(*place);
        *place = chance() % 3 ? new_job(40 + chance() % 200) : NULL;
        /* Keys that are asked for seldom come late. */
        int key = chance() % 1000 * (chance() % 1000) / 1000;
        cached(key);
        key = chance() % 3000;
        if (!seen[key]++ && ++table_used > table_size)
            resize_table();
        session_of(done);
        if (!batch)
            batch = begin_batch();
        rows[done % 250] = row_of(done);
        if (done % 250 == 0) {
            for (int row = 0; row < 250; row++) {
                free(rows[row]);
                rows[row] = NULL;
            }
            free(batch);
            batch = NULL;
        }
        if (pooled < 50 && chance() % 100 == 0)
            pool[pooled++] = high_water();
    }
    return 0;
}
