#include <thread>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

int odd_only(int x) {
  if (x % 2 == 0) throw std::runtime_error("even: " + std::to_string(x));
  return x;
}

TEST(ErrorPolicy, RaiseIsTheDefaultAndTheOtherElementsGoOn) {
  Stream<int> source;
  auto out = source.map(odd_only).sink_to_vector();
  source.emit(1);
  EXPECT_THROW(source.emit(2), std::runtime_error);
  source.emit(3);
  EXPECT_THAT(out.values(), ElementsAre(1, 3));
  EXPECT_NO_THROW(source.drain());  // the emit has reported it
}

TEST(ErrorPolicy, RaiseLetsTheOtherBranchesGoOn) {
  Stream<int> source;
  source.map(odd_only).sink([](int) {});
  auto other = source.sink_to_vector();
  EXPECT_THROW(source.emit(2), std::runtime_error);
  EXPECT_THAT(other.values(), ElementsAre(2));
}

TEST(ErrorPolicy, RaiseReportsTheFirstOfSeveral) {
  Stream<int> source;
  for (const char* text : {"first", "second"}) {
    source.sink([text](int) { throw std::runtime_error(text); });
  }
  try {
    source.emit(1);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "first");
  }
}

TEST(ErrorPolicy, RaisePassesAnyTypeOfException) {
  Stream<int> source;
  source.sink([](int x) { throw x; });
  EXPECT_THROW(source.emit(1), int);
}

TEST(ErrorPolicy, SkipDropsTheElementSilently) {
  Stream<int> source;
  auto out = source.map(odd_only).on_error(ErrorPolicy::skip()).sink_to_vector();
  for (int x = 0; x < 4; ++x) EXPECT_NO_THROW(source.emit(x));
  EXPECT_THAT(out.values(), ElementsAre(1, 3));
  EXPECT_NO_THROW(source.drain());
}

TEST(ErrorPolicy, BelongsToOneNodeOnly) {
  Stream<int> source;
  source.map(odd_only).on_error(ErrorPolicy::skip()).sink([](int x) {
    if (x == 3) throw std::runtime_error("three");
  });
  EXPECT_NO_THROW(source.emit(2));
  EXPECT_THROW(source.emit(3), std::runtime_error);
}

TEST(ErrorPolicy, DeadLetterEmitsTheErrorWithTheNameOfTheNode) {
  Stream<int> source;
  Stream<Failure> errors;
  std::vector<std::string> letters;
  errors.sink(
      [&](const Failure& failure) { letters.push_back(failure.node + ": " + failure.text()); });
  auto out =
      source.map(odd_only).on_error(ErrorPolicy::dead_letter(errors)).named("odd").sink_to_vector();
  for (int x = 1; x < 4; ++x) EXPECT_NO_THROW(source.emit(x));
  EXPECT_THAT(out.values(), ElementsAre(1, 3));
  EXPECT_THAT(letters, ElementsAre("odd: even: 2"));
}

TEST(ErrorPolicy, DeadLetterKeepsTheStreamOfErrorsAlive) {
  Stream<int> source;
  int letters = 0;
  {
    Stream<Failure> errors;
    errors.sink([&letters](const Failure&) { ++letters; });
    source.sink(odd_only).on_error(ErrorPolicy::dead_letter(errors));
  }
  source.emit(2);
  EXPECT_EQ(letters, 1);
}

TEST(ErrorPolicy, DeadLetterMakesTheEmitWaitForTheStreamOfErrors) {
  VirtualLoop loop;
  Stream<int> source(loop);
  Stream<Failure> errors(loop);
  errors.sink([&](const Failure&) -> asio::awaitable<void> { co_await pass_time(loop, 2s); });
  source.sink(odd_only).on_error(ErrorPolicy::dead_letter(errors));
  source.emit(2);
  EXPECT_EQ(loop.elapsed(), 2s);
}

TEST(ErrorPolicy, DeadLetterOnAnotherLoopIsRefused) {
  VirtualLoop a;
  VirtualLoop b;
  Stream<int> source(a);
  Stream<Failure> errors(b);
  EXPECT_THROW(source.sink(odd_only).on_error(ErrorPolicy::dead_letter(errors)), LoopError);
}

