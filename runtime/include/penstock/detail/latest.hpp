// The last element of one input of a join.
#pragma once

#include <optional>
#include <utility>

#include "penstock/detail/delivery.hpp"
#include "penstock/detail/local_call.hpp"
#include "penstock/token.hpp"

namespace penstock::detail {

template <class T>
struct Latest {
  std::optional<T> value;
  Token token;
  bool ended = false;  // no more will come

  // Returns the token of the value before: to be let go last, its callback may emit.
  template <class U>
  Token set(U&& next, Delivery& delivery) {
    value = keep<T>(std::forward<U>(next));
    return std::exchange(token, delivery.token());
  }
};

}  // namespace penstock::detail
