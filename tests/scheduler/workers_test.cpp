#include "tests/support/scheduler_core_fixture.hpp"

namespace penstock::scheduler::testing {
namespace {

class Workers : public SchedulerCoreTest {};

TEST_F(Workers, GetWaitingTasksWhenTheyJoin) {
  have_client(1);
  have_plan(1, 1);
  submit(1, 1, "a");
  submit(1, 2, "b");
  join_worker(1, {.threads = 2});
  EXPECT_THAT(taken(), ElementsAre("cluster c1 workers=1 threads=2", "plan w1 p1 'square'",
                                   "run w1 t0 a1 p1 'a'", "run w1 t1 a1 p1 'b'"));
}

TEST_F(Workers, OfANameThatIsConnectedAreRefused) {
  have_worker(1, {.name = "x"});
  join_worker(2, {.name = "x"});
  EXPECT_THAT(taken(), ElementsAre("close w2 'a worker named 'x' is connected already; give this "
                                   "one another --name'"));
  EXPECT_EQ(counters().refused_peers, 1u);
  handle(WorkerHeard{WorkerId{2}});
  EXPECT_EQ(counters().dropped_other, 1u);
}

TEST_F(Workers, ReplaceASilentOneOfTheirName) {
  have_client(1);
  have_worker(1, {.name = "x"});
  have_plan(1, 1);
  submit(1, 1, "a");
  taken();
  workers_.clear();
  advance(2s + 1ms);
  join_worker(2, {.name = "x"});
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("close w1 "), "cluster c1 workers=0 threads=0",
                                   "cluster c1 workers=1 threads=1", "plan w2 p1 'square'",
                                   "run w2 t0 a2 p1 'a'"));
}

TEST_F(Workers, WithUnusableHellosAreRefused) {
  join_worker(1, {.threads = 0});
  EXPECT_THAT(taken(), ElementsAre("close w1 'a worker must have 1 to 1024 threads, not 0'"));
  join_worker(2, {.threads = 1025});
  EXPECT_THAT(taken(), ElementsAre("close w2 'a worker must have 1 to 1024 threads, not 1025'"));
  handle(WorkerJoined{WorkerId{3}, ""});
  EXPECT_THAT(taken(), ElementsAre("close w3 'the worker's name must have 1 to 256 bytes'"));
  join_worker(4, {.name = std::string(257, 'x')});
  EXPECT_THAT(taken(), ElementsAre("close w4 'the worker's name must have 1 to 256 bytes'"));
  join_worker(5, {.modules = std::vector<std::string>(1001, "m")});
  EXPECT_THAT(taken(), ElementsAre("close w5 'a worker may have at most 1000 modules, not 1001'"));
  join_worker(6, {.modules = {""}});
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("close w6 'build-ids must have")));
  EXPECT_EQ(counters().refused_peers, 6u);
}

TEST_F(Workers, BeyondTheLimitsAreRefused) {
  restart({.max_workers = 2, .max_module_sets = 1});
  have_worker(1);
  join_worker(2, {.modules = {"other"}});
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("have 1 different set of modules")));
  have_worker(3);
  join_worker(4);
  EXPECT_THAT(taken(), ElementsAre("close w4 'the scheduler has 2 workers, its limit'"));
}

TEST_F(Workers, ThatJoinTwiceAreCountedAndDropped) {
  have_worker(1);
  handle(WorkerJoined{WorkerId{1}, "again"});
  EXPECT_EQ(counters().dropped_other, 1u);
}

TEST_F(Workers, ThatAreUnknownAreCountedAndDropped) {
  handle(WorkerLeft{WorkerId{9}});
  handle(WorkerLeaving{WorkerId{9}});
  handle(WorkerHeard{WorkerId{9}});
  handle(WorkerReported{WorkerId{9}});
  handle(TaskReturned{WorkerId{9}, task_id(0)});
  finish(9, task_id(0));
  worker_exited("nobody", 9, {});
  EXPECT_EQ(counters().dropped_other, 7u);
}

