// Neighbours of a node, and taking it out from between them.
#include <algorithm>
#include <mutex>
#include <unordered_set>

#include "penstock/detail/node.hpp"
#include "penstock/detail/source_control.hpp"
#include "penstock/error.hpp"

namespace penstock::detail {
namespace {

void detach(NodeBase& node) {
  const std::lock_guard lock(shape_mutex());
  for (Upstreams* inlet : node.inlets()) {
    inlet->set_destroyed();
    while (!inlet->from().empty()) inlet->from().back()->disconnect_all(inlet);
    const auto& users = inlet->dead_letters_of();
    while (!users.empty()) users.back()->replace_dead_letter(nullptr);
  }
  if (auto* outlet = dynamic_cast<OutletBase*>(&node)) outlet->disconnect_all();
  node.replace_dead_letter(nullptr);
}

void add_once(std::vector<std::shared_ptr<NodeBase>>& nodes, NodeBase& node) {
  auto pinned = node.life()->pin();
  if (pinned && std::find(nodes.begin(), nodes.end(), pinned) == nodes.end()) {
    nodes.push_back(std::move(pinned));
  }
}

}  // namespace

void destroy(NodeBase& node) {
  if (!node.can_be_destroyed()) {
    throw Error("destroy(): '" + node.name() +
                "' works with the cluster and goes with its whole graph only");
  }
  if (!node.life()->destroy()) return;
  if (auto* source = dynamic_cast<SourceControl*>(&node)) source->stop_source();
  detach(node);
  if (auto owned = node.graph()->remove_node(node)) retire(std::move(owned));
}

bool CycleWatch::is_in_cycle(NodeBase& node) {
  if (version_ == shape_version()) return in_cycle_;
  const std::lock_guard lock(shape_mutex());
  version_ = shape_version();
  std::unordered_set<const NodeBase*> seen;
  std::vector<NodeBase*> next{&node};
  while (!next.empty()) {
    auto* const outlet = dynamic_cast<OutletBase*>(next.back());
    next.pop_back();
    if (outlet == nullptr) continue;
    for (const auto& entry : outlet->downstreams().entries()) {
      NodeBase& downstream = entry.inlet->node();
      if (&downstream == &node) return in_cycle_ = true;
      if (seen.insert(&downstream).second) next.push_back(&downstream);
    }
  }
  return in_cycle_ = false;
}

std::vector<std::shared_ptr<NodeBase>> upstreams_of(NodeBase& node) {
  std::vector<std::shared_ptr<NodeBase>> nodes;
  const std::lock_guard lock(shape_mutex());
  for (Upstreams* inlet : node.inlets()) {
    for (OutletBase* from : inlet->from()) add_once(nodes, from->node());
  }
  return nodes;
}

std::vector<std::shared_ptr<NodeBase>> downstreams_of(NodeBase& node) {
  std::vector<std::shared_ptr<NodeBase>> nodes;
  const std::lock_guard lock(shape_mutex());
  if (auto* outlet = dynamic_cast<OutletBase*>(&node)) {
    for (const auto& entry : outlet->downstreams().entries()) add_once(nodes, entry.inlet->node());
  }
  return nodes;
}

}  // namespace penstock::detail
