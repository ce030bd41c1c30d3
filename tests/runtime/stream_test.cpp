#include <thread>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(Stream, PassesAnElementToEachBranchInTheOrderOfConnecting) {
  Stream<int> source;
  std::vector<std::string> calls;
  for (const char* name : {"a", "b", "c"}) {
    source.sink([&calls, name](int x) { calls.push_back(name + std::to_string(x)); });
  }
  source.emit(1);
  source.emit(2);
  EXPECT_THAT(calls, ElementsAre("a1", "b1", "c1", "a2", "b2", "c2"));
}

TEST(Stream, GoesDownEachBranchBeforeTheNextOne) {
  Stream<int> source;
  std::vector<std::string> calls;
  const auto note = [&calls](const char* name) {
    return [&calls, name](int x) {
      calls.push_back(name);
      return x;
    };
  };
  auto left = source.map(note("left"));
  source.map(note("right")).sink(note("right sink"));
  left.map(note("left 1")).sink(note("left 1 sink"));
  left.sink(note("left 2 sink"));
  source.emit(1);
  EXPECT_THAT(calls,
              ElementsAre("left", "left 1", "left 1 sink", "left 2 sink", "right", "right sink"));
}

TEST(Stream, MovesAnElementWhenThereIsOneTaker) {
  Stream<std::unique_ptr<int>> source;
  int seen = 0;
  source.filter([](const std::unique_ptr<int>& p) { return *p > 0; })
      .sink([&seen](std::unique_ptr<int> p) { seen = *p; });
  source.emit(std::make_unique<int>(7));
  EXPECT_EQ(seen, 7);
}

TEST(Stream, GivesEachBranchTheSameValueAlthoughTheLastMayTakeIt) {
  Stream<std::string> source;
  auto first = source.sink_to_vector();
  auto last = source.sink_to_vector();
  source.emit("long enough to own memory on the heap");
  EXPECT_EQ(first.values(), last.values());
}

TEST(Stream, WithoutDownstreamTakesElementsAndDropsThem) {
  Stream<int> source;
  EXPECT_NO_THROW(source.emit(1));
  EXPECT_NO_THROW(source.drain());
  EXPECT_NO_THROW(source.close());
}

TEST(Stream, ConnectJoinsTwoStreams) {
  Stream<int> a;
  Stream<int> b;
  Stream<int> both;
  auto out = both.sink_to_vector();
  a.connect(both);
  b.connect(both);
  a.emit(1);
  b.emit(2);
  both.emit(3);
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
}

TEST(Stream, ConnectEntersANodeThroughItsFunction) {
  Stream<int> source;
  Stream<int> other;
  auto doubled = source.map([](int x) { return 2 * x; });
  auto out = doubled.sink_to_vector();
  other.connect(doubled);
  other.emit(4);
  EXPECT_THAT(out.values(), ElementsAre(8));
}

TEST(Stream, ConnectToASourceThatTakesNothingIsRefused) {
  Stream<int> stream;
  const auto source = from_iterable(std::vector{1}).named("numbers");
  try {
    stream.connect(source);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("'numbers' does not take elements"));
  }
}

TEST(Stream, EndsWhenTheLastOfItsUpstreamsEnds) {
  Stream<int> a;
  Stream<int> b;
  Stream<int> both;
  a.connect(both);
  b.connect(both);
  auto out = both.partition(10).sink_to_vector();
  a.emit(1);
  a.close();
  EXPECT_THAT(out.values(), IsEmpty());
  b.emit(2);
  b.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2)));
}

TEST(Stream, AnUpstreamThatEndedBeforeIsNotWaitedFor) {
  Stream<int> ended;
  ended.close();
  Stream<int> both;
  ended.connect(both);
  Stream<int> other;
  other.connect(both);
  auto out = both.partition(10).sink_to_vector();
  other.emit(1);
  other.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
}

TEST(Stream, AnUpstreamEndsOnceForItsDownstream) {
  Stream<int> a;
  Stream<int> relay;
  Stream<int> b;
  Stream<int> both;
  a.connect(relay);
  relay.connect(both);
  b.connect(both);
  auto out = both.partition(10).sink_to_vector();
  a.emit(1);
  relay.close();
  a.close();  // ends the relay again: that is not the end of b
  EXPECT_THAT(out.values(), IsEmpty());
  b.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
}

TEST(Stream, PipeAppliesAnOperatorOfOnesOwn) {
  const auto squares_of_even = [](const Stream<int>& in) {
    return in.filter([](int x) { return x % 2 == 0; }).map([](int x) { return x * x; });
  };
  Stream<int> source;
  auto out = source.pipe(squares_of_even).sink_to_vector();
  for (int x = 0; x < 5; ++x) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(0, 4, 16));
}

TEST(Stream, NodesHaveTheirKindAsNameUntilTheyAreNamed) {
  Stream<int> source;
  EXPECT_EQ(source.name(), "stream");
  EXPECT_EQ(source.map([](int x) { return x; }).name(), "map");
  EXPECT_EQ(source.map([](int x) { return x; }).named("parse").name(), "parse");
  EXPECT_EQ(source.sink([](int) {}).named("print").name(), "print");
}

