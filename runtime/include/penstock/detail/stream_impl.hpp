// Definitions of stream.hpp.
#pragma once

#include <algorithm>

#include "penstock/detail/completion.hpp"
#include "penstock/detail/source_control.hpp"
#include "penstock/detail/stream_class.hpp"

namespace penstock {
namespace detail {

// The node behind a source: passes on what is emitted into it.
template <class T>
class PassNode : public Operator<PassNode<T>, T, T> {
 public:
  explicit PassNode(NodeBase::Place place)
      : Operator<PassNode<T>, T, T>(std::move(place), "stream") {}
  template <class U>
  void receive(U&& value, Delivery& delivery) {
    this->push_down(std::forward<U>(value), delivery);
  }
};

// Node(place, arguments...), in its graph.
template <class Node, class... Arguments>
Node& make_node(Place place, Arguments&&... arguments) {
  const auto node = std::make_shared<Node>(std::move(place), std::forward<Arguments>(arguments)...);
  node->graph()->add_node(node);
  return *node;
}

template <class T>
std::pair<GraphHold, Outlet<T>*> make_source(const LoopRef& loop) {
  auto place = NodeBase::Place::fresh();
  if (loop) place.domain->set(loop.get());
  GraphHold hold(place.graph);
  auto& node = make_node<PassNode<T>>(std::move(place));
  return {std::move(hold), &node};
}

// Calls action(life, delivery); what it throws is what the emit throws.
template <class Action>
void run_action(Action& action, const NodeLife& life, Delivery& delivery) {
  try {
    action(life, delivery);
  } catch (...) {
    delivery.fail(std::current_exception());
  }
}

// The action of emit() and async_emit(). Checks again: destroy() or close() may have come in between.
template <class T, class Value>
void emit_into(const NodeLife& life, Outlet<T>& outlet, Value&& value, Delivery& delivery) {
  check_not_destroyed(life);
  if (life.closed()) {
    delivery.fail(std::make_exception_ptr(ClosedError("emit() on a closed stream")));
  } else {
    outlet.push_down(std::forward<Value>(value), delivery);
  }
}

// The action of close(): in its turn, so that what was emitted before comes before.
template <class T>
void close_and_end(const NodeLife& life, Outlet<T>& outlet, Delivery& delivery) {
  if (life.refuses()) return;
  outlet.close();
  if (auto* source = dynamic_cast<SourceControl*>(&outlet.node())) source->stop_source();
  outlet.end_down(delivery);
}

// What async_emit() and the like do, and who is told when it is over.
template <class Action>
class AsyncCall {
 public:
  AsyncCall(GraphHold hold, Shared<NodeLife> life, Token token, Action&& action, Completion completion)
      : hold_(std::move(hold)),
        life_(std::move(life)),
        flight_(hold_.get()),
        token_(std::move(token)),
        action_(std::move(action)),
        completion_(std::move(completion)) {}

  // As a callback of the loop.
  void operator()() { run(&Completion::tell_here); }
  // Inside the call that asks for it, on the thread where elements pass.
  void run_now() { run(&Completion::tell_later); }

 private:
  void run(void (Completion::*tell)(std::exception_ptr) &&) {
    Delivery delivery(std::move(token_));
    run_action(*action_, *life_, delivery);
    action_.reset();  // its element goes before somebody is told
    if (!delivery.immediate()) return tell_when_over(std::move(delivery));
    auto error = delivery.take_error();
    delivery = {};
    flight_ = {};
    (std::move(completion_).*tell)(std::move(error));
  }

  void tell_when_over(Delivery delivery) {
    std::move(delivery).finish([hold = std::move(hold_), done = std::move(completion_).until_later(),
                                flight = std::move(flight_)](std::exception_ptr error) mutable {
      flight = {};
      done(std::move(error));
    });
  }

