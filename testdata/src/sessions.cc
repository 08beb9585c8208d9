/*
 * C++, optimised: `sessions MINUTES MAPS`.
 *
 * The program replaces operator new by a tail call of malloc, as firmware
 * without exceptions does, so glibc logs the caller of `new` itself. After
 * inlining that caller is the program's own operator new or libstdc++'s
 * new_allocator.h, and only DWARF's inline chain leads to the line a person
 * wants. libstdc++'s operator new[] jumps on to operator new and leaves no
 * frame. What is left after m minutes:
 *
 *   Registry<Session>::open   40 m blocks of sizeof(Session) = 72 bytes
 *   Registry<Timer>::open     15 m blocks of sizeof(Timer) = 24 bytes
 *   remember                  10 m nodes of a std::list<int>, 24 bytes each
 *   frame_buffer               5 m blocks of 128 bytes
 */
#include <cstdlib>
#include <list>
#include <mcheck.h>

#include "save_maps.h"

void *operator new(std::size_t size) { return std::malloc(size); }
void operator delete(void *block) noexcept { std::free(block); }
void operator delete(void *block, std::size_t) noexcept { std::free(block); }

namespace fleet {

struct Session {
    int id;
    char peer[68];
};

struct Timer {
    long due;
    long period;
    void *owner;
};

template <typename T> struct Registry {
    static T *latest;
    __attribute__((noinline)) static void open();
};

template <typename T> T *Registry<T>::latest;

template <typename T> void Registry<T>::open()
{
    latest = new T();                       // SITE: Registry<T>::open
}

static std::list<int> *memory;

__attribute__((noinline)) static void remember(int value)
{
    memory->push_back(value);               // SITE: remember
}

static char *volatile buffer;

__attribute__((noinline)) static void frame_buffer()
{
    buffer = new char[128];                 // SITE: frame_buffer
}

} // namespace fleet

int main(int argc, char **argv)
{
    const int minutes = argc > 1 ? std::atoi(argv[1]) : 2;

    fleet::memory = new std::list<int>;     // before mtrace(): not in the log
    mtrace();
    for (int minute = 0; minute < minutes; minute++) {
        for (int i = 0; i < 40; i++)
            fleet::Registry<fleet::Session>::open();
        for (int i = 0; i < 15; i++)
            fleet::Registry<fleet::Timer>::open();
        for (int i = 0; i < 10; i++)
            fleet::remember(i);
        for (int i = 0; i < 5; i++)
            fleet::frame_buffer();
    }
    if (argc > 2)
        save_maps(argv[2]);
    muntrace();
    return 0;
}
