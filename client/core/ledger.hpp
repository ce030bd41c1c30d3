// The client's book of what it sent out and has no outcome for: the one place where tasks are owned.
// Pure: no I/O, no clock, no threads. One lock of its owner guards it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace penstock::client {

// Entry is what the owner wants back with the outcome; it holds the task's input, so that the task can
// be sent again.
template <class Entry>
class Ledger {
 public:
  // Ids ascend, so that sending all again in order of id is sending in order of submission.
  std::uint64_t add(Entry entry) {
    const std::uint64_t id = ++last_id_;
    entries_.emplace(id, std::move(entry));
    return id;
  }

  // The entry, once. Nothing when the id is unknown or settled already: that outcome is dropped.
  std::optional<Entry> settle(std::uint64_t id) {
    auto node = entries_.extract(id);
    if (node.empty()) {
      ++dropped_;
      return std::nullopt;
    }
    return std::move(node.mapped());
  }

  Entry* find(std::uint64_t id) {
    const auto it = entries_.find(id);
    return it == entries_.end() ? nullptr : &it->second;
  }

  // All that have no outcome, in order of submission: what a new session begins with.
  std::vector<std::uint64_t> unsettled() const {
    std::vector<std::uint64_t> ids;
    ids.reserve(entries_.size());
    for (const auto& [id, entry] : entries_) ids.push_back(id);
    std::sort(ids.begin(), ids.end());
    return ids;
  }

  std::size_t size() const { return entries_.size(); }
  std::uint64_t dropped() const { return dropped_; }  // outcomes nobody waited for

 private:
  std::unordered_map<std::uint64_t, Entry> entries_;
  std::uint64_t last_id_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace penstock::client
