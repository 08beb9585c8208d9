/* An editor that gets keys: a text of up to 400 lines, undo, marks, words. Modes: `long` undoes seldom and keeps
   a journal of all keys.
   Leaks: undo_step and undo_text (one edit in 4 is undone, the others stay until the exit, when all are freed),
   keystroke (mode `long`, each key; freed at the exit), closed_buffer (1 key in 200; its list is freed at the
   exit), macro_text (a macro that is recorded again forgets the text before, 1 in 60; never freed), swap_block (1
   in 45, in a list that is freed at the exit, beside 700 that are read at the start).
   No leaks: line_of (400 lines), new_line (replaced), redo_step (up to 20), clip (a ring of 30), mark (52
   letters, seldom set), word_of and grow_words (a table of 350 words, skewed), pattern (the last 25), syntax_rule
   (120 rules when half of the work is done), style_of (40 styles), status (freed at once), completion (up to 60
   at a time), window (up to 12). */
#include "planted.h"

enum { LINES = 400, CLIPS = 30, MARKS = 52, WORDS = 350, PATTERNS = 25, REDO = 20, STYLES = 40, WINDOWS = 12 };

struct step {
    struct step *next;
    unsigned line;
    char *text;
};

static char *lines[LINES];
static struct step *undo, *redo, *keys, *closed, *swap;
static unsigned redo_count, word_count, word_room;
static void *clips[CLIPS], *marks[MARKS], *patterns[PATTERNS], *styles[STYLES], *windows[WINDOWS], *rules[120];
static char **words;
static char *of_word[WORDS];
static char *macro;

APART static struct step *undo_step(void) { return malloc(sizeof(struct step)); }      /* leak: 3 edits in 4 */
APART static char *undo_text(unsigned length) { return malloc(length + 1); }           /* leak: as these */
APART static struct step *keystroke(void) { return malloc(sizeof(struct step)); }      /* leak: mode `long` */
APART static struct step *closed_buffer(void) { return malloc(sizeof(struct step) + 300); } /* leak: 1 in 200 */
APART static struct step *swap_block(void) { return malloc(sizeof(struct step) + 50); } /* leak: 1 in 45 */
APART static struct step *redo_step(void) { return malloc(sizeof(struct step)); }      /* bounded: 20 */
APART static char *line_of(void) { return malloc(30); }                                /* bounded: 400 */
APART static char *new_line(unsigned length) { return malloc(length); }                /* bounded: 400 */
APART static void *clip(unsigned length) { return malloc(length); }                    /* bounded: 30 */
APART static void *mark(void) { return malloc(16); }                                   /* bounded: 52 */
APART static void *pattern(void) { return calloc(1, 180); }                            /* bounded: 25 */
APART static void *syntax_rule(void) { return malloc(88); }                            /* once: 120 */
APART static void *style_of(void) { return malloc(26); }                               /* bounded: 40 */
APART static char *status(void) { return malloc(80); }                                 /* freed at once */
APART static void *completion(void) { return malloc(24); }                             /* freed at once: up to 60 */
APART static void *window(void) { return calloc(1, 400); }                             /* bounded: 12 */

APART static void macro_text(unsigned key)
{
    macro = malloc(70); /* leak: the one before is forgotten */
    snprintf(macro, 70, "macro of key %u", key);
}

static void push(struct step **list, struct step *step, unsigned line, char *text)
{
    *step = (struct step){*list, line, text};
    *list = step;
}

static void pop(struct step **list)
{
    struct step *step = *list;
    *list = step->next;
    free(step->text);
    free(step);
}

APART static void grow_words(void)
{
    word_room = word_room ? word_room * 2 : 8;
    words = realloc(words, word_room * sizeof *words); /* bounded by the words */
}

APART static void word_of(unsigned kind)
{
    if (of_word[kind])
        return;
    if (word_count == word_room)
        grow_words();
    of_word[kind] = malloc(8 + kind % 20); /* bounded: 350 */
    words[word_count++] = of_word[kind];
}

static void edit(unsigned key)
{
    unsigned line = chance(LINES), length = 20 + chance(60);
    char *before = undo_text(length);
    snprintf(before, length, "%s", lines[line]);
    push(&undo, undo_step(), line, before);
    free(lines[line]);
    lines[line] = new_line(length);
    snprintf(lines[line], length, "edited at %u", key);
}

int main(int argc, char **argv)
{
    const char *mode;
    unsigned work = begins(argc, argv, &mode), is_long = strcmp(mode, "long") == 0;
    for (unsigned line = 0; line < LINES; line++) {
        lines[line] = line_of();
        snprintf(lines[line], 30, "line %u", line);
    }
    for (unsigned block = 0; block < 700; block++)
        push(&swap, swap_block(), block, NULL);
    for (unsigned key = 0; key < work; key++) {
        char *shown = status();
        snprintf(shown, 80, "key %u", key);
        if (is_long)
            push(&keys, keystroke(), key, NULL);
        if (chance(3) == 0)
            edit(key);
        if (chance(is_long ? 60 : 12) == 0 && undo) {
            push(&redo, redo_step(), undo->line, NULL);
            pop(&undo);
            if (++redo_count > REDO) {
                while (redo)
                    pop(&redo);
                redo_count = 0;
            }
        }
        word_of(skewed(WORDS));
        if (chance(7) == 0) {
            void **place = &clips[key % CLIPS];
            free(*place);
            *place = clip(10 + chance(200));
        }
        unsigned letter = chance(MARKS);
        if (chance(20) == 0 && !marks[letter])
            marks[letter] = mark();
        if (chance(9) == 0) {
            void **place = &patterns[chance(PATTERNS)];
            free(*place);
            *place = pattern();
        }
        unsigned style = skewed(STYLES);
        if (!styles[style])
            styles[style] = style_of();
        if (chance(15) == 0) {
            void *list[60];
            unsigned count = chance(60);
            for (unsigned one = 0; one < count; one++)
                list[one] = completion();
            while (count)
                free(list[--count]);
        }
        void **place = &windows[chance(WINDOWS)];
        if (chance(25) == 0) {
            free(*place);
            *place = *place ? NULL : window();
        }
        if (chance(60) == 0)
            macro_text(key);
        if (chance(200) == 0)
            push(&closed, closed_buffer(), key, NULL);
        if (chance(45) == 0)
            push(&swap, swap_block(), key, NULL);
        if (key == work / 2)
            for (unsigned rule = 0; rule < 120; rule++)
                rules[rule] = syntax_rule();
        free(shown);
    }
    struct step **lists[] = {&undo, &redo, &keys, &closed, &swap};
    for (unsigned list = 0; list < 5; list++)
        while (*lists[list])
            pop(lists[list]);
    for (unsigned line = 0; line < LINES; line++)
        free(lines[line]);
    for (unsigned word = 0; word < word_count; word++)
        free(words[word]);
    free(words);
    return 0;
}
