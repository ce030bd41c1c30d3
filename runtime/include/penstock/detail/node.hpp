// Nodes: what receives elements (Inlet), what passes them on (Outlet), and the base of those that
// do both (Operator). A new node derives from Operator and writes receive(); see nodes/map.hpp.
#pragma once

#include <atomic>
#include <concepts>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "penstock/detail/delivery.hpp"
#include "penstock/detail/graph.hpp"
#include "penstock/failure.hpp"
#include "penstock/loop.hpp"

namespace penstock::detail {

// The loop that the nodes between two remote boundaries share, or none yet. Thread-safe.
class LoopDomain {
 public:
  // The loop, or null.
  Loop* loop() const;
  std::shared_ptr<Loop> shared_loop() const;
  // Throws LoopError when a different loop is set already.
  void set(const std::shared_ptr<Loop>& loop);
  // Both name one domain afterwards. Throws LoopError when both have loops, and different ones.
  static void join(const std::shared_ptr<LoopDomain>& a, const std::shared_ptr<LoopDomain>& b);

 private:
  const LoopDomain* root() const;
  LoopDomain* root() { return const_cast<LoopDomain*>(std::as_const(*this).root()); }

  std::atomic<LoopDomain*> forward_{nullptr};
  std::shared_ptr<LoopDomain> forward_owner_;
  std::atomic<Loop*> loop_{nullptr};
  std::shared_ptr<Loop> loop_owner_;
};

template <class T>
class Inlet;

class NodeBase {
 public:
  // Where a new node belongs.
  struct Place {
    std::shared_ptr<Graph> graph;
    std::shared_ptr<LoopDomain> domain;

    static Place fresh() { return {Graph::create(), std::make_shared<LoopDomain>()}; }
  };

  NodeBase(Place place, std::string kind) : place_(std::move(place)), name_(std::move(kind)) {}
  virtual ~NodeBase() = default;
  NodeBase(const NodeBase&) = delete;
  NodeBase& operator=(const NodeBase&) = delete;

  // Called once, after the node belongs to its graph: starts timers and such.
  virtual void start() {}

  const Place& place() const { return place_; }
  const std::shared_ptr<Graph>& graph() const { return place_.graph; }
  Loop* loop() const { return place_.domain->loop(); }
  // The loop of a node that cannot do without: its own option, its graph's, or the default one.
  Loop& need_loop(const LoopRef& option);

  // Name and policy may change while elements pass.
  std::string name() const;
  void set_name(std::string name);
  void set_dead_letter(Inlet<Failure>* inlet);
  void set_error_kind(ErrorPolicy::Kind kind) { error_kind_ = kind; }

  // Applies the node's policy to the exception. Any thread.
  void handle_error(std::exception_ptr error, Delivery& delivery);

 protected:
  // A callback for the loop that does nothing when the graph is gone by then.
  template <class F>
  auto while_alive(F function) {
    return [graph = place_.graph, function = std::move(function)]() mutable {
      if (auto hold = GraphHold::if_alive(graph)) function();
    };
  }

 private:
  Place place_;
  mutable std::mutex name_mutex_;
  std::string name_;
  std::atomic<ErrorPolicy::Kind> error_kind_{ErrorPolicy::Kind::kRaise};
  std::atomic<Inlet<Failure>*> dead_letter_{nullptr};
};

// Takes elements of one type, on the loop of its graph, or on the emitting thread when there is
// none. push() does not throw: what fails goes to the delivery.
template <class T>
class Inlet {
 public:
  virtual ~Inlet() = default;
  virtual void push(const T& value, Delivery& delivery) = 0;
  virtual void push(T&& value, Delivery& delivery) = 0;

  // One upstream ended. With the last one the node flushes and ends its own downstream.
  void end(Delivery& delivery) {
    if (++ended_ == upstreams_) all_ended(delivery);
  }
  void add_upstream() { ++upstreams_; }

