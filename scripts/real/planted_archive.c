/* Reads small archives from memory with libarchive, as an upload service does. It keeps what it read of the last 30.
   Leaks: a reader whose archive is broken is not freed (one upload in 20), nor is an entry copied for a report that is
   never sent (one in 15 that is not broken), nor a writer that is closed but not freed (one in 50).
   No leaks: all other readers and writers, and the ring of 30 entries. */
#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char packed[65536];

static size_t pack(int number)
{
    size_t used = 0;
    char text[64], name[32];
    struct archive *writer = archive_write_new();
    archive_write_set_format_pax_restricted(writer);
    archive_write_open_memory(writer, packed, sizeof packed, &used);
    for (int member = 0; member < 2; member++) {
        struct archive_entry *entry = archive_entry_new();
        int length = snprintf(text, sizeof text, "text %d of upload %d", member, number);
        snprintf(name, sizeof name, "member%d", member);
        archive_entry_set_pathname(entry, name);
        archive_entry_set_size(entry, length);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        archive_write_header(writer, entry);
        archive_write_data(writer, text, length);
        archive_entry_free(entry);
    }
    archive_write_close(writer);
    if (number % 50 != 0) /* leak: the writer of every 50th upload */
        archive_write_free(writer);
    return used;
}

int main(int argc, char **argv)
{
    int left = argc > 1 ? atoi(argv[1]) : 300;
    struct archive_entry *ring[30] = {0};
    for (int done = 1; done <= left; done++) {
        size_t size = pack(done);
        if (done % 20 == 0)
            memset(packed + 1124, '?', 60); /* broken */
        struct archive *reader = archive_read_new();
        archive_read_support_filter_gzip(reader);
        archive_read_support_format_tar(reader);
        if (archive_read_open_memory(reader, packed, size) != ARCHIVE_OK)
            return 1;
        struct archive_entry *entry;
        int status;
        while ((status = archive_read_next_header(reader, &entry)) == ARCHIVE_OK) {
            struct archive_entry **place = &ring[done % 30];
            archive_entry_free(*place);
            *place = archive_entry_clone(entry); /* bounded: the last 30 */
            archive_read_data_skip(reader);
        }
        if (status != ARCHIVE_EOF)
            continue; /* leak: the error path leaves the reader */
        if (done % 15 == 0)
            archive_entry_clone(ring[done % 30]); /* leak: nobody has it */
        archive_read_free(reader);
    }
    return 0;
}
