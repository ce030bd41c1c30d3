#include "worker/core/core.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace penstock::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Actions as text, so that a test shows what happens at one glance.
std::string text(const Execute& action) {
  return "execute " + std::to_string(static_cast<std::uint64_t>(action.task)) + "/" +
         std::to_string(action.attempt) + " of plan " +
         std::to_string(static_cast<std::uint64_t>(action.plan)) + " on thread " +
         std::to_string(action.thread) + " with " + std::string(action.input);
}
std::string text(const DropPlan& action) {
  return "drop plan " + std::to_string(static_cast<std::uint64_t>(action.plan));
}
std::string text(const SendDone& action) {
  const auto* failure = std::get_if<Failure>(&action.result);
  return "done " + std::to_string(static_cast<std::uint64_t>(action.task)) + "/" +
         std::to_string(action.attempt) + " on thread " + std::to_string(action.thread) + ": " +
         (failure != nullptr ? failure->text : std::get<std::string>(action.result));
}
std::string text(const GoOn& action) { return "go on on thread " + std::to_string(action.thread); }
std::string text(const SendWaits& action) {
  return std::to_string(static_cast<std::uint64_t>(action.task)) + "/" + std::to_string(action.attempt) +
         (action.waits ? " waits" : " waits no more");
}
std::string text(const SendReturned& action) {
  return "return " + std::to_string(static_cast<std::uint64_t>(action.task));
}
std::string text(const SendLeaving&) { return "leaving"; }
std::string text(const SendStatus& action) {
  return std::to_string(action.running) + " running, " + std::to_string(action.queued) + " queued";
}
std::string text(const Left&) { return "left"; }

// One core, its invariants checked after every event.
class WorkerCore : public ::testing::Test {
 protected:
  void make(CoreOptions options) { core_ = Core(options); }

  std::vector<std::string> handle(Event event) {
    std::vector<Action> actions;
    core_.handle(std::move(event), actions);
    core_.check_invariants();
    std::vector<std::string> texts;
    for (const Action& action : actions) {
      texts.push_back(std::visit([](const auto& specific) { return text(specific); }, action));
    }
    return texts;
  }

  std::vector<std::string> task(std::uint64_t id, std::uint64_t plan = 7) {
    return handle(TaskArrived{TaskId{id}, 1, PlanId{plan}, absl::Cord("x" + std::to_string(id))});
  }
  std::vector<std::string> cancel(std::vector<TaskId> tasks) {
    return handle(TasksCancelled{std::move(tasks)});
  }
  std::vector<std::string> finish(std::uint32_t thread, std::string value = "y") {
    return handle(ThreadFinished{thread, std::move(value), Duration(5)});
  }
  std::vector<std::string> wait(std::uint32_t thread) {
    if (core_.needs_thread_to_wait()) core_.add_thread();
    return handle(ThreadWaits{thread});
  }
  void connect_with_plan() {
    handle(Connected{});
    handle(PlanArrived{PlanId{7}});
  }

  Core core_{CoreOptions{.threads = 1, .max_queued = 3}};
};

TEST_F(WorkerCore, RunsATaskAtOnceWhenAThreadIsIdle) {
  connect_with_plan();
  EXPECT_THAT(task(1), ElementsAre("execute 1/1 of plan 7 on thread 0 with x1"));
}

TEST_F(WorkerCore, UsesAllThreadsBeforeATaskWaits) {
  make({.threads = 2, .max_queued = 3});
  connect_with_plan();
  EXPECT_THAT(task(1), ElementsAre("execute 1/1 of plan 7 on thread 0 with x1"));
  EXPECT_THAT(task(2), ElementsAre("execute 2/1 of plan 7 on thread 1 with x2"));
  EXPECT_THAT(task(3), IsEmpty());
}

TEST_F(WorkerCore, SendsTheOutcomeAndContinuesWithTheOldestTaskOnTheSameThread) {
  connect_with_plan();
  task(1);
  task(2);
  task(3);
  EXPECT_THAT(finish(0, "one"), ElementsAre("done 1/1 on thread 0: one",
                                            "execute 2/1 of plan 7 on thread 0 with x2"));
  EXPECT_THAT(finish(0, "two"), ElementsAre("done 2/1 on thread 0: two",
                                            "execute 3/1 of plan 7 on thread 0 with x3"));
  EXPECT_THAT(finish(0, "three"), ElementsAre("done 3/1 on thread 0: three"));
  EXPECT_EQ(core_.snapshot().counters.done, 3u);
}

