// Graphs that feed themselves: a crawler, a retry, a countdown.
#include <map>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

// Counts down to zero through `middle`, an operator that passes elements on.
template <class Middle>
void count_down(const Stream<int>& source, Middle middle) {
  source.pipe(middle)
      .filter([](int x) { return x > 0; })
      .map([](int x) { return x - 1; })
      .connect(source);
}

class Cycle : public ::testing::Test {
 protected:
  VirtualLoop loop;
  Stream<int> source{loop};
};

TEST_F(Cycle, ASynchronousOneIsThroughWhenEmitReturns) {
  Stream<int> free;
  auto out = free.sink_to_vector();
  count_down(free, [](const Stream<int>& s) { return s; });
  free.emit(3);
  EXPECT_THAT(out.values(), ElementsAre(3, 2, 1, 0));
}

TEST_F(Cycle, ACrawlerVisitsEveryPage) {
  const std::map<std::string, std::vector<std::string>> web{
      {"/", {"/a", "/b"}}, {"/a", {"/c"}}, {"/b", {}}, {"/c", {}}};
  Stream<std::string> pages(loop);
  auto visited = pages.sink_to_vector();
  pages
      .map([&](const std::string& page) -> asio::awaitable<std::vector<std::string>> {
        co_await pass_time(loop, 1s);
        co_return web.at(page);
      })
      .flatten()
      .connect(pages);
  pages.emit("/");
  EXPECT_THAT(visited.values(), ElementsAre("/", "/a", "/b", "/c"));
  EXPECT_EQ(loop.elapsed(), 4s);
}

TEST_F(Cycle, EmitWaitsForTheWholeRoundOfAwaitableFunctions) {
  auto out = source.sink_to_vector();
  count_down(source, [this](const Stream<int>& s) {
    return s.map([this](int x) -> asio::awaitable<int> {
      co_await pass_time(loop, 1s);
      co_return x;
    });
  });
  source.emit(2);
  EXPECT_EQ(loop.elapsed(), 3s);
  EXPECT_THAT(out.values(), ElementsAre(2, 1, 0));
}

TEST_F(Cycle, ThroughAFullBufferGoesOn) {
  auto out = source.sink_to_vector();
  count_down(source, [](const Stream<int>& s) { return s.buffer(1); });
  std::vector<Outcome> outcomes(4);
  for (int x = 0; x < 4; ++x) source.async_emit(3, outcomes[static_cast<std::size_t>(x)].token());
  source.drain();
  loop.run_pending();
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome.done());
  EXPECT_EQ(out.values().size(), 16u);
}

TEST_F(Cycle, ThroughAFullBufferAndAnAwaitableFunctionGoesOn) {
  auto out = source.sink_to_vector();
  count_down(source, [this](const Stream<int>& s) {
    return s.buffer(1).map([this](int x) -> asio::awaitable<int> {
      co_await pass_time(loop, 1s);
      co_return x;
    });
  });
  std::vector<Outcome> outcomes(4);
  for (auto& outcome : outcomes) source.async_emit(3, outcome.token());
  loop.run();
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome.done());
  EXPECT_EQ(out.values().size(), 16u);
}

TEST_F(Cycle, ThroughAFullDelayGoesOn) {
  auto out = source.sink_to_vector();
  count_down(source, [](const Stream<int>& s) { return s.delay(1s, {.limit = 1}); });
  std::vector<Outcome> outcomes(3);
  for (auto& outcome : outcomes) source.async_emit(2, outcome.token());
  loop.run();
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome.done());
  EXPECT_EQ(out.values().size(), 9u);
}

TEST_F(Cycle, ThroughAWindowGoesOn) {
  auto out = source.sink_to_vector();
  count_down(source, [](const Stream<int>& s) {
    return s.timed_window(1s, {.emit_empty = false}).flatten();
  });
  source.emit(2);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(2, 1, 0));
  EXPECT_EQ(loop.elapsed(), 3s);
}

TEST_F(Cycle, ThroughAWindowGoesOnAfterTheEnd) {
  auto out = source.sink_to_vector();
  count_down(source, [](const Stream<int>& s) { return s.timed_window(1s).flatten(); });
  source.emit(2);
  source.close();
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(2, 1, 0));
  loop.run();  // returns: after the end there are no empty windows
}

TEST_F(Cycle, ThroughAPartitionEndsWithOneFlush) {
  auto batches = source.partition(2);
  auto out = batches.sink_to_vector();
  batches.flatten()
      .filter([](int x) { return x > 8; })
      .map([](int x) { return x - 1; })
      .connect(source);
  source.emit(1);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1)));
}

TEST_F(Cycle, CloseEndsItOnce) {
  auto out = source.partition(10).sink_to_vector();
  count_down(source, [](const Stream<int>& s) { return s; });
  source.emit(2);
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(2, 1, 0)));
}

TEST_F(Cycle, ASinkMayEmitIntoItsOwnSourceOnTheLoop) {
  std::vector<int> seen;
  std::vector<Outcome> outcomes(4);
  source.sink([&](int x) {
    seen.push_back(x);
    if (x > 0) source.async_emit(x - 1, outcomes[static_cast<std::size_t>(x)].token());
  });
  source.emit(3);
  source.drain();
  EXPECT_THAT(seen, ElementsAre(3, 2, 1, 0));
}

TEST_F(Cycle, ABufferWithASinkThatEmitsAgainLosesNothing) {
  std::vector<int> seen;
  std::vector<Outcome> outcomes(20);
  std::size_t used = 0;
  source.buffer(1).sink([&](int x) {
    seen.push_back(x);
    if (x > 0) source.async_emit(x - 1, outcomes[used++].token());
  });
  for (int i = 0; i < 3; ++i) source.emit(3);
  source.drain();
  loop.run_pending();
  EXPECT_EQ(seen.size(), 12u);
  for (std::size_t i = 0; i < used; ++i) EXPECT_TRUE(outcomes[i].done());
}

TEST_F(Cycle, KeepsNoGraphAliveByItself) {
  const auto token = std::make_shared<int>(0);
  {
    Stream<int> free;
    free.map([token](int x) { return x; }).filter([](int) { return false; }).connect(free);
    free.emit(1);
  }
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace penstock
