/* A chat: rooms, users, words. Each container has an allocator of its own, so that call sites differ. Modes:
   `uniform` and `skewed` say how popular users and words are.
   Leaks, by the tag of the allocator, or the function: Log (each 20th message is logged in a list of text that is
   freed at the exit), Invitations (a map that nobody erases from, 1 message in 35; freed at the exit), ban (1 in
   110, never freed), typing (a notice is forgotten when a message is empty, 1 in 70, never freed), Seen (who has
   seen which message is kept in a set; 1 in 12; freed at the exit), Upload and UploadData (1 in 9; a list of
   vectors that is freed at the exit).
   No leaks: Rooms and room_name (50), Users and user_name (300), Words (a table of 400 words), Recent (the last
   30 messages of each room), Drafts and DraftIndex (an LRU of 80, in a list), session (those of 90 that are
   connected), Search (freed at once), peak (a ring of 24), emoji (64 when half of the work is done). */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <list>
#include <map>
#include <new>
#include <set>
#include <unordered_map>
#include <vector>

#include "planted.h"

template <class T, class Tag> struct Tagged {
    using value_type = T;
    template <class U> struct rebind {
        using other = Tagged<U, Tag>;
    };
    Tagged() = default;
    template <class U> Tagged(const Tagged<U, Tag> &) {}
    APART T *allocate(std::size_t count)
    {
        return static_cast<T *>(std::malloc(count * sizeof(T)));
    }
    void deallocate(T *block, std::size_t) { std::free(block); }
    friend bool operator==(const Tagged &, const Tagged &) { return true; }
    friend bool operator!=(const Tagged &, const Tagged &) { return false; }
};

struct Log;
struct Invitations;
struct Seen;
struct Upload;
struct UploadData;
struct Rooms;
struct Users;
struct Words;
struct Recent;
struct Drafts;
struct DraftIndex;
struct Search;

template <class T, class Tag> using Deque = std::deque<T, Tagged<T, Tag>>;
template <class K, class V, class Tag>
using Hash = std::unordered_map<K, V, std::hash<K>, std::equal_to<K>, Tagged<std::pair<const K, V>, Tag>>;
using Bytes = std::vector<char, Tagged<char, UploadData>>;

struct Line {
    char text[60];
};
struct Room {
    Deque<Line, Recent> recent;
    unsigned talked = 0;
};

APART static char *user_name() { return static_cast<char *>(std::malloc(32)); }    // bounded: 300
APART static char *room_name() { return static_cast<char *>(std::malloc(24)); }    // bounded: 50
APART static char *ban() { return static_cast<char *>(std::malloc(48)); }          // leak: 1 in 110
APART static char *typing() { return static_cast<char *>(std::malloc(40)); }       // leak: 1 in 70
APART static char *session() { return static_cast<char *>(std::calloc(1, 200)); }  // bounded: 90
APART static char *peak() { return static_cast<char *>(std::calloc(1, 64)); }      // bounded: 24
APART static char *emoji(unsigned kind) { return static_cast<char *>(std::malloc(10 + kind)); } // once: 64, at half

int main(int argc, char **argv)
{
    const char *mode;
    unsigned work = begins(argc, argv, &mode);
    bool is_skewed = std::strcmp(mode, "skewed") == 0;
    auto draw = [&](unsigned count) { return is_skewed ? skewed(count) : chance(count); };

    using Invitation = std::pair<const unsigned, Line>;
    std::list<Line, Tagged<Line, Log>> log;                                               // leak
    std::multimap<unsigned, Line, std::less<>, Tagged<Invitation, Invitations>> invitations; // leak
    std::set<unsigned, std::less<>, Tagged<unsigned, Seen>> seen;                         // leak
    std::list<Bytes, Tagged<Bytes, Upload>> uploads;                                      // leak, with its data
    Hash<unsigned, Room, Rooms> rooms;
    Hash<unsigned, char *, Users> users;
    Hash<unsigned, unsigned, Words> words;
    std::list<std::pair<unsigned, Line>, Tagged<std::pair<unsigned, Line>, Drafts>> drafts;
    Hash<unsigned, decltype(drafts)::iterator, DraftIndex> draft_of;
    char *sessions[90] = {}, *peaks[24] = {}, *emojis[64] = {}, *names[50] = {}, *bans = nullptr;

    for (unsigned done = 0; done < work; done++) {
        unsigned number = draw(50);
        Room &room = rooms[number];
        if (!names[number])
            names[number] = room_name();
        room.talked++;
        unsigned user = draw(300);
        if (users.find(user) == users.end())
            users[user] = user_name();

        char *&connected = sessions[user % 90];
        if (connected && chance(6) == 0) {
            std::free(connected);
            connected = nullptr;
        } else if (!connected) {
            connected = session();
        }

        char *notice = typing();
        Line line{};
        std::snprintf(line.text, sizeof line.text, "user %u says %u", user, done);
        bool is_empty = chance(70) == 0;
        if (is_empty)
            continue; // leak: the notice
        std::free(notice);

        for (unsigned word = 0; word < 3; word++)
            words[draw(400)]++;
        room.recent.push_back(line); // bounded: 30 a room
        if (room.recent.size() > 30)
            room.recent.pop_front();
        if (done % 20 == 0)
            log.push_back(line);
        if (chance(35) == 0)
            invitations.emplace(done, line);
        if (chance(12) == 0)
            seen.insert(done);
        if (chance(9) == 0) {
            uploads.emplace_back();
            uploads.back().resize(20 + chance(50));
        }
        if (chance(110) == 0) {
            char *made = ban();
            std::memcpy(made, &bans, sizeof bans);
            bans = made;
        }

        unsigned draft = chance(240);
        auto found = draft_of.find(draft);
        if (found != draft_of.end()) {
            drafts.splice(drafts.begin(), drafts, found->second);
        } else {
            drafts.emplace_front(draft, line); // bounded: 80
            draft_of[draft] = drafts.begin();
            if (drafts.size() > 80) {
                draft_of.erase(drafts.back().first);
                drafts.pop_back();
            }
        }
        if (chance(30) == 0) {
            std::vector<unsigned, Tagged<unsigned, Search>> hits;
            for (unsigned hit = 0; hit < 40; hit++)
                hits.push_back(hit);
        }
        if (done % 100 == 0) {
            char *&slot = peaks[done / 100 % 24];
            std::free(slot);
            slot = peak();
        }
        if (done == work / 2)
            for (unsigned kind = 0; kind < 64; kind++)
                emojis[kind] = emoji(kind);
    }
    unsigned most = 0;
    for (auto &room : rooms)
        most = room.second.talked > most ? room.second.talked : most;
    std::printf("%u\n", most);
    for (auto &user : users)
        std::free(user.second);
    for (char *name : names)
        std::free(name);
    for (char *connected : sessions)
        std::free(connected);
    return emojis[0] == nullptr;
}
