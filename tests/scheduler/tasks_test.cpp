#include "tests/support/scheduler_core_fixture.hpp"

namespace penstock::scheduler::testing {
namespace {

class Tasks : public SchedulerCoreTest {};

TEST_F(Tasks, GoToAnIdleWorkerAndTheirOutcomesToTheClient) {
  have_one_of_each();
  submit(1, 5, "x");
  EXPECT_THAT(taken(), ElementsAre("plan w1 p1 'square'", "run w1 t0 a1 p1 'x'"));
  finish(1, task_id(0), 1, absl::Cord("y"), 2ms);
  EXPECT_THAT(taken(), ElementsAre("outcome c1 5 = 'y' (2ms)"));
}

TEST_F(Tasks, WaitInOrderWhenEveryWorkerIsBusy) {
  have_one_of_each();
  submit(1, 1, "a");
  taken();
  submit(1, 2, "b");
  submit(1, 3, "c");
  finish(1, task_id(0));
  EXPECT_THAT(taken(), ElementsAre("outcome c1 1 = 'done' (1000ms)", "run w1 t1 a1 p1 'b'"));
  finish(1, task_id(1));
  EXPECT_THAT(taken(), ElementsAre("outcome c1 2 = 'done' (1000ms)", "run w1 t2 a1 p1 'c'"));
}

TEST_F(Tasks, AreDispatchedWithTheBytesThatCameInNotWithACopy) {
  have_one_of_each();
  const absl::Cord input(std::string(100'000, 'x'));
  std::vector<Action> out;
  core_->handle(TaskSubmitted{ClientId{1}, 1, 1, input}, now_, out);
  const absl::Cord& sent = std::get<SendTask>(out.back()).input;
  EXPECT_EQ(sent.TryFlat()->data(), input.TryFlat()->data());
}

TEST_F(Tasks, WithRepeatedIdsAreDroppedAndCounted) {
  have_one_of_each();
  submit(1, 5);
  taken();
  submit(1, 5);
  submit(1, 4);
  EXPECT_EQ(counters().dropped_submits, 2u);
  EXPECT_EQ(counters().submitted, 1u);
}

TEST_F(Tasks, BeyondTheClientsLimitAreRefused) {
  restart({.max_tasks_per_client = 2});
  have_client(1);
  have_plan(1, 1);
  submit(1, 1);
  submit(1, 2);
  submit(1, 3);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("outcome c1 3 = !refused 'this client has 2 "
                                             "unfinished tasks")));
}

TEST_F(Tasks, ThatFailCarryWorkerAttemptAndLabel) {
  have_one_of_each();
  submit(1, 1);
  taken();
  finish(1, task_id(0), 1, Failure{FailureKind::kRaised, "std::range_error", "too far"});
  EXPECT_THAT(taken(), ElementsAre("outcome c1 1 = !raised 'too far' {task=square, worker=w1, "
                                   "attempt=1} (1000ms)"));
}

TEST_F(Tasks, ThatFailKeepTheNameOfTheStageThatThrew) {
  have_one_of_each();
  submit(1, 1);
  taken();
  finish(1, task_id(0), 1, Failure{FailureKind::kRaised, "", "no", "parse"});
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("{task=parse,")));
}

TEST_F(Tasks, FinishedUnderAnotherAttemptAreDroppedAndCounted) {
  have_one_of_each();
  submit(1, 1);
  taken();
  finish(1, task_id(0), 2);
  finish(1, task_id(0), 0);
  EXPECT_EQ(counters().dropped_outcomes, 2u);
  EXPECT_EQ(snapshot().assigned, 1u);
}

TEST_F(Tasks, FinishedByAnotherWorkerAreDroppedAndCounted) {
  have_one_of_each();
  have_worker(2);
  submit(1, 1);
  taken();
  finish(2, task_id(0));
  EXPECT_EQ(counters().dropped_outcomes, 1u);
}

TEST_F(Tasks, FinishedTwiceAreDroppedAndCounted) {
  have_one_of_each();
  submit(1, 1);
  taken();
  finish(1, task_id(0));
  taken();
  submit(1, 2);
  taken();
  finish(1, task_id(0));
  finish(1, task_id(999'999));
  EXPECT_EQ(counters().dropped_outcomes, 2u);
}

TEST_F(Tasks, ThatWaitAreRemovedByCancelling) {
  have_one_of_each();
  submit(1, 1);
  taken();
  submit(1, 2);
  submit(1, 3, "c");
  cancel(1, 2);
  finish(1, task_id(0));
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("outcome c1 1"), "run w1 t2 a1 p1 'c'"));
  EXPECT_EQ(counters().cancelled, 1u);
}

TEST_F(Tasks, ThatAreAssignedAreCalledBackByCancelling) {
  have_one_of_each();
  submit(1, 1);
  taken();
  submit(1, 2, "b");
  cancel(1, 1);
  EXPECT_THAT(taken(), ElementsAre("cancel w1 t0", "run w1 t1 a1 p1 'b'"));
  finish(1, task_id(0));
  EXPECT_EQ(counters().dropped_outcomes, 1u);
}

TEST_F(Tasks, ThatAreSuspectedAreRemovedByCancelling) {
  have_client(1);
  have_worker(1, {.supervised = true});
  have_plan(1, 1);
  submit(1, 1);
  taken();
  worker_left(1);
  taken();
  cancel(1, 1);
  worker_exited("w1", 11, {task_id(0)});
  EXPECT_EQ(snapshot().waiting, 0u);
}

TEST_F(Tasks, ThatAreUnknownCannotBeCancelled) {
  have_one_of_each();
  cancel(1, 1);
  EXPECT_EQ(counters().dropped_other, 1u);
  EXPECT_EQ(counters().cancelled, 0u);
}

TEST_F(Tasks, AreFoundByIdAmongManyFinishedOnes) {
  have_client(1);
  have_worker(1, {.threads = 2});
  have_plan(1, 1);
  submit(1, 10);
  taken();
  for (std::uint64_t id = 20; id < 5000; id += 2) {
    submit(1, id);
    taken();
    finish(1, task_id(1, (id - 18) / 2));
    taken();
  }
  cancel(1, 22);
  EXPECT_EQ(counters().dropped_other, 1u);
  cancel(1, 10);
  EXPECT_THAT(taken(), ElementsAre("cancel w1 t0"));
}

}  // namespace
}  // namespace penstock::scheduler::testing
