// A vector for what mostly is empty: takes one pointer.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace penstock::detail {

template <class T>
class Few {
 public:
  Few() = default;
  Few(const Few& other) : items_(other.items_ ? std::make_unique<std::vector<T>>(*other.items_) : nullptr) {}
  Few(Few&&) noexcept = default;
  Few& operator=(Few other) noexcept {
    items_.swap(other.items_);
    return *this;
  }

  bool empty() const { return !items_; }
  std::size_t size() const { return items_ ? items_->size() : 0; }
  void push_back(T item) {
    if (!items_) items_ = std::make_unique<std::vector<T>>();
    items_->push_back(std::move(item));
  }
  T& operator[](std::size_t i) { return (*items_)[i]; }
  const T& operator[](std::size_t i) const { return (*items_)[i]; }
  T* begin() { return items_ ? items_->data() : nullptr; }
  T* end() { return begin() + size(); }
  const T* begin() const { return items_ ? items_->data() : nullptr; }
  const T* end() const { return begin() + size(); }

 private:
  std::unique_ptr<std::vector<T>> items_;  // null, or not empty
};

}  // namespace penstock::detail
