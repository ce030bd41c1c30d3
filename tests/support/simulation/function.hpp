// What tasks compute. A function's definition and the input say everything, so that every run of a
// task, wherever and however often, does the same, and the test knows what must come out.
#pragma once

#include <cstdint>
#include <string>

#include "tests/support/simulation/event_queue.hpp"
#include "tests/support/simulation/values.hpp"

namespace penstock::simulation {

struct Function {
  std::uint64_t salt = 0;
  Duration mean_run{};
  unsigned raise_percent = 0;
  unsigned kill_percent = 0;  // inputs that kill the process they run in
  unsigned keep_percent = 0;  // inputs whose values stay on the worker
  unsigned ask_percent = 0;   // inputs for which it submits a task of its own, and waits for that

  std::string definition() const;
  static Function parse(const std::string& definition);

  bool raises(const std::string& input) const;
  bool kills(const std::string& input) const;
  bool keeps(const std::string& input) const;
  Duration run_time(const std::string& input) const;  // about mean_run, seldom much longer

  bool asks(const std::string& input) const;
  // What it asks, and for what: such a task may ask as well.
  Function asked() const;
  static std::string asked_input(const std::string& input) { return "q" + own_part(input); }

  // `answer`: the value of what it asks, if it does.
  std::string value(const std::string& input, const std::string& answer) const;
  std::string value(const std::string& input) const;
};

}  // namespace penstock::simulation
