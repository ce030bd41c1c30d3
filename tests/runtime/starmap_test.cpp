#include <array>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

int add(int a, int b) { return a + b; }

TEST(Starmap, SpreadsATuple) {
  Stream<std::tuple<int, int>> source;
  auto out = source.starmap(add).sink_to_vector();
  source.emit({1, 2});
  source.emit({3, 4});
  EXPECT_THAT(out.values(), ElementsAre(3, 7));
}

TEST(Starmap, SpreadsAPairAndAnArray) {
  Stream<std::pair<std::string, int>> pairs;
  auto texts = pairs.starmap([](const std::string& s, int n) { return s + std::to_string(n); })
                   .sink_to_vector();
  pairs.emit({"a", 1});
  EXPECT_THAT(texts.values(), ElementsAre("a1"));

  Stream<std::array<int, 3>> arrays;
  auto sums = arrays.starmap([](int a, int b, int c) { return a + b + c; }).sink_to_vector();
  arrays.emit({1, 2, 3});
  EXPECT_THAT(sums.values(), ElementsAre(6));
}

TEST(Starmap, PassesExtraArgumentsAfterTheParts) {
  Stream<std::pair<int, int>> source;
  auto out = source.starmap([](int a, int b, int k) { return (a + b) * k; }, 10).sink_to_vector();
  source.emit({1, 2});
  EXPECT_THAT(out.values(), ElementsAre(30));
}

TEST(Starmap, MayReturnAnAwaitable) {
  VirtualLoop loop;
  Stream<std::pair<int, int>> source(loop);
  auto out = source.starmap([](int a, int b) -> asio::awaitable<int> { co_return a - b; })
                 .sink_to_vector();
  source.emit({5, 2});
  EXPECT_THAT(out.values(), ElementsAre(3));
}

TEST(Starmap, IsNamedAfterItself) {
  Stream<std::pair<int, int>> source;
  EXPECT_EQ(source.starmap(add).name(), "starmap");
}

TEST(Starmap, ObeysItsErrorPolicy) {
  Stream<std::pair<int, int>> source;
  auto out = source
                 .starmap([](int a, int b) {
                   if (b == 0) throw std::domain_error("division by zero");
                   return a / b;
                 })
                 .on_error(ErrorPolicy::skip())
                 .sink_to_vector();
  source.emit({4, 0});
  source.emit({4, 2});
  EXPECT_THAT(out.values(), ElementsAre(2));
}

TEST(Starmap, MayTakePartsThatCannotBeCopied) {
  Stream<std::pair<std::unique_ptr<int>, int>> source;
  auto out = source.starmap([](std::unique_ptr<int> a, int b) { return *a + b; }).sink_to_vector();
  source.emit({std::make_unique<int>(2), 3});
  EXPECT_THAT(out.values(), ElementsAre(5));
}

TEST(Starmap, TakesMoveOnlyElementsThatWereZipped) {
  Stream<std::unique_ptr<int>> left, right;
  auto out = left.zip(right)
                 .starmap([](std::unique_ptr<int> a, std::unique_ptr<int> b) {
                   *a += *b;
                   return a;
                 })
                 .map([](const std::unique_ptr<int>& sum) { return *sum; })
                 .sink_to_vector();
  left.emit(std::make_unique<int>(1));
  right.emit(std::make_unique<int>(2));
  EXPECT_THAT(out.values(), ElementsAre(3));
}

}  // namespace
}  // namespace penstock
