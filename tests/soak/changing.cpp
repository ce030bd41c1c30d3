// A branch that is taken away and made anew while elements pass.
#include "tests/soak/soak.hpp"

namespace penstock::soak {
namespace {

void renew_branch(Soak& soak, Number& count) {
  for (const NodeHandle& node : std::exchange(soak.branch, {})) node.destroy();
  const auto mapped = soak.numbers.map([](long x) { return x + 1; });
  const auto buffered = mapped.buffer(16, {.loop = soak.loop});
  const auto window = buffered.timed_window(10ms, {.loop = soak.loop});
  const auto sink = window.flatten().sink(count_into(count));
  soak.branch = {mapped, buffered, window, window.downstreams().front(), sink};
}

}  // namespace

void add_changing(Soak& soak) {
  auto& count = soak.figures.between("a branch that changes", 1, static_cast<Number>(soak.n));
  renew_branch(soak, count);
  soak.tenth.sink([&soak, &count](long x) {
    if (x > 0 && x % 10'000 == 0) renew_branch(soak, count);
  });
}

}  // namespace penstock::soak
