// Decoder: reads encoded bytes that nobody vouches for. Every length is bounded by the bytes that
// are left, nesting is capped, and the first error is kept; after it, all reads fail. Reads return
// false on error, so a chain of them is written with &&. Not thread-safe. It refers to the bytes it
// was given, which must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"

namespace penstock {

// How many containers, optionals, variants and pointers may be inside one another in one value.
inline constexpr int kMaxDecodeDepth = 500;

class Decoder {
 public:
  explicit Decoder(std::string_view in) : at_(in.data()), left_(in.size()) {}

  // Reads any encodable value (defined in codec.hpp).
  template <class T>
  bool read(T& out);

  // Copies the next `size` bytes to `to`.
  bool bytes(void* to, std::size_t size) {
    if (size > left_) return truncated(size);
    if (size != 0) std::memcpy(to, at_, size);
    skip(size);
    return true;
  }

  // A view of the next `size` bytes, without a copy.
  bool take(std::size_t size, std::string_view& out) {
    if (size > left_) return truncated(size);
    out = std::string_view(at_, size);
    skip(size);
    return true;
  }

  // Reads a number of elements, each of which takes at least `min_size` (> 0) encoded bytes.
  bool length(std::size_t& out, std::size_t min_size) {
    std::uint64_t count = 0;
    if (!bytes(&count, sizeof count)) return false;
    if (count > left_ / min_size) return too_long(count, min_size);
    out = static_cast<std::size_t>(count);
    return true;
  }

  // Around everything that can contain itself. Call leave() after a successful enter().
  bool enter() {
    if (++depth_ <= kMaxDecodeDepth) return true;
    return fail("nested deeper than " + std::to_string(kMaxDecodeDepth) + " levels");
  }
  void leave() { --depth_; }

  // Records an error, unless there was one before. Always false.
  bool fail(std::string message) {
    if (error_.empty()) error_ = std::move(message);
    left_ = 0;
    return false;
  }

  std::size_t left() const { return left_; }

  // OK when there was no error and no byte is left over.
  absl::Status finish() const {
    if (!error_.empty()) return absl::InvalidArgumentError(error_);
    if (left_ == 0) return absl::OkStatus();
    return absl::InvalidArgumentError("left over: " + plural(left_));
  }

 private:
  static std::string plural(std::uint64_t count) {
    return std::to_string(count) + (count == 1 ? " byte" : " bytes");
  }
  void skip(std::size_t size) {
    at_ += size;
    left_ -= size;
  }
  bool truncated(std::size_t need) {
    return fail("truncated: need " + plural(need) + ", have " + std::to_string(left_));
  }
  bool too_long(std::uint64_t count, std::size_t min_size) {
    return fail("truncated: " + std::to_string(count) + " elements of at least " +
                plural(min_size) + " announced, have " + plural(left_));
  }

  const char* at_;
  std::size_t left_;
  int depth_ = 0;
  std::string error_;
};

}  // namespace penstock
