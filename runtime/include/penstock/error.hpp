// The exceptions that Penstock itself throws. What a user's function throws travels as it is.
#pragma once

#include <stdexcept>

namespace penstock {

// Wrong use or an outside failure; the text says what to do.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A call that would block its own event loop, or a graph with two event loops.
class LoopError : public Error {
 public:
  using Error::Error;
};

// emit() after close().
class ClosedError : public Error {
 public:
  using Error::Error;
};

// Use of a node after destroy().
class DestroyedError : public Error {
 public:
  using Error::Error;
};

}  // namespace penstock
