#include "worker/black_box.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/status/status.h"

namespace penstock::worker {
namespace {

constexpr std::uint64_t kMagic = 0x784f426b63614c42;  // "BLackBOx"
constexpr std::uint32_t kVersion = 2;

}  // namespace

absl::StatusOr<std::unique_ptr<BlackBox>> BlackBox::create() {
  const int fd = memfd_create("penstock-black-box", MFD_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, "memfd_create");
  if (ftruncate(fd, sizeof(Layout)) != 0) {
    const int error = errno;
    ::close(fd);
    return absl::ErrnoToStatus(error, "ftruncate of the black box");
  }
  auto box = map(fd);
  if (!box.ok()) return box;
  Layout& layout = *(*box)->layout_;
  layout.magic = kMagic;
  layout.version = kVersion;
  layout.slot_count = kMaxThreads;
  return box;
}

absl::StatusOr<std::unique_ptr<BlackBox>> BlackBox::open(int fd) {
  struct stat facts {};
  if (fstat(fd, &facts) != 0) return absl::ErrnoToStatus(errno, "the black box's descriptor");
  if (static_cast<std::uint64_t>(facts.st_size) < sizeof(Layout)) {
    ::close(fd);
    return absl::InvalidArgumentError("the black box is too small");
  }
  auto box = map(fd);
  if (!box.ok()) return box;
  Layout& layout = *(*box)->layout_;
  if (layout.magic != kMagic) return absl::InvalidArgumentError("not a black box");
  if (layout.version != kVersion || layout.slot_count != kMaxThreads) {
    return absl::InvalidArgumentError("the black box is of another version of Penstock");
  }
  layout.opened.store(1, std::memory_order_relaxed);
  return box;
}

absl::StatusOr<std::unique_ptr<BlackBox>> BlackBox::map(int fd) {
  void* memory = mmap(nullptr, sizeof(Layout), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    const int error = errno;
    ::close(fd);
    return absl::ErrnoToStatus(error, "mapping the black box");
  }
  return std::unique_ptr<BlackBox>(new BlackBox(fd, static_cast<Layout*>(memory)));
}

BlackBox::~BlackBox() {
  munmap(layout_, sizeof(Layout));
  close_fd();
}

void BlackBox::close_fd() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::vector<TaskId> BlackBox::running() const {
  std::vector<TaskId> tasks;
  for (const Slot& slot : layout_->slots) {
    if (slot.attempt.load(std::memory_order_acquire) == 0) continue;
    tasks.push_back(TaskId{slot.task.load(std::memory_order_relaxed)});
  }
  return tasks;
}

void BlackBox::clear() {
  for (Slot& slot : layout_->slots) slot.attempt.store(0, std::memory_order_relaxed);
}

}  // namespace penstock::worker
