#include "tests/support/simulation/function.hpp"

#include <sstream>

#include "tests/support/simulation/random.hpp"

namespace penstock::simulation {

std::string Function::definition() const {
  std::ostringstream out;
  out << salt << ' ' << mean_run.count() << ' ' << raise_percent << ' ' << kill_percent << ' '
      << keep_percent << ' ' << ask_percent;
  return out.str();
}

Function Function::parse(const std::string& definition) {
  Function function;
  Duration::rep mean = 0;
  std::istringstream(definition) >> function.salt >> mean >> function.raise_percent >>
      function.kill_percent >> function.keep_percent >> function.ask_percent;
  function.mean_run = Duration(mean);
  return function;
}

bool Function::raises(const std::string& input) const {
  return !kills(input) && hash_of(input, salt + 1) % 100 < raise_percent;
}

bool Function::kills(const std::string& input) const {
  return hash_of(input, salt + 2) % 100 < kill_percent;
}

bool Function::keeps(const std::string& input) const {
  return hash_of(input, salt + 4) % 100 < keep_percent;
}

Duration Function::run_time(const std::string& input) const {
  const std::uint64_t hash = hash_of(input, salt + 3);
  const Duration::rep usual =
      mean_run.count() / 2 +
      static_cast<Duration::rep>(hash % static_cast<std::uint64_t>(mean_run.count() + 1));
  return Duration((hash >> 40) % 20 == 0 ? usual * 5 : usual);
}

bool Function::asks(const std::string& input) const {
  return hash_of(input, salt + 5) % 100 < ask_percent;
}

Function Function::asked() const { return {salt + 6, mean_run, 0, 0, keep_percent, ask_percent / 3}; }

std::string Function::value(const std::string& input, const std::string& answer) const {
  return std::to_string(hash_of(input + answer, salt));
}

std::string Function::value(const std::string& input) const {
  return value(input, asks(input) ? asked().value(asked_input(input)) : "");
}

}  // namespace penstock::simulation
