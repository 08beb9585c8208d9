// Lines of a program in C++ that answer for what the library, or the program's own templates, allocate for them.
//
// Each line with a mark is to be one row, and no other line of this file any. The reason stands behind the mark.
// Takes how often everything happens.
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#define NOINLINE __attribute__((noinline))

static const char *const LONG = "a text that fits into no small string, however it is built";

struct Session {
    std::string name;
    long data[4];
};

// A pool of the program's own: what it hands out is for its callers.
struct Pool {
    NOINLINE void *take(std::size_t size)
    {
        void *block = std::malloc(size);
        if (!block)
            std::abort();
        return block;
    }
};
static Pool pool;

template <class T> NOINLINE T *make()
{
    return new (pool.take(sizeof(T))) T();
}

struct Small { char data[24]; };
struct Middle { char data[56]; };
struct Large { char data[120]; };

template <class T> struct Array {
    T *items = nullptr;
    std::size_t count = 0, room = 0;
    NOINLINE void grow()
    {
        room = room ? 2 * room : 4;
        items = static_cast<T *>(std::realloc(items, room * sizeof(T))); // ARRAY: one template, whose sizes none of its few callers chose
    }
    void push(const T &item)
    {
        if (count == room)
            grow();
        items[count++] = item;
    }
};

static auto &numbers = *new std::vector<int>; // NUMBERS: the vector itself
static auto &names = *new std::vector<std::string>; // NAMES: the vector itself
static auto &sessions = *new std::map<int, Session>; // SESSIONS: the map itself
static auto &index_of = *new std::unordered_map<std::string, int>; // INDEX: the table itself
static auto &queue = *new std::deque<Session>; // QUEUE: the queue itself; it begins with a node
static auto &seen = *new std::set<long>; // SEEN: the set itself
static auto &pending = *new std::list<std::unique_ptr<Session>>; // PENDING: the list itself
static auto &shared = *new std::vector<std::shared_ptr<Session>>; // SHARED: the vector itself
static auto &handlers = *new std::vector<std::function<void()>>; // HANDLERS: the vector itself
static auto &copies = *new std::list<Session>; // COPIES: the list itself
static auto &array = *new Array<Small>; // OWN: the array itself

NOINLINE void add_number(int i)
{
    numbers.push_back(i); // push-number: the vector grows for it
}

NOINLINE void add_name(int)
{
    names.push_back(LONG); // push-name: the vector and the string are made here
}

NOINLINE void open_session(int i)
{
    sessions[i].name = LONG; // session: a node of the map, and the name in it
}

NOINLINE void note(int i)
{
    std::string key = LONG; // key: it is copied into the table
    key += std::to_string(i); // append: the text grows here
    index_of.emplace(std::move(key), i); // emplace: a node of the table, which grows
}

NOINLINE void enqueue()
{
    queue.push_back(Session()); // enqueue: a queue grows by nodes
}

NOINLINE void see(int i)
{
    seen.insert(i); // see: a node of the set
}

NOINLINE void defer()
{
    pending.push_back(std::make_unique<Session>()); // defer: a node of the list, and what it owns
}

NOINLINE void share()
{
    shared.push_back(std::make_shared<Session>()); // share: what is shared, and the vector
}

NOINLINE void on_event()
{
    auto name = std::make_shared<std::string>(LONG); // capture: a text that the handler shares
    handlers.push_back([name] { (void)name; }); // handler: the function keeps its own copy of the pointer
}

NOINLINE void copy(const Session &session)
{
    copies.push_back(session); // copy: nobody wrote the function that copies a session, and its name
}

NOINLINE char *text_of(int i)
{
    std::ostringstream text;
    text << LONG << i; // stream: a buffer for the text
    return strdup(text.str().c_str()); // text: the copy is the caller's, the line is here
}

NOINLINE void make_some()
{
    make<Small>(); // small: of the pool
    make<Middle>(); // middle: of the pool
    make<Large>(); // large: of the pool
}

NOINLINE void fill()
{
    array.push(Small());
}

int main(int argc, char **argv)
{
    static void *volatile kept;
    for (int i = 0; i < std::atoi(argv[1]); i++) {
        add_number(i);
        add_name(i);
        open_session(i);
        note(i);
        enqueue();
        see(i);
        defer();
        share();
        on_event();
        copy(sessions[i]);
        kept = text_of(i);
        make_some();
        fill();
    }
    return kept == nullptr;
}
