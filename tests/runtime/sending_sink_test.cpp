// The base of sinks that are told later what became of an element.
#include "penstock/detail/sending_sink.hpp"

#include <thread>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

// Keeps what it is given until the test says what became of it.
struct Outside {
  struct Entry {
    int value;
    absl::AnyInvocable<void(std::exception_ptr)> sent;
  };
  std::deque<Entry> entries;
  bool refuse = false;

  void arrived() {
    auto entry = std::move(entries.front());
    entries.pop_front();
    entry.sent(nullptr);
  }
  void lost(const char* why) {
    auto entry = std::move(entries.front());
    entries.pop_front();
    entry.sent(std::make_exception_ptr(std::runtime_error(why)));
  }
};

class OutsideSink : public detail::SendingSink<OutsideSink, int> {
 public:
  OutsideSink(detail::Place place, Outside* outside, std::size_t window)
      : SendingSink(std::move(place), "outside", window), outside_(outside) {}
  void send(const int& value, Sent sent) {
    if (outside_->refuse) return sent(std::make_exception_ptr(std::runtime_error("refused")));
    outside_->entries.push_back(
        {value, [sent = std::move(sent)](std::exception_ptr error) mutable { sent(std::move(error)); }});
  }

 private:
  Outside* outside_;
};

class SendingSink : public ::testing::Test {
 protected:
  SendingSink() : source(loop) {}
  Sink sink(std::size_t window) {
    return source.attach_sink<OutsideSink>(&outside, window);
  }

  Outside outside;
  VirtualLoop loop;
  Stream<int> source;
  Tokens tokens;
};

TEST_F(SendingSink, EmitReturnsWhenTheElementIsOnItsWayAndTheTokenWhenItArrived) {
  sink(2);
  Outcome emitted;
  source.async_emit(1, tokens(1), emitted.token());
  loop.run();
  EXPECT_TRUE(emitted.done());
  EXPECT_THAT(tokens.released(), IsEmpty());
  outside.arrived();
  loop.run();
  EXPECT_THAT(tokens.released(), ElementsAre(1));
}

TEST_F(SendingSink, EmitWaitsForAPlaceInTheWindow) {
  sink(1);
  Outcome first, second;
  source.async_emit(1, first.token());
  source.async_emit(2, second.token());
  loop.run();
  EXPECT_TRUE(first.done());
  EXPECT_FALSE(second.done());
  EXPECT_EQ(outside.entries.size(), 1u);
  outside.arrived();
  loop.run();
  EXPECT_TRUE(second.done());
  EXPECT_EQ(outside.entries.front().value, 2);
  outside.arrived();
  loop.run();
}

TEST_F(SendingSink, DrainWaitsForWhatIsOnItsWay) {
  sink(8);
  source.async_emit(1, asio::detached);
  loop.run();
  Outcome drained;
  source.async_drain(drained.token());
  loop.run();
  EXPECT_FALSE(drained.done());
  outside.arrived();
  loop.run();
  EXPECT_TRUE(drained.done());
}

TEST_F(SendingSink, DrainReturnsWhenTheTokenHasBeenReleased) {
  sink(8);
  std::vector<std::string> order;
  const auto note = [&](const char* event) {
    return [&order, event](auto&&...) { order.emplace_back(event); };
  };
  Token token([&] { asio::post(loop.executor(), note("released")); });
  source.async_emit(1, std::move(token), asio::detached);
  loop.run();
  source.async_drain(note("drained"));
  outside.arrived();
  loop.run();
  EXPECT_THAT(order, ElementsAre("released", "drained"));
}

TEST_F(SendingSink, TheEndWaitsForAll) {
  sink(8);
  source.async_emit(1, asio::detached);
  Outcome closed;
  source.async_close(closed.token());
  loop.run();
  EXPECT_FALSE(closed.done());
  outside.arrived();
  loop.run();
  EXPECT_TRUE(closed.done());
}

