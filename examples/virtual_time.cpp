// Testing a pipeline with time in it: in virtual time, without waiting, exact to the nanosecond.
//
// The application's pipeline is a function that takes its loop. The program gives it a real one,
// its tests a VirtualLoop, whose time passes only in advance() and in blocking calls, from timer to
// timer.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <penstock/runtime.hpp>
#include <vector>

using namespace std::chrono_literals;

// ---- the application ----------------------------------------------------------------------------

auto hourly_means(const penstock::Stream<double>& readings, const penstock::LoopRef& loop) {
  return readings.timed_window(1h, {.loop = loop, .emit_empty = false})
      .map([](const std::vector<double>& window) {
        return std::accumulate(window.begin(), window.end(), 0.0) /
               static_cast<double>(window.size());
      });
}

// ---- its tests; write them with the framework you have ------------------------------------------

void expect(bool holds, const char* what) {
  std::cout << (holds ? "ok      " : "FAILED  ") << what << '\n';
  if (!holds) std::exit(EXIT_FAILURE);
}

// A day of readings, one every ten minutes.
void test_hourly_means() {
  penstock::VirtualLoop loop;
  penstock::Stream<double> readings;
  const auto means = hourly_means(readings, loop).sink_to_vector();

  for (int hour = 0; hour < 24; ++hour) {
    for (int reading = 0; reading < 6; ++reading) {
      readings.emit(hour);
      loop.advance(10min);
    }
  }
  std::vector<double> expected(24);
  std::iota(expected.begin(), expected.end(), 0.0);
  expect(means.values() == expected, "each hour has the mean of its readings");
  loop.advance(72h);
  expect(means.values().size() == 24, "hours without readings are left out");
}

// A blocking emit() lets virtual time pass while it waits.
void test_back_pressure() {
  penstock::VirtualLoop loop;
  penstock::Stream<int> source;
  std::vector<penstock::Duration> times;
  source.rate_limit(500ms, {.loop = loop}).sink([&](int) { times.push_back(loop.elapsed()); });

  for (int x = 0; x < 4; ++x) source.emit(x);
  expect(times == std::vector<penstock::Duration>{0ms, 500ms, 1000ms, 1500ms},
         "elements leave a rate limit at exact times");
  loop.advance(1h);
  source.emit(4);
  expect(times.back() == 1500ms + 1h,
         "a rate limit that has rested lets an element through at once");
}

int main() {
  test_hourly_means();
  test_back_pressure();
}
