// Shared ownership in the space of one pointer: what there is many of, for each node and each handle, counts
// its owners itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace penstock::detail {

// An object that Shared pointers own. Made with new.
class Counted {
 public:
  Counted() = default;
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 protected:
  ~Counted() = default;

 private:
  template <class T>
  friend class Shared;
  std::atomic<std::uint32_t> owners_{0};
};

// As std::shared_ptr, and as thread-safe, without weak pointers. The last one deletes a T.
template <class T>
class Shared {
 public:
  Shared() = default;
  // One more owner: of a new object, or of one that has some.
  explicit Shared(T* object) : object_(object) {
    if (object_ != nullptr) object_->owners_.fetch_add(1, std::memory_order_relaxed);
  }
  Shared(const Shared& other) : Shared(other.object_) {}
  Shared(Shared&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Shared& operator=(Shared other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Shared() {
    if (object_ != nullptr && object_->owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete object_;
  }

  // Ownership as a plain pointer, for what is atomic.
  T* release() { return std::exchange(object_, nullptr); }
  static Shared adopt(T* object) {
    Shared adopted;
    adopted.object_ = object;
    return adopted;
  }

  T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
};

}  // namespace penstock::detail
