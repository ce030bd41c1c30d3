// Nodes that go while their graph runs.
#include <algorithm>
#include <thread>

#include "penstock/own_node.hpp"
#include "tests/runtime/join_support.hpp"
#include "tests/support/traced_function.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using ::testing::HasSubstr;

class Destroy : public ::testing::Test {
 protected:
  std::shared_ptr<int> trace = std::make_shared<int>(0);
  VirtualLoop loop;
  NumberedTokens tokens;
};

TEST_F(Destroy, DetachesANodeAndReleasesItsFunction) {
  Stream<int> source;
  auto middle = source.map(traced(trace));
  auto out = middle.sink_to_vector();
  source.emit(1);
  EXPECT_FALSE(middle.destroyed());
  middle.destroy();
  EXPECT_TRUE(middle.destroyed());
  EXPECT_EQ(trace.use_count(), 1);
  source.emit(2);
  EXPECT_THAT(out.values(), ElementsAre(1));
  EXPECT_THAT(source.downstreams(), IsEmpty());
  EXPECT_THAT(out.upstreams(), IsEmpty());
}

TEST_F(Destroy, AHandleToADestroyedNodeSaysSo) {
  Stream<int> source;
  auto node = source.map(same).named("gone");
  node.destroy();
  node.destroy();
  EXPECT_EQ(node.name(), "gone");
  EXPECT_THAT(node.upstreams(), IsEmpty());
  EXPECT_THAT(node.downstreams(), IsEmpty());
  EXPECT_NO_THROW(node.drain());
  EXPECT_NO_THROW(node.close());
  EXPECT_THROW(node.emit(1), DestroyedError);
  EXPECT_THROW(node.emit(1, tokens(1)), DestroyedError);
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  EXPECT_THROW(node.map(same), DestroyedError);
  EXPECT_THROW(node.zip(source), DestroyedError);
  EXPECT_THROW(node.connect(source), DestroyedError);
  EXPECT_THROW(source.connect(node), DestroyedError);
  EXPECT_THROW(source.disconnect(node), DestroyedError);
  EXPECT_THROW(node.start(), DestroyedError);
  EXPECT_THROW(node.on_error(ErrorPolicy::skip()), DestroyedError);
  Outcome outcome;
  node.async_emit(1, asio::bind_executor(loop.executor(), outcome.token()));
  loop.run_pending();
  EXPECT_THAT(outcome.error(), HasSubstr("'gone' was destroyed"));
  auto vector = source.sink_to_vector();
  vector.destroy();
  EXPECT_THROW(static_cast<void>(vector.values()), DestroyedError);
}

class OfTheCluster : public Operator<OfTheCluster, int, int> {
 public:
  explicit OfTheCluster(Place place) : Operator<OfTheCluster, int, int>(std::move(place), "scatter") {
    cannot_be_destroyed();
  }
  void receive(int value, Delivery& delivery) { push_down(value, delivery); }
};

TEST_F(Destroy, OfANodeThatOthersPushIntoIsRefusedAndLeavesItAsItIs) {
  Stream<int> source;
  auto node = source.handle(source.attach<OfTheCluster>());
  auto out = node.sink_to_vector();
  try {
    node.destroy();
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "destroy(): 'scatter' works with the cluster and goes with its whole graph only");
  }
  EXPECT_FALSE(node.destroyed());
  source.emit(1);
  EXPECT_THAT(out.values(), ElementsAre(1));
}

TEST_F(Destroy, DoesNotEndWhatIsBehind) {
  Stream<int> source;
  auto node = source.map(same);
  Stream<int> other;
  node.connect(other);
  auto out = other.partition(2).sink_to_vector();
  source.emit(1);
  node.destroy();
  other.emit(2);
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
}

TEST_F(Destroy, AnInputThatWasDestroyedIsNotWaitedForAtTheEnd) {
  Stream<int> a;
  Stream<int> b;
  auto out = a.union_with(b).partition(5).sink_to_vector();
  a.emit(1);
  b.destroy();
  a.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
}

