// Streams on strands of a thread pool: many threads, and never two of them in one stream.
#include <algorithm>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/system_executor.hpp>
#include <asio/thread_pool.hpp>
#include <atomic>
#include <latch>
#include <thread>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

// Notes when two threads are inside at once. The count is no atomic on purpose.
class OneAtATime {
 public:
  void pass() {
    if (inside_.fetch_add(1) != 0) broken_ = true;
    ++count_;
    for (int i = 0; i < 20; ++i) asm volatile("" ::: "memory");
    inside_.fetch_sub(1);
  }
  bool held() const { return !broken_; }
  long count() const { return count_; }

 private:
  std::atomic<int> inside_{0};
  std::atomic<bool> broken_{false};
  long count_ = 0;
};

template <class Call>
void from_threads(int threads, Call call) {
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t) running.emplace_back(call, t);
  for (auto& thread : running) thread.join();
}

class Strand : public ::testing::Test {
 protected:
  ~Strand() override { pool.join(); }
  auto strand() { return asio::make_strand(pool.get_executor()); }

  asio::thread_pool pool{4};
};

TEST_F(Strand, NeverRunsTwoThingsOfOneStreamAtOnce) {
  constexpr int kThreads = 4, kEach = 2'000;
  OneAtATime guard;
  const auto pass = [&](int x) {
    guard.pass();
    return x;
  };
  const auto pass_later = [&](int x) -> asio::awaitable<int> {
    guard.pass();
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    guard.pass();
    co_return x;
  };
  std::vector<int> seen;
  Stream<int> source{LoopRef(strand())};
  source.map(pass)
      .rate_limit(0ns)
      .buffer(16)
      .map_async(pass_later, 3)
      .delay(10us)
      .map(pass_later)
      .timed_window(100us, {.emit_empty = false})
      .flatten()
      .sink([&](int x) {
        guard.pass();
        seen.push_back(x);
      });
  source.throttle(50us).sink([&](int) { guard.pass(); });
  source.debounce(50us).sink([&](int) { guard.pass(); });
  source.latest().sink([&](int) { guard.pass(); });
  from_threads(kThreads, [&](int thread) {
    for (int i = 0; i < kEach; ++i) source.emit(thread * kEach + i);
  });
  source.drain();
  EXPECT_TRUE(guard.held());
  std::sort(seen.begin(), seen.end());
  ASSERT_EQ(seen.size(), std::size_t{kThreads} * kEach);
  for (int i = 0; i < kThreads * kEach; ++i) ASSERT_EQ(seen[static_cast<std::size_t>(i)], i);
  EXPECT_GE(guard.count(), 6L * kThreads * kEach);
}

TEST_F(Strand, EveryNodeWithTimeWorks) {
  Stream<int> source{LoopRef(strand())};
  std::vector<TimePoint> limited;
  source.rate_limit(3ms).sink([&](int) { limited.push_back(std::chrono::steady_clock::now()); });
  auto delayed = source.delay(5ms).sink_to_vector();
  auto windows = source.timed_window(2ms, {.emit_empty = false}).sink_to_vector();
  auto batches = source.partition(100, {.timeout = 5ms}).sink_to_vector();
  auto quiet = source.debounce(500ms).sink_to_vector();
  auto late = source
                  .map_async([](int x) -> asio::awaitable<int> {
                    asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
                    co_await timer.async_wait(asio::use_awaitable);
                    co_return x;
                  }, 2)
                  .sink_to_vector();
  for (int x = 0; x < 10; ++x) source.emit(x);
  source.drain();
  ASSERT_EQ(limited.size(), 10u);
  for (std::size_t i = 1; i < limited.size(); ++i) EXPECT_GE(limited[i] - limited[i - 1], 3ms);
  EXPECT_EQ(delayed.values().size(), 10u);
  EXPECT_EQ(late.values().size(), 10u);
  EXPECT_THAT(quiet.values(), ElementsAre(9));
  const auto count = [](const auto& parts) {
    std::size_t sum = 0;
    for (const auto& part : parts) sum += part.size();
    return sum;
  };
  EXPECT_EQ(count(windows.values()), 10u);
  EXPECT_EQ(count(batches.values()), 10u);
}

TEST_F(Strand, StreamsOnDifferentOnesRunAtTheSameTime) {
  std::latch both(2);  // each waits inside its function for the other
  Stream<int> a{LoopRef(strand())};
  Stream<int> b{LoopRef(strand())};
  a.sink([&](int) { both.arrive_and_wait(); });
  b.sink([&](int) { both.arrive_and_wait(); });
  auto first = a.async_emit(1, asio::use_future);
  auto second = b.async_emit(1, asio::use_future);
  ASSERT_TRUE(arrives(first));
  ASSERT_TRUE(arrives(second));
}

