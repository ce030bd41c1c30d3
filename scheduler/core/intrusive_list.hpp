// A doubly linked list through a hook inside its elements: every operation is O(1) and allocates
// nothing. It owns nothing; an element is in at most one list per hook and must stay where it is.
#pragma once

#include <cstddef>

#include <penstock/detail/check.hpp>

namespace penstock::scheduler {

template <typename T>
struct Hook {
  T* prev = nullptr;
  T* next = nullptr;
};

template <typename T, Hook<T> T::*kHook>
class IntrusiveList {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  T* front() const { return front_; }  // null when empty
  T* back() const { return back_; }
  static T* next(const T& element) { return (element.*kHook).next; }
  static T* prev(const T& element) { return (element.*kHook).prev; }

  void push_back(T& element) { link(element, back_, nullptr); }
  void push_front(T& element) { link(element, nullptr, front_); }
  void insert_after(T& place, T& element) { link(element, &place, next(place)); }
  void insert_before(T& place, T& element) { link(element, prev(place), &place); }

  void erase(T& element) {
    PENSTOCK_CHECK(size_ > 0);
    Hook<T>& hook = element.*kHook;
    (hook.prev ? (hook.prev->*kHook).next : front_) = hook.next;
    (hook.next ? (hook.next->*kHook).prev : back_) = hook.prev;
    hook = {};
    --size_;
  }

  void move_to_back(T& element) {
    if (back_ == &element) return;
    erase(element);
    push_back(element);
  }

 private:
  void link(T& element, T* before, T* after) {
    element.*kHook = {before, after};
    (before ? (before->*kHook).next : front_) = &element;
    (after ? (after->*kHook).prev : back_) = &element;
    ++size_;
  }

  T* front_ = nullptr;
  T* back_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace penstock::scheduler