 protected:
  virtual void all_ended(Delivery& delivery) = 0;

 private:
  std::atomic<int> upstreams_{0};  // connect() may come from another thread
  std::atomic<int> ended_{0};
};

// Passes elements to every downstream in the order in which they were connected. connect() may come
// while elements pass: they see the list as it was before or after.
template <class T>
class Outlet {
 public:
  using Element = T;

  virtual ~Outlet() = default;
  virtual NodeBase& node() = 0;

  void connect(Inlet<T>* inlet) {
    auto list = std::make_unique<List>(lists_.empty() ? List{} : *lists_.back());
    list->push_back(inlet);
    if (!ended_) inlet->add_upstream();  // an end that is over will not come again
    lists_.push_back(std::move(list));
    only_.store(lists_.back()->size() == 1 ? inlet : nullptr, std::memory_order_release);
    current_.store(lists_.back().get(), std::memory_order_release);
  }

  std::size_t downstream_count() const {
    const List* list = current_.load(std::memory_order_acquire);
    return list == nullptr ? 0 : list->size();
  }

  void push_down(const T& value, Delivery& delivery) {
    if (Inlet<T>* only = only_.load(std::memory_order_acquire)) return only->push(value, delivery);
    const List* list = current_.load(std::memory_order_acquire);
    if (list == nullptr) return;
    for (Inlet<T>* inlet : *list) inlet->push(value, delivery);
  }

  // The last downstream may take the value itself.
  void push_down(T&& value, Delivery& delivery) {
    if (Inlet<T>* only = only_.load(std::memory_order_acquire)) {
      return only->push(std::move(value), delivery);
    }
    const List* list = current_.load(std::memory_order_acquire);
    if (list == nullptr) return;
    Inlet<T>* const* it = list->data();
    Inlet<T>* const* last = it + list->size() - 1;
    for (; it != last; ++it) (*it)->push(std::as_const(value), delivery);
    (*last)->push(std::move(value), delivery);
  }

  // Only the first call counts: a stream ends once, however many of its upstreams come and go.
  void end_down(Delivery& delivery) {
    if (ended_.exchange(true)) return;
    const List* list = current_.load(std::memory_order_acquire);
    if (list == nullptr) return;
    for (Inlet<T>* inlet : *list) inlet->end(delivery);
  }

  bool closed() const { return closed_; }
  void close() { closed_ = true; }

 private:
  using List = std::vector<Inlet<T>*>;
  std::atomic<Inlet<T>*> only_{
      nullptr};  // the one downstream, when there is just one: the usual case
  std::atomic<const List*> current_{nullptr};
  std::vector<std::unique_ptr<const List>> lists_;  // replaced ones stay: someone may be in them
  std::atomic<bool> closed_{false};
  std::atomic<bool> ended_{false};
};

// A node from In to Out. Derived writes
//   template <class U> void receive(U&& value, Delivery& delivery);   // U is const In& or In
// and passes results on with push_down(). What it keeps at the end of the stream it emits in
// flush(). What receive() throws (a copy constructor may) obeys the node's policy.
template <class Derived, class In, class Out>
class Operator : public NodeBase, public Inlet<In>, public Outlet<Out> {
 public:
  using NodeBase::NodeBase;

  void push(const In& value, Delivery& delivery) final {
    try {
      derived().receive(value, delivery);
    } catch (...) {
      this->handle_error(std::current_exception(), delivery);
    }
  }
  void push(In&& value, Delivery& delivery) final {
    try {
      derived().receive(std::move(value), delivery);
    } catch (...) {
      this->handle_error(std::current_exception(), delivery);
    }
  }
  NodeBase& node() final { return *this; }

  // Called at the end of the stream, before the downstream ends.
  void flush(Delivery&) {}

 protected:
  void all_ended(Delivery& delivery) override {
    derived().flush(delivery);
    this->end_down(delivery);
  }

 private:
  Derived& derived() { return static_cast<Derived&>(*this); }
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