TEST_F(Workers, ThatAreLeavingGetNoMoreTasks) {
  have_one_of_each();
  submit(1, 1);
  taken();
  submit(1, 2);
  handle(WorkerLeaving{WorkerId{1}});
  EXPECT_THAT(taken(), ElementsAre("cluster c1 workers=0 threads=0"));
  finish(1, task_id(0));
  EXPECT_THAT(taken(), ElementsAre("outcome c1 1 = 'done' (1000ms)"));
  EXPECT_TRUE(snapshot().workers[0].leaving);
}

TEST_F(Workers, ThatLeftWithNothingToDoAreNotLost) {
  have_one_of_each();
  handle(WorkerLeaving{WorkerId{1}});
  taken();
  worker_left(1);
  EXPECT_EQ(counters().workers_lost, 0u);
}

TEST_F(Workers, HandTasksBackToTheFrontWithoutBlame) {
  restart({.max_lost_workers = 1});
  have_one_of_each();
  measure(1, 100us);
  for (std::uint64_t id = 2; id <= 4; ++id) {
    submit(1, id, std::to_string(id));
    taken();
  }
  handle(WorkerLeaving{WorkerId{1}});
  taken();
  handle(TaskReturned{WorkerId{1}, task_id(1)});
  handle(TaskReturned{WorkerId{1}, task_id(2)});
  submit(1, 5, "d");
  finish(1, task_id(0, 2));
  taken();
  worker_left(1);
  EXPECT_THAT(taken(), IsEmpty());
  join_worker(2);
  EXPECT_THAT(taken(), ElementsAre("cluster c1 workers=1 threads=1", "plan w2 p1 'square'",
                                   "run w2 t1 a2 p1 '3'"));
}

TEST_F(Workers, CanHandBackOnlyWhatTheyHave) {
  have_one_of_each();
  have_worker(2);
  submit(1, 1);
  taken();
  handle(TaskReturned{WorkerId{2}, task_id(0)});
  handle(TaskReturned{WorkerId{1}, task_id(5)});
  EXPECT_EQ(counters().dropped_outcomes, 2u);
}

TEST_F(Workers, ThatStayMayHandTasksBackToo) {
  have_one_of_each();
  submit(1, 1, "a");
  taken();
  handle(TaskReturned{WorkerId{1}, task_id(0)});
  EXPECT_THAT(taken(), ElementsAre("run w1 t0 a2 p1 'a'"));
}

TEST_F(Workers, ReportMemoryAndProcessorTime) {
  have_worker(1, {.memory_limit = 2000});
  handle(WorkerReported{WorkerId{1}, 1000, 1.5});
  const WorkerSnapshot shown = snapshot().workers.at(0);
  EXPECT_EQ(shown.memory, 1000u);
  EXPECT_EQ(shown.memory_limit, 2000u);
  EXPECT_EQ(shown.cpu, 1.5);
}

TEST_F(Workers, ThatAreSilentAreClosedAndTheirTasksRunElsewhere) {
  have_one_of_each();
  submit(1, 1, "a");
  taken();
  workers_.clear();
  advance(5500ms);
  have_worker(2);
  taken();
  advance(500ms);
  EXPECT_THAT(taken(), ElementsAre("cluster c1 workers=1 threads=1",
                                   "close w1 'nothing was heard for 5000 ms'",
                                   "plan w2 p1 'square'", "run w2 t0 a2 p1 'a'"));
}

TEST_F(Workers, ThatAreSilentTogetherAreNotBlamedForOneAnothersTasks) {
  restart({.max_lost_workers = 2});
  have_one_of_each();
  have_worker(2);
  submit(1, 1, "a");
  taken();
  workers_.clear();
  advance(6s);
  EXPECT_THAT(taken(), ElementsAre("cluster c1 workers=0 threads=0", HasSubstr("close w1"),
                                   HasSubstr("close w2")));
  EXPECT_EQ(snapshot().waiting, 1u);
}

}  // namespace
}  // namespace penstock::scheduler::testing
