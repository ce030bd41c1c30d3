#include "scheduler/core/resources.hpp"

#include <algorithm>
#include <array>

namespace penstock::scheduler {
namespace {

std::string amount_in_words(std::int64_t thousandths) {
  constexpr std::array<const char*, 5> kUnits{"", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (thousandths >= 1024 * 1000 && thousandths % 1024 == 0 && unit + 1 < kUnits.size()) {
    thousandths /= 1024;
    ++unit;
  }
  std::string text = std::to_string(thousandths / 1000);
  if (thousandths % 1000 != 0) {
    text += '.' + std::to_string(1000 + thousandths % 1000).substr(1);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text + kUnits[unit];
}

}  // namespace

bool covers(const Resources& had, const Resources& needed) {
  return std::all_of(needed.begin(), needed.end(), [&](const auto& need) {
    const auto found = had.find(need.first);
    return found != had.end() && found->second >= need.second;
  });
}

void add(Resources& to, const Resources& some) {
  for (const auto& [name, amount] : some) to[name] += amount;
}

void subtract(Resources& from, const Resources& some) {
  for (const auto& [name, amount] : some) from[name] -= amount;
}

std::string in_words(const Resources& resources) {
  if (resources.empty()) return "none";
  std::string text;
  for (const auto& [name, amount] : resources) {
    text += (text.empty() ? "" : ", ") + name + "=" + amount_in_words(amount);
  }
  return text;
}

}  // namespace penstock::scheduler
