#include "penstock/detail/graph.hpp"

#include <cstdio>
#include <mutex>
#include <vector>

#include "absl/container/btree_map.h"
#include "penstock/detail/node.hpp"

namespace penstock::detail {

std::mutex& shape_mutex() {
  static auto* mutex = new std::mutex;
  return *mutex;
}

struct Graph::State {
  absl::btree_map<std::uint64_t, std::shared_ptr<NodeBase>> nodes;  // by id
  std::size_t weight = 1;  // graphs that were joined into this one
  std::exception_ptr first_error;
  ErrorHandler handler;
  std::vector<Waiter> waiters;
};

std::shared_ptr<Graph> Graph::create() { return std::shared_ptr<Graph>(new Graph); }

Graph::Graph() : state_(std::make_unique<State>()) {}
Graph::~Graph() = default;

Graph& Graph::root() {
  Graph* graph = this;
  while (graph->forward_) graph = graph->forward_.get();
  return *graph;
}

void Graph::add_node(const std::shared_ptr<NodeBase>& node) {
  node->life()->set_node(node);
  std::lock_guard lock(shape_mutex());
  root().state_->nodes.emplace(node->life()->id(), node);
}

std::shared_ptr<NodeBase> Graph::remove_node(NodeBase& node) {
  std::lock_guard lock(shape_mutex());
  const auto removed = root().state_->nodes.extract(node.life()->id());
  return removed ? removed.mapped() : nullptr;
}

std::vector<std::shared_ptr<NodeBase>> Graph::nodes() {
  std::lock_guard lock(shape_mutex());
  std::vector<std::shared_ptr<NodeBase>> nodes;
  for (const auto& [id, node] : root().state_->nodes) nodes.push_back(node);
  return nodes;
}

// The lighter one forwards to the heavier: a long-lived graph to which others come and go stays the root,
// and none of those is kept.
void Graph::join(Graph& other) {
  std::unique_ptr<State> joined;  // freed after the lock
  std::lock_guard lock(shape_mutex());
  if (&root() == &other.root()) return;
  const bool grows = root().state_->weight >= other.root().state_->weight;
  Graph& to = grows ? root() : other.root();
  Graph& from = grows ? other.root() : root();
  joined = std::move(from.state_);
  from.forward_ = to.shared_from_this();
  State& state = *to.state_;
  state.weight += joined->weight;
  state.nodes.merge(joined->nodes);
  for (auto& waiter : joined->waiters) state.waiters.push_back(std::move(waiter));
  if (from.holds_.any()) to.holds_.add();
  if (from.in_flight_.any()) to.in_flight_.add();
  if (!state.first_error) state.first_error = joined->first_error;
  if (!state.handler) state.handler = std::move(joined->handler);
}

void Graph::add_up(Count Graph::* count) {
  for (Graph* graph = this; graph != nullptr && (graph->*count).add(); graph = graph->forward_.get()) {
  }
}

bool Graph::take_up(Count Graph::* count) {
  for (Graph* graph = this; (graph->*count).take(); graph = graph->forward_.get()) {
    if (!graph->forward_) return true;
  }
  return false;
}

bool Graph::acquire(bool only_if_alive) {
  if (holds_.add_to_some()) return true;
  std::lock_guard lock(shape_mutex());
  if (only_if_alive && !root().holds_.any()) return false;
  add_up(&Graph::holds_);
  return true;
}

void Graph::release() {
  if (holds_.take_from_several()) return;
  std::vector<std::shared_ptr<NodeBase>> freed;  // without the lock: they may hold graphs
  std::exception_ptr unseen;
  {
    std::lock_guard lock(shape_mutex());
    if (!take_up(&Graph::holds_)) return;
    State& state = *root().state_;
    for (auto& [id, node] : std::exchange(state.nodes, {})) freed.push_back(std::move(node));
    if (!state.handler) unseen = std::exchange(state.first_error, nullptr);
  }
  if (unseen) {
    std::fprintf(stderr, "penstock: a stream is gone with an error that nobody has seen: %s. drain() throws "
                         "it, set_error_handler() is told\n", Failure{unseen, ""}.text().c_str());
  }
  free_nodes(std::move(freed));
}

void Graph::begin_flight() {
  if (in_flight_.add_to_some()) return;
  std::lock_guard lock(shape_mutex());
  add_up(&Graph::in_flight_);
}

void Graph::end_flight() {
  if (in_flight_.take_from_several()) return;
  std::vector<Waiter> waiters;
  std::exception_ptr error;
  {
    std::lock_guard lock(shape_mutex());
    if (!take_up(&Graph::in_flight_)) return;
    State& state = *root().state_;
    if (state.waiters.empty()) return;
    waiters.swap(state.waiters);
    error = std::exchange(state.first_error, nullptr);
  }
  for (auto& waiter : waiters) waiter(error);
}

void Graph::report(std::exception_ptr error) {
  ErrorHandler handler;
  {
    std::lock_guard lock(shape_mutex());
    State& state = *root().state_;
    if (!state.first_error) state.first_error = error;
    handler = state.handler;
  }
  if (handler) handler(std::move(error));
}

void Graph::set_error_handler(ErrorHandler handler) {
  std::lock_guard lock(shape_mutex());
  root().state_->handler = std::move(handler);
}

void Graph::when_drained(Waiter waiter) {
  std::exception_ptr error;
  {
    std::lock_guard lock(shape_mutex());
    State& state = *root().state_;
    if (root().in_flight_.any()) {
      state.waiters.push_back(std::move(waiter));
      return;
    }
    error = std::exchange(state.first_error, nullptr);
  }
  waiter(std::move(error));
}

GraphHold::GraphHold(std::shared_ptr<Graph> graph) : graph_(std::move(graph)) {
  if (graph_) graph_->acquire(false);
}

GraphHold GraphHold::if_alive(const std::shared_ptr<Graph>& graph) {
  GraphHold hold;
  if (graph && graph->acquire(true)) hold.graph_ = graph;
  return hold;
}

GraphHold::GraphHold(const GraphHold& other) : GraphHold(other.graph_) {}

GraphHold::~GraphHold() {
  if (graph_) graph_->release();
}

}  // namespace penstock::detail
