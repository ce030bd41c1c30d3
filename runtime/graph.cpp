#include "penstock/detail/graph.hpp"

#include <mutex>
#include <vector>

#include "penstock/detail/check.hpp"
#include "penstock/detail/node.hpp"

namespace penstock::detail {
namespace {

// One lock for the shape and the life of all graphs: they change rarely, and joining two of them
// needs both. Elements in a loop-free graph never take it.
std::mutex& graphs_mutex() {
  static auto* mutex = new std::mutex;
  return *mutex;
}

}  // namespace

struct Graph::State {
  std::vector<std::unique_ptr<NodeBase>> nodes;
  std::size_t holds = 0;
  std::size_t in_flight = 0;
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

void Graph::add_node(std::unique_ptr<NodeBase> node) {
  std::lock_guard lock(graphs_mutex());
  root().state_->nodes.push_back(std::move(node));
}

void Graph::join(Graph& other) {
  std::unique_ptr<State> joined;  // freed after the lock
  std::lock_guard lock(graphs_mutex());
  Graph& to = root();
  Graph& from = other.root();
  if (&to == &from) return;
  joined = std::move(from.state_);
  from.forward_ = to.shared_from_this();
  State& state = *to.state_;
  for (auto& node : joined->nodes) state.nodes.push_back(std::move(node));
  for (auto& waiter : joined->waiters) state.waiters.push_back(std::move(waiter));
  state.holds += joined->holds;
  state.in_flight += joined->in_flight;
  if (!state.first_error) state.first_error = joined->first_error;
  if (!state.handler) state.handler = std::move(joined->handler);
}

bool Graph::acquire(bool only_if_alive) {
  std::lock_guard lock(graphs_mutex());
  State& state = *root().state_;
  if (only_if_alive && state.holds == 0) return false;
  ++state.holds;
  return true;
}

void Graph::release() {
  std::vector<std::unique_ptr<NodeBase>> nodes;  // destroyed without the lock: they may hold graphs
  {
    std::lock_guard lock(graphs_mutex());
    State& state = *root().state_;
    PENSTOCK_CHECK(state.holds > 0);
    if (--state.holds == 0) nodes.swap(state.nodes);
  }
}

void Graph::begin_flight() {
  std::lock_guard lock(graphs_mutex());
  ++root().state_->in_flight;
}

void Graph::end_flight() {
  std::vector<Waiter> waiters;
  std::exception_ptr error;
  {
    std::lock_guard lock(graphs_mutex());
    State& state = *root().state_;
    PENSTOCK_CHECK(state.in_flight > 0);
    if (--state.in_flight > 0 || state.waiters.empty()) return;
    waiters.swap(state.waiters);
    error = std::exchange(state.first_error, nullptr);
  }
  for (auto& waiter : waiters) waiter(error);
}

void Graph::report(std::exception_ptr error) {
  ErrorHandler handler;
  {
    std::lock_guard lock(graphs_mutex());
    State& state = *root().state_;
    if (!state.first_error) state.first_error = error;
    handler = state.handler;
  }
  if (handler) handler(std::move(error));
}

void Graph::set_error_handler(ErrorHandler handler) {
  std::lock_guard lock(graphs_mutex());
  root().state_->handler = std::move(handler);
}

void Graph::when_drained(Waiter waiter) {
  std::exception_ptr error;
  {
    std::lock_guard lock(graphs_mutex());
    State& state = *root().state_;
    if (state.in_flight > 0) {
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
