// The public names that nodes and sinks of one's own are made of, used as somebody outside would: without
// penstock::detail.
#include "penstock/own_node.hpp"

#include "tests/runtime/stream_support.hpp"

namespace penstock::testing {
namespace {

using ::testing::HasSubstr;

// Keeps one element back and emits it, under its own token, when the next one comes or the stream ends.
//
//   in   -1--2--3--|
//   out  ----1--2--3|      one_behind
template <class T>
class OneBehind : public Operator<OneBehind<T>, T, T> {
 public:
  explicit OneBehind(Place place) : Operator<OneBehind, T, T>(std::move(place), "one_behind") {}

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    flush(delivery);
    kept_ = keep<T>(std::forward<U>(value));
    token_ = delivery.token();
  }

  void flush(Delivery& delivery) {
    if (!kept_) return;
    const WithToken of_the_kept_one(delivery, std::exchange(token_, {}));
    this->push_down(*std::exchange(kept_, {}), delivery);
  }

 private:
  std::optional<T> kept_;
  Token token_;
};

constexpr auto one_behind = []<class T>(const Stream<T>& s) {
  return s.handle(s.template attach<OneBehind<T>>());
};

TEST(OwnNode, EmitsFlushesAndEnds) {
  Stream<int> source;
  auto out = source.pipe(one_behind).partition(5).sink_to_vector();
  for (int x = 1; x < 4; ++x) source.emit(x);
  EXPECT_THAT(out.values(), IsEmpty());
  source.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(1, 2, 3)));
}

TEST(OwnNode, HasTheKindThatItGaveItsBaseAndTakesAName) {
  Stream<int> source;
  auto node = source.pipe(one_behind);
  EXPECT_EQ(node.name(), "one_behind");
  EXPECT_EQ(node.named("late").name(), "late");
  EXPECT_THAT(source.describe(), HasSubstr("\"kind\":\"one_behind\""));
}

TEST(OwnNode, EmitsUnderTheTokenOfWhatItKept) {
  Stream<int> source;
  Tokens tokens;
  std::vector<std::size_t> released_at;
  source.pipe(one_behind).sink([&](int) { released_at.push_back(tokens.released().size()); });
  source.emit(1, tokens(1));
  EXPECT_THAT(tokens.released(), IsEmpty());
  source.emit(2, tokens(2));
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  source.close();
  EXPECT_THAT(tokens.released(), ElementsAre(1, 2));
  EXPECT_THAT(released_at, ElementsAre(0u, 1u));  // held while it passes
}

TEST(OwnNode, KeepMovesWhatNobodyElseNeeds) {
  Stream<std::unique_ptr<int>> source;
  int sum = 0;
  source.pipe(one_behind).sink([&sum](std::unique_ptr<int> x) { sum += *x; });
  source.emit(std::make_unique<int>(1));
  source.emit(std::make_unique<int>(2));
  source.close();
  EXPECT_EQ(sum, 3);
}

// Calls a user's function, and counts what came of it.
template <class F>
class Ask : public Operator<Ask<F>, int, int> {
 public:
  Ask(Place place, F function) : Operator<Ask, int, int>(std::move(place), "ask"), function_(function) {}

  void receive(int value, Delivery& delivery) {
    if (value < 0) throw std::invalid_argument("negative");
    call_user(
        *this, delivery, [&] { return function_(value); },
        [&](auto answer) { this->push_down(static_cast<int>(answer), delivery); });
  }

 private:
  F function_;
};

template <class F>
Stream<int> ask(const Stream<int>& s, F function) {
  return s.handle(s.template attach<Ask<F>>(function));
}

int half(int x) {
  if (x % 2 != 0) throw std::runtime_error("odd");
  return x / 2;
}

TEST(OwnNode, WhatAUsersFunctionThrowsObeysThePolicyAndHarmsNoOtherElement) {
  Stream<int> source;
  auto node = ask(source, half);
  auto out = node.sink_to_vector();
  EXPECT_THROW(source.emit(1), std::runtime_error);
  source.emit(2);
  node.on_error(ErrorPolicy::skip());
  EXPECT_NO_THROW(source.emit(3));
  source.emit(4);
  EXPECT_THAT(out.values(), ElementsAre(1, 2));
}

TEST(OwnNode, WhatReceiveThrowsObeysThePolicy) {
  Stream<int> source;
  Stream<Failure> errors;
  std::vector<std::string> letters;
  errors.sink([&](const Failure& failure) {
    letters.push_back(failure.node + ": " + failure.text() + ": " +
                      std::to_string(std::any_cast<int>(failure.element)));
  });
  auto out = ask(source, half).on_error(ErrorPolicy::dead_letter(errors)).sink_to_vector();
  source.emit(-4);
  source.emit(5);
  source.emit(6);
  EXPECT_THAT(letters, ElementsAre("ask: negative: -4", "ask: odd: 5"));
  EXPECT_THAT(out.values(), ElementsAre(3));
}

