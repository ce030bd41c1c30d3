#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

int add(int a, int b, int c) { return a + b + c; }

TEST(Map, AppliesTheFunctionToEachElement) {
  Stream<int> source;
  auto out = source.map([](int x) { return x + 1; }).sink_to_vector();
  for (int x = 0; x < 3; ++x) source.emit(x);
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
}

TEST(Map, MayChangeTheType) {
  Stream<int> source;
  Stream<std::string> text = source.map([](int x) { return std::to_string(x); });
  auto out = text.map(&std::string::size).sink_to_vector();
  source.emit(1234);
  EXPECT_THAT(out.values(), ElementsAre(4u));
}

TEST(Map, PassesExtraArgumentsAfterTheElement) {
  Stream<int> source;
  auto out = source.map(add, 10, 100).sink_to_vector();
  source.emit(1);
  EXPECT_THAT(out.values(), ElementsAre(111));
}

TEST(Map, KeepsAnExtraTextAsItsOwn) {
  Stream<std::string> source;
  auto out = source.map([](const std::string& a, const std::string& b) { return a + b; }, "!")
                 .sink_to_vector();
  source.emit("hey");
  EXPECT_THAT(out.values(), ElementsAre("hey!"));
}

TEST(Map, GivesTheElementAwayToAFunctionThatWantsIt) {
  Stream<std::unique_ptr<int>> source;
  auto out = source.map([](std::unique_ptr<int> p) { return *p; }).sink_to_vector();
  source.emit(std::make_unique<int>(5));
  EXPECT_THAT(out.values(), ElementsAre(5));
}

TEST(Map, CopiesTheElementForAFunctionThatWantsItWhereOthersHaveItToo) {
  Stream<std::string> source;
  const auto take = [](std::string&& text) { return std::string(std::move(text)) + "!"; };
  auto first = source.map(take).sink_to_vector();
  auto second = source.map(take).sink_to_vector();
  source.emit("a text that is too long to stand in the string itself");
  EXPECT_THAT(first.values(), ElementsAre("a text that is too long to stand in the string itself!"));
  EXPECT_EQ(second.values(), first.values());
}

TEST(Map, RefusesASecondTakerOfWhatCannotBeCopied) {
  Stream<std::unique_ptr<int>> source;
  auto out = source.map([](std::unique_ptr<int> p) { return *p; }).sink_to_vector();
  EXPECT_THROW(source.sink([](const std::unique_ptr<int>&) {}), Error);
  source.emit(std::make_unique<int>(5));
  EXPECT_THAT(out.values(), ElementsAre(5));
}

TEST(Map, TakesAResultWithoutDefaultConstructor) {
  struct Wrapped {
    explicit Wrapped(int number) : value(number) {}
    std::unique_ptr<int> owned = nullptr;
    int value;
  };
  Stream<int> source;
  int seen = 0;
  source.map([](int x) { return Wrapped(x); }).sink([&seen](const Wrapped& w) { seen = w.value; });
  source.emit(3);
  EXPECT_EQ(seen, 3);
}

TEST(Map, ThrowsOutOfTheEmit) {
  Stream<int> source;
  auto out = source
                 .map([](int x) {
                   if (x == 2) throw std::runtime_error("two");
                   return x;
                 })
                 .sink_to_vector();
  source.emit(1);
  EXPECT_THROW(source.emit(2), std::runtime_error);
  source.emit(3);
  EXPECT_THAT(out.values(), ElementsAre(1, 3));
}

class AwaitingMap : public ::testing::Test {
 protected:
  auto through_gate() {
    return [this](int x) -> asio::awaitable<int> {
      started.push_back(x);
      co_await gate.pass();
      if (x < 0) throw std::runtime_error("negative");
      co_return 10 * x;
    };
  }
  void open() {
    gate.open_for_one();
    loop.run_pending();
  }

  VirtualLoop loop;
  Stream<int> source{loop};
  Gate gate;
  std::vector<int> started;
};

TEST_F(AwaitingMap, HandlesOneElementAtATimeInOrder) {
  auto out = source.map(through_gate()).sink_to_vector();
  std::vector<Outcome> emits(3);
  for (int x = 0; x < 3; ++x) source.async_emit(x, emits[static_cast<std::size_t>(x)].token());
  loop.run_pending();
  EXPECT_THAT(started, ElementsAre(0));
  EXPECT_FALSE(emits[0].done());
  open();
  EXPECT_THAT(started, ElementsAre(0, 1));
  EXPECT_TRUE(emits[0].done());
  EXPECT_FALSE(emits[1].done());
  open();
  open();
  EXPECT_THAT(out.values(), ElementsAre(0, 10, 20));
  EXPECT_TRUE(emits[2].done());
}

TEST_F(AwaitingMap, MakesTheBlockingEmitWait) {
  auto out = source
                 .map([this](int x) -> asio::awaitable<int> {
                   co_await pass_time(loop, 2s);
                   co_return x;
                 })
                 .sink_to_vector();
  source.emit(1);
  EXPECT_EQ(loop.elapsed(), 2s);
  EXPECT_THAT(out.values(), ElementsAre(1));
  source.emit(2);
  EXPECT_EQ(loop.elapsed(), 4s);
}

TEST_F(AwaitingMap, WaitsForWhatIsBehindItToo) {
  source.map([](int x) -> asio::awaitable<int> { co_return x; }).rate_limit(1s).sink([](int) {});
  source.emit(1);
  source.emit(2);
  EXPECT_EQ(loop.elapsed(), 1s);
}

TEST_F(AwaitingMap, GoesOnAfterAnError) {
  auto out = source.map(through_gate()).sink_to_vector();
  Outcome bad;
  Outcome good;
  source.async_emit(-1, bad.token());
  source.async_emit(1, good.token());
  loop.run_pending();
  open();
  EXPECT_EQ(bad.error(), "negative");
  open();
  EXPECT_EQ(good.error(), "");
  EXPECT_THAT(out.values(), ElementsAre(10));
}

TEST_F(AwaitingMap, FlushesDownstreamAfterTheElementsThatRun) {
  auto out = source.map(through_gate()).partition(5).sink_to_vector();
  Outcome emitted;
  Outcome closed;
  source.async_emit(1, emitted.token());
  source.async_close(closed.token());
  loop.run_pending();
  EXPECT_FALSE(closed.done());
  open();
  EXPECT_TRUE(closed.done());
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(10)));
}

TEST_F(AwaitingMap, KeepsTheElementWhileTheFunctionReadsIt) {
  Stream<std::string> words(loop);
  auto out = words
                 .map([this](const std::string& word) -> asio::awaitable<std::string> {
                   co_await gate.pass();
                   co_return word + word;
                 })
                 .sink_to_vector();
  Outcome outcome;
  words.async_emit("a word that does not fit into the string itself ", outcome.token());
  loop.run_pending();
  open();
  EXPECT_EQ(out.values().at(0).size(), 96u);
}

TEST_F(AwaitingMap, TakesExtraArguments) {
  auto out =
      source.map([](int x, int y) -> asio::awaitable<int> { co_return x* y; }, 7).sink_to_vector();
  source.emit(6);
  EXPECT_THAT(out.values(), ElementsAre(42));
}

TEST_F(AwaitingMap, WithoutALoopUsesTheDefaultOne) {
  Stream<int> free;
  auto out = free.map([](int x) -> asio::awaitable<int> { co_return x + 1; }).sink_to_vector();
  free.emit(1);
  EXPECT_THAT(out.values(), ElementsAre(2));
}

}  // namespace
}  // namespace penstock
