#include "tests/support/simulation/report.hpp"

#include <algorithm>
#include <cstdio>

#include "tests/support/simulation/random.hpp"

namespace penstock::simulation {

void Report::note(const char* what, std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  const Line line{queue_.now(), what, a, b, c};
  lines_[noted_++ % kKept] = line;
  const auto at = static_cast<std::uint64_t>(line.at.time_since_epoch().count());
  hash_ = mix(hash_ ^ at ^ mix(a ^ mix(b ^ mix(c + static_cast<unsigned char>(what[0])))));
  if (verbose_) std::fprintf(stderr, "%s\n", to_text(line).c_str());
}

void Report::fail(const std::string& problem) {
  if (failed()) return;
  note("FAILED");
  problem_ = problem;
}

std::string Report::last_events() const {
  std::string text;
  for (std::uint64_t i = noted_ - std::min<std::uint64_t>(noted_, kKept); i < noted_; ++i) {
    text += to_text(lines_[i % kKept]) + '\n';
  }
  return text;
}

std::string Report::to_text(const Line& line) {
  char text[160];
  const double ms = static_cast<double>(line.at.time_since_epoch().count()) / 1e6;
  std::snprintf(text, sizeof text, "%12.3f ms  %-34s %llu %llu %llu", ms, line.what,
                static_cast<unsigned long long>(line.a), static_cast<unsigned long long>(line.b),
                static_cast<unsigned long long>(line.c));
  return text;
}

}  // namespace penstock::simulation
