/* Parses messages of many senders with expat. A sender has a session of its own; sessions end after a while.
   Leaks: the parser of a message that is not well-formed is not freed (one in 25), nor is the name of a sender that
   connects again (one in 8 messages), and all that was ever received is in one buffer that only grows (bytes alone).
   No leaks: the other parsers, 60 sessions that are made and freed, a report of a batch of 50 messages, a table of the
   names of elements, of which there are 90, late ones among them. */
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    char *sender;
    char *last;
    int messages;
};

static struct session *sessions[60];
static char *names[90];
static int known;
static char *received;
static size_t length, room;
static char *report;

static void XMLCALL begins(void *data, const char *name, const char **attributes)
{
    (void)data;
    (void)attributes;
    for (int i = 0; i < known; i++)
        if (strcmp(names[i], name) == 0)
            return;
    if (known < 90)
        names[known++] = strdup(name); /* bounded: as many as there are */
}

static void remember(const char *text, size_t size)
{
    if (length + size > room) {
        room = length + size + 128;
        received = realloc(received, room); /* leak: bytes of one block */
    }
    memcpy(received + length, text, size);
    length += size;
}

int main(int argc, char **argv)
{
    int left = argc > 1 ? atoi(argv[1]) : 600;
    size_t reported = 0;
    srand(7);
    for (int done = 1; done <= left; done++) {
        char text[200];
        int kind = done % 300 < 280 ? done % 70 : 70 + done % 20;
        int size = snprintf(text, sizeof text, "<m n='%d'><k%d a='b'>text</k%d><!-- note -->%s", done, kind, kind,
                            done % 25 ? "</m>" : "</n>");
        remember(text, size);
        struct session **place = &sessions[rand() % 60];
        if (!*place) {
            *place = calloc(1, sizeof **place);
            (*place)->sender = strdup("a sender"); /* no leak: freed with the session */
        } else if (done % 8 == 0) {
            (*place)->sender = strdup("a sender, again"); /* leak: of the one before */
        }
        free((*place)->last);
        (*place)->last = strdup(text);
        if (++(*place)->messages >= 12) {
            free((*place)->sender);
            free((*place)->last);
            free(*place);
            *place = NULL;
        }
        report = realloc(report, reported + size + 1); /* no leak: a batch */
        memcpy(report + reported, text, size);
        reported += size;
        if (done % 50 == 0) {
            free(report);
            report = NULL;
            reported = 0;
        }
        XML_Parser parser = XML_ParserCreateNS("UTF-8", '|');
        XML_SetStartElementHandler(parser, begins);
        if (XML_Parse(parser, text, size, 1) != XML_STATUS_OK)
            continue; /* leak: the error path leaves the parser */
        XML_ParserFree(parser);
    }
    return 0;
}