TEST_F(WorkerCore, GivesATaskToTheThreadThatFellIdleLast) {
  make({.threads = 3, .max_queued = 3});
  connect_with_plan();
  task(1);
  task(2);
  finish(1);
  finish(0);
  EXPECT_THAT(task(3), ElementsAre("execute 3/1 of plan 7 on thread 0 with x3"));
}

TEST_F(WorkerCore, CarriesTheAttemptOfADispatchedAgainTask) {
  connect_with_plan();
  EXPECT_THAT(handle(TaskArrived{TaskId{1}, 4, PlanId{7}, absl::Cord("x")}),
              ElementsAre("execute 1/4 of plan 7 on thread 0 with x"));
  EXPECT_THAT(finish(0), ElementsAre("done 1/4 on thread 0: y"));
}

TEST_F(WorkerCore, HandsOverWhatBelongsToATaskAlsoWhenItHasWaited) {
  connect_with_plan();
  const auto arrived = [](std::uint64_t id) {
    return TaskArrived{TaskId{id}, 1, PlanId{7}, absl::Cord("x"), absl::Cord("places"), ClientId{5}};
  };
  std::vector<Action> actions;
  core_.handle(arrived(1), actions);
  core_.handle(arrived(2), actions);
  core_.handle(ThreadFinished{0, "y", Duration(5)}, actions);
  ASSERT_EQ(actions.size(), 3u);
  for (const std::size_t execute : {0u, 2u}) {
    EXPECT_EQ(std::get<Execute>(actions[execute]).kept, "places");
    EXPECT_EQ(std::get<Execute>(actions[execute]).client, ClientId{5});
  }
}

TEST_F(WorkerCore, SendsWhereAValueIsThatStays) {
  connect_with_plan();
  task(1);
  std::vector<Action> actions;
  core_.handle(ThreadFinished{0, Kept{}, Duration(5)}, actions);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<Kept>(std::get<SendDone>(actions[0]).result));
}

TEST_F(WorkerCore, FailsATaskOfAnUnknownPlan) {
  connect_with_plan();
  EXPECT_THAT(task(1, 99), ElementsAre("done 1/1 on thread 0: the task names a plan that this "
                                       "worker was not given"));
  EXPECT_EQ(core_.snapshot().running, 0u);
}

TEST_F(WorkerCore, ReturnsATaskThatIsBeyondItsLimit) {
  connect_with_plan();
  for (std::uint64_t id = 1; id <= 4; ++id) task(id);
  EXPECT_THAT(task(5), ElementsAre("return 5"));
  EXPECT_EQ(core_.snapshot().queued, 3u);
  EXPECT_EQ(core_.snapshot().counters.returned, 1u);
}

TEST_F(WorkerCore, DropsATaskWithoutAConnection) {
  EXPECT_THAT(task(1), IsEmpty());
  EXPECT_EQ(core_.snapshot().counters.dropped_other, 1u);
}

TEST_F(WorkerCore, DoesNotStartACancelledTask) {
  connect_with_plan();
  task(1);
  task(2);
  task(3);
  EXPECT_THAT(cancel({TaskId{2}}), IsEmpty());
  EXPECT_THAT(finish(0),
              ElementsAre("done 1/1 on thread 0: y", "execute 3/1 of plan 7 on thread 0 with x3"));
  EXPECT_EQ(core_.snapshot().counters.cancelled, 1u);
}

TEST_F(WorkerCore, LetsACancelledTaskThatRunsFinish) {
  connect_with_plan();
  task(1);
  EXPECT_THAT(cancel({TaskId{1}, TaskId{42}}), IsEmpty());
  EXPECT_THAT(finish(0), ElementsAre("done 1/1 on thread 0: y"));
}

