#include "tests/support/scheduler_core_fixture.hpp"

namespace penstock::scheduler::testing {
namespace {

class Dispatch : public SchedulerCoreTest {
 protected:
  // Tasks of plan 1 that one worker with these threads holds at once, when they run this long.
  std::uint64_t depth(std::uint32_t threads, Duration run) {
    have_client(1);
    have_worker(1, {.threads = threads});
    have_plan(1, 1);
    measure(1, run);
    for (std::uint64_t id = 2; id < 30'000; ++id) {
      const std::uint64_t before = snapshot().assigned;
      submit(1, id);
      taken();
      if (snapshot().assigned == before) return before;
    }
    return 0;
  }
};

TEST_F(Dispatch, GoesRoundTheIdleWorkers) {
  have_one_of_each();
  have_worker(2);
  have_worker(3);
  for (std::uint64_t id = 1; id <= 6; ++id) {
    submit(1, id);
    EXPECT_THAT(taken().back(), HasSubstr("run w" + std::to_string((id - 1) % 3 + 1)));
    finish((id - 1) % 3 + 1, task_id(0, id));
    taken();
  }
}

TEST_F(Dispatch, PrefersIdleThreadsToPrefetching) {
  have_one_of_each();
  measure(1, 100us);
  submit(1, 2);
  taken();
  have_worker(2);
  submit(1, 3, "b");
  EXPECT_THAT(taken(), ElementsAre("plan w2 p1 'square'", "run w2 t1 a1 p1 'b'"));
}

TEST_F(Dispatch, PrefetchesNothingOfAnUnknownPlan) {
  have_client(1);
  have_worker(1, {.threads = 2});
  have_plan(1, 1);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    submit(1, id);
    taken();
  }
  EXPECT_EQ(snapshot().assigned, 2u);
}

TEST_F(Dispatch, PrefetchesTwentyMillisecondsOfShortTasksPerThread) {
  EXPECT_EQ(depth(2, 100us), 400u);
}

TEST_F(Dispatch, PrefetchesOneMoreTaskPerThreadOfMiddlingOnes) { EXPECT_EQ(depth(3, 15ms), 6u); }

TEST_F(Dispatch, PrefetchesNothingOfLongTasks) { EXPECT_EQ(depth(3, 20ms), 3u); }

TEST_F(Dispatch, PrefetchesNeverMoreThanTheLimit) {
  restart({.max_prefetch = 9});
  EXPECT_EQ(depth(2, 0us), 20u);
}

TEST_F(Dispatch, LeavesOtherThreadsTheirPrefetchWhenOneRunsALongTask) {
  restart({.prefetch = 2ms});
  have_client(1);
  have_worker(1, {.threads = 2});
  have_plan(1, 1);
  have_plan(1, 2, {.definition = "long"});
  measure(1, 100us);
  submit(1, 2, "", 2);
  taken();
  for (std::uint64_t id = 3; id < 100; ++id) {
    submit(1, id);
    taken();
  }
  EXPECT_EQ(snapshot().assigned, 21u);
}

TEST_F(Dispatch, UnchargesExactlyWhatItCharged) {
  have_one_of_each();
  submit(1, 1);
  taken();
  submit(1, 2);
  finish(1, task_id(0), 1, absl::Cord(), 100us);  // the second was charged when this was known
  taken();
  submit(1, 3);
  EXPECT_EQ(taken().size(), 1u);
  finish(1, task_id(1), 1, absl::Cord(), 1s);
  taken();
  finish(1, task_id(0, 2), 1, absl::Cord(), 1s);
  taken();  // the invariant check compares the sums
}

TEST_F(Dispatch, GoesRoundTheClients) {
  have_client(1);
  have_client(2);
  have_plan(1, 1);
  have_plan(2, 1);
  for (std::uint64_t id = 1; id <= 3; ++id) submit(1, id, "a" + std::to_string(id));
  for (std::uint64_t id = 1; id <= 2; ++id) submit(2, id, "b" + std::to_string(id));
  join_worker(1, {.threads = 5});
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("cluster c1"), HasSubstr("cluster c2"),
                                   HasSubstr("plan"), HasSubstr("'a1'"), HasSubstr("'b1'"),
                                   HasSubstr("'a2'"), HasSubstr("'b2'"), HasSubstr("'a3'")));
}

TEST_F(Dispatch, GivesEachClientTurnsByItsWeight) {
  handle(ClientJoined{ClientId{1}, "c1", 3});
  taken();
  have_client(2);
  for (std::uint64_t client : {1, 2}) {
    have_plan(client, 1);
    for (std::uint64_t id = 1; id <= 12; ++id) submit(client, id, std::string(1, "ab"[client - 1]));
  }
  join_worker(1, {.threads = 10});
  std::string order;
  for (const std::string& action : taken()) {
    if (action.starts_with("run")) order += action[action.find('\'') + 1];
  }
  EXPECT_EQ(order, "aaabaaabaa");
}

