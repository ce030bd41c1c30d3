#include "penstock/detail/graph.hpp"

#include <atomic>
#include <cstdio>
#include <mutex>
#include <vector>

#include "absl/container/btree_set.h"
#include "penstock/detail/node.hpp"

namespace penstock::detail {

std::mutex& shape_mutex() {
  static auto* mutex = new std::mutex;
  return *mutex;
}

namespace {
std::atomic<std::uint64_t> edges_changed{0};
}  // namespace

std::uint64_t shape_version() { return edges_changed.load(); }
void note_new_shape() { ++edges_changed; }

namespace {

struct ById {
  using is_transparent = void;
  static std::uint64_t id(std::uint64_t id) { return id; }
  static std::uint64_t id(const std::shared_ptr<NodeBase>& node) { return node->life()->id(); }
  bool operator()(const auto& a, const auto& b) const { return id(a) < id(b); }
};

}  // namespace

struct Graph::Nodes : absl::btree_set<std::shared_ptr<NodeBase>, ById> {};

struct Graph::Errors {
  std::exception_ptr first;
  ErrorHandler handler;
  std::vector<Waiter> waiters;
};

Shared<Graph> Graph::create() { return Shared(new Graph); }

Graph::Graph() : nodes_(std::make_unique<Nodes>()) {}
Graph::~Graph() = default;

Graph& Graph::root() {
  Graph* graph = this;
  while (graph->forward_) graph = graph->forward_.get();
  return *graph;
}

Graph::Errors& Graph::errors() {
  auto& errors = root().errors_;
  if (!errors) errors = std::make_unique<Errors>();
  return *errors;
}

void Graph::add_node(const std::shared_ptr<NodeBase>& node) {
  node->life()->set_node(node);
  std::lock_guard lock(shape_mutex());
  root().nodes_->insert(node);
}

std::shared_ptr<NodeBase> Graph::remove_node(NodeBase& node) {
  std::lock_guard lock(shape_mutex());
  Nodes& nodes = *root().nodes_;
  const auto found = nodes.find(node.life()->id());
  return found != nodes.end() ? std::move(nodes.extract(found).value()) : nullptr;
}

std::vector<std::shared_ptr<NodeBase>> Graph::nodes() {
  std::lock_guard lock(shape_mutex());
  const Nodes& nodes = *root().nodes_;
  return {nodes.begin(), nodes.end()};
}

// The lighter one forwards to the heavier: a long-lived graph to which others come and go stays the root,
// and none of those is kept.
void Graph::join(Graph& other) {
  std::unique_ptr<Nodes> nodes;  // these two freed after the lock
  std::unique_ptr<Errors> errors;
  std::lock_guard lock(shape_mutex());
  if (&root() == &other.root()) return;
  const bool grows = root().weight_ >= other.root().weight_;
  Graph& to = grows ? root() : other.root();
  Graph& from = grows ? other.root() : root();
  nodes = std::move(from.nodes_);
  errors = std::move(from.errors_);
  from.forward_ = Shared(&to);
  to.weight_ += from.weight_;
  to.nodes_->merge(*nodes);
  if (from.holds_.any()) to.holds_.add();
  if (from.in_flight_.any()) to.in_flight_.add();
  if (!errors) return;
  Errors& all = to.errors();
  for (auto& waiter : errors->waiters) all.waiters.push_back(std::move(waiter));
  if (!all.first) all.first = errors->first;
  if (!all.handler) all.handler = std::move(errors->handler);
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
    Graph& whole = root();
    freed.assign(whole.nodes_->begin(), whole.nodes_->end());
    whole.nodes_->clear();
    if (whole.errors_ && !whole.errors_->handler) unseen = std::exchange(whole.errors_->first, nullptr);
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
    auto& errors = root().errors_;
    if (!errors || errors->waiters.empty()) return;
    waiters.swap(errors->waiters);
    error = std::exchange(errors->first, nullptr);
    if (!errors->handler) errors = nullptr;
  }
  for (auto& waiter : waiters) waiter(error);
}

void Graph::report(std::exception_ptr error) {
  ErrorHandler handler;
  {
    std::lock_guard lock(shape_mutex());
    Errors& errors = this->errors();
    if (!errors.first) errors.first = error;
    handler = errors.handler;
  }
  if (handler) handler(std::move(error));
}

void Graph::set_error_handler(ErrorHandler handler) {
  std::lock_guard lock(shape_mutex());
  errors().handler = std::move(handler);
}

void Graph::when_drained(Waiter waiter) {
  std::exception_ptr error;
  {
    std::lock_guard lock(shape_mutex());
    Graph& whole = root();
    if (whole.in_flight_.any()) {
      errors().waiters.push_back(std::move(waiter));
      return;
    }
    if (whole.errors_) error = std::exchange(whole.errors_->first, nullptr);
  }
  waiter(std::move(error));
}

GraphHold::GraphHold(Shared<Graph> graph) : graph_(std::move(graph)) {
  if (graph_) graph_->acquire(false);
}

GraphHold GraphHold::if_alive(const Shared<Graph>& graph) {
  GraphHold hold;
  if (graph && graph->acquire(true)) hold.graph_ = graph;
  return hold;
}

GraphHold::GraphHold(const GraphHold& other) : GraphHold(other.graph_) {}

GraphHold::~GraphHold() {
  if (graph_) graph_->release();
}

}  // namespace penstock::detail
