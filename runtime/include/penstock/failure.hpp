// What a node does with the exception of a user's function.
#pragma once

#include <exception>
#include <functional>
#include <string>
#include <utility>

namespace penstock {

// An error on its way to a dead-letter stream.
struct Failure {
  std::exception_ptr error;
  std::string node;  // its name, or its kind: "map"

  // what() of the error, or "unknown exception".
  std::string text() const;
};

template <class T>
class Stream;

// A node never dies of a user's exception; the other elements go on in every case.
//
//   source.map(parse).on_error(ErrorPolicy::skip())
//   source.map(parse).on_error(ErrorPolicy::dead_letter(errors))   // Stream<Failure> errors
class ErrorPolicy {
 public:
  enum class Kind { kRaise, kSkip, kDeadLetter };

  // The default: the emit that waits for the element throws it. Behind a node that decouples (buffer,
  // delay, scatter, ...) it goes to the graph's error handler and the next drain().
  static ErrorPolicy raise() { return ErrorPolicy(Kind::kRaise); }
  // Drops the element.
  static ErrorPolicy skip() { return ErrorPolicy(Kind::kSkip); }
  // Drops the element and emits the error into `errors`, which then belongs to the same graph.
  static ErrorPolicy dead_letter(const Stream<Failure>& errors);

  Kind kind() const { return kind_; }

 private:
  explicit ErrorPolicy(Kind kind) : kind_(kind) {}
  friend class NodeHandle;

  Kind kind_;
  std::function<void(class NodeHandle&)> attach_;
};

}  // namespace penstock
