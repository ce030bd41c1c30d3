#include "penstock/detail/scatter_gate.hpp"

#include <gtest/gtest.h>

#include "penstock/virtual_loop.hpp"

namespace penstock::detail {
namespace {

// A cluster that is only a number of threads.
class NoCluster : public TaskPort {
 public:
  explicit NoCluster(LoopRef loop) : loop_(loop.get()) {}
  PlanPtr make_plan(std::vector<Stage>, TaskOptions) override { return nullptr; }
  PlanPtr call_plan(const TaskEntry&, const std::string&, const TaskOptions&) override { return nullptr; }
  PlanPtr call_plan(const Stage&, const TaskOptions&) override { return nullptr; }
  std::shared_ptr<void> expect_task(std::size_t) override { return nullptr; }
  CellPtr submit_again(const FailedTask&) override { return nullptr; }
  CellPtr submit(const PlanPtr&, Encoded, Want, WorkerNamePtr) override { return nullptr; }
  CellPtr bring(Encoded) override { return nullptr; }
  void cancel(const CellPtr&) override {}
  unsigned threads() const override { return 1; }
  const std::shared_ptr<Loop>& loop() const override { return loop_; }

 private:
  std::shared_ptr<Loop> loop_;
};

struct ScatterGateTest : testing::Test {
  void open(GateLimits limits) {
    gate = ScatterGate::create(
        limits, std::make_shared<NoCluster>(loop), graph,
        [this](RemoteElement&& element, Delivery&) {
          entered.push_back(element.bytes);
          tickets.push_back(std::move(element.ticket));
        },
        [this](Delivery&) { entered.push_back("end"); }, [this] { return in_cycle; });
  }
  // Whether the emit is over at once.
  bool enter(std::string bytes) {
    return over([&](Delivery& delivery) { gate->enter(std::move(bytes), 0, delivery); });
  }
  template <class Deliver>
  bool over(Deliver deliver) {
    Delivery delivery;
    deliver(delivery);
    const bool immediate = delivery.immediate();
    std::move(delivery).finish([this](std::exception_ptr) { ++emits_over; });
    return immediate;
  }
  void leave() {
    tickets.pop_front();
    loop.run_pending();
  }

  VirtualLoop loop;
  Shared<Graph> graph = Graph::create();
  GraphHold hold{graph};
  std::shared_ptr<ScatterGate> gate;
  std::vector<std::string> entered;
  std::deque<TicketPtr> tickets;
  int emits_over = 0;
  bool in_cycle = false;
};

TEST_F(ScatterGateTest, LetsElementsInWhileThereArePlaces) {
  open({.elements = 2});
  EXPECT_TRUE(enter("a"));
  EXPECT_TRUE(enter("b"));
  EXPECT_FALSE(enter("c"));
  EXPECT_EQ(entered, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(gate->in_window(), 2u);
}

TEST_F(ScatterGateTest, MakesAnEmitWaitForAPlace) {
  open({.elements = 1});
  enter("a");
  enter("b");
  EXPECT_EQ(emits_over, 1);
  leave();
  EXPECT_EQ(emits_over, 2);
  EXPECT_EQ(entered, (std::vector<std::string>{"a", "b"}));
}

TEST_F(ScatterGateTest, OpensAFullWindowAgainWhenAQuarterIsFree) {
  open({.elements = 8});
  for (int i = 0; i < 9; ++i) enter(std::to_string(i));
  EXPECT_EQ(entered.size(), 8u);
  leave();
  EXPECT_EQ(entered.size(), 8u);
  leave();
  EXPECT_EQ(entered.size(), 9u);
}

TEST_F(ScatterGateTest, KeepsTheOrderOfElementsThatWait) {
  open({.elements = 1});
  for (const char* bytes : {"a", "b", "c"}) enter(bytes);
  leave();
  enter("d");
  leave();
  leave();
  EXPECT_EQ(entered, (std::vector<std::string>{"a", "b", "c", "d"}));
}

TEST_F(ScatterGateTest, KeepsTheEndBehindElementsThatWait) {
  open({.elements = 1});
  enter("a");
  enter("b");
  Delivery delivery;
  gate->end(delivery);
  EXPECT_EQ(entered.back(), "a");
  leave();
  EXPECT_EQ(entered, (std::vector<std::string>{"a", "b", "end"}));
}

TEST_F(ScatterGateTest, IsInFlightWhileItsWindowIsNotEmpty) {
  open({.elements = 4});
  bool drained = false;
  enter("a");
  graph->when_drained([&](std::exception_ptr) { drained = true; });
  EXPECT_FALSE(drained);
  leave();
  EXPECT_TRUE(drained);
}

TEST_F(ScatterGateTest, WhatWaitsIsOnItsWay) {
  open({.elements = 1});
  enter("a");
  enter("b");
  bool drained = false;
  graph->when_drained([&](std::exception_ptr) { drained = true; });
  tickets.pop_front();  // nothing is in the window for a moment
  EXPECT_FALSE(drained);
  loop.run_pending();
  EXPECT_FALSE(drained);
  leave();
  EXPECT_TRUE(drained);
}

TEST_F(ScatterGateTest, WhatComesBackWithAnOutcomeDoesNotWait) {
  open({.elements = 1});
  enter("a");
  const auto with_outcome = [&](const std::string& bytes) {
    return over([&](Delivery& delivery) {
      const OutcomeDelivery scope(delivery);
      gate->enter(bytes, 0, delivery);
    });
  };
  EXPECT_FALSE(with_outcome("b")) << "of another scatter";
  in_cycle = true;
  EXPECT_TRUE(with_outcome("c"));
  EXPECT_FALSE(enter("d")) << "of nobody's";
  leave();
  leave();
  leave();
  EXPECT_EQ(entered, (std::vector<std::string>{"a", "b", "c", "d"}));
}

TEST_F(ScatterGateTest, WhatAFunctionEmitsThatHasAnOutcomeDoesNotWait) {
  open({.elements = 1});
  enter("a");
  const Delivery outcome;
  const OutcomeDelivery scope(outcome);
  EXPECT_TRUE(enter("b"));
}

TEST_F(ScatterGateTest, MakesSoManyOfANodesElementsWaitAsItHasPlaces) {
  open({.elements = 2});
  const auto room = Room::create(gate);
  enter("a");
  enter("b");  // the window is full; that does not matter
  std::vector<TicketPtr> made{room->admit({}), room->admit({}, 7)};
  EXPECT_EQ(key_of(made[1]), 7u);
  EXPECT_EQ(gate->in_window(), 4u);
  EXPECT_TRUE(over([&](Delivery& delivery) { room->wait(delivery); }));
  made.push_back(room->admit({}));
  EXPECT_FALSE(over([&](Delivery& delivery) { room->wait(delivery); }));
  const int before = emits_over;
  made.pop_back();
  loop.run_pending();
  EXPECT_EQ(emits_over, before + 1);
  EXPECT_EQ(gate->in_window(), 4u);
}

}  // namespace
}  // namespace penstock::detail
