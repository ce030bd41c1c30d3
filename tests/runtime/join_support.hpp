// What the tests of joins share.
#pragma once

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

template <class... T>
auto tuple(T... values) {
  return std::tuple<T...>(values...);
}

}  // namespace penstock::testing
