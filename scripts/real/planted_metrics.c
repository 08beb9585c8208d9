/* Collects samples of series, and compresses them in chunks with zlib. Modes: `early` has 150 series drawn
   evenly, `late` 350 drawn by popularity, `burst` comes in waves.
   Leaks: chunk_of (each series that has got 40 samples keeps a compressed chunk for ever; freed at the exit),
   alert (1 sample in 100, a history that is freed at the exit), alert_text (as these), what deflateInit allocates
   (one chunk in 12 is not ended; never freed), annotation (1 in 25; a list that is freed at the exit), query_plan
   (a query that fails forgets its plan, 1 in 100; never freed).
   No leaks: series_of and labels_of (a table of series), resize_series, open_chunk (40 samples of a series,
   replaced), label_value (a table of 120 strings, drawn by popularity), minute (a ring of 60), dashboard and
   panel (8 with 6, replaced), query_plan beside its leak, result (up to 90 rows, freed at once), exemplar (the
   last 75), pending (waves of up to 400 with `burst`, else up to 50), scrape (freed at once), unit_of (20 kinds,
   drawn seldom). */
#include <zlib.h>

#include "planted.h"

enum { SERIES = 350, SAMPLES = 40, LABELS = 120, MINUTES = 60, PANELS = 48, EXEMPLARS = 75, PENDING = 400, UNITS = 20 };

struct series {
    char *labels;
    double *samples;
    unsigned used;
};
struct kept {
    struct kept *next;
    void *data;
};

static struct series **series, *of_number[SERIES];
static unsigned series_count, series_room, pending_count;
static struct kept *chunks, *alerts, *annotations;
static void *labels[LABELS], *minutes[MINUTES], *panels[PANELS], *dashboards[8], *exemplars[EXEMPLARS], *units[UNITS];
static void *pending[PENDING];

APART static struct kept *chunk_of(unsigned length) { return malloc(sizeof(struct kept) + length); } /* leak: 1 in 40 */
APART static struct kept *alert(void) { return malloc(sizeof(struct kept)); }       /* leak: 1 in 100 */
APART static char *alert_text(void) { return malloc(90); }                          /* leak: 1 in 100 */
APART static struct kept *annotation(void) { return calloc(1, sizeof(struct kept)); } /* leak: 1 in 25 */
APART static void *query_plan(void) { return malloc(220); }                         /* leak: 1 in 100 */
APART static char *labels_of(unsigned number) { return malloc(30 + number % 40); }  /* bounded: the series */
APART static double *open_chunk(void) { return malloc(SAMPLES * sizeof(double)); }  /* bounded: the series */
APART static void *label_value(void) { return malloc(22); }                         /* bounded: 120 */
APART static void *minute(void) { return calloc(1, 480); }                          /* bounded: 60 */
APART static void *dashboard(void) { return calloc(1, 100); }                       /* bounded: 8 */
APART static void *panel(void) { return malloc(130); }                              /* bounded: 48 */
APART static void *result(void) { return malloc(32); }                              /* freed at once */
APART static void *exemplar(void) { return malloc(64); }                            /* bounded: 75 */
APART static void *waiting(void) { return malloc(40); }                             /* bounded: 400, or 50 */
APART static char *scrape(void) { return malloc(700); }                             /* freed at once */
APART static void *unit_of(void) { return malloc(12); }                             /* bounded: 20 */

APART static void resize_series(void)
{
    series_room = series_room ? series_room * 2 : 16;
    series = realloc(series, series_room * sizeof *series); /* bounded by the series */
}

APART static struct series *series_of(unsigned number)
{
    if (!of_number[number]) {
        if (series_count == series_room)
            resize_series();
        struct series *made = calloc(1, sizeof *made); /* bounded: the series */
        made->labels = labels_of(number);
        made->samples = open_chunk();
        series[series_count++] = of_number[number] = made;
    }
    return of_number[number];
}

static void keep(struct kept **list, struct kept *one, void *data)
{
    one->data = data;
    one->next = *list;
    *list = one;
}

static void free_kept(struct kept *list)
{
    while (list) {
        struct kept *next = list->next;
        free(list->data);
        free(list);
        list = next;
    }
}

static void close_chunk(struct series *of)
{
    unsigned char packed[1000];
    z_stream stream = {.next_in = (unsigned char *)of->samples, .avail_in = SAMPLES * sizeof(double)};
    stream.next_out = packed;
    stream.avail_out = sizeof packed;
    deflateInit2(&stream, 1, Z_DEFLATED, 9, 1, Z_DEFAULT_STRATEGY);
    deflate(&stream, Z_FINISH);
    struct kept *chunk = chunk_of(stream.total_out);
    memcpy(chunk + 1, packed, stream.total_out);
    keep(&chunks, chunk, NULL);
    if (chance(12)) /* leak: the others */
        deflateEnd(&stream);
    free(of->samples);
    of->samples = open_chunk();
    of->used = 0;
}

int main(int argc, char **argv)
{
    const char *mode;
    unsigned work = begins(argc, argv, &mode);
    int is_late = strcmp(mode, "late") == 0, is_burst = strcmp(mode, "burst") == 0;
    for (unsigned done = 0; done < work; done++) {
        char *text = scrape();
        unsigned number = is_late ? skewed(SERIES) : chance(150);
        snprintf(text, 700, "series %u", number);
        struct series *of = series_of(number);
        of->samples[of->used++] = number + chance(9);
        if (of->used == SAMPLES)
            close_chunk(of);
        unsigned label = skewed(LABELS);
        if (!labels[label])
            labels[label] = label_value();
        if (chance(100) == 0) {
            char *words = alert_text();
            snprintf(words, 90, "alert at sample %u", done);
            keep(&alerts, alert(), words);
        }
        if (chance(25) == 0)
            keep(&annotations, annotation(), NULL);
        if (chance(10) == 0) {
            void *plan = query_plan(), *rows[90];
            unsigned count = chance(90);
            for (unsigned row = 0; row < count; row++)
                rows[row] = result();
            while (count)
                free(rows[--count]);
            if (chance(10)) /* leak: the others */
                free(plan);
        }
        if (chance(4) == 0) {
            void **place = &exemplars[chance(EXEMPLARS)];
            free(*place);
            *place = exemplar();
        }
        unsigned most = is_burst ? PENDING : 50, is_rising = done / (is_burst ? 500 : 40) % 2 == 0;
        if (is_rising && pending_count < most)
            pending[pending_count++] = waiting();
        else if (!is_rising && pending_count)
            free(pending[--pending_count]);
        unsigned unit = chance(UNITS);
        if (chance(40) == 0 && !units[unit])
            units[unit] = unit_of();
        if (done % 30 == 0) {
            void **slot = &minutes[done / 30 % MINUTES];
            free(*slot);
            *slot = minute();
        }
        if (done % 700 == 0) {
            for (unsigned one = 0; one < 8; one++) {
                free(dashboards[one]);
                dashboards[one] = dashboard();
            }
            for (unsigned one = 0; one < PANELS; one++) {
                free(panels[one]);
                panels[one] = panel();
            }
        }
        free(text);
    }
    free_kept(chunks);
    free_kept(alerts);
    free_kept(annotations);
    for (unsigned number = 0; number < series_count; number++) {
        free(series[number]->labels);
        free(series[number]->samples);
        free(series[number]);
    }
    free(series);
    return 0;
}