// A result that has no default: it goes another way through call_user().
struct Answer {
  explicit Answer(int x) : value(std::make_unique<int>(half(x))) {}
  explicit operator int() const { return *value; }
  std::unique_ptr<int> value;
};

TEST(OwnNode, AUsersFunctionMayReturnWhatHasNoDefaultAndCannotBeCopied) {
  Stream<int> source;
  auto out = ask(source, [](int x) { return Answer(x); }).sink_to_vector();
  source.emit(8);
  EXPECT_THROW(source.emit(7), std::runtime_error);
  EXPECT_THAT(out.values(), ElementsAre(4));
}

TEST(OwnNode, RetryGivesItTheElementAgain) {
  Stream<int> source;
  int calls = 0;
  auto node = ask(source, [&calls](int x) { return ++calls < 3 ? half(1) : x; });
  auto out = node.on_error(ErrorPolicy::retry(2)).sink_to_vector();
  source.emit(9);
  EXPECT_EQ(calls, 3);
  EXPECT_THAT(out.values(), ElementsAre(9));
}

// Holds the emit of each element until the next one comes.
class HoldsEmit : public Operator<HoldsEmit, int, int> {
 public:
  explicit HoldsEmit(Place place) : Operator<HoldsEmit, int, int>(std::move(place), "holds_emit") {}

  void receive(int value, Delivery& delivery) {
    held_ = delivery.hold();
    push_down(value, delivery);
  }
  void flush(Delivery&) { held_.reset(); }

 private:
  std::optional<Delivery> held_;
};

TEST(OwnNode, WhatItHoldsOfADeliveryMakesTheEmitWait) {
  VirtualLoop loop;
  Stream<int> source(loop);
  auto out = source.handle(source.attach<HoldsEmit>()).sink_to_vector();
  std::vector<Outcome> emits(2);
  Outcome closed;
  source.async_emit(1, emits[0].token());
  loop.run();
  EXPECT_FALSE(emits[0].done());
  source.async_emit(2, emits[1].token());
  loop.run();
  EXPECT_TRUE(emits[0].done());
  EXPECT_FALSE(emits[1].done());
  source.async_close(closed.token());
  loop.run();
  EXPECT_TRUE(emits[1].done());
  EXPECT_THAT(out.values(), ElementsAre(1, 2));
}

// Gives what it holds of each delivery to the test.
class HandsOver : public Operator<HandsOver, int, Nothing> {
 public:
  using Take = std::function<void(int, Delivery)>;
  HandsOver(Place place, Take take)
      : Operator<HandsOver, int, Nothing>(std::move(place), "hands_over"), take_(std::move(take)) {}
  void receive(int value, Delivery& delivery) { take_(value, delivery.hold()); }

 private:
  const Take take_;
};

class OwnNodeWithoutALoop : public ::testing::Test {
 protected:
  // Another thread finishes the delivery, and the one of 2 with an error.
  Sink finished_elsewhere(const Stream<int>& source) {
    return source.attach_sink<HandsOver>([this](int value, Delivery held) {
      taken.push_back(value);
      others.push_back(std::async(std::launch::async, [value, held = std::move(held)]() mutable {
        if (value == 2) held.fail(std::make_exception_ptr(std::runtime_error("lost")));
        const Delivery gone = std::move(held);
      }));
    });
  }

  std::vector<int> taken;
  std::vector<std::future<void>> others;
};

TEST_F(OwnNodeWithoutALoop, EmitWaitsForWhatAnotherThreadHolds) {
  Stream<int> source;
  finished_elsewhere(source);
  EXPECT_NO_THROW(source.emit(1));
  EXPECT_THROW(source.emit(2), std::runtime_error);
  EXPECT_NO_THROW(source.emit(3));
}

TEST_F(OwnNodeWithoutALoop, StartOfARangeWaitsForEachAndThrowsTheFirstErrorInTheEnd) {
  const auto source = from_iterable(std::vector{1, 2, 3});
  finished_elsewhere(source);
  EXPECT_THROW(source.start(), std::runtime_error);
  EXPECT_THAT(taken, ElementsAre(1, 2, 3));
}

