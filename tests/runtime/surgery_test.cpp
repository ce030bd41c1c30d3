// Graphs that change while elements pass: connect, disconnect, neighbours, starting from any node.
#include <thread>

#include "tests/runtime/join_support.hpp"
#include "tests/support/traced_function.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using ::testing::HasSubstr;

class Surgery : public ::testing::Test {
 protected:
  std::shared_ptr<int> trace = std::make_shared<int>(0);
  VirtualLoop loop;
};

TEST_F(Surgery, DisconnectTakesOneEdgeAway) {
  Stream<int> source;
  Stream<int> left;
  Stream<int> right;
  source.connect(left);
  source.connect(right);
  auto lefts = left.sink_to_vector();
  auto rights = right.sink_to_vector();
  source.emit(1);
  source.disconnect(left);
  source.emit(2);
  source.connect(left);
  source.emit(3);
  EXPECT_THAT(lefts.values(), ElementsAre(1, 3));
  EXPECT_THAT(rights.values(), ElementsAre(1, 2, 3));
}

TEST_F(Surgery, DisconnectTakesTheLastOfEqualEdges) {
  Stream<int> source;
  std::vector<std::string> calls;
  Stream<int> twice;
  twice.sink([&](int) { calls.emplace_back("twice"); });
  source.connect(twice);
  source.sink([&](int) { calls.emplace_back("between"); });
  source.connect(twice);
  source.disconnect(twice);
  source.emit(1);
  EXPECT_THAT(calls, ElementsAre("twice", "between"));
}

TEST_F(Surgery, DisconnectFromASinkAndFromAJoin) {
  Stream<int> a;
  Stream<int> b;
  auto sink = a.sink(traced(trace));
  auto both = a.zip(b);
  auto out = both.sink_to_vector();
  a.disconnect(sink);
  b.disconnect(both);
  a.emit(1);
  b.emit(2);
  EXPECT_EQ(*trace, 0);
  EXPECT_THROW(b.connect(both), Error);  // both inputs take ints
}

TEST_F(Surgery, DisconnectOfAStrangerIsRefused) {
  Stream<int> a;
  Stream<int> b;
  b.named("stranger");
  try {
    a.disconnect(b);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("'stranger' is no downstream of 'stream'"));
  }
}

TEST_F(Surgery, ConnectSaysWhatDoesNotFit) {
  Stream<int> numbers;
  Stream<std::string> texts;
  const auto refusal = [&](const NodeHandle& to) {
    try {
      numbers.connect(to);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refusal(texts), HasSubstr("takes elements of another type"));
  EXPECT_THAT(refusal(numbers.zip(numbers)), HasSubstr("has several inputs for such elements"));
  EXPECT_THAT(refusal(from_iterable(std::vector{1})), HasSubstr("does not take elements"));
  EXPECT_EQ(refusal(numbers.map([](int x) { return std::to_string(x); })), "");
}

TEST_F(Surgery, DisconnectFromInsideACallbackLeavesThisElementAlone) {
  Stream<int> source;
  Stream<int> other;
  auto out = other.sink_to_vector();
  source.sink([&](int x) {
    if (x == 2) source.disconnect(other);
  });
  source.connect(other);
  for (int x = 1; x <= 3; ++x) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(1, 2));
}

TEST_F(Surgery, DisconnectOfItselfFromInsideItsOwnCallback) {
  Stream<int> source;
  Stream<int> other;
  source.connect(other);
  int seen = 0;
  other.sink([&](int) {
    ++seen;
    source.disconnect(other);
  });
  source.emit(1);
  source.emit(2);
  EXPECT_EQ(seen, 1);
}

TEST_F(Surgery, AThreadMayConnectAndDisconnectWhileAnotherEmits) {
  LoopThread thread;
  Stream<int> source(thread);
  Stream<int> other(thread);
  std::atomic<int> seen{0};
  other.sink([&](int) { ++seen; });
  std::thread surgeon([&] {
    for (int i = 0; i < 300; ++i) {
      source.connect(other);
      source.disconnect(other);
      source.sink([](int) {}).destroy();
      source.map(same).destroy();
    }
  });
  for (int x = 0; x < 300; ++x) source.emit(x);
  surgeon.join();
  EXPECT_THAT(source.downstreams(), IsEmpty());
  source.drain();
}

TEST_F(Surgery, StartAndStopReachEverySourceAbove) {
  const auto a = from_iterable(std::vector{1, 2}, {.loop = loop});
  const auto b = from_iterable(std::vector{10, 20}, {.loop = loop});
  const auto unrelated = from_iterable(std::vector{100}, {.loop = loop});
  auto sums = a.rate_limit(1s).zip(b.map(same)).starmap([](int x, int y) { return x + y; });
  auto out = sums.sink_to_vector();
  auto all = unrelated.union_with(sums).sink_to_vector();
  sums.start();
  loop.run_pending();
  EXPECT_THAT(out.values(), ElementsAre(11));
  out.stop();
  loop.run();
  EXPECT_THAT(out.values(), ElementsAre(11, 22));
  EXPECT_THAT(all.values(), ElementsAre(11, 22));
  all.start();
  loop.run();
  EXPECT_THAT(all.values(), ElementsAre(11, 22, 100));
}

TEST_F(Surgery, StartInACycleEnds) {
  const auto source = from_iterable(std::vector{1});
  Stream<int> relay;
  source.connect(relay);
  auto back = relay.filter([](int) { return false; });
  back.connect(relay);
  auto out = relay.sink_to_vector();
  back.start();
  EXPECT_THAT(out.values(), ElementsAre(1));
}

TEST_F(Surgery, NeighboursAreHandlesInTheOrderOfConnecting) {
  Stream<int> a;
  Stream<int> b;
  auto both = a.zip(b, a);
  auto sink = both.sink([](const auto&) {});
  auto last = a.map(same);
  EXPECT_THAT(both.upstreams(), ElementsAre(a, b));
  EXPECT_THAT(both.downstreams(), ElementsAre(sink));
  EXPECT_THAT(a.downstreams(), ElementsAre(both, last));
  EXPECT_THAT(a.upstreams(), IsEmpty());
  for (const auto& node : a.downstreams()) node.destroy();
  EXPECT_THAT(a.downstreams(), IsEmpty());
  EXPECT_TRUE(both.destroyed() && last.destroyed());
  EXPECT_FALSE(sink.destroyed());
}

}  // namespace
}  // namespace penstock
