#include "penstock/detail/node_life.hpp"

#include <mutex>

#include "penstock/detail/node.hpp"
#include "penstock/error.hpp"

namespace penstock::detail {
namespace {

thread_local std::vector<std::shared_ptr<NodeBase>> retired;
thread_local std::vector<std::shared_ptr<NodeBase>> dead;  // their graph is

std::mutex& names_mutex() {
  static auto* mutex = new std::mutex;
  return *mutex;
}

void let_go(std::shared_ptr<NodeBase> node) {
  if (Loop* loop = node->loop(); loop != nullptr && loop->on_loop_thread()) {
    node->life()->cancel_timers(*loop);
  }
  node->dismantle();
}

}  // namespace

NodeLife::NodeLife(Place place, const char* kind) : place_(std::move(place)), kind_(kind) {}
NodeLife::~NodeLife() = default;

std::uint64_t NodeLife::next_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

std::string NodeLife::name() const {
  std::lock_guard lock(names_mutex());
  return name_ ? *name_ : kind_;
}

void NodeLife::set_name(std::string name) {
  auto own = std::make_unique<const std::string>(std::move(name));
  std::lock_guard lock(names_mutex());
  name_.swap(own);
}

void check_not_destroyed(const NodeLife& life) {
  if (life.destroyed()) throw DestroyedError("'" + life.name() + "' was destroyed");
}

void NodeLife::abandon_timers(const Shared<NodeLife>& life) {
  if (!life->timers_.any()) return;
  const auto loop = life->place_.domain->shared_loop();
  if (loop->on_loop_thread()) return life->cancel_timers(*loop);
  loop->post([life, on = loop.get()] { life->cancel_timers(*on); });
}

constinit thread_local InlineEmit::State InlineEmit::current;

void InlineEmit::free_retired() {
  current.any_retired = false;
  std::exchange(dead, {}).clear();
  for (auto& node : std::exchange(retired, {})) retire(std::move(node));
}

void retire(std::shared_ptr<NodeBase> node) {
  if (InlineEmit::current.in_progress) {
    retired.push_back(std::move(node));
    InlineEmit::current.any_retired = true;
    return;
  }
  const auto loop = node->place().domain->shared_loop();
  if (!loop) return let_go(std::move(node));
  loop->post([flight = Flight(node->graph()), node = std::move(node)]() mutable {
    let_go(std::move(node));
  });
}

void free_nodes(std::vector<std::shared_ptr<NodeBase>> nodes) {
  for (const auto& node : nodes) NodeLife::abandon_timers(node->life());
  if (!InlineEmit::current.in_progress) return;
  dead.insert(dead.end(), nodes.begin(), nodes.end());
  InlineEmit::current.any_retired = true;
}

}  // namespace penstock::detail
