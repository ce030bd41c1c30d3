// A program of its own, because it replaces operator new.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <new>

#include "penstock/runtime.hpp"

namespace {
thread_local std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace penstock {
namespace {

template <class Call>
std::size_t allocations_of(Call call) {
  const std::size_t before = allocations;
  call();
  return allocations - before;
}

TEST(Allocation, IsCounted) {
  EXPECT_GT(
      allocations_of([] { std::vector<int>(100).swap(*std::make_unique<std::vector<int>>()); }),
      0u);
}

TEST(Allocation, AnElementOfALoopFreeGraphNeedsNone) {
  Stream<int> source;
  long sum = 0;
  source.map([](int x) { return x + 1; })
      .filter([](int x) { return x % 2 == 0; })
      .accumulate([](long a, int b) { return a + b; }, 0L)
      .sink([&sum](long total) { sum = total; });
  source.emit(1);
  EXPECT_EQ(allocations_of([&] {
              for (int x = 0; x < 1000; ++x) source.emit(x);
            }),
            0u);
  EXPECT_EQ(sum, 250'502);
}

TEST(Allocation, BranchesStarmapFlattenAndConnectNeedNone) {
  Stream<std::pair<int, int>> source;
  Stream<int> joined;
  long sum = 0;
  const auto add = [](int a, int b) { return a + b; };
  source.starmap(add).connect(joined);
  source.starmap(add).connect(joined);
  joined.map([](int x) { return std::array{x, x}; }).flatten().sink([&sum](int x) { sum += x; });
  EXPECT_EQ(allocations_of([&] {
              for (int x = 0; x < 1000; ++x) source.emit({x, 1});
            }),
            0u);
  EXPECT_EQ(sum, 4 * (999 * 1000 / 2 + 1000));
}

TEST(Allocation, AJoinOfTheLatestNeedsNoneWithoutTokens) {
  Stream<int> a;
  Stream<int> b;
  int last = 0;
  a.combine_latest(b).sink([&last](const std::tuple<int, int>& both) { last = std::get<0>(both); });
  a.zip_latest(b).sink([&last](const std::tuple<int, int>& both) { last = std::get<0>(both); });
  b.emit(1);
  a.emit(1);
  EXPECT_EQ(allocations_of([&] {
              for (int x = 0; x < 1000; ++x) a.emit(x);
            }),
            0u);
  EXPECT_EQ(last, 999);
}

TEST(Allocation, AMovedStringIsNotCopied) {
  Stream<std::string> source;
  std::size_t size = 0;
  source.map([](std::string&& text) { return std::move(text); })
      .filter([](const std::string& text) { return !text.empty(); })
      .sink([&size](const std::string& text) { size = text.size(); });
  std::string text(1000, 'x');
  EXPECT_EQ(allocations_of([&] { source.emit(std::move(text)); }), 0u);
  EXPECT_EQ(size, 1000u);
}

}  // namespace
}  // namespace penstock
