// The only source of chance in a simulation. Its own, because the standard library's distributions
// give other numbers with another library, and a seed should mean the same everywhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock::simulation {

inline std::uint64_t mix(std::uint64_t x) {  // splitmix64's finaliser
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

inline std::uint64_t hash_of(std::string_view text, std::uint64_t salt) {
  std::uint64_t hash = mix(salt + 0x9e3779b97f4a7c15u);
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return mix(hash);
}

class Random {
 public:
  using Duration = std::chrono::nanoseconds;

  explicit Random(std::uint64_t seed) : state_(mix(seed + 1)) {}

  std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15u); }
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }  // 0 <= result < limit
  std::uint64_t between(std::uint64_t least, std::uint64_t most) {     // both inclusive
    return least + below(most - least + 1);
  }
  Duration between(Duration least, Duration most) {
    return Duration(between(static_cast<std::uint64_t>(least.count()),
                            static_cast<std::uint64_t>(most.count())));
  }
  bool chance(unsigned percent) { return below(100) < percent; }

  template <class List>
  auto& pick(List& list) {
    return list[static_cast<std::size_t>(below(list.size()))];
  }

 private:
  std::uint64_t state_;
};

}  // namespace penstock::simulation
