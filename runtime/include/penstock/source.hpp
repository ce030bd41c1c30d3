// Sources: streams that emit by themselves between start() and stop().
//
//   auto lines = penstock::from_iterable(std::vector{1, 2, 3});
//   lines.map(f).sink(g);
//   lines.start();
//
// A source with a loop (its option, or its graph's at start()) emits on that loop, the next element
// when the previous one was delivered. from_iterable without a loop emits all in start(), on the
// caller's thread, and throws the first error when it is through. A started source keeps its graph
// alive.
#pragma once

#include <filesystem>
#include <memory>
#include <ranges>
#include <set>
#include <string>
#include <utility>

#include "penstock/detail/decoupled.hpp"
#include "penstock/detail/source_control.hpp"
#include "penstock/nodes/options.hpp"
#include "penstock/stream.hpp"

namespace penstock {
namespace detail {

// Emits the elements of a range, each when the one before was delivered, and ends. What the range
// throws obeys the node's policy: an element that cannot be read is left out, a range that cannot
// go on ends.
template <class Range>
class IterableNode : public NodeBase,
                     public Outlet<std::ranges::range_value_t<Range>>,
                     public SourceControl {
  using T = std::ranges::range_value_t<Range>;

 public:
  IterableNode(Place place, Range range)
      : NodeBase(std::move(place), "from_iterable"), range_(std::move(range)) {}
  NodeBase& node() override { return *this; }

  void start_source() override {
    running_ = true;
    if (loop() == nullptr) return emit_inline();
    loop()->post(while_alive([this, hold = GraphHold(graph()), flight = Flight(graph())]() mutable {
      if (pumping_) return;  // started again before the stop was noticed
      pumping_ = true;
      running_hold_ = hold;
      flight_ = std::move(flight);
      pump();
    }));
  }
  void stop_source() override { running_ = false; }

 private:
  bool goes_on() const { return running_ && !exhausted_ && !this->closed(); }

  // The first error is start()'s, as if it were an emit(); the others go where nobody waits.
  void emit_inline() {
    const InlineEmit scope;
    std::exception_ptr first;
    while (goes_on()) {
      Delivery delivery;
      guarded(*this, delivery, [&] { step(delivery); });
      auto error = wait(std::move(delivery));
      if (error && first) graph()->report(std::move(error));
      if (!first) first = std::move(error);
    }
    running_ = false;
    if (first) std::rethrow_exception(first);
  }

  static std::exception_ptr wait(Delivery delivery) {
    if (delivery.immediate()) return delivery.take_error();
    Waiter waiter;
    std::move(delivery).finish([&](std::exception_ptr error) { waiter.complete(std::move(error)); });
    try {
      waiter.wait(nullptr);
    } catch (...) {
      return std::current_exception();
    }
    return nullptr;
  }

  void pump() {
    while (goes_on()) {
      const bool delivered = deliver(
          *this, {}, [this](Delivery& d) { step(d); }, [this] { pump(); });
      if (!delivered) return;
    }
    pumping_ = false;
    flight_ = {};
    running_hold_ = {};  // last: it may be the one that keeps this node
  }

  // Emits the next element, or the end.
  void step(Delivery& delivery) {
    if (at_element(delivery)) return this->push_down(T(**next_), delivery);
    exhausted_ = true;
    this->close();
    this->end_down(delivery);
  }

  // Moves on only when the next element is wanted: a generator must not run ahead.
  bool at_element(Delivery& delivery) {
    try {
      if (next_) {
        ++*next_;
      } else {
        next_.emplace(std::ranges::begin(range_));
      }
      return *next_ != std::ranges::end(range_);
    } catch (...) {
      handle_error(std::current_exception(), delivery);
      return false;
    }
  }

  Range range_;
  std::optional<std::ranges::iterator_t<Range>> next_;
  std::atomic<bool> running_{false};
  bool exhausted_ = false;
  bool pumping_ = false;
  Flight flight_;
  GraphHold running_hold_;
};

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

// A stream with start() and stop(). stop() takes effect before the next element; start() goes on there.
template <class T>
class Source : public Stream<T> {
 public:
  Source(Stream<T> stream, detail::SourceControl* control)
      : Stream<T>(std::move(stream)), control_(control) {}

  void start() const {
    const auto node = this->pin();
    control_->start_source();
  }
  void stop() const {
    const auto node = this->pin();
    control_->stop_source();
  }

 private:
  detail::SourceControl* control_;
};

// Emits the elements of any range (container, view, generator), then ends. The range is moved in.
template <std::ranges::input_range Range>
auto from_iterable(Range range, TimeOptions options = {}) {
  using Node = detail::IterableNode<Range>;
  using T = std::ranges::range_value_t<Range>;
  auto place = detail::NodeBase::Place::fresh();
  if (options.loop) place.domain->set(options.loop.get());
  detail::GraphHold hold(place.graph);
  auto& node = detail::adopt(std::make_unique<Node>(std::move(place), std::move(range)));
  return Source<T>(Stream<T>(std::move(hold), &node), &node);
}

struct FilenamesOptions {
  Duration poll_interval = std::chrono::milliseconds{100};  // positive
  LoopRef loop = {};
};

// Emits the path of every file that matches `pattern`, and of each that appears later. The pattern is
// a folder (all in it) or a path with * and ? in its last part. Sorted within one poll; each path once.
// A folder that does not exist yet is empty. Remembers every name it has seen.
Source<std::filesystem::path> filenames(const std::string& pattern, FilenamesOptions options = {});

}  // namespace penstock
