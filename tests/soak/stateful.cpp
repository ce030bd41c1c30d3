// Nodes that remember, and sinks that keep or write.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "tests/soak/soak.hpp"

namespace penstock::soak {
namespace {

Number running_sums_of_97_keys(long n) {
  std::array<Number, 97> sums{};
  return total(n, 10, [&](long x) {
    return sums[static_cast<std::size_t>(x % 97)] += static_cast<Number>(x);
  });
}

// Batches of 8 different x / 20, of each the first.
Number first_of_keys(long n) {
  std::vector<long> keys;
  return total(n, 10, [&](long x) {
    if (std::find(keys.begin(), keys.end(), x / 20) != keys.end()) return 0L;
    keys.push_back(x / 20);
    if (keys.size() == 8) keys.clear();
    return x;
  });
}

void add_accumulating(Soak& soak) {
  Figures& figures = soak.figures;
  soak.numbers.scan(kAdd, 0L).sink(last_into(figures.exactly("scan", total(soak.n))));
  auto& third = figures.exactly("accumulate in place", static_cast<Number>(soak.n / 10));
  soak.numbers
      .accumulate([](std::vector<Number>& counts, long x) { ++counts[static_cast<std::size_t>(x % 10)]; },
                  std::vector<Number>(10))
      .sink([&third](const std::vector<Number>& counts) { third = counts[3]; });
  soak.numbers
      .accumulate([](long before, long x) { return std::pair(x, x - before); }, -1L, returns_state)
      .sink(sum_into(figures.exactly("accumulate returns_state", static_cast<Number>(soak.n))));
  soak.tenth.keyed_accumulate([](long x) { return x % 97; }, kAdd, 0L, {.max_keys = 97})
      .map([](const std::pair<long, long>& keyed) { return keyed.second; })
      .sink(sum_into(figures.exactly("keyed_accumulate", running_sums_of_97_keys(soak.n))));
  // The number of the key that comes is the one that was forgotten longest ago.
  soak.tenth.keyed_accumulate([](long x) { return x / 10 % 1000; }, kAdd, 0L, {.max_keys = 100})
      .map([](const std::pair<long, long>& keyed) { return keyed.second; })
      .sink(sum_into(figures.exactly("keyed_accumulate of few keys", total(soak.n, 10))));
  auto& threes = figures.exactly("frequencies", static_cast<Number>(soak.n / 100));
  soak.tenth.map([](long x) { return x / 10 % 10; })
      .frequencies()
      .sink([&threes](const Frequencies<long>& counts) {
        if (const auto found = counts.find(3); found != counts.end()) threes = found->second;
      });
}

void add_gathering(Soak& soak) {
  Figures& figures = soak.figures;
  const auto& tenth = soak.tenth;
  const auto m = static_cast<Number>(soak.n / 10);
  tenth.unique({.maxsize = 100}, [](long x) { return x / 10 % 1000; })
      .sink(count_into(figures.exactly("unique with maxsize", m)));
  tenth.unique({}, [](long x) { return x % 1000; }).sink(count_into(figures.exactly("unique", 100)));
  tenth.sliding_window(5).flatten().sink(count_into(figures.exactly("sliding_window", 5 * m - 10)));
  tenth.sliding_window(5, false).flatten().sink(
      count_into(figures.exactly("sliding_window of whole ones", 5 * m - 20)));
  tenth.partition(64).sink(sum_items_into(figures.exactly("partition", total(soak.n, 10))));
  tenth.partition(8, [](long x) { return std::to_string(x % 70); })
      .sink(sum_items_into(figures.exactly("partition by key", total(soak.n, 10))));
  tenth.partition_unique(8, [](long x) { return x / 20; })
      .sink(sum_items_into(figures.exactly("partition_unique", first_of_keys(soak.n))));
  tenth.partition_unique(8, [](long x) { return x % 80; }, Keep::kLast)
      .sink(sum_items_into(figures.exactly("partition_unique that keeps the last", total(soak.n, 10))));

  soak.collected = tenth.collect();
  soak.collected->sink(sum_items_into(figures.exactly("collect", total(soak.n, 10))));
  tenth.sink([&soak](long x) {
    if (x % 10'000 == 0) soak.collected->async_flush([](std::exception_ptr) {});
  });
}

void add_sinks(Soak& soak) {
  const auto name = "penstock_soak_" + std::to_string(::getpid()) + ".txt";
  soak.file = (std::filesystem::temp_directory_path() / name).string();
  soak.vector = soak.tenth.slice(0, 1000).sink_to_vector();
  soak.tenth.slice(0, 1000).sink_to_textfile(soak.file, {.truncate = true});
  soak.tenth.sink_to_textfile("/dev/null", {.buffer_bytes = 65536});
}

}  // namespace

void add_stateful(Soak& soak) {
  add_accumulating(soak);
  add_gathering(soak);
  add_sinks(soak);
}

}  // namespace penstock::soak
