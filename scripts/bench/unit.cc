// One of many units of a program with much debug information: templates of the standard library, instantiated
// anew in each. UNIT is its number.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <regex>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#define JOIN(a, b) a##b
#define NAME(n) JOIN(unit_, n)

namespace NAME(UNIT) {

struct Item {
    std::string name;
    std::vector<int> values;
};

std::map<std::string, std::unordered_map<int, std::unique_ptr<Item>>> items;

int count(const std::string &text)
{
    const std::regex pattern("([a-z]+)-([0-9]+)");
    int found = 0;
    for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
        auto &item = items[(*it)[1].str()][std::stoi((*it)[2].str())];
        item = std::make_unique<Item>(Item{it->str(), {3, 1, 2}});
        std::sort(item->values.begin(), item->values.end(), std::greater<>());
        found += int(item->values.size());
    }
    std::ostringstream names;
    for (const auto &[name, numbered] : items)
        names << name << numbered.size();
    return found + int(names.str().size());
}

} // namespace

#if UNIT == 0
int main(int, char **argv)
{
    return NAME(UNIT)::count(argv[0]);
}
#endif
