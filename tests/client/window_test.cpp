#include "client/core/window.hpp"

#include <gtest/gtest.h>

namespace penstock::client {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

TEST(Window, LetsInAsManyElementsAsItWasSetTo) {
  Window window({.elements = 2});
  window.take(1);
  EXPECT_TRUE(window.has_place(1));
  window.take(1);
  EXPECT_FALSE(window.has_place(1));
  window.release(1);
  EXPECT_TRUE(window.has_place(1));
}

TEST(Window, CountsBytesToo) {
  Window window({.elements = 100, .bytes = 10});
  window.take(6);
  EXPECT_TRUE(window.has_place(4));
  EXPECT_FALSE(window.has_place(5));
}

TEST(Window, LetsOneElementPassThatIsLargerThanAllItsBytes) {
  Window window({.elements = 100, .bytes = 10});
  EXPECT_TRUE(window.has_place(1000));
  window.take(1000);
  EXPECT_FALSE(window.has_place(1));
}

TEST(Window, GrowsForShortTasksAndStaysBounded) {
  Window window({});
  for (int i = 0; i < 100; ++i) window.observe(std::chrono::nanoseconds(100), 8, 8);
  EXPECT_EQ(window.capacity(), Window::kMost);
}

TEST(Window, StaysSmallForLongTasksButKeepsEveryThreadBusy) {
  Window window({});
  window.observe(seconds(1), 8, 8);
  EXPECT_EQ(window.capacity(), 8 * Window::kPerThread);
}

TEST(Window, FollowsAChangeOfTheTasks) {
  Window window({});
  window.observe(seconds(1), 8, 4);
  const auto before = window.capacity();
  for (int i = 0; i < 400; ++i) window.observe(microseconds(10), 8, 4);
  EXPECT_GT(window.capacity(), 10 * before);
}

TEST(Window, IsSetByHandOverTheAdaptiveOne) {
  Window window({});
  window.observe(microseconds(1), 8, 4);
  window.set_elements(3);
  EXPECT_EQ(window.capacity(), 3u);
}

TEST(Window, HasRoomForWhatComesBack) {
  Window window({.elements = 1000, .bytes = 1 << 20});
  EXPECT_EQ(window.capacity(), 1000u);
  window.observe(seconds(1), 64 << 10, 1);
  EXPECT_EQ(window.capacity(), 16u);
  for (int i = 0; i < 200; ++i) window.observe(seconds(1), 100 << 20, 1);
  EXPECT_EQ(window.capacity(), 1u) << "one always passes";
  for (int i = 0; i < 1000; ++i) window.observe(seconds(1), 8, 1);
  EXPECT_EQ(window.capacity(), 1000u);
}

TEST(Window, MayHaveAMost) {
  Window window({.elements = 1000});
  window.set_most(100);
  EXPECT_EQ(window.capacity(), 100u);
  window.set_elements(50);
  EXPECT_EQ(window.capacity(), 50u);
}

}  // namespace
}  // namespace penstock::client