TEST_F(SendingSink, WhatDidNotArriveGoesToDrain) {
  sink(8);
  source.async_emit(1, tokens(1), asio::detached);
  loop.run();
  outside.lost("broker is full");
  loop.run();
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  EXPECT_THROW(source.drain(), std::runtime_error);
}

TEST_F(SendingSink, RetrySendsItAgainAfterAPause) {
  sink(8).on_error(ErrorPolicy::retry(2, 100ms));
  source.async_emit(1, tokens(1), asio::detached);
  loop.run_pending();
  outside.lost("away");
  loop.run_pending();
  EXPECT_TRUE(outside.entries.empty());
  EXPECT_THAT(tokens.released(), IsEmpty());
  loop.advance(100ms);
  ASSERT_EQ(outside.entries.size(), 1u);
  outside.arrived();
  loop.run_pending();
  EXPECT_THAT(tokens.released(), ElementsAre(1));
  source.drain();
}

TEST_F(SendingSink, DeadLetterGetsTheElement) {
  Stream<Failure> errors(loop);
  std::vector<int> failed;
  errors.sink([&](const Failure& failure) { failed.push_back(std::any_cast<int>(failure.element)); });
  sink(8).on_error(ErrorPolicy::dead_letter(errors));
  source.async_emit(7, asio::detached);
  loop.run();
  outside.lost("away");
  loop.run();
  EXPECT_THAT(failed, ElementsAre(7));
  source.drain();
}

TEST_F(SendingSink, OneThatIsDroppedUncalledDidNotArrive) {
  sink(8);
  source.async_emit(1, asio::detached);
  loop.run();
  outside.entries.clear();
  loop.run();
  EXPECT_THROW(source.drain(), Error);
}

TEST_F(SendingSink, ALongRowOfRefusalsDoesNotGoDeep) {
  sink(1);
  source.async_emit(0, asio::detached);
  for (int x = 1; x < 100'000; ++x) source.async_emit(x, asio::detached);
  loop.run();
  outside.refuse = true;
  outside.arrived();
  loop.run();
  EXPECT_THROW(source.drain(), std::runtime_error);
}

TEST_F(SendingSink, MayBeToldOnAnotherThread) {
  LoopThread thread;
  Stream<int> stream(thread);
  stream.attach_sink<OutsideSink>(&outside, 1);
  for (int x = 0; x < 1'000; ++x) {
    stream.async_emit(x, asio::use_future).get();
    std::thread([&] { outside.arrived(); }).join();
  }
  stream.drain();
}

TEST_F(SendingSink, DestroyedItLetsGoOfWhatWaits) {
  auto handle = sink(1);
  Outcome first, second;
  source.async_emit(1, tokens(1), first.token());
  source.async_emit(2, tokens(2), second.token());
  loop.run();
  handle.destroy();
  loop.run();
  EXPECT_TRUE(second.done());
  EXPECT_THAT(tokens.released(), ElementsAre(2));
  outside.arrived();
  loop.run();
  EXPECT_THAT(tokens.released(), ElementsAre(2, 1));
}

TEST_F(SendingSink, DrainWaitsForItsDeadLetterAndTellsWhatWentWrongThere) {
  Gate gate;
  Stream<Failure> errors(loop);
  errors.sink([&](const Failure&) -> asio::awaitable<void> {
    co_await gate.pass();
    throw std::runtime_error("no room for the failure");
  });
  sink(8).on_error(ErrorPolicy::dead_letter(errors));
  source.async_emit(7, asio::detached);
  loop.run();
  outside.lost("away");
  loop.run_pending();
  Outcome drained;
  source.async_drain(drained.token());
  loop.run_pending();
  EXPECT_FALSE(drained.done());
  gate.open_for_one();
  loop.run();
  ASSERT_TRUE(drained.done());
  EXPECT_EQ(drained.error(), "no room for the failure");
}

}  // namespace
}  // namespace penstock