  GraphHold hold_;  // the graph lives until the completion has been told
  Shared<NodeLife> life_;
  Flight flight_;
  Token token_;
  std::optional<Action> action_;
  Completion completion_;
};

[[noreturn]] void throw_blocking_on_loop(const char* what, const char* instead);
[[noreturn]] void refuse(const char* call, const NodeBase& node, const std::string& why);

// The one inlet of the node that takes T.
template <class T>
Inlet<T>& inlet_for(const char* call, NodeBase& node) {
  const auto inlets = node.inlets();
  Inlet<T>* found = nullptr;
  for (Upstreams* inlet : inlets) {
    auto* fits = dynamic_cast<Inlet<T>*>(inlet);
    if (fits != nullptr && found != nullptr) refuse(call, node, "has several inputs for such elements");
    if (fits != nullptr) found = fits;
  }
  if (inlets.empty()) refuse(call, node, "does not take elements");
  if (found == nullptr) refuse(call, node, "takes elements of another type");
  return *found;
}

}  // namespace detail

template <class T>
Stream<T>::Stream() : Stream(LoopRef{}) {}

template <class T>
Stream<T>::Stream(const LoopRef& loop) : Stream(detail::make_source<T>(loop)) {}

// No loop, and somebody holds the element or failed: waits, or throws.
template <class T>
void Stream<T>::wait_inline(const char* call, const char* instead, detail::Delivery delivery) const {
  if (delivery.immediate()) {
    if (auto error = delivery.take_error()) std::rethrow_exception(error);
    return;
  }
  if (Loop::current() != nullptr) {
    std::move(delivery).finish([graph = hold_.get()](std::exception_ptr error) {
      if (error) graph->report(std::move(error));
    });
    throw LoopError(std::string(call) +
                    " inside a callback of an event loop would block it; it is on its way, but use " +
                    instead + " there");
  }
  detail::Waiter waiter;
  std::move(delivery).finish([&](std::exception_ptr error) { waiter.complete(std::move(error)); });
  waiter.wait(nullptr);
}

template <class T>
template <class Action>
void Stream<T>::run_blocking(const char* call, const char* instead, Token token, Action action) const {
  Loop* loop = life()->loop();
  if (loop == nullptr) {
    const detail::InlineEmit scope;
    detail::Delivery delivery(std::move(token));
    action(*life(), delivery);
    if (!delivery.immediate_success()) wait_inline(call, instead, std::move(delivery));
    return;
  }
  if (loop->on_loop_thread()) detail::throw_blocking_on_loop(call, instead);
  detail::Waiter waiter;
  loop->post([&, token = std::move(token), flight = detail::Flight(hold_.get())]() mutable {
    detail::Delivery delivery(std::move(token));
    detail::run_action(action, *life(), delivery);
    std::move(delivery).finish(
        [&waiter, flight = std::move(flight)](std::exception_ptr error) mutable {
          flight = {};
          waiter.complete(std::move(error));
        });
  });
  waiter.wait(loop);
}

template <class T>
template <class CompletionToken, class Action>
auto Stream<T>::run_async(CompletionToken&& completion, Token token, Action action) const {
  return asio::async_initiate<CompletionToken, void(std::exception_ptr)>(
      [](auto handler, detail::GraphHold hold, detail::Shared<detail::NodeLife> life, Token held, Action run) {
        Loop* loop = life->loop();
        detail::AsyncCall<Action> call(std::move(hold), std::move(life), std::move(held), std::move(run),
                                       detail::Completion(std::move(handler), loop));
        if (loop == nullptr) {
          const detail::InlineEmit scope;
          call.run_now();
        } else if (loop->on_loop_thread()) {
          call.run_now();
        } else {
          loop->post(std::move(call));
        }
      },
      completion, hold_, life(), std::move(token), std::move(action));
}

template <class T>
inline void Stream<T>::emit(T value) const {
  if (!life()->refuses() && life()->loop() == nullptr) [[likely]] {
    const detail::InlineEmit scope;
    detail::Delivery delivery;
    outlet_->push_down(std::move(value), delivery);
    if (!delivery.immediate_success()) [[unlikely]] {
      wait_inline("emit()", "async_emit()", std::move(delivery));
    }
    return;
  }
  emit(std::move(value), Token());
}

template <class T>
void Stream<T>::emit(T value, Token token) const {
  // Not kept while it waits: destroy() must be able to free it.
  const bool closed = pin() && life()->closed();
  if (closed) throw ClosedError("emit() on a closed stream");
  run_blocking("emit()", "async_emit()", std::move(token), [this, &value](const detail::NodeLife& life, detail::Delivery& delivery) {
    detail::emit_into(life, *outlet_, std::move(value), delivery);
  });
}

template <class T>
template <class CompletionToken>
  requires(!std::is_same_v<std::remove_cvref_t<CompletionToken>, Token>)
auto Stream<T>::async_emit(T value, CompletionToken&& completion) const {
  return async_emit(std::move(value), Token(), std::forward<CompletionToken>(completion));
}

template <class T>
template <class CompletionToken>
auto Stream<T>::async_emit(T value, Token token, CompletionToken&& completion) const {
  return run_async(std::forward<CompletionToken>(completion), std::move(token),
                   [outlet = outlet_, value = std::move(value)](const detail::NodeLife& life,
                                                                detail::Delivery& delivery) mutable {
                     detail::emit_into(life, *outlet, std::move(value), delivery);
                   });
}

template <class T>
void Stream<T>::close() const {
  if (life()->refuses()) return;
  run_blocking("close()", "async_close()", {}, [this](const detail::NodeLife& life, detail::Delivery& delivery) {
    detail::close_and_end(life, *outlet_, delivery);
  });
}

template <class T>
template <class CompletionToken>
auto Stream<T>::async_close(CompletionToken&& completion) const {
  return run_async(std::forward<CompletionToken>(completion), {},
                   [outlet = outlet_](const detail::NodeLife& life, detail::Delivery& delivery) {
                     detail::close_and_end(life, *outlet, delivery);
                   });
}

template <class T>
void Stream<T>::connect(const NodeHandle& other) const {
  const auto from = pin();
  const auto to = other.pin();
  auto& inlet = detail::inlet_for<T>("connect()", *to);
  detail::LoopDomain::join(from->place().domain, to->place().domain);
  from->graph()->join(*to->graph());
  outlet_->connect(&inlet);
}

template <class T>
void Stream<T>::disconnect(const NodeHandle& other) const {
  const auto from = pin();
  const auto to = other.pin();
  const auto inlets = to->inlets();
  const bool found = std::any_of(inlets.rbegin(), inlets.rend(), [&](detail::Upstreams* inlet) {
    return outlet_->disconnect(inlet);
  });
  if (!found) detail::refuse("disconnect()", *to, "is no downstream of '" + name() + "'");
}

template <class T>
template <class Node, class... Arguments>
Node& Stream<T>::attach(Arguments&&... arguments) const {
  const auto before = pin();
  outlet_->check_can_connect();
  Node& made = detail::make_node<Node>(before->place(), std::forward<Arguments>(arguments)...);
  try {
    made.start();  // before it is connected: it may refuse its loop
    outlet_->connect(&made);
  } catch (...) {
    detail::destroy(made);
    throw;
  }
  made.end_if_all_had_ended();
  return made;
}

inline ErrorPolicy ErrorPolicy::dead_letter(const Stream<Failure>& errors) {
  ErrorPolicy policy(Kind::kDeadLetter);
  policy.attach_ = [errors](NodeHandle& handle) {
    const auto from = handle.pin();
    const auto to = errors.pin();
    auto& inlet = detail::inlet_for<Failure>("dead_letter()", *to);
    detail::LoopDomain::join(from->place().domain, to->place().domain);
    from->graph()->join(*to->graph());
    from->set_dead_letter(&inlet);
  };
  return policy;
}

inline void NodeHandle::apply(ErrorPolicy policy) {
  const auto pinned = pin();
  pinned->set_retry(policy.retries());
  if (policy.kind() == ErrorPolicy::Kind::kDeadLetter) {
    policy.attach_(*this);
  } else {
    pinned->set_error_kind(policy.kind());
  }
}

template <class CompletionToken>
auto NodeHandle::async_drain(CompletionToken&& completion) const {
  return asio::async_initiate<CompletionToken, void(std::exception_ptr)>(
      [](auto handler, NodeHandle self) {
        self.hold_->when_drained(
            detail::Completion(std::move(handler), self.life()->loop()).until_later());
      },
      completion, *this);
}

}  // namespace penstock