TEST_F(Strand, ManyOfThemOnOnePoolKeepTheirOrder) {
  struct One {
    Stream<int> source;
    VectorSink<int> out;
  };
  std::vector<One> streams;
  for (int i = 0; i < 50; ++i) {
    Stream<int> source{LoopRef(strand())};
    auto out = source.delay(100us).sink_to_vector();
    streams.push_back({source, out});
  }
  from_threads(4, [&](int thread) {
    for (std::size_t i = static_cast<std::size_t>(thread); i < streams.size(); i += 4) {
      for (int x = 0; x < 200; ++x) streams[i].source.emit(x);
    }
  });
  for (const auto& stream : streams) {
    stream.source.drain();
    const auto values = stream.out.values();
    ASSERT_EQ(values.size(), 200u);
    EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
  }
}

TEST_F(Strand, ACoroutineSourceRunsOnIt) {
  OneAtATime guard;
  const auto source = from_coroutine<int>(
      [&](Emitter<int> out) -> asio::awaitable<void> {
        for (int x = 0; x < 200; ++x) {
          guard.pass();
          co_await out.pause(50us);
          guard.pass();
          co_await out.emit(x);
        }
      },
      {.loop = strand(), .finite = true});
  source.map([&](int x) {
    guard.pass();
    return x;
  }).sink([](int) {});
  source.start();
  source.drain();
  EXPECT_TRUE(guard.held());
  EXPECT_EQ(guard.count(), 600);
}

TEST_F(Strand, CopiesAreOneLoopAndOthersAreNot) {
  const auto one = strand();
  EXPECT_EQ(LoopRef(one).get(), LoopRef(asio::any_io_executor(one)).get());
  EXPECT_NE(LoopRef(one).get(), LoopRef(strand()).get());
  Stream<int> source;
  auto limited = source.rate_limit(1ms, {.loop = one});
  EXPECT_NO_THROW(limited.delay(1ms, {.loop = one}));
  EXPECT_THROW(limited.delay(1ms, {.loop = strand()}), LoopError);
}

TEST_F(Strand, RefusesABlockingCallOnIt) {
  const LoopRef loop(strand());
  Stream<int> source{loop};
  std::promise<bool> refused;
  auto answer = refused.get_future();
  loop.get()->post([&] {
    try {
      source.emit(1);
      refused.set_value(false);
    } catch (const LoopError&) {
      refused.set_value(true);
    }
  });
  ASSERT_TRUE(arrives(answer));
  EXPECT_TRUE(answer.get());
}

TEST_F(Strand, ABlockingCallOnAnotherThreadOfThePoolIsFine) {
  Stream<int> source{LoopRef(strand())};
  auto out = source.delay(1ms).sink_to_vector();
  std::promise<void> done;
  auto answer = done.get_future();
  asio::post(pool, [&] {
    source.emit(1);
    source.drain();
    done.set_value();
  });
  ASSERT_TRUE(arrives(answer));
  EXPECT_THAT(out.values(), ElementsAre(1));
}

std::string refusal(const asio::any_io_executor& executor) {
  try {
    LoopRef loop(executor);
    return "taken";
  } catch (const LoopError& error) {
    return error.what();
  }
}

TEST_F(Strand, APoolWithoutOneIsRefusedAndTheErrorNamesIt) {
  using ::testing::HasSubstr;
  const auto executor = pool.get_executor();
  EXPECT_THAT(refusal(executor), HasSubstr("asio::make_strand"));
  EXPECT_THAT(refusal(asio::require(executor, asio::execution::blocking.never)), HasSubstr("strand"));
  EXPECT_THAT(refusal(asio::require(executor, asio::execution::outstanding_work.tracked)),
              HasSubstr("strand"));
  EXPECT_THAT(refusal(asio::system_executor()), HasSubstr("strand"));
  Stream<int> source;
  EXPECT_THROW(source.rate_limit(1ms, {.loop = executor}), LoopError);
}

TEST(PoolOfOneThread, IsALoop) {
  asio::thread_pool pool(1);
  {
    Stream<int> source{LoopRef(pool.get_executor())};
    auto out = source.delay(1ms).sink_to_vector();
    source.emit(1);
    source.drain();
    EXPECT_THAT(out.values(), ElementsAre(1));
  }
  pool.join();
}

}  // namespace
}  // namespace penstock
