#include "penstock/token.hpp"

namespace penstock {

struct Token::State {
  std::atomic<std::size_t> holders{1};
  absl::AnyInvocable<void()> released;
  std::vector<Token> parts;     // of a join; none is none
  State* next_gone = nullptr;  // while it is released
};

Token::Token(absl::AnyInvocable<void()> released)
    : state_(new State{.released = std::move(released), .parts = {}}) {}

Token Token::join(std::vector<Token> tokens) {
  std::erase_if(tokens, [](const Token& token) { return !token; });
  if (tokens.empty()) return {};
  if (tokens.size() == 1) return std::move(tokens.front());
  Token joined;
  joined.state_ = new State{.released = {}, .parts = std::move(tokens)};
  return joined;
}

Token Token::join(Token a, Token b) {
  if (!a || a.state_ == b.state_) return b;
  if (!b) return a;
  std::vector<Token> both;
  both.reserve(2);
  both.push_back(std::move(a));
  both.push_back(std::move(b));
  return join(std::move(both));
}

void Token::acquire() const { state_->holders.fetch_add(1, std::memory_order_relaxed); }

// Not recursive: in a window, joins of joins are as deep as the window is long.
void Token::release() {
  State* gone = let_go(*this, nullptr);
  while (gone != nullptr) {
    State* state = std::exchange(gone, gone->next_gone);
    if (state->released) state->released();
    for (auto part = state->parts.rbegin(); part != state->parts.rend(); ++part) {
      gone = let_go(*part, gone);
    }
    delete state;
  }
}

// Puts the state before `gone` when nobody else holds it.
Token::State* Token::let_go(Token& token, State* gone) {
  State* state = std::exchange(token.state_, nullptr);
  if (state->holders.fetch_sub(1, std::memory_order_acq_rel) != 1) return gone;
  state->next_gone = gone;
  return state;
}

}  // namespace penstock
