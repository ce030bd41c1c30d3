// Registration of task types, before main().
#pragma once

#include <string>
#include <typeinfo>
#include <utility>

#include "penstock/detail/export.hpp"
#include "penstock/detail/stage.hpp"

namespace penstock::detail {

// In the table of this process while it lives: from the load of its module until its unload.
class PENSTOCK_EXPORT Registration {
 public:
  explicit Registration(const TaskEntry& entry);
  ~Registration();
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

 private:
  const TaskEntry& entry_;
};

// Naming it instantiates the registration it points at, even where the code that names it never
// runs:
//   (void)sizeof(Anchor<&Task::registered>);
template <const auto* kRegistered>
struct Anchor {};

// The base of all task types. Hidden, because two shared libraries with the same inline lambda must
// register one copy each: with default visibility the second would find the first one's guard set.
template <class Task>
struct [[gnu::visibility("hidden")]] Registered {
  // Not const: constants that are equal may be merged, and the address is the identity.
  inline static constinit TaskEntry entry = {&Task::function,
                                             &Task::signature,
                                             &typeid(typename Task::Argument),
                                             &typeid(typename Task::Result),
                                             &Task::bind,
                                             &Task::decode,
                                             &Task::call,
                                             &Task::encode};
  inline static const Registration registered{entry};
};

// Thrown by TaskEntry::call when its input is at fault, not the user's function.
class PENSTOCK_EXPORT BadInput {
 public:
  explicit BadInput(std::string text) : text_(std::move(text)) {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

struct ExceptionText {
  std::string type;  // "std::out_of_range", demangled
  std::string text;  // what(), "unknown exception" when it is not a std::exception
};

// Of the exception that is being handled.
PENSTOCK_EXPORT ExceptionText describe_exception();

}  // namespace penstock::detail
