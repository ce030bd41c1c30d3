// Nodes with time, and those that decouple.
#include "tests/soak/soak.hpp"

namespace penstock::soak {

void add_timed(Soak& soak) {
  Figures& figures = soak.figures;
  const Number all = total(soak.n);
  const Number m = static_cast<Number>(soak.n / 10);
  const auto last = static_cast<Number>(soak.n - 10);
  const auto& tenth = soak.tenth;
  const TimeOptions here{.loop = soak.loop};

  soak.numbers.buffer(256, here).sink(sum_into(figures.exactly("buffer", all)));
  soak.numbers.timed_window(2ms, {.loop = soak.loop})
      .sink(sum_items_into(figures.exactly("timed_window", all)));
  tenth.delay(1ms, {.loop = soak.loop, .limit = 10'000})
      .sink(sum_into(figures.exactly("delay", total(soak.n, 10))));
  tenth.timed_window_unique(2ms, [](long x) { return x % 970; }, Keep::kLast, {.loop = soak.loop})
      .flatten()
      .sink(last_into(figures.exactly("timed_window_unique, last", last)));
  tenth.partition(100, {.timeout = 1ms, .loop = soak.loop})
      .sink(sum_items_into(figures.exactly("partition with timeout", total(soak.n, 10))));
  tenth.partition(100, [](long x) { return x % 70; }, {.timeout = 1ms, .loop = soak.loop})
      .sink(sum_items_into(figures.exactly("partition by key with timeout", total(soak.n, 10))));

  // Bursts of 10.
  soak.thousandth.partition(10).flatten().rate_limit(1us, here).sink(
      sum_into(figures.exactly("rate_limit", total(soak.n, 1000))));
  tenth.latest(here).sink(last_into(figures.exactly("latest, last", last)));
  tenth.debounce(1ms, here).sink(last_into(figures.exactly("debounce, last", last)));
  tenth.throttle(1ms, here).sink(count_into(figures.between("throttle", 1, m)));
}

}  // namespace penstock::soak
