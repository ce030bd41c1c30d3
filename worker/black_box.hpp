// A small shared memory that outlives the worker: what ran on each thread when it died. The
// supervisor makes it and hands it to its child as an inherited file descriptor; the child writes,
// the supervisor reads after the child's death.
//
// Layout, all of it native-endian, as both ends are one machine and one build:
//   Header is magic (8 bytes), version (4 bytes), slots (4 bytes), opened (4 bytes, 1 = by a child), padding (4 bytes)
//   then for each slot task (8 bytes), attempt (4 bytes, 0 = idle), padding (4 bytes)
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"

#include "worker/core/types.hpp"

namespace penstock::worker {

class BlackBox {
 public:
  // Threads above this number are not recorded.
  static constexpr std::uint32_t kMaxThreads = 1024;

  // An empty one. Its descriptor is closed on exec unless a spawn says otherwise.
  static absl::StatusOr<std::unique_ptr<BlackBox>> create();
  // One that was inherited. Takes `fd`, also when it fails.
  static absl::StatusOr<std::unique_ptr<BlackBox>> open(int fd);

  ~BlackBox();
  BlackBox(const BlackBox&) = delete;
  BlackBox& operator=(const BlackBox&) = delete;

  int fd() const { return fd_; }
  // The mapping stays. So that programs which a task starts do not inherit it.
  void close_fd();

  // By the thread itself, around each task. Two plain stores: whoever reads does so after our
  // death.
  void started(std::uint32_t thread, TaskId task, std::uint32_t attempt) {
    if (thread >= kMaxThreads) return;
    Slot& slot = layout_->slots[thread];
    slot.task.store(static_cast<std::uint64_t>(task), std::memory_order_relaxed);
    slot.attempt.store(attempt, std::memory_order_release);
  }
  void finished(std::uint32_t thread) {
    if (thread >= kMaxThreads) return;
    layout_->slots[thread].attempt.store(0, std::memory_order_relaxed);
  }

  // A child has open()ed it: its program called penstock::init().
  bool opened() const { return layout_->opened.load(std::memory_order_relaxed) != 0; }
  // Tasks that were running, by thread.
  std::vector<TaskId> running() const;
  // For the next child.
  void clear();

 private:
  struct Slot {
    std::atomic<std::uint64_t> task;
    std::atomic<std::uint32_t> attempt;
    std::uint32_t padding;
  };
  struct Layout {
    std::uint64_t magic;
    std::uint32_t version;
    std::uint32_t slot_count;
    std::atomic<std::uint32_t> opened;
    std::uint32_t padding;
    Slot slots[kMaxThreads];
  };
  static_assert(sizeof(Slot) == 16 && sizeof(Layout) == 24 + 16 * kMaxThreads);
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

  BlackBox(int fd, Layout* layout) : fd_(fd), layout_(layout) {}
  static absl::StatusOr<std::unique_ptr<BlackBox>> map(int fd);

  int fd_;
  Layout* layout_;
};

}  // namespace penstock::worker