TEST(Stream, GatherOfALocalStreamChangesNothing) {
  Stream<int> source;
  auto out = source.gather().sink_to_vector();
  source.emit(1);
  EXPECT_THAT(out.values(), ElementsAre(1));
}

TEST(Stream, EmitIntoAClosedOneThrows) {
  Stream<int> source;
  auto out = source.sink_to_vector();
  source.close();
  EXPECT_THROW(source.emit(1), ClosedError);
  EXPECT_THAT(out.values(), IsEmpty());
}

TEST(Stream, ClosingTwiceFlushesOnce) {
  Stream<int> source;
  auto out = source.partition(5).sink_to_vector();
  source.emit(1);
  source.close();
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
}

TEST(Stream, MayBeConnectedWhileItEmits) {
  Stream<int> source;
  std::vector<int> late;
  source.sink([&, hung = std::vector<Sink>()](int x) {
    if (x == 1) source.sink([&late](int y) { late.push_back(y); });
  });
  source.emit(1);
  source.emit(2);
  EXPECT_THAT(late, ElementsAre(2));
}

TEST(Stream, TwoDifferentLoopsAreRefused) {
  VirtualLoop a;
  VirtualLoop b;
  Stream<int> source(a);
  try {
    source.rate_limit(1s, {.loop = b});
    FAIL();
  } catch (const LoopError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("two different event loops active"));
  }
}

TEST(Stream, ANodeThatWasRefusedIsNotLeftInTheGraph) {
  VirtualLoop a;
  VirtualLoop b;
  Stream<int> source(a);
  auto out = source.sink_to_vector();
  EXPECT_THROW(source.delay(1s, {.loop = b}), LoopError);
  EXPECT_THROW(source.timed_window(1s, {.loop = b}), LoopError);
  source.emit(1);
  source.drain();
  EXPECT_EQ(a.elapsed(), 0s);
  EXPECT_THAT(out.values(), ElementsAre(1));
}

TEST(Stream, ConnectingGraphsOnDifferentLoopsIsRefused) {
  VirtualLoop a;
  VirtualLoop b;
  Stream<int> on_a(a);
  Stream<int> on_b(b);
  auto out = on_b.sink_to_vector();
  EXPECT_THROW(on_a.connect(on_b), LoopError);
  on_a.emit(1);
  EXPECT_THAT(out.values(), IsEmpty());
}

TEST(Stream, ConnectPassesTheLoopOnInBothDirections) {
  VirtualLoop loop;
  Stream<int> before;
  Stream<int> with_loop(loop);
  Stream<int> behind;
  before.connect(with_loop);
  with_loop.connect(behind);
  VirtualLoop other;
  EXPECT_THROW(before.delay(1s, {.loop = other}), LoopError);
  EXPECT_THROW(behind.delay(1s, {.loop = other}), LoopError);
  EXPECT_NO_THROW(behind.delay(1s, {.loop = loop}));
}

TEST(Stream, ABlockingCallOnItsOwnLoopIsRefused) {
  VirtualLoop loop;
  Stream<int> source(loop);
  auto out = source.partition(5).sink_to_vector();
  std::vector<std::string> refused;
  asio::post(loop.executor(), [&] {
    const auto note = [&](auto call) {
      try {
        call();
      } catch (const LoopError& error) {
        refused.emplace_back(error.what());
      }
    };
    note([&] { source.emit(1); });
    note([&] { source.drain(); });
    note([&] { source.close(); });
  });
  loop.run_pending();
  EXPECT_THAT(refused, ElementsAre(::testing::HasSubstr("use async_emit()"),
                                   ::testing::HasSubstr("use async_drain()"),
                                   ::testing::HasSubstr("use async_close()")));
  source.emit(2);  // the close that was refused has closed nothing
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(2)));
}

TEST(Stream, ABlockingEmitOnAnIoContextsThreadIsRefused) {
  asio::io_context io;
  Stream<int> source(io);
  bool refused = false;
  asio::post(io, [&] {
    try {
      source.emit(1);
    } catch (const LoopError&) {
      refused = true;
    }
  });
  io.run();
  EXPECT_TRUE(refused);
}

TEST(Stream, RunsAllItsFunctionsOnItsLoopsThread) {
  LoopThread thread;
  Stream<int> source(thread);
  std::vector<std::thread::id> ids;
  const auto note = [&ids](int x) {
    ids.push_back(std::this_thread::get_id());
    return x;
  };
  source.map(note).sink(note);
  source.emit(1);
  source.emit(2);
  ASSERT_EQ(ids.size(), 4u);
  EXPECT_NE(ids[0], std::this_thread::get_id());
  for (const auto& id : ids) EXPECT_EQ(id, ids[0]);
}

TEST(Stream, ManyThreadsMayEmitIntoOneLoop) {
  LoopThread thread;
  Stream<int> source(thread);
  int sum = 0;
  source.sink([&sum](int x) { sum += x; });
  std::vector<std::thread> emitters;
  for (int i = 0; i < 4; ++i) {
    emitters.emplace_back([&source] {
      for (int x = 0; x < 500; ++x) source.emit(1);
    });
  }
  for (auto& emitter : emitters) emitter.join();
  EXPECT_EQ(sum, 2000);
}

}  // namespace
}  // namespace penstock
