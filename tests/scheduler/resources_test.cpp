// Tasks that take resources, and tasks that wait for other tasks.
#include "tests/support/scheduler_core_fixture.hpp"

namespace penstock::scheduler::testing {
namespace {

using ::testing::Contains;

class ResourcesTest : public SchedulerCoreTest {
 protected:
  // What comes of several submits, all together.
  void submit_one(std::uint64_t id, std::uint32_t plan = 1) {
    submit(1, id, "", plan);
    for (std::string& action : taken()) all_.push_back(std::move(action));
  }
  std::vector<std::string> all() { return std::exchange(all_, {}); }

 private:
  std::vector<std::string> all_;
};

constexpr std::int64_t kOne = 1000;

TEST(Resources, AreShownAsTheyAreWritten) {
  EXPECT_EQ(in_words({}), "none");
  EXPECT_EQ(in_words({{"gpu", kOne}, {"licence", kOne / 2}, {"memory", (std::int64_t{4} << 30) * kOne}}),
            "gpu=1, licence=0.5, memory=4GiB");
  EXPECT_EQ(in_words({{"x", 1}, {"y", 1500 * kOne}, {"z", 1536 * kOne}}), "x=0.001, y=1500, z=1.5KiB");
}

TEST_F(ResourcesTest, ATaskRunsOnlyWhereItsResourcesAre) {
  have_client(1);
  have_worker(1);
  have_worker(2, {.resources = {{"gpu", kOne}}});
  have_plan(1, 1, {.resources = {{"gpu", kOne}}});
  submit(1, 1, "x");
  EXPECT_THAT(taken(), ElementsAre("plan w2 p1 'square'", "run w2 t0 a1 p1 'x'"));
}

TEST_F(ResourcesTest, NoMoreThanThereIsIsTakenAtATime) {
  have_client(1);
  have_worker(1, {.threads = 4, .resources = {{"gpu", 2 * kOne}}});
  have_plan(1, 1, {.resources = {{"gpu", kOne}}});
  for (std::uint64_t id = 1; id <= 3; ++id) submit_one(id);
  EXPECT_THAT(all(), ElementsAre("plan w1 p1 'square'", "run w1 t0 a1 p1 ''", "run w1 t1 a1 p1 ''"));
  finish(1, task_id(0));
  EXPECT_THAT(taken(), ElementsAre("outcome c1 1 = 'done' (1000ms)", "run w1 t2 a1 p1 ''"));
}

TEST_F(ResourcesTest, WorkersOfOneGroupHaveThemTogether) {
  have_client(1);
  const auto group = [](const char* module) {
    return WorkerSpec{.modules = {module}, .resources = {{"gpu", kOne}}, .resource_group = "box"};
  };
  have_worker(1, group("own"));
  have_worker(2, group("uploaded"));
  have_plan(1, 1, {.definition = "train", .modules = {"own"}, .resources = {{"gpu", kOne}}});
  have_plan(1, 2, {.definition = "guess", .modules = {"uploaded"}, .resources = {{"gpu", kOne}}});
  submit_one(1, 1);
  submit_one(2, 2);
  submit_one(3, 1);
  EXPECT_THAT(all(), ElementsAre("plan w1 p1 'train'", "run w1 t0 a1 p1 ''"));
  // The next one, on the other.
  finish(1, task_id(0));
  EXPECT_THAT(taken(), ElementsAre("outcome c1 1 = 'done' (1000ms)", "plan w2 p2 'guess'", "run w2 t1 a1 p2 ''"));
  // What is lost gives back what it took.
  worker_left(2);
  EXPECT_THAT(taken(), Contains("run w1 t2 a1 p1 ''"));
  have_worker(3, group("uploaded"));
  EXPECT_THAT(taken(), IsEmpty());
  cancel(1, 3);
  EXPECT_THAT(taken(), Contains("run w3 t1 a2 p2 ''"));
}

TEST_F(ResourcesTest, OthersPassATaskThatWaitsForItsResources) {
  have_client(1);
  have_worker(1, {.threads = 2, .resources = {{"gpu", kOne}}});
  have_plan(1, 1, {.definition = "train", .resources = {{"gpu", kOne}}});
  have_plan(1, 2);
  submit_one(1);
  submit_one(2);
  submit_one(3, 2);
  EXPECT_THAT(all(), ElementsAre("plan w1 p1 'train'", "run w1 t0 a1 p1 ''", "plan w1 p2 'square'",
                                   "run w1 t2 a1 p2 ''"));
  finish(1, task_id(0));
  EXPECT_THAT(taken(), ElementsAre("outcome c1 1 = 'done' (1000ms)", "run w1 t1 a1 p1 ''"));
}

TEST_F(ResourcesTest, AnotherWorkerWithRoomIsFoundThatHasThemFree) {
  have_client(1);
  have_worker(1, {.threads = 2, .resources = {{"gpu", kOne}}});
  have_worker(2, {.threads = 2, .resources = {{"gpu", kOne}}});
  have_plan(1, 1, {.resources = {{"gpu", kOne}}});
  for (std::uint64_t id = 1; id <= 3; ++id) submit_one(id);
  EXPECT_THAT(all(), ElementsAre("plan w1 p1 'square'", "run w1 t0 a1 p1 ''", "plan w2 p1 'square'",
                                   "run w2 t1 a1 p1 ''"));
  finish(2, task_id(1));
  EXPECT_THAT(taken(), ElementsAre("outcome c1 2 = 'done' (1000ms)", "run w2 t2 a1 p1 ''"));
}

TEST_F(ResourcesTest, ComeBackWithALostWorkersTasks) {
  have_client(1);
  have_worker(1, {.resources = {{"gpu", kOne}}});
  have_worker(2, {.resources = {{"gpu", kOne}}});
  have_plan(1, 1, {.resources = {{"gpu", kOne}}});
  submit_one(1);
  submit_one(2);
  worker_left(1);
  EXPECT_THAT(taken(), ElementsAre("cluster c1 workers=1 threads=1"));
  finish(2, task_id(1));
  EXPECT_THAT(taken(), ElementsAre("outcome c1 2 = 'done' (1000ms)", "run w2 t0 a2 p1 ''"));
}

TEST_F(ResourcesTest, WithoutAWorkerThatHasThemATaskFailsAndSaysWhatThereIs) {
  have_client(1);
  have_worker(1, {.resources = {{"gpu", kOne}}});
  have_worker(2);
  have_plan(1, 1, {.resources = {{"gpu", 2 * kOne}}});
  submit(1, 1);
  EXPECT_THAT(logs_.back(), HasSubstr("no worker that could run it has gpu=2"));
  advance(11s);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("Resources of those that have its code: gpu=1, none. Start one with "
                                             "--resources.")));
}

