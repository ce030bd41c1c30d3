#include "tests/support/scheduler_core_fixture.hpp"

namespace penstock::scheduler::testing {
namespace {

class Clients : public SchedulerCoreTest {};

TEST_F(Clients, AreToldTheClusterStateWhenTheyJoin) {
  have_worker(1, {.threads = 4});
  handle(ClientJoined{ClientId{1}, "app"});
  EXPECT_THAT(taken(), ElementsAre("cluster c1 workers=1 threads=4"));
}

TEST_F(Clients, AreToldTheClusterStateWhenWorkersComeAndGo) {
  have_client(1);
  have_client(2);
  join_worker(7, {.threads = 2});
  EXPECT_THAT(taken(),
              ElementsAre("cluster c1 workers=1 threads=2", "cluster c2 workers=1 threads=2"));
  worker_left(7);
  EXPECT_THAT(taken(),
              ElementsAre("cluster c1 workers=0 threads=0", "cluster c2 workers=0 threads=0"));
}

TEST_F(Clients, AreRefusedWithoutAName) {
  handle(ClientJoined{ClientId{1}, ""});
  EXPECT_THAT(taken(), ElementsAre("close c1 'the client's name must have 1 to 256 bytes'"));
  EXPECT_EQ(counters().refused_peers, 1u);
  handle(ClientHeard{ClientId{1}});
  EXPECT_EQ(counters().dropped_other, 1u);
}

TEST_F(Clients, AreRefusedBeyondTheLimit) {
  restart({.max_clients = 1});
  have_client(1);
  handle(ClientJoined{ClientId{2}, "c2"});
  EXPECT_THAT(taken(), ElementsAre("close c2 'the scheduler has 1 client, its limit'"));
}

TEST_F(Clients, ThatJoinTwiceAreCountedAndDropped) {
  have_client(1);
  handle(ClientJoined{ClientId{1}, "again"});
  EXPECT_EQ(counters().dropped_other, 1u);
  EXPECT_EQ(snapshot().clients.size(), 1u);
}

TEST_F(Clients, ThatLeaveTakeTheirTasksWithThem) {
  have_one_of_each();
  submit(1, 1, "a");
  taken();
  submit(1, 2, "b");
  client_left(1);
  EXPECT_THAT(taken(), ElementsAre("cancel w1 t0", "forget-plan w1 p1"));
  EXPECT_EQ(snapshot().waiting + snapshot().assigned, 0u);
  EXPECT_EQ(counters().clients_lost, 1u);
}

TEST_F(Clients, ThatLeaveMakeRoomForOthers) {
  have_one_of_each();
  have_client(2);
  have_plan(2, 1);
  submit(1, 1, "a");
  taken();
  submit(2, 1, "b");
  client_left(1);
  EXPECT_THAT(taken(), ElementsAre("cancel w1 t0", "run w1 t1 a1 p1 'b'"));
}

TEST_F(Clients, ThatLeaveMakeLateOutcomesWorthless) {
  have_one_of_each();
  submit(1, 1);
  taken();
  client_left(1);
  taken();
  finish(1, task_id(0));
  EXPECT_EQ(counters().dropped_outcomes, 1u);
}

TEST_F(Clients, ThatLeaveWithNothingUnfinishedAreNotLost) {
  have_one_of_each();
  client_left(1);
  EXPECT_EQ(counters().clients_lost, 0u);
}

TEST_F(Clients, ThatAreSilentAreClosedAndTheirTasksDropped) {
  have_one_of_each();
  submit(1, 1);
  taken();
  clients_.clear();
  advance(5s);
  EXPECT_THAT(taken(), IsEmpty());
  advance(1s);
  EXPECT_THAT(taken(), ElementsAre("close c1 'nothing was heard for 5000 ms'", "cancel w1 t0",
                                   "forget-plan w1 p1"));
}

TEST_F(Clients, KeepTheirConnectionByAnyMessage) {
  have_one_of_each();
  clients_.clear();
  for (std::uint64_t id = 1; id < 20; ++id) {
    advance(1s);
    submit(1, id, "", 99);
    EXPECT_THAT(taken(), ElementsAre(HasSubstr("!refused")));
  }
}

TEST_F(Clients, ThatAreUnknownAreCountedAndDropped) {
  handle(ClientLeft{ClientId{9}});
  handle(ClientHeard{ClientId{9}});
  handle(PlanForgotten{ClientId{9}, 1});
  have_plan(9, 1);
  submit(9, 1);
  cancel(9, 1);
  EXPECT_EQ(counters().dropped_other, 6u);
}

}  // namespace
}  // namespace penstock::scheduler::testing
