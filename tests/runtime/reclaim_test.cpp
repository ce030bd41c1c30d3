// That nodes which come and go leave nothing behind. A program of its own, because it replaces operator new.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "penstock/runtime.hpp"

namespace {
std::atomic<long> blocks{0};
}

void* operator new(std::size_t size) {
  ++blocks;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  if (memory != nullptr) --blocks;
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr int kRounds = 20'000;

// How many more blocks of memory are in use after all rounds than after the first few.
template <class Round>
long growth(Round round) {
  for (int i = 0; i < 100; ++i) round(i);
  const long before = blocks;
  for (int i = 0; i < kRounds; ++i) round(i);
  return blocks - before;
}

// A container may keep a little more room than it had.
constexpr long kSlack = 20;

int same(int x) { return x; }

TEST(Reclaim, NodesOfALoopFreeGraphLeaveNothing) {
  Stream<int> source;
  long sum = 0;
  source.sink([&sum](int x) { sum += x; });
  EXPECT_LE(growth([&](int i) {
              auto node = source.map(same);
              auto sink = node.sink([](int) {});
              source.emit(i);
              node.destroy();
              sink.destroy();
            }),
            kSlack);
}

TEST(Reclaim, GraphsThatAreConnectedAndDestroyedLeaveNothing) {
  Stream<int> source;
  Stream<int> target;
  source.connect(target);
  EXPECT_LE(growth([&](int i) {
              Stream<int> before;
              Stream<int> behind;
              before.connect(source);
              source.connect(behind);
              before.emit(i);
              auto joined = before.zip(behind, target);
              joined.destroy();
              before.destroy();
              behind.destroy();
            }),
            kSlack);
  EXPECT_EQ(source.downstreams().size(), 1u);
}

TEST(Reclaim, NodesThatDestroyThemselvesLeaveNothing) {
  Stream<int> source;
  EXPECT_LE(growth([&](int i) {
              auto sink = std::make_shared<std::optional<Sink>>();
              *sink = source.sink([sink = sink.get()](int) { (*sink)->destroy(); });
              source.emit(i);
            }),
            kSlack);
}

TEST(Reclaim, TimersAndWaitingElementsOfDestroyedNodesLeaveNothing) {
  VirtualLoop loop;
  Stream<int> source(loop);
  source.timed_window(1s).sink([](const std::vector<int>&) {});
  EXPECT_LE(growth([&](int i) {
              auto delay = source.delay(1h);
              auto window = source.timed_window(1h);
              auto buffer = source.buffer(4);
              source.emit(i);
              delay.destroy();
              window.destroy();
              buffer.destroy();
              loop.advance(1s);
            }),
            kSlack);
}

TEST(Reclaim, TimersOfALongLivedNodeAreForgottenWhenTheyHaveRun) {
  VirtualLoop loop;
  Stream<int> source(loop);
  source.timed_window(1s).sink([](const std::vector<int>&) {});
  source.delay(1s).sink([](int) {});
  EXPECT_LE(growth([&](int i) {
              source.emit(i);
              loop.advance(1s);
            }),
            kSlack);
}

TEST(Reclaim, NodesWhoseTimersHaveRunKeepNothingOfThem) {
  VirtualLoop loop;
  std::vector<Stream<int>> sources;
  for (int i = 0; i < 100; ++i) {
    sources.emplace_back(loop);
    sources.back().debounce(1s).sink([](int) {});
    sources.back().timed_window(1s, {.emit_empty = false}).sink([](const std::vector<int>&) {});
  }
  const long before = blocks;
  for (const auto& source : sources) source.emit(1);
  EXPECT_GE(blocks - before, 100);  // what the windows hold back
  loop.advance(2s);
  EXPECT_LE(blocks - before, kSlack);
}

}  // namespace
}  // namespace penstock
