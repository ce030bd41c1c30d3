// What a node does with the exception of a user's function.
#pragma once

#include <algorithm>
#include <any>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <utility>

namespace penstock {

// An error on its way to a dead-letter stream.
struct Failure {
  std::exception_ptr error;
  std::string node;  // its name, or its kind: "map"
  // What came into the node, as its own type: std::any_cast<Order>(failure.element). Empty when no single
  // element failed (at the end of a stream), or when it cannot be copied.
  std::any element = {};

  // what() of the error, or "unknown exception".
  std::string text() const;
};

namespace detail {

// What to wait before the next attempt of something that has failed so many times, at least once: the first
// pause, then twice as long, and so on.
inline std::chrono::nanoseconds pause_after(std::chrono::nanoseconds first, unsigned failed) {
  return first * (1U << std::min(failed - 1, 20U));
}

}  // namespace detail

template <class T>
class Stream;

// A node never dies of a user's exception; the other elements go on in every case.
//
//   source.map(parse).on_error(ErrorPolicy::skip())
//   source.map(parse).on_error(ErrorPolicy::dead_letter(errors))   // Stream<Failure> errors
//   source.map(fetch).on_error(ErrorPolicy::retry(3, 100ms))
class ErrorPolicy {
 public:
  enum class Kind : std::uint8_t { kRaise, kSkip, kDeadLetter };

  // How often a failed element is tried again, and how long after the first failure; then twice as long,
  // and so on.
  struct Retry {
    unsigned times = 0;
    std::chrono::nanoseconds pause{0};
  };

  // The default: the emit that waits for the element throws it. Behind a node that decouples (buffer,
  // delay, scatter, ...) it goes to the graph's error handler and the next drain().
  static ErrorPolicy raise() { return ErrorPolicy(Kind::kRaise); }
  // Drops the element.
  static ErrorPolicy skip() { return ErrorPolicy(Kind::kSkip); }
  // Drops the element and emits it with its error into `errors`, which then belongs to the same graph.
  static ErrorPolicy dead_letter(const Stream<Failure>& errors);
  // Gives the element to the node again, up to `times` times; when it fails still, `then` applies. Its emit
  // waits, and so do the elements behind it: their order is kept. With a pause the graph needs a loop.
  // Elements that cannot be copied are not tried again. A source has nothing to try again: its on_error()
  // refuses this with an Error. A node that has passed something on before it
  // threw (flatten) passes it on again.
  // Sinks that send (to_kafka, to_mqtt, any SendingSink) do not keep the order: while a failed element waits
  // for its pause, others go out, and it is sent behind them.
  static ErrorPolicy retry(unsigned times, std::chrono::nanoseconds pause = {},
                           ErrorPolicy then = raise());

  Kind kind() const { return kind_; }
  const Retry& retries() const { return retry_; }

 private:
  explicit ErrorPolicy(Kind kind) : kind_(kind) {}
  friend class NodeHandle;

  Kind kind_;
  Retry retry_;
  std::function<void(class NodeHandle&)> attach_;
};

inline ErrorPolicy ErrorPolicy::retry(unsigned times, std::chrono::nanoseconds pause, ErrorPolicy then) {
  then.retry_ = {times, pause};
  return then;
}

}  // namespace penstock
