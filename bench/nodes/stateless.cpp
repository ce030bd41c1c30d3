// Nodes without memory, branches, and what an error policy costs.
#include <array>
#include <stdexcept>
#include <tuple>

#include "bench/nodes/measure.hpp"

namespace penstock::bench {
namespace {

using Long = Stream<long>;

BENCHMARK_CAPTURE(emit, sink, [](const Long& s) { return s; });
BENCHMARK_CAPTURE(emit, map, [](const Long& s) { return s.map(kAddOne); });
BENCHMARK_CAPTURE(emit, map.filter.accumulate, [](const Long& s) {
  return s.map(kAddOne).filter(kKeep).accumulate(kAdd, 0L);
});

// The slope of this is what one more map costs.
void chain(benchmark::State& state) {
  emit(state, [&](const Long& s) {
    Long end = s;
    for (int i = 0; i < state.range(0); ++i) end = end.map(kAddOne);
    return end;
  });
}
BENCHMARK(chain)->ArgName("maps")->DenseRange(1, 8);

BENCHMARK_CAPTURE(emit, map to a pair, [](const Long& s) {
  return s.map([](long x) { return std::pair(x, x); });
});
BENCHMARK_CAPTURE(emit, map to a pair.starmap, [](const Long& s) {
  return s.map([](long x) { return std::pair(x, x); }).starmap(kAdd);
});
BENCHMARK_CAPTURE(emit, map to a pair.pluck, [](const Long& s) {
  return s.map([](long x) { return std::pair(x, x); }).pluck<1>();
});
BENCHMARK_CAPTURE(emit, filter, [](const Long& s) { return s.filter(kKeep); });
BENCHMARK_CAPTURE(emit, remove, [](const Long& s) { return s.remove([](long x) { return x < 0; }); });
BENCHMARK_CAPTURE(emit, slice, [](const Long& s) { return s.slice(1, std::nullopt, 2); });

BENCHMARK_CAPTURE(emit, map to an array of 2.flatten, [](const Long& s) {
  return s.map([](long x) { return std::array{x, x}; }).flatten();
});
BENCHMARK_CAPTURE(emit, map to an array of 2.concat, [](const Long& s) {
  return s.map([](long x) { return std::array{x, x}; }).concat();
});

// One emit goes to all of them.
void branch(benchmark::State& state) {
  Long source;
  long seen = 0;
  for (int i = 0; i < state.range(0); ++i) source.map(kAddOne).sink(Count{&seen});
  measure(state, 1, [&, x = 0L]() mutable { source.emit(++x); });
  benchmark::DoNotOptimize(seen);
}
BENCHMARK(branch)->Name("branch/map.sink")->ArgName("n")->Arg(2)->Arg(4);

// A copy for all downstreams but the last.
void branch_of_strings(benchmark::State& state) {
  Stream<std::string> source;
  std::size_t size = 0;
  for (int i = 0; i < state.range(0); ++i) source.sink([&](const std::string& text) { size += text.size(); });
  measure(state, 1, [&] { source.emit("fifteen letters"); });
  benchmark::DoNotOptimize(size);
}
BENCHMARK(branch_of_strings)->Name("branch/sink of strings")->ArgName("n")->Arg(2)->Arg(4);

void emit_with_token(benchmark::State& state) {
  Long source;
  long seen = 0;
  long released = 0;
  source.map(kAddOne).sink(Count{&seen});
  measure(state, 1, [&, x = 0L]() mutable { source.emit(++x, Token([&released] { ++released; })); });
  benchmark::DoNotOptimize(released);
}
BENCHMARK(emit_with_token)->Name("emit/map, with a token");

// ---- error policies -----------------------------------------------------------------------------

long fail(long) { throw std::runtime_error("no"); }

template <class Build>
void policy(benchmark::State& state, Build build) {
  emit(state, build);
}

void dead_letter(benchmark::State& state, long (*function)(long)) {
  Long source;
  Stream<Failure> errors;
  long seen = 0;
  errors.sink(Count{&seen});
  source.map(function).on_error(ErrorPolicy::dead_letter(errors)).sink(Count{&seen});
  measure(state, 1, [&, x = 0L]() mutable { source.emit(++x); });
  benchmark::DoNotOptimize(seen);
}

// Every element fails `times` times.
auto fail_first(unsigned times) {
  return [times, failed = std::make_shared<unsigned>(0)](long x) {
    if ((*failed)++ < times) throw std::runtime_error("no");
    *failed = 0;
    return x;
  };
}

BENCHMARK_CAPTURE(policy, skip; no element fails, [](const Long& s) {
  return s.map(kAddOne).on_error(ErrorPolicy::skip());
});
BENCHMARK_CAPTURE(policy, skip; every element fails, [](const Long& s) {
  return s.map(fail).on_error(ErrorPolicy::skip());
});
BENCHMARK_CAPTURE(policy, retry; no element fails, [](const Long& s) {
  return s.map(kAddOne).on_error(ErrorPolicy::retry(3));
});
BENCHMARK_CAPTURE(policy, retry; every element fails once, [](const Long& s) {
  return s.map(fail_first(1)).on_error(ErrorPolicy::retry(3));
});
BENCHMARK_CAPTURE(dead_letter, , [](long x) { return x + 1; })->Name("policy/dead_letter; no element fails");
BENCHMARK_CAPTURE(dead_letter, , fail)->Name("policy/dead_letter; every element fails");

}  // namespace
}  // namespace penstock::bench
