#include "worker/black_box.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

namespace penstock::worker {
namespace {

std::unique_ptr<BlackBox> created() {
  auto box = BlackBox::create();
  EXPECT_TRUE(box.ok()) << box.status();
  return *std::move(box);
}

int copied_fd(const BlackBox& box) { return dup(box.fd()); }

TEST(BlackBox, ShowsTheSupervisorWhatTheWorkerRecorded) {
  const auto supervisors = created();
  const auto workers = BlackBox::open(copied_fd(*supervisors));
  ASSERT_TRUE(workers.ok()) << workers.status();
  (*workers)->close_fd();
  (*workers)->started(0, TaskId{0}, 1);
  (*workers)->started(5, TaskId{55}, 2);
  (*workers)->started(6, TaskId{66}, 1);
  (*workers)->finished(6);
  EXPECT_EQ(supervisors->running(), (std::vector<TaskId>{TaskId{0}, TaskId{55}}));
}

TEST(BlackBox, IgnoresThreadsBeyondItsSize) {
  const auto box = created();
  box->started(BlackBox::kMaxThreads, TaskId{1}, 1);
  box->finished(BlackBox::kMaxThreads);
  EXPECT_TRUE(box->running().empty());
}

TEST(BlackBox, IsEmptyAfterClear) {
  const auto box = created();
  box->started(3, TaskId{1}, 1);
  box->clear();
  EXPECT_TRUE(box->running().empty());
}

TEST(BlackBox, RefusesAMemoryThatIsTooSmall) {
  const int fd = memfd_create("small", MFD_CLOEXEC);
  ASSERT_EQ(ftruncate(fd, 100), 0);
  EXPECT_FALSE(BlackBox::open(fd).ok());
}

TEST(BlackBox, RefusesAMemoryThatIsNoBlackBox) {
  const int fd = memfd_create("other", MFD_CLOEXEC);
  ASSERT_EQ(ftruncate(fd, 1 << 20), 0);
  EXPECT_FALSE(BlackBox::open(fd).ok());
}

TEST(BlackBox, RefusesAnotherVersion) {
  const auto box = created();
  const std::uint32_t version = 99;
  ASSERT_EQ(pwrite(box->fd(), &version, sizeof version, 8), 4);
  const auto opened = BlackBox::open(copied_fd(*box));
  EXPECT_EQ(opened.status().message(), "the black box is of another version of Penstock");
}

TEST(BlackBox, RefusesADescriptorThatIsNotOpen) { EXPECT_FALSE(BlackBox::open(9999).ok()); }

}  // namespace
}  // namespace penstock::worker
