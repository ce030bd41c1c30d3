#include <thread>

#include "tests/runtime/join_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using ::testing::HasSubstr;

TEST(Zip, EmitsTheFirstOfEachThenTheSecond) {
  Stream<int> a;
  Stream<std::string> b;
  auto out = a.zip(b).sink_to_vector();
  a.emit(1);
  a.emit(2);
  EXPECT_THAT(out.values(), IsEmpty());
  b.emit("x");
  EXPECT_THAT(out.values(), ElementsAre(tuple(1, std::string("x"))));
  b.emit("y");
  b.emit("z");
  a.emit(3);
  EXPECT_THAT(out.values(), ElementsAre(tuple(1, std::string("x")), tuple(2, std::string("y")),
                                        tuple(3, std::string("z"))));
}

TEST(Zip, JoinsThreeAsAFreeFunction) {
  Stream<int> a;
  Stream<int> b;
  Stream<int> c;
  auto out = zip(a, b, c).sink_to_vector();
  c.emit(3);
  b.emit(2);
  a.emit(1);
  EXPECT_THAT(out.values(), ElementsAre(tuple(1, 2, 3)));
}

TEST(Zip, PutsAValueThatIsNoStreamIntoEveryTuple) {
  Stream<int> a;
  Stream<int> b;
  auto out = a.zip("and", b, 5).sink_to_vector();
  auto alone = zip(7, a).sink_to_vector();
  for (int x = 0; x < 2; ++x) {
    a.emit(x);
    b.emit(10 * x);
  }
  EXPECT_THAT(out.values(), ElementsAre(tuple(0, std::string("and"), 0, 5),
                                        tuple(1, std::string("and"), 10, 5)));
  EXPECT_THAT(alone.values(), ElementsAre(tuple(7, 0), tuple(7, 1)));
}

TEST(Zip, WithAValueEndsWithItsStream) {
  Stream<int> a;
  auto out = a.zip("and").partition(5).sink_to_vector();
  a.emit(1);
  EXPECT_THAT(out.values(), IsEmpty());
  a.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(tuple(1, std::string("and")))));
}

TEST(Zip, OfAStreamWithItselfPairsEachElementWithItself) {
  Stream<int> a;
  auto out = a.zip(a).sink_to_vector();
  a.emit(1);
  a.emit(2);
  EXPECT_THAT(out.values(), ElementsAre(tuple(1, 1), tuple(2, 2)));
}

TEST(Zip, MovesElementsThatCannotBeCopied) {
  Stream<std::unique_ptr<int>> a;
  Stream<std::unique_ptr<int>> b;
  int sum = 0;
  a.zip(b, 100).sink([&sum](std::tuple<std::unique_ptr<int>, std::unique_ptr<int>, int> parts) {
    sum += *std::get<0>(parts) + *std::get<1>(parts) + std::get<2>(parts);
  });
  a.emit(std::make_unique<int>(1));
  b.emit(std::make_unique<int>(10));
  EXPECT_EQ(sum, 111);
}

TEST(Zip, OfAStreamThatCannotBeCopiedWithItselfIsRefusedAndLeavesNothing) {
  Stream<std::unique_ptr<int>> a;
  EXPECT_THROW(a.zip(a), Error);
  EXPECT_THAT(a.downstreams(), IsEmpty());
  EXPECT_NO_THROW(a.sink([](const std::unique_ptr<int>&) {}));
}

TEST(Zip, OfNoPlacesIsRefused) {
  Stream<int> a;
  EXPECT_THROW(a.zip(a, ZipOptions{.maxsize = 0}), Error);
}

TEST(Zip, WithoutALoopAnEmitThatIsTooFarAheadFails) {
  Stream<int> a;
  Stream<int> b;
  auto out = a.zip(b, ZipOptions{.maxsize = 2}).sink_to_vector();
  a.emit(1);
  a.emit(2);
  try {
    a.emit(3);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("give the graph a loop"));
    EXPECT_THAT(error.what(), HasSubstr("raise maxsize"));
  }
  for (int x : {10, 20, 30}) b.emit(x);
  a.emit(4);
  EXPECT_THAT(out.values(), ElementsAre(tuple(1, 10), tuple(2, 20), tuple(4, 30)));
}

