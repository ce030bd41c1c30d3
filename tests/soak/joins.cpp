// Nodes with several inputs, and other sources than the first.
#include <memory>
#include <ranges>

#include "tests/soak/soak.hpp"

namespace penstock::soak {
namespace {

void add_sources(Soak& soak) {
  const long m = soak.n / 1000;
  const auto counted = from_iterable(std::views::iota(0L, m), {.loop = soak.loop});
  const auto queue = std::make_shared<Queue<long>>(1000);
  const auto queued = from_queue(queue, {.loop = soak.loop});
  soak.feeder = std::thread([queue, m] {
    for (long x = 0; x < m; ++x) queue->push(x);
    queue->close();
  });
  auto& equal = soak.figures.exactly("zip with from_iterable and from_queue", static_cast<Number>(m));
  soak.thousandth.zip(counted, queued).sink([&equal](const std::tuple<long, long, long>& row) {
    const auto [thousandth, a, b] = row;
    if (thousandth == 1000 * a && a == b) ++equal;
  });
  const auto times = from_periodic([] { return 1L; }, 1ms, {.loop = soak.loop});
  soak.endless = times.sink(count_into(soak.figures.between("from_periodic", 1, ~Number{0})));
  soak.thousandth.zip_latest(times).sink(
      count_into(soak.figures.exactly("zip_latest with from_periodic", static_cast<Number>(m))));
  counted.start();
  queued.start();
  times.start();
}

}  // namespace

void add_joins(Soak& soak) {
  Figures& figures = soak.figures;
  const Number n = static_cast<Number>(soak.n);
  const auto even = soak.numbers.filter([](long x) { return x % 2 == 0; });
  const auto odd = soak.numbers.filter([](long x) { return x % 2 != 0; });
  const auto difference = [](const std::tuple<long, long>& pair) {
    return std::get<1>(pair) - std::get<0>(pair);
  };
  even.zip(odd).map(difference).sink(sum_into(figures.exactly("zip", n / 2)));
  even.combine_latest(odd).map(difference).filter([](long d) { return d == 1 || d == -1; }).sink(
      count_into(figures.exactly("combine_latest", n - 1)));
  even.combine_latest(odd, CombineLatestOptions{.emit_on = {1}})
      .map(difference)
      .sink(sum_into(figures.exactly("combine_latest emit_on", n / 2)));
  even.zip_latest(odd).sink(count_into(figures.exactly("zip_latest", n / 2)));
  even.union_with(odd).sink(sum_into(figures.exactly("union_with", total(soak.n))));
  add_sources(soak);
}

}  // namespace penstock::soak
