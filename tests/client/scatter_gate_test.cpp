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
  CellPtr submit(const PlanPtr&, Encoded, Want) override { return nullptr; }
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
        [this](Delivery&) { entered.push_back("end"); });
  }
  // Whether the emit is over at once.
  bool enter(std::string bytes) {
    Delivery delivery;
    gate->enter(std::move(bytes), 0, delivery);
    const bool over = delivery.immediate();
    std::move(delivery).finish([this](std::exception_ptr) { ++emits_over; });
    return over;
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

TEST_F(ScatterGateTest, WhatComesBackDuringADeliveryDoesNotWait) {
  open({.elements = 1});
  enter("a");
  {
    const OutcomeDelivery delivering;
    EXPECT_TRUE(enter("b"));
  }
  EXPECT_FALSE(enter("c"));
  leave();
  EXPECT_EQ(entered, (std::vector<std::string>{"a", "b"}));
  leave();
  EXPECT_EQ(entered, (std::vector<std::string>{"a", "b", "c"}));
}

}  // namespace
}  // namespace penstock::detail
