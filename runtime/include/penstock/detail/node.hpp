// Nodes: what receives elements (Inlet), what passes them on (Outlet), and the base of those that
// do both (Operator). A new node derives from Operator and writes receive(); see nodes/map.hpp.
#pragma once

#include <any>
#include <atomic>
#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "penstock/detail/delivery.hpp"
#include "penstock/detail/downstreams.hpp"
#include "penstock/detail/graph.hpp"
#include "penstock/detail/inlet.hpp"
#include "penstock/detail/node_life.hpp"
#include "penstock/failure.hpp"
#include "penstock/loop.hpp"

namespace penstock::detail {

class NodeBase {
 public:
  using Place = detail::Place;  // where a new node belongs

  // `kind` is a literal, or lives as long as one.
  NodeBase(Place place, const char* kind);
  virtual ~NodeBase();
  NodeBase(const NodeBase&) = delete;
  NodeBase& operator=(const NodeBase&) = delete;

  // Called once, after the node belongs to its graph: starts timers and such.
  virtual void start() {}

  // Called when it was destroyed, on the node's thread and not inside the node, and right before its
  // destructor, unless somebody keeps it with life()->pin() still (a coroutine that runs, say). Lets go of
  // what waits in such a node.
  virtual void dismantle() {}

  // Null: it may be given ErrorPolicy::retry(). Else what is wrong with that, behind the node's name.
  virtual const char* why_no_retry() const { return nullptr; }

  // Where elements enter, in the order in which streams were joined.
  virtual std::vector<Upstreams*> inlets();

  const Place& place() const { return life_->place(); }
  const Shared<Graph>& graph() const { return place().graph; }
  [[gnu::always_inline]] Loop* loop() const { return place().domain->loop(); }
  // The loop of a node that cannot do without: its own option, its graph's, or the default one.
  Loop& need_loop(const LoopRef& option);

  const char* kind() const { return life_->kind(); }
  const Shared<NodeLife>& life() const { return life_; }

  // False: others push into it from any thread, so that it can go with its whole graph only.
  bool can_be_destroyed() const { return life_->can_be_destroyed(); }

  // Name and policy may change while elements pass.
  std::string name() const { return life_->name(); }
  void set_name(std::string name) { life_->set_name(std::move(name)); }
  void set_dead_letter(Inlet<Failure>* inlet);
  void set_error_kind(ErrorPolicy::Kind kind) { life_->set_error_kind(kind); }
  // Throws LoopError when a pause needs another loop than the graph has.
  void set_retry(ErrorPolicy::Retry retry);
  ErrorPolicy::Retry retry() const;
  // With the lock of the shape held; null: none any more.
  void replace_dead_letter(Inlet<Failure>* inlet);
  Inlet<Failure>* dead_letter() const;
  // The policy wants the element that failed too: see detail/attempts.hpp.
  bool is_careful() const { return care_.load(std::memory_order_relaxed) != nullptr; }

  // Applies the node's policy to the exception. Any thread.
  void handle_error(std::exception_ptr error, Delivery& delivery);
  // The same when nothing is to be tried again.
  void give_up(std::exception_ptr error, std::any element, Delivery& delivery);

  // Calls action() and returns what handle_error() was given meanwhile, instead of applying the policy. Of a
  // careful node.
  template <class Action>
  std::exception_ptr caught(Action&& action) {
    std::exception_ptr error;
    std::exception_ptr** const catcher = &care_.load()->catcher;
    std::exception_ptr* const before = std::exchange(*catcher, &error);
    try {
      action();
    } catch (...) {
      error = std::current_exception();
    }
    *catcher = before;
    return error;
  }

  // A callback for the loop that does nothing when the node or its graph is gone by then.
  template <class F>
  auto while_alive(F function) {
    return WhileAlive<F>(life_, std::move(function));
  }

 protected:
  void cannot_be_destroyed() { life_->cannot_be_destroyed(); }

 private:
  // What a policy needs that wants the element too: few nodes have one.
  struct Care {
    std::atomic<Inlet<Failure>*> dead_letter{nullptr};
    std::atomic<unsigned> retry_times{0};
    std::atomic<std::chrono::nanoseconds> retry_pause{};
    std::exception_ptr* catcher = nullptr;  // of caught(); on the node's thread only
  };
  Care& need_care();

  const Shared<NodeLife> life_;
  std::atomic<Care*> care_{nullptr};  // owned; made once
};

// Takes the node out of its graph: nothing goes in or out any more. It is freed when nobody can be in it;
// until then a drain waits. Any thread; in a graph without a loop, on the thread that emits.
void destroy(NodeBase& node);

// The nodes on the other ends of its edges, each once, in the order of connecting.
std::vector<std::shared_ptr<NodeBase>> upstreams_of(NodeBase& node);
std::vector<std::shared_ptr<NodeBase>> downstreams_of(NodeBase& node);

// Whether elements that leave the node may come back to it along the edges. Remembers the answer until edges change.
class CycleWatch {
 public:
  bool is_in_cycle(NodeBase& node);

