// Tasks that are short: they travel together, and the client runs them itself when it may.
#include "client/local_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <numeric>
#include <penstock/penstock.hpp>
#include <stdexcept>
#include <thread>
#include <vector>

namespace penstock {
namespace {

using namespace std::chrono_literals;
using client::LocalRun;

// ---- together ----------------------------------------------------------------------------------

// Each has an outcome of its own.
struct ShortTasks : testing::Test {
  static std::vector<int> numbers(int count) {
    std::vector<int> all(count);
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
};

TEST_F(ShortTasks, HaveTheirOwnValuesAndErrors) {
  auto client = Client::local(
      {.mode = LocalOptions::Workers::kThreads, .workers = 2, .dashboard = false});
  const auto futures = client.map(
      [](int x) {
        if (x % 100 == 7) throw std::out_of_range(std::to_string(x));
        return 2 * x;
      },
      numbers(5000));
  for (int x = 0; x < 5000; ++x) {
    if (x % 100 != 7) {
      ASSERT_EQ(futures[x].get(), 2 * x);
      continue;
    }
    try {
      futures[x].get();
      FAIL() << x;
    } catch (const TaskRaised& error) {
      EXPECT_EQ(error.text(), std::to_string(x));
      EXPECT_EQ(error.type(), "std::out_of_range");
      EXPECT_EQ(error.attempt(), 1u);
      EXPECT_THAT(error.worker(), testing::StartsWith("local-"));
    }
  }
}

TEST_F(ShortTasks, AreDroppedAndRetriedOneByOne) {
  auto client = Client::local(
      {.mode = LocalOptions::Workers::kThreads, .workers = 2, .dashboard = false});
  static std::atomic<int> failures{0};
  failures = 0;
  Stream<int> source;
  auto out = source.scatter(client)
                 .filter([](int x) {
                   if (x % 50 == 3 && failures.fetch_add(1) % 2 == 0) throw std::runtime_error("try again");
                   return x % 2 == 1;
                 })
                 .with({.retries = 20})
                 .gather()
                 .sink_to_vector();
  for (int x = 0; x < 4000; ++x) source.emit(x);
  source.drain();
  ASSERT_EQ(out.values().size(), 2000u);
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(out.values()[i], 2 * i + 1);
}

TEST_F(ShortTasks, OneThatKillsItsWorkersHarmsNoOther) {
  auto client = Client::local({.workers = 2, .dashboard = false});
  const auto futures = client.map(
      [](int x) {
        if (x == 1500) raise(SIGKILL);
        return x + 1;
      },
      numbers(2000));
  for (int x = 0; x < 2000; ++x) {
    if (x == 1500) {
      EXPECT_THROW(futures[x].get(), WorkerLost);
    } else {
      ASSERT_EQ(futures[x].get(), x + 1);
    }
  }
}

TEST_F(ShortTasks, DoNotBeginWhenAllThatTravelTogetherAreCancelled) {
  static std::atomic<int> begun{0};
  begun = 0;
  auto client = Client::local(
      {.mode = LocalOptions::Workers::kThreads, .workers = 1, .dashboard = false});
  const auto together = client.with({.batch = 100});
  const auto holds_up = client.submit([] { std::this_thread::sleep_for(200ms); return 0; });
  const auto futures = together.map([](int x) { ++begun; return x; }, numbers(400));
  std::this_thread::sleep_for(50ms);  // they are there
  client.cancel(std::vector(futures.begin(), futures.end() - 1));
  EXPECT_EQ(holds_up.get(), 0);
  EXPECT_EQ(futures.back().get(), 399);
  EXPECT_LE(begun, 100);  // those with the last one
}

TEST_F(ShortTasks, AreCancelledOneByOne) {
  auto client = Client::local(
      {.mode = LocalOptions::Workers::kThreads, .workers = 1, .dashboard = false});
  client.gather(client.map([](int x) { return x; }, numbers(100)));  // it knows that they are short
  const auto futures = client.map([](int x) { return x; }, numbers(3000));
  for (int x = 0; x < 3000; x += 3) futures[x].cancel();
  for (int x = 0; x < 3000; ++x) {
    if (x % 3 != 0) {
      ASSERT_EQ(futures[x].get(), x);
    }
  }
}

// ---- when a client runs them itself ------------------------------------------------------------

TEST(LocalRun, GoesOnWhileTasksAreShort) {
  LocalRun local;
  EXPECT_FALSE(local.active());
  local.start();
  for (int i = 0; i < 10'000; ++i) ASSERT_FALSE(local.observe(i % 100 == 0 ? 100us : 1us));
  EXPECT_TRUE(local.active());
}

TEST(LocalRun, GoesOnWhereThreadsWaitForAProcessor) {
  LocalRun local;
  local.start();
  for (int i = 0; i < 10 * LocalRun::kWindow; ++i) {
    ASSERT_FALSE(local.observe(i % LocalRun::kWindow < 3 ? LocalRun::Duration(1s) : LocalRun::Duration(1us)));
  }
  EXPECT_TRUE(local.active());
}

TEST(LocalRun, EndsWhenMostTasksAreSomewhatLonger) {
  LocalRun local;
  local.start();
  for (int i = 0; i < LocalRun::kWindow / 2; ++i) ASSERT_FALSE(local.observe(LocalRun::kLong + 1us));
  EXPECT_TRUE(local.observe(LocalRun::kLong + 1us));
  EXPECT_FALSE(local.active());
}

TEST(LocalRun, EndsAtOnceWhenTasksAreLong) {
  LocalRun local;
  local.start();
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(local.observe(1s));
  EXPECT_TRUE(local.observe(1s));
  EXPECT_FALSE(local.observe(1s)) << "one tells";
  local.start();
  EXPECT_FALSE(local.observe(1s)) << "from the beginning";
}

// ---- in a client --------------------------------------------------------------------------------

std::atomic<bool> is_slow{false};  // in this process only
const int own_process = getpid();  // a system call may be no short task
int process_of(int) {
  if (is_slow) std::this_thread::sleep_for(5ms);
  return own_process;
}
int process_that_is_not(int pid) {
  if (own_process == pid) throw std::runtime_error("not here");
  return own_process;
}

struct ShortTasksHere : testing::Test {
  const Client client = Client::local({.workers = 1, .dashboard = false});

  // Some times so many, and it is known how short they are.
  template <class F>
  std::vector<int> many(const Client& with, const F& function, int argument) const {
    return with.gather(with.map(function, std::vector<int>(20'000, argument)));
  }
};

TEST_F(ShortTasksHere, OnlyWhereTheyMay) {
  for (int i = 0; i < 8; ++i) {
    for (const int process : many(client, process_of, 0)) ASSERT_NE(process, getpid());
  }
}

TEST_F(ShortTasksHere, AndOnWorkersAgainWhenTheyBecomeLong) {
  const Client here = client.with({.local_when_short = true});
  bool is_here = false;
  for (int i = 0; i < 200 && !is_here; ++i) is_here = many(here, process_of, 0).back() == getpid();
  ASSERT_TRUE(is_here);
  is_slow = true;
  bool is_there = false;
  for (int i = 0; i < 100 && !is_there; ++i) is_there = here.submit(process_of, 0).get() != getpid();
  is_slow = false;
  EXPECT_TRUE(is_there);
}

TEST_F(ShortTasksHere, WhatFailsHereIsSent) {
  const Client here = client.with({.local_when_short = true});
  for (int i = 0; i < 8; ++i) {
    for (const int process : many(here, process_that_is_not, getpid())) ASSERT_NE(process, getpid());
  }
}

TEST_F(ShortTasksHere, InStreamsToo) {
  Stream<int> source;
  std::atomic<int> here = 0;  // written by the loop
  source.scatter(client.with({.local_when_short = true}))
      .map(process_of)
      .map([](int process) { return process; })
      .gather()
      .sink([&](int process) { here += process == getpid(); });
  for (int i = 0; i < 4'000'000 && here == 0; ++i) source.emit(i);
  source.drain();
  EXPECT_GT(here, 0);
}

}  // namespace
}  // namespace penstock
