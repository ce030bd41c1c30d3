#include "tests/support/simulation/values.hpp"

#include <sstream>

namespace penstock::simulation {
namespace {

void write(std::ostream& out, const ValuePlace& place) {
  out << place.worker << ' ' << place.process << ' ' << static_cast<std::uint64_t>(place.name.task) << ' '
      << place.name.attempt << ' ' << place.identity;
}

ValuePlace read(std::istream& in) {
  ValuePlace place;
  std::uint64_t task = 0;
  in >> place.worker >> place.process >> task >> place.name.attempt >> place.identity;
  place.name.task = scheduler::TaskId{task};
  return place;
}

}  // namespace

std::string ValuePlace::text() const {
  std::ostringstream out;
  write(out, *this);
  return out.str();
}

ValuePlace ValuePlace::parse(const std::string& text) {
  std::istringstream in(text);
  return read(in);
}

std::string text_of(const PlacedValues& values) {
  std::ostringstream out;
  for (const auto& [at, place] : values) {
    out << at << ' ';
    write(out, place);
    out << ' ';
  }
  return out.str();
}

PlacedValues parse_values(const std::string& text) {
  PlacedValues values;
  std::istringstream in(text);
  std::size_t at = 0;
  while (in >> at) values.emplace_back(at, read(in));
  return values;
}

}  // namespace penstock::simulation
