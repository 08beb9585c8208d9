/* What the two files of this pair call of one another. */
#ifndef SESSIONS_H
#define SESSIONS_H

void session_open(unsigned id);
void session_note(void);

#endif
