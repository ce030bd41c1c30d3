#include "tests/support/scheduler_core_fixture.hpp"

namespace penstock::scheduler::testing {
namespace {

class Plans : public SchedulerCoreTest {};

TEST_F(Plans, AreSentOncePerWorkerAheadOfTheFirstTask) {
  have_client(1);
  have_worker(1, {.threads = 2});
  have_plan(1, 1);
  submit(1, 1, "a");
  EXPECT_THAT(taken(), ElementsAre("plan w1 p1 'square'", "run w1 t0 a1 p1 'a'"));
  submit(1, 2, "b");
  EXPECT_THAT(taken(), ElementsAre("run w1 t1 a1 p1 'b'"));
}

TEST_F(Plans, AreSharedBetweenClientsByDefinition) {
  have_client(1);
  have_client(2);
  have_worker(1, {.threads = 2});
  have_plan(1, 1);
  have_plan(2, 5);
  submit(1, 1, "a");
  taken();
  submit(2, 1, "b", 5);
  EXPECT_THAT(taken(), ElementsAre("run w1 t1 a1 p1 'b'"));
  EXPECT_EQ(snapshot().plans.size(), 1u);
}

TEST_F(Plans, WithOtherModulesAreOthers) {
  have_client(1);
  have_plan(1, 1);
  have_plan(1, 2, {.modules = {"app", "more"}});
  EXPECT_EQ(snapshot().plans.size(), 2u);
}

TEST_F(Plans, AreForgottenWhenNobodyRefersToThem) {
  have_one_of_each();
  have_client(2);
  have_plan(2, 1);
  submit(1, 1);
  taken();
  finish(1, task_id(0));
  taken();
  handle(PlanForgotten{ClientId{1}, 1});
  client_left(2);
  EXPECT_THAT(taken(), ElementsAre("forget-plan w1 p1"));
  EXPECT_THAT(snapshot().plans, IsEmpty());
}

TEST_F(Plans, LiveUntilTheirLastTaskIsDone) {
  have_one_of_each();
  submit(1, 1);
  taken();
  handle(PlanForgotten{ClientId{1}, 1});
  finish(1, task_id(0));
  EXPECT_THAT(taken(), ElementsAre("outcome c1 1 = 'done' (1000ms)", "forget-plan w1 p1"));
}

TEST_F(Plans, ThatComeAgainAreSentAgain) {
  have_one_of_each();
  submit(1, 1);
  taken();
  finish(1, task_id(0));
  taken();
  handle(PlanForgotten{ClientId{1}, 1});
  taken();
  have_plan(1, 2);
  submit(1, 2, "x", 2);
  EXPECT_THAT(taken(), ElementsAre("plan w1 p2 'square'", "run w1 t0.2 a1 p2 'x'"));
}

TEST_F(Plans, ThatAreUnknownFailTheirTasks) {
  have_one_of_each();
  submit(1, 1, "x", 7);
  EXPECT_THAT(taken(),
              ElementsAre("outcome c1 1 = !refused 'plan 7 is not defined in this session; define "
                          "it first' {task=plan 7, worker=, attempt=0}"));
  EXPECT_EQ(counters().failed, 1u);
}

TEST_F(Plans, BeyondTheLimitFailTheirTasks) {
  restart({.max_plans = 1});
  have_client(1);
  have_client(2);
  have_plan(1, 1);
  have_plan(2, 1, {.definition = "other"});
  submit(2, 1);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("!refused 'the scheduler has 1 plan, its limit")));
}

TEST_F(Plans, WithTooManyDifferentModuleSetsFailTheirTasks) {
  restart({.max_module_sets = 1});
  have_client(1);
  have_plan(1, 1);
  have_plan(1, 2, {.definition = "other"});
  have_plan(1, 3, {.definition = "third", .modules = {"lib"}});
  submit(1, 1, "x", 3);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("need 1 different set of modules and resources, its limit")));
}

TEST_F(Plans, ThatCannotBeTakenFailTheirTasks) {
  have_client(1);
  have_plan(1, 1, {.modules = {""}});
  have_plan(1, 2, {.label = std::string(2000, 'x')});
  have_plan(1, 3, {.modules = std::vector<std::string>(1001, "m")});
  submit(1, 1, "", 1);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("build-ids of a plan's modules")));
  submit(1, 2, "", 2);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("at most 1024 bytes")));
  submit(1, 3, "", 3);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("more than 1000 modules")));
}

TEST_F(Plans, DefinedTwiceOrForgottenTwiceAreCountedAndDropped) {
  have_client(1);
  have_plan(1, 1);
  have_plan(1, 1, {.definition = "other"});
  handle(PlanForgotten{ClientId{1}, 1});
  handle(PlanForgotten{ClientId{1}, 1});
  EXPECT_EQ(counters().dropped_other, 2u);
}

}  // namespace
}  // namespace penstock::scheduler::testing
