// Who keeps a graph alive: any handle to any of its nodes, a started source, an emit in progress.
#include <algorithm>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

// A function that lives in a node, and tells whether the node still does.
struct Tracer {
  std::shared_ptr<int> token;
  int operator()(int x) const {
    ++*token;
    return x;
  }
};

TEST(Ownership, APipelineHeldOnlyByItsSourceWorks) {
  Stream<int> source;
  int sum = 0;
  source.map([](int x) { return x + 1; }).sink([&sum](int x) { sum += x; });
  source.emit(1);
  EXPECT_EQ(sum, 2);
}

TEST(Ownership, APipelineHeldOnlyByItsLastNodeStaysWhole) {
  const auto token = std::make_shared<int>(0);
  const auto make = [&token] {
    Stream<int> source;
    return source.map(Tracer{token}).sink_to_vector();
  };
  {
    const auto out = make();
    EXPECT_EQ(token.use_count(), 2);
    EXPECT_NO_THROW(out.drain());
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Ownership, AStartedSourceKeepsItsGraph) {
  VirtualLoop loop;
  std::vector<int> seen;
  {
    const auto source = from_iterable(std::vector{1, 2, 3}, {.loop = loop});
    source.rate_limit(1s).sink([&seen](int x) { seen.push_back(x); });
    source.start();
  }
  loop.run();
  EXPECT_THAT(seen, ElementsAre(1, 2, 3));
}

TEST(Ownership, ASourceThatIsThroughLetsItsGraphGo) {
  VirtualLoop loop;
  const auto token = std::make_shared<int>(0);
  {
    const auto source = from_iterable(std::vector{1, 2}, {.loop = loop});
    source.delay(1s).sink(Tracer{token});
    source.start();
  }
  loop.run_pending();
  EXPECT_EQ(token.use_count(), 2);  // the end has not come through yet
  loop.run();
  EXPECT_EQ(*token, 2);
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Ownership, HandlesMayGoInEveryOrder) {
  std::vector<int> order{0, 1, 2, 3};
  do {
    const auto token = std::make_shared<int>(0);
    std::optional<Stream<int>> source(std::in_place);
    std::optional<Stream<int>> left(source->map(Tracer{token}));
    std::optional<Stream<int>> other(std::in_place);
    left->connect(*other);
    std::optional<Sink> sink(other->sink(Tracer{token}));
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (source) source->emit(1);
      EXPECT_EQ(token.use_count(), 3) << "after " << i;
      if (order[i] == 0) source.reset();
      if (order[i] == 1) left.reset();
      if (order[i] == 2) other.reset();
      if (order[i] == 3) sink.reset();
    }
    EXPECT_EQ(token.use_count(), 1);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Ownership, AFailedConnectJoinsNothing) {
  VirtualLoop a;
  VirtualLoop b;
  const auto token = std::make_shared<int>(0);
  Stream<int> kept(a);
  {
    Stream<int> other(b);
    other.sink(Tracer{token});
    EXPECT_THROW(kept.connect(other), LoopError);
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Ownership, ATimerThatComesAfterTheDeathOfItsGraphDoesNothing) {
  VirtualLoop loop;
  int seen = 0;
  {
    Stream<int> source(loop);
    source.delay(1s).sink([&seen](int) { ++seen; });
    source.timed_window(1s).sink([&seen](const std::vector<int>&) { ++seen; });
    source.partition(2, {.timeout = 1s}).sink([&seen](const std::vector<int>&) { ++seen; });
    source.buffer(1).sink([](int) {});
    source.emit(1);
  }
  loop.advance(5s);
  EXPECT_EQ(seen, 0);
}

TEST(Ownership, AnAsynchronousEmitKeepsTheGraphUntilItIsTold) {
  VirtualLoop loop;
  const auto token = std::make_shared<int>(0);
  Outcome first;
  Outcome second;
  {
    Stream<int> source(loop);
    source.rate_limit(1s).sink(Tracer{token});
    source.async_emit(1, first.token());
    source.async_emit(2, second.token());
  }
  loop.run();
  EXPECT_TRUE(first.done() && second.done());
  EXPECT_EQ(*token, 2);
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Ownership, AnAwaitableFunctionThatRunsKeepsItsGraph) {
  VirtualLoop loop;
  Gate gate;
  int seen = 0;
  {
    Stream<int> source(loop);
    source.buffer(2).sink([&](int) -> asio::awaitable<void> {
      co_await gate.pass();
      ++seen;
    });
    source.emit(1);
    loop.run_pending();
  }
  ASSERT_EQ(gate.waiting(), 1u);
  gate.open_for_one();
  loop.run();
  EXPECT_EQ(seen, 1);
}

TEST(Ownership, TheLoopThreadOutlivesItsLastStream) {
  std::optional<LoopThread> thread(std::in_place);
  Stream<int> source(*thread);
  int seen = 0;
  source.sink([&seen](int) { ++seen; });
  thread.reset();
  source.emit(1);
  EXPECT_EQ(seen, 1);
}

TEST(Ownership, TheLastStreamOfALoopThreadMayDieInItsOwnTimer) {
  std::promise<void> died;
  struct TellsDeath {
    std::shared_ptr<std::promise<void>> promise;
    ~TellsDeath() {
      if (promise && promise.use_count() == 1) promise->set_value();
    }
  };
  auto promise = std::make_shared<std::promise<void>>();
  auto future = promise->get_future();
  {
    Stream<int> source{LoopThread()};
    auto holder = std::make_shared<std::optional<Stream<int>>>(source);
    source.delay(1ms).sink([holder, tells = TellsDeath{std::move(promise)}](int) {
      holder->reset();  // the last handle: the graph, and with it the loop, goes with this callback
    });
    source.emit(1);
  }
  EXPECT_TRUE(arrives(future));
}

}  // namespace
}  // namespace penstock
