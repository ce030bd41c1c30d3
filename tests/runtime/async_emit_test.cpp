#include <asio/bind_executor.hpp>
#include <asio/thread_pool.hpp>
#include <thread>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

asio::awaitable<void> emit_three(Stream<int> source, VirtualLoop loop,
                                 std::vector<Duration>* times) {
  for (int x = 1; x <= 3; ++x) {
    co_await source.async_emit(x);
    times->push_back(loop.elapsed());
  }
}

TEST(AsyncEmit, IsAwaitedAndWaitsLikeEmit) {
  VirtualLoop loop;
  Stream<int> source(loop);
  auto out = source.rate_limit(1s).sink_to_vector();
  std::vector<Duration> times;
  asio::co_spawn(loop.executor(), emit_three(source, loop, &times), asio::detached);
  loop.run();
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
  EXPECT_THAT(times, ElementsAre(0s, 1s, 2s));
}

TEST(AsyncEmit, ElementsEnterInTheOrderOfTheCalls) {
  VirtualLoop loop;
  Stream<int> source(loop);
  auto out = source.rate_limit(1s).sink_to_vector();
  std::vector<Outcome> outcomes(5);
  for (int x = 0; x < 5; ++x) source.async_emit(x, outcomes[static_cast<std::size_t>(x)].token());
  EXPECT_FALSE(outcomes[0].done());
  loop.run();
  EXPECT_THAT(out.values(), ElementsAre(0, 1, 2, 3, 4));
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome.done());
}

TEST(AsyncEmit, CompletesWithWhatANodeRaised) {
  VirtualLoop loop;
  Stream<int> source(loop);
  source.sink([](int) { throw std::runtime_error("no"); });
  Outcome outcome;
  source.async_emit(1, outcome.token());
  loop.run();
  EXPECT_EQ(outcome.error(), "no");
}

TEST(AsyncEmit, ThrowsInTheCoroutineThatAwaitsIt) {
  VirtualLoop loop;
  Stream<int> source(loop);
  source.sink([](int) { throw std::runtime_error("no"); });
  std::string caught;
  const auto run = [](Stream<int> stream, std::string* text) -> asio::awaitable<void> {
    try {
      co_await stream.async_emit(1);
    } catch (const std::exception& error) {
      *text = error.what();
    }
  };
  asio::co_spawn(loop.executor(), run(source, &caught), asio::detached);
  loop.run();
  EXPECT_EQ(caught, "no");
}

TEST(AsyncEmit, GivesAFuture) {
  LoopThread thread;
  Stream<int> source(thread);
  source.sink([](int x) {
    if (x < 0) throw std::runtime_error("negative");
  });
  auto good = source.async_emit(1, asio::use_future);
  auto bad = source.async_emit(-1, asio::use_future);
  ASSERT_TRUE(arrives(good) && arrives(bad));
  EXPECT_NO_THROW(good.get());
  EXPECT_THROW(bad.get(), std::runtime_error);
}

TEST(AsyncEmit, CallsBackOnTheHandlersOwnExecutor) {
  LoopThread thread;
  asio::thread_pool pool(1);
  Stream<int> source(thread);
  std::promise<bool> on_pool;
  auto answer = on_pool.get_future();
  source.async_emit(1, asio::bind_executor(pool, [&](std::exception_ptr) {
                      on_pool.set_value(pool.get_executor().running_in_this_thread());
                    }));
  ASSERT_TRUE(arrives(answer));
  EXPECT_TRUE(answer.get());
  pool.join();
}

TEST(AsyncEmit, WithoutALoopRunsAtOnceAndCallsBackElsewhere) {
  Stream<int> source;
  auto out = source.sink_to_vector();
  auto done = source.async_emit(1, asio::use_future);
  EXPECT_THAT(out.values(), ElementsAre(1));
  ASSERT_TRUE(arrives(done));
}

TEST(AsyncEmit, KeepsAnIoContextRunningUntilItIsDone) {
  asio::io_context io;
  Stream<int> source(io);
  auto out = source.rate_limit(2ms).sink_to_vector();
  Outcome first;
  Outcome second;
  source.async_emit(1, first.token());
  source.async_emit(2, second.token());
  io.run();
  EXPECT_TRUE(second.done());
  EXPECT_THAT(out.values(), ElementsAre(1, 2));
}

TEST(AsyncEmit, OnItsOwnLoopEntersAtOnce) {
  VirtualLoop loop;
  Stream<int> source(loop);
  auto out = source.sink_to_vector();
  std::size_t seen = 0;
  Outcome outcome;
  asio::post(loop.executor(), [&] {
    source.async_emit(1, outcome.token());
    seen = out.values().size();
  });
  loop.run();
  EXPECT_EQ(seen, 1u);
  EXPECT_TRUE(outcome.done());
}

TEST(AsyncEmit, IntoAClosedStreamCompletesWithClosedError) {
  VirtualLoop loop;
  Stream<int> source(loop);
  source.close();
  Outcome outcome;
  source.async_emit(1, outcome.token());
  loop.run();
  EXPECT_THAT(outcome.error(), ::testing::HasSubstr("closed"));
}

TEST(AsyncEmit, BeforeACloseIsNotLost) {
  VirtualLoop loop;
  Stream<int> source(loop);
  auto out = source.partition(5).sink_to_vector();
  Outcome outcome;
  source.async_emit(1, outcome.token());
  source.close();
  loop.run();
  EXPECT_EQ(outcome.error(), "");
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
}

TEST(AsyncEmit, AfterAnAsynchronousCloseIsRefusedLikeEmit) {
  VirtualLoop loop;
  Stream<int> source(loop);
  Outcome closed;
  source.async_close(closed.token());
  EXPECT_THROW(source.emit(1), ClosedError);
  loop.run();
  EXPECT_TRUE(closed.done());
}

TEST(AsyncEmit, ReportsAnElementThatCannotBeCopied) {
  VirtualLoop loop;
  Stream<ThrowsOnCopy> source(loop);
  source.sink([](const ThrowsOnCopy&) {});
  source.buffer(1).sink([](const ThrowsOnCopy&) {});
  ThrowsOnCopy element(1);
  const auto emit = [&](int copies) {
    ThrowsOnCopy::copies_left = 0;
    Outcome outcome;
    source.async_emit(element, outcome.token());
    ThrowsOnCopy::copies_left = copies;
    loop.run();
    ThrowsOnCopy::copies_left = 0;
    return outcome.error();
  };
  EXPECT_EQ(emit(1), "copy failed");
  EXPECT_EQ(emit(0), "");
}

}  // namespace
}  // namespace penstock