TEST(ErrorPolicy, DeadLetterIntoAStreamThatTakesNothingIsRefused) {
  Stream<int> source;
  const auto errors = from_iterable(std::vector<Failure>{});
  EXPECT_THROW(source.sink(odd_only).on_error(ErrorPolicy::dead_letter(errors)), Error);
}

TEST(ErrorPolicy, MayBeSetLateAndChanged) {
  Stream<int> source;
  auto node = source.map(odd_only);
  EXPECT_THROW(source.emit(2), std::runtime_error);
  node.on_error(ErrorPolicy::skip());
  EXPECT_NO_THROW(source.emit(2));
  node.on_error(ErrorPolicy::raise());
  EXPECT_THROW(source.emit(2), std::runtime_error);
}

TEST(ErrorPolicy, MayBeSetAndNamedWhileElementsPass) {
  LoopThread thread;
  Stream<int> source(thread);
  Stream<Failure> errors;
  int letters = 0;
  errors.sink([&letters](const Failure& failure) {
    EXPECT_THAT(failure.node, ::testing::AnyOf("map", "renamed"));
    ++letters;
  });
  auto node = source.map(odd_only);
  node.on_error(ErrorPolicy::dead_letter(errors));
  std::thread emitter([&source] {
    for (int x = 0; x < 500; ++x) source.emit(x);
  });
  for (int i = 0; i < 50; ++i) {
    node.on_error(ErrorPolicy::skip()).named("renamed");
    node.on_error(ErrorPolicy::dead_letter(errors));
  }
  emitter.join();
  EXPECT_LE(letters, 250);
}

TEST(ErrorPolicy, AppliesToAwaitableFunctions) {
  VirtualLoop loop;
  Stream<int> source(loop);
  Stream<Failure> errors;
  std::vector<std::string> letters;
  errors.sink([&](const Failure& failure) { letters.push_back(failure.text()); });
  const auto later = [](int x) -> asio::awaitable<int> { co_return odd_only(x); };
  auto skipped = source.map(later).on_error(ErrorPolicy::skip()).sink_to_vector();
  auto lettered = source.map(later).on_error(ErrorPolicy::dead_letter(errors)).sink_to_vector();
  for (int x = 1; x < 4; ++x) EXPECT_NO_THROW(source.emit(x));
  EXPECT_THAT(skipped.values(), ElementsAre(1, 3));
  EXPECT_THAT(lettered.values(), ElementsAre(1, 3));
  EXPECT_THAT(letters, ElementsAre("even: 2"));
}

TEST(ErrorPolicy, AppliesToACopyThatThrows) {
  Stream<ThrowsOnCopy> source;
  auto out = source.sink_to_vector();
  out.on_error(ErrorPolicy::skip());
  int seen = 0;
  source.sink([&seen](const ThrowsOnCopy&) { ++seen; });
  const ThrowsOnCopy element(1);
  ThrowsOnCopy::copies_left = 2;
  EXPECT_NO_THROW(source.emit(element));
  EXPECT_EQ(ThrowsOnCopy::copies_left, 0);
  EXPECT_THAT(out.values(), IsEmpty());
  EXPECT_EQ(seen, 1);
}

TEST(ErrorPolicy, TextOfAFailureThatIsNoStandardException) {
  EXPECT_EQ((Failure{std::make_exception_ptr(1), "map"}).text(), "unknown exception");
}

TEST(ErrorHandler, HearsEveryErrorThatNoEmitWaitsFor) {
  VirtualLoop loop;
  Stream<int> source(loop);
  std::vector<std::string> heard;
  source.buffer(10).map(odd_only).sink([](int) {});
  source.set_error_handler([&](std::exception_ptr error) { heard.push_back(what(error)); });
  for (int x = 0; x < 4; ++x) source.emit(x);
  try {
    source.drain();
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "even: 0");
  }
  EXPECT_THAT(heard, ElementsAre("even: 0", "even: 2"));
}