TEST_F(Destroy, FromItsOwnCallbackWithoutALoop) {
  Stream<int> source;
  std::optional<Stream<int>> node;
  std::vector<long> uses;
  node = source.map([&, trace = trace](int x) {
    node->destroy();
    uses.push_back(trace.use_count());
    return x;
  });
  auto out = node->sink_to_vector();
  source.emit(1);
  source.emit(2);
  EXPECT_THAT(uses, ElementsAre(2));  // the function is there while it runs
  EXPECT_EQ(trace.use_count(), 1);
  EXPECT_THAT(out.values(), IsEmpty());
}

TEST_F(Destroy, FromItsOwnCallbackWithALoop) {
  Stream<int> source(loop);
  std::optional<Stream<int>> node;
  node = source.buffer(2).map([&, trace = trace](int x) {
    node->destroy();
    EXPECT_EQ(trace.use_count(), 2);
    return x;
  });
  auto out = node->sink_to_vector();
  source.emit(1);
  source.emit(2);
  source.drain();
  EXPECT_EQ(trace.use_count(), 1);
  EXPECT_THAT(out.values(), IsEmpty());
}

TEST_F(Destroy, ACallbackMayDestroyAnyNode) {
  // Before it, itself, a later branch, and what is behind it.
  for (int victim = 0; victim < 4; ++victim) {
    Stream<int> source;
    auto first = source.map(traced(trace));
    std::vector<NodeHandle> nodes;
    auto middle = first.map([&](int x) {
      nodes[static_cast<std::size_t>(victim)].destroy();
      return x;
    });
    int branch_calls = 0;
    auto branch = first.sink([&](int) { ++branch_calls; });
    auto behind = middle.sink_to_vector();
    nodes = {first, middle, branch, behind};
    source.emit(1);
    source.emit(2);
    EXPECT_EQ(branch_calls, (std::array{1, 2, 0, 2}[static_cast<std::size_t>(victim)]));
    if (victim == 2) {
      EXPECT_THAT(behind.values(), ElementsAre(1, 2));
    }
  }
  EXPECT_EQ(trace.use_count(), 1);
}

TEST_F(Destroy, FromAnEmitOfAnotherGraph) {
  Stream<int> outer;
  Stream<int> inner;
  auto node = inner.map(traced(trace));
  outer.sink([&](int x) {
    inner.emit(x);
    node.destroy();
    inner.emit(x);
  });
  outer.emit(1);
  EXPECT_EQ(*trace, 1);
  EXPECT_EQ(trace.use_count(), 1);
}

TEST_F(Destroy, InACycle) {
  Stream<int> source;
  std::optional<Stream<int>> loop_back;
  auto out = source.sink_to_vector();
  loop_back = source.map([&, trace = trace](int x) {
    if (x == 3) loop_back->destroy();
    return x + 1;
  });
  loop_back->connect(source);
  source.emit(1);
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
  EXPECT_EQ(trace.use_count(), 1);
  source.emit(7);
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3, 7));
}

TEST_F(Destroy, OfANodeThatLeadsToItself) {
  Stream<int> source;
  auto node = source.filter([trace = trace](int) { return false; });
  node.connect(node);
  node.destroy();
  EXPECT_EQ(trace.use_count(), 1);
}

TEST_F(Destroy, WithATimerPendingCancelsIt) {
  Stream<int> source(loop);
  auto delayed = source.delay(1h);
  auto out = delayed.sink_to_vector();
  auto window = source.timed_window(1h);
  auto partition = source.partition(5, {.timeout = 1h});
  source.emit(1, tokens(1));
  window.destroy();
  partition.destroy();
  delayed.destroy();
  source.drain();
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  EXPECT_EQ(loop.elapsed(), 0s);
  loop.run();  // no timer is left
  EXPECT_EQ(loop.elapsed(), 0s);
  EXPECT_THAT(out.values(), IsEmpty());
}

TEST_F(Destroy, WhileAnEmitWaitsInIt) {
  Stream<int> source(loop);
  auto limited = source.rate_limit(1h);
  auto out = limited.sink_to_vector();
  Outcome first;
  Outcome second;
  source.async_emit(1, tokens(1), first.token());
  source.async_emit(2, tokens(2), second.token());
  loop.run_pending();
  EXPECT_FALSE(second.done());
  limited.destroy();
  loop.run_pending();
  EXPECT_TRUE(second.done());
  EXPECT_EQ(second.error(), "");
  EXPECT_THAT(tokens.released(), ElementsAre(1, 2));
  EXPECT_THAT(out.values(), ElementsAre(1));
}

