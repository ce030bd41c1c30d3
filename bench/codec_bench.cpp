// Nanoseconds to encode and decode a small struct, and bytes per second of a large vector.
#include <benchmark/benchmark.h>

#include <optional>
#include <string>
#include <vector>

#include "penstock/codec.hpp"
#include "penstock/task.hpp"

namespace {

struct Reading {
  std::string sensor;
  double value = 0;
  int count = 0;
  std::optional<std::string> note;
};

const Reading kReading = {"thermometer", 21.5, 3, "calibrated"};

void encode_small_struct(benchmark::State& state) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    penstock::encode(kReading, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(encode_small_struct);

void decode_small_struct(benchmark::State& state) {
  std::string bytes;
  penstock::encode(kReading, bytes);
  Reading reading;
  for (auto _ : state) {
    const absl::Status status = penstock::decode(bytes, reading);
    benchmark::DoNotOptimize(status.ok());
    benchmark::DoNotOptimize(reading);
  }
}
BENCHMARK(decode_small_struct);

void encode_doubles(benchmark::State& state) {
  const std::vector<double> values(static_cast<std::size_t>(state.range(0)), 1.5);
  std::string out;
  for (auto _ : state) {
    out.clear();
    penstock::encode(values, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0) * 8);
}
BENCHMARK(encode_doubles)->Arg(1000)->Arg(100'000);

void decode_doubles(benchmark::State& state) {
  std::string bytes;
  penstock::encode(std::vector<double>(static_cast<std::size_t>(state.range(0)), 1.5), bytes);
  std::vector<double> values;
  for (auto _ : state) {
    const absl::Status status = penstock::decode(bytes, values);
    benchmark::DoNotOptimize(status.ok());
    benchmark::DoNotOptimize(values.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0) * 8);
}
BENCHMARK(decode_doubles)->Arg(1000)->Arg(100'000);

// What a worker adds to the user's function: decode, call, encode.
void run_bound_plan(benchmark::State& state) {
  const auto spec = penstock::detail::map_stage<double>([](double x) { return x + 1; });
  const auto stage = penstock::detail::make_stage(*spec.entry, spec.constants);
  const auto plan = penstock::detail::BoundPlan::bind({&*stage, 1});
  std::string input;
  penstock::encode(1.0, input);
  std::string output;
  for (auto _ : state) {
    output.clear();
    benchmark::DoNotOptimize(plan->run(input, output).has_value());
  }
}
BENCHMARK(run_bound_plan);

void make_stage(benchmark::State& state) {
  const auto spec = penstock::detail::map_stage<double>([](double x) { return x + 1; });
  for (auto _ : state) {
    benchmark::DoNotOptimize(penstock::detail::make_stage(*spec.entry, spec.constants).ok());
  }
}
BENCHMARK(make_stage);

}  // namespace

BENCHMARK_MAIN();
