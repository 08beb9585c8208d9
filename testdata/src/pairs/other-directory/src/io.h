/* What the two files io.c of this pair have for the program. */
#ifndef IO_H
#define IO_H

void net_poll(unsigned id);
void disk_poll(unsigned id);

#endif