TEST_F(ResourcesTest, ATaskForOneWorkerTakesNone) {
  have_client(1);
  have_worker(1, {.resources = {{"gpu", kOne}}});
  have_plan(1, 1, {.resources = {{"gpu", kOne}}});
  handle(TaskSubmitted{ClientId{1}, 1, 1, absl::Cord(), "", "w1", true});
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("cannot take resources")));
}

TEST_F(ResourcesTest, ATaskForAWorkerWithoutItsCodeSaysThatTheCodeIsMissing) {
  have_client(1);
  have_worker(1);
  have_worker(2, {.modules = {"other"}});
  have_plan(1, 1);
  handle(TaskSubmitted{ClientId{1}, 1, 1, absl::Cord(), "", "w2", true});
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("code not available")));
}

TEST_F(ResourcesTest, SenselessOnesAreRefused) {
  have_client(1);
  have_plan(1, 1, {.resources = {{"gpu", -1}}});
  submit(1, 1);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("the amount of the resource 'gpu' must be more than 0")));
  join_worker(1, {.resources = {{"", kOne}}});
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("names of resources must have 1 to 256 bytes")));
}

using WaitingTasksTest = SchedulerCoreTest;

TEST_F(WaitingTasksTest, LeaveTheirThreadToAnother) {
  have_one_of_each();
  submit(1, 1);
  taken();
  submit(1, 2);
  waits(1, task_id(0), true);
  EXPECT_THAT(taken(), ElementsAre("run w1 t1 a1 p1 ''"));
  EXPECT_EQ(snapshot().workers.front().waiting, 1u);
  submit(1, 3);
  waits(1, task_id(0), false);
  finish(1, task_id(0));  // the other still has the thread
  EXPECT_THAT(taken(), ElementsAre("outcome c1 1 = 'done' (1000ms)"));
  finish(1, task_id(1));
  EXPECT_THAT(taken(), ElementsAre("outcome c1 2 = 'done' (1000ms)", "run w1 t2 a1 p1 ''"));
}

TEST_F(WaitingTasksTest, WhoeverSaysItTwiceOrOfAnotherAttemptIsNotHeard) {
  have_one_of_each();
  submit(1, 1);
  taken();
  waits(1, task_id(0), false);
  waits(1, task_id(0), true, 2);
  waits(1, task_id(7), true);
  EXPECT_EQ(snapshot().workers.front().waiting, 0u);
  waits(1, task_id(0), true);
  waits(1, task_id(0), true);
  EXPECT_EQ(snapshot().workers.front().waiting, 1u);
  EXPECT_EQ(counters().dropped_other, 4u);
}

TEST_F(WaitingTasksTest, AreNotBlamedForTheEndOfTheirWorker) {
  restart({.max_lost_workers = 1});
  have_one_of_each();
  submit(1, 1);
  taken();
  waits(1, task_id(0), true);
  submit(1, 2);
  taken();
  worker_left(1);
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("outcome c1 2 = !worker_lost"), "cluster c1 workers=0 threads=0"));
}

}  // namespace
}  // namespace penstock::scheduler::testing
