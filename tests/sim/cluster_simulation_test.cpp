// Clients, scheduler and workers in one thread and in virtual time, over a network that breaks.
//
//   PENSTOCK_SIM_SEEDS=100000    runs so many seeds
//   PENSTOCK_SIM_SEED=17         runs this one only
//   PENSTOCK_SIM_LOG=1           prints every event
#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "tests/support/simulation/world.hpp"

namespace penstock::simulation {
namespace {

constexpr std::uint64_t kSeeds = 1000;
constexpr std::uint64_t kThoroughEach = 20;
constexpr std::uint64_t kRepeatedEach = 50;

std::optional<std::uint64_t> number_from(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

// For the handler of a broken invariant's abort.
const World* running_world = nullptr;
std::uint64_t running_seed = 0;

extern "C" void print_end_of_run(int) {
  if (running_world == nullptr) return;
  std::fprintf(stderr, "%sPENSTOCK_SIM_SEED=%llu broke an invariant\n",
               running_world->report().last_events().c_str(),
               static_cast<unsigned long long>(running_seed));
}

class ClusterSimulation : public ::testing::Test {
 protected:
  ClusterSimulation() { before_ = std::signal(SIGABRT, print_end_of_run); }
  ~ClusterSimulation() override {
    running_world = nullptr;
    std::signal(SIGABRT, before_);
  }

  // The fingerprint of the run.
  std::uint64_t run(std::uint64_t seed, bool thorough) {
    World world(
        seed, {.verbose = number_from("PENSTOCK_SIM_LOG").value_or(0) != 0, .thorough = thorough});
    running_world = &world;
    running_seed = seed;
    world.run();
    running_world = nullptr;
    delivered_ += world.delivered();
    values_ += world.values();
    asked_ += world.asked();
    if (world.report().failed()) {
      ADD_FAILURE() << world.report().last_events() << "PENSTOCK_SIM_SEED=" << seed << ": "
                    << world.report().problem();
    }
    return world.report().hash();
  }

  std::uint64_t delivered_ = 0;
  ValueCounts values_;
  std::uint64_t asked_ = 0;

 private:
  void (*before_)(int) = nullptr;
};

TEST_F(ClusterSimulation, DeliversEveryElementOnceAndInOrderWhateverBreaks) {
  if (const auto seed = number_from("PENSTOCK_SIM_SEED")) {
    run(*seed, true);
    return;
  }
  const std::uint64_t seeds = number_from("PENSTOCK_SIM_SEEDS").value_or(kSeeds);
  for (std::uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed) {
    run(seed, seed % kThoroughEach == 0);
  }
  EXPECT_GT(delivered_, seeds * 20);
  EXPECT_GT(asked_, seeds * 5);
  EXPECT_GT(values_.kept, seeds * 10);
  EXPECT_GT(values_.read, seeds * 10);
  EXPECT_GT(values_.freed, seeds * 10);
  EXPECT_GT(values_.unreadable, seeds / 10);
  EXPECT_GT(values_.made_again, seeds / 10);
}

TEST_F(ClusterSimulation, RunsTheSameAgainFromTheSameSeed) {
  for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); seed += kRepeatedEach) {
    const std::uint64_t hash = run(seed, false);
    EXPECT_EQ(run(seed, true), hash) << "seed " << seed;
  }
}

}  // namespace
}  // namespace penstock::simulation
