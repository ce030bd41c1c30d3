#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(Sink, CallsTheFunctionForEachElementBeforeEmitReturns) {
  Stream<int> source;
  std::vector<int> seen;
  source.sink([&seen](int x) { seen.push_back(x); });
  source.emit(1);
  EXPECT_THAT(seen, ElementsAre(1));
}

TEST(Sink, PassesExtraArguments) {
  Stream<int> source;
  std::string text;
  source.sink([&text](int x, const std::string& unit) { text = std::to_string(x) + unit; }, "ms");
  source.emit(5);
  EXPECT_EQ(text, "5ms");
}

TEST(Sink, IgnoresWhatTheFunctionReturns) {
  Stream<int> source;
  int calls = 0;
  source.sink([&calls](int) { return ++calls; });
  source.emit(1);
  EXPECT_EQ(calls, 1);
}

TEST(Sink, ThrowsOutOfTheEmitAndGoesOn) {
  Stream<int> source;
  std::vector<int> seen;
  source.sink([&seen](int x) {
    if (x == 1) throw std::runtime_error("one");
    seen.push_back(x);
  });
  EXPECT_THROW(source.emit(1), std::runtime_error);
  source.emit(2);
  EXPECT_THAT(seen, ElementsAre(2));
}

TEST(Sink, AnAwaitableOneMakesTheEmitWait) {
  VirtualLoop loop;
  Stream<int> source(loop);
  std::vector<int> seen;
  source.sink([&](int x) -> asio::awaitable<void> {
    co_await pass_time(loop, 2s);
    seen.push_back(x);
  });
  source.emit(1);
  EXPECT_EQ(loop.elapsed(), 2s);
  source.emit(2);
  EXPECT_EQ(loop.elapsed(), 4s);
  EXPECT_THAT(seen, ElementsAre(1, 2));
}

TEST(Sink, AnAwaitableOneHandlesElementsOneAfterTheOther) {
  VirtualLoop loop;
  Stream<int> source(loop);
  int inside = 0;
  int most = 0;
  source.sink([&](int) -> asio::awaitable<int> {
    most = std::max(most, ++inside);
    co_await pass_time(loop, 1s);
    co_return --inside;
  });
  std::vector<Outcome> outcomes(5);
  for (auto& outcome : outcomes) source.async_emit(1, outcome.token());
  loop.run();
  EXPECT_EQ(most, 1);
  EXPECT_EQ(loop.elapsed(), 5s);
}

TEST(Sink, AnAwaitableOneRaisesInTheEmitThatWaits) {
  VirtualLoop loop;
  Stream<int> source(loop);
  source.sink([&](int x) -> asio::awaitable<void> {
    co_await pass_time(loop, 1s);
    if (x == 1) throw std::runtime_error("one");
  });
  EXPECT_THROW(source.emit(1), std::runtime_error);
  EXPECT_NO_THROW(source.emit(2));
}

TEST(Sink, TheSlowestBranchDecidesHowLongEmitWaits) {
  VirtualLoop loop;
  Stream<int> source(loop);
  for (const auto duration : {1s, 3s, 2s}) {
    source.sink(
        [&loop, duration](int) -> asio::awaitable<void> { co_await pass_time(loop, duration); });
  }
  source.emit(1);
  EXPECT_EQ(loop.elapsed(), 3s);
}

TEST(Sink, OnAnIoContextAwaitsOnItsThread) {
  asio::io_context io;
  Stream<int> source(io);
  int seen = 0;
  source.sink([&](int x) -> asio::awaitable<void> {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    seen += x;
  });
  Outcome outcome;
  source.async_emit(1, outcome.token());
  io.run();
  EXPECT_TRUE(outcome.done());
  EXPECT_EQ(seen, 1);
}

}  // namespace
}  // namespace penstock
