// What happened in a simulation: a fingerprint of all of it, its end in words, and what went wrong.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/support/simulation/event_queue.hpp"

namespace penstock::simulation {

class Report {
 public:
  explicit Report(const EventQueue& queue, bool verbose) : queue_(queue), verbose_(verbose) {}

  // `what` is a literal. Verbose reports print it at once.
  void note(const char* what, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0);

  // The first one counts: what follows is mostly its consequence.
  void fail(const std::string& problem);
  bool failed() const { return !problem_.empty(); }
  const std::string& problem() const { return problem_; }

  std::uint64_t hash() const { return hash_; }
  std::string last_events() const;

 private:
  static constexpr std::size_t kKept = 50;
  struct Line {
    TimePoint at;
    const char* what;
    std::uint64_t a, b, c;
  };
  static std::string to_text(const Line& line);

  const EventQueue& queue_;
  const bool verbose_;
  std::uint64_t hash_ = 0;
  std::uint64_t noted_ = 0;
  std::array<Line, kKept> lines_{};
  std::string problem_;
};

}  // namespace penstock::simulation
