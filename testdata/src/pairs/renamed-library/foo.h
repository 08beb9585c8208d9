/* The library of this pair: libfoo.so.1.2, later libfoo.so.1.3. */
#ifndef FOO_H
#define FOO_H

void foo_open(unsigned id);
void foo_log(void);

#endif
