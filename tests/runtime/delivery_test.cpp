#include "penstock/detail/delivery.hpp"

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using detail::Delivery;

std::exception_ptr error_of(const char* text) {
  return std::make_exception_ptr(std::runtime_error(text));
}

struct Finished {
  int times = 0;
  std::string error;

  Delivery::Done done() {
    return [this](std::exception_ptr failure) {
      ++times;
      error = what(failure);
    };
  }
};

TEST(Delivery, IsImmediateWhenNobodyHolds) {
  Delivery delivery;
  EXPECT_TRUE(delivery.immediate());
  EXPECT_EQ(delivery.take_error(), nullptr);
}

TEST(Delivery, FinishesAtOnceWhenNobodyHolds) {
  Finished finished;
  Delivery delivery;
  delivery.fail(error_of("first"));
  std::move(delivery).finish(finished.done());
  EXPECT_EQ(finished.times, 1);
  EXPECT_EQ(finished.error, "first");
}

TEST(Delivery, WaitsForEveryHold) {
  Finished finished;
  Delivery delivery;
  std::optional<Delivery> a(delivery.hold());
  std::optional<Delivery> b(a->hold());
  EXPECT_FALSE(delivery.immediate());
  std::move(delivery).finish(finished.done());
  a.reset();
  EXPECT_EQ(finished.times, 0);
  b.reset();
  EXPECT_EQ(finished.times, 1);
  EXPECT_EQ(finished.error, "");
}

TEST(Delivery, FinishesAtOnceWhenAllHoldsAreGoneAlready) {
  Finished finished;
  Delivery delivery;
  delivery.hold();
  std::move(delivery).finish(finished.done());
  EXPECT_EQ(finished.times, 1);
}

TEST(Delivery, KeepsTheFirstErrorOfAll) {
  Finished finished;
  Delivery delivery;
  delivery.fail(error_of("before the hold"));
  {
    Delivery held = delivery.hold();
    held.fail(error_of("by the hold"));
    std::move(delivery).finish(finished.done());
  }
  EXPECT_EQ(finished.error, "before the hold");
}

TEST(Delivery, LetsGoWhenItIsAssignedTo) {
  Finished finished;
  Delivery delivery;
  Delivery held = delivery.hold();
  std::move(delivery).finish(finished.done());
  held = {};
  EXPECT_EQ(finished.times, 1);
}

TEST(Delivery, HasOneIdWithItsHolds) {
  Delivery delivery;
  Delivery other;
  EXPECT_NE(delivery.id(), other.id());
  const Delivery held = delivery.hold();
  EXPECT_EQ(delivery.id(), held.id());
  EXPECT_NE(delivery.id(), other.id());
}

TEST(Delivery, HoldsMayBeLetGoFromAnyThread) {
  for (int round = 0; round < 200; ++round) {
    std::promise<void> finished;
    auto future = finished.get_future();
    Delivery delivery;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([held = delivery.hold(), i]() mutable {
        if (i == 0) held.fail(error_of("one"));
        held = {};
      });
    }
    std::move(delivery).finish([&](std::exception_ptr error) {
      EXPECT_EQ(what(error), "one");
      finished.set_value();
    });
    for (auto& thread : threads) thread.join();
    ASSERT_TRUE(arrives(future));
  }
}

}  // namespace
}  // namespace penstock
