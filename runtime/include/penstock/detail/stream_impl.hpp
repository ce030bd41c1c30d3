// Definitions of stream.hpp.
#pragma once

#include "penstock/stream.hpp"

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

// Adds a node to its graph and starts it.
template <class Node>
Node& adopt(std::unique_ptr<Node> owned) {
  Node& node = *owned;
  node.graph()->add_node(std::move(owned));
  return node;
}

template <class T>
std::pair<GraphHold, Outlet<T>*> make_source(const LoopRef& loop) {
  auto place = NodeBase::Place::fresh();
  if (loop) place.domain->set(loop.get());
  GraphHold hold(place.graph);
  auto& node = adopt(std::make_unique<PassNode<T>>(std::move(place)));
  return {std::move(hold), &node};
}

// Turns a completion token's handler into a callback for any thread: the handler runs on its own
// associated executor, else on `loop`, else on Asio's system executor; that has work until then.
template <class Handler>
Delivery::Done complete_later(Handler handler, Loop* loop) {
  const asio::any_io_executor fallback =
      loop != nullptr ? loop->executor() : asio::any_io_executor(asio::system_executor());
  auto executor = asio::prefer(asio::get_associated_executor(handler, fallback),
                               asio::execution::outstanding_work.tracked);
  return [handler = std::move(handler), executor](std::exception_ptr error) mutable {
    asio::post(executor, [handler = std::move(handler), error = std::move(error)]() mutable {
      std::move(handler)(std::move(error));
    });
  };
}

// Calls action(delivery); what it throws is what the emit throws.
template <class Action>
void run_action(Action& action, Delivery& delivery) {
  try {
    action(delivery);
  } catch (...) {
    delivery.fail(std::current_exception());
  }
}

// The action of emit() and async_emit(). Checks again: a close() may have come in between.
template <class T, class Value>
void emit_into(Outlet<T>& outlet, Value&& value, Delivery& delivery) {
  if (outlet.closed()) {
    delivery.fail(std::make_exception_ptr(ClosedError("emit() on a closed stream")));
  } else {
    outlet.push_down(std::forward<Value>(value), delivery);
  }
}

// The action of close(): in its turn, so that what was emitted before comes before.
template <class T>
void close_and_end(Outlet<T>& outlet, Delivery& delivery) {
  if (outlet.closed()) return;
  outlet.close();
  outlet.end_down(delivery);
}

[[noreturn]] void throw_blocking_on_loop(const char* what, const char* instead);

}  // namespace detail

template <class T>
Stream<T>::Stream() : Stream(LoopRef{}) {}

template <class T>
Stream<T>::Stream(const LoopRef& loop) : NodeHandle({}, nullptr), outlet_(nullptr) {
  auto [hold, outlet] = detail::make_source<T>(loop);
  hold_ = std::move(hold);
  outlet_ = outlet;
  node_ = &outlet->node();
}

template <class T>
template <class Action>
void Stream<T>::run_blocking(const char* call, const char* instead, Action action) const {
  Loop* loop = node().loop();
  if (loop == nullptr) {
    detail::Delivery delivery;
    action(delivery);
    if (delivery.immediate()) [[likely]] {
      if (auto error = delivery.take_error()) std::rethrow_exception(error);
      return;
    }
    if (Loop::current() != nullptr) {
      std::move(delivery).finish([graph = hold_.get()](std::exception_ptr error) {
        if (error) graph->report(std::move(error));
      });
      throw LoopError(
          std::string(call) +
          " inside a callback of an event loop would block it; it is on its way, but use " +
          instead + " there");
    }
    detail::Waiter waiter;
    std::move(delivery).finish(
        [&](std::exception_ptr error) { waiter.complete(std::move(error)); });
    waiter.wait(nullptr);
    return;
  }
  if (loop->on_loop_thread()) detail::throw_blocking_on_loop(call, instead);
  detail::Waiter waiter;
  loop->post([&, flight = detail::Flight(hold_.get())]() mutable {
    detail::Delivery delivery;
    detail::run_action(action, delivery);
    std::move(delivery).finish(
        [&waiter, flight = std::move(flight)](std::exception_ptr error) mutable {
          flight = {};
          waiter.complete(std::move(error));
        });
  });
  waiter.wait(loop);
}

