// The wait of one emit(): done when nobody holds the element on its behalf any more.
#pragma once

#include <atomic>
#include <exception>
#include <mutex>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "penstock/token.hpp"

namespace penstock::detail {

// An emit creates one on its stack and passes it down the graph by reference. A node that keeps the
// element for later takes a hold() of its own and lets it go when the element has left; until then
// the emit waits. Nothing is allocated when nobody holds or fails.
//
// hold(), fail() and letting go are safe from any thread.
class Delivery {
 public:
  using Done = absl::AnyInvocable<void(std::exception_ptr)>;

  Delivery() = default;
  // Of an element with this token.
  explicit Delivery(Token token) : token_(std::move(token)) {}
  Delivery(Delivery&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)), token_(std::move(other.token_)) {}
  Delivery& operator=(Delivery&& other) noexcept {
    if (this != &other) {
      release();
      state_ = std::exchange(other.state_, nullptr);
      token_ = std::move(other.token_);
    }
    return *this;
  }
  [[gnu::always_inline]] ~Delivery() {
    if (state_ != nullptr || token_) [[unlikely]] release();
  }

  // Another delivery of the same emit, which waits for this one too and holds the element's token.
  Delivery hold() {
    if (state_ == nullptr) state_ = new State;
    state_->held.store(true, std::memory_order_relaxed);
    state_->holders.fetch_add(1, std::memory_order_relaxed);
    Delivery held(token_);
    held.state_ = state_;
    return held;
  }

  // Of the element that is delivered; none for most.
  const Token& token() const { return token_; }

  // The first error wins; the emit reports it when it is done.
  void fail(std::exception_ptr error) {
    if (state_ == nullptr) state_ = new State;
    std::lock_guard lock(state_->mutex);
    if (!state_->error) state_->error = std::move(error);
  }

  // The same for all deliveries of one emit that live at the same time.
  const void* id() const {
    return state_ != nullptr ? static_cast<const void*>(state_) : static_cast<const void*>(this);
  }

  // Nobody ever took a hold: the emit is over, with this error or none.
  bool immediate() const {
    return state_ == nullptr || !state_->held.load(std::memory_order_relaxed);
  }
  [[gnu::always_inline]] bool immediate_success() const { return state_ == nullptr; }
  // When it is immediate.
  std::exception_ptr take_error() {
    return state_ == nullptr ? nullptr : std::exchange(state_->error, nullptr);
  }

  // Lets this hold go and calls `done` with the first error, or null, when all holds are gone: at
  // once, or later on the thread of the last one. Not by way of a Done when it is at once: that may allocate.
  template <class Function>
  void finish(Function done) && {
    if (immediate()) {
      auto error = take_error();
      release();
      return done(std::move(error));
    }
    state_->done = std::move(done);  // ordered before the release below
    release();
  }

 private:
  struct State {
    std::atomic<int> holders{1};
    std::atomic<bool> held{false};  // by another than the emit itself, ever
    std::mutex mutex;
    std::exception_ptr error;
    Done done;
  };

  // The token first: when the emit is told, its element is gone.
  [[gnu::noinline]] void release() {
    token_ = {};
    State* state = std::exchange(state_, nullptr);
    if (state == nullptr) return;
    if (state->holders.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (state->done) state->done(std::move(state->error));
    delete state;
  }

  friend class WithToken;

  State* state_ = nullptr;  // none for most: a single check tells that all went well
  Token token_;
};

// A delivery that carries another token for a while: of a window, or of the last of several items.
class WithToken {
 public:
  WithToken(Delivery& delivery, Token token)
      : delivery_(delivery), before_(std::exchange(delivery.token_, std::move(token))) {}
  ~WithToken() { delivery_.token_ = std::move(before_); }
  WithToken(const WithToken&) = delete;
  WithToken& operator=(const WithToken&) = delete;

 private:
  Delivery& delivery_;
  Token before_;
};

}  // namespace penstock::detail
