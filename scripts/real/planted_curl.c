/* Fetches files with libcurl. Four handles are used in turn, and each is made anew after 25 requests.
   Leaks: a handle for a file that is not there is not cleaned up (one request in 20), nor is the list of headers of
   one in 15, nor an escaped name of one in 30; the cookies of a share that lives as long as the program are never
   trimmed (one request in 3 sets a new one); a parsed URL of one in 40.
   No leaks: the four handles, the answers, which are kept for the last 40 requests, all other lists. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct answer {
    char *text;
    size_t size;
};

static size_t receive(char *data, size_t one, size_t count, void *to)
{
    struct answer *answer = to;
    char *longer = realloc(answer->text, answer->size + one * count + 1);
    if (!longer)
        return 0;
    memcpy(longer + answer->size, data, one * count);
    answer->text = longer;
    answer->size += one * count;
    longer[answer->size] = 0;
    return one * count;
}

int main(int argc, char **argv)
{
    int left = argc > 1 ? atoi(argv[1]) : 300;
    CURL *handles[4] = {0};
    struct answer answers[40] = {0};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLSH *share = curl_share_init();
    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
    for (int done = 1; done <= left; done++) {
        CURL **handle = &handles[done % 4];
        if (done % 100 < 4) {
            curl_easy_cleanup(*handle);
            *handle = NULL;
        }
        if (!*handle)
            *handle = curl_easy_init();
        struct answer *answer = &answers[done % 40]; /* bounded: the last 40 */
        free(answer->text);
        *answer = (struct answer){0};
        curl_easy_setopt(*handle, CURLOPT_URL, "file:///etc/hostname");
        curl_easy_setopt(*handle, CURLOPT_WRITEFUNCTION, receive);
        curl_easy_setopt(*handle, CURLOPT_WRITEDATA, answer);
        curl_easy_setopt(*handle, CURLOPT_SHARE, share);
        if (done % 3 == 0) {
            char cookie[100];
            snprintf(cookie, sizeof cookie, "Set-Cookie: id%d=value; domain=.host.example; path=/; Max-Age=%d", done,
                     1000000);
            curl_easy_setopt(*handle, CURLOPT_COOKIELIST, cookie); /* leak: never trimmed */
        }
        struct curl_slist *headers = curl_slist_append(NULL, "X-First: 1");
        headers = curl_slist_append(headers, "X-Second: 2");
        curl_easy_setopt(*handle, CURLOPT_HTTPHEADER, headers);
        curl_easy_perform(*handle);
        curl_easy_setopt(*handle, CURLOPT_HTTPHEADER, NULL);
        if (done % 15 != 0) /* leak: the list of every 15th */
            curl_slist_free_all(headers);
        char *name = curl_easy_escape(*handle, "a name/of it", 0);
        if (done % 30 != 0) /* leak: the name of every 30th */
            curl_free(name);
        CURLU *url = curl_url();
        curl_url_set(url, CURLUPART_URL, "http://user@host.example:81/path?query#part", 0);
        if (done % 40 != 0) /* leak: the URL of every 40th */
            curl_url_cleanup(url);
        if (done % 20 == 0) {
            CURL *other = curl_easy_init();
            curl_easy_setopt(other, CURLOPT_URL, "file:///nonexistent");
            curl_easy_setopt(other, CURLOPT_USERAGENT, "planted/1.0");
            if (curl_easy_perform(other) != CURLE_OK)
                continue; /* leak: the error path leaves the handle */
            curl_easy_cleanup(other);
        }
    }
    for (int handle = 0; handle < 4; handle++)
        curl_easy_cleanup(handles[handle]);
    return 0;
}
