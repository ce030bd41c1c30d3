// ErrorPolicy::retry, and what a dead letter tells.
#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

// Fails the first times it sees a number.
class Flaky {
 public:
  Flaky(std::initializer_list<std::pair<const int, int>> failures) : failures_(failures) {}
  int operator()(int x) {
    ++calls_;
    if (failures_[x]-- > 0) throw std::runtime_error("try again");
    return x;
  }
  int calls() const { return calls_; }

 private:
  std::map<int, int> failures_;
  int calls_ = 0;
};

TEST(Retry, TriesAgainAtOnceWithoutAPause) {
  Flaky flaky{{1, 2}};
  Stream<int> source;
  auto out = source.map([&flaky](int x) { return flaky(x); })
                 .on_error(ErrorPolicy::retry(2))
                 .sink_to_vector();
  source.emit(1);
  source.emit(2);
  EXPECT_THAT(out.values(), ElementsAre(1, 2));
  EXPECT_EQ(flaky.calls(), 4);
}

TEST(Retry, RaisesWhenAllAttemptsHaveFailed) {
  Flaky flaky{{1, 100}};
  Stream<int> source;
  auto out = source.map([&flaky](int x) { return flaky(x); })
                 .on_error(ErrorPolicy::retry(3))
                 .sink_to_vector();
  EXPECT_THROW(source.emit(1), std::runtime_error);
  EXPECT_EQ(flaky.calls(), 4);
  source.emit(2);
  EXPECT_THAT(out.values(), ElementsAre(2));
}

TEST(Retry, DoublesThePauseWithEveryAttempt) {
  VirtualLoop loop;
  Stream<int> source(loop);
  std::vector<Duration> times;
  auto out = source
                 .map([&](int x) {
                   times.push_back(loop.elapsed());
                   if (times.size() < 4) throw std::runtime_error("try again");
                   return x;
                 })
                 .on_error(ErrorPolicy::retry(5, 1s))
                 .sink_to_vector();
  source.emit(1);  // waits for it
  EXPECT_THAT(times, ElementsAre(0s, 1s, 3s, 7s));
  EXPECT_THAT(out.values(), ElementsAre(1));
}

TEST(Retry, KeepsTheOrderAndTheEnd) {
  VirtualLoop loop;
  Stream<int> source(loop);
  Flaky flaky{{1, 1}, {3, 1}};
  auto out = source.map([&flaky](int x) { return flaky(x); })
                 .on_error(ErrorPolicy::retry(1, 1s))
                 .partition(10)
                 .sink_to_vector();
  std::vector<Outcome> emits(4);
  for (int x = 0; x < 4; ++x) source.async_emit(x, emits[x].token());
  Outcome closed;
  source.async_close(closed.token());
  loop.run_pending();
  EXPECT_TRUE(emits[0].done());
  EXPECT_FALSE(emits[2].done());
  EXPECT_FALSE(closed.done());
  loop.run();
  EXPECT_TRUE(closed.done());
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(0, 1, 2, 3)));
  EXPECT_EQ(loop.elapsed(), 2s);
}

TEST(Retry, AppliesTheNextPolicyAfterTheLastAttempt) {
  Stream<int> source;
  Flaky flaky{{1, 100}};
  auto out = source.map([&flaky](int x) { return flaky(x); })
                 .on_error(ErrorPolicy::retry(1, {}, ErrorPolicy::skip()))
                 .sink_to_vector();
  EXPECT_NO_THROW(source.emit(1));
  source.emit(2);
  EXPECT_THAT(out.values(), ElementsAre(2));
  EXPECT_EQ(flaky.calls(), 3);
}

TEST(Retry, TriesAwaitableFunctionsAgain) {
  VirtualLoop loop;
  Stream<int> source(loop);
  Flaky flaky{{1, 2}};
  auto out = source
                 .map([&](int x) -> asio::awaitable<int> {
                   co_await pass_time(loop, 1s);
                   co_return flaky(x);
                 })
                 .on_error(ErrorPolicy::retry(2, 10s))
                 .sink_to_vector();
  source.emit(1);
  EXPECT_EQ(loop.elapsed(), 33s);  // three calls and pauses of 10 and 20 seconds
  EXPECT_THAT(out.values(), ElementsAre(1));
}