TEST_F(OwnNodeWithoutALoop, ACallbackOfAnyLoopIsNotBlockedAndDrainTellsTheError) {
  VirtualLoop loop;
  Stream<int> source;
  std::optional<Delivery> held;
  source.attach_sink<HandsOver>([&held](int, Delivery delivery) { held = std::move(delivery); });
  LoopRef(loop).get()->post([&source] { EXPECT_THROW(source.emit(1), LoopError); });
  loop.run();
  ASSERT_TRUE(held.has_value());
  held->fail(std::make_exception_ptr(std::out_of_range("lost")));
  held.reset();
  EXPECT_THROW(source.drain(), std::out_of_range);
}

// Emits each element a second later, one by one, on behalf of nobody.
class Later : public Operator<Later, int, int> {
 public:
  explicit Later(Place place) : Operator<Later, int, int>(std::move(place), "later") {}

  void start() override { need_loop({}); }

  void receive(int value, Delivery& delivery) {
    loop()->call_at(loop()->now() + 1s,
                    while_alive([this, value, token = delivery.token(), flight = Flight(graph())]() mutable {
                      emit(value, std::move(token));
                    }));
  }

  int delivered_at_once = 0;
  int delivered_later = 0;

 private:
  void emit(int value, Token token) {
    if (deliver(
            *this, std::move(token), [&](Delivery& delivery) { push_down(value, delivery); },
            [this] { ++delivered_later; })) {
      ++delivered_at_once;
    }
  }
};

class OwnNodeWithTime : public ::testing::Test {
 protected:
  OwnNodeWithTime() : source(loop), later(source.attach<Later>()), behind(source.handle(later)) {}

  VirtualLoop loop;
  Stream<int> source;
  Later& later;
  Stream<int> behind;
  Tokens tokens;
};

TEST_F(OwnNodeWithTime, DrainWaitsForWhatAFlightCounts) {
  auto out = behind.sink_to_vector();
  source.emit(1, tokens(1));
  EXPECT_EQ(loop.elapsed(), 0s);
  EXPECT_THAT(tokens.released(), IsEmpty());
  source.drain();
  EXPECT_EQ(loop.elapsed(), 1s);
  EXPECT_THAT(out.values(), ElementsAre(1));
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  EXPECT_EQ(later.delivered_at_once, 1);
}

TEST_F(OwnNodeWithTime, DeliverTellsWhenASlowSinkHasTheElement) {
  behind.sink([this](int) -> asio::awaitable<void> { co_await pass_time(loop, 2s); });
  source.emit(1);
  loop.advance(2s);
  EXPECT_EQ(later.delivered_at_once, 0);
  EXPECT_EQ(later.delivered_later, 0);
  loop.advance(1s);
  EXPECT_EQ(later.delivered_later, 1);
}

TEST_F(OwnNodeWithTime, ErrorsOfWhatItDeliversGoToDrain) {
  behind.map(half).sink([](int) {});
  source.emit(1);
  EXPECT_THROW(source.drain(), std::runtime_error);
  behind.sink([this](int) -> asio::awaitable<void> {
    co_await pass_time(loop, 1s);
    throw std::invalid_argument("late");
  });
  source.emit(2);
  EXPECT_THROW(source.drain(), std::invalid_argument);
}

TEST_F(OwnNodeWithTime, WhileAliveCallsNothingWhenTheNodeIsGone) {
  auto out = behind.sink_to_vector();
  source.emit(1, tokens(1));
  behind.destroy();
  loop.run();
  EXPECT_THAT(out.values(), IsEmpty());
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  EXPECT_NO_THROW(source.drain());
}

// Passes elements while the last word of the second input is true.
template <class T>
class Gated : public Join<Gated<T>, T, T, bool> {
 public:
  Gated(Place place, bool open) : Join<Gated, T, T, bool>(std::move(place), "gated"), open_(open) {}

  template <std::size_t kIndex, class U>
  void receive(U&& value, Delivery& delivery) {
    if constexpr (kIndex == 1) {
      open_ = value;
    } else if (value < T()) {
      throw std::invalid_argument("negative");
    } else if (open_) {
      this->push_down(std::forward<U>(value), delivery);
    }
  }

  template <std::size_t kIndex>
  void input_ended(Delivery& delivery) {
    if constexpr (kIndex == 0) this->end_down(delivery);
  }

 private:
  bool open_;
};

template <class T>
Stream<T> gated(const Stream<T>& values, const Stream<bool>& open, bool at_first = false) {
  return join_streams<Gated<T>>(std::tie(values, open), at_first);
}

TEST(OwnJoin, TakesFromEachInputAndEndsWhenItSaysSo) {
  Stream<int> values;
  Stream<bool> open;
  auto out = gated(values, open).partition(5).sink_to_vector();
  values.emit(1);
  open.emit(true);
  values.emit(2);
  open.close();
  values.emit(3);
  EXPECT_THAT(out.values(), IsEmpty());
  values.close();
  EXPECT_THAT(out.values(), ElementsAre(ElementsAre(2, 3)));
}

