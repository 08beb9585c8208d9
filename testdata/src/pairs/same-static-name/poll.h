/* What the two files of this pair have for the program. */
#ifndef POLL_H
#define POLL_H

void reader_poll(unsigned id);
void writer_poll(unsigned id);

#endif
