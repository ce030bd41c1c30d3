#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

class FromPeriodic : public ::testing::Test {
 protected:
  auto numbers() {
    return from_periodic([this] { return ++calls; }, 100ms, {.loop = loop});
  }
  VirtualLoop loop;
  int calls = 0;
};

TEST_F(FromPeriodic, EmitsAtOnceAndThenEachInterval) {
  const auto source = numbers();
  auto out = source.sink_to_vector();
  source.start();
  loop.run_pending();
  EXPECT_THAT(out.values(), ElementsAre(1));
  loop.advance(99ms);
  EXPECT_EQ(calls, 1);
  loop.advance(1ms);
  EXPECT_EQ(calls, 2);
  loop.advance(1s);
  EXPECT_EQ(calls, 12);
  source.stop();
  loop.run();
  EXPECT_EQ(calls, 12);
}

TEST_F(FromPeriodic, LeavesOutTheTimesThatASlowStreamMissed) {
  const auto source = numbers();
  std::vector<std::pair<int, Duration>> seen;
  const TimePoint begin = loop.now();
  source.sink([&](int x) -> asio::awaitable<void> {
    seen.emplace_back(x, loop.now() - begin);
    co_await pass_time(loop, 150ms);
  });
  source.start();
  loop.advance(500ms);
  EXPECT_THAT(seen, ElementsAre(std::pair(1, Duration(0ms)), std::pair(2, Duration(200ms)),
                                std::pair(3, Duration(400ms))));
  source.stop();
  loop.run();
}

TEST_F(FromPeriodic, AnExceptionLeavesOutItsTimeOnly) {
  const auto source = from_periodic(
      [this] {
        if (++calls == 2) throw std::runtime_error("sensor is away");
        return calls;
      },
      100ms, {.loop = loop});
  auto out = source.sink_to_vector();
  source.start();
  loop.advance(200ms);
  EXPECT_THAT(out.values(), ElementsAre(1, 3));
  EXPECT_THROW(source.drain(), std::runtime_error);
  source.stop();
  loop.run();
}

TEST_F(FromPeriodic, RefusesAnIntervalThatIsNotPositive) {
  EXPECT_THROW(from_periodic([] { return 1; }, 0ms), Error);
}

}  // namespace
}  // namespace penstock
