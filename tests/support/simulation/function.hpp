// What tasks compute. A function's definition and the input say everything, so that every run of a
// task, wherever and however often, does the same, and the test knows what must come out.
#pragma once

#include <cstdint>
#include <string>

#include "tests/support/simulation/event_queue.hpp"

namespace penstock::simulation {

struct Function {
  std::uint64_t salt = 0;
  Duration mean_run{};
  unsigned raise_percent = 0;
  unsigned kill_percent = 0;  // inputs that kill the process they run in
  unsigned keep_percent = 0;  // inputs whose values stay on the worker

  std::string definition() const;
  static Function parse(const std::string& definition);

  bool raises(const std::string& input) const;
  bool kills(const std::string& input) const;
  bool keeps(const std::string& input) const;
  Duration run_time(const std::string& input) const;  // about mean_run, seldom much longer
  std::string value(const std::string& input) const;
};

}  // namespace penstock::simulation
