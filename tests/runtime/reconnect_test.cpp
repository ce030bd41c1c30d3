// How sources and sinks with a connection try again.
#include "penstock/reconnect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "penstock/error.hpp"

namespace penstock::detail {
namespace {

using namespace std::chrono_literals;  // NOLINT: for tests

// A pause is shortened by up to a quarter.
::testing::Matcher<Duration> about(Duration pause) {
  return ::testing::AllOf(::testing::Gt(pause - pause / 4), ::testing::Le(pause));
}

TEST(Backoff, DoublesUpToTheLongestPause) {
  Backoff backoff({.first_pause = 100ms, .longest_pause = 350ms});
  EXPECT_THAT(backoff.next(), about(100ms));
  EXPECT_THAT(backoff.next(), about(200ms));
  EXPECT_THAT(backoff.next(), about(350ms));
  EXPECT_THAT(backoff.next(), about(350ms));
}

TEST(Backoff, BeginsAnewAfterAConnection) {
  Backoff backoff({.first_pause = 100ms, .longest_pause = 1s});
  for (int i = 0; i < 3; ++i) backoff.next();
  backoff.connected();
  EXPECT_THAT(backoff.next(), about(100ms));
}

TEST(CheckReconnect, TakesPausesThatGrow) {
  EXPECT_NO_THROW(check_reconnect("from_tcp", {}));
  EXPECT_NO_THROW(check_reconnect("from_tcp", {.first_pause = 1s, .longest_pause = 1s}));
}

TEST(CheckReconnect, RefusesPausesThatDoNotAndSaysWhoseTheyAre) {
  for (const ReconnectOptions& options :
       {ReconnectOptions{.first_pause = 0s}, ReconnectOptions{.first_pause = 2s, .longest_pause = 1s}}) {
    try {
      check_reconnect("from_tcp", options);
      FAIL();
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(),
                   "from_tcp: reconnect.first_pause must be positive and not above longest_pause");
    }
  }
}

TEST(Notice, GoesToWhoWantsIt) {
  std::string told;
  ::testing::internal::CaptureStderr();
  notice({.on_notice = [&told](std::string_view text) { told = text; }}, "to_mqtt", "lost");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(told, "to_mqtt: lost");
}

TEST(Notice, ElseToStderr) {
  ::testing::internal::CaptureStderr();
  notice({}, "to_mqtt", "lost");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "penstock: to_mqtt: lost\n");
}

}  // namespace
}  // namespace penstock::detail
