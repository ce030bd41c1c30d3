#include "worker/local_address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::worker {
namespace {

using ::testing::AnyOf;

TEST(LocalAddress, IsLoopbackTowardsThisMachine) {
  EXPECT_EQ(*local_address_towards("127.0.0.1:8786"), "127.0.0.1");
  EXPECT_THAT(*local_address_towards("localhost:8786"), AnyOf("127.0.0.1", "[::1]"));
}

TEST(LocalAddress, IsLoopbackForWhatHasNoHost) {
  EXPECT_EQ(*local_address_towards(""), "127.0.0.1");
  EXPECT_EQ(*local_address_towards("unix:/run/penstock"), "127.0.0.1");
}

TEST(LocalAddress, StandsInBracketsWhenItIsOfVersionSix) {
  const auto address = local_address_towards("[::1]:8786");
  // Where there is no version six it says so.
  if (address.ok()) {
    EXPECT_EQ(*address, "[::1]");
  } else {
    EXPECT_TRUE(absl::IsUnavailable(address.status())) << address.status();
  }
}

TEST(LocalAddress, IsUnknownTowardsWhatDoesNotExist) {
  EXPECT_TRUE(absl::IsUnavailable(local_address_towards("no.such.host.invalid:8786").status()));
  EXPECT_TRUE(absl::IsUnavailable(local_address_towards("127.0.0.1:no-port").status()));
}

}  // namespace
}  // namespace penstock::worker
