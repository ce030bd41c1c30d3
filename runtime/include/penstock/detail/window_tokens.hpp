// The tokens of the elements in a window, and one that holds them all: O(1) amortised for each
// element that has one, nothing for the others.
//
// The callback of a token may emit again: nothing is let go of in here, only by who called, at
// last.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "penstock/detail/fifo.hpp"
#include "penstock/detail/two_stacks.hpp"
#include "penstock/token.hpp"

namespace penstock::detail {

// Elements are numbered by their window, in order.
class WindowTokens {
 public:
  void add(std::uint64_t number, const Token& token) {
    if (!token) return;
    if (!held_) held_ = std::make_unique<Held>();
    held_->numbers.make_room();
    held_->tokens.append(Join{}, token, false);
    held_->numbers.push(number);
  }

  // Returns a token that holds the elements before this one, which have left.
  Token drop_before(std::uint64_t number) {
    Token dropped;
    while (held_ && held_->numbers.front() < number) {
      dropped = Token::join(std::move(dropped), held_->tokens.drop_oldest(Join{}));
      held_->numbers.pop();
      if (held_->numbers.empty()) held_.reset();
    }
    return dropped;
  }
  Token drop_all() {
    Token dropped = joined();
    held_.reset();
    return dropped;
  }

  Token joined() const { return held_ ? held_->tokens.total(Join{}) : Token(); }

 private:
  struct Join {
    const Token& of(const Token& token) const { return token; }
    Token combine(const Token& older, const Token& newer) const {
      return Token::join(older, newer);
    }
    const Token& result(const Token& all) const { return all; }
  };
  struct Held {
    TwoStacks<Join, Token> tokens;
    Fifo<std::uint64_t> numbers;
  };

  std::unique_ptr<Held> held_;  // none: no element in the window has a token
};

}  // namespace penstock::detail
