// Nodes that remember, and sinks that keep or write.
#include <cstdio>
#include <filesystem>
#include <string>

#include "bench/nodes/measure.hpp"

namespace penstock::bench {
namespace {

using Long = Stream<long>;

constexpr auto kHundred = [](long x) { return x % 100; };

BENCHMARK_CAPTURE(emit, accumulate, [](const Long& s) { return s.accumulate(kAdd, 0L); });
BENCHMARK_CAPTURE(emit, accumulate in place, [](const Long& s) {
  return s.accumulate([](std::vector<long>& counts, long x) { ++counts[static_cast<std::size_t>(x % 100)]; },
                      std::vector<long>(100));
});
BENCHMARK_CAPTURE(emit, accumulate returns_state, [](const Long& s) {
  return s.accumulate([](long sum, long x) { return std::pair(sum + x, sum); }, 0L, returns_state);
});
BENCHMARK_CAPTURE(emit, scan, [](const Long& s) { return s.scan(kAdd, 0L); });
BENCHMARK_CAPTURE(emit, keyed_accumulate of 100 keys,
                  [](const Long& s) { return s.keyed_accumulate(kHundred, kAdd, 0L); });
// Each key is forgotten for another.
BENCHMARK_CAPTURE(emit, keyed_accumulate of 50 among 100 keys,
                  [](const Long& s) { return s.keyed_accumulate(kHundred, kAdd, 0L, {.max_keys = 50}); });
BENCHMARK_CAPTURE(emit, frequencies of 100, [](const Long& s) { return s.map(kHundred).frequencies(); });

// All but the first 100 are dropped.
BENCHMARK_CAPTURE(emit, unique of 100 keys, [](const Long& s) { return s.unique({}, kHundred); });
// All pass, and each displaces a key.
BENCHMARK_CAPTURE(emit, unique with maxsize, [](const Long& s) { return s.unique({.maxsize = 1000}); });

BENCHMARK_CAPTURE(emit, partition(8), [](const Long& s) { return s.partition(8); });
BENCHMARK_CAPTURE(emit, partition(1024), [](const Long& s) { return s.partition(1024); });
BENCHMARK_CAPTURE(emit, partition(8) of 100 keys, [](const Long& s) { return s.partition(8, kHundred); });
BENCHMARK_CAPTURE(emit, partition(1024) of 100 keys,
                  [](const Long& s) { return s.partition(1024, kHundred); });
BENCHMARK_CAPTURE(emit, partition_unique(64), [](const Long& s) { return s.partition_unique(64); });
BENCHMARK_CAPTURE(emit, partition_unique(64) of 100 keys; keep last,
                  [](const Long& s) { return s.partition_unique(64, kHundred, Keep::kLast); });
BENCHMARK_CAPTURE(emit, sliding_window(10), [](const Long& s) { return s.sliding_window(10); });
BENCHMARK_CAPTURE(emit, sliding_window(1000), [](const Long& s) { return s.sliding_window(1000); });
BENCHMARK_CAPTURE(emit, partition(64).flatten, [](const Long& s) { return s.partition(64).flatten(); });

void collect(benchmark::State& state) {
  Long source;
  long seen = 0;
  const auto collected = source.collect();
  collected.sink(Count{&seen});
  measure(state, kBatch, [&] {
    for (long x = 0; x < kBatch; ++x) source.emit(x);
    collected.flush();
  });
  benchmark::DoNotOptimize(seen);
}
BENCHMARK(collect)->Name("emit/collect, flushed after 1000");

// Memory grows: 8 bytes for each of a fixed number.
BENCHMARK_CAPTURE(sink, sink_to_vector, [](const Long& s) { return s.sink_to_vector(); })
    ->Iterations(1 << 21);

// Removed at the end.
class TemporaryFile {
 public:
  TemporaryFile() : path_(std::filesystem::temp_directory_path() / "penstock_nodes_bench.txt") {}
  ~TemporaryFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

void sink_to_textfile(benchmark::State& state) {
  const TemporaryFile file;
  sink(state, [&](const Long& s) {
    return s.sink_to_textfile(file.path(),
                              {.truncate = true, .buffer_bytes = static_cast<std::size_t>(state.range(0))});
  });
}
#define TEXTFILE_BENCHMARK BENCHMARK(sink_to_textfile)->Name("sink/sink_to_textfile to a file")
TEXTFILE_BENCHMARK->ArgName("buffer")->Arg(0)->Iterations(1 << 17);
TEXTFILE_BENCHMARK->ArgName("buffer")->Arg(65536)->Iterations(1 << 21);

BENCHMARK_CAPTURE(sink, sink_to_textfile to /dev/null, [](const Long& s) {
  return s.sink_to_textfile("/dev/null");
});
BENCHMARK_CAPTURE(sink, sink_to_textfile to /dev/null; buffer of 64 KiB, [](const Long& s) {
  return s.sink_to_textfile("/dev/null", {.buffer_bytes = 65536});
});

}  // namespace
}  // namespace penstock::bench
