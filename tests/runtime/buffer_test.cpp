#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

class Buffer : public ::testing::Test {
 protected:
  auto through_gate() {
    return [this](int x) -> asio::awaitable<void> {
      co_await gate.pass();
      seen.push_back(x);
    };
  }
  void open() {
    gate.open_for_one();
    loop.run_pending();
  }

  VirtualLoop loop;
  Stream<int> source{loop};
  Gate gate;
  std::vector<int> seen;
};

TEST_F(Buffer, OfNoPlacesIsRefused) { EXPECT_THROW(source.buffer(0), Error); }

TEST_F(Buffer, LetsTheEmitGoBeforeTheElementHasLeft) {
  source.buffer(2).sink(through_gate());
  source.emit(1);
  source.emit(2);
  EXPECT_THAT(seen, IsEmpty());
  loop.run_pending();
  open();
  open();
  EXPECT_THAT(seen, ElementsAre(1, 2));
}

TEST_F(Buffer, MakesTheEmitWaitForAFreePlace) {
  source.buffer(2).sink(through_gate());
  std::vector<Outcome> emits(5);
  for (int x = 0; x < 5; ++x) {
    source.async_emit(x, emits[static_cast<std::size_t>(x)].token());
    loop.run_pending();
  }
  // One is with the sink, two are in the queue, two wait.
  const auto done = [&] {
    return std::count_if(emits.begin(), emits.end(), [](const Outcome& o) { return o.done(); });
  };
  EXPECT_EQ(done(), 3);
  open();
  EXPECT_EQ(done(), 4);
  open();
  EXPECT_EQ(done(), 5);
  while (gate.waiting() > 0) open();
  EXPECT_THAT(seen, ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(Buffer, KeepsTheOrderOfElementsThatWaited) {
  auto out = source.buffer(1).rate_limit(1s).sink_to_vector();
  for (int x = 0; x < 6; ++x) source.emit(x);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST_F(Buffer, DrainWaitsForItsQueue) {
  auto out = source.buffer(10).rate_limit(1s).sink_to_vector();
  for (int x = 0; x < 4; ++x) source.emit(x);
  EXPECT_EQ(loop.elapsed(), 0s);
  source.drain();
  EXPECT_EQ(loop.elapsed(), 3s);
  EXPECT_THAT(out.values(), ::testing::SizeIs(4));
}

TEST_F(Buffer, TheEndComesAfterTheQueue) {
  auto out = source.buffer(10).rate_limit(1s).partition(3).sink_to_vector();
  for (int x = 0; x < 4; ++x) source.emit(x);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(0, 1, 2), ElementsAre(3)));
}

TEST_F(Buffer, TheEndOfAnEmptyOneIsImmediate) {
  auto out = source.buffer(10).partition(3).sink_to_vector();
  source.close();
  EXPECT_EQ(loop.elapsed(), 0s);
  EXPECT_THAT(out.values(), IsEmpty());
}

TEST_F(Buffer, ReportsErrorsBehindItToTheNextDrain) {
  source.buffer(10).sink([this](int x) {
    if (x == 1) throw std::runtime_error("one");
    seen.push_back(x);
  });
  for (int x = 0; x < 3; ++x) EXPECT_NO_THROW(source.emit(x));
  EXPECT_THROW(source.drain(), std::runtime_error);
  EXPECT_NO_THROW(source.drain());
  EXPECT_THAT(seen, ElementsAre(0, 2));
}

TEST_F(Buffer, GoesOnWhenAnElementCannotBeCopiedOutOfTheQueue) {
  Stream<ThrowsOnCopy> values(loop);
  std::vector<int> out;
  values.buffer(3).sink([&out](const ThrowsOnCopy& x) { out.push_back(x.value); });
  std::vector<Outcome> outcomes(3);
  for (int x = 0; x < 3; ++x) {
    values.async_emit(ThrowsOnCopy(x), outcomes[static_cast<std::size_t>(x)].token());
  }
  asio::post(loop.executor(), [] { ThrowsOnCopy::copies_left = 1; });  // before the queue is pumped
  loop.run_pending();
  EXPECT_EQ(ThrowsOnCopy::copies_left, 0);
  EXPECT_THROW(values.drain(), std::runtime_error);
  EXPECT_THAT(out, ElementsAre(1, 2));
}

TEST_F(Buffer, DeliversOnItsLoopsThread) {
  LoopThread thread;
  Stream<int> free;
  int sum = 0;
  free.buffer(16, {.loop = thread}).sink([&sum](int x) { sum += x; });
  for (int x = 0; x < 1000; ++x) free.emit(1);
  free.drain();
  EXPECT_EQ(sum, 1000);
}

}  // namespace
}  // namespace penstock
