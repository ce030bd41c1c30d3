#include "tests/support/scheduler_core_fixture.hpp"

namespace penstock::scheduler::testing {
namespace {

class Loss : public SchedulerCoreTest {
 protected:
  // Worker 1 with one thread has tasks 2, 3 and 4 (slots 0.2, 1, 2): one runs, two wait at it.
  void have_three_tasks_at_worker(bool supervised) {
    have_client(1);
    have_worker(1, {.supervised = supervised});
    have_plan(1, 1);
    measure(1, 100us);
    submit(1, 2, "a");
    submit_quietly(3, "b");
    submit_quietly(4, "c");
    EXPECT_EQ(snapshot().assigned, 3u);
  }

  void submit_quietly(std::uint64_t id, const std::string& input) {
    taken();
    submit(1, id, input);
    taken();
  }

  // Runs task 1 of client 1 on worker `id` and ends that worker's connection.
  void lose_worker_running_the_task(std::uint64_t id) {
    have_worker(id);
    taken();
    worker_left(id);
    std::vector<std::string> actions = taken();
    std::erase(actions, "cluster c1 workers=0 threads=0");
    last_actions_ = actions;
  }

  std::vector<std::string> last_actions_;
};

TEST_F(Loss, OfAWorkerDispatchesItsTasksAgainInTheirOrder) {
  have_three_tasks_at_worker(false);
  submit(1, 5, "d");
  taken();
  worker_left(1);
  taken();
  join_worker(2);
  EXPECT_THAT(taken(), ElementsAre("cluster c1 workers=1 threads=1", "plan w2 p1 'square'",
                                   "run w2 t0.2 a2 p1 'a'", "run w2 t1 a2 p1 'b'",
                                   "run w2 t2 a2 p1 'c'", "run w2 t3 a2 p1 'd'"));
  EXPECT_EQ(counters().redispatched, 4u);
  EXPECT_EQ(counters().workers_lost, 1u);
}

TEST_F(Loss, PutsTasksOfTwoWorkersBackInTheOrderOfSubmit) {
  have_client(1);
  have_worker(1, {.threads = 2});
  have_worker(2, {.threads = 2});
  have_plan(1, 1);
  for (std::uint64_t id = 1; id <= 6; ++id) {
    submit(1, id, std::to_string(id));
    taken();
  }
  worker_left(2);
  taken();
  worker_left(1);
  taken();
  join_worker(3, {.threads = 6});
  EXPECT_THAT(taken(),
              ElementsAre("cluster c1 workers=1 threads=6", "plan w3 p1 'square'",
                          "run w3 t0 a2 p1 '1'", "run w3 t1 a2 p1 '2'", "run w3 t2 a2 p1 '3'",
                          "run w3 t3 a2 p1 '4'", "run w3 t4 a1 p1 '5'", "run w3 t5 a1 p1 '6'"));
}

TEST_F(Loss, OfTheOldAttemptMakesItsOutcomeWorthless) {
  have_one_of_each();
  have_worker(2);
  submit(1, 1);
  taken();
  worker_left(1);
  taken();
  finish(2, task_id(0), 1);
  EXPECT_EQ(counters().dropped_outcomes, 1u);
  finish(2, task_id(0), 2);
  EXPECT_THAT(taken(), ElementsAre("outcome c1 1 = 'done' (1000ms)"));
}

TEST_F(Loss, FailsATaskThatWasRunningOnTooManyLostWorkers) {
  have_client(1);
  have_plan(1, 1);
  submit(1, 1);
  lose_worker_running_the_task(1);
  lose_worker_running_the_task(2);
  EXPECT_THAT(last_actions_, IsEmpty());
  lose_worker_running_the_task(3);
  EXPECT_THAT(last_actions_,
              ElementsAre("outcome c1 1 = !worker_lost 'worker w3 died while running square, "
                          "as did 2 before it: connection lost' {task=square, worker=w3, attempt=3}"));
}

TEST_F(Loss, IsRememberedWhenATaskTookItsInputsAlong) {
  have_client(1);
  have_plan(1, 1);
  submit(1, 1);
  lose_worker_running_the_task(1);
  lose_worker_running_the_task(2);
  have_worker(3);
  taken();
  std::vector<Action> out;
  core_->handle(TaskFinished{WorkerId{3}, task_id(0), 3, Failure{FailureKind::kInputLost}}, now_, out);
  const auto& failure = std::get<Failure>(std::get<SendOutcome>(out.front()).result);
  EXPECT_EQ(failure.lost_workers, 2u);
  EXPECT_EQ(counters().failed, 0u) << "nobody failed: it comes once more";
  EXPECT_EQ(counters().input_lost, 1u);
  EXPECT_EQ(snapshot().workers.front().failed, 0u);
  EXPECT_EQ(snapshot().clients.front().failed, 0u);
  // It is sent anew, and does it again.
  handle(TaskSubmitted{.client = ClientId{1}, .id = 2, .plan = 1, .lost_workers = failure.lost_workers});
  taken();
  worker_left(3);
  EXPECT_THAT(taken(), ::testing::Contains(HasSubstr("outcome c1 2 = !worker_lost 'worker w3 died")));
}

TEST_F(Loss, BlamesOnlyTheOldestTasksWhichWereRunning) {
  restart({.max_lost_workers = 1});
  have_three_tasks_at_worker(false);
  worker_left(1);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("outcome c1 2 = !worker_lost"),
                                   "cluster c1 workers=0 threads=0"));
  EXPECT_EQ(snapshot().waiting, 2u);
}