TEST(OwnJoin, IsGivenTheArgumentsOfJoinStreamsAndThrowsUnderItsPolicy) {
  Stream<int> values;
  Stream<bool> open;
  auto node = gated(values, open, true);
  auto out = node.sink_to_vector();
  EXPECT_THROW(values.emit(-1), std::invalid_argument);
  node.on_error(ErrorPolicy::retry(1, {}, ErrorPolicy::skip()));
  EXPECT_NO_THROW(values.emit(-1));
  values.emit(1);
  EXPECT_THAT(out.values(), ElementsAre(1));
}

TEST(OwnJoin, OfStreamsOnDifferentLoopsIsRefused) {
  VirtualLoop one;
  VirtualLoop two;
  Stream<int> values(one);
  Stream<bool> open(two);
  EXPECT_THROW(gated(values, open), LoopError);
}

TEST(OwnJoin, HasAPortForEachInputThatAnyOutletMayLeadTo) {
  Stream<int> values;
  Stream<bool> open;
  Stream<bool> another;
  auto joined = gated(values, open);
  auto out = joined.sink_to_vector();
  auto& node = static_cast<Gated<int>&>(joined.outlet());
  Port<Gated<int>, 1, bool>& port = node.port<1>();
  Inlet<bool>& inlet = port;
  Outlet<bool>& outlet = another.outlet();
  node.graph()->join(*outlet.node().graph());
  outlet.connect(&inlet);
  EXPECT_EQ(another.downstreams(), std::vector<NodeHandle>{joined});
  another.emit(true);
  values.emit(1);
  EXPECT_THAT(out.values(), ElementsAre(1));
}

// Emits nothing: a sink.
class Sum : public Operator<Sum, int, Nothing> {
 public:
  Sum(Place place, int* sum) : Operator<Sum, int, Nothing>(std::move(place), "sum"), sum_(sum) {}
  void receive(int value, Delivery&) { *sum_ += value; }

 private:
  int* sum_;
};

TEST(OwnSink, EmitsNothing) {
  Stream<int> source;
  int sum = 0;
  const Sink sink = source.attach_sink<Sum>(&sum);
  source.emit(1);
  source.emit(2);
  EXPECT_EQ(sum, 3);
  EXPECT_EQ(sink.name(), "sum");
}

// Keeps what it is to send until the test says what became of it.
class Parcels : public SendingSink<Parcels, std::string> {
 public:
  using Waiting = std::deque<std::pair<std::string, std::unique_ptr<Sent>>>;
  Parcels(Place place, Waiting* waiting) : SendingSink(std::move(place), "parcels", 1), waiting_(waiting) {}
  void send(const std::string& value, Sent sent) {
    waiting_->emplace_back(value, std::make_unique<Sent>(std::move(sent)));
  }

 private:
  Waiting* waiting_;
};

TEST(OwnSink, ThatSendsMakesTheTokenWaitUntilTheElementHasArrived) {
  VirtualLoop loop;
  Stream<std::string> source(loop);
  Parcels::Waiting waiting;
  Tokens tokens;
  source.attach_sink<Parcels>(&waiting);
  source.emit("a", tokens(1));
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_EQ(waiting.front().first, "a");
  EXPECT_THAT(tokens.released(), IsEmpty());
  (*waiting.front().second)(nullptr);
  loop.run();
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  EXPECT_NO_THROW(source.drain());
}

TEST(OwnSink, ThatSendsTellsDrainWhatDidNotArrive) {
  VirtualLoop loop;
  Stream<std::string> source(loop);
  Parcels::Waiting waiting;
  source.attach_sink<Parcels>(&waiting);
  source.emit("a");
  ASSERT_EQ(waiting.size(), 1u);
  (*waiting.front().second)(std::make_exception_ptr(std::out_of_range("no such place")));
  EXPECT_THROW(source.drain(), std::out_of_range);
}

class Throws : public SendingSink<Throws, int> {
 public:
  explicit Throws(Place place) : SendingSink(std::move(place), "throws", 1) {}
  void send(const int& value, Sent sent) {
    if (value < 0) throw std::invalid_argument("negative");
    sent(nullptr);
  }
};

TEST(OwnSink, ThatThrowsInsteadOfSendingHasNotSentAndTellsWhatItThrew) {
  VirtualLoop loop;
  Stream<int> source(loop);
  source.attach_sink<Throws>();
  source.emit(-1);
  EXPECT_THROW(source.drain(), std::invalid_argument);
  source.emit(1);
  EXPECT_NO_THROW(source.drain());
}

}  // namespace
}  // namespace penstock::testing
