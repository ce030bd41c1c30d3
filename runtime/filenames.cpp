#include "penstock/sources/filenames.hpp"

#include <fnmatch.h>

#include <algorithm>

namespace penstock {
namespace detail {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> matching(const std::string& pattern) {
  std::error_code error;
  fs::path folder = pattern;
  std::string name = "*";
  if (!fs::is_directory(folder, error)) {
    name = folder.filename().string();
    folder = folder.has_parent_path() ? folder.parent_path() : fs::path(".");
  }
  std::vector<fs::path> found;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (fnmatch(name.c_str(), it->path().filename().c_str(), FNM_PERIOD) == 0) {
      found.push_back(it->path());
    }
  }
  return found;
}

}  // namespace

FilenamesNode::FilenamesNode(Place place, std::string pattern, Duration poll_interval,
                             const LoopRef& loop)
    : NodeBase(std::move(place), "filenames"),
      pattern_(std::move(pattern)),
      poll_interval_(poll_interval) {
  if (loop) need_loop(loop);
}

void FilenamesNode::start_source() {
  if (running_.exchange(true)) return;
  need_loop({}).post(while_alive([this, hold = GraphHold(graph())] {
    running_hold_ = hold;
    begin();
  }));
}

void FilenamesNode::stop_source() {
  if (!running_.exchange(false)) return;
  loop()->post(while_alive([this, hold = GraphHold(graph())] {
    if (!running_) running_hold_ = {};
  }));
}

// After a quick stop and start the old round may still be at work, or its timer armed.
void FilenamesNode::begin() {
  loop()->cancel(timer_);
  if (!emitting_) poll();
}

void FilenamesNode::poll() {
  if (!running_) return;
  if (closed()) return stop_source();
  for (auto& path : matching(pattern_)) {
    if (seen_.insert(path).second) found_.push_back(std::move(path));
  }
  std::sort(found_.begin(), found_.end(), std::greater<>());
  emit_next();
}

void FilenamesNode::emit_next() {
  emitting_ = true;
  while (running_ && !closed() && !found_.empty()) {
    auto path = std::move(found_.back());
    found_.pop_back();
    const bool delivered = deliver(
        *this, {}, [&](Delivery& d) { push_down(std::move(path), d); }, [this] { emit_next(); });
    if (!delivered) return;
  }
  emitting_ = false;
  if (!running_) return;
  timer_ = loop()->call_at(loop()->now() + poll_interval_, while_alive([this] { poll(); }));
}

}  // namespace detail

Source<std::filesystem::path> filenames(const std::string& pattern, FilenamesOptions options) {
  if (options.poll_interval <= Duration::zero()) {
    throw Error("filenames(): poll_interval must be positive");
  }
  auto place = detail::NodeBase::Place::fresh();
  detail::GraphHold hold(place.graph);
  auto& node = detail::adopt(std::make_unique<detail::FilenamesNode>(
      std::move(place), pattern, options.poll_interval, options.loop));
  return {Stream<std::filesystem::path>(std::move(hold), &node), &node};
}

}  // namespace penstock
