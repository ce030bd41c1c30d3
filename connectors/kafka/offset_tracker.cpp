#include "connectors/kafka/offset_tracker.hpp"

namespace penstock::kafka {

void OffsetTracker::assign(const std::string& topic, std::int32_t partition) {
  revoke(topic, partition);
  const auto assignment = ++last_assignment_;
  assignments_[{topic, partition}] = assignment;
  partitions_.emplace(assignment, Partition{topic, partition});
}

void OffsetTracker::revoke(const std::string& topic, std::int32_t partition) {
  const auto found = assignments_.find({topic, partition});
  if (found == assignments_.end()) return;
  const auto gone = partitions_.find(found->second);
  outstanding_ -= gone->second.elements.size();
  partitions_.erase(gone);
  assignments_.erase(found);
}

std::optional<OffsetTracker::Position> OffsetTracker::add(const std::string& topic,
                                                          std::int32_t partition, std::int64_t offset) {
  const auto found = assignments_.find({topic, partition});
  if (found == assignments_.end()) return std::nullopt;
  Partition& in = partitions_.at(found->second);
  in.elements.push_back({offset, false});
  ++outstanding_;
  return Position{found->second, in.first + in.elements.size() - 1};
}

void OffsetTracker::done(const Position& position) {
  const auto found = partitions_.find(position.assignment);
  if (found == partitions_.end()) return;
  Partition& in = found->second;
  if (position.number < in.first) return;  // told twice
  in.elements[position.number - in.first].done = true;
  while (!in.elements.empty() && in.elements.front().done) {
    in.ready = in.elements.front().offset + 1;
    in.elements.pop_front();
    ++in.first;
    --outstanding_;
  }
}

std::vector<Commit> OffsetTracker::take_commits() {
  std::vector<Commit> commits;
  for (auto& [assignment, in] : partitions_) {
    if (in.ready == kNone || in.ready == in.committed || in.ready == in.taken) continue;
    in.taken = in.ready;
    commits.push_back({in.topic, in.partition, in.ready});
  }
  return commits;
}

std::vector<Commit> OffsetTracker::take_all_commits() {
  for (auto& [assignment, in] : partitions_) in.taken = kNone;
  return take_commits();
}

void OffsetTracker::committed(const Commit& commit) {
  Partition* in = find(commit.topic, commit.partition);
  if (in == nullptr) return;
  in->committed = commit.offset;
  if (in->taken == commit.offset) in->taken = kNone;
}

void OffsetTracker::not_committed(const Commit& commit) {
  Partition* in = find(commit.topic, commit.partition);
  if (in != nullptr && in->taken == commit.offset) in->taken = kNone;
}

OffsetTracker::Partition* OffsetTracker::find(const std::string& topic, std::int32_t partition) {
  const auto found = assignments_.find({topic, partition});
  return found == assignments_.end() ? nullptr : &partitions_.at(found->second);
}

}  // namespace penstock::kafka
