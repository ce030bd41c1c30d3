// from_iterable(range): emits the elements of any range (container, view, generator), then ends. The range
// is moved in. The elements of a container are moved out of it; those of a view, which others have too, are
// copied.
//
//   auto numbers = penstock::from_iterable(std::vector{1, 2, 3});
//   numbers.map(f).sink(g);
//   numbers.start();
//
//   out  123|
//
// Without a loop start() emits all of it on the caller's thread, and throws the first error when it is
// through. With one, the loop emits, each element when the one before was delivered; what is raised goes to
// the graph's error handler and the next drain(), which waits for the end. What the range throws obeys the
// source's policy. stop() takes effect before the next element, start() goes on there.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <ranges>
#include <utility>

#include "penstock/detail/decoupled.hpp"
#include "penstock/detail/source_control.hpp"
#include "penstock/nodes/options.hpp"
#include "penstock/source.hpp"

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
  bool goes_on() const { return running_ && !exhausted_ && !this->life()->closed(); }

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
    if (at_element(delivery)) return this->push_down(take(), delivery);
    exhausted_ = true;
    this->close();
    this->end_down(delivery);
  }

  T take() {
    if constexpr (std::ranges::view<Range> || std::ranges::borrowed_range<Range>) {
      return T(**next_);
    } else {
      return T(std::ranges::iter_move(*next_));
    }
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

}  // namespace detail

template <std::ranges::input_range Range>
auto from_iterable(Range range, TimeOptions options = {}) {
  using Node = detail::IterableNode<Range>;
  using T = std::ranges::range_value_t<Range>;
  static_assert(!std::ranges::view<Range> || std::is_constructible_v<T, std::ranges::range_reference_t<Range>>,
                "the elements of this view cannot be copied: move their container into from_iterable()");
  auto place = detail::NodeBase::Place::fresh();
  if (options.loop) place.domain->set(options.loop.get());
  detail::GraphHold hold(place.graph);
  auto& node = detail::make_node<Node>(std::move(place), std::move(range));
  return Source<T>(Stream<T>(std::move(hold), &node), &node);
}

}  // namespace penstock
