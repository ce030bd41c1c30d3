// Which offsets of a consumer's partitions may be committed. Pure: no clock, thread or network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace penstock::kafka {

// The next offset that a group wants of a partition: everything before it is done.
struct Commit {
  std::string topic;
  std::int32_t partition;
  std::int64_t offset;

  friend bool operator==(const Commit&, const Commit&) = default;
};

// Elements are added in the order in which they are read, with gaps where a topic was compacted, and are done
// in any order. Of each partition the done ones before the first that is not may be committed.
//
// A partition that is assigned again is a new one: what was added before does not count for it.
class OffsetTracker {
 public:
  // One element. Means nothing any more once its partition was revoked.
  struct Position {
    std::uint64_t assignment;
    std::uint64_t number;
  };

  // `limit`: of elements that are added and not ready to be committed.
  explicit OffsetTracker(std::size_t limit) : limit_(limit) {}

  void assign(const std::string& topic, std::int32_t partition);
  void revoke(const std::string& topic, std::int32_t partition);

  bool has_room() const { return outstanding_ < limit_; }
  std::size_t outstanding() const { return outstanding_; }

  // None when the partition is not assigned.
  std::optional<Position> add(const std::string& topic, std::int32_t partition, std::int64_t offset);
  void done(const Position& position);

  // What is ready and has neither been committed nor been taken from here.
  std::vector<Commit> take_commits();
  // The same with what was taken already: for the last commit, which waits for no other.
  std::vector<Commit> take_all_commits();
  // What became of one that was taken.
  void committed(const Commit& commit);
  void not_committed(const Commit& commit);

 private:
  static constexpr std::int64_t kNone = -1;

  struct Element {
    std::int64_t offset;
    bool done;
  };
  struct Partition {
    std::string topic;
    std::int32_t partition;
    std::uint64_t first = 0;  // number of the first of `elements`
    std::deque<Element> elements = {};
    std::int64_t ready = kNone;
    std::int64_t taken = kNone;
    std::int64_t committed = kNone;
  };

  Partition* find(const std::string& topic, std::int32_t partition);

  const std::size_t limit_;
  std::size_t outstanding_ = 0;
  std::uint64_t last_assignment_ = 0;
  std::map<std::pair<std::string, std::int32_t>, std::uint64_t> assignments_;
  std::unordered_map<std::uint64_t, Partition> partitions_;
};

}  // namespace penstock::kafka