TEST(Retry, HoldsTheTokenBetweenAttempts) {
  VirtualLoop loop;
  Stream<int> source(loop);
  Flaky flaky{{1, 1}};
  source.sink([&flaky](int x) { flaky(x); }).on_error(ErrorPolicy::retry(1, 1s));
  bool released = false;
  Outcome emitted;
  source.async_emit(1, Token([&released] { released = true; }), emitted.token());
  loop.run_pending();
  EXPECT_FALSE(released);
  loop.advance(1s);
  EXPECT_TRUE(released);
}

TEST(Retry, GivesUpAfterTheLastPauseAndGoesOn) {
  VirtualLoop loop;
  Stream<int> source(loop);
  Stream<Failure> errors;
  std::vector<int> failed;
  errors.sink([&failed](const Failure& failure) { failed.push_back(std::any_cast<int>(failure.element)); });
  Flaky flaky{{1, 100}, {2, 100}};
  auto node = source.map([&flaky](int x) { return flaky(x); });
  auto out = node.on_error(ErrorPolicy::retry(2, 1s)).sink_to_vector();
  EXPECT_THROW(source.emit(1), std::runtime_error);
  EXPECT_EQ(loop.elapsed(), 3s);
  EXPECT_EQ(flaky.calls(), 3);
  node.on_error(ErrorPolicy::retry(1, 1s, ErrorPolicy::dead_letter(errors)));
  EXPECT_NO_THROW(source.emit(2));
  source.emit(3);
  EXPECT_THAT(failed, ElementsAre(2));
  EXPECT_THAT(out.values(), ElementsAre(3));
}

TEST(Retry, OfAnElementWhoseCopyThrowsIsNone) {
  Stream<ThrowsOnCopy> source;
  int seen = 0;
  source.sink([&seen](const ThrowsOnCopy&) { ++seen; })
      .on_error(ErrorPolicy::retry(3, {}, ErrorPolicy::skip()));
  const ThrowsOnCopy element(1);
  ThrowsOnCopy::copies_left = 2;  // into emit(), and for another attempt
  EXPECT_NO_THROW(source.emit(element));
  EXPECT_EQ(ThrowsOnCopy::copies_left, 0);
  EXPECT_EQ(seen, 0);
  source.emit(element);
  EXPECT_EQ(seen, 1);
}

TEST(Retry, IsForTheErrorsOfItsOwnNodeOnly) {
  Stream<int> source;
  int calls = 0;
  source.map([&calls](int x) {
          ++calls;
          return x;
        })
      .on_error(ErrorPolicy::retry(5))
      .sink([](int) { throw std::runtime_error("behind"); });
  EXPECT_THROW(source.emit(1), std::runtime_error);
  EXPECT_EQ(calls, 1);
}

TEST(DeadLetter, TellsTheElementThatFailed) {
  Stream<std::string> source;
  Stream<Failure> errors;
  std::vector<std::string> elements;
  errors.sink([&elements](const Failure& failure) {
    elements.push_back(failure.node + ": " + std::any_cast<std::string>(failure.element));
  });
  source.map([](const std::string& x) { return std::stoi(x); })
      .named("number")
      .on_error(ErrorPolicy::dead_letter(errors))
      .sink([](int) {});
  source.emit("1");
  source.emit("one");
  EXPECT_THAT(elements, ElementsAre("number: one"));
}

TEST(DeadLetter, TellsTheElementOfAnAwaitableFunction) {
  VirtualLoop loop;
  Stream<int> source(loop);
  Stream<Failure> errors;
  std::vector<int> elements;
  errors.sink([&](const Failure& failure) { elements.push_back(std::any_cast<int>(failure.element)); });
  source
      .sink([](int x) -> asio::awaitable<void> {
        if (x == 2) throw std::runtime_error("two");
        co_return;
      })
      .on_error(ErrorPolicy::retry(1, {}, ErrorPolicy::dead_letter(errors)));
  for (int x : {1, 2, 3}) source.emit(x);
  EXPECT_THAT(elements, ElementsAre(2));
}

}  // namespace
}  // namespace penstock