TEST(Zip, WithALoopTheEmitWaitsUntilItsElementIsWithinMaxsize) {
  VirtualLoop loop;
  Stream<int> a(loop);
  Stream<int> b;
  auto out = a.zip(b, ZipOptions{.maxsize = 2}).sink_to_vector();
  std::vector<Outcome> emits(4);
  for (int x = 0; x < 4; ++x) a.async_emit(x, emits[static_cast<std::size_t>(x)].token());
  loop.run_pending();
  EXPECT_TRUE(emits[1].done());
  EXPECT_FALSE(emits[2].done());
  b.emit(10);
  loop.run_pending();
  EXPECT_TRUE(emits[2].done());
  EXPECT_FALSE(emits[3].done());
  b.emit(11);
  loop.run_pending();
  EXPECT_TRUE(emits[3].done());
  EXPECT_THAT(out.values(), ElementsAre(tuple(0, 10), tuple(1, 11)));
}

TEST(Zip, TheEmitThatCompletesATupleWaitsForIt) {
  VirtualLoop loop;
  Stream<int> a(loop);
  Stream<int> b(loop);
  auto out = a.zip(b).rate_limit(1s).sink_to_vector();
  for (int x = 0; x < 3; ++x) a.emit(x);
  for (int x = 0; x < 3; ++x) b.emit(x);
  EXPECT_EQ(loop.elapsed(), 2s);
  EXPECT_THAT(out.values(), ::testing::SizeIs(3));
}

TEST(Zip, JoinsTheTokensOfItsElements) {
  VirtualLoop loop;
  NumberedTokens tokens;
  Stream<int> a(loop);
  Stream<int> b(loop);
  a.zip(b).delay(1s).sink([](const auto&) {});
  a.emit(1, tokens(1));
  loop.advance(5s);
  b.emit(2, tokens(2));
  EXPECT_THAT(tokens.released(), IsEmpty());
  loop.advance(1s);
  EXPECT_THAT(tokens.released(), ::testing::UnorderedElementsAre(1, 2));
}

TEST(Zip, EndsWhenAnInputHasEndedAndItsQueueIsEmpty) {
  NumberedTokens tokens;
  Stream<int> a;
  Stream<int> b;
  auto out = a.zip(b).partition(10).sink_to_vector();
  a.emit(1, tokens(1));
  a.emit(2, tokens(2));
  a.close();
  b.emit(10, tokens(10));
  EXPECT_THAT(out.values(), IsEmpty());
  b.emit(20, tokens(20));
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(tuple(1, 10), tuple(2, 20))));
  b.emit(30, tokens(30));
  EXPECT_EQ(tokens.released().back(), 30);
  b.close();
  EXPECT_EQ(out.values().size(), 1u);
}

TEST(Zip, WithAStreamThatHasEndedEndsAtOnce) {
  NumberedTokens tokens;
  Stream<int> a;
  Stream<int> b;
  a.close();
  bool ended = false;
  auto pairs = a.map([](int x) { return x; }).zip(b);
  pairs.attach<EndNode<std::tuple<int, int>>>([&] { ended = true; });
  EXPECT_TRUE(ended);
  for (int x = 0; x < 100; ++x) b.emit(x, tokens(x));  // more than it would keep
  EXPECT_EQ(tokens.released().size(), 100u);
}

TEST(Zip, WithAStreamThatHasEndedEndsOnItsLoop) {
  VirtualLoop loop;
  Stream<int> a(loop);
  Stream<int> b(loop);
  a.close();
  bool ended = false;
  auto pairs = zip(b, a);
  pairs.attach<EndNode<std::tuple<int, int>>>([&] { ended = true; });
  EXPECT_FALSE(ended);
  pairs.drain();
  EXPECT_TRUE(ended);
}