TEST_F(WorkerCore, AnswersForATaskThatGoesOnForTooLongAndDropsItsOutcome) {
  connect_with_plan();
  task(1);
  task(2);
  EXPECT_THAT(handle(TaskOverdue{0, Failure{FailureKind::kTimedOut, "", "too long", ""}}),
              ElementsAre("done 1/1 on thread 0: too long"));
  EXPECT_THAT(handle(TaskOverdue{0, Failure{FailureKind::kTimedOut, "", "too long", ""}}), IsEmpty());
  EXPECT_THAT(handle(ThreadFinished{0, "late"}), ElementsAre("execute 2/1 of plan 7 on thread 0 with x2"));
}

TEST_F(WorkerCore, DoesNotWaitForATaskThatGoesOnForTooLongWhenItLeaves) {
  connect_with_plan();
  task(1);
  handle(TaskOverdue{0, Failure{FailureKind::kTimedOut, "", "too long", ""}});
  EXPECT_THAT(handle(LeaveRequested{}), ElementsAre("leaving", "left"));
}

TEST_F(WorkerCore, DropsAForgottenPlanAtOnceWhenNothingWaitsForIt) {
  connect_with_plan();
  EXPECT_THAT(handle(PlanForgotten{PlanId{7}}), ElementsAre("drop plan 7"));
  EXPECT_THAT(task(1), ElementsAre("done 1/1 on thread 0: the task names a plan that this worker "
                                   "was not given"));
}

TEST_F(WorkerCore, KeepsAForgottenPlanUntilItsLastWaitingTaskHasStarted) {
  connect_with_plan();
  task(1);
  task(2);
  task(3);
  EXPECT_THAT(handle(PlanForgotten{PlanId{7}}), IsEmpty());
  EXPECT_THAT(finish(0),
              ElementsAre("done 1/1 on thread 0: y", "execute 2/1 of plan 7 on thread 0 with x2"));
  EXPECT_THAT(finish(0), ElementsAre("done 2/1 on thread 0: y",
                                     "execute 3/1 of plan 7 on thread 0 with x3", "drop plan 7"));
}

TEST_F(WorkerCore, DropsAForgottenPlanWhenItsLastWaitingTaskIsCancelled) {
  connect_with_plan();
  task(1);
  task(2);
  handle(PlanForgotten{PlanId{7}});
  EXPECT_THAT(cancel({TaskId{2}}), ElementsAre("drop plan 7"));
}

TEST_F(WorkerCore, KeepsAForgottenPlanThatIsDefinedAgain) {
  connect_with_plan();
  task(1);
  task(2);
  handle(PlanForgotten{PlanId{7}});
  handle(PlanArrived{PlanId{7}});
  EXPECT_THAT(finish(0),
              ElementsAre("done 1/1 on thread 0: y", "execute 2/1 of plan 7 on thread 0 with x2"));
  EXPECT_EQ(core_.snapshot().plans, 1u);
}

TEST_F(WorkerCore, CountsAnUnknownPlanThatIsForgotten) {
  connect_with_plan();
  EXPECT_THAT(handle(PlanForgotten{PlanId{8}}), IsEmpty());
  EXPECT_EQ(core_.snapshot().counters.dropped_other, 1u);
}

TEST_F(WorkerCore, CountsAPlanThatComesWithoutAConnection) {
  EXPECT_THAT(handle(PlanArrived{PlanId{7}}), IsEmpty());
  EXPECT_EQ(core_.snapshot().plans, 0u);
  EXPECT_EQ(core_.snapshot().counters.dropped_other, 1u);
}

TEST_F(WorkerCore, DropsWaitingTasksAndPlansWhenTheConnectionEnds) {
  connect_with_plan();
  task(1);
  task(2);
  EXPECT_THAT(handle(Disconnected{}), IsEmpty());
  EXPECT_EQ(core_.snapshot().queued, 0u);
  EXPECT_EQ(core_.snapshot().plans, 0u);
  EXPECT_EQ(core_.snapshot().counters.dropped_tasks, 1u);
}

TEST_F(WorkerCore, DropsTheOutcomeOfATaskThatFinishesWithoutAConnection) {
  connect_with_plan();
  task(1);
  handle(Disconnected{});
  EXPECT_THAT(finish(0), IsEmpty());
  EXPECT_EQ(core_.snapshot().counters.dropped_outcomes, 1u);
}