TEST_F(Destroy, WhileABlockingEmitOfAnotherThreadWaitsInIt) {
  LoopThread thread;
  Stream<int> source(thread);
  auto limited = source.rate_limit(1h);
  source.emit(1);
  std::promise<void> returned;
  auto future = returned.get_future();
  std::thread emitter([&] {
    source.emit(2);
    returned.set_value();
  });
  limited.destroy();  // before or after that emit came in
  EXPECT_TRUE(arrives(future));
  emitter.join();
}

TEST_F(Destroy, WhileAJoinHoldsAnEmit) {
  Stream<int> a(loop);
  Stream<int> b(loop);
  auto both = a.zip(b, ZipOptions{.maxsize = 1});
  Outcome first;
  Outcome second;
  a.async_emit(1, tokens(1), first.token());
  a.async_emit(2, tokens(2), second.token());
  loop.run_pending();
  both.destroy();
  loop.run_pending();
  EXPECT_TRUE(second.done());
  EXPECT_THAT(tokens.released(), ElementsAre(1, 2));
  EXPECT_THAT(a.downstreams(), IsEmpty());
  EXPECT_THAT(b.downstreams(), IsEmpty());
}

TEST_F(Destroy, OfAFullBufferReleasesAllThatIsInIt) {
  Stream<int> source(loop);
  Gate gate;
  auto buffer = source.buffer(1);
  buffer.sink([&gate](int) -> asio::awaitable<void> { co_await gate.pass(); });
  std::vector<Outcome> outcomes(4);
  for (int x = 0; x < 4; ++x) {
    source.async_emit(x, tokens(x), outcomes[static_cast<std::size_t>(x)].token());
    loop.run_pending();
  }
  buffer.destroy();
  loop.run_pending();
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome.done());
  EXPECT_THAT(tokens.released(), ElementsAre(1, 2, 3));  // the first is with the sink
  gate.open_for_one();
  loop.run_pending();
  EXPECT_EQ(tokens.released().size(), 4u);
}

TEST_F(Destroy, ACoroutineOfADestroyedNodeRunsToItsEnd) {
  Stream<int> source(loop);
  Gate gate;
  int finished = 0;
  auto node = source.map([&, trace = trace](int x) -> asio::awaitable<int> {
    co_await gate.pass();
    ++finished;
    EXPECT_EQ(*trace, 0);
    co_return x;
  });
  auto out = node.sink_to_vector();
  std::vector<Outcome> outcomes(3);
  for (int x = 0; x < 3; ++x) {
    source.async_emit(x, tokens(x), outcomes[static_cast<std::size_t>(x)].token());
  }
  loop.run_pending();
  node.destroy();
  loop.run_pending();
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome.done());
  EXPECT_EQ(tokens.released().size(), 3u);
  EXPECT_EQ(trace.use_count(), 2);
  ASSERT_EQ(gate.waiting(), 1u);
  gate.open_for_one();
  loop.run_pending();
  EXPECT_EQ(finished, 1);
  EXPECT_EQ(trace.use_count(), 1);
  EXPECT_THAT(out.values(), IsEmpty());
}

TEST_F(Destroy, WhileAnElementWaitsForItsNextAttempt) {
  Stream<int> source(loop);
  auto node = source.map([trace = trace](int x) -> int { throw std::runtime_error(std::to_string(x)); });
  node.on_error(ErrorPolicy::retry(5, 1h));
  Outcome outcome;
  source.async_emit(1, tokens(1), outcome.token());
  loop.run_pending();
  node.destroy();
  loop.run_pending();
  EXPECT_TRUE(outcome.done());
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  EXPECT_EQ(trace.use_count(), 1);
}

TEST_F(Destroy, ErrorsOfADestroyedDeadLetterStreamAreRaised) {
  Stream<int> source;
  Stream<Failure> errors;
  auto failed = errors.sink_to_vector();
  source.sink([](int x) { throw std::runtime_error(std::to_string(x)); })
      .on_error(ErrorPolicy::dead_letter(errors));
  source.emit(1);
  errors.destroy();
  EXPECT_THROW(source.emit(2), std::runtime_error);
  EXPECT_EQ(failed.values().size(), 1u);
}

