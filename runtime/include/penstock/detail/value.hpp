// Value: one value of any movable type, owned. Values of up to kInlineSize bytes need no
// allocation. Its user knows the type: get<T>() of another type than was put in is undefined.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace penstock::detail {

class Value {
 public:
  static constexpr std::size_t kInlineSize = 64;

  Value() = default;
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;
  Value(Value&& other) noexcept { take(other); }
  Value& operator=(Value&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  ~Value() { reset(); }

  // Replaces what was there. When the constructor of T throws, the value is empty.
  template <class T, class... Args>
  T& emplace(Args&&... args) {
    reset();
    T* made = nullptr;
    if constexpr (kInline<T>) {
      made = ::new (static_cast<void*>(buffer_)) T(std::forward<Args>(args)...);
    } else {
      made = new T(std::forward<Args>(args)...);
    }
    object_ = made;
    manage_ = &manage<T>;
    return *made;
  }

  template <class T>
  T& get() {
    return *static_cast<T*>(object_);
  }
  template <class T>
  const T& get() const {
    return *static_cast<const T*>(object_);
  }

  bool has_value() const { return object_ != nullptr; }

  void reset() {
    if (object_ != nullptr) manage_(*this, nullptr);
    object_ = nullptr;
  }

 private:
  template <class T>
  static constexpr bool kInline =
      sizeof(T) <= kInlineSize &&
      alignof(T) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<T>;

  // Destroys the object of `from`, after moving it to `to` if there is one.
  template <class T>
  static void manage(Value& from, Value* to) {
    T* object = static_cast<T*>(from.object_);
    if constexpr (kInline<T>) {
      if (to != nullptr)
        to->object_ = ::new (static_cast<void*>(to->buffer_)) T(std::move(*object));
      object->~T();
    } else if (to != nullptr) {
      to->object_ = object;
    } else {
      delete object;
    }
  }

  void take(Value& other) {
    if (other.object_ == nullptr) return;
    manage_ = other.manage_;
    manage_(other, this);
    other.object_ = nullptr;
  }

  void* object_ = nullptr;
  void (*manage_)(Value& from, Value* to) = nullptr;
  alignas(std::max_align_t) std::byte buffer_[kInlineSize];
};

}  // namespace penstock::detail