TEST_F(Loss, OfASupervisedWorkerRequeuesWhatDidNotRunAtOnce) {
  have_three_tasks_at_worker(true);
  have_worker(2);
  worker_left(1);
  EXPECT_THAT(taken(), ElementsAre("cluster c1 workers=1 threads=1", "plan w2 p1 'square'",
                                   "run w2 t1 a2 p1 'b'", "run w2 t2 a2 p1 'c'"));
  worker_exited("w1", 11, {task_id(0, 2)});
  EXPECT_THAT(taken(), ElementsAre("run w2 t0.2 a2 p1 'a'"));
}

TEST_F(Loss, BlamesExactlyWhomTheReportNames) {
  restart({.max_lost_workers = 1});
  have_client(1);
  have_worker(1, {.threads = 2, .supervised = true});
  have_plan(1, 1);
  submit(1, 1);
  taken();
  submit(1, 2);
  taken();
  worker_left(1);
  taken();
  worker_exited("w1", 11, {task_id(1)}, "bad pointer");
  EXPECT_THAT(taken(), ElementsAre("outcome c1 2 = !worker_lost 'worker w1 died while running "
                                   "square: signal 11 (SIGSEGV)\\nits last lines:\\nbad pointer' "
                                   "{task=square, worker=w1, attempt=1}"));
  EXPECT_EQ(snapshot().waiting, 1u);
}

TEST_F(Loss, BlamesATaskOfTheReportThatWasTakenForAWaitingOne) {
  restart({.max_lost_workers = 1});
  have_three_tasks_at_worker(true);
  worker_left(1);
  taken();
  worker_exited("w1", 9, {task_id(2)});
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("outcome c1 4 = !worker_lost")));
  EXPECT_EQ(snapshot().waiting, 2u);
}

TEST_F(Loss, UsesAReportThatCameFirst) {
  restart({.max_lost_workers = 1});
  have_three_tasks_at_worker(true);
  worker_exited("w1", 4, {task_id(1)});
  worker_left(1);
  EXPECT_THAT(taken(),
              ElementsAre("outcome c1 3 = !worker_lost 'worker w1 died while running square: "
                          "signal 4 (SIGILL); was it built for a newer CPU?' {task=square, "
                          "worker=w1, attempt=1}",
                          "cluster c1 workers=0 threads=0"));
  EXPECT_EQ(snapshot().waiting, 2u);
}

TEST_F(Loss, IgnoresAReportThatIsTooOld) {
  have_three_tasks_at_worker(true);
  worker_exited("w1", 11, {});
  advance(1min);
  worker_left(1);
  taken();
  EXPECT_EQ(snapshot().waiting, 3u);
  EXPECT_EQ(*core_->next_deadline(), now_ + 1s);
  advance(1s);
}

TEST_F(Loss, BlamesAllSuspectsWhenNoReportComes) {
  restart({.max_lost_workers = 1});
  have_three_tasks_at_worker(true);
  worker_left(1);
  taken();
  advance(999ms);
  EXPECT_THAT(taken(), IsEmpty());
  advance(1ms);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("square: connection lost' {task=square, worker=w1")));
  worker_exited("w1", 11, {task_id(1)});
  EXPECT_EQ(counters().dropped_other, 1u);
}

TEST_F(Loss, OfAnIdleSupervisedWorkerStillTakesItsReport) {
  have_worker(1, {.supervised = true});
  worker_left(1);
  worker_exited("w1", 0, {});
  EXPECT_THAT(logs_.back(), "worker 'w1' died: exit code 3");
  EXPECT_EQ(counters().dropped_other, 0u);
}

