// The job of the five ways' examples (ten numbers, increment, a rate limit, an asynchronous write)
// in virtual time, where the moment of every write is exact.
#include <gmock/gmock.h>

#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <utility>
#include <vector>

#include "penstock/runtime.hpp"

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr Duration kInterval = 50ms;
constexpr int kNumbers = 10;

int increment(int x) { return x + 1; }

// Time passes on the loop that the caller runs on.
asio::awaitable<void> pause(Duration time) {
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [](auto handler, Duration wait) {
        Loop* loop = Loop::current();
        loop->call_at(loop->now() + wait,
                      [handler = std::move(handler)]() mutable { std::move(handler)(); });
      },
      asio::use_awaitable, time);
}

class FiveWays : public testing::Test {
 protected:
  // increment, rate_limit and a sink that is done `write_time` after it began.
  void build(Duration write_time) {
    source_.map(increment).rate_limit(kInterval, {.loop = loop_}).sink([this, write_time](int x) {
      return write(x, write_time);
    });
  }

  asio::awaitable<void> write(int x, Duration time) {
    co_await pause(time);
    written_.push_back(x);
    times_.push_back(loop_.elapsed());
  }

  asio::awaitable<void> emit_all() {
    for (int x = 0; x < kNumbers; ++x) co_await source_.async_emit(x);
  }

  void expect_written(Duration first, Duration step) const {
    ASSERT_EQ(written_, (std::vector{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
    for (int x = 0; x < kNumbers; ++x) {
      EXPECT_EQ(times_[static_cast<std::size_t>(x)], first + x * step) << "number " << x;
    }
  }

  VirtualLoop loop_;
  Stream<int> source_;
  std::vector<int> written_;
  std::vector<Duration> times_;
};

TEST_F(FiveWays, ABlockingEmitWritesOneNumberPerInterval) {
  build(5ms);
  for (int x = 0; x < kNumbers; ++x) source_.emit(x);
  expect_written(5ms, kInterval);
  EXPECT_EQ(loop_.elapsed(), 9 * kInterval + 5ms);
}

TEST_F(FiveWays, AnAwaitedEmitWritesOneNumberPerInterval) {
  build(5ms);
  bool done = false;
  asio::co_spawn(loop_.executor(), emit_all(), [&](std::exception_ptr error) {
    EXPECT_FALSE(error);
    done = true;
  });
  loop_.run();
  EXPECT_TRUE(done);
  expect_written(5ms, kInterval);
  EXPECT_EQ(loop_.elapsed(), 9 * kInterval + 5ms);
}

TEST_F(FiveWays, NumbersEmittedAllAtOnceAreWrittenOnePerInterval) {
  build(5ms);
  std::vector<std::pair<int, Duration>> completed;
  for (int x = 0; x < kNumbers; ++x) {
    source_.async_emit(x, [&, x](std::exception_ptr error) {
      EXPECT_FALSE(error);
      completed.emplace_back(x, loop_.elapsed());
    });
  }
  loop_.run();
  expect_written(5ms, kInterval);
  ASSERT_EQ(completed.size(), kNumbers);
  for (int x = 0; x < kNumbers; ++x) {
    EXPECT_EQ(completed[static_cast<std::size_t>(x)], std::pair(x, x * kInterval + 5ms));
  }
}

TEST_F(FiveWays, AWriteThatIsSlowerThanTheRateLimitSetsThePace) {
  build(80ms);
  for (int x = 0; x < kNumbers; ++x) source_.emit(x);
  expect_written(80ms, 80ms);
  EXPECT_EQ(loop_.elapsed(), kNumbers * 80ms);
}

TEST_F(FiveWays, NothingIsWrittenBeforeTimePasses) {
  build(5ms);
  asio::co_spawn(loop_.executor(), emit_all(), [](std::exception_ptr) {});
  loop_.run_pending();
  EXPECT_TRUE(written_.empty());
  loop_.advance(4 * kInterval + 5ms);
  EXPECT_THAT(written_, testing::ElementsAre(1, 2, 3, 4, 5));
  loop_.run();
  EXPECT_EQ(written_.size(), kNumbers);
}

}  // namespace
}  // namespace penstock
