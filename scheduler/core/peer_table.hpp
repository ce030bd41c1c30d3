// Connected peers of one kind: found by id in O(1), visited in the order of their ids.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include <penstock/detail/check.hpp>

namespace penstock::scheduler {

template <typename Id, typename Peer>
class PeerTable {
 public:
  Peer& add(std::unique_ptr<Peer> peer) {
    Peer& added = *peer;
    PENSTOCK_CHECK(by_id_.emplace(added.id, &added).second);
    peers_.emplace(added.id, std::move(peer));
    return added;
  }

  void erase(Peer& peer) {
    const Id id = peer.id;
    PENSTOCK_CHECK(by_id_.erase(id) == 1);
    peers_.erase(id);
  }

  Peer* find(Id id) const {  // null when unknown
    const auto found = by_id_.find(id);
    return found != by_id_.end() ? found->second : nullptr;
  }

  std::size_t size() const { return by_id_.size(); }

  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    for (const auto& [id, peer] : peers_) visit(*peer);
  }

 private:
  std::unordered_map<Id, Peer*> by_id_;
  std::map<Id, std::unique_ptr<Peer>> peers_;
};

}  // namespace penstock::scheduler