TEST(Zip, TheEndDropsWhatTheOthersHoldAndLetsTheirEmitsGo) {
  VirtualLoop loop;
  NumberedTokens tokens;
  Stream<int> a(loop);
  Stream<int> b(loop);
  auto out = a.zip(b, ZipOptions{.maxsize = 1}).partition(2).sink_to_vector();
  Outcome first;
  Outcome second;
  a.async_emit(1, tokens(1), first.token());
  a.async_emit(2, tokens(2), second.token());
  loop.run_pending();
  EXPECT_FALSE(second.done());
  b.close();
  loop.run_pending();
  EXPECT_TRUE(second.done());
  EXPECT_EQ(second.error(), "");
  EXPECT_THAT(tokens.released(), ElementsAre(1, 2));
  EXPECT_THAT(out.values(), IsEmpty());
}

TEST(Zip, OfGraphsOnDifferentLoopsIsRefusedAndJoinsNothing) {
  VirtualLoop one;
  VirtualLoop two;
  Stream<int> a;
  Stream<int> b(one);
  Stream<int> c(two);
  try {
    a.zip(b, c);
    FAIL();
  } catch (const LoopError& error) {
    EXPECT_THAT(error.what(), HasSubstr("two different event loops"));
  }
  EXPECT_NO_THROW(a.delay(1s, {.loop = two}));  // not joined with b meanwhile
}

TEST(Zip, GivesItsLoopToAllItsInputs) {
  VirtualLoop loop;
  VirtualLoop other;
  Stream<int> a;
  Stream<int> b(loop);
  a.zip(b);
  EXPECT_THROW(a.delay(1s, {.loop = other}), LoopError);
}

TEST(Zip, InACycleGoesOn) {
  Stream<int> numbers;
  Stream<int> state;
  auto out = numbers.zip(state)
                 .map([](const std::tuple<int, int>& x) { return std::get<0>(x) + std::get<1>(x); });
  out.connect(state);
  auto sums = out.sink_to_vector();
  state.emit(0);
  for (int x = 1; x <= 4; ++x) numbers.emit(x);
  EXPECT_THAT(sums.values(), ElementsAre(1, 3, 6, 10));
}

TEST(Zip, KeepsItsSidesTogetherWhenAnElementCannotBeCopied) {
  Stream<ThrowsOnCopy> a;
  Stream<int> b;
  std::vector<int> pairs;
  a.zip(b).sink([&](const std::tuple<ThrowsOnCopy, int>& pair) {
    pairs.push_back(10 * std::get<0>(pair).value + std::get<1>(pair));
  });
  for (int x = 1; x <= 3; ++x) a.emit(ThrowsOnCopy(x));
  ThrowsOnCopy::copies_left = 1;
  EXPECT_THROW(b.emit(1), std::runtime_error);
  b.emit(2);
  b.emit(3);
  EXPECT_THAT(pairs, ElementsAre(22, 33));
}

TEST(Zip, ObeysItsErrorPolicy) {
  Stream<int> a;
  Stream<int> b;
  Stream<Failure> errors;
  auto failed = errors.sink_to_vector();
  a.zip(b, ZipOptions{.maxsize = 1}).named("pairs").on_error(ErrorPolicy::dead_letter(errors));
  a.emit(1);
  a.emit(2);
  ASSERT_EQ(failed.values().size(), 1u);
  EXPECT_EQ(failed.values()[0].node, "pairs");
  EXPECT_EQ(std::any_cast<int>(failed.values()[0].element), 2);
}

TEST(Zip, MayBeFedByTwoThreads) {
  LoopThread thread;
  Stream<int> a(thread);
  Stream<int> b(thread);
  int pairs = 0;
  a.zip(b, ZipOptions{.maxsize = 3}).sink([&pairs](const auto&) { ++pairs; });
  std::thread other([&b] {
    for (int x = 0; x < 1000; ++x) b.emit(x);
  });
  for (int x = 0; x < 1000; ++x) a.emit(x);
  other.join();
  a.drain();
  EXPECT_EQ(pairs, 1000);
}

}  // namespace
}  // namespace penstock
