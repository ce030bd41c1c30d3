// Values that stay on this worker until nobody needs them any more.
//
// A value is admitted when it is made and held when its outcome is on its way; from then on it has a name and an
// owner, the client whose task made it. What is read stays readable when it is freed, and takes its room
// until nobody reads it any more.
#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/shared_bytes.hpp"
#include "worker/core/types.hpp"

namespace penstock::worker {

// An encoded value: in shared memory, or on the heap when there is no descriptor for it. Immutable.
class StoredValue : public std::enable_shared_from_this<StoredValue> {
 public:
  explicit StoredValue(std::string bytes) : name_(proto_values::unique_name()), heap_(std::move(bytes)) {}
  explicit StoredValue(std::shared_ptr<const proto_values::SharedBytes> bytes)
      : name_(bytes->name()), shared_(std::move(bytes)) {}

  std::size_t size() const { return shared_ ? shared_->size() : heap_.size(); }
  // Differs from all others.
  const std::string& name() const { return name_; }
  // Null: on the heap.
  const proto_values::SharedBytes* shared() const { return shared_.get(); }
  // Whose owner keeps the value too. RESOURCE_EXHAUSTED: they cannot be mapped.
  absl::StatusOr<proto_values::Bytes> bytes() const;

 private:
  const std::string name_;
  const std::string heap_;
  const std::shared_ptr<const proto_values::SharedBytes> shared_;
};

// The task that made it, and which attempt.
struct ValueName {
  TaskId task{};
  std::uint32_t attempt = 0;

  friend auto operator<=>(const ValueName&, const ValueName&) = default;
};

struct ValueStoreLimits {
  std::uint64_t max_bytes = 0;  // of all values together; 0: nothing stays here
  // Each value in shared memory takes one; further values are on the heap.
  std::size_t max_descriptors = std::numeric_limits<std::size_t>::max();
};

// Thread-safe. Values are destroyed without a lock of the store.
class ValueStore {
 public:
  using Value = std::shared_ptr<const StoredValue>;

  explicit ValueStore(ValueStoreLimits limits) : limits_(limits) {}
  ValueStore(const ValueStore&) = delete;
  ValueStore& operator=(const ValueStore&) = delete;

  // False: nothing will ever be admitted.
  bool keeps_values() const { return limits_.max_bytes > 0; }
  // Before, nobody could read a value, so none is admitted.
  void open() { open_ = true; }

  // Makes a value of `bytes`, which takes room from now until it is gone. Null, and `bytes` as they were: there is no
  // room.
  Value admit(std::string& bytes);

  // The value is `client`'s.
  void hold(ClientId client, ValueName name, Value value);
  // Null: it is not here, or not any more.
  Value find(ValueName name) const;
  // Names of values that are not here are passed over.
  void free(std::span<const ValueName> names);
  // All values of the client.
  void drop(ClientId client);
  // All values; the caller destroys them.
  std::vector<Value> clear();

  // Values that are held.
  std::size_t count() const;
  // Of what is admitted, held and read.
  std::uint64_t bytes() const { return room_->bytes; }

 private:
  // What is taken. Outlives the store, like the values.
  struct Room {
    std::atomic<std::uint64_t> bytes{0};
    std::atomic<std::size_t> descriptors{0};
  };
  struct Held {
    ClientId client{};
    Value value;
  };

  const ValueStoreLimits limits_;
  const std::shared_ptr<Room> room_ = std::make_shared<Room>();
  std::atomic<bool> open_{false};
  mutable std::mutex mutex_;
  std::map<ValueName, Held> held_;
};

}  // namespace penstock::worker
