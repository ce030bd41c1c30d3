// Values that stay on workers, as messages name them: a place, and an input with such values in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/core/types.hpp"

namespace penstock::simulation {

struct ValuePlace {
  std::string worker;         // its name
  std::uint64_t process = 0;  // which of those that had it
  scheduler::ValueName name;  // as a scheduler knows it; the next one names others so
  std::string identity;       // no other value has it

  friend bool operator==(const ValuePlace&, const ValuePlace&) = default;

  std::string text() const;
  static ValuePlace parse(const std::string& text);
};

// Each belongs in front of this byte of what travels.
using PlacedValues = std::vector<std::pair<std::size_t, ValuePlace>>;

std::string text_of(const PlacedValues& values);
PlacedValues parse_values(const std::string& text);

// How often what may happen to values has happened.
struct ValueCounts {
  std::uint64_t kept = 0;
  std::uint64_t read = 0;
  std::uint64_t freed = 0;
  std::uint64_t unreadable = 0;
  std::uint64_t made_again = 0;

  ValueCounts& operator+=(const ValueCounts& other) {
    kept += other.kept;
    read += other.read;
    freed += other.freed;
    unreadable += other.unreadable;
    made_again += other.made_again;
    return *this;
  }
};

// What tells an element's task from all others: its input without the values of other tasks.
inline std::string own_part(const std::string& input) { return input.substr(0, input.find('|')); }

}  // namespace penstock::simulation
