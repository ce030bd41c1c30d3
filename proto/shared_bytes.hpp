// Bytes that other processes of this machine read without a copy.
//
// They are anonymous files (memfd_create): the memory goes with its last user, so nothing is left behind
// whatever is killed. Another process opens them as /proc/PID/fd/FD, which works for the same user in the same
// namespace of process ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace penstock::proto_values {

// Names the processes that can see each other's shared bytes: this boot, this namespace of process ids.
const std::string& this_machine();

// Differs from all others, of this process and others.
std::string unique_name();

// A view, and what keeps it.
struct Bytes {
  std::string_view view;
  std::shared_ptr<const void> owner;
};

// Immutable, owned by the process that made them.
class SharedBytes {
 public:
  // Copies `bytes`. RESOURCE_EXHAUSTED when there is no memory for them, or when a third of the descriptors that this
  // process may have are taken so: it needs others for files and connections.
  static absl::StatusOr<std::shared_ptr<const SharedBytes>> make(std::string_view bytes);
  ~SharedBytes();  // who has mapped them keeps them
  SharedBytes(const SharedBytes&) = delete;
  SharedBytes& operator=(const SharedBytes&) = delete;

  std::size_t size() const { return size_; }
  int descriptor() const { return descriptor_; }
  // Of the file; differs from all others.
  const std::string& name() const { return name_; }
  // For this process itself: needs no further descriptor. RESOURCE_EXHAUSTED when it cannot be mapped.
  absl::StatusOr<Bytes> map() const;

 private:
  SharedBytes(int descriptor, std::string name, std::size_t size);

  const int descriptor_;
  const std::string name_;
  const std::size_t size_;
};

// The bytes of another process, or of this one; NOT_FOUND when they are not there. Only for a name that its
// owner gave away on this machine: numbers of processes and descriptors are used again.
absl::StatusOr<Bytes> map_shared(std::uint32_t process, std::uint32_t descriptor, const std::string& name,
                                 std::size_t size);

}  // namespace penstock::proto_values
