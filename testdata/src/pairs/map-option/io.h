/* What the two files io.c of this pair have for the program. */
#ifndef IO_H
#define IO_H

void can_poll(unsigned id);
void lin_poll(unsigned id);

#endif
