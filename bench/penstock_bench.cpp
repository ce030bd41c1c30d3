// One measurement of Penstock in each run, as one line of JSON on standard output. bench/peers.py
// measures the same of dask.distributed and streamz, in the same words.
//
//   penstock_bench tasks|latency|futures|stream|branch|accumulate|chain|bytes|short|local [COUNT]
//   penstock_bench version
//
// The cluster is two worker processes of one thread each. COUNT is the number of tasks, elements, chains or
// round trips (of 64 MiB). The warm-up before each measurement is not counted; a wrong result is an
// error, not a number.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <penstock/penstock.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kWorkers = 2;
constexpr std::size_t kMessageBytes = std::size_t{64} << 20;
constexpr std::size_t kChainBytes = std::size_t{1} << 20;
constexpr int kChainSteps = 4;

int increment(int x) { return x + 1; }
std::string filled(int x) { return std::string(kChainBytes, static_cast<char>('a' + x % 26)); }
std::string stepped(const std::string& bytes) {
  std::string next = bytes;
  ++next.front();
  return next;
}
int first_byte(const std::string& bytes) { return bytes.front(); }

// The line is out before the cluster ends.
template <class... Args>
void print_line(fmt::format_string<Args...> format, Args&&... args) {
  fmt::print(format, std::forward<Args>(args)...);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void print_rate(std::size_t count, double seconds) {
  print_line(R"({{"count": {}, "seconds": {:.6f}, "per_second": {:.1f}}})", count, seconds,
             static_cast<double>(count) / seconds);
}

void expect(bool right, std::string_view what) {
  if (!right) throw std::runtime_error(fmt::format("wrong result: {}", what));
}

penstock::Client start_cluster() {
  auto client = penstock::Client::local({.workers = kWorkers, .threads = 1, .dashboard = false});
  client.wait_for_workers(kWorkers);
  return client;
}

std::vector<int> numbers(std::size_t count) {
  std::vector<int> all(count);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

void map_and_gather(const penstock::Client& client, const std::vector<int>& input) {
  const auto output = client.gather(client.map(increment, input));
  bool right = output.size() == input.size();
  for (std::size_t i = 0; right && i < input.size(); ++i) right = output[i] == input[i] + 1;
  expect(right, "map and gather");
}

void measure_tasks(std::size_t count) {
  const auto client = start_cluster();
  map_and_gather(client, numbers(1000));
  const auto input = numbers(count);
  const auto start = Clock::now();
  map_and_gather(client, input);
  print_rate(count, seconds_since(start));
}

// Of sorted values.
double percentile(const std::vector<double>& values, double fraction) {
  return values[static_cast<std::size_t>(fraction * static_cast<double>(values.size() - 1))];
}

void measure_latency(std::size_t count) {
  const auto client = start_cluster();
  for (int i = 0; i < 100; ++i) client.submit(increment, i).get();
  std::vector<double> microseconds;
  microseconds.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const int x = static_cast<int>(i);
    const auto start = Clock::now();
    const int y = client.submit(increment, x).get();
    microseconds.push_back(seconds_since(start) * 1e6);
    expect(y == x + 1, "submit");
  }
  std::sort(microseconds.begin(), microseconds.end());
  print_line(R"({{"count": {}, "p50_us": {:.1f}, "p99_us": {:.1f}}})", count,
             percentile(microseconds, 0.5), percentile(microseconds, 0.99));
}

void complete_all(const penstock::Client& client, const std::vector<int>& input) {
  long sum = 0;
  for (const auto& future : penstock::as_completed(client.map(increment, input))) sum += future.get();
  const auto n = static_cast<long>(input.size());
  expect(sum == n * (n + 1) / 2, "as_completed");
}

void measure_futures(std::size_t count) {
  const auto client = start_cluster();
  complete_all(client, numbers(1000));
  const auto input = numbers(count);
  const auto start = Clock::now();
  complete_all(client, input);
  print_rate(count, seconds_since(start));
}

// Values of 1 MiB that one task makes of the other's, COUNT chains at once.
void measure_chain(std::size_t count) {
  const auto client = start_cluster();
  const auto run = [&client](std::size_t chains) {
    std::vector<penstock::Future<int>> ends;
    for (std::size_t i = 0; i < chains; ++i) {
      auto value = client.submit(filled, static_cast<int>(i));
      for (int step = 0; step < kChainSteps; ++step) value = client.submit(stepped, value);
      ends.push_back(client.submit(first_byte, value));
    }
    for (std::size_t i = 0; i < chains; ++i) {
      expect(ends[i].get() == static_cast<int>('a' + i % 26) + kChainSteps, "chain");
    }
  };
  run(10);
  const auto start = Clock::now();
  run(count);
  print_rate(count, seconds_since(start));
}

// One map, and two behind it.
void measure_branch(std::size_t count) {
  const auto client = start_cluster();
  penstock::Stream<int> source;
  long sum = 0;
  const auto add = [&sum](int x) { sum += x; };
  const auto common = source.scatter(client).map(increment);
  common.map(increment).gather().sink(add);
  common.map(increment).gather().sink(add);
  const auto run = [&](std::size_t elements) {
    sum = 0;
    for (std::size_t i = 0; i < elements; ++i) source.emit(static_cast<int>(i));
    source.drain();
    const auto n = static_cast<long>(elements);
    expect(sum == n * (n + 3), "branch");
  };
  run(1000);
  const auto start = Clock::now();
  run(count);
  print_rate(count, seconds_since(start));
}

void measure_accumulate(std::size_t count) {
  const auto client = start_cluster();
  penstock::Stream<int> source;
  long last = 0;
  source.scatter(client).accumulate([](long sum, int x) { return sum + x; }, 0L).gather().sink([&last](long x) {
    last = x;
  });
  long before = 0;
  const auto run = [&](std::size_t elements) {
    for (std::size_t i = 0; i < elements; ++i) source.emit(static_cast<int>(i));
    source.drain();
    const auto n = static_cast<long>(elements);
    expect(last - std::exchange(before, last) == n * (n - 1) / 2, "accumulate");
  };
  run(1000);
  const auto start = Clock::now();
  run(count);
  print_rate(count, seconds_since(start));
}

void measure_stream(std::size_t count) {
  const auto client = start_cluster();
  penstock::Stream<int> source;
  long sum = 0;
  source.scatter(client).map(increment).gather().sink([&sum](int x) { sum += x; });
  const auto run = [&](std::size_t elements) {
    sum = 0;
    for (std::size_t i = 0; i < elements; ++i) source.emit(static_cast<int>(i));
    source.drain();
    const auto n = static_cast<long>(elements);
    expect(sum == n * (n + 1) / 2, "stream");
  };
  run(1000);
  const auto start = Clock::now();
  run(count);
  print_rate(count, seconds_since(start));
}

// About a microsecond.
std::uint32_t churned(std::uint32_t x) {
  for (int i = 0; i < 800; ++i) x = x * 1664525U + 1013904223U;
  return x;
}

// A stream whose function takes as long as a task costs on its way: in this thread, on workers, and with leave to run
// here once that is known.
void measure_short(std::size_t count) {
  const auto client = start_cluster();
  const auto rate = [count](const auto& source, const std::uint32_t& sum) {
    std::uint32_t right = 0;
    for (std::size_t i = 0; i < count; ++i) right += churned(static_cast<std::uint32_t>(i));
    const std::uint32_t before = sum;
    const auto start = Clock::now();
    for (std::size_t i = 0; i < count; ++i) source.emit(static_cast<std::uint32_t>(i));
    source.drain();
    const double seconds = seconds_since(start);
    expect(sum - before == right, "short");
    return static_cast<double>(count) / seconds;
  };
  std::uint32_t sum = 0;
  const auto add = [&sum](std::uint32_t x) { sum += x; };
  penstock::Stream<std::uint32_t> plain;
  plain.map(churned).sink(add);
  const double local = rate(plain, sum);
  penstock::Stream<std::uint32_t> remote;
  remote.scatter(client).map(churned).gather().sink(add);
  rate(remote, sum);  // the warm-up
  const double workers = rate(remote, sum);
  penstock::Stream<std::uint32_t> either;
  either.scatter(client).map(churned).with({.local_when_short = true}).gather().sink(add);
  rate(either, sum);
  const double kept = rate(either, sum);
  print_line(R"({{"count": {}, "local": {:.1f}, "workers": {:.1f}, "local_when_short": {:.1f}}})", count, local, workers,
             kept);
}

// What cannot be compressed.
std::string noise(std::size_t bytes) {
  std::string out(bytes, '\0');
  std::independent_bits_engine<std::mt19937_64, 8, unsigned> random;
  std::generate(out.begin(), out.end(), [&random] { return static_cast<char>(random()); });
  return out;
}

void measure_bytes(std::size_t count) {
  const auto client = start_cluster();
  const std::string sent = noise(kMessageBytes);
  expect(client.scatter(sent).get() == sent, "bytes");
  const auto start = Clock::now();
  for (std::size_t i = 0; i < count; ++i) {
    expect(client.scatter(sent).get().size() == sent.size(), "bytes");
  }
  const double seconds = seconds_since(start);
  const double gib = 2.0 * static_cast<double>(count * kMessageBytes) / (1 << 30);
  print_line(R"({{"count": {}, "seconds": {:.6f}, "gib_per_second": {:.4f}}})", count, seconds,
             gib / seconds);
}

void measure_local(std::size_t count) {
  penstock::Stream<long> source;
  long last = 0;
  source.map([](long x) { return x + 1; })
      .filter([](long x) { return x >= 0; })
      .accumulate([](long sum, long x) { return sum + x; }, 0L)
      .sink([&last](long x) { last = x; });
  const auto start = Clock::now();
  for (std::size_t i = 0; i < count; ++i) source.emit(static_cast<long>(i));
  const double seconds = seconds_since(start);
  const auto n = static_cast<long>(count);
  expect(last == n * (n + 1) / 2, "local");
  print_line(
      R"({{"count": {}, "seconds": {:.6f}, "per_second": {:.1f}, "ns_per_element": {:.2f}}})",
      count, seconds, static_cast<double>(count) / seconds,
      seconds * 1e9 / static_cast<double>(count));
}

void print_version() {
#ifdef NDEBUG
  constexpr std::string_view kBuild = "release";
#else
  constexpr std::string_view kBuild = "with assertions";
#endif
  print_line(R"({{"penstock": "{}", "compiler": "{} {}", "build": "{}"}})", PENSTOCK_BENCH_VERSION,
             PENSTOCK_BENCH_COMPILER, __VERSION__, kBuild);
}

int run(std::string_view what, const char* count) {
  const auto times = [count](std::size_t otherwise) {
    return count == nullptr ? otherwise
                            : std::max<std::size_t>(1, std::strtoull(count, nullptr, 10));
  };
  if (what == "tasks") {
    measure_tasks(times(100'000));
  } else if (what == "latency") {
    measure_latency(times(2'000));
  } else if (what == "futures") {
    measure_futures(times(10'000));
  } else if (what == "stream") {
    measure_stream(times(100'000));
  } else if (what == "branch") {
    measure_branch(times(100'000));
  } else if (what == "accumulate") {
    measure_accumulate(times(100'000));
  } else if (what == "chain") {
    measure_chain(times(200));
  } else if (what == "bytes") {
    measure_bytes(times(4));
  } else if (what == "short") {
    measure_short(times(500'000));
  } else if (what == "local") {
    measure_local(times(10'000'000));
  } else if (what == "version") {
    print_version();
  } else {
    std::cerr << "usage: penstock_bench tasks|latency|futures|stream|branch|accumulate|chain|bytes|short|local [COUNT] | version\n";
    return 2;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  penstock::init();
  try {
    return run(argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : nullptr);
  } catch (const std::exception& error) {
    std::cerr << "penstock_bench: " << error.what() << '\n';
    return 1;
  }
}
