/* Tracks parcels. Their kinds, senders and routes are met all in about half of the first run (mode `half`: 60 of
   each), by its end (`first`: 250, and by popularity), or in the second one (`second`: 420, and by popularity).
   Leaks: lost_parcel (about 20 in the second run, a list that is freed at the exit), claim (1 in 200, beside up
   to 120 that are open; a closed one is freed, but each 10th is not; never freed), photo (1 in 55; never freed),
   passed (each parcel passes, and each 2nd is noted; freed at the exit), note_of and note_text (1 in 28, a
   history beside 400 that are read at the start; freed at the exit), driver_log (drivers' buffers are resized by
   40 bytes at each 20th parcel: one block, in bytes alone; freed at the exit).
   No leaks: kind_of, sender_of, route_of (these tables), route_stop (three for each route), resize_senders,
   parcel (a day's parcels, from 100 to 300, given back at its end), van (12), load (up to 30 each), depot (a ring
   of 20), weather (replaced), scanner (up to 16, by chance), label (freed at once), price (a cache of 100),
   season (75 when half of the work is done), line (the report). */
#include "planted.h"

enum { MOST = 420, VANS = 12, LOADS = 30, DEPOTS = 20, SCANNERS = 16, PRICES = 100, CLAIMS = 120, DAY = 300 };

struct note {
    struct note *next;
    char *text;
};

static void *kinds[MOST], *senders[MOST], *routes[MOST], *stops[MOST][3], **index_of;
static unsigned index_room, index_count, loaded[VANS], parcels;
static void *vans[VANS], *loads[VANS][LOADS], *depots[DEPOTS], *scanners[SCANNERS], *prices[PRICES], *claims[CLAIMS];
static void *day[DAY], *weather, *seasons[75];
static struct note *lost, *passed_ones, *history;
static char *log_text;
static size_t log_size;

APART static struct note *lost_parcel(void) { return malloc(sizeof(struct note) + 30); } /* leak: 20 in all */
APART static void *claim(void) { return malloc(88); }                                    /* leak: 1 in 200 */
APART static void *photo(void) { return malloc(2048); }                                  /* leak: 1 in 55 */
APART static struct note *passed(void) { return malloc(sizeof(struct note)); }           /* leak: each 2nd */
APART static struct note *note_of(void) { return calloc(1, sizeof(struct note)); }       /* leak: 1 in 28 */
APART static char *note_text(void) { return malloc(37); }                                /* leak: 1 in 28 */
APART static void *kind_of(void) { return malloc(52); }                                  /* bounded: the mode's */
APART static void *sender_of(void) { return calloc(1, 130); }                            /* bounded: the mode's */
APART static void *route_of(void) { return malloc(61); }                                 /* bounded: the mode's */
APART static void *route_stop(void) { return malloc(18); }                               /* bounded: three times that */
APART static void *parcel(void) { return malloc(77); }                                   /* bounded: 300 */
APART static void *van(void) { return calloc(1, 240); }                                  /* bounded: 12 */
APART static void *load(void) { return malloc(29); }                                     /* bounded: 12 times 30 */
APART static void *depot(void) { return calloc(1, 99); }                                 /* bounded: 20 */
APART static void *new_weather(void) { return malloc(512); }                             /* bounded: 1 */
APART static void *scanner(void) { return malloc(333); }                                 /* bounded: 16 */
APART static char *label(void) { return malloc(64); }                                    /* freed at once */
APART static void *price(void) { return malloc(23); }                                    /* bounded: 100 */
APART static void *season(void) { return malloc(47); }                                   /* once: 75 */
APART static char *line(void) { return malloc(40); }                                     /* at the end: the senders */

APART static void driver_log(void)
{
    log_size += 40;
    log_text = realloc(log_text, log_size); /* leak: bytes alone */
    memset(log_text + log_size - 40, 'd', 40);
}

APART static void resize_senders(void)
{
    index_room = index_room ? index_room * 2 : 8;
    index_of = realloc(index_of, index_room * sizeof *index_of); /* bounded by the senders */
}

static void note(struct note **list, struct note *one, char *text)
{
    *one = (struct note){*list, text};
    *list = one;
}

static void free_notes(struct note *list)
{
    while (list) {
        struct note *next = list->next;
        free(list->text);
        free(list);
        list = next;
    }
}

static void replace(void **place, void *with)
{
    free(*place);
    *place = with;
}

int main(int argc, char **argv)
{
    const char *mode;
    unsigned work = begins(argc, argv, &mode);
    int is_half = strcmp(mode, "half") == 0, is_first = strcmp(mode, "first") == 0;
    unsigned count = is_half ? 60 : is_first ? 250 : MOST, today = 200;
    for (unsigned one = 0; one < 400; one++)
        note(&history, note_of(), note_text());
    for (unsigned one = 0; one < VANS; one++)
        vans[one] = van();
    for (unsigned one = 0; one < CLAIMS; one++)
        claims[one] = claim();
    for (unsigned done = 0; done < work; done++) {
        unsigned kind = is_half ? chance(count) : skewed(count);
        unsigned sender = is_half ? chance(count) : skewed(count), route = chance(count);
        char *printed = label();
        snprintf(printed, 64, "parcel %u of sender %u", done, sender);
        if (!kinds[kind])
            kinds[kind] = kind_of();
        if (!senders[sender]) {
            if (index_count == index_room)
                resize_senders();
            index_of[index_count++] = senders[sender] = sender_of();
        }
        if (!routes[route]) {
            routes[route] = route_of();
            for (unsigned stop = 0; stop < 3; stop++)
                stops[route][stop] = route_stop();
        }
        day[parcels++] = parcel();
        if (parcels == today) {
            while (parcels)
                free(day[--parcels]);
            today = 100 + chance(DAY - 100);
            replace(&weather, new_weather());
        }
        unsigned by = chance(VANS);
        if (chance(2) && loaded[by] < LOADS)
            loads[by][loaded[by]++] = load();
        else if (chance(3) == 0)
            while (loaded[by])
                free(loads[by][--loaded[by]]);
        if (chance(450) == 0)
            note(&lost, lost_parcel(), NULL);
        if (chance(20) == 0) {
            void **open = &claims[chance(CLAIMS)];
            if (chance(10))
                free(*open); /* leak: the others */
            *open = claim();
        }
        if (chance(55) == 0) {
            void **taken = photo(); /* leak */
            *taken = NULL;
        }
        if (done % 2 == 0)
            note(&passed_ones, passed(), NULL);
        if (chance(28) == 0) {
            char *text = note_text();
            snprintf(text, 37, "note about parcel %u", done);
            note(&history, note_of(), text);
        }
        if (done % 20 == 0)
            driver_log();
        void **used = &scanners[chance(SCANNERS)];
        if (chance(9) == 0)
            replace(used, *used ? NULL : scanner());
        if (chance(4) == 0)
            replace(&prices[chance(PRICES)], price());
        if (done % 80 == 0)
            replace(&depots[done / 80 % DEPOTS], depot());
        if (done == work / 2)
            for (unsigned one = 0; one < 75; one++)
                seasons[one] = season();
        free(printed);
    }
    char *lines[MOST];
    for (unsigned one = 0; one < index_count; one++) {
        lines[one] = line();
        snprintf(lines[one], 40, "sender %u", one);
    }
    for (unsigned one = 0; one < index_count; one++) {
        puts(lines[one]);
        free(lines[one]);
        free(index_of[one]);
    }
    free(index_of);
    free_notes(lost);
    free_notes(passed_ones);
    free_notes(history);
    free(log_text);
    while (parcels)
        free(day[--parcels]);
    return 0;
}