TEST_F(WorkerCore, DropsTheOutcomeOfATaskThatRanAcrossAReconnect) {
  connect_with_plan();
  task(1);
  handle(Disconnected{});
  connect_with_plan();
  EXPECT_THAT(task(2), IsEmpty());  // the thread is still busy with the old one
  EXPECT_THAT(finish(0), ElementsAre("execute 2/1 of plan 7 on thread 0 with x2"));
  EXPECT_THAT(finish(0), ElementsAre("done 2/1 on thread 0: y"));
}

TEST_F(WorkerCore, TreatsASecondConnectionAsTheEndOfTheFirst) {
  connect_with_plan();
  task(1);
  task(2);
  EXPECT_THAT(handle(Connected{}), IsEmpty());
  EXPECT_EQ(core_.snapshot().counters.dropped_tasks, 1u);
  EXPECT_THAT(finish(0), IsEmpty());
}

TEST_F(WorkerCore, CountsARepeatedEndOfTheConnection) {
  EXPECT_THAT(handle(Disconnected{}), IsEmpty());
  EXPECT_EQ(core_.snapshot().counters.dropped_other, 1u);
}

TEST_F(WorkerCore, LeavesAtOnceWhenNothingRuns) {
  connect_with_plan();
  EXPECT_THAT(handle(LeaveRequested{}), ElementsAre("leaving", "left"));
}

TEST_F(WorkerCore, LeavesAtOnceWithoutAConnection) {
  EXPECT_THAT(handle(LeaveRequested{}), ElementsAre("left"));
}

TEST_F(WorkerCore, ReturnsWhatWaitsAndFinishesWhatRunsBeforeItLeaves) {
  connect_with_plan();
  task(1);
  task(2);
  task(3);
  EXPECT_THAT(handle(LeaveRequested{}), ElementsAre("leaving", "return 2", "return 3"));
  EXPECT_THAT(finish(0), ElementsAre("done 1/1 on thread 0: y", "left"));
}

TEST_F(WorkerCore, DropsAForgottenPlanWhenItsWaitingTasksAreReturned) {
  connect_with_plan();
  task(1);
  task(2);
  handle(PlanForgotten{PlanId{7}});
  EXPECT_THAT(handle(LeaveRequested{}), ElementsAre("leaving", "return 2", "drop plan 7"));
}

TEST_F(WorkerCore, ReturnsTasksThatArriveWhileItLeaves) {
  connect_with_plan();
  task(1);
  handle(LeaveRequested{});
  EXPECT_THAT(task(2), ElementsAre("return 2"));
}

TEST_F(WorkerCore, LeavesWhenTheConnectionEndsAsNobodyWaitsForTheOutcomesAnyMore) {
  connect_with_plan();
  task(1);
  EXPECT_THAT(handle(LeaveRequested{}), ElementsAre("leaving"));
  EXPECT_THAT(handle(Disconnected{}), ElementsAre("left"));
  EXPECT_THAT(finish(0), IsEmpty());
}

TEST_F(WorkerCore, DoesNotWaitForTasksOfAnOlderConnectionWhenItLeaves) {
  connect_with_plan();
  task(1);
  handle(Disconnected{});
  connect_with_plan();
  EXPECT_THAT(handle(LeaveRequested{}), ElementsAre("leaving", "left"));
}

TEST_F(WorkerCore, LeavesOnce) {
  connect_with_plan();
  handle(LeaveRequested{});
  EXPECT_THAT(handle(LeaveRequested{}), IsEmpty());
  EXPECT_THAT(handle(Disconnected{}), IsEmpty());
}

TEST_F(WorkerCore, StaysAwayOnceItHasLeft) {
  handle(LeaveRequested{});
  EXPECT_THAT(handle(Connected{}), IsEmpty());
  EXPECT_FALSE(core_.snapshot().connected);
}

TEST_F(WorkerCore, TellsWhatRunsAndWhatWaitsWhenAStatusIsDue) {
  make({.threads = 2, .max_queued = 3});
  connect_with_plan();
  for (std::uint64_t id = 1; id <= 3; ++id) task(id);
  EXPECT_THAT(handle(StatusDue{}), ElementsAre("2 running, 1 queued"));
}

