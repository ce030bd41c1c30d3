#include "tests/support/scheduler_core_fixture.hpp"

namespace penstock::scheduler::testing {
namespace {

class Waits : public SchedulerCoreTest {
 protected:
  const std::string mine_ = std::string("\x01\x23\x45\x67\x89\xab\xcd", 7);
  const std::string other_ = std::string("\xff\xee\xdd\xcc\xbb\xaa\x99", 7);

  void have_task_of_my_module() {
    have_client(1);
    have_plan(1, 1, {.modules = {mine_}, .label = "score", .module_name = "trader"});
    submit(1, 1, "x");
  }

  void have_worker_of_other_module(std::uint64_t id) {
    handle(WorkerJoined{WorkerId{id}, "w" + std::to_string(id), 1, {{other_, "weather", 2}}});
    taken();
    workers_.push_back(id);
  }
};

TEST_F(Waits, ForAnyWorkerEndAfterNoWorkerTimeout) {
  have_task_of_my_module();
  EXPECT_THAT(logs_.back(), HasSubstr("tasks of client 'c1' wait: no worker is connected"));
  advance(59s);
  EXPECT_THAT(taken(), IsEmpty());
  advance(1s);
  EXPECT_THAT(taken(), ElementsAre("outcome c1 1 = !no_worker 'no worker is connected to the "
                                   "scheduler; start one with: penstock-worker --scheduler "
                                   "HOST:PORT --app ./YOUR_PROGRAM' {task=score, worker=, "
                                   "attempt=0}"));
}

TEST_F(Waits, ForAnyWorkerTellHowTheLastOneEndedAndWhatToDo) {
  restart({.no_worker_advice = "be patient"});
  have_task_of_my_module();
  have_worker(1, {.modules = {mine_}, .supervised = true});
  taken();
  worker_left(1);
  taken();
  handle(WorkerExited{.name = "w1", .signal = 11});
  const auto text = HasSubstr("no worker is connected to the scheduler (the last one, 'w1' died: signal 11 "
                              "(SIGSEGV)); be patient");
  EXPECT_THAT(logs_.back(), text);
  taken();
  advance(1min);
  EXPECT_THAT(taken(), ElementsAre(text));
}

TEST_F(Waits, ForTheCodeEndAfterCodeTimeout) {
  have_worker_of_other_module(1);
  have_task_of_my_module();
  EXPECT_THAT(logs_.back(), HasSubstr("tasks of client 'c1' wait: code not available: score"));
  advance(9s);
  EXPECT_THAT(taken(), IsEmpty());
  advance(1s);
  EXPECT_THAT(taken(),
              ElementsAre("outcome c1 1 = !code_not_available 'code not available: score belongs "
                          "to trader (build 0123456789ab), which no worker has. Modules with "
                          "tasks on the workers: weather (build ffeeddccbbaa). Start the workers "
                          "with this build of the program (--app), or load its library there (--load).' {task=score, worker=, "
                          "attempt=0}"));
}

TEST_F(Waits, NameTheOtherModulesOfAPlanThatNeedsSeveral) {
  have_worker_of_other_module(1);
  have_client(1);
  have_plan(1, 1, {.modules = {mine_, other_}});
  submit(1, 1);
  advance(10s);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("belongs to program (build 0123456789ab) and needs "
                                             "the builds ffeeddccbbaa as well")));
}

TEST_F(Waits, EndWhenAWorkerWithTheCodeJoins) {
  have_worker_of_other_module(1);
  have_task_of_my_module();
  advance(9s);
  join_worker(2, {.modules = {mine_}});
  EXPECT_THAT(taken(), ElementsAre("cluster c1 workers=2 threads=2", "plan w2 p1 'square'",
                                   "run w2 t0 a1 p1 'x'"));
  advance(1min);
  EXPECT_THAT(taken(), IsEmpty());
}

TEST_F(Waits, GoOnWhenAnotherWorkerWithoutTheCodeJoins) {
  have_worker_of_other_module(1);
  have_task_of_my_module();
  advance(9s);
  have_worker_of_other_module(2);
  advance(1s);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("!code_not_available")));
}

TEST_F(Waits, ForTheCodeBeginWhenTheFirstWorkerJoins) {
  have_task_of_my_module();
  advance(59s);
  have_worker_of_other_module(1);
  advance(9s);
  EXPECT_THAT(taken(), IsEmpty());
  advance(1s);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("!code_not_available")));
}

TEST_F(Waits, ForAnyWorkerBeginWhenTheLastWorkerIsLost) {
  have_worker_of_other_module(1);
  have_task_of_my_module();
  advance(9s);
  worker_left(1);
  taken();
  advance(59s);
  EXPECT_THAT(taken(), IsEmpty());
  advance(1s);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("!no_worker")));
}

TEST_F(Waits, BeginWhenTheOnlyWorkerWithTheCodeIsLeaving) {
  have_worker_of_other_module(1);
  have_worker(2, {.modules = {mine_}});
  have_task_of_my_module();
  taken();
  submit(1, 2);
  handle(WorkerLeaving{WorkerId{2}});
  taken();
  advance(10s);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("outcome c1 2 = !code_not_available")));
}

TEST_F(Waits, OfOneLaneDoNotEndAnother) {
  have_task_of_my_module();
  advance(30s);
  have_client(2);
  have_plan(2, 1, {.modules = {mine_}});
  submit(2, 1);
  advance(30s);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("outcome c1 1 = !no_worker")));
  advance(30s);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("outcome c2 1 = !no_worker")));
}

TEST_F(Waits, EndWithTheirTasks) {
  have_task_of_my_module();
  cancel(1, 1);
  advance(2min);
  EXPECT_THAT(taken(), IsEmpty());
  handle(PlanForgotten{ClientId{1}, 1});
}

TEST_F(Waits, MayOutliveThePlansDefinition) {
  have_task_of_my_module();
  handle(PlanForgotten{ClientId{1}, 1});
  advance(1min);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("!no_worker")));
  EXPECT_THAT(snapshot().plans, IsEmpty());
}

}  // namespace
}  // namespace penstock::scheduler::testing
