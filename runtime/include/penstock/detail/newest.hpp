// The newest of several elements: for nodes that drop the older ones.
#pragma once

#include <optional>
#include <utility>

#include "penstock/token.hpp"

namespace penstock::detail {

template <class T>
class Newest {
 public:
  explicit operator bool() const { return value_.has_value(); }

  // The one before is dropped, its token last: its callback may emit again.
  void set(T value, Token token) {
    const Token dropped = std::exchange(token_, std::move(token));
    value_.emplace(std::move(value));
  }

  Token take_token() { return std::exchange(token_, {}); }

  // Empty afterwards, even when moving throws.
  T take() {
    struct Leave {
      std::optional<T>& value;
      ~Leave() { value.reset(); }
    } leave{value_};
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
  Token token_;
};

}  // namespace penstock::detail
