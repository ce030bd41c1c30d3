// What the tests of joins share.
#pragma once

#include <functional>
#include <tuple>
#include <vector>

#include "tests/runtime/stream_support.hpp"

namespace penstock::testing {

// Makes tokens that note their number when they are released.
class NumberedTokens {
 public:
  Token operator()(int number) {
    return Token([this, number] { released_.push_back(number); });
  }
  const std::vector<int>& released() const { return released_; }

 private:
  std::vector<int> released_;
};

// Tells when the stream ends.
template <class T>
class EndNode : public detail::Operator<EndNode<T>, T, detail::Nothing> {
 public:
  EndNode(detail::Place place, std::function<void()> ended)
      : detail::Operator<EndNode, T, detail::Nothing>(std::move(place), "end"), ended_(std::move(ended)) {}
  template <class U>
  void receive(U&&, detail::Delivery&) {}
  void flush(detail::Delivery&) { ended_(); }

 private:
  const std::function<void()> ended_;
};

template <class... T>
auto tuple(T... values) {
  return std::tuple<T...>(values...);
}

}  // namespace penstock::testing
