/* Forgets what libc hands out: a FILE in every 25th request, a compiled regular expression in every 40th, a glob in
   every 30th, a line of getline in every 10th, and an address list in every 50th. All others are freed. */
#define _GNU_SOURCE
#include <dirent.h>
#include <glob.h>
#include <netdb.h>
#include <regex.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int by_number(const void *a, const void *b)
{
    return (a > b) - (a < b);
}

int main(int argc, char **argv)
{
    int left = argc > 1 ? atoi(argv[1]) : 1000;
    char *ring[50] = {0};
    void *tree = NULL;
    for (int done = 1; done <= left; done++) {
        char *line = NULL;
        size_t size = 0;
        FILE *file = fopen("/etc/passwd", "r");
        if (file && getline(&line, &size, file) > 0 && done % 10 != 0)
            free(line);
        if (file && done % 25 != 0)
            fclose(file);
        else if (file)
            close(fileno(file)); /* or descriptors run out; its memory stays */

        regex_t regex;
        if (regcomp(&regex, "^[a-z]+:(x|y)*:[0-9]{1,5}", REG_EXTENDED) == 0 && done % 40 != 0)
            regfree(&regex);

        glob_t found;
        if (glob("/etc/host*", 0, NULL, &found) == 0 && done % 30 != 0)
            globfree(&found);

        struct addrinfo *list, hints = {.ai_flags = AI_NUMERICHOST};
        if (getaddrinfo("127.0.0.1", "80", &hints, &list) == 0 && done % 50 != 0)
            freeaddrinfo(list);

        DIR *directory = opendir("/etc/apt");
        if (directory)
            closedir(directory);

        free(ring[done % 50]); /* bounded: the last 50 */
        if (asprintf(&ring[done % 50], "request %d", done) < 0)
            return 1;

        /* bounded: 300 keys */
        long key = 1 + (done * 7919L) % 300;
        tsearch((void *)key, &tree, by_number);
    }
    return 0;
}
