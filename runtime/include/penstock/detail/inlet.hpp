// Where elements enter a node.
#pragma once

#include <atomic>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "penstock/detail/attempts.hpp"
#include "penstock/detail/delivery.hpp"
#include "penstock/detail/passing.hpp"

namespace penstock::detail {

class NodeBase;
class OutletBase;

// The streams that lead into an inlet, and how many of them have ended.
class Upstreams {
 public:
  virtual ~Upstreams() = default;

  // One upstream ended. With the last one the node flushes and ends its own downstream.
  void end(Delivery& delivery) {
    if (++ended_ == upstreams_) all_ended(delivery);
  }
  // Of a new node: it ends at once when all its upstreams had ended before they were connected, on its own
  // thread.
  void end_if_all_had_ended();
  // How many there are, without those that had ended before they were connected. Any thread.
  int upstreams() const { return upstreams_; }

  // Whose inlet it is.
  virtual NodeBase& node() = 0;

  // The end, when no element waits for another attempt any more.
  virtual void end_now(Delivery&) {}

  // ---- the shape; with its lock held ----
  // A stream that had ended before does not count. Taking one away never ends the inlet: another may come
  // in its place.
  void add_upstream(OutletBase& from, bool counted);
  void remove_upstream(OutletBase& from, bool counted, bool had_ended);
  std::vector<OutletBase*> from() const;  // in the order of connecting
  // The nodes whose errors come here.
  const std::vector<NodeBase*>& dead_letters_of() const;
  void add_dead_letter_of(NodeBase& node);
  void remove_dead_letter_of(NodeBase& node);

  // Its node was destroyed: it takes nothing any more.
  bool destroyed() const { return destroyed_.load(std::memory_order_relaxed); }
  void set_destroyed() { destroyed_ = true; }

 protected:
  virtual void all_ended(Delivery& delivery) = 0;

 private:
  struct More {
    std::vector<OutletBase*> from;  // without the first
    std::vector<NodeBase*> dead_letters_of;
  };
  More& more();

  std::atomic<int> upstreams_{0};  // connect() may come from another thread
  std::atomic<int> ended_{0};
  std::atomic<bool> destroyed_{false};
  OutletBase* first_from_ = nullptr;
  std::unique_ptr<More> more_;  // most have one upstream, and nothing else
};

// Takes elements of one type, on the loop of its graph, or on the emitting thread when there is
// none. push() never throws: what fails goes to the delivery.
template <class T, Passing = kPassing<T>>
class Inlet;

template <class T>
class Inlet<T, Passing::kRegister> : public Upstreams {
 public:
  virtual void push(T value, Delivery& delivery) noexcept = 0;
};

template <class T>
class Inlet<T, Passing::kReference> : public Upstreams {
 public:
  virtual void push(const T& value, Delivery& delivery) noexcept = 0;
  virtual void push(T&& value, Delivery& delivery) noexcept = 0;
};

template <class T>
class Inlet<T, Passing::kMove> : public Upstreams {
 public:
  virtual void push(T&& value, Delivery& delivery) noexcept = 0;
};

// An inlet whose elements go to
//   template <class U> void Derived::receive(U&& value, Delivery& delivery);   // U is const T& or T
// What that throws (a copy constructor may) goes to Derived::handle_error(exception, delivery).
template <class Derived, class T, Passing = kPassing<T>>
class Receiver;

template <class Derived, class T>
class ReceiverBase : public Inlet<T> {
 protected:
  template <class U>
  [[gnu::always_inline]] void take(U&& value, Delivery& delivery) noexcept {
    auto& self = static_cast<Derived&>(*this);
    if constexpr (kRetriable<T>) {
      if (self.is_careful()) [[unlikely]] return take_carefully<Taken<U>>(std::forward<U>(value), delivery);
    }
    if constexpr (noexcept(self.receive(std::forward<U>(value), delivery))) {
      self.receive(std::forward<U>(value), delivery);
    } else {
      try {
        self.receive(std::forward<U>(value), delivery);
      } catch (...) {
        self.handle_error(std::current_exception(), delivery);
      }
    }
  }

  // True: the end of the stream waits behind an element that is tried again.
  bool hold_back_end(Delivery& delivery) {
    if constexpr (kRetriable<T>) return attempts_ && attempts_->hold_back_end(delivery);
    return false;
  }

 private:
  struct NoAttempts {};

  // What stays in registers must not have an address, or it would go through memory on every path.
  template <class U>
  using Taken = std::conditional_t<kPassing<T> == Passing::kRegister, T, U&&>;

  template <class Value>
  [[gnu::noinline, gnu::cold]] void take_carefully(Value value, Delivery& delivery) noexcept {
    auto& self = static_cast<Derived&>(*this);
    try {
      T element(std::forward<Value>(value));
      if (attempts_ && attempts_->busy()) return attempts_->take(std::any(std::move(element)), delivery);
      auto error = self.caught([&] { self.receive(std::as_const(element), delivery); });
      if (!error) return;
      if (!attempts_) attempts_ = std::make_unique<Attempts>(*this, &receive_again);
      attempts_->failed(std::move(error), std::any(std::move(element)), delivery);
    } catch (...) {
      self.handle_error(std::current_exception(), delivery);
    }
  }

  static void receive_again(Upstreams& inlet, const std::any& element, Delivery& delivery) {
    static_cast<Derived&>(inlet).receive(*std::any_cast<T>(&element), delivery);
  }

  std::conditional_t<kRetriable<T>, std::unique_ptr<Attempts>, NoAttempts> attempts_;
};

template <class Derived, class T>
class Receiver<Derived, T, Passing::kRegister> : public ReceiverBase<Derived, T> {
 public:
  void push(T value, Delivery& delivery) noexcept final { this->take(std::move(value), delivery); }
};

template <class Derived, class T>
class Receiver<Derived, T, Passing::kReference> : public ReceiverBase<Derived, T> {
 public:
  void push(const T& value, Delivery& delivery) noexcept final { this->take(value, delivery); }
  void push(T&& value, Delivery& delivery) noexcept final { this->take(std::move(value), delivery); }
};

template <class Derived, class T>
class Receiver<Derived, T, Passing::kMove> : public ReceiverBase<Derived, T> {
 public:
  void push(T&& value, Delivery& delivery) noexcept final { this->take(std::move(value), delivery); }
};

}  // namespace penstock::detail
