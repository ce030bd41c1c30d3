// window() over a number of elements, over time and by key.
#include <algorithm>

#include "tests/soak/soak.hpp"

namespace penstock::soak {
namespace {

constexpr long kWindow = 16;

// The first and the last number of the window that ends with number i, of 0, 1, 2, ...
long first_of(long i) { return std::max(0L, i - kWindow + 1); }
double size_of(long i) { return static_cast<double>(i - first_of(i) + 1); }

template <class F>
double total_of_windows(long m, F f) {
  double sum = 0;
  for (long i = 0; i < m; ++i) sum += f(i);
  return sum;
}

auto add_into(double& figure) {
  return [&figure](double x) { figure += x; };
}

}  // namespace

void add_windows(Soak& soak) {
  Figures& figures = soak.figures;
  const long m = soak.n / 10;
  const auto series = soak.tenth.map([](long x) { return x / 10; });
  const auto all = series.window(kWindow);
  const auto middle = [](long i) { return static_cast<double>(first_of(i) + i) / 2; };
  all.count().sink([&sum = figures.exactly("window.count", static_cast<Number>(kWindow * m - 120))](
                       std::size_t count) { sum += count; });
  all.sum().sink(sum_into(figures.exactly("window.sum", static_cast<Number>(total_of_windows(m, [&](long i) {
                                            return middle(i) * size_of(i);
                                          })))));
  all.mean().sink(add_into(figures.about("window.mean", total_of_windows(m, middle))));
  all.quantile(0.5).sink(add_into(figures.about("window.quantile", total_of_windows(m, middle))));
  all.min().sink(sum_into(figures.exactly("window.min", total(m, 1, first_of))));
  all.max().sink(sum_into(figures.exactly("window.max", total(m))));
  // Of c numbers in a row it is c (c + 1) / 12.
  all.variance()
      .filter([](double x) { return x == x; })
      .sink(add_into(figures.about("window.variance", total_of_windows(m, [](long i) {
                                     return i == 0 ? 0 : size_of(i) * (size_of(i) + 1) / 12;
                                   }))));
  series.window(4)
      .by([](long i) { return i % 8; })
      .max()
      .map([](const std::pair<long, long>& keyed) { return keyed.second; })
      .sink(sum_into(figures.exactly("window by key", total(m))));
  series.window(1ms, {.loop = soak.loop, .limit = 1000})
      .max()
      .sink(sum_into(figures.exactly("window over time", total(m))));
  series.window(1ms, {.loop = soak.loop})
      .by([](long i) { return i % 100; }, {.max_keys = 50})
      .count()
      .sink(count_into(figures.exactly("window over time by key", static_cast<Number>(m))));
}

}  // namespace penstock::soak
