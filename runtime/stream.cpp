#include "penstock/stream.hpp"

#include <algorithm>
#include <asio/system_executor.hpp>
#include <optional>

#include "penstock/detail/source_control.hpp"
#include "penstock/detail/spin.hpp"
#include "penstock/detail/task_host.hpp"

namespace penstock {
namespace {

using Nodes = std::vector<std::shared_ptr<detail::NodeBase>>;

std::vector<NodeHandle> handles_of(const Nodes& nodes, const detail::GraphHold& hold) {
  std::vector<NodeHandle> handles;
  for (const auto& node : nodes) handles.emplace_back(hold, node.get());
  return handles;
}

// The node and all that leads to it, in the order in which they were made.
Nodes with_all_upstream(std::shared_ptr<detail::NodeBase> node) {
  Nodes nodes{std::move(node)};
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (auto& upstream : detail::upstreams_of(*nodes[i])) {
      if (std::find(nodes.begin(), nodes.end(), upstream) == nodes.end()) {
        nodes.push_back(std::move(upstream));
      }
    }
  }
  std::sort(nodes.begin(), nodes.end(),
            [](const auto& a, const auto& b) { return a->life()->id() < b->life()->id(); });
  return nodes;
}

}  // namespace

namespace detail {

void throw_blocking_on_loop(const char* what, const char* instead) {
  throw LoopError(std::string(what) +
                  " was called on the event loop's own thread and would block it for ever: use " +
                  instead + " there");
}

void refuse(const char* call, const NodeBase& node, const std::string& why) {
  throw Error(std::string(call) + ": '" + node.name() + "' " + why);
}

asio::any_io_executor completion_executor(Loop* loop) {
  return loop != nullptr ? loop->executor() : asio::any_io_executor(asio::system_executor());
}

Delivery::Done posted_to(const asio::any_io_executor& executor, Delivery::Done handler) {
  return posted_to<asio::any_io_executor, Delivery::Done>(executor, std::move(handler));
}

void Completion::tell_later(std::exception_ptr error) && {
  if (loop_ == nullptr) return std::move(tell_)(std::move(error));
  loop_->post([tell = std::move(tell_), error = std::move(error)]() mutable {
    std::move(tell)(std::move(error));
  });
}

Delivery::Done Completion::until_later() && {
  return loop_ == nullptr ? std::move(tell_) : posted_to(loop_->executor(), std::move(tell_));
}

void Waiter::wait(Loop* loop) {
  if (loop == nullptr || !loop->run_until([this] { return done(); })) {
    spin_until([this] { return done(); });
    std::optional<TaskWait> place;
    try {
      if (!done()) place.emplace();
    } catch (...) {
      // Then it waits in its own place: whoever completes this refers to the caller's stack.
    }
    std::unique_lock lock(mutex_);  // even when it is done: the other thread may still be in complete()
    condition_.wait(lock, [this] { return done(); });
  }
  if (error_) std::rethrow_exception(error_);
}

}  // namespace detail

void NodeHandle::drain() const {
  Loop* loop = life_->loop();
  if (loop != nullptr && loop->on_loop_thread()) {
    detail::throw_blocking_on_loop("drain()", "async_drain()");
  }
  detail::Waiter waiter;
  hold_->when_drained([&](std::exception_ptr error) { waiter.complete(std::move(error)); });
  waiter.wait(loop);
}

std::shared_ptr<detail::NodeBase> NodeHandle::pin() const {
  auto node = life_->pin();
  if (!node) throw DestroyedError("'" + name() + "' was destroyed");
  return node;
}

std::vector<NodeHandle> NodeHandle::upstreams() const {
  const auto node = life_->pin();
  return node ? handles_of(detail::upstreams_of(*node), hold_) : std::vector<NodeHandle>{};
}

std::vector<NodeHandle> NodeHandle::downstreams() const {
  const auto node = life_->pin();
  return node ? handles_of(detail::downstreams_of(*node), hold_) : std::vector<NodeHandle>{};
}

void NodeHandle::start() const {
  for (const auto& node : with_all_upstream(pin())) {
    if (auto* source = dynamic_cast<detail::SourceControl*>(node.get())) source->start_source();
  }
}

void NodeHandle::stop() const {
  for (const auto& node : with_all_upstream(pin())) {
    if (auto* source = dynamic_cast<detail::SourceControl*>(node.get())) source->stop_source();
  }
}

void NodeHandle::destroy() const {
  if (const auto node = life_->pin()) detail::destroy(*node);
}

}  // namespace penstock
