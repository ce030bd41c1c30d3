// The client's book of what it sent out and has no outcome for: the one place where tasks are owned.
// Pure: no I/O, no clock, no threads. One lock of its owner guards it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace penstock::client {

// Entry is what the owner wants back with the outcome; it holds the task's input, so that the task can
// be sent again. Entries stay where they are until one is settled.
//
// Most tasks settle about in the order in which they were added: entries are a queue, by id, from which the settled
// ones at the front go. Those that stay behind in a queue that is nearly empty move to a map.
template <class Entry>
class Ledger {
 public:
  // Ids ascend, so that sending all again in order of id is sending in order of submission.
  std::uint64_t add(Entry entry) {
    recent_.emplace_back(std::move(entry));
    ++recent_left_;
    return first_ + recent_.size() - 1;
  }

  // The entry, once. Nothing when the id is unknown or settled already: that outcome is dropped.
  std::optional<Entry> settle(std::uint64_t id) {
    std::optional<Entry> entry;
    if (auto* const recent = find_recent(id); recent != nullptr && *recent) {
      entry = std::move(*recent);
      recent->reset();
      --recent_left_;
      tidy();
    } else if (auto node = old_.extract(id)) {
      entry = std::move(node.mapped());
    } else {
      ++dropped_;
    }
    return entry;
  }

  Entry* find(std::uint64_t id) {
    if (auto* const recent = find_recent(id)) return *recent ? &**recent : nullptr;
    const auto it = old_.find(id);
    return it == old_.end() ? nullptr : &it->second;
  }

  // All that have no outcome, in order of submission: what a new session begins with.
  std::vector<std::uint64_t> unsettled() const {
    std::vector<std::uint64_t> ids;
    ids.reserve(size());
    for (const auto& [id, entry] : old_) ids.push_back(id);
    std::sort(ids.begin(), ids.end());
    for (std::size_t i = 0; i < recent_.size(); ++i) {
      if (recent_[i]) ids.push_back(first_ + i);
    }
    return ids;
  }

  std::size_t size() const { return recent_left_ + old_.size(); }
  std::uint64_t dropped() const { return dropped_; }  // outcomes nobody waited for

 private:
  static constexpr std::size_t kLeast = 256;
  static constexpr std::size_t kNearlyEmpty = 4;  // of so many, one is left

  std::optional<Entry>* find_recent(std::uint64_t id) {
    return id < first_ || id - first_ >= recent_.size() ? nullptr : &recent_[id - first_];
  }

  void tidy() {
    while (!recent_.empty() && !recent_.front()) pop_front();
    if (recent_.size() < kLeast || recent_left_ > recent_.size() / kNearlyEmpty) return;
    for (; !recent_.empty(); pop_front()) {
      if (recent_.front()) old_.emplace(first_, *std::move(recent_.front()));
    }
    recent_left_ = 0;
  }

  void pop_front() {
    recent_.pop_front();
    ++first_;
  }

  std::deque<std::optional<Entry>> recent_;  // by id, from first_ on
  std::size_t recent_left_ = 0;              // of them, unsettled
  std::uint64_t first_ = 1;
  std::unordered_map<std::uint64_t, Entry> old_;
  std::uint64_t dropped_ = 0;
};

}  // namespace penstock::client
