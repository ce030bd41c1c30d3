// filenames(pattern): emits the path of every file that matches, and of each that appears later.
//
//   out  a.csv b.csv----c.csv----
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "penstock/detail/decoupled.hpp"
#include "penstock/detail/source_control.hpp"
#include "penstock/source.hpp"

namespace penstock {
namespace detail {

// Polls a pattern for names that were not there before.
class FilenamesNode : public NodeBase, public Outlet<std::filesystem::path>, public SourceControl {
 public:
  FilenamesNode(Place place, std::string pattern, Duration poll_interval, const LoopRef& loop);
  NodeBase& node() override { return *this; }
  void start_source() override;
  void stop_source() override;

 private:
  void begin();
  void poll();
  void emit_next();

  const std::string pattern_;
  const Duration poll_interval_;
  std::set<std::filesystem::path> seen_;
  std::vector<std::filesystem::path> found_;  // to emit, last first
  std::atomic<bool> running_{false};
  bool emitting_ = false;  // emit_next() is under way
  Loop::Timer timer_;
  GraphHold running_hold_;
};

}  // namespace detail

struct FilenamesOptions {
  Duration poll_interval = std::chrono::milliseconds{100};  // positive
  LoopRef loop = {};
};

// Emits the path of every file that matches `pattern`, and of each that appears later. The pattern is
// a folder (all in it) or a path with * and ? in its last part. Sorted within one poll; each path once.
// A folder that does not exist yet is empty. Remembers every name it has seen.
Source<std::filesystem::path> filenames(const std::string& pattern, FilenamesOptions options = {});

}  // namespace penstock