TEST_F(Loss, TellsAReportOfTheOldWorkerFromTheNewOneOfItsName) {
  restart({.max_lost_workers = 2});
  have_client(1);
  have_worker(1, {.supervised = true, .name = "x"});
  have_plan(1, 1);
  submit(1, 1, "a");
  taken();
  worker_left(1);
  taken();
  have_worker(2, {.supervised = true, .name = "x"});
  worker_exited("x", 6, {task_id(0)});
  EXPECT_THAT(taken(), ElementsAre("plan w2 p1 'square'", "run w2 t0 a2 p1 'a'"));
  worker_left(2);
  taken();
  worker_exited("x", 6, {task_id(0)});
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("signal 6 (SIGABRT)")));
}

TEST_F(Loss, SettlesAnOldLossWhenThereAreTooMany) {
  restart({.max_workers = 1});
  have_client(1);
  have_worker(1, {.supervised = true});
  have_plan(1, 1);
  submit(1, 1);
  taken();
  worker_left(1);
  taken();
  have_worker(2, {.supervised = true});
  worker_left(2);
  EXPECT_THAT(taken(), ElementsAre("cluster c1 workers=0 threads=0"));
  worker_exited("w1", 11, {});
  EXPECT_EQ(counters().dropped_other, 1u);
}

// It may have ended in good order while the task was still on its way to it.
TEST_F(Loss, OfALeavingWorkerBlamesNoTaskWithoutEvidence) {
  for (const bool supervised : {false, true}) {
    restart({.max_lost_workers = 1});
    have_client(1);
    have_worker(1, {.supervised = supervised});
    have_plan(1, 1);
    submit(1, 1, "a");
    taken();
    handle(WorkerLeaving{WorkerId{1}});
    taken();
    worker_left(1);
    have_worker(2);
    EXPECT_THAT(taken(), ElementsAre("plan w2 p1 'square'", "run w2 t0 a2 p1 'a'"));
  }
}

TEST_F(Loss, OfALeavingWorkerBlamesWhatItsSupervisorSawRunning) {
  restart({.max_lost_workers = 1});
  have_client(1);
  have_worker(1, {.supervised = true});
  have_plan(1, 1);
  submit(1, 1);
  taken();
  handle(WorkerLeaving{WorkerId{1}});
  taken();
  worker_left(1);
  worker_exited("w1", 11, {task_id(0)});
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("worker_lost")));
}

// A peer that was only cut off for a while must come back: its work is not lost with the
// connection.
TEST_F(Loss, TellsASilentPeerToComeBack) {
  have_client(1);
  have_worker(1);
  std::vector<Action> out;
  for (auto due = core_->next_deadline(); *due < now_ + 10s; due = core_->next_deadline()) {
    core_->handle(Tick{}, *due, out);
  }
  int closed = 0;
  for (const Action& action : out) {
    if (const auto* client = std::get_if<CloseClient>(&action)) {
      EXPECT_EQ(client->kind, CloseKind::kLost);
      ++closed;
    }
    if (const auto* worker = std::get_if<CloseWorker>(&action)) {
      EXPECT_EQ(worker->kind, CloseKind::kLost);
      ++closed;
    }
  }
  EXPECT_EQ(closed, 2);
}

TEST_F(Loss, TellsAWorkerWhoseNameIsTakenToTryAgain) {
  have_worker(1, {.name = "x"});
  std::vector<Action> out;
  core_->handle(WorkerJoined{WorkerId{2}, "x", 1}, now_, out);
  const auto is_close = [](const Action& action) {
    const auto* close = std::get_if<CloseWorker>(&action);
    return close != nullptr && close->kind == CloseKind::kNameTaken;
  };
  EXPECT_EQ(std::count_if(out.begin(), out.end(), is_close), 1);
}

// A dispatched input must be there when the action is carried out, after the whole tick.
TEST_F(Loss, OfTwoSilentClientsDispatchesNoTaskInBetween) {
  have_client(1);
  have_client(2);
  have_worker(1);
  have_plan(1, 1);
  have_plan(2, 1);
  submit(1, 1, std::string(100, 'a'));
  taken();
  submit(2, 1, std::string(100, 'b'));
  taken();
  clients_.clear();  // only the worker is heard from now on
  advance(7s);
  EXPECT_THAT(taken(), ::testing::Contains(HasSubstr("close c2")));
  EXPECT_EQ(counters().dispatched, 1u);
}

}  // namespace
}  // namespace penstock::scheduler::testing