TEST_F(Dispatch, StartsTasksOfAHigherPriorityFirst) {
  have_client(1);
  have_plan(1, 1);
  have_plan(1, 2, {.definition = "cube", .priority = 5});
  have_plan(1, 3, {.definition = "root", .priority = -1});
  for (std::uint64_t id = 1; id <= 9; ++id) {
    submit(1, id, std::to_string(id), static_cast<std::uint32_t>((id - 1) % 3 + 1));
  }
  join_worker(1, {.threads = 9});
  std::string order;
  for (const std::string& action : taken()) {
    if (action.starts_with("run")) order += action[action.find_last_of('\'') - 1];
  }
  EXPECT_EQ(order, "258147369");
}

TEST_F(Dispatch, PriorityIsAmongTheTasksOfOneClient) {
  have_client(1);
  have_client(2);
  have_plan(1, 1, {.priority = 9});
  have_plan(2, 1);
  for (std::uint64_t id = 1; id <= 2; ++id) submit(1, id, "a");
  for (std::uint64_t id = 1; id <= 2; ++id) submit(2, id, "b");
  join_worker(1, {.threads = 4});
  std::string order;
  for (const std::string& action : taken()) {
    if (action.starts_with("run")) order += action[action.find_last_of('\'') - 1];
  }
  EXPECT_EQ(order, "abab");
}

TEST_F(Dispatch, AClientThatFloodsMakesAnotherWaitForOneTaskOnly) {
  have_client(1);
  have_client(2);
  have_plan(1, 1);
  have_plan(2, 1);
  for (std::uint64_t id = 1; id <= 10'000; ++id) submit(1, id, "flood");
  submit(2, 1, "drop");
  join_worker(1, {.threads = 2});
  EXPECT_THAT(taken(), ::testing::Contains(HasSubstr("'drop'")));
}

TEST_F(Dispatch, RefusesAWeightThatIsNone) {
  handle(ClientJoined{ClientId{1}, "c1", 0});
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("the client's weight must be 1 to 1000, not 0")));
}

TEST_F(Dispatch, GivesAClientWithTwoLanesNoTwoTurns) {
  have_client(1);
  have_client(2);
  have_plan(1, 1);
  have_plan(1, 2, {.definition = "cube", .modules = {"lib"}});
  have_plan(2, 1);
  submit(1, 1, "a1", 1);
  submit(1, 2, "a2", 2);
  submit(1, 3, "a3", 1);
  submit(1, 4, "a4", 2);
  submit(2, 1, "b1");
  submit(2, 2, "b2");
  join_worker(1, {.threads = 6, .modules = {"app", "lib"}});
  std::string order;
  for (const std::string& action : taken()) {
    if (action.starts_with("run")) order += action.substr(action.find('\''));
  }
  EXPECT_EQ(order, "'a1''b1''a2''b2''a3''a4'");
}

TEST_F(Dispatch, SendsTasksOnlyWhereTheirModulesAre) {
  have_client(1);
  have_worker(1, {.threads = 4, .modules = {"app"}});
  have_worker(2, {.threads = 4, .modules = {"app", "lib"}});
  have_plan(1, 1, {.modules = {"lib", "app"}});
  have_plan(1, 2, {.definition = "cube", .modules = {"app"}});
  submit(1, 1, "x", 1);
  EXPECT_THAT(taken(), ElementsAre("plan w2 p1 'square'", "run w2 t0 a1 p1 'x'"));
  submit(1, 2, "y", 2);
  EXPECT_THAT(taken().back(), "run w1 t1 a1 p2 'y'");
  submit(1, 3, "z", 2);
  EXPECT_THAT(taken().back(), "run w2 t2 a1 p2 'z'");
}

TEST_F(Dispatch, IsNotBlockedByALaneThatNobodyCanRun) {
  have_client(1);
  have_plan(1, 1, {.modules = {"missing"}});
  have_plan(1, 2, {.definition = "cube"});
  have_worker(1);
  submit(1, 1, "x", 1);
  submit(1, 2, "y", 2);
  EXPECT_THAT(taken(), ElementsAre("plan w1 p2 'cube'", "run w1 t1 a1 p2 'y'"));
}

TEST_F(Dispatch, OfAPlanWithoutModulesGoesAnywhere) {
  have_client(1);
  have_worker(1, {.modules = {}});
  have_plan(1, 1, {.modules = {}});
  submit(1, 1, "x");
  EXPECT_THAT(taken().back(), "run w1 t0 a1 p1 'x'");
}

}  // namespace
}  // namespace penstock::scheduler::testing
