// A queue in one block of memory: small when it is empty, and without allocations while its length
// stays about the same.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace penstock::detail {

// For small values without resources: one that was popped is destroyed later.
template <class T>
class Fifo {
 public:
  std::size_t size() const { return items_.size() - head_; }
  bool empty() const { return size() == 0; }
  const T& front() const { return items_[head_]; }
  const T& back() const { return items_.back(); }

  // push() does not throw then.
  void make_room() {
    if (items_.size() < items_.capacity()) return;
    if (head_ >= items_.size() / 2) {  // what moves is less than what was popped: O(1) amortised
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    if (items_.size() == items_.capacity()) items_.reserve(2 * items_.size() + 8);
  }
  void push(T value) {
    make_room();
    items_.push_back(std::move(value));
  }
  void pop() {
    if (++head_ == items_.size()) clear();
  }
  void clear() {
    items_.clear();
    head_ = 0;
  }

 private:
  std::vector<T> items_;
  std::size_t head_ = 0;
};

}  // namespace penstock::detail
