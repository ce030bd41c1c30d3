// Tasks that take longer to send than to run: the client runs them itself, when it may.
#include "client/core/local_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <numeric>
#include <penstock/penstock.hpp>
#include <stdexcept>
#include <thread>
#include <vector>

namespace penstock {
namespace {

using namespace std::chrono_literals;
using client::LocalRun;

// ---- when ---------------------------------------------------------------------------------------

TEST(LocalRun, GoesOnWhileTasksAreShort) {
  LocalRun local;
  EXPECT_FALSE(local.active());
  local.start();
  for (int i = 0; i < 10'000; ++i) ASSERT_FALSE(local.observe(i % 100 == 0 ? 100us : 1us));
  EXPECT_TRUE(local.active());
}

TEST(LocalRun, EndsAfterAWindowOfTasksThatAreSomewhatLonger) {
  LocalRun local;
  local.start();
  for (int i = 1; i < LocalRun::kWindow; ++i) ASSERT_FALSE(local.observe(5us));
  EXPECT_TRUE(local.observe(5us));
  EXPECT_FALSE(local.active());
}

TEST(LocalRun, EndsAtOnceWhenTasksAreLong) {
  LocalRun local;
  local.start();
  EXPECT_FALSE(local.observe(11ms));
  EXPECT_TRUE(local.observe(11ms));
  EXPECT_FALSE(local.observe(11ms)) << "one tells";
  local.start();
  EXPECT_FALSE(local.observe(11ms)) << "from the beginning";
}

// ---- in a client --------------------------------------------------------------------------------

std::atomic<bool> is_slow{false};  // in this process only
int process_of(int) {
  if (is_slow) std::this_thread::sleep_for(5ms);
  return getpid();
}
int process_that_is_not(int pid) {
  if (getpid() == pid) throw std::runtime_error("not here");
  return getpid();
}

struct ShortTasksHere : testing::Test {
  const Client client = Client::local({.workers = 1, .dashboard = false});

  // So many that it is known how short they are. On a busy machine a mean may be longer.
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
  int here = 0;
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
