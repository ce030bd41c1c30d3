// Token: tells when the last trace of an element is gone.
//
//   source.emit(message, penstock::Token([offset] { acknowledge(offset); }));
//
// It travels with the element and with what nodes make of it. Its callback runs once, when no node,
// queue, worker or pending sink holds the element any more, because it has left the last sink, was
// dropped (filter, unique, an error) or its graph was destroyed. Windows and joins hold the tokens of all
// their elements; flatten() gives the token to the last item.
//
// Copies are cheap and share one callback. Thread-safe, as shared pointers are: one object belongs to one
// thread, its copies to any. The callback runs on the thread that lets go last and must not throw.
#pragma once

#include <atomic>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"

namespace penstock {

class Token {
 public:
  Token() = default;  // none
  explicit Token(absl::AnyInvocable<void()> released);

  // One token that holds all of these. Those that are none do not count.
  static Token join(std::vector<Token> tokens);
  static Token join(Token a, Token b);

  Token(const Token& other) : state_(other.state_) {
    if (state_ != nullptr) acquire();
  }
  Token(Token&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  Token& operator=(Token other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~Token() {
    if (state_ != nullptr) release();
  }

  explicit operator bool() const { return state_ != nullptr; }

 private:
  struct State;
  void acquire() const;
  void release();
  static State* let_go(Token& token, State* gone);

  State* state_ = nullptr;
};

}  // namespace penstock