template <class T>
template <class Token, class Action>
auto Stream<T>::run_async(Token&& token, Action action) const {
  return asio::async_initiate<Token, void(std::exception_ptr)>(
      [](auto handler, Stream stream, Action run) {
        Loop* loop = stream.node().loop();
        auto start = [stream, run = std::move(run),
                      done = detail::complete_later(std::move(handler), loop),
                      flight = detail::Flight(stream.hold_.get())]() mutable {
          detail::Delivery delivery;
          detail::run_action(run, delivery);
          // The handle goes along: the graph lives until the completion has been told.
          std::move(delivery).finish(
              [stream = std::move(stream), done = std::move(done),
               flight = std::move(flight)](std::exception_ptr error) mutable {
                flight = {};
                done(std::move(error));
              });
        };
        if (loop == nullptr || loop->on_loop_thread()) {
          start();
        } else {
          loop->post(std::move(start));
        }
      },
      token, *this, std::move(action));
}

template <class T>
void Stream<T>::emit(T value) const {
  if (outlet_->closed()) throw ClosedError("emit() on a closed stream");
  run_blocking("emit()", "async_emit()", [this, &value](detail::Delivery& delivery) {
    detail::emit_into(*outlet_, std::move(value), delivery);
  });
}

template <class T>
template <class Token>
auto Stream<T>::async_emit(T value, Token&& token) const {
  return run_async(std::forward<Token>(token), [outlet = outlet_, value = std::move(value)](
                                                   detail::Delivery& delivery) mutable {
    detail::emit_into(*outlet, std::move(value), delivery);
  });
}

template <class T>
void Stream<T>::close() const {
  if (outlet_->closed()) return;
  run_blocking("close()", "async_close()",
               [this](detail::Delivery& delivery) { detail::close_and_end(*outlet_, delivery); });
}

template <class T>
template <class Token>
auto Stream<T>::async_close(Token&& token) const {
  return run_async(std::forward<Token>(token), [outlet = outlet_](detail::Delivery& delivery) {
    detail::close_and_end(*outlet, delivery);
  });
}

template <class T>
void Stream<T>::connect(const Stream& other) const {
  auto* inlet = dynamic_cast<detail::Inlet<T>*>(&other.node());
  if (inlet == nullptr) throw Error("connect(): '" + other.name() + "' does not take elements");
  detail::LoopDomain::join(node().place().domain, other.node().place().domain);
  node().graph()->join(*other.node().graph());
  outlet_->connect(inlet);
}

template <class T>
template <class Node, class... Arguments>
Node& Stream<T>::attach(Arguments&&... arguments) const {
  Node& made =
      detail::adopt(std::make_unique<Node>(node().place(), std::forward<Arguments>(arguments)...));
  made.start();  // before it is connected: it may refuse its loop
  outlet_->connect(&made);
  return made;
}

inline ErrorPolicy ErrorPolicy::dead_letter(const Stream<Failure>& errors) {
  ErrorPolicy policy(Kind::kDeadLetter);
  policy.attach_ = [errors](NodeHandle& handle) {
    auto* inlet = dynamic_cast<detail::Inlet<Failure>*>(&errors.outlet().node());
    if (inlet == nullptr) {
      throw Error("dead_letter(): '" + errors.name() + "' does not take elements");
    }
    const auto& place = handle.node().place();
    detail::LoopDomain::join(place.domain, errors.outlet().node().place().domain);
    place.graph->join(*errors.outlet().node().graph());
    handle.node().set_dead_letter(inlet);
  };
  return policy;
}

inline void NodeHandle::apply(ErrorPolicy policy) {
  if (policy.kind() == ErrorPolicy::Kind::kDeadLetter) {
    policy.attach_(*this);
  } else {
    node().set_error_kind(policy.kind());
  }
}

template <class Token>
auto NodeHandle::async_drain(Token&& token) const {
  return asio::async_initiate<Token, void(std::exception_ptr)>(
      [](auto handler, NodeHandle self) {
        self.hold_->when_drained(detail::complete_later(std::move(handler), self.node().loop()));
      },
      token, *this);
}

}  // namespace penstock