TEST(ErrorHandler, DoesNotHearWhatAnEmitThrows) {
  Stream<int> source;
  int heard = 0;
  source.set_error_handler([&](std::exception_ptr) { ++heard; });
  source.sink(odd_only);
  EXPECT_THROW(source.emit(2), std::runtime_error);
  EXPECT_EQ(heard, 0);
}

TEST(ErrorHandler, IsKeptWhenGraphsAreJoined) {
  VirtualLoop loop;
  Stream<int> source;
  Stream<int> behind(loop);
  int heard = 0;
  behind.set_error_handler([&](std::exception_ptr) { ++heard; });
  behind.buffer(1).sink(odd_only);
  source.connect(behind);
  source.emit(2);
  EXPECT_THROW(source.drain(), std::runtime_error);
  EXPECT_EQ(heard, 1);
}

TEST(ErrorHandler, MayEmitAgainOnTheLoop) {
  VirtualLoop loop;
  Stream<int> source(loop);
  std::vector<int> seen;
  source.buffer(1).sink([&](int x) -> asio::awaitable<void> {
    odd_only(x);
    seen.push_back(x);
    co_return;
  });
  std::vector<Outcome> repairs(2);
  std::size_t used = 0;
  source.set_error_handler([&](std::exception_ptr) {
    source.async_emit(101, repairs[used].token());
    ++used;
  });
  for (int x = 1; x < 6; ++x) source.emit(x);
  EXPECT_THROW(source.drain(), std::runtime_error);
  loop.run();
  std::sort(seen.begin(), seen.end());
  EXPECT_THAT(seen, ElementsAre(1, 3, 5, 101, 101));
}

// What a stream writes to stderr when it is gone, with an error in it that no emit waited for.
class UnseenError : public ::testing::Test {
 protected:
  template <class Use>
  std::string said(Use use) {
    ::testing::internal::CaptureStderr();
    {
      Stream<int> source(loop);
      source.buffer(4).sink(odd_only);
      use(source);
    }
    loop.run();
    return ::testing::internal::GetCapturedStderr();
  }
  void emit_behind_a_buffer(const Stream<int>& source, int x) {
    source.emit(x);
    loop.run();
  }

  VirtualLoop loop;
};

TEST_F(UnseenError, IsWrittenWhenTheStreamIsGone) {
  EXPECT_EQ(said([&](const Stream<int>& source) {
              emit_behind_a_buffer(source, 2);
              emit_behind_a_buffer(source, 4);
            }),
            "penstock: a stream is gone with an error that nobody has seen: even: 2. drain() throws it, "
            "set_error_handler() is told\n");
}

TEST_F(UnseenError, IsNoneWhenAllWentWell) {
  EXPECT_EQ(said([&](const Stream<int>& source) { emit_behind_a_buffer(source, 1); }), "");
}

TEST_F(UnseenError, IsNoneWhenDrainHasThrownIt) {
  EXPECT_EQ(said([&](const Stream<int>& source) {
              emit_behind_a_buffer(source, 2);
              EXPECT_THROW(source.drain(), std::runtime_error);
            }),
            "");
}

TEST_F(UnseenError, IsNoneWhenTheHandlerWasTold) {
  int heard = 0;
  EXPECT_EQ(said([&](const Stream<int>& source) {
              source.set_error_handler([&heard](std::exception_ptr) { ++heard; });
              emit_behind_a_buffer(source, 2);
            }),
            "");
  EXPECT_EQ(heard, 1);
}

TEST_F(UnseenError, OfAGraphThatJoinedAnotherIsWrittenWhenBothAreGone) {
  Stream<int> other(loop);
  const auto go = [&](const Stream<int>& source) {
    emit_behind_a_buffer(source, 2);
    source.connect(other);
  };
  EXPECT_EQ(said(go), "");
  ::testing::internal::CaptureStderr();
  other = Stream<int>(loop);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), ::testing::HasSubstr("nobody has seen: even: 2."));
}

}  // namespace
}  // namespace penstock
