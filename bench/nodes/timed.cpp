// Nodes with time.
#include "bench/nodes/measure.hpp"

namespace penstock::bench {
namespace {

using Long = Stream<long>;

constexpr auto kHundred = [](long x) { return x % 100; };

BENCHMARK_CAPTURE(virtual_time, from_iterable, [](const Long& s) { return s; });
BENCHMARK_CAPTURE(virtual_time, timed_window(1 ms), [](const Long& s) { return s.timed_window(1ms); });
BENCHMARK_CAPTURE(virtual_time, timed_window_unique(1 ms),
                  [](const Long& s) { return s.timed_window_unique(1ms); });
BENCHMARK_CAPTURE(virtual_time, timed_window_unique(1 ms) of 100 keys; keep last,
                  [](const Long& s) { return s.timed_window_unique(1ms, kHundred, Keep::kLast); });
BENCHMARK_CAPTURE(virtual_time, partition(64) with a timeout,
                  [](const Long& s) { return s.partition(64, {.timeout = 10ms}); });
BENCHMARK_CAPTURE(virtual_time, partition(8) of 100 keys with a timeout,
                  [](const Long& s) { return s.partition(8, kHundred, {.timeout = 10ms}); });
// Each element has a timer.
BENCHMARK_CAPTURE(virtual_time, rate_limit(1 us), [](const Long& s) { return s.rate_limit(1us); });
BENCHMARK_CAPTURE(virtual_time, rate_limit(1 us).delay(1 ms),
                  [](const Long& s) { return s.rate_limit(1us).delay(1ms); });
BENCHMARK_CAPTURE(virtual_time, delay(1 ms) of bursts, [](const Long& s) { return s.delay(1ms); });
BENCHMARK_CAPTURE(virtual_time, debounce(10 us), [](const Long& s) { return s.debounce(10us); });
BENCHMARK_CAPTURE(virtual_time, throttle(1 ms), [](const Long& s) { return s.throttle(1ms); });

// With the clock of the system.
BENCHMARK_CAPTURE(loop, timed_window(1 ms), [](const Long& s) { return s.timed_window(1ms); });
BENCHMARK_CAPTURE(loop, delay(0), [](const Long& s) { return s.delay(0ns); });
BENCHMARK_CAPTURE(loop, debounce(1 ms), [](const Long& s) { return s.debounce(1ms); });
BENCHMARK_CAPTURE(loop, throttle(1 ms), [](const Long& s) { return s.throttle(1ms); });

}  // namespace
}  // namespace penstock::bench
