// What streams with time cost while nothing arrives: CPU share of the process and memory for each.
//
//   idle_bench                 100,000 of each kind, 5 s each
//   idle_bench 1000 2          [streams] [seconds]
//
// Each stream is a graph of its own, source, node and sink, on one loop thread, and has had one element; in the
// last kind it is one of a hundred branches, node and sink, behind a source. Prints one JSON line for each kind.
#include <asio/detached.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <future>
#include <malloc.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "penstock/runtime.hpp"

namespace {

using namespace std::chrono_literals;  // NOLINT
using penstock::LoopRef;
using penstock::Stream;

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double resident_bytes() {
  long pages = 0, resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr || std::fscanf(file, "%ld %ld", &pages, &resident) != 2) std::abort();
  std::fclose(file);
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

using Build = std::function<void(const Stream<int>&)>;

void measure(const char* kind, std::size_t count, std::chrono::seconds time, const Build& build,
             std::size_t branches = 1) {
  std::vector<Stream<int>> streams;
  streams.reserve(count / branches);
  const penstock::LoopThread thread;
  malloc_trim(0);
  const double before = resident_bytes();
  const double made_at = cpu_seconds();
  for (std::size_t i = 0; i < count / branches; ++i) {
    streams.emplace_back(LoopRef(thread));
    for (std::size_t branch = 0; branch < branches; ++branch) build(streams.back());
    streams.back().async_emit(1, asio::detached);
  }
  for (const auto& stream : streams) stream.drain();
  const double made = cpu_seconds() - made_at;
  std::this_thread::sleep_for(100ms);
  malloc_trim(0);
  const double bytes = (resident_bytes() - before) / static_cast<double>(count);
  const double idle_from = cpu_seconds();
  std::this_thread::sleep_for(time);
  const double share = (cpu_seconds() - idle_from) / static_cast<double>(time.count());
  std::printf(
      "{\"idle\":\"%s\",\"streams\":%zu,\"cpu_percent_of_a_core\":%.3f,\"bytes_each\":%.0f,"
      "\"microseconds_to_make\":%.2f}\n",
      kind, count, share * 100, bytes, made / static_cast<double>(count) * 1e6);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100'000;
  const std::chrono::seconds time(argc > 2 ? std::strtol(argv[2], nullptr, 10) : 5);
  if (count == 0 || time <= 0s) {
    std::fprintf(stderr, "usage: idle_bench [streams] [seconds]\n");
    return 1;
  }
  const auto ignore = [](const auto&) {};
  measure("source and sink", count, time, [&](const auto& s) { s.sink(ignore); });
  measure("timed_window", count, time, [&](const auto& s) {
    s.timed_window(1s, {.emit_empty = false}).sink(ignore);
  });
  measure("debounce", count, time, [&](const auto& s) { s.debounce(1s).sink(ignore); });
  measure(
      "timed_window, 100 behind a source", count, time,
      [&](const auto& s) { s.timed_window(1s, {.emit_empty = false}).sink(ignore); }, 100);
  measure("rate_limit", count, time, [&](const auto& s) { s.rate_limit(1s).sink(ignore); });
}
