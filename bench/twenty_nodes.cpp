// A program with twenty nodes: what it takes to compile it is measured (nodes.sh).
#include <asio/detached.hpp>
#include <cstdio>
#include <penstock/runtime.hpp>
#include <penstock/virtual_loop.hpp>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;  // NOLINT

struct Trade {
  std::string symbol;
  double price = 0;
  int size = 0;
};

}  // namespace

int main() {
  penstock::VirtualLoop loop;
  penstock::Stream<Trade> trades{penstock::LoopRef(loop)};
  const auto good = trades.filter([](const Trade& t) { return t.size > 0; })  // 1
                        .unique({.maxsize = 100}, [](const Trade& t) { return t.symbol + std::to_string(t.price); });  // 2
  const auto prices = good.map([](const Trade& t) { return t.price; })  // 3
                          .rate_limit(1ms);                              // 4
  const auto mean = prices.window(20).mean();                           // 5
  const auto sums = good.keyed_accumulate(&Trade::symbol, [](int sum, const Trade& t) { return sum + t.size; }, 0);  // 6
  mean.zip(prices)                                                          // 7
      .starmap([](double a, double b) { return b - a; })                    // 8
      .debounce(5ms)                                                        // 9
      .sink([](double x) { std::printf("%g\n", x); });                      // 10
  sums.partition(4)                                                         // 11
      .flatten()                                                            // 12
      .pluck<1>()                                                           // 13
      .accumulate([](int sum, int x) { return sum + x; }, 0)                // 14
      .sink([](int x) { std::printf("%d\n", x); });                         // 15
  prices.timed_window(10ms, {.emit_empty = false})                          // 16
      .map([](const std::vector<double>& window) { return window.size(); })  // 17
      .buffer(10)                                                           // 18
      .combine_latest(mean)                                                 // 19
      .sink([](const auto& both) { std::printf("%zu\n", std::get<0>(both)); });  // 20
  for (int i = 1; i <= 10; ++i) trades.async_emit({"A", 1.0 * i, i}, asio::detached);
  trades.async_close(asio::detached);
  loop.run();
}