TEST_F(WorkerCore, TellsNobodyItsStatusWithoutAConnection) {
  EXPECT_THAT(handle(StatusDue{}), IsEmpty());
}

TEST_F(WorkerCore, ATaskThatWaitsForOthersGivesItsPlaceToTheNext) {
  connect_with_plan();
  task(1);
  task(2);
  EXPECT_THAT(wait(0), ElementsAre("1/1 waits", "execute 2/1 of plan 7 on thread 1 with x2"));
  EXPECT_THAT(handle(StatusDue{}), ElementsAre("1 running, 0 queued"));
  EXPECT_THAT(task(3), IsEmpty());  // the place is taken
  EXPECT_THAT(handle(ThreadWantsOn{0}), IsEmpty());
  // It was here first.
  EXPECT_THAT(finish(1), ElementsAre("done 2/1 on thread 1: y", "1/1 waits no more", "go on on thread 0"));
  EXPECT_THAT(finish(0), ElementsAre("done 1/1 on thread 0: y", "execute 3/1 of plan 7 on thread 0 with x3"));
}

TEST_F(WorkerCore, WhoWaitsNoMoreGoesOnAtOnceWhereAPlaceIsFree) {
  connect_with_plan();
  task(1);
  EXPECT_THAT(wait(0), ElementsAre("1/1 waits"));
  EXPECT_THAT(handle(ThreadWantsOn{0}), ElementsAre("1/1 waits no more", "go on on thread 0"));
  // The thread that was made is used again.
  EXPECT_FALSE(core_.needs_thread_to_wait());
  EXPECT_THAT(wait(0), ElementsAre("1/1 waits"));
  EXPECT_THAT(task(2), ElementsAre("execute 2/1 of plan 7 on thread 1 with x2"));
}

TEST_F(WorkerCore, WaitingTasksWaitingForEachOthersPlacesAllComeToTheirEnd) {
  connect_with_plan();
  for (std::uint32_t depth = 0; depth < 5; ++depth) {
    task(depth);
    wait(depth);
  }
  EXPECT_EQ(core_.snapshot().waiting, 5u);
  for (std::uint32_t depth = 5; depth > 0; --depth) {
    handle(ThreadWantsOn{depth - 1});
    finish(depth - 1);
  }
  EXPECT_EQ(core_.snapshot().counters.done, 5u);
  EXPECT_EQ(core_.snapshot().running, 0u);
}

TEST_F(WorkerCore, LetsThreadsEndThatAreMoreThanEnough) {
  constexpr std::uint32_t kDeep = 2 * kMaxSpareThreads;
  connect_with_plan();
  for (std::uint32_t depth = 0; depth < kDeep; ++depth) {
    task(depth);
    wait(depth);
  }
  std::vector<std::uint32_t> ended;
  for (std::uint32_t depth = kDeep; depth-- > 0;) {
    EXPECT_FALSE(core_.has_spare_thread());
    handle(ThreadWantsOn{depth});
    finish(depth);
    if (!core_.has_spare_thread()) continue;
    core_.remove_thread(depth);
    core_.check_invariants();
    ended.push_back(depth);
  }
  EXPECT_EQ(ended.size(), kDeep - kMaxSpareThreads);
  EXPECT_EQ(core_.next_thread(), ended.back()) << "its number is used again";
}

TEST_F(WorkerCore, ATaskThatIsAskedToStopGoesOnWithoutAPlace) {
  connect_with_plan();
  task(1);
  wait(0);
  task(2);
  handle(ThreadWantsOn{0});
  EXPECT_THAT(handle(ThreadGoesOn{0}), IsEmpty());
  EXPECT_THAT(finish(0), ElementsAre("done 1/1 on thread 0: y"));
  EXPECT_THAT(finish(1), ElementsAre("done 2/1 on thread 1: y"));
  EXPECT_EQ(core_.snapshot().waiting, 0u);
}

TEST_F(WorkerCore, ATaskOfAnEarlierConnectionWaitsInSilence) {
  connect_with_plan();
  task(1);
  connect_with_plan();
  EXPECT_THAT(wait(0), IsEmpty());
  EXPECT_THAT(handle(ThreadWantsOn{0}), ElementsAre("go on on thread 0"));
}

}  // namespace
}  // namespace penstock::worker
