/* Runs tasks by rules that are regular expressions of pcre2. Modes: `few` has 60 kinds of tasks, `many` 260 drawn
   by popularity, `calm` 60, and leaks little.
   Leaks: finished (each 8th task is listed with its outcome; freed at the exit, beside 1200 that are read at the
   start), output_of (as these, 1 in 8), match data (pcre2_match_data_create, not freed where the rule does not
   match, 1 in 30; never freed), compiled rules (pcre2_compile, the rule before is forgotten, 1 in 75, or 1 in 300
   with `calm`; never freed), dependency (1 task in 10 keeps an edge in a graph; freed at the exit), lock (a task
   that is killed keeps its own, 1 in 100; never freed).
   No leaks: kind_of and kind_name (a table of kinds), resize_kinds, task (a heap of up to 250 that wait; it
   fluctuates), worker (8), slot (64, used by chance), calendar (replaced each 350th task), host_of (25 hosts by
   chance), environment (freed at once), log_line (a ring of 90), user_of (80 users by popularity), lock beside
   its leak, mail (up to 20 a batch), hook (70 when half of the work is done), holiday (365 at the start). */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "planted.h"

enum { KINDS = 260, TASKS = 250, SLOTS = 64, HOSTS = 25, LINES = 90, USERS = 80, RULES = 20 };

struct outcome {
    struct outcome *next;
    char *output;
};
struct kind {
    char *name;
    unsigned ran;
};

static struct kind **kinds, *of_number[KINDS];
static unsigned kind_room, kind_count, waiting_count, mailed;
static struct outcome *outcomes, *edges;
static void *waiting[TASKS], *workers[8], *slots[SLOTS], *hosts[HOSTS], *lines[LINES], *users[USERS], *mails[20];
static void *hooks[70], *holidays[365], *calendar;
static pcre2_code *rules[RULES];

APART static struct outcome *finished(void) { return malloc(sizeof(struct outcome)); }       /* leak: 1 in 8 */
APART static char *output_of(unsigned length) { return malloc(length); }                     /* leak: 1 in 8 */
APART static struct outcome *dependency(void) { return malloc(sizeof(struct outcome) + 8); } /* leak: 1 in 10 */
APART static void *lock(void) { return malloc(56); }                                         /* leak: 1 in 100 */
APART static char *kind_name(void) { return malloc(26); }                                    /* bounded: the kinds */
APART static void *task(void) { return malloc(112); }                                        /* bounded: 250 */
APART static void *worker(void) { return calloc(1, 500); }                                   /* bounded: 8 */
APART static void *slot(void) { return malloc(24); }                                         /* bounded: 64 */
APART static void *new_calendar(void) { return calloc(31, 16); }                             /* bounded: 1 */
APART static void *host_of(void) { return malloc(75); }                                      /* bounded: 25 */
APART static char *environment(void) { return malloc(300); }                                 /* freed at once */
APART static void *log_line(void) { return malloc(81); }                                     /* bounded: 90 */
APART static void *user_of(void) { return malloc(41); }                                      /* bounded: 80 */
APART static void *mail(void) { return malloc(140); }                                        /* bounded: 20 */
APART static void *hook(void) { return malloc(65); }                                         /* once: 70 */
APART static void *holiday(void) { return malloc(17); }                                      /* at the start: 365 */

static void compile(unsigned rule, unsigned number)
{
    char text[60];
    int error;
    PCRE2_SIZE place;
    snprintf(text, sizeof text, "^task ([0-9]*%u)[a-f]+$", number % 10);
    /* Leak: the one before. */
    rules[rule] = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, &error, &place, NULL);
}

static void applies(unsigned number)
{
    char text[60];
    int length = snprintf(text, sizeof text, "task %u%s", number, chance(30) ? "abc" : "?");
    pcre2_code *rule = rules[chance(RULES)];
    pcre2_match_data *data = pcre2_match_data_create(10, NULL);
    int matched = pcre2_match(rule, (PCRE2_SPTR)text, length, 0, 0, data, NULL);
    if (matched < 0 && text[length - 1] == '?')
        return; /* leak: the data */
    pcre2_match_data_free(data);
}

APART static void resize_kinds(void)
{
    kind_room = kind_room ? kind_room * 2 : 4;
    kinds = realloc(kinds, kind_room * sizeof *kinds); /* bounded by the kinds */
}

APART static struct kind *kind_of(unsigned number)
{
    if (!of_number[number]) {
        if (kind_count == kind_room)
            resize_kinds();
        struct kind *kind = calloc(1, sizeof *kind); /* bounded: the kinds */
        kind->name = kind_name();
        snprintf(kind->name, 26, "kind %u", number);
        kinds[kind_count++] = of_number[number] = kind;
    }
    return of_number[number];
}

static void note(struct outcome **list, struct outcome *one, char *output)
{
    *one = (struct outcome){*list, output};
    *list = one;
}

static void free_outcomes(struct outcome *list)
{
    while (list) {
        struct outcome *next = list->next;
        free(list->output);
        free(list);
        list = next;
    }
}

static void toggle(void **place, void *with)
{
    free(*place);
    *place = with;
}

int main(int argc, char **argv)
{
    const char *mode;
    unsigned work = begins(argc, argv, &mode);
    int is_many = strcmp(mode, "many") == 0, is_calm = strcmp(mode, "calm") == 0;
    for (unsigned day = 0; day < 365; day++)
        holidays[day] = holiday();
    for (unsigned old = 0; old < 1200; old++)
        note(&outcomes, finished(), NULL);
    for (unsigned one = 0; one < 8; one++)
        workers[one] = worker();
    for (unsigned rule = 0; rule < RULES; rule++)
        compile(rule, rule);
    for (unsigned done = 0; done < work; done++) {
        char *variables = environment();
        struct kind *kind = kind_of(is_many ? skewed(KINDS) : chance(60));
        kind->ran++;
        snprintf(variables, 300, "KIND=%s", kind->name);
        void *held = lock();
        applies(done);
        if (chance(is_calm ? 300 : 75) == 0)
            compile(chance(RULES), done);
        if (done % 8 == 0)
            note(&outcomes, finished(), output_of(10 + chance(90)));
        if (chance(10) == 0)
            note(&edges, dependency(), NULL);
        if (waiting_count < TASKS && chance(1000) < 625 - waiting_count) {
            waiting[waiting_count++] = task();
        } else if (waiting_count) {
            unsigned one = chance(waiting_count);
            free(waiting[one]);
            waiting[one] = waiting[--waiting_count];
        }
        toggle(&slots[chance(SLOTS)], chance(2) ? slot() : NULL);
        unsigned host = chance(HOSTS), user = skewed(USERS);
        if (chance(50) == 0 && !hosts[host])
            hosts[host] = host_of();
        if (!users[user])
            users[user] = user_of();
        toggle(&lines[done % LINES], log_line());
        if (done % 350 == 0)
            toggle(&calendar, new_calendar());
        if (chance(9) == 0)
            mails[mailed++] = mail();
        if (mailed == 20)
            while (mailed)
                free(mails[--mailed]);
        if (done == work / 2)
            for (unsigned one = 0; one < 70; one++)
                hooks[one] = hook();
        if (chance(100))
            free(held); /* leak: the others */
        free(variables);
    }
    free_outcomes(outcomes);
    free_outcomes(edges);
    for (unsigned number = 0; number < kind_count; number++) {
        printf("%s: %u\n", kinds[number]->name, kinds[number]->ran);
        free(kinds[number]->name);
        free(kinds[number]);
    }
    free(kinds);
    return 0;
}