 private:
  std::uint64_t version_ = ~std::uint64_t{0};
  bool in_cycle_ = false;
};

// Throws when there is a taker already.
void check_only_taker(std::size_t takers);

// The part of an Outlet that does not depend on its type.
class OutletBase {
 public:
  virtual ~OutletBase() = default;
  virtual NodeBase& node() = 0;
  const Downstreams& downstreams() const { return downstreams_; }

  bool disconnect(Upstreams* inlet) { return downstreams_.disconnect(inlet, *this); }
  // With the lock of the shape held.
  void disconnect_all(Upstreams* inlet) { downstreams_.disconnect_all(inlet, *this); }
  void disconnect_all() { downstreams_.disconnect_all(*this); }

 protected:
  Downstreams downstreams_;
};

// Passes elements to every downstream in the order in which they were connected.
template <class T>
class Outlet : public OutletBase {
 public:
  using Element = T;

  // Throws Error when these elements cannot be copied and have their taker.
  void check_can_connect() const {
    if constexpr (kPassing<T> == Passing::kMove) check_only_taker(downstreams_.count());
  }
  void connect(Inlet<T>* inlet) {
    check_can_connect();
    downstreams_.connect(inlet, *this);
  }

  // Inlined, with the usual case of one downstream: a hop is a virtual call and little more.
  [[gnu::always_inline]] void push_down(T value, Delivery& delivery)
    requires(kPassing<T> == Passing::kRegister)
  {
    if (Upstreams* only = downstreams_.only()) [[likely]] return to(only)->push(value, delivery);
    push_to_all<T>(value, delivery);
  }

  [[gnu::always_inline]] void push_down(const T& value, Delivery& delivery)
    requires(kPassing<T> == Passing::kReference)
  {
    if (Upstreams* only = downstreams_.only()) [[likely]] return to(only)->push(value, delivery);
    push_to_all<const T&>(value, delivery);
  }

  // The last downstream may take the value itself.
  [[gnu::always_inline]] void push_down(T&& value, Delivery& delivery)
    requires(kPassing<T> != Passing::kRegister)
  {
    if (Upstreams* only = downstreams_.only()) [[likely]] {
      return to(only)->push(std::move(value), delivery);
    }
    push_to_all<T&&>(std::move(value), delivery);
  }

  void end_down(Delivery& delivery) { downstreams_.end(delivery); }

  void close() {
    if (node().life()->close()) on_close();
  }

 private:
  virtual void on_close() {}  // where elements pass
  static Inlet<T>* to(Upstreams* inlet) { return static_cast<Inlet<T>*>(inlet); }

  // Value is T where that passes in registers, else a reference.
  template <class Value>
  [[gnu::noinline]] void push_to_all(Value value, Delivery& delivery) {
    downstreams_.each([&](Upstreams* inlet, bool is_last) {
      if constexpr (kPassing<T> != Passing::kMove) {
        if (!is_last) return to(inlet)->push(std::as_const(value), delivery);
      }
      to(inlet)->push(std::forward<Value>(value), delivery);
    });
  }
};

// The element type of a node that emits nothing: a sink.
struct Nothing {};

template <>
class Outlet<Nothing> {
 public:
  void end_down(Delivery&) {}
};

// A node from In to Out. Derived writes
//   template <class U> void receive(U&& value, Delivery& delivery);   // U is const In& or In
// and passes results on with push_down(). receive() may be noexcept, and is then called without a net: a
// hop costs least so. What it keeps at the end of the stream it emits in
// flush(). What receive() throws (a copy constructor may) obeys the node's policy.
template <class Derived, class In, class Out>
class Operator : public NodeBase, public Receiver<Derived, In>, public Outlet<Out> {
 public:
  using NodeBase::NodeBase;

  NodeBase& node() final { return *this; }

  // Called at the end of the stream, before the downstream ends.
  void flush(Delivery&) {}

  void end_now(Delivery& delivery) override {
    static_cast<Derived&>(*this).flush(delivery);
    this->end_down(delivery);
  }

 protected:
  void all_ended(Delivery& delivery) final {
    if (!this->hold_back_end(delivery)) end_now(delivery);
  }
};

// Calls `function`, which belongs to the user. Its exception obeys the node's policy; the result,
// if there is one, goes to `use`, whose exceptions are not the user's and pass through.
template <class Function, class Use>
void call_user(NodeBase& node, Delivery& delivery, Function&& function, Use&& use) {
  using Result = std::invoke_result_t<Function&>;
  if constexpr (std::is_void_v<Result>) {
    try {
      function();
    } catch (...) {
      node.handle_error(std::current_exception(), delivery);
      return;
    }
    use();
  } else if constexpr (std::is_trivially_default_constructible_v<Result> &&
                       std::is_trivially_copyable_v<Result>) {
    Result result;
    try {
      result = function();
    } catch (...) {
      node.handle_error(std::current_exception(), delivery);
      return;
    }
    use(std::move(result));
  } else {
    std::optional<Result> result;
    try {
      result.emplace(function());
    } catch (...) {
      node.handle_error(std::current_exception(), delivery);
      return;
    }
    use(std::move(*result));
  }
}

}  // namespace penstock::detail
