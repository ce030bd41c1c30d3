// The aggregate of the elements in one window, with their times and tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "penstock/aggregates.hpp"
#include "penstock/detail/fifo.hpp"
#include "penstock/detail/sorted_window.hpp"
#include "penstock/detail/two_stacks.hpp"
#include "penstock/detail/window_tokens.hpp"
#include "penstock/loop.hpp"

namespace penstock::detail {

struct WindowBounds {
  std::size_t elements;
  std::optional<Duration> interval = {};
};

// The tokens that one element moves. What left is let go of when its result has passed on.
struct TokensOfStep {
  Token left;    // destroyed last
  Token result;  // before: the element's own

  void leave(Token token) { left = Token::join(std::move(left), std::move(token)); }
};

template <class A, class V>
struct SummaryOf {
  using Type = TwoStacks<A, V>;
};
template <class V>
struct SummaryOf<aggregates::Quantile, V> {
  using Type = SortedWindow<V>;
};

template <class A, class V>
class SlidingAggregate {
  using Summary = typename SummaryOf<A, V>::Type;

 public:
  using Result = typename Summary::Result;

  // Adds an element that came now and returns the aggregate of the window that it ends. What the
  // aggregate throws leaves the element out; older ones stay, but for those whose time is over.
  Result add(const A& aggregate, const WindowBounds& bounds, const V& value, TimePoint now,
             TokensOfStep& tokens) {
    if (bounds.interval) {
      drop_until(now - *bounds.interval, aggregate, tokens);
      times_.make_room();
    }
    Result result = summary_.append(aggregate, value, summary_.size() == bounds.elements);
    if (bounds.interval) times_.push(now);
    if (times_.size() > summary_.size()) times_.pop();
    tokens_.add(next_++, tokens.result);
    drop_tokens(tokens);
    tokens.result = tokens_.joined();
    return result;
  }

  // Whether no element came after `then`; with an interval only.
  bool is_over(TimePoint then) const { return times_.empty() || times_.back() <= then; }

  // Returns a token that holds all elements that there were.
  Token clear() {
    summary_.clear();
    times_.clear();
    return tokens_.drop_all();
  }

 private:
  void drop_until(TimePoint then, const A& aggregate, TokensOfStep& tokens) {
    if (is_over(then)) return tokens.leave(clear());
    while (times_.front() <= then) {
      summary_.drop_oldest(aggregate);
      times_.pop();
    }
    drop_tokens(tokens);
  }

  void drop_tokens(TokensOfStep& tokens) { tokens.leave(tokens_.drop_before(oldest())); }

  std::uint64_t oldest() const { return next_ - summary_.size(); }

  Summary summary_;
  Fifo<TimePoint> times_;  // with an interval only
  WindowTokens tokens_;
  std::uint64_t next_ = 0;  // the number of the next element
};

}  // namespace penstock::detail