TEST_F(Destroy, ANodeWithADeadLetterStreamMayGoFirst) {
  Stream<int> source;
  Stream<Failure> errors;
  auto sink = source.sink([](int) {}).on_error(ErrorPolicy::dead_letter(errors));
  sink.destroy();
  errors.destroy();
  EXPECT_NO_THROW(source.emit(1));
}

TEST_F(Destroy, ADestroyedSourceStops) {
  std::vector<int> seen;
  const auto source = from_iterable(std::vector{1, 2, 3, 4}, {.loop = loop});
  source.rate_limit(1s).sink([&seen](int x) { seen.push_back(x); });
  source.start();
  loop.advance(1s);
  source.destroy();
  loop.run();
  EXPECT_THAT(seen, ElementsAre(1, 2, 3));  // the third was in the rate limit
  EXPECT_THROW(source.start(), DestroyedError);
  EXPECT_THROW(source.stop(), DestroyedError);
}

TEST_F(Destroy, ASourceWithoutALoopMayBeDestroyedByWhatItEmits) {
  std::vector<int> seen;
  const auto source = from_iterable(std::vector{1, 2, 3});
  source.sink([&](int x) {
    seen.push_back(x);
    if (x == 2) source.destroy();
  });
  source.start();
  EXPECT_THAT(seen, ElementsAre(1, 2));
}

TEST_F(Destroy, ADestroyedSourceLetsItsGraphGo) {
  {
    const auto source = from_iterable(std::views::iota(0), {.loop = loop});
    source.rate_limit(1s).sink(traced(trace));
    source.start();
    loop.advance(3s);
    source.destroy();
  }
  loop.run();
  EXPECT_EQ(trace.use_count(), 1);
}

TEST_F(Destroy, FilesAreNotLookedForAfterDestroy) {
  const auto source = filenames(::testing::TempDir() + "/no-such-folder/*", {.loop = loop});
  source.sink([trace = trace](const std::filesystem::path&) {});
  source.start();
  loop.advance(1s);
  source.destroy();
  loop.run();  // returns: nothing polls any more
}

TEST_F(Destroy, HandlesOfDestroyedNodesMayGoInEveryOrder) {
  std::vector<int> order{0, 1, 2, 3};
  do {
    for (const bool on_loop : {false, true}) {
      std::optional<Stream<int>> source(on_loop ? Stream<int>(loop) : Stream<int>());
      std::optional<Stream<int>> middle(source->map(traced(trace)));
      std::optional<Stream<int>> other(std::in_place);
      middle->connect(*other);
      std::optional<Sink> sink(other->sink(traced(trace)));
      for (const int i : order) {
        if (source) source->emit(1);
        if (i == 0) source->destroy(), source.reset();
        if (i == 1) middle->destroy(), middle.reset();
        if (i == 2) other->destroy(), other.reset();
        if (i == 3) sink->destroy(), sink.reset();
      }
      loop.run();
      EXPECT_EQ(trace.use_count(), 1);
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(Destroy, ADestroyedNodeMayOutliveItsGraphOnALoopThatNeverRuns) {
  {
    VirtualLoop never;
    Stream<int> source(never);
    source.delay(1h).sink(traced(trace)).destroy();
    source.destroy();
  }
  EXPECT_EQ(trace.use_count(), 1);
}

TEST_F(Destroy, ALoopThatComesDuringAnEmitFreesWhatIsDestroyedInIt) {
  LoopThread thread;
  Stream<int> source;
  std::optional<Stream<int>> node;
  node = source.map([&, trace = trace](int x) {
    source.delay(1ms, {.loop = thread});
    node->destroy();
    EXPECT_EQ(trace.use_count(), 2);
    return x;
  });
  source.emit(1);
  source.drain();
  EXPECT_EQ(trace.use_count(), 1);
}

TEST_F(Destroy, TheLastHandleMayGoInACallbackOfAnEmitWithoutALoop) {
  auto source = std::make_unique<Stream<int>>();
  int behind = 0;
  source
      ->map([&, trace = trace](int x) {
        source.reset();
        EXPECT_EQ(trace.use_count(), 2);
        return x;
      })
      .sink([&](int x) { behind += x; });
  source->emit(7);
  EXPECT_EQ(behind, 7);
  EXPECT_EQ(trace.use_count(), 1);
}

}  // namespace
}  // namespace penstock
