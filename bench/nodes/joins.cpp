// Nodes with several inputs. Half of the elements come from each of two.
#include "bench/nodes/measure.hpp"

namespace penstock::bench {
namespace {

using Long = Stream<long>;

BENCHMARK_CAPTURE(join, zip, [](const Long& a, const Long& b) { return a.zip(b); });
BENCHMARK_CAPTURE(join, combine_latest, [](const Long& a, const Long& b) { return a.combine_latest(b); });
BENCHMARK_CAPTURE(join, combine_latest emit_on one, [](const Long& a, const Long& b) {
  return a.combine_latest(b, CombineLatestOptions{.emit_on = {0}});
});
BENCHMARK_CAPTURE(join, zip_latest, [](const Long& a, const Long& b) { return a.zip_latest(b); });
BENCHMARK_CAPTURE(join, union_with, [](const Long& a, const Long& b) { return a.union_with(b); });

}  // namespace
}  // namespace penstock::bench
